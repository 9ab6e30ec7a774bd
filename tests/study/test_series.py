"""The answer period by period: its sums are those of the whole, and joined periods are those of their parts."""

import numpy as np
import pandas as pd
import pytest

from sim.scenario import Scenario, loads
from sim.study import estimate
from sim.study.answer import Answer
from sim.study.series import periods
from sim.study.statistics import ratio

from .texts import BUSY

N = 40


def scenario(*changes: str) -> Scenario:
    return loads(BUSY, overrides=['run.series="36 h"', *changes])


@pytest.fixture(scope="module")
def answer() -> Answer:
    return estimate.run(scenario(), N)


def test_the_whole_is_as_without_periods(answer: Answer) -> None:
    plain = estimate.run(loads(BUSY), N)
    assert plain.series is None
    assert plain.runs.rows.tobytes() == answer.runs.rows.tobytes()


def test_both_engines_have_the_same_periods() -> None:
    one, other = (estimate.run(scenario(), 40, engine=engine).runs for engine in ("compiled", "simpy"))  # type: ignore[arg-type]
    assert one.marks is not None
    assert other.marks is not None
    assert one.marks.tobytes() == other.marks.tobytes()


def test_replications_that_come_later_have_their_own_periods(answer: Answer) -> None:
    """40 replications come in two steps, 32 and 8."""
    assert answer.runs.marks is not None
    assert answer.runs.marks.shape == (N, 7, 4)
    assert (answer.runs.marks[:, -1, 0] == answer.runs.rows["work_done_s"]).all()


def test_sums_are_those_of_the_runs(answer: Answer) -> None:
    frame = answer.runs.series
    assert len(frame) == 7 * N
    sums = frame.groupby("replication").sum()
    rows = answer.runs.rows
    for name in ("wall_s", "work_done_s", "interruptions", "repair_node_s", "spare_idle_node_s"):
        assert (sums[name].to_numpy() == rows[name]).all()
    assert list(frame["end_s"][:7] / 3600.0) == [36.0, 72.0, 108.0, 144.0, 180.0, 216.0, 240.0]


def test_means_and_ranges(answer: Answer) -> None:
    assert answer.series is not None
    frame = answer.runs.series
    for i, period in enumerate(answer.series):
        mine = frame[frame["period"] == i]
        ettr = period.metrics["ettr"]
        assert ettr.estimate.mean == pytest.approx(mine["work_done_s"].sum() / mine["wall_s"].sum(), rel=1e-12)
        assert ettr.runs["p95"] == pytest.approx(np.quantile(mine["ettr"], 0.95), rel=1e-12)
        assert period.metrics["interruptions"].estimate.mean == pytest.approx(mine["interruptions"].mean(), rel=1e-12)
        for name in ("mean_units_in_repair", "mean_spares_idle"):
            assert period.metrics[name].estimate.mean == pytest.approx(mine[name].mean(), rel=1e-12)
    shares = [period.metrics["ettr"].estimate.mean * (period.end_s - period.start_s) for period in answer.series]
    # Periods are taken as they were, without drawn durations at their means.
    rows = answer.runs.rows
    assert sum(shares) / 864_000.0 == pytest.approx(rows["work_done_s"].sum() / rows["wall_s"].sum(), rel=1e-12)


@pytest.mark.parametrize(("most", "ends"), [(7, 7), (6, 4), (4, 4), (3, 3), (2, 2), (1, 1)])
def test_joined_periods(answer: Answer, most: int, ends: int) -> None:
    found = periods(answer.runs, 0.95, most)
    assert len(found) == ends
    assert (found[0].start_s, found[-1].end_s) == (0.0, 864_000.0)
    assert [period.start_s for period in found[1:]] == [period.end_s for period in found[:-1]]
    counts = sum(period.metrics["interruptions"].estimate.mean for period in found)
    assert counts == pytest.approx(answer.runs.rows["interruptions"].mean(), rel=1e-12)
    if most == 1:
        rows = answer.runs.rows
        assert found[0].metrics["ettr"].estimate == ratio(rows["work_done_s"], rows["wall_s"], 0.95, most=1.0)
        assert found[0].metrics["ettr"].runs == answer.single_runs["ettr"]


def test_runs_that_stop_early_count_in_no_later_period() -> None:
    answer = estimate.run(scenario("run.max_events=12", "recovery.max_attempts=1000"), N)
    wall = answer.runs.rows["wall_s"]
    assert (wall < 864_000.0).sum() > N / 2
    assert answer.series is not None
    for period in answer.series:
        assert period.metrics["ettr"].estimate.n == (wall > period.start_s).sum() > 0
    assert len(answer.series) == np.ceil(wall.max() / 129_600.0)
    assert len(answer.runs.series) == np.ceil(wall / 129_600.0).sum()


def test_files(answer: Answer, tmp_path) -> None:
    answer.runs.write_series(tmp_path / "a.parquet")
    answer.runs.write_series(tmp_path / "a.csv")
    one, other = pd.read_parquet(tmp_path / "a.parquet"), pd.read_csv(tmp_path / "a.csv")
    pd.testing.assert_frame_equal(one, other, check_exact=True)
    pd.testing.assert_frame_equal(one, answer.runs.series, check_exact=True)
