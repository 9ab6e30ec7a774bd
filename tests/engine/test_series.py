"""Totals at the ends of periods: the same in both engines, those of the run when they are added up, and what follows
from other runs and from the list of incidents.
"""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import assume, given
from strategies import TICK, examples, plans, scenarios

from sim.engine import simpy_engine
from sim.engine.compiled import run as compiled_run
from sim.engine.compiled.run import Runner
from sim.engine.simpy_engine.series import Series
from sim.engine.state import IDLE, INTERRUPTIONS, KEPT, MARKS, REPAIR, StopReason
from sim.plan import Plan
from sim.planning import build
from sim.scenario import from_dict, load

from .checks import Outcome, compiled, difference, fails_somewhere

SHIPPED = [
    path
    for path in sorted((Path(__file__).parents[2] / "scenarios").glob("*.toml"))
    if "\nhorizon = " in path.read_text(encoding="utf-8")
]
"""Those with a horizon, as a series needs."""


def room(plan: Plan, *count: int) -> np.ndarray:
    """Marks full of what no run leaves, so that one which is not written shows."""
    return np.full((*count, plan.periods, len(MARKS)), np.nan)


def with_marks(plan: Plan, replication: int = 0) -> tuple[Outcome, np.ndarray]:
    marks = room(plan)
    return Runner(plan).run_one(replication, marks), marks


def specified(plan: Plan, replication: int = 0) -> tuple[Outcome, np.ndarray]:
    marks = room(plan)
    return simpy_engine.run_one(plan, replication, marks), marks


def ends(plan: Plan) -> np.ndarray:
    return np.minimum(np.arange(1, plan.periods + 1) * plan.period, plan.horizon)


def check_same(plan: Plan, replication: int = 0) -> None:
    """Both engines leave the same marks, and the run is as it is without them."""
    ours, marks = with_marks(plan, replication)
    theirs, their_marks = specified(plan, replication)
    assert not difference(ours, compiled(plan, replication))
    assert not difference(ours, theirs)
    assert marks.tobytes() == their_marks.tobytes(), marks - their_marks
    check_totals(plan, ours, marks)


def check_totals(plan: Plan, outcome: Outcome, marks: np.ndarray) -> None:
    """What the periods add up to is the run's own; nothing is negative, and no more is kept than time went by."""
    row, _ = outcome
    assert [row[name] for name in MARKS] == list(marks[-1])
    each = np.diff(marks, axis=0, prepend=0.0)
    assert (each >= 0.0).all()
    wall = np.diff(np.minimum(ends(plan), row["wall_s"]), prepend=0.0)
    assert (each[:, KEPT] <= wall).all()
    nodes = plan.nodes * wall
    assert (each[:, REPAIR] + each[:, IDLE] <= nodes * (1.0 + 1e-12)).all()
    if row["repair_node_s"] + row["spare_idle_node_s"] < 2.0**33:
        assert list(each.sum(axis=0)) == list(marks[-1])


def check_against_shorter_runs(plan: Plan) -> None:
    """A run with a horizon at the end of a period is the same run up to there: its counts and node-seconds are the
    marks. What it has done by then is kept as far as no later incident restored less.
    """
    outcome, marks = with_marks(plan)
    incidents = outcome[1]
    for end, mark in zip(ends(plan), marks, strict=True):
        if end >= outcome[0]["wall_s"]:
            assert list(mark) == list(marks[-1])
            continue
        (row, _), _ = with_marks(replace(plan, horizon=float(end), period=math.inf))
        assert mark[INTERRUPTIONS] == (incidents["opened_s"] < end).sum()
        assert (mark[REPAIR], mark[IDLE]) == (row["repair_node_s"], row["spare_idle_node_s"])
        # One that is open at that time may restore less yet: a fault may strike in a pause, or lose versions.
        later = incidents[~(incidents["closed_s"] <= end)]["restored_s"]
        restored = min(later, default=math.inf)
        # A horizon comes last at its instant: an incident at that instant has rolled the shorter run back already.
        assert mark[KEPT] <= row["work_done_s"] or (incidents["opened_s"] == end).any()
        assert mark[KEPT] == min(row["work_done_s"], restored)


@examples(200)
@given(plans())
def test_plans(plan: Plan) -> None:
    assume(plan.periods)
    check_same(plan)


@examples(150)
@given(plans(scales=(TICK,)))
def test_plans_full_of_ties(plan: Plan) -> None:
    assume(plan.periods)
    check_same(plan)


@examples(100)
@given(scenarios())
def test_scenarios(table: dict) -> None:
    plan = build(from_dict(table))
    assume(plan.periods)
    check_same(plan, 5)


@examples(80)
@given(plans())
def test_shorter_runs(plan: Plan) -> None:
    assume(plan.periods)
    check_against_shorter_runs(plan)


@examples(60)
@given(plans(scales=(TICK,)))
def test_shorter_runs_full_of_ties(plan: Plan) -> None:
    assume(plan.periods)
    check_against_shorter_runs(plan)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_scenarios(path: Path) -> None:
    plan = build(load(path, ["run.horizon=3 days", "run.series=7 h"]))
    assert plan.periods == 11
    for replication in (0, 4_000):
        check_same(plan, replication)


