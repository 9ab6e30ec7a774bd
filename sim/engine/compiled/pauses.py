"""Planned pauses in the compiled engine: where the running job stops next by itself, and how it goes on."""

from __future__ import annotations

import math
from typing import Any

from sim.engine.compiled.clocks import run_clocks
from sim.engine.compiled.incident import log_incident, open_incident, stand_still
from sim.engine.compiled.sampling import book_excess, sample
from sim.engine.compiled.saving import aim_stores, hold_stores
from sim.engine.compiled.segment import pattern_of, progress_at, segment_of, settle, start_segment
from sim.engine.state import PAUSED, RUNNING
from sim.kernels._jit import entry, kernel
from sim.kernels.laws import CONSTANT
from sim.kernels.pauses import next_point
from sim.kernels.philox import uniforms
from sim.kernels.saves import last_save_durable, last_trigger, make_segment, work_end
from sim.kernels.tiers import exact_end


@kernel
def pass_pauses(s: Any, at: float, pause: int) -> None:
    """All pauses before the progress ``at`` lie behind the job, and those there up to number ``pause``."""
    s.paused_at = at
    s.paused = pause


@kernel
def aim(p: Any, s: Any) -> None:
    """Find what the running job comes to next by itself, a pause or the end of its work, and when."""
    s.pause = -1
    s.pause_at = p.work
    for i in range(p.n_pauses):
        point = next_point(p.pause_every[i], s.paused_at, i <= s.paused)
        if point < s.pause_at:
            s.pause = i
            s.pause_at = point
    s.saving = p.final_save if s.pause < 0 else p.has_store and p.pause_save[s.pause] != 0
    if p.has_tiers:
        aim_stores(p, s)
        return
    pattern = pattern_of(p)
    segment = segment_of(s)
    if s.pause >= 0:
        last = last_trigger(s.pause_at, p.interval) if p.has_store else 0
        segment = make_segment(s.t0, s.step, s.index, p.has_store, s.pause_at, last, pattern)
        if s.saving:
            start_segment(s, segment)
    s.due = last_save_durable(segment, pattern) if s.saving else work_end(segment, pattern)


@entry
def begin_pause(p: Any, s: Any, row: Any) -> None:
    """The job pauses: its state is saved, or its segment stands still and goes on afterwards."""
    s.events += 1
    open_incident(s, row, p.n_sources + s.pause)
    s.stopped_at = s.pause_at
    s.on_hold = not s.saving
    if s.saving:
        _keep(p, s, row)
    pass_pauses(s, s.pause_at, s.pause)
    s.phase = PAUSED
    s.since = s.now
    run_clocks(s, p.pause_vulnerable[s.pause] != 0, False)
    ordinal = round(s.pause_at / p.pause_every[s.pause])
    u, choice, _, _ = uniforms(p.pause_key_0[s.pause], p.pause_key_1[s.pause], ordinal, 0, 0, s.replication)
    s.due = s.now + sample(p, p.pause_law[s.pause], u, choice)


@entry
def _keep(p: Any, s: Any, row: Any) -> None:
    """What the job has done is saved: it goes on from there."""
    settle(p, s, row, s.now, s.saving)
    s.step = s.pause_at
    s.index = 0 if p.has_tiers else math.floor(s.pause_at / p.interval)


@kernel
def book_pause(p: Any, s: Any, row: Any) -> None:
    """Account for the pause up to now."""
    cause = p.n_sources + s.pause
    row.ledger[p.pause_bucket[s.pause]] += s.now - s.since
    row.recovery_of[cause] += s.now - s.since
    law = p.pause_law[s.pause]
    if p.law_kind[law] != CONSTANT and s.now > s.since:
        vulnerable = p.pause_vulnerable[s.pause] != 0
        book_excess(p, row, law, s.due - s.since, s.since, vulnerable, p.pause_bucket[s.pause], cause)


@entry
def tell(p: Any, s: Any) -> None:
    """A fault is known: if the running job can save what it has done before it strikes, it does, and leaves then."""
    if s.leaving or not p.has_store:
        return
    goal = progress_at(p, s, s.now)
    if goal >= s.pause_at:
        return
    if p.has_tiers:
        before = s.versions.work
        s.versions.work = goal
        saved = max(exact_end(p.stores, s.versions, s.ahead, p.has_store, s.leaving), s.now)
        if saved > s.known_due:
            s.versions.work = before
            return
    else:
        pattern = pattern_of(p)
        last = last_trigger(goal, p.interval)
        segment = make_segment(s.t0, s.step, s.index, p.has_store, goal, last, pattern)
        saved = max(last_save_durable(segment, pattern), s.now)
        if saved > s.known_due:
            return
        start_segment(s, segment)
    s.leaving = True
    s.saving = True
    s.rough = False
    s.pause_at = goal
    s.due = saved


@entry
def leave(p: Any, s: Any, row: Any, source: int) -> None:
    """What the job has done is saved, and it stops before a fault of a source strikes that is known."""
    row.saved_on_notice += 1
    open_incident(s, row, source)
    s.stopped_at = s.pause_at
    _keep(p, s, row)
    stand_still(s)
    s.due = s.now
    s.retry_from = -1
    s.list_again = False


@entry
def go_on(p: Any, s: Any, row: Any, log: Any) -> None:
    """A segment that stood still goes on after its pause, as much later as the pause was long."""
    log_incident(p, s, row, log, s.now)
    if p.has_tiers:
        hold_stores(p, s, row)
    s.t0 += s.now - s.since
    s.phase = RUNNING
    run_clocks(s, True, True)
    aim(p, s)
    if s.n_known > 0:
        tell(p, s)
