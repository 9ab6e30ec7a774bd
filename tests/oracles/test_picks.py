"""Which spare is called, in closed form: one slot of the job, three spares, half of the nodes lemons that stay lemons.

Repair takes no time, so that after each fault the node that failed is idle again, but not before another was called.
Which node is in the job is then a Markov chain in continuous time: from node i to i + 1 in a ring of all four (longest
idle), between the first two (last returned, and first), to any of the three others (random). With the hazards h of the
nodes, which are known once it is known which are lemons, the faults up to a time H have the mean
int_0^H e_0 exp(Q t) h dt, and that is averaged over the 16 ways in which lemons may lie.
"""

import math
from itertools import product

import numpy as np
import pytest
from scipy.linalg import expm

from sim.planning import build
from sim.scenario import loads

from .measure import HOUR, Z_LIMIT, run_compiled, run_simpy

TEXT = """
[cluster]
nodes = 4
[job]
nodes = 1
[faults.node]
per = "node"
mtbf = "10 h"
frailty = {{ share = 0.5, factor = 20, cured = false }}
[detect]
stop = "0 s"
[recovery]
restart = "0 s"
[pools]
pick = "{pick}"
cold = {{ nodes = 3, activation = "0 s" }}
[repair]
time = "0 s"
[run]
horizon = "{hours} h"
seed = 1307
"""
NODES, SHARE, FACTOR, MTBF, HOURS, RUNS = 4, 0.5, 20, 10 * HOUR, 60, 16_000
PICKS = ("longest idle", "last returned", "first", "random")


def follows(pick):
    """Probabilities that after a fault of node i node j is called."""
    if pick == "longest idle":
        return np.roll(np.eye(NODES), 1, axis=1)
    if pick == "random":
        return (1 - np.eye(NODES)) / (NODES - 1)
    pair = np.zeros((NODES, NODES))
    pair[0, 1] = pair[1, 0] = pair[2, 0] = pair[3, 0] = 1.0
    return pair


def mean_faults(pick):
    """Faults up to the horizon."""
    good = 1.0 / (1.0 - SHARE + SHARE * FACTOR)
    total = 0.0
    for lemons in product((False, True), repeat=NODES):
        hazard = np.where(lemons, FACTOR, 1.0) * good / MTBF
        chain = np.zeros((NODES + 1, NODES + 1))
        chain[:NODES, :NODES] = hazard[:, None] * (follows(pick) - np.eye(NODES))
        chain[:NODES, NODES] = hazard
        weight = math.prod(SHARE if lemon else 1 - SHARE for lemon in lemons)
        total += weight * expm(chain * HOURS * HOUR)[0, NODES]
    return total


def deviate(rows, pick):
    return (rows["faults"].mean() - mean_faults(pick)) / (rows["faults"].std(ddof=1) / math.sqrt(len(rows)))


@pytest.mark.parametrize("pick", PICKS)
def test_faults_depend_on_who_is_called(jobs, pick):
    """4 statistics of 16,000 runs, each out of limits by chance with probability 7e-6. Noticed: 3 to 4 % of the faults.
    Whatever is called, the formula for another order of calls does not fit.
    """
    rows = run_compiled(build(loads(TEXT.format(pick=pick, hours=HOURS))), jobs, RUNS)
    run_simpy(build(loads(TEXT.format(pick=pick, hours=HOURS))), 20, rows)
    z = {other: deviate(rows, other) for other in PICKS}
    print(pick, rows["faults"].mean(), z)
    assert abs(z[pick]) < Z_LIMIT
    alike = {pick, "first", "last returned"} if pick in ("first", "last returned") else {pick}
    assert all(abs(z[other]) > Z_LIMIT for other in PICKS if other not in alike)
