"""Which versions survive a fault, and which of them is restored.

A store counts for its newest version only: what loses that one loses the older ones of the store too, and the copies
from it that are under way. Nodes are known by their slots; ``lost[slot, store]`` is the series of the store's
versions of which the node in the slot has no copy, a number that each new version makes anew.

``c`` and ``v`` are as in ``sim.kernels.tiers``, ``lost`` is an int64 array of shape (nodes, ``MOST_STORES``).
"""

from __future__ import annotations

from typing import Any

from sim.kernels._jit import entry, kernel
from sim.kernels.persists import DIRECT

SHARED = 0
SELF = 1
GROUPS = 2
CHAIN = 3
"""Where a store's copies are: in a service beside the nodes; each node's on itself; also on all others of its group;
also on the nodes that follow it."""

NEVER_LOST = 3
"""``lost_at`` of a store that no fault empties: above every need."""


@kernel
def stop_persists(c: Any, v: Any) -> None:
    """A fault stops the job: what is being saved from it is lost, copies from store to store go on."""
    for i in range(c.n):
        if c.source[i] == DIRECT:
            v.running[i] = 0


@entry
def lose(c: Any, v: Any, lost: Any, slot: int, need: int) -> None:
    """A fault of a need strikes the node of a slot (-1: the job as a whole)."""
    for i in range(c.n):
        if need >= c.lost_at[i]:
            _lose_copies(c, v, lost, i, slot)


@entry
def swap(c: Any, v: Any, lost: Any, slot: int) -> None:
    """Another node takes a slot: the one that leaves it takes its copies along."""
    for i in range(c.n):
        if c.place[i] != SHARED:
            _lose_copies(c, v, lost, i, slot)


@kernel
def _lose_copies(c: Any, v: Any, lost: Any, i: int, slot: int) -> None:
    v.running[i] = 0
    if v.has[i] == 0:
        return
    if slot >= 0 and c.place[i] >= GROUPS:
        lost[slot, i] = v.series[i]
        if not _all_lost(c, v, lost, i, slot):
            return
    v.has[i] = 0
    for k in range(c.n):
        if c.source[k] == i:
            v.running[k] = 0


@kernel
def _all_lost(c: Any, v: Any, lost: Any, i: int, slot: int) -> bool:
    """Whether some node's copies, of which the one in ``slot`` held one, are all lost."""
    count = 0
    if c.place[i] == GROUPS:
        groups = c.slots // (c.partners[i] + 1)
        for member in range(slot % groups, c.slots, groups):
            if lost[member, i] == v.series[i]:
                count += 1
        return bool(count > c.partners[i])
    for way in (1, -1):
        for k in range(1, c.partners[i] + 1):
            if lost[(slot + way * k * c.stride[i]) % c.slots, i] != v.series[i]:
                break
            count += 1
    return bool(count >= c.partners[i])


@entry
def restore(c: Any, v: Any) -> float:
    """Fall back to the newest version of all stores, to the start if there is none; of two alike the one that is read
    sooner. Returns the seconds of stepping that are lost.
    """
    best = -1
    step = 0.0
    deficit = 0.0
    for i in range(c.n):
        if v.has[i] == 0:
            continue
        newer = best < 0 or v.version_step[i] > step
        if newer or (v.version_step[i] == step and c.read[i] < c.read[best]):
            best = i
            step = v.version_step[i]
            deficit = v.version_deficit[i]
    lost = (v.step - step) + (v.deficit - deficit)
    v.restored = best
    v.step = step
    v.deficit = deficit
    return float(lost)


@kernel
def newest_step(c: Any, v: Any) -> float:
    """Progress of the newest version of all stores, 0 if there is none."""
    step = 0.0
    for i in range(c.n):
        if v.has[i] != 0:
            step = max(step, v.version_step[i])
    return step


@kernel
def clear(c: Any, v: Any) -> None:
    """Set the state of a run at time 0. The series go on, so that nothing of an earlier run counts."""
    v.step = 0.0
    v.deficit = 0.0
    v.restored = -1
    for i in range(c.n):
        v.saves[i] = 0
        v.stood[i] = 0.0
        v.has[i] = 0
        v.head[i] = 0
        v.running[i] = 0
        v.series[i] += 1
