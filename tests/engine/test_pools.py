"""Pools that are claimed one node at a time, and pools that must be full again before the job goes on."""

import numpy as np
import pytest

from sim.kernels.ledger import CAPACITY_WAIT
from sim.planning import build
from sim.scenario import loads

from .checks import compiled, difference, specified

TEXT = """
[cluster]
nodes = 24
groups = {{ rack = "4 nodes" }}
[job]
nodes = 12
[faults.x]
per = "{per}"
mtbf = "{mtbf}"
[detect]
stop = "0 s"
[recovery.swap]
{rule}
stages = {{ restart = "1 s" }}
[pools]
hot = {hot}
shared = {{ nodes = {shared}, activation = "5 min", one_by_one = {one_by_one} }}
[repair]
time = {repair}
[run]
horizon = "30 days"
initial_start = false
seed = 11
"""


def run(**words):
    fixed = {"per": "rack", "rule": "", "hot": 0, "shared": 10, "one_by_one": "true", "repair": '"1 h"'}
    words = {**fixed, "mtbf": "100 days", **words}
    plan = build(loads(TEXT.format(**words)))
    outcome = compiled(plan, 0)
    assert not difference(outcome, specified(plan, 0))
    return outcome


@pytest.mark.parametrize(("one_by_one", "wait"), [("true", 1200.0), ("false", 300.0)])
def test_claims_one_by_one_or_together(one_by_one, wait):
    _, incidents = run(one_by_one=one_by_one, mtbf="10 days")
    apart = incidents[np.diff(incidents["opened_s"], prepend=-1e9) > 8_000.0]
    assert len(apart) > 0
    assert (apart["units"] == 4).all()
    assert (apart["closed_s"] - apart["opened_s"] == wait + 1.0).all()


def test_the_job_waits_until_its_spares_are_back():
    """A single fault takes the hot spare; with refill the job then claims another, 5 min, before it goes on."""
    (row, alone), (both, refilled) = (run(per="node", hot=1, rule=rule) for rule in ("", 'refill = "hot"'))
    assert row["ledger"][CAPACITY_WAIT] == 0.0
    assert len(alone) == len(refilled) > 2
    assert both["ledger"][CAPACITY_WAIT] == 300.0 * len(refilled)


def test_without_others_the_repair_refills():
    _, incidents = run(per="node", hot=1, shared=0, rule='refill = "hot"')
    assert (incidents["closed_s"] - incidents["opened_s"] == 3601.0).all()
    row, _ = run(per="node", hot=1, shared=0, rule='refill = "hot"', repair='"never"')
    assert row["stop_reason"] == 3  # depleted


def test_a_pool_that_loses_a_spare_meanwhile_is_filled_again():
    """A hot spare fails while others are claimed: when they are there, the job waits for it, too, in both engines."""
    row, incidents = run(per="node", hot=8, shared=4, rule='refill = "hot"', mtbf="4 h", repair='"4 min"')
    alone = incidents[incidents["faults"] == 1]
    # One fault alone: 5 min for the claim, or until a spare that failed in them is back, 4 min after it did.
    waits = alone["closed_s"] - alone["opened_s"] - 1.0
    assert set(waits[waits <= 300.0]) <= {240.0, 300.0}
    assert (waits > 300.0).any()
    assert row["spares_lost"] > 100
