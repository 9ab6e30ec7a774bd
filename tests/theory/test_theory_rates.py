"""Rates known from counted events against fixtures and SciPy."""

import pytest
from scipy import stats

from sim.theory import count_variance, gamma_quantile, posterior_mean


def test_posterior_mean() -> None:
    """O20b: prior gamma(2, 300 h), 10 events in 2000 h."""
    assert posterior_mean(10, 2_000.0, 2.0, 300.0) == pytest.approx(0.00521739, abs=5e-9)


def test_jeffreys_prior_is_the_default() -> None:
    assert posterior_mean(0, 10.0) == 0.05
    assert posterior_mean(3, 7.0) == 0.5


def test_variance_of_counts() -> None:
    """O15c: m = 3, a = 0.8."""
    assert count_variance(3.0, 0.8) == pytest.approx(14.25)
    assert count_variance(3.0, 0.8) == pytest.approx(stats.nbinom(0.8, 0.8 / 3.8).var())
    assert count_variance(0.0, 0.8) == 0.0


@pytest.mark.parametrize("shape", [0.5, 3.5, 400.5])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_quantiles(shape: float, share: float) -> None:
    assert gamma_quantile(shape, 2.0, share) == pytest.approx(stats.gamma(shape, scale=2.0 / shape).ppf(share))


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="time"):
        posterior_mean(1, 0.0)
    with pytest.raises(ValueError, match="events"):
        posterior_mean(-1, 1.0)
    with pytest.raises(ValueError, match="shape"):
        gamma_quantile(0.0, 1.0, 0.5)
    with pytest.raises(ValueError, match="share"):
        gamma_quantile(1.0, 1.0, 1.5)
    with pytest.raises(ValueError, match="shape"):
        count_variance(1.0, 0.0)
