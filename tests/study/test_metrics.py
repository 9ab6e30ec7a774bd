"""Metrics with targets are those that ``sim.run`` gives, to the last digits, however often they are looked at."""

import math

import pytest

import sim
from sim.errors import UsageError
from sim.results import COUNTS
from sim.scenario import loads
from sim.study.knobs import maker
from sim.study.metrics import METRICS, metric_of
from sim.study.trials import Trials
from sim.study.tune import tune

from .texts import BUSY, CALM

DRAWN = (
    "recovery.swap.stages.restart={ law = 'lognormal', mean = '10 min', sd = '20 min' }",
    "faults.node.detect={ law = 'exponential', mean = '5 min' }",
)


@pytest.mark.parametrize("changes", [(), DRAWN, ("run.horizon=20 h",)], ids=["constant", "drawn", "short"])
def test_they_are_those_of_run(changes: tuple[str, ...]) -> None:
    """Also where means level drawn durations, and where the first look took fewer runs."""
    scenario = loads(BUSY, overrides=changes)
    answer = sim.run(scenario, replications=40)
    told = answer.as_dict()
    shares = {each.bucket: each.share for each in answer.buckets if each.share is not None}
    for name, metric in METRICS.items():
        trials = Trials(maker(scenario), name, scenario.run.seed, 1)
        trials.at((), 9)
        value = trials.at((), 40).value
        if name in shares:
            assert value == pytest.approx(shares[name].mean, rel=1e-12, abs=1e-15), name
        elif told[name] is None:
            assert (name, value) == ("crew_wait_s", 0.0)
        else:
            assert value == pytest.approx(told[name]["mean"], rel=1e-12), name
        assert metric.unit == ("count" if name in COUNTS else "s" if name.endswith("_s") else "1")


def test_nothing_but_the_names_of_the_json_is_there() -> None:
    answer = sim.run(loads(BUSY), replications=9).as_dict()
    estimates = {name for name, value in answer.items() if isinstance(value, dict) and "mean" in value}
    assert estimates | {"crew_wait_s"} | set(answer["ledger_s"]) == set(METRICS)


def test_where_nothing_interrupts_the_time_between_is_endless() -> None:
    scenario = loads(CALM)
    assert Trials(maker(scenario), "jmtti_s", 1, 1).at((), 9).value == math.inf


def test_python_takes_them_too() -> None:
    scenario = loads(BUSY)
    found = tune(scenario, "stores.remote.every", metric="save_stall", target=0.02, replications=64)
    assert found.named
    there = found.setting("best")
    assert there is not None
    assert there.metric.mean == pytest.approx(0.02, rel=0.05)
    with pytest.raises(UsageError, match="metric must be one of ettr, ettr_hardware"):
        tune(scenario, "stores.remote.every", metric="save_stall")
    with pytest.raises(UsageError, match="did you mean capacity_wait"):
        metric_of("capacity wait", "--target")
