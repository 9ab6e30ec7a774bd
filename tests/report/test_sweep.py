"""What is said of a sweep: the answer, the tables, what a dry run and a status say."""

import re
from dataclasses import replace

import numpy as np
import pytest

from sim.batch.file import sweep_from_dict
from sim.batch.forecast import Forecast
from sim.batch.status import Status
from sim.errors import UsageError
from sim.report.pivot import NOTHING, Ettrs, chosen, evenly, labels, pivot, shown
from sim.report.sweep import case_lines, forecast_lines, sentences, status_lines, tables

from .sweeps import INTERVAL, MINIMAL, MTBF, SPARES, printed, sweep_of, swept_of

TWO = {"mtbf": MTBF, "interval": INTERVAL}
GRID = np.array([0.90, 0.91, 0.905, 0.89, 0.94, 0.95, 0.949, 0.93, 0.96, 0.97, 0.9695, 0.95])


def words(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())


def rows_of(text: str) -> dict[str, list[str]]:
    """Cells of a table by the first word of the row: what two spaces part."""
    parts = [re.split(r" {2,}", line.strip()) for line in text.splitlines() if line.strip()]
    return {first: rest for first, *rest in parts}


def test_the_answer_names_the_best_the_worst_and_what_cannot_be_told_apart() -> None:
    said = words(sentences(swept_of(sweep_of(TWO), GRID, half=0.001)))
    assert "best of 12 cases: mtbf = 8000 h, interval = 20 min: ETTR 97.0 % (±0.1 points)" in said
    assert "worst: mtbf = 2000 h, interval = 1 h: ETTR 89.0 % (±0.1 points)" in said
    assert "1 other may be as good: the 95 % intervals overlap" in said
    said = words(sentences(swept_of(sweep_of(TWO), GRID, half=0.0002)))
    assert "no other case is as good: their 95 % intervals lie below that of the best" in said
    said = words(sentences(swept_of(sweep_of(TWO), GRID, half=0.2)))
    assert "all 11 others may be as good" in said


def test_the_answer_counts_what_failed_and_what_is_missing() -> None:
    said = sentences(swept_of(sweep_of(TWO), GRID, failed=[9], missing=[0, 1]))
    assert "best of 9 cases: mtbf = 8000 h, interval = 30 min" in words(said)
    assert said[-2:] == ["1 case of 12 failed", "2 cases of 12 not done yet"]
    nothing = replace(swept_of(sweep_of(TWO), GRID, missing=range(12)), summaries=())
    assert sentences(nothing) == ["12 cases of 12 not done yet"]
    assert list(tables(nothing, None, None)) == []


def test_one_replication_has_no_interval() -> None:
    swept = swept_of(sweep_of(TWO), GRID, n=1)
    said = words(sentences(swept))
    assert "(one run, no interval)" in said
    assert "nothing: run more replications" in said
    text = printed(*tables(swept, None, None))
    assert "±" not in text
    assert "n = 1 replication of each case: no intervals" in text


def test_a_table_of_two_axes() -> None:
    text = printed(*tables(swept_of(sweep_of(TWO), GRID, failed=[0], missing=[5]), None, None))
    assert "ETTR in %, interval down, mtbf across" in text
    rows = rows_of(text)
    assert rows["interval"] == ["2000 h", "4000 h", "8000 h"]
    assert rows["10 min"] == ["failed", "94.0 ±0.1", "96.0 ±0.1"]
    assert rows["20 min"] == ["91.0 ±0.1", "-", "*97.0 ±0.1"]
    assert text.count("*") == 2  # the best, and what * means
    assert "n = 32 replications of each case. ± is half the 95 % interval" in text
    turned = rows_of(printed(*tables(swept_of(sweep_of(TWO), GRID), "interval", "mtbf")))
    assert turned["8000 h"] == ["96.0 ±0.1", "*97.0 ±0.1", "97.0 ±0.1", "95.0 ±0.1"]


def test_decimals_follow_the_intervals() -> None:
    for half, expected in ((0.02, "±2.0"), (0.004, "±0.4"), (0.0006, "±0.06"), (0.00003, "±0.003")):
        assert expected in printed(*tables(swept_of(sweep_of(TWO), GRID, half=half), None, None))


def test_a_narrow_interval_among_wide_ones_does_not_read_as_0() -> None:
    swept = swept_of(sweep_of(TWO), GRID, half=0.01)
    swept.summaries.ends[0, 1:, 3] = 0.89 - 0.0001, 0.89 + 0.0001  # type: ignore[attr-defined]
    assert "89.00 ±0.01" in printed(*tables(swept, None, None))


