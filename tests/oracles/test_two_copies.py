"""Oracle O17b through the engines: how long two copies last, where the one that is lost is made again at the next save.

A job of two nodes, each with a copy of both parts, and no other store. Nothing but stepping takes time: after a loss
the job falls back to the last save, and the next one, after an interval of work, makes both copies again. So the copy
is made again after a constant time, unless one more fault comes before: that falls back once more. Where it takes the
other copy, the job starts from 0, and two copies are there after the first interval without a fault: (exp(L v) - 1) / L
for L the rate of all faults.

A replication counts the losses in its horizon, from a start that is as after a loss: a renewal process. The number of
gaps in a horizon of n mean gaps is n up to (variance / mean^2 - 1) / 2 of a gap, which is below 0.5 here and far below
the error.
"""

import math

import numpy as np
import pytest

from sim.engine import simpy_engine
from sim.engine.compiled.run import Runner
from sim.planning import build
from sim.scenario import loads
from sim.theory import time_to_lose_both

from .measure import Z_LIMIT

TEXT = """
cluster = {{ nodes = 2, groups = {{ rack = "{size} nodes" }} }}
detect.stop = "0 s"
faults.node = {{ per = "node", mtbf = "{node} min" }}
faults.rack = {{ per = "rack", mtbf = "{rack} min" }}
stores.host = {{ place = {{ partners = 1 }}, every = "{recopy} min" }}
recovery.restart = "0 s"
repair.time = "0 s"
run = {{ horizon = "{horizon} min", seed = 1702 }}
"""


def losses(incidents, recopy):
    """Incidents in which there was a version, and after which there was none."""
    return int(((incidents["progress_s"] >= 60.0 * recopy) & (incidents["restored_s"] == 0.0)).sum())


def gaps_z(one_domain, node, rack, recopy, gaps, again=True, runs=8):
    """Deviate of the losses in some runs, and what relative error it notices."""
    window = time_to_lose_both(node, rack, one_domain, recopy, again)
    total = 2 * node + (1 if one_domain else 2) * rack
    gap = window + math.expm1(total * recopy) / total
    horizon = round(gaps * gap)
    text = TEXT.format(size=2 if one_domain else 1, node=1 / node, rack=1 / rack, recopy=recopy, horizon=horizon)
    runner = Runner(build(loads(text)))
    counts = []
    for replication in range(runs):
        row, incidents = runner.run_one(replication)
        assert len(incidents) == row["interruptions"]
        counts.append(losses(incidents, recopy))
    few = build(loads(text, overrides=[f"run.horizon={round(20 / total)} min"]))
    assert simpy_engine.run_one(few, 0)[1].tobytes() == Runner(few).run_one(0)[1].tobytes()
    error = math.sqrt(sum(counts))  # gaps are no more variable than exponential ones: see below
    return (sum(counts) - runs * horizon / gap) / error, Z_LIMIT / error, np.array(counts)


@pytest.mark.parametrize("one_domain", [True, False], ids=["one domain", "two domains"])
def test_copies_made_again_at_the_next_save(one_domain):
    # Often lost, and often awaited anew: 16,000 losses notice 3.6 %, which O17b itself, with a window that never begins
    # anew, misses by twice as much.
    arguments = (one_domain, 0.03, 0.02, 5)
    z, noticed, counts = gaps_z(*arguments, gaps=2000)
    assert abs(z) < Z_LIMIT
    assert noticed < 0.036
    # The counts are about as variable as those of a Poisson process: 8 runs of 2000.
    assert counts.std(ddof=1) < 2.5 * math.sqrt(2000)


def test_the_oracle_s_parameters():
    # Fixtures 4764.82 and 70486.3 for a node that is safe while it waits: that is 0.06 and 0.6 % here. 4,000 losses
    # notice 7 %; a domain that is not shared, or is, is far from that.
    for one_domain, gaps in ((True, 500), (False, 500)):
        z, _, _ = gaps_z(one_domain, 1e-3, 2e-4, 5, gaps)
        assert abs(z) < Z_LIMIT


def test_another_window_is_noticed():
    z, _, _ = gaps_z(False, 0.03, 0.02, 5, gaps=2000, again=False)
    assert abs(z) > Z_LIMIT
