"""Our own machinery dies: workers, the driver, everything. The tables are those of a sweep that nobody disturbed."""

from __future__ import annotations

import os
import pickle
import random
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import sim as package
from sim.batch.file import load_sweep
from sim.batch.sweep import run_sweep
from sim.batch.work import resolved
from sim.batch.workers import LocalWorkers
from sim.errors import ExitCode

from .sweeps import SMALL, write_sweep
from .test_driver import Inline, drive, tables

REPLICATIONS = 2_000
"""Of each of six cases of a year: some seconds of work in all."""


def start(file: Path, out: Path, *options: str) -> subprocess.Popen[str]:
    """Start a sweep in a session of its own, so that all of it can be killed."""
    command = [sys.executable, "-m", "sim", "sweep", str(file), "-o", str(out), "--jobs", "2", *options]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )  # fmt: skip


def workers_of(pid: int) -> list[int]:
    """Worker processes of a driver."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == pid and b"spawn_main" in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def waited_for(out: Path, size: int) -> None:
    """Wait until the journal has grown beyond a size."""
    until = time.monotonic() + 60
    while not (out / "journal").exists() or (out / "journal").stat().st_size <= size:
        assert time.monotonic() < until, "the sweep does not begin"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("killed")
    file = write_sweep(folder, asked=f"replications = {REPLICATIONS}", horizon="1 year")
    run_sweep(load_sweep(file), folder / "out", executor=Inline())
    return file, folder / "out"


def disturb(file: Path, out: Path, moments: int, seed: int) -> dict[str, int]:
    """Kill workers, the driver, or all of it, at random moments; start it again whenever it is gone, to its end."""
    draw = random.Random(seed)
    killed = {"worker": 0, "driver": 0, "all": 0}
    while True:
        process = start(file, out)
        while process.poll() is None and sum(killed.values()) < moments:
            time.sleep(draw.uniform(0.1, 2.0))
            what = draw.choices(list(killed), [6, 2, 1])[0]
            workers = workers_of(process.pid)
            if process.poll() is not None or (what == "worker" and not workers):
                continue
            if what == "worker":
                os.kill(draw.choice(workers), signal.SIGKILL)
            elif what == "driver":
                os.kill(process.pid, signal.SIGKILL)
            else:
                os.killpg(process.pid, signal.SIGKILL)
            killed[what] += 1
        _, said = process.communicate()
        if process.returncode != -signal.SIGKILL:
            assert process.returncode == ExitCode.DONE, said
            return killed


def test_kills_do_not_show(undisturbed: tuple[Path, Path], tmp_path: Path) -> None:
    file, wanted = undisturbed
    killed = disturb(file, tmp_path / "out", 5, seed=1)
    assert sum(killed.values()) >= 3
    assert tables(tmp_path / "out") == tables(wanted)
    assert not list((tmp_path / "out").glob(".*"))


@pytest.mark.verification
def test_a_hundred_kills_do_not_show(tmp_path: Path) -> None:
    file = write_sweep(tmp_path, asked="replications = 60_000", horizon="1 year")
    run_sweep(load_sweep(file), tmp_path / "wanted", executor=Inline())
    killed = disturb(file, tmp_path / "out", 100, seed=2)
    assert sum(killed.values()) == 100
    assert min(killed.values()) > 0
    assert tables(tmp_path / "out") == tables(tmp_path / "wanted")


@pytest.mark.parametrize("tell", [os.kill, os.killpg], ids=["driver", "all"])
@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, ExitCode.INTERRUPTED), (signal.SIGUSR1, ExitCode.INTERRUPTED), (signal.SIGINT, ExitCode.CTRL_C)],
)
def test_a_signal_stops_it_and_it_goes_on(
    undisturbed: tuple[Path, Path],
    tmp_path: Path,
    number: signal.Signals,
    code: ExitCode,
    tell: Callable[[int, int], None],
) -> None:
    """Also where all of its processes get it, as from a terminal or a batch system."""
    file, wanted = undisturbed
    out = tmp_path / "out"
    process = start(file, out)
    waited_for(out, 1_000)
    tell(process.pid, number)
    said, errors = process.communicate(timeout=60)
    assert process.returncode == code, errors
    assert "Traceback" not in errors
    assert "died" not in errors
    assert not said
    if number != signal.SIGINT or "sim: interrupted" not in errors:  # that is said where an orderly end takes too long
        assert f"stopped by {number.name}" in errors
        assert "the same command goes on" in errors
    assert not (out / "results.parquet").exists()
    process = start(file, out)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == ExitCode.DONE, errors
    assert tables(out) == tables(wanted)


def test_workers_end_with_their_driver(undisturbed: tuple[Path, Path], tmp_path: Path) -> None:
    file, _ = undisturbed
    process = start(file, tmp_path / "out")
    waited_for(tmp_path / "out", 1_000)
    workers = workers_of(process.pid)
    assert len(workers) == 2
    process.kill()
    process.communicate()
    until = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in workers):
        assert time.monotonic() < until, "orphans"
        time.sleep(0.05)


class Bomb:
    """Kills the process that unpacks it."""

    def __reduce__(self) -> tuple[Any, tuple[int]]:
        return os._exit, (9,)


def test_a_case_that_always_kills_its_worker_costs_the_others_nothing(tmp_path: Path) -> None:
    cases = [resolved(package.loads(SMALL), seed) for seed in range(6)]
    cases[3] = replace(cases[3], plan=zlib.compress(pickle.dumps(Bomb())))
    workers = LocalWorkers(2)
    try:
        states = drive(tmp_path / "out", cases, workers)
    finally:
        workers.close(now=True)
    assert states[3].why_failed == "its worker died (BrokenProcessPool), 3 times in turn"
    assert states.done == 5


def test_a_script_without_a_guard_is_told_so_and_loses_nothing(tmp_path: Path) -> None:
    """Its workers read the script, and would sweep themselves; no case is blamed for that."""
    file = write_sweep(tmp_path)
    script = tmp_path / "script.py"
    script.write_text(f"import sim\nsim.sweep(sim.load_sweep({str(file)!r}), {str(tmp_path / 'out')!r}, jobs=1)\n")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode != 0
    assert 'below if __name__ == "__main__"' in done.stderr.splitlines()[-1]
    script.write_text(f"if __name__ == '__main__':\n    {script.read_text().replace(chr(10), chr(10) + '    ')}")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert run_sweep(load_sweep(file), tmp_path / "out", executor=Inline()).done == 6


def test_a_directory_that_may_not_be_written_is_said(undisturbed: tuple[Path, Path], tmp_path: Path) -> None:
    file, _ = undisturbed
    (tmp_path / "out").touch()
    process = start(file, tmp_path / "out" / "inner")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == ExitCode.INVALID
    assert "is no directory; give another one with -o" in errors


def test_a_full_disk_ends_it_and_it_goes_on(undisturbed: tuple[Path, Path], tmp_path: Path) -> None:
    """A limit of the size of files does what a full disk does, and needs no disk."""
    file, wanted = undisturbed
    out = tmp_path / "out"
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000)); "
        f"sys.argv = ['sim', 'sweep', {str(file)!r}, '-o', {str(out)!r}, '--jobs', '2']; "
        "from sim.cli import main; main()"
    )
    process = subprocess.run([sys.executable, "-c", limited], capture_output=True, text=True, check=False, timeout=120)
    assert process.returncode == ExitCode.INVALID, process.stderr
    assert "journal: cannot be written: File too large" in process.stderr
    assert not (out / "results.parquet").exists()
    again = start(file, out)
    _, errors = again.communicate(timeout=120)
    assert again.returncode == ExitCode.DONE, errors
    assert tables(out) == tables(wanted)
