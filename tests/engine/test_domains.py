"""Domains in both engines: who goes down together, where spares stand, and which of them may stand in."""

import numpy as np
import pytest

from sim.planning import build
from sim.scenario import loads
from sim.scenario.domains import Group, order_of
from sim.scenario.refusal import RefusedError

from .checks import compiled, specified

CLUSTER = """
[cluster]
nodes = 12
groups = {{ rack = "4 nodes" }}
[job]
nodes = 9
[faults.{name}]
per = "{per}"
mtbf = "{mtbf}"
{more}
[detect]
stop = "1 s"
[recovery.near]
{near}
stages = {{ restart = "1 s" }}
[pools]
hot = {{ nodes = 3{spread} }}
[repair]
time = "1 h"
[run]
horizon = "100 days"
seed = 7
"""


def run(**words):
    plan = build(
        loads(
            CLUSTER.format(
                **{"name": "x", "per": "node", "mtbf": "2 years", "more": "", "near": "", "spread": "", **words}
            )
        )
    )
    found, _ = compiled(plan, 0)
    wanted, _ = specified(plan, 0)
    assert found == wanted
    return found


def test_a_rack_goes_down_with_its_spares():
    row = run(per="rack", mtbf="10 days", spread=', spread = "rack"')
    assert row["faults"] > 5
    assert row["spare_faults"] == 0
    assert row["repairs"] == 4 * row["faults"]


def test_a_rack_of_spares_is_no_interruption():
    row = run(per="rack", mtbf="10 days", spread=', activation = "0 s"')
    assert row["faults"] + row["spare_faults"] + row["void_faults"] > 20
    assert row["repairs"] > row["faults"]


def test_a_blip_of_a_switch_takes_nothing():
    row = run(per="rack", mtbf="10 days", more='needs = "process"')
    assert row["faults"] > 20
    assert row["repairs"] == 0


@pytest.mark.parametrize("spread", [', spread = "rack"', ', activation = "0 s"'])
def test_only_spares_of_the_rack_stand_in(spread):
    """Three spares, one in each rack, do for single faults; three that stand together do for one rack in three."""
    near = run(mtbf="0.5 years", near='within = "rack"', spread=spread)
    anywhere = run(mtbf="0.5 years", spread=spread)
    assert anywhere["spare_waits"] == 0
    if "rack" in spread:
        assert near["spare_waits"] < 0.1 * near["faults"]
    else:
        assert near["spare_waits"] > 0.4 * near["faults"]


def test_spares_are_spread_evenly():
    rack = Group(unit=4, number=5)
    order = order_of(18, [(7, rack)])
    assert sorted(order) == list(range(18))
    spares = [sum(order[site] >= 11 for site in rack.sites(domain, 18)) for domain in range(5)]
    assert spares == [1, 1, 2, 1, 2]
    assert list(order[:3]) == [0, 1, 2]
    assert order_of(18, [(7, None)]) == ()


def test_a_domain_without_room_is_refused():
    with pytest.raises(RefusedError, match="domain 4 of 2 free nodes"):
        order_of(18, [(15, Group(unit=4, number=5)), (0, None)])


@pytest.mark.parametrize("dealt", [Group(unit=3, number=4), Group(unit=1, number=7), Group(unit=20, number=1)])
def test_groups_partition_the_cluster(dealt):
    sites = np.concatenate([list(dealt.sites(domain, 20)) for domain in range(dealt.number)])
    assert sorted(sites) == list(range(20))
