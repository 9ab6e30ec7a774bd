"""Saves that persist in several stores: they end in the order in which they began, and may be copied on.

``c`` is a record of dtype ``sim.engine.tiers.STORES``, ``v`` one of ``VERSIONS``: they say what their fields hold.
All times are on the grid of ``sim.kernels.time``.
"""

from __future__ import annotations

import math
from typing import Any

from sim.kernels._jit import entry, kernel

MOST_STORES = 4
RING = 16
"""Most persists that may run at once in one store."""

DIRECT = -1
"""The source of a store that is saved to from the job itself."""


@kernel
def divides(interval: float, progress: float) -> bool:
    """Whether ``progress`` is a whole multiple of ``interval``; exact for both on the grid."""
    times = progress / interval
    return math.floor(times) == times


@kernel
def first_store(c: Any, v: Any) -> int:
    """The store whose oldest persist ends first, -1 if none runs."""
    first = -1
    earliest = math.inf
    for i in range(c.n):
        if v.running[i] > 0 and v.end[i, v.head[i]] < earliest:
            first = i
            earliest = v.end[i, v.head[i]]
    return first


@kernel
def slowdown(c: Any, v: Any) -> float:
    """The largest slowdown of the persists that run."""
    slow = 0.0
    for i in range(c.n):
        if v.running[i] > 0:
            slow = max(slow, c.slowdown[i])
    return slow


@kernel
def begin_persist(v: Any, i: int, end: float, step: float, deficit: float) -> None:
    """A version of this progress and deficit begins to persist in a store, until ``end``."""
    at = (v.head[i] + v.running[i]) % RING
    v.running[i] += 1
    v.end[i, at] = end
    v.coming_step[i, at] = step
    v.coming_deficit[i, at] = deficit


@kernel
def end_persist(c: Any, v: Any, i: int) -> None:
    """The oldest persist of a store ends: its version is the newest of that store, and may be copied on."""
    at = v.head[i]
    v.head[i] = (at + 1) % RING
    v.running[i] -= 1
    v.saves[i] += 1
    v.has[i] = 1
    v.series[i] += 1
    v.version_step[i] = v.coming_step[i, at]
    v.version_deficit[i] = v.coming_deficit[i, at]
    for k in range(c.n):
        if c.source[k] == i and v.running[k] < c.in_flight[k] and divides(c.interval[k], v.version_step[i]):
            begin_persist(v, k, v.end[i, at] + c.persist[k], v.version_step[i], v.version_deficit[i])


@entry
def settle(c: Any, v: Any, now: float) -> None:
    """All persists that end by ``now`` have ended."""
    while True:
        i = first_store(c, v)
        if i < 0 or v.end[i, v.head[i]] > now:
            break
        end_persist(c, v, i)
