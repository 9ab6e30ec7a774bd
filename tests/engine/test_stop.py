"""Why runs stop: each reason in both engines, and what is booked then; runs that never succeed end soon."""

import math
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from sim.engine.compiled.run import Runner
from sim.engine.state import StopReason
from sim.kernels.laws import ENDLESS
from sim.kernels.ledger import CAPACITY_WAIT, PRODUCTIVE, SAVE_STALL
from sim.kernels.time import LAST_S
from sim.plan import Law, Plan
from sim.planning import build
from sim.scenario import loads

from .checks import Outcome, check_closed, compiled, difference, specified

BASE = """
cluster = { nodes = 6 }
job = { nodes = 4 }
faults.node = { per = "node", mtbf = "40 h" }
stores.remote = { every = "30 min", stall = "1 min" }
recovery.restart = "10 min"
repair.time = "6 h"
"""

Engine = Callable[[Plan, int], Outcome]


@pytest.fixture(params=[compiled, specified], ids=["compiled", "simpy"])
def engine(request: pytest.FixtureRequest) -> Engine:
    return request.param


def plan_of(text: str, *overrides: str) -> Plan:
    return build(loads(text, overrides=overrides))


def never_repaired(plan: Plan) -> Plan:
    """The plan with a last stage of repair that no node leaves."""
    repair = (*plan.repair[:-1], replace(plan.repair[-1], law=len(plan.laws)))
    return replace(plan, laws=(*plan.laws, Law(ENDLESS)), repair=repair)


def stopped(engine: Engine, plan: Plan, reason: StopReason, replication: int = 0) -> Outcome:
    outcome = engine(plan, replication)
    assert StopReason(outcome[0]["stop_reason"]) == reason
    check_closed(plan, outcome)
    return outcome


def test_done(engine: Engine) -> None:
    plan = plan_of(BASE, "run.work=3 days")
    row, _ = stopped(engine, plan, StopReason.DONE)
    assert row["work_done_s"] == plan.work
    assert row["not_saved_s"] == 0.0


def test_done_without_a_last_save(engine: Engine) -> None:
    """The end of the work at a trigger needs no save; what came after the save before it is not saved."""
    plan = plan_of(BASE, "run.work=3 h", "run.final_save=false", "run.initial_start=false", "faults.node.mtbf=1e9 h")
    row, _ = stopped(engine, plan, StopReason.DONE)
    assert row["not_saved_s"] == 1_800.0
    assert (row["saves"], row["ledger"][SAVE_STALL], row["wall_s"]) == (5, 300.0, 3 * 3_600.0 + 300.0)


def test_horizon(engine: Engine) -> None:
    plan = plan_of(BASE, "run.horizon=3 days")
    row, _ = stopped(engine, plan, StopReason.HORIZON)
    assert row["wall_s"] == plan.horizon


def test_work_and_horizon_at_one_instant(engine: Engine) -> None:
    """The work's end comes before the run's end."""
    plan = plan_of(BASE, "run.work=3 h", "run.final_save=false", "run.initial_start=false", "faults.node.mtbf=1e9 h")
    at_once = replace(plan, horizon=3 * 3_600.0 + 300.0)
    stopped(engine, at_once, StopReason.DONE)
    stopped(engine, replace(at_once, horizon=at_once.horizon - 1.0), StopReason.GAVE_UP)


SLOW = ("run.work=100 years", "stores.remote.every=1 h", "stores.remote.stall=1 h", "recovery.restart=1 us")


def test_given_up(engine: Engine) -> None:
    """Half of the time is saving: the run is not done when it is given up, and all that is open is accounted for."""
    plan = plan_of(BASE, "run.work=3 days", "stores.remote.every=1 h", "stores.remote.stall=1 h", "run.give_up=4 days")
    row, _ = stopped(engine, plan, StopReason.GAVE_UP)
    assert row["wall_s"] == plan.horizon == 4 * 86_400.0
    assert 0.0 < row["work_done_s"] < plan.work


def test_given_up_in_an_incident(engine: Engine) -> None:
    plan = plan_of(BASE, "recovery.restart=100 days", 'faults.node.needs="process"', "run.work=3 days")
    row, incidents = stopped(engine, plan, StopReason.GAVE_UP)
    assert row["wall_s"] == plan.horizon == 365 * 86_400.0
    assert math.isnan(incidents[-1]["closed_s"])


def test_a_run_is_cut_at_the_end_of_time(engine: Engine) -> None:
    """Three times as much saving as stepping: 400 years would be needed. A fault in 1e9 years does not come in 272,
    though no duration that is drawn is longer than 136.
    """
    plan = plan_of(BASE, *SLOW, "stores.remote.stall=3 h", "faults.node.mtbf=1e9 years")
    assert plan.horizon == LAST_S
    row, _ = stopped(engine, plan, StopReason.END_OF_TIME)
    assert (row["wall_s"], row["faults"]) == (LAST_S, 0)


def test_faults_come_at_their_rate_in_runs_of_centuries() -> None:
    """200 years with a fault in 400 on each of four nodes, 2 a run: mean of 2,000 runs, standard error 0.032, |z| < 4.

    It notices 6.3 %; gaps that are cut off at 136 years would give some 20 % more.
    """
    plan = plan_of(BASE, *SLOW, 'faults.node.needs="process"', "faults.node.mtbf=400 years")
    rows = Runner(plan, 2).run(0, 2_000)
    assert (rows["stop_reason"] == StopReason.DONE).all()
    assert abs(rows["faults"].mean() - 2.0) < 4 * math.sqrt(2.0 / 2_000)


