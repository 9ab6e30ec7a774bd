"""The job in the compiled engine: running, stopped, seen, waiting, recovering, running again."""

from __future__ import annotations

import math
from typing import Any

from sim.engine.compiled.capacity import (
    admit_all,
    book_empty,
    book_idle,
    book_wait,
    is_full,
    next_claim,
    ready_at,
    refill,
    spares_suffice,
    take_spares,
)
from sim.engine.compiled.clocks import run_clocks
from sim.engine.compiled.incident import log_incident, open_incident, stand_still
from sim.engine.compiled.pauses import aim, book_pause, pass_pauses
from sim.engine.compiled.recurrence import stumble, stumbles
from sim.engine.compiled.sampling import book_excess, book_stage_excess, for_last_fault, sample
from sim.engine.compiled.saving import book_stores, fall_back, read_time, resume_stores
from sim.engine.compiled.segment import halt, pattern_of, settle, start_segment
from sim.engine.compiled.shop import book_repair
from sim.engine.state import (
    DEPLETED,
    DETECTING,
    DONE,
    NO_PROGRESS,
    PAUSED,
    RECOVERING,
    RESTART_LIMIT,
    RUNNING,
    WAITING,
)  # fmt: skip
from sim.kernels._jit import entry, kernel
from sim.kernels.laws import CONSTANT, watchdog_delay
from sim.kernels.ledger import DETECTION, PRODUCTIVE
from sim.kernels.philox import uniforms
from sim.kernels.saves import make_segment
from sim.plan import ANY, AUTO, DETECTION_LANE, HANG, KNOWN, SPARES_ELSE_WAIT


@entry
def resume(p: Any, s: Any, row: Any, log: Any) -> None:
    """The job steps again, from the restored version; unless a broken node is about to stop it at once."""
    if p.has_recurrences and stumbles(s):
        stumble(s)
        run_clocks(s, True, True)
        return
    if s.open:
        s.renew = s.faults_in > 0
        log_incident(p, s, row, log, s.now)
    s.phase = RUNNING
    s.since = s.now
    run_clocks(s, True, True)
    if p.has_tiers:
        resume_stores(p, s)
    else:
        start_segment(s, make_segment(s.now, s.step, s.index, p.has_store, p.work, p.last_save, pattern_of(p)))
    pass_pauses(s, s.step, p.n_pauses)
    aim(p, s)


@kernel
def _book_stages(p: Any, s: Any, row: Any) -> int:
    """Account for the stages up to now. Returns the one that now falls in: the first of some length that ends now or
    later.
    """
    start = s.since
    for i in range(s.stage, s.stage_stop):
        end = s.stage_end[i]
        row.ledger[p.stage_bucket[i]] += min(end, s.now) - start
        if p.stage_drawn[i] != 0 and s.now > start and end > start:
            book_stage_excess(p, row, i, end - start, start, s.by_source)
        if end >= s.now and end > start:
            row.recovery_of[s.by_source] += s.now - s.since
            return i
        start = end
    row.recovery_of[s.by_source] += start - s.since
    return int(s.stage_stop)


@kernel
def hit(p: Any, s: Any, row: Any, source: int, block: int, ordinal: int, need: int, effect: int) -> None:
    """A fault strikes the job or nodes of it: it opens an incident, or joins and disturbs the open one."""
    detecting = s.phase == DETECTING
    if not s.open:
        open_incident(s, row, source)
    if not detecting:
        s.retry_from = -1
        s.list_again = False
        on_hold = s.phase == PAUSED and s.on_hold
        if s.phase == RUNNING or on_hold:
            halt(p, s, row, s.since if on_hold else s.now)
            row.lost_of[source] += s.lost_in
        if s.phase == PAUSED:
            book_pause(p, s, row)
        elif s.phase == WAITING:
            book_wait(p, s, row)
            book_empty(p, s, row)
        elif s.phase == RECOVERING:
            stage = _book_stages(p, s, row)
            if s.attempts > 0:
                _give_way(p, s, stage)
        stand_still(s)
    s.by_source = source
    s.by_block = block
    s.by_ordinal = ordinal
    s.calls = 0
    s.failures = 0
    s.failing = False
    s.faults_in += 1
    s.worst = max(s.worst, need)
    s.planned = p.has_notices and s.planned and p.planned[source] != 0 and effect == KNOWN
    if p.has_notices and effect == KNOWN:
        # It is seen when it is due, though it strikes before where another one, still unseen, has stopped the job.
        seen = s.struck_due if detecting else s.now
    else:
        delay = _delay(p, s, source, block, ordinal, effect)
        if p.detect_law[source] != ANY and effect != HANG and not detecting:
            book_excess(p, row, p.detect_law[source], delay, s.now, True, DETECTION, source)
        seen = s.now + delay
    s.due = min(s.due, seen) if detecting else seen


