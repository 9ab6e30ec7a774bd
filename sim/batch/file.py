"""Sweep files: a base scenario, axes over which it changes, and which of their combinations are cases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike, fspath
from pathlib import Path as FilePath
from typing import Any

from sim.arguments import described
from sim.batch.axes import Axis
from sim.batch.cases import Case, Cases, problems_of
from sim.batch.reading import Read, read_sweep
from sim.batch.slurm_options import SlurmOptions
from sim.errors import Problem, ScenarioError, UsageError
from sim.scenario import Base, Overrides, Scenario, as_texts
from sim.scenario.document import Document, check_shape, parse, read_text

_NAME_LENGTH = 200
_LOOKED_AT = 100
"""Most cases that are resolved when a sweep is loaded, 0.2 s."""
_WORDS_LOOKED_AT = 20


@dataclass(frozen=True)
class Sweep:
    """A sweep.

    Parameters
    ----------
    file : str
        The sweep file, as errors name it.
    name : str
        For people: the file's name without .toml.
    base : Base
        The base scenario as its files give it; `Case.changes` are to be made to it.
    scenario : Scenario
        The base with the changes of ``[set]``.
    changes : tuple of str
        Those changes, ``path.to.key=value`` each, and after them what else was given; part of `Case.changes`.
    seed : int
        Seed of all draws of all cases, >= 0.
    replications : int or None
        Replications of each case, exactly; None: as many as `half_width` needs.
    half_width : float or None
        Half width of the interval of ETTR to reach, as a share of 1; None with `replications`.
    max_replications : int
        Most replications of a case.
    axes : tuple of Axis
        In file order.
    sample : mapping or None
        Method, points and seed of the sample.
    where : tuple of str
        Conditions that all cases meet.
    cases : Cases
        A sequence of `Case`, made when they are asked for.
    slurm : SlurmOptions
        Options of the batch jobs; they change no result.
    """

    file: str
    name: str
    base: Base = field(repr=False)
    scenario: Scenario = field(repr=False)
    changes: tuple[str, ...]
    seed: int
    replications: int | None
    half_width: float | None
    max_replications: int
    axes: tuple[Axis, ...] = field(repr=False)
    sample: Mapping[str, Any] | None
    where: tuple[str, ...]
    cases: Cases = field(repr=False)
    slurm: SlurmOptions

    def __repr__(self) -> str:
        over = " x ".join(f"{axis.name} ({len(axis.points):,})" for axis in self.axes)
        return f"<Sweep {self.name!r}: {len(self.cases):,} cases of {self.scenario.name!r}, {over or 'no axis'}>"

    def scenario_of(self, case: Case) -> Scenario:
        """Give the scenario of a case. Reads no file. Raises `ScenarioError`."""
        return self.base.scenario(case.changes)

    def problems_of(self, failed: Iterable[tuple[Case, ScenarioError]]) -> list[Problem]:
        """Give what is wrong with cases as problems of the sweep file: see `sim.batch.cases.problems_of`."""
        return problems_of(self.file, self.axes, failed)

    def as_dict(self) -> dict[str, Any]:
        """Give all that the results of the sweep depend on, as JSON may hold it.

        The same file gives the same; the names of files and the options of batch jobs are not in it.
        """
        precision: dict[str, Any] = {"replications": self.replications}
        if self.replications is None:
            precision = {"half_width": self.half_width, "max_replications": self.max_replications}
        return {
            "scenario": self.scenario.resolved(),
            "set": list(self.changes),
            "axes": {axis.name: _axis_as_dict(axis) for axis in self.axes},
            "sample": None if self.sample is None else dict(self.sample),
            "where": list(self.where),
            "seed": self.seed,
            "precision": precision,
            "cases": len(self.cases),
        }


def load_sweep(path: str | PathLike[str] | Mapping[str, Any], changes: Overrides = ()) -> Sweep:
    """Load a sweep file. Nothing but it, its base and what that includes is read, and no code in them is run.

    Parameters
    ----------
    path : str, path or dict
        TOML file of at most 1 MB, UTF-8; or parsed TOML, whose base is found from the working directory.
    changes : dict or list of str
        Further changes of the base, as the overrides of ``sim.load``, after those of ``[set]``.

    Raises
    ------
    ScenarioError
        With every problem that was found, each with file, line, key, what was given and what is allowed.
    UsageError
        If an argument is of another type.
    """
    more = as_texts(changes, "changes")
    if isinstance(path, Mapping):
        return sweep_from_dict(path, changes=more)
    if not isinstance(path, (str, PathLike)) or not isinstance(fspath(path), str):
        raise UsageError(f"path must be a path or a dict of a sweep, not {described(path)}")
    file = str(path)
    return _sweep(parse(read_text(file), file), FilePath(file).parent, more)


def sweep_from_dict(
    data: Mapping[str, Any], file: str = "<sweep>", folder: str | PathLike[str] = ".", changes: Sequence[str] = ()
) -> Sweep:
    """Make a sweep without a file, from what its parsed TOML would be. Raises `ScenarioError`.

    Parameters
    ----------
    data : mapping
        Tables and keys as a sweep file has them.
    file : str
        Named in messages.
    folder : str or path
        Where the base is found from.
    changes : sequence of str
        As for `load_sweep`.
    """
    check_shape(data, file)
    return _sweep(Document(file, dict(data), None), FilePath(folder), changes)


def _axis_as_dict(axis: Axis) -> dict[str, Any]:
    found = {
        "keys": list(axis.keys),
        "unit": axis.unit,
        "si_unit": axis.si_unit,
        "sampled": axis.sampled,
        "points": [point.value for point in axis.points],
    }
    if axis.points[0].label is not None:
        found["labels"] = [point.label for point in axis.points]
    if len(axis.keys) > 1:
        found["changes"] = [list(point.changes) for point in axis.points]
    return found


def _sweep(document: Document, folder: FilePath, changes: Sequence[str]) -> Sweep:
    read = read_sweep(document, folder, changes)
    stem = "" if document.file.startswith("<") else FilePath(document.file).stem
    name = "".join(char for char in stem if char.isprintable())[:_NAME_LENGTH] or "sweep"
    run, table = read.scenario.run, read.table
    exact = table.replications is not None
    wanted = run.precision.half_width if table.half_width is None else float(table.half_width)
    most = run.max_replications if table.max_replications is None else table.max_replications
    sweep = Sweep(
        document.file, name, read.base, read.scenario, read.changes,
        run.seed if table.seed is None else table.seed,
        table.replications,
        None if exact else wanted,
        table.replications if table.replications is not None else most,
        read.axes,
        None if table.sample is None else table.sample.model_dump(),
        table.where, read.cases, read.slurm,
    )  # fmt: skip
    problems = sweep.problems_of(_failed(sweep, read))
    if problems:
        raise ScenarioError(problems)
    return sweep


def _failed(sweep: Sweep, read: Read) -> Iterator[tuple[Case, ScenarioError]]:
    """Look at some cases, both ends of each axis and words, so that what is wrong is seen before hours of work."""
    seen: set[int] = set()
    for number, axis in enumerate(read.axes):
        positions = [0, len(axis.points) - 1]
        if not axis.si_unit:
            positions += range(1, min(len(axis.points), _WORDS_LOOKED_AT))
        for position in positions:
            index = read.cases.first_with(number, position)
            if index is None or index in seen or len(seen) >= _LOOKED_AT:
                continue
            seen.add(index)
            try:
                sweep.scenario_of(read.cases[index])
            except ScenarioError as error:
                yield read.cases[index], error
