"""``sim.tune``: when a value is named, when none is, and what is said of it; the oracles have tests of their own."""

import math
from typing import Any

import pytest

import sim
from sim.errors import UsageError
from sim.scenario import Scenario, loads
from sim.study.tune import tune

from .texts import BUSY, STEADY


@pytest.fixture(scope="module")
def steady() -> Scenario:
    return loads(STEADY, overrides=["run.horizon=60 days", "run.max_replications=2048"])


def test_what_is_named_is_what_run_gets(steady: Scenario) -> None:
    """The settings are simulated as they are printed, on replications that the search has not seen."""
    tuned = tune(steady, "stores.remote.every")
    assert tuned.named
    now, there = tuned.setting("now"), tuned.setting("best")
    assert now is not None
    assert there is not None
    assert there.gain is not None
    assert tuned.changes == there.changes
    assert there.gain.mean == pytest.approx(there.metric.mean - now.metric.mean, rel=1e-9)
    assert there.gain.mean > 0
    assert {each.name for each in tuned.settings} == {"now", "best", "young", "daly", "nvidia", "exact"}
    changed = loads(STEADY, overrides=["run.horizon=60 days", *there.changes])
    many = sim.run(changed, replications=2_000).ettr
    error = math.hypot(many.half_width, there.metric.half_width) / 1.96
    assert abs(many.mean - there.metric.mean) < 4.5 * error
    (found,) = tuned.found
    assert found.low < found.best < found.high
    assert found.best == pytest.approx(20.0, rel=0.1)  # min; Young: sqrt(2 x 20 s x 10 h)


def test_the_same_answer_again_and_on_more_threads(steady: Scenario) -> None:
    one, two = (tune(steady, "stores.remote.every", jobs=jobs) for jobs in (1, 3))
    assert one.as_dict() == two.as_dict()
    other = tune(steady, "stores.remote.every", seed=8)
    assert other.as_dict()["settings"] != one.as_dict()["settings"]
    assert other.found[0].best == pytest.approx(one.found[0].best, rel=0.05)


def test_an_optimum_at_the_edge_is_not_named(steady: Scenario) -> None:
    low = tune(steady, "stores.remote.stall", "1 s", "100 s")
    assert [each.reason for each in low.found] == ["low"]
    assert not low.named
    assert low.changes == ()
    assert [each.name for each in low.settings] == ["now"]
    high = tune(steady, "faults.node.mtbf", "50 h", "500 h")
    assert [each.reason for each in high.found] == ["high"]
    beside = tune(steady, "stores.remote.every", "1 h", "3 h")
    assert [each.reason for each in beside.found] == ["low"]


def test_an_optimum_in_the_noise_is_not_named(steady: Scenario) -> None:
    nothing = tune(steady, "recovery.max_attempts", "100", "110")
    assert [each.reason for each in nothing.found] == ["noise"]
    assert all(point.loss.mean == 0.0 for point in nothing.found[0].points)
    # ETTR hardly differs from 19 to 21 min, and 40 short runs do not say where it is best.
    little = tune(loads(STEADY), "stores.remote.every", "19 min", "21 min", replications=40)
    assert little.found[0].reason in ("noise", "low", "high")
    assert not little.named


def test_whole_numbers() -> None:
    """Spares cost hardware, and too few cost time: between there is a best number, of ETTR in hardware."""
    scenario = loads(BUSY, overrides=["faults.node.mtbf=60 h", "cluster.nodes=40", "run.max_replications=300"])
    tuned = tune(scenario, "pools.hot.nodes", "0", "20", metric="ettr_hardware")
    assert tuned.named
    (found,) = tuned.found
    assert 0 < found.low <= found.best <= found.high < 20
    assert found.best.is_integer()
    more = round(found.best) - scenario.pools.hot.nodes
    assert tuned.changes == (f"pools.hot.nodes={found.best:.0f}", f"cluster.nodes={40 + more}")
    assert tune(scenario, "pools.hot.nodes", "0", "20").as_dict() == tuned.as_dict()


