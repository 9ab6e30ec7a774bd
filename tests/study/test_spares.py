"""Whether the spares will do: against ``sim.theory``, by hand, and against the simulation."""

import math
from typing import Any

import pytest
from scipy import stats

from sim import theory
from sim.planning import build
from sim.scenario import from_dict
from sim.study import estimate
from sim.study.spares import Spares
from sim.study.statistics import mean

HOUR, DAY = 3600.0, 86400.0


def table(**changes: Any) -> dict[str, Any]:
    """20 nodes, 4 of them hot spares, that are lost every 100 h for 10 h; with some tables replaced."""
    found: dict[str, Any] = {
        "cluster": {"nodes": 20},
        "job": {"nodes": 16},
        "faults": {"node": {"per": "node", "mtbf": "100 h"}},
        "repair": {"time": "10 h"},
        "run": {"horizon": "100 days"},
    }
    return found | changes


def spares(**changes: Any) -> Spares:
    return Spares(build(from_dict(table(**changes))))


def test_nodes_in_repair() -> None:
    found = spares()
    assert found.nodes == 4
    assert found.losses == pytest.approx((0.0, 20 / (100 * HOUR)), rel=1e-12)
    assert found.load == pytest.approx(2.0, rel=1e-12)
    # 20 nodes, each of which is lost every 100 h and away for 10 h.
    assert found.in_repair == pytest.approx(20 / 11, rel=1e-12)
    assert found.shortage == pytest.approx(stats.binom.sf(4, 20, 1 / 11), rel=1e-9)
    assert found.crews_busy == 0.0
    assert not found.enough
    assert found.sentence == "about 1.82 nodes in repair at a time, 4 spares, too few 3.02 % of the time"


def test_cold_spares_do_not_fail() -> None:
    """Birth and death: 16 nodes fail as long as there are spares, then fewer and fewer."""
    found = spares(pools={"cold": 4})
    assert found.load == pytest.approx(1.6, rel=1e-12)
    chances = [1.0]
    for k in range(20):
        chances.append(chances[-1] * 0.1 * min(16, 20 - k) / (k + 1))
    mean = sum(k * chance for k, chance in enumerate(chances)) / sum(chances)
    assert found.in_repair == pytest.approx(mean, rel=1e-12)


def test_on_the_training_clock_it_is_the_loss_formula() -> None:
    """Nothing is lost while the job waits: the share of the time in which it does is Erlang's (oracle O9a)."""
    found = spares(faults={"node": {"per": "node", "mtbf": "100 h", "clock": "training"}})
    assert found.load == pytest.approx(1.6, rel=1e-12)
    assert found.shortage == pytest.approx(theory.stalled_share(4, 1.6), rel=1e-12)
    assert found.in_repair == pytest.approx(1.6 * (1 - theory.stalled_share(4, 1.6)), rel=1e-12)


@pytest.mark.parametrize("clock", ["wall", "training"])
@pytest.mark.parametrize("takes", ["node", "rack"])
@pytest.mark.parametrize("pools", [{"hot": 4}, {"cold": 4}, {"hot": 1, "cold": 3}])
def test_no_more_nodes_are_in_repair_than_there_are(clock: str, takes: str, pools: dict[str, int]) -> None:
    faults = {"node": {"per": "node", "mtbf": "1 h", "clock": clock, "takes": takes}}
    cluster = {"nodes": 20, "groups": {"rack": "4 nodes"}}
    found = spares(faults=faults, cluster=cluster, pools=pools, repair={"time": "1000 h"})
    assert found.load > 1000
    assert found.in_repair <= 20
    assert found.shortage > 0.9


