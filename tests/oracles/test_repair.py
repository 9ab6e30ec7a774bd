"""Oracles of repair: one node that breaks down, and the stages that it passes until it is back.

With no spare, detection and recovery that take no time, and exponential lives of mean M on the wall clock, the job
waits for capacity while its node is in repair: cycles of a life and a visit to the shop, so that the share of time in
which it waits is V / (M + V), with V the mean visit, for any law of the stages (a renewal reward).
"""

import math

import numpy as np
import pytest
from scipy import stats

from sim.engine import simpy_engine
from sim.engine.compiled.run import Runner
from sim.engine.state import StopReason
from sim.planning import build
from sim.scenario import loads

from .measure import HOUR, SPREAD, Z_LIMIT, agreed, booked, closed, run_compiled, run_simpy

ONE_NODE = """
[cluster]
nodes = 1
[detect]
stop = "0 s"
[recovery.replace]
[faults.node]
per = "node"
mtbf = "{life} h"
[run]
horizon = "{horizon} h"
seed = {seed}
"""


def waiting(rows):
    return booked(rows, "capacity_wait"), rows["wall_s"]


def renewal_noticed(life, visit, square, span, n):
    """Relative error of V / (M + V) that n spans of cycles notice: the delta method for a renewal reward.

    ``square`` is E[visit^2]. A life and a visit are independent, lives have standard deviation M.
    """
    cycle, share = life + visit, visit / (life + visit)
    variance = (1 - share) ** 2 * (square - visit**2) + share**2 * life**2
    return Z_LIMIT * math.sqrt(variance / (span / cycle * n)) / cycle / share


STAGES = """
[repair.reset]
time = { law = "exponential", mean = "2 h" }
success = 0.5
attempts = 2
else = "parts"
then = "burn_in"
[repair.triage]
time = "1 h"
success = 0.25
[repair.parts]
time = "14 h"
then = "replace"
[repair.replace]
time = { law = "lognormal", mean = "5 h", sd = "4 h" }
success = 0.8
then = "burn_in"
[repair.burn_in]
time = "3 h"
success = 0.9
else = "parts"
"""
# From the end: a replacement takes 5 / 0.8 h, parts and burn-in are done once more with probability 0.1.
PARTS = (14 + 5 / 0.8 + 3) / 0.9
BURN_IN = 3 + 0.1 * PARTS
RESET = 2 + 0.5 * BURN_IN + 0.5 * (2 + 0.5 * BURN_IN + 0.5 * PARTS)
TRIAGE = 1 + 0.75 * PARTS


@pytest.mark.parametrize(
    ("needs", "visit", "seed"),
    [("reset", RESET, 1001), ("repair", TRIAGE, 1002), ("{ reset = 0.5, repair = 0.5 }", (RESET + TRIAGE) / 2, 1003)],
)
def test_stages_lead_where_they_say(measure, needs, visit, seed):
    # n = 2000 runs of 9000 h, some 160 cycles each, notice 0.8 % of the share. The bound takes E[V^2] < 3 E[V]^2.
    text = ONE_NODE.format(life=40, horizon=11_000, seed=seed) + STAGES
    changes = [f"faults.node.needs={needs}"]
    found = measure(text, waiting, visit / (40 + visit), 2000, 8, *changes, early="2000 h")
    assert found.agrees, found
    assert found.noticed < SPREAD * renewal_noticed(40, visit, 3 * visit**2, 9000, 2000) < 0.02


@pytest.mark.parametrize(
    "change",
    ["repair.reset.attempts=1", "repair.burn_in.success=1", "repair.reset.else=replace", "repair.triage.success=0.5"],
)
def test_another_way_through_the_shop_is_noticed(measure, change):
    text = ONE_NODE.format(life=40, horizon=11_000, seed=1003) + STAGES
    visit = (RESET + TRIAGE) / 2
    needs = "faults.node.needs={ reset = 0.5, repair = 0.5 }"
    found = measure(text, waiting, visit / (40 + visit), 2000, 2, needs, change, early="2000 h")
    assert abs(found.z) > Z_LIMIT, found


def available(rows):
    return rows["wall_s"] - booked(rows, "capacity_wait"), rows["wall_s"]


