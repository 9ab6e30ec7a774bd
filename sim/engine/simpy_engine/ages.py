"""Components that age, in the SimPy engine: which fails next, and what renews it."""

from __future__ import annotations

import heapq
import math
from collections.abc import Collection
from dataclasses import dataclass

from sim.engine.simpy_engine.context import Context, Fault
from sim.engine.simpy_engine.strikes import Strike
from sim.kernels.blocks import COMPONENT
from sim.kernels.lives import (
    NUMBER_BITS,
    ORDER_LANE,
    age_at,
    due_at,
    first_failure,
    first_wait,
    hazard_at,
)
from sim.kernels.time import LONGEST_S, NEVER, quantize
from sim.plan import RENEW_SYSTEM, RENEW_UNIT, Lane


class Pool:
    """Components that all have the same age, and need no names: their hazards add up."""

    def __init__(self, context: Context, lane: Lane) -> None:
        self.context = context
        self.lane = lane
        self.table = context.lives, context.curves, lane.life
        life = context.lives[lane.life]
        self.hazard, self.origin = float(life["hazard"]), -float(life["age"])
        self.next = self._draw(0, 0.0)

    def _draw(self, ordinal: int, last: float) -> Strike:
        gap, slot, need, effect = self.context.uniforms(self.lane.source, COMPONENT, ordinal, 0)
        self.hazard -= math.log1p(-gap) / self.lane.slots
        due = max(last, due_at(*self.table, self.origin, self.hazard))
        return Strike(due, ordinal, int(slot * self.lane.slots), need, effect)

    def advance(self, held: bool) -> None:
        """The next fault has struck."""
        self.next = self._draw(self.next.ordinal + 1, self.next.due)

    def come_back(self, fault: Fault, renewed: bool, reading: float) -> None:
        """No component is renewed by itself."""

    def renew_node(self, node: int, held: Collection[int], reading: float) -> None:
        """No component is renewed by itself."""

    def renew_all(self, reading: float) -> None:
        """The incident is over: if the source asks for it, all components are new."""
        if self.context.plan.lives[self.lane.life].renewal == RENEW_SYSTEM:
            self.hazard, self.origin = 0.0, reading
            self.next = self._draw(self.next.ordinal + 1, reading)


@dataclass
class Failed:
    """A component that has failed or was replaced: its frailty, the cumulative hazard up to its next failure, the
    reading at which its age was 0, and how many lives of it have ended: by a failure, or as its node was replaced.
    """

    frailty: float
    hazard: float
    origin: float
    lives: int = 0


