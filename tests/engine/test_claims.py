"""Nodes claimed one by one, and a repair that ends as one arrives: the claim stays open until the job looks."""

from dataclasses import replace

import pytest

from sim.engine.state import StopReason
from sim.kernels.laws import ENDLESS
from sim.kernels.ledger import MAINTENANCE
from sim.plan import Law
from sim.planning import build
from sim.scenario import loads

from .checks import check_closed, compiled, difference, specified

MINUTE = 60.0
CLAIM_MEETS_NOTICE = """
[cluster]
nodes = 8
groups.row = "6 nodes"
[pools]
hot = 3
shared = {{ nodes = 3, activation = "{activation}" }}
[job]
nodes = 2
[maintenance.patch]
of = "node"
first = "33 min"
duration = "22 min"
step = "3 min"
notice = "25 min"
[recovery.zeta]
within = "row"
refill = "hot"
[run]
horizon = "100 min"
"""
LAST_HOPE = """
[cluster]
nodes = 5
[pools]
hot = 2
shared = { nodes = 2, activation = "3 min" }
[job]
nodes = 1
[maintenance]
a = { of = "node", width = 2, step = "1 day", first = "10 min", duration = "1 h", notice = "0 s" }
b = { of = "node", width = 3, step = "1 day", first = "10 min", duration = "3 min", notice = "0 s" }
[recovery.zeta]
refill = "hot"
[run]
horizon = "100 min"
initial_start = false
"""


def run(plan):
    outcome = compiled(plan)
    assert not difference(outcome, specified(plan))
    check_closed(plan, outcome)
    return outcome


@pytest.mark.parametrize("activation", [2.9, 3.0, 3.1])
def test_a_claim_that_meets_a_repair_is_followed_by_the_next(activation):
    """Nodes 0 and 1 go at 58 min; a shared node in their row is claimed for one of them, and node 2, back after 3 min,
    takes the other place. Node 3, back at 64 min, and two more claims fill the hot pool: ready after three claims. If
    the first arrival were forgotten at 61 min, the job would wait for its own nodes, until 80 min.
    """
    row, incidents = run(build(loads(CLAIM_MEETS_NOTICE.format(activation=f"{activation} min"))))
    assert incidents["opened_s"].tolist() == [58 * MINUTE]
    assert incidents["closed_s"] == pytest.approx([(58 + 3 * activation) * MINUTE], abs=1e-5)
    assert row["ledger"][MAINTENANCE] == pytest.approx(3 * activation * MINUTE, abs=1e-5)


def test_a_claim_that_meets_the_last_repair_is_no_end():
    """Nodes 0 and 1 never come back, node 2 does after 3 min, when the claimed node arrives, too. The pool still lacks
    one and nothing else is in repair, but there is one more to claim: it comes at 16 min.
    """
    plan = build(loads(LAST_HOPE))
    law = plan.repair[plan.sources[0].stage].law
    assert plan.laws[law].a == 3600.0
    laws = tuple(Law(ENDLESS) if i == law else each for i, each in enumerate(plan.laws))
    row, incidents = run(replace(plan, laws=laws))
    assert row["stop_reason"] == StopReason.HORIZON
    assert incidents["closed_s"].tolist() == [16 * MINUTE]
