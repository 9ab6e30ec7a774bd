"""The open incident in the SimPy engine: what it holds, when it is seen, which rule is tried; and the next pause."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from sim.engine.simpy_engine.capacity import Capacity
from sim.engine.simpy_engine.context import Context, Fault
from sim.kernels.laws import watchdog_delay
from sim.kernels.pauses import next_point
from sim.plan import ANY, DETECTION_LANE, HANG, PROCESS, Plan


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
    rules_from: int = 0
    starts: Counter[int] = field(default_factory=Counter)
    rule: int = -1
    lost: float = 0.0
    planned: bool = True

    def choose_rule(self, plan: Plan, capacity: Capacity) -> None:
        """Start the first rule whose conditions all hold; the last one has none."""
        down = len(capacity.empty)
        for i, rule in enumerate(plan.rules):
            if (
                (i >= self.rules_from)
                and (rule.needs == ANY or rule.needs >> self.worst & 1)
                and (rule.units_down_at_most == ANY or down <= rule.units_down_at_most)
                and (rule.spare_available == ANY or capacity.suffices(rule) == bool(rule.spare_available))
                and (rule.attempts_below == ANY or self.starts[i] < rule.attempts_below)
            ):
                self.rule = i
                self.starts[i] += 1
                return
        raise AssertionError("the last rule has no condition")

    def record(self, replication: int, restored: float, closed: float) -> tuple[float, ...]:
        """The incident in the order of ``INCIDENT``; ``restored`` is the progress of the version that is restored."""
        return (
            replication, self.opened, self.cause, self.faults, self.units, self.rule, self.attempts, self.progress,
            restored if self.faults else self.progress, self.lost, closed,
        )  # fmt: skip


def detection_delay(context: Context, fault: Fault) -> float:
    """Seconds until a fault is seen."""
    source = context.plan.sources[fault.source]
    if fault.effect != HANG and source.detect_law == ANY:
        return source.detect
    u, v, _, _ = context.uniforms(fault.source, fault.block, fault.ordinal, DETECTION_LANE)
    if fault.effect != HANG:
        return context.sample(source.detect_law, u, v)
    watchdog = context.plan.watchdog
    return watchdog_delay(watchdog.timeout, watchdog.heartbeat, watchdog.poll, u, v)


def next_pause(plan: Plan, at: float, passed: int) -> tuple[int, float]:
    """The pause that comes next after a progress, where those up to a number lie behind the job, and progress there; -1
    and the end of the work if none does.
    """
    found = -1, plan.work
    for i, pause in enumerate(plan.pauses):
        point = next_point(pause.every, at, i <= passed)
        if point < found[1]:
            found = i, point
    return found
