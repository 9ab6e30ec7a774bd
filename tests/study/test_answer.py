"""What an answer says: metrics, the ledger in order, causes, and that all of it adds up."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sim.engine.state import DONE, ROW, StopReason
from sim.kernels.ledger import BUCKETS, GPU_ONLY
from sim.planning import build
from sim.results import COUNTS, Runs
from sim.scenario import loads
from sim.study import estimate
from sim.study.answer import Answer
from sim.study.statistics import mean, ratio

from .texts import BUSY, CALM

HOUR = 3600.0


@pytest.fixture(scope="module")
def busy() -> Answer:
    return estimate.run(loads(BUSY), 200)


def by_hand(*runs: dict[str, Any]) -> Answer:
    """An answer from rows that were written by hand; buckets in hours, the rest as in ``ROW``."""
    scenario = loads(BUSY)
    rows = np.zeros(len(runs), ROW)
    for row, given in zip(rows, runs, strict=True):
        row["stop_reason"] = StopReason.HORIZON
        for name, value in given.items():
            if name in BUCKETS:
                row["ledger"][BUCKETS.index(name)] = value * HOUR
            elif name in ROW.names:
                row[name] = value
        row["wall_s"] = row["ledger"].sum()
        row["work_done_s"] = row["ledger"][0]
    return Answer(Runs(scenario, build(scenario), rows))


def test_metrics_worked_out_by_hand() -> None:
    answer = by_hand(
        {"productive": 8, "lost_work": 1, "restart": 1, "interruptions": 2, "crew_services": 1, "crew_wait_s": 60.0},
        {"productive": 15, "lost_work": 2, "restart": 3, "interruptions": 4, "crew_services": 3, "crew_wait_s": 100.0},
    )
    assert answer.n == 2
    assert answer.ettr.mean == 23 / 30
    assert answer.jmtti_s.mean == 5 * HOUR
    assert answer.mtti_training_s.mean == pytest.approx(26 / 6 * HOUR, rel=1e-14)
    assert answer.crew_wait_s is not None
    assert answer.crew_wait_s.mean == 40.0
    # 12 nodes of 8 GPUs are held, 10 of them by the job, none of them was absent.
    assert answer.ettr_hardware.mean == pytest.approx(23 / 30 * 10 / 12, rel=1e-14)
    assert [each.bucket for each in answer.buckets[:3]] == ["productive", "restart", "lost_work"]
    assert [each.hours for each in answer.buckets[:3]] == [11.5, 2.0, 1.5]
    assert answer.largest_loss.bucket == "restart"
    assert answer.largest_loss.share == ratio(np.array([1.0, 3.0]), np.array([10.0, 20.0]), 0.95)
    assert answer.stop_reasons == {"horizon": 2}
    assert answer.count("interruptions") == mean(np.array([2, 4]), 0.95)


def test_runs_of_different_lengths_are_weighed_by_their_length() -> None:
    answer = by_hand(
        {"productive": 1, "capacity_wait": 1, "stop_reason": DONE},
        {"productive": 9, "capacity_wait": 89, "stop_reason": StopReason.HORIZON},
    )
    assert answer.ettr.mean == 0.1
    assert answer.stop_reasons == {"done": 1, "horizon": 1}


def test_nodes_that_are_absent_count_where_they_are() -> None:
    absent = np.zeros(len(BUCKETS))
    absent[BUCKETS.index("capacity_wait")] = 4 * HOUR
    answer = by_hand(
        {"productive": 8, "capacity_wait": 2, "absent_node_s": absent, "repair_node_s": 4 * HOUR,
         "spare_idle_node_s": 20 * HOUR}
    )  # fmt: skip
    gpu_hours = {each.bucket: each.gpu_hours for each in answer.buckets}
    assert gpu_hours["productive"] == 8 * 80
    assert gpu_hours["capacity_wait"] == (2 * 10 - 4) * 8
    assert gpu_hours["repair"] == 4 * 8
    assert gpu_hours["spare_idle"] == 20 * 8
    assert sum(each.gpu_share for each in answer.buckets) == pytest.approx(1.0, rel=1e-12)


def test_no_interruptions_and_no_repairs() -> None:
    answer = by_hand({"productive": 10}, {"productive": 20})
    assert answer.jmtti_s.mean == answer.jmtti_s.high == math.inf
    # Were it so short, no interruption in 30 h would have a probability of 1 - 0.95.
    assert answer.jmtti_s.low is not None
    assert math.exp(-30 * HOUR / answer.jmtti_s.low) == pytest.approx(0.05, rel=1e-12)
    assert answer.crew_wait_s is None
    assert answer.largest_loss.hours == 0.0


def test_nothing_productive_still_stands_first() -> None:
    answer = by_hand({"capacity_wait": 10})
    assert answer.buckets[0].bucket == "productive"
    assert answer.largest_loss.bucket == "capacity_wait"
    assert answer.ettr.mean == 0.0


def test_every_bucket_is_there_once_in_order_and_they_close(busy: Answer) -> None:
    names = [each.bucket for each in busy.buckets]
    assert sorted(names) == sorted([*BUCKETS, *GPU_ONLY])
    assert names[0] == "productive"
    assert names[-2:] == list(GPU_ONLY)
    losses = [each.hours for each in busy.buckets[1:-2]]
    assert losses == sorted(losses, key=lambda hours: -(hours or 0.0))
    planned = ("pause", "maintenance")
    assert all(each.hours and each.hours > 0.0 for each in busy.buckets[1:-2] if each.bucket not in planned)
    assert busy.largest_loss.bucket == names[1]
    assert sum(each.share.mean for each in busy.buckets if each.share) == pytest.approx(1.0, rel=1e-12)
    assert sum(each.hours for each in busy.buckets if each.hours) == pytest.approx(240.0, rel=1e-12)
    assert sum(each.gpu_share for each in busy.buckets) == pytest.approx(1.0, rel=1e-12)
    assert sum(each.gpu_hours for each in busy.buckets) == pytest.approx(240.0 * 96, rel=1e-12)
    for each in busy.buckets[-2:]:
        assert (each.hours, each.share) == (None, None)
    assert busy.buckets[0].share == busy.ettr
    assert busy.buckets[0].gpu_share == pytest.approx(busy.ettr_hardware.mean, rel=1e-12)


def test_the_ledger_of_each_run_closes_exactly(busy: Answer) -> None:
    assert (sum(busy.runs.ledger_s.values()) == busy.runs.rows["wall_s"]).all()
    held = busy.runs.gpus_held * busy.runs.rows["wall_s"]
    assert (sum(busy.runs.ledger_gpu_s.values()) == held).all()


def test_sources(busy: Answer) -> None:
    faults = [each.faults.mean for each in busy.sources]
    assert [each.source for each in busy.sources] == ["software", "node"]
    assert faults == sorted(faults, reverse=True)
    assert sum(faults) == pytest.approx(busy.count("faults").mean, rel=1e-12)
    opened = [each.interruptions.mean for each in busy.sources]
    assert sum(opened) == pytest.approx(busy.count("interruptions").mean, rel=1e-12)
    assert all(one <= other for one, other in zip(opened, faults, strict=True))


def test_frames_say_the_same(busy: Answer) -> None:
    ledger = busy.ledger
    assert list(ledger.columns) == ["bucket", "hours", "share", "low", "high", "gpu_hours", "gpu_share"]
    assert list(ledger["bucket"]) == [each.bucket for each in busy.buckets]
    assert ledger["gpu_share"].sum() == pytest.approx(1.0, rel=1e-12)
    assert ledger["share"].sum() == pytest.approx(1.0, rel=1e-12)
    assert ledger["hours"].isna().sum() == 2
    inner = ledger[ledger["hours"].notna()]
    assert (inner["low"] <= inner["share"]).all()
    assert (inner["share"] <= inner["high"]).all()
    causes = busy.causes
    assert list(causes["source"]) == [each.source for each in busy.sources]
    assert (causes["faults_low"] <= causes["faults"]).all()
    assert (causes["interruptions"] <= causes["interruptions_high"]).all()
    frame = busy.replications
    assert len(frame) == busy.n == 200
    assert busy.ettr.mean == pytest.approx(
        frame["work_done_s"].sum() / (frame["wall_s"] - frame["excess_s"]).sum(), rel=1e-12
    )
    for name in COUNTS:
        assert busy.count(name).mean == pytest.approx(frame[name].mean(), rel=1e-12)


def test_no_sources() -> None:
    answer = estimate.run(loads(CALM), 2)
    assert answer.sources == []
    assert len(answer.causes) == 0
    assert answer.ettr.mean == 1.0
    assert answer.ettr_hardware.mean == 1.0


def test_confidence_is_the_scenarios() -> None:
    wide, narrow = (
        estimate.run(loads(BUSY, overrides=[f'run.confidence="{level} %"']), 50) for level in (99, 60)
    )  # fmt: skip
    assert (wide.confidence, narrow.confidence) == (0.99, 0.6)
    assert wide.ettr.mean == narrow.ettr.mean
    assert wide.ettr.half_width > narrow.ettr.half_width
    assert wide.as_dict()["ettr"]["confidence"] == 0.99


def test_reached(busy: Answer) -> None:
    even = by_hand(*({"productive": hours, "restart": 10 - hours, "interruptions": 20} for hours in (8, 9)))
    half = even.ettr.half_width
    assert replace(even, half_width=None).reached
    assert replace(even, half_width=half).reached
    assert not replace(even, half_width=half * 0.999).reached
    # A few runs of it wait long for repairs.
    assert [doubt.name for doubt in busy.doubts] == ["heavy_tail"]
    assert not replace(busy, half_width=busy.ettr.half_width).reached
    assert not replace(by_hand({"productive": 1}), half_width=0.5).reached


def test_few_interruptions_are_not_believed_to_be_precise() -> None:
    alike = {"productive": 9, "restart": 1}
    for last, reached in ((14, False), (15, True)):
        answer = by_hand({**alike, "interruptions": 15}, {**alike, "interruptions": last})
        assert answer.ettr.half_width == 0.0
        assert replace(answer, half_width=0.01).reached is reached
        assert answer.reached
    # Where nothing can fail there is nothing to be seen.
    assert replace(estimate.run(loads(CALM), 32), half_width=0.01).reached


def test_single_runs_are_a_range_of_their_own(busy: Answer) -> None:
    spread = busy.as_dict()["single_runs"]["ettr"]
    frame = busy.replications
    assert spread["median"] == pytest.approx(frame["ettr"].median(), rel=1e-12)
    assert busy.ettr.low is not None
    assert busy.ettr.high is not None
    assert spread["p5"] < busy.ettr.low
    assert spread["p95"] > busy.ettr.high


SCARCE = """
cluster = { nodes = 20 }
job = { nodes = 19 }
faults.node = { per = "node", mtbf = "1900 h" }
stores.remote = { every = "30 min", stall = "1 min" }
recovery = { detect = "5 min", restart = "20 min" }
repair.time = { law = "exponential", mean = "60 h" }
run.horizon = "300 days"
"""


def test_more_faults_make_the_time_in_training_between_interruptions_shorter(jobs: int) -> None:
    """Incidents open while the job trains, after times that are exponential with the job's MTBF: 100 and 50 h, within
    4.5 standard errors (7e-6 false alarms each), which are 1 %. Waiting for nodes hides that from JMTTI, which hardly
    falls: it is more than 50 % longer than the MTBF.
    """
    for factor, mtbf_h in ((1, 100.0), (2, 50.0)):
        found = estimate.run(loads(SCARCE, overrides=(f'faults.node.mtbf="{1900 / factor} h"',)), 128, jobs=jobs)
        error = found.mtti_training_s.half_width / 1.96
        assert error < 0.015 * mtbf_h * HOUR
        assert found.mtti_training_s.mean == pytest.approx(mtbf_h * HOUR, abs=4.5 * error)
        assert found.jmtti_s.mean > (1.1 if factor == 1 else 1.5) * mtbf_h * HOUR
