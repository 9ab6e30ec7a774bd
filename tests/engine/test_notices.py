"""Maintenance by calendar, and faults that are known: without faults the ledger is arithmetic, to the last bit."""

import numpy as np
import pytest

from sim.engine.compiled.run import Runner
from sim.engine.compiled.units import FEW_NOTICES
from sim.engine.state import MARKS, StopReason
from sim.kernels.ledger import BUCKETS
from sim.planning import build
from sim.scenario import loads

from .checks import check_closed, compiled, difference, specified

HOUR = 3600.0
RACKS = """
[cluster]
nodes = 12
gpus_per_node = 8
groups = {{ rack = "4 nodes" }}
[job]
nodes = {job}
[stores.shared]
every = "1 h"
stall = "1 min"
persist = "3 min"
[recovery]
detect = "5 min"
restart = "10 min"
[maintenance.firmware]
of = "{of}"
first = "30.5 h"
every = "10 days"
step = "12 h"
width = {width}
duration = "5 h"
[run]
horizon = "20 days"
initial_start = false
"""


def maintained(job, of, width=1):
    plan = build(loads(RACKS.format(job=job, of=of, width=width)))
    outcome = compiled(plan, 0)
    assert not difference(outcome, specified(plan, 0))
    check_closed(plan, outcome)
    row, incidents = outcome
    assert row["stop_reason"] == StopReason.HORIZON
    return row, incidents, {bucket: row["ledger"][i] / HOUR for i, bucket in enumerate(BUCKETS)}


def test_racks_in_turn_with_a_spare_rack():
    """Two rounds of three racks: whichever holds nodes of the job leaves it after a save, for the rack that is free."""
    row, incidents, hours = maintained(8, "rack")
    # Rack 3 has the spares at first, rack 1 has them when rack 2 goes, and so on: each stop costs a save and a restart.
    stops = len(incidents)
    assert stops == row["interruptions"] == row["saved_on_notice"] == 6
    # A save takes 4 min; at 30.5 h one of these is just over, which had begun at 30 h of progress: it is the one.
    due = np.array([30.5, 42.5, 54.5, 270.5, 282.5, 294.5]) * HOUR
    assert (incidents["opened_s"] - due).tolist() == [180, 240, 240, 240, 240, 240]
    assert hours["restart"] == pytest.approx(stops * 10 / 60, abs=0)
    assert hours["lost_work"] == hours["detection"] == hours["capacity_wait"] == hours["maintenance"] == 0.0
    assert row["repair_node_s"] == 6 * 4 * 5 * HOUR
    assert (incidents["lost_work_s"] == 0.0).all()
    assert (incidents["units"] == 4).all()


def test_racks_without_spares_are_waited_for():
    row, incidents, hours = maintained(12, "rack")
    assert len(incidents) == 6
    assert hours["maintenance"] == 6 * 5
    assert hours["capacity_wait"] == 0.0
    assert row["absent_node_s"][BUCKETS.index("maintenance")] == 6 * 4 * 5 * HOUR
    assert (incidents["closed_s"] - incidents["opened_s"] == 5 * HOUR + 600).all()


def test_the_whole_cluster_and_single_nodes():
    _, incidents, hours = maintained(12, "cluster")
    assert (len(incidents), hours["maintenance"]) == (2, 10.0)
    row, incidents, hours = maintained(12, "node", width=5)
    # Waves of 5, 5 and 2 nodes.
    assert incidents["units"].tolist() == [5, 5, 2, 5, 5, 2]
    assert hours["maintenance"] == 30.0
    assert row["notices"] == 24


def test_a_fault_while_it_saves_takes_what_is_known_with_it():
    """The job is struck while it saves: the rack goes with it, in one incident, and maintenance is not to blame."""
    text = (
        RACKS.format(job=8, of="rack", width=1)
        + """
[faults.crash]
per = "job"
clock = "wall"
mtbf = "2 min"
"""
    )
    plan = build(loads(text, overrides=("run.horizon='40 h'",)))
    for replication in range(20):
        row, _ = outcome = compiled(plan, replication)
        assert not difference(outcome, specified(plan, replication))
        check_closed(plan, outcome)
        assert row["units_in_repair"] == 0
    assert row["faults_of"][1] == 1


