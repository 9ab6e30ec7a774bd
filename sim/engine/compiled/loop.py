"""The event loop of the compiled engine: the next thing that happens, until the run ends; run after run."""

from __future__ import annotations

import math
from typing import Any

from sim.engine.compiled.ages import begin_ages, come_back, renew_all
from sim.engine.compiled.capacity import find_dead, rejoin
from sim.engine.compiled.clocks import find_next, next_clock, run_clocks, schedule
from sim.engine.compiled.job import await_units, capacity_ready, detected, finish, resume, stages_done, start_stages
from sim.engine.compiled.pauses import begin_pause, book_pause, go_on, leave
from sim.engine.compiled.recurrence import recurrence_due
from sim.engine.compiled.saving import clear_versions, refine_end
from sim.engine.compiled.series import begin_series, close_series, mark
from sim.engine.compiled.shop import finish_stage, next_repair
from sim.engine.compiled.strike import KNOWN_ONE, NOBODY, OF_CLOCK, RECURRENCE, RELAPSE, strike
from sim.engine.state import (
    DETECTING,
    DONE,
    EVENT_LIMIT,
    GOING,
    INITIAL_START,
    PAUSED,
    RECOVERING,
    RUNNING,
    WAITING,
)
from sim.kernels._jit import entry, kernel
from sim.plan import CALENDAR, TRAINING, WALL


@kernel
def _repaired(p: Any, s: Any, u: Any, a: Any, row: Any, log: Any) -> None:
    """A unit leaves its stage of repair, and may be what the job waits for; or a check finds a dead spare."""
    unit = u.heap[0].heap_unit
    if p.has_checks and u.nodes[unit].dead_in > 0:
        find_dead(p, s, u, row, unit)
    else:
        node = finish_stage(p, s, u, row, unit)
        if node >= 0:
            come_back(p, s, u, a, row, node)
            rejoin(p, s, u, row, node)
    if s.phase == WAITING:
        await_units(p, s, u)


@kernel
def _own_event(p: Any, s: Any, u: Any, row: Any, log: Any) -> None:
    """What the job itself was to do now."""
    if s.phase == RUNNING:
        if p.has_tiers and s.rough:
            refine_end(p, s)
        elif p.has_notices and s.leaving:
            leave(p, s, row, u.notices[u.known[0].node].source)
        elif s.pause < 0:
            s.ending = DONE
        else:
            begin_pause(p, s, row)
    elif s.phase == PAUSED:
        book_pause(p, s, row)
        if s.on_hold:
            go_on(p, s, row, log)
        else:
            resume(p, s, row, log)
    elif s.phase == DETECTING:
        detected(p, s, u, row, log)
    elif s.phase == WAITING:
        capacity_ready(p, s, u, row, log)
    else:
        stages_done(p, s, row, log)


@kernel
def _advance(p: Any, s: Any, u: Any, a: Any, row: Any, log: Any, marks: Any, i: int) -> None:
    """The next event. At one instant: last save, repair, fault, relapse, recurrence, known fault, own event, end."""
    repair = next_repair(s, u)
    clock = next_clock(p, s)
    fault = s.next_due[clock]
    if p.has_relapses:
        fault = min(fault, s.relapse_due)
    if p.has_recurrences:
        fault = min(fault, recurrence_due(s))
    if p.has_notices:
        fault = min(fault, s.known_due)
    s.now = min(min(repair, fault), min(s.due, p.horizon))
    if s.next_mark <= s.now:
        mark(p, s, row, marks, i)
    # Each of these is called in one place only: it is inlined, and compiled as often as it is called.
    own = s.due == s.now and s.phase == RUNNING and s.saving
    turn = NOBODY
    if not own:
        if repair == s.now:
            s.events += 1
            _repaired(p, s, u, a, row, log)
        elif fault == s.now:
            s.events += 1
            turn = OF_CLOCK
            if s.next_due[clock] != s.now:
                again = p.has_recurrences and recurrence_due(s) == s.now
                turn = RELAPSE if s.relapse_due == s.now else RECURRENCE if again else KNOWN_ONE
        elif s.due == s.now:
            own = True
        else:
            s.ending = p.horizon_reason
    if own:
        _own_event(p, s, u, row, log)
    strike(p, s, u, a, row, clock, turn)
    if p.has_ages and s.renew:
        s.renew = False
        if p.any_system:
            renew_all(p, s, a)
    if s.events >= p.max_events and s.ending == GOING:
        s.ending = EVENT_LIMIT
    if s.ending != GOING:
        finish(p, s, row, log, s.ending)


@kernel
def _clear(p: Any, row: Any) -> None:
    row.wall_s = 0.0
    row.interruptions = 0
    row.faults = 0
    row.spare_faults = 0
    row.spares_lost = 0
    row.void_faults = 0
    row.missed = 0
    row.blamed_wrongly = 0
    row.notices = 0
    row.saved_on_notice = 0
    row.attempts = 0
    row.saves = 0
    row.spares_used = 0
    row.spare_waits = 0
    row.repairs = 0
    row.renewals = 0
    row.relapses = 0
    row.recurrences = 0
    row.retired = 0
    row.crew_services = 0
    row.crew_wait_s = 0.0
    row.spare_idle_node_s = 0.0
    row.repair_node_s = 0.0
    row.waited_s = 0.0
    for i in range(row.ledger.size):
        row.ledger[i] = 0.0
        row.absent_node_s[i] = 0.0
        row.excess[i] = 0.0
    for i in range(row.saves_of.size):
        row.saves_of[i] = 0
        row.stood_for[i] = 0.0
    for i in range(row.restores_of.size):
        row.restores_of[i] = 0
        row.lost_before[i] = 0.0
    for i in range(p.n_sources):
        row.faults_of[i] = 0
        row.lost_of[i] = 0.0
    row.recovery_of[INITIAL_START] = 0.0
    row.excess_of[INITIAL_START] = 0.0
    for i in range(p.n_sources + p.n_pauses):
        row.interruptions_of[i] = 0
        row.recovery_of[i] = 0.0
        row.excess_of[i] = 0.0


