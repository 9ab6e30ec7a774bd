"""How capacity comes back: pools of spares, and repair."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from sim.scenario.domains import GroupName
from sim.scenario.entries import Entries, source_of
from sim.scenario.fields import (
    MOST,
    AtLeastOne,
    Choice,
    Count,
    Duration,
    Flag,
    ShortForm,
    Success,
    Table,
    Whole,
    either,
    setting,
)
from sim.scenario.law import Law, LawTable, RepairTime, law_keys, resolve_law
from sim.scenario.refusal import RefusedError, listed
from sim.scenario.units import Quantity

POOLS = ("hot", "cold", "warm", "shared")
_SHORT = ("time", "crews", "success")
_NODES = "Nodes of the pool; 0 or more."
_DEFAULT_REPAIR = "1 day"
_TIME_SOURCE = (
    "best case several hours, often days (SemiAnalysis, 100,000 H100 Clusters, 2024); the value is an assumption"
)


class _PoolSize(Whole):
    """Nodes of a pool, or a table."""

    @property
    def allowed(self) -> str:  # type: ignore[override]
        """Say what is allowed."""
        return f"{super().allowed}, or a table with nodes and activation"


_POOL_SIZE = _PoolSize(0, MOST)


def _as_nodes(value: object) -> dict[str, Any]:
    return {"nodes": _POOL_SIZE.read(value)}


class PoolTable(Table):
    """A pool of hot spares as written."""

    nodes: Count = setting(_NODES)
    spread: GroupName | None = setting(
        "Group of cluster.groups over whose domains the spares are spread evenly, each time the last nodes of it.",
        None,
        "they stand together after the job",
    )
    activation: Duration = setting(
        "Time until a spare that was taken is ready, in s.", "0 s", "a hot spare is powered on, checked and connected"
    )


class ColdPoolTable(PoolTable):
    """A pool of cold spares as written."""

    activation: Duration = setting(
        "Time until a spare that was taken is ready, in s.", "10 min", "assumption: image, boot and health check"
    )


class WarmPoolTable(PoolTable):
    """A pool of warm spares as written."""

    activation: Duration = setting(
        "Time until a spare that was taken is ready, in s.", "1 min", "assumption: booted, but no image or process yet"
    )


class SharedPoolTable(PoolTable):
    """A pool shared with other work, as written."""

    activation: Duration = setting(
        "Time to claim a node from the other work until it is ready, in s.", "5 min", "assumption: preempt, clean, boot"
    )
    one_by_one: Flag = setting(
        "Whether nodes are claimed one after the other, each in that time, or all together.",
        True,
        "assumption: a scheduler preempts one node at a time",
    )


class PoolsTable(Table):
    """`[pools]` as written."""

    hot: Annotated[PoolTable, ShortForm(_as_nodes, (_POOL_SIZE,))] | None = setting(
        "Spares that are on: a number of nodes, or a table.", None, "0 nodes; without [pools] all nodes beyond the job"
    )
    cold: Annotated[ColdPoolTable, ShortForm(_as_nodes, (_POOL_SIZE,))] | None = setting(
        "Spares that are off and do not fail: a number of nodes, or a table.", None, "0 nodes"
    )
    warm: Annotated[WarmPoolTable, ShortForm(_as_nodes, (_POOL_SIZE,))] | None = setting(
        "Spares that are on and fail as hot ones do, but need time: a number of nodes, or a table.", None, "0 nodes"
    )
    shared: Annotated[SharedPoolTable, ShortForm(_as_nodes, (_POOL_SIZE,))] | None = setting(
        "Nodes that do other work until they are claimed, and that others keep in order: a number of nodes, or a "
        "table. The ledger counts them as idle spares.",
        None,
        "0 nodes",
    )


class ReplaceTable(Table):
    """A repair stage as written."""

    time: RepairTime = setting('Time that the stage takes: a duration, a table with a law, or "never".')
    crews: AtLeastOne | None = setting(
        "Nodes that the stage serves at once; 1 or more.", None, "endless: every node is served at once"
    )
    success: Success = setting(
        "Probability that the node leaves the stage in order; above 0, at most 1.",
        1.0,
        "assumption: a repair that is done has worked",
    )


class ResetTable(ReplaceTable):
    """The stage `reset` as written."""

    else_: Annotated[Literal["replace"], Choice(("replace",))] = setting(
        "Where a node goes that the stage did not put in order.", "replace", "the only stage after it", alias="else"
    )


class RepairTable(Table):
    """`[repair]` as written."""

    replaces: ClassVar[Mapping[str, frozenset[str]]] = either(_SHORT, ("replace",))

    time: RepairTime | None = setting("Short for replace.time.", None, f'"{_DEFAULT_REPAIR}": {_TIME_SOURCE}')
    crews: AtLeastOne | None = setting("Short for replace.crews.", None, "endless: every node is served at once")
    success: Success | None = setting(
        "Short for replace.success.", None, "1; assumption: a repair that is done has worked"
    )
    reset: ResetTable | None = setting("Stage of nodes that need a reset.", None, "not there: such nodes enter replace")
    replace: ReplaceTable | None = setting(
        "Stage of nodes that need repair; a node that it did not put in order enters it again.",
        None,
        f'time = "{_DEFAULT_REPAIR}": {_TIME_SOURCE}',
    )


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool: nominal nodes, the time in s until a spare is ready, the group that it is spread over, whether idle
    spares are on and fail, and whether they come one after the other.
    """

    nodes: int
    activation: Quantity
    spread: str | None = None
    on: bool = True
    one_by_one: bool = False


