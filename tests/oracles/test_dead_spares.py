"""Oracle of spares that are noticed late: how often a call finds the only spare dead.

Detection, stages, activation and repair take no time, so that the clocks never stop and a spare works after each check
and each call. Three nodes of the job fail as the spare does, and each of their faults calls it.
"""

import math

import pytest

from sim.theory import dead_spare_share

from .measure import SPREAD, Z_LIMIT

TEXT = """
[cluster]
nodes = 4
[job]
nodes = 3
[faults.node]
per = "node"
mtbf = "10 h"
[detect]
stop = "0 s"
[recovery.swap]
[pools.hot]
nodes = 1
check = "{check}"
[repair]
time = "0 s"
[run]
horizon = "800 h"
initial_start = false
seed = {seed}
"""
FAILURES, CALLS, HORIZON = 0.1, 0.3, 800.0


def found_dead(rows):
    """Calls that found the spare dead, and all of them: after it there is no other, and the job waits for no time."""
    return rows["spare_waits"], rows["spares_used"] + rows["spare_waits"]


def noticed(n, share):
    """Calls of n runs, of which a share finds the spare dead: binomial, as each of them leaves a spare that works."""
    return Z_LIMIT * math.sqrt((1.0 - share) / (share * n * CALLS * HORIZON))


# The horizon is a whole number of checks, so that nothing is left of the start; without checks it is one time itself.
# n = 2000 runs of 240 calls each: noticed from 1.4 % (8 h), 2.2 % (2 h), 4.2 % (30 min) and 1.1 % (when called).
@pytest.mark.parametrize(
    ("check", "hours", "seed"),
    [("8 h", 8.0, 951), ("2 h", 2.0, 952), ("30 min", 0.5, 953), ("on activation", HORIZON, 954)],
)
def test_calls_that_find_a_dead_spare(measure, check, hours, seed):
    expected = dead_spare_share(FAILURES, CALLS, hours)
    found = measure(TEXT.format(check=check, seed=seed), found_dead, expected, 2000, 8)
    assert found.agrees, found
    assert found.noticed < SPREAD * noticed(found.n, expected) < 0.05


@pytest.mark.parametrize("check", ["8.5 h", "on activation", "at once"])
def test_another_check_is_noticed(measure, check):
    expected = dead_spare_share(FAILURES, CALLS, 8.0)
    text = TEXT.format(check="8 h", seed=951)
    found = measure(text, found_dead, expected, 2000, 2, f"pools.hot.check={check}")
    assert abs(found.z) > Z_LIMIT, found
