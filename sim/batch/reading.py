"""From parsed TOML to the parts of a sweep: reads each table on its own, so that one that is broken hides no other."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Any, TypeVar

from pydantic import ValidationError

from sim.batch.axes import Axis, Span, Wrong, read_axis
from sim.batch.cases import Cases, FilterError, combinations
from sim.batch.filters import Filter
from sim.batch.samples import check_sample, sampled
from sim.batch.schema import (
    FILE_NAME,
    FILTERS,
    MOST_CASES,
    AxisTable,
    SampleTable,
    SweepTable,
    check_axis_keys,
    check_sweep_keys,
)
from sim.batch.slurm_options import SlurmOptions, SlurmTable, resolve_slurm
from sim.errors import Problem, ScenarioError
from sim.scenario import Base, Scenario
from sim.scenario.document import Document
from sim.scenario.fields import NAME_LENGTH, Table
from sim.scenario.findings import COMMAND_LINE, Findings
from sim.scenario.places import Places
from sim.scenario.positions import alike, split_key
from sim.scenario.refusal import Path, RefusedError, shown
from sim.scenario.toml import dotted, toml_value

Kind = TypeVar("Kind", bound=Table)
KeyCheck = Callable[[Mapping[str, Any]], Iterator[tuple[str | None, RefusedError]]]
_NO_SWEEP = "is a scenario, not a sweep"
_IS_SWEEP = 'a file with scenario = "FILE.toml" and tables [axes.NAME]'
_SCALE = "to see how a scenario scales, add --scale"
_NOT_OF_BASE = "it is a key of the sweep, not of its base: change it in the sweep's file"
_TABLES = ("axes", "sample", "slurm", "set")


@dataclass(frozen=True)
class Read:
    """What a sweep file says, and the base that it names."""

    table: SweepTable
    base: Base
    scenario: Scenario
    changes: tuple[str, ...]
    axes: tuple[Axis, ...]
    cases: Cases
    slurm: SlurmOptions


def read_sweep(document: Document, folder: FilePath, changes: Sequence[str]) -> Read:
    """Read a sweep file and its base; raises `ScenarioError` with all that is wrong."""
    return _Reading(document).read(folder, changes)


class _Reading:
    """One sweep file. What is wrong with it is in `findings`, what is wrong with its base in `others`."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._data = document.data
        self._findings = Findings(Places([document]), document.data, found=document.problems)
        self._others: list[Problem] = []

    def read(self, folder: FilePath, changes: Sequence[str]) -> Read:
        """Read all of it."""
        if "scenario" not in self._data and {"cluster", "job"} <= set(self._data):
            raise ScenarioError([Problem(self._document.file, None, "", _NO_SWEEP, None, _IS_SWEEP, _SCALE)])
        table = self._top()
        slurm = self._slurm()
        sample = self._sample()
        own = self._changes()
        base, scenario = self._base(folder, [*(change for change, _ in own), *changes], dict(own))
        always = (*(change for change, _ in own), *changes)
        axes = self._axes(base if scenario is not None else None, always, own, sample)
        filters = self._filters(axes)
        if self._findings or self._others:
            self._refuse()
        assert table is not None
        assert base is not None
        assert scenario is not None
        cases = self._cases(axes, always, filters)
        made = table.model_copy(update={"sample": sample})
        return Read(made, base, scenario, always, tuple(axes), cases, slurm)

    def _refuse(self) -> None:
        raise ScenarioError([*self._findings.sorted(), *self._others])

    def _top(self) -> SweepTable | None:
        self._findings.add_all((), check_sweep_keys(self._data))
        return self._table(SweepTable, (), {key: value for key, value in self._data.items() if key not in _TABLES})

    def _slurm(self) -> SlurmOptions:
        table = self._table(SlurmTable, ("slurm",), self._data.get("slurm", {}))
        try:
            return SlurmOptions() if table is None else resolve_slurm(table)
        except RefusedError as refusal:
            self._findings.add(("slurm", "processes"), refusal)
            return SlurmOptions()

    def _sample(self) -> SampleTable | None:
        if "sample" not in self._data:
            return None
        table = self._table(SampleTable, ("sample",), self._data["sample"])
        try:
            if table is not None:
                check_sample(table)
        except RefusedError as refusal:
            self._findings.add(("sample", "points"), refusal)
            return None
        return table

    def _changes(self) -> list[tuple[str, Path]]:
        """Changes of ``[set]``, each with where it stands."""
        given = self._data.get("set", {})
        if not isinstance(given, dict):
            self._findings.add_wrong_type(("set",))
            return []
        found: list[tuple[str, Path]] = []
        todo: list[tuple[Path, tuple[str, ...], Any]] = [(("set",), (), given)]
        while todo:
            at, path, value = todo.pop(0)
            # A key in quotes is set as a whole; tables that are written without quotes are walked down.
            if isinstance(value, dict) and (value or not path) and at[1:] == path:
                for key, item in value.items():
                    parts = split_key(key)
                    if parts is None:
                        self._findings.add(
                            (*at, key), RefusedError("is not a key", "a key such as stores.remote.every")
                        )
                    else:
                        todo.append(((*at, key), (*path, *parts), item))
            else:
                found.append((f"{dotted(path)}={toml_value(value)}", at))
        return found

    def _base(
        self, folder: FilePath, changes: Sequence[str], places: Mapping[str, Path]
    ) -> tuple[Base | None, Scenario | None]:
        """The base, as its files give it and with changes."""
        base = None
        try:
            name = FILE_NAME.read(self._data.get("scenario"))
            base = Base.read(folder / name, regular=True)
            return base, base.scenario(changes)
        except RefusedError:
            return None, None  # said of the table
        except ScenarioError as error:
            keys = {split_key(change.partition("=")[0]): place for change, place in places.items()}
            for problem in error.problems:
                self._base_problem(problem, base is None, keys)
            return base, None

    def _base_problem(self, problem: Problem, unread: bool, keys: Mapping[tuple[str, ...] | None, Path]) -> None:
        refusal = RefusedError(problem.message, problem.allowed, problem.remedy)
        if unread and problem.line is None and not problem.key:
            self._findings.add(("scenario",), refusal)
            return
        path = split_key(problem.key) or ()
        place = next((keys[path[:end]] for end in range(len(path), 0, -1) if path[:end] in keys), None)
        if problem.file == COMMAND_LINE and path and path[0] in SweepTable.model_fields:
            problem = replace(problem, remedy=_NOT_OF_BASE)
        if problem.file != COMMAND_LINE or place is None:
            self._others.append(problem)
            return
        line = None if self._document.positions is None else self._document.positions.line(place)
        self._others.append(
            Problem(
                self._document.file, line, f"set.{problem.key}", problem.message, problem.given, problem.allowed,
                problem.remedy,
            )
        )  # fmt: skip

    def _axes(
        self, base: Base | None, always: Sequence[str], own: Sequence[tuple[str, Path]], sample: SampleTable | None
    ) -> list[Axis]:
        """The axes in file order, without those that are broken."""
        tables = self._data.get("axes", {})
        if not isinstance(tables, dict):
            self._findings.add_wrong_type(("axes",), "tables [axes.NAME]")
            return []
        make = None if base is None else lambda more: base.scenario([*always, *more])
        found: list[Axis | Span | None] = [self._axis(name, value, make) for name, value in tables.items()]
        self._overlaps([each for each in found if each is not None], own, always)
        spans = [each for each in found if isinstance(each, Span)]
        if spans and "sample" not in self._data:
            refusal = RefusedError(
                "says how far it goes, but not at which points", None, "add points, step or factor, or a table [sample]"
            )
            self._findings.add(("axes", spans[0].name), refusal)
        if "sample" in self._data and not spans and all(found):
            self._findings.add(
                ("sample",), RefusedError("has no axis", "an axis with from and to alone", "leave it out")
            )
        drawn = {axis.name: axis for axis in (sampled(spans, sample) if spans and sample is not None else [])}
        whole = (drawn.get(each.name) if isinstance(each, Span) else each for each in found if each is not None)
        return [axis for axis in whole if axis is not None]

    def _axis(self, name: str, value: object, make: Any) -> Axis | Span | None:
        path: Path = ("axes", name)
        if not name.isidentifier() or not name.isascii() or keyword.iskeyword(name) or name in ("true", "false"):
            allowed = "letters, digits and _, not first a digit, and no word of conditions such as and"
            self._findings.add(path, RefusedError("has a name that conditions cannot hold", allowed))
            return None
        if len(name) > NAME_LENGTH:
            self._findings.add(path, RefusedError("has too long a name", f"at most {NAME_LENGTH} characters"))
            return None
        table = self._table(AxisTable, path, value, check_axis_keys)
        if table is None:
            return None
        line = None if self._document.positions is None else self._document.positions.line(path)
        wrong: Wrong = []
        axis = read_axis(name, table, make, line, wrong)
        for below, refusal in wrong:
            self._findings.add((*path, *below), refusal)
        return axis

    def _overlaps(self, axes: Sequence[Axis | Span], own: Sequence[tuple[str, Path]], always: Sequence[str]) -> None:
        """Refuse keys that two axes set, or that an axis sets again after ``[set]`` or the command line."""
        taken: list[tuple[tuple[str, ...], str]] = []
        for axis in axes:
            for key in axis.keys:
                path = split_key(key) or ()
                other = next((name for each, name in taken if _overlap(each, path)), None)
                if other is not None:
                    refusal = RefusedError(f"sets {key}, as does axes.{other}", "each key in one axis")
                    self._findings.add(("axes", axis.name), refusal)
                for change, place in own:
                    fixed = split_key(change.partition("=")[0]) or ()
                    if len(fixed) >= len(path) and alike(fixed[: len(path)], path):
                        self._findings.add(
                            place, RefusedError(f"is set by axes.{axis.name} as well", None, "leave it out")
                        )
                for change in always[len(own) :]:
                    name = change.partition("=")[0].strip()
                    fixed = split_key(name) or ()
                    if len(fixed) >= len(path) and alike(fixed[: len(path)], path):
                        message = f"is set by axes.{axis.name} as well"
                        self._others.append(Problem(COMMAND_LINE, None, name, message, None, None, "leave it out"))
                taken.append((path, axis.name))

    def _filters(self, axes: Sequence[Axis]) -> list[Filter]:
        """The conditions, without those that name a broken axis."""
        try:
            texts = FILTERS.read(self._data.get("where", []))
        except RefusedError:
            return []  # said of the table
        tables = self._data.get("axes")
        broken = set(tables if isinstance(tables, dict) else ()) - {axis.name for axis in axes}
        found: list[Filter] = []
        for number, text in enumerate(texts):
            if broken & set(re.findall(r"\w+", text)):
                continue
            try:
                found.append(Filter(text, axes))
            except RefusedError as refusal:
                self._findings.add(("where", number), refusal)
        return found

    def _cases(self, axes: Sequence[Axis], changes: Sequence[str], filters: Sequence[Filter]) -> Cases:
        """The cases; refused if there are too many or none."""
        count = combinations(axes)
        if count > MOST_CASES:
            sizes = " x ".join(str(len(axis.points)) for axis in axes if not axis.sampled)
            message = f"make {count:,} cases ({sizes}{', and the sample' if any(a.sampled for a in axes) else ''})"
            remedy = "filters do not count: use fewer points, or a sample"
            self._findings.add(("axes",), RefusedError(message, f"at most {MOST_CASES:,}", remedy))
            self._refuse()
        try:
            cases = Cases(axes, changes, filters)
        except FilterError as error:
            self._findings.add(("where", error.number), error.refusal)
            self._refuse()
            raise
        if not len(cases):
            kept = "; ".join(
                f"{shown(each.text)} alone keeps {n:,}" for each, n in zip(filters, cases.kept_by, strict=True)
            )
            message = f"leaves none of {count:,} cases: {kept}"
            self._findings.add(("where",), RefusedError(message, "conditions that at least one case meets"))
            self._refuse()
        return cases

    def _table(self, model: type[Kind], path: Path, value: object, check: KeyCheck | None = None) -> Kind | None:
        """Read one table; its keys are checked even where its values are wrong."""
        if not isinstance(value, dict):
            self._findings.add_wrong_type(path)
            return None
        wrong = [] if check is None else list(check(value))
        self._findings.add_all(path, wrong)
        try:
            found = model.model_validate(value)
        except ValidationError as error:
            self._findings.add_errors(path, model, error)
            return None
        return None if wrong else found


def _overlap(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    length = min(len(one), len(other))
    return alike(one[:length], other[:length])
