"""The best values of several knobs at once: Nelder and Mead's simplex on the same faults, then each knob by itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sim.study.knobs import changes_of
from sim.study.looks import OutOfTimeError
from sim.study.paired import Floats
from sim.study.ranges import Range
from sim.study.search import Found, Progress, Search
from sim.study.trials import Trials

REPLICATIONS = 64
"""Of each setting of the simplex. Its end is only where each knob's own search begins. An assumption."""

SETTINGS = 60
"""Settings that the simplex tries for each knob, at most."""

CLOSE = 0.02
"""Size of the simplex, on the logarithm, that ends it."""

LEAST_GAIN = 1e-5
"""Gain of the metric that ends it."""


def best_of_several(
    trials: Trials, over: Sequence[Range], search: Callable[[Range], Search], progress: Progress
) -> tuple[Found, ...]:
    """Find the best values together.

    With the same faults at all settings the metric is a function without noise, which the simplex climbs on the
    logarithms of the knobs. Then each knob is searched by itself with the others where they are, which gives its
    interval, its flat region, and whether it is at an edge or in the noise; one in the noise keeps its value.

    References
    ----------
    J. A. Nelder and R. Mead, "A simplex method for function minimization", The Computer Journal 7, 1965.
    """
    values = _climb(trials, over, progress)
    found: list[Found] = []
    for i, each in enumerate(over):
        others = tuple((other.knob, values[j]) for j, other in enumerate(over) if j != i)
        one = search(replace(each, others=others)).run()
        if one.reason is None:
            values[i] = each.knob.rounded(one.best)
        elif one.reason == "noise" and each.knob.now is not None:
            values[i] = each.knob.now
        found.append(one)
    return tuple(found)


def _climb(trials: Trials, over: Sequence[Range], progress: Progress) -> list[float]:
    """The simplex: values that are best together, on few replications."""
    from scipy.optimize import minimize  # takes long to import, and only this needs it

    tried = 0
    best: tuple[Floats, float] = np.zeros(len(over)), math.inf

    def settings(x: Floats) -> list[float]:
        return [each.knob.rounded(math.exp(at), 6) for each, at in zip(over, x, strict=True)]

    def loss(x: Floats) -> float:
        nonlocal tried, best
        if trials.clock.over:
            raise OutOfTimeError
        tried += 1
        changes = changes_of((each.knob, value) for each, value in zip(over, settings(x), strict=True))
        value = trials.at(changes, REPLICATIONS).value
        if tried % 20 == 0:
            progress(f"{tried} settings of {REPLICATIONS} replications: {trials.metric} {100 * value:.2f} %")
        if -value < best[1]:
            best = np.array(x), -value
        return -value

    bounds = [(math.log(max(each.low, 1.0 if each.knob.whole else each.low)), math.log(each.high)) for each in over]
    start = [_start(each, low, high) for each, (low, high) in zip(over, bounds, strict=True)]
    first = np.array([start] + [_moved(start, i, bounds[i]) for i in range(len(over))])
    options: Any = {
        "initial_simplex": first, "xatol": CLOSE, "fatol": LEAST_GAIN, "maxfev": SETTINGS * len(over), "adaptive": True,
    }  # fmt: skip
    best = np.array(start), math.inf
    try:
        found = minimize(loss, np.array(start), method="Nelder-Mead", bounds=bounds, options=options)
        return settings(found.x)
    except OutOfTimeError:
        return settings(best[0])


def _start(each: Range, low: float, high: float) -> float:
    """Where a knob begins: at its value now, if that is in the range."""
    now = each.knob.now
    return (low + high) / 2 if now is None or now <= 0 else min(max(math.log(now), low), high)


def _moved(start: Sequence[float], i: int, bounds: tuple[float, float]) -> list[float]:
    """A corner of the first simplex: one knob moved by a quarter of its range, to where there is more room."""
    low, high = bounds
    step = (high - low) / 4
    moved = list(start)
    moved[i] += step if high - start[i] > start[i] - low else -step
    return moved
