"""Scenarios on the same faults: exact sums, verdicts that the intervals allow, and a closed form."""

from typing import Any

import numpy as np
import pytest

import sim
from sim.errors import UsageError
from sim.scenario import Scenario, loads
from sim.study.answer import Answer
from sim.study.compare import Comparison, compare
from sim.study.difference import Difference
from sim.theory import Saves, ettr

from .texts import BUSY, CALM, STEADY

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
stages = {{ restart = "10 min" }}
[run]
work = "2280 min"
initial_start = false
final_save = true
seed = 11
"""
"""Oracle O1: its ratio of work to mean wall clock is exact, whatever the number of saves."""


def busy(*changes: str) -> Scenario:
    return loads(BUSY, overrides=changes)


@pytest.fixture(scope="module")
def found() -> Comparison:
    more = busy("stores.remote.every=10 min"), busy("pools.hot.nodes=1", "cluster.nodes=11", "repair.replace.crews=3")
    return compare(busy(), *more, replications=60, names=("now", "often", "fewer"))


def test_each_case_is_what_run_gives(found: Comparison) -> None:
    alone = sim.run(busy("stores.remote.every=10 min"), replications=60)
    assert found.cases[1].runs.rows.tobytes() == alone.runs.rows.tobytes()
    assert found.differences[0].ettr.mean == pytest.approx(alone.ettr.mean - found.cases[0].ettr.mean, rel=1e-9)


def test_the_buckets_add_up_to_the_difference(found: Comparison) -> None:
    base = found.cases[0].runs
    for case, each in zip(found.cases[1:], found.differences, strict=True):
        by_bucket = case.runs.rows["ledger"] - base.rows["ledger"]
        assert np.array_equal(by_bucket.sum(axis=1), case.runs.rows["wall_s"] - base.rows["wall_s"])
        hours = sum(change.hours.mean for change in each.buckets)
        assert hours == pytest.approx(each.wall_s.mean / 3600, abs=1e-9)
        assert sum(change.share.mean for change in each.buckets) == pytest.approx(0.0, abs=1e-12)
        assert each.buckets[0].bucket == "productive"
        assert each.buckets[0].share.mean == pytest.approx(each.ettr.mean, abs=1e-15)


def test_until_work_is_done_the_losses_are_the_difference_of_the_wall_clock() -> None:
    done = [loads(O1.format(mtbf=360, every=every)) for every in (57, 20)]
    (each,) = compare(*done, replications=40).differences
    productive, *losses = each.buckets
    assert productive.hours.mean == 0.0
    assert sum(change.hours.mean for change in losses) == pytest.approx(each.wall_s.mean / 3600, rel=1e-9)
    assert each.wall_s.mean > 0


def test_the_same_faults(found: Comparison) -> None:
    """Other intervals between saves, and the hardware, whose clock is the wall's, fails at the same times."""
    node = [source.name for source in found.cases[0].runs.plan.sources].index("node")
    void = [answer.runs.rows["void_faults"] + answer.runs.rows["spare_faults"] for answer in found.cases[:2]]
    counts = [answer.runs.rows["faults_of"][:, node] for answer in found.cases[:2]]
    assert np.array_equal(counts[0] + void[0], counts[1] + void[1])


def test_a_case_against_itself_is_the_same_and_costs_no_second_look() -> None:
    found = compare(busy(), busy('name="other"', "run.confidence=0.9"), half_width=1e-9)
    (each,) = found.differences
    assert (each.verdict, found.n, found.reached) == ("same", 32, True)
    assert (each.ettr.low, each.ettr.high, each.pairing, each.runs_that_differ) == (0.0, 0.0, None, 0)


def test_verdicts_are_what_the_intervals_allow(found: Comparison) -> None:
    for each in found.differences:
        assert each.ettr.low is not None
        assert each.ettr.high is not None
        verdict = "better" if each.ettr.low > 0 else "worse" if each.ettr.high < 0 else "open"
        assert each.verdict == verdict
    better, worse = (compare(*pair, replications=60).differences[0] for pair in _pairs())
    assert (better.verdict, worse.verdict) == ("better", "worse")
    assert better.ettr.mean == pytest.approx(-worse.ettr.mean, rel=1e-9)


def _pairs() -> list[tuple[Scenario, Scenario]]:
    long = busy("stores.remote.every=3 h")
    return [(long, busy()), (busy(), long)]


