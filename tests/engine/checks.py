"""What every run must satisfy, and how the tests of the engines run them."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import Phase, given, settings

from sim.engine import simpy_engine
from sim.engine.compiled.run import Runner
from sim.engine.simpy_engine import context, run, strikes
from sim.engine.state import N_BUCKETS, ROW
from sim.kernels.ledger import DETECTION, LOST_WORK, PRODUCTIVE, SAVE_STALL
from sim.plan import Lane, Plan

Outcome = tuple[np.void, np.ndarray]


def compiled(plan: Plan, replication: int = 0) -> Outcome:
    return Runner(plan).run_one(replication)


def specified(plan: Plan, replication: int = 0) -> Outcome:
    """A run in the SimPy engine."""
    return simpy_engine.run_one(plan, replication)


def difference(one: Outcome, other: Outcome) -> str:
    """Where two runs differ; empty if they are the same to the last bit."""
    (row, incidents), (row_2, incidents_2) = one, other
    if row.tobytes() != row_2.tobytes():
        return str([(name, row[name], row_2[name]) for name in ROW.names or () if np.any(row[name] != row_2[name])])
    if len(incidents) != len(incidents_2):
        return f"{len(incidents)} and {len(incidents_2)} incidents"
    pairs = zip(incidents, incidents_2, strict=True)
    return next((f"{a} {b}" for a, b in pairs if a.tobytes() != b.tobytes()), "")


def check_closed(plan: Plan, outcome: Outcome) -> None:
    """The ledger of a run closes: each second and each node-second is in one bucket, each fault in one incident."""
    row, incidents = outcome
    assert row["ledger"].sum() == row["wall_s"]
    assert (row["ledger"] >= 0.0).all()
    present = row["ledger"] * plan.job_nodes - row["absent_node_s"]
    assert (present >= 0.0).all()
    assert min(row["absent_node_s"].min(), row["spare_idle_node_s"], row["repair_node_s"], row["crew_wait_s"]) >= 0.0
    booked = present.sum() + row["spare_idle_node_s"] + row["repair_node_s"]
    held = plan.nodes * row["wall_s"]
    # Node-seconds are sums of multiples of a tick: exact as long as they stay below 2^33 s.
    assert booked == held if held < 2.0**33 else math.isclose(booked, held, rel_tol=1e-12)
    assert row["work_done_s"] == row["ledger"][PRODUCTIVE] <= plan.work
    assert 0.0 <= row["not_saved_s"] <= row["work_done_s"]
    assert row["wall_s"] <= plan.horizon
    assert row["faults_of"].sum() == row["faults"] == incidents["faults"].sum()
    assert row["interruptions_of"].sum() == row["interruptions"] == len(incidents)
    assert incidents["attempts"].sum() == row["attempts"]
    assert row["lost_of"].sum() == row["ledger"][LOST_WORK]
    assert row["recovery_of"].sum() + row["waited_s"] == row["ledger"][DETECTION:].sum()
    assert incidents["lost_work_s"].sum() == row["ledger"][LOST_WORK] == row["lost_before"].sum()
    assert row["saves_of"].sum() == row["saves"]
    assert row["stood_for"].sum() == row["ledger"][SAVE_STALL]
    assert (row["stood_for"] >= 0.0).all()
    recovered = (incidents["attempts"] > 0) & ~np.isnan(incidents["closed_s"])
    assert row["restores_of"].sum() == recovered.sum()
    without_progress = (recovered & (incidents["restored_s"] == 0.0)).sum()
    # On notice a version may be saved that holds no progress: at the very start.
    assert row["restores_of"][-1] == without_progress or row["notices"] > 0
    assert row["restores_of"][-1] <= without_progress
    assert row["excess"].sum() == row["excess_of"].sum()
    assert not row["excess"][[i for i in range(N_BUCKETS) if i not in plan.drawn]].any()
    assert (incidents["progress_s"] >= incidents["restored_s"]).all()
    check_in_order(incidents)


def check_in_order(incidents: np.ndarray) -> None:
    """Incidents follow each other; only the last may be open."""
    assert not np.isnan(incidents["closed_s"][:-1]).any()
    assert (incidents["closed_s"][:-1] <= incidents["opened_s"][1:]).all()
    assert not (incidents["opened_s"] > incidents["closed_s"]).any()


def fails_somewhere(strategy: Any, check: Callable[[Any], None], count: int) -> None:
    """A negative control: the check must fail for at least one of ``count`` examples."""
    quick = settings(
        max_examples=count, phases=[Phase.generate], report_multiple_bugs=False, print_blob=False, derandomize=True,
        database=None,
    )  # fmt: skip

    @quick
    @given(strategy)
    def property_that_fails(example: Any) -> None:
        check(example)

    with pytest.raises(AssertionError):
        property_that_fails()


@dataclass(frozen=True)
class Strike:
    """A fault as its clock sees it: the reading at which it strikes, the slot and the need, whatever it meets there."""

    reading: float
    slot: float
    need: float


class RecordingContext(context.Context):
    """Writes down each duration with what it was drawn for."""

    def __init__(self, plan: Plan, replication: int) -> None:
        super().__init__(plan, replication)
        self.durations: dict[tuple[str, int, int, int, int], float] = {}
        self.drawn_for = "", 0, 0, 0

    def uniforms(self, source: int, place: int, ordinal: int, lane: int) -> tuple[float, float, float, float]:
        self.drawn_for = (self.plan.sources[source].name if source >= 0 else "start", place, ordinal, lane)
        return super().uniforms(source, place, ordinal, lane)

    def sample(self, law: int, u: float, choice: float) -> float:
        time = super().sample(law, u, choice)
        # A planned pause belongs to no fault: it has a key of its own, and what was drawn before it was a fault itself.
        if self.drawn_for[3] != 0:
            self.durations[(*self.drawn_for, law)] = time
        self.drawn_for = "", 0, 0, 0
        return time


class Recorded(run.Run):
    """A run in the SimPy engine that writes down all strikes by source and block, and all durations."""

    context: RecordingContext

    def __init__(self, plan: Plan, replication: int = 0) -> None:
        self.strikes: dict[tuple[str, int], list[Strike]] = {}
        with patch.object(run, "Context", RecordingContext):
            super().__init__(plan, replication)
        self.durations = self.context.durations
        self.go()

    def strike(self, lane: Lane, due: strikes.Strike) -> bool:
        # When a component fails depends on when it was replaced, so on all that happens; the calendar has no clock.
        if lane.life >= 0 or lane.calendar is not None:
            return super().strike(lane, due)
        clock = self.clocks[lane.clock]
        reading = clock.read + (float(self.context.env.now) - clock.since)
        found = self.strikes.setdefault((self.context.plan.sources[lane.source].name, lane.block), [])
        assert len(found) == due.ordinal
        found.append(Strike(reading, due.number, due.need))
        return super().strike(lane, due)
