"""Expected recovery: oracle fixtures, laws of stages, and an independent simulation."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.theory import (
    Stage,
    constant_stage,
    hang_delay,
    job_mtbf,
    laplace_constant,
    laplace_exponential,
    laplace_lognormal,
    laplace_mixture,
    recovery_restart_list,
    recovery_retry_stage,
    recovery_time,
)

FIXED = settings(derandomize=True, deadline=None, max_examples=100)
RATE = 1.0 / 60.0


def test_o24() -> None:
    stages = [constant_stage(RATE, 12.0), constant_stage(RATE, 25.0)]
    assert recovery_restart_list(RATE, stages) == pytest.approx(51.1645, rel=5e-6)
    assert recovery_time(RATE, 0.0, [(1.0, stages)]) == pytest.approx(51.1645, rel=5e-6)
    assert recovery_retry_stage(RATE, stages) == pytest.approx(44.2980, rel=5e-6)


@FIXED
@given(st.lists(st.floats(0.0, 60.0), max_size=5), st.floats(0.0, 20.0), st.floats(1e-6, 0.05))
def test_constant_stages_are_one_stage_of_their_sum(parts: list[float], detection: float, rate: float) -> None:
    whole = recovery_restart_list(rate, [constant_stage(rate, math.fsum(parts))], detection)
    stages = [constant_stage(rate, part) for part in parts]
    # (1 - phi) / rate is good to eps / rate.
    assert recovery_restart_list(rate, stages, detection) == pytest.approx(whole, rel=1e-12, abs=1e-14 / rate)
    # O2's recovery: (1/rate + D) exp(rate R) - 1/rate.
    direct = (1.0 / rate + detection) * math.exp(rate * math.fsum(parts)) - 1.0 / rate
    assert whole == pytest.approx(direct, rel=1e-12, abs=1e-14 / rate)
    assert recovery_retry_stage(rate, stages, detection) <= whole * (1.0 + 1e-12) + 1e-14 / rate


def test_limits() -> None:
    stages = [Stage(5.0, 0.0, False), constant_stage(RATE, 7.0, False)]
    assert recovery_time(RATE, 3.0, [(1.0, stages)]) == pytest.approx(15.0, rel=1e-14)
    assert recovery_retry_stage(RATE, stages, 3.0) == pytest.approx(15.0, rel=1e-14)
    assert recovery_time(RATE, 3.0, [(1.0, [])]) == 3.0
    assert recovery_time(0.0, 3.0, [(0.5, [Stage(4.0, 0.2)]), (0.5, [])]) == 5.0
    assert recovery_time(1e-300, 0.0, [(1.0, [Stage(4.0, 1.0)])]) == 4.0
    assert recovery_time(RATE, 0.0, [(1.0, [Stage(4.0, 0.0)])]) == math.inf
    assert recovery_retry_stage(RATE, [Stage(4.0, 0.0)]) == math.inf


def test_faults_in_rules_that_are_never_drawn_do_not_count() -> None:
    one = [constant_stage(RATE, 9.0)]
    assert recovery_time(RATE, 1.0, [(1.0, one), (0.0, [Stage(1e6, 0.0)])]) == recovery_time(RATE, 1.0, [(1.0, one)])


def draw_rule(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Durations (attempt, stage) and whether each stage is vulnerable, for two rules with shares 0.7 and 0.3."""
    first = np.column_stack(
        [
            np.full(size, 5.0),
            rng.exponential(8.0, size),
            rng.lognormal(math.log(10.0) - 0.5 * math.log1p(2.25), math.sqrt(math.log1p(2.25)), size),
        ]
    )
    second = np.column_stack(
        [np.where(rng.random(size) < 0.6, 3.0, rng.exponential(30.0, size)), np.full(size, 4.0), np.zeros(size)]
    )
    chosen = rng.random(size) < 0.7
    vulnerable = np.where(chosen[:, None], [True, False, True], [True, False, False])
    return np.where(chosen[:, None], first, second), vulnerable


def test_mixed_stages_and_rules_against_a_simulation() -> None:
    rate, detection, incidents = 1.0 / 25.0, 2.0, 200_000
    rng = np.random.default_rng(20240502)
    total = np.zeros(incidents)
    open_ = np.arange(incidents)
    while open_.size:
        durations, vulnerable = draw_rule(rng, open_.size)
        total[open_] += detection
        # One time to the next fault per attempt, which runs only in vulnerable stages.
        left = rng.exponential(1.0 / rate, open_.size)
        struck = np.zeros(open_.size, dtype=bool)
        for time, prone in zip(durations.T, vulnerable.T, strict=True):
            hit = ~struck & prone & (left < time)
            total[open_] += np.where(struck, 0.0, np.where(hit, left, time))
            left -= np.where(prone & ~struck, time, 0.0)
            struck |= hit
        open_ = open_[struck]
    mixture = laplace_mixture([(0.6, laplace_constant(rate, 3.0)), (0.4, laplace_exponential(rate, 30.0))])
    first = [
        constant_stage(rate, 5.0),
        Stage(8.0, laplace_exponential(rate, 8.0), False),
        Stage(10.0, laplace_lognormal(rate, 10.0, 15.0)),
    ]
    second = [Stage(0.6 * 3.0 + 0.4 * 30.0, mixture), constant_stage(rate, 4.0, False)]
    expected = recovery_time(rate, detection, [(0.7, first), (0.3, second)])
    # n = 200,000 independent incidents; |z| < 4.5 alarms falsely 7 times in a million and notices some 1 % of error.
    error = total.std(ddof=1) / math.sqrt(incidents)
    assert abs(total.mean() - expected) < 4.5 * error
    assert error < 0.0025 * expected


