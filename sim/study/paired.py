"""Differences between cases that saw the same faults: replication by replication, with intervals that hold together."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from sim.study.statistics import Estimate, Values, total_of

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """An estimate from n replications, and what each of them did to it.

    Parameters
    ----------
    value : float
    influence : array of shape (n,)
        How far each replication pulls the value from where it is, times n; they add up to 0. The value's error is that
        of their mean (the delta method), and the error of any function of several such values follows from them, since
        all come from the same replications.
    """

    value: float
    influence: Floats = field(repr=False)

    @property
    def n(self) -> int:
        """Number of replications."""
        return len(self.influence)

    def __sub__(self, other: Measured) -> Measured:
        return Measured(self.value - other.value, self.influence - other.influence)

    @property
    def variance(self) -> float:
        """Variance of one replication's influence; with n - 1 in the denominator, NaN if n is 1."""
        return float(np.sum(self.influence**2)) / (self.n - 1) if self.n > 1 else math.nan


def of_ratio(numerator: Values, denominator: Values) -> Measured:
    """Ratio of totals r = sum(y) / sum(x), with influences (y - r x) / mean(x).

    Parameters
    ----------
    numerator, denominator : arrays of shape (n,), n >= 1
        Not negative.

    Raises
    ------
    UsageError
        If the denominators are all 0: no time passes in any run.
    """
    total = total_of(denominator)
    value = float(np.sum(numerator)) / total
    rest = np.asarray(numerator, dtype=np.float64) - value * np.asarray(denominator, dtype=np.float64)
    return Measured(value, rest * (len(rest) / total))


def of_mean(values: Values) -> Measured:
    """Mean over replications."""
    return of_ratio(values, np.ones(len(values)))


def interval(measured: Measured, confidence: float, family: float = 1) -> Estimate:
    """The t-interval of an estimate or a difference, one of so many that are to hold together.

    Each of ``family`` intervals has the confidence 1 - (1 - c) / family, so that all of them hold with probability c at
    least, however they depend on one another (Bonferroni's inequality). Differences to one case do depend on one
    another, and then this is cautious: two differences to one case, all cases equally noisy and independent, get
    intervals 1.4 % wider than the narrowest that would do (Dunnett's), three 1.9 %.

    Parameters
    ----------
    measured : Measured
        From at least one replication; one gives no interval.
    confidence : float
        That of the family, between 0 and 1.
    family : float
        At least 1; more than so many are to hold together where a look may spend only a share of the error.

    References
    ----------
    R. G. Miller, Simultaneous Statistical Inference, 2nd ed., 1981, chapters 1 and 2.
    """
    if measured.n < 2:
        return Estimate(measured.value, None, None, measured.n, confidence)
    t = float(stdtrit(measured.n - 1, 1 - (1 - confidence) / (2 * family)))
    half = t * math.sqrt(measured.variance / measured.n)
    return Estimate(measured.value, measured.value - half, measured.value + half, measured.n, confidence)


def saved_by_pairing(one: Measured, other: Measured) -> float | None:
    """How many times as many replications an equally precise difference would need with faults of each case's own.

    That is (var a + var b) / var(a - b); None where the difference has no spread, or there is one replication.
    """
    of_difference = (other - one).variance
    if not of_difference > 0:
        return None
    return (one.variance + other.variance) / of_difference
