"""Estimates from independent replications: a mean or a ratio, with its interval and its n."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

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
        return math.inf if self.high is None else self.high - self.mean

    def as_dict(self) -> dict[str, float | int | None]:
        """The estimate as it stands in JSON."""
        return {"mean": self.mean, "low": self.low, "high": self.high, "n": self.n, "confidence": self.confidence}


def ratio(numerator: Values, denominator: Values, confidence: float) -> Estimate:
    """Ratio of totals over replications, with a t-interval by the delta method.

    With r = sum(y) / sum(x), the variance of r is estimated by s^2 / (n mean(x)^2), s^2 that of y - r x with n - 1
    degrees of freedom. The mean of the replications' own ratios would be biased where their lengths differ.
    Nothing that is estimated here is negative: no interval begins below 0.

    Parameters
    ----------
    numerator, denominator : arrays of shape (n,), n >= 1
        Totals of each replication, not negative; the denominators must not add up to 0.
    confidence : float
        Between 0 and 1.

    References
    ----------
    W. G. Cochran, Sampling Techniques, 3rd ed., 1977, section 2.11.
    """
    n = len(numerator)
    total = float(np.sum(denominator))
    value = float(np.sum(numerator)) / total
    if n < 2:
        return Estimate(value, None, None, n, confidence)
    rest = np.asarray(numerator - value * denominator, dtype=np.float64)
    error = math.sqrt(float(np.sum(rest * rest)) / (n - 1) / n) / (total / n)
    half = float(stdtrit(n - 1, (1 + confidence) / 2)) * error
    return Estimate(value, max(value - half, 0.0), value + half, n, confidence)


def mean(values: Values, confidence: float) -> Estimate:
    """Mean over replications with its t-interval."""
    return ratio(values, np.ones(len(values)), confidence)


def spread(values: Values) -> dict[str, float]:
    """Range of single runs: their median, and the 5 and 95 % quantiles. More replications do not shrink it."""
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
    return {"p5": float(low), "median": float(middle), "p95": float(high)}