def test_columns_that_do_not_fit_are_chosen_evenly_with_the_best() -> None:
    axes = {"a": INTERVAL | {"values": [f"{i} min" for i in range(10, 25)]}, "b": SPARES | {"values": list(range(15))}}
    ettr = np.linspace(0.5, 0.6, 225)
    ettr[15 * 3 + 7] = 0.9
    text = printed(*tables(swept_of(sweep_of(axes), ettr), "a", "b"))
    assert max(map(len, text.splitlines())) <= 80
    heads = rows_of(text)["b"]
    assert {"10 min", "13 min", "24 min"} <= set(heads)
    assert f"{len(heads)} of the 15 points of a, evenly chosen; cases.parquet has all." in text
    assert "*90.0 ±0.1" in text
    assert "…" not in text


def test_rows_beyond_40_are_chosen_evenly() -> None:
    axes = {"b": SPARES | {"values": list(range(50))}}
    text = printed(*tables(swept_of(sweep_of(axes), np.r_[np.linspace(0.5, 0.6, 49), 0.2]), None, None))
    assert "40 of the 50 points of b" in text
    assert {"0", "48", "49"} <= set(rows_of(text))


def test_other_axes_have_a_table_for_each_point_or_the_best_over_all() -> None:
    axes = TWO | {"spares": SPARES}
    ettr = np.stack([GRID, GRID - 0.2], axis=1).ravel()
    text = printed(*tables(swept_of(sweep_of(axes), ettr), None, None))
    assert text.count("ETTR in %") == 2
    assert text.index("spares = 10") < text.index("spares = 20")
    assert text.count("*97.0 ±0.1") == 1
    assert "77.0 ±0.1" in text
    axes["spares"] = SPARES | {"values": list(range(7))}
    ettr = np.stack([GRID - 0.01 * i for i in range(7)], axis=1).ravel()
    text = printed(*tables(swept_of(sweep_of(axes), ettr), "mtbf", "interval"))
    assert text.count("ETTR in %") == 1
    assert "Each cell is the best case over spares" in text
    assert "*97.0 ±0.1" in text


def test_one_axis_is_a_list() -> None:
    text = printed(*tables(swept_of(sweep_of({"interval": INTERVAL}), [0.9, 0.95, 0.94, 0.93], failed=[3]), None, None))
    rows = rows_of(text)
    assert rows["interval"] == ["ETTR, %", "n", "interruptions", "largest loss, % of wall clock"]
    assert rows["20 min"][:2] == ["*95.0 ±0.1", "32"]
    assert rows["1 h"] == ["failed", "-", "-", "-"]


def test_a_sample_shows_its_best_points_and_how_ettr_goes_with_each_axis() -> None:
    axes = {
        "interval": {"key": "stores.remote.every", "from": "10 min", "to": "60 min"},
        "mtbf": {"key": "faults.node.mtbf", "from": "2_000 h", "to": "8_000 h"},
    }
    sweep = sweep_of(axes, sample={"method": "sobol", "points": 64, "seed": 1})
    ettr = 0.5 + 0.4 * sweep.cases.numbers(1) / sweep.cases.numbers(1).max()
    text = printed(*tables(swept_of(sweep, ettr), None, None))
    assert "The 10 best of 64 cases" in text
    assert text.count("±0.1") == 10
    rows = rows_of(text)
    assert rows["mtbf"] == ["faults.node.mtbf", "+1.00", "-"]
    assert abs(float(rows["interval"][1])) < 0.3
    assert list(rows)[list(rows).index("case") + 1] == str(int(np.argmax(ettr)))
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        ("intervall", None, "--x intervall: is no axis of this sweep; did you mean interval?"),
        (None, "zzz", "--y zzz: is no axis of this sweep; there is mtbf or interval"),
        ("mtbf", "mtbf", "are the same axis"),
    ],
)
def test_axes_that_are_not_there_are_refused(x: str | None, y: str | None, expected: str) -> None:
    swept = swept_of(sweep_of(TWO), GRID)
    with pytest.raises(UsageError, match=re.escape(expected)):
        list(tables(swept, x, y))


def test_which_axes_are_chosen() -> None:
    axes = sweep_of(TWO | {"spares": SPARES}).axes
    names = [axis.name for axis in axes]

    def said(x: str | None, y: str | None) -> tuple[str, str]:
        across, down = chosen(axes, x, y)
        assert across is not None
        return names[across], names[down]

    assert said(None, None) == ("mtbf", "interval")
    assert said("interval", None) == ("interval", "mtbf")
    assert said(None, "spares") == ("interval", "spares")
    assert said("spares", "mtbf") == ("spares", "mtbf")


