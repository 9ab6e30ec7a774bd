"""Saves to several stores that repeat: a walk over them finds that they do, and jumps over the repetitions.

What the walk does next depends only on how far off each store's next trigger is, and how long each persist goes on.
Where these are as they were at an earlier *mark*, for the stores to which anything happened since, all since then
repeats, until something happens to another store. Times are on a grid on which sums are exact, so the jump leaves what
the walk would have, to the last bit.

Each store has a mark of its own, set where it saves and no less frequent store does: that of the most frequent one
finds the repetitions between two saves of the others, that of the least frequent one those of all. A mark is moved
after 1, 2, 4, ... saves, so that a cycle of any length is found (R. P. Brent, BIT 20, 1980).
"""

from __future__ import annotations

import math
from typing import Any

from sim.kernels._jit import entry, kernel
from sim.kernels.persists import DIRECT, RING, divides


@kernel
def forget(c: Any, v: Any) -> None:
    """No mark is set."""
    for k in range(c.n):
        v.mark_kept[k] = 0


@entry
def repeat(c: Any, v: Any, until: float) -> None:
    """The job has reached a trigger and is about to save: jump over as many repetitions as there are.

    At least one more lies between what is jumped to and ``until``, the end of the work, and what happens to a store to
    which nothing happened in a repetition.
    """
    k = _least_frequent(c, v)
    for other in range(c.n):
        if c.interval[other] < c.interval[k]:
            v.mark_kept[other] = 0
    v.mark_passed[k] += 1
    if v.mark_kept[k] == 0:
        _mark(c, v, k, 1)
    elif _is_as_marked(c, v, k):
        times = _times(c, v, k, until)
        if times >= 1:
            _jump(c, v, k, times)
            _mark(c, v, k, 1)
    elif v.mark_passed[k] >= v.mark_kept[k]:
        _mark(c, v, k, 2 * v.mark_kept[k])


@kernel
def _least_frequent(c: Any, v: Any) -> int:
    """The least frequent of the stores that are saved to at this progress, or will be with a copy of its version."""
    longest = 0.0
    store = 0
    for i in range(c.n):
        due = v.next[i] == v.step if c.source[i] == DIRECT else divides(c.interval[i], v.step)
        if due and c.interval[i] > longest:
            longest = c.interval[i]
            store = i
    return store


@kernel
def _mark(c: Any, v: Any, k: int, kept: int) -> None:
    """Set the mark of a store, and keep it for so many of its saves."""
    v.mark_kept[k] = kept
    v.mark_passed[k] = 0
    v.mark_now[k] = v.now
    v.mark_step[k] = v.step
    v.mark_deficit[k] = v.deficit
    for i in range(c.n):
        v.mark_next[k, i] = v.next[i]
        v.mark_saves[k, i] = v.saves[i]
        v.mark_stood[k, i] = v.stood[i]
        v.mark_running[k, i] = v.running[i]
        for j in range(v.running[i]):
            at = (v.head[i] + j) % RING
            v.mark_end[k, i, j] = v.end[i, at]
            v.mark_coming_step[k, i, j] = v.coming_step[i, at]
            v.mark_coming_deficit[k, i, j] = v.coming_deficit[i, at]


@kernel
def _is_still(c: Any, v: Any, k: int, i: int) -> bool:
    """Whether nothing has happened to a store since the mark, given that as many of its persists run."""
    return bool(v.saves[i] == v.mark_saves[k, i] and (c.source[i] != DIRECT or v.next[i] == v.mark_next[k, i]))


@kernel
def _is_as_marked(c: Any, v: Any, k: int) -> bool:
    """Whether what lies ahead is what lay ahead at a mark, for all stores to which something has happened since."""
    time = v.now - v.mark_now[k]
    step = v.step - v.mark_step[k]
    deficit = v.deficit - v.mark_deficit[k]
    for i in range(c.n):
        if v.running[i] != v.mark_running[k, i]:
            return False
        if _is_still(c, v, k, i):
            continue
        if c.source[i] == DIRECT:
            if v.next[i] - v.mark_next[k, i] != step:
                return False
        elif not divides(c.interval[i], step):
            return False
        for j in range(v.running[i]):
            at = (v.head[i] + j) % RING
            if v.end[i, at] - v.mark_end[k, i, j] != time:
                return False
            if v.coming_step[i, at] - v.mark_coming_step[k, i, j] != step:
                return False
            if v.coming_deficit[i, at] - v.mark_coming_deficit[k, i, j] != deficit:
                return False
    return True


@kernel
def _times(c: Any, v: Any, k: int, until: float) -> int:
    """How many times that which happened since a mark happens again before anything else does, less one."""
    time = v.now - v.mark_now[k]
    step = v.step - v.mark_step[k]
    oldest = v.step
    for i in range(c.n):
        if v.running[i] > 0 and not _is_still(c, v, k, i):
            oldest = min(oldest, v.coming_step[i, v.head[i]])
    times: float = min((until - v.now) / time, (v.work - v.step) / step)
    for i in range(c.n):
        if not _is_still(c, v, k, i):
            continue
        if v.running[i] > 0:
            times = min(times, (v.end[i, v.head[i]] - v.now) / time)
        if c.source[i] == DIRECT:
            times = min(times, (v.next[i] - v.step) / step)
        elif not _is_still(c, v, k, c.source[i]):
            copied = math.ceil(oldest / c.interval[i]) * c.interval[i]
            times = min(times, (copied - v.step) / step)
    return math.floor(times) - 1


@kernel
def _jump(c: Any, v: Any, k: int, times: int) -> None:
    """What happened since a mark happens so many times again."""
    time = times * (v.now - v.mark_now[k])
    step = times * (v.step - v.mark_step[k])
    deficit = times * (v.deficit - v.mark_deficit[k])
    for i in range(c.n):
        if _is_still(c, v, k, i):
            continue
        v.saves[i] += times * (v.saves[i] - v.mark_saves[k, i])
        v.stood[i] += times * (v.stood[i] - v.mark_stood[k, i])
        v.version_step[i] += step
        v.version_deficit[i] += deficit
        if c.source[i] == DIRECT:
            v.next[i] += step
        for j in range(v.running[i]):
            at = (v.head[i] + j) % RING
            v.end[i, at] += time
            v.coming_step[i, at] += step
            v.coming_deficit[i, at] += deficit
    v.now += time
    v.step += step
    v.deficit += deficit
