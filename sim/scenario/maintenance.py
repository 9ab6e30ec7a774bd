"""Maintenance by calendar: which nodes are taken out of service when, for how long, and how the job is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated

from sim.scenario.domains import NameReader
from sim.scenario.entries import Entries
from sim.scenario.fields import AtLeastOne, Duration, Json, PositiveDuration, Table, setting
from sim.scenario.law import Law, LawValue, add_law, resolve_law
from sim.scenario.refusal import RefusedError, listed, nearest, shown

MOST_MAINTENANCE = 4
WORDS = ("node", "cluster")
"""What is maintained at once beside the domains of a group."""


class _UnitName(NameReader):
    """A word, or the name of a group."""

    allowed = listed([*(shown(word) for word in WORDS), "a group of cluster.groups"])

    def json_schema(self) -> Json:
        """Give the JSON schema of the word."""
        return {"anyOf": [{"type": "string", "enum": list(WORDS)}, {"type": "string"}]}


class MaintenanceTable(Table):
    """`[maintenance.NAME]` as written."""

    of: Annotated[str, _UnitName()] = setting(
        "What is taken out of service together: a node, a domain of a group of cluster.groups, or the cluster. Nodes "
        "that are in repair, and spares that are off, are left alone."
    )
    first: Duration = setting("Time from the start of the run until it begins, in s.")
    every: PositiveDuration | None = setting(
        "Time from one beginning to the next, in s: the calendar stands still for nobody.", None, "never: once"
    )
    duration: LawValue = setting("How long each node is out of service: a duration or a table with a law, in s.")
    width: AtLeastOne = setting(
        "How many of them begin at once; the others follow in waves, in the order of the cluster.",
        1,
        "assumption: one after the other, which needs the fewest spares",
    )
    step: PositiveDuration | None = setting(
        "Time from one wave to the next, in s.", None, "none: required if there is more than one wave"
    )
    notice: Duration = setting(
        "Longest time that a wave waits for the job, in s. If the job can save in that time it does so at once, stops "
        "and loses nothing; else it goes on until the nodes go down.",
        "1 h",
        "assumption: longer than a save takes",
    )


@dataclass(frozen=True, slots=True)
class Maintenance:
    """Planned maintenance, resolved; times in s, `every` infinite and `step` 0 where there is only one."""

    of: str
    first: float
    every: float
    duration: Law
    width: int
    step: float
    notice: float


def units_of(of: str, nodes: int, domains: int) -> int:
    """Give how many units are maintained; `domains` are those of the group, if it is one."""
    return {"node": nodes, "cluster": 1}.get(of, domains)


def check_unit(table: MaintenanceTable, groups: Iterable[str]) -> Iterator[tuple[str | None, RefusedError]]:
    """Check the group that is named; yields the key and what is wrong."""
    known = [*WORDS, *groups]
    if table.of not in known:
        close = nearest(table.of, known)
        remedy = f"did you mean {shown(close)}?" if close else None
        yield "of", RefusedError("is none of the known values", listed(shown(word) for word in known), remedy)


def check_waves(table: MaintenanceTable, units: int) -> Iterator[tuple[str | None, RefusedError]]:
    """Check what the values say together, for so many units; yields the key and what is wrong."""
    waves = -(-units // table.width)
    if table.step is None and waves > 1:
        message = f"is missing: {units} times {shown(table.of)} make {waves} waves of {table.width}"
        yield "step", RefusedError(message, "the time from one wave to the next", 'add step = "6 h", for example')
    elif table.step is not None and table.every is not None and table.every < waves * table.step:
        message = f"begins again before the {waves} waves are done, which takes {waves * float(table.step):g} s"
        yield "every", RefusedError(message, "at least the number of waves times step", "raise width or every")


def resolve_maintenance(name: str, table: MaintenanceTable, entries: Entries) -> Maintenance:
    """Resolve one."""
    path = ("maintenance", name)
    for key, unit in (("of", ""), ("first", "s"), ("every", "s"), ("width", "1"), ("step", "s"), ("notice", "s")):
        entries.field(path, table, key, unit)
    add_law((*path, "duration"), table.duration, entries)
    every = float("inf") if table.every is None else float(table.every)
    step = 0.0 if table.step is None else float(table.step)
    duration = resolve_law(table.duration)
    return Maintenance(table.of, float(table.first), every, duration, table.width, step, float(table.notice))