@dataclass(frozen=True, slots=True)
class Pools:
    """The pools; an empty one has 0 nodes. Warm and shared ones are None where the file has none."""

    hot: Pool
    cold: Pool
    warm: Pool | None = None
    shared: Pool | None = None

    def by_name(self) -> dict[str, Pool]:
        """Give the pools that there are by name, hot and cold first."""
        named = {name: getattr(self, name) for name in POOLS}
        return {name: pool for name, pool in named.items() if pool is not None}


@dataclass(frozen=True, slots=True)
class RepairStage:
    """A repair stage: its time, its crews (None: endless) and its probability of success, above 0."""

    time: Law
    crews: int | None
    success: float


@dataclass(frozen=True, slots=True)
class Repair:
    """The repair stages; `reset` None if nodes that need a reset enter `replace`."""

    reset: RepairStage | None
    replace: RepairStage


def check_repair_keys(keys: Mapping[str, Any]) -> Iterator[tuple[str | None, RefusedError]]:
    """Check which keys `[repair]` has; yields the key and what is wrong."""
    short = [key for key in _SHORT if key in keys]
    if short and "replace" in keys:
        message = f"says the same as replace.{short[0]}"
        yield short[0], RefusedError(message, f"either {listed(_SHORT)}, or replace", f"move {short[0]} into replace")


def pool_sizes(table: PoolsTable | None, free: int) -> tuple[int, ...]:
    """Give nodes of each pool of `POOLS`; without a table all `free` nodes are hot spares."""
    if table is None:
        return free, 0, 0, 0
    pools = [getattr(table, name) for name in POOLS]
    return tuple(pool.nodes if pool else 0 for pool in pools)


def spread_of(table: PoolsTable | None) -> tuple[str | None, ...]:
    """Give the group that each pool of `POOLS` is spread over."""
    pools = [getattr(table, name, None) for name in POOLS]
    return tuple(pool.spread if pool else None for pool in pools)


def resolve_pools(table: PoolsTable | None, free: int, entries: Entries) -> Pools:
    """Resolve `[pools]`; `free` are the nodes of the cluster beyond the job."""
    hot, cold, *_ = pool_sizes(table, free)
    written = table or PoolsTable.model_validate({})
    return Pools(
        _pool("hot", hot, written.hot, PoolTable, entries),
        _pool("cold", cold, written.cold, ColdPoolTable, entries),
        *(
            None if more is None else _pool(name, more.nodes, more, PoolTable, entries)
            for name, more in (("warm", written.warm), ("shared", written.shared))
        ),
    )


def _pool(name: str, nodes: int, table: PoolTable | None, model: type[PoolTable], entries: Entries) -> Pool:
    path = ("pools", name)
    found = model.model_validate({"nodes": nodes}) if table is None else table
    entries.add((*path, "nodes"), nodes, "nodes", source_of(PoolsTable, name) if table is None else None)
    entries.field(path, found, "activation", "s")
    entries.field(path, found, "spread", "")
    one_by_one = isinstance(found, SharedPoolTable) and found.one_by_one
    if isinstance(found, SharedPoolTable):
        entries.field(path, found, "one_by_one", "")
    return Pool(nodes, found.activation, found.spread, name in ("hot", "warm"), one_by_one)


def resolve_repair(table: RepairTable, entries: Entries) -> Repair:
    """Resolve `[repair]`: the short form becomes the stage `replace`."""
    path = ("repair",)
    reset = None if table.reset is None else _repair_stage((*path, "reset"), table.reset, entries)
    if table.replace is not None:
        return Repair(reset, _repair_stage((*path, "replace"), table.replace, entries))
    given = {name: getattr(table, name) for name in _SHORT if getattr(table, name) is not None}
    made = ReplaceTable.model_validate({"time": _DEFAULT_REPAIR}).model_copy(update=given)
    replace = _repair_stage((*path, "replace"), made, entries)
    if table.time is None:
        entries.mark_default((*path, "replace", "time"), _TIME_SOURCE)
    return Repair(reset, replace)


def _repair_stage(path: tuple[str, ...], table: ReplaceTable, entries: Entries) -> RepairStage:
    entries.field(path, table, "crews", "1")
    entries.field(path, table, "success", "1")
    if isinstance(table, ResetTable):
        entries.field(path, table, "else_", "")
    _time_entries((*path, "time"), table.time, entries)
    return RepairStage(resolve_law(table.time), table.crews, float(table.success))


def _time_entries(path: tuple[str, ...], table: LawTable, entries: Entries) -> None:
    if table.time is not None:
        entries.add(path, table.time, "s")
        return
    for key, value in law_keys(table).items():
        entries.add((*path, key), value, "" if key in ("law", "of") else "s")
