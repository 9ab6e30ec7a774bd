"""The job in the SimPy engine: stepping, stopped, seen, waiting for units, recovering, stepping again."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import cast

import numpy as np
import simpy

from sim.engine.simpy_engine.capacity import Capacity
from sim.engine.simpy_engine.clocks import Clock
from sim.engine.simpy_engine.context import LAST_SAVE, OWN, Context, Drawn, Fault, Process
from sim.engine.simpy_engine.incident import Incident, detection_delay, next_pause
from sim.engine.simpy_engine.notices import Notices
from sim.engine.simpy_engine.recurrence import Recurrences
from sim.engine.simpy_engine.saving import OneStore, Stores
from sim.engine.state import INITIAL_START, StopReason
from sim.kernels import ledger
from sim.kernels.laws import CONSTANT
from sim.kernels.philox import uniforms
from sim.plan import (
    ANY,
    AUTO,
    HANG,
    KNOWN,
    SPARES_ELSE_WAIT,
    TRAINING,
    WALL,
    Rule,
    Stage,
)  # fmt: skip

Phase = Callable[[], Process]

LEAVE = object()
"""What interrupts the job that is told to leave."""


class Job:
    """The one coherent job: stepping, stopped, seen, waiting for units, recovering, stepping again.

    ``rolled_back`` is called with the progress of each version that will be restored, ``notices`` are the faults that
    are known and have not struck, ``recurrences`` those of nodes that were not taken out.
    """

    notices: Notices
    recurrences: Recurrences

    def __init__(self, context: Context, capacity: Capacity, clocks: tuple[Clock, Clock]) -> None:
        self.context = context
        self.plan = context.plan
        self.capacity = capacity
        self.clocks = clocks
        self.phase: Phase = self.start
        self.since = 0.0
        self.saves = OneStore(context) if not self.plan.tiers else Stores(context)
        capacity.swapped = self.saves.swap
        self.passed = 0.0, 0
        self.pause, self.pause_at = -1, math.inf
        self.saving = self.on_hold = False
        self.incident: Incident | None = None
        self.rule: Rule = self.plan.rules[-1]
        self.stage: int = -1
        self.failures = 0
        self.retry_from = -1
        self.list_again = False
        self.seen = math.inf
        self.drawn: Drawn | None = None
        self.last: Fault | None = None
        self.arrival: simpy.Event | None = None
        self.claim = math.inf
        self.complete = False
        self.rolled_back: Callable[[float], None] = lambda progress: None
        self.process = context.env.process(self._live())

    def _live(self) -> Process:
        while True:
            try:
                self.phase = yield from self.phase()
            except simpy.Interrupt as strike:
                if strike.cause is LEAVE:
                    self.phase = self.leave
                    continue
                self._struck(cast(Fault, strike.cause))
                self._all_strike()

    def strike(self, fault: Fault) -> None:
        """A fault strikes the job or nodes of it."""
        if self.context.env.active_process is self.process:
            self._struck(fault)
        else:
            self.process.interrupt(fault)

    def _all_strike(self) -> None:
        """Faults that are known strike as soon as the job is stopped."""
        while self.notices.pending:
            self.notices.strike_first()

    def start(self) -> Process:
        """The start of the run: the stages of the last rule, if the scenario asks for it."""
        self._turn(wall=True, training=False)
        failed = (yield from self._stages(0)) if self.plan.initial_start else -1
        while failed >= 0:
            self.since = self.context.now
            self.failures += 1
            self.context.count_events()
            if self.failures >= self.plan.max_attempts:
                self.context.stop(StopReason.NO_PROGRESS)
            yield self.context.alarm(self.context.now, OWN)
            failed = yield from self._stages(failed if self.rule.retry_stage else 0)
        return self.running

    def running(self) -> Process:
        """Stepping and saving, until the work is done."""
        if self.recurrences.is_due:
            return self.stumble
        if self.incident is not None and self.incident.faults > 0:
            for clock in self.clocks:
                clock.renew_all()
        self._close(self.context.now)
        self.saves.resume()
        self.passed = self.saves.step, len(self.plan.pauses)
        return (yield from self._steps())

    def stumble(self) -> Process:
        """The job starts to step, and a node that is still broken stops it at once: the incident goes on."""
        self._turn(wall=True, training=True)
        yield self.context.env.event()

    def go_on(self) -> Process:
        """The segment that stood still during a pause goes on, as much later as the pause was long."""
        self._close(self.context.now)
        self.saves.hold(self.since)
        return (yield from self._steps())

    def _steps(self) -> Process:
        """Stepping and saving until the next pause, or the end of the work."""
        plan = self.plan
        self._turn(wall=True, training=True)
        self.pause, self.pause_at = next_pause(plan, *self.passed)
        if self.notices.pending and self._can_leave():
            return self.leave
        self.saving = plan.final_save if self.pause < 0 else plan.has_store and plan.pauses[self.pause].save
        for due in self.saves.ends(self.pause_at, self.saving, self.pause < 0):
            alarm = self.context.alarm(due, LAST_SAVE if self.saving else OWN) if due < math.inf else None
            yield alarm or self.context.env.event()
        if self.pause >= 0:
            return self.paused
        self.context.stop(StopReason.DONE)
        yield self.context.env.event()

    def told(self) -> None:
        """A fault is known: the job leaves before it if it can; if it does not step, the fault strikes at once."""
        if self.phase in (self.running, self.go_on):
            if self._can_leave():
                self.process.interrupt(LEAVE)
        elif not (self.is_stepping or (self.phase == self.paused and self.on_hold)):
            self.notices.strike_first()

    def _can_leave(self) -> bool:
        """Whether what is done can be saved before the first fault that is known strikes."""
        goal = self.saves.progress_at(self.context.now)
        if not self.plan.has_store or goal >= self.pause_at:
            return False
        self.left_at, self.left_when = goal, max(self.saves.saved_by(goal), self.context.now)
        return self.left_when <= self.notices.due

    def leave(self) -> Process:
        """A fault is known: the job saves, and stops before it strikes."""
        self.saves.stop_at(self.left_at)
        yield self.context.alarm(self.left_when, LAST_SAVE)
        self.context.row["saved_on_notice"] += 1
        self._open(self.notices.first.fault.source, self.left_at)
        self.saves.settle(self.context.now, saved=True)
        self.saves.keep(self.left_at)
        self._stop()
        self.retry_from, self.list_again = -1, False
        self.seen = self.context.now
        self._all_strike()
        return self.detect

    def paused(self) -> Process:
        """A planned pause: the state is saved, or the segment stands still and goes on afterwards."""
        self.context.count_events()
        pause = self.plan.pauses[self.pause]
        self.since = self.context.now
        self._open(len(self.plan.sources) + self.pause, self.pause_at)
        self.on_hold = not self.saving
        if self.saving:
            self.saves.settle(self.since, saved=True)
            self.saves.keep(self.pause_at)
        self.passed = self.pause_at, self.pause
        self._turn(wall=pause.vulnerable, training=False)
        if self.notices.pending and not self.on_hold:
            self._all_strike()
            return self.detect
        key_0, key_1 = map(np.uint64, pause.key)
        ordinal = round(self.pause_at / pause.every)
        u, choice, _, _ = uniforms(key_0, key_1, ordinal, 0, 0, self.context.replication)
        length = self.context.sample(pause.law, u, choice)
        self.drawn = Drawn(pause.law, length, self.since, pause.vulnerable)
        yield self.context.alarm(self.since + length, OWN)
        self._book_pause()
        return self.go_on if self.on_hold else self.running

    def detect(self) -> Process:
        """Nobody knows yet; then the units down go to repair, and a rule is chosen."""
        yield self.context.alarm(self.seen, OWN)
        incident = self.open_incident
        self._book_recovery(ledger.DETECTION)
        self.capacity.admit_all()
        if self.retry_from >= 0 and not self.list_again:
            self.since = self.context.now
            return (yield from self._attempt(self.retry))
        incident.choose_rule(self.plan, self.capacity)
        self.rule = self.plan.rules[incident.rule]
        return self.wait

    def wait(self) -> Process:
        """Get the units that the rule wants: idle spares at once, what is missing when it is repaired."""
        capacity = self.capacity
        self.since = capacity.empty_since = self.context.now
        capacity.bucket = self._waiting
        capacity.waiting = self.rule
        if self.rule.use == SPARES_ELSE_WAIT and capacity.empty:
            capacity.take_spares(self.rule)
            if capacity.empty:
                self.context.row["spare_waits"] += 1
        capacity.refill(self.rule)
        if not capacity.is_full(self.rule) or capacity.ready_at > self.context.now:
            self._turn(wall=self.rule.vulnerable, training=False)
            while True:
                self.complete = False
                while not capacity.is_full(self.rule):
                    self.claim = self._claim()
                    self.look_at_shop()
                    self.arrival = self.context.env.event()
                    claimed = self.claim < math.inf
                    yield self.arrival | self.context.alarm(self.claim, OWN) if claimed else self.arrival
                    if not capacity.is_full(self.rule):
                        capacity.refill(self.rule)
                self.complete = True
                yield self.context.alarm(max(self.context.now, capacity.ready_at), OWN)
                if capacity.is_full(self.rule):
                    break
                capacity.refill(self.rule)  # the pool that must be full has lost a spare since it was
            self._book_wait()
            self.since = self.context.now
        capacity.waiting = None
        capacity.activating.clear()
        capacity.refilled = 0.0
        return (yield from self._attempt(self.recover))

    def _attempt(self, stages: Phase) -> Process:
        """On to the stages, unless this incident, or the run, has had as many attempts as the scenario allows."""
        self.open_incident.lost += self._fall_back()
        self.open_incident.attempts += 1
        self.context.row["attempts"] += 1
        if self.open_incident.attempts > self.plan.max_attempts:
            self.context.stop(StopReason.NO_PROGRESS)
            yield self.context.env.event()
        if self.context.row["attempts"] > self.plan.max_restarts:
            self.context.stop(StopReason.RESTART_LIMIT)
            yield self.context.env.event()
        return stages

    def _claim(self) -> float:
        """When the next node is there that was claimed, and the job may claim another; infinite if it is not to."""
        return self.capacity.next_claim if self.rule.refill != ANY and self.rule.await_refill else math.inf

    def look_at_shop(self) -> None:
        """Something changed in the shop: it may be what the job waits for, or its last hope. A node that was claimed
        and is there now is a hope until the job has looked.
        """
        if self.phase != self.wait or self.complete:
            return
        if not self.capacity.is_full(self.rule):
            if self.capacity.shop.leaving == 0 and self.claim == math.inf:
                self.context.stop(StopReason.DEPLETED)
        elif self.arrival is not None and not self.arrival.triggered:
            self.arrival.succeed()

    def recover(self) -> Process:
        """All stages of the rule."""
        failed = yield from self._stages(0)
        return self.running if failed < 0 else self._again(failed)

    def retry(self) -> Process:
        """The interrupted stage again, and those after it."""
        failed = yield from self._stages(self.retry_from)
        return self.running if failed < 0 else self._again(failed)

    def _again(self, failed: int) -> Phase:
        """A stage has failed at its end: on as after a fault in it that takes no node and is seen at once."""
        self.failures += 1
        self.context.count_events()
        self.retry_from, self.list_again = -1, False
        self._give_way(failed)
        self._stop()
        self.seen = self.context.now
        return self.detect

    def _give_way(self, stage: int) -> None:
        """A stage was interrupted, or none (-1): what is tried next, if the rule says so."""
        if self.rule.retry_stage and stage >= 0:
            self.retry_from = stage
        elif self.rule.escalate:
            self.open_incident.rules_from = min(self.open_incident.rule + 1, len(self.plan.rules) - 1)

    def _stages(self, first: int) -> Process:
        """Stages of the rule. Returns the one that failed at its end, -1 if all have worked."""
        for i in range(first, len(self.rule.stages)):
            stage = self.rule.stages[i]
            length = self._length(stage)
            if length > 0.0:
                self.stage = i
                self.since = self.context.now
                if stage.law != AUTO:
                    self.drawn = Drawn(stage.law, length, self.since, stage.vulnerable)
                self._turn(wall=stage.vulnerable, training=False)
                yield self.context.alarm(self.context.now + length, OWN)
                self._book_recovery(stage.bucket)
            if stage.fails > 0.0 and self._drawn(stage)[2] < stage.fails:
                return i
        return -1

    def _drawn(self, stage: Stage) -> tuple[float, float, float, float]:
        """Uniforms of a stage, keyed by the fault that struck last and how many stages have failed since."""
        source, block, ordinal = (self.last.source, self.last.block, self.last.ordinal) if self.last else (-1, 0, 0)
        return self.context.uniforms(source, block + 256 * self.failures, ordinal, stage.lane)

    def _length(self, stage: Stage) -> float:
        """Seconds that a stage takes."""
        if stage.law == AUTO:
            return self.saves.read_time()
        law = self.plan.laws[stage.law]
        if law.kind == CONSTANT:
            return law.a
        u, choice, _, _ = self._drawn(stage)
        return self.context.sample(stage.law, u, choice)

    @property
    def is_stepping(self) -> bool:
        """Whether the job steps or saves."""
        return self.phase in (self.running, self.go_on, self.leave)

    @property
    def _waiting(self) -> int:
        """Bucket of a wait for units: whether it is for those in maintenance only."""
        return ledger.MAINTENANCE if self.open_incident.planned else ledger.CAPACITY_WAIT

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
            self._disturb(fault.source)
        if self.incident is None:
            self._open(fault.source, self.progress_at(self.context.now))
            if self.is_stepping:
                self._halt(self.context.now, fault.source)
        incident = self.open_incident
        if not detecting:
            self._stop()
        self.last = fault
        self.capacity.struck(fault)
        self.failures = 0
        incident.planned &= self.plan.sources[fault.source].planned and fault.effect == KNOWN
        incident.faults += 1
        incident.worst = max(incident.worst, fault.need)
        if fault.slots:
            self.list_again = True
            incident.units += len(fault.slots)
            self.capacity.vacate(fault)
            if self.plan.repair_at_fault:
                self.capacity.admit_all()
        self.saves.lose(fault)
        lost = self._fall_back()
        incident.lost += lost
        self.list_again |= lost > 0.0
        if fault.effect == KNOWN:
            # It is seen when it is due, though it strikes before where another one, still unseen, has stopped the job.
            seen = fault.due if detecting else self.context.now
        else:
            delay = detection_delay(self.context, fault)
            law = self.plan.sources[fault.source].detect_law
            if law != ANY and fault.effect != HANG and not detecting:
                drawn = Drawn(law, delay, self.context.now, vulnerable=True)
                self.context.book_excess(drawn, ledger.DETECTION, fault.source)
            seen = self.context.now + delay
        self.seen = min(self.seen, seen) if detecting else seen

    def _stop(self) -> None:
        """The job stands still, and nobody knows why."""
        self.phase = self.detect
        self.since = self.capacity.empty_since = self.context.now
        self.capacity.bucket = ledger.DETECTION
        self.capacity.waiting = None
        self._turn(wall=True, training=False)

    def _disturb(self, source: int) -> None:
        """What was under way before a fault is accounted for, and whether it may go on after it."""
        self.retry_from = -1
        self.list_again = False
        if self.phase == self.wait:
            self._book_wait()
            self.capacity.book_empty()
        elif self.phase == self.paused:
            self._book_pause()
            if self.on_hold:
                self._halt(self.since, source)
        elif not self.is_stepping:
            in_stage = self.phase != self.stumble
            if in_stage:
                self._book_recovery(self.rule.stages[self.stage].bucket)
            if self.incident is not None and self.incident.attempts > 0:
                self._give_way(self.stage if in_stage else -1)

    def _open(self, cause: int, progress: float) -> None:
        """The job stops: a source, or the number of sources and that of a pause, is the cause."""
        self.incident = Incident(self.context.now, cause, progress)
        self.context.row["interruptions"] += 1
        self.context.interruptions_of[cause] += 1

    def _book_recovery(self, bucket: int) -> None:
        """Account for detection or a stage up to now, also to the source of the fault that struck last."""
        self.context.book(bucket, self.since)
        source = self.last.source if self.last is not None else INITIAL_START
        self.context.recovery_of[source] += self.context.now - self.since
        self._book_excess(bucket, source)

    def _book_wait(self) -> None:
        """Account for a wait for units up to now."""
        self.context.book(self._waiting, self.since)
        self.context.row["waited_s"] += self.context.now - self.since

    def _book_pause(self) -> None:
        """Account for a pause up to now, also to its cause."""
        bucket, cause = self.plan.pauses[self.pause].bucket, len(self.plan.sources) + self.pause
        self.context.book(bucket, self.since)
        self.context.recovery_of[cause] += self.context.now - self.since
        self._book_excess(bucket, cause)

    def _book_excess(self, bucket: int, cause: int) -> None:
        """Account for the duration that was drawn for what is over, if one was, and it has begun."""
        if self.drawn is not None and self.context.now > self.since:
            self.context.book_excess(self.drawn, bucket, cause)
        self.drawn = None

    def _halt(self, t: float, source: int) -> None:
        """A fault of a source ends the segment at ``t``."""
        self.open_incident.lost = self.saves.halt(t)
        self.context.lost_of[source] += self.open_incident.lost
        self.rolled_back(self.saves.step)

    def _fall_back(self) -> float:
        """The newest version that is left is restored. Returns the seconds of stepping that are lost with others."""
        lost = self.saves.fall_back()
        if self.last is not None:
            self.context.lost_of[self.last.source] += lost
        self.rolled_back(self.saves.step)
        return lost

    def progress_at(self, at: float) -> float:
        """Progress at a time of the present phase; while the job does not run, that of the version to be restored."""
        if self.phase == self.paused and self.on_hold:
            return self.pause_at
        return self.saves.progress_at(at) if self.is_stepping else self.saves.step

    def _close(self, now: float) -> None:
        """The incident, if one is open, goes into the log; ``now`` is NaN if the run ends in it."""
        if self.incident is not None:
            self.context.lost_before[self.saves.restored] += self.incident.lost
            if self.incident.attempts and not math.isnan(now):
                self.context.restores_of[self.saves.restored] += 1
            self.context.log.append(self.incident.record(self.context.replication, self.saves.step, now))
            self.incident = None

    def finish(self, reason: StopReason) -> None:
        """The run ends: what the job was at is accounted for."""
        if self.is_stepping:
            self.saves.settle(self.context.now, saved=reason == StopReason.DONE and self.plan.final_save)
        elif self.phase == self.paused:
            self._book_pause()
            self.context.row["not_saved_s"] = 0.0
            if self.on_hold:
                self.saves.settle(self.since, saved=False)
        elif self.phase == self.detect:
            self._book_recovery(ledger.DETECTION)
        elif self.phase == self.wait:
            self._book_wait()
        elif self.phase != self.stumble:
            self._book_recovery(self.rule.stages[self.stage].bucket)
        self.saves.count()
        self._close(math.nan)
