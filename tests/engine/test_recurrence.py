"""What becomes of a node that failed and was not taken out: decisions that the docs state, on both engines."""

import numpy as np

from sim.engine.state import StopReason
from sim.kernels.ledger import DETECTION
from sim.planning import build
from sim.scenario import loads

from .checks import compiled, difference, specified

TEXT = """
[cluster]
nodes = 2
[job]
nodes = 2
[faults.node]
per = "node"
mtbf = "100 h"
clock = "training"
[detect]
stop = "1 min"
hang = "10 min"
missed = 1
[stores.free]
every = "1 h"
[recovery.quick]
when = { attempts_below = 3 }
on_fault = "escalate"
stages = { init = "1 min" }
[recovery.slow]
stages = { init = "5 min" }
[repair]
time = "1 min"
[run]
horizon = "60 days"
seed = 5
"""


def run(*changes, replication=0):
    plan = build(loads(TEXT, overrides=changes))
    found = compiled(plan, replication)
    assert not difference(found, specified(plan, replication))
    return found


def test_at_once_it_is_the_same_incident():
    """The first rule gives way after its first start, as it escalates; the last one starts until the run ends."""
    row, incidents = run("recovery.max_attempts=20")
    assert row["stop_reason"] == StopReason.NO_PROGRESS
    assert (row["interruptions"], row["faults"], row["recurrences"], row["missed"]) == (1, 21, 20, 21)
    assert incidents["attempts"][0] == 21
    assert row["ledger"][DETECTION] == 21 * 60.0
    assert row["recovery_of"][0] == 21 * 60.0 + 60.0 + 19 * 300.0


def test_rules_are_tried_again():
    """Without escalation the first rule starts three times, whatever its stages do after a fault in them."""
    for on_fault in ("restart_list", "retry_stage"):
        row, _ = run("recovery.max_attempts=20", f"recovery.quick.on_fault={on_fault}")
        assert row["recovery_of"][0] == 21 * 60.0 + 3 * 60.0 + 17 * 300.0


def test_after_a_time_it_is_another_incident():
    row, incidents = run("detect.recurs.after=2 h", "run.horizon=400 h")
    assert row["recurrences"] > 50
    assert row["interruptions"] == row["faults"]
    assert (incidents["attempts"] == 1).all()
    gaps = np.diff(incidents["opened_s"])
    # Two hours of stepping, a minute until it is seen, one in the first rule; or another fault before.
    assert gaps.max() == 7_320.0 or row["faults"] - row["recurrences"] > 1


def test_a_hang_comes_back_as_a_stop():
    row, _ = run("faults.node.effect=hang", "recovery.max_attempts=20")
    assert row["ledger"][DETECTION] == 600.0 + 20 * 60.0


def test_healed_means_that_nothing_stays():
    row, incidents = run("detect.recurs.healed=1")
    assert row["recurrences"] == 0
    assert row["missed"] == row["faults"] == len(incidents) > 10


def test_whatever_repairs_a_node_ends_it():
    """Maintenance on day 5 puts both nodes in order: without it a broken node fails every 10 min."""
    work = "detect.recurs.after=10 min", "faults.node.mtbf=20 h", "run.initial_start=false"
    due = ("maintenance.service.of=node", "maintenance.service.first=5 days", "maintenance.service.duration=1 min")
    gain = []
    for more in ((), (*due, "maintenance.service.width=2")):
        early, late = (
            sum(int(run(*work, *more, f"run.horizon={days}", replication=i)[0]["recurrences"]) for i in range(8))
            for days in ("120 h", "123 h")
        )
        gain.append(late - early)
    assert gain[1] < 0.6 * gain[0]
