"""What verbs and workers say and do where compiled code is damaged, or cannot be kept.

In processes of their own, with a copy of the code that is kept on this machine.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sim.batch.workers import LocalWorkers
from sim.engine.compiled.run import Runner
from sim.kernels import _cache
from sim.planning import build
from sim.scenario import loads
from tests.batch import tasks
from tests.batch.sweeps import write_sweep
from tests.batch.tasks import on_the_grid

from .texts import SMALL

FEW = ("--replications", "9", "--json")
CHIP = ("--set", 'efficiency.chip="h100-sxm"', "--set", 'efficiency.mfu="41 %"')
VERBS: dict[str, tuple[str, ...]] = {
    "run": ("run", "small.toml", *FEW),
    "simpy": ("run", "small.toml", "--engine", "simpy", *FEW),
    "compare": ("compare", "small.toml", "--variant", "job.nodes=9", *FEW),
    "tune": ("tune", "small.toml", "--over", "stores.remote.every", *FEW),
    "explain": ("explain", "small.toml", *FEW),
    "efficiency": ("efficiency", "small.toml", *CHIP, *FEW),
    "sweep": ("sweep", "sweep/sweep.toml", "-o", "out", "--jobs", "2", "--json"),
}
COMPILES_NOTHING: dict[str, tuple[str, ...]] = {
    "show": ("show", "small.toml", "--json"),
    "validate": ("validate", "small.toml"),
    "schema": ("schema",),
    "new": ("new", "--nodes", "4", "--mtbf", "500 h"),
    "help": ("--help",),
    "help of run": ("run", "--help"),
    "version": ("--version",),
}
DRAWN = SMALL.replace('restart = "8 min"', 'restart = { law = "exponential", mean = "8 min" }')
"""A plan calls a kernel for the mean of a law that is drawn."""
assert DRAWN != SMALL
NO_FILE = "/bin/sh", "-c", 'ulimit -f 0; exec "$@"', "-"
"""May not write a byte to a file."""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a copy of the code that is kept, and scenarios beside it."""
    Runner(build(loads(DRAWN)), 1).see_compiled()
    on_the_grid(1.0)
    (kept,) = (each for each in _cache.directories() if each.exists())
    copy = tmp_path / "cache" / _cache.SOURCES
    shutil.copytree(kept, copy, ignore=shutil.ignore_patterns("*.loop.run_full-*", ".*"))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "small.toml").write_text(DRAWN, encoding="utf-8")
    (tmp_path / "sweep").mkdir()
    write_sweep(tmp_path / "sweep")
    swept = tmp_path / "sweep" / "small.toml"
    swept.write_text(
        swept.read_text().replace('restart = "5 min"', 'restart = { law = "exponential", mean = "5 min" }')
    )
    (tmp_path / "sweep.toml").write_text(
        (tmp_path / "sweep" / "sweep.toml").read_text().replace("small", "sweep/small")
    )
    return copy


def call(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = "from sim.cli import main; main()"
    before = NO_FILE if arguments[0] == NO_FILE[0] else ()
    command = [*before, sys.executable, "-c", code, *arguments[len(before) :]]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def kernel_file(cache: Path, kernel: str) -> Path:
    (file,) = cache.glob(f"sim.kernels.{kernel}-*")
    return file


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_says_that_code_was_damaged_and_goes_on(cache: Path, tmp_path: Path, verb: str) -> None:
    """What is damaged is one small kernel that every verb calls; the engine itself is found in the copy."""
    file = kernel_file(cache, "laws.mean_up_to")
    os.truncate(file, 0)
    done = call(tmp_path, *VERBS[verb])
    assert done.returncode in (0, 3), done.stderr
    told = [line for line in done.stderr.splitlines() if str(cache) in line]
    assert told == [f"{file} was damaged and is removed: its code is compiled again"]
    assert file.stat().st_size > 1000
    assert "compiling the engine" not in done.stderr


def test_the_engine_is_compiled_again_where_it_is_damaged(cache: Path) -> None:
    """That is seen before it runs, so that it is announced, and one process does it while the others wait."""
    from sim.engine.compiled.loop import run_plain

    assert _cache.is_kept(run_plain)
    (file,) = cache.glob("sim.engine.compiled.loop.run_plain-*")
    os.truncate(file, file.stat().st_size // 2)
    assert not _cache.is_kept(run_plain)
    assert not file.exists()


def test_a_worker_says_it_too(cache: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = kernel_file(cache, "time.quantize")
    os.truncate(file, 100)
    workers = LocalWorkers(1)
    try:
        assert workers.submit(tasks.on_the_grid, 2.0).result() == 2.0
    finally:
        workers.close(now=False)
    assert capfd.readouterr().err == f"{file} was damaged and is removed: its code is compiled again\n"


@pytest.mark.parametrize("verb", ["compare", "run"])
def test_a_verb_needs_no_place_for_compiled_code(cache: Path, tmp_path: Path, verb: str) -> None:
    """Nothing can be written, and a kernel is compiled: the engine, which is there, is read."""
    kernel_file(cache, "laws.mean_up_to").unlink()
    done = call(tmp_path, *NO_FILE, *VERBS[verb])
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if "compiled code cannot be kept" in line] != []
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("verb", COMPILES_NOTHING)
def test_a_verb_that_compiles_nothing_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    (tmp_path / "small.toml").write_text(DRAWN, encoding="utf-8")
    for name in ("NUMBA_CACHE_DIR", "HOME", "XDG_CACHE_HOME", "TMPDIR"):
        monkeypatch.setenv(name, "/dev/null/nothing")
    done = call(tmp_path, *NO_FILE, *COMPILES_NOTHING[verb])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout
