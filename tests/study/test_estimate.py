"""Replications until an answer is precise enough."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import sim
from sim.engine.compiled.run import Runner
from sim.engine.inputs import PARTNER, rate_factors
from sim.planning import build
from sim.scenario import Scenario, loads
from sim.study import estimate
from sim.study.answer import Answer
from sim.study.inputs import input_spread

from .texts import BUSY as WAITING
from .texts import CALM, STEADY

BUSY = WAITING.replace("nodes = 12", "nodes = 22").replace("hot = { nodes = 2", "hot = { nodes = 12")
"""With more spares: waiting for a rare repair has a heavy tail, which delays stopping (`sim.study.doubts`)."""


@pytest.fixture(scope="module")
def busy() -> Scenario:
    return loads(BUSY)


def looks(scenario: Scenario, **arguments: Any) -> tuple[list[Answer], Answer]:
    seen: list[Answer] = []
    answer = estimate.run(scenario, progress=seen.append, **arguments)
    return seen, answer


def test_looks_come_at_32_64_128_and_end_at_the_first_that_is_precise(busy: Scenario) -> None:
    widths = [estimate.run(busy, n).ettr.half_width for n in (32, 64)]
    for wanted in (2 * widths[0], widths[0], np.mean(widths), widths[1], 0.99 * widths[1]):
        seen, answer = looks(busy, half_width=float(wanted))
        ns = [each.n for each in [*seen, answer]]
        assert ns == [32, 64, 100][: len(ns)]
        assert all(not each.reached and each.ettr.half_width > wanted for each in seen)
        assert answer.reached == (answer.ettr.half_width <= wanted)
        assert answer.half_width == wanted


def test_wide_precision_is_reached_at_the_first_look(busy: Scenario) -> None:
    seen, answer = looks(busy, half_width=0.5)
    assert seen == []
    assert answer.n == 32
    assert answer.reached


def test_many_looks() -> None:
    scenario = loads(BUSY, overrides=["run.max_replications=100_000"])
    wanted = estimate.run(scenario, 32).ettr.half_width / 5
    seen, answer = looks(scenario, half_width=wanted)
    assert [each.n for each in [*seen, answer]] == [32 * 2**i for i in range(len(seen) + 1)]
    assert len(seen) >= 4
    assert answer.ettr.half_width <= wanted < seen[-1].ettr.half_width


def test_the_last_look_is_at_max_replications(busy: Scenario) -> None:
    seen, answer = looks(busy, half_width=1e-6)
    assert [each.n for each in [*seen, answer]] == [32, 64, 100]
    assert not answer.reached
    assert not answer.interrupted
    few, answer = looks(loads(BUSY, overrides=["run.max_replications=5"]))
    assert (few, answer.n, answer.reached) == ([], 5, False)


def test_the_scenario_says_how_precise(busy: Scenario) -> None:
    answer = estimate.run(busy)
    assert answer.half_width == 0.001
    assert answer.n == 100
    other = estimate.run(loads(BUSY, overrides=['run.precision.half_width="20 points"']))
    assert (other.half_width, other.n, other.reached) == (0.2, 32, True)


@pytest.mark.parametrize("n", [1, 2, 31, 32, 33, 130])
def test_a_number_of_replications_is_kept_exactly(busy: Scenario, n: int) -> None:
    answer = estimate.run(busy, n, half_width=1e-6)
    assert answer.n == n
    assert answer.half_width is None
    assert answer.reached
    assert list(answer.replications["replication"]) == list(range(n))


def test_nothing_fails_is_known_at_once() -> None:
    answer = estimate.run(loads(CALM))
    assert (answer.n, answer.ettr.mean, answer.ettr.half_width, answer.reached) == (32, 1.0, 0.0, True)


@pytest.mark.parametrize("jobs", [1, 2, 3, 7])
def test_threads_change_nothing(busy: Scenario, jobs: int) -> None:
    rows = estimate.run(busy, 100, jobs=jobs).runs.rows
    assert rows.tobytes() == estimate.run(busy, 100).runs.rows.tobytes()


def test_the_first_replications_of_many_are_those_of_few(busy: Scenario) -> None:
    many = estimate.run(busy, 100).runs.rows
    assert many[:33].tobytes() == estimate.run(busy, 33).runs.rows.tobytes()
    until = estimate.run(busy, half_width=0.5).runs.rows
    assert many[:32].tobytes() == until.tobytes()


def test_the_engines_give_the_same_rows(busy: Scenario) -> None:
    one, other = (estimate.run(busy, 6, engine=engine) for engine in ("compiled", "simpy"))
    assert one.runs.rows.tobytes() == other.runs.rows.tobytes()
    assert [one.runs.engine, other.runs.engine] == ["compiled", "simpy"]
    assert {**one.as_dict(), "provenance": None} == {**other.as_dict(), "provenance": None}


def test_seeds(busy: Scenario) -> None:
    one, again, other = (estimate.run(busy, 40, seed=seed).runs for seed in (7, 7, 8))
    assert one.rows.tobytes() == again.rows.tobytes()
    assert not {ledger.tobytes() for ledger in one.rows["ledger"]} & {
        ledger.tobytes() for ledger in other.rows["ledger"]
    }
    assert estimate.run(busy, 3).runs.rows.tobytes() == estimate.run(busy, 3, seed=1).runs.rows.tobytes()
    assert estimate.run(busy, 3, seed=0).runs.plan.seed == 0
    assert estimate.run(busy, 1, seed=2**200).n == 1


def test_replications_are_independent(busy: Scenario) -> None:
    rows = estimate.run(busy, 4_000).runs.rows
    assert len({ledger.tobytes() for ledger in rows["ledger"]}) == 4_000
    ettr = rows["work_done_s"] / rows["wall_s"]
    # The correlation of neighbours is 0 with a standard error of 1/sqrt(n).
    assert abs(np.corrcoef(ettr[:-1], ettr[1:])[0, 1]) < 4.5 / np.sqrt(4_000)


@pytest.mark.parametrize("after", [32, 64])
def test_ctrl_c_gives_the_answer_so_far(busy: Scenario, after: int) -> None:
    def stop(answer: Answer) -> None:
        if answer.n == after:
            raise KeyboardInterrupt

    for wanted in ({"half_width": 1e-6}, {"replications": 100}):
        answer = estimate.run(busy, progress=stop, **wanted)  # type: ignore[arg-type]
        assert answer.interrupted
        assert answer.n == after
        assert answer.ettr == estimate.run(busy, after).ettr


NO_LOSSES = BUSY.replace("needs = { process = 0.2, reset = 0.3, repair = 0.5 }", 'needs = "process"')
"""The busy scenario without lost nodes: its runs differ, but none is far off."""


def uncertain() -> Scenario:
    """The same, its software faults known from 10 events."""
    counted = NO_LOSSES.replace('mtbf = "30 h"', 'observed = { events = 10, over = "315 h" }')
    return loads(counted, overrides=["run.uncertain=true"])


def test_uncertain_inputs_change_no_run_of_their_own_and_count_in_nothing_else() -> None:
    answer = estimate.run(uncertain(), 40)
    assert len(answer.partners) == 40
    assert (answer.partners["replication"] == answer.runs.rows["replication"] + 2**62).all()
    assert answer.inputs is not None
    assert set(answer.inputs) == set(answer.single_runs)
    assert replace(answer, partners=answer.partners[:0]).ettr == answer.ettr
    assert replace(answer, partners=answer.partners[:0]).inputs is None
    assert "rate_factor_software" in answer.replications
    assert "rate_factor_node" not in answer.replications


def test_the_inputs_share_is_what_many_runs_of_each_input_say() -> None:
    """Nested, 30 runs of each of 200 rates, against 4000 pairs; both estimate the same share s of the variance.

    Of normal variables the nested share has a standard error of s (1 - s) sqrt(2 / 199) < 0.025 (the inputs' variance
    has 199 degrees of freedom), the pairs' (1 - s^2) / sqrt(4000) < 0.016: together 0.03. Within 4.5 of that: it
    notices a share of 0.15 instead of 0.29, which m^2 / a of all 13.6 faults' variance would be.
    """
    scenario = uncertain()
    plan = build(scenario)
    runner = Runner(plan)
    one, other = (rows["work_done_s"] / rows["wall_s"] for rows in (runner.run(0, 4_000), runner.run(PARTNER, 4_000)))
    found = input_spread(one, other, 0.95).share.mean
    software = next(source for source in plan.sources if source.name == "software")
    factors = rate_factors(plan, np.arange(200))[:, plan.sources.index(software)]
    variances, means = [], []
    for factor in factors:
        fixed = NO_LOSSES.replace('mtbf = "30 h"', f'mtbf = "{1 / (software.rate * factor):.17g} s"')
        rows = Runner(build(loads(fixed))).run(0, 30)
        ettr = rows["work_done_s"] / rows["wall_s"]
        variances.append(ettr.var(ddof=1))
        means.append(ettr.mean())
    within = np.mean(variances)
    between = np.var(means, ddof=1) - within / 30
    assert between / (between + within) > 0.15
    assert abs(found - between / (between + within)) < 4.5 * 0.03


def test_a_known_input_has_no_spread() -> None:
    assert estimate.run(loads(BUSY), 40).inputs is None
    assert estimate.run(uncertain(), 1).inputs is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"replications": 0}, "replications must be a whole number of at least 1, not 0"),
        ({"replications": -3}, "replications"),
        ({"seed": -1}, "seed must be a whole number of at least 0, not -1"),
        ({"jobs": 0}, "jobs must be"),
        ({"half_width": 0.0}, "half_width must lie between 0 and 1, not 0"),
        ({"half_width": 1.0}, "half_width"),
        ({"half_width": -0.1}, "half_width"),
        ({"half_width": float("nan")}, "half_width"),
        ({"engine": "fast"}, "engine must be one of compiled, simpy, not 'fast'"),
    ],
)
def test_what_cannot_be_is_refused(busy: Scenario, given: dict[str, Any], message: str) -> None:
    with pytest.raises(sim.UsageError, match=message):
        estimate.run(busy, **given)


@pytest.mark.verification
@pytest.mark.parametrize(
    ("text", "wanted", "least"),
    [(STEADY, 0.006, 0.92), (STEADY, 0.002, 0.92), (BUSY, 0.02, 0.7), (BUSY, 0.005, 0.7)],
    ids=["steady, 0.6 points", "steady, 0.2 points", "rare losses, 2 points", "rare losses, 0.5 points"],
)
def test_coverage_at_the_look_that_is_precise_enough(text: str, wanted: float, least: float, jobs: int) -> None:
    """How often the interval of 95 % at the first look that is precise enough holds the truth, in 600 studies.

    With losses of every run alike, in some 94 of 100. Where one run in ten waits for units for days and the others
    never (ETTR of a run has a skewness of -7), 32 runs often hold none of these, look precise, and are not: in some 75
    of 100. That is the limit of a t-interval, not a wish.
    """
    scenario = loads(text, overrides=["run.max_replications=100_000"])
    truth = estimate.run(scenario, 100_000, seed=1, jobs=jobs).ettr.mean
    held = 0
    for seed in range(2, 602):
        found = estimate.run(scenario, seed=seed, half_width=wanted, jobs=1).ettr
        assert found.low is not None
        assert found.high is not None
        held += found.low <= truth <= found.high
    assert least <= held / 600 <= 0.98
