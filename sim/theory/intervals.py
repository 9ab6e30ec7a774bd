"""How much useful work to do between saves, when a save stops the job."""

import math

from sim.theory.domain import not_negative, positive

# Below this share of the MTBF, -log1p(-u) - u cancels; 24 terms of its series then reach the last bit.
_SERIES_BELOW = 0.2
_SERIES_TERMS = 24
# Below this share of the MTBF, Young's interval is exact to the last bit.
_YOUNG_BELOW = 1e-32
# Newton's method on a convex function; it needs fewer than 10 steps from the starts used here.
_NEWTON_STEPS = 50


def young(save: float, mtbf: float) -> float:
    """Young's interval, first order: ``sqrt(2 save mtbf)``.

    Parameters
    ----------
    save : float
        Time the job is stopped by one save, s, > 0.
    mtbf : float
        Mean time between the faults that stop the job, s, > 0.

    Returns
    -------
    float
        Useful work between saves, s.

    Raises
    ------
    ValueError
        If an argument is not finite and above 0.

    Notes
    -----
    Source: Young 1974, as quoted in arXiv 2410.18124.
    """
    positive(save=save, mtbf=mtbf)
    return math.sqrt(2.0 * save * mtbf)


def daly(save: float, mtbf: float) -> float:
    """Daly's higher-order interval.

    ``sqrt(2 save mtbf) (1 + x/3 + x**2/9) - save`` with ``x = sqrt(save / (2 mtbf))``, and ``mtbf`` where
    ``save >= 2 mtbf``.

    Parameters
    ----------
    save : float
        Time the job is stopped by one save, s, > 0.
    mtbf : float
        Mean time between the faults that stop the job, s, > 0.

    Returns
    -------
    float
        Useful work between saves, s. 0.3 % below `exact_interval` at save / mtbf = 1/3.

    Raises
    ------
    ValueError
        If an argument is not finite and above 0.

    Notes
    -----
    Source: Daly 2006, higher-order estimate; oracle O3b (from memory, it reproduces the published 117, 57 and
    9.1 min).
    """
    positive(save=save, mtbf=mtbf)
    if save >= 2.0 * mtbf:
        return mtbf
    x = math.sqrt(save / (2.0 * mtbf))
    return math.sqrt(2.0 * save * mtbf) * (1.0 + x / 3.0 + x * x / 9.0) - save


def nvidia_period(save: float, mttf: float, recovery: float) -> float:
    """NVIDIA's availability-optimal period, the save included.

    ``save + sqrt(2 (mttf + recovery) save + save**2)``, which maximises
    ``(1 - save/T) mttf / (mttf + recovery + T/2)`` over the period T.

    Parameters
    ----------
    save : float
        Time the job is stopped by one save, s, > 0.
    mttf : float
        Mean time from the end of a recovery to the next fault, s, > 0.
    recovery : float
        Time of a recovery, s, >= 0.

    Returns
    -------
    float
        Wall time from save to save, s. Useful work between saves is this less ``save``.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Source: arXiv 2410.18124, formula from the abstract; oracle O3c, the objective is reconstructed.
    """
    positive(save=save, mttf=mttf)
    not_negative(recovery=recovery)
    return save + math.sqrt(2.0 * (mttf + recovery) * save + save * save)


def exact_interval(save: float, mtbf: float) -> float:
    """The interval that maximises the ETTR of `periodic_ettr`, for any recovery and detection.

    ``mtbf (1 + W0(-exp(-1 - save/mtbf)))``, W0 the principal branch of Lambert's function. With
    u = interval / mtbf it is the root of ``-ln(1 - u) - u = save / mtbf``.

    Parameters
    ----------
    save : float
        Time the job is stopped by one save, s, > 0.
    mtbf : float
        Mean time between the faults that stop the job, s, > 0.

    Returns
    -------
    float
        Useful work between saves, s, below ``mtbf``.

    Raises
    ------
    ValueError
        If an argument is not finite and above 0.

    Notes
    -----
    W0 is not evaluated as such: near its branch point, at small save / mtbf, its argument rounds to -1/e and
    half of the digits are lost. The root above keeps them all. Source: oracle O3a, derived.
    """
    positive(save=save, mtbf=mtbf)
    ratio = save / mtbf
    if ratio < _YOUNG_BELOW:
        return young(save, mtbf)
    return mtbf * (_root_of_long_save(ratio) if ratio > 1.0 else _root_of_short_save(ratio))


def _deficit(u: float) -> float:
    """``-ln(1 - u) - u`` without cancellation, 0 <= u < 1."""
    if u >= _SERIES_BELOW:
        return -math.log1p(-u) - u
    total = 0.0
    for power in range(_SERIES_TERMS, 1, -1):
        total = total * u + 1.0 / power
    return total * u * u


def _root_of_short_save(ratio: float) -> float:
    """Solve ``-ln(1 - u) - u = ratio`` for 0 < ratio <= 1."""
    p = math.sqrt(2.0 * ratio)
    u = p * (1.0 - p / 3.0 + p * p / 36.0)
    for _ in range(_NEWTON_STEPS):
        step = (_deficit(u) - ratio) * (1.0 - u) / u
        u -= step
        if abs(step) <= 1e-15 * u:
            break
    return u


def _root_of_long_save(ratio: float) -> float:
    """Solve ``1 - u = exp(-u - ratio)``, the same root, for ratio > 1, where u is close to 1."""
    u = 1.0
    for _ in range(_NEWTON_STEPS):
        left = math.exp(-u - ratio)
        step = (u - 1.0 + left) / (1.0 - left)
        u -= step
        if abs(step) <= 1e-15:
            break
    return u


def interval_penalty(alpha: float) -> float:
    """How much the overhead grows when the interval is off by a factor: ``(alpha + 1/alpha) / 2``.

    Parameters
    ----------
    alpha : float
        Interval used over the best interval, > 0.

    Returns
    -------
    float
        Overhead of saves and lost work over that at the best interval, >= 1.

    Raises
    ------
    ValueError
        If ``alpha`` is not finite and above 0.

    Notes
    -----
    First order in sqrt(save / mtbf). Source: oracle O3d, derived.
    """
    positive(alpha=alpha)
    return 0.5 * (alpha + 1.0 / alpha)