class Components:
    """Components that have names once they have failed. Those that have not are alike: only when the next of them
    fails is known, and which it is. One on a node that its own fault took down has no next failure until it is back.
    """

    def __init__(self, context: Context, lane: Lane) -> None:
        self.context = context
        self.lane = lane
        self.table = context.lives, context.curves, lane.life
        self.life = context.plan.lives[lane.life]
        self.left = lane.slots
        self.dealt: dict[int, int] = {}
        self.place: dict[int, int] = {}
        self.hazard = 0.0
        self.firsts = -1
        self.first_due, self.first = 0.0, -1
        self.failed: dict[int, Failed] = {}
        self.heap: list[tuple[float, int]] = []
        self._next_first()
        self.next, self.gap = self._choose()

    def _next_first(self) -> None:
        """Draw which of the components that have not failed does so next, and when."""
        if self.left == 0:
            self.first_due = NEVER
            return
        self.firsts += 1
        gap, pick, _, _ = self.context.uniforms(self.lane.source, COMPONENT, self.firsts, ORDER_LANE)
        self.hazard -= math.log1p(-gap) / self.left
        wait = first_wait(*self.table, self.hazard)
        self.first_due = max(self.first_due, quantize(wait)) if wait < LONGEST_S else NEVER
        self.first = self._deal(int(pick * self.left))

    def _deal(self, place: int) -> int:
        """The component at a place leaves those that have not failed; the last one takes its place."""
        self.left -= 1
        component, last = (self.dealt.get(each, each) for each in (place, self.left))
        self.dealt[place], self.place[last] = last, place
        return component

    def _choose(self) -> tuple[Strike, float]:
        """The next fault, and the uniform for the life after it."""
        due, component, number = self.first_due, self.first, 0
        if self.heap and self.heap[0][0] < due:
            due, component = self.heap[0]
            number = self.failed[component].lives
        ordinal = (component << NUMBER_BITS) + number
        gap, _, need, effect = self.context.uniforms(self.lane.source, COMPONENT, ordinal, 0)
        return Strike(due, ordinal, component, need, effect), gap

    def advance(self, held: bool) -> None:
        """The next fault has struck: its component ages on, or is held until its node comes back."""
        due, component = self.next.due, self.next.number
        if component not in self.failed:
            key_0, key_1 = self.context.key(self.lane.source)
            frailty, hazard = first_failure(*self.table, due, key_0, key_1, self.firsts, self.context.replication)
            self.failed[component] = Failed(frailty, hazard, due - quantize(age_at(*self.table, hazard)))
            self._next_first()
        else:
            heapq.heappop(self.heap)
        self.failed[component].lives += 1
        if not held:
            self._await_failure(component, self.gap, due)
        self.next, self.gap = self._choose()

    def _await_failure(self, component: int, gap: float, now: float) -> None:
        """A component goes through an exponential more of its hazard, and then fails."""
        what = self.failed[component]
        what.hazard -= math.log1p(-gap) / what.frailty
        due = due_at(*self.table, what.origin, what.hazard)
        if due < NEVER:
            heapq.heappush(self.heap, (max(now, due), component))

    def come_back(self, fault: Fault, renewed: bool, reading: float) -> None:
        """The node of a component is back: the component was replaced, or is as old as it is."""
        self._go_on(fault.ordinal >> NUMBER_BITS, renewed, reading)
        self.next, self.gap = self._choose()

    def renew_node(self, node: int, held: Collection[int], reading: float) -> None:
        """A node is back with all components new: of those that did not fail a life ends now, too."""
        if self.life.renewal != RENEW_UNIT:
            return
        per_node = self.context.plan.sources[self.lane.source].per_node
        for component in range(node * per_node, (node + 1) * per_node):
            if component not in held:
                if component in self.failed:
                    self._leave_heap(component)
                else:
                    self._leave_unfailed(component)
                self.failed[component].lives += 1
                self._go_on(component, renewed=True, reading=reading)
        self.next, self.gap = self._choose()

    def _leave_heap(self, component: int) -> None:
        """A component that has failed before does not wait for its next failure any more."""
        self.heap = [each for each in self.heap if each[1] != component]
        heapq.heapify(self.heap)

    def _leave_unfailed(self, component: int) -> None:
        """A component leaves those that have not failed. Its frailty, if that stays, is that of one which would have
        failed later than all that have: its own life is drawn for that.
        """
        key_0, key_1 = self.context.key(self.lane.source)
        hazard = self.hazard
        if component != self.first:
            gap, _, _, _ = self.context.uniforms(self.lane.source, COMPONENT, ~component, ORDER_LANE)
            hazard -= math.log1p(-gap)
        frailty = float(self.context.lives[self.lane.life]["good"])
        if self.life.spread > 0.0 or (self.life.share > 0.0 and not self.life.cured):
            wait = first_wait(*self.table, hazard)
            frailty, _ = first_failure(*self.table, wait, key_0, key_1, ~component, self.context.replication)
        self.failed[component] = Failed(frailty, 0.0, 0.0)
        if component == self.first:
            self._next_first()
        else:
            self._deal(self.place.get(component, component))

    def _go_on(self, component: int, renewed: bool, reading: float) -> None:
        """A component without a next failure works: it was replaced, or is as old as it is."""
        what = self.failed[component]
        ordinal = (component << NUMBER_BITS) + what.lives - 1
        gap, _, _, _ = self.context.uniforms(self.lane.source, COMPONENT, ordinal, 0)
        if self.life.renewal == RENEW_UNIT and renewed:
            life = self.context.lives[self.lane.life]
            what.origin, what.hazard = reading - self.life.burn_in, float(life["burn_in_hazard"])
            if self.life.cured and self.life.share > 0.0:
                what.frailty = float(life["good"])
        else:
            what.hazard = max(what.hazard, hazard_at(*self.table, reading - what.origin))
        self._await_failure(component, gap, reading)

    def renew_all(self, reading: float) -> None:
        """Single components are renewed one by one."""
