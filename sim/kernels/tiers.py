"""Saves to several stores, or to one whose versions can be lost: a walk from save to save, in one call.

Where ``sim.kernels.saves`` has one store and a closed form, here the saves of a segment are walked through one after
the other. Triggers are at whole multiples of each store's interval in the job's progress; at one instant the store of
lower number comes first. A stall stops the job; while persists run its speed is 1 - the largest slowdown of those that
run; a trigger waits while its store has ``in_flight`` persists running. A store with a source has no triggers: each
version of the source at a multiple of its interval is copied on when it is durable, unless ``in_flight`` copies run
already. Where all persists have ended at two whole multiples of ``repeat``, what lies between repeats, and the walk
jumps over as many repetitions as there are.

``c`` is a record of dtype ``sim.engine.tiers.STORES``, ``v`` one of ``VERSIONS``: they say what their fields hold.
All times are on the grid of ``sim.kernels.time``.
"""

from __future__ import annotations

import math
from typing import Any

from sim.kernels._jit import entry, kernel
from sim.kernels.time import quantize

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
def _first(c: Any, v: Any) -> int:
    """The store whose oldest persist ends first, -1 if none runs."""
    first = -1
    earliest = math.inf
    for i in range(c.n):
        if v.running[i] > 0 and v.end[i, v.head[i]] < earliest:
            first = i
            earliest = v.end[i, v.head[i]]
    return first


@kernel
def _slowdown(c: Any, v: Any) -> float:
    """The largest slowdown of the persists that run."""
    slow = 0.0
    for i in range(c.n):
        if v.running[i] > 0:
            slow = max(slow, c.slowdown[i])
    return slow


@kernel
def _begin_persist(v: Any, i: int, end: float, step: float, deficit: float) -> None:
    at = (v.head[i] + v.running[i]) % RING
    v.running[i] += 1
    v.end[i, at] = end
    v.coming_step[i, at] = step
    v.coming_deficit[i, at] = deficit


@kernel
def _end_persist(c: Any, v: Any, i: int) -> None:
    """The oldest persist of a store ends: its version is the newest of that store, and may be copied on."""
    at = v.head[i]
    v.head[i] = (at + 1) % RING
    v.running[i] -= 1
    v.saves += 1
    v.has[i] = 1
    v.series[i] += 1
    v.version_step[i] = v.coming_step[i, at]
    v.version_deficit[i] = v.coming_deficit[i, at]
    for k in range(c.n):
        if c.source[k] == i and v.running[k] < c.in_flight[k] and divides(c.interval[k], v.version_step[i]):
            _begin_persist(v, k, v.end[i, at] + c.persist[k], v.version_step[i], v.version_deficit[i])


@entry
def settle(c: Any, v: Any, now: float) -> None:
    """All persists that end by ``now`` have ended."""
    while True:
        i = _first(c, v)
        if i < 0 or v.end[i, v.head[i]] > now:
            break
        _end_persist(c, v, i)


@entry
def _step(c: Any, v: Any, target: float, until: float) -> bool:
    """Step to the progress ``target``, or to the time ``until`` if that comes first; whether the target is reached."""
    settle(c, v, v.now)
    while True:
        slow = _slowdown(c, v)
        left = target - v.step
        arrival = v.now + (left if slow == 0.0 else quantize(left / (1.0 - slow)))
        stop = min(arrival, until)
        changed = False
        while not changed:
            i = _first(c, v)
            if i < 0 or v.end[i, v.head[i]] > stop:
                break
            at = v.end[i, v.head[i]]
            _end_persist(c, v, i)
            if _slowdown(c, v) != slow:
                stop = at
                changed = True
        elapsed = stop - v.now
        gain = left if stop == arrival else min(left, elapsed - quantize(slow * elapsed))
        v.now = stop
        v.step += gain
        v.deficit += elapsed - gain
        if stop == arrival:
            return True
        if not changed:
            return False


@entry
def _save(c: Any, v: Any, i: int, until: float) -> bool:
    """The job waits for room, then stands for the stall; whether that ends by ``until``."""
    while v.running[i] >= c.in_flight[i]:
        k = _first(c, v)
        if v.end[k, v.head[k]] > until:
            return False
        v.now = max(v.now, v.end[k, v.head[k]])
        _end_persist(c, v, k)
    if v.now + c.stall[i] > until:
        return False
    v.now += c.stall[i]
    _begin_persist(v, i, v.now + c.persist[i], v.step, v.deficit)
    v.next[i] += c.interval[i]
    return True


@kernel
def _jump(c: Any, v: Any, until: float, now: float, deficit: float, saves: int) -> None:
    """Repeat what happened since ``now``, one ``repeat`` of progress ago, as long as it fits."""
    period = v.now - now
    times = math.floor(min((until - v.now) / period, (v.work - v.step) / c.repeat)) - 1
    if times < 1:
        return
    more = times * (v.deficit - deficit)
    v.saves += times * (v.saves - saves)
    v.now += times * period
    v.step += times * c.repeat
    v.deficit += more
    for i in range(c.n):
        v.version_step[i] += times * c.repeat
        v.version_deficit[i] += more
        v.next[i] += times * c.repeat


