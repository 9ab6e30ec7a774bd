"""Both engines give the same run to the last bit, and every run's ledger closes.

Rows and incidents are compared as bytes, on the shipped scenarios, on scenarios and on plans from Hypothesis.
"""

from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from strategies import TICK, examples, plans, scenarios

from sim.engine.compiled import run as compiled_run
from sim.engine.compiled.run import Runner
from sim.engine.simpy_engine import clocks, context
from sim.kernels._jit import INTERPRETED
from sim.plan import Plan
from sim.planning import build
from sim.scenario import from_dict, load

from .checks import check_closed, compiled, difference, fails_somewhere, specified

SCENARIOS = Path(__file__).parents[2] / "scenarios"
SHIPPED = sorted([*SCENARIOS.glob("*.toml"), *SCENARIOS.glob("frontier/*.toml")])


def check_same(plan: Plan, replication: int = 0) -> None:
    ours = compiled(plan, replication)
    assert not difference(ours, specified(plan, replication))
    check_closed(plan, ours)


def cut(path: Path) -> Plan:
    """A shipped scenario's plan, its horizon cut to what SimPy does in a second or so."""
    plan = build(load(path))
    if not plan.lanes:
        return plan
    aged = (lane.slots * plan.sources[lane.source].rate for lane in plan.lanes if lane.life >= 0)
    rate = sum(1.0 / lane.mean for lane in plan.lanes if lane.life < 0 < lane.mean) + sum(aged)
    faults, least = (100, 0.0) if INTERPRETED else (3_000, 86_400.0)
    return replace(plan, horizon=min(plan.horizon, max(least, float(round(faults / rate)))))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_scenarios(path: Path) -> None:
    plan = cut(path)
    for replication in (0, 1, 4_000):
        check_same(plan, replication)


def test_there_are_shipped_scenarios() -> None:
    assert SHIPPED


@examples(150)
@given(scenarios())
def test_scenarios(table: dict) -> None:
    plan = build(from_dict(table))
    for replication in (0, 7):
        check_same(plan, replication)


@examples(250)
@given(plans())
def test_plans(plan: Plan) -> None:
    for replication in (0, 1):
        check_same(plan, replication)


@examples(100)
@given(plans(scales=(TICK,)))
def test_plans_full_of_ties(plan: Plan) -> None:
    check_same(plan)


@examples(2 if INTERPRETED else 60)
@given(plans())
def test_batches_budgets_and_threads(plan: Plan) -> None:
    """A replication is the same alone, in a batch, in pieces of 7 events, and on any of two threads."""
    batch = Runner(plan).run(3, 20)
    assert list(batch["replication"]) == list(range(3, 23))
    alone = [Runner(plan).run_one(replication) for replication in range(3, 23)]
    assert batch.tobytes() == np.array([row for row, _ in alone]).tobytes()
    with patch.object(compiled_run, "BUDGET", 7):
        runner = Runner(plan)
        assert runner.run(3, 20).tobytes() == batch.tobytes()
        for replication in (3, 11):
            assert not difference(runner.run_one(replication), alone[replication - 3])
    with patch.object(compiled_run, "CHUNK", 3):
        assert Runner(plan, jobs=2).run(3, 20).tobytes() == batch.tobytes()


def test_batch_does_not_depend_on_where_it_begins() -> None:
    """Three chunks of the usual size on two threads."""
    plan = cut(SHIPPED[0])
    rows = Runner(plan, jobs=2).run(0, 40)
    assert Runner(plan).run(25, 5).tobytes() == rows[25:30].tobytes()
    assert len({row.tobytes() for row in rows}) == 40


def test_log_grows_with_the_incidents() -> None:
    """A run with more incidents than the log has room for at first."""
    table = {
        "cluster": {"nodes": 4},
        "faults": {"a": {"per": "job", "mtbf": "1 h"}},
        "recovery": {"restart": "1 min"},
        "run": {"horizon": "3000 h"},
    }
    plan = build(from_dict(table))
    row, incidents = compiled(plan)
    assert row["interruptions"] == len(incidents) > 2_000
    check_closed(plan, (row, incidents))
    assert not difference((row, incidents), specified(plan))


def test_ties_need_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control: with one rank for everything the engines differ, but only where ties are."""

    class Unranked(context.Alarm):
        def __init__(self, env, at, rank) -> None:
            super().__init__(env, at, context.FAULT)

    monkeypatch.setattr(context, "Alarm", Unranked)
    fails_somewhere(plans(scales=(TICK,)), check_same, 60)


def test_a_planted_hazard_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control: gaps one part in 10^4 too long in one engine."""
    right = clocks.gap
    monkeypatch.setattr(clocks, "gap", lambda mean, u: right(mean * 1.0001, u))
    fails_somewhere(plans(scales=(60.0,)), check_same, 20)
