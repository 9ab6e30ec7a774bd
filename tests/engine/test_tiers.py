"""Several stores: what follows from what they are, without any formula."""

import math
from dataclasses import replace
from unittest.mock import patch

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import TICK, examples, plans

from sim.engine import tiers as records
from sim.engine.state import EVENT_LIMIT
from sim.kernels import survival, tiers
from sim.kernels.saves import make_pattern
from sim.plan import Plan, Tier
from sim.planning import build
from sim.scenario import loads

from .checks import check_closed, compiled, difference, fails_somewhere, specified

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
    last = plan.last_save if plan.work == math.inf else math.ceil(plan.work / pattern.interval) - 1
    return replace(plan, pattern=pattern, last_save=last, tiers=())


@examples(150)
@given(plans_on_grid())
def test_one_store_walked_is_the_closed_form(plan: Plan) -> None:
    assert not difference(compiled(plan), compiled(replace(plan, tiers=(as_tier(plan),))))


def test_one_store_that_is_lost_is_not() -> None:
    """Negative control."""

    def check(plan: Plan) -> None:
        tier = replace(as_tier(plan), lost_at=0)
        assert not difference(compiled(plan), compiled(replace(plan, tiers=(tier,))))

    fails_somewhere(plans_on_grid(), check, 150)


@examples(100)
@given(plans_on_grid(), st.integers(1, 4), st.integers(0, 3))
def test_a_second_store_that_is_never_newer_changes_nothing(plan: Plan, times: int, later: int) -> None:
    """It costs nothing, and its versions are durable no sooner than those of the first.

    Pauses, notices and the end do not save: they would save to the less frequent store.
    """
    plan = replace(plan, sources=tuple(replace(source, p_notice=0.0) for source in plan.sources))
    plan = replace(plan, final_save=False, pauses=tuple(replace(pause, save=False) for pause in plan.pauses))
    first = as_tier(plan)
    persist = min(first.persist + later * GRID, first.interval)
    assume(persist >= first.persist)
    read = first.read + later * GRID
    second = Tier("two", times * first.interval, 0.0, persist, 0.0, 16, read)
    one, incidents = compiled(replace(plan, tiers=(first,)))
    two, more = compiled(replace(plan, tiers=(first, second)))
    assert two["saves"] >= one["saves"]
    two["saves"], two["saves_of"] = one["saves"], one["saves_of"]
    assert not difference((one, incidents), (two, more))


@examples(60)
@given(plans())
def test_jumping_over_repetitions_changes_nothing(plan: Plan) -> None:
    """With and without the jumps, which only spare time."""
    assume(plan.tiers)
    lazy = replace(plan, lanes=plan.lanes[:1])
    walks = []
    for patience in (0, 2**62):
        with patch.object(records, "PATIENCE", patience):
            walks.append(compiled(lazy))
    assert not difference(*walks)


TWO = """
cluster = { nodes = 3 }
job = { nodes = 2 }
detect.stop = "0 s"
faults.hard = { per = "job", clock = "wall", mtbf = "40 h", needs = "reset" }
[stores.host]
place = "self"
every = "10 min"
stall = "10 s"
persist = "1 min"
read = "5 s"
[stores.remote]
source = "host"
every = "3 saves"
persist = "25 min"
slowdown = "20 %"
read = "2 min"
[recovery.all]
use = "same units"
stages = { restart = "3 min", load = "auto" }
[run]
"""


def test_a_cascade_by_hand() -> None:
    """No fault strikes: 2 hours of work, host saves every 10 min, each third is copied on and slows 25 min by 20 %."""
    text = TWO.replace("40 h", "1e12 h") + 'work = "2 h"\ninitial_start = false\nfinal_save = false\n'
    plan = build(loads(text))
    row, _ = outcome = compiled(plan)
    assert not difference(outcome, specified(plan))
    # Copies begin when the versions of 30, 60 and 90 min of work are durable. In the 1500 s of each the job stands
    # twice for 10 s and steps slowed by 0.2 for 1480 s; the next begins more than 30 min later.
    expected = {"productive": 7200.0, "save_stall": 11 * 10.0, "save_slowdown": 888.0}
    for i, name in enumerate(expected):
        assert row["ledger"][i] == expected[name], name
    assert row["wall_s"] == sum(expected.values())
    assert row["saves"] == 11 + 3


def test_a_copy_goes_on_while_the_job_recovers() -> None:
    """The host's version of 30 min is durable 30 min, 3 stalls and a persist after the start; its copy 25 min later."""
    plan = build(loads(TWO + 'horizon = "400 h"\n'))
    copied_at = 1800.0 + 30.0 + 60.0 + 1500.0
    for need, kept in ((0, True), (1, False)):
        c, v = records.pack_stores(plan)[0], np.zeros(1, records.VERSIONS)[0]
        survival.clear(c, v)
        tiers.resume(c, v, 0.0, math.inf)
        assert tiers.advance(c, v, 2000.0) == 30.0
        survival.stop_persists(c, v)
        survival.lose(c, v, np.zeros((2, 8), np.int64)[:, ::2], -1, need)
        assert survival.restore(c, v) == (170.0 if kept else 1970.0)
        assert v["step"] == (1800.0 if kept else 0.0)
        tiers.settle(c, v, copied_at - TICK)
        assert v["has"][1] == 0
        tiers.settle(c, v, copied_at)
        assert v["has"][1] == kept
        assert (v["version_step"][1] == 1800.0) == kept


