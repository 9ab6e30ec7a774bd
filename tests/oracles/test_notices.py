"""Faults that are known before they strike.

The closed forms are derived in ``sim.theory.notices``; they are held to a plain simulation of their cycles first, then
the engines to them.
"""

import math
import random

import pytest

from sim.planning import build
from sim.scenario import loads
from sim.theory import ettr_known_too_late, ettr_with_notices, periodic_ettr

from .measure import Z_LIMIT, booked, run_compiled

TEXT = """
[cluster]
nodes = 1
[detect]
stop = "0 s"
[faults.host]
per = "job"
clock = "wall"
mtbf = "200 min"
effect = { notice = 0.7, stop = 0.3 }
lead = "30 min"
[stores.shared]
every = "9_000 h"
stall = "15 min"
persist = "10 min"
[recovery.again]
use = "same units"
stages = { restart = "12 min" }
[run]
horizon = "220 days"
initial_start = false
seed = 806
"""
M, Q, SAVE, R = 200.0, 0.7, 25.0, 12.0
# n = 2_000 runs of 200 days, some 1_100 cycles each. The work that a cycle keeps has a spread of about its mean M, so
# that the ratio is known to about 1 / sqrt(2_000 * 1_100) = 0.07 %: noticed from 0.3 %, which is 0.2 % of the faults.
N = 2_000


def useful(rows):
    return booked(rows, "productive"), rows["wall_s"]


def cycles(known, save, recovery, count=200_000):
    """Work kept and time of so many cycles, drawn one by one."""
    draw = random.Random(11)
    kept = time = 0.0
    for _ in range(count):
        work = draw.expovariate(1 / M)
        time += work
        if draw.random() < known:
            stop = draw.expovariate((1 - known) / M) if known < 1 else math.inf
            time += min(save, stop)
            kept += work if stop > save else 0.0
        while (again := draw.expovariate(1 / M)) < recovery:
            time += again
        time += recovery
    return kept / time


@pytest.mark.parametrize("known", [0.7, 1.0])
def test_the_closed_form(known):
    # The spread of a kept amount of work is about M: 200_000 cycles give 0.3 % at one standard error.
    assert abs(cycles(known, SAVE, R) / ettr_with_notices(M, known, SAVE, R) - 1) < 4.5 * 0.003
    assert ettr_with_notices(M, 0.0, SAVE, R) == 0.0
    # A lead of 0 saves nothing: the ETTR of periodic saves.
    assert math.isclose(ettr_known_too_late(M, 25, 2, 0.0, R), periodic_ettr(M, 25, 2, R))


def test_saved_on_notice(measure):
    expected = ettr_with_notices(M, Q, SAVE, R)
    found = measure(TEXT, useful, expected, N, 20, early="20 days")
    assert found.agrees, found
    assert found.noticed < 0.004


def test_all_known(measure):
    """A fault strikes nobody who knows of it: nothing is lost."""
    expected = ettr_with_notices(M, 1.0, SAVE, R)
    found = measure(TEXT, useful, expected, N, 20, "faults.host.effect='notice'", early="20 days")
    assert found.agrees, found
    rows = run_compiled(build(loads(TEXT, overrides=("faults.host.effect='notice'",))), 1, 50)
    assert (booked(rows, "lost_work") == 0.0).all()
    # Each stop is saved; a fault that becomes known during the save or the recovery strikes with it or at once.
    assert (rows["saved_on_notice"] == rows["interruptions"]).all()
    assert (rows["notices"] >= rows["interruptions"]).all()


def test_known_too_late(measure):
    changes = ("faults.host.effect='notice'", "faults.host.lead='8 min'", "stores.shared.every='25 min'")
    expected = ettr_known_too_late(M, 25, 15, 8, R)
    found = measure(TEXT, useful, expected, N, 20, *changes, "stores.shared.persist='0 s'", early="20 days")
    assert found.agrees, found
    assert found.noticed < 0.004


def test_a_wrong_share_is_caught(measure):
    found = measure(TEXT, useful, ettr_with_notices(M, 0.69, SAVE, R), N, 20, early="20 days")
    assert abs(found.z) > Z_LIMIT
