"""Planned pauses: when the job stops of its own accord, for how long, and whether it saves first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from sim.scenario import units
from sim.scenario.entries import Entries
from sim.scenario.fields import DURATION, POSITIVE_DURATION, Choice, Flag, Json, Reader, ShortForm, Table, setting
from sim.scenario.law import Law, LawTable, law_keys, resolve_law
from sim.scenario.refusal import RefusedError
from sim.scenario.units import Quantity

MOST_PAUSES = 8

PauseBucket = Literal["pause", "maintenance"]


@dataclass(frozen=True, slots=True)
class Spacing:
    """Useful work between two pauses: seconds, or steps; and how it stands in the file."""

    value: float
    in_steps: bool
    written: str


class _SpacingReader(Reader):
    """A duration of useful work, or a count of steps."""

    allowed = 'useful work such as "6 h", or "5_000 steps"'

    def read(self, value: object) -> Spacing:
        """Give the spacing, or raise `RefusedError`."""
        try:
            in_steps = units.is_steps(value)
            found: Quantity = units.steps(value) if in_steps else POSITIVE_DURATION.read(value)
            if found > 1e12:
                raise RefusedError("is too large")
        except RefusedError as refusal:
            raise RefusedError(refusal.message, self.allowed, refusal.remedy) from None
        return Spacing(float(found), in_steps, found.written)

    def json_schema(self) -> Json:
        """Give the JSON schema of the text."""
        steps = {"type": "string", "pattern": units.text_pattern("[steps]"), "examples": ["5_000 steps"]}
        return {"anyOf": [POSITIVE_DURATION.json_schema(), steps]}


def _as_time(value: object) -> dict[str, Any]:
    return {"time": value}


class PauseTable(Table):
    """`[pauses.NAME]` as written."""

    every: Annotated[Spacing, _SpacingReader()] = setting(
        "Useful work between two pauses, in s or steps: they come at its whole multiples in the job's progress, and "
        "after a rollback again."
    )
    duration: Annotated[LawTable, ShortForm(_as_time, (DURATION,))] = setting(
        "How long the job stands still: a duration or a table with a law, in s."
    )
    save: Flag = setting(
        "Whether the job saves first and waits until the save is durable. Without, persists in flight stand still "
        "during the pause, and a fault in it loses what was not durable before.",
        True,
        "assumption: who stops a job on purpose saves it first",
    )
    bucket: Annotated[PauseBucket, Choice(("pause", "maintenance"))] = setting(
        "Bucket of the ledger: pause (evaluation, planned restarts) or maintenance.", "pause", "the usual kind"
    )
    vulnerable: Flag = setting(
        "Whether faults on the wall clock strike during the pause; the recovery from one ends it.",
        True,
        "faults strike at any time",
    )


@dataclass(frozen=True, slots=True)
class Pause:
    """A planned pause, resolved; `every` in s of useful work."""

    every: float
    duration: Law
    save: bool
    bucket: PauseBucket
    vulnerable: bool


def check_pause(table: PauseTable, step: Quantity | None) -> Iterator[tuple[str | None, RefusedError]]:
    """Check what a pause's valid values say together; yields the key and what is wrong."""
    if table.every.in_steps and step is None:
        yield "every", RefusedError("counts steps, but job.step is not set", "useful work", "add step to [job]")


def resolve_pause(name: str, table: PauseTable, step: Quantity | None, entries: Entries) -> Pause:
    """Resolve one pause."""
    path = ("pauses", name)
    every = table.every.value * (float(step or 0.0) if table.every.in_steps else 1.0)
    entries.add((*path, "every"), table.every.written, "s", None, every)
    for key in ("save", "bucket", "vulnerable"):
        entries.field(path, table, key, "")
    if table.duration.time is not None:
        entries.add((*path, "duration"), table.duration.time, "s")
    else:
        for key, value in law_keys(table.duration).items():
            entries.add((*path, "duration", key), value, "" if key in ("law", "of") else "s")
    return Pause(every, resolve_law(table.duration), table.save, table.bucket, table.vulnerable)
