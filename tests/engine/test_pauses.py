"""Pauses beside faults: what a fault in one loses, and what is written of it."""

import numpy as np
import pytest

from sim.kernels.ledger import BUCKETS
from sim.planning import build
from sim.scenario import loads

from .checks import compiled, difference, specified

TEXT = """
[cluster]
nodes = 1
[detect]
stop = "0 s"
[faults.stop]
per = "job"
clock = "wall"
mtbf = "40 min"
[stores.shared]
every = "10 min"
[recovery]
restart = "1 min"
[pauses.eval]
every = "25 min"
duration = "30 min"
save = {save}
[run]
horizon = "20 days"
seed = 5
"""


def run(save):
    plan = build(loads(TEXT.format(save=save)))
    outcome = compiled(plan, 0)
    assert not difference(outcome, specified(plan, 0))
    return outcome


@pytest.mark.parametrize("save", ["true", "false"])
def test_a_fault_in_a_pause_belongs_to_it(save):
    row, incidents = run(save)
    pauses = incidents[incidents["cause"] == 1]
    struck = pauses[pauses["faults"] > 0]
    assert 0.4 < len(struck) / len(pauses) < 0.65  # 1 - exp(-30/40) = 0.53
    assert (pauses["progress_s"] % 1500.0 == 0.0).all()
    quiet = pauses[pauses["faults"] == 0]
    assert (quiet["closed_s"] - quiet["opened_s"] == 1800.0)[:-1].all()
    assert (quiet["restored_s"] == quiet["progress_s"]).all()
    # Saved, nothing is lost; else what was done since the last whole 10 min: 5 min at 25, nothing durable at 50 yet.
    lost = np.zeros(1) if save == "true" else np.unique(struck["progress_s"] % 600.0)
    assert set(np.unique(struck["lost_work_s"])) <= (set(lost) | ({600.0} if save == "false" else set()))
    assert row["interruptions_of"][1] == len(pauses)
    assert row["ledger"][BUCKETS.index("pause")] > 1800.0 * len(quiet[:-1])


def test_a_pause_that_was_not_saved_is_done_again():
    again, once = (incidents[incidents["cause"] == 1]["progress_s"] for _, incidents in map(run, ["false", "true"]))
    assert len(np.unique(once)) == len(once)
    assert len(np.unique(again)) < len(again)
