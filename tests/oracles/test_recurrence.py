"""Nodes that are not taken out fail again: how often, against closed forms. See ``measure`` for the statistics."""

import pytest

from sim.engine.compiled.run import Runner
from sim.engine.state import StopReason
from sim.planning import build
from sim.scenario import loads

from .measure import HOUR
from .retry_chain import CHAIN

AFTER = """
[cluster]
nodes = 64
[job]
nodes = 64
[faults.node]
per = "node"
mtbf = "100 h"
clock = "training"
[detect]
stop = "0 s"
missed = 0.5
recurs.after = { law = "exponential", mean = "10 h" }
[recovery]
restart = "0 s"
[repair]
time = "0 s"
[stores.free]
every = "1 h"
[run]
horizon = "30 days"
seed = 713
"""


def again(rows):
    """Recurrences for each fault that is none."""
    return rows["recurrences"], rows["faults"] - rows["recurrences"]


@pytest.mark.parametrize(
    ("changes", "share"),
    [
        (("detect.missed=0.67",), 0.67),
        (("detect.missed=0.3", "detect.wrong=0.37"), 0.67),
        (("detect.missed=0.67", "detect.recurs.healed=0.4"), 0.402),
    ],
    ids=["missed", "wrong", "healed"],
)
def test_starts_of_a_fault(measure, changes, share):
    """A fault takes 1 / (1 - share) starts: the first, and a geometric number of others.

    Their mean is share / (1 - share), their variance share / (1 - share)^2. n = 1,600 runs of 12.5 faults each: the
    mean is known to a share of sqrt(1 / (20,000 share)), and noticed from 3.9 % or 5.1 %. Faults in the last hour or in
    a restart are 0.05 % of all.
    """
    found = measure(CHAIN, again, share / (1.0 - share), 1_600, 4, *changes)
    assert found.agrees, found
    assert found.noticed < 1.1 * 4.5 / (20_000 * share) ** 0.5


def test_other_shares_are_noticed(measure):
    assert not measure(CHAIN, again, 0.60 / 0.40, 1_600, 4, "detect.missed=0.67").agrees


def test_a_fault_that_is_never_found_ends_the_run():
    rows = Runner(build(loads(CHAIN, overrides=("detect.missed=1", "recovery.max_attempts=50")))).run(0, 50)
    assert (rows["stop_reason"] == StopReason.NO_PROGRESS).all()
    assert (rows["interruptions"] == 1).all()
    assert (rows["attempts"] == 51).all()
    assert (rows["spares_used"] == 0).all()


def test_recurrences_after_a_time(measure):
    """Of n nodes a share b is broken, where all that happens takes no time.

    A node that works fails at the rate r = 1/100 h, and is broken then with probability p = 0.5. A broken one fails at
    the rate r + 1/a, a = 10 h, and is in order then with probability 1 - p. So b = r p / (r p + (r + 1/a) (1 - p)), and
    recurrences come at the rate n b / a, 0.533 per h: 256 in 20 days after the start has been forgotten (it is with a
    time of 17 h). n = 800 runs: counts are somewhat more spread than Poisson's (by 1 + 2 p or so), noticed from 1.5 %.
    """
    rate, p, a = 0.01, 0.5, 10.0
    broken = rate * p / (rate * p + (rate + 1 / a) * (1 - p))
    found = measure(
        AFTER, lambda rows: (rows["recurrences"], rows["wall_s"] / HOUR), 64 * broken / a, 800, 3, early="10 days"
    )
    assert found.agrees, found
    assert found.noticed < 0.016


def test_after_a_time_each_opens_an_incident():
    rows = Runner(build(loads(AFTER))).run(0, 20)
    assert rows["recurrences"].min() > 100
    assert (rows["interruptions"] == rows["faults"]).all()
