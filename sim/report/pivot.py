"""The cases of a sweep laid out over two of its axes, as tables and pictures show them."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sim.batch.axes import Axis
from sim.batch.file import Sweep
from sim.batch.swept import Swept
from sim.batch.tables import ESTIMATED, Summaries, Summary
from sim.errors import UsageError
from sim.scenario.refusal import listed, nearest

MOST_LAYERS = 6
"""Combinations of the other axes' points of which each has a table of its own."""

NOTHING = -1
"""Stands where no case is."""

Value = str | int | float | bool

Floats = NDArray[np.float64]

_MEASURE = re.compile(r"([0-9]*\.?[0-9]+) (\S.*)")
"""A number and its unit, not one in the form 1e6."""


@dataclass(frozen=True)
class Layer:
    """Cases at one combination of the other axes' points.

    Parameters
    ----------
    fixed : tuple of tuple of str
        Names of the other axes and their values there; empty if there are none, or if the best over them is shown.
    cells : array of int, shape (rows, columns)
        Numbers of cases, ``NOTHING`` where there is none.
    """

    fixed: tuple[tuple[str, str], ...]
    cells: NDArray[np.intp]


@dataclass(frozen=True)
class Pivot:
    """Cases over two axes, or one.

    Parameters
    ----------
    rows, columns : Axis or None
        The axes; ``columns`` is None if the sweep has one axis.
    layers : tuple of Layer
    best_over : tuple of str
        Other axes, of too many combinations to show: each cell is the case with the best ETTR of all of them.
    """

    rows: Axis
    columns: Axis | None
    layers: tuple[Layer, ...]
    best_over: tuple[str, ...]


@dataclass(frozen=True)
class Ettrs:
    """ETTR of the cases of a sweep.

    Parameters
    ----------
    mean, half : array of float64, shape (cases,)
        Shares of 1: the mean, nan where a case is not done; half its interval, infinite where it has none.
    low, high : array of float64, shape (cases,)
        Ends of the interval, nan where there is none.
    n : array of int, shape (cases,)
        Replications; 0 where a case is not done.
    confidence : float
        Of the intervals.
    failed : collection of int
        Numbers of the cases that failed.
    """

    mean: Floats
    half: Floats
    low: Floats
    high: Floats
    n: NDArray[np.int64]
    confidence: float
    failed: Collection[int]

    @classmethod
    def of(cls, swept: Swept) -> Ettrs:
        """Give those of a sweep, whether it is complete or not."""
        summaries = swept.summaries
        if not isinstance(summaries, Summaries):
            nothing = np.full(len(swept.sweep.cases), math.nan)
            return cls(nothing, nothing, nothing, nothing, np.zeros(len(nothing), np.int64), math.nan, swept.failed)
        mean, low, high = summaries.ends[ESTIMATED.index("ettr")]
        half = np.maximum(high - mean, mean - low)
        n = summaries.n
        first = summaries[int(np.argmax(n > 0))] if n.any() else None
        confidence = math.nan if first is None else first.ettr.confidence
        return cls(mean, np.where(np.isnan(half), math.inf, half), low, high, n, confidence, swept.failed)

    @cached_property
    def done(self) -> NDArray[np.bool_]:
        """Whether a case is done."""
        return self.n > 0

    @cached_property
    def best(self) -> int:
        """Number of the case with the best ETTR; ``NOTHING`` if none is done."""
        return int(np.nanargmax(self.mean)) if self.done.any() else NOTHING

    @cached_property
    def worst(self) -> int:
        """Number of the case with the worst ETTR; ``NOTHING`` if none is done."""
        return int(np.nanargmin(self.mean)) if self.done.any() else NOTHING

    def digits(self, numbers: Sequence[int] | NDArray[np.intp]) -> int:
        """Decimals of percentage points that the intervals of cases leave to be shown: from 1 to 3."""
        cases = np.asarray(numbers, dtype=np.intp).ravel()
        halves = self.half[cases[cases != NOTHING]]
        halves = 100 * halves[(halves > 0) & np.isfinite(halves)]
        return min(max(1, -math.floor(math.log10(float(np.median(halves))) + 1e-6)), 3) if len(halves) else 2

    def written(self, number: int, digits: int) -> str:
        """ETTR of a case with its interval, in percent, or why it has none."""
        if number == NOTHING or not self.n[number]:
            return "failed" if number in self.failed else "-"
        if 0 < 200 * self.half[number] < 10.0**-digits:  # it must not read ±0.0
            digits = self.digits([number])
        error = f" ±{100 * self.half[number]:.{digits}f}" if self.half[number] < math.inf else ""
        return f"{100 * self.mean[number]:.{digits}f}{error}"


