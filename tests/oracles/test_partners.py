"""Oracles O8a and O8b through the engines: k nodes of a job are lost in one incident, and a version survives or not.

A fault is seen long after it, so that more nodes fail in the same incident; all fail at the same rate, so that those
that are down when it is seen are any k of N with equal probability. There is no other store: where the version is lost
the job starts from 0. Incidents count in which a version was made since the last one: then all copies were there.

For each k the share of the n incidents that fell back to a version is binomial: z = (share - P) / sqrt(P (1 - P) / n),
and |z| < 4.5 fails with probability 7e-6 for each of the 8 figures. n >= 2,500 notices an error of 4.4 points half of
the time. The engines give the same incidents bit for bit.
"""

import math

import numpy as np
import pytest

from sim.engine import simpy_engine
from sim.engine.compiled.run import Runner
from sim.planning import build
from sim.scenario import loads

from .measure import Z_LIMIT

NODES = 16
PARTNERS = """
cluster = {{ nodes = {nodes} }}
faults.node = {{ per = "node", mtbf = "{mtbf} min" }}
detect.stop = "30 min"
stores.host = {{ place = {{ partners = 1, layout = "{layout}" }}, every = "1 min" }}
recovery.restart = "1 min"
repair.time = "10 s"
run = {{ horizon = "{horizon} min", seed = 801 }}
"""


def groups(nodes: int, down: int) -> float:
    """O8a with groups of two: no pair is down."""
    return math.comb(nodes // 2, down) * 2**down / math.comb(nodes, down)


def ring(nodes: int, down: int) -> float:
    """O8b: no two neighbours are down."""
    return nodes / (nodes - down) * math.comb(nodes - down, down) / math.comb(nodes, down)


def shares(layout: str) -> dict[int, tuple[int, float]]:
    """By the number of nodes lost: how many incidents, and in what share of them a version was restored."""
    text = PARTNERS.format(nodes=NODES, mtbf=16 * 15, layout=layout, horizon=2_000_000)
    plan = build(loads(text))
    _, incidents = Runner(plan).run_one(0)
    _, few = simpy_engine.run_one(build(loads(text.replace("2000000", "20000"))), 0)
    assert len(few) > 100
    assert few[:-1].tobytes() == incidents[: len(few) - 1].tobytes()
    before = np.concatenate([[0.0], incidents["restored_s"][:-1]])
    whole = incidents[incidents["progress_s"] - before >= 120.0]
    found = {}
    for down in (2, 3, 4, 5):
        of_them = whole["restored_s"][whole["units"] == down]
        found[down] = len(of_them), float((of_them > 0.0).mean())
    return found


@pytest.mark.parametrize(("layout", "oracle"), [("groups", groups), ("ring", ring)])
def test_o8(layout, oracle):
    assert groups(16, 2) == pytest.approx(0.933333, abs=5e-7)
    assert groups(16, 4) == pytest.approx(0.615385, abs=5e-7)
    assert ring(32, 5) == pytest.approx(0.475131, abs=5e-7)
    for down, (n, share) in shares(layout).items():
        expected = oracle(NODES, down)
        z = (share - expected) / math.sqrt(expected * (1.0 - expected) / n)
        print(layout, down, n, share, expected, z)  # pytest -rP shows it
        assert n >= 2_500
        assert abs(z) < Z_LIMIT


def test_o8_notices():
    """Negative control: the ring's figures are not those of groups."""
    found = shares("ring")
    for down in (3, 4, 5):
        n, share = found[down]
        expected = groups(NODES, down)
        assert abs(share - expected) > Z_LIMIT * math.sqrt(expected * (1.0 - expected) / n)
