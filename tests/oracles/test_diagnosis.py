"""Who is blamed, and detection that takes a random time, against their plain probabilities."""

import math

import pytest

from sim.planning import build
from sim.scenario import loads

from .measure import MINUTE, Z_LIMIT, booked, run_compiled, run_simpy

TEXT = """
[cluster]
nodes = 64
groups = { rack = "8 nodes" }
[job]
nodes = 60
[faults.node]
per = "node"
mtbf = "600 h"
[detect]
stop = "0 s"
missed = 0.2
wrong = 0.3
evict = { group = "rack", share = 0.1 }
recurs.healed = 1
[recovery.process]
when = { needs = "process" }
stages = { restart = "1 min" }
[recovery.swap]
stages = { load = "2 min" }
[repair]
time = "0 s"
[run]
horizon = "30 days"
initial_start = false
seed = 906
"""


def z(count, n, p):
    """Deviate of a binomial count: of some 14,000 faults a share that is off by 0.017 is noticed."""
    return (count - n * p) / math.sqrt(n * p * (1 - p))


@pytest.fixture(scope="module")
def rows(jobs):
    plan = build(loads(TEXT))
    found = run_compiled(plan, jobs, 200)
    run_simpy(plan, 3, found)
    return found


def test_shares_of_blame(rows):
    n = rows["faults"].sum()
    assert n > 13_000
    assert abs(z(rows["missed"].sum(), n, 0.2)) < Z_LIMIT
    assert abs(z(rows["blamed_wrongly"].sum(), n, 0.3)) < Z_LIMIT
    assert abs(z(rows["missed"].sum(), n, 0.3)) > Z_LIMIT


def test_repairs_follow_the_blame(rows):
    """Nobody goes to repair for 2 faults in 10, one node for 7, its rack for 1: 8 nodes, the last rack 4 of the job."""
    n, repairs = rows["faults"].sum(), rows["repairs"].sum()
    of_rack = (56 * 8 + 4 * 4) / 60
    mean = 0.7 + 0.1 * of_rack
    second = 0.7 + 0.1 * (56 * 64 + 4 * 16) / 60
    assert abs(repairs - n * mean) < Z_LIMIT * math.sqrt(n * (second - mean**2))


def test_a_missed_fault_needs_a_process_only(rows):
    quick, full = (booked(rows, bucket).sum() / MINUTE for bucket in ("restart", "load"))
    # A fault in a stage starts it again: 1 in 300 does, less than the tolerance of 2 %.
    assert quick == pytest.approx(rows["missed"].sum(), rel=0.02)
    assert full == pytest.approx(2 * (rows["faults"] - rows["missed"]).sum(), rel=0.02)


def per_attempt(rows):
    return booked(rows, "detection") / MINUTE, rows["attempts"]


def test_detection_takes_a_random_time(measure):
    """Exponential times of 12 min, of which the earliest of all open faults ends the wait.

    With k open faults it ends at the rate 5 k per h, and another one strikes at 0.1 per h, so that the mean is the sum
    over k of 1 / (0.1 + 5 k) times the product over j < k of 0.1 / (0.1 + 5 j). n = 400 runs of 72: noticed from 2.7 %.
    """
    changes = ['detect.stop={law = "exponential", mean = "12 min"}', "detect.missed=0", "detect.wrong=0"]
    expected, reached = 0.0, 1.0
    for k in range(1, 9):
        expected += 60 * reached / (0.1 + 5 * k)
        reached *= 0.1 / (0.1 + 5 * k)
    found = measure(
        TEXT, lambda rows: (booked(rows, "detection") / MINUTE, rows["attempts"]), expected, 400, 2, *changes
    )
    assert found.agrees, found
    assert found.noticed < 0.03
