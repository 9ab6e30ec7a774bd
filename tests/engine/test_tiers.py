"""Several stores: what follows from what they are, without any formula."""

import math
from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import TICK, examples, plans

from sim.kernels.saves import make_pattern
from sim.plan import Plan, Tier

from .checks import compiled, difference

GRID = 168 * TICK


def as_tier(plan: Plan) -> Tier:
    """The plan's one store as one of several."""
    q = plan.pattern
    return Tier("one", q.interval, q.stall, q.persist, q.slowdown, min(q.in_flight, 16), plan.read)


@st.composite
def plans_on_grid(draw) -> Plan:
    """A plan with one store of which every save starts and ends on the grid, so that nothing is rounded."""
    plan = draw(plans(scales=(GRID,)))
    assume(plan.has_store)
    q = plan.pattern
    persist = 8 * GRID * draw(st.integers(0, 4)) if q.in_flight > 3 else q.persist
    pattern = make_pattern(8 * q.interval, q.stall, 8 * persist, draw(st.sampled_from([0.0, 0.5, 0.25])), q.in_flight)
    # In the middle of a slowed step progress is rounded once: sums over pieces could differ by a tick.
    last = plan.last_save if plan.work == math.inf else math.ceil(plan.work / pattern.interval) - 1
    return replace(plan, pattern=pattern, last_save=last, tiers=())


@examples(150)
@given(plans_on_grid())
def test_one_store_walked_is_the_closed_form(plan: Plan) -> None:
    assert not difference(compiled(plan), compiled(replace(plan, tiers=(as_tier(plan),))))