ADMITTED_IN_TURN = """
[cluster]
nodes = 3
gpus_per_node = 1
groups = { rack = "2 nodes" }
[job]
nodes = 2
[pools]
hot = 1
[faults.node]
per = "node"
mtbf = "100 h"
takes = "rack"
effect = { stop = 0.5, notice = 0.5 }
lead = "30 h"
[repair]
begins = "fault"
time = "50 h"
[detect]
stop = "5 min"
[run]
horizon = "3_000 h"
"""


def test_nodes_are_admitted_in_the_order_of_faults_if_a_known_fault_strikes_after_another():
    """The second takes a spare, too, which is admitted at once: after the node that the first fault took."""
    plan = build(loads(ADMITTED_IN_TURN))
    for replication in range(20):
        outcome = compiled(plan, replication)
        assert not difference(outcome, specified(plan, replication))
        check_closed(plan, outcome)


HANGS = """
[cluster]
nodes = 4
[job]
nodes = 2
[faults]
a = {{ per = "job", clock = "wall", mtbf = "5 h", effect = "hang" }}
b = {{ per = "node", mtbf = "10 h", needs = "process", {known} }}
[detect]
hang = "4 h"
[recovery]
restart = "10 min"
[run]
horizon = "50 days"
"""


def hangs(known):
    plan = build(loads(HANGS.format(known=known)))
    outcome = compiled(plan, 0)
    assert not difference(outcome, specified(plan, 0))
    check_closed(plan, outcome)
    return outcome


def test_a_fault_known_at_once_ends_a_hang_as_a_stop_seen_at_once_does():
    """A lead of 0 s is no warning: the same incidents as with a stop that is seen at once, in hangs of 4 h, too."""
    row, incidents = hangs('effect = "notice", lead = "0 s"')
    row_2, incidents_2 = hangs('detect = "0 s"')
    assert incidents.tobytes() == incidents_2.tobytes()
    assert row["ledger"].tobytes() == row_2["ledger"].tobytes()
    assert row["notices"] > 100
    met = incidents[(incidents["faults"] > 1) & (incidents["cause"] == 0)]
    lengths = (met["closed_s"] - met["opened_s"])[:-1]
    assert (lengths < 4.0 * HOUR).sum() > 10


def test_a_fault_known_for_longer_is_seen_when_it_is_due():
    """It strikes at once in a hang, which nobody sees before it was due: no hang lasts longer than that, or 4 h."""
    _, incidents = hangs('effect = "notice", lead = "1 h"')
    met = incidents[(incidents["faults"] == 2) & (incidents["cause"] == 0)][:-1]
    lengths = met["closed_s"] - met["opened_s"] - 600.0
    assert (lengths >= 0.0).all()
    assert (lengths <= 4.0 * HOUR).all()
    assert ((lengths > 1.0 * HOUR) & (lengths < 4.0 * HOUR)).any()


CROWD = """
[cluster]
nodes = 3
[job]
nodes = 2
[faults.board]
per = "node"
mtbf = "12 min"
effect = "notice"
lead = { law = "lognormal", mean = "20 days", sd = "1 day" }
needs = "process"
[recovery]
detect = "0 s"
restart = "0 s"
[run]
horizon = "20 days"
series = "5 days"
"""


def test_no_number_of_known_faults_is_too_many():
    """On three nodes; all of them strike at once when the first is due. The run is made again with room, twice."""
    plan = build(loads(CROWD))
    outcome = compiled(plan, 0)
    assert outcome[1]["faults"].max() > 2 * FEW_NOTICES
    assert not difference(outcome, specified(plan, 0))
    check_closed(plan, outcome)


def test_runs_that_are_made_again_are_the_same():
    """In a chunk of which the first run is made again, and in one with room from the start."""
    plan = build(loads(CROWD, overrides=["faults.board.mtbf=45 min"]))
    marks = [np.zeros((3, int(plan.horizon / plan.period), len(MARKS))) for _ in range(2)]
    runner = Runner(plan)
    rows = [runner.run(0, 3, each) for each in marks]
    assert rows[0]["notices"].min() > FEW_NOTICES
    assert rows[0]["faults"].min() > FEW_NOTICES
    assert rows[0].tobytes() == rows[1].tobytes()
    assert marks[0].tobytes() == marks[1].tobytes()
    assert [compiled(plan, k)[0] for k in range(3)] == list(rows[0])