def test_two_pools_together_move_the_cluster_by_both() -> None:
    """Each knob alone would set a cluster that has no room for the other one's spares."""
    scenario = loads(BUSY, overrides=["faults.node.mtbf=60 h", "cluster.nodes=12", "run.horizon=5 days"])
    tuned = tune(scenario, ["pools.hot.nodes=1..9", "pools.cold.nodes=1..9"], replications=64)
    assert tuned.metric == "ettr_hardware"
    size = {
        sum(int(change.partition("=")[2]) for change in each.changes if change.startswith("pools"))
        + 10 - int(next(change for change in each.changes if change.startswith("cluster")).partition("=")[2])
        for each in tuned.settings if each.changes
    }  # fmt: skip
    assert size <= {0}


def test_a_target_is_refused_where_it_is_not_reached(steady: Scenario) -> None:
    below = tune(steady, "stores.remote.every", "10 min", "1 h", target=0.999)
    assert [each.reason for each in below.found] == ["below"]
    above = tune(steady, "stores.remote.every", "10 min", "1 h", target=0.5)
    assert [each.reason for each in above.found] == ["above"]
    assert not above.named


def test_a_target_of_whole_numbers() -> None:
    scenario = loads(BUSY, overrides=["faults.node.mtbf=60 h", "cluster.nodes=40", "run.max_replications=300"])
    few, many = (
        sim.run(loads(BUSY, overrides=["faults.node.mtbf=60 h", "cluster.nodes=40", f"pools.hot.nodes={n}"]), 200)
        for n in (1, 8)
    )
    target = (few.ettr.mean + many.ettr.mean) / 2
    tuned = tune(scenario, "pools.hot.nodes", "0", "12", target=target, replications=200)
    assert tuned.named
    value = tuned.found[0].best
    assert 1 < value <= 8
    reached = [
        sim.run(loads(BUSY, overrides=["faults.node.mtbf=60 h", "cluster.nodes=40", f"pools.hot.nodes={n:.0f}"]), 200)
        for n in (value - 1, value)
    ]
    assert reached[0].ettr.mean < target <= reached[1].ettr.mean


def test_ctrl_c_gives_what_is_known(steady: Scenario) -> None:
    said: list[str] = []

    def stop(text: str) -> None:
        said.append(text)
        if len(said) == 2:
            raise KeyboardInterrupt

    tuned = tune(steady, "stores.remote.every", progress=stop)
    assert tuned.interrupted
    assert tuned.named
    assert tuned.found[0].flat is None
    assert tuned.as_dict()["knobs"][0]["flat_region"] is None

    def at_once(text: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune(steady, "stores.remote.every", progress=at_once)


@pytest.mark.parametrize(
    ("over", "arguments", "said"),
    [
        ([], {}, "needs a knob"),
        (["stores.remote.every", "stores.remote.stall"], {"low": "1 min"}, "give each its range"),
        (["stores.remote.every", "stores.remote.stall"], {"target": 0.9}, "no target"),
        ("stores.remote.every", {"target": 1.5}, "target must lie between 0 and 1"),
        ("stores.remote.every", {"flat": 0.0}, "flat must lie between 0 and 1"),
        ("stores.remote.every", {"precision": 1.0}, "precision must lie between 0 and 1"),
        ("stores.remote.every", {"replications": 8}, "at least 9"),
        ("stores.remote.every", {"jobs": 0}, "jobs must be"),
        ("stores.remote.every", {"seed": -1}, "seed must be"),
        ("stores.remote.every", {"metric": "speed"}, "metric must be one of"),
        ("recovery.max_attempts", {"low": "3", "high": "4"}, "three whole numbers"),
    ],
    ids=str,
)
def test_what_is_refused(steady: Scenario, over: Any, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as error:
        tune(steady, over, **arguments)
    assert said in str(error.value)


def test_a_range_that_crosses_what_is_not_valid() -> None:
    """Both ends are valid, but not all between: found before anything is run."""
    scenario = loads(STEADY, overrides=["cluster.nodes=12", "job.nodes=10", "pools.hot.nodes=1", "pools.cold.nodes=1"])
    with pytest.raises(UsageError, match="is not valid"):
        tune(scenario, "pools.hot.nodes", "0", "3", changes=["cluster.nodes=12"])
