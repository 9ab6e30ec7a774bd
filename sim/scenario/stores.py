"""Stores of checkpoints: when they are saved to, and what saving and reading cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from sim.scenario import units
from sim.scenario.cluster import Job
from sim.scenario.copies import LOST_AT, LOST_AT_SOURCE, SHARED, LostAt, Place, PlaceReader
from sim.scenario.entries import Entries
from sim.scenario.fields import (
    LONGEST_S,
    MOST,
    POSITIVE_DURATION,
    AtLeastOne,
    Bandwidth,
    Choice,
    Duration,
    Json,
    Reader,
    Slowdown,
    Table,
    Title,
    Whole,
    WithUnit,
    either,
    setting,
)
from sim.scenario.refusal import RefusedError, shown
from sim.scenario.units import Quantity, in_seconds

MOST_STORES = 4
PLANNED = ("young", "daly", "exact")
UNLIMITED = 0
"""`in_flight` of a store without a limit."""

EveryKind = Literal["work", "steps", "saves", "young", "daly", "exact"]


@dataclass(frozen=True, slots=True)
class Every:
    """When a store is saved to.

    Parameters
    ----------
    kind : str
        "work": every `value` seconds of useful work; "steps": every `value` steps; "saves": every `value` saves to the
        source; else the rule that finds the interval.
    value : float or None
        Seconds, steps or saves; None for a rule.
    written : str
        As in the file.
    """

    kind: EveryKind
    value: float | None
    written: str


class _EveryReader(Reader):
    """A duration of useful work, a count of steps or of saves, or a rule's name."""

    allowed = 'useful work such as "30 min", "50 steps", "10 saves", "young", "daly" or "exact"'

    def read(self, value: object) -> Every:
        """Give the trigger, or raise `RefusedError`."""
        for rule in PLANNED:
            if value == rule:
                return Every(rule, None, rule)  # type: ignore[arg-type]
        try:
            if units.is_steps(value) or units.is_saves(value):
                steps = units.is_steps(value)
                count = units.steps(value) if steps else units.saves(value)
                if count > 1e12:
                    raise RefusedError("is too large")
                return Every("steps" if steps else "saves", float(count), count.written)
            work = POSITIVE_DURATION.read(value)
        except RefusedError as refusal:
            raise RefusedError(refusal.message, self.allowed, refusal.remedy) from None
        return Every("work", float(work), work.written)

    def json_schema(self) -> Json:
        """Give the JSON schema of the text."""
        steps = {"type": "string", "pattern": units.text_pattern("[steps]"), "examples": ["50 steps"]}
        saves = {"type": "string", "pattern": units.text_pattern("[saves]"), "examples": ["10 saves"]}
        return {"anyOf": [POSITIVE_DURATION.json_schema(), steps, saves, {"type": "string", "enum": list(PLANNED)}]}


class _InFlight(Reader):
    """A limit on persists in flight, or none."""

    allowed = f'a whole number from 1 to {MOST:_}, or "unlimited"'
    _count = Whole(1, MOST)

    def read(self, value: object) -> int:
        """Give the limit (0: none), or raise `RefusedError`."""
        if value == "unlimited":
            return UNLIMITED
        try:
            return self._count.read(value)
        except RefusedError as refusal:
            raise RefusedError(refusal.message, self.allowed) from None

    def json_schema(self) -> Json:
        """Give the JSON schema of the limit."""
        return {"anyOf": [self._count.json_schema(), {"type": "string", "enum": ["unlimited"]}]}


BACKGROUND = WithUnit(
    units.fraction,
    'a share from 0 to below 1, such as 0.3 or "30 %"',
    0.0,
    1.0,
    "dimensionless",
    ("30 %",),
    open_high=True,
    bare=True,
)