def test_every_case_stands_in_one_cell() -> None:
    sweep = sweep_of(TWO | {"spares": SPARES}, where=["interval > '15 min' or spares < 15"])
    found = pivot(sweep, Ettrs.of(swept_of(sweep, np.linspace(0.5, 0.9, len(sweep.cases)))), None, None)
    cells = np.concatenate([layer.cells.ravel() for layer in found.layers])
    assert sorted(cells[cells != NOTHING]) == list(range(len(sweep.cases)))
    assert (cells == NOTHING).sum() == 24 - len(sweep.cases) == 3
    for layer in found.layers:
        for row, column in zip(*np.nonzero(layer.cells != NOTHING), strict=True):
            case = sweep.cases[int(layer.cells[row, column])]
            values = dict(zip(("mtbf", "interval", "spares"), case.values, strict=True))
            assert found.columns is not None
            assert values["mtbf"] == found.columns.points[column].value
            assert values["interval"] == found.rows.points[row].value
            assert ("spares", str(values["spares"])) in layer.fixed


def test_values_are_shown_short_and_told_apart() -> None:
    assert [shown(value) for value in (True, 12_500, 0.123456789, "353.553390593 h", "exact", "1e-06 1/year")] == [
        "true", "12,500", "0.123457", "353.553 h", "exact", "1e-06 1/year",
    ]  # fmt: skip
    assert [shown(value, 4) for value in ("25000 h", "400000 h", 75_000.0, "74828 h")] == [
        "25000 h", "400000 h", "75000", "74830 h",
    ]  # fmt: skip
    axes = sweep_of({"mtbf": {"key": "faults.node.mtbf", "from": "2_000 h", "to": "2_001 h", "points": 4}}).axes
    assert labels(axes[0]) == ["2000 h", "2000.3 h", "2000.7 h", "2001 h"]


def test_evenly() -> None:
    assert evenly(5, 8) == [0, 1, 2, 3, 4]
    assert evenly(9, 5) == [0, 2, 4, 6, 8]
    assert evenly(100, 5, keep=30) == [0, 30, 50, 74, 99]
    assert evenly(100, 1) == [0]
    for most in range(2, 12):
        assert len(evenly(1000, most)) == most


def test_a_dry_run_names_the_first_cases_and_the_last() -> None:
    lines = list(case_lines(sweep_of(TWO | {"spares": SPARES}, where=["spares < 15"])))
    assert lines[0] == "12 cases, kept of 24: mtbf (3) x interval (4) x spares (2)"
    assert lines[1] == "  case 0: mtbf = 2000 h, interval = 10 min, spares = 10"
    assert lines[-3:] == [
        "  ...", "  case 11: mtbf = 8000 h, interval = 1 h, spares = 10", "replications of each case: 32",
    ]  # fmt: skip
    data = {"scenario": MINIMAL, "axes": TWO, "half_width": "0.2 points", "max_replications": 256}
    said = words(list(case_lines(sweep_from_dict(data))))
    assert said.endswith("replications of each case: until ETTR is known to ±0.2 points, at most 256")


def test_a_forecast_says_how_long_and_how_well_it_is_known() -> None:
    lines = words(list(forecast_lines(Forecast(1000, 64_000, True, 7_200.0, 96))))
    assert "1,000 different cases, about 64,000 replications" in lines
    assert "computing: 2 core-hours time: 60 min on 2, 112 s on 64, 7.2 s on 1,000 cores" in lines
    assert "good to a factor of 2" in lines
    lines = words(list(forecast_lines(Forecast(1, 32, False, 1.5, 96))))
    assert "1 different case, 32 replications computing: 1.5 s of one core time: 1 s on 2" in lines
    assert "guessed" not in lines


def test_a_status_tells_of_its_sessions() -> None:
    swept = swept_of(sweep_of(TWO), GRID, failed=[0], missing=[1, 2])
    sessions = (
        {"started": "2026-01-01T00:00:00+00:00", "host": "a"},
        {
            "started": "2026-01-02T00:00:00+00:00", "host": "b", "ended": "", "seconds": 90.0, "replications": 1_000,
            "workers_died": 2, "stopped_by": 15,
        },
    )  # fmt: skip
    lines = words(list(status_lines(Status(swept, False, 1_234, sessions))))
    assert lines.startswith("9 of 12 cases done, 1 failed; nobody runs it: the same command without --status goes on.")
    assert "1,234 replications are in the journal." in lines
    assert "on a: no word of its end" in lines
    assert "on b: 1,000 replications in 90 s, 2 workers died, stopped by SIGTERM" in lines
    assert "it is being run" in words(list(status_lines(Status(swept, True, 1, ()))))
