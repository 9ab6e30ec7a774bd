"""``sim explain``: what it says, in 80 columns and in JSON, pictures, exit codes, and what it refuses."""

import re
from pathlib import Path
from typing import Any

import matplotlib.image
import pytest
from rich.cells import cell_len

from sim import extras
from sim.cli import explaining

from .conftest import Sim
from .texts import NO_STORE, NOTHING_FAILS, SHIPPED

FEW = ("--replications", 100, "--set", "run.horizon=60 days", "--set", "repair.replace.crews=5")
LARGE = [file for file in SHIPPED if file.stem in ("hopper-100k", "maintenance", "airesim")]


def test_what_is_lost_and_what_would_help(sim: Sim, small: Path) -> None:
    said = sim("explain", small, *FEW)
    assert said.code == 0
    text = " ".join(said.out.split())
    assert re.search(
        r"\d+\.\d\d % of the wall clock is lost, [\d,]+ GPU-hours a run; most to [a-z ]+, \d\d % of it", text
    )
    assert re.search(r"most would help: twice the MTBF of node, \+\d\.\d\d points of ETTR \(\+\d\.\d\d to \+\d", text)
    rows = re.findall(r"^(\S.*?) +([\d,]+|-) +([\d,]+|-) +([\d,]+) +(\d+\.\d\d) %", said.out, re.MULTILINE)
    assert rows[-1][0] == "total"
    totals = [int(row[3].replace(",", "")) for row in rows]
    assert sum(totals[:-1]) == pytest.approx(totals[-1], abs=len(totals))
    assert "node" in (row[0] for row in rows)
    assert re.search(
        r"^stores\.remote\.every +[+-]\d\.\d\d +[+-]\d\.\d\d +[+-]\d\.\d\d to [+-]\d\.\d\d +.*│", said.out, re.M
    )
    once = sim("explain", small, "--replications", 4).out
    assert "Cannot be halved, doubled or both: repair.replace.crews; --json says why." in " ".join(once.split())


def test_the_names_in_json_stay(sim: Sim, small: Path) -> None:
    found = sim("explain", small, *FEW, "--json").json
    assert set(found) == {
        "name", "ettr", "losses", "total", "levers", "leaders", "left_out", "intervals", "precision",
        "stop_reasons", "doubts", "provenance",
    }  # fmt: skip
    assert set(found["total"]) == {
        "name", "kind", "gpu_hours", "lost_work_gpu_hours", "other_gpu_hours", "of_wall",
    }  # fmt: skip
    assert set(found["losses"][0]) == set(found["total"])
    assert found["total"]["of_wall"]["mean"] == pytest.approx(1 - found["ettr"]["mean"], abs=1e-12)
    assert set(found["levers"][0]) == {"name", "keys", "now", "effects"}
    (half, twice) = found["levers"][0]["effects"]
    assert (half["factor"], twice["factor"]) == (0.5, 2.0)
    assert set(half) == {"factor", "changes", "gain", "verdict", "runs_that_differ", "stop_reasons"}
    assert set(half["gain"]) == {"mean", "low", "high", "n", "confidence"}
    assert found["leaders"] == ["MTBF of node"]
    assert set(found["left_out"][0]) == {"name", "factor", "reason"}
    assert found["intervals"]["together"] == sum(len(each["effects"]) for each in found["levers"])
    assert found["precision"] == {"half_width": None, "reached": None}
    best = next(each for each in half["changes"])
    assert sim("run", small, "--set", best, "--replications", 2).code == 0


@pytest.mark.parametrize("file", LARGE, ids=lambda file: file.stem)
@pytest.mark.parametrize("color", [False, True])
def test_80_columns_are_enough(sim: Sim, file: Path, color: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if color:
        monkeypatch.setenv("FORCE_COLOR", "1")
    said = sim("explain", file, "--replications", 4)
    assert said.code == 0
    plain = re.sub(r"\x1b\[[\d;]*m", "", said.out)
    assert (plain != said.out) == color
    assert max(map(cell_len, plain.splitlines())) <= 80
    assert "…" not in plain


@pytest.mark.parametrize("text", [NOTHING_FAILS, NO_STORE], ids=["nothing fails", "no store"])
def test_odd_cases(sim: Sim, tmp_path: Path, text: str) -> None:
    file = tmp_path / "case.toml"
    file.write_text(text)
    said = sim("explain", file, "--replications", 32)
    assert said.code == 0
    if text == NOTHING_FAILS:
        assert "nothing is sure to help" in said.out
    assert sim("explain", file, "--replications", 1, "--json").json["total"]["gpu_hours"]["low"] is None


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_a_picture(sim: Sim, small: Path, tmp_path: Path, suffix: str) -> None:
    picture = tmp_path / f"tornado.{suffix}"
    assert sim("explain", small, *FEW, "-o", picture).code == 0
    assert picture.stat().st_size > 2_000
    if suffix == "png":
        pixels = matplotlib.image.imread(picture)
        assert pixels.shape[1] == 1200
        assert len({tuple(pixel) for pixel in pixels.reshape(-1, 4)[:, :3].round(1).tolist()}) > 5


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["-o", "tornado.gif"], "results are written as .png or .svg or .pdf"),
        (["-o", "missing/tornado.png"], "there is no directory"),
        (["--replications", 9, "--half-width", "1 points"], "leave out --half-width"),
        (["--half-width", "1"], "needs a unit"),
        (["--set", "stores.remote.evry=9 min"], "stores.remote.evry"),
        (["--replications", 0], "--replications"),
    ],
)
def test_what_is_refused(sim: Sim, small: Path, arguments: list[Any], expected: str) -> None:
    said = sim("explain", small, *arguments)
    assert (said.code, said.out) == (2, "")
    assert expected in " ".join(said.err.split())


def test_no_matplotlib_is_said_before_anything_runs(sim: Sim, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    said = sim("explain", small, "-o", small.parent / "tornado.png")
    assert said.code == 2
    assert "[plot]" in said.err


def test_too_few_replications_to_be_precise_give_3(sim: Sim, small: Path) -> None:
    said = sim("explain", small, "--half-width", "0.0001 points", "--set", "run.max_replications=64")
    assert said.code == 3
    assert re.search(
        r"^32 replications of \d+ settings: MTBF of node \+\S+ points ±\S+; about .* left, going on$", said.err, re.M
    )
    assert "was not reached in 64 replications" in said.err
    assert "most would help" in said.out


def test_ctrl_c_prints_what_is_known_and_gives_130(sim: Sim, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(found: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(explaining, "report_progress", stop)
    said = sim("explain", small, "--half-width", "0.0001 points")
    assert said.code == 130
    assert "mean of n = 32" in said.out
    assert "interrupted: the answer is that of the replications so far" in said.err
