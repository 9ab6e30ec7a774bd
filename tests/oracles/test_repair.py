"""Oracles of repair: one node that breaks down, and the stages that it passes until it is back.

With no spare, detection and recovery that take no time, and exponential lives of mean M on the wall clock, the job
waits for capacity while its node is in repair: cycles of a life and a visit to the shop, so that the share of time in
which it waits is V / (M + V), with V the mean visit, for any law of the stages (a renewal reward).
"""

import math

import pytest

from .measure import SPREAD, Z_LIMIT, booked

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


def test_nodes_that_stages_renew_are_counted(measure):
    # Of the nodes that need repair 3 in 4 have a replacement.
    text = ONE_NODE.format(life=40, horizon=4000, seed=1004) + STAGES
    visits = measure(text, lambda rows: (rows["renewals"], rows["faults"] - rows["units_in_repair"]), 0.75, 2000, 8)
    assert visits.agrees, visits
    assert visits.noticed < 0.02
