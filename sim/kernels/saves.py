"""Checkpoints between two interruptions, counted in closed form: no event a save.

A *segment* is the time from a restart of the job to its next interruption, to the end of its work or of the run.
Within it the saves follow one *pattern*. The work to the first trigger is done at full speed (nothing is in flight
after a restart). Save j = 1, 2, ... starts at

    A_j = t0 + first + q * period + r * cycle,    j - 1 = q * in_flight + r with 0 <= r < in_flight,

stops the job for ``stall`` seconds and is durable ``persist`` seconds after that; meanwhile the job steps at speed
1 - slowdown, not slower when several persists overlap. A trigger waits while ``in_flight`` persists run. Derived: the
special cases in_flight = 1, unlimited, and slowdown = 0 are the formulas O5a to O5d that the tests hold this to.

All times are on the grid of ``sim.kernels.time``. The floors below are exact for it: the quotient of two times below
2^33 s rounds to an integer only if it is one.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from sim.kernels._jit import exact, kernel
from sim.kernels.time import quantize

UNLIMITED = 2**31
"""``in_flight`` where any number of persists may run at once."""

ENDLESS_SAVES = 2**60
"""Saves left in a segment of a run that has no end of work (or has none: see ``Segment.n``)."""


class Pattern(NamedTuple):
    """How the saves of a scenario repeat, in seconds.

    ``interval`` work between triggers, ``stall``, ``persist`` and ``slowdown`` as in the scenario, ``in_flight`` >= 1
    persists at once, ``stepping`` wall clock of one slowed interval, ``cycle`` = stall + stepping, and
    ``period`` = max(in_flight * cycle, stall + persist).
    """

    interval: float
    stall: float
    persist: float
    slowdown: float
    in_flight: int
    stepping: float
    cycle: float
    period: float


class Segment(NamedTuple):
    """One stretch of the job between two interruptions.

    ``t0`` time of its start, ``step`` progress then, ``passed`` triggers passed by then (whole intervals in ``step``),
    ``first`` seconds to the first trigger, ``n`` regular saves before the end of the work, ``tail`` wall clock from the
    last of them to the end of the work, ``work`` the whole work (infinite if there is no end). With n = 0, ``first``
    leads to the end of the work (infinite if there is none).
    """

    t0: float
    step: float
    passed: int
    first: float
    n: int
    tail: float
    work: float


@exact
def wall_of_work(work: float, persist: float, slowdown: float) -> float:
    """Seconds of wall clock for ``work`` seconds of work right after a save's stall, while it persists."""
    if slowdown == 0.0 or persist == 0.0:
        return work
    return min(quantize(work / (1.0 - slowdown)), work + quantize(slowdown * persist))


@exact
def make_pattern(interval: float, stall: float, persist: float, slowdown: float, in_flight: int) -> Pattern:
    """Pattern of a store; all times on the grid, ``interval`` > 0, 0 <= slowdown < 1, ``in_flight`` >= 1."""
    stepping = wall_of_work(interval, persist, slowdown)
    cycle = stall + stepping
    period = max(in_flight * cycle, stall + persist)
    return Pattern(interval, stall, persist, slowdown, in_flight, stepping, cycle, period)


@kernel
def make_segment(
    t0: float, step: float, passed: int, has_store: bool, work: float, last: int, pattern: Pattern
) -> Segment:
    """Segment from a restart at ``t0`` at progress ``step``; ``last`` is the index of the last trigger before the
    end.
    """
    n = last - passed if has_store else 0
    if n <= 0:
        return Segment(t0, step, passed, work - step, 0, 0.0, work)
    first = (passed + 1) * pattern.interval - step
    tail = math.inf
    if work < math.inf:
        tail = wall_of_work(work - last * pattern.interval, pattern.persist, pattern.slowdown)
    return Segment(t0, step, passed, first, n, tail, work)


@kernel
def last_trigger(work: float, interval: float) -> int:
    """Index of the last trigger before the progress ``work``; both in seconds, above 0, ``work`` finite."""
    return math.ceil(work / interval) - 1


@kernel
def save_start(j: int, s: Segment, p: Pattern) -> float:
    """Time at which save j >= 1 of the segment starts, in seconds."""
    q = (j - 1) // p.in_flight
    return s.t0 + s.first + q * p.period + (j - 1 - q * p.in_flight) * p.cycle


@kernel
def saves_started(t: float, s: Segment, p: Pattern) -> int:
    """How many of the segment's regular saves have started by ``t``, which may lie before it."""
    x = t - s.t0 - s.first
    if s.n == 0 or x < 0.0:
        return 0
    q = math.floor(x / p.period)
    r = math.floor((x - q * p.period) / p.cycle)
    return min(s.n, q * p.in_flight + min(r, p.in_flight - 1) + 1)


@kernel
def saves_durable(t: float, s: Segment, p: Pattern) -> int:
    """How many of the segment's regular saves are durable by ``t``; one that becomes so at ``t`` counts."""
    return saves_started(t - p.stall - p.persist, s, p)


@kernel
def stepping_until(t: float, s: Segment, p: Pattern) -> tuple[float, float]:
    """Seconds of stepping, and seconds of progress, from the segment's start to ``t``."""
    j = saves_started(t, s, p)
    if j == 0:
        stepped = min(t - s.t0, s.first)
        return stepped, stepped
    limit = s.tail if j == s.n else p.stepping
    goal = s.work - (s.passed + j) * p.interval if j == s.n else p.interval
    since = min(max(t - save_start(j, s, p) - p.stall, 0.0), limit)
    done = goal if since == limit else min(goal, since - quantize(p.slowdown * min(since, p.persist)))
    return s.first + (j - 1) * p.stepping + since, (s.passed + j) * p.interval + done - s.step


@kernel
def work_end(s: Segment, p: Pattern) -> float:
    """Time at which the segment reaches the end of the work if nothing stops it; infinite if there is none."""
    if s.n == 0:
        return s.t0 + s.first
    return save_start(s.n, s, p) + p.stall + s.tail


@kernel
def last_save_durable(s: Segment, p: Pattern) -> float:
    """Time at which the save at the end of the work is durable if nothing stops the segment."""
    start = work_end(s, p)
    if s.n + 1 > p.in_flight:
        start = max(start, save_start(s.n + 1 - p.in_flight, s, p) + p.stall + p.persist)
    return start + p.stall + p.persist
