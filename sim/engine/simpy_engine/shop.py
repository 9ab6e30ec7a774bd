"""Units in repair in the SimPy engine: a process for each that a crew works on."""

from __future__ import annotations

import math
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

import simpy

from sim.engine.simpy_engine.context import REPAIRED, Context, Fault, Process
from sim.kernels.shifts import done_at
from sim.plan import ANY, BACK, MEMBER, OLD, RESET, RepairStage, Strikes


@dataclass(eq=False)
class Unit:
    """A node in repair. ``slot`` is the job's slot that it left, -1 once another node has filled it; ``member`` its
    number in the domain that its fault took, ``need`` what it needs; ``served`` counts its services by stage,
    ``renewed`` what they made new at the most, ``suspect`` whether it must pass the stage of quarantine.
    """

    node: int
    slot: int
    fault: Fault
    member: int
    need: int
    attempt: int = 0
    served: Counter[int] = field(default_factory=Counter)
    since: float = 0.0
    renewed: int = OLD
    suspect: bool = False


class Shop:
    """Units in repair: stages in turn, each with its crews and its queue, first come, first served.

    ``give_back`` is called with each unit that is fixed, ``changed`` after each service. ``leaving`` counts the units
    in service that will leave it, and dead spares that a check will find; ``bad`` are the nodes that only seem to be in
    order, or did until they failed again, each with its last visit; ``history`` says when each node failed by itself.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self.bad: dict[int, Unit] = {}
        self.history: defaultdict[int, list[float]] = defaultdict(list)
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
        plan = self.context.plan
        if self._counts(unit) and plan.retire.failures + plan.quarantine.failures > 0:
            history = self.history[unit.node]
            history.append(self.context.now)
            if not plan.retire.late and self._fails_often(history, plan.retire):
                self._retire(unit)
                return
            unit.suspect = self._fails_often(history, plan.quarantine)
        own = plan.sources[unit.fault.source].stage
        self._enter(unit, own if own != ANY else 0 if unit.need == RESET else plan.repair_entry)

    def _counts(self, unit: Unit) -> bool:
        """Whether a node is in repair for a failure of its own."""
        return unit.fault.alone and unit.member == 0

    def _retire(self, unit: Unit) -> None:
        """A node is given up: its successor has no history, and is no suspect."""
        self.context.row["retired"] += 1
        unit.suspect = False
        self.history[unit.node].clear()
        self._enter(unit, self.context.plan.retire.stage)

    def _fails_often(self, history: list[float], strikes: Strikes) -> bool:
        """Whether the last so many failures of a node lie in so short a time before now."""
        if not 0 < strikes.failures <= len(history):
            return False
        return self.context.now - history[-strikes.failures] <= strikes.within

    def _enter(self, unit: Unit, stage: int) -> None:
        """A unit joins a stage, or the one after it if that may serve it no more."""
        stages = self.context.plan.repair
        while 0 < stages[stage].attempts <= unit.served[stage]:
            stage = stages[stage].or_else
        unit.since = self.context.now
        crews = stages[stage].crews
        if crews == 0 or self.busy[stage] < crews:
            self._serve(unit, stage)
        else:
            self.queues[stage].append(unit)

    def _serve(self, unit: Unit, stage: int) -> None:
        what: RepairStage = self.context.plan.repair[stage]
        self.busy[stage] += 1
        if stage != self.context.plan.retire.stage:
            self.context.row["repairs"] += 1
        if what.crews > 0:
            self.context.row["crew_services"] += 1
            self.context.row["crew_wait_s"] += self.context.now - unit.since
        fault = unit.fault
        u, choice, outcome, lie = self.context.uniforms(
            fault.source, fault.block + 256 * unit.attempt + MEMBER * unit.member, fault.ordinal, what.lane
        )
        unit.attempt += 1
        unit.served[stage] += 1
        if what.finds < 0.0:
            fixed = outcome < what.success
            if fixed:
                self.bad.pop(unit.node, None)
            if fixed and lie < what.false_fix:
                self.bad[unit.node] = unit
        else:
            fixed = outcome < what.success * (1.0 - what.finds if unit.node in self.bad else 1.0)
        time = self.context.sample(what.law, u, choice)
        if time < math.inf:
            self.leaving += 1
            at = done_at(self.context.now, time, what.shift_origin, what.shift_length, what.shift_days)
            done = self.context.alarm(at, REPAIRED)
            self.context.env.process(self._work(unit, stage, done, fixed))

    def _work(self, unit: Unit, stage: int, done: simpy.Event, fixed: bool) -> Process:
        yield done
        self.context.count_events()
        self.leaving -= 1
        self.busy[stage] -= 1
        if self.queues[stage]:
            self._serve(self.queues[stage].popleft(), stage)
        what = self.context.plan.repair[stage]
        if not fixed:
            self._enter(unit, stage if what.attempts > 0 else what.or_else)
        else:
            if not (unit.need == RESET and stage == 0):
                unit.renewed = max(unit.renewed, what.renews)
            quarantine, retire = self.context.plan.quarantine.stage, self.context.plan.retire
            if what.then != BACK:
                self._enter(unit, what.then)
            elif retire.late and self._counts(unit) and self._fails_often(self.history[unit.node], retire):
                self._retire(unit)
            elif unit.suspect and unit.served[quarantine] == 0:
                self._enter(unit, quarantine)
            else:
                self._let_go(unit)
        self.changed()

    def _let_go(self, unit: Unit) -> None:
        if unit.node in self.bad:
            self.bad[unit.node] = unit  # a test may have let it pass: its next fault is keyed by this visit
        self.book()
        self.units -= 1
        self.give_back(unit)
