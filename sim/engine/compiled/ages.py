"""Components that age, in the compiled engine: which fails next, and what renews it.

Components that have not failed are alike, so only when the next of them fails is known, and which it is. Those that
have failed, or were replaced with their node, are held singly, in a heap by their next failure. A component on a node
that its own fault took down is in neither: it has no next failure until the node comes back.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sim.engine.compiled.clocks import find_next
from sim.kernels._jit import entry, kernel
from sim.kernels.blocks import COMPONENT
from sim.kernels.lives import (
    GAMMA,
    NUMBER_BITS,
    ORDER_LANE,
    TWO_POINT,
    age_at,
    due_at,
    first_failure,
    first_wait,
    hazard_at,
)
from sim.kernels.philox import uniforms
from sim.kernels.time import LONGEST_S, quantize
from sim.plan import NEW_NODE, OLD, TRAINING, WALL


@kernel
def _reading(s: Any, clock: int) -> float:
    """What a fault clock reads now, in seconds."""
    if s.running[clock] != 0:
        return float(s.clock_read[clock] + (s.now - s.clock_since[clock]))
    return float(s.clock_read[clock])


@entry
def begin_ages(p: Any, s: Any, a: Any, lane: int) -> None:
    """The components of a lane at the start of a run."""
    s.lane_due[lane] = 0.0
    if p.lane_pooled[lane] != 0:
        s.lane_ordinal[lane] = -1
        s.lane_hazard[lane] = a.lives[p.lane_life[lane]].hazard
        s.lane_origin[lane] = -a.lives[p.lane_life[lane]].age
        _next_of_pool(p, s, a, lane)
        return
    s.lane_hazard[lane] = 0.0
    s.lane_left[lane] = p.lane_slots[lane]
    s.lane_firsts[lane] = -1
    s.lane_first_due[lane] = 0.0
    s.lane_entries[lane] = 0
    s.lane_heap[lane] = 0
    _next_first(p, s, a, lane)
    _choose(p, s, a, lane)


@kernel
def _next_of_pool(p: Any, s: Any, a: Any, lane: int) -> None:
    """Draw the next fault of components that need no names: their hazards add up."""
    source = p.lane_source[lane]
    s.lane_ordinal[lane] += 1
    gap, slot, need, effect = uniforms(
        p.key_0[source], p.key_1[source], s.lane_ordinal[lane], 0, COMPONENT, s.replication
    )
    s.lane_hazard[lane] -= math.log1p(-gap) / p.lane_slots[lane]
    due = due_at(a.lives, a.curves, p.lane_life[lane], s.lane_origin[lane], s.lane_hazard[lane])
    s.lane_due[lane] = max(s.lane_due[lane], due)
    s.lane_slot[lane] = slot
    s.lane_need[lane] = need
    s.lane_effect[lane] = effect


@kernel
def _next_first(p: Any, s: Any, a: Any, lane: int) -> None:
    """Draw which of the components that have not failed does so next, and when."""
    left = s.lane_left[lane]
    if left == 0:
        s.lane_first_due[lane] = math.inf
        return
    source = p.lane_source[lane]
    s.lane_firsts[lane] += 1
    gap, pick, _, _ = uniforms(
        p.key_0[source], p.key_1[source], s.lane_firsts[lane], ORDER_LANE, COMPONENT, s.replication
    )
    s.lane_hazard[lane] -= math.log1p(-gap) / left
    wait = first_wait(a.lives, a.curves, p.lane_life[lane], s.lane_hazard[lane])
    s.lane_first_due[lane] = max(s.lane_first_due[lane], quantize(wait)) if wait < LONGEST_S else math.inf
    s.lane_left[lane] = left - 1
    s.lane_first[lane] = _deal(p, s, a, lane, int(pick * left))


@kernel
def _dealt(s: Any, a: Any, index: int, place: int) -> int:
    """The component at a place among those that have not failed."""
    return int(a.members[index + place].component) if a.members[index + place].dealt == s.epoch else place


@kernel
def _deal(p: Any, s: Any, a: Any, lane: int, place: int) -> int:
    """The component at a place leaves those that have not failed; the last one takes its place."""
    index = p.lane_index[lane]
    component = _dealt(s, a, index, place)
    last = _dealt(s, a, index, s.lane_left[lane])
    a.members[index + place].component = last
    a.members[index + place].dealt = s.epoch
    if p.has_new_nodes:
        a.singles[index + last].seat = place
        a.singles[index + last].moved = s.epoch
    return component


@kernel
def _choose(p: Any, s: Any, a: Any, lane: int) -> None:
    """Set the lane's next fault: a first failure, or that of the component at the top of the heap."""
    entry = p.lane_entry[lane]
    first = s.lane_heap[lane] == 0 or s.lane_first_due[lane] <= a.entries[entry].heap_due
    s.lane_is_first[lane] = 1 if first else 0
    if first:
        s.lane_due[lane] = s.lane_first_due[lane]
        ordinal = s.lane_first[lane] << NUMBER_BITS
    else:
        s.lane_due[lane] = a.entries[entry].heap_due
        component = a.entries[entry].heap_component
        which = a.members[p.lane_index[lane] + component].entry
        ordinal = (component << NUMBER_BITS) + a.entries[which].lives
    source = p.lane_source[lane]
    gap, _, need, effect = uniforms(p.key_0[source], p.key_1[source], ordinal, 0, COMPONENT, s.replication)
    s.lane_ordinal[lane] = ordinal
    s.lane_slot[lane] = gap
    s.lane_need[lane] = need
    s.lane_effect[lane] = effect


