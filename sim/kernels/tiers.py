"""Saves to several stores, or to one whose versions can be lost: a walk from save to save, in one call.

Where ``sim.kernels.saves`` has one store and a closed form, here the saves of a segment are walked through one after
the other. Triggers are at whole multiples of each store's interval in the job's progress; at one instant the store of
lower number comes first. A stall stops the job; while persists run its speed is 1 - the largest slowdown of those that
run; a trigger waits while its store has ``in_flight`` persists running. A store with a source has no triggers: each
version of the source at a multiple of its interval is copied on when it is durable, unless ``in_flight`` copies run
already. Saves that repeat are jumped over (``sim.kernels.repeats``). Where they do not for long, the walk is made in
parts of at most ``look`` saves, so that it can be counted and stopped (``look_ahead``).

``c`` is a record of dtype ``sim.engine.tiers.STORES``, ``v`` one of ``VERSIONS``: they say what their fields hold.
All times are on the grid of ``sim.kernels.time``.
"""

from __future__ import annotations

import math
from typing import Any

from sim.kernels._jit import entry, kernel
from sim.kernels.persists import (
    DIRECT,
    MOST_STORES,
    RING,
    begin_persist,
    divides,
    end_persist,
    first_store,
    settle,
    slowdown,
)
from sim.kernels.repeats import forget, repeat
from sim.kernels.time import LAST_S, TICKS_PER_SECOND, quantize

ENDLESS = 2**62
"""As many saves as it takes."""

SAVES_AN_EVENT = 4
"""Saves walked through that count as one event: they take about as long as a fault."""

MARGIN_S = 4 * MOST_STORES * RING / TICKS_PER_SECOND
"""What rounding may add to the time of a step, in s at the lowest speed: some ticks each time that a persist ends."""


@entry
def _step(c: Any, v: Any, target: float, until: float) -> bool:
    """Step to the progress ``target``, or to the time ``until`` if that comes first; whether the target is reached."""
    settle(c, v, v.now)
    while True:
        slow = slowdown(c, v)
        left = target - v.step
        arrival = v.now + (left if slow == 0.0 else quantize(left / (1.0 - slow)))
        stop = min(arrival, until)
        changed = False
        while not changed:
            i = first_store(c, v)
            if i < 0 or v.end[i, v.head[i]] > stop:
                break
            at = v.end[i, v.head[i]]
            end_persist(c, v, i)
            if slowdown(c, v) != slow:
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
    since = v.now
    while v.running[i] >= c.in_flight[i]:
        k = first_store(c, v)
        if v.end[k, v.head[k]] > until:
            return False
        v.now = max(v.now, v.end[k, v.head[k]])
        end_persist(c, v, k)
    if v.now + c.stall[i] > until:
        return False
    v.now += c.stall[i]
    v.stood[i] += v.now - since
    begin_persist(v, i, v.now + c.persist[i], v.step, v.deficit)
    v.next[i] += c.interval[i]
    return True


@kernel
def _fits(c: Any, v: Any, target: float, until: float) -> bool:
    """Whether the saves at a progress have surely ended, and the job has stepped on, by ``until``."""
    wait = 0.0
    stall = 0.0
    for i in range(c.n):
        if c.source[i] == DIRECT and v.next[i] == target:
            stall += c.stall[i]
            if v.running[i] >= c.in_flight[i]:
                wait = max(wait, v.end[i, v.head[i]])
    arrival = v.now + (target - v.step + MARGIN_S) / c.least_speed
    return bool(max(arrival, wait) + stall + MARGIN_S / c.least_speed <= until)


@entry
def walk(c: Any, v: Any, until: float, most: int, whole: bool) -> int:
    """Step and save until the time ``until`` or the end of the work, whichever comes first.

    ``v.now`` is then the time of the last thing that was completed: a wait or a stall that ``until`` cuts off leaves it
    at its start, and ``v.busy`` is the store whose save that is.

    Parameters
    ----------
    c, v : record
        Stores and versions.
    until : float64
        Time, s.
    most : int64
        Stop after so many saves; stores that save at one progress count once.
    whole : bool
        Stop after the last save from which the job has surely stepped on by ``until``, and before the end of the work:
        what comes after may still change, and nothing that is walked again is another for it.

    Returns
    -------
    int64
        Saves that were walked through.
    """
    walked = 0
    v.busy = c.last
    while v.step < v.work and walked < most:
        if walked == c.patience:
            forget(c, v)
        target = v.work
        for i in range(c.n):
            if c.source[i] == DIRECT:
                target = min(target, v.next[i])
        if whole and (target == v.work or not _fits(c, v, target, until)):
            break
        if target > v.step:
            if not _step(c, v, target, until) or target == v.work:
                break
            if walked >= c.patience:
                repeat(c, v, until)
                target = v.step
        for i in range(c.n):
            if c.source[i] == DIRECT and v.next[i] == target and not _save(c, v, i, until):
                v.busy = i
                return walked
        walked += 1
    return walked


