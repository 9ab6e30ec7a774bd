"""The compiled engine has room for the largest scenario that a file may hold."""

from typing import Any

from sim.engine.compiled import layout
from sim.engine.state import MAX_SOURCES
from sim.kernels import persists
from sim.kernels import time as kernels_time
from sim.planning import build
from sim.scenario import from_dict, loads
from sim.scenario.domains import MOST_GROUPS
from sim.scenario.faults import MOST_SOURCES
from sim.scenario.fields import LONGEST_S
from sim.scenario.law import MOST_PARTS
from sim.scenario.maintenance import MOST_MAINTENANCE
from sim.scenario.pauses import MOST_PAUSES
from sim.scenario.recovery import MOST_RULES, MOST_STAGES
from sim.scenario.repair import MOST_REPAIR_STAGES
from sim.scenario.repair_tables import MOST_FAILURES
from sim.scenario.stores import MOST_STORES

from .checks import check_closed, compiled, difference, specified


def mixture(parts: int) -> dict[str, Any]:
    means = [{"share": 1 / parts, "law": "exponential", "mean": f"{1 + i} s"} for i in range(parts)]
    return {"law": "mixture", "of": means}


def test_limits_of_the_file_are_those_of_the_engine() -> None:
    assert (MOST_SOURCES, MOST_RULES, MOST_STAGES) == (MAX_SOURCES, layout.MAX_RULES, layout.MAX_STAGES)
    room = (MOST_REPAIR_STAGES + 1 + MOST_MAINTENANCE, MOST_GROUPS + 2)
    assert room == (layout.MAX_REPAIR, layout.MAX_GROUPS)
    assert MOST_FAILURES == layout.MAX_FAILURES
    assert MOST_STORES == persists.MOST_STORES


def test_a_scenario_at_every_limit_runs_in_both_engines() -> None:
    each = MOST_STAGES // MOST_RULES
    rules: dict[str, Any] = {}
    for i in range(MOST_RULES):
        stages = {f"stage{j}": mixture(MOST_PARTS) for j in range(each)}
        rules[f"rule{i}"] = {"stages": stages} | ({"when": {"attempts_below": 2}} if i < MOST_RULES - 1 else {})
    table = {
        "cluster": {"nodes": 10, "groups": {f"g{i}": "5 nodes" for i in range(MOST_GROUPS)}},
        "job": {"nodes": 6},
        "pools": {"hot": 1, "warm": 1, "cold": 1, "shared": 1},
        "faults": {
            f"source{i}": {"per": "gpu", "mtbf": "1_500 h", "effect": {"stop": 0.9, "notice": 0.1}}
            | {"lead": mixture(MOST_PARTS), "detect": mixture(MOST_PARTS)}
            for i in range(MOST_SOURCES - MOST_MAINTENANCE)
        },
        "pauses": {f"pause{i}": {"every": "5 h", "duration": mixture(MOST_PARTS)} for i in range(MOST_PAUSES)},
        "maintenance": {
            f"window{i}": {"of": of, "first": "1 day", "duration": mixture(MOST_PARTS), "step": "1 h"}
            for i, of in enumerate(["node", "cluster", "g3", "g7"])
        },
        "stores": {
            "gpu": {"every": "30 s", "persist": "7 min", "in_flight": persists.RING, "place": "self"},
            "host": {"every": "5 min", "stall": "2 s", "place": {"partners": 5}},
            "disk": {"every": "7 min", "stall": "3 s", "place": {"partners": 2, "layout": "ring"}, "lost_at": "repair"},
            "shared": {"every": "2 saves", "source": "host", "persist": "3 h", "in_flight": persists.RING},
        },
        "recovery": rules,
        "repair": {f"stage{i}": {"time": mixture(MOST_PARTS), "crews": 1} for i in range(MOST_REPAIR_STAGES)}
        | {"relapse": {"life": mixture(MOST_PARTS)}}
        | {"retire": {"failures": MOST_FAILURES, "within": "9 days", "replacement": mixture(MOST_PARTS)}},
        "run": {"horizon": "10 days"},
    }
    plan = build(from_dict(table))
    assert len(plan.sources) == MOST_SOURCES
    assert sum(len(rule.stages) for rule in plan.rules) == MOST_STAGES
    assert len(plan.repair) == MOST_REPAIR_STAGES + 1 + MOST_MAINTENANCE
    assert len(plan.laws) <= layout.MAX_LAWS
    outcome = compiled(plan)
    check_closed(plan, outcome)
    assert outcome[0]["faults"] > 100
    assert not difference(outcome, specified(plan))


def test_the_longest_duration_of_a_file_is_not_cut_off() -> None:
    assert LONGEST_S <= kernels_time.LONGEST_S


OFTEN = """
[cluster]
nodes = 2
[job]
nodes = 1
[faults.node]
per = "node"
mtbf = "20 days"
[repair.reboot]
time = "1 ms"
success = 1e-9
attempts = 40_000
else = "replace"
[repair.replace]
time = "1 day"
[run]
horizon = "60 days"
"""


def test_a_node_can_be_served_as_often_as_a_file_says() -> None:
    """Services of a visit are counted beyond 2^15."""
    plan = build(loads(OFTEN))
    row, incidents = compiled(plan)
    assert row["repairs"] == 40_001 * (row["faults"] + row["spare_faults"]) > 0
    assert not difference((row, incidents), specified(plan))
