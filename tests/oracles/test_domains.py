"""Oracles of domains: faults that take many nodes at once.

A node whose repair takes no time is back at once, so that the nodes lost in a run are a compound Poisson count: single
nodes at N a, and G nodes at a time at n b. Its variance over its mean is oracle O17a.
"""

import math

import numpy as np
import pytest

from sim.engine.compiled.run import Runner
from sim.planning import build
from sim.scenario import loads

from .measure import SIX_DIGITS, Z_LIMIT, run_compiled, run_simpy

SHOCKS = """
[cluster]
nodes = 1024
groups = { rack = "64 nodes" }
[detect]
stop = "0 s"
[faults.node]
per = "node"
mtbf = "10_000 h"
[faults.rack]
per = "rack"
mtbf = "2_000 h"
[recovery.replace]
[repair]
time = "0 s"
[run]
horizon = "100 h"
seed = 901
"""


def dispersion(n, d, size, node_rate, rack_rate):
    """Oracle O17a: variance over mean of the nodes lost in a time."""
    single, shock = n * node_rate, d * rack_rate
    return (single + shock * size**2) / (single + shock * size)


def cumulants(single, shock, size, order):
    return single + shock * size**order


def dispersion_z(counts, single, shock, size, expected):
    """Deviate of var / mean by the delta method, with the moments of the compound Poisson law."""
    k1, k2, k3, k4 = (cumulants(single, shock, size, order) for order in (1, 2, 3, 4))
    variance = (k4 + 2 * k2**2) / k1**2 - 2 * k3 * k2 / k1**3 + k2**3 / k1**4
    return (np.var(counts, ddof=1) / counts.mean() - expected) / math.sqrt(variance / len(counts))


def test_losses_of_nodes_are_overdispersed(jobs):
    # Mean loss 10.24 single nodes and 0.8 racks of 64: a relative error of 4.5 sqrt(k4 / k2^2 / n) = 6.4 % of the ratio
    # is noticed half of the time with n = 8000.
    expected = dispersion(1024, 16, 64, 1e-4, 5e-4)
    assert abs(expected - 53.5) <= SIX_DIGITS * 53.5
    plan = build(loads(SHOCKS))
    rows = run_compiled(plan, jobs, 8000)
    run_simpy(plan, 4, rows)
    assert (rows["units_in_repair"] == 0).all()
    assert abs(dispersion_z(rows["repairs"], 10.24, 0.8, 64, expected)) < Z_LIMIT
    assert (rows["interruptions"] == rows["faults"]).all()


def test_a_wrong_size_of_the_domain_is_noticed(jobs):
    rows = Runner(build(loads(SHOCKS, overrides=['cluster.groups.rack="32 nodes"', "faults.rack.count=2"])), jobs).run(
        0, 8000
    )
    expected = dispersion(1024, 16, 64, 1e-4, 5e-4)
    assert abs(dispersion_z(rows["repairs"], 10.24, 0.8, 64, expected)) > Z_LIMIT


@pytest.mark.parametrize(
    ("change", "faults", "nodes"),
    [
        pytest.param("faults.rack.per=node", 1024 / 2000, 1, id="node"),
        pytest.param('cluster.groups.rack="100 nodes"', 11 / 2000, 1024 / 11, id="last domain smaller"),
        pytest.param("cluster.groups.rack={domains = 8}", 8 / 2000, 128, id="dealt one by one"),
        pytest.param('faults.rack={per = "gpu", mtbf = "16_000 h", takes = "rack"}', 0.512, 64, id="taken by a GPU"),
    ],
)
def test_rates_and_sizes_of_domains(jobs, change, faults, nodes):
    # Counts of n = 400 runs are Poisson(400 x 100 h x rate); the mean of the nodes lost for each follows.
    plan = build(loads(SHOCKS, overrides=[change, 'faults.node.mtbf="1e12 years"']))
    rows = run_compiled(plan, jobs, 400)
    run_simpy(plan, 2, rows)
    mean = 400 * 100 * faults
    assert abs(rows["faults"].sum() - mean) < Z_LIMIT * math.sqrt(mean)
    spread = 0.0 if nodes != 1024 / 11 else 93.1**2  # 10 domains of 100 nodes and one of 24
    error = math.sqrt((nodes**2 + spread) * mean)
    assert abs(rows["repairs"].sum() - mean * nodes) < Z_LIMIT * error
