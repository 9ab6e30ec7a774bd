"""Recovery that escalates: after a fault in the first rule's stage only the second one is tried.

The first stage a is tried once; a fault cuts it short with probability 1 - e^{-a/M}, after which stage b starts again
until none strikes. So the mean time of an incident is M (1 - e^{-a/M}) + (1 - e^{-a/M}) M (e^{b/M} - 1), derived.
"""

import math

from .measure import MINUTE, Z_LIMIT, booked

TEXT = """
[cluster]
nodes = 1
[detect]
stop = "0 s"
[faults.stop]
per = "job"
clock = "wall"
mtbf = "60 min"
[stores.shared]
every = "25 min"
[recovery.quick]
when = { needs = "process" }
on_fault = "escalate"
stages = { restart = "12 min" }
[recovery.full]
stages = { load = "25 min" }
[run]
horizon = "30 days"
initial_start = false
seed = 905
"""
CUT = -math.expm1(-12 / 60)
EXPECTED = 60 * CUT * math.exp(25 / 60)


def per_incident(rows):
    return booked(rows, "restart", "load") / MINUTE, rows["interruptions"]


def test_escalation(measure):
    # n = 800 runs of some 480 incidents, each 16 +- 20 min: noticed from 0.9 %.
    found = measure(TEXT, per_incident, EXPECTED, 800, 4)
    assert found.agrees, found
    assert found.noticed < 0.0105


def test_a_list_that_starts_again_is_noticed(measure):
    found = measure(TEXT, per_incident, EXPECTED, 800, 2, "recovery.quick.on_fault=restart_list")
    assert abs(found.z) > Z_LIMIT, found
