"""Oracles O5: saves that persist while the job trains on.

Measured between two horizons of the same path. Each fault starts recovery again, so that the time since the last one
decides the job's state: the early horizon of 20 mean times between faults leaves a bias of at most 2 exp(-20) = 4e-9.
The spread of a cycle is derived by quadrature, which must give the oracle's mean as well.
"""

import pytest

from sim.theory import UNLIMITED, async_ettr

from .measure import SPREAD, Z_LIMIT, agreed
from .spread import incident, renewals

O5 = """
[cluster]
nodes = 1
[job]
nodes = 1
[detect]
stop = "0 s"
[faults.stop]
per = "job"
clock = "wall"
mtbf = "200 min"
[stores.shared]
every = "30 min"
stall = "0.5 min"
persist = "{persist} min"
slowdown = {slowdown}
in_flight = {in_flight}
[recovery.again]
use = "same units"
stages = {{ restart = "12 min" }}
[run]
horizon = "104_000 min"
initial_start = false
seed = {seed}
"""


def ettr(rows):
    return rows["work_done_s"], rows["wall_s"]


def o5(measure, persist, slowdown, in_flight, fixture, seed, *changes, m=30):
    expected = agreed(async_ettr(200.0, 30.0, 0.5, persist, slowdown, in_flight, 12.0), fixture)
    word = '"unlimited"' if in_flight == UNLIMITED else in_flight
    text = O5.format(persist=persist, slowdown=slowdown, in_flight=word, seed=seed)
    return measure(text, ettr, expected, 2000, m, *changes, early="4000 min")


# n = 2000 paths of 471 cycles: noticed from 0.1 % in a and b, 0.24 % in c, 0.2 % in d.
@pytest.mark.parametrize(
    ("persist", "slowdown", "in_flight", "fixture", "period", "seed"),
    [
        pytest.param(15, 0.0, 1, 0.795529, 30.5, 201, id="a"),
        pytest.param(15, 0.1, 1, 0.761013, 30.5 + 1.5, 202, id="b"),
        pytest.param(15, 0.1, UNLIMITED, 0.761013, 30.5 + 1.5, 203, id="b-unlimited"),
        pytest.param(70, 0.0, UNLIMITED, 0.604262, 30.5, 204, id="c"),
        pytest.param(70, 0.0, 1, 0.287700, 70.5, 205, id="d"),
    ],
)
def test_o5(measure, persist, slowdown, in_flight, fixture, period, seed):
    found = o5(measure, persist, slowdown, in_flight, fixture, seed)
    assert found.agrees, found
    mean, spread, cycle = renewals(200.0, 30.0, 30.5 + persist, period, incident(200.0, 12.0))
    assert mean == pytest.approx(fixture, rel=1e-4)
    assert found.noticed < SPREAD * Z_LIMIT * spread / (found.n * 100_000 / cycle) ** 0.5 < 0.003


@pytest.mark.parametrize(
    "change",
    [
        "stores.shared.slowdown=0",
        "stores.shared.persist=16 min",  # a version is durable a minute later, and training slowed as long
        "faults.stop.mtbf=194 min",
    ],
)
def test_o5b_notices(measure, change):
    found = o5(measure, 15, 0.1, 1, 0.761013, 202, change, m=2)
    assert abs(found.z) > Z_LIMIT, found
