"""What `sim sweep` exits with, and says, when not all went well."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

import sim.batch.sweep as sweeping
from sim.batch.work import Task
from sim.cli import main
from sim.errors import ExitCode

from .sweeps import write_sweep
from .test_driver import Inline


class InlineWorkers(Inline):
    """Workers in this process; one case is too large for them."""

    died = ()
    reserve = 0.0
    poor = -1

    def __init__(self, count: int) -> None:
        super().__init__()
        self.executor = self

    def alive(self) -> int:
        return 1

    def close(self, *, now: bool) -> None: ...

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if isinstance(args[0], Task) and any(piece.case == self.poor for piece in args[0].pieces):
            self._raised.insert(0, MemoryError("too large"))
        return super().submit(fn, *args, **kwargs)


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.setattr(sweeping, "LocalWorkers", InlineWorkers)

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sim", "sweep", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        return int(stop.value.code or 0), *capsys.readouterr()

    return call


Call = Callable[..., tuple[int, str, str]]


def test_failed_cases_exit_with_4_and_are_named(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_sweep(tmp_path)
    monkeypatch.setattr(InlineWorkers, "poor", 4)
    code, out, err = call(file, "-o", tmp_path / "out", "--json")
    assert code == ExitCode.CASES_FAILED
    assert "1 of 6 cases failed; --retry-failed runs them again" in err
    assert "stores.remote.every" in err
    assert "MemoryError: too large" in err
    found = json.loads(out)
    assert [case["why_failed"] is None for case in found["cases"]] == [True, True, True, True, False, True]
    assert "ettr" not in found["cases"][4]
    monkeypatch.setattr(InlineWorkers, "poor", -1)
    assert call(file, "-o", tmp_path / "out")[0] == ExitCode.CASES_FAILED
    assert call(file, "-o", tmp_path / "out", "--retry-failed")[0] == ExitCode.DONE


def test_precision_that_is_not_reached_exits_with_3(call: Call, tmp_path: Path) -> None:
    file = write_sweep(tmp_path, asked='half_width = "0.001 points"\nmax_replications = 40')
    code, _, err = call(file, "-o", tmp_path / "out")
    assert code == ExitCode.IMPRECISE
    assert "6 of 6 cases did not reach their precision" in err


def test_invalid_cases_exit_with_2_and_nothing_is_written(call: Call, tmp_path: Path) -> None:
    file = write_sweep(tmp_path, intervals=("1 h", "-1 h"))
    code, out, err = call(file, "-o", tmp_path / "out")
    assert code == ExitCode.INVALID
    assert not out
    assert "sweep.toml:" in err
    assert "stores.remote.every" in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "-o is missing"),
        (("-o", "x", "--executor", "dask"), "--executor dask needs --scheduler"),
        (("-o", "x", "--scheduler", "tcp://here:1"), "--executor dask needs --scheduler"),
        (("-o", "x", "--status"), "no sweep has been run there"),
        (("-o", "x", "--plot", "x.txt"), "--plot x.txt: results are written as .png or .svg or .pdf"),
    ],
)
def test_bad_usage_exits_with_2(
    call: Call, tmp_path: Path, options: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_sweep(tmp_path)
    monkeypatch.chdir(tmp_path)
    code, _, err = call(file, *options)
    assert code == ExitCode.INVALID
    assert said in err
    assert not (tmp_path / "x").exists()