@examples(40)
@given(plans())
def test_batches_budgets_and_threads(plan: Plan) -> None:
    assume(plan.periods)
    batch = room(plan, 20)
    rows = Runner(plan).run(3, 20, batch)
    assert rows.tobytes() == Runner(plan).run(3, 20).tobytes()
    alone = [with_marks(plan, replication)[1] for replication in range(3, 23)]
    assert batch.tobytes() == np.array(alone).tobytes()
    for options in ({"BUDGET": 7}, {"CHUNK": 3}):
        again = room(plan, 20)
        with patch.multiple(compiled_run, **options):
            Runner(plan, jobs=2).run(3, 20, again)
        assert again.tobytes() == batch.tobytes()


def test_forgotten_rollbacks_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control: one engine takes what was rolled back later as kept."""
    monkeypatch.setattr(Series, "roll_back", lambda self, progress: None)

    def check(plan: Plan) -> None:
        assume(plan.periods)
        check_same(plan)

    fails_somewhere(plans(scales=(60.0,)), check, 60)


BASE: dict[str, Any] = {
    "cluster": {"nodes": 1},
    "recovery": {"restart": "30 min", "detect": "0 s"},
    "run": {"horizon": "10 h", "series": "1 h", "seed": 5},
}


def test_a_run_by_hand() -> None:
    """Free saves every 150 min of work: up to the first fault an hour keeps all of its work, or as much as is saved."""
    faults = {"a": {"per": "job", "clock": "wall", "mtbf": "6 h"}}
    plan = build(from_dict({**BASE, "faults": faults, "stores": {"s": {"every": "150 min"}}}))
    (_, incidents), marks = with_marks(plan)
    opened = incidents["opened_s"][0] / 3600.0
    whole = int(opened / 2.5) * 2.5
    assert incidents["restored_s"][0] == whole * 3600.0
    done = marks[:, KEPT] / 3600.0
    before = int(opened)
    assert before > whole > 0.0
    assert list(done[:before]) == [min(i + 1.0, whole) for i in range(before)]


def test_periods_of_a_run_without_faults() -> None:
    """The last period is shorter; a store that stalls takes its share of each."""
    plan = build(
        from_dict(
            {**BASE, "stores": {"s": {"every": "25 min", "stall": "5 min"}}, "run": {"horizon": "5 h", "series": "2 h"}}
        )
    )
    _, marks = with_marks(plan)
    assert list(marks[:, KEPT] / 60.0) == [100.0, 200.0, 250.0]
    assert list(ends(plan) / 3600.0) == [2.0, 4.0, 5.0]


def test_a_depleted_run_goes_on_to_its_horizon() -> None:
    """A node that no repair brings back: the periods after the last event have its repair, and no work."""
    faults = {"a": {"per": "node", "mtbf": "2 h"}}
    plan = build(from_dict({**BASE, "faults": faults, "repair": {"time": "100 years"}}))
    endless = replace(plan, laws=tuple(replace(law, kind=4) if law.a > 1e9 else law for law in plan.laws))
    runs = [with_marks(endless, replication)[0] for replication in range(20)]
    early = [row["replication"] for row, incidents in runs if len(incidents) and incidents["opened_s"][0] < 8 * 3600.0]
    depleted = [replication for replication in early if runs[replication][0]["stop_reason"] == StopReason.DEPLETED]
    assert depleted
    for replication in depleted:
        check_same(endless, replication)
        marks = with_marks(endless, replication)[1]
        assert np.diff(marks[:, REPAIR])[-1] == 3600.0
        assert np.diff(marks[:, KEPT])[-1] == 0.0


def test_nodes_in_repair_build_up_as_they_should() -> None:
    """Losses at rate r from time 0, endless crews, exponential repair of mean m: the number in repair at time t is
    Poisson with mean r m (1 - exp(-t/m)) (infinite servers, started empty). The idle spares are the rest.

    n = 4000 replications; the statistic is the mean of each of 8 periods of 12 h, m = 24 h, r = 0.25 per h. |z| < 4.5
    each: false alarm 5e-5 in all. It notices an error of 3 % of the first period's mean of 1.28, 1 % of the last one's.
    """
    rate, repair, period, spares, n = 0.25, 24.0, 12.0, 60, 4_000
    table = {
        "cluster": {"nodes": 64},
        "job": {"nodes": 4},
        "faults": {"a": {"per": "node", "mtbf": f"{4 / rate} h", "clock": "wall"}},
        "recovery": {"restart": "0 s", "detect": "0 s"},
        "pools": {"cold": {"nodes": spares, "activation": "0 s"}},
        "repair": {"time": {"law": "exponential", "mean": f"{repair} h"}},
        "run": {"horizon": "96 h", "series": f"{period} h"},
    }
    plan = build(from_dict(table))
    marks = room(plan, n)
    rows = Runner(plan, 2).run(0, n, marks)
    assert rows["spare_waits"].sum() == 0
    each = np.diff(marks, axis=1, prepend=0.0)
    hours = np.arange(9) * period
    integral = rate * repair * (hours - repair * (1.0 - np.exp(-hours / repair)))
    expected = np.diff(integral) / period
    for i in range(8):
        in_repair, idle = (each[:, i, field] / (period * 3600.0) for field in (REPAIR, IDLE))
        assert np.allclose(in_repair + idle, spares)
        z = (in_repair.mean() - expected[i]) / (in_repair.std(ddof=1) / math.sqrt(n))
        assert abs(z) < 4.5
        counts = each[:, i, INTERRUPTIONS]
        assert abs(counts.mean() - rate * period) < 4.5 * math.sqrt(rate * period / n)
