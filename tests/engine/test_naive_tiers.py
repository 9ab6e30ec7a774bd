"""The compiled engine against the naive simulator where there are several stores, partners and shocks.

As in ``test_naive``, with its false alarm rate, for which its ``COMPARISONS`` leave room. The naive simulator keeps all
versions and knows of each part who holds it; the engine keeps the newest version of each store.
"""

from typing import Any

import pytest
from naive.naive_tiers import Tiered

from sim.scenario import Scenario, loads

from .test_naive import Judge, naive_figures, naive_model, our_figures, suspects


class TieredJudge(Judge, Tiered):
    """The naive simulator of several stores, with the judge's reading of ``spare_available``."""


def tiered_model(scenario: Scenario) -> dict[str, Any]:
    model = naive_model(scenario)
    interval: dict[str, float] = {}
    stores = []
    for name, store in scenario.stores.items():  # by name: here a source comes before what it feeds
        every = store.every
        interval[name] = every.value * (interval[store.source] if every.kind == "saves" else 1.0)
        place = store.place.partners or store.place.kind
        keys = ("stall", "persist", "slowdown", "in_flight", "read", "lost_at", "source")
        own = {"name": name, "interval": interval[name], "place": place}
        stores.append({key: getattr(store, key) for key in keys} | own)
    stores.sort(key=lambda store: (store["stall"] + store["persist"], store["name"]))
    return model | {"store": None, "stores": stores, "rack": 2}


TIERS: dict[str, str] = {}
TIERS["partners under shocks, and shared storage"] = """
cluster = { nodes = 11, groups = { rack = "2 nodes" } }
job = { nodes = 8 }
faults.node = { per = "node", mtbf = "18 h", needs = { reset = 0.5, repair = 0.5 } }
faults.soft = { per = "job", clock = "wall", mtbf = "8 h", needs = "process" }
faults.rack = { per = "rack", takes = "rack", mtbf = "40 h", needs = "reset" }
detect.stop = "2 min"
pools.cold = { nodes = 3, activation = "10 min" }
[stores.host]
place = { partners = 1, not_same = "rack" }
every = "20 min"
stall = "20 s"
persist = "3 min"
slowdown = "10 %"
read = "2 min"
[stores.remote]
every = "6 h"
stall = "2 min"
persist = "30 min"
slowdown = "20 %"
read = "10 min"
[recovery.all]
stages = { restart = "20 min", load = "auto" }
[repair]
reset = { time = "40 min" }
replace = { time = "5 h" }
[run]
horizon = "80 h"
"""
TIERS["host memory of its own node, copied on to shared storage"] = """
cluster = { nodes = 4 }
job = { nodes = 3 }
faults.node = { per = "node", mtbf = "20 h", needs = { process = 0.6, reset = 0.2, repair = 0.2 } }
faults.soft = { per = "job", clock = "wall", mtbf = "3 h", needs = "process" }
[stores.host]
place = "self"
every = "15 min"
stall = "30 s"
persist = "10 min"
in_flight = 1
[stores.remote]
source = "host"
every = "3 saves"
persist = "50 min"
slowdown = 0.2
read = "8 min"
[recovery.quick]
when = { needs = "process", attempts_below = 2 }
use = "same units"
stages = { restart = "25 min", load = "auto" }
[recovery.all]
on_fault = "retry_stage"
stages = { load = "auto", restart = "30 min" }
[repair]
reset = { time = "30 min" }
replace = { time = "4 h" }
[run]
horizon = "80 h"
"""
TIERS["three stores: GPU memory, local disks, partners with a node left over"] = """
cluster = { nodes = 9 }
job = { nodes = 7 }
faults.node = { per = "node", mtbf = "30 h", needs = { process = 0.3, reset = 0.4, repair = 0.3 } }
faults.heat = { per = "gpu", mtbf = "400 h", takes = "nothing", needs = "reset" }
faults.soft = { per = "job", clock = "wall", mtbf = "6 h", needs = "process" }
faults.power = { per = "job", clock = "wall", mtbf = "30 h", needs = "repair" }
[stores.gpu]
place = "self"
lost_at = "process"
every = "7 min"
persist = "2 min"
slowdown = 0.1
[stores.disk]
place = "self"
lost_at = "repair"
every = "25 min"
stall = "1 min"
persist = "20 min"
slowdown = 0.3
in_flight = 2
[stores.partners]
place = { partners = 2 }
every = "50 min"
stall = "2 min"
persist = "40 min"
read = "5 min"
[recovery.same]
when = { needs = ["process", "reset"] }
use = "same units"
stages = { restart = "8 min", load = "auto" }
[recovery.all]
stages = { restart = "15 min", load = "auto" }
[repair]
reset = { time = "20 min" }
replace = { time = "6 h" }
[run]
horizon = "80 h"
"""


@pytest.mark.parametrize("name", TIERS)
def test_engine_and_naive_simulator_agree(name: str) -> None:
    scenario = loads(TIERS[name])
    assert not suspects(naive_figures(tiered_model(scenario), kind=TieredJudge), our_figures(scenario))


@pytest.mark.parametrize("wrong", ["no partners", "a store beside the nodes", "partners in one rack"])
def test_wrong_models_are_noticed(wrong: str) -> None:
    """Negative controls, one at a time."""
    scenario = loads(TIERS["partners under shocks, and shared storage"])
    model = tiered_model(scenario)
    if wrong == "no partners":
        model["stores"][0]["place"] = "self"
    elif wrong == "a store beside the nodes":
        model["stores"][0] |= {"place": "shared", "lost_at": "never"}
    else:
        model["rack"] = 5  # nodes 0 and 4, 1 and 5 ...: some partners fall together
        for source in model["sources"]:
            source["rate"] *= 2 if source["per"] == "rack" else 1
    assert suspects(naive_figures(model, kind=TieredJudge), our_figures(scenario))