FALSE_FIXES = (
    ONE_NODE
    + """
[repair.replace]
time = {{ law = "exponential", mean = "24 h" }}
false_fix = 0.3
[repair.relapse]
life = {{ law = "exponential", mean = "{second} h" }}
"""
)


def o16(measure, seed, *changes, n=800, m=4):
    # The oracle's bad unit lives b = 30 h in all. Ours has the faults of a good one, too: 1 / b = 1 / life + 1 / M.
    good, bad, repair, false = 2000.0, 30.0, 24.0, 0.3
    g = false / (1 - false)
    expected = agreed((good + g * bad) / (good + g * bad + repair / (1 - false)), 0.983252)
    second = 1 / (1 / bad - 1 / good)
    text = FALSE_FIXES.format(life=2000, horizon=300_000, seed=seed, second=second)
    return measure(text, available, expected, n, m, *changes, early="20_000 h")


def test_o16(measure):
    # A cycle is a good life, then visits of which 0.3 are followed by a bad life: 2047 h, 34.3 h of them in repair.
    # Of the share in repair, 1.67 %, n = 800 runs of 137 cycles notice 2 %, which is 0.035 % of the availability.
    found = o16(measure, 1005)
    assert found.agrees, found
    assert found.noticed < 4e-4


@pytest.mark.parametrize("change", ["repair.replace.false_fix=0.25", "repair.replace.false_fix=0"])
def test_o16_notices(measure, change):
    found = o16(measure, 1005, change, m=2)
    assert abs(found.z) > Z_LIMIT, found


def test_second_lives_are_those_of_their_law(measure):
    # Of any law: with false fixes f after each visit and no faults of a bad node but its relapse (M >> life), nodes
    # relapse f / (1 - f) times a fault of a good one.
    text = FALSE_FIXES.format(life=20_000, horizon=800_000, seed=1006, second=1)
    relapse = "repair.relapse.life={ law = 'lognormal', mean = '3 h', sd = '9 h' }"
    found = measure(
        text, lambda rows: (rows["relapses"], rows["faults"] - rows["relapses"]), 0.3 / 0.7, 2000, 4, relapse
    )
    # Some 80_000 faults: of a geometric number of relapses 2.9 % is noticed. A bad node has another fault first with
    # probability 1.5e-4: far below the error.
    assert found.agrees, found
    assert found.noticed < SPREAD * Z_LIMIT / math.sqrt(0.3 * 80_000) < 0.033


def test_nodes_that_stages_renew_are_counted(measure):
    # Of the nodes that need repair 3 in 4 have a replacement.
    text = ONE_NODE.format(life=40, horizon=4000, seed=1004) + STAGES
    visits = measure(text, lambda rows: (rows["renewals"], rows["faults"] - rows["units_in_repair"]), 0.75, 2000, 8)
    assert visits.agrees, visits
    assert visits.noticed < 0.02


OFTEN = (
    ONE_NODE
    + """
[repair.replace]
time = "0 s"
[repair.burn_in]
time = "5 h"
"""
)


@pytest.mark.parametrize(("within", "seed"), [(30, 1007), (100, 1008)])
def test_nodes_that_fail_twice_within_a_time_are_replaced(measure, within, seed):
    # Failures are a Poisson process of mean gap M = 40 h, since repair takes no time. A node has one, and on the mean
    # 1 / P(gap <= w) more until it is given up; its successor has none. n = 1000 runs of 450 failures notice 1.5 %.
    text = OFTEN.format(life=40, horizon=20_000, seed=seed)
    retire = f"repair.retire={{ failures = 2, within = '{within} h', replacement = '0 s' }}"
    each = 1 - 1 / math.expm1(-within / 40)

    def read(rows):
        assert (rows["renewals"] == rows["repairs"] + rows["retired"]).all()
        return rows["retired"], rows["faults"]

    found = measure(text, read, 1 / each, 1000, 4, retire, early="2000 h")
    assert found.agrees, found
    assert found.noticed < 0.016


