"""ETTR: oracle fixtures, the general form against the special ones, brute force and an independent simulation."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.theory import (
    Saves,
    Stage,
    async_ettr,
    best_interval,
    constant_stage,
    ettr,
    ettr_at_optimum,
    ettr_of_classes,
    exact_interval,
    first_order_ettr,
    laplace_exponential,
    laplace_mixture,
    periodic_ettr,
    queue_ettr,
    queue_ettr_first_order,
    random_recovery_ettr,
    recovery_time,
    saved_work,
    wall_time,
    young,
)

FIXED = settings(derandomize=True, deadline=None, max_examples=200)
# The fixtures are given to six significant digits: half a unit of the sixth is at most 5e-6 of the value.
SIX_DIGITS = 5e-6


@pytest.mark.parametrize(
    ("mtbf", "interval", "work", "expected"),
    [(360.0, 57.0, 1140.0, 1391.30), (15.0, 9.1, 182.0, 911.529), (1440.0, 117.0, 2340.0, 2564.09)],
)
def test_o1(mtbf: float, interval: float, work: float, expected: float) -> None:
    assert wall_time(work, mtbf, interval, 5.0, 10.0) == pytest.approx(expected, rel=SIX_DIGITS)
    assert work / periodic_ettr(mtbf, interval, 5.0, 10.0) == pytest.approx(expected, rel=SIX_DIGITS)


def test_o2() -> None:
    assert wall_time(500.0, 120.0, 25.0, 3.0, 8.0, 12.0) == pytest.approx(741.628, rel=SIX_DIGITS)
    assert 500.0 / periodic_ettr(120.0, 25.0, 3.0, 8.0, 12.0) == pytest.approx(741.628, rel=SIX_DIGITS)


def test_wall_time_of_a_shorter_last_interval() -> None:
    assert wall_time(30.0, 120.0, 25.0, 3.0, 8.0, 12.0) == pytest.approx(
        wall_time(25.0, 120.0, 25.0, 3.0, 8.0, 12.0) + wall_time(5.0, 120.0, 5.0, 3.0, 8.0, 12.0), rel=1e-12
    )
    assert wall_time(1e-12, 120.0, 25.0, 3.0) == pytest.approx(120.0 * math.expm1(3.0 / 120.0), rel=1e-9)
    # 0.3 / 0.1 rounds to below 3: still three intervals, with three saves.
    assert wall_time(0.3, 10.0, 0.1, 1.0) == pytest.approx(3.0 * wall_time(0.1, 10.0, 0.1, 1.0), rel=1e-12)
    assert wall_time(1e5, 1.0, 1e4, 1.0) == math.inf


def test_o3e() -> None:
    for mtbf, save, recovery, expected in ((180.0, 2.0, 10.0, 0.811862), (30.0, 1.0, 6.0, 0.625124)):
        assert ettr_at_optimum(mtbf, save, recovery) == pytest.approx(expected, rel=SIX_DIGITS)
        best = exact_interval(save, mtbf)
        for detection in (0.0, 7.0):
            direct = periodic_ettr(mtbf, best, save, recovery, detection)
            assert ettr_at_optimum(mtbf, save, recovery, detection) == pytest.approx(direct, rel=1e-12)


def test_o4() -> None:
    rate = 1.0 / 180.0
    phi = laplace_mixture([(0.6, math.exp(-3.0 * rate)), (0.4, laplace_exponential(rate, 30.0))])
    assert random_recovery_ettr(180.0, 20.0, 2.0, phi, 5.0) == pytest.approx(0.775803, rel=SIX_DIGITS)
    incident = recovery_time(rate, 5.0, [(1.0, [Stage(0.6 * 3.0 + 0.4 * 30.0, phi)])])
    assert ettr(rate, Saves(20.0, 2.0), incident) == pytest.approx(0.775803, rel=SIX_DIGITS)


@pytest.mark.parametrize(
    ("persist", "slowdown", "in_flight", "expected"),
    [
        (15.0, 0.0, 1, 0.795529),
        (15.0, 0.0, 0, 0.795529),
        (15.0, 0.1, 1, 0.761013),
        (15.0, 0.1, 0, 0.761013),
        (70.0, 0.0, 0, 0.604262),
        (70.0, 0.0, 1, 0.287700),
    ],
)
def test_o5(persist: float, slowdown: float, in_flight: int, expected: float) -> None:
    value = async_ettr(200.0, 30.0, 0.5, persist, slowdown, in_flight, 12.0)
    assert value == pytest.approx(expected, rel=SIX_DIGITS)


def test_o11() -> None:
    assert queue_ettr(240.0, 30.0, 10.0, 5.0) == pytest.approx(0.882668, rel=SIX_DIGITS)
    assert queue_ettr_first_order(240.0, 30.0, 10.0, 5.0) == pytest.approx(0.880000, rel=SIX_DIGITS)
    rate = 1.0 / 240.0
    incident = recovery_time(rate, 0.0, [(1.0, [Stage(10.0, 1.0, False), constant_stage(rate, 5.0)])])
    assert ettr(rate, Saves(30.0), incident) == pytest.approx(0.882668, rel=SIX_DIGITS)


def test_o25() -> None:
    first, second = 1.0 / 300.0, 1.0 / 900.0
    assert ettr_of_classes([(first, 4.0), (second, 45.0)], 20.0, 1.5) == pytest.approx(0.833695, rel=SIX_DIGITS)
    total = first + second
    rules = [(first / total, [Stage(4.0, 1.0, False)]), (second / total, [Stage(45.0, 1.0, False)])]
    incident = recovery_time(total, 0.0, rules)
    assert ettr(total, Saves(20.0, 1.5), incident) == pytest.approx(0.833695, rel=SIX_DIGITS)


times = st.floats(0.01, 100.0)
costs = st.floats(0.0, 20.0)
lives = st.floats(20.0, 1e6)


@FIXED
@given(lives, times, costs, costs, costs)
def test_the_general_form_gives_o2(mtbf: float, interval: float, save: float, recovery: float, d: float) -> None:
    rate = 1.0 / mtbf
    incident = recovery_time(rate, d, [(1.0, [constant_stage(rate, recovery)])])
    value = ettr(rate, Saves(interval, save), incident)
    # (1 - phi) / rate is good to eps / rate, nothing against 1 / rate.
    assert value == pytest.approx(periodic_ettr(mtbf, interval, save, recovery, d), rel=1e-12)
    assert 0.0 < value < 1.0


@FIXED
@given(lives, times, st.floats(0.0, 5.0), st.floats(0.0, 200.0), st.floats(0.0, 0.9), costs)
def test_the_general_form_gives_all_of_o5(
    mtbf: float, interval: float, stall: float, persist: float, slowdown: float, recovery: float
) -> None:
    def oracle(b: float, lost: float) -> float:
        return interval * math.exp(-(lost + recovery) / mtbf) / (mtbf * -math.expm1(-b / mtbf))

    durable = interval + stall + persist
    if persist <= interval + stall:
        a = interval * math.exp(-(persist + recovery) / mtbf) / (mtbf * math.expm1((interval + stall) / mtbf))
        # One in flight: a trigger waits for the persist before it stalls, so O5a ends at persist = interval there.
        for in_flight in (0, 1, 2) if persist <= interval else (0, 2):
            value = async_ettr(mtbf, interval, stall, persist, 0.0, in_flight, recovery)
            assert value == pytest.approx(a, rel=1e-12)
    c = async_ettr(mtbf, interval, stall, persist, 0.0, 0, recovery)
    assert c == pytest.approx(oracle(interval + stall, durable), rel=1e-12)
    d = async_ettr(mtbf, interval, stall, persist, 0.0, 1, recovery)
    assert d == pytest.approx(oracle(max(interval + stall, stall + persist), durable), rel=1e-12)
    if persist * (1.0 - slowdown) <= interval:
        b = oracle(interval + stall + slowdown * persist, durable)
        for in_flight in (0, 1, 3):
            value = async_ettr(mtbf, interval, stall, persist, slowdown, in_flight, recovery)
            assert value == pytest.approx(b, rel=1e-12)


def durable_times(saves: Saves, until: float) -> list[float]:
    """When each version is durable, straight from the rule that save j waits for save j - F."""
    stretched = saves.interval / (1.0 - saves.slowdown)
    if stretched > saves.persist:
        stretched = saves.persist + (saves.interval - (1.0 - saves.slowdown) * saves.persist)
    starts = [saves.interval]
    while starts[-1] < until:
        start = starts[-1] + saves.stall + stretched
        if saves.in_flight and len(starts) >= saves.in_flight:
            start = max(start, starts[-saves.in_flight] + saves.stall + saves.persist)
        starts.append(start)
    return [start + saves.stall + saves.persist for start in starts]


schedules = st.builds(
    Saves,
    interval=st.floats(1.0, 50.0),
    stall=st.floats(0.0, 5.0),
    persist=st.floats(0.0, 200.0),
    slowdown=st.floats(0.0, 0.9),
    in_flight=st.sampled_from([0, 1, 2, 3, 5]),
)


@FIXED
@given(schedules, st.floats(0.005, 0.1))
def test_the_closed_sum_is_the_brute_force_sum(saves: Saves, rate: float) -> None:
    # Cut off where exp(-rate t) is 1e-17 of the first term.
    durable = durable_times(saves, 40.0 / rate)
    brute = saves.interval * math.fsum(math.exp(-rate * t) for t in durable)
    assert saved_work(rate, saves) == pytest.approx(brute, rel=1e-12)


@FIXED
@given(schedules, st.floats(1e-7, 0.05), st.floats(0.0, 1e3))
def test_an_ettr_is_a_share_that_faults_and_recovery_only_lower(saves: Saves, rate: float, incident: float) -> None:
    value = ettr(rate, saves, incident)
    assert 0.0 < value < 1.0
    assert ettr(rate, saves, incident + 1.0) < value
    assert ettr(1.1 * rate, saves, incident) < value
    assert ettr(rate, saves, math.inf) == 0.0
    # The first interval after a recovery is not slowed: rare faults bring the speed back to that of the saves.
    assert ettr(1e-12, saves, 0.0) == pytest.approx(ettr(0.0, saves, incident), rel=1e-8)


def test_limits() -> None:
    assert async_ettr(200.0, 30.0, 2.0, 0.0, 0.3, 1, 12.0, 4.0) == pytest.approx(
        periodic_ettr(200.0, 30.0, 2.0, 12.0, 4.0), rel=1e-14
    )
    assert periodic_ettr(200.0, 30.0, 2.0) == pytest.approx(30.0 / (200.0 * math.expm1(32.0 / 200.0)), rel=1e-14)
    assert periodic_ettr(1e12, 30.0, 2.0, 5.0, 5.0) == pytest.approx(30.0 / 32.0, rel=1e-9)
    assert ettr_of_classes([(0.01, 0.0)], 20.0, 1.0) == pytest.approx(periodic_ettr(100.0, 20.0, 1.0), rel=1e-14)
    assert ettr_of_classes([(0.01, 0.0), (0.0, 5.0)], 20.0, 1.0) == ettr_of_classes([(0.01, 0.0)], 20.0, 1.0)
    assert queue_ettr(240.0, 30.0, 0.0, 0.0) == periodic_ettr(240.0, 30.0, 0.0)
    assert periodic_ettr(1.0, 1e4, 0.0) == 0.0


def test_the_first_order_is_largest_at_young_and_close_for_rare_faults() -> None:
    best = young(2.0, 180.0)
    at_best = first_order_ettr(1.0 / 180.0, best, 2.0, 10.0)
    assert at_best > max(first_order_ettr(1.0 / 180.0, off * best, 2.0, 10.0) for off in (0.9, 1.1))
    assert first_order_ettr(1.0 / 240.0, 30.0, 0.0, 5.0) == pytest.approx(
        queue_ettr_first_order(240.0, 30.0, 0.0, 5.0), rel=1e-14
    )
    # The error is of second order in the overhead, here 0.0141 + 1e-3.
    exact = periodic_ettr(1e4, young(1.0, 1e4), 1.0, 10.0)
    assert abs(first_order_ettr(1e-4, young(1.0, 1e4), 1.0, 10.0) - exact) < 0.0152**2


def test_the_optimum_of_an_asynchronous_save_is_one_for_the_ettr() -> None:
    best = best_interval(1.0 / 200.0, 0.5, 15.0, 0.1, 1)
    value = async_ettr(200.0, best, 0.5, 15.0, 0.1, 1, 12.0)
    for off in (0.9, 1.1):
        assert async_ettr(200.0, off * best, 0.5, 15.0, 0.1, 1, 12.0) < value


def walk(saves: Saves, until: float) -> np.ndarray:
    """When each version is durable, by walking from event to event; shares nothing with the closed form."""
    durable: list[float] = []
    flying: list[float] = []
    now = progress = 0.0
    while now < until:
        speed = 1.0 - saves.slowdown if flying else 1.0
        trigger = now + (saves.interval - progress) / speed
        if flying and flying[0] <= trigger:
            progress += speed * (flying[0] - now)
            now = flying.pop(0)
            continue
        now, progress = trigger, 0.0
        if saves.in_flight and len(flying) == saves.in_flight:
            now = flying.pop(0)
        now += saves.stall
        flying = [end for end in flying if end > now]
        flying.append(now + saves.persist)
        durable.append(now + saves.persist)
    return np.array(durable)


@pytest.mark.parametrize("interval", [10.0, 25.0, 45.0, 80.0])
def test_two_in_flight_with_slowdown_against_a_simulation(interval: float) -> None:
    # 10: the third save waits; 25: persists overlap without a wait; 45 and 80: each persist ends in its interval.
    saves = Saves(interval, stall=1.5, persist=60.0, slowdown=0.3, in_flight=2)
    mtbf, recovery, detection, cycles = 150.0, 12.0, 3.0, 200_000
    rng = np.random.default_rng(20240501)
    lives = rng.exponential(mtbf, cycles)
    saved = interval * np.searchsorted(walk(saves, float(lives.max())), lives, side="right")
    # Incident: detection, then tries of the recovery until one is not struck.
    down = np.full(cycles, detection)
    open_ = np.arange(cycles)
    while open_.size:
        gap = rng.exponential(mtbf, open_.size)
        struck = gap < recovery
        down[open_] += np.where(struck, gap + detection, recovery)
        open_ = open_[struck]
    wall = lives + down
    ratio = saved.sum() / wall.sum()
    # Delta method for a ratio of totals; n = 200,000, |z| < 4.5 alarms falsely 7 times in a million. It notices
    # an error of 4.5 standard errors, some 0.7 % of the ETTR.
    error = np.std(saved - ratio * wall, ddof=1) / (math.sqrt(cycles) * wall.mean())
    z = (ratio - async_ettr(mtbf, interval, 1.5, 60.0, 0.3, 2, recovery, detection)) / error
    assert abs(z) < 4.5
    assert error < 0.002 * ratio


@pytest.mark.parametrize("bad", [-1.0, math.inf, math.nan])
def test_bad_values_are_refused(bad: float) -> None:
    good = {"mtbf": 100.0, "interval": 10.0, "save": 1.0, "recovery": 2.0, "detection": 3.0}
    for name in good:
        with pytest.raises(ValueError, match=name):
            periodic_ettr(**{**good, name: bad})
        with pytest.raises(ValueError, match=name):
            wall_time(20.0, **{**good, name: bad})
    for name in ("mtbf", "save", "recovery", "detection"):
        with pytest.raises(ValueError, match=name):
            ettr_at_optimum(**{key: value for key, value in {**good, name: bad}.items() if key != "interval"})
    for form in (queue_ettr, queue_ettr_first_order):
        arguments = {"mtbf": 100.0, "interval": 10.0, "queue": 1.0, "startup": 2.0}
        for name in ("mtbf", "interval", "queue"):
            with pytest.raises(ValueError, match=name):
                form(**{**arguments, name: bad})
    with pytest.raises(ValueError, match="startup"):
        queue_ettr_first_order(100.0, 10.0, 1.0, bad)
    schedule: dict[str, Any] = {"interval": 10.0, "stall": 1.0, "persist": 1.0, "slowdown": 0.1}
    for name in schedule:
        with pytest.raises(ValueError, match=name):
            Saves(**{**schedule, name: bad})
    with pytest.raises(ValueError, match="rate"):
        ettr(bad, Saves(1.0), 0.0)
    with pytest.raises(ValueError, match="rate"):
        first_order_ettr(bad, 1.0, 1.0, 1.0)
    with pytest.raises(ValueError, match="downtime"):
        ettr_of_classes([(0.1, bad)], 1.0, 1.0)


def test_more_bad_values_are_refused() -> None:
    for recovery in (-1.0, math.nan):
        with pytest.raises(ValueError, match="recovery_time"):
            ettr(0.1, Saves(1.0), recovery)
    with pytest.raises(ValueError, match="rate"):
        saved_work(0.0, Saves(1.0))
    with pytest.raises(ValueError, match="phi"):
        random_recovery_ettr(1.0, 1.0, 1.0, 1.5)
    with pytest.raises(ValueError, match="sum_of_rates"):
        ettr_of_classes([], 1.0, 1.0)
    for in_flight in (-1, 1.5, math.inf, math.nan):
        with pytest.raises(ValueError, match="in_flight"):
            Saves(1.0, in_flight=in_flight)  # type: ignore[arg-type]