@kernel
def component_of(p: Any, s: Any, lane: int) -> int:
    """The component that a lane's next fault strikes."""
    if p.lane_pooled[lane] != 0:
        return int(s.lane_slot[lane] * p.lane_slots[lane])
    return int(s.lane_ordinal[lane] >> NUMBER_BITS)


@entry
def pass_on(p: Any, s: Any, a: Any, lane: int, held: bool) -> None:
    """The lane's next fault strikes now. Its component ages on, or is held until its node comes back."""
    if p.lane_pooled[lane] != 0:
        _next_of_pool(p, s, a, lane)
        return
    component = s.lane_ordinal[lane] >> NUMBER_BITS
    if s.lane_is_first[lane] != 0:
        _enter(p, s, a, lane, component)
        _next_first(p, s, a, lane)
    else:
        _leave_heap(p, s, a, lane, 0)
    entry = a.members[p.lane_index[lane] + component].entry
    a.entries[entry].lives += 1
    if not held:
        _await_failure(p, s, a, lane, component, s.lane_slot[lane])
    elif p.has_recurrences or p.has_new_nodes:
        a.members[p.lane_index[lane] + component].held = s.epoch
    _choose(p, s, a, lane)


@kernel
def _enter(p: Any, s: Any, a: Any, lane: int, component: int) -> None:
    """A component that fails for the first time gets an entry: its frailty and its age are drawn now."""
    source = p.lane_source[lane]
    i = p.lane_life[lane]
    frailty, hazard = first_failure(
        a.lives, a.curves, i, s.lane_due[lane], p.key_0[source], p.key_1[source], s.lane_firsts[lane], s.replication
    )
    origin = s.lane_due[lane] - quantize(age_at(a.lives, a.curves, i, hazard))
    _note(p, s, a, lane, component, frailty, hazard, origin)


@kernel
def _note(
    p: Any, s: Any, a: Any, lane: int, component: int, frailty: float, hazard: float, origin: float
) -> None:  # fmt: skip
    """A component that was one of those that have not failed gets an entry."""
    which = p.lane_index[lane] + component
    entry = p.lane_entry[lane] + s.lane_entries[lane]
    s.lane_entries[lane] += 1
    a.members[which].entry = entry
    a.entries[entry].frailty = frailty
    a.entries[entry].hazard = hazard
    a.entries[entry].origin = origin
    a.entries[entry].lives = 0
    if p.has_new_nodes:
        a.singles[which].known = s.epoch
        a.singles[which].place = -1


