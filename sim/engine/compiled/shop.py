"""Units in repair in the compiled engine: stages, crews, queues, and a heap of the units in service."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sim.engine.compiled.layout import MAX_FAILURES
from sim.engine.compiled.sampling import sample
from sim.kernels._jit import entry, kernel
from sim.kernels.memory import prefetch
from sim.kernels.philox import uniforms
from sim.kernels.shifts import done_at
from sim.plan import ANY, BACK, MEMBER, NODE, OLD, RESET


@kernel
def book_repair(s: Any, row: Any) -> None:
    """Account for the units in repair up to now; to be called before their number changes."""
    row.repair_node_s += s.in_repair * (s.now - s.repair_since)
    s.repair_since = s.now


@kernel
def await_time(s: Any, heap: Any, unit: int, due: float) -> None:
    """A unit will leave its stage, or be checked, at ``due``; at one time, in the order in which they entered."""
    if s.n_heap >= heap.size - 1:
        s.overflow = True
        return
    s.sequence += 1
    s.n_heap += 1
    _settle(s, heap, s.n_heap - 1, due, s.sequence, unit)


@kernel
def await_no_more(s: Any, heap: Any, unit: int) -> None:
    """A unit leaves the heap before its time, or at it: then it is the first."""
    i = 0
    while heap[i].heap_unit != unit:
        i += 1
    s.n_heap -= 1
    last = s.n_heap
    if i != last:
        _settle(s, heap, i, heap[last].heap_due, heap[last].heap_sequence, heap[last].heap_unit)


@kernel
def _settle(s: Any, heap: Any, hole: int, due: float, sequence: int, unit: int) -> None:
    """Put an entry where it belongs, where one place of the heap is free: up from there, or down."""
    i = hole
    while i > 0:
        parent = (i - 1) >> 1
        if _before(heap, parent, due, sequence):
            break
        _place(heap, i, heap[parent].heap_due, heap[parent].heap_sequence, heap[parent].heap_unit)
        i = parent
    while True:
        child = 2 * i + 1
        if child >= s.n_heap:
            break
        other = _before(heap, child + 1, heap[child].heap_due, heap[child].heap_sequence)
        child += (child + 1 < s.n_heap) & other
        if not _before(heap, child, due, sequence):
            break
        _place(heap, i, heap[child].heap_due, heap[child].heap_sequence, heap[child].heap_unit)
        i = child
    _place(heap, i, due, sequence, unit)


@kernel
def _place(heap: Any, i: int, due: float, sequence: int, unit: int) -> None:
    heap[i].heap_due = due
    heap[i].heap_sequence = sequence
    heap[i].heap_unit = unit


@kernel
def _before(heap: Any, i: int, due: float, sequence: int) -> bool:
    """Whether the heap's entry ``i`` comes before an entry of that time and sequence."""
    at = heap[i].heap_due  # & and |, not and and or: what is before what cannot be foreseen, so no jump depends on it
    return bool((at < due) | ((at == due) & (heap[i].heap_sequence < sequence)))


@kernel
def next_repair(s: Any, u: Any) -> float:
    """Time at which the next unit leaves its stage of repair, or the next dead spare is noticed, in seconds."""
    return float(u.heap[0].heap_due) if s.n_heap > 0 else math.inf


@kernel
def _serve(p: Any, s: Any, u: Any, row: Any, unit: int) -> None:
    """A crew starts on a unit: its time and outcome are those of the fault that sent it here."""
    stage = u.nodes[unit].stage
    source = u.nodes[unit].source
    s.busy[stage] += 1
    if stage != p.retire_stage:
        row.repairs += 1
    if p.repair_crews[stage] > 0:
        row.crew_services += 1
        row.crew_wait_s += s.now - u.nodes[unit].since
    u_time, choice, outcome, lie = uniforms(
        p.key_0[source], p.key_1[source], u.nodes[unit].ordinal, p.repair_lane[stage],
        u.nodes[unit].block + 256 * u.nodes[unit].attempt, s.replication,
    )  # fmt: skip
    u.nodes[unit].attempt += 1
    if p.has_visits:
        u.rest[unit].served[stage] += 1
    success = p.repair_success[stage]
    if not p.has_relapses or p.repair_finds[stage] < 0.0:
        u.nodes[unit].fixed = outcome < success
        if p.has_relapses and u.nodes[unit].fixed:
            u.nodes[unit].bad = s.epoch if lie < p.repair_false_fix[stage] else 0
    else:
        u.nodes[unit].fixed = outcome < success * (1.0 - p.repair_finds[stage] if u.nodes[unit].bad == s.epoch else 1.0)
    due = done_at(
        s.now, sample(p, p.repair_law[stage], u_time, choice), p.repair_shift_origin[stage],
        p.repair_shift_length[stage], p.repair_shift_days[stage],
    )  # fmt: skip
    if due < math.inf:
        await_time(s, u.heap, unit, due)


@kernel
def _enter(p: Any, s: Any, u: Any, row: Any, unit: int, stage: int) -> None:
    """A unit joins a stage of repair, or the one after it if that may serve it no more: a crew is free, or it waits."""
    while p.has_visits and p.repair_attempts[stage] > 0 and u.rest[unit].served[stage] >= p.repair_attempts[stage]:
        stage = p.repair_or_else[stage]
    u.nodes[unit].stage = stage
    u.nodes[unit].since = s.now
    if p.repair_crews[stage] == 0 or s.busy[stage] < p.repair_crews[stage]:
        _serve(p, s, u, row, unit)
        return
    if s.queue_size[stage] >= u.nodes.size:
        s.overflow = True
        return
    u.rest[(s.queue_head[stage] + s.queue_size[stage]) % u.nodes.size].queue[stage] = unit
    s.queue_size[stage] += 1


