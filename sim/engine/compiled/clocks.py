"""Fault clocks in the compiled engine: when each lane of faults strikes next."""

from __future__ import annotations

import math
from typing import Any

from sim.engine.compiled.layout import BUNCH
from sim.kernels._jit import kernel
from sim.kernels.calendar import due_at
from sim.kernels.laws import gap
from sim.kernels.philox import uniforms
from sim.plan import CALENDAR, TRAINING, WALL


@kernel
def schedule(p: Any, s: Any, lane: int) -> None:
    """Draw the next fault of a lane: when on its clock, which slot, which need, which effect."""
    source = p.lane_source[lane]
    s.lane_ordinal[lane] += 1
    u, slot, need, effect = uniforms(
        p.key_0[source], p.key_1[source], s.lane_ordinal[lane], 0, p.lane_block[lane], s.replication
    )
    s.lane_slot[lane] = slot
    if not p.has_notices or lane < p.n_clocked:
        s.lane_due[lane] += gap(p.lane_mean[lane] * s.stretch[source], u)
    else:
        ordinal = s.lane_ordinal[lane]
        domains = p.lane_slots[lane]
        s.lane_slot[lane] = (ordinal % domains + 0.5) / domains
        s.lane_due[lane] = due_at(
            ordinal, domains, p.lane_begin[lane], p.lane_every[lane], p.lane_width[lane], p.lane_step[lane]
        )
    s.lane_need[lane] = need
    s.lane_effect[lane] = effect


@kernel
def find_next(p: Any, s: Any, clock: int) -> None:
    """Find the lane of a clock that strikes first."""
    start, end = _lanes_of(p, clock)
    for lane in range(start, end, BUNCH):
        _find_in_bunch(s, clock, start, end, lane)
    _find_bunch(s, clock, start, end)


@kernel
def find_after(p: Any, s: Any, clock: int, lane: int) -> None:
    """Find the lane of a clock that strikes first after one lane has changed."""
    start, end = _lanes_of(p, clock)
    _find_in_bunch(s, clock, start, end, lane)
    _find_bunch(s, clock, start, end)


@kernel
def _lanes_of(p: Any, clock: int) -> tuple[int, int]:
    """The first lane of a clock, and that after its last."""
    if clock == WALL:
        return 0, p.n_wall
    if clock == TRAINING:
        return p.n_wall, p.n_clocked
    return p.n_clocked, p.n_lanes


@kernel
def _find_in_bunch(s: Any, clock: int, start: int, end: int, lane: int) -> None:
    """Find the lane that strikes first in the bunch of a lane; lanes are in the order of ties."""
    bunch = (lane - start) // BUNCH
    best = start + bunch * BUNCH
    earliest = s.lane_due[best]
    for other in range(best + 1, min(best + BUNCH, end)):
        due = s.lane_due[other]
        if due < earliest:
            earliest = due
            best = other
    s.bunch_lane[start // BUNCH + clock + bunch] = best
    s.bunch_due[start // BUNCH + clock + bunch] = earliest


@kernel
def _find_bunch(s: Any, clock: int, start: int, end: int) -> None:
    """Find the lane that strikes first among those that do in their bunches."""
    first = start // BUNCH + clock
    best = -1
    earliest = math.inf
    for bunch in range(first, first + (end - start + BUNCH - 1) // BUNCH):
        due = s.bunch_due[bunch]
        if due < earliest:
            earliest = due
            best = bunch
    s.next_lane[clock] = s.bunch_lane[best] if best >= 0 else -1
    _set_due(s, clock)


@kernel
def _set_due(s: Any, clock: int) -> None:
    lane = s.next_lane[clock]
    if s.running[clock] != 0 and lane >= 0:
        s.next_due[clock] = s.clock_since[clock] + (s.lane_due[lane] - s.clock_read[clock])
    else:
        s.next_due[clock] = math.inf
    if clock == WALL:
        s.relapse_due = s.clock_since[clock] + (s.relapse_read - s.clock_read[clock])
        if s.running[clock] == 0:
            s.relapse_due = math.inf


@kernel
def next_clock(p: Any, s: Any) -> int:
    """The clock whose next fault comes first; at one time that of the source whose name comes first."""
    first = WALL
    for clock in range(TRAINING, CALENDAR + 1 if p.has_notices and p.n_clocked < p.n_lanes else CALENDAR):
        due = s.next_due[clock]
        if due < s.next_due[first] or (
            due == s.next_due[first]
            and due < math.inf
            and p.lane_source[s.next_lane[clock]] < p.lane_source[s.next_lane[first]]
        ):
            first = clock
    return first


@kernel
def run_clock(s: Any, clock: int, on: bool) -> None:
    """Start or stop a fault clock now."""
    if (s.running[clock] != 0) == on:
        return
    if on:
        s.clock_since[clock] = s.now
    else:
        s.clock_read[clock] += s.now - s.clock_since[clock]
    s.running[clock] = 1 if on else 0
    _set_due(s, clock)


@kernel
def run_clocks(s: Any, wall: bool, training: bool) -> None:
    """Set both fault clocks."""
    run_clock(s, WALL, wall)
    run_clock(s, TRAINING, training)
