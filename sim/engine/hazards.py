"""Cumulative hazards of the laws of lives, over arrays of ages: what the curves are fitted to."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from sim.plan import BATHTUB_LIFE, GAMMA_LIFE, LOGNORMAL_LIFE, WEIBULL_LIFE, Life

Floats = npt.NDArray[np.float64]
Function = Callable[[Floats], Floats]

_FRACTION_TERMS = 300
_LEAST = 1e-300
"""H of what would underflow; it never matters."""
_NEAR_X, _NEAR_W = np.polynomial.legendre.leggauss(6)


def log_hazard(life: Life) -> Function:
    """Make the function log t -> log H(t), t in seconds, of a component of frailty 1."""
    from scipy import special  # heavy: only where a scenario has such lives

    if life.law in (WEIBULL_LIFE, BATHTUB_LIFE):

        def weibulls(x: Floats) -> Floats:
            each = [shape * (x - math.log(scale)) for scale, shape in life.parts]
            return np.asarray(np.logaddexp.reduce(each, axis=0))

        return weibulls
    ((a, b),) = life.parts
    if life.law == LOGNORMAL_LIFE:
        return lambda x: np.log(np.maximum(-special.log_ndtr((a - x) / b), _LEAST))
    assert life.law == GAMMA_LIFE

    def gamma(x: Floats) -> Floats:
        v = np.exp(x) / a
        low, high = special.gammainc(b, v), special.gammaincc(b, v)
        with np.errstate(divide="ignore"):
            hazard = np.where(low < 0.5, -np.log1p(-low), -np.log(high))
        far = high < 1e-290
        hazard[far] = _far_gamma(b, v[far])
        with np.errstate(divide="ignore"):
            return np.where(low > 1e-290, np.log(hazard), b * np.log(v) - special.gammaln(b + 1.0))

    return gamma


def _far_gamma(shape: float, v: Floats) -> Floats:
    """-log Q(shape, v) far out, by Legendre's continued fraction from its end."""
    fraction = np.zeros_like(v)
    for n in range(_FRACTION_TERMS, 0, -1):
        fraction = n * (n - shape) / (v + 2.0 * n + 1.0 - shape - fraction)
    return v - shape * np.log(v) + math.lgamma(shape) + np.log(v + 1.0 - shape - fraction)


def passed(life: Life, log_h: Function, a: Floats, r: Floats) -> Floats:
    """H(a + r) - H(a) for ages ``a`` and waits ``r`` in seconds, arrays of one shape, without cancellation."""
    if life.law in (WEIBULL_LIFE, BATHTUB_LIFE):
        ratio = np.log1p(r / a)
        return np.asarray(
            sum(np.exp(shape * np.log(a / scale)) * np.expm1(shape * ratio) for scale, shape in life.parts)
        )
    both = np.exp(log_h(np.log(a + r))) - np.exp(log_h(np.log(a)))
    near = r < 0.25 * a
    x = np.log(a[near][:, None] + r[near][:, None] * (0.5 + 0.5 * _NEAR_X))
    both[near] = r[near] * (np.exp(_log_rate(life, log_h, x) - x) * (0.5 * _NEAR_W)).sum(axis=1)
    return np.asarray(both)


def _log_rate(life: Life, log_h: Function, x: Floats) -> Floats:
    """log(t h(t)) at x = log t for a lognormal or gamma law: the density over the survival exp(-H)."""
    ((a, b),) = life.parts
    hazard = np.exp(log_h(x))
    if life.law == LOGNORMAL_LIFE:
        return np.asarray(hazard - 0.5 * ((x - a) / b) ** 2 - math.log(b * math.sqrt(2.0 * math.pi)))
    v = np.exp(x) / a
    return np.asarray(hazard + b * np.log(v) - v - math.lgamma(b))
