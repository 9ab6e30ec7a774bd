"""The stretch between two interruptions in the compiled engine: its saves, and the account of it."""

from __future__ import annotations

from typing import Any

from sim.engine.compiled.saving import halt_stores, progress_of_stores, settle_stores
from sim.engine.state import PAUSED, RUNNING
from sim.kernels._jit import entry, kernel
from sim.kernels.ledger import LOST_WORK, PRODUCTIVE, SAVE_SLOWDOWN, SAVE_STALL, ended, interrupted
from sim.kernels.saves import Pattern, Segment, stepping_until


@kernel
def pattern_of(p: Any) -> Pattern:
    """The pattern of the plan's saves."""
    return Pattern(p.interval, p.stall, p.persist, p.slowdown, p.in_flight, p.stepping, p.cycle, p.period)


@kernel
def segment_of(s: Any) -> Segment:
    """The segment that the job is in."""
    return Segment(s.t0, s.step, s.index, s.first, s.n, s.tail, s.goal)


@kernel
def start_segment(s: Any, segment: Segment) -> None:
    """The job is in this segment from now on; it starts at the state's ``step`` and ``index``."""
    s.t0 = segment.t0
    s.first = segment.first
    s.n = segment.n
    s.tail = segment.tail
    s.goal = segment.work


@kernel
def progress_at(p: Any, s: Any, t: float) -> float:
    """Progress at a time of the present phase, in seconds; while the job does not run, that of the version that will be
    restored.
    """
    if s.phase == PAUSED and s.on_hold:
        return float(s.pause_at)
    if s.phase != RUNNING:
        return float(s.step)
    if p.has_tiers:
        return progress_of_stores(p, s, t)
    return float(s.step + stepping_until(t, segment_of(s), pattern_of(p))[1])


@kernel
def halt(p: Any, s: Any, row: Any, t: float) -> None:
    """A fault ends the segment at ``t``: it is accounted for; of one store the newest version will be restored."""
    if p.has_tiers:
        halt_stores(p, s, row, t)
        return
    pattern = pattern_of(p)
    segment = segment_of(s)
    s.stopped_at = s.step + stepping_until(t, segment, pattern)[1]
    productive, stall, slowdown, lost, durable, step, index = interrupted(t, segment, pattern)
    row.ledger[PRODUCTIVE] += productive
    row.ledger[SAVE_STALL] += stall
    row.ledger[SAVE_SLOWDOWN] += slowdown
    row.ledger[LOST_WORK] += lost
    row.saves += durable
    s.lost_in = lost
    s.floor = min(s.floor, step)
    s.step = step
    s.index = index


@entry
def settle(p: Any, s: Any, row: Any, t: float, saved: bool) -> float:
    """The segment ends at ``t`` without a fault; ``saved``: what it reached is durable. Returns what is not, in s."""
    if p.has_tiers:
        return settle_stores(p, s, row, t, saved)
    productive, stall, slowdown, durable, not_saved = ended(t, segment_of(s), pattern_of(p))
    row.ledger[PRODUCTIVE] += productive
    row.ledger[SAVE_STALL] += stall
    row.ledger[SAVE_SLOWDOWN] += slowdown
    row.saves += durable
    if saved:
        row.saves += 1
        return 0.0
    return not_saved