class StoreTable(Table):
    """`[stores.NAME]` as written."""

    replaces: ClassVar[Mapping[str, frozenset[str]]] = either(("bandwidth",), ("persist",))

    every: Annotated[Every, _EveryReader()] = setting(
        'When to save: useful work between saves ("30 min"), "50 steps", or the interval of "young", "daly" or '
        '"exact"; with a source "10 saves" of it. Saves are at whole multiples of the interval in the job\'s progress; '
        "of several stores that are due at once the one with the shortest stall + persist is first. Young and Daly "
        "weigh a save against the faults that fall back to the store: those that lose all faster ones; slower stores' "
        "intervals are rounded to whole multiples of the fastest's."
    )
    place: Annotated[Place, PlaceReader()] = setting(
        'Where copies are: "shared", in a service beside the nodes; "self", each node\'s on itself; { partners = 1 }, '
        'also on so many others (1 to 15): layout = "groups" of nodes that hold each other\'s copies, as far apart as '
        'can be, or "ring", each node\'s on those that follow it; not_same = "rack": in different domains of that '
        "group at the start. A version is lost with all copies of one node's part; a node that takes another's place "
        "has copies from the next save on.",
        "shared",
        "a store that outlives the nodes",
    )
    lost_at: Annotated[LostAt, Choice(LOST_AT)] | None = setting(
        'The mildest need of a fault that loses a node\'s copies: "process", "reset", "repair" or "never". A fault of '
        "the whole job, or any in a shared store, loses all of the store. A node that is swapped out takes its copies "
        "along.",
        None,
        LOST_AT_SOURCE,
    )
    source: Annotated[str, Title()] | None = setting(
        "Another store, from which versions are copied once they are durable there, without a stall; a copy goes on "
        "while the job recovers, as long as the source has its versions, and is left out while in_flight others run.",
        None,
        "the job itself",
    )
    stall: Duration | None = setting(
        "Time that the job stands still for a save, in s.",
        None,
        "job.checkpoint / bandwidth if bandwidth is given, else 0 s",
    )
    persist: Duration | None = setting(
        "Time from the end of the stall until the save is durable, in s; the job steps meanwhile.",
        None,
        "job.checkpoint / bandwidth if bandwidth and stall are given, else 0 s",
    )
    slowdown: Slowdown = setting(
        "Speed lost while a save persists, a share from 0 to below 1.",
        0.0,
        "assumption: copying to the store in the background costs the job nothing",
    )
    in_flight: Annotated[int, _InFlight()] = setting(
        'Saves that may persist at once: 1 or more, or "unlimited".',
        1,
        "one save at a time, as in CheckFreq (Mohan et al., FAST 2021)",
    )
    keep: AtLeastOne = setting(
        "Durable versions that are kept; 1 or more. It decides the room that `sim show` names, and changes no run: a "
        "fault that takes a node's copies from a store takes those of all its versions, so an older one is never "
        "restored. Older versions guard against corruption that is found late, which is not modelled.",
        1,
        "the least: of a store only the newest durable version is ever restored",
    )
    bandwidth: Bandwidth | None = setting(
        "Rate at which one checkpoint is saved and read, in bytes per second, above 0.", None, "not set"
    )
    background: Annotated[Quantity, BACKGROUND] = setting(
        "Share of the bandwidth that others use, from 0 to below 1; only with bandwidth.",
        0.0,
        "assumption: the bandwidth is what the job gets",
    )
    fan_out: AtLeastOne = setting(
        "Readers of each byte that is read from the store once: the rest travels between nodes; 1 or more, only with "
        "bandwidth.",
        1,
        "assumption: every node reads its part from the store",
    )
    read: Duration | None = setting(
        "Time to read the newest version back, in s.",
        None,
        "job.checkpoint / bandwidth / fan_out if bandwidth is given, else 0 s",
    )


@dataclass(frozen=True, slots=True)
class Store:
    """A store, resolved.

    Parameters
    ----------
    every : Every
        When it is saved to.
    stall, persist, read : Quantity
        Durations, s, >= 0, with what `bandwidth` implies.
    slowdown : float
        Share of the speed lost while a save persists, 0 <= slowdown < 1.
    in_flight : int
        Saves that may persist at once; 0: no limit.
    keep : int
        Versions kept, >= 1.
    bandwidth : Quantity or None
        Bytes per second.
    place : Place
        Where its copies are.
    lost_at : str
        The mildest need of a fault that loses a node's copies, or "never".
    source : str or None
        The store that it is copied from; None: the job saves to it.
    """

    every: Every
    stall: Quantity
    persist: Quantity
    read: Quantity
    slowdown: float
    in_flight: int
    keep: int
    bandwidth: Quantity | None
    place: Place = SHARED
    lost_at: LostAt = "never"
    source: str | None = None


def check_store_keys(keys: Mapping[str, Any]) -> Iterator[tuple[str | None, RefusedError]]:
    """Check which keys a store's table has; yields the key and what is wrong."""
    if "bandwidth" in keys and "persist" in keys:
        yield (
            "bandwidth",
            RefusedError("says the same as persist", "either bandwidth or persist", "leave one of them out"),
        )
    for key in ("background", "fan_out"):
        if key in keys and "bandwidth" not in keys:
            yield key, RefusedError("is a matter of bandwidth, which is not given", 'beside bandwidth = "2 TB/s"')
    if "source" in keys and "stall" in keys:
        message = "stops the job, which does not save to this store: it is copied from its source"
        yield "stall", RefusedError(message, "no stall beside source")


