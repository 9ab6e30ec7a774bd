"""Units in repair in the compiled engine: stages, crews, queues, and a heap of the units in service."""

from __future__ import annotations

import math
from typing import Any

from sim.engine.compiled.sampling import sample
from sim.kernels._jit import entry, kernel
from sim.kernels.philox import uniforms
from sim.plan import RESET


@kernel
def book_repair(s: Any, row: Any) -> None:
    """Account for the units in repair up to now; to be called before their number changes."""
    row.repair_node_s += s.in_repair * (s.now - s.repair_since)
    s.repair_since = s.now


@kernel
def _push(s: Any, u: Any, unit: int, due: float) -> None:
    """A unit will leave its stage at ``due``; at one time, those that entered first leave first."""
    if s.n_heap >= u.size:
        s.overflow = True
        return
    s.sequence += 1
    i = s.n_heap
    s.n_heap += 1
    while i > 0:
        parent = (i - 1) >> 1
        if u[parent].heap_due <= due:
            break
        _place(u, i, u[parent].heap_due, u[parent].heap_sequence, u[parent].heap_unit)
        i = parent
    _place(u, i, due, s.sequence, unit)


@kernel
def _place(u: Any, i: int, due: float, sequence: int, unit: int) -> None:
    u[i].heap_due = due
    u[i].heap_sequence = sequence
    u[i].heap_unit = unit


@kernel
def _before(u: Any, i: int, due: float, sequence: int) -> bool:
    """Whether the heap's entry ``i`` comes before an entry of that time and sequence."""
    return bool(u[i].heap_due < due or (u[i].heap_due == due and u[i].heap_sequence < sequence))


@kernel
def _pop(s: Any, u: Any) -> int:
    top = u[0].heap_unit
    s.n_heap -= 1
    due = u[s.n_heap].heap_due
    sequence = u[s.n_heap].heap_sequence
    unit = u[s.n_heap].heap_unit
    i = 0
    while True:
        child = 2 * i + 1
        if child >= s.n_heap:
            break
        if child + 1 < s.n_heap and _before(u, child + 1, u[child].heap_due, u[child].heap_sequence):
            child += 1
        if not _before(u, child, due, sequence):
            break
        _place(u, i, u[child].heap_due, u[child].heap_sequence, u[child].heap_unit)
        i = child
    _place(u, i, due, sequence, unit)
    return int(top)


@kernel
def next_repair(s: Any, u: Any) -> float:
    """Time at which the next unit leaves its stage of repair, in seconds."""
    return float(u[0].heap_due) if s.n_heap > 0 else math.inf


@entry
def _serve(p: Any, s: Any, u: Any, row: Any, unit: int) -> None:
    """A crew starts on a unit: its time and outcome are those of the fault that sent it here."""
    stage = u[unit].stage
    source = u[unit].source
    s.busy[stage] += 1
    row.repairs += 1
    if p.repair_crews[stage] > 0:
        row.crew_services += 1
        row.crew_wait_s += s.now - u[unit].since
    u_time, choice, outcome, _ = uniforms(
        p.key_0[source], p.key_1[source], u[unit].ordinal, p.repair_lane[stage],
        u[unit].block + 256 * u[unit].attempt, s.replication,
    )  # fmt: skip
    u[unit].attempt += 1
    u[unit].fixed = outcome < p.repair_success[stage]
    due = s.now + sample(p, p.repair_law[stage], u_time, choice)
    if due < math.inf:
        _push(s, u, unit, due)


@kernel
def _enter(p: Any, s: Any, u: Any, row: Any, unit: int, stage: int) -> None:
    """A unit joins a stage of repair: a crew is free, or it waits its turn."""
    u[unit].stage = stage
    u[unit].since = s.now
    if p.repair_crews[stage] == 0 or s.busy[stage] < p.repair_crews[stage]:
        _serve(p, s, u, row, unit)
        return
    if s.queue_size[stage] >= u.size:
        s.overflow = True
        return
    u[(s.queue_head[stage] + s.queue_size[stage]) % u.size].queue[stage] = unit
    s.queue_size[stage] += 1


@entry
def admit(
    p: Any, s: Any, u: Any, row: Any, unit: int, slot: int, source: int, block: int, ordinal: int, need: int
) -> None:
    """Send a node to repair; ``slot`` is what it leaves empty, -1 for a spare."""
    book_repair(s, row)
    s.in_repair += 1
    u[unit].slot = slot
    u[unit].source = source
    u[unit].block = block
    u[unit].ordinal = ordinal
    u[unit].attempt = 0
    _enter(p, s, u, row, unit, 0 if need == RESET else p.last_repair)


@entry
def finish_stage(p: Any, s: Any, u: Any, row: Any) -> int:
    """The next node leaves its stage: its crew takes the next in the queue, then it moves on. Returns it if fixed,
    else -1.
    """
    unit = _pop(s, u)
    stage = u[unit].stage
    s.busy[stage] -= 1
    if s.queue_size[stage] > 0:
        waiting = u[s.queue_head[stage]].queue[stage]
        s.queue_head[stage] = (s.queue_head[stage] + 1) % u.size
        s.queue_size[stage] -= 1
        _serve(p, s, u, row, waiting)
    if not u[unit].fixed:
        _enter(p, s, u, row, unit, p.last_repair)
        return -1
    book_repair(s, row)
    s.in_repair -= 1
    return unit
