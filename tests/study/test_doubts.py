"""Where an interval is too short, the answer says so by name; where it is not, it says nothing."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sim.scenario import load, loads
from sim.study.doubts import few, heavy_tailed, names
from sim.study.estimate import run
from sim.study.statistics import error_skew

MINIMAL = Path(__file__).parents[2] / "scenarios" / "minimal.toml"

WAITS = """
[cluster]
nodes = 1
[faults.node]
per = "node"
mtbf = "62.5 days"
[stores.shared]
every = "2 h"
stall = "1 min"
[recovery.again]
use = "spares, else wait"
stages.restart = "10 min"
[repair]
fix = { time = { law = "lognormal", mean = "1 day", sd = "3 days" } }
[run]
work = "30 days"
"""
"""A repair that the job waits for: nothing known of its law says how long the job waits."""


def test_a_rare_and_costly_wait_is_named(jobs: int) -> None:
    """Some 60 waits in 128 runs of each of 40 studies: 19 in 20 of them are warned of, and none stops early."""
    answers = [run(loads(WAITS), 128, seed, jobs=jobs) for seed in range(40)]
    named = [{doubt.name: doubt.text for doubt in answer.doubts} for answer in answers]
    warned = [doubt["heavy_tail"] for doubt in named if "heavy_tail" in doubt]
    assert len(warned) >= 36
    assert all("capacity wait" in text and "too short" in text for text in warned)
    stopped = run(loads(WAITS), seed=1, half_width=0.02, jobs=jobs)
    assert not stopped.reached or stopped.n > 512


def test_few_interruptions_are_named_also_with_a_number_of_replications(tmp_path: Path) -> None:
    file = tmp_path / "waits.toml"
    file.write_text(WAITS)
    told = _sim("run", str(file), "--replications", "8")
    assert "warning: the 95 % interval of ETTR is too short" in " ".join(told.split())
    found = json.loads(_sim("run", str(file), "--replications", "8", "--json"))
    assert "few_interruptions" in [doubt["name"] for doubt in found["doubts"]]


def _sim(*words: str) -> str:
    return subprocess.run([sys.executable, "-m", "sim", *words], capture_output=True, text=True, check=True).stdout


def test_no_doubt_at_a_scenarios_own_precision(jobs: int) -> None:
    answer = run(load(MINIMAL), jobs=jobs)
    assert answer.reached
    assert answer.doubts == []


def test_doubts_of_many_are_those_of_each() -> None:
    """500 sets of 40 runs, some with a heavy tail, some with few interruptions, some all alike."""
    rng = np.random.default_rng(3)
    lost = rng.lognormal(0.0, rng.uniform(0.0, 2.0, (500, 1)), (500, 40)) * rng.choice(
        [0.0, 1.0], (500, 1), p=[0.1, 0.9]
    )
    time, seen = 100.0 + lost, rng.poisson(rng.uniform(0.2, 2.0, (500, 1)), (500, 40))
    work = np.full(time.shape, 100.0)
    found = names(work, time, seen)
    assert list(found["few_interruptions"]) == [few(each) for each in seen]
    assert list(found["heavy_tail"]) == [heavy_tailed(*each) for each in zip(work, time, strict=True)]
    assert all(0 < flags.sum() < 500 for flags in found.values())
    assert not any(flags.any() for flags in names(work[:, :1], time[:, :1], seen[:, :1]).values())


@pytest.mark.parametrize(("values", "skew"), [([1.0] * 9, 0.0), ([0.0, 0.0, 0.0, 4.0], 24 / 12**1.5)])
def test_skewness_of_a_mean_worked_out_by_hand(values: list[float], skew: float) -> None:
    """Deviations of 0, 0, 0, 4 are -1, -1, -1, 3: sum of cubes 24, of squares 12."""
    ones = np.ones(len(values))
    assert error_skew(np.array(values), ones) == pytest.approx(skew)
    assert error_skew(-np.array(values), ones) == pytest.approx(-skew)
