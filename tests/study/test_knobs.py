"""Knobs: which numbers of a scenario can be turned, in which units, and what is said of those that cannot."""

from itertools import pairwise
from pathlib import Path

import pytest

from sim.errors import UsageError
from sim.scenario import load, loads
from sim.study.knobs import find, maker, tunable
from sim.study.ranges import range_of

from .texts import BUSY, STEADY

SCENARIOS = Path(__file__).parents[2] / "scenarios"
HOPPER = maker(SCENARIOS / "hopper-100k.toml")
MINIMAL = maker(SCENARIOS / "minimal.toml")


@pytest.mark.parametrize(
    ("key", "sets", "now", "unit", "si"),
    [
        ("stores.shared.every", "stores.shared.every", 5.0, "min", 300.0),
        ("stores.shared.slowdown", "stores.shared.slowdown", 1.0, "%", 0.01),
        ("job.checkpoint", "job.checkpoint", 28.0, "TB", 2.8e13),
        ("recovery.swap.stages.diagnosis", "recovery.swap.stages.diagnosis", 1.0, "min", 60.0),
        ("recovery.swap.stages.diagnosis.time", "recovery.swap.stages.diagnosis", 1.0, "min", 60.0),
        ("recovery.swap.stages.restart.mean", "recovery.swap.stages.restart.mean", 3.0, "min", 180.0),
        ("recovery.swap.stages.init.per_gpu", "recovery.swap.stages.init.per_gpu", 0.5, "ms", 0.0005),
        ("pools.hot", "pools.hot.nodes", 100.0, "", 100.0),
        ("repair.replace.crews", "repair.replace.crews", 120.0, "", 120.0),
        ("repair.replace.success", "repair.replace.success", 0.95, "", 0.95),
        ("detect.hang.timeout", "detect.hang.timeout", 10.0, "min", 600.0),
        ("run.horizon", "run.horizon", 90.0, "days", 90 * 86400.0),
    ],
)
def test_knobs_of_a_file(key: str, sets: str, now: float, unit: str, si: float) -> None:
    knob = find(HOPPER, key)
    assert (knob.key, knob.now, knob.unit, knob.si(now)) == (sets, now, unit, pytest.approx(si))
    changed = HOPPER([knob.change(2 * now if unit else knob.rounded(0.9 * now))])
    assert changed.sha256() != HOPPER(()).sha256()
    assert HOPPER([knob.change(now)]).sha256() == HOPPER(()).sha256()


@pytest.mark.parametrize("key", ["recovery.restart", "recovery.restart.stages.restart.time", "recovery.detect"])
def test_short_forms(key: str) -> None:
    assert find(MINIMAL, key).key in ("recovery.restart", "recovery.detect")


def test_what_follows_from_a_knob_follows_again() -> None:
    """A larger checkpoint takes longer to write at the same bandwidth: only a file knows that."""
    knob = find(HOPPER, "job.checkpoint")
    assert float(HOPPER([knob.change(56.0)]).stores["shared"].persist) == pytest.approx(28.0)


def test_a_scenario_in_memory() -> None:
    make = maker(loads(STEADY))
    knob = find(make, "stores.remote.every")
    assert make([knob.change(7.5)]).stores["remote"].every.value == 450.0


def test_counts_and_steps() -> None:
    make = maker(loads(BUSY, overrides=['stores.remote.every="50 steps"', "job.step=6 s"]))
    knob = find(make, "stores.remote.every")
    assert (knob.now, knob.unit, knob.whole, knob.rounded(49.6), knob.written(49.6)) == (
        50.0,
        "steps",
        True,
        50,
        "50 steps",
    )
    assert find(make, "repair.replace.crews").whole


def test_an_interval_that_is_computed_has_a_value() -> None:
    knob = find(maker(loads(STEADY, overrides=["stores.remote.every=young"])), "stores.remote.every")
    assert knob.word == "young"
    assert knob.now == pytest.approx(1200.0)  # sqrt(2 x 20 s x 10 h)
    assert knob.unit == "s"


