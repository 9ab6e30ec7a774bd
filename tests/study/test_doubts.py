"""Where an interval is too short, the answer says so by name; where it is not, it says nothing."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sim.scenario import load, loads
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


@pytest.mark.parametrize(("values", "skew"), [([1.0] * 9, 0.0), ([0.0, 0.0, 0.0, 4.0], 24 / 12**1.5)])
def test_skewness_of_a_mean_worked_out_by_hand(values: list[float], skew: float) -> None:
    """Deviations of 0, 0, 0, 4 are -1, -1, -1, 3: sum of cubes 24, of squares 12."""
    ones = np.ones(len(values))
    assert error_skew(np.array(values), ones) == pytest.approx(skew)
    assert error_skew(-np.array(values), ones) == pytest.approx(-skew)
