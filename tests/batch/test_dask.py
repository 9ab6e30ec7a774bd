"""A Dask scheduler of this machine: workers that die, a scheduler that is lost, one that cannot be reached."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import wait
from dataclasses import dataclass
from pathlib import Path

import pytest

from sim.batch import clusters
from sim.errors import ExitCode, LostError, UsageError
from sim.extras import install_command
from tests.batch import tasks
from tests.batch.conftest import importable
from tests.batch.little_driver import run_all
from tests.batch.private_slurm import free_ports, wait_until

QUICK = {"timeout": 20}


@dataclass
class Scheduler:
    """A scheduler in a process of its own, with two worker processes that a user started."""

    process: subprocess.Popen[bytes]
    workers: subprocess.Popen[bytes]
    file: Path

    @property
    def address(self) -> str:
        return str(json.loads(self.file.read_text())["address"])


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[Scheduler]:
    file = tmp_path / "scheduler.json"
    quiet = ["--no-dashboard", "--dashboard-address", "127.0.0.1:0", "--scheduler-file", str(file)]
    options = {
        "env": {**os.environ, "PYTHONPATH": importable()},
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
    }
    command = [sys.executable, "-m"]
    started = [
        subprocess.Popen(
            [*command, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", *quiet], **options
        )
    ]
    try:
        wait_until(file.is_file, 20, "scheduler file")
        started.append(
            subprocess.Popen(
                [
                    *(*command, "distributed.cli.dask_worker", *quiet),
                    *(
                        "--nworkers",
                        "2",
                        "--nthreads",
                        "1",
                        "--local-directory",
                        str(tmp_path),
                        "--death-timeout",
                        "20",
                    ),
                ],
                **options,
            )
        )
        yield Scheduler(started[0], started[1], file)
    finally:
        for process in reversed(started):  # the workers while there is a scheduler that lets them go
            process.terminate()
            process.wait(**QUICK)


def test_a_killed_worker_loses_nothing(scheduler: Scheduler) -> None:
    workers = clusters.connect(str(scheduler.file))
    try:
        wait_until(lambda: workers.alive() == 2, 20, "two workers")
        victim = workers.executor.submit(tasks.process, 0).result(**QUICK)
        outcome = run_all(workers, tasks.nap, 64, 0.1, when=10, disturb=lambda: os.kill(victim, signal.SIGKILL))
        assert outcome.results == {number: number for number in range(64)}
        assert outcome.deaths == 0  # this scheduler has Dask's own settings: it tries again by itself
        wait_until(lambda: workers.alive() == 2, 20, "the killed worker's successor")
    finally:
        workers.close(now=True)


def test_a_lost_scheduler_is_said(scheduler: Scheduler) -> None:
    workers = clusters.connect(scheduler.address)
    try:
        wait_until(lambda: workers.alive() == 2, 20, "two workers")
        assert workers.executor.submit(tasks.square, 3).result(**QUICK) == 9
        flying = [workers.executor.submit(tasks.nap, number, 60.0) for number in range(2)]
        scheduler.process.kill()
        for future in flying:
            with pytest.raises(LostError, match=f"at {scheduler.address} was lost.*run the same command again"):
                future.result(**QUICK)
        assert workers.alive() == 0
        assert LostError.exit_code == ExitCode.INTERRUPTED
    finally:
        workers.close(now=True)
    with pytest.raises(LostError):
        workers.executor.submit(tasks.square, 3)


def test_a_task_that_kills_its_worker_is_told_from_one_that_fails() -> None:
    workers = clusters.local_dask(1)
    try:
        with pytest.raises(ZeroDivisionError):
            workers.executor.submit(tasks.divide, 1, 0).result(**QUICK)
        with pytest.raises(workers.died):
            workers.executor.submit(tasks.die, 1).result(**QUICK)
        assert workers.executor.submit(tasks.square, 4).result(**QUICK) == 16  # by the successor
        assert workers.alive() == 1
        assert workers.executor.submit(tasks.variable, "NUMBA_NUM_THREADS").result(**QUICK) == "1"
        cancelled = workers.executor.submit(tasks.nap, 1, 60.0)
        assert cancelled.cancel()
        assert wait([cancelled], **QUICK).done == {cancelled}
    finally:
        workers.close(now=True)
        workers.close(now=True)
    assert workers.alive() == 0


def test_only_this_machine_reaches_the_local_scheduler() -> None:
    workers = clusters.local_dask(1)
    try:
        assert workers.executor.submit(tasks.listening, os.getpid()).result(**QUICK) == {"127.0.0.1"}
        assert workers.executor.submit(tasks.listening, 0).result(**QUICK) == {"127.0.0.1"}  # the worker's own
    finally:
        workers.close(now=True)


def test_no_scheduler_is_a_usage_error(tmp_path: Path) -> None:
    address = f"tcp://127.0.0.1:{free_ports(1)[0]}"
    with pytest.raises(UsageError, match=rf"no Dask scheduler could be reached at {address} within 0.5 s"):
        clusters.connect(address, timeout_s=0.5)
    with pytest.raises(
        UsageError, match=r"nowhere.json cannot be read \(No such file.*dask scheduler --scheduler-file"
    ):
        clusters.connect(str(tmp_path / "nowhere.json"))
    with pytest.raises(UsageError, match="no Dask scheduler could be reached at ftp://x"):
        clusters.connect("ftp://x", timeout_s=0.5)
    for text in ("{", "[]", "{}", "1"):
        (tmp_path / "broken.json").write_text(text)
        with pytest.raises(UsageError, match=r"broken.json is no scheduler file of Dask"):
            clusters.connect(str(tmp_path / "broken.json"))


def test_without_the_extra_the_command_that_installs_it_is_said() -> None:
    """In a process of its own: modules that were imported once stay."""
    program = (
        "import sys; sys.modules['distributed'] = None\n"
        "from sim.batch import clusters\nfrom sim.errors import LostError, UsageError\n"
        "try: clusters.connect('tcp://127.0.0.1:1')\n"
        "except UsageError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.strip().endswith(f"install the extra: {install_command('hpc')}")
    assert "distributed" in done.stdout


def test_nothing_heavy_is_imported_before_it_is_asked_for() -> None:
    program = "import sys, sim.batch.clusters; print('dask' in sys.modules, 'distributed' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["False", "False"]


def test_time_limits_are_written_as_slurm_reads_them() -> None:
    assert clusters.slurm_time(3600) == "01:00:00"
    assert clusters.slurm_time(59.2) == "00:01:00"
    assert clusters.slurm_time(100 * 3600 + 61) == "100:01:01"