def shown(value: Value, digits: int = 6) -> str:
    """A value of an axis as people read it; numbers that were computed are rounded."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return _rounded(value, digits)
    match = _MEASURE.fullmatch(value)
    if match is None or len(match[1].replace(".", "")) <= digits:
        return value
    return f"{_rounded(float(match[1]), digits)} {match[2]}"


def _rounded(number: float, digits: int) -> str:
    """A number to so many digits, without an exponent where people would write none."""
    return f"{float(f'{number:.{digits}g}'):.12g}"


def called(axis: Axis, value: Value) -> str:
    """The label of the point of an axis with this value, or the value as people read it."""
    return next((point.label for point in axis.points if point.value == value and point.label), None) or shown(value)


def labels(axis: Axis) -> list[str]:
    """What the points of an axis are called: their labels, or their values with so many digits that they differ."""
    named = [point.label for point in axis.points if point.label is not None]
    if named:
        return named
    for digits in range(4, 12):
        found = [shown(point.value, digits) for point in axis.points]
        if len(set(found)) == len(found):
            return found
    return [str(point.value) for point in axis.points]


def summary(swept: Swept, number: int) -> Summary | None:
    """Estimates of a case; None of one that failed, or is not done."""
    return swept.summaries[number] if swept.summaries and number != NOTHING else None


def chosen(axes: Sequence[Axis], x: str | None, y: str | None) -> tuple[int | None, int]:
    """Give the positions of the axes along the columns, None if there is one axis only, and along the rows.

    Axes that are not named are those with the most points, of which rows may have more.

    Raises
    ------
    UsageError
        If there is no axis of a name, or both are the same.
    """
    named = [_position(axes, option, name) for option, name in (("--x", x), ("--y", y))]
    if x is not None and x == y:
        raise UsageError(f"--x {x} --y {y}: are the same axis; name two, or one")
    free = [i for i in sorted(range(len(axes)), key=lambda i: -len(axes[i].points)) if i not in named]
    across, down = named
    if len(axes) == 1:
        return None, 0
    if down is None:
        down = free.pop(0)
    return (free.pop(0) if across is None else across), down


def _position(axes: Sequence[Axis], option: str, name: str | None) -> int | None:
    if name is None:
        return None
    names = [axis.name for axis in axes]
    if name not in names:
        close = nearest(name, names)
        remedy = f"did you mean {close}?" if close else f"there is {listed(names)}"
        raise UsageError(f"{option} {name}: is no axis of this sweep; {remedy}")
    return names.index(name)


def is_sampled(axes: Sequence[Axis], x: str | None, y: str | None) -> bool:
    """Whether the cases are points strewn in a space, of which no table of rows and columns can be made."""
    named = [axis for axis in axes if axis.name in (x, y)]
    return any(axis.sampled for axis in named or axes)


def pivot(sweep: Sweep, ettrs: Ettrs, x: str | None, y: str | None) -> Pivot:
    """Lay the cases out over two axes.

    Parameters
    ----------
    sweep : Sweep
        Its axes and cases.
    ettrs : Ettrs
        Of its cases.
    x, y : str or None
        Names of the axes along the columns and the rows; see `chosen`.

    Raises
    ------
    UsageError
        As `chosen`.
    """
    cases, axes = sweep.cases, sweep.axes
    across, down = chosen(axes, x, y)
    others = [i for i in range(len(axes)) if i not in (across, down) and len(axes[i].points) > 1]
    shape = len(axes[down].points), 1 if across is None else len(axes[across].points)
    rows = cases.positions(down)
    columns = np.zeros(len(cases), dtype=np.intp) if across is None else cases.positions(across)
    # A cell keeps what is put there last: the best.
    order = np.argsort(np.where(ettrs.done, ettrs.mean, -1.0), kind="stable")
    combinations = np.zeros((len(cases), 0), dtype=np.intp)
    if others:
        combinations = np.stack([cases.positions(i) for i in others], axis=1)
    different = np.unique(combinations, axis=0)
    best_over: tuple[str, ...] = ()
    if len(different) > MOST_LAYERS:
        best_over = tuple(axes[i].name for i in others)
        combinations = different = np.zeros((1, 0), dtype=np.intp)
    layers = []
    for combination in different:
        cells = np.full(shape, NOTHING, dtype=np.intp)
        here = order[(combinations == combination).all(axis=1)[order]] if not best_over else order
        cells[rows[here], columns[here]] = here
        fixed = zip(others, combination, strict=False)
        layers.append(Layer(tuple((axes[i].name, labels(axes[i])[at]) for i, at in fixed), cells))
    return Pivot(axes[down], None if across is None else axes[across], tuple(layers), best_over)


def evenly(count: int, most: int, keep: int | None = None) -> list[int]:
    """Choose at most so many of ``count`` positions, evenly, the first and the last among them, and ``keep``."""
    if count <= most:
        return list(range(count))
    found = sorted({round(i * (count - 1) / max(most - 1, 1)) for i in range(most)})
    if keep is not None and keep not in found:
        between = range(1, len(found) - 1) if len(found) > 2 else range(len(found))
        found[min(between, key=lambda i: abs(found[i] - keep))] = keep
    return sorted(found)