def check_store(
    table: StoreTable, step: Quantity | None, checkpoint: Quantity | None
) -> Iterator[tuple[str | None, RefusedError]]:
    """Check a store's valid values against the job's; yields the key and what is wrong."""
    if table.every.kind == "steps" and step is None:
        yield "every", RefusedError("counts steps, but job.step is not given", None, 'add step = "6 s" to [job]')
    if (table.every.kind == "saves") != (table.source is not None):
        if table.source is None:
            yield "every", RefusedError("counts saves, but no source is given", None, 'add source = "NAME" of a store')
        else:
            yield "every", RefusedError("is not a count of saves to the source", 'such as "10 saves"')
    if table.bandwidth is None:
        return
    if checkpoint is None:
        yield "bandwidth", RefusedError("needs the size of a checkpoint", None, 'add checkpoint = "28 TB" to [job]')
    elif checkpoint / (table.bandwidth * (1.0 - table.background)) > LONGEST_S:
        yield "bandwidth", RefusedError("makes a save take longer than 136 years", "a higher bandwidth")


def save_cost(table: StoreTable, checkpoint: Quantity | None) -> float:
    """Give what one save costs the job, s: stall + slowdown x persist."""
    stall, persist, _ = _costs(table, checkpoint)
    return stall + table.slowdown * persist


def check_planned(
    table: StoreTable, checkpoint: Quantity | None, any_fault: bool
) -> Iterator[tuple[str, RefusedError]]:
    """Check that an interval that is to be computed can be; yields the key and what is wrong."""
    if table.every.kind not in PLANNED:
        return
    if save_cost(table, checkpoint) <= 0.0:
        message = f"{shown(table.every.kind)} needs saves that cost something"
        yield "every", RefusedError(message, "stall + slowdown x persist above 0", 'add stall = "20 s"')
    if not any_fault:
        message = f"{shown(table.every.kind)} needs faults to weigh saves against"
        yield "every", RefusedError(message, "at least one fault source with a rate above 0")


def resolve_store(name: str, table: StoreTable, job: Job, entries: Entries) -> Store:
    """Resolve one store. In the entries `bandwidth`, `background` and `fan_out` are replaced by the durations that they
    imply.
    """
    path = ("stores", name)
    stall, persist, read = _costs(table, job.checkpoint)
    every = table.every
    entries.add((*path, "every"), every.written, "s" if every.kind == "work" else "", si=_every_in_si(every))
    lost_at = table.place.lost_at if table.lost_at is None else table.lost_at
    entries.field(path, table, "place", "", table.place.written)
    entries.field(path, table, "lost_at", "", lost_at)
    entries.field(path, table, "source", "")
    for key, value in (("stall", stall), ("persist", persist), ("read", read)):
        if table.source is None or key != "stall":
            entries.field(path, table, key, "s", value)
    entries.field(path, table, "slowdown", "1")
    entries.field(path, table, "in_flight", "1", "unlimited" if table.in_flight == UNLIMITED else table.in_flight)
    entries.field(path, table, "keep", "1")
    return Store(
        table.every,
        stall,
        persist,
        read,
        table.slowdown,
        table.in_flight,
        table.keep,
        table.bandwidth,
        table.place,
        lost_at,
        table.source,
    )


def _every_in_si(every: Every) -> float | str:
    if every.kind == "work":
        return every.value or 0.0
    return every.kind if every.value is None else f"{every.value:.0f} {every.kind}"


def _costs(table: StoreTable, checkpoint: Quantity | None) -> tuple[Quantity, Quantity, Quantity]:
    """Give stall, persist and read, s, with the rule for `bandwidth`."""
    zero = Quantity(0.0, "0 s")
    save = load = zero
    if table.bandwidth is not None and checkpoint is not None:
        seconds = checkpoint / (table.bandwidth * (1.0 - table.background))
        save, load = in_seconds(seconds), in_seconds(seconds / table.fan_out)
    copied = table.source is not None
    stall = zero if copied else save if table.stall is None else table.stall
    persist = table.persist if table.persist is not None else save if copied or table.stall is not None else zero
    return stall, persist, load if table.read is None else table.read
