"""Estimates and their intervals."""

import math

import numpy as np
import pytest
from scipy import stats

from sim.study.statistics import Estimate, mean, ratio, spread, time_between, times_between


def random_totals(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Lengths of runs that differ much, and work done that follows them with noise of its own."""
    generator = np.random.default_rng(seed)
    x = generator.gamma(2.0, 50.0, n)
    return 0.7 * x + generator.exponential(10.0, n), x


def test_a_ratio_worked_out_by_hand() -> None:
    # r = 6 / 8; y - r x = -1/2, 1/2, 0; s = 1/2; standard error 1/2 / sqrt(3) / (8/3). Student's
    # quantile of 2 degrees has a closed form: c / sqrt((1 - c^2) / 2) for confidence c.
    found = ratio(np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 4.0]), 0.95)
    assert found.mean == 0.75
    half = 0.95 / math.sqrt((1 - 0.95**2) / 2) * 0.5 / math.sqrt(3) * 3 / 8
    assert found.low == pytest.approx(0.75 - half, rel=1e-12)
    assert found.high == pytest.approx(0.75 + half, rel=1e-12)
    assert found.half_width == pytest.approx(half, rel=1e-12)
    assert (found.n, found.confidence) == (3, 0.95)


@pytest.mark.parametrize("confidence", [0.6, 0.9, 0.95, 0.999])
@pytest.mark.parametrize("n", [2, 3, 32, 1000])
def test_a_mean_is_that_of_scipy(n: int, confidence: float) -> None:
    values = np.random.default_rng(n).lognormal(1.0, 1.0, n)
    found = mean(values, confidence)
    low, high = stats.t.interval(confidence, n - 1, loc=values.mean(), scale=stats.sem(values))
    assert found.mean == pytest.approx(values.mean(), rel=1e-13)
    assert found.low == pytest.approx(max(low, 0.0), rel=1e-10)
    assert found.high == pytest.approx(high, rel=1e-10)
    assert found.half_width == pytest.approx((high - low) / 2, rel=1e-10)


def test_no_interval_begins_below_0_and_its_half_width_stays_honest() -> None:
    found = mean(np.array([0.0, 0.0, 9.0]), 0.95)
    assert found.low == 0.0
    assert found.high is not None
    assert found.half_width == found.high - 3.0 > 3.0


def test_a_share_does_not_exceed_1_and_its_half_width_stays_honest() -> None:
    y, x = np.array([1.0, 1.0, 1.0, 0.7]), np.ones(4)
    free, bound = ratio(y, x, 0.95), ratio(y, x, 0.95, most=1.0)
    assert free.high is not None
    assert free.high > 1.0
    assert bound.high == 1.0
    assert (bound.mean, bound.low) == (free.mean, free.low)
    assert bound.half_width == pytest.approx(free.half_width, rel=1e-12)


def test_a_time_between_events_is_the_inverse_of_their_rate() -> None:
    events, times = np.array([3, 5, 4, 8]), np.array([10.0, 20.0, 30.0, 20.0])
    rate, found = ratio(events, times, 0.9), time_between(events, times, 0.9)
    assert rate.low is not None
    assert rate.high is not None
    assert (found.mean, found.low, found.high) == (4.0, 1 / rate.high, 1 / rate.low)
    assert (found.n, found.confidence) == (4, 0.9)


def test_few_events_leave_the_interval_open() -> None:
    found = time_between(np.array([0, 0, 1]), np.full(3, 10.0), 0.95)
    assert (found.mean, found.high) == (30.0, math.inf)
    assert found.low is not None
    assert 0.0 < found.low < 30.0
    assert found.half_width == math.inf
    assert found.as_dict() == {"mean": 30.0, "low": found.low, "high": None, "n": 3, "confidence": 0.95}


@pytest.mark.parametrize("n", [1, 4])
def test_no_event_gives_a_lower_bound(n: int) -> None:
    found = time_between(np.zeros(n, dtype=int), np.full(n, 60.0 / n), 0.95)
    assert (found.mean, found.high) == (math.inf, math.inf)
    assert found.low == pytest.approx(60.0 / math.log(20.0), rel=1e-12)
    assert found.as_dict()["mean"] is None


def test_one_run_with_events_has_no_interval() -> None:
    assert time_between(np.array([4]), np.array([60.0]), 0.95) == Estimate(15.0, None, None, 1, 0.95)


def test_counts_are_averaged_like_numbers() -> None:
    assert mean(np.array([1, 2, 6]), 0.9) == mean(np.array([1.0, 2.0, 6.0]), 0.9)


@pytest.mark.parametrize("seed", range(5))
def test_the_delta_method_is_the_jackknife_to_first_order(seed: int) -> None:
    n = 400
    y, x = random_totals(seed, n)
    left_out = (y.sum() - y) / (x.sum() - x)
    jackknife = math.sqrt((n - 1) / n * np.sum((left_out - left_out.mean()) ** 2))
    found = ratio(y, x, 0.95)
    assert found.half_width == pytest.approx(stats.t.ppf(0.975, n - 1) * jackknife, rel=0.02)


def test_the_ratio_of_totals_is_not_the_mean_of_ratios() -> None:
    y, x = np.array([1.0, 90.0]), np.array([10.0, 100.0])
    assert ratio(y, x, 0.95).mean == 91 / 110
    assert ratio(y, x, 0.95).mean != pytest.approx((0.1 + 0.9) / 2)


@pytest.mark.parametrize("scale", [2.0**-20, 1e6])
def test_units_do_not_matter(scale: float) -> None:
    y, x = random_totals(9, 50)
    one, other = ratio(y, x, 0.95), ratio(scale * y, scale * x, 0.95)
    assert other.mean == pytest.approx(one.mean, rel=1e-12)
    assert other.half_width == pytest.approx(one.half_width, rel=1e-9)
    per = ratio(scale * y, x, 0.95)
    assert per.half_width == pytest.approx(scale * one.half_width, rel=1e-9)


def test_one_replication_has_no_interval() -> None:
    found = ratio(np.array([3.0]), np.array([4.0]), 0.95)
    assert found == Estimate(0.75, None, None, 1, 0.95)
    assert found.half_width == math.inf
    assert found.as_dict() == {"mean": 0.75, "low": None, "high": None, "n": 1, "confidence": 0.95}


def test_no_spread_gives_an_interval_of_width_0() -> None:
    found = mean(np.full(10, 0.1), 0.95)
    assert found.low == pytest.approx(0.1, rel=1e-14)
    assert found.half_width == pytest.approx(0.0, abs=1e-15)
    # A ratio that is the same in every run is known exactly, however much the runs differ.
    x = np.array([1.0, 2.0, 4.0])
    assert ratio(x / 2, x, 0.95) == Estimate(0.5, 0.5, 0.5, 3, 0.95)
    assert ratio(np.zeros(3), x, 0.95) == Estimate(0.0, 0.0, 0.0, 3, 0.95)


def test_more_confidence_is_a_wider_interval() -> None:
    y, x = random_totals(3, 40)
    widths = [ratio(y, x, confidence).half_width for confidence in (0.5001, 0.8, 0.95, 0.99)]
    assert widths == sorted(widths)
    assert widths[0] > 0.0


def test_the_range_of_single_runs() -> None:
    values = np.arange(101.0)
    assert spread(np.random.default_rng(1).permutation(values)) == {"p5": 5.0, "median": 50.0, "p95": 95.0}
    assert spread(np.array([7.0])) == {"p5": 7.0, "median": 7.0, "p95": 7.0}


def coverage(trials: int, n: int, seed: int) -> float:
    """Share of the intervals that hold the true ratio, 0.7 + 10/100, of skewed totals."""
    held = 0
    for trial in range(trials):
        found = ratio(*random_totals(seed * 1_000_003 + trial, n), 0.95)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0.8 <= found.high
    return held / trials


def test_an_interval_of_95_percent_holds_the_truth_in_some_95_of_100() -> None:
    # 1500 trials: a standard error of 0.6 points. Skewness costs 32 runs up to 2 points.
    assert 0.91 <= coverage(1_500, 32, seed=1) <= 0.975
    assert 0.93 <= coverage(1_500, 256, seed=2) <= 0.972


@pytest.mark.verification
@pytest.mark.parametrize(("n", "least"), [(32, 0.925), (64, 0.935), (128, 0.94), (1024, 0.945)])
def test_coverage(n: int, least: float) -> None:
    # 40 000 trials: a standard error of 0.11 points.
    assert least <= coverage(40_000, n, seed=n) <= 0.955


def test_events_without_any_time_are_0_apart() -> None:
    events, nothing = np.array([2.0, 1.0]), np.zeros(2)
    assert time_between(events, nothing, 0.95) == Estimate(0.0, None, None, 2, 0.95)
    many = times_between(np.array([events, nothing]), np.array([nothing, nothing]), 0.95)
    assert many.mean[0] == 0.0
    assert np.isnan(many.low[0])
    assert np.isnan(many.high[0])


def test_a_quantile_that_is_one_of_the_runs_is_that_run() -> None:
    """Also where the next one was never done: between them there is nothing to take in proportion."""
    runs = np.array([*range(21)], dtype=np.float64)
    runs[11:] = math.inf
    assert spread(runs) == {"p5": 1.0, "median": 10.0, "p95": math.inf}
