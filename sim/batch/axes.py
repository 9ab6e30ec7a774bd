"""Axes of a sweep: what they set, and at which points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sim.batch.schema import MOST_POINTS, AxisTable
from sim.errors import ScenarioError, UsageError
from sim.scenario.findings import COMMAND_LINE
from sim.scenario.positions import ANY_NAME, split_key
from sim.scenario.refusal import Path, RefusedError, shown
from sim.scenario.toml import dotted, toml_value
from sim.study.knobs import Make, find, not_there
from sim.study.measures import Measure, measured

_DIGITS = 12
_OF_THE_ANSWER = ("seed", "precision", "confidence", "max_replications")
_COUNTS = ("steps", "saves")
_SLACK = 1e-9
"""Share of a step by which the last point may miss `to`, which rounding could cost."""

Value = str | int | float | bool
Wrong = list[tuple[Path, RefusedError]]
"""What is wrong with an axis: where below its table, and why."""


@dataclass(frozen=True, slots=True)
class Point:
    """A point of an axis.

    Parameters
    ----------
    value : str, int, float or bool
        As written: a number, a text with a unit, a word; a table as TOML text. Of linked keys the first's, or all in
        one text if the first's does not tell the points apart.
    number : float or None
        In SI units; None for what is no number. Of several values the first.
    changes : tuple of str
        What it sets, ``path.to.key=value`` each.
    label : str or None
        What tables and pictures call it; None: its value.
    """

    value: Value
    number: float | None
    changes: tuple[str, ...]
    label: str | None = None


@dataclass(frozen=True)
class Axis:
    """An axis of a sweep.

    Parameters
    ----------
    name : str
        An identifier.
    keys : tuple of str
        Keys of the scenario that it sets together, at least one.
    unit, si_unit : str
        Unit in which its points are written, and that of their numbers: "min" and "s"; "" and "1" for plain numbers,
        both "" if it has points that are no numbers.
    points : tuple of Point
        At least one; of a sampled axis one for each point of the sample.
    sampled : bool
        Whether it takes its points from the sample, together with all other such axes.
    line : int or None
        Line in the sweep file, from 1.
    """

    name: str
    keys: tuple[str, ...]
    unit: str
    si_unit: str
    points: tuple[Point, ...]
    sampled: bool = False
    line: int | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Span:
    """What a range spans, in the unit of its lower end, and what it sets.

    Parameters
    ----------
    name, keys, unit, si_unit, line
        As those of an `Axis`.
    low, high : float
        Its ends, low < high, in `unit`; above 0 if `log`.
    log, whole : bool
        Whether ratios count, and whether only whole numbers are allowed.
    """

    name: str
    keys: tuple[str, ...]
    unit: str
    si_unit: str
    low: float
    high: float
    log: bool
    whole: bool
    line: int | None = None

    def at(self, share: float) -> float:
        """Give the number at a share of the range, from 0 to 1."""
        if share in (0.0, 1.0):
            return self.high if share else self.low
        if self.log:
            return self.low * math.exp(share * math.log(self.high / self.low))
        return self.low + share * (self.high - self.low)

    def likely(self, share: float) -> float:
        """Give the number below which a share of a sample lies; whole numbers are all as likely on the scale."""
        if not self.whole:
            return self.at(share)
        low, high = self.low - 0.5, self.high + 0.5
        if self.log:
            return low * math.exp(share * math.log(high / low))
        return low + share * (high - low)

    def point(self, number: float) -> Point:
        """Give the point at a number in `unit`, whose text and number agree: it has at most 12 significant digits."""
        if self.whole:
            number = min(max(round(number), math.ceil(self.low)), math.floor(self.high))
        text = f"{number:d}" if isinstance(number, int) else f"{number:.{_DIGITS}g}"
        value: Value = f"{text} {self.unit}" if self.unit else int(number) if self.whole else float(text)
        found = measured(value)
        assert found is not None
        return Point(value, found.si, tuple(f"{key}={toml_value(value)}" for key in self.keys))

    def axis(self, points: Sequence[Point], *, sampled: bool) -> Axis:
        """Give the axis with these points."""
        return Axis(self.name, self.keys, self.unit, self.si_unit, tuple(points), sampled, self.line)


def read_axis(name: str, table: AxisTable, make: Make | None, line: int | None, wrong: Wrong) -> Axis | Span | None:
    """Give an axis, or the span of a sampled one.

    Parameters
    ----------
    name : str
        Its name.
    table : AxisTable
        As written, its keys checked.
    make : callable or None
        Makes the base with changes; None if the base is broken: then keys are not looked at.
    line : int or None
        Line of the axis.
    wrong : list
        Empty; gets what is wrong, and then None is given.
    """
    keys: list[tuple[Path, str]] = [(("keys", position), key) for position, key in enumerate(table.keys or ())]
    if table.key is not None:
        keys = [(("key",), table.key)]
    found: Axis | Span | None
    if table.values is not None:
        found = _listed(name, keys, table.values, make, line, wrong)
        if found is not None and table.labels is not None:
            found = _labelled(found, table.labels, wrong)
    else:
        found = _ranged(name, keys, table, make, line, wrong)
    return None if wrong else found


def _listed(
    name: str, keys: list[tuple[Path, str]], values: Sequence[Any], make: Make | None, line: int | None, wrong: Wrong
) -> Axis | None:
    """An axis whose points are given one by one."""
    rows: list[list[Any]] = []
    for position, value in enumerate(values):
        several = isinstance(value, list) and len(keys) > 1
        if several and len(value) != len(keys):
            wrong.append(
                (("values", position), RefusedError(f"has {len(value)} values", f"{len(keys)}, one for each key"))
            )
        rows.append(value if several else [value] * len(keys))
    if wrong:
        return None
    measures = [[_measured_or_none(value) for value in row] for row in rows]
    settled = _settled(keys, rows, measures, make, wrong)
    _check_kinds(measures, wrong)
    by_first = len({toml_value(row[0]) for row in rows}) == len(rows)
    seen: set[tuple[object, ...]] = set()
    points: list[Point] = []
    for position, (row, numbers) in enumerate(zip(rows, measures, strict=True)):
        identity = tuple(
            toml_value(value) if number is None else (number.si, number.si_unit)
            for value, number in zip(row, numbers, strict=True)
        )
        if identity in seen:
            wrong.append((("values", position), RefusedError("is given twice", "each point once")))
        seen.add(identity)
        changes = tuple(f"{key}={toml_value(value)}" for key, value in zip(settled, row, strict=True))
        value = _shown(row[:1] if by_first else row)
        points.append(Point(value, numbers[0].si if numbers[0] else None, changes))
    first = [row[0] for row in measures]
    known = [each for each in first if each is not None]
    plain = len(known) == len(first)
    return Axis(
        name,
        tuple(settled),
        known[0].unit if plain else "",
        known[0].si_unit if plain else "",
        tuple(points),
        line=line,
    )


def _labelled(axis: Axis, labels: Sequence[str], wrong: Wrong) -> Axis:
    """Return the axis with its points called so."""
    if len(labels) != len(axis.points):
        wrong.append((("labels",), RefusedError(f"has {len(labels)} texts", f"{len(axis.points)}, one for each value")))
    seen: set[str] = set()
    for position, label in enumerate(labels):
        if not label.strip() or not label.isprintable():
            wrong.append((("labels", position), RefusedError("is empty or not printable", "a printable text")))
        if label in seen:
            wrong.append((("labels", position), RefusedError("is given twice", "a label of its own for each point")))
        seen.add(label)
    named = zip(axis.points, labels, strict=False)
    return replace(axis, points=tuple(replace(point, label=label) for point, label in named))


def _shown(row: list[Any]) -> Value:
    """One value as written; several that differ as one text."""
    if any(toml_value(value) != toml_value(row[0]) for value in row):
        return ", ".join(value if isinstance(value, str) else toml_value(value) for value in row)
    return row[0] if isinstance(row[0], (str, int, float)) else toml_value(row[0])


def _check_kinds(measures: list[list[Measure | None]], wrong: Wrong) -> None:
    """Numbers of one key have units of one kind: else nothing could be plotted over them."""
    for column in range(len(measures[0])):
        first = next((row[column] for row in measures if row[column] is not None), None)
        for position, row in enumerate(measures):
            each = row[column]
            if first and each and each.si_unit != first.si_unit:
                unit = f"a unit such as {first.unit}" if first.unit else "no unit"
                wrong.append((("values", position), RefusedError("is of another kind than the points before", unit)))
                break


def _ranged(
    name: str, keys: list[tuple[Path, str]], table: AxisTable, make: Make | None, line: int | None, wrong: Wrong
) -> Axis | Span | None:
    """An axis over a range, or the span of a sampled one."""
    low, high, step = (
        _number(key, value, wrong) for key, value in (("from", table.from_), ("to", table.to), ("step", table.step))
    )
    if low is None or high is None:
        return None
    for key, each in (("to", high), ("step", step)):
        if each and each.si_unit != low.si_unit:
            unit = f"a unit such as {low.unit}" if low.unit else "no unit, as from"
            wrong.append(((key,), RefusedError("is of another kind than from", unit)))
    if not low.si < high.si:
        wrong.append((("to",), RefusedError("is not above from", f"more than {shown(table.from_)}")))
    log = table.scale == "log" or (table.scale is None and table.factor is not None)
    if log and low.si <= 0.0:
        wrong.append((("from",), RefusedError("must be above 0 on a logarithmic scale", "a number above 0")))
    if step is not None and step.si <= 0.0:
        wrong.append((("step",), RefusedError("is too small", "a number above 0")))
    if wrong:
        return None
    unit_si = low.si / low.number if low.number else _unit_si(low)
    example = [table.from_] * len(keys)
    whole: list[bool] = []
    settled = _settled(keys, [example], [[low] * len(keys)], make, wrong, whole)
    plain_whole = all(value is None or isinstance(value, int) for value in (table.from_, table.to, table.step))
    is_whole = low.si_unit in _COUNTS or (any(whole) if whole else plain_whole and not low.unit)
    if is_whole:
        for key, each in (("from", low), ("to", high)):
            if not each.number.is_integer():
                wrong.append(((key,), RefusedError("must be a whole number", "a whole number")))
    top = high.number if high.unit == low.unit else high.si / unit_si
    span = Span(name, tuple(settled), low.unit, low.si_unit, low.number, top, log, is_whole, line)
    if table.points is None and table.step is None and table.factor is None:
        return span
    points = list(dict.fromkeys(span.point(number) for number in _numbers(span, table, step, unit_si, wrong)))
    return span.axis(points, sampled=False)


def _numbers(span: Span, table: AxisTable, step: Measure | None, unit_si: float, wrong: Wrong) -> list[float]:
    """Numbers of a range in its unit, both ends included if the last step or factor meets `to`."""
    if table.points is not None:
        return [span.at(position / (table.points - 1)) for position in range(table.points)]
    if step is not None:
        width = step.number if step.unit == span.unit else step.si / unit_si
        count = (span.high - span.low) / width
    else:
        assert table.factor is not None
        count = math.log(span.high / span.low) / math.log(table.factor)
    if not count < MOST_POINTS - 1:
        key = "factor" if step is None else "step"
        wrong.append(((key,), RefusedError(f"makes {count:.3g} points", f"at most {MOST_POINTS:_} points")))
        return []
    last = math.floor(count + _SLACK)
    meets = abs(count - last) <= _SLACK
    if step is not None:
        found = [span.low + position * width for position in range(last + 1)]
    else:
        found = [span.low * table.factor**position for position in range(last + 1)]  # type: ignore[operator]
    return [*found[:-1], span.high] if meets and last else found


def _number(key: str, value: object, wrong: Wrong) -> Measure | None:
    """An end of a range, or None."""
    if value is None:
        return None
    try:
        found = measured(value)
        if found is None:
            raise RefusedError(
                "is no number with a unit", 'a number with a unit such as "10 min", or one without quotes'
            )
    except RefusedError as refusal:
        wrong.append(((key,), refusal))
        return None
    return found


def _unit_si(low: Measure) -> float:
    one = measured(f"1 {low.unit}") if low.unit else None
    return 1.0 if one is None else one.si


def _measured_or_none(value: object) -> Measure | None:
    """A number; None for a word, even if it begins with a digit. What it may be the scenario says."""
    try:
        return measured(value)
    except RefusedError:
        return None


def _settled(
    keys: list[tuple[Path, str]],
    rows: list[list[Any]],
    measures: list[list[Measure | None]],
    make: Make | None,
    wrong: Wrong,
    whole: list[bool] | None = None,
) -> list[str]:
    """The keys that set what is meant; `whole` gets whether each counts, if that is known."""
    settled: list[str] = []
    # A point may be valid only as a whole, and so may be what one of its keys sets.
    together = [f"{key}={toml_value(value)}" for (_, key), value in zip(keys, rows[0], strict=True)]
    for column, (path, key) in enumerate(keys):
        numeric = all(row[column] is not None for row in measures)
        try:
            found, counts = _settle(key, rows[0][column], numeric, together, make)
        except RefusedError as refusal:
            wrong.append((path, refusal))
            found, counts = key, None
        settled.append(found)
        if whole is not None and counts is not None:
            whole.append(counts)
    return settled


def _settle(key: str, example: Any, numeric: bool, together: list[str], make: Make | None) -> tuple[str, bool | None]:
    """The key that sets what is meant, and whether it counts; None if that is not known. Raises `RefusedError`."""
    path = split_key(key.strip())
    if path is None:
        raise RefusedError("is not a key", "a dotted key such as stores.remote.every")
    if path in (("name",), ("include",)) or (path[0] == "run" and path[1:2] and path[1] in _OF_THE_ANSWER):
        remedy = "seed, replications and half_width stand at the top of the sweep file" if path[0] == "run" else None
        raise RefusedError("says nothing of what is simulated", "a key of what is simulated", remedy)
    if make is None:
        return dotted(path), None
    said = None
    if numeric:
        try:
            knob = find(make, key, example if isinstance(example, str) else None)
        except UsageError as error:
            said = str(error).removeprefix(f"{key}: ")
        else:
            # All names get the point's value, also where their values now differ.
            return (dotted(path) if ANY_NAME in path else knob.key), knob.whole
    adds = not_there(make(()), path)
    if adds is not None:
        raise RefusedError(adds)
    try:
        make(together)
    except ScenarioError as error:
        # Whatever else is wrong may depend on other axes: the case says it that has it.
        for problem in error.problems:
            at = split_key(problem.key) or ()
            if problem.file == COMMAND_LINE and path[: len(at)] == at:
                if problem.message == "is an unknown key" and said is not None and said.startswith("is no number"):
                    raise RefusedError(said) from None
                if problem.message == "is an unknown key" or problem.message.startswith("cannot be set"):
                    raise RefusedError(problem.message, problem.allowed, problem.remedy) from None
    return dotted(path), None
