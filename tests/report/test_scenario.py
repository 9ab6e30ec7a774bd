"""A resolved scenario as a file, and what follows from it."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from strategies import examples, scenarios

from sim.errors import UsageError
from sim.planning import build
from sim.report.scenario import as_dict, counted_lines, outlook_lines, resolved_lines, room_lines
from sim.scenario import from_dict, loads
from sim.study.outlook import Outlook


@given(scenarios())
@examples(150)
def test_what_is_shown_loads_to_the_same(table: dict[str, Any]) -> None:
    scenario = from_dict(table)
    again = loads("\n".join(resolved_lines(scenario)))
    assert again.sha256() == scenario.sha256()
    assert again.resolved() == scenario.resolved()


@given(scenarios())
@examples(150)
def test_an_outlook_can_always_be_shown(table: dict[str, Any]) -> None:
    scenario = from_dict(table)
    try:
        outlook = Outlook(build(scenario))
    except UsageError:
        return
    json.dumps(as_dict(scenario, outlook), allow_nan=False)
    lines = list(outlook_lines(outlook))
    assert lines[0] == "What follows, in closed form"
    assert not any(re.search(r"\bnan\b", line) for line in lines)
    assert outlook.ettr is None or 0.0 <= outlook.ettr <= 1.0


SMALL: dict[str, Any] = {
    "cluster": {"nodes": 4},
    "faults": {"node": {"per": "node", "mtbf": "100 h"}},
    "stores": {"remote": {"every": "30 min", "stall": "20 s"}},
    "run": {"horizon": "30 days"},
}


@pytest.mark.parametrize(
    "name", ["plain", "it's", 'a "b"', "back\\slash", "é", "🚀", "a.b", "# no comment", "[x]", "=", " ", "名"]
)
def test_any_name_can_be_read_back(name: str) -> None:
    table = {
        **SMALL,
        "name": name,
        "faults": {name: {"per": "node", "mtbf": "100 h", "needs": {"process": 0.5, "repair": 0.5}}},
        "stores": {name: {"every": "30 min", "stall": "20 s"}},
        "recovery": {name: {"when": {"needs": "process"}}, f"{name}2": {"stages": {name: "1 min"}}},
    }
    scenario = from_dict(table)
    again = loads("\n".join(resolved_lines(scenario)))
    assert again.name == name
    assert again.resolved() == scenario.resolved()


def test_rules_without_stages_can_be_read_back() -> None:
    rules = {"a": {"when": {"needs": "process"}}, "b": {"when": {"attempts_below": 3}, "stages": {"x": "1 s"}}, "c": {}}
    scenario = from_dict({**SMALL, "recovery": rules})
    text = "\n".join(resolved_lines(scenario))
    assert list(loads(text).recovery.rules) == ["a", "b", "c"]
    assert loads(text).sha256() == scenario.sha256()


def test_defaults_say_where_they_come_from_in_80_columns() -> None:
    lines = list(resolved_lines(from_dict(SMALL)))
    assert max(map(len, lines)) <= 80
    assert any("gpus_per_node = 8 " in line and "# default: " in line for line in lines)
    assert 'horizon = "30 days"               # 2.592e+06 s' in lines


def lines(**changes: Any) -> list[str]:
    table = {name: value for name, value in (SMALL | changes).items() if value is not None}
    return list(outlook_lines(Outlook(build(from_dict(table)))))


def test_what_follows() -> None:
    found = lines()
    assert "  job MTBF (any fault that stops the job): 25 h" in found
    assert "    node: 25 h" in found
    assert any(line.startswith("  interval in this file: 30 min, long-run ETTR ") for line in found)
    for name in ("young", "daly", "exact"):
        assert any(line.startswith(f"  best interval, {name}: ") for line in found)
    assert "What the exact formula leaves out here" in found
    assert max(map(len, found)) <= 80


def test_what_follows_without_faults_or_without_a_store() -> None:
    calm = lines(faults=None)
    assert "  job MTBF (any fault that stops the job): never" in calm
    assert not any("interval" in line for line in calm)
    bare = lines(stores=None)
    assert not any("ETTR" in line for line in bare)
    assert any("There is no store" in line for line in bare)


def test_a_recovery_that_never_ends() -> None:
    found = lines(recovery={"restart": "130 years"})
    assert "  mean time from a fault to the next step: never" in found
    assert any("long-run ETTR 0.00 %" in line for line in found)


def test_room_in_a_store_is_what_is_kept_and_what_is_written() -> None:
    text = """
cluster.nodes = 2
job.checkpoint = "1.5 TB"
stores.shared = { every = "1 h", stall = "1 s", keep = 3, in_flight = 2 }
run.horizon = "1 day"
"""
    assert list(room_lines(loads(text))) == ["Room in stores.shared: 3 kept and 2 in flight: 7.5 TB, of 1.5 TB each"]
    unlimited = loads(text, overrides=["stores.shared.in_flight=unlimited"])
    assert list(room_lines(unlimited)) == ["Room in stores.shared: 3 kept and any number in flight, of 1.5 TB each"]


def test_uncertain_inputs_are_shown_with_their_range() -> None:
    observed = {"events": 2, "units": 4, "over": "100 h"}
    faults = {"node": {"per": "node", "observed": observed, "uncertain": True}, "known": {"per": "job", "mtbf": "50 h"}}
    lines = list(outlook_lines(Outlook(build(from_dict({**SMALL, "faults": faults})))))
    # gamma(2.5) has its 5 and 95 % quantiles at 0.5727 and 5.535; 100 h over these.
    assert "    node: 40 h, uncertain: 18.1 h to 7.27 days (5 to 95 %)" in lines
    assert "    known: 2.08 days" in lines
    assert any("Rates are uncertain" in line for line in lines)


def test_counts_on_another_clock_are_shown_with_the_share_of_training() -> None:
    """10 recoveries of 2.4 h in 10 days leave 9 of them to train; the other way round 9 days are 10."""
    stops: dict[str, Any] = {"per": "job", "clock": "training", "needs": "process"}
    stops["observed"] = {"events": 10, "over": "10 days", "clock": "wall"}
    recovery = {"detect": "0 s", "restart": "2.4 h"}
    scenario = from_dict({**SMALL, "faults": {"stops": stops}, "recovery": recovery})
    outlook = Outlook(build(scenario))
    assert as_dict(scenario, outlook)["outlook"]["training_share"] == pytest.approx(0.9, rel=1e-9)
    assert " ".join(line.strip() for line in counted_lines(scenario, outlook)) == (
        "Counts on another clock than the source's - faults.stops: 10 in 10 days of wall clock are 10 in 9 days of "
        "training: the job trains or saves 90.0 % of the time, by the closed form."
    )
    assert all(len(line) <= 80 for line in counted_lines(scenario, outlook))
    own = from_dict({**SMALL, "faults": {"stops": {**stops, "observed": {"events": 10, "over": "9 days"}}}})
    assert list(counted_lines(own, Outlook(build(own)))) == []