@kernel
def _begin(c: Any, v: Any, now: float) -> None:
    """A segment, or what is left of one after a pause, begins."""
    v.begun = now
    v.now = now
    v.begun_step = v.step
    v.begun_deficit = v.deficit
    v.begun_stood = _stood(c, v)


@kernel
def _stood(c: Any, v: Any) -> float:
    """How long the job has stood for all stores, in seconds."""
    total = 0.0
    for i in range(c.n):
        total += v.stood[i]
    return total


@entry
def resume(c: Any, v: Any, now: float, work: float) -> None:
    """The job steps again at ``now`` from the restored version, until ``work`` is done (infinite: no end).

    A version is a place in the order of saves: what comes after it at the same progress is saved again, unless it is
    there.
    """
    settle(c, v, now)
    _begin(c, v, now)
    v.work = work
    for i in range(c.n):
        again = v.step > 0.0 and i > v.restored and divides(c.interval[i], v.step)
        if again and not (v.has[i] and v.version_step[i] == v.step):
            v.next[i] = v.step
        else:
            v.next[i] = (math.floor(v.step / c.interval[i]) + 1.0) * c.interval[i]


@entry
def advance(c: Any, v: Any, now: float) -> float:
    """Walk to ``now``, where the segment ends. Returns the seconds of it in which the job stood for saves."""
    walk(c, v, now, ENDLESS, False)
    settle(c, v, now)
    stood = (now - v.begun) - (v.step - v.begun_step) - (v.deficit - v.begun_deficit)
    v.stood[v.busy] += stood - (_stood(c, v) - v.begun_stood)
    return float(stood)


@kernel
def earliest_end(c: Any, v: Any, last_save: bool, for_good: bool) -> float:
    """A time before which a segment just begun cannot end by itself, which costs no walk; see ``look_ahead``."""
    end = v.now + (v.work - v.step)
    if last_save:
        end += c.stall[c.last] + c.persist[c.last] + (c.last_copies if for_good else 0.0)
    return float(min(end, v.now + c.far))


@entry
def look_ahead(c: Any, v: Any, ahead: Any, now: float, last_save: bool, for_good: bool) -> tuple[float, bool, int]:
    """When a segment that goes on at ``now`` ends by itself, as ``exact_end`` has it, or when to look again.

    Walks up to ``now``, then ahead on a record like ``v``; both through ``look`` saves at most.

    Returns
    -------
    float64
        Time, s; infinite if the segment does not end.
    bool
        Whether the segment ends then: else it cannot end before.
    int64
        What the look counts for among the events of a run.
    """
    walked = walk(c, v, now, c.look, True)
    events = walked // SAVES_AN_EVENT
    if walked == c.look:
        return now, False, events
    _copy(c, v, ahead)
    while walk(c, ahead, LAST_S, c.look, False) == c.look:
        if ahead.now > now:
            return float(ahead.now), False, events
    if ahead.step == ahead.work:
        return _end(c, ahead, last_save, for_good), True, events
    return math.inf, False, events


@entry
def exact_end(c: Any, v: Any, ahead: Any, last_save: bool, for_good: bool) -> float:
    """Time at which a segment just begun reaches the end of its work, or the save at its end is durable: where the job
    ends ``for_good`` with all its copies, before a pause without them.

    ``ahead`` is a record like ``v`` to try it on.
    """
    _copy(c, v, ahead)
    walk(c, ahead, math.inf, ENDLESS, False)
    return _end(c, ahead, last_save, for_good)


@kernel
def _end(c: Any, ahead: Any, last_save: bool, for_good: bool) -> float:
    """As ``exact_end``, once ``ahead`` has reached the end of its work."""
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
    begin_persist(v, c.last, now, v.step, v.deficit)
    end_persist(c, v, c.last)
    v.restored = c.last


@entry
def progress_at(c: Any, v: Any, ahead: Any, t: float) -> float:
    """Progress at a time of the segment, which goes on; ``ahead`` is a record like ``v`` to try it on."""
    _copy(c, v, ahead)
    walk(c, ahead, t, ENDLESS, False)
    return float(ahead.step)


@kernel
def hold(c: Any, v: Any, since: float, now: float) -> None:
    """The segment stood still from ``since`` to ``now``, and its persists with it; copies between stores did not."""
    _begin(c, v, now)
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
    for i in range(c.n):
        to.next[i] = v.next[i]
        to.saves[i] = v.saves[i]
        to.head[i] = v.head[i]
        to.running[i] = v.running[i]
        for j in range(v.running[i]):
            at = (v.head[i] + j) % RING
            to.end[i, at] = v.end[i, at]
            to.coming_step[i, at] = v.coming_step[i, at]
            to.coming_deficit[i, at] = v.coming_deficit[i, at]
