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
pick = "last returned"                  # the node that left comes back, so that the job stays on whole racks
hot = {hot}
shared = {{ nodes = {shared}, activation = "5 min", one_by_one = {one_by_one} }}
[repair]
time = {repair}
[run]
horizon = "30 days"
initial_start = false
seed = {seed}
"""


def run(**words):
    fixed = {"per": "rack", "rule": "", "hot": 0, "shared": 10, "one_by_one": "true", "repair": '"1 h"', "seed": 11}
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


def test_a_rule_takes_from_its_pools_only():
    """With the hot pool alone the job waits for the repair, though there are nodes to claim."""
    row, incidents = run(per="node", hot=1, mtbf="100 days", rule='pools = ["shared"]')
    assert (incidents["closed_s"] - incidents["opened_s"] == 301.0).all()
    assert row["ledger"][CAPACITY_WAIT] == 300.0 * len(incidents)
    row, incidents = run(per="node", hot=0, mtbf="100 days", rule='pools = ["hot"]')
    assert row["spares_used"] == 0
    assert (incidents["closed_s"] - incidents["opened_s"] == 3601.0).all()


def test_spare_available_counts_the_pools_of_the_rule():
    """The first rule holds while there is a hot spare; the second claims a node and takes a minute more."""
    rules = """when = { spare_available = true }
pools = ["hot"]
stages = { restart = "1 s" }
[recovery.claim]
stages = { restart = "61 s" }
[recovery.unused]"""
    text = TEXT.replace('{rule}\nstages = {{ restart = "1 s" }}', "{rule}").replace("[recovery.unused]", "")
    words = {
        "per": "node",
        "rule": rules.replace("[recovery.unused]", ""),
        "hot": 1,
        "shared": 10,
        "repair": '"3 days"',
    }
    plan = build(loads(text.format(seed=11, **words, one_by_one="true", mtbf="40 days")))
    row, incidents = compiled(plan, 0)
    assert not difference((row, incidents), specified(plan, 0))
    lengths = incidents["closed_s"] - incidents["opened_s"]
    assert set(incidents["rule"]) == {0, 1}
    assert (lengths[incidents["rule"] == 0] == 1.0).all()
    assert (lengths[incidents["rule"] == 1] >= 361.0).all()


def test_a_refill_that_is_not_awaited_takes_what_is_ready():
    """No hot spare is left after the first fault: the cold ones, which need no time, refill the pool at once."""
    cold = 'cold = { nodes = 4, activation = "0 s" }'
    rule = 'refill = "hot"\nawait_refill = false'
    text = TEXT.replace("shared = ", f"{cold.replace('{', '{{').replace('}', '}}')}\nshared = ")
    text = text.replace("mtbf = ", 'clock = "training"\nmtbf = ')
    words = {"per": "node", "hot": 3, "shared": 5, "repair": '"never"', "one_by_one": "true", "mtbf": "20 days"}
    plan = build(loads(text.format(seed=11, **words, rule=rule)))
    row, incidents = compiled(plan, 0)
    assert not difference((row, incidents), specified(plan, 0))
    # Three hot ones, then four that were cold, cost no wait; the shared ones are claimed one by one, for the job alone.
    lengths = (incidents["closed_s"] - incidents["opened_s"])[:9]
    assert lengths.tolist() == [1.0] * 7 + [301.0] * 2


def test_the_next_node_is_claimed_when_the_last_has_come_if_it_is_wanted():
    """The four hot spares take the places of a rack; then four claims of 5 min each refill the pool. If the four nodes
    are back after 12 min, only three claims are made.
    """
    words = {"per": "rack", "hot": 4, "shared": 8, "mtbf": "20 days", "rule": 'refill = "hot"', "seed": 12}
    for repair, wait in (('"never"', 1200.0), ('"12 min"', 900.0)):
        _, incidents = run(**words, repair=repair)
        first = incidents[0]
        assert (first["units"], first["faults"]) == (4, 1)
        assert first["closed_s"] - first["opened_s"] == wait + 1.0


@pytest.mark.parametrize(("give_back", "claims"), [("true", 2), ("false", 1)])
def test_claimed_nodes_are_kept_or_given_back(give_back, claims):
    """Each fault needs a claim if the repaired node has gone back to the other work, else only the first does."""
    text = TEXT.replace('activation = "5 min",', f'activation = "5 min", give_back = {give_back},')
    text = text.replace("[repair]", 'cold = {{ nodes = 0, activation = "0 s" }}\n[repair]')
    words = {"per": "node", "rule": "", "hot": 0, "shared": 10, "repair": '"1 h"', "one_by_one": "true"}
    plan = build(loads(text.format(seed=11, **words, mtbf="100 days")))
    row, incidents = compiled(plan, 0)
    assert not difference((row, incidents), specified(plan, 0))
    assert len(incidents) >= 3
    waits = int(row["ledger"][CAPACITY_WAIT] // 300.0)
    assert waits == (len(incidents) if claims == 2 else 1)


@pytest.mark.parametrize(("begins", "wait"), [("detection", 1800.0), ("fault", 0.0)])
def test_repair_begins_at_the_fault_or_when_it_is_seen(begins, wait):
    """Half an hour of repair within an hour of detection costs nothing more."""
    text = TEXT.replace('stop = "0 s"', 'stop = "1 h"').replace("[repair]", f'[repair]\nbegins = "{begins}"')
    words = {"per": "node", "rule": "", "hot": 0, "shared": 0, "repair": '"30 min"', "one_by_one": "true"}
    plan = build(loads(text.format(seed=11, **words, mtbf="200 days")))
    row, incidents = compiled(plan, 0)
    assert not difference((row, incidents), specified(plan, 0))
    assert len(incidents) > 0
    assert (incidents["closed_s"] - incidents["opened_s"] == 3601.0 + wait).all()
    assert row["repair_node_s"] == 1800.0 * len(incidents)


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