def test_a_word_needs_a_range() -> None:
    with pytest.raises(UsageError, match='is "auto" now; give --from and --to with a unit'):
        find(HOPPER, "recovery.swap.stages.load")
    over = range_of(HOPPER, "recovery.swap.stages.load", "5 s", "2 min")
    assert (over.knob.key, over.low, over.high, over.knob.now) == ("recovery.swap.stages.load", 5.0, 120.0, None)
    with pytest.raises(UsageError, match="give --from and --to"):
        range_of(HOPPER, "recovery.swap.stages.load", "5 s")


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("stores.shared.evry", "did you mean stores.shared.every?"),
        ("stores.local.every", "did you mean stores.shared.every?"),
        ("Stores.shared.every", "did you mean stores.shared.every?"),
        ("x", "sim show lists all keys"),
        ("", "sim show lists all keys"),
        ("a b", "sim show lists all keys"),
        ("stores.shared.place", 'is "shared", and only numbers can be tuned'),
        ("run.initial_start", "is false, and only numbers can be tuned"),
        ("run.seed", "cannot be tuned"),
        ("run.precision.half_width", "cannot be tuned"),
        ("recovery.in_place.when.needs", "only numbers can be tuned"),
        ("stores.shared.persist", "either bandwidth or persist"),
    ],
)
def test_what_is_no_knob(key: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        find(HOPPER, key)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("text", "low", "high", "said"),
    [
        ("stores.shared.every", "3 h", "2 h", "is empty"),
        ("stores.shared.every", "2 h", "2 h", "is empty"),
        ("stores.shared.every", "0 s", "2 h", "must begin above 0"),
        ("stores.shared.every", "1 GB", None, "is a size in bytes, not a duration"),
        ("stores.shared.every", "5", None, "needs a unit"),
        ("stores.shared.every", "often", None, "is not one number"),
        ("stores.shared.every=1 min..", None, None, "is no range"),
        ("stores.shared.every=1 min", None, None, "is no range"),
        ("stores.shared.every=1 min..2 min", "1 min", None, "leave out --from"),
        ("stores.shared.slowdown", None, "150 %", "is too large"),
        ("repair.replace.crews", "1.5", "9", "whole numbers"),
        ("repair.replace.crews", "1 h", "9", "without a unit"),
        ("repair.replace.crews", "many", "9", "without a unit"),
        ("pools.hot.nodes", "0", "10_000_000", "is not valid"),
    ],
)
def test_ranges_that_are_refused(text: str, low: str | None, high: str | None, said: str) -> None:
    with pytest.raises(UsageError) as error:
        range_of(HOPPER, text, low, high)
    assert said in str(error.value)


def test_ranges_that_nobody_gave() -> None:
    every = range_of(HOPPER, "stores.shared.every")
    assert every.low < 2.3 / 7.9  # the least formula says 2.3 min
    assert every.high > 39.9
    share = range_of(HOPPER, "repair.replace.success")
    assert 0 < share.low < 0.95 < share.high <= 1.0
    spares = range_of(HOPPER, "pools.hot.nodes")
    assert spares.low < 100 <= spares.high
    assert spares.high - spares.low == round(spares.high - spares.low)


def test_grids() -> None:
    every = range_of(HOPPER, "stores.shared.every", "1 min", "100 min").grid()
    ratios = [b / a for a, b in pairwise(every)]
    assert (every[0], every[-1]) == (1.0, 100.0)
    assert max(ratios) <= 1.601
    few = range_of(HOPPER, "pools.hot.nodes", "0", "7").grid()
    assert few == [0, 1, 2, 3, 4, 5, 6, 7]
    many = range_of(HOPPER, "pools.cold.nodes", "0", "200").grid()
    assert (many[0], many[-1], len(many) <= 25) == (0.0, 200.0, True)


def test_all_that_is_tunable_is_a_number() -> None:
    keys = list(tunable(load(SCENARIOS / "minimal.toml")))
    assert "stores.remote.every" in keys
    assert "stores.remote.place" not in keys
    assert "run.initial_start" not in keys


def test_whole_numbers_that_go_along_are_rounded() -> None:
    over = range_of(HOPPER, "stores.shared.every,repair.replace.crews,pools.hot", "1 min", "10 min")
    assert (over.knob.key, over.knob.now, over.low, over.high) == ("stores.shared.every", 5.0, 1.0, 10.0)
    changes = over.changes(3.333)
    assert changes == (
        'stores.shared.every="3.333 min"', "repair.replace.crews=80", "pools.hot.nodes=67", "cluster.nodes=12767",
    )  # fmt: skip
    HOPPER(changes)
