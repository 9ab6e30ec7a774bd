"""Rank correlation: against SciPy's, and its interval's coverage."""

import math

import numpy as np
import pytest
from scipy.stats import spearmanr

from sim.study.correlation import rank_correlation


@pytest.mark.parametrize("n", [2, 5, 40])
def test_it_is_spearmans_with_ties(n: int) -> None:
    draw = np.random.default_rng(1)
    x, y = draw.integers(0, max(n // 2, 2), n).astype(float), draw.normal(size=n)
    x[:2] = 0.0, 1.0
    found = rank_correlation(x, y, 0.95)
    assert found is not None
    assert found.mean == pytest.approx(spearmanr(x, y).statistic)
    assert found.n == n


def test_where_there_is_none() -> None:
    ones, line = np.ones(10), np.arange(10.0)
    assert rank_correlation(ones, line, 0.95) is None
    assert rank_correlation(line, ones, 0.95) is None
    assert rank_correlation(np.full(10, math.nan), line, 0.95) is None
    straight = rank_correlation(line, -(line**3), 0.95)
    assert straight is not None
    assert straight.mean == pytest.approx(-1.0, abs=1e-12)
    assert straight.low is None


def test_missing_points_are_left_out() -> None:
    draw = np.random.default_rng(2)
    x, y = draw.normal(size=(2, 30))
    holes = np.r_[x, math.nan, 1.0], np.r_[y, 1.0, math.nan]
    assert rank_correlation(*holes, 0.95) == rank_correlation(x, y, 0.95)


@pytest.mark.parametrize("rho", [0.0, 0.5])
def test_the_interval_covers_as_often_as_it_says(rho: float) -> None:
    """Of a bivariate normal Spearman's is 6 / pi arcsin(rho / 2) (Pearson 1907), up to terms in 1 / n."""
    draw = np.random.default_rng(3)
    truth = 6 / math.pi * math.asin(rho / 2)
    tries = 2_000
    hits = 0
    for _ in range(tries):
        x, z = draw.normal(size=(2, 100))
        found = rank_correlation(x, rho * x + math.sqrt(1 - rho**2) * z, 0.95)
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= truth <= found.high
    # 4.5 standard errors of 2,000 tries; one point for the approximation, which is not exact at any n.
    assert abs(hits / tries - 0.95) < 4.5 * math.sqrt(0.95 * 0.05 / tries) + 0.01
