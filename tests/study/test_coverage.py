"""Intervals hold as often as they say: studies of a small scenario against a closed form, also where runs are skewed.

A study looks after 32, 64, ... replications and stops when it is precise, so that its interval is that of the look at
which it stopped: stopping when the spread happens to look small is what could make it dishonest. Each of the 1,000
studies has a seed of its own. The share that holds the oracle has a standard error of 0.7 % at 95 %; it must lie
between 93 and 97 %.
"""

import math

import numpy as np
import pytest

from sim.engine.compiled.run import Runner
from sim.planning import build
from sim.results import Runs
from sim.scenario import Scenario, loads
from sim.study.answer import Answer
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
clock = "wall"
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


HEAVY = {
    "one-restart-of-days": (90_000, 43_200, '{ law = "lognormal", mean = "1 day", sd = "3 days" }', 1440, 0.5),
    "mean-ten-times-median": (8_640, 43_200, '{ law = "lognormal", mean = "300 min", sd = "2_985 min" }', 300, 0.35),
    "few-that-hang": (
        1_440, 43_200, '{ law = "mixture", of = [{ share = 0.98, time = "5 min" }, '
        '{ share = 0.02, law = "lognormal", mean = "1 day", sd = "3 days" }] }', 0.98 * 5 + 0.02 * 1440, 0.3,
    ),
}  # fmt: skip
"""Restarts with heavy tails: time between faults, work, law, its mean in minutes, half width in points. Some 0.5, 5 and
30 faults a run: 15 faults in 32 runs of the first.
"""


def heavy(name: str) -> tuple[Scenario, float, float]:
    """A scenario whose restarts have a heavy tail, its ETTR by the closed form, and a half width to ask for."""
    mtbf, work, law, mean, points = HEAVY[name]
    text = O1.format(mtbf=mtbf, every=120, restart=0, work=work).replace(
        '"0 min"', f"{law[:-1]}, vulnerable = false }}"
    )
    return loads(text), ettr(1 / mtbf, Saves(120.0, 5.0), mean), points / 100


@pytest.mark.parametrize("name", HEAVY)
def test_the_interval_holds_under_heavy_tails(name: str, jobs: int) -> None:
    """300 studies of n = 128: at 95 % the share that holds has a standard error of 1.3 %; it must be 0.90 to 0.99, a
    false alarm in 2e-4 of the tests. Without the control variate it is 0.75 to 0.86 in the first two, and is noticed.
    """
    scenario, exact, _ = heavy(name)
    plan = build(scenario)
    rows = Runner(plan, jobs).run(0, 300 * 128)
    studies = (Answer(Runs(scenario, plan, rows[first : first + 128])).ettr for first in range(0, len(rows), 128))
    held = np.mean([each.low <= exact <= each.high for each in studies])  # type: ignore[operator]
    assert 0.90 <= held <= 0.99


@pytest.mark.verification
@pytest.mark.parametrize("name", HEAVY)
def test_the_interval_holds_under_heavy_tails_in_3000_studies(name: str, jobs: int) -> None:
    """At n = 128 and stopped on precision 93 to 97 %, at n = 32 at least 91 %; the standard error is 0.4 %."""
    scenario, exact, half_width = heavy(name)
    held = {"32": 0, "128": 0, "stopped": 0}
    counts = []
    for seed in range(3 * STUDIES):
        answers = {
            "32": run(scenario, 32, seed, jobs=jobs),
            "128": run(scenario, 128, seed, jobs=jobs),
            "stopped": run(scenario, seed=seed, half_width=half_width, jobs=jobs),
        }
        counts.append(answers["stopped"].n)
        for when, answer in answers.items():
            held[when] += answer.ettr.low <= exact <= answer.ettr.high  # type: ignore[operator]
    shares = {when: count / (3 * STUDIES) for when, count in held.items()}
    print(f"{name}: {shares} held, {np.mean(counts):.0f} replications")
    assert shares["32"] >= 0.91
    assert 0.93 <= min(shares["128"], shares["stopped"]) <= max(shares["128"], shares["stopped"]) <= 0.97