def test_no_progress(engine: Engine) -> None:
    """A restart that is longer than any gap between faults."""
    patient = "run.work=3 days", "run.give_up=272 years"
    plan = plan_of(BASE, "recovery.restart=100 days", 'faults.node.needs="process"', *patient)
    started = time.perf_counter()
    row, incidents = stopped(engine, plan, StopReason.NO_PROGRESS)
    assert time.perf_counter() - started < 30.0
    assert row["attempts"] == incidents[-1]["attempts"] == plan.max_attempts + 1 == 1_001
    assert row["work_done_s"] == 0.0
    assert math.isnan(incidents[-1]["closed_s"])


@pytest.mark.parametrize("limit", [0, 5])
def test_restart_limit(engine: Engine, limit: int) -> None:
    """Over all incidents; the initial start does not count."""
    plan = plan_of(BASE, f"recovery.max_restarts={limit}", "run.horizon=1000 days")
    row, incidents = stopped(engine, plan, StopReason.RESTART_LIMIT)
    assert row["attempts"] == incidents["attempts"].sum() == limit + 1
    assert incidents[-1]["attempts"] == 1
    assert math.isnan(incidents[-1]["closed_s"])


def test_restart_limit_that_is_not_reached_changes_nothing(engine: Engine) -> None:
    plan, free = (plan_of(BASE, *more, "run.horizon=10 days") for more in (("recovery.max_restarts=1000",), ()))
    assert not difference(engine(plan, 0), engine(free, 0))


def test_no_progress_after_as_many_starts_as_are_allowed(engine: Engine) -> None:
    plan = plan_of(BASE, "recovery.restart=100 days", "recovery.max_attempts=3", "run.work=3 days")
    row, _ = stopped(engine, plan, StopReason.NO_PROGRESS)
    assert row["attempts"] == 4


@pytest.mark.parametrize("limit", [1, 2, 50])
def test_event_limit(engine: Engine, limit: int) -> None:
    plan = plan_of(BASE, "run.horizon=1000 days", f"run.max_events={limit}")
    row, _ = stopped(engine, plan, StopReason.EVENT_LIMIT)
    # The last event has been dealt with. A repair is counted when it starts, an event is one that ends.
    ended = row["repairs"] - row["units_in_repair"]
    assert row["faults"] + row["void_faults"] + row["spare_faults"] + ended == limit


def test_faults_that_never_pause_end_at_the_event_limit(engine: Engine) -> None:
    """A fault every microsecond: the run ends, and soon."""
    text = 'cluster = { nodes = 1 }\nfaults.a = { per = "job", clock = "wall", mtbf = "1 us" }\n'
    plan = plan_of(text, "recovery.restart=1 h", "recovery.detect=1 h", "run.work=1 h", "run.max_events=5000")
    row, _ = stopped(engine, plan, StopReason.EVENT_LIMIT)
    assert row["wall_s"] < 0.1


def test_depleted_with_a_horizon(engine: Engine) -> None:
    """Two spares, then nothing comes back: the job waits from the third loss to the horizon."""
    plan = never_repaired(plan_of(BASE, "faults.node.needs.repair=1.0", "run.horizon=300 days"))
    plan = replace(plan, lanes=tuple(lane for lane in plan.lanes if lane.block == 0))
    row, incidents = stopped(engine, plan, StopReason.DEPLETED)
    assert row["wall_s"] == plan.horizon
    assert row["spares_used"] == 2
    assert row["units_in_repair"] == 3
    seen = incidents[-1]["opened_s"] + 30.0
    assert row["ledger"][CAPACITY_WAIT] == plan.horizon - seen
    assert row["absent_node_s"][CAPACITY_WAIT] == plan.horizon - seen
    assert row["interruptions"] == 3


def test_depleted_with_work(engine: Engine) -> None:
    """Without a horizon the run ends when it is clear that nothing will come."""
    plan = never_repaired(plan_of(BASE, "run.work=300 days"))
    row, incidents = stopped(engine, plan, StopReason.DEPLETED)
    assert row["wall_s"] == incidents[-1]["opened_s"] + 30.0
    assert row["ledger"][PRODUCTIVE] < plan.work


def test_not_depleted_while_a_node_may_come_back(engine: Engine) -> None:
    """A reset that half of the nodes leave: the job waits for them as long as one is being reset."""
    reset = "repair.reset={ time = '2 h', success = 0.5 }"
    for replication in range(20):
        plan = never_repaired(plan_of(BASE, "faults.node.needs='reset'", reset, "run.horizon=300 days"))
        row, _ = stopped(engine, plan, StopReason.DEPLETED, replication)
        assert row["units_in_repair"] >= 1
        assert row["faults"] + row["spare_faults"] >= 3


def test_both_engines_stop_alike() -> None:
    """The runs above are the same in both engines to the last bit."""
    for overrides in (
        ("run.work=3 days",),
        ("run.horizon=3 days",),
        ("run.work=3 days", "recovery.restart=100 days"),
        ("run.horizon=1000 days", "run.max_events=50"),
    ):
        plan = plan_of(BASE, *overrides)
        for each in (plan, never_repaired(plan)):
            assert not difference(compiled(each), specified(each))


def test_waiting_for_nodes_is_no_attempt(engine: Engine) -> None:
    """Faults strike all the time while the job waits for a node: that is no sign that its recovery never succeeds."""
    text = """
cluster = { nodes = 2 }
job = { nodes = 1 }
pools = { hot = 0 }
faults.node = { per = "node", mtbf = "10 h" }
faults.bug = { per = "job", clock = "wall", mtbf = "1 h" }
recovery = { restart = "1 s", max_attempts = 3 }
repair.time = "20 h"
run.horizon = "30 days"
"""
    _, incidents = stopped(engine, plan_of(text), StopReason.HORIZON)
    assert incidents["faults"].max() > 10
    assert incidents["attempts"].max() <= 3
