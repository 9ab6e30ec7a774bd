"""Stores of checkpoints: when they are saved to, and what saving and reading cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from sim.scenario import units
from sim.scenario.cluster import Job
from sim.scenario.entries import Entries
from sim.scenario.fields import (
    LONGEST_S,
    MOST,
    POSITIVE_DURATION,
    AtLeastOne,
    Bandwidth,
    Duration,
    Json,
    Reader,
    Slowdown,
    Table,
    Whole,
    either,
    setting,
)
from sim.scenario.refusal import RefusedError, shown
from sim.scenario.units import Quantity, in_seconds

MOST_STORES = 1
PLANNED = ("young", "daly", "exact")
UNLIMITED = 0
"""`in_flight` of a store without a limit."""

EveryKind = Literal["work", "steps", "young", "daly", "exact"]


@dataclass(frozen=True, slots=True)
class Every:
    """When a store is saved to.

    Parameters
    ----------
    kind : str
        "work": every `value` seconds of useful work; "steps": every `value` steps; else the rule that finds the
        interval.
    value : float or None
        Seconds or steps; None for a rule.
    written : str
        As in the file.
    """

    kind: EveryKind
    value: float | None
    written: str


class _EveryReader(Reader):
    """A duration of useful work, a count of steps, or a rule's name."""

    allowed = 'useful work such as "30 min", "50 steps", "young", "daly" or "exact"'

    def read(self, value: object) -> Every:
        """Give the trigger, or raise `RefusedError`."""
        for rule in PLANNED:
            if value == rule:
                return Every(rule, None, rule)  # type: ignore[arg-type]
        try:
            if units.is_steps(value):
                count = units.steps(value)
                if count > 1e12:
                    raise RefusedError("is too large")
                return Every("steps", float(count), count.written)
            work = POSITIVE_DURATION.read(value)
        except RefusedError as refusal:
            raise RefusedError(refusal.message, self.allowed, refusal.remedy) from None
        return Every("work", float(work), work.written)

    def json_schema(self) -> Json:
        """Give the JSON schema of the text."""
        steps = {"type": "string", "pattern": units.text_pattern("[steps]"), "examples": ["50 steps"]}
        return {"anyOf": [POSITIVE_DURATION.json_schema(), steps, {"type": "string", "enum": list(PLANNED)}]}


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


class StoreTable(Table):
    """`[stores.NAME]` as written."""

    replaces: ClassVar[Mapping[str, frozenset[str]]] = either(("bandwidth",), ("persist",))

    every: Annotated[Every, _EveryReader()] = setting(
        'When to save: useful work between saves ("30 min"), "50 steps", or the interval of "young", "daly" or "exact".'
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
        "Durable versions that are kept; 1 or more. It decides the room needed; the newest is restored.",
        1,
        "assumption: with one shared store only the newest durable version is ever restored",
    )
    bandwidth: Bandwidth | None = setting(
        "Rate at which one checkpoint is saved and read, in bytes per second, above 0.", None, "not set"
    )
    read: Duration | None = setting(
        "Time to read the newest version back, in s.",
        None,
        "job.checkpoint / bandwidth if bandwidth is given, else 0 s",
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
    """

    every: Every
    stall: Quantity
    persist: Quantity
    read: Quantity
    slowdown: float
    in_flight: int
    keep: int
    bandwidth: Quantity | None


def check_store_keys(keys: Mapping[str, Any]) -> Iterator[tuple[str | None, RefusedError]]:
    """Check which keys a store's table has; yields the key and what is wrong."""
    if "bandwidth" in keys and "persist" in keys:
        yield (
            "bandwidth",
            RefusedError("says the same as persist", "either bandwidth or persist", "leave one of them out"),
        )


def check_store(
    table: StoreTable, step: Quantity | None, checkpoint: Quantity | None
) -> Iterator[tuple[str | None, RefusedError]]:
    """Check a store's valid values against the job's; yields the key and what is wrong."""
    if table.every.kind == "steps" and step is None:
        yield "every", RefusedError("counts steps, but job.step is not given", None, 'add step = "6 s" to [job]')
    if table.bandwidth is None:
        return
    if checkpoint is None:
        yield "bandwidth", RefusedError("needs the size of a checkpoint", None, 'add checkpoint = "28 TB" to [job]')
    elif checkpoint / table.bandwidth > LONGEST_S:
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
    """Resolve one store. In the entries `bandwidth` is replaced by the durations that it implies."""
    path = ("stores", name)
    stall, persist, read = _costs(table, job.checkpoint)
    every = table.every
    entries.add((*path, "every"), every.written, "s" if every.kind == "work" else "", si=_every_in_si(every))
    for key, value in (("stall", stall), ("persist", persist), ("read", read)):
        entries.field(path, table, key, "s", value)
    entries.field(path, table, "slowdown", "1")
    entries.field(path, table, "in_flight", "1", "unlimited" if table.in_flight == UNLIMITED else table.in_flight)
    entries.field(path, table, "keep", "1")
    return Store(table.every, stall, persist, read, table.slowdown, table.in_flight, table.keep, table.bandwidth)


def _every_in_si(every: Every) -> float | str:
    if every.kind == "work":
        return every.value or 0.0
    return every.kind if every.value is None else f"{every.value:.0f} steps"


def _costs(table: StoreTable, checkpoint: Quantity | None) -> tuple[Quantity, Quantity, Quantity]:
    """Give stall, persist and read, s, with the rule for `bandwidth`."""
    zero = Quantity(0.0, "0 s")
    transfer = zero if table.bandwidth is None or checkpoint is None else in_seconds(checkpoint / table.bandwidth)
    stall = transfer if table.stall is None else table.stall
    persist = table.persist if table.persist is not None else (zero if table.stall is None else transfer)
    return stall, persist, transfer if table.read is None else table.read