def test_two_stores_are_restored_from_by_what_survives() -> None:
    text = TWO + 'horizon = "400 h"\n'
    plan = build(loads(text))
    _, incidents = compiled(plan)
    # Every fault needs a reset: the host's versions are lost, and what is restored is a version of the remote store.
    assert len(incidents) > 3
    assert np.all(incidents["restored_s"] % 1800.0 == 0.0)
    soft = build(loads(text.replace('"reset"', '"process"')))
    _, incidents = compiled(soft)
    assert np.all(incidents["restored_s"] % 600.0 == 0.0)
    assert np.any(incidents["restored_s"] % 1800.0 != 0.0)
    assert np.all(incidents["lost_work_s"] < 800.0)


@examples(60)
@given(plans())
def test_looks_ahead_are_the_same_in_both_engines_and_change_nothing(plan: Plan) -> None:
    """A look every few saves, with and without jumps; the limit of events ends both runs alike."""
    assume(plan.tiers)
    whole = compiled(plan)
    for patience in (0, 2**62):
        with patch.object(records, "LOOK", 5), patch.object(records, "PATIENCE", patience):
            in_parts = compiled(plan)
            assert not difference(in_parts, specified(plan))
        if EVENT_LIMIT not in (whole[0]["stop_reason"], in_parts[0]["stop_reason"]):
            assert not difference(in_parts, whole)


def test_saves_that_do_not_repeat_end_at_the_limit_of_events() -> None:
    """Two intervals without a common multiple for 11 days: four saves walked through count as an event."""
    text = """
cluster = { nodes = 1 }
stores = { a = { every = "999_983 us" }, b = { every = "1_000_003 us" } }
run = { horizon = "30 days", max_events = 8_000 }
"""
    plan = build(loads(text))
    row, _ = outcome = compiled(plan)
    assert not difference(outcome, specified(plan))
    check_closed(plan, outcome)
    assert row["stop_reason"] == EVENT_LIMIT
    walked = 8_000 * tiers.SAVES_AN_EVENT
    assert walked <= row["saves"] < walked + 2 * records.LOOK
    assert row["wall_s"] == row["work_done_s"]
    unlimited = compiled(replace(plan, max_events=10**9, horizon=float(row["wall_s"])))
    assert unlimited[0]["saves"] == row["saves"]


def test_pauses_end_at_the_limit_of_events() -> None:
    text = """
cluster = { nodes = 1 }
pauses.tiny = { every = "1 us", duration = "1 us" }
run = { horizon = "30 days", max_events = 500 }
"""
    several = 'stores = { a = { every = "1 h" }, b = { every = "2 h", stall = "1 s" } }\n'
    for stores in ("", several):
        plan = build(loads(stores + text))
        row, _ = outcome = compiled(plan)
        assert not difference(outcome, specified(plan))
        assert row["stop_reason"] == EVENT_LIMIT
        assert row["interruptions"] == 500


def test_stores_by_hand() -> None:
    """Faults that need a reset lose the host's versions, so all restores are the remote store's; others are the host's.

    Until a version is there, the run begins again.
    """
    for need, store in (("reset", 1), ("process", 0)):
        plan = build(loads(TWO.replace('"reset"', f'"{need}"') + 'horizon = "400 h"\n'))
        row, incidents = outcome = compiled(plan)
        assert not difference(outcome, specified(plan))
        check_closed(plan, outcome)
        again = incidents["restored_s"] == 0.0
        assert row["restores_of"][store] == (~again).sum() > 3
        assert row["restores_of"][1 - store] == 0
        assert row["lost_before"][store] == incidents["lost_work_s"][~again].sum()
        assert row["lost_before"][-1] == incidents["lost_work_s"][again].sum()
        # The remote store is fed from the host, and stops nothing; each third version of the host is copied.
        assert row["stood_for"][1] == 0.0
        assert row["stood_for"][0] == row["ledger"][1] > 0.0
        assert 0 < row["saves_of"][1] <= row["saves_of"][0] // 3


def test_the_last_save_of_the_work_is_the_least_frequent_stores() -> None:
    """An hour of work, then a save with all that it takes: a stall of the store that the job ends with."""
    stores = 'a = { every = "10 min", stall = "10 s" }, b = { every = "30 min", stall = "1 min", persist = "2 min" }'
    text = f'cluster.nodes = 1\nstores = {{ {stores} }}\nrun = {{ work = "1 h", initial_start = false }}\n'
    plan = build(loads(text))
    row, _ = outcome = compiled(plan)
    assert not difference(outcome, specified(plan))
    check_closed(plan, outcome)
    assert list(row["stood_for"][:2]) == [5 * 10.0, 60.0 + 180.0]
    assert list(row["saves_of"][:2]) == [5, 2]
