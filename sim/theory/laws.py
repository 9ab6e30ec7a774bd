"""Laplace transforms E[exp(-rate Z)] of a stage's duration Z.

At the rate of the faults it is the probability that a vulnerable stage ends before the next fault, which is
all that an expected recovery needs to know of the law (oracle O4).
"""

import math
from collections.abc import Sequence

from sim.theory.domain import not_negative, positive, probability, shares

# The trapezoid rule converges geometrically for the lognormal's integrand, analytic in the strip
# |Im x| < pi / (2 sigma): a step of 1/32 gives an error near exp(-30) even at sigma = 10.
_STEPS_PER_SD = 32
# Beyond 12 standard deviations a normal holds less than 1e-32.
_REACH_SD = 12


def laplace_constant(rate: float, time: float) -> float:
    """Laplace transform of a constant: ``exp(-rate time)``.

    Parameters
    ----------
    rate : float
        Rate of the faults, per s, >= 0.
    time : float
        Duration, s, >= 0.

    Returns
    -------
    float
        E[exp(-rate Z)], in 0 to 1.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Source: oracle O4, derived.
    """
    not_negative(rate=rate, time=time)
    return math.exp(-rate * time)


def laplace_exponential(rate: float, mean: float) -> float:
    """Laplace transform of an exponential law: ``1 / (1 + rate mean)``.

    Parameters
    ----------
    rate : float
        Rate of the faults, per s, >= 0.
    mean : float
        Mean duration, s, >= 0.

    Returns
    -------
    float
        E[exp(-rate Z)], in 0 to 1.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Source: oracle O4, derived.
    """
    not_negative(rate=rate, mean=mean)
    return 1.0 / (1.0 + rate * mean)


def laplace_lognormal(rate: float, mean: float, sd: float) -> float:
    """Laplace transform of a lognormal law, by quadrature.

    ``E[exp(-rate exp(m + v x))]`` over a standard normal x, with ``v**2 = ln(1 + (sd / mean)**2)`` and
    ``m = ln(mean) - v**2 / 2``.

    Parameters
    ----------
    rate : float
        Rate of the faults, per s, >= 0.
    mean : float
        Mean duration, s, > 0.
    sd : float
        Standard deviation of the duration, s, >= 0.

    Returns
    -------
    float
        E[exp(-rate Z)], in 0 to 1.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    There is no closed form. Trapezoid rule over 24 standard deviations. Source: derived.
    """
    not_negative(rate=rate, sd=sd)
    positive(mean=mean)
    spread = math.sqrt(math.log1p((sd / mean) ** 2))
    scale = rate * mean * math.exp(-0.5 * spread * spread)
    weights = []
    terms = []
    for step in range(-_REACH_SD * _STEPS_PER_SD, _REACH_SD * _STEPS_PER_SD + 1):
        x = step / _STEPS_PER_SD
        weight = math.exp(-0.5 * x * x)
        weights.append(weight)
        terms.append(weight * math.exp(-scale * math.exp(spread * x)))
    return math.fsum(terms) / math.fsum(weights)


def laplace_mixture(parts: Sequence[tuple[float, float]]) -> float:
    """Laplace transform of a mixture: the transforms of its parts, weighted.

    Parameters
    ----------
    parts : sequence of (float, float)
        Share of each part (0 to 1, adding up to 1) and its transform (0 to 1) at the same rate.

    Returns
    -------
    float
        E[exp(-rate Z)], in 0 to 1.

    Raises
    ------
    ValueError
        If a value is out of range or the shares don't add up to 1.

    Notes
    -----
    Source: oracle O4, derived.
    """
    shares(share for share, _ in parts)
    for _, transform in parts:
        probability(transform=transform)
    return math.fsum(share * transform for share, transform in parts)
