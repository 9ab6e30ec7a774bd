"""When it is decided that a node is given up: at its fault, or when its repair is over; on both engines."""

import pytest

from sim.planning import build
from sim.scenario import loads

from .checks import check_closed, compiled, difference, specified

TEXT = """
[cluster]
nodes = 1
[job]
nodes = 1
[faults.node]
per = "node"
mtbf = "40 h"
[detect]
stop = "0 s"
[stores.free]
every = "1 h"
[recovery]
restart = "0 s"
[repair]
replace = { time = "1 h" }
burn_in = { time = "3 h" }
retire = { failures = 1, within = "2 h", decided = "after repair", replacement = "5 h" }
quarantine = { failures = 1, within = "1 h", stage = "burn_in" }
[run]
horizon = "60 days"
seed = 8
"""


def run(*changes):
    plan = build(loads(TEXT, overrides=changes))
    found = compiled(plan)
    assert not difference(found, specified(plan))
    check_closed(plan, found)
    row, incidents = found
    assert row["faults"] == len(incidents) > 10
    waits = (incidents["closed_s"] - incidents["opened_s"])[:-1]
    return row, waits / 3_600.0


def test_after_repair_it_is_repaired_first_and_not_tested():
    row, waits = run()
    assert (waits == 1.0 + 5.0).all()
    assert row["retired"] >= len(waits)


def test_at_the_fault_it_is_not_repaired():
    row, waits = run("repair.retire.decided=at fault")
    assert (waits == 5.0).all()
    assert row["retired"] == row["faults"]


@pytest.mark.parametrize(("within", "retired"), [("59 min", False), ("60 min", True)])
def test_the_window_ends_with_the_repair(within, retired):
    """A failure that was before it is forgotten: the node comes back after its burn-in."""
    row, waits = run(f"repair.retire.within={within}")
    assert (waits == (6.0 if retired else 4.0)).all()
    assert (row["retired"] > 0) == retired
