"""Estimates from independent replications: a mean or a ratio, with its interval and its n."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from sim.errors import UsageError

Values = npt.NDArray[np.float64] | npt.NDArray[np.int64]


@dataclass(frozen=True)
class Estimate:
    """A mean with the interval of its error. ``low`` and ``high`` are None where one replication gives none, or where
    the value is only a bound.
    """

    mean: float
    low: float | None
    high: float | None
    n: int
    confidence: float

    @property
    def half_width(self) -> float:
        """Half the width of the interval; infinite where there is none."""
        return math.inf if self.low is None or self.high is None else max(self.high - self.mean, self.mean - self.low)

    def as_dict(self) -> dict[str, float | int | None]:
        """The estimate as it stands in JSON."""
        ends = {name: _finite(value) for name, value in (("mean", self.mean), ("low", self.low), ("high", self.high))}
        return {**ends, "n": self.n, "confidence": self.confidence}


def _finite(value: float | None) -> float | None:
    """A number as JSON knows it: null where there is none, or no end to it."""
    return None if value is None or math.isinf(value) else value


def total_of(denominator: Values) -> float:
    """Return the sum of what is divided by over replications. Raises `UsageError` where no time passes in any run."""
    total = float(np.sum(denominator))
    if total == 0.0:
        raise UsageError("no time passes in any run: each ends where it starts, as starts fail that take no time")
    return total


def ratio(numerator: Values, denominator: Values, confidence: float, most: float = math.inf) -> Estimate:
    """Ratio of totals over replications, with a t-interval by the delta method.

    With r = sum(y) / sum(x), the variance of r is estimated by s^2 / (n mean(x)^2), s^2 that of y - r x with n - 1
    degrees of freedom. The mean of the replications' own ratios would be biased where their lengths differ.
    Nothing that is estimated here is negative: no interval begins below 0, and a share's ends at 1.

    Parameters
    ----------
    numerator, denominator : arrays of shape (n,), n >= 1
        Totals of each replication, not negative.
    confidence : float
        Between 0 and 1.
    most : float
        What the ratio cannot exceed: 1 for a share.

    Raises
    ------
    UsageError
        If the denominators are all 0: no time passes in any run.

    References
    ----------
    W. G. Cochran, Sampling Techniques, 3rd ed., 1977, section 2.11.
    """
    n = len(numerator)
    total = total_of(denominator)
    value = float(np.sum(numerator)) / total
    if n < 2:
        return Estimate(value, None, None, n, confidence)
    rest = np.asarray(numerator - value * denominator, dtype=np.float64)
    error = math.sqrt(float(np.sum(rest * rest)) / (n - 1) / n) / (total / n)
    half = float(stdtrit(n - 1, (1 + confidence) / 2)) * error
    return Estimate(value, max(value - half, 0.0), min(value + half, most), n, confidence)


def error_skew(numerator: Values, denominator: Values) -> float:
    """Skewness of the error of ``ratio``: that of what replications do to it, over the square root of n.

    0 where they are alike; -1 to 1.
    """
    return float(error_skews(numerator[None], denominator[None])[0])


def error_skews(numerators: Values, denominators: Values) -> Values:
    """Many times ``error_skew``, each of one row; arrays of shape (k, n)."""
    ratios = numerators.sum(axis=1) / denominators.sum(axis=1)
    rest = np.asarray(numerators - ratios[:, None] * denominators, dtype=np.float64)
    most = np.abs(rest).max(axis=1)
    # Relative to what the numbers are, so that rounding is not taken for a spread.
    alike = most <= 1e-12 * np.abs(numerators).max(axis=1)
    rest /= np.where(alike, 1.0, most)[:, None]
    found = (rest**3).sum(axis=1) / np.where(alike, 1.0, (rest**2).sum(axis=1) ** 1.5)
    return np.where(alike, 0.0, found)


@dataclass(frozen=True)
class Ends:
    """Many estimates: arrays of shape (k,), NaN where an end is None."""

    mean: Values
    low: Values
    high: Values


def ratios(numerators: Values, denominators: Values, confidence: float, most: float = math.inf) -> Ends:
    """Many times ``ratio``, each of one row.

    Parameters
    ----------
    numerators, denominators : arrays of shape (k, n), n >= 1
        Totals of each replication.
    confidence, most : float
        As for ``ratio``.
    """
    n = numerators.shape[1]
    totals = denominators.sum(axis=1)
    values = numerators.sum(axis=1) / totals
    if n < 2:
        none = np.full(len(values), np.nan)
        return Ends(values, none, none)
    rest = np.asarray(numerators - values[:, None] * denominators, dtype=np.float64)
    errors = np.sqrt((rest * rest).sum(axis=1) / (n - 1) / n) / (totals / n)
    half = float(stdtrit(n - 1, (1 + confidence) / 2)) * errors
    return Ends(values, np.maximum(values - half, 0.0), np.minimum(values + half, most))


def mean(values: Values, confidence: float) -> Estimate:
    """Mean over replications with its t-interval."""
    return ratio(values, np.ones(len(values)), confidence)


def time_between(events: Values, times: Values, confidence: float) -> Estimate:
    """Mean time between events, from counts and times of replications: the inverse of their rate and of its interval.

    The interval may have no upper end (infinite). Without any event the mean is infinite, and ``low`` the mean with
    which none would be seen with probability 1 - ``confidence``: total / -log(1 - confidence). With events and no time
    at all the mean is 0, without an interval.
    """
    total = float(np.sum(times))
    if not np.any(events):
        return Estimate(math.inf, total / -math.log1p(-confidence), math.inf, len(times), confidence)
    if total == 0.0:
        return Estimate(0.0, None, None, len(times), confidence)
    rate = ratio(events, times, confidence)
    if rate.low is None or rate.high is None:
        return Estimate(1 / rate.mean, None, None, rate.n, confidence)
    return Estimate(1 / rate.mean, 1 / rate.high, 1 / rate.low if rate.low > 0 else math.inf, rate.n, confidence)


def times_between(events: Values, times: Values, confidence: float) -> Ends:
    """Many times ``time_between``, each of one row; arrays of shape (k, n)."""
    with np.errstate(divide="ignore", invalid="ignore"):  # no time at all: mean 0, no interval
        rates = ratios(events, times, confidence)
        found = Ends(1 / rates.mean, 1 / rates.high, 1 / rates.low)
    none = ~events.any(axis=1)
    found.low[none] = times.sum(axis=1)[none] / -math.log1p(-confidence)
    found.high[none] = math.inf
    return found


SHARES = {"p5": 0.05, "median": 0.5, "p95": 0.95}
"""Quantiles of single runs that an answer has."""


def quantile_of(values: Values, share: float) -> float:
    """A quantile of single runs, between two of them in proportion; infinite where one of these is."""
    lower, upper = (float(np.quantile(values, share, method=method)) for method in ("lower", "higher"))
    return upper if lower == upper or math.isinf(upper) else float(np.quantile(values, share))


def spread(values: Values) -> dict[str, float]:
    """Range of single runs: their median, and the 5 and 95 % quantiles. More replications do not shrink it."""
    return {name: quantile_of(values, share) for name, share in SHARES.items()}
