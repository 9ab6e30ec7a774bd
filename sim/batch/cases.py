"""The cases of a sweep: one for each combination of the axes' points that its filters keep."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from sim.batch.axes import Axis, Point, Value
from sim.batch.filters import Filter
from sim.errors import Problem, ScenarioError
from sim.scenario.findings import COMMAND_LINE
from sim.scenario.positions import alike, split_key
from sim.scenario.refusal import RefusedError, shown, shown_path

_CHUNK = 1 << 18
_MOST_SAID = 20
_MOST_VALUES = 8
_MOST_SHOWN = 60
_NUMBER = re.compile(r"[0-9][0-9_.,]*(?:e[+-]?[0-9]+)?")

Positions = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Case:
    """A scenario of a sweep.

    Parameters
    ----------
    index : int
        Its place among the cases that are kept, from 0.
    values : tuple
        One for each axis, as written: a number, a text with a unit, a word.
    numbers : tuple of float or None
        The same in SI units; None for what is no number. Of linked keys the first's.
    changes : tuple of str
        ``path.to.key=value`` each, as ``sim.load`` and ``--set`` take them: those of ``[set]``, then those of the axes.
    """

    index: int
    values: tuple[Value, ...]
    numbers: tuple[float | None, ...]
    changes: tuple[str, ...]


class FilterError(Exception):
    """A filter that cannot be evaluated.

    Parameters
    ----------
    number : int
        Its position among the filters.
    refusal : RefusedError
        Why.
    """

    def __init__(self, number: int, refusal: RefusedError) -> None:
        super().__init__(number, refusal)
        self.number, self.refusal = number, refusal


class Cases(Sequence[Case]):
    """The cases, made when they are asked for.

    The first axis is the outermost loop; the points of the sample are the innermost, all sampled axes together.

    Parameters
    ----------
    axes : sequence of Axis
        All sampled ones with the same number of points.
    changes : sequence of str
        Those of all cases.
    filters : sequence of Filter
        Conditions that all cases meet.

    Raises
    ------
    FilterError
        If a filter cannot be evaluated, as where it divides by 0.
    """

    def __init__(self, axes: Sequence[Axis], changes: Sequence[str] = (), filters: Sequence[Filter] = ()) -> None:
        self.axes, self._changes = tuple(axes), tuple(changes)
        self.combinations = combinations(axes)
        """Number of cases before filters."""
        grid = [axis for axis in self.axes if not axis.sampled]
        drawn = [axis for axis in self.axes if axis.sampled]
        self._shape = tuple(len(axis.points) for axis in (*grid, *drawn[:1]))
        self._loop = tuple(grid.index(axis) if not axis.sampled else len(grid) for axis in self.axes)
        self.kept_by: list[int] = []
        """For each filter how many combinations it keeps, whatever the others do."""
        self._kept = self._filtered(filters) if filters else None

    def __len__(self) -> int:
        return self.combinations if self._kept is None else len(self._kept)

    @overload
    def __getitem__(self, index: int) -> Case: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Case, ...]: ...

    def __getitem__(self, index: int | slice) -> Case | tuple[Case, ...]:
        if isinstance(index, slice):
            return tuple(self[number] for number in range(*index.indices(len(self))))
        number = index + len(self) if index < 0 else index
        if not 0 <= number < len(self):
            raise IndexError(index)
        return self._case(number, number if self._kept is None else int(self._kept[number]))

    def __iter__(self) -> Iterator[Case]:
        for number in range(len(self)):
            yield self[number]

    def positions(self, axis: int) -> Positions:
        """Give, for each case, the position of its point on an axis; shape (cases,).

        Parameters
        ----------
        axis : int
            Position of the axis in `axes`.
        """
        kept = np.arange(self.combinations) if self._kept is None else self._kept
        return self._positions(kept, axis)

    def numbers(self, axis: int) -> NDArray[np.float64]:
        """Give, for each case, its number on an axis in SI units, nan for what is no number; shape (cases,)."""
        points = self.axes[axis].points
        numbers = np.array([math.nan if point.number is None else point.number for point in points], dtype=np.float64)
        return numbers[self.positions(axis)]

    def first_with(self, axis: int, position: int) -> int | None:
        """Give the index of the first case at a point of an axis; None if filters keep none."""
        found = np.flatnonzero(self.positions(axis) == position)
        return int(found[0]) if len(found) else None

    def _case(self, index: int, combination: int) -> Case:
        loops: list[int] = []
        for length in reversed(self._shape):
            combination, position = divmod(combination, length)
            loops.append(position)
        loops.reverse()
        points: list[Point] = [axis.points[loops[loop]] for axis, loop in zip(self.axes, self._loop, strict=True)]
        changes = (change for point in points for change in point.changes)
        return Case(
            index,
            tuple(point.value for point in points),
            tuple(point.number for point in points),
            (*self._changes, *changes),
        )

    def _positions(self, combination: Positions, axis: int) -> Positions:
        loop = self._loop[axis]
        inner = math.prod(self._shape[loop + 1 :])
        return combination // inner % self._shape[loop]

    def _filtered(self, filters: Sequence[Filter]) -> Positions:
        names = [axis.name for axis in self.axes]
        self.kept_by = [0] * len(filters)
        found: list[Positions] = []
        for start in range(0, self.combinations, _CHUNK):
            chunk = np.arange(start, min(start + _CHUNK, self.combinations))
            keep = np.ones(len(chunk), dtype=np.bool_)
            for number, each in enumerate(filters):
                positions = {name: self._positions(chunk, names.index(name)) for name in each.names}
                try:
                    kept = each.keep(positions, len(chunk))
                except RefusedError as refusal:
                    raise FilterError(number, refusal) from None
                self.kept_by[number] += int(np.count_nonzero(kept))
                keep &= kept
            found.append(chunk[keep])
        return np.concatenate(found)


def combinations(axes: Sequence[Axis]) -> int:
    """Give the number of combinations of the points of axes; sampled axes move together."""
    sampled = next((len(axis.points) for axis in axes if axis.sampled), 1)
    return sampled * math.prod(len(axis.points) for axis in axes if not axis.sampled)


def problems_of(file: str, axes: Sequence[Axis], failed: Iterable[tuple[Case, ScenarioError]]) -> list[Problem]:
    """Give problems of cases as problems of the sweep file.

    The same problem in many cases is said once, of the first, with the number of the others; at most 20 are said.

    Parameters
    ----------
    file : str
        The sweep file.
    axes : sequence of Axis
        Its axes.
    failed : iterable of tuple of Case and ScenarioError
        Cases with what is wrong with them.
    """
    owners = [(split_key(key) or (), axis) for axis in axes for key in axis.keys]
    first: dict[tuple[str, str, str], tuple[Case, Problem, Axis | None]] = {}
    counts: dict[tuple[str, str, str], int] = {}
    for case, error in failed:
        for problem in error.problems:
            # Numbers that a message holds differ from case to case.
            alike = (problem.file, problem.key, _NUMBER.sub("#", problem.message))
            if alike not in first:
                first[alike] = (case, problem, _owner(problem, owners))
            counts[alike] = counts.get(alike, 0) + 1
    said = [_said(file, axes, *found, counts[alike] - 1) for alike, found in list(first.items())[:_MOST_SAID]]
    if len(first) > _MOST_SAID:
        said.append(Problem(file, None, "", f"has {len(first) - _MOST_SAID} more problems"))
    return said


def _owner(problem: Problem, owners: Sequence[tuple[tuple[str, ...], Axis]]) -> Axis | None:
    """The axis that set what is wrong."""
    if problem.file != COMMAND_LINE:
        return None
    path = split_key(problem.key) or ()
    for key, axis in owners:
        length = min(len(path), len(key))
        if length and alike(path[:length], key[:length]):
            return axis
    return None


def _said(file: str, axes: Sequence[Axis], case: Case, problem: Problem, axis: Axis | None, others: int) -> Problem:
    point = [
        f"{each.name} = {value if isinstance(value, str) else shown(value)}"[:_MOST_SHOWN]
        for each, value in zip(axes, case.values, strict=True)
    ]
    if len(point) > _MOST_VALUES:
        point = [*point[:_MOST_VALUES], "..."]
    also = f" and {others:,} more" if others else ""
    where = (
        ""
        if problem.file == COMMAND_LINE
        else problem.file
        if problem.line is None
        else f"{problem.file}:{problem.line}"
    )
    what = ": ".join(part for part in (where, problem.key, problem.message) if part)
    key = "axes" if axis is None else shown_path(("axes", axis.name))
    line = None if axis is None else axis.line
    message = f"case {case.index} ({', '.join(point)}){also}: {what}"
    # Where no axis alone is to blame, it may be their combination.
    together = "change the base, or leave such cases out with where" if axis is None and len(axes) > 1 else None
    return Problem(file, line, key, message, problem.given, problem.allowed, together or problem.remedy)
