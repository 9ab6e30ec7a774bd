"""Lives of a plan as the records and curves that the kernels read: made once for a plan, whatever its size.

A curve holds a monotone function of a logarithm as polynomials on equal cells, cells as narrow as its shape asks for.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.engine.first_failures import Start
from sim.engine.hazards import log_hazard
from sim.kernels.lives import ALIKE, CURVE, DEGREE, GAMMA, LIFE, TWO_POINT, WEIBULL
from sim.plan import RENEW_UNIT, STATIONARY, WEIBULL_LIFE, Life

Floats = npt.NDArray[np.float64]
Function = Callable[[Floats], Floats]

_SHORTEST, _LONGEST = math.log(2.0**-24), math.log(2.0**34)
"""Range of ages and waits in a curve, as logarithms of seconds: beyond it nothing happens on the grid of time."""
_LEAST, _MOST = math.log(1e-25), math.log(1e4)
"""Range of H in a curve, as logarithms: below it no draw falls, above it a component has failed 10,000 times."""
_ALL_FAILED = math.log(700.0)
"""Where the curve of first failures ends: all but exp(-700) have failed."""
_WIDEST = 0.5
_MOST_CELLS = 4096
_BISECTIONS = 56
_CLOSE = 5e-13
"""Largest error of a curve's value, a logarithm: a relative error of a time."""
_NODES = np.cos(np.pi * (np.arange(DEGREE + 1) + 0.5) / (DEGREE + 1))
_FIT = np.linalg.inv(np.vander(_NODES, DEGREE + 1)).T
_BETWEEN = np.array([-1.0, 1.0, -0.55, 0.05, 0.8])


def _fitted(function: Function, low: float, high: float, cells: int) -> tuple[Floats, float]:
    """Rows of a curve with this number of cells, and how far it is off between its nodes."""
    half = (high - low) / cells / 2.0
    centres = low + half * (2.0 * np.arange(cells) + 1.0)
    values = function((centres[:, None] + half * np.concatenate([_NODES, _BETWEEN])).ravel()).reshape(cells, -1)
    known, others = values[:, : DEGREE + 1], values[:, DEGREE + 1 :]
    middle = known.mean(axis=1)
    coefficients = (known - middle[:, None]) @ _FIT
    coefficients[:, -1] += middle
    fitted = coefficients @ np.vander(_BETWEEN, DEGREE + 1).T
    powers = np.arange(DEGREE, 0, -1)
    slope_low = float(coefficients[0, :-1] @ (powers * (-1.0) ** (powers - 1))) / half
    slope_high = float(coefficients[-1, :-1] @ powers) / half
    header = np.zeros((1, DEGREE + 1))
    header[0, :8] = cells, low, cells / (high - low), fitted[0, 0], slope_low, fitted[-1, 1], slope_high, high
    return np.concatenate([header, coefficients]), float(np.abs(fitted - others).max())


def fitted(function: Function, low: float, high: float) -> Floats:
    """Rows of a curve: as many cells as it takes to be within ``_CLOSE`` of the function, or as it is exact itself."""
    cells = max(1, math.ceil((high - low) / _WIDEST))
    rows, error = _fitted(function, low, high, cells)
    while error > _CLOSE and cells < _MOST_CELLS:
        cells *= 2
        finer, finer_error = _fitted(function, low, high, cells)
        if finer_error > error / 4.0:  # what is left is the rounding of the function itself
            break
        rows, error = finer, finer_error
    return rows


def _inverse(function: Function, low: float, high: float) -> Function:
    """Make the inverse of an increasing function between two ends, by bisection."""

    def search(y: Floats) -> Floats:
        a, b = np.full_like(y, low), np.full_like(y, high)
        for _ in range(_BISECTIONS):
            middle = 0.5 * (a + b)
            below = function(middle) < y
            a, b = np.where(below, middle, a), np.where(below, b, middle)
        return 0.5 * (a + b)

    return search


def _between(function: Function, low: float, high: float) -> tuple[float, float]:
    """The part of the range of ages in which a function's values lie between ``low`` and ``high``."""
    ends = _inverse(function, _SHORTEST, _LONGEST)(np.array([low, high]))
    return float(ends[0]), float(ends[1])


def _record(life: Life, curves: list[Floats]) -> tuple[Any, ...]:
    """One record of ``LIFE``; its curves are added to the list."""

    def add(rows: Floats) -> int:
        curves.append(rows)
        return sum(map(len, curves)) - len(rows)

    log_h = log_hazard(life)

    def hazard(age: float) -> float:
        return float(np.exp(log_h(np.array([math.log(age)])))[0]) if age > 0.0 else 0.0

    values: dict[str, Any] = dict.fromkeys(LIFE.names or (), 0)
    values |= {"law": WEIBULL, "hazard_curve": -1, "age_curve": -1, "wait_curve": -1}
    values["scale"], values["shape"] = life.parts[0]
    if life.law != WEIBULL_LIFE:
        values["law"] = CURVE
        forward = fitted(log_h, *_between(log_h, _LEAST, _MOST))
        values["hazard_curve"], values["age_curve"] = add(forward), add(_inverted(forward))
    good = 1.0 / (1.0 - life.share + life.share * life.factor)
    values |= {"frailty": GAMMA if life.spread > 0.0 else TWO_POINT if life.share > 0.0 else ALIKE}
    values |= {"good": good, "bad": good * life.factor, "share": life.share, "spread": life.spread}
    values |= {"renewing": life.renewing, "burn_in": life.burn_in, "burn_in_hazard": hazard(life.burn_in)}
    values |= {"cured": life.cured, "renews": life.renewal == RENEW_UNIT}
    if life.age == STATIONARY:
        start = Start(life, log_h)
        ends = _between(start.log_hazard, _LEAST, _ALL_FAILED)
        values["wait_curve"] = add(_inverted(fitted(start.log_hazard, *ends)))
        values |= {"weight": start.weight, "spread_first": start.spread}
    else:
        values |= {"age": life.age, "hazard": hazard(life.age)}
    return tuple(values[name] for name in LIFE.names or ())


def _inverted(rows: Floats) -> Floats:
    """The curve of a curve's inverse."""
    low, high = float(rows[0, 1]), float(rows[0, 7])

    def forward(x: Floats) -> Floats:
        return _values(rows, x)

    return fitted(_inverse(forward, low, high), float(rows[0, 3]), float(rows[0, 5]))


def _values(rows: Floats, x: Floats) -> Floats:
    """Values of a curve inside its range."""
    place = np.clip((x - rows[0, 1]) * rows[0, 2], 0.0, rows[0, 0] * (1.0 - 1e-15))
    cell = place.astype(np.int64)
    return np.asarray((np.vander(2.0 * (place - cell) - 1.0, DEGREE + 1) * rows[1 + cell]).sum(axis=1))


@lru_cache(maxsize=64)
def curves_of(lives: tuple[Life, ...]) -> tuple[npt.NDArray[np.void], Floats]:
    """Records and curves of some lives.

    Returns
    -------
    records : array of ``LIFE``, shape (max(1, lives),)
        In the order of the lives; one of zeros if there is none.
    curves : array of float64, shape (rows, DEGREE + 1)
        See ``sim.kernels.lives.curve``; read only.
    """
    curves: list[Floats] = [np.zeros((1, DEGREE + 1))]
    records = np.zeros(max(1, len(lives)), LIFE)
    for i, life in enumerate(lives):
        records[i] = _record(life, curves)
    return records, np.concatenate(curves)
