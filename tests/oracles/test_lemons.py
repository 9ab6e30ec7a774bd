"""Oracle O15a through the engines: faults of lemons, and how many of them there are until each is retired.

Nodes fail on the wall clock, in the job or as hot spares, and repair takes no time and replaces nothing: a lemon stays
one. A node retires for good at its r-th fault, whenever that is; the spares are never used up. Good nodes fail 1000
times more seldom (the largest factor there is), and what they add is the same formula with their rate.
"""

import math
from itertools import pairwise

import pytest

from sim.planning import build
from sim.scenario import loads
from sim.theory import faults_until_retired

from .measure import Z_LIMIT, agreed, run_compiled, run_simpy

LEMONS = """
[cluster]
nodes = 2000
[job]
nodes = 1900
[detect]
stop = "0 s"
[faults.node]
per = "node"
mtbf = "{mtbf} days"
frailty = {{ share = 0.01, factor = 1000, cured = false }}
[recovery]
restart = "0 s"
[repair]
time = "0 s"
retire = {{ failures = 2, within = "10 years" }}
[run]
horizon = "200 days"
seed = 1501
"""
NODES, SHARE, RATE, FACTOR, DAYS, RUNS = 2000, 0.01, 0.02, 1000, 200, 4000
TEXT = LEMONS.format(mtbf=1 / (RATE * (SHARE + (1 - SHARE) / FACTOR)))


def means(failures):
    """Faults, and nodes that retire, of one node on the mean; and the variance of the former."""
    parts = [(SHARE, RATE * DAYS), (1 - SHARE, RATE * DAYS / FACTOR)]
    until = [sum(part * faults_until_retired(1, mean, r) for part, mean in parts) for r in range(failures + 1) if r]
    # X faults: E[X^2] = sum over j < r of (2j + 1) P(X > j)
    beyond = [until[0], *(b - a for a, b in pairwise(until))]
    square = sum((2 * j + 1) * share for j, share in enumerate(beyond))
    return until[-1], beyond[-1], square - until[-1] ** 2


@pytest.fixture(scope="module")
def rows(jobs):
    plan = build(loads(TEXT))
    rows = run_compiled(plan, jobs, RUNS)
    run_simpy(plan, 3, rows)
    return rows


def deviates(rows, failures=2):
    """z of the faults and of the nodes that retired."""
    faults, retired, variance = means(failures)
    z = (rows["faults"] + rows["spare_faults"]).mean() - NODES * faults
    z_retired = rows["retired"].mean() - NODES * retired
    return (
        z / math.sqrt(NODES * variance / len(rows)),
        z_retired / math.sqrt(NODES * retired * (1 - retired) / len(rows)),
    )


def test_o15a(rows):
    # 45.7 faults a run, 37.8 of them of lemons, with a standard deviation of 9: 4000 runs notice 1.4 % of them, and
    # 1.5 % of the 18.2 nodes that retire.
    good = faults_until_retired(NODES * (1 - SHARE), RATE * DAYS / FACTOR, 2)
    lemons = agreed(faults_until_retired(NODES * SHARE, RATE * DAYS, 2), 37.8021)
    assert NODES * means(2)[0] == pytest.approx(lemons + good, rel=1e-12)
    assert max(map(abs, deviates(rows))) < Z_LIMIT, deviates(rows)
    assert (rows["retired"] == rows["units_in_repair"]).all()


def test_a_wrong_number_of_failures_is_noticed(rows):
    assert abs(deviates(rows, failures=3)[0]) > Z_LIMIT
    assert abs(deviates(rows, failures=1)[0]) > Z_LIMIT


@pytest.mark.parametrize("change", ["faults.node.mtbf='600 days'", "faults.node.frailty.share=0.011"])
def test_a_wrong_rate_or_share_is_noticed(jobs, change):
    text = LEMONS.format(mtbf=1 / (RATE * (SHARE + (1 - SHARE) / FACTOR)))
    found = run_compiled(build(loads(text, overrides=[change])), jobs, RUNS)
    assert max(map(abs, deviates(found))) > Z_LIMIT


def test_replacements_that_cure_are_noticed(jobs):
    # A repair that replaces leaves good nodes: none but the unluckiest fails twice.
    changes = ["faults.node.frailty.cured=true", "repair.replace.renews=true", "repair.replace.time='0 s'"]
    text = TEXT.replace('time = "0 s"\n', "")
    found = run_compiled(build(loads(text, overrides=changes)), jobs, 400)
    assert abs(deviates(found)[1]) > Z_LIMIT
