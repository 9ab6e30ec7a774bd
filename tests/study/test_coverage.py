"""Intervals hold as often as they say: studies of a small scenario against a closed form, also where runs are skewed.

A study looks after 32, 64, ... replications and stops when it is precise, so that its interval is that of the look at
which it stopped: stopping when the spread happens to look small is what could make it dishonest. Each of the 1,000
studies has a seed of its own. The share that holds the oracle has a standard error of 0.7 % at 95 %; it must lie
between 93 and 97 %.
"""

import math

import numpy as np
import pytest

from sim.scenario import loads
from sim.study.estimate import run
from sim.study.tune import tune
from sim.theory import Saves, best_interval, ettr

O1 = """
[cluster]
nodes = 1
[detect]
stop = "0 s"
[faults.stop]
per = "job"
mtbf = "{mtbf} min"
[stores.shared]
every = "{every} min"
stall = "5 min"
[recovery.again]
use = "same units"
stages = {{ restart = "{restart} min" }}
[run]
work = "{work} min"
initial_start = false
final_save = true
max_replications = 4096
"""
STUDIES = 1_000

EVEN = {"mtbf": 360, "every": 57, "restart": 10, "work": 2280}
"""Some 9 faults a run."""

RARE = {"mtbf": 4_000, "every": 100, "restart": 300, "work": 1_000}
"""A fault in every fourth run, which costs a third of it: most runs are alike, and the rest far off."""

PRONE = {"mtbf": 60, "every": 20, "restart": 60, "work": 60}
"""Restarts as long as the time between faults: their number, and so the length of a run, has a long tail."""


@pytest.mark.verification
@pytest.mark.parametrize(
    ("settings", "points"),
    [(EVEN, 0.8), (RARE, 1.4), (RARE, 2.2), (RARE, 3.2), (PRONE, 1.0)],
    ids=["even", "rare", "rare-stops-early", "rare-stops-at-once", "prone"],
)
def test_the_interval_of_ettr_at_the_look_where_it_stops(settings: dict[str, float], points: float, jobs: int) -> None:
    mtbf = settings["mtbf"]
    exact = ettr(1 / mtbf, Saves(settings["every"], 5.0), mtbf * math.expm1(settings["restart"] / mtbf))
    scenario = loads(O1.format(**settings))
    held, counts = 0, []
    for seed in range(STUDIES):
        answer = run(scenario, seed=seed, half_width=points / 100, jobs=jobs)
        assert answer.reached
        assert answer.ettr.low is not None
        assert answer.ettr.high is not None
        held += answer.ettr.low <= exact <= answer.ettr.high
        counts.append(answer.n)
    print(f"{settings}: {held / STUDIES:.3f} held, {np.mean(counts):.0f} replications")
    assert 0.93 <= held / STUDIES <= 0.97


@pytest.mark.verification
def test_the_interval_of_the_best_value(jobs: int) -> None:
    """The best interval between saves, searched 300 times: 95 % with a standard error of 1.3 %, |z| < 4.5 below.

    Above it is no error to hold more often; the search may stop at a look with a narrow interval, as above.
    """
    text = O1.format(mtbf=360, every=57, restart=10, work=2280).replace('work = "2280 min"', 'horizon = "90 days"')
    scenario = loads(text.replace("final_save = true", "final_save = false"))
    exact = best_interval(1 / 360, 5.0, 0.0, 0.0, 1)
    studies = 300
    held = 0
    for seed in range(studies):
        (found,) = tune(scenario, "stores.shared.every", "10 min", "5 h", seed=seed, jobs=jobs).found
        assert found.reason is None
        assert found.best == pytest.approx(exact, rel=0.1)
        held += found.low <= exact <= found.high
    print(f"{held / studies:.3f} held")
    assert held / studies > 0.95 - 4.5 * math.sqrt(0.95 * 0.05 / studies)
