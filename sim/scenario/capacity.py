"""Pools of spares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from sim.scenario.domains import GroupName
from sim.scenario.entries import Entries, source_of
from sim.scenario.fields import (
    MOST,
    POSITIVE_DURATION,
    Choice,
    Count,
    Duration,
    Flag,
    Json,
    Reader,
    ShortForm,
    Table,
    Whole,
    setting,
)
from sim.scenario.refusal import RefusedError, nearest
from sim.scenario.units import Quantity

POOLS = ("hot", "cold", "warm", "shared")
Pick = Literal["longest idle", "last returned", "first", "random"]
PICKS = ("longest idle", "last returned", "first", "random")
AT_ONCE, ON_ACTIVATION = "at once", "on activation"
_NODES = "Nodes of the pool; 0 or more."


class _PoolSize(Whole):
    """Nodes of a pool, or a table."""

    @property
    def allowed(self) -> str:  # type: ignore[override]
        """Say what is allowed."""
        return f"{super().allowed}, or a table with nodes and activation"


_POOL_SIZE = _PoolSize(0, MOST)


def _as_nodes(value: object) -> dict[str, Any]:
    return {"nodes": _POOL_SIZE.read(value)}


class _Check(Reader):
    """When it is noticed that an idle spare is dead: a word, or the time between checks."""

    allowed = f'"{AT_ONCE}", "{ON_ACTIVATION}", or the time between checks, {POSITIVE_DURATION.allowed}'

    def read(self, value: object) -> Quantity | str:
        """Give the word or the time, or raise `RefusedError`."""
        if value in (AT_ONCE, ON_ACTIVATION):
            return str(value)
        try:
            return POSITIVE_DURATION.read(value)
        except RefusedError as refusal:
            close = nearest(value, (AT_ONCE, ON_ACTIVATION)) if isinstance(value, str) else None
            remedy = f'did you mean "{close}"?' if close else refusal.remedy
            raise RefusedError(refusal.message, self.allowed, remedy) from None

    def json_schema(self) -> Json:
        """Give the JSON schema of the word or the time."""
        return {"anyOf": [POSITIVE_DURATION.json_schema(), {"type": "string", "enum": [AT_ONCE, ON_ACTIVATION]}]}


class PoolTable(Table):
    """What all pools say."""

    nodes: Count = setting(_NODES)
    spread: GroupName | None = setting(
        "Group of cluster.groups over whose domains the spares are spread evenly, each time the last nodes of it.",
        None,
        "they stand together after the job",
    )
    activation: Duration = setting(
        "Time until a spare that was taken is ready, in s.", "0 s", "a hot spare is powered on, checked and connected"
    )


class HotPoolTable(PoolTable):
    """A pool of spares that are on, as written."""

    check: Annotated[Quantity | str, _Check()] = setting(
        'When it is noticed that an idle spare has failed: "at once", "on activation", when a call finds it dead (that '
        "takes no time, and the next one is tried), or at checks so far apart, above 0 s, the first of them that long "
        "after the start of the run; a call before the check finds it, too. Until then it counts as an idle spare, for "
        "spare_available and refill as well, and nobody repairs it.",
        AT_ONCE,
        "assumption: idle spares report their health as the nodes of the job do",
    )


class ColdPoolTable(PoolTable):
    """A pool of cold spares as written."""

    activation: Duration = setting(
        "Time until a spare that was taken is ready, in s.", "10 min", "assumption: image, boot and health check"
    )


class WarmPoolTable(HotPoolTable):
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
    give_back: Flag = setting(
        "Whether repaired nodes go to this pool when the others are full. With false the job keeps what it has "
        "claimed: repaired nodes for which no other pool has room join the cold pool, then larger than its size.",
        True,
        "assumption: nodes that nobody needs go back to the other work",
    )


class PoolsTable(Table):
    """`[pools]` as written."""

    pick: Annotated[Pick, Choice(PICKS)] = setting(
        "Which idle spare of a pool is called, among those that the rule's within allows: the one that joined the pool "
        "first, the one that joined it last, the first in the order of the cluster, or any of them, drawn for each "
        "call. At the start the order of the cluster decides. It matters where nodes differ: by frailty or age, by "
        "their domain, or as spares that died unnoticed.",
        "longest idle",
        "assumption: a queue, which spreads the work over all spares and sends no lemon straight back to the job",
    )
    hot: Annotated[HotPoolTable, ShortForm(_as_nodes, (_POOL_SIZE,))] | None = setting(
        "Spares that are on: a number of nodes, or a table.",
        None,
        "0 nodes; if [pools] names no pool, all nodes beyond the job",
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


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool: nominal nodes, the time in s until a spare is ready, the group that it is spread over, whether idle
    spares are on and fail, whether they come one after the other, when dead ones are noticed (`AT_ONCE`,
    `ON_ACTIVATION` or the time in s between checks), and whether repaired nodes go back to it.
    """

    nodes: int
    activation: Quantity
    spread: str | None = None
    on: bool = True
    one_by_one: bool = False
    check: Quantity | str = AT_ONCE
    give_back: bool = True


