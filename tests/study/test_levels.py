"""Several stores in closed form: the intervals that a file leaves to us, and what `sim show` says."""

import math

import pytest

from sim.errors import UsageError
from sim.planning import build
from sim.report.scenario import as_dict, outlook_lines
from sim.scenario import loads
from sim.study.levels import levels
from sim.study.outlook import Outlook
from sim.theory import two_level_intervals

TWO = """
cluster = { nodes = 10, groups = { rack = "2 nodes" } }
job = { nodes = 8 }
faults.soft = { per = "job", clock = "wall", mtbf = "2_000 min", needs = "process" }
faults.power = { per = "job", clock = "wall", mtbf = "40_000 min", needs = "reset" }
stores.host = { place = { partners = 1, not_same = "rack" }, every = "young", stall = "3 s" }
stores.remote = { every = "young", stall = "2 min" }
run.horizon = "100 days"
"""


def test_young_at_each_level_is_oracle_o7b() -> None:
    fast, slow = two_level_intervals((1 / 120_000, 1 / 2_400_000), (3.0, 120.0))
    plan = build(loads(TWO))
    assert [tier.name for tier in plan.tiers] == ["host", "remote"]
    assert plan.tiers[0].interval == pytest.approx(fast, rel=1e-8)
    # Rounded to a whole multiple, so that the pattern repeats.
    assert plan.tiers[1].interval == round(slow / fast) * plan.tiers[0].interval
    assert [1 / level.rate for level in levels(plan)] == pytest.approx([120_000, 2_400_000])


def test_a_fault_of_a_node_or_rack_leaves_partners_whole() -> None:
    more = 'faults.node = { per = "node", mtbf = "500 h" }\n'
    more += 'faults.rack = { per = "rack", takes = "rack", mtbf = "900 h" }\n'
    plan = build(loads(more + TWO))
    assert 1 / levels(plan)[1].rate == pytest.approx(2_400_000)
    alone = build(loads(more + TWO.replace('{ partners = 1, not_same = "rack" }', '"self"')))
    assert levels(alone)[1].rate == pytest.approx(1 / 2_400_000 + 8 / 1_800_000 + 4 / 3_240_000)


def test_an_interval_without_a_fault_to_weigh_it_against_is_refused() -> None:
    with pytest.raises(UsageError, match=r"stores\.remote\.every"):
        build(loads(TWO.replace('needs = "reset"', 'needs = "process"')))


def test_partners_in_one_domain_are_refused() -> None:
    with pytest.raises(UsageError, match="4 nodes apart would share a rack"):
        build(loads(TWO.replace('"2 nodes"', '"5 nodes"')))


def test_more_saves_at_once_than_there_is_room_for_are_refused() -> None:
    text = TWO.replace('stall = "2 min"', 'stall = "2 min", persist = "1 day", in_flight = "unlimited"')
    build(loads(text.replace('every = "young", stall = "2 min"', 'every = "2 h", stall = "2 min"')))
    with pytest.raises(UsageError, match=r"stores.remote: up to 25 .* room for 16"):
        build(loads(text.replace('every = "young", stall = "2 min"', 'every = "1 h", stall = "2 min"')))


def test_show_names_each_store_and_what_falls_back_to_it() -> None:
    scenario = loads(TWO)
    outlook = Outlook(build(scenario))
    text = "\n".join(outlook_lines(outlook))
    assert "stores.host: every" in text
    assert "restored from after a fault every 27.8 days" in text
    found = as_dict(scenario, outlook)["outlook"]
    assert [store["name"] for store in found["stores"]] == ["host", "remote"]
    assert found["interval_s"] is None
    assert found["ettr"] is None
    expected = 1 - math.sqrt(2 * 3 / 120_000) - math.sqrt(2 * 120 / 2_400_000)
    # Recovery is the default restart; the intervals' overhead is O7b's, up to the rounding of the slower one.
    assert found["first_order_ettr"] == pytest.approx(expected - outlook.rate * outlook.recovery_s, abs=1e-4)
