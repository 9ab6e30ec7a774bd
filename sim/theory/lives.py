"""Faults of components whose hazard depends on their age, or that differ.

Weibull lives of scale s and shape k: P(life > t) = exp(-(t / s)^k). Any consistent unit of time.
"""

import math

from sim.theory.domain import not_negative, positive, probability


def mean_life(scale: float, shape: float) -> float:
    """Mean of a Weibull life, scale x gamma(1 + 1 / shape); arguments > 0. Source: the law's definition."""
    positive(scale=scale, shape=shape)
    return scale * math.gamma(1.0 + 1.0 / shape)


def mean_first_failure(components: int, scale: float, shape: float) -> float:
    """Mean time to the first failure among new components.

    Parameters
    ----------
    components : int
        How many, >= 1.
    scale, shape : float
        Of the Weibull law, > 0; the scale in s.

    Returns
    -------
    float
        s.

    Notes
    -----
    The minimum of n is Weibull with scale s n^(-1/k). Source: oracle O10a, derived.
    """
    return mean_life(scale, shape) * math.pow(components, -1.0 / shape)


def fleet_rate(components: int, scale: float, shape: float, renewing: float = 1.0) -> float:
    """Long-run rate of faults of components of which a share of the faults renews the one that failed.

    Parameters
    ----------
    components : int
        How many, >= 1.
    scale, shape : float
        Of the Weibull law, > 0; the scale in s.
    renewing : float
        Share q of the faults that renew, above 0, at most 1; at the others a component is as old as it was.

    Returns
    -------
    float
        1/s.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Renewals have the hazard q h, so their mean distance is that of scale s q^(-1/k), with 1 / q faults in each.
    Source: oracle O10b for q = 1; derived.
    """
    positive(scale=scale, shape=shape, renewing=renewing)
    probability(renewing=renewing)
    return components * math.pow(renewing, 1.0 / shape - 1.0) / mean_life(scale, shape)


def first_failures(components: int, scale: float, shape: float, time: float) -> float:
    """Mean number of new components that have failed by a time in s, none replaced. Source: oracle O10c, derived."""
    positive(scale=scale, shape=shape)
    not_negative(time=time)
    return -components * math.expm1(-((time / scale) ** shape))


def faults_without_renewal(components: int, scale: float, shape: float, time: float) -> float:
    """Mean number of faults by a time in s of new components that no fault renews. Source: oracle O10d, derived."""
    positive(scale=scale, shape=shape)
    not_negative(time=time)
    return components * math.pow(time / scale, shape)


def frailty_variance(mean: float, variance: float) -> float:
    """Variance of the faults of a component with exponential lives whose rate differs by a factor of mean 1.

    Parameters
    ----------
    mean : float
        Mean number of faults, >= 0.
    variance : float
        Of the factor, >= 0: 1 / shape of a gamma law; p (f - 1)^2 (1 - p) / (1 - p + p f)^2 of a share p with factor f.

    Returns
    -------
    float
        mean + mean^2 variance. Source: oracle O15c, derived.
    """
    not_negative(mean=mean, variance=variance)
    return mean + mean * mean * variance


def faults_until_retired(components: float, mean: float, failures: int) -> float:
    """Mean number of faults of components that are given up at a fault.

    Parameters
    ----------
    components : float
        How many, >= 0; a mean will do.
    mean : float
        Mean number of faults of one that is never given up, >= 0: rate x time.
    failures : int
        Number of the fault at which one is given up, >= 1.

    Returns
    -------
    float
        components x sum over j < failures of P(Poisson(mean) > j).

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Source: oracle O15a, derived.
    """
    not_negative(components=components, mean=mean)
    positive(failures=failures)
    term, below, total = math.exp(-mean), 0.0, 0.0
    for j in range(failures):
        below += term
        total += 1.0 - below
        term *= mean / (j + 1)
    return components * total


def renewed_ettr(scale: float, shape: float, interval: float, save: float, recovery: float) -> float:
    """Long-run ETTR of a job that saves periodically, where all is new after each recovery.

    Parameters
    ----------
    scale, shape : float
        Weibull law of the time to the next fault from the end of a recovery, > 0; the scale in s.
    interval, save : float
        Useful work between saves, > 0, and the blocking save, >= 0; s.
    recovery : float
        Time of a recovery in which nothing fails, s, >= 0.

    Returns
    -------
    float
        sum over j >= 1 of interval P(X > j (interval + save)) / (E[X] + recovery).

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Source: oracle O6 for equal intervals, derived.
    """
    positive(scale=scale, shape=shape, interval=interval)
    not_negative(save=save, recovery=recovery)
    kept: list[float] = []
    while not kept or kept[-1] > 1e-18:
        kept.append(math.exp(-((((len(kept) + 1) * (interval + save)) / scale) ** shape)))
    return interval * math.fsum(kept) / (mean_life(scale, shape) + recovery)
