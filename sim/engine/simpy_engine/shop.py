"""Units in repair in the SimPy engine: a process for each that a crew works on."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import simpy

from sim.engine.simpy_engine.context import REPAIRED, Context, Fault, Process
from sim.plan import MEMBER, RESET, RepairStage


@dataclass(eq=False)
class Unit:
    """A node in repair. ``slot`` is the job's slot that it left, -1 once another node has filled it; ``member`` its
    number in the domain that its fault took, ``need`` what it needs.
    """

    node: int
    slot: int
    fault: Fault
    member: int
    need: int
    attempt: int = 0
    stage: int = 0
    since: float = 0.0


class Shop:
    """Units in repair: stages in turn, each with its crews and its queue, first come, first served.

    ``give_back`` is called with each unit that is fixed, ``changed`` after each service. ``leaving`` counts the units
    in service that will leave it.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self.give_back: Callable[[Unit], None] = lambda unit: None
        self.changed: Callable[[], None] = lambda: None
        self.queues: list[deque[Unit]] = [deque() for _ in context.plan.repair]
        self.busy = [0 for _ in context.plan.repair]
        self.units = 0
        self.leaving = 0
        self.since = 0.0

    def book(self) -> None:
        """Account for the units in repair up to now."""
        self.context.row["repair_node_s"] += self.units * (self.context.now - self.since)
        self.since = self.context.now

    def admit(self, unit: Unit) -> None:
        """Send a unit to repair."""
        self.book()
        self.units += 1
        self._enter(unit, 0 if unit.need == RESET else len(self.queues) - 1)

    def _enter(self, unit: Unit, stage: int) -> None:
        unit.stage = stage
        unit.since = self.context.now
        crews = self.context.plan.repair[stage].crews
        if crews == 0 or self.busy[stage] < crews:
            self._serve(unit, stage)
        else:
            self.queues[stage].append(unit)

    def _serve(self, unit: Unit, stage: int) -> None:
        what: RepairStage = self.context.plan.repair[stage]
        self.busy[stage] += 1
        self.context.row["repairs"] += 1
        if what.crews > 0:
            self.context.row["crew_services"] += 1
            self.context.row["crew_wait_s"] += self.context.now - unit.since
        fault = unit.fault
        u, choice, outcome, _ = self.context.uniforms(
            fault.source, fault.block + 256 * unit.attempt + MEMBER * unit.member, fault.ordinal, what.lane
        )
        unit.attempt += 1
        time = self.context.sample(what.law, u, choice)
        if time < math.inf:
            self.leaving += 1
            done = self.context.alarm(self.context.now + time, REPAIRED)
            self.context.env.process(self._work(unit, stage, done, outcome < what.success))

    def _work(self, unit: Unit, stage: int, done: simpy.Event, fixed: bool) -> Process:
        yield done
        self.context.count_event()
        self.leaving -= 1
        self.busy[stage] -= 1
        if self.queues[stage]:
            self._serve(self.queues[stage].popleft(), stage)
        if fixed:
            self.book()
            self.units -= 1
            self.give_back(unit)
        else:
            self._enter(unit, len(self.queues) - 1)
        self.changed()
