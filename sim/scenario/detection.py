"""Detection and diagnosis: how long a fault stays unseen, and whether the right node is blamed for it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import model_validator

from sim.scenario.domains import GroupName
from sim.scenario.entries import Entries
from sim.scenario.fields import DURATION, Duration, Probability, ShortForm, Table, setting
from sim.scenario.law import Law, LawValue, add_law, constant, resolve_law
from sim.scenario.refusal import RefusedError, listed, nearest, shown
from sim.scenario.units import Quantity


class WatchdogTable(Table):
    """`[detect.hang]` as written."""

    timeout: Duration = setting(
        "Time without a heartbeat after which the job is taken to hang, in s.",
        "10 min",
        "default timeout of NCCL process groups in PyTorch (pull request 110947)",
    )
    heartbeat: Duration = setting(
        "Time between heartbeats, in s, at most the timeout: a hang begins somewhere between two.",
        "0 s",
        "assumption: the timeout counts from the hang",
    )
    poll: Duration = setting(
        "Time between looks at the timeout, in s.", "0 s", "assumption: it is noticed as soon as it has passed"
    )

    @model_validator(mode="after")
    def _beats_in_time(self) -> WatchdogTable:
        if self.heartbeat > self.timeout:
            raise RefusedError("has heartbeats further apart than its timeout", "heartbeat of at most timeout")
        return self


def as_timeout(value: object) -> dict[str, Any]:
    """Let a bare duration stand for a table with `timeout`."""
    return {"timeout": value}


class EvictTable(Table):
    """`detect.evict` as written."""

    group: GroupName = setting("Group of cluster.groups whose domain is evicted with the node.")
    share: Probability = setting("Probability that a fault which takes a node is answered so; a share of 1.")


class RecursTable(Table):
    """`detect.recurs` as written."""

    after: LawValue = setting(
        "Time that the job steps before the unit fails again, in s: a duration or a table with a law.",
        "0 s",
        "assumption: what is broken fails as soon as it is used",
    )
    healed: Probability = setting(
        "Probability that a restart cures a unit that was not taken out, each time anew; with 1 nothing stays broken.",
        0.0,
        "assumption: what needs a reset or a repair is not cured by less",
    )


class DetectTable(Table):
    """`[detect]` as written."""

    stop: LawValue = setting(
        "Time from a fault that stops the job until it is seen, in s: a duration or a table with a law.",
        "30 s",
        "assumption: heartbeat_timeout of NVIDIA's resiliency extension (NVRx, in-process restart) is 30 s by default",
    )
    hang: Annotated[WatchdogTable, ShortForm(as_timeout, (DURATION,))] = setting(
        "How a hang is noticed: the timeout, or a table.", {}, "see its keys"
    )
    missed: Probability = setting(
        "Probability that no node is blamed for a fault which would take one: the job stops, a new process is thought "
        "to be enough, and the node stays and fails again (`recurs`).",
        0.0,
        "assumption: every fault is attributed",
    )
    wrong: Probability = setting(
        "Probability that another node of the job is blamed, each alike: it goes to repair, and the culprit stays and "
        "fails again (`recurs`).",
        0.0,
        "assumption: the right node is blamed",
    )
    recurs: RecursTable = setting(
        "How a node fails again that needs a reset or a repair and was not taken out, because nobody or another node "
        "was blamed: as a stop of the same source, until it goes to repair for whatever reason.",
        {},
        "see its keys",
    )
    evict: EvictTable | None = setting(
        "A suspect group is taken out instead of finding the culprit in it: its other nodes are sent to be reset.",
        None,
        "no group is evicted",
    )


@dataclass(frozen=True, slots=True)
class Watchdog:
    """How a hang is noticed, s: the timeout from the last heartbeat, time between heartbeats, time between polls."""

    timeout: Quantity
    heartbeat: Quantity
    poll: Quantity


@dataclass(frozen=True, slots=True)
class Detect:
    """Time until a stop is seen, for sources that do not say it themselves, how a hang is noticed, and who is blamed:
    the probabilities that nobody is, that another node is, and that the group `evict_group` is taken out. What was not
    taken out is `healed` by the restart, or fails again after a time of the law `recurs`.
    """

    stop: Law
    hang: Watchdog
    missed: float
    wrong: float
    evict: float
    evict_group: str | None
    recurs: Law
    healed: float


def check_detect(table: DetectTable, groups: Iterable[str]) -> Iterator[tuple[str | None, RefusedError]]:
    """Check what the valid values of `[detect]` say together; yields the key and what is wrong."""
    known = list(groups)
    shares = [table.missed, table.wrong, table.evict.share if table.evict else 0.0]
    if math.fsum(shares) > 1.0:
        message = f"has missed, wrong and evict.share that add up to {math.fsum(shares):.12g}"
        yield None, RefusedError(message, "at most 1")
    if table.evict is not None and table.evict.group not in known:
        close = nearest(table.evict.group, known)
        allowed = listed(shown(name) for name in known) if known else "a group of cluster.groups; there are none"
        yield "evict.group", RefusedError("is no group", allowed, f"did you mean {shown(close)}?" if close else None)


def resolve_detect(table: DetectTable, short: Quantity | None, entries: Entries) -> Detect:
    """Resolve `[detect]`; `short` is `recovery.detect`."""
    stop = resolve_law(table.stop) if short is None else constant(short)
    if short is not None:
        entries.add(("detect", "stop"), short, "s")
    elif table.stop.time is not None:
        entries.field(("detect",), table, "stop", "s", table.stop.time)
    for key in ("missed", "wrong"):
        if key in table.model_fields_set:
            entries.field(("detect",), table, key, "1")
    if short is None and table.stop.time is None:
        add_law(("detect", "stop"), table.stop, entries)
    for key in ("timeout", "heartbeat", "poll"):
        entries.field(("detect", "hang"), table.hang, key, "s")
    group, share = None, 0.0
    if table.evict is not None:
        group, share = table.evict.group, float(table.evict.share)
        entries.field(("detect", "evict"), table.evict, "group", "")
        entries.field(("detect", "evict"), table.evict, "share", "1")
    if "recurs" in table.model_fields_set or table.missed + table.wrong > 0.0:
        _add_recurs(table.recurs, entries)
    recurs, healed = resolve_law(table.recurs.after), float(table.recurs.healed)
    watchdog = Watchdog(table.hang.timeout, table.hang.heartbeat, table.hang.poll)
    return Detect(stop, watchdog, float(table.missed), float(table.wrong), share, group, recurs, healed)


def _add_recurs(table: RecursTable, entries: Entries) -> None:
    entries.field(("detect", "recurs"), table, "healed", "1")
    if table.after.time is not None:
        entries.field(("detect", "recurs"), table, "after", "s", table.after.time)
    else:
        add_law(("detect", "recurs", "after"), table.after, entries)
