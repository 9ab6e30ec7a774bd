"""``sim sweep``: what it shows of a sweep, in 80 columns, in JSON and as a picture, and what it refuses."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from sim import extras
from sim.batch.file import load_sweep
from sim.batch.scale import scale_sweep
from sim.batch.sweep import run_sweep

from .conftest import Sim
from .texts import SMALL

SWEEP = """\
scenario = "small.toml"
replications = 32

[axes.interval]
key = "stores.remote.every"
values = ["10 min", "30 min", "90 min"]

[axes.mtbf]
key = "faults.node.mtbf"
from = "250 h"
to = "4_000 h"
factor = 2

[axes.spares]
key = "pools.hot.nodes"
values = [1, 2]
"""

GROWS = """\
cluster = { nodes = 130, gpus_per_node = 8 }
job = { nodes = 125 }
faults.gpu = { per = "gpu", mtbf = "50_000 h", takes = "nothing", needs = "process" }
stores.remote = { every = "5 min", stall = "5 s" }
recovery = { detect = "1 min", restart = "3 min" }
run.horizon = "2 days"
run.max_replications = 32
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep that has been run, and the one over the size of a scenario."""
    found = tmp_path_factory.mktemp("sweeps")
    (found / "small.toml").write_text(SMALL)
    (found / "sweep.toml").write_text(SWEEP)
    (found / "grows.toml").write_text(GROWS)
    run_sweep(load_sweep(found / "sweep.toml"), found / "out", jobs=1)
    run_sweep(scale_sweep(found / "grows.toml"), found / "sizes", jobs=1)
    return found


def fits(text: str) -> bool:
    plain = re.sub(r"\x1b\[[\d;]*m", "", text)
    return "…" not in plain and all(cell_len(line) <= 80 for line in plain.splitlines())


def test_the_answer_and_the_tables(sim: Sim, folder: Path) -> None:
    said = sim("sweep", folder / "sweep.toml", "-o", folder / "out")
    assert said.code == 0
    assert said.out.startswith("best of 30 cases: interval = 30 min, mtbf = ")
    assert re.search(r"^worst: interval = 90 min, mtbf = 250 h, spares = 1: ETTR \d", said.out, re.M)
    assert said.out.count("ETTR in %, mtbf down, interval across; spares = ") == 2
    assert len(re.findall(r"\*\d\d\.\d", said.out)) == 1
    assert fits(said.out)


def test_axes_can_be_chosen(sim: Sim, folder: Path) -> None:
    said = sim("sweep", folder / "sweep.toml", "-o", folder / "out", "--x", "spares", "--y", "interval")
    assert said.code == 0
    assert said.out.count("ETTR in %, interval down, spares across; mtbf = ") == 5
    assert fits(said.out)


@pytest.mark.parametrize("no_color", [False, True])
def test_colour_is_not_needed(sim: Sim, folder: Path, no_color: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    said = sim("sweep", folder / "sweep.toml", "-o", folder / "out")
    assert re.search(r"\*\d\d\.\d", said.out)
    assert fits(said.out)
    assert ("\x1b[2m" in said.out or "\x1b[1m" in said.out) or no_color
    assert not re.search(r"\x1b\[(3|4|9)\d", said.out)


def test_json(sim: Sim, folder: Path) -> None:
    found = sim("sweep", folder / "sweep.toml", "-o", folder / "out", "--json").json
    assert len(found["cases"]) == 30
    assert found["cases"][0]["values"] == {"interval": "10 min", "mtbf": "250 h", "spares": 1}
    assert set(found["cases"][0]["ettr"]) == {"mean", "low", "high", "n", "confidence"}
    assert "scale" not in found


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_a_picture(sim: Sim, folder: Path, tmp_path: Path, suffix: str) -> None:
    picture = tmp_path / f"sweep.{suffix}"
    assert sim("sweep", folder / "sweep.toml", "-o", folder / "out", "--plot", picture, "--x", "mtbf").code == 0
    assert picture.stat().st_size > 5_000


def test_how_far_it_is(sim: Sim, folder: Path) -> None:
    said = sim("sweep", folder / "sweep.toml", "-o", folder / "out", "--status", "--y", "spares")
    assert said.code == 0
    assert said.out.startswith("30 of 30 cases done. 960 replications are in the journal.")
    assert "best of 30 cases" in said.out
    assert "spares down" in said.out
    assert fits(said.out)
    found = sim("sweep", folder / "sweep.toml", "-o", folder / "out", "--status", "--json").json
    assert (found["at_work"], found["replications"]) == (False, 960)


def test_what_would_run(sim: Sim, folder: Path, tmp_path: Path) -> None:
    said = sim("sweep", folder / "sweep.toml", "--dry-run")
    assert said.code == 0
    assert said.out.startswith(
        "30 cases: interval (3) x mtbf (5) x spares (2)\n  case 0: interval = 10 min, mtbf = 250 h"
    )
    assert "30 different cases, 960 replications" in said.out
    assert "good to a factor of 2" in said.out
    assert fits(said.out)
    found = sim("sweep", folder / "sweep.toml", "--dry-run", "--json").json
    assert found["replications"] == 960
    assert len(found["listed"]) == 30
    assert list(tmp_path.iterdir()) == []


def test_the_size_of_a_scenario(sim: Sim, folder: Path, tmp_path: Path) -> None:
    picture = tmp_path / "sizes.png"
    arguments = ("sweep", folder / "grows.toml", "--scale", "-o", folder / "sizes")
    said = sim(*arguments, "--plot", picture)
    assert "ETTR is " in said.out
    assert "at 1,000 GPUs and " in said.out
    assert re.search(r"^the exact formula is within a point (at all sizes|from [\d,]+ to [\d,]+ GPUs)$", said.out, re.M)
    rows = re.findall(r"^ *([\d,]+) +\S+ (?:h|min|s|days) +\d+\.\d+ ±\d", said.out, re.M)
    assert (len(rows), rows[0], rows[-1]) == (13, "1,000", "1,000,000")
    assert "below 0" in said.out
    assert fits(said.out)
    assert picture.stat().st_size > 5_000
    found = sim(*arguments, "--json").json
    assert [size["gpus"] for size in found["scale"]][::4] == [1_000, 10_000, 100_000, 1_000_000]
    assert set(found["scale"][0]) == {"gpus", "job_mtbf_s", "first_order_ettr", "exact_ettr", "broken"}
    for case, size in zip(found["cases"], found["scale"], strict=True):
        assert case["values"]["nodes"] * 8 == size["gpus"]
    assert fits(sim(*arguments, "--status").out)
    assert json.loads(sim(*arguments, "--status", "--json").out)["scale"] == found["scale"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--x", "intervall"], "--x intervall: is no axis of this sweep; did you mean interval"),
        (["--x", "mtbf", "--y", "mtbf"], "are the same axis"),
        (["--plot", "a.gif"], "results are written as .png or .svg or .pdf"),
        (["--plot", "none/a.png"], "there is no directory"),
        (["--scale", "--x", "nodes"], "--scale has one axis: leave out --x and --y"),
    ],
)
def test_what_is_refused_before_anything_runs(
    sim: Sim, folder: Path, tmp_path: Path, arguments: list[Any], expected: str
) -> None:
    file = folder / ("grows.toml" if "--scale" in arguments else "sweep.toml")
    said = sim("sweep", file, "-o", tmp_path / "new", *arguments)
    assert (said.code, said.out) == (2, "")
    assert expected in said.err
    assert not (tmp_path / "new").exists()


def test_no_matplotlib_is_said_before_anything_runs(
    sim: Sim, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    said = sim("sweep", folder / "sweep.toml", "-o", tmp_path / "new", "--plot", tmp_path / "a.png")
    assert said.code == 2
    assert "[plot]" in said.err
    assert not (tmp_path / "new").exists()
