"""Chances and quantiles of single runs: against SciPy, and how often their intervals hold."""

import math

import numpy as np
import pytest
from scipy import stats

import sim
from sim.errors import UsageError
from sim.scenario import loads
from sim.study.odds import chance, done_by, ettr_below, quantile, quantiles

from .texts import BUSY


@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (0, 40), (3, 40), (40, 40), (500, 1000)])
def test_a_chance_is_that_of_the_exact_binomial_test(k: int, n: int) -> None:
    found = chance(np.arange(n) < k, 0.9)
    exact = stats.binomtest(k, n).proportion_ci(0.9, "exact")
    assert found.mean == k / n
    assert [found.low, found.high] == pytest.approx([exact.low, exact.high], abs=1e-12)


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
@pytest.mark.parametrize("n", [1, 5, 59, 200])
def test_a_quantile_lies_between_runs_with_the_binomial_probability(share: float, n: int) -> None:
    """Of n different values the r-th and the s-th; the next ones inside would hold too seldom."""
    values = np.arange(1.0, n + 1)
    found = quantile(np.random.default_rng(1).permutation(values), share, 0.95)
    assert found.mean == np.quantile(values, share)
    below = stats.binom(n, share)
    if found.low is None:
        assert below.cdf(0) > 0.025
    else:
        assert below.cdf(found.low - 1) <= 0.025 < below.cdf(found.low)
    if found.high is None:
        assert below.sf(n - 1) > 0.025
    else:
        assert below.sf(found.high - 1) <= 0.025 + 1e-12
        assert below.sf(found.high - 2) > 0.025


def test_the_interval_of_a_quantile_holds_for_a_skewed_law() -> None:
    """4,000 studies of 150 lognormal values: at least 95 %, standard error 0.35 %, |z| < 4.5; at most 98 %."""
    rng = np.random.default_rng(2)
    for share in (0.05, 0.5, 0.95):
        exact = stats.lognorm(1.0).ppf(share)
        found = [quantile(rng.lognormal(size=150), share, 0.95) for _ in range(4_000)]
        ends = [((-math.inf if f.low is None else f.low), (math.inf if f.high is None else f.high)) for f in found]
        held = np.mean([low <= exact <= high for low, high in ends])
        assert 0.95 - 4.5 * 0.0035 < held < 0.98 + 4.5 * 0.0035


def test_chances_of_runs() -> None:
    answer = sim.run(loads(BUSY.replace('horizon = "10 days"', 'work = "5 days"')), replications=80)
    walls = answer.runs.rows["wall_s"]
    middle = float(np.median(walls))
    assert done_by(answer, middle).mean == np.mean(walls <= middle)
    assert done_by(answer, 5 * 86400.0).mean == 0.0
    assert done_by(answer, 1e9).mean == 1.0
    ettr = answer.runs.rows["work_done_s"] / walls
    assert ettr_below(answer, 0.8).mean == np.mean(ettr < 0.8)
    assert ettr_below(answer, 1.0).mean == 1.0
    for metric, spread in answer.single_runs.items():
        for name, value in spread.items():
            found = quantiles(answer)[metric][name]
            assert found.mean == pytest.approx(value)
            assert found.low is None or found.low <= value
            assert found.high is None or found.high >= value


def test_what_is_refused() -> None:
    answer = sim.run(loads(BUSY), replications=3)
    with pytest.raises(UsageError, match="runs end at a horizon"):
        done_by(answer, 10.0)
    with pytest.raises(UsageError, match="between 0 and 1"):
        ettr_below(answer, 0.0)
    done = sim.run(loads(BUSY.replace('horizon = "10 days"', 'work = "5 days"')), replications=3)
    given_up = sim.run(
        loads(BUSY.replace('horizon = "10 days"', 'work = "5 days"\ngive_up = "5 days"')), replications=3
    )
    assert done_by(given_up, 5 * 86400.0).mean == 0.0
    with pytest.raises(UsageError, match="not be later than"):
        done_by(given_up, 6 * 86400.0)
    with pytest.raises(UsageError, match="above 0"):
        done_by(done, 0.0)
