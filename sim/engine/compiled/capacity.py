"""Slots of the job and pools of spares in the compiled engine: who stands in for whom.

A slot of the job is empty from the fault that takes its node until another node, or its own one repaired, fills it.
The empty slots are a list in the order of their faults; the first ``admitted`` of them are known, and their nodes in
repair.
"""

from __future__ import annotations

from typing import Any

from sim.engine.compiled.shop import admit
from sim.engine.state import DETECTING, WAITING
from sim.kernels._jit import kernel
from sim.kernels.ledger import CAPACITY_WAIT, DETECTION
from sim.plan import COLD, HOT, SPARES_ELSE_WAIT


@kernel
def book_idle(s: Any, row: Any) -> None:
    """Account for the idle spares up to now; to be called before their number changes."""
    row.spare_idle_node_s += (s.idle[HOT] + s.idle[COLD]) * (s.now - s.idle_since)
    s.idle_since = s.now


@kernel
def book_empty(s: Any, row: Any) -> None:
    """Account for the job's empty slots up to now; to be called before their number or the job's phase changes."""
    bucket = DETECTION if s.phase == DETECTING else CAPACITY_WAIT
    row.absent_node_s[bucket] += s.admitted * (s.now - s.empty_since)
    s.empty_since = s.now


@kernel
def slot_is_empty(s: Any, u: Any, slot: int) -> bool:
    """Whether the node of a slot is down already."""
    for i in range(s.empty):  # noqa: SIM110  # numba compiles a loop, not any() of a generator
        if u[i].empty_slot == slot:
            return True
    return False


@kernel
def vacate(s: Any, u: Any, slot: int, source: int, block: int, ordinal: int, need: int) -> None:
    """A fault takes the node of a slot; its repair begins when the fault is seen."""
    if s.empty >= u.size:
        s.overflow = True
        return
    i = s.empty
    u[i].empty_slot = slot
    u[i].empty_unit = -1
    u[i].empty_source = source
    u[i].empty_block = block
    u[i].empty_ordinal = ordinal
    u[i].empty_need = need
    s.empty += 1
    for i in range(s.n_active):
        if u[i].active_slot == slot:  # a spare that fails before it is active is not waited for
            s.n_active -= 1
            u[i].active_slot = u[s.n_active].active_slot
            u[i].active_at = u[s.n_active].active_at
            break


@kernel
def admit_all(p: Any, s: Any, u: Any, row: Any) -> None:
    """Send the nodes that are now known to be down to repair, in the order of their faults."""
    book_empty(s, row)
    for i in range(s.admitted, s.empty):
        u[i].empty_unit = admit(
            p, s, u, row, u[i].empty_slot, u[i].empty_source, u[i].empty_block, u[i].empty_ordinal, u[i].empty_need
        )
    s.admitted = s.empty


@kernel
def _remove(s: Any, u: Any, row: Any, position: int, count: int) -> None:
    """Take ``count`` filled slots out of the list, from ``position`` on."""
    book_empty(s, row)
    for i in range(position, s.empty - count):
        j = i + count
        u[i].empty_slot = u[j].empty_slot
        u[i].empty_unit = u[j].empty_unit
        u[i].empty_source = u[j].empty_source
        u[i].empty_block = u[j].empty_block
        u[i].empty_ordinal = u[j].empty_ordinal
        u[i].empty_need = u[j].empty_need
    s.empty -= count
    s.admitted -= count


@kernel
def _fill(s: Any, u: Any, row: Any, count: int) -> None:
    """Other nodes fill the ``count`` longest empty slots: their own nodes have none to come back to."""
    for i in range(count):
        u[u[i].empty_unit].slot = -1
    _remove(s, u, row, 0, count)


@kernel
def _activate(s: Any, u: Any, count: int, ready: float) -> None:
    """Spares for the ``count`` longest empty slots will be active at ``ready``."""
    for i in range(count):
        u[s.n_active].active_slot = u[i].empty_slot
        u[s.n_active].active_at = ready
        s.n_active += 1


@kernel
def ready_at(s: Any, u: Any) -> float:
    """Time at which the last of the spares in activation is active: now, if there is none."""
    latest = s.now
    for i in range(s.n_active):
        latest = max(latest, u[i].active_at)
    return float(latest)


@kernel
def take_spares(p: Any, s: Any, u: Any, row: Any) -> None:
    """Call idle spares for all empty slots, those that activate fastest first."""
    book_idle(s, row)
    for turn in range(2):
        block = p.fastest if turn == 0 else p.slowest
        count = min(s.empty, s.idle[block])
        if count > 0:
            s.idle[block] -= count
            row.spares_used += count
            if p.activation[block] > 0.0:
                _activate(s, u, count, s.now + p.activation[block])
            _fill(s, u, row, count)


@kernel
def rejoin(p: Any, s: Any, u: Any, row: Any, unit: int) -> None:
    """A repaired node comes back: to its own slot, to the waiting job, or to the fastest pool that is not full."""
    if u[unit].slot >= 0:
        for i in range(s.admitted):
            if u[i].empty_unit == unit:
                _remove(s, u, row, i, 1)
                return
    if s.phase == WAITING and p.rule_use[s.rule] == SPARES_ELSE_WAIT and s.empty > 0:
        _fill(s, u, row, 1)
        return
    book_idle(s, row)
    block = p.fastest if s.idle[p.fastest] < p.pool_nodes[p.fastest] else p.slowest
    s.idle[block] += 1
