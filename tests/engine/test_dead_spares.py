"""Spares that die idle and are noticed late: when that is, what it changes, and what it leaves as it was."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from strategies import TICK, examples, plans

from sim.kernels.ledger import CAPACITY_WAIT
from sim.kernels.time import next_multiple
from sim.plan import HOT, JOB, Plan
from sim.planning import build
from sim.scenario import loads

from .checks import Outcome, Recorded, compiled, difference, fails_somewhere, specified
from .test_identities import check_same_faults, names

HOUR = 3600.0

# Nodes are never repaired: a spare is idle until it is noticed that it is dead, and in repair from then on.
TEXT = """
[cluster]
nodes = {nodes}
groups.rack = "4 nodes"
[job]
nodes = 4
[pools]
{pools}
[faults.x]
per = "{per}"
takes = "{per}"
mtbf = "{mtbf}"
[detect]
stop = "0 s"
[recovery.swap]
{rule}
stages = {{ restart = "1 min" }}
[repair]
time = "never"
[run]
horizon = "200 h"
initial_start = false
seed = {seed}
"""


def with_check(plan: Plan, check: float) -> Plan:
    return replace(plan, pools=tuple(replace(pool, check=check) for pool in plan.pools))


def both(plan: Plan) -> Outcome:
    outcome = compiled(plan)
    assert not difference(outcome, specified(plan))
    return outcome


@pytest.mark.parametrize(("written", "check"), [("at once", 0.0), ("on activation", math.inf), ("90 min", 5400.0)])
def test_what_the_file_says_is_what_the_plan_does(written: str, check: float) -> None:
    pools = f'warm = {{ nodes = 1, check = "{written}" }}\ncold = 1\nhot = {{ nodes = 1, check = "{written}" }}'
    plan = build(loads(TEXT.format(nodes=7, pools=pools, per="node", mtbf="1 h", seed=0, rule="")))
    assert [pool.check for pool in plan.pools] == [check, 0.0, check]


@examples(100)
@given(plans())
def test_where_no_spare_dies_checks_change_nothing(plan: Plan) -> None:
    at_once = compiled(with_check(plan, 0.0))
    assume(at_once[0]["spares_lost"] == 0)
    for check in (TICK, 60.0, math.inf):
        assert not difference(at_once, compiled(with_check(plan, check)))


@examples(100)
@given(plans())
def test_a_check_after_the_end_is_none(plan: Plan) -> None:
    check = 2.0**33
    never, late = (compiled(with_check(plan, each)) for each in (math.inf, check))
    # A check that will come is something to wait for: without it a run may be given up as depleted, and sooner.
    assume(never[0]["stop_reason"] == late[0]["stop_reason"] and late[0]["wall_s"] < check)
    assert not difference(never, late)


def test_a_check_before_the_end_is_one() -> None:
    """Negative control."""

    def same(plan: Plan) -> None:
        assert not difference(*(compiled(with_check(plan, check)) for check in (math.inf, 600.0)))

    fails_somewhere(plans(scales=(60.0,)), same, 100)


@examples(60)
@given(plans(), plans())
def test_other_checks_leave_the_faults_and_their_draws(plan: Plan, other: Plan) -> None:
    """A fault's repair takes as long whenever it is noticed: its draws are keyed by the fault."""
    checks = [pool.check for pool in other.pools] + [0.0] * len(plan.pools)
    pools = tuple(replace(pool, check=check) for pool, check in zip(plan.pools, checks, strict=False))
    check_same_faults(Recorded(plan), Recorded(replace(plan, pools=pools)), (JOB, HOT), names(plan))


@pytest.mark.parametrize("check", [TICK, 1.0, 5.0 * HOUR, 7.25 * HOUR, 150.0 * HOUR])
@pytest.mark.parametrize(("per", "spares"), [("node", 1), ("rack", 4)])
def test_dead_spares_are_noticed_at_the_next_check(per: str, spares: int, check: float) -> None:
    """Nothing strikes the job; its spare dies, or all of them at once with their rack."""
    found = 0
    for seed in range(40):
        text = TEXT.format(nodes=4 + spares, pools=f"hot = {spares}", per=per, mtbf="400 h", seed=seed, rule="")
        plan = build(loads(text))
        row, _ = compiled(plan)
        if row["faults"] > 0 or row["spares_lost"] == 0:
            continue
        found += 1
        died = plan.horizon - row["repair_node_s"] / spares
        noticed = min(plan.horizon, next_multiple(died, check))
        late, _ = both(with_check(plan, check))
        assert late["repair_node_s"] == spares * (plan.horizon - noticed)
        assert late["spare_idle_node_s"] == spares * noticed
        never, _ = both(with_check(plan, math.inf))
        assert never["repair_node_s"] == 0.0
        assert late["spares_lost"] == never["spares_lost"] == spares
    assert found >= 3


def test_a_call_tries_the_next_spare_in_no_time() -> None:
    """Spares are on, some of them die, and whatever a call finds first it is over with one that works, or in vain."""
    pools = 'hot = { nodes = 6, activation = "5 min", check = "on activation" }'
    rule = "when = { spare_available = true }"
    dead = 0
    for seed in range(20):
        text = TEXT.format(nodes=10, pools=pools, per="node", mtbf="150 h", seed=seed, rule=rule)
        text = text.replace("[repair]", '[recovery.wait]\nuse = "same units"\n[repair]')
        plan = build(loads(text))
        row, incidents = both(plan)
        done = incidents[(incidents["faults"] == 1) & (incidents["attempts"] == 1)]
        assert (done["closed_s"] - done["opened_s"] == 360.0)[~np.isnan(done["closed_s"])].all()
        assert row["spares_used"] + row["spares_lost"] <= 6
        dead += row["spares_lost"]
    assert dead > 20


def test_a_pool_of_dead_spares_is_full() -> None:
    """Only spares die, and the job stops for other reasons: with refill it waits for those known to be dead."""
    text = TEXT.format(nodes=7, pools="hot = 3", per="node", mtbf="30 h", seed=3, rule='refill = "hot"')
    text = text.replace('"never"', '"10 h"')
    text += '[faults.soft]\nper = "job"\nclock = "wall"\nmtbf = "2 h"\nneeds = "process"\n'
    plan = build(loads(text))
    hard = [source.name for source in plan.sources].index("x")
    plan = replace(plan, lanes=tuple(lane for lane in plan.lanes if (lane.source, lane.block) != (hard, JOB)))
    at_once, late, never = (both(with_check(plan, check))[0] for check in (0.0, 5.0 * HOUR, math.inf))
    waits = [float(row["ledger"][CAPACITY_WAIT]) for row in (at_once, late, never)]
    assert min(waits[:2]) > 5.0 * HOUR
    assert waits[2] == 0.0
    assert never["spares_lost"] == 3