def test_retry_with_detection_against_a_simulation() -> None:
    rate, detection, incidents = 1.0 / 25.0, 2.0, 100_000
    rng = np.random.default_rng(20240503)
    total = np.full(incidents, detection)
    for mean in (6.0, 15.0):
        open_ = np.arange(incidents)
        while open_.size:
            time = rng.exponential(mean, open_.size)
            gap = rng.exponential(1.0 / rate, open_.size)
            struck = gap < time
            total[open_] += np.where(struck, gap + detection, time)
            open_ = open_[struck]
    stages = [Stage(mean, laplace_exponential(rate, mean)) for mean in (6.0, 15.0)]
    # n = 100,000; |z| < 4.5 alarms falsely 7 times in a million and notices some 1 % of error.
    error = total.std(ddof=1) / math.sqrt(incidents)
    assert abs(total.mean() - recovery_retry_stage(rate, stages, detection)) < 4.5 * error


@pytest.mark.parametrize("cv", [0.01, 0.3, 1.0, 3.0, 20.0])
@pytest.mark.parametrize("rate", [0.0, 1e-6, 0.01, 1.0, 30.0])
def test_lognormal_transform_against_quantiles(rate: float, cv: float) -> None:
    # The mean over 20,000 equally likely quantiles, an independent quadrature. The function of the probability
    # falls from 1 to 0, so the midpoint rule is off by less than half a cell.
    spread = math.sqrt(math.log1p(cv**2))
    normal = statistics.NormalDist(math.log(10.0) - 0.5 * spread**2, spread)
    cells = 20_000
    brute = math.fsum(math.exp(-rate * math.exp(normal.inv_cdf((i + 0.5) / cells))) for i in range(cells)) / cells
    assert laplace_lognormal(rate, 10.0, 10.0 * cv) == pytest.approx(brute, abs=0.5 / cells)


def test_lognormal_transform_has_its_mean_and_variance() -> None:
    # 1 - rate m + rate**2 (m**2 + sd**2) / 2, the next term is rate**3 E[Z**3] / 6 = 1.4e-9 here.
    third = 2.0**3 * (1.0 + 0.25) ** 3
    value = laplace_lognormal(1e-3, 2.0, 1.0)
    assert abs(value - (1.0 - 2e-3 + 0.5e-6 * 5.0)) < 1e-9 * third / 6.0
    assert laplace_lognormal(0.3, 4.0, 0.0) == pytest.approx(laplace_constant(0.3, 4.0), rel=1e-14)


def test_simple_transforms() -> None:
    assert laplace_constant(0.5, 2.0) == math.exp(-1.0)
    assert laplace_exponential(0.5, 2.0) == 0.5
    assert laplace_mixture([(0.25, 1.0), (0.75, 0.2)]) == pytest.approx(0.4, rel=1e-15)


def test_job_mtbf() -> None:
    assert job_mtbf([0.01, 0.03]) == pytest.approx(25.0, rel=1e-14)
    assert job_mtbf([]) == math.inf
    assert job_mtbf([0.0]) == math.inf


@pytest.mark.parametrize("bad", [-1.0, math.inf, math.nan])
def test_bad_values_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="mean"):
        Stage(bad, 0.5)
    with pytest.raises(ValueError, match="phi"):
        Stage(1.0, bad)
    with pytest.raises(ValueError, match="rate"):
        recovery_time(bad, 0.0, [(1.0, [])])
    with pytest.raises(ValueError, match="detection"):
        recovery_time(1.0, bad, [(1.0, [])])
    with pytest.raises(ValueError, match="detection"):
        recovery_retry_stage(1.0, [], bad)
    with pytest.raises(ValueError, match="time"):
        laplace_constant(1.0, bad)
    with pytest.raises(ValueError, match="mean"):
        laplace_exponential(1.0, bad)
    with pytest.raises(ValueError, match="sd"):
        laplace_lognormal(1.0, 1.0, bad)
    with pytest.raises(ValueError, match="share"):
        laplace_mixture([(bad, 1.0)])
    with pytest.raises(ValueError, match="rate"):
        job_mtbf([bad])


def test_shares_must_add_up_to_one() -> None:
    for parts in ([], [(0.5, 1.0)], [(0.5, 1.0), (0.6, 1.0)]):
        with pytest.raises(ValueError, match="add up to 1"):
            laplace_mixture(parts)
    with pytest.raises(ValueError, match="add up to 1"):
        recovery_time(1.0, 0.0, [(0.9, [])])
    with pytest.raises(ValueError, match="transform"):
        laplace_mixture([(1.0, 1.1)])
    with pytest.raises(ValueError, match="mean"):
        laplace_lognormal(1.0, 0.0, 1.0)


def test_o14_mean_delay_of_a_watchdog():
    assert hang_delay(30.0, 1.0, 5.0) == 32.0
    assert hang_delay(600.0) == 600.0
    for wrong in ((-1.0, 0.0, 0.0), (1.0, 2.0, 0.0), (1.0, 0.5, -1.0)):
        with pytest.raises(ValueError):
            hang_delay(*wrong)
