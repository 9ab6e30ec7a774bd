"""Spares and repair crews: oracle fixtures, limits and identities."""

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from sim.theory import (
    crew_wait,
    dead_spare_share,
    erlang_b,
    k_of_n,
    nodes_in_repair,
    stall_per_running,
    stalled_share,
    stalled_share_crews,
)

FIXED = settings(derandomize=True, deadline=None, max_examples=100)


def test_fixtures() -> None:
    assert stalled_share(8, 0.25 * 24.0) == pytest.approx(0.0751450, rel=5e-6)
    assert stalled_share_crews(8, 0.25 * 24.0, 5) == pytest.approx(0.224993, rel=5e-6)
    assert math.fsum(nodes_in_repair(k, 0.5 * 60.0) for k in range(41)) == pytest.approx(0.967690, rel=5e-6)
    assert k_of_n(64, 72, 0.94) == pytest.approx(0.971952, rel=5e-6)
    assert crew_wait(1.6, 0.5, 4) == pytest.approx(1.49108, rel=5e-6)
    assert stall_per_running(4, 0.25 * 24.0) == pytest.approx(0.563478, rel=5e-6)
    assert stalled_share(13, 0.5 * (0.7 * 4.0 + 0.3 * 72.0)) == pytest.approx(0.123901, rel=5e-6)


@pytest.mark.parametrize(("servers", "load"), [(0, 3.0), (1, 0.5), (5, 6.0), (30, 20.0)])
def test_erlang_b_is_the_sum_it_stands_for(servers: int, load: float) -> None:
    exact = Fraction(load)
    terms = [exact**j / math.factorial(j) for j in range(servers + 1)]
    assert erlang_b(servers, load) == pytest.approx(float(terms[-1] / sum(terms)), rel=1e-14)


def test_erlang_b_of_a_large_fleet_does_not_overflow() -> None:
    # Balanced load of many servers: sqrt(2 / (pi n)), the next term is of order 1/n.
    assert erlang_b(100_000, 1e5) == pytest.approx(math.sqrt(2.0 / (math.pi * 1e5)), rel=0.01)


@FIXED
@given(st.integers(0, 40), st.floats(0.0, 60.0), st.integers(1, 50))
def test_shares_are_shares_and_agree(spares: int, load: float, crews: int) -> None:
    endless = stalled_share(spares, load)
    few = stalled_share_crews(spares, load, crews)
    assert 0.0 <= endless <= few * (1.0 + 1e-12) <= 1.0 + 1e-12
    if crews > spares:
        assert few == pytest.approx(endless, rel=1e-14)
    assert stall_per_running(spares, load) == pytest.approx(endless / (1.0 - endless), rel=1e-9)
    assert stalled_share(spares + 1, load) <= endless


def test_limits() -> None:
    assert stalled_share(3, 0.0) == 0.0
    assert stalled_share(0, 2.0) == pytest.approx(2.0 / 3.0, rel=1e-15)
    assert crew_wait(0.0, 1.0, 3) == 0.0
    # One crew: the M/M/1 queue.
    assert crew_wait(0.6, 1.0, 1) == pytest.approx(0.6 / 0.4, rel=1e-14)
    assert nodes_in_repair(0, 0.0) == 1.0
    assert nodes_in_repair(2, 0.0) == 0.0
    assert [k_of_n(0, 5, 0.0), k_of_n(1, 5, 0.0), k_of_n(5, 5, 1.0), k_of_n(0, 0, 0.3)] == [1.0, 0.0, 1.0, 1.0]


@FIXED
@given(st.integers(1, 5000), st.floats(0.0, 1.0), st.floats(0.001, 0.999), st.floats(0.01, 500.0))
def test_against_scipy(total: int, share: float, availability: float, load: float) -> None:
    needed = round(share * total)
    expected = stats.binom.sf(needed - 1, total, availability)
    # lgamma of 5000 is about 4e4, good to 1e-16 of it: the terms are good to 1e-11.
    assert k_of_n(needed, total, availability) == pytest.approx(expected, rel=1e-10, abs=1e-250)
    count = min(needed, 1000)
    assert nodes_in_repair(count, load) == pytest.approx(stats.poisson.pmf(count, load), rel=1e-10, abs=1e-250)


@pytest.mark.parametrize("check", [1e-7, 1e-5, 9e-6, 0.3, 5.0, 400.0])
def test_share_of_dead_spares_is_the_mean_over_a_check(check: float) -> None:
    # The differential equation that the formula solves, stepped in numbers, and averaged over the time.
    failures, calls = 0.1, 0.3
    found = integrate.solve_ivp(
        lambda u, y: [failures * (1.0 - y[0]) - calls * y[0], y[0]], (0.0, check), [0.0, 0.0], rtol=1e-12, atol=1e-30,
        method="DOP853",
    )  # fmt: skip
    assert dead_spare_share(failures, calls, check) == pytest.approx(found.y[1, -1] / check, rel=1e-9)


def test_limits_of_the_share_of_dead_spares() -> None:
    assert dead_spare_share(0.1, 0.3, math.inf) == pytest.approx(0.25, rel=1e-15)
    assert dead_spare_share(0.1, 0.3, 1e-9) == pytest.approx(0.1 * 1e-9 / 2.0, rel=1e-9)
    # On both sides of the switch to the series.
    near = [dead_spare_share(0.5, 0.5, x) for x in (1e-5 * (1.0 - 1e-12), 1e-5 * (1.0 + 1e-12))]
    assert near[0] == pytest.approx(near[1], rel=1e-10)


@pytest.mark.parametrize("bad", [-1.0, math.inf, math.nan])
def test_bad_values_are_refused(bad: float) -> None:
    for form in (erlang_b, stalled_share, stall_per_running, nodes_in_repair):
        with pytest.raises(ValueError, match="load"):
            form(3, bad)
    with pytest.raises(ValueError, match="load"):
        stalled_share_crews(3, bad, 2)
    with pytest.raises(ValueError, match="arrival_rate"):
        crew_wait(bad, 1.0, 1)
    with pytest.raises(ValueError, match="repair_rate"):
        crew_wait(0.1, bad, 1)
    with pytest.raises(ValueError, match="availability"):
        k_of_n(1, 2, bad)
    with pytest.raises(ValueError, match="failures"):
        dead_spare_share(bad, 1.0, 1.0)
    with pytest.raises(ValueError, match="calls"):
        dead_spare_share(1.0, bad, 1.0)
    if bad != math.inf:
        with pytest.raises(ValueError, match="check"):
            dead_spare_share(1.0, 1.0, bad)


def test_bad_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="servers"):
        erlang_b(-1, 1.0)
    for form in (stalled_share, stall_per_running):
        with pytest.raises(ValueError, match="spares"):
            form(-1, 1.0)
    with pytest.raises(ValueError, match="crews"):
        stalled_share_crews(1, 1.0, 0)
    with pytest.raises(ValueError, match="crews"):
        crew_wait(0.1, 1.0, 0)
    with pytest.raises(ValueError, match="none keeps up"):
        crew_wait(2.0, 1.0, 2)
    with pytest.raises(ValueError, match="count"):
        nodes_in_repair(-1, 1.0)
    with pytest.raises(ValueError, match="needed"):
        k_of_n(3, 2, 0.5)
