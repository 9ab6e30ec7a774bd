"""The model as SimPy processes: the specification that the compiled engine is held to, bit for bit.

Processes: the job, a clock for the faults on wall time and one for those on training time, and one for each unit that
a crew works on. Saves are counted in closed form (``sim.kernels.saves``), and all draws are keyed
(``sim.kernels.philox``).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import simpy
from simpy.events import EventPriority

from sim.engine.state import INCIDENT, ROW, StopReason
from sim.kernels import ledger
from sim.kernels.laws import CONSTANT, EXPONENTIAL, MIXTURE, duration
from sim.kernels.philox import uniforms
from sim.kernels.saves import Segment, last_save_durable, make_segment, stepping_until, work_end
from sim.plan import (
    ANY,
    AUTO,
    COLD,
    HOT,
    PROCESS,
    REPAIR,
    RESET,
    SPARES_ELSE_WAIT,
    TRAINING,
    WALL,
    Lane,
    Plan,
    RepairStage,
    Rule,
    Stage,
)  # fmt: skip

Process = Generator[simpy.Event, Any, Any]
Phase = Callable[[], Generator[simpy.Event, Any, Any]]

LIMIT, LAST_SAVE, REPAIRED, FAULT, OWN, END = 2000, 3000, 4000, 5000, 6000, 7000
"""Ranks of what happens at one instant (SimPy's own events have 0 and 1); a fault adds the number of its source."""


class Alarm(simpy.Event):
    """Something that happens at an absolute time, after all of a lower rank at that time.

    SimPy adds the delay to its clock; times are on a grid on which that sum is exact.
    """

    def __init__(self, env: simpy.Environment, at: float, rank: int) -> None:
        super().__init__(env)
        self._ok = True
        self._value = None
        env.schedule(self, EventPriority(rank), at - env.now)


@dataclass(frozen=True)
class Fault:
    """A fault that struck: its key (source, block, ordinal), its need, and the slot whose node it takes (-1: none)."""

    source: int
    block: int
    ordinal: int
    need: int
    slot: int
    taken: bool


@dataclass
class Unit:
    """A node in repair. ``slot`` is the job's slot that it left, -1 once another node has filled it."""

    fault: Fault
    slot: int
    attempt: int = 0
    since: float = 0.0


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


class Clock:
    """The faults of one clock. It reads the time during which it ran; faults are due at its readings."""

    def __init__(self, run: Run, clock: int) -> None:
        self.run = run
        self.lanes = [(i, lane) for i, lane in enumerate(run.plan.lanes) if lane.clock == clock]
        self.running = False
        self.read = self.since = 0.0
        self.next = {i: self._draw(lane, 0, 0.0) for i, lane in self.lanes}
        self.process = run.env.process(self._tick())

    def _draw(self, lane: Lane, ordinal: int, last: float) -> tuple[float, int, float, float]:
        """The next fault of a lane: when it is due, its ordinal, and uniforms for its slot and its need."""
        a, slot, need, _ = self.run.uniforms(lane.source, lane.block, ordinal, 0)
        return last + duration(EXPONENTIAL, lane.mean, 0.0, a, 0.0), ordinal, slot, need

    def _tick(self) -> Process:
        while True:
            try:
                if not self.running or not self.lanes:
                    yield self.run.env.event()
                i, lane = min(self.lanes, key=lambda each: self.next[each[0]][0])
                due, ordinal, slot, need = self.next[i]
                yield Alarm(self.run.env, self.since + (due - self.read), FAULT + lane.source)
                self.next[i] = self._draw(lane, ordinal + 1, due)
                self.run.count_event()
                self.run.strike(lane, ordinal, slot, need)
            except simpy.Interrupt:
                continue  # the clock was started or stopped

    def turn(self, on: bool) -> None:
        """Start or stop the clock now."""
        if on == self.running:
            return
        if on:
            self.since = self.run.now
        else:
            self.read += self.run.now - self.since
        self.running = on
        if self.lanes:
            self.process.interrupt()


class Shop:
    """Units in repair: stages in turn, each with its crews and its queue, first come, first served."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.queues: list[deque[Unit]] = [deque() for _ in run.plan.repair]
        self.busy = [0 for _ in run.plan.repair]
        self.units = 0
        self.leaving = 0
        self.since = 0.0

    def book(self) -> None:
        """Account for the units in repair up to now."""
        self.run.row["repair_node_s"] += self.units * (self.run.now - self.since)
        self.since = self.run.now

    def admit(self, fault: Fault, slot: int) -> Unit:
        """Send a unit to repair."""
        self.book()
        self.units += 1
        unit = Unit(fault, slot)
        self._enter(unit, 0 if fault.need == RESET else len(self.queues) - 1)
        return unit

    def _enter(self, unit: Unit, stage: int) -> None:
        unit.since = self.run.now
        crews = self.run.plan.repair[stage].crews
        if crews == 0 or self.busy[stage] < crews:
            self._serve(unit, stage)
        else:
            self.queues[stage].append(unit)

    def _serve(self, unit: Unit, stage: int) -> None:
        what: RepairStage = self.run.plan.repair[stage]
        self.busy[stage] += 1
        self.run.row["repairs"] += 1
        self.run.row["crew_wait_s"] += self.run.now - unit.since
        fault = unit.fault
        a, b, c, d = self.run.uniforms(fault.source, fault.block + 256 * unit.attempt, fault.ordinal, what.lane)
        unit.attempt += 1
        time = self.run.sample(what.law, a, b, c)
        if time < math.inf:
            self.leaving += 1
            done = Alarm(self.run.env, self.run.now + time, REPAIRED)
            self.run.env.process(self._work(unit, stage, done, d < what.success))

    def _work(self, unit: Unit, stage: int, done: Alarm, fixed: bool) -> Process:
        yield done
        self.run.count_event()
        self.leaving -= 1
        self.busy[stage] -= 1
        if self.queues[stage]:
            self._serve(self.queues[stage].popleft(), stage)
        if fixed:
            self.book()
            self.units -= 1
            self.run.capacity.rejoin(unit)
        else:
            self._enter(unit, len(self.queues) - 1)
        self.run.job.look_at_shop()


class Capacity:
    """Slots of the job that stand empty, in the order of their faults, and the idle spares of the pools."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.idle = {HOT: run.plan.pools[0].nodes, COLD: run.plan.pools[1].nodes}
        self.empty: list[tuple[int, Fault, Unit | None]] = []
        self.ready_at = 0.0
        self.idle_since = self.empty_since = 0.0

    def book_idle(self) -> None:
        """Account for the idle spares up to now."""
        self.run.row["spare_idle_node_s"] += sum(self.idle.values()) * (self.run.now - self.idle_since)
        self.idle_since = self.run.now

    def book_empty(self) -> None:
        """Account for the slots whose nodes are in repair up to now."""
        bucket = ledger.DETECTION if self.run.job.phase == self.run.job.detect else ledger.CAPACITY_WAIT
        absent = sum(unit is not None for _, _, unit in self.empty)
        self.run.absent[bucket] += absent * (self.run.now - self.empty_since)
        self.empty_since = self.run.now

    def is_empty(self, slot: int) -> bool:
        """Whether the node of a slot is down already."""
        return any(slot == empty for empty, _, _ in self.empty)

    def admit_all(self) -> None:
        """Send the nodes that are now known to be down to repair, in the order of their faults."""
        self.book_empty()
        self.empty = [(slot, fault, unit or self.run.shop.admit(fault, slot)) for slot, fault, unit in self.empty]

    def kill_spare(self, fault: Fault) -> None:
        """A hot spare fails: it is noticed at once."""
        self.book_idle()
        self.idle[HOT] -= 1
        self.run.shop.admit(fault, -1)

    def take_spares(self) -> None:
        """Call idle spares for all empty slots, those that activate fastest first."""
        self.book_idle()
        for block in self.run.plan.pool_order:
            count = min(len(self.empty), self.idle[block])
            if count > 0:
                self.idle[block] -= count
                self.run.row["spares_used"] += count
                self.ready_at = max(self.ready_at, self.run.now + self.run.plan.pools[block - 1].activation)
                self._fill(count)

    def _fill(self, count: int) -> None:
        """Other nodes fill the longest empty slots: their own nodes have none to come back to."""
        self.book_empty()
        for _, _, unit in self.empty[:count]:
            if unit is not None:
                unit.slot = -1
        del self.empty[:count]

    def rejoin(self, unit: Unit) -> None:
        """A repaired node comes back: to its own slot, to the waiting job, or to the fastest pool that is not full."""
        if unit.slot >= 0:
            self.book_empty()
            self.empty = [each for each in self.empty if each[2] is not unit]
        elif self.empty and self.run.job.waits_for_spares():
            self._fill(1)
        else:
            self.book_idle()
            fast, slow = self.run.plan.pool_order
            room = self.idle[fast] < self.run.plan.pools[fast - 1].nodes
            self.idle[fast if room else slow] += 1


class Job:
    """The one coherent job: stepping, stopped, seen, waiting for units, recovering, stepping again."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.plan = run.plan
        self.phase: Phase = self.start
        self.since = 0.0
        self.step, self.index = 0.0, 0
        self.segment = Segment(0.0, 0.0, 0, 0.0, 0, 0.0, 0.0)
        self.incident: Incident | None = None
        self.rule: Rule = self.plan.rules[-1]
        self.stage: int = -1
        self.retry_from = -1
        self.unit_taken = False
        self.seen = math.inf
        self.last: Fault | None = None
        self.arrival: simpy.Event | None = None
        self.process = run.env.process(self._live())

    def _live(self) -> Process:
        while True:
            try:
                self.phase = yield from self.phase()
            except simpy.Interrupt as strike:
                self._struck(cast(Fault, strike.cause))

    def start(self) -> Process:
        """The start of the run: the stages of the last rule, if the scenario asks for it."""
        self.run.turn(wall=True, training=False)
        if self.plan.initial_start:
            yield from self._stages(0)
        return self.running

    def running(self) -> Process:
        """Stepping and saving, until the work is done."""
        self._close(self.run.now)
        plan = self.plan
        self.run.turn(wall=True, training=True)
        self.segment = make_segment(
            self.run.now, self.step, self.index, plan.has_store, plan.work, plan.last_save, plan.pattern
        )
        if plan.work == math.inf:
            yield self.run.env.event()
        elif plan.final_save:
            yield Alarm(self.run.env, last_save_durable(self.segment, plan.pattern), LAST_SAVE)
        else:
            yield Alarm(self.run.env, work_end(self.segment, plan.pattern), OWN)
        self.run.finish(StopReason.DONE)
        yield self.run.env.event()

    def detect(self) -> Process:
        """Nobody knows yet; then the units down go to repair, and a rule is chosen."""
        yield Alarm(self.run.env, self.seen, OWN)
        incident = self.open_incident
        self._book(ledger.DETECTION, self.since)
        self.run.capacity.admit_all()
        incident.attempts += 1
        self.run.row["attempts"] += 1
        again = self.retry_from >= 0 and not self.unit_taken
        if not again:
            incident.rule = self._choose(incident)
            incident.starts[incident.rule] += 1
            self.rule = self.plan.rules[incident.rule]
        if incident.attempts > self.plan.max_attempts:
            self.since = self.run.now
            self.run.finish(StopReason.NO_PROGRESS)
            yield self.run.env.event()
        return self.retry if again else self.wait

    def _choose(self, incident: Incident) -> int:
        """The first rule whose conditions all hold; the last one has none."""
        down, idle = len(self.run.capacity.empty), sum(self.run.capacity.idle.values())
        for i, rule in enumerate(self.plan.rules):
            if (
                (rule.needs == ANY or rule.needs >> incident.worst & 1)
                and (rule.units_down_at_most == ANY or down <= rule.units_down_at_most)
                and (rule.spare_available == ANY or (idle >= down) == bool(rule.spare_available))
                and (rule.attempts_below == ANY or incident.starts[i] < rule.attempts_below)
            ):
                return i
        raise AssertionError("the last rule has no condition")

    def wait(self) -> Process:
        """Get the units that the rule wants: idle spares at once, what is missing when it is repaired."""
        capacity = self.run.capacity
        self.since = capacity.empty_since = self.run.now
        if self.rule.use == SPARES_ELSE_WAIT and capacity.empty:
            capacity.take_spares()
            if capacity.empty:
                self.run.row["spare_waits"] += 1
        if capacity.empty or capacity.ready_at > self.run.now:
            self.run.turn(wall=self.rule.vulnerable, training=False)
            self.look_at_shop()
            while capacity.empty:
                self.arrival = self.run.env.event()
                yield self.arrival
            yield Alarm(self.run.env, max(self.run.now, capacity.ready_at), OWN)
            self._book(ledger.CAPACITY_WAIT, self.since)
        return self.recover

    def look_at_shop(self) -> None:
        """Something changed in the shop: it may be what the job waits for, or its last hope."""
        if self.phase != self.wait:
            return
        if self.run.capacity.empty:
            if self.run.shop.leaving == 0:
                self.run.finish(StopReason.DEPLETED)
        elif self.arrival is not None and not self.arrival.triggered:
            self.arrival.succeed()

    def waits_for_spares(self) -> bool:
        """Whether any repaired node may fill any empty slot."""
        return self.phase == self.wait and self.rule.use == SPARES_ELSE_WAIT

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
                self.since = self.run.now
                self.run.turn(wall=stage.vulnerable, training=False)
                yield Alarm(self.run.env, self.run.now + length, OWN)
                self._book(stage.bucket, self.since)

    def _length(self, stage: Stage) -> float:
        """Seconds that a stage takes; drawn for the fault that struck last."""
        if stage.law == AUTO:
            return self.plan.read if self.index > 0 else 0.0
        law = self.plan.laws[stage.law]
        if law.kind == CONSTANT:
            return law.a
        source, block, ordinal = (self.last.source, self.last.block, self.last.ordinal) if self.last else (-1, 0, 0)
        a, b, c, _ = self.run.uniforms(source, block, ordinal, stage.lane)
        return self.run.sample(stage.law, a, b, c)

    @property
    def open_incident(self) -> Incident:
        """The open incident, where there must be one."""
        assert self.incident is not None
        return self.incident

    def _book(self, bucket: int, since: float) -> None:
        self.run.ledger[bucket] += self.run.now - since

    def _struck(self, fault: Fault) -> None:
        """A fault strikes the job or one of its nodes: it opens an incident, or joins and disturbs the open one."""
        detecting = self.phase == self.detect
        if not detecting:
            self._disturb()
        if self.incident is None:
            progress = self.step
            if self.phase == self.running:
                progress += stepping_until(self.run.now, self.segment, self.plan.pattern)[1]
            self.incident = Incident(self.run.now, fault.source, progress)
            self.run.row["interruptions"] += 1
            self.run.interruptions_of[fault.source] += 1
            if self.phase == self.running:
                self._halt(self.incident)
        incident = self.incident
        if not detecting:
            self.phase = self.detect
            self.since = self.run.capacity.empty_since = self.run.now
            self.run.turn(wall=True, training=False)
        self.last = fault
        incident.faults += 1
        incident.worst = max(incident.worst, fault.need)
        if fault.taken:
            self.unit_taken = True
            incident.units += 1
            self.run.capacity.empty.append((fault.slot, fault, None))
        seen = self.run.now + self.plan.sources[fault.source].detect
        self.seen = min(self.seen, seen) if detecting else seen

    def _disturb(self) -> None:
        """What was under way before the fault is accounted for, and whether it may go on after it."""
        self.retry_from = -1
        self.unit_taken = False
        if self.phase == self.wait:
            self._book(ledger.CAPACITY_WAIT, self.since)
            self.run.capacity.book_empty()
        elif self.phase != self.running:
            self._book(self.rule.stages[self.stage].bucket, self.since)
            if self.rule.retry_stage and self.incident is not None:
                self.retry_from = self.stage

    def _halt(self, incident: Incident) -> None:
        """The running segment ends: the newest durable version will be restored."""
        productive, stall, slowdown, lost, durable, step, index = ledger.interrupted(
            self.run.now, self.segment, self.plan.pattern
        )
        for bucket, seconds in (
            (ledger.PRODUCTIVE, productive),
            (ledger.SAVE_STALL, stall),
            (ledger.SAVE_SLOWDOWN, slowdown),
            (ledger.LOST_WORK, lost),
        ):
            self.run.ledger[bucket] += seconds
        self.run.row["saves"] += durable
        incident.lost = lost
        self.step, self.index = step, index

    def _close(self, now: float) -> None:
        """The incident, if one is open, goes into the log; ``now`` is NaN if the run ends in it."""
        if self.incident is not None:
            i = self.incident
            self.run.log.append(
                (self.run.replication, i.opened, i.cause, i.faults, i.units, i.rule, i.attempts, i.progress, self.step,
                 i.lost, now)
            )  # fmt: skip
            self.incident = None

    def finish(self, reason: StopReason) -> None:
        """The run ends: what the job was at is accounted for."""
        if self.phase == self.running:
            productive, stall, slowdown, durable, not_saved = ledger.ended(
                self.run.now, self.segment, self.plan.pattern
            )
            self.run.ledger[ledger.PRODUCTIVE] += productive
            self.run.ledger[ledger.SAVE_STALL] += stall
            self.run.ledger[ledger.SAVE_SLOWDOWN] += slowdown
            last_saved = reason == StopReason.DONE and self.plan.final_save
            self.run.row["saves"] += durable + last_saved
            self.run.row["not_saved_s"] = 0.0 if last_saved else not_saved
        elif self.phase == self.detect:
            self._book(ledger.DETECTION, self.since)
        elif self.phase == self.wait:
            self._book(ledger.CAPACITY_WAIT, self.since)
        else:
            self._book(self.rule.stages[self.stage].bucket, self.since)
        self._close(math.nan)


class Run:
    """One replication: the parts above, the draws they share, and what the run leaves."""

    def __init__(self, plan: Plan, replication: int) -> None:
        self.plan = plan
        self.replication = replication
        self.env = simpy.Environment()
        self.row: defaultdict[str, float] = defaultdict(float)
        self.ledger = [0.0] * len(ledger.BUCKETS)
        self.absent = [0.0] * len(ledger.BUCKETS)
        self.faults_of: Counter[int] = Counter()
        self.interruptions_of: Counter[int] = Counter()
        self.log: list[tuple[float, ...]] = []
        self.keys = [tuple(map(np.uint64, key)) for key in (*(s.key for s in plan.sources), plan.start_key)]
        self.reason = StopReason.GOING
        self.end = math.inf
        self.events = 0
        self.shop = Shop(self)
        self.capacity = Capacity(self)
        self.job = Job(self)
        self.clocks = (Clock(self, WALL), Clock(self, TRAINING))
        if plan.horizon < math.inf:
            end = Alarm(self.env, plan.horizon, END)
            end.callbacks.append(lambda _: self.finish(StopReason.HORIZON))

    @property
    def now(self) -> float:
        """The time up to which things are accounted for: SimPy's, until the run ends."""
        return float(self.env.now) if self.reason == StopReason.GOING else self.end

    def uniforms(self, source: int, place: int, ordinal: int, lane: int) -> tuple[float, float, float, float]:
        """Four uniforms keyed by a fault (source -1: the initial start) and what is drawn for it."""
        key_0, key_1 = self.keys[source]
        return uniforms(key_0, key_1, ordinal, lane, place, self.replication)

    def sample(self, law: int, u: float, v: float, choice: float) -> float:
        """One duration of a law of the plan."""
        what = self.plan.laws[law]
        while what.kind == MIXTURE:
            first = choice < what.share
            choice = choice / what.share if first else (choice - what.share) / (1.0 - what.share)
            what = self.plan.laws[what.first if first else what.other]
        return duration(what.kind, what.a, what.b, u, v)

    def turn(self, *, wall: bool, training: bool) -> None:
        """Let the fault clocks run or stand still."""
        self.clocks[WALL].turn(wall)
        self.clocks[TRAINING].turn(training)

    def strike(self, lane: Lane, ordinal: int, u_slot: float, u_need: float) -> None:
        """A fault strikes: a spare, a node of the job, the job, or nothing that still works."""
        source = self.plan.sources[lane.source]
        slot = int(u_slot * lane.slots) if lane.slots > 0 else -1
        need = REPAIR
        if u_need < source.p_process:
            need = PROCESS
        elif u_need < source.p_process + source.p_reset:
            need = RESET
        fault = Fault(lane.source, lane.block, ordinal, need, slot, source.takes_node and need > PROCESS)
        if lane.block == HOT:
            if fault.taken and slot < self.capacity.idle[HOT]:
                self.row["spare_faults"] += 1
                self.capacity.kill_spare(fault)
            else:
                self.row["void_faults"] += 1
        elif slot >= 0 and self.capacity.is_empty(slot):
            self.row["void_faults"] += 1
        else:
            self.row["faults"] += 1
            self.faults_of[lane.source] += 1
            self.job.process.interrupt(fault)

    def count_event(self) -> None:
        """One more fault or repair; at the limit the run ends once it has been dealt with."""
        self.events += 1
        if self.events == self.plan.max_events:
            limit = Alarm(self.env, self.now, LIMIT)
            limit.callbacks.append(lambda _: self.finish(StopReason.EVENT_LIMIT))

    def finish(self, reason: StopReason) -> None:
        """The run ends now. A depleted run waits in vain to its horizon."""
        if self.reason != StopReason.GOING:
            return
        self.reason = reason
        self.end = self.plan.horizon if reason == StopReason.DEPLETED and self.plan.horizon < math.inf else self.env.now
        self.job.finish(reason)
        self.capacity.book_empty()
        self.capacity.book_idle()
        self.shop.book()

    def go(self) -> tuple[np.void, list[tuple[float, ...]]]:
        """Run to the end. Returns the row (dtype ``ROW``) and the incidents (tuples in the order of ``INCIDENT``)."""
        while self.reason == StopReason.GOING:
            self.env.step()
        row = np.zeros(1, ROW)[0]
        for name, value in self.row.items():
            row[name] = value
        row["replication"], row["stop_reason"] = self.replication, int(self.reason)
        row["wall_s"], row["work_done_s"] = self.now, self.ledger[ledger.PRODUCTIVE]
        row["units_in_repair"] = self.shop.units
        row["ledger"], row["absent_node_s"] = self.ledger, self.absent
        for counts, name in ((self.faults_of, "faults_of"), (self.interruptions_of, "interruptions_of")):
            for source, count in counts.items():
                row[name][source] = count
        return row, self.log


def run_one(plan: Plan, replication: int) -> tuple[np.void, np.ndarray[Any, np.dtype[np.void]]]:
    """Run one replication with its incidents.

    Returns
    -------
    row : record of dtype ``ROW``
    incidents : array of dtype ``INCIDENT``, shape (interruptions,)
    """
    row, log = Run(plan, replication).go()
    return row, np.array(log, dtype=INCIDENT)
