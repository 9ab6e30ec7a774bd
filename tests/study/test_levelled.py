"""Drawn durations at their laws' means: nothing is biased, everything adds up, and every verb gives the same ETTR."""

import math

import numpy as np
import pytest

from sim.engine.compiled.run import Runner
from sim.kernels.ledger import DETECTION, PAUSE, RESTART
from sim.planning import build
from sim.results import Runs
from sim.scenario import Scenario, loads
from sim.study import estimate
from sim.study.answer import Answer
from sim.study.attribution import losses, shares, total
from sim.study.compare import compare
from sim.study.efficiency import DAY_S
from sim.study.explain import explain
from sim.study.levelled import means_of_a_run, shares_of_time, time_s
from sim.study.trials import Trials

from .texts import CALM

DRAWN = """
[cluster]
nodes = 6
[job]
nodes = 4
[detect]
stop = {{ law = "exponential", mean = "2 h" }}
[faults.node]
per = "node"
mtbf = "12 days"
needs = {{ repair = 0.5, process = 0.5 }}
[pools]
cold = 2
[stores.shared]
every = "1 h"
stall = "1 min"
[recovery.again]
stages.restart = {{ law = "lognormal", mean = "4 h", sd = "{sd}", vulnerable = {vulnerable} }}
[pauses.evaluation]
every = "2 days"
duration = {{ law = "exponential", mean = "3 h" }}
[run]
{end}
"""
ENDS = ['horizon = "10 days"', 'work = "8 days"']


def scenario(end: str, vulnerable: bool = True, sd: str = "12 h") -> Scenario:
    return loads(DRAWN.format(end=end, vulnerable=str(vulnerable).lower(), sd=sd))


@pytest.mark.parametrize("vulnerable", [True, False])
@pytest.mark.parametrize("end", ENDS)
def test_what_is_drawn_beyond_the_mean_has_a_mean_of_0(end: str, vulnerable: bool, jobs: int) -> None:
    """n = 20,000 runs, z of the mean excess of each of three buckets, |z| < 4.5: a false alarm in 1e-5 of the tests.

    At sd = mean a mean that is wrong by 2 % of a restart is noticed.
    """
    rows = Runner(build(scenario(end, vulnerable, "4 h")), jobs).run(0, 20_000)
    for bucket in (DETECTION, PAUSE, RESTART):
        excess = rows["excess"][:, bucket]
        assert excess.any()
        z = excess.mean() / (excess.std() / math.sqrt(len(excess)))
        assert abs(z) < 4.5
        biased = excess + 0.02 * 4 * 3600 * rows["interruptions"]
        assert biased.mean() / (biased.std() / math.sqrt(len(biased))) > 4.5 or bucket != RESTART
    assert not np.delete(rows["excess"], [DETECTION, PAUSE, RESTART], axis=1).any()


@pytest.mark.parametrize("end", ENDS)
def test_levelled_runs_add_up(end: str, jobs: int) -> None:
    answer = estimate.run(scenario(end), 200, jobs=jobs)
    for runs, wall in ((answer.levelled, answer.levelled.rows["wall_s"]), (shares_of_time(answer.runs), answer.time_s)):
        assert sum(runs.ledger_s.values()) == pytest.approx(wall, rel=1e-12)
        assert sum(runs.ledger_gpu_s.values()) == pytest.approx(runs.gpus_held * wall, rel=1e-9)
    level = answer.levelled.rows
    assert level["work_done_s"].sum() / level["wall_s"].sum() == pytest.approx(answer.ettr.mean, rel=1e-12)
    assert answer.buckets[0].share == answer.ettr
    assert sum(each.hours or 0.0 for each in answer.buckets) == pytest.approx(level["wall_s"].mean() / 3600, rel=1e-12)
    assert sum(each.gpu_share for each in answer.buckets) == pytest.approx(1.0, rel=1e-9)
    found = shares(answer.levelled, losses(answer.levelled))
    assert sum(each.of_wall.mean for each in found) == pytest.approx(1 - answer.ettr.mean, rel=1e-9)
    assert total(answer.levelled).of_wall.mean == pytest.approx(1 - answer.ettr.mean, rel=1e-9)
    if end == ENDS[0]:
        assert level["wall_s"] == pytest.approx(10 * DAY_S, rel=1e-12)
    if end == ENDS[1]:
        assert level["work_done_s"] == pytest.approx(8 * DAY_S, rel=1e-12)


def test_no_estimate_moves_where_nothing_is_drawn_or_one_run_is_shown(jobs: int) -> None:
    calm = estimate.run(loads(CALM), 8, jobs=jobs)
    assert calm.levelled is calm.runs
    assert np.array_equal(calm.time_s, calm.runs.rows["wall_s"])
    one = estimate.run(scenario(ENDS[0]), 1, jobs=jobs)
    assert one.levelled is one.runs
    assert one.ettr.mean == one.runs.rows["work_done_s"][0] / one.runs.rows["wall_s"][0]


@pytest.mark.parametrize("end", ENDS)
def test_every_verb_gives_the_same_ettr(end: str, jobs: int) -> None:
    of_run = estimate.run(scenario(end), 64, jobs=jobs).ettr
    assert compare(scenario(end), replications=64, jobs=jobs).cases[0].ettr == of_run
    assert explain(scenario(end), replications=64, jobs=jobs).answer.ettr == of_run
    measured = Trials(lambda _: scenario(end), "ettr", scenario(end).run.seed, jobs).at((), 64)
    assert measured.value == of_run.mean
    assert measured.value != pytest.approx(_raw(estimate.run(scenario(end), 64, jobs=jobs)), rel=1e-9)


def _raw(answer: Answer) -> float:
    rows = answer.runs.rows
    return float(rows["work_done_s"].sum() / rows["wall_s"].sum())


def test_it_takes_most_of_the_noise_of_long_restarts(jobs: int) -> None:
    """The estimate has less than half the variance, and is the same within what it leaves: n = 20,000, |z| < 4.5."""
    drawn = scenario(ENDS[1], vulnerable=False)
    plan = build(drawn)
    rows = Runner(plan, jobs).run(0, 20_000)
    level = means_of_a_run(Runs(drawn, plan, rows)).rows
    removed = rows["wall_s"] - level["wall_s"]
    assert level["wall_s"].var() < rows["wall_s"].var() / 2
    assert abs(removed.mean()) < 4.5 * removed.std() / math.sqrt(len(removed))
    assert np.array_equal(time_s(rows), level["wall_s"])