@kernel
def _give_way(p: Any, s: Any, stage: int) -> None:
    """A stage was interrupted, or none of those under way: what is tried next, if the rule says so."""
    if p.rule_retry[s.rule] != 0 and stage < s.stage_stop:
        s.retry_from = stage
    elif p.rule_escalate[s.rule] != 0:
        s.rules_from = min(s.rule + 1, p.n_rules - 1)


@kernel
def _delay(p: Any, s: Any, source: int, block: int, ordinal: int, effect: int) -> float:
    """Seconds until a fault is seen."""
    law = p.detect_law[source]
    if effect != HANG and law == ANY:
        return float(p.detect[source])
    u, v, _, _ = uniforms(p.key_0[source], p.key_1[source], ordinal, DETECTION_LANE, block, s.replication)
    if effect != HANG:
        return sample(p, law, u, v)
    return watchdog_delay(p.watchdog[0], p.watchdog[1], p.watchdog[2], u, v)


@kernel
def detected(p: Any, s: Any, u: Any, row: Any, log: Any) -> None:
    """What happened is known: units go to repair, and a rule is chosen and started, or the interrupted stage done
    again.
    """
    row.ledger[DETECTION] += s.now - s.since
    row.recovery_of[s.by_source] += s.now - s.since
    admit_all(p, s, u, row)
    again = s.retry_from >= 0 and not s.list_again
    if not again:
        s.rule = _choose(p, s, u)
        s.starts[s.rule] += 1
    s.phase = WAITING
    s.since = s.now
    s.empty_since = s.now
    if again:
        _attempt(p, s, row, log, s.retry_from)
    else:
        _acquire(p, s, u, row, log)


@kernel
def _choose(p: Any, s: Any, u: Any) -> int:
    """The first rule whose conditions all hold; the last one has none."""
    for i in range(s.rules_from, p.n_rules - 1):
        if p.rule_needs[i] != ANY and (p.rule_needs[i] >> s.worst) & 1 == 0:
            continue
        if p.rule_down[i] != ANY and s.empty > p.rule_down[i]:
            continue
        if p.rule_spare[i] != ANY and spares_suffice(p, s, u, i) != (p.rule_spare[i] == 1):
            continue
        if p.rule_below[i] != ANY and s.starts[i] >= p.rule_below[i]:
            continue
        return i
    return int(p.n_rules - 1)


@kernel
def _acquire(p: Any, s: Any, u: Any, row: Any, log: Any) -> None:
    """Get the units that the rule wants: idle spares at once, what is missing when it is repaired."""
    if p.rule_use[s.rule] == SPARES_ELSE_WAIT and s.empty > 0:
        take_spares(p, s, u, row)
        if s.empty > 0:
            row.spare_waits += 1
    if p.has_refills and p.rule_refill[s.rule] != ANY:
        refill(p, s, u, row)
    if is_full(p, s) and ready_at(s, u) == s.now:
        _attempt(p, s, row, log, p.rule_first[s.rule])
        return
    run_clocks(s, p.rule_vulnerable[s.rule] != 0, False)
    _await_claim(p, s, u)


@kernel
def _await_claim(p: Any, s: Any, u: Any) -> None:
    """The job waits for units: it looks again when the next one that was claimed is there, if there is one."""
    s.complete = False
    s.due = next_claim(p, s)
    await_units(p, s, u)


@kernel
def await_units(p: Any, s: Any, u: Any) -> None:
    """Set when the wait for units ends, as far as it is known; it never does if none is being repaired or has been
    claimed. One that is there now counts as claimed until the job has looked.
    """
    if s.complete:
        return
    if is_full(p, s):
        s.complete = True
        s.due = ready_at(s, u)
    elif s.n_heap == 0 and s.due == math.inf:
        s.ending = DEPLETED


@kernel
def capacity_ready(p: Any, s: Any, u: Any, row: Any, log: Any) -> None:
    """All units are there and the stages begin; or one that was claimed is, or the pool that must be full has lost
    a spare since it was.
    """
    if not (s.complete and is_full(p, s)):
        if p.has_refills:
            refill(p, s, u, row)
        _await_claim(p, s, u)
        return
    book_wait(p, s, row)
    s.since = s.now
    _attempt(p, s, row, log, p.rule_first[s.rule])


