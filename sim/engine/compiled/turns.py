"""Idle spares of a pool in the order of the cluster, in the compiled engine: a heap of them by their place there.

No two places are the same, so that the first of a pool does not depend on how the heap came about. At the start the
spares are in their order, which is a heap: nothing of it changes before one leaves.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.engine.compiled.layout import MAX_POOLS
from sim.kernels._jit import entry, kernel

TURN = np.dtype(
    [
        # by node: its place in the heap of its pool, if ``placed`` is the run's epoch, else the one at the start
        ("placed", "i8"), ("place", "i8"), ("place_0", "i8"),
        # by place in the heap of a pool, by block: a node, if ``heaped`` is the run's epoch; and by such a place plus
        # the number of the pool's first node: the node that is there at the start
        ("heaped", "i8", MAX_POOLS + 1), ("heap", "i8", MAX_POOLS + 1), ("heap_0", "i8"),
    ],
    align=True,
)  # fmt: skip


@kernel
def first_in_cluster(p: Any, s: Any, u: Any, block: int) -> int:
    """The spare of a pool, which is not empty, that comes first in the cluster."""
    return _at(p, s, u, block, 0)


@kernel
def _at(p: Any, s: Any, u: Any, block: int, i: int) -> int:
    """The node at a place of a pool's heap."""
    if u.turns[i].heaped[block] == s.epoch:
        return int(u.turns[i].heap[block])
    return int(u.turns[p.pool_end[block] - p.pool_nodes[block] + i].heap_0)


@kernel
def _put(s: Any, u: Any, block: int, i: int, node: int) -> None:
    u.turns[i].heaped[block] = s.epoch
    u.turns[i].heap[block] = node
    u.turns[node].placed = s.epoch
    u.turns[node].place = i


@entry
def _settle(p: Any, s: Any, u: Any, block: int, size: int, hole: int, node: int) -> None:
    """Put a spare where it belongs in a heap of this size, of which one place is free: up from there, or down."""
    site = u.sites[node].site
    i = hole
    while i > 0:
        parent = (i - 1) >> 1
        above = _at(p, s, u, block, parent)
        if u.sites[above].site < site:
            break
        _put(s, u, block, i, above)
        i = parent
    while True:
        child = 2 * i + 1
        if child >= size:
            break
        below = _at(p, s, u, block, child)
        if child + 1 < size:
            other = _at(p, s, u, block, child + 1)
            if u.sites[other].site < u.sites[below].site:
                child += 1
                below = other
        if site < u.sites[below].site:
            break
        _put(s, u, block, i, below)
        i = child
    _put(s, u, block, i, node)


@kernel
def join(p: Any, s: Any, u: Any, block: int, node: int) -> None:
    """A node joins a pool, of whose idle spares it is not counted yet."""
    _settle(p, s, u, block, s.idle[block] + 1, s.idle[block], node)


@entry
def quit_turn(p: Any, s: Any, u: Any, block: int, node: int) -> None:
    """A node leaves a pool, among whose idle spares it is counted no more."""
    last = s.idle[block]
    other = _at(p, s, u, block, last)
    if other != node:
        hole = u.turns[node].place if u.turns[node].placed == s.epoch else u.turns[node].place_0
        _settle(p, s, u, block, last, hole, other)
