"""Lives of components: how long one works that has a given age, and when the first of many fails.

A component of frailty z fails at age t with hazard z h(t). H is the integral of h; a life is drawn in H, where ages and
frailties are plain arithmetic, and turned into time by H's inverse. H of a Weibull law is (t / scale)^shape, that of
other laws a curve. Records and curves are made by ``sim.engine.curves``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sim.kernels._jit import kernel
from sim.kernels.blocks import COMPONENT
from sim.kernels.normal import normal_quantile
from sim.kernels.philox import uniforms
from sim.kernels.time import LONGEST_S, NEVER, quantize

DEGREE = 9
"""Degree of the polynomial in each cell of a curve."""

WEIBULL, CURVE = 0, 1
"""How H is computed."""

ALIKE, TWO_POINT, GAMMA = 0, 1, 2
"""Frailty: all components alike; some bad, the others good; or gamma of mean 1."""

NUMBER_BITS = 32
"""A fault on a component is keyed by the component and, in this many bits, how often it has failed before."""

ORDER_LANE, FIRST_LANE, BOOST_LANE = 2, 3, 4
"""Identities of draws for a component's first failure: which one and when; its frailty and age; a gamma of small
shape.
"""

LIFE = np.dtype(
    [
        # the law of a component of frailty 1: how H is computed; scale in seconds and shape of a Weibull law; rows of
        # the curves log t -> log H and log H -> log t
        ("law", "i8"), ("scale", "f8"), ("shape", "f8"), ("hazard_curve", "i8"), ("age_curve", "i8"),
        # at the start: row of the curve log x -> log t of the first failure, x the cumulative hazard of all components
        # that have not failed (-1: all have one age); that age in seconds, and H of it; share of failures that renew
        ("wait_curve", "i8"), ("age", "f8"), ("hazard", "f8"), ("renewing", "f8"),
        # frailty: its kind; those of good and bad; share of bad ones, and what it is among components at the start,
        # weighted by their mean time between renewals; shape of the gamma, and of that at the start
        ("frailty", "i8"), ("good", "f8"), ("bad", "f8"), ("share", "f8"), ("weight", "f8"), ("spread", "f8"),
        ("spread_first", "f8"),
        # whether a component that was replaced is renewed; its age in seconds then and H of it; whether a bad one is
        # good then
        ("renews", "b1"), ("burn_in", "f8"), ("burn_in_hazard", "f8"), ("cured", "b1"),
    ],
    align=True,
)  # fmt: skip
"""How the components of one source live."""


@kernel
def curve(curves: Any, row: int, x: float) -> float:
    """Value of a curve at x, a float64: a polynomial in each of its equal cells, straight lines beyond its ends.

    ``curves`` is an array of float64, shape (rows, DEGREE + 1). At ``row`` are the curve's number of cells, lower end,
    cells per unit, value and slope at either end, upper end; then there is a row for each cell: coefficients for a
    variable from -1 to 1, highest power first.
    """
    low = curves[row, 1]
    place = (x - low) * curves[row, 2]
    if place < 0.0:
        return float(curves[row, 3] + curves[row, 4] * (x - low))
    if place >= curves[row, 0]:
        return float(curves[row, 5] + curves[row, 6] * (x - curves[row, 7]))
    cell = int(place)
    inside = 2.0 * (place - cell) - 1.0
    value = 0.0
    for power in range(curves.shape[1]):
        value = value * inside + curves[row + 1 + cell, power]
    return value


@kernel
def hazard_at(lives: Any, curves: Any, i: int, age: float) -> float:
    """H(age): ``lives`` is an array of ``LIFE``, ``i`` a place in it, ``age`` in seconds, at least 0."""
    if age <= 0.0:
        return 0.0
    if lives[i].law == WEIBULL:
        return float((age / lives[i].scale) ** lives[i].shape)
    return math.exp(curve(curves, lives[i].hazard_curve, math.log(age)))


@kernel
def age_at(lives: Any, curves: Any, i: int, hazard: float) -> float:
    """Age in seconds at which H is ``hazard``, a float64 of at least 0: the inverse of ``hazard_at``."""
    if hazard <= 0.0:
        return 0.0
    if lives[i].law == WEIBULL:
        return float(lives[i].scale * hazard ** (1.0 / lives[i].shape))
    return math.exp(curve(curves, lives[i].age_curve, math.log(hazard)))


@kernel
def first_wait(lives: Any, curves: Any, i: int, x: float) -> float:
    """Seconds from the start until a component that has not failed yet has gone through the cumulative hazard ``x``.

    exp(-x) is the probability that a component, its age and frailty unknown, has not failed by then.
    """
    if x <= 0.0:
        return 0.0
    if lives[i].wait_curve >= 0:
        return math.exp(curve(curves, lives[i].wait_curve, math.log(x)))
    passed = x
    if lives[i].frailty == GAMMA:
        passed = lives[i].spread * math.expm1(x / lives[i].spread)
    elif lives[i].frailty == TWO_POINT:
        passed = _passed(lives[i].share, lives[i].good, lives[i].bad, x)
    return float(max(0.0, age_at(lives, curves, i, lives[i].hazard + passed) - lives[i].age))


@kernel
def _passed(share: float, good: float, bad: float, x: float) -> float:
    """H that brings a mixture to cumulative hazard ``x``: Newton's steps on a concave function, from the left."""
    h = x / (good + share * (bad - good))
    for _ in range(50):
        # Relative to the survival of the good ones, so that nothing underflows where they are the tougher ones.
        low = min(good, bad)
        a = (1.0 - share) * math.exp((low - good) * h)
        b = share * math.exp((low - bad) * h)
        step = (x - (low * h - math.log(a + b))) * (a + b) / (a * good + b * bad)
        h += step
        if abs(step) <= 1e-15 * h:
            break
    return h