@entry
def walk(c: Any, v: Any, until: float) -> None:
    """Step and save until the time ``until`` or the end of the work, whichever comes first.

    ``v.now`` is then the time of the last thing that was completed: a wait or a stall that ``until`` cuts off leaves it
    at its start.
    """
    marked = False
    now = 0.0
    deficit = 0.0
    saves = v.saves
    while v.step < v.work:
        target = v.work
        for i in range(c.n):
            if c.source[i] == DIRECT:
                target = min(target, v.next[i])
        if target > v.step:
            if not _step(c, v, target, until) or target == v.work:
                return
            if c.repeat > 0.0 and divides(c.repeat, target):
                if _first(c, v) >= 0:
                    marked = False
                else:
                    if marked:
                        _jump(c, v, until, now, deficit, saves)
                    marked = True
                    now = v.now
                    deficit = v.deficit
                    saves = v.saves
                    target = v.step
        for i in range(c.n):
            if c.source[i] == DIRECT and v.next[i] == target and not _save(c, v, i, until):
                return


@entry
def resume(c: Any, v: Any, now: float, work: float) -> None:
    """The job steps again at ``now`` from the restored version, until ``work`` is done (infinite: no end).

    A version is a place in the order of saves: what comes after it at the same progress is saved again, unless it is
    there.
    """
    settle(c, v, now)
    v.begun = now
    v.now = now
    v.work = work
    v.begun_step = v.step
    v.begun_deficit = v.deficit
    for i in range(c.n):
        again = v.step > 0.0 and i > v.restored and divides(c.interval[i], v.step)
        if again and not (v.has[i] and v.version_step[i] == v.step):
            v.next[i] = v.step
        else:
            v.next[i] = (math.floor(v.step / c.interval[i]) + 1.0) * c.interval[i]


@entry
def advance(c: Any, v: Any, now: float) -> float:
    """Walk to ``now``, where the segment ends. Returns the seconds of it in which the job stood for saves."""
    walk(c, v, now)
    settle(c, v, now)
    return float((now - v.begun) - (v.step - v.begun_step) - (v.deficit - v.begun_deficit))


@kernel
def earliest_end(c: Any, v: Any, last_save: bool, for_good: bool) -> float:
    """A time before which a segment just begun cannot end by itself, which costs no walk; see ``exact_end``."""
    end = v.now + (v.work - v.step)
    if last_save:
        end += c.stall[c.last] + c.persist[c.last] + (c.last_copies if for_good else 0.0)
    return float(end)


@entry
def exact_end(c: Any, v: Any, ahead: Any, last_save: bool, for_good: bool) -> float:
    """Time at which a segment just begun reaches the end of its work, or the save at its end is durable: where the job
    ends ``for_good`` with all its copies, before a pause without them.

    ``ahead`` is a record like ``v`` to try it on.
    """
    _copy(c, v, ahead)
    walk(c, ahead, math.inf)
    if not last_save:
        return float(ahead.now)
    settle(c, ahead, ahead.now)
    i = c.last
    start = ahead.now
    if ahead.running[i] >= c.in_flight[i]:
        start = ahead.end[i, ahead.head[i]]
    return float(start + c.stall[i] + c.persist[i] + (c.last_copies if for_good else 0.0))


@kernel
def keep_last(c: Any, v: Any, now: float) -> None:
    """The save at the end of a segment is durable: the job goes on from there."""
    _begin_persist(v, c.last, now, v.step, v.deficit)
    _end_persist(c, v, c.last)
    v.restored = c.last


@entry
def progress_at(c: Any, v: Any, ahead: Any, t: float) -> float:
    """Progress at a time of the segment, which goes on; ``ahead`` is a record like ``v`` to try it on."""
    _copy(c, v, ahead)
    walk(c, ahead, t)
    return float(ahead.step)


@kernel
def hold(c: Any, v: Any, since: float, now: float) -> None:
    """The segment stood still from ``since`` to ``now``, and its persists with it; copies between stores did not."""
    v.begun = now
    v.now = now
    v.begun_step = v.step
    v.begun_deficit = v.deficit
    for i in range(c.n):
        if c.source[i] == DIRECT:
            for j in range(v.running[i]):
                v.end[i, (v.head[i] + j) % RING] += now - since


@kernel
def _copy(c: Any, v: Any, to: Any) -> None:
    """Copy what a walk depends on."""
    to.now = v.now
    to.step = v.step
    to.deficit = v.deficit
    to.work = v.work
    to.saves = v.saves
    for i in range(c.n):
        to.next[i] = v.next[i]
        to.head[i] = v.head[i]
        to.running[i] = v.running[i]
        for j in range(RING):
            to.end[i, j] = v.end[i, j]
            to.coming_step[i, j] = v.coming_step[i, j]
            to.coming_deficit[i, j] = v.coming_deficit[i, j]
