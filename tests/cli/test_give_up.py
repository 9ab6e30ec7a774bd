"""Runs that are given up before their work is done: every verb says so, and takes no time to finish of them."""

import math
from pathlib import Path

import pytest

from sim.engine.state import EARLY
from sim.kernels.time import LAST_S
from sim.report.console import WARNINGS

from .conftest import Sim

WORK_H = 48.0
TRIES = """\
[cluster]
nodes = 1
[faults.stop]
per = "job"
mtbf = "48 h"
needs = "process"
[detect]
stop = "0 s"
[recovery.again]
stages.restart = "1 us"
[efficiency]
chip = "h100-sxm"
mfu = "40 %"
[run]
work = "48 h"
give_up = "72 h"
initial_start = false
"""
"""Nothing is saved: the work is done in the first gap between faults that is as long as it is."""

CUT = """\
[cluster]
nodes = 1
[stores.shared]
every = "1 h"
stall = "3 h"
[run]
work = "100 years"
"""
"""Four hours for each hour of work: 400 years."""


@pytest.fixture
def tries(tmp_path: Path) -> Path:
    file = tmp_path / "tries.toml"
    file.write_text(TRIES)
    return file


def one_line(text: str) -> str:
    return " ".join(text.split())


def test_a_run_says_how_many_were_given_up_and_what_is_later(sim: Sim, tries: Path) -> None:
    said = one_line(sim("run", tries, "--replications", 64).out)
    assert " up to where " in said
    assert "runs were given up at run.give_up, their work not done: all that is printed of them is up to there" in said
    assert "time to finish: median 2." in said
    assert "5 to 95 % range 2 days to later than 3 days; it has no mean, as" in said
    rare = ("--set", "faults.stop.mtbf=7 h", "--set", "run.give_up=1 year")
    assert "to later than 1 year;" in one_line(sim("run", tries, "--replications", 64, *rare).out)
    alone = sim("run", tries, "--replications", 1, "--set", "run.work=72 h").out
    assert ("time to finish: median 3 days" in alone) != ("no run finished its work" in alone)


def test_the_time_to_finish_is_that_of_all_runs(sim: Sim, tries: Path) -> None:
    """Work of one mean time between faults is done by t, once to twice the work, with probability e^-1 (t / work): it
    begins at once, or at a fault until t - work. So the median is at e / 2 times the work, and 44.8 % are given up.

    Of 4,000 runs the share has a standard error of 0.8 %, the median one of 0.022 times the work: |z| < 4.5 notices
    3.5 points, and 10 % of the work.
    """
    found = sim("run", tries, "--replications", 4_000, "--json").json
    finish = found["finish"]
    share = 1.0 - 1.5 * math.exp(-1.0)
    assert abs(finish["unfinished"] / 4_000 - share) < 4.5 * math.sqrt(share * (1 - share) / 4_000)
    assert abs(finish["median_s"] / 3600 / WORK_H - math.e / 2) < 4.5 * 0.022
    assert finish["p5_s"] == WORK_H * 3600
    assert (finish["mean_s"], finish["p95_s"]) == (None, None)
    assert finish["later_than_s"] == {"p95": 72 * 3600.0}
    quantiles = found["quantiles"]["finish_s"]
    assert (quantiles["p95"]["mean"], quantiles["p95"]["high"]) == (None, None)
    assert quantiles["median"]["low"] < finish["median_s"] == quantiles["median"]["mean"] < quantiles["median"]["high"]
    assert found["stop_reasons"] == {"done": 4_000 - finish["unfinished"], "gave_up": finish["unfinished"]}
    patient = sim("run", tries, "--replications", 64, "--json", "--set", "run.give_up=1 year").json["finish"]
    assert (patient["unfinished"], patient["later_than_s"]) == (0, {})
    assert patient["mean_s"]["n"] == 64


