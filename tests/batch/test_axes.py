"""Axes: their points, what they set, and what is refused."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import qmc

from sim.batch.axes import Axis, Span
from sim.errors import ScenarioError
from sim.report.pivot import labels
from sim.scenario.units import duration

from .texts import EVERY, HOPPER, SPARES, swept


def axis_of(table: dict, scenario: str = HOPPER, **keys) -> Axis:
    (axis,) = swept({"a": table}, scenario, **keys).axes
    return axis


def values_of(table: dict, scenario: str = HOPPER) -> list:
    return [point.value for point in axis_of(table, scenario).points]


def refused(table: dict, scenario: str = HOPPER, **keys) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        swept({"a": table}, scenario, **keys)
    return [str(problem) for problem in caught.value.problems]


def test_values_stand_as_they_were_written() -> None:
    axis = axis_of({"key": "stores.shared.every", "values": ["90 s", "2 min", "0.1 h"]})
    assert (axis.unit, axis.si_unit, axis.keys) == ("s", "s", ("stores.shared.every",))
    assert [point.value for point in axis.points] == ["90 s", "2 min", "0.1 h"]
    assert [point.number for point in axis.points] == [90.0, 120.0, 360.0]
    assert axis.points[0].changes == ('stores.shared.every="90 s"',)


@pytest.mark.parametrize(
    ("key", "values", "number"),
    [
        ("recovery.in_place.use", ["same units", "spares, else wait"], None),
        ("run.initial_start", [True, False], None),
        ("stores.shared.every", ["exact", "5 min"], None),
        ("faults.nic.needs", ["repair", {"reset": 0.5, "repair": 0.5}], None),
        ("repair.replace.success", [0.9, "95 %"], 0.9),
        ("stores.shared.place", ["shared"], None),
    ],
)
def test_values_may_be_whatever_the_scenario_may_hold(key: str, values: list, number: float | None) -> None:
    axis = axis_of({"key": key, "values": values})
    assert axis.points[0].number == number
    assert axis.points[0].value == values[0]
    assert (axis.si_unit == "") == (number is None)
    assert isinstance(axis.points[-1].value, (str, int, float))


def test_short_forms_set_what_they_mean() -> None:
    """A pool that is a table keeps its other keys."""
    sweep = swept({"a": {"key": "pools.hot", "values": [20, 40]}}, HOPPER)
    assert sweep.axes[0].keys == ("pools.hot.nodes",)
    hot = sweep.scenario_of(sweep.cases[1]).pools.hot
    assert (hot.nodes, hot.activation) == (40, 60.0)


@pytest.mark.parametrize(
    ("table", "values"),
    [
        ({"from": "1 h", "to": "4 h", "points": 4}, ["1 h", "2 h", "3 h", "4 h"]),
        ({"from": "1 h", "to": "240 min", "step": "90 min"}, ["1 h", "2.5 h", "4 h"]),
        ({"from": "1 h", "to": "4 h", "step": "2 h"}, ["1 h", "3 h"]),
        ({"from": "1 h", "to": "8 h", "factor": 2}, ["1 h", "2 h", "4 h", "8 h"]),
        ({"from": "1 h", "to": "7.9 h", "factor": 2}, ["1 h", "2 h", "4 h"]),
        ({"from": "1 h", "to": "100 h", "points": 3, "scale": "log"}, ["1 h", "10 h", "100 h"]),
        ({"from": "1 s", "to": "2 s", "points": 4}, ["1 s", "1.33333333333 s", "1.66666666667 s", "2 s"]),
        ({"from": "0.1 h", "to": "0.7 h", "step": "0.1 h"}, [f"0.{n} h" for n in range(1, 8)]),
    ],
)
def test_ranges_of_durations(table: dict, values: list[str]) -> None:
    assert values_of({"key": "stores.shared.every", **table}) == values


def test_counts_are_rounded_and_duplicates_dropped() -> None:
    assert values_of({"key": "repair.replace.crews", "from": 1, "to": 4, "points": 7}) == [1, 2, 3, 4]
    assert values_of({"key": "pools.hot", "from": 1, "to": 100, "points": 3, "scale": "log"}) == [1, 10, 100]
    assert values_of({"key": "pools.hot", "from": 25, "to": 100, "factor": 2}) == [25, 50, 100]


def test_numbers_without_unit_and_shares() -> None:
    assert values_of({"key": "repair.replace.success", "from": 0.5, "to": 1.0, "points": 3}) == [0.5, 0.75, 1.0]
    axis = axis_of({"key": "stores.shared.slowdown", "from": "0 %", "to": "2 %", "step": "1 %"})
    assert [(point.value, point.number) for point in axis.points] == [("0 %", 0.0), ("1 %", 0.01), ("2 %", 0.02)]


@settings(max_examples=200, deadline=None)
@given(
    low=st.floats(1e-3, 1e6),
    ratio=st.floats(1.0001, 1e5),
    units=st.tuples(st.sampled_from(["s", "min", "h"]), st.sampled_from(["s", "min", "days"])),
    points=st.integers(2, 40),
    log=st.booleans(),
)
def test_both_ends_of_a_range_are_points_of_it(
    low: float, ratio: float, units: tuple[str, str], points: int, log: bool
) -> None:
    """To the 12 digits that are written; between them points rise, and each text says exactly its number."""
    first = float(duration(f"{low!r} {units[0]}"))
    one = float(duration(f"1 {units[0]}"))
    span = Span("a", ("run.horizon",), units[0], "s", low, first * ratio / one, log, False)
    found = [span.point(span.at(position / (points - 1))) for position in range(points)]
    numbers = [point.number for point in found]
    assert numbers[0] == pytest.approx(first, rel=1e-11)
    assert numbers[-1] == pytest.approx(first * ratio, rel=1e-11)
    assert all(a <= b for a, b in itertools.pairwise(numbers))
    for point in found:
        assert float(duration(point.value)) == point.number
        assert point.changes == (f'run.horizon="{point.value}"',)


@settings(max_examples=40, deadline=None)
@given(count=st.integers(1, 60), tenths=st.integers(1, 300), start=st.integers(1, 100))
def test_a_step_that_meets_the_end_gives_the_end(count: int, tenths: int, start: int) -> None:
    """Tenths are no sums of powers of two, so the last step misses `to` by rounding."""
    low, step = start / 10, tenths / 10
    table = {"key": "a", "from": f"{low} h", "to": f"{(start + count * tenths) / 10} h", "step": f"{step} h"}
    from sim.batch.axes import read_axis
    from sim.batch.schema import AxisTable

    axis = read_axis("a", AxisTable.model_validate(table), None, None, [])
    assert isinstance(axis, Axis)
    assert len(axis.points) == count + 1
    assert axis.points[-1].number == pytest.approx((start + count * tenths) * 360, rel=1e-12)


def test_labels_are_what_points_are_called_and_change_no_result() -> None:
    table = {"key": "stores.shared.every", "values": ["90 s", "2 min"]}
    axis = axis_of({**table, "labels": ["often", "seldom"]})
    assert [point.label for point in axis.points] == labels(axis) == ["often", "seldom"]
    assert [point.value for point in axis.points] == ["90 s", "2 min"]
    assert [point.changes for point in axis.points] == [point.changes for point in axis_of(table).points]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["often"], "axes.a.labels: has 1 texts"),
        (["often", "often"], "axes.a.labels.1: is given twice"),
        (["often", "\x1b[2J"], "axes.a.labels.1: is empty or not printable"),
        (["often", 2], "axes.a.labels: must be an array of texts"),
    ],
)
def test_labels_that_name_no_points(names: list, said: str) -> None:
    (problem,) = refused({"key": "stores.shared.every", "values": ["90 s", "2 min"], "labels": names})
    assert said in problem


def test_labels_of_a_range() -> None:
    (problem,) = refused(
        {"key": "stores.shared.every", "from": "1 min", "to": "2 min", "points": 2, "labels": ["a", "b"]}
    )
    assert "axes.a.labels: names no points" in problem


def test_linked_keys_move_together() -> None:
    table = {"keys": ["pools.hot.nodes", "repair.replace.crews"], "values": [[50, 60], [100, 120]]}
    axis = axis_of(table)
    assert [point.value for point in axis.points] == [50, 100]
    assert [point.number for point in axis.points] == [50.0, 100.0]
    assert axis.points[1].changes == ("pools.hot.nodes=100", "repair.replace.crews=120")
    table["values"] = [[50, 60], [50, 120]]
    assert values_of(table) == ["50, 60", "50, 120"]


def test_linked_keys_may_have_one_value_for_all() -> None:
    keys = [f"faults.{name}.observed.over" for name in ("gpu", "hbm")]
    axis = axis_of({"keys": keys, "from": "500 h", "to": "2_000 h", "factor": 2})
    assert [point.value for point in axis.points] == ["500 h", "1000 h", "2000 h"]
    assert axis.points[0].changes == tuple(f'{key}="500 h"' for key in keys)
    assert axis_of({"keys": keys, "values": ["500 h"]}).points[0].changes == axis.points[0].changes


@pytest.mark.parametrize("method", ["sobol", "latin-hypercube"])
def test_samples_are_those_of_scipy(method: str) -> None:
    axes = {
        "horizon": {"key": "run.horizon", "from": "10 days", "to": "90 days"},
        "every": {"key": "stores.shared.every", "from": "1 min", "to": "1 h", "scale": "log"},
    }
    sweep = swept(axes, HOPPER, sample={"method": method, "points": 16, "seed": 7})
    draws = np.random.default_rng(7)
    unit = qmc.Sobol(2, seed=draws).random(16) if method == "sobol" else qmc.LatinHypercube(2, seed=draws).random(16)
    got = np.array([case.numbers for case in sweep.cases])
    expected = np.stack([86_400 * (10 + 80 * unit[:, 0]), 60 * 60 ** unit[:, 1]], axis=1)
    assert got == pytest.approx(expected, rel=1e-11)
    assert swept(axes, HOPPER, sample={"method": method, "points": 16, "seed": 7}).axes == sweep.axes
    assert swept(axes, HOPPER, sample={"method": method, "points": 16, "seed": 8}).axes != sweep.axes
    # One point in each 16th of each axis, of which both methods are sure.
    shares = np.stack([(got[:, 0] / 86_400 - 10) / 80, np.log(got[:, 1] / 60) / math.log(60)])
    for row in shares:
        assert sorted(np.floor(16 * row)) == list(range(16))


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_samples_of_counts_are_whole_and_reach_both_ends(scale: str) -> None:
    table = {"key": "pools.hot", "from": 1, "to": 4, "scale": scale}
    axis = axis_of(table, sample={"points": 256})
    numbers = [point.value for point in axis.points]
    assert set(numbers) == {1, 2, 3, 4}
    assert all(isinstance(number, int) for number in numbers)
    if scale == "linear":
        # 256 balanced points: each quarter holds 64.
        assert [numbers.count(number) for number in (1, 2, 3, 4)] == [64] * 4


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"values": ["1 min"]}, "axes.a: sets no key; allowed: exactly one of key and keys"),
        ({"key": "stores.shared.every"}, "axes.a: has no points"),
        ({"key": "stores.shared.every", "values": ["1 min"], "from": "1 s"}, "axes.a.from: is given beside values"),
        ({"key": "stores.shared.every", "from": "1 s"}, "axes.a: has no to"),
        ({"key": "stores.shared.every", "from": "1 s", "to": "1 s", "points": 2}, "axes.a.to: is not above from"),
        ({"key": "stores.shared.every", "from": "1 s", "to": "1 TB", "points": 2}, "of another kind than from"),
        (
            {"key": "stores.shared.every", "from": "1 s", "to": "soon", "points": 2},
            "is no number with a unit; given",
        ),
        ({"key": "stores.shared.every", "from": "1 sx", "to": "2 s", "points": 2}, "axes.a.from: has the unit"),
        ({"key": "stores.shared.every", "from": "1 s", "to": "9 s", "step": "0 s"}, "axes.a.step: is too small"),
        ({"key": "stores.shared.every", "from": "1 s", "to": "9 s", "factor": 1}, "axes.a.factor: is too small"),
        ({"key": "stores.shared.every", "from": "1 s", "to": "9 s", "points": 1}, "axes.a.points: is too small"),
        ({"key": "stores.shared.every", "from": "1 s", "to": "9 s", "step": "1 us"}, "makes 8e+06 points"),
        (
            {"key": "stores.shared.every", "from": "1 s", "to": "9 s", "step": "1 s", "points": 3},
            "axes.a.points: is given beside step",
        ),
        (
            {"key": "stores.shared.every", "from": "1 s", "to": "9 s", "step": "1 s", "scale": "log"},
            "axes.a.scale: does not go with step",
        ),
        (
            {"key": "stores.shared.every", "from": "0 s", "to": "9 s", "points": 3, "scale": "log"},
            "axes.a.from: must be above 0",
        ),
        ({"key": "stores.shared.every", "values": ["1 min", "2 TB"]}, "axes.a.values.1: is of another kind"),
        ({"key": "stores.shared.every", "values": ["1 min", "60 s"]}, "axes.a.values.1: is given twice"),
        ({"key": "stores.shared.every", "values": []}, "axes.a.values: is empty"),
        (
            {"key": "stores.shared.evry", "values": ["1 min"]},
            "is no number of this scenario; did you mean",
        ),
        ({"key": "stores.fast.every", "values": ["1 min"]}, "there is no stores.fast"),
        ({"key": "recovery.swap.us", "values": ["same units"]}, 'is an unknown key; given "recovery.swap.us"'),
        ({"key": "recovery.swap.use", "values": ["same unit"]}, 'did you mean "same units"?'),
        ({"key": "pools.hot", "from": 0.5, "to": 4, "points": 3}, "axes.a.from: must be a whole number"),
        ({"key": "run.seed", "values": [1, 2]}, "says nothing of what is simulated"),
        ({"key": "name", "values": ["x"]}, "says nothing of what is simulated"),
        ({"key": "a b", "values": ["x"]}, "is not a key"),
        ({"keys": ["pools.hot", "pools.cold"], "values": [[1, 2], [3]]}, "axes.a.values.1: has 1 values"),
        ({"keys": ["pools.hot", "pools.hot.nodes"], "values": [[1, 2]]}, "sets pools.hot.nodes, as does axes.a"),
        ({"key": "stores.shared.every", "from": "1 s", "to": "9 s"}, "or a table [sample]"),
        ({"key": "pools.hot", "values": [1], "poinst": 3}, 'did you mean "points"?'),
        ({"key": 5, "values": [1]}, "axes.a.key: must be a text"),
        ({"key": "stores.shared.every", "from": True, "to": "9 s", "points": 2}, "axes.a.from: must be a number"),
        ({"key": "pools.hot", "from": math.nan, "to": 4, "points": 2}, "axes.a.from: must be a finite number"),
    ],
)
def test_what_is_wrong_with_an_axis(table: dict, said: str) -> None:
    found = refused(table)
    assert any(said in each for each in found), found


def test_a_key_belongs_to_one_axis_and_not_to_set() -> None:
    with pytest.raises(ScenarioError, match=r"axes\.b: sets stores\.remote\.every, as does axes\.a"):
        swept({"a": EVERY, "b": EVERY})
    with pytest.raises(ScenarioError, match=r"set\.stores\.remote\.every: is set by axes\.a as well"):
        swept({"a": EVERY}, set={"stores": {"remote": {"every": "1 h"}}})
    assert len(swept({"a": EVERY, "b": SPARES}, set={"stores.remote": {"every": "1 h", "stall": "9 s"}}).cases) == 6


def test_samples_of_sobol_are_powers_of_two() -> None:
    table = {"key": "stores.shared.every", "from": "1 s", "to": "9 s"}
    (said,) = refused(table, sample={"points": 100})
    assert "sample.points: is no power of two" in said
    assert "64 or 128" in said
    assert len(axis_of(table, sample={"points": 100, "method": "latin-hypercube"}).points) == 100
    (said,) = refused({"key": "pools.hot", "values": [1]}, sample={"points": 4})
    assert "sample: has no axis" in said


@pytest.mark.parametrize("name", ["a b", "and", "true", "1st", "ä", "x" * 65])
def test_names_that_conditions_cannot_hold(name: str) -> None:
    with pytest.raises(ScenarioError, match=r"has too long a name|has a name that conditions"):
        swept({name: EVERY})
