"""Pools of spares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from sim.scenario.domains import GroupName
from sim.scenario.entries import Entries, source_of
from sim.scenario.fields import MOST, Count, Duration, ShortForm, Table, Whole, setting
from sim.scenario.units import Quantity

POOLS = ("hot", "cold")
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


class PoolsTable(Table):
    """`[pools]` as written."""

    hot: Annotated[PoolTable, ShortForm(_as_nodes, (_POOL_SIZE,))] | None = setting(
        "Spares that are on: a number of nodes, or a table.", None, "0 nodes; without [pools] all nodes beyond the job"
    )
    cold: Annotated[ColdPoolTable, ShortForm(_as_nodes, (_POOL_SIZE,))] | None = setting(
        "Spares that are off and do not fail: a number of nodes, or a table.", None, "0 nodes"
    )


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool: nominal nodes, the time in s until a spare is ready, and the group that it is spread over."""

    nodes: int
    activation: Quantity
    spread: str | None = None


@dataclass(frozen=True, slots=True)
class Pools:
    """The hot and the cold pool; an empty one has 0 nodes."""

    hot: Pool
    cold: Pool


def pool_sizes(table: PoolsTable | None, free: int) -> tuple[int, int]:
    """Give nodes of the hot and the cold pool; without a table all `free` nodes are hot spares."""
    if table is None:
        return free, 0
    return (table.hot.nodes if table.hot else 0), (table.cold.nodes if table.cold else 0)


def spread_of(table: PoolsTable | None) -> tuple[str | None, str | None]:
    """Give the groups that the hot and the cold pool are spread over."""
    pools = (table.hot, table.cold) if table is not None else (None, None)
    return (pools[0].spread if pools[0] else None, pools[1].spread if pools[1] else None)


def resolve_pools(table: PoolsTable | None, free: int, entries: Entries) -> Pools:
    """Resolve `[pools]`; `free` are the nodes of the cluster beyond the job."""
    hot, cold = pool_sizes(table, free)
    written = table or PoolsTable.model_validate({})
    return Pools(
        _pool("hot", hot, written.hot, PoolTable, entries),
        _pool("cold", cold, written.cold, ColdPoolTable, entries),
    )


def _pool(name: str, nodes: int, table: PoolTable | None, model: type[PoolTable], entries: Entries) -> Pool:
    path = ("pools", name)
    found = model.model_validate({"nodes": nodes}) if table is None else table
    entries.add((*path, "nodes"), nodes, "nodes", source_of(PoolsTable, name) if table is None else None)
    entries.field(path, found, "activation", "s")
    entries.field(path, found, "spread", "")
    return Pool(nodes, found.activation, found.spread)