@kernel
def _set_rates(p: Any, s: Any, stretch: Any, i: int) -> None:
    """The rates of the sources in the chunk's run ``i``: those of the plan, unless inputs are uncertain."""
    for source in range(p.n_sources):
        s.stretch[source] = stretch[i, source] if stretch.size > 0 else 1.0


@entry
def _begin(p: Any, s: Any, a: Any, row: Any, log: Any, replication: int) -> None:
    """Set the state of a run at time 0: all units work, all clocks read 0."""
    _clear(p, row)
    row.replication = replication
    s.replication = replication
    s.now = 0.0
    s.events = 0
    s.epoch += 1
    s.reason = GOING
    s.ending = GOING
    clear_versions(p, s)
    s.open = False
    s.renew = False
    s.attempts = 0
    s.by_source = INITIAL_START
    s.by_block = 0
    s.by_ordinal = 0
    s.n_active = 0
    s.retry_from = -1
    s.failures = 0
    s.failing = False
    for block in range(s.idle.size):
        s.idle[block] = p.pool_nodes[block]
        s.claimed[block] = 0.0
        s.idle_first[block] = p.pool_end[block] - p.pool_nodes[block] if p.pool_nodes[block] > 0 else -1
        s.idle_last[block] = p.pool_end[block] - 1 if p.pool_nodes[block] > 0 else -1
    s.joined = 0
    s.calls = 0
    s.refilled = 0.0
    s.idle_since = 0.0
    s.empty = 0
    s.admitted = 0
    s.empty_since = 0.0
    s.in_repair = 0
    s.repair_since = 0.0
    s.n_heap = 0
    s.n_bad = 0
    s.bad_sequence = 0
    s.relapse_read = math.inf
    s.n_broken = 0
    s.broken_sequence = 0
    s.recurrence_read = math.inf
    s.n_known = 0
    s.known_sequence = 0
    s.known_due = math.inf
    s.leaving = False
    s.sequence = 0
    for stage in range(s.busy.size):
        s.queue_head[stage] = 0
        s.queue_size[stage] = 0
        s.busy[stage] = 0
    for lane in range(p.n_lanes):
        if p.has_ages and p.lane_life[lane] >= 0:
            begin_ages(p, s, a, lane)
            continue
        s.lane_ordinal[lane] = -1
        s.lane_due[lane] = 0.0
        schedule(p, s, lane)
    for clock in (WALL, TRAINING, CALENDAR):
        s.running[clock] = 1 if clock == CALENDAR else 0
        s.clock_read[clock] = 0.0
        s.clock_since[clock] = 0.0
        find_next(p, s, clock)
    run_clocks(s, True, False)
    s.rule = p.n_rules - 1
    s.phase = RECOVERING
    start_stages(p, s, row, log, p.rule_first[s.rule] if p.initial_start else p.rule_end[s.rule])


@kernel
def run_chunk(
    plan: Any,
    state: Any,
    units: Any,
    ages: Any,
    stretch: Any,
    rows: Any,
    marks: Any,
    log: Any,
    first: int,
    done: int,
    count: int,
    budget: int,
) -> int:
    """Run replications ``first + done`` to ``first + count - 1`` until all are done or ``budget`` events have happened.

    Parameters
    ----------
    plan : array of ``layout.PLAN`` or ``layout.PLAIN``, shape (1,)
        What is run.
    state : array of ``layout.STATE``, shape (1,)
        Carries a run that the budget cut off to the next call; ``reason`` not ``GOING`` before the first.
    units : ``units.Units``
        Room for what is known of single nodes, as ``units.units`` makes it.
    ages : ``layout.Ages``
        Lives, and room for what is known of single components, as ``layout.ages`` makes it.
    stretch : array of float64, shape (count, sources) or (0, 0)
        What the times between a source's faults are multiplied by in each replication; empty: by 1.
    rows : array of ``ROW``, shape (count,)
        Results, written in place.
    marks : array of float64, shape (count, periods, 4)
        Totals at the ends of periods (``sim.engine.state.MARKS``), written in place; with no periods, none.
    log : array of ``INCIDENT``, any length
        Incidents, as far as there is room; ``state.logged`` counts them all.
    first : int64
        Number of the first replication.
    done : int64
        How many have been run already.
    count : int64
        How many are asked for.
    budget : int64
        Events after which to return: faults, repairs, pauses, and looks at saves that were walked through.

    Returns
    -------
    int64
        How many of the ``count`` are done. If the state is ``crowded``, the next is to be begun again with more room.
    """
    p = plan[0]
    s = state[0]
    while done < count:
        row = rows[done]
        if s.reason != GOING:
            _set_rates(p, s, stretch, done)
            begin_series(p, s, marks)
            _begin(p, s, ages, row, log, first + done)
        before = s.events
        while s.reason == GOING:
            if s.events - before >= budget:
                return done
            _advance(p, s, units, ages, row, log, marks, done)
            if s.overflow or s.crowded:
                return done
        if marks.shape[1] > 0:
            close_series(p, s, row, marks, done)
        budget -= s.events - before
        done += 1
    return done


@entry
def run_full(*arguments: Any) -> int:
    """``run_chunk`` for a plan with features."""
    return int(run_chunk(*arguments))


@entry
def run_plain(*arguments: Any) -> int:
    """``run_chunk`` for a plan without: the engine compiled a second time, smaller and faster."""
    return int(run_chunk(*arguments))
