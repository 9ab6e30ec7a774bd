"""How far a sweep is, by what stands in its directory. Reads only."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.batch import journal as journals
from sim.batch.file import Sweep
from sim.batch.journal import Blocks
from sim.batch.manifest import Manifest
from sim.batch.states import States
from sim.batch.swept import Swept, as_read, failed_of, row_of
from sim.batch.tables import summarized
from sim.batch.work import Resolved
from sim.errors import UsageError


def not_done(cases: Sequence[Resolved], out: Path, replications: int | None) -> list[Resolved]:
    """Those cases for which something is still to be run, by what stands in ``out``. Reads only."""
    path = out / journals.NAME
    states = States(cases, path, journals.read(path), replications)
    waiting = {states[number].case.identity for number in states.open}
    return [case for case in cases if case.identity in waiting]


@dataclass(frozen=True)
class Status:
    """How far a sweep is.

    Parameters
    ----------
    swept : Swept
        With summaries of the cases that are done.
    at_work : bool
        Whether somebody runs it now.
    replications : int
        In the journal, of all cases.
    sessions : tuple of dict
        What each session said of itself.
    """

    swept: Swept
    at_work: bool
    replications: int
    sessions: tuple[Mapping[str, Any], ...]

    def as_dict(self) -> dict[str, Any]:
        """The status as it stands in JSON."""
        more = {"at_work": self.at_work, "replications": self.replications, "sessions": list(self.sessions)}
        return self.swept.as_dict() | more


def status(sweep: Sweep, out: str | os.PathLike[str]) -> Status:
    """Say how far a sweep is. Reads only.

    Raises
    ------
    UsageError
        If there is no sweep in ``out``, or another one.
    """
    directory = Path(out)
    manifest = Manifest.read(directory)
    if manifest is None:
        raise UsageError(f"{directory}: no sweep has been run there")
    content = journals.read(directory / journals.NAME)
    if manifest.sweep != as_read(sweep):
        raise UsageError(f"{directory} was made by another sweep than {sweep.file} is now; run it to see the changes")
    path = directory / journals.NAME
    states = States(manifest.cases, path, content, sweep.replications)
    waiting = {states[number].case.identity for number in states.open}
    rows = [row_of(states, number) for number in range(len(manifest.cases))]
    done = [number for number, row in enumerate(rows) if row.identity not in waiting]
    summaries = summarized(rows, done, content, Blocks(path, content))
    swept = Swept(sweep, directory, summaries, failed_of(states), (), 0, states.done)
    counts = sum(run.count for runs in content.runs.values() for run in runs)
    return Status(swept, journals.at_work(path), counts, tuple(content.sessions))