@kernel
def _fails_often(s: Any, u: Any, unit: int, failures: int, within: float) -> bool:
    """Whether the last so many failures of a node in this run lie in so short a time before now."""
    if failures == 0 or u.rest[unit].history != s.epoch or u.rest[unit].failures < failures:
        return False
    return bool(s.now - u.rest[unit].failed[(u.rest[unit].failures - failures) % MAX_FAILURES] <= within)


@entry
def _retires(p: Any, s: Any, u: Any, row: Any, unit: int) -> bool:
    """Note a failure of a node itself. Returns whether it was one too many; it may also make the node a suspect."""
    if u.rest[unit].history != s.epoch:
        u.rest[unit].history = s.epoch
        u.rest[unit].failures = 0
    u.rest[unit].failed[u.rest[unit].failures % MAX_FAILURES] = s.now
    u.rest[unit].failures += 1
    if not p.retire_late and _fails_often(s, u, unit, p.retire_failures, p.retire_within):
        _retire(s, u, row, unit)
        return True
    u.nodes[unit].suspect = _fails_often(s, u, unit, p.quarantine_failures, p.quarantine_within)
    return False


@kernel
def _retire(s: Any, u: Any, row: Any, unit: int) -> None:
    """A node is given up: its successor has no history, and is no suspect."""
    row.retired += 1
    u.nodes[unit].suspect = False
    u.rest[unit].history = 0


@kernel
def _counts(p: Any, s: Any, u: Any, unit: int) -> bool:
    """Whether a node is in repair for a failure of its own."""
    by_itself = p.takes[u.nodes[unit].source] == NODE and u.nodes[unit].block < MEMBER
    return bool(by_itself or u.nodes[unit].relapsed == s.epoch)


@kernel
def note_fault(u: Any, unit: int, slot: int, source: int, block: int, ordinal: int, need: int) -> None:
    """Note what took a node down, and which slot it leaves empty, -1 for a spare."""
    u.nodes[unit].slot = slot
    u.nodes[unit].source = source
    u.nodes[unit].block = block
    u.nodes[unit].ordinal = ordinal
    u.nodes[unit].for_reset = need == RESET


@kernel
def admit(
    p: Any, s: Any, u: Any, row: Any, unit: int, slot: int, source: int, block: int, ordinal: int, need: int
) -> None:
    """Send a node to repair; ``slot`` is what it leaves empty, -1 for a spare."""
    book_repair(s, row)
    s.in_repair += 1
    note_fault(u, unit, slot, source, block, ordinal, need)
    u.nodes[unit].dead_in = 0
    u.nodes[unit].attempt = 0
    u.nodes[unit].renewed = OLD
    if p.has_visits:
        for stage in range(p.n_repair):
            u.rest[unit].served[stage] = 0
    if p.has_strikes:
        u.nodes[unit].suspect = False
    stage = 0 if need == RESET else p.repair_entry
    if p.has_notices and p.source_stage[source] != ANY:
        stage = p.source_stage[source]
    if p.has_strikes and _counts(p, s, u, unit) and _retires(p, s, u, row, unit):
        stage = p.retire_stage
    _enter(p, s, u, row, unit, stage)


@entry
def _before_back(p: Any, s: Any, u: Any, row: Any, unit: int) -> int:
    """Where a node goes that is in order: it is given up, must pass the stage of quarantine, or comes back."""
    late = p.retire_late and _counts(p, s, u, unit)
    if late and _fails_often(s, u, unit, p.retire_failures, p.retire_within):
        _retire(s, u, row, unit)
        return int(p.retire_stage)
    if p.has_visits and u.nodes[unit].suspect and u.rest[unit].served[p.quarantine_stage] == 0:
        return int(p.quarantine_stage)
    return BACK


@kernel
def finish_stage(p: Any, s: Any, u: Any, row: Any, unit: int) -> int:
    """A node leaves its stage: its crew takes the next in the queue, then it moves on. Returns it if it comes back,
    else -1.
    """
    await_no_more(s, u.heap, unit)
    prefetch(u.nodes, u.heap[0].heap_unit)
    stage = np.int64(u.nodes[unit].stage)
    s.busy[stage] -= 1
    if s.queue_size[stage] > 0:
        waiting = u.rest[s.queue_head[stage]].queue[stage]
        s.queue_head[stage] = (s.queue_head[stage] + 1) % u.nodes.size
        s.queue_size[stage] -= 1
        _serve(p, s, u, row, waiting)
    if u.nodes[unit].fixed:
        if p.repair_renews[stage] > u.nodes[unit].renewed and not (u.nodes[unit].for_reset and stage == 0):
            u.nodes[unit].renewed = p.repair_renews[stage]
        then = p.repair_then[stage]
        if p.has_strikes and then == BACK:
            then = _before_back(p, s, u, row, unit)
    else:
        then = stage if p.has_visits and p.repair_attempts[stage] > 0 else p.repair_or_else[stage]
    if then != BACK:
        _enter(p, s, u, row, unit, then)
        return -1
    book_repair(s, row)
    s.in_repair -= 1
    return unit