@kernel
def _leave_unfailed(p: Any, s: Any, a: Any, lane: int, component: int) -> None:
    """A component leaves those that have not failed. Its frailty, if that stays, is that of one which would have failed
    later than all that have: its own life is drawn for that.
    """
    source = p.lane_source[lane]
    i = p.lane_life[lane]
    hazard = s.lane_hazard[lane]
    if component != s.lane_first[lane]:
        gap, _, _, _ = uniforms(p.key_0[source], p.key_1[source], ~component, ORDER_LANE, COMPONENT, s.replication)
        hazard -= math.log1p(-gap)
    frailty = a.lives[i].good
    if a.lives[i].frailty == GAMMA or (a.lives[i].frailty == TWO_POINT and not a.lives[i].cured):
        wait = first_wait(a.lives, a.curves, i, hazard)
        frailty, _ = first_failure(
            a.lives, a.curves, i, wait, p.key_0[source], p.key_1[source], ~component, s.replication
        )
    _note(p, s, a, lane, component, frailty, 0.0, 0.0)
    if component == s.lane_first[lane]:
        _next_first(p, s, a, lane)
        return
    which = p.lane_index[lane] + component
    seat = a.singles[which].seat if a.singles[which].moved == s.epoch else component
    s.lane_left[lane] -= 1
    _deal(p, s, a, lane, seat)


@entry
def _await_failure(p: Any, s: Any, a: Any, lane: int, component: int, gap: float) -> None:
    """A component goes through an exponential more of its hazard, and then fails."""
    entry = a.members[p.lane_index[lane] + component].entry
    a.entries[entry].hazard -= math.log1p(-gap) / a.entries[entry].frailty
    due = due_at(a.lives, a.curves, p.lane_life[lane], a.entries[entry].origin, a.entries[entry].hazard)
    if due < math.inf:
        _push(p, s, a, lane, max(s.lane_due[lane], due), component)


@kernel
def come_back(p: Any, s: Any, u: Any, a: Any, row: Any, node: int) -> None:
    """A node comes back from repair: components that are held there were replaced, or are as old as they are.

    That is the one whose fault took it, or left it broken. A relapse is no fault of a component that is held: it leaves
    the ages as they are. If all of the node is new, so are the components that are not held.
    """
    renewed = np.int64(u.nodes[node].renewed)
    row.renewals += 1 if renewed != OLD else 0
    again = False
    if p.has_relapses:
        again = u.nodes[node].relapsed == s.epoch
        u.nodes[node].relapsed = 0
    if p.has_ages and (p.has_recurrences or p.has_new_nodes):
        release(p, s, a, node, renewed)
    elif p.has_ages and p.source_lane[u.nodes[node].source] >= 0 and not again:
        lane = p.source_lane[u.nodes[node].source]
        component = u.nodes[node].ordinal >> NUMBER_BITS
        if component // p.per_node[u.nodes[node].source] == node:
            _go_on(p, s, a, lane, component, renewed)


@entry
def release(p: Any, s: Any, a: Any, node: int, renewed: Any) -> None:
    """The components that are held on a node work again; if all of it is new, the others begin a new life, too."""
    for source in range(p.n_sources):
        lane = p.source_lane[source]
        if lane < 0:
            continue
        for component in range(node * p.per_node[source], (node + 1) * p.per_node[source]):
            which = p.lane_index[lane] + component
            if a.members[which].held == s.epoch:
                a.members[which].held = 0
                _go_on(p, s, a, lane, component, renewed)
            elif p.has_new_nodes and renewed == NEW_NODE and a.lives[p.lane_life[lane]].renews:
                _replace(p, s, a, lane, component)


@entry
def _replace(p: Any, s: Any, a: Any, lane: int, component: int) -> None:
    """A component that works is replaced with its node: its life ends without a failure."""
    which = p.lane_index[lane] + component
    if a.singles[which].known != s.epoch:
        _leave_unfailed(p, s, a, lane, component)
    elif a.singles[which].place >= 0:
        _leave_heap(p, s, a, lane, a.singles[which].place)
    a.entries[a.members[which].entry].lives += 1
    _go_on(p, s, a, lane, component, np.int64(NEW_NODE))


