"""What the processes of one run share: SimPy's clock, the order at one instant, draws, and the account."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import simpy
from simpy.events import EventPriority

from sim.engine.curves import curves_of
from sim.engine.inputs import stretches
from sim.engine.means import mean_of_drawn
from sim.engine.state import N_BUCKETS, StopReason
from sim.kernels.laws import CONSTANT, MIXTURE, duration
from sim.kernels.philox import uniforms
from sim.kernels.time import LONGEST_S, NEVER
from sim.plan import Plan

Process = Generator[simpy.Event, Any, Any]

MARK, LIMIT, LAST_SAVE, REPAIRED, FAULT = 1000, 2000, 3000, 4000, 5000
RELAPSE, RECURRENCE, KNOWN_FAULT, OWN, END = 5500, 5550, 5600, 6000, 7000
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
    """A fault that struck: its key (source, block, ordinal), need and effect, the slots of the nodes that it strikes
    (none: the job itself) with what each needs, and those whose nodes go, each with the node's number among the members
    of a domain and its need; ``alone``: it is a fault of one node; ``due``: when it was to strike, if it was known.
    """

    source: int
    block: int
    ordinal: int
    need: int
    effect: int
    struck: tuple[tuple[int, int], ...] = ()
    slots: tuple[tuple[int, int, int], ...] = ()
    alone: bool = False
    due: float = 0.0


@dataclass(frozen=True)
class Drawn:
    """A duration that was drawn: its law, when it begins, and whether faults may strike in it."""

    law: int
    length: float
    since: float
    vulnerable: bool


class Context:
    """One replication of a plan: its clock, its draws, and what it has booked so far.

    ``row`` holds counts by the names of ``sim.engine.state.ROW``; ``ledger`` seconds of the wall clock and ``absent``
    node-seconds of empty slots, both by bucket. ``stretch`` is what the times between a source's faults are multiplied
    by.
    """

    def __init__(self, plan: Plan, replication: int) -> None:
        self.plan = plan
        self.replication = replication
        self.env = simpy.Environment()
        self.row: defaultdict[str, float] = defaultdict(float)
        self.ledger = [0.0] * N_BUCKETS
        self.absent = [0.0] * N_BUCKETS
        self.faults_of: Counter[int] = Counter()
        self.interruptions_of: Counter[int] = Counter()
        self.lost_of: defaultdict[int, float] = defaultdict(float)
        self.recovery_of: defaultdict[int, float] = defaultdict(float)
        self.saves_of: dict[int, int] = {}
        self.stood_for: dict[int, float] = {}
        self.restores_of: Counter[int] = Counter()
        self.lost_before: defaultdict[int, float] = defaultdict(float)
        self.excess = [0.0] * N_BUCKETS
        self.excess_of: defaultdict[int, float] = defaultdict(float)
        self.log: list[tuple[float, ...]] = []
        self.reason = StopReason.GOING
        self.end = 0.0
        self.events = 0
        self.stretch = stretches(plan, replication, 1)[0].tolist() if plan.uncertain else [1.0] * len(plan.sources)
        self.lives, self.curves = curves_of(plan.lives)
        self._keys = [tuple(map(np.uint64, key)) for key in (*(s.key for s in plan.sources), plan.start_key)]

    @property
    def now(self) -> float:
        """The time up to which things are accounted for: SimPy's, until the run ends."""
        return float(self.env.now) if self.reason == StopReason.GOING else self.end

    def alarm(self, at: float, rank: int) -> Alarm:
        """Something that happens at an absolute time."""
        return Alarm(self.env, at, rank)

    def key(self, source: int) -> tuple[np.uint64, np.uint64]:
        """Key of a source's draws."""
        key_0, key_1 = self._keys[source]
        return key_0, key_1

    def uniforms(self, source: int, place: int, ordinal: int, lane: int) -> tuple[float, float, float, float]:
        """Four uniforms keyed by a fault (source -1: the initial start) and what is drawn for it."""
        key_0, key_1 = self._keys[source]
        return uniforms(key_0, key_1, ordinal, lane, place, self.replication)

    def sample(self, law: int, u: float, choice: float) -> float:
        """One duration of a law of the plan."""
        what = self.plan.laws[law]
        while what.kind == MIXTURE:
            first = choice < what.share
            choice = choice / what.share if first else (choice - what.share) / (1.0 - what.share)
            what = self.plan.laws[what.first if first else what.other]
        return duration(what.kind, what.a, what.b, u)

    def book_excess(self, drawn: Drawn, bucket: int, cause: int) -> None:
        """Account for how much longer a duration is than its law's mean, both up to where the run ends, and where
        faults may strike up to the job's mean time between them.
        """
        if self.plan.laws[drawn.law].kind == CONSTANT:
            return
        limit = min(self.plan.horizon - drawn.since, self.plan.fault_gap if drawn.vulnerable else NEVER, LONGEST_S)
        excess = min(drawn.length, limit) - mean_of_drawn(self.plan, drawn.law, limit)
        self.excess[bucket] += excess
        self.excess_of[cause] += excess

    def book(self, bucket: int, since: float) -> None:
        """Account for the time from ``since`` up to now."""
        self.ledger[bucket] += self.now - since

    def count_events(self, count: int = 1) -> None:
        """So many more of what is limited; at the limit the run ends once they have been dealt with."""
        before = self.events
        self.events += count
        if before < self.plan.max_events <= self.events:
            limit = self.alarm(self.now, LIMIT)
            limit.callbacks.append(lambda _: self.stop(StopReason.EVENT_LIMIT))

    def stop(self, reason: StopReason) -> None:
        """The run ends now. A depleted run waits in vain to its horizon."""
        if self.reason == StopReason.GOING:
            vain = reason == StopReason.DEPLETED and self.plan.work == NEVER
            self.end = self.plan.horizon if vain else self.env.now
            self.reason = reason
