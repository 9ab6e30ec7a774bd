"""``rate_factor``: the same faults strike, their times stretched, whatever gives the rate."""

from typing import Any

import numpy as np
import pytest

from sim.planning import build
from sim.scenario import from_dict

from .checks import check_closed, compiled, difference, specified

EARLY = {"law": "bathtub", "infant": "90 days", "infant_shape": 0.5, "wear_out": "30 days", "wear_out_shape": 4}
LATER = EARLY | {"infant": "45 days", "wear_out": "15 days"}


def scenario(source: dict[str, Any], horizon: str) -> dict[str, Any]:
    return {
        "cluster": {"nodes": 8, "groups": {"rack": "4 nodes"}},
        "job": {"nodes": 8},
        "faults": {"it": source},
        "recovery": {"restart": "0 s", "detect": "0 s"},
        "repair": {"time": "0 s"},
        "run": {"horizon": horizon},
    }


def times(source: dict[str, Any], horizon: str) -> np.ndarray:
    """When the faults of a run strike, s, in both engines: an incident takes no time, so that none moves the next."""
    plan = build(from_dict(scenario(source, horizon)))
    run, twin = specified(plan, 3), compiled(plan, 3)
    assert difference(run, twin) == ""
    check_closed(plan, run)
    row, incidents = run
    assert row["faults"] > 5
    return np.asarray(incidents["opened_s"])


NEW = {"initial_age": "new"}
SOURCES: dict[str, dict[str, Any]] = {
    "mtbf": {"per": "node", "mtbf": "20 days"},
    "afr": {"per": "node", "afr": "2000 %"},
    "fit": {"per": "gpu", "fit": 1e5},
    "counted": {"per": "node", "observed": {"events": 7, "units": 10, "over": "10 days"}},
    "uncertain": {"per": "job", "observed": {"events": 7, "over": "20 days"}, "uncertain": True},
    "training": {"per": "job", "mtbf": "3 days", "clock": "training"},
    "wall": {"per": "job", "observed": {"events": 20, "over": "60 days", "clock": "wall"}, "clock": "training"},
    "shared": {"per": "rack", "mtbf": "5 days", "needs": "process"},
    "notice": {"per": "node", "mtbf": "20 days", "effect": "notice", "lead": "0 s"},
    "weibull": {"per": "node", "mtbf": "20 days", "life": {"law": "weibull", "shape": 2}, **NEW},
    "stationary": {"per": "node", "mtbf": "20 days", "life": {"law": "weibull", "shape": 0.7}},
    "gamma": {"per": "node", "mtbf": "20 days", "life": {"law": "gamma", "shape": 3}, **NEW},
    "lognormal": {"per": "node", "mtbf": "20 days", "life": {"law": "lognormal", "sd": "15 days"}, **NEW},
    "bathtub": {"per": "node", "mtbf": "40 days", "life": EARLY, **NEW},
    "frailty": {"per": "node", "mtbf": "20 days", "frailty": {"share": 0.3, "factor": 9}},
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES.keys())
def test_the_same_faults_are_stretched(source: dict[str, Any]) -> None:
    """At half the rate each fault strikes at twice the time: to the grid of times, and to 1e-8 where lives are read off
    tabulated curves.
    """
    now, slower = times(source, "60 days"), times(source | {"rate_factor": 0.5}, "120 days")
    assert len(slower) == len(now)
    np.testing.assert_allclose(slower, 2 * now, rtol=1e-8, atol=2.0**-17)
    assert not np.allclose(slower, now)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"mtbf": "20 days"}, {"mtbf": "10 days"}),
        ({"fit": 1e5}, {"fit": 2e5}),
        (
            {"observed": {"events": 7, "units": 10, "over": "10 days"}, "uncertain": True},
            {"observed": {"events": 7, "units": 10, "over": "5 days"}, "uncertain": True},
        ),
        (
            {"mtbf": "20 days", "life": {"law": "lognormal", "sd": "16 days"}},
            {"mtbf": "10 days", "life": {"law": "lognormal", "sd": "8 days"}},
        ),
        ({"mtbf": "40 days", "life": EARLY}, {"mtbf": "20 days", "life": LATER}),
    ],
    ids=["mtbf", "fit", "counted", "lognormal", "bathtub"],
)
def test_a_factor_is_what_its_rate_key_would_say(one: dict[str, Any], other: dict[str, Any]) -> None:
    """The plans, the only thing that engines read, are the same."""
    twice = build(from_dict(scenario({"per": "node", **one, "rate_factor": 2}, "60 days")))
    assert twice == build(from_dict(scenario({"per": "node", **other}, "60 days")))


def test_counts_are_converted_to_another_clock_as_they_were_watched() -> None:
    """Of a cluster without factors: two sources at three times their rates strike three times as often in training."""
    counted = {"per": "job", "observed": {"events": 50, "over": "10 days", "clock": "wall"}, "clock": "training"}
    tables = scenario(counted, "60 days") | {"recovery": {"restart": "1 h"}}
    tables["faults"] = {"it": counted, "node": {"per": "node", "mtbf": "10 days"}}
    now, more = (build(from_dict(tables, overrides=sets)) for sets in ((), ("faults.*.rate_factor=3",)))
    assert [source.rate for source in more.sources] == pytest.approx(
        [3 * source.rate for source in now.sources], rel=1e-15
    )
    assert now.sources[0].rate > 1.2 * 50 / (10 * 86_400)
