"""The job in the SimPy engine: stepping, stopped, seen, waiting for units, recovering, stepping again."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import simpy

from sim.engine.simpy_engine.capacity import Capacity
from sim.engine.simpy_engine.clocks import Clock
from sim.engine.simpy_engine.context import LAST_SAVE, OWN, Context, Fault, Process
from sim.engine.simpy_engine.saving import OneStore, Stores
from sim.engine.state import StopReason
from sim.kernels import ledger
from sim.kernels.laws import CONSTANT, watchdog_delay
from sim.plan import ANY, AUTO, DETECTION_LANE, PROCESS, SPARES_ELSE_WAIT, TRAINING, WALL, Rule, Stage

Phase = Callable[[], Process]


@dataclass
class Incident:
    """The open incident, and the recovery in it."""

    opened: float
    cause: int
    progress: float
    faults: int = 0
    units: int = 0
    worst: int = PROCESS
    attempts: int = 0
    starts: Counter[int] = field(default_factory=Counter)
    rule: int = -1
    lost: float = 0.0


class Job:
    """The one coherent job: stepping, stopped, seen, waiting for units, recovering, stepping again."""

    def __init__(self, context: Context, capacity: Capacity, clocks: tuple[Clock, Clock]) -> None:
        self.context = context
        self.plan = context.plan
        self.capacity = capacity
        capacity.swapped = lambda slot: self.saves.swap(slot)
        self.clocks = clocks
        self.phase: Phase = self.start
        self.since = 0.0
        self.saves = OneStore(context) if not self.plan.tiers else Stores(context)
        self.incident: Incident | None = None
        self.rule: Rule = self.plan.rules[-1]
        self.stage: int = -1
        self.retry_from = -1
        self.list_again = False
        self.seen = math.inf
        self.last: Fault | None = None
        self.arrival: simpy.Event | None = None
        self.process = context.env.process(self._live())

    def _live(self) -> Process:
        while True:
            try:
                self.phase = yield from self.phase()
            except simpy.Interrupt as strike:
                self._struck(cast(Fault, strike.cause))

    def start(self) -> Process:
        """The start of the run: the stages of the last rule, if the scenario asks for it."""
        self._turn(wall=True, training=False)
        if self.plan.initial_start:
            yield from self._stages(0)
        return self.running

    def running(self) -> Process:
        """Stepping and saving, until the work is done."""
        self._close(self.context.now)
        plan = self.plan
        self._turn(wall=True, training=True)
        self.saves.resume()
        if plan.work == math.inf:
            yield self.context.env.event()
        for end in self.saves.ends():
            yield self.context.alarm(end, LAST_SAVE if plan.final_save else OWN)
        self.context.stop(StopReason.DONE)
        yield self.context.env.event()

    def detect(self) -> Process:
        """Nobody knows yet; then the units down go to repair, and a rule is chosen."""
        yield self.context.alarm(self.seen, OWN)
        incident = self.open_incident
        self.context.book(ledger.DETECTION, self.since)
        self.capacity.admit_all()
        again = self.retry_from >= 0 and not self.list_again
        if not again:
            incident.rule = self._choose(incident)
            incident.starts[incident.rule] += 1
            self.rule = self.plan.rules[incident.rule]
        if not again:
            return self.wait
        self.since = self.context.now
        return (yield from self._attempt(self.retry))

    def _choose(self, incident: Incident) -> int:
        """The first rule whose conditions all hold; the last one has none."""
        down = len(self.capacity.empty)
        for i, rule in enumerate(self.plan.rules):
            if (
                (rule.needs == ANY or rule.needs >> incident.worst & 1)
                and (rule.units_down_at_most == ANY or down <= rule.units_down_at_most)
                and (rule.spare_available == ANY or self.capacity.suffices(rule) == bool(rule.spare_available))
                and (rule.attempts_below == ANY or incident.starts[i] < rule.attempts_below)
            ):
                return i
        raise AssertionError("the last rule has no condition")

    def wait(self) -> Process:
        """Get the units that the rule wants: idle spares at once, what is missing when it is repaired."""
        capacity = self.capacity
        self.since = capacity.empty_since = self.context.now
        capacity.bucket = ledger.CAPACITY_WAIT
        capacity.waiting = self.rule if self.rule.use == SPARES_ELSE_WAIT else None
        if capacity.waiting and capacity.empty:
            capacity.take_spares(self.rule)
            if capacity.empty:
                self.context.row["spare_waits"] += 1
        if capacity.empty or capacity.ready_at > self.context.now:
            self._turn(wall=self.rule.vulnerable, training=False)
            self.look_at_shop()
            while capacity.empty:
                self.arrival = self.context.env.event()
                yield self.arrival
            yield self.context.alarm(max(self.context.now, capacity.ready_at), OWN)
            self.context.book(ledger.CAPACITY_WAIT, self.since)
            self.since = self.context.now
        capacity.activating.clear()
        return (yield from self._attempt(self.recover))

    def _attempt(self, stages: Phase) -> Process:
        """On to the stages, unless this incident has had as many attempts as the scenario allows."""
        self.open_incident.lost += self.saves.fall_back()
        self.open_incident.attempts += 1
        self.context.row["attempts"] += 1
        if self.open_incident.attempts > self.plan.max_attempts:
            self.context.stop(StopReason.NO_PROGRESS)
            yield self.context.env.event()
        return stages

    def look_at_shop(self) -> None:
        """Something changed in the shop: it may be what the job waits for, or its last hope."""
        if self.phase != self.wait:
            return
        if self.capacity.empty:
            if self.capacity.shop.leaving == 0:
                self.context.stop(StopReason.DEPLETED)
        elif self.arrival is not None and not self.arrival.triggered:
            self.arrival.succeed()

    def recover(self) -> Process:
        """All stages of the rule."""
        yield from self._stages(0)
        return self.running

    def retry(self) -> Process:
        """The interrupted stage again, and those after it."""
        yield from self._stages(self.retry_from)
        return self.running

    def _stages(self, first: int) -> Process:
        for i in range(first, len(self.rule.stages)):
            stage = self.rule.stages[i]
            length = self._length(stage)
            if length > 0.0:
                self.stage = i
                self.since = self.context.now
                self._turn(wall=stage.vulnerable, training=False)
                yield self.context.alarm(self.context.now + length, OWN)
                self.context.book(stage.bucket, self.since)

    def _length(self, stage: Stage) -> float:
        """Seconds that a stage takes; drawn for the fault that struck last."""
        if stage.law == AUTO:
            return self.saves.read_time()
        law = self.plan.laws[stage.law]
        if law.kind == CONSTANT:
            return law.a
        source, block, ordinal = (self.last.source, self.last.block, self.last.ordinal) if self.last else (-1, 0, 0)
        u, choice, _, _ = self.context.uniforms(source, block, ordinal, stage.lane)
        return self.context.sample(stage.law, u, choice)

    @property
    def open_incident(self) -> Incident:
        """The open incident, where there must be one."""
        assert self.incident is not None
        return self.incident

    def _turn(self, *, wall: bool, training: bool) -> None:
        """Let the fault clocks run or stand still."""
        self.clocks[WALL].turn(wall)
        self.clocks[TRAINING].turn(training)

    def _struck(self, fault: Fault) -> None:
        """A fault strikes the job or one of its nodes: it opens an incident, or joins and disturbs the open one."""
        detecting = self.phase == self.detect
        if not detecting:
            self._disturb()
        if self.incident is None:
            progress, lost = self.saves.halt() if self.phase == self.running else (self.saves.step, 0.0)
            self.incident = Incident(self.context.now, fault.source, progress, lost=lost)
            self.context.row["interruptions"] += 1
            self.context.interruptions_of[fault.source] += 1
        incident = self.incident
        if not detecting:
            self.phase = self.detect
            self.since = self.capacity.empty_since = self.context.now
            self.capacity.bucket = ledger.DETECTION
            self.capacity.waiting = None
            self._turn(wall=True, training=False)
        self.last = fault
        incident.faults += 1
        incident.worst = max(incident.worst, fault.need)
        if fault.slots:
            self.list_again = True
            incident.units += len(fault.slots)
            self.capacity.vacate(fault)
        lost = self.saves.lose(fault)
        incident.lost += lost
        self.list_again |= lost > 0.0
        seen = self.context.now + self._delay(fault)
        self.seen = min(self.seen, seen) if detecting else seen

    def _delay(self, fault: Fault) -> float:
        """Seconds until a fault is seen."""
        if not fault.hang:
            return self.plan.sources[fault.source].detect
        u, v, _, _ = self.context.uniforms(fault.source, fault.block, fault.ordinal, DETECTION_LANE)
        watchdog = self.plan.watchdog
        return watchdog_delay(watchdog.timeout, watchdog.heartbeat, watchdog.poll, u, v)

    def _disturb(self) -> None:
        """What was under way before the fault is accounted for, and whether it may go on after it."""
        self.retry_from = -1
        self.list_again = False
        if self.phase == self.wait:
            self.context.book(ledger.CAPACITY_WAIT, self.since)
            self.capacity.book_empty()
        elif self.phase != self.running:
            self.context.book(self.rule.stages[self.stage].bucket, self.since)
            if self.rule.retry_stage and self.incident is not None:
                self.retry_from = self.stage

    def _close(self, now: float) -> None:
        """The incident, if one is open, goes into the log; ``now`` is NaN if the run ends in it."""
        if self.incident is not None:
            i = self.incident
            self.context.log.append(
                (self.context.replication, i.opened, i.cause, i.faults, i.units, i.rule, i.attempts, i.progress,
                 self.saves.step, i.lost, now)
            )  # fmt: skip
            self.incident = None

    def finish(self, reason: StopReason) -> None:
        """The run ends: what the job was at is accounted for."""
        if self.phase == self.running:
            self.saves.finish(reason == StopReason.DONE and self.plan.final_save)
        elif self.phase == self.detect:
            self.context.book(ledger.DETECTION, self.since)
        elif self.phase == self.wait:
            self.context.book(ledger.CAPACITY_WAIT, self.since)
        else:
            self.context.book(self.rule.stages[self.stage].bucket, self.since)
        self.saves.count()
        self._close(math.nan)
