"""Oracle of detection: how long a hang stays unseen (O14), and that a stop ends the wait for it."""

import math

import pytest

from sim.theory import hang_delay

from .measure import HOUR, Z_LIMIT, agreed, booked

HANGS = """
[cluster]
nodes = 4
[faults.link]
per = "job"
mtbf = "3 h"
clock = "training"
effect = "hang"
[detect]
hang = { timeout = "30 s", heartbeat = "1 s", poll = "5 s" }
[recovery.go]
stages = {}
[run]
horizon = "3000 h"
seed = 1401
"""


def unseen(rows):
    return booked(rows, "detection"), rows["interruptions"]


def delay(measure, *changes, m=12):
    # On the training clock no second fault falls into a wait. n = 400 runs of 1000 hangs; the delay's variance is
    # (1 + 25) / 12 s^2, so the mean is known to 0.0023 s and an error of 0.011 s (0.03 %) is noticed half of the time.
    # The run's end cuts off a wait with probability 0.003 a run: a bias below 1e-7 of the mean.
    return measure(HANGS, unseen, agreed(hang_delay(30.0, 1.0, 5.0), 32.0), 400, m, *changes)


def test_o14(measure):
    found = delay(measure)
    assert found.agrees, found
    assert found.noticed < 1.1 * Z_LIMIT * math.sqrt(26.0 / 12.0 / (400 * 3000 / 3.0)) / 32.0


@pytest.mark.parametrize(
    "change", ["detect.hang.heartbeat=0 s", "detect.hang.poll=5.1 s", "detect.hang.timeout=30.1 s"]
)
def test_o14_notices(measure, change):
    found = delay(measure, change, m=2)
    assert abs(found.z) > Z_LIMIT, found


def test_a_stop_that_comes_first_is_what_finds_a_hang(measure):
    """A hang of timeout T under stops at rate r, seen at once: the wait is the sooner of both, (1 - exp(-r T)) / r."""
    text = HANGS.replace('hang = { timeout = "30 s", heartbeat = "1 s", poll = "5 s" }', 'hang = "2 h"\nstop = "0 s"')
    text += '[faults.node]\nper = "job"\nclock = "wall"\nmtbf = "4 h"\n'
    # Both run on: the training clock for hangs, the wall clock for stops. A run has a hang for every 3 h of stepping.
    expected = (1.0 - math.exp(-2.0 / 4.0)) * 4.0 * HOUR

    def per_hang(rows):
        return booked(rows, "detection"), rows["interruptions_of"][:, 0]

    found = measure(text, per_hang, expected, 400, 12)
    assert found.agrees, found
