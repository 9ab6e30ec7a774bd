"""Whether one number goes up or down with another, without saying along which curve."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from sim.study.statistics import Estimate

FEWEST = 4
"""Points below which a correlation has no interval."""

Floats = npt.NDArray[np.float64]


def rank_correlation(x: Floats, y: Floats, confidence: float) -> Estimate | None:
    """Spearman's rank correlation with its interval.

    The interval is that of Fisher's z = artanh(r) with variance 1.06 / (n - 3), which is good up to about 0.8; beyond,
    it is somewhat too narrow.

    Parameters
    ----------
    x, y : array of float64, shape (n,)
        Points where either is nan are left out. Ties have mean ranks.
    confidence : float
        Between 0 and 1.

    Returns
    -------
    Estimate or None
        None where there are fewer than 2 points, or all have the same x or y. Without an interval below 4 points, and
        where the ranks are the same, or opposite: then z is infinite.

    References
    ----------
    E. C. Fieller, H. O. Hartley and E. S. Pearson, Tests for rank correlation coefficients, Biometrika 44, 1957.
    """
    from scipy.stats import rankdata  # slow to import

    there = ~(np.isnan(x) | np.isnan(y))
    n = int(np.count_nonzero(there))
    if n < 2 or np.ptp(x[there]) == 0 or np.ptp(y[there]) == 0:
        return None
    ranks = rankdata(x[there]), rankdata(y[there])
    found = float(np.clip(np.corrcoef(*ranks)[0, 1], -1.0, 1.0))
    if n < FEWEST or abs(found) > 1 - 1e-12:
        return Estimate(found, None, None, n, confidence)
    middle = math.atanh(found)
    half = float(ndtri((1 + confidence) / 2)) * math.sqrt(1.06 / (n - 3))
    return Estimate(found, math.tanh(middle - half), math.tanh(middle + half), n, confidence)