@kernel
def _attempt(p: Any, s: Any, row: Any, log: Any, first: int) -> None:
    """Start the stages at ``first``, unless this incident, or the run, has had as many as it may."""
    fall_back(p, s, row)
    s.n_active = 0
    s.refilled = 0.0
    s.attempts += 1
    row.attempts += 1
    if s.attempts > p.max_attempts:
        s.ending = NO_PROGRESS
    elif row.attempts > p.max_restarts:
        s.ending = RESTART_LIMIT
    else:
        start_stages(p, s, row, log, first)


@kernel
def start_stages(p: Any, s: Any, row: Any, log: Any, first: int) -> None:
    """Enter the list of stages at ``first``: one event for all stages up to the next change of vulnerability."""
    s.since = s.now
    end = s.now
    vulnerable = True
    i = first
    while i < p.rule_end[s.rule]:
        length = _stage_length(p, s, i)
        if length > 0.0:
            if end == s.now:
                vulnerable = p.stage_vulnerable[i] != 0
            elif (p.stage_vulnerable[i] != 0) != vulnerable:
                break
        end += length
        s.stage_end[i] = end
        i += 1
        if p.has_failures and _fails(p, s, i - 1):
            s.failing = True
            break
    s.stage = first
    s.stage_stop = i
    if end == s.now:
        if p.has_failures and s.failing:
            _try_again(p, s)
        else:
            resume(p, s, row, log)
        return
    s.phase = RECOVERING
    s.due = end
    run_clocks(s, vulnerable, False)


@kernel
def _stage_length(p: Any, s: Any, stage: int) -> float:
    """Seconds that a stage takes."""
    law = p.stage_law[stage]
    if law == AUTO:
        return read_time(p, s)
    if p.law_kind[law] == CONSTANT:
        return float(p.law_a[law])
    u, choice, _, _ = _drawn(p, s, stage)
    return sample(p, law, u, choice)


@kernel
def _fails(p: Any, s: Any, stage: int) -> bool:
    """Whether a stage fails at its end."""
    return bool(p.stage_fails[stage] > 0.0 and _drawn(p, s, stage)[2] < p.stage_fails[stage])


@kernel
def _drawn(p: Any, s: Any, stage: int) -> tuple[float, float, float, float]:
    """Uniforms of a stage, keyed by the fault that struck last and how many stages have failed since."""
    return for_last_fault(p, s, p.stage_lane[stage], s.failures)


@entry
def _try_again(p: Any, s: Any) -> None:
    """A stage has failed at its end: on as after a fault in it that takes no node and is seen at once. In the initial
    start, which is no incident, the stages begin again.
    """
    stage = s.stage_stop - 1
    s.failures += 1
    s.events += 1
    s.failing = False
    if s.open:
        s.retry_from = -1
        s.list_again = False
        _give_way(p, s, stage)
        stand_still(s)
    else:
        s.since = s.now
        s.stage = stage if p.rule_retry[s.rule] != 0 else p.rule_first[s.rule]
        s.stage_stop = s.stage
        if s.failures >= p.max_attempts:
            s.ending = NO_PROGRESS
    s.due = s.now


@kernel
def stages_done(p: Any, s: Any, row: Any, log: Any) -> None:
    """The stages of one group are done: on to the next group, or back to stepping."""
    _book_stages(p, s, row)
    if p.has_failures and s.failing:
        _try_again(p, s)
    else:
        start_stages(p, s, row, log, s.stage_stop)


@entry
def finish(p: Any, s: Any, row: Any, log: Any, reason: int) -> None:
    """The run ends now, for ``reason``: whatever is open is accounted for."""
    if reason == DEPLETED and p.work == math.inf:
        s.now = p.horizon
    s.reason = reason
    row.stop_reason = reason
    row.not_saved_s = 0.0
    if s.phase == RUNNING:
        row.not_saved_s = settle(p, s, row, s.now, reason == DONE and p.final_save)
    elif s.phase == PAUSED:
        book_pause(p, s, row)
        if s.on_hold:
            row.not_saved_s = settle(p, s, row, s.since, s.saving)
    elif s.phase == DETECTING:
        row.ledger[DETECTION] += s.now - s.since
        row.recovery_of[s.by_source] += s.now - s.since
    elif s.phase == WAITING:
        book_wait(p, s, row)
    else:
        _book_stages(p, s, row)
    if s.open:
        log_incident(p, s, row, log, math.nan)
    book_empty(p, s, row)
    book_repair(s, row)
    book_idle(s, row)
    book_stores(p, s, row)
    row.wall_s = s.now
    row.work_done_s = row.ledger[PRODUCTIVE]
    row.units_in_repair = s.in_repair