@kernel
def gamma_variate(shape: float, u: float, v: float, w: float) -> float:
    """A gamma variable of ``shape`` and scale 1, or -1 if these uniforms give none and others must be tried.

    Source: G. Marsaglia, W. W. Tsang, "A simple method for generating gamma variables", ACM TOMS 26 (2000), 363-372:
    a cube of a normal, accepted with probability above 0.95; below shape 1 that of shape + 1 times w^(1/shape).

    Parameters
    ----------
    shape : float64
        Above 0.
    u, v, w : float64
        Independent uniforms in [0, 1); ``w`` is used below shape 1 only.
    """
    d = (shape if shape >= 1.0 else shape + 1.0) - 1.0 / 3.0
    x = normal_quantile(u)
    if not abs(x) < 40.0:  # u = 0: minus infinity
        return -1.0
    root = 1.0 + x / math.sqrt(9.0 * d)
    if root <= 0.0:
        return -1.0
    cube = root * root * root
    if math.log(1.0 - v) >= 0.5 * x * x + d - d * cube + d * math.log(cube):
        return -1.0
    return d * cube if shape >= 1.0 else d * cube * (1.0 - w) ** (1.0 / shape)


@kernel
def first_failure(
    lives: Any, curves: Any, i: int, wait: float, key_0: np.uint64, key_1: np.uint64, ordinal: int, replication: int
) -> tuple[float, float]:
    """Frailty of a component whose first failure is ``wait`` seconds after the start, and H of its age then.

    Parameters
    ----------
    lives, curves, i
        As for ``hazard_at``.
    wait : float64
        Seconds, at least 0.
    key_0, key_1, ordinal, replication
        As for ``uniforms``; ``ordinal`` counts the first failures of the source.

    Notes
    -----
    All of one age: frailty from its posterior given the failure; a gamma one is Gamma(shape + 1, shape + H passed).
    Stationary: only a share q of the failures renews, so at the start an age a has density exp(-q z H(a)) up to a
    factor, and the age L at the first failure given its frailty z has exp(-q z H(L) - (1 - q) z (H(L) - H(L - wait)))
    h(L) for L > wait. It is drawn without the last term and accepted with it; for q = 1 that is certain.
    """
    stationary = lives[i].wait_curve >= 0
    q = lives[i].renewing
    at_wait = hazard_at(lives, curves, i, wait if stationary else lives[i].age + wait)
    z = 1.0
    attempt = 0
    while True:
        u, v, life, accept = uniforms(key_0, key_1, ordinal, FIRST_LANE, COMPONENT + 256 * attempt, replication)
        attempt += 1
        if lives[i].frailty != ALIKE:
            boost, _, _, _ = uniforms(key_0, key_1, ordinal, BOOST_LANE, COMPONENT + 256 * attempt, replication)
            z = _posterior(lives, i, stationary, q * at_wait if stationary else at_wait - lives[i].hazard, u, v, boost)
            if z < 0.0:
                continue
        if not stationary:
            return z, at_wait
        hazard = at_wait - math.log1p(-life) / (q * z)
        if q == 1.0:
            return z, hazard
        since = hazard - hazard_at(lives, curves, i, age_at(lives, curves, i, hazard) - wait)
        if accept < math.exp(-(1.0 - q) * z * since):
            return z, hazard


@kernel
def _posterior(lives: Any, i: int, stationary: bool, passed: float, u: float, v: float, w: float) -> float:
    """Frailty given that the component failed after ``passed`` of H; -1 if other uniforms must be tried."""
    good = lives[i].good
    bad = lives[i].bad
    if lives[i].frailty == TWO_POINT:
        share = lives[i].weight if stationary else lives[i].share
        odds = share * math.exp((good - bad) * passed)
        if not stationary:
            odds *= bad / good
        return float(bad if u * (odds + 1.0 - share) < odds else good)
    if stationary:
        return float(gamma_variate(lives[i].spread_first, u, v, w) / (lives[i].spread + passed))
    return float(gamma_variate(lives[i].spread + 1.0, u, v, w) / (lives[i].spread + passed))


@kernel
def due_at(lives: Any, curves: Any, i: int, origin: float, hazard: float) -> float:
    """Reading of the clock at which a component has gone through ``hazard``; infinite beyond all ages on the grid.

    ``origin`` is the reading at which its age was 0, in seconds, below 0 if that was before the start.
    """
    age = age_at(lives, curves, i, hazard)
    return origin + quantize(age) if age < LONGEST_S else NEVER
