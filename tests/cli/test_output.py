"""``-o``: one row per replication, complete or not there at all."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyarrow import parquet

import sim as package

from .conftest import Sim
from .texts import DEPLETED, ODD_NAMES


@pytest.mark.parametrize("text", [None, ODD_NAMES, DEPLETED], ids=["small", "odd names", "depleted"])
def test_the_file_holds_the_replications_and_their_provenance(sim: Sim, small: Path, text: str | None) -> None:
    if text is not None:
        small.write_text(text, encoding="utf-8")
    output = small.with_name("out.parquet")
    said = sim("run", small, "--replications", 40, "--seed", 5, "-o", output, "--json")
    assert said.code == 0
    answer = package.run(package.load(small), replications=40, seed=5)
    frame = pd.read_parquet(output)
    pd.testing.assert_frame_equal(frame, answer.replications, check_exact=True)
    assert list(frame["replication"]) == list(range(40))
    metadata = json.loads(parquet.read_schema(output).metadata[b"lockstep"])
    assert metadata == answer.runs.provenance == said.json["provenance"]
    assert sorted(small.parent.iterdir()) == [output, small]


def test_the_columns_close(sim: Sim, small: Path) -> None:
    output = small.with_name("out.parquet")
    sim("run", small, "--replications", 20, "-o", output)
    frame = pd.read_parquet(output)
    buckets = [name for name in frame if name.startswith("ledger_") and not name.startswith("ledger_gpu_")]
    assert (frame[buckets].sum(axis=1) == frame["wall_s"]).all()
    gpu = [name for name in frame if name.startswith("ledger_gpu_")]
    pd.testing.assert_series_equal(frame[gpu].sum(axis=1), 96 * frame["wall_s"], check_names=False, rtol=1e-12)
    assert (frame["faults_node"] + frame["faults_software"] == frame["faults"]).all()
    assert (frame["interruptions_node"] + frame["interruptions_software"] == frame["interruptions"]).all()
    assert (frame["ettr"] == frame["work_done_s"] / frame["wall_s"]).all()
    assert set(frame["stop_reason"]) == {"horizon"}


def test_equal_runs_give_equal_bytes(sim: Sim, small: Path) -> None:
    files = [small.with_name(f"{name}.parquet") for name in "abc"]
    for file, jobs in zip(files, (1, 1, 3), strict=True):
        sim("run", small, "--replications", 70, "--jobs", jobs, "-o", file)
    one, two, three = (file.read_bytes() for file in files)
    assert one == two == three
    sim("run", small, "--replications", 70, "--seed", 2, "-o", files[0])
    assert files[0].read_bytes() != two


def test_what_stood_there_is_replaced(sim: Sim, small: Path) -> None:
    output = small.with_name("out.parquet")
    output.write_text("old")
    assert sim("run", small, "--replications", 3, "-o", output).code == 0
    assert len(pd.read_parquet(output)) == 3


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("out.csv", "results are written as .parquet"),
        ("out", "results are written as .parquet"),
        ("missing/out.parquet", "there is no directory"),
        ("small.toml/out.parquet", "there is no directory"),
        ("taken.parquet", "is a directory"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_before_anything_runs(
    sim: Sim, small: Path, name: str, expected: str
) -> None:
    taken = small.with_name("taken.parquet")
    taken.mkdir()
    said = sim("run", small, "--replications", 3, "-o", small.parent / name)
    assert (said.code, said.out) == (2, "")
    assert expected in said.err
    assert sorted(small.parent.rglob("*")) == [small, taken]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_directory_is_refused(sim: Sim, small: Path) -> None:
    small.parent.chmod(0o500)
    try:
        said = sim("run", small, "--replications", 3, "-o", small.with_name("out.parquet"))
    finally:
        small.parent.chmod(0o700)
    assert (said.code, said.out) == (2, "")
    assert list(small.parent.iterdir()) == [small]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), OSError("[Errno 28] full")])
def test_a_full_disk_leaves_the_old_file_and_no_part(
    sim: Sim, small: Path, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    def full(_: Any, path: Path) -> None:
        path.write_bytes(b"PAR1 and half of it")
        raise error

    output = small.with_name("out.parquet")
    output.write_text("old")
    monkeypatch.setattr(parquet, "write_table", full)
    said = sim("run", small, "--replications", 3, "-o", output, "--json")
    assert (said.code, said.out) == (2, "")
    assert "out.parquet: cannot be written: " in said.err
    assert output.read_text() == "old"
    assert sorted(small.parent.iterdir()) == [output, small]


def test_ctrl_c_while_writing_leaves_no_part(sim: Sim, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(_: Any, path: Path) -> None:
        path.write_bytes(b"PAR1 and half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(parquet, "write_table", stopped)
    assert sim("run", small, "--replications", 3, "-o", small.with_name("out.parquet")).code == 130
    assert list(small.parent.iterdir()) == [small]


def test_the_api_says_so_too(small: Path) -> None:
    runs = package.run(package.load(small), replications=1).runs
    for path in (small.with_name("missing") / "out.parquet", small / "out.parquet"):
        with pytest.raises(package.UsageError, match=r"out\.parquet: cannot be written: (No such|Not a) "):
            runs.write_parquet(path)
    assert list(small.parent.iterdir()) == [small]


def test_series_as_parquet_and_csv(sim: Sim, small: Path, tmp_path: Path) -> None:
    for kind, read in (("parquet", pd.read_parquet), ("csv", pd.read_csv)):
        target = tmp_path / f"series.{kind}"
        for which in (("--replications", 3), ("--replication", 1)):
            said = sim("run", small, *which, "--set", 'run.series="1 day"', "--series", target, "--json")
            assert said.code == 0
            frame = read(target)
            assert len(frame) == len(said.json["series"]) * said.json["ettr"]["n"]
            assert frame["work_done_s"].sum() / said.json["ettr"]["n"] == pytest.approx(
                said.json["work_done_s"]["mean"], rel=1e-12
            )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--series", "x.csv"), "--series needs periods"),
        (
            ("--set", 'run.series="1 day"', "--series", "x.txt"),
            "--series x.txt: results are written as .parquet or .csv",
        ),
    ],
)
def test_series_that_cannot_be_written(sim: Sim, small: Path, arguments: tuple[str, ...], message: str) -> None:
    said = sim("run", small, *arguments)
    assert said.code == 2
    assert message in said.err