@dataclass(frozen=True, slots=True)
class Pools:
    """The pools; an empty one has 0 nodes. Warm and shared ones are None where the file has none. `pick` says which of
    a pool's idle spares is called.
    """

    hot: Pool
    cold: Pool
    warm: Pool | None = None
    shared: Pool | None = None
    pick: Pick = "longest idle"

    def by_name(self) -> dict[str, Pool]:
        """Give the pools that there are by name, hot and cold first."""
        named = {name: getattr(self, name) for name in POOLS}
        return {name: pool for name, pool in named.items() if pool is not None}


def pool_sizes(table: PoolsTable | None, free: int) -> tuple[int, ...]:
    """Return the nodes of each pool of `POOLS`; if the table names none, all `free` nodes are hot spares."""
    pools = [getattr(table, name, None) for name in POOLS]
    if all(pool is None for pool in pools):
        return free, 0, 0, 0
    return tuple(pool.nodes if pool else 0 for pool in pools)


def spread_of(table: PoolsTable | None) -> tuple[str | None, ...]:
    """Give the group that each pool of `POOLS` is spread over."""
    pools = [getattr(table, name, None) for name in POOLS]
    return tuple(pool.spread if pool else None for pool in pools)


def resolve_pools(table: PoolsTable | None, free: int, entries: Entries) -> Pools:
    """Resolve `[pools]`; `free` are the nodes of the cluster beyond the job."""
    hot, cold, *_ = pool_sizes(table, free)
    written = table or PoolsTable.model_validate({})
    entries.field(("pools",), written, "pick", "")
    found = {
        "hot": _pool("hot", hot, written.hot, HotPoolTable, entries),
        "cold": _pool("cold", cold, written.cold, ColdPoolTable, entries),
    }
    for name, more in (("warm", written.warm), ("shared", written.shared)):
        if more is not None:
            found[name] = _pool(name, more.nodes, more, PoolTable, entries)
    return Pools(**found, pick=written.pick)


def _pool(name: str, nodes: int, table: PoolTable | None, model: type[PoolTable], entries: Entries) -> Pool:
    path = ("pools", name)
    found = model.model_validate({"nodes": nodes}) if table is None else table
    entries.add((*path, "nodes"), nodes, "nodes", source_of(PoolsTable, name) if table is None else None)
    entries.field(path, found, "activation", "s")
    entries.field(path, found, "spread", "")
    one_by_one = isinstance(found, SharedPoolTable) and found.one_by_one
    if isinstance(found, SharedPoolTable):
        entries.field(path, found, "one_by_one", "")
        entries.field(path, found, "give_back", "")
    give_back = not isinstance(found, SharedPoolTable) or found.give_back
    check: Quantity | str = AT_ONCE
    if isinstance(found, HotPoolTable):
        check = found.check
        entries.field(path, found, "check", "" if isinstance(check, str) else "s")
    return Pool(nodes, found.activation, found.spread, isinstance(found, HotPoolTable), one_by_one, check, give_back)
