"""Whose turn it is among the idle spares of a pool, in the compiled engine: a heap of them by their rank.

The rank is the number of a spare's joining, or its place in the cluster: no two are the same, so that the first of a
pool does not depend on how the heap came about. At the start the spares are in their order, which is a heap: nothing of
it is written before it changes.
"""

from __future__ import annotations

from typing import Any

from sim.kernels._jit import entry, kernel
from sim.plan import FIRST, LONGEST_IDLE


@kernel
def calls_in_turn(p: Any) -> bool:
    """Whether spares are called by their rank."""
    return bool(p.pick == LONGEST_IDLE or p.pick == FIRST)


@kernel
def rank_of(s: Any, u: Any, node: int) -> int:
    """The rank of an idle spare: the lowest of a pool is called."""
    return int(u.turns[node].rank if u.turns[node].ranked == s.epoch else u.turns[node].rank_0)


@kernel
def first_in_turn(p: Any, s: Any, u: Any, block: int) -> int:
    """The spare of lowest rank of a pool that is not empty."""
    return _at(p, s, u, block, 0)


@kernel
def _at(p: Any, s: Any, u: Any, block: int, i: int) -> int:
    """The node at a place of a pool's heap."""
    if u.turns[i].heaped[block] == s.epoch:
        return int(u.turns[i].heap[block])
    return int(u.turns[p.pool_end[block] - p.pool_nodes[block] + i].heap_0)


@kernel
def _put(s: Any, u: Any, block: int, i: int, node: int, rank: int) -> None:
    u.turns[i].heaped[block] = s.epoch
    u.turns[i].heap[block] = node
    u.turns[node].ranked = s.epoch
    u.turns[node].rank = rank
    u.turns[node].place = i


@entry
def _settle(p: Any, s: Any, u: Any, block: int, size: int, hole: int, node: int, rank: int) -> None:
    """Put a spare where it belongs in a heap of this size, of which one place is free: up from there, or down."""
    i = hole
    while i > 0:
        parent = (i - 1) >> 1
        above = _at(p, s, u, block, parent)
        if rank_of(s, u, above) < rank:
            break
        _put(s, u, block, i, above, rank_of(s, u, above))
        i = parent
    while True:
        child = 2 * i + 1
        if child >= size:
            break
        below = _at(p, s, u, block, child)
        if child + 1 < size:
            other = _at(p, s, u, block, child + 1)
            if rank_of(s, u, other) < rank_of(s, u, below):
                child += 1
                below = other
        if rank < rank_of(s, u, below):
            break
        _put(s, u, block, i, below, rank_of(s, u, below))
        i = child
    _put(s, u, block, i, node, rank)


@entry
def join(p: Any, s: Any, u: Any, block: int, node: int) -> None:
    """A node joins a pool, of whose idle spares it is not counted yet."""
    s.joined += 1
    rank = u.turns[node].rank_0 if p.pick == FIRST else p.nodes + s.joined
    _settle(p, s, u, block, s.idle[block] + 1, s.idle[block], node, rank)


@entry
def quit_turn(p: Any, s: Any, u: Any, block: int, node: int) -> None:
    """A node leaves a pool, among whose idle spares it is counted no more."""
    last = s.idle[block]
    hole = u.turns[node].place if u.turns[node].ranked == s.epoch else u.turns[node].place_0
    other = _at(p, s, u, block, last)
    if other != node:
        _settle(p, s, u, block, last, hole, other, rank_of(s, u, other))
