"""The share of uncertain inputs in the variance of single runs, and the range of what is expected over them."""

import numpy as np
import pytest

from sim.study.inputs import input_spread

N = 4_000


def pairs(share: float, n: int = N, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of normal variables of mean 5 and variance 1 with this covariance."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=n) * np.sqrt(share)
    one, other = (5.0 + common + rng.normal(size=n) * np.sqrt(1.0 - share) for _ in range(2))
    return one, other


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_share_and_range_of_normal_pairs(share: float) -> None:
    """The share's standard error is (1 - share^2) / sqrt(n) = 0.016 at most; that of a 5 % quantile of a normal sample
    is 2.1 sd / sqrt(n), and the drawing together adds its own: 0.06 in all. Both within 4.5 of them.
    """
    found = input_spread(*pairs(share), 0.95)
    assert found.share.mean == pytest.approx(share, abs=4.5 * 0.016)
    assert found.median == pytest.approx(5.0, abs=4.5 * 0.025)
    if share > 0.0:
        half = 1.6449 * np.sqrt(share)
        assert (found.p5, found.p95) == pytest.approx((5.0 - half, 5.0 + half), abs=4.5 * 0.06)


def test_no_bias_with_few_pairs() -> None:
    """Mean of B - W over 4000 samples of 8 pairs: the variance of the inputs, 0.5 of 1, within 4.5 standard errors.

    B and W are chi-squared with 7 and 8 degrees of freedom: Var((B - W) / 2) = 0.25 (1.5^2 2/7 + 0.5^2 2/8) = 0.176.
    """
    samples = [pairs(0.5, n=8, seed=seed) for seed in range(4_000)]
    found = []
    for one, other in samples:
        means = (one + other) / 2.0
        found.append((2.0 * means.var(ddof=1) - ((one - other) ** 2 / 2.0).mean()) / 2.0)
        share = input_spread(one, other, 0.95).share
        b, w = 2.0 * means.var(ddof=1), ((one - other) ** 2 / 2.0).mean()
        assert share.mean == pytest.approx(max((b - w) / (b + w), 0.0), abs=1e-12)
    assert np.mean(found) == pytest.approx(0.5, abs=4.5 * np.sqrt(0.176 / 4_000))


def test_the_interval_covers() -> None:
    """Of 1000 intervals at 95 % for 200 pairs, at least 92 % hold the share: delta method, normal pairs."""
    hits = 0
    for seed in range(1_000):
        share = input_spread(*pairs(0.5, n=200, seed=seed), 0.95).share
        assert share.low is not None
        hits += share.low <= 0.5 <= share.high
    assert 920 <= hits <= 980


def test_runs_that_are_all_alike() -> None:
    found = input_spread(np.full(10, 3.0), np.full(10, 3.0), 0.95)
    assert (found.p5, found.median, found.p95, found.share.mean) == (3.0, 3.0, 3.0, 0.0)


def test_inputs_alone() -> None:
    """Pairs whose runs agree: all of the spread is that of the inputs."""
    values = np.arange(101.0)
    found = input_spread(values, values, 0.95)
    assert found.share.mean == 1.0
    assert (found.p5, found.median, found.p95) == (5.0, 50.0, 95.0)
