"""Intervals between saves: oracle fixtures, limits, and the optimum being one."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import lambertw

from sim.theory import (
    Saves,
    best_interval,
    daly,
    exact_interval,
    interval_penalty,
    nvidia_period,
    periodic_ettr,
    saved_work,
    young,
)

FIXED = settings(derandomize=True, deadline=None, max_examples=200)


@pytest.mark.parametrize(
    ("mtbf", "exact", "higher_order"), [(1440.0, 116.690, 116.690), (360.0, 56.7140, 56.7130), (15.0, 9.16650, 9.14092)]
)
def test_o3a_and_o3b(mtbf: float, exact: float, higher_order: float) -> None:
    assert exact_interval(5.0, mtbf) == pytest.approx(exact, rel=6e-6)
    assert daly(5.0, mtbf) == pytest.approx(higher_order, rel=6e-6)


def test_o3c() -> None:
    assert nvidia_period(2.0, 180.0, 15.0) == pytest.approx(30.0, rel=1e-12)


def test_o3c_maximises_its_availability() -> None:
    def availability(period: float) -> float:
        return (1.0 - 2.0 / period) * 180.0 / (180.0 + 15.0 + period / 2.0)

    assert availability(30.0) > max(availability(29.9), availability(30.1))


def test_o3d() -> None:
    best = exact_interval(1.0, 1e4)

    def overhead(interval: float) -> float:
        return 1.0 / periodic_ettr(1e4, interval, 1.0) - 1.0

    assert interval_penalty(2.0) == 1.25
    assert overhead(2.0 * best) / overhead(best) == pytest.approx(1.25118, rel=5e-6)


@pytest.mark.parametrize("ratio", [1e-3, 0.01, 0.019, 0.021, 0.1, 0.5, 0.99, 1.01, 2.0, 10.0, 100.0])
def test_exact_interval_is_lamberts(ratio: float) -> None:
    # W0 itself loses digits towards its branch point: its argument is good to eps, so 1 + W0 to sqrt(2 ratio) of it.
    tolerance = 1e-14 + 4e-16 / ratio
    assert exact_interval(ratio, 1.0) == pytest.approx(1.0 + lambertw(-math.exp(-1.0 - ratio)).real, rel=tolerance)


@pytest.mark.parametrize("ratio", [1e-4, 1e-6, 1e-9, 1e-12, 1e-18, 1e-40, 1e-200])
def test_exact_interval_keeps_its_digits_for_short_saves(ratio: float) -> None:
    # The series of the root in p = sqrt(2 ratio), cut off after p**4: the next term is p**5 / 4320.
    p = math.sqrt(2.0 * ratio)
    series = p * (1.0 - p / 3.0 + p**2 / 36.0 + p**3 / 270.0)
    assert exact_interval(ratio, 1.0) == pytest.approx(series, rel=1e-15 + p**4 / 4000.0)


@FIXED
@given(st.floats(-15.0, 3.0), st.floats(-3.0, 8.0))
def test_exact_interval_is_a_maximum(log_ratio: float, log_mtbf: float) -> None:
    mtbf = 10.0**log_mtbf
    save = 10.0**log_ratio * mtbf
    best = exact_interval(save, mtbf)
    assert 0.0 < best <= mtbf
    # Long saves: the logarithm of the ETTR without the factor exp(-save/mtbf), which may underflow.
    at_best, below, above = (
        math.log(t) - (t + save) / mtbf - math.log(-math.expm1(-(t + save) / mtbf))
        for t in (best, 0.9 * best, 1.1 * best)
    )
    # The overhead at short saves is sqrt(2 ratio), 0.5 % of which (O3d) is lost at 10 % off; rounding is 1e-15.
    if log_ratio > -12.0:
        assert at_best > max(below, above)
    else:
        assert at_best >= max(below, above) - 1e-14


@FIXED
@given(st.floats(-9.0, math.log10(1.0 / 3.0)))
def test_daly_is_within_its_stated_error(log_ratio: float) -> None:
    ratio = 10.0**log_ratio
    assert 0.997 * exact_interval(ratio, 1.0) < daly(ratio, 1.0) <= exact_interval(ratio, 1.0) * (1.0 + 1e-12)


def test_short_saves_tend_to_young() -> None:
    for ratio in (1e-4, 1e-6, 1e-8):
        # First terms of the series: exact = young (1 - p/3 + ...), p = sqrt(2 ratio).
        error = exact_interval(ratio, 1.0) / young(ratio, 1.0) - 1.0
        assert -0.34 * math.sqrt(2.0 * ratio) < error < 0.0


def test_long_saves() -> None:
    assert daly(2.0, 1.0) == 1.0
    assert daly(5.0, 1.0) == 1.0
    assert exact_interval(50.0, 1.0) == pytest.approx(1.0, rel=1e-15)


asynchronous = st.tuples(
    st.floats(0.01, 5.0),
    st.floats(0.0, 300.0),
    st.floats(0.0, 0.95),
    st.sampled_from([0, 1, 2, 3, 7]),
    st.floats(1e-4, 0.05),
)


@FIXED
@given(asynchronous, st.floats(0.01, 3.0))
def test_best_interval_beats_any_other(case: tuple[float, float, float, int, float], factor: float) -> None:
    stall, persist, slowdown, in_flight, rate = case
    best = best_interval(rate, stall, persist, slowdown, in_flight)
    work = saved_work(rate, Saves(best, stall, persist, slowdown, in_flight))
    for off in (0.9, 1.1, factor):
        other = saved_work(rate, Saves(off * best, stall, persist, slowdown, in_flight))
        assert other <= work * (1.0 + 1e-12)


@FIXED
@given(asynchronous)
def test_best_interval_with_one_in_flight_does_not_wait(case: tuple[float, float, float, int, float]) -> None:
    stall, persist, slowdown, _, rate = case
    contained = (1.0 - slowdown) * persist
    best = best_interval(rate, stall, persist, slowdown, 1)
    if contained <= 1.0 / rate:
        assert best >= contained
        assert best == pytest.approx(max(exact_interval(stall + slowdown * persist, 1.0 / rate), contained), rel=1e-12)
    else:
        assert best == pytest.approx(1.0 / rate, rel=1e-9)


def test_best_interval_of_a_blocking_save_is_lamberts() -> None:
    assert best_interval(1.0 / 360.0, 5.0) == exact_interval(5.0, 360.0)


def test_best_interval_with_any_number_in_flight_and_no_stall() -> None:
    # Training slowed by 5 % all the time beats saves of 1 at any interval, sqrt(2 / 200) = 10 %.
    with pytest.raises(ValueError, match="shorter interval is always better"):
        best_interval(1.0 / 200.0, 0.0, 20.0, 0.05, 0)
    # A dearer slowdown has a best interval, here one that contains the persist.
    assert best_interval(1.0 / 200.0, 0.0, 1.0, 0.6, 0) == exact_interval(0.6, 200.0)
    # And a persist much longer than the life has one below it.
    best = best_interval(1.0, 0.0, 20.0, 0.9, 0)
    assert best < 0.1 * 20.0
    assert saved_work(1.0, Saves(best, 0.0, 20.0, 0.9, 0)) > saved_work(1.0, Saves(0.5 * best, 0.0, 20.0, 0.9, 0))


@pytest.mark.parametrize("bad", [0.0, -1.0, math.inf, math.nan])
def test_bad_values_are_refused(bad: float) -> None:
    for form in (young, daly, exact_interval):
        with pytest.raises(ValueError, match="save"):
            form(bad, 1.0)
        with pytest.raises(ValueError, match="mtbf"):
            form(1.0, bad)
    with pytest.raises(ValueError, match="alpha"):
        interval_penalty(bad)
    with pytest.raises(ValueError, match="mttf"):
        nvidia_period(1.0, bad, 1.0)
    with pytest.raises(ValueError, match="rate"):
        best_interval(bad, 1.0)


def test_more_bad_values_are_refused() -> None:
    with pytest.raises(ValueError, match="recovery"):
        nvidia_period(1.0, 1.0, -1.0)
    with pytest.raises(ValueError, match="costs nothing"):
        best_interval(0.01, 0.0, 20.0, 0.0, 1)
    with pytest.raises(ValueError, match="slowdown"):
        best_interval(0.01, 1.0, 1.0, 1.0, 1)
    with pytest.raises(ValueError, match="in_flight"):
        best_interval(0.01, 1.0, 1.0, 0.0, -1)