def test_resets_that_fail_go_to_repair() -> None:
    found = spares(
        faults={"node": {"per": "node", "mtbf": "100 h", "needs": {"process": 0.2, "reset": 0.5, "repair": 0.3}}},
        repair={
            "reset": {"time": "1 h", "success": 0.6},
            "replace": {"time": {"law": "lognormal", "mean": "20 h", "sd": "30 h"}, "crews": 3, "success": 0.8},
        },
    )
    rate = 20 / (100 * HOUR)
    assert found.losses == pytest.approx((0.5 * rate, 0.3 * rate), rel=1e-12)
    to_replace = (0.3 + 0.5 * 0.4) * rate / 0.8
    assert found.services == pytest.approx((0.5 * rate, to_replace), rel=1e-12)
    assert found.load == pytest.approx(0.5 * rate * HOUR + to_replace * 20 * HOUR, rel=1e-12)
    assert found.crews_busy == pytest.approx(to_replace * 20 * HOUR / 3, rel=1e-12)
    assert found.sentence.endswith(f"; crews {100 * found.crews_busy:.0f} % busy")


def test_without_a_reset_stage_both_go_to_repair() -> None:
    mixed = {"node": {"per": "node", "mtbf": "100 h", "needs": {"reset": 0.5, "repair": 0.5}}}
    assert spares(faults=mixed).load == pytest.approx(2.0, rel=1e-12)


MIXTURE = {
    "law": "mixture",
    "of": [{"share": 0.75, "time": "4 h"}, {"share": 0.25, "law": "exponential", "mean": "28 h"}],
}


def test_the_mean_of_a_mixture() -> None:
    assert spares(repair={"time": MIXTURE}).load == pytest.approx(2.0, rel=1e-12)


def test_nodes_that_never_come_back() -> None:
    found = spares(repair={"time": "never"})
    assert (found.in_repair, found.shortage) == (math.inf, 1.0)
    assert not found.enough
    assert found.sentence == "nodes never come back from repair; 4 spares stand in for the first ones"


STAGES = {
    "reset": {"time": "2 h", "success": 0.5, "else": "parts", "then": "burn_in"},
    "triage": {"time": "1 h", "success": 0.25},
    "parts": {"time": "14 h", "then": "replace"},
    "replace": {"time": "5 h", "success": 0.8, "then": "burn_in", "crews": 2},
    "burn_in": {"time": "3 h", "success": 0.9, "else": "parts"},
}


def test_services_of_stages_that_lead_to_each_other() -> None:
    mixed = {"node": {"per": "node", "mtbf": "100 h", "needs": {"reset": 0.5, "repair": 0.5}}}
    found = spares(faults=mixed, repair=STAGES)
    each = 0.1 / HOUR  # nodes that enter at reset, and at triage
    burn_in = (0.5 * each + (0.5 + 0.75) * each) / 0.9
    parts = (0.5 + 0.75) * each + 0.1 * burn_in
    assert found.services == pytest.approx((each, each, parts, parts / 0.8, burn_in), rel=1e-12)
    assert found.load == pytest.approx((3 * each + 20.25 * parts + 3 * burn_in) * HOUR, rel=1e-12)
    assert found.crews_busy == pytest.approx(parts / 0.8 * 5 * HOUR / 2, rel=1e-12)


def test_nothing_is_said_where_no_formula_applies() -> None:
    found = spares(repair=STAGES | {"reset": STAGES["reset"] | {"attempts": 2}})
    assert found.sentence == "no closed form says how many nodes are in repair at a time; 4 spares"
    assert not found.enough
    late = spares(pools={"hot": {"nodes": 4, "check": "1 h"}})
    assert late.sentence == "no closed form says how many nodes are in repair at a time; 4 spares"
    at_once = spares(pools={"hot": {"nodes": 4, "check": "at once"}})
    assert at_once.sentence == spares().sentence
    assert at_once.closed


def test_a_repair_that_hardly_ever_works() -> None:
    found = spares(repair={"time": "10 h", "success": 1e-6})
    assert found.load == pytest.approx(2e6, rel=1e-12)
    assert 19.9 < found.in_repair < 20
    assert found.shortage == 1.0
    assert found.sentence.endswith("too few 100 % of the time")


