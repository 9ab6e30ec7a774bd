"""Which spare is called: each call of a run against a list that is kept as one would by hand."""

from collections import Counter
from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from scipy.stats import chi2
from strategies import examples, plans

from sim.engine.compiled.layout import PLAIN, pack
from sim.engine.simpy_engine.capacity import Capacity
from sim.engine.simpy_engine.run import Run
from sim.plan import PICKS, Plan
from sim.planning import build
from sim.scenario import loads

from .checks import compiled, difference, specified

TEXT = """
[cluster]
nodes = 10
groups.rack = "5 nodes"
[job]
nodes = 3
[faults.x]
per = "node"
mtbf = "40 h"
clock = "training"
[recovery.swap]
{within}
stages = {{ restart = "1 min" }}
[pools]
pick = "{pick}"
hot = {{ nodes = 7, spread = "rack" }}
[repair]
time = {{ law = "exponential", mean = "5 h" }}
[run]
horizon = "2_000 h"
"""


class Watched(Capacity):
    """Writes down which spares there are, in the order in which they came, near enough ones, and which is called."""

    def __init__(self, *arguments) -> None:
        super().__init__(*arguments)
        (self.came,) = [block for block, idle in self.idle.items() if idle]
        self.there = sorted(self.idle[self.came])
        self.calls_made: list[tuple[list[int], list[int], int]] = []

    def _find(self, block, within, node):
        near = [spare for spare in self.there if block == self.came and self._suits(within, node, spare)]
        called = super()._find(block, within, node)
        assert (called >= 0) == bool(near)
        if called >= 0:
            self.calls_made.append((near, [self.sites[spare] for spare in near], called))
            self.there.remove(called)
        return called

    def _put_idle(self, block, node):
        super()._put_idle(block, node)
        self.there.append(node)


def calls(pick: str, within: str) -> list[tuple[list[int], list[int], int]]:
    plan = build(loads(TEXT.format(pick=pick, within=within)))
    with patch("sim.engine.simpy_engine.run.Capacity", Watched):
        run = Run(plan, 0)
    run.go()
    found = run.capacity.calls_made
    assert len(found) > 100
    assert sum(len(near) > 1 for near, _, _ in found) > 50
    return found


@pytest.mark.parametrize("within", ["", 'within = "rack"'])
def test_who_is_called(within):
    for near, _, called in calls("longest idle", within):
        assert called == near[0]
    for near, sites, called in calls("first", within):
        assert called == near[int(np.argmin(sites))]
    if not within:  # else the last one of all takes the place of the one that was called
        came = calls("last returned", within)
        first = next(i for i, (near, _, _) in enumerate(came) if near != sorted(near))
        assert [called for near, _, called in came[:first]] == [near[0] for near, _, _ in came[:first]]
        assert sum(called == near[-1] for near, _, called in came[first:]) > 0.9 * len(came[first:])


@pytest.mark.parametrize("within", ["", 'within = "rack"'])
def test_any_of_the_spares_is_called_equally_often(within):
    """By its place in the order in which they came: chi-squared with a false-alarm rate of 1e-4. One of six that is
    called half as often again is noticed half of the time.
    """
    found: Counter[tuple[int, int]] = Counter()
    for near, _, called in calls("random", within):
        found[len(near), near.index(called)] += 1
    statistic, freedom = 0.0, 0
    for size in {size for size, _ in found}:
        counts = np.array([found[size, i] for i in range(size)])
        if size > 1 and counts.sum() >= 5 * size:
            statistic += ((counts - counts.mean()) ** 2 / counts.mean()).sum()
            freedom += size - 1
    assert freedom >= 2
    assert statistic < chi2.isf(1e-4, freedom)


def test_a_pool_that_is_named_nowhere_takes_the_nodes_that_are_left():
    """`[pools]` with nothing but `pick` leaves the spares where they are without it."""
    text = TEXT.format(pick="first", within="").replace('hot = { nodes = 7, spread = "rack" }\n', "")
    assert [pool.nodes for pool in build(loads(text)).pools] == [7, 0]


@examples(100)
@given(plans())
def test_where_nodes_are_alike_it_is_all_the_same(plan: Plan) -> None:
    """A plan without features runs in an engine that knows the cheapest pick only; SimPy's knows all of them."""
    if pack(plan).dtype == PLAIN:
        for pick in range(len(PICKS)):
            other = replace(plan, pick=pick)
            assert pack(other).dtype == PLAIN
            assert not difference(compiled(plan), specified(other))