@pytest.mark.parametrize("failures", [1, 5, 16])
def test_nodes_are_replaced_at_their_last_failure(jobs, failures):
    retire = f"repair.retire={{ failures = {failures}, within = '100 years', replacement = '0 s' }}"
    plan = build(loads(OFTEN.format(life=40, horizon=20_000, seed=1010), overrides=[retire]))
    rows = run_compiled(plan, jobs, 50)
    run_simpy(plan, 4, rows)
    assert (rows["retired"] == rows["faults"] // failures).all()
    assert rows["retired"].min() > 15


FOR_GOOD = "repair.retire={ failures = 3, within = '200 h' }"


def test_a_node_that_is_given_up_never_comes_back(jobs):
    # The third failure of a Poisson process, a = horizon / M = 2.5 of them on the mean: P(given up) = P(Poisson >= 3),
    # and the job then waits: E[(T - S_3)+] = M sum over j > 3 of P(Poisson >= j).
    plan = build(loads(OFTEN.format(life=40, horizon=100, seed=1011), overrides=[FOR_GOOD]))
    rows = Runner(plan, jobs).run(0, 20_000)
    tail = stats.poisson(2.5)
    given_up = rows["stop_reason"] == StopReason.DEPLETED
    assert np.array_equal(given_up, rows["retired"] == 1)
    assert np.array_equal(given_up, rows["units_in_repair"] == 1)
    closed(plan, rows)
    assert (rows["wall_s"] == 100 * HOUR).all()
    assert np.array_equal(rows["repair_node_s"], booked(rows, "capacity_wait"))
    # Noticed: 3.5 % of the share, 5 % of the wait.
    share = tail.sf(2)
    assert abs(given_up.mean() - share) < Z_LIMIT * math.sqrt(share * (1 - share) / len(rows))
    waits = booked(rows, "capacity_wait") / HOUR
    expected = 40 * math.fsum(tail.sf(j - 1) for j in range(4, 60))
    assert abs(waits.mean() - expected) < Z_LIMIT * waits.std(ddof=1) / math.sqrt(len(rows))
    for replication in range(8):
        assert simpy_engine.run_one(plan, replication)[0] == rows[replication]


def test_suspects_pass_another_stage(measure):
    # Gaps between failures are X, or 5 h + X after a quarantine: a chain with P(suspect | last was not) = P(X <= w),
    # P(suspect | last was) = P(X <= w - 5 h). 475 failures a run, half of them of suspects: 1000 runs notice 1.2 %.
    text = OFTEN.format(life=40, horizon=20_000, seed=1012)
    fresh, again = -math.expm1(-30 / 40), -math.expm1(-25 / 40)
    share = fresh / (1 + fresh - again)
    quarantine = "repair.quarantine={ failures = 2, within = '30 h', stage = 'burn_in' }"
    found = measure(text, waiting, share * 5 / (40 + share * 5), 1000, 4, quarantine, early="2000 h")
    assert found.agrees, found
    assert found.noticed < 0.013


def test_failures_of_the_domain_are_not_the_node_s(jobs):
    text = OFTEN.format(life=40, horizon=1000, seed=1013)
    changes = ["repair.retire={ failures = 1, within = '1 h' }", "cluster.groups={ rack = '1 nodes' }"]
    for change, given_up in (("faults.node.per=rack", False), ("faults.node.takes=node", True)):
        rows = Runner(build(loads(text, overrides=[*changes, change])), jobs).run(0, 50)
        assert rows["retired"].any() == given_up
        assert rows["faults"].sum() >= 50


def next_opening(at):
    """The working hours, Monday to Friday from 8 to 18, that hold this time or follow it; the run starts Wednesday."""
    day = int(at // 86_400)
    while True:
        begin = day * 86_400 + 8 * HOUR
        if (day + 2) % 7 < 5 and at < begin + 10 * HOUR:
            return max(at, begin), begin + 10 * HOUR
        day += 1


def test_repair_goes_on_in_working_hours():
    # Each incident of the one node lasts until 13 working hours have passed: against a walk from day to day.
    text = ONE_NODE.format(life=60, horizon=20_000, seed=1014)
    shift = "repair.replace={ time = '13 h', hours = '08:00-18:00', days = 'mon-fri' }"
    plan = build(loads(text, overrides=[shift, "run.start=wed 00:00"]))
    row, incidents = Runner(plan).run_one(0)
    assert simpy_engine.run_one(plan, 0)[0] == row
    assert len(incidents) > 150
    for opened, closed_at in zip(incidents["opened_s"][:-1], incidents["closed_s"][:-1], strict=True):
        at, left = opened, 13 * HOUR
        while left > 0:
            begin, end = next_opening(at)
            spent = min(left, end - begin)
            at, left = begin + spent, left - spent
        assert at == closed_at