def test_crews_that_do_not_keep_up() -> None:
    found = spares(repair={"time": "10 h", "crews": 1}, cluster={"nodes": 100})
    assert found.crews_busy > 1.0
    assert not found.enough
    assert found.sentence.endswith("so the queue for them grows without end")


@pytest.mark.parametrize(
    "faults",
    [
        {},
        {"node": {"per": "node", "mtbf": "100 h", "needs": "process"}},
        {"node": {"per": "node", "mtbf": "100 h", "takes": "nothing", "needs": "process"}},
        {"job": {"per": "job", "mtbf": "100 h"}},
    ],
)
def test_where_no_node_is_lost_any_number_of_spares_will_do(faults: dict[str, Any]) -> None:
    found = spares(faults=faults, job={"nodes": 20})
    assert found.losses == (0.0, 0.0)
    assert found.enough
    assert found.sentence == ""
    assert found.in_repair == 0.0


def test_enough_spares() -> None:
    found = spares(job={"nodes": 10})
    assert found.shortage < 1e-4
    assert found.enough
    assert found.sentence == "about 1.82 nodes in repair at a time, 10 spares"


def test_the_simulation_has_as_many_in_repair(jobs: int) -> None:
    """With spares enough and no wait for anything, units in repair at the end are Poisson with that mean."""
    scenario = from_dict(
        table(
            cluster={"nodes": 30},
            faults={"node": {"per": "node", "mtbf": "100 h", "needs": {"reset": 0.4, "repair": 0.6}}},
            repair={"reset": {"time": "2 h", "success": 0.5}, "replace": {"time": MIXTURE, "success": 0.9}},
            recovery={"detect": "0 s", "restart": "0 s"},
        )
    )
    expected = Spares(build(scenario)).in_repair
    found = mean(estimate.run(scenario, 2_000, jobs=jobs).runs.rows["units_in_repair"], 0.95)
    assert found.mean == pytest.approx(expected, abs=4.5 * found.half_width / 1.96)
    assert found.half_width < 0.1


def test_one_crew_is_busy_as_long_as_the_queue_says() -> None:
    found = spares(repair={"time": {"law": "exponential", "mean": "2 h"}, "crews": 1})
    wait = theory.crew_wait(found.losses[1], 1 / (2 * HOUR), 1)
    assert found.crews_busy == pytest.approx(0.4, rel=1e-12)
    assert wait == pytest.approx(0.4 / 0.6 * 2 * HOUR, rel=1e-9)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"pools": {"hot": 9}, "cluster": {"nodes": 25}},
        {"pools": {"cold": 1}, "cluster": {"nodes": 17}},
        {"repair": {"time": "200 h"}},
        {"faults": {"node": {"per": "node", "mtbf": "100 h", "clock": "training"}}},
        {"cluster": {"nodes": 20, "groups": {"rack": "4 nodes"}}, "faults": {"rack": {"per": "rack", "mtbf": "400 h"}}},
    ],
    ids=str,
)
def test_the_least_number_of_spares(changes: dict[str, Any]) -> None:
    """With it nodes are waited for at most 1 % of the time, and with one spare less longer."""
    found = spares(**changes)
    least = found.least
    assert least is not None
    assert least > 0
    pool = "cold" if "cold" in changes.get("pools", {}) else "hot"

    def shortage(nodes: int) -> float:
        sizes = {"cluster": changes.get("cluster", {}) | {"nodes": 16 + nodes}, "pools": {pool: nodes}}
        return spares(**changes | sizes).shortage

    if "groups" not in changes.get("cluster", {}):
        assert shortage(least) <= 0.01 < shortage(least - 1)
    assert found.of(least).shortage <= 0.01 < found.of(least - 1).shortage


def test_no_number_of_spares_is_named_where_none_is_known() -> None:
    assert spares(repair={"time": "never"}).least is None
    assert spares(repair={"time": "10 h", "crews": 1}).least is None
    assert spares(pools={"hot": {"nodes": 4, "check": "1 h"}}).least is None
    assert spares(faults={}).least == 0