def test_too_few_runs_that_differ_tell_nothing() -> None:
    few = compare(busy(), busy("stores.remote.every=10 min"), replications=9)
    assert few.differences[0].verdict == "few"
    one = compare(busy(), busy("stores.remote.every=10 min"), replications=1)
    assert one.differences[0].verdict == "few"
    assert one.differences[0].ettr.low is None
    rare = compare(busy(), busy("recovery.max_attempts=999"), half_width=0.5)
    assert rare.n == 100
    assert not rare.reached
    assert rare.differences[0].verdict == "few"
    # Deterministic costs differ in every run, but no interruption was seen: nothing is known of what they would do.
    calm = loads(STEADY, overrides=["faults.node.mtbf=100000 years"])
    calmer = loads(STEADY, overrides=["faults.node.mtbf=100000 years", "stores.remote.every=1 h"])
    assert compare(calm, calmer, replications=50).differences[0].verdict == "few"


def test_more_cases_make_intervals_wider() -> None:
    pair = compare(busy(), busy("stores.remote.every=10 min"), replications=60)
    three = compare(busy(), busy("stores.remote.every=10 min"), busy("run.seed=9"), replications=60)
    assert three.differences[0].ettr.half_width > pair.differences[0].ettr.half_width
    assert three.differences[1].verdict == "same"  # the first scenario's seed is everybody's


def test_looks_go_on_until_every_difference_is_precise() -> None:
    seen: list[Comparison] = []
    wide = compare(busy(), busy("stores.remote.every=10 min"), replications=32).differences[0].ettr.half_width
    pair = busy(), busy("stores.remote.every=10 min")
    found = compare(*pair, half_width=0.9 * wide, until="precise", progress=seen.append)
    assert [each.n for each in seen] == [32 * 2**i for i in range(len(seen))]
    assert found.n == (64 if len(seen) == 1 else 100)
    assert found.reached == (found.differences[0].ettr.half_width <= 0.9 * wide)
    assert not compare(*pair, half_width=1e-9).reached


def test_ctrl_c_gives_what_is_known() -> None:
    def stop(found: Comparison) -> None:
        if found.n == 64:
            raise KeyboardInterrupt

    pair = busy(), busy("stores.remote.every=10 min")
    found = compare(*pair, replications=100, progress=stop)
    assert (found.n, found.interrupted) == (64, True)
    assert found.differences[0].ettr == compare(*pair, replications=64).differences[0].ettr


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_threads_change_nothing(jobs: int) -> None:
    pair = busy(), busy("stores.remote.every=10 min")
    assert compare(*pair, replications=50, jobs=jobs).as_dict() == compare(*pair, replications=50).as_dict()


def test_without_interruptions_there_is_no_jmtti() -> None:
    (each,) = compare(loads(CALM), busy(), replications=32).differences
    assert each.jmtti_s is None
    assert each.as_dict()["jmtti_s"] is None


@pytest.mark.parametrize(
    "arguments",
    [{"replications": 0}, {"seed": -1}, {"jobs": 0}, {"half_width": 0.0}, {"half_width": 1.0}, {"names": ["one"]}],
    ids=str,
)
def test_what_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        compare(busy(), busy(), **arguments)


def test_number_of_cases() -> None:
    with pytest.raises(UsageError, match="1 to 16"):
        compare()
    with pytest.raises(UsageError, match="1 to 16"):
        compare(*[busy()] * 17)
    alone = compare(busy(), half_width=0.5)
    as_run = sim.run(busy(), half_width=0.5)
    assert (alone.differences, alone.n, alone.reached) == ((), as_run.n, as_run.reached)


def z_of_the_difference(n: int, mtbf: float = 360.0) -> tuple[float, Difference]:
    """How far the difference of two settings of O1 is from the closed form of a mean time of 360 min between faults."""
    every = 57.0, 20.0
    exact = [ettr(1 / 360.0, Saves(tau, 5.0), 360.0 * np.expm1(10 / 360.0)) for tau in every]
    base, case = (loads(O1.format(mtbf=mtbf, every=tau)) for tau in every)
    (each,) = compare(base, case, replications=n).differences
    error = each.ettr.half_width / 1.9605  # the t quantile of 4,000 replications at 95 %
    return (each.ettr.mean - (exact[1] - exact[0])) / error, each


def test_the_difference_is_that_of_the_closed_forms() -> None:
    """n = 4,000 pairs, |z| < 4.5: a false alarm in 147,000; faults 10 % more frequent are noticed."""
    z, each = z_of_the_difference(4_000)
    assert abs(z) < 4.5
    assert each.verdict == "worse"
    assert each.pairing is not None
    assert each.pairing > 1
    assert abs(z_of_the_difference(4_000, mtbf=324.0)[0]) > 4.5


def test_an_answer_is_a_case(found: Comparison) -> None:
    assert all(isinstance(case, Answer) for case in found.cases)
    assert "often" in repr(found)