@entry
def _go_on(p: Any, s: Any, a: Any, lane: int, component: int, renewed: Any) -> None:
    """A component without a next failure works: it was replaced, or is as old as it is."""
    source = p.lane_source[lane]
    i = p.lane_life[lane]
    entry = a.members[p.lane_index[lane] + component].entry
    ordinal = (component << NUMBER_BITS) + a.entries[entry].lives - 1
    gap, _, _, _ = uniforms(p.key_0[source], p.key_1[source], ordinal, 0, COMPONENT, s.replication)
    clock = WALL if lane < p.n_wall else TRAINING
    now = _reading(s, clock)
    if a.lives[i].renews and renewed != OLD:
        a.entries[entry].origin = now - a.lives[i].burn_in
        a.entries[entry].hazard = a.lives[i].burn_in_hazard
        if a.lives[i].cured and a.lives[i].frailty == TWO_POINT:
            a.entries[entry].frailty = a.lives[i].good
    else:
        age = now - a.entries[entry].origin
        a.entries[entry].hazard = max(a.entries[entry].hazard, hazard_at(a.lives, a.curves, i, age))
    s.lane_due[lane] = now
    _await_failure(p, s, a, lane, component, gap)
    _choose(p, s, a, lane)
    find_next(p, s, clock)


@entry
def renew_all(p: Any, s: Any, a: Any) -> None:
    """The incident is over: components of sources that ask for it are new."""
    for lane in range(p.n_lanes):
        if p.lane_life[lane] >= 0 and p.lane_system[lane] != 0:
            now = _reading(s, WALL if lane < p.n_wall else TRAINING)
            s.lane_due[lane] = now
            s.lane_origin[lane] = now
            s.lane_hazard[lane] = 0.0
            _next_of_pool(p, s, a, lane)
    find_next(p, s, WALL)
    find_next(p, s, TRAINING)


@kernel
def _before(a: Any, i: int, due: float, component: int) -> bool:
    """Whether an entry of a heap comes before a time and component."""
    if a.entries[i].heap_due != due:
        return bool(a.entries[i].heap_due < due)
    return bool(a.entries[i].heap_component < component)


@kernel
def _put(p: Any, a: Any, lane: int, place: int, due: float, component: int) -> None:
    i = p.lane_entry[lane] + place
    a.entries[i].heap_due = due
    a.entries[i].heap_component = component
    if p.has_new_nodes:
        a.singles[p.lane_index[lane] + component].place = place


@kernel
def _push(p: Any, s: Any, a: Any, lane: int, due: float, component: int) -> None:
    s.lane_heap[lane] += 1
    _settle(p, s, a, lane, s.lane_heap[lane] - 1, due, component)


@kernel
def _leave_heap(p: Any, s: Any, a: Any, lane: int, place: int) -> None:
    """The component at a place leaves the heap of a lane."""
    start = p.lane_entry[lane]
    if p.has_new_nodes:
        a.singles[p.lane_index[lane] + a.entries[start + place].heap_component].place = -1
    s.lane_heap[lane] -= 1
    last = start + s.lane_heap[lane]
    if start + place != last:
        _settle(p, s, a, lane, place, a.entries[last].heap_due, a.entries[last].heap_component)


@entry
def _settle(p: Any, s: Any, a: Any, lane: int, hole: int, due: float, component: int) -> None:
    """Put an entry where it belongs, where one place of the heap of a lane is free: up from there, or down."""
    start = p.lane_entry[lane]
    size = s.lane_heap[lane]
    i = hole
    while i > 0:
        parent = (i - 1) >> 1
        if _before(a, start + parent, due, component):
            break
        _put(p, a, lane, i, a.entries[start + parent].heap_due, a.entries[start + parent].heap_component)
        i = parent
    while True:
        child = 2 * i + 1
        if child >= size:
            break
        right = start + child + 1
        if child + 1 < size and _before(a, right, a.entries[right - 1].heap_due, a.entries[right - 1].heap_component):
            child += 1
        if not _before(a, start + child, due, component):
            break
        _put(p, a, lane, i, a.entries[start + child].heap_due, a.entries[start + child].heap_component)
        i = child
    _put(p, a, lane, i, due, component)
