"""The general ETTR of ``sim.theory`` (any schedule of saves, any expected recovery) against both engines.

When is it exact? ``recovery_time`` takes one constant detection, and stages that are drawn anew for each attempt. The
engine chooses a rule by the worst need that an incident has seen so far. So with several rules the expected recovery is
a mean over incidents, not over attempts, and the rule of an incident must be fixed by the fault that opens it: sources
that go on in an incident (clock wall) have the mildest need, those that stand still in it (clock training) may have a
worse one. All sources share one detection, since the earliest of those pending counts.
"""

import pytest

from sim.theory import (
    Saves,
    Stage,
    constant_stage,
    ettr,
    laplace_exponential,
    laplace_lognormal,
    laplace_mixture,
    recovery_restart_list,
    recovery_retry_stage,
)

from .measure import SPREAD, Z_LIMIT
from .spread import Moments, renewals

MIXED = """
[cluster]
nodes = 48
gpus_per_node = 4
[job]
nodes = 8
[detect]
stop = "3 min"
[faults.crash]
per = "job"
clock = "wall"
mtbf = "150 min"
[faults.link]
per = "gpu"
count = 2
mtbf = "32_000 min"
takes = "nothing"
needs = "process"
[faults.node]
per = "node"
mtbf = "6400 min"
clock = "training"
needs = { reset = 0.4, repair = 0.6 }
[faults.hang]
per = "job"
mtbf = "1500 min"
clock = "training"
[stores.shared]
every = "12 min"
stall = "0.5 min"
persist = "35 min"
slowdown = 0.2
in_flight = 2
read = "2 min"
[recovery.soft]
when = { needs = "process" }
on_fault = "retry_stage"
[recovery.soft.stages]
diagnosis = { time = "4 min", vulnerable = false }
restart = { law = "lognormal", mean = "15 min", sd = "12 min" }
load = "auto"
[recovery.hard]
[recovery.hard.stages]
diagnosis = { time = "10 min", vulnerable = false }
load = "auto"
warm_up = { base = "1 min", per_gpu = "3 s", per_gpu2 = "0.1 s" }
[recovery.hard.stages.restart]
law = "mixture"
of = [{ share = 0.7, time = "9 min" }, { share = 0.3, law = "exponential", mean = "25 min" }]
[repair]
time = "1 day"
[repair.reset]
time = "2 h"
[run]
horizon = "123_000 min"
initial_start = false
seed = 401
"""


def work_over_wall(rows):
    return rows["work_done_s"], rows["wall_s"]


def general():
    """Rate of all faults, mean recovery, ETTR; time in minutes."""
    wall = 1.0 / 150.0 + 8 * 4 * 2 / 32_000.0
    node, hang = 8 / 6400.0, 1.0 / 1500.0
    load = constant_stage(wall, 2.0)
    restart = Stage(15.0, laplace_lognormal(wall, 15.0, 12.0))
    soft = recovery_retry_stage(wall, [Stage(4.0, 1.0, vulnerable=False), restart, load], 3.0)
    mixture = laplace_mixture([(0.7, constant_stage(wall, 9.0).phi), (0.3, laplace_exponential(wall, 25.0))])
    warm_up = constant_stage(wall, 1.0 + 32 * 3 / 60.0 + 32**2 * 0.1 / 60.0)
    stages = [Stage(10.0, 1.0, vulnerable=False), load, warm_up, Stage(0.7 * 9.0 + 0.3 * 25.0, mixture)]
    hard = recovery_restart_list(wall, stages, 3.0)
    # A hang needs a process only, as the faults on clock wall do.
    total = wall + node + hang
    recovery = ((wall + hang) * soft + node * hard) / total
    return total, recovery, ettr(total, Saves(12.0, 0.5, 35.0, 0.2, 2), recovery)


def mixed(measure, *changes, m=12):
    return measure(MIXED, work_over_wall, general()[2], 1000, m, *changes, early="3000 min")


def test_the_general_form_is_exact_for_a_mixed_scenario(measure):
    # n = 1000 paths of some 900 cycles: noticed from 0.3 %. For the spread, two saves in 35.5 min are evenly spaced and
    # an incident varies less than its mean. The early horizon is 23 mean cycles, and each incident starts the next
    # cycle anew: a bias of order exp(-23) of a cycle. The 40 spares never run out: some 1 node is in repair.
    found = mixed(measure)
    assert found.agrees, found
    rate, recovery, _ = general()
    _, spread, cycle = renewals(1.0 / rate, 12.0, 12.0 + 35.5, 35.5 / 2, Moments(recovery, recovery**2))
    assert found.noticed < SPREAD * Z_LIMIT * spread / (found.n * 120_000 / cycle) ** 0.5 < 0.0037


@pytest.mark.parametrize(
    "change",
    [
        "detect.stop=0 s",  # some 4 min of 130
        "recovery.soft.on_fault=restart_list",
        "stores.shared.slowdown=0",
        "stores.shared.in_flight=1",
    ],
)
def test_the_general_form_notices(measure, change):
    found = mixed(measure, change, m=2)
    assert abs(found.z) > Z_LIMIT, found