def test_every_verb_that_compares_says_it(sim: Sim, tries: Path) -> None:
    given_up = "were given up at run.give_up, their work not done"
    variant = ("--variant", "recovery.again.stages.restart=1 h", "--replications", 32)
    for verb in ("compare", "efficiency"):
        said = one_line(sim(verb, tries, *variant).out)
        assert f"of 32 runs of A {given_up}" in said
        assert f"of 32 runs of B {given_up}" in said
    said = one_line(sim("explain", tries, "--replications", 32).out)
    assert f"of 32 runs {given_up}" in said
    assert "Runs that stopped early, and ETTR is that up to there: half the MTBF of stop (" in said
    options = ("--over", "recovery.again.stages.restart", "--replications", 32)
    assert f'of 32 runs of "now" {given_up}' in one_line(sim("tune", tries, *options).out)
    settings = sim("tune", tries, *options, "--json").json["settings"]
    assert all(each["stop_reasons"]["gave_up"] > 0 for each in settings)


def test_a_sweep_counts_runs_that_were_given_up(sim: Sim, tries: Path, tmp_path: Path) -> None:
    file = tmp_path / "sweep.toml"
    file.write_text(
        'scenario = "tries.toml"\nreplications = 32\n[axes.mtbf]\nkey = "faults.stop.mtbf"\nvalues = ["48 h", "1e6 h"]'
    )
    said = one_line(sim("sweep", file, "-o", tmp_path / "out", "--jobs", 1).out)
    assert "1 case had runs that stopped early, and ETTR is that up to there" in said
    cases = sim("sweep", file, "-o", tmp_path / "out", "--json").json["cases"]
    assert cases[0]["stopped_early"] > 0 == cases[1]["stopped_early"]


def test_a_run_that_is_cut_at_the_end_of_time_says_so(sim: Sim, tmp_path: Path) -> None:
    file = tmp_path / "cut.toml"
    file.write_text(CUT)
    said = one_line(sim("run", file, "--replications", 2).out)
    assert "warning: 2 of 2 runs were cut at 272 years, where time ends, their work not done" in said
    assert "no run finished its work" in said
    found = sim("run", file, "--replications", 2, "--json").json
    assert found["stop_reasons"] == {"end_of_time": 2}
    assert found["wall_s"]["mean"] == LAST_S
    given_up = sim("run", file, "--replications", 2, "--json", "--set", "run.give_up=200 years").json
    assert given_up["stop_reasons"] == {"gave_up": 2}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("run.give_up=47 h", "run.give_up: is shorter than the work, 2 days at full speed"),
        ("run.give_up=273 years", 'run.give_up: is too large; given "273 years"; allowed: a duration above 0, at most'),
        ("run.give_up=0 s", "run.give_up: is too small"),
    ],
)
def test_what_is_refused(sim: Sim, tries: Path, change: str, said: str) -> None:
    refused = sim("run", tries, "--set", change)
    assert refused.code == 2
    assert said in one_line(refused.err)


def test_a_horizon_is_no_time_to_give_up(sim: Sim, tmp_path: Path) -> None:
    file = tmp_path / "horizon.toml"
    file.write_text('cluster.nodes = 1\n[run]\nhorizon = "300 years"\ngive_up = "2 days"\n')
    said = one_line(sim("validate", file).err)
    assert 'run.horizon: is too large; given "300 years"; allowed: a duration above 0, at most "100 years"' in said
    assert "run.give_up: needs a run until work is done" in said


def test_a_chance_to_be_done_after_runs_are_given_up_is_refused(sim: Sim, tries: Path) -> None:
    refused = sim("run", tries, "--done-by", "73 h")
    assert refused.code == 2
    assert 'runs are given up after 72 h: give an earlier time, or --set run.give_up="73 h"' in one_line(refused.err)
    assert sim("run", tries, "--done-by", "72 h", "--replications", 32).code == 0


def test_every_reason_to_stop_early_is_warned_of() -> None:
    assert set(WARNINGS) == {reason.name.lower() for reason in EARLY}
