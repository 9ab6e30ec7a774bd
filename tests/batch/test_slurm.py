"""Workers in batch jobs of a real Slurm: jobs that end, jobs that are refused, jobs that never get going."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import dask.config
import pytest

from sim.batch import clusters
from sim.batch.slurm_options import SlurmOptions
from sim.errors import LostError, UsageError
from tests.batch import tasks
from tests.batch.conftest import importable
from tests.batch.little_driver import run_all
from tests.batch.private_slurm import PrivateSlurm, is_running, missing, program, stop_leftovers, wait_until

TWO_JOBS = SlurmOptions(jobs=2, cores=1, processes=1, memory_bytes=1e9, walltime_s=600.0)


def test_a_cancelled_job_is_replaced_and_nothing_is_lost(slurm: PrivateSlurm, tmp_path: Path) -> None:
    workers = clusters.slurm(TWO_JOBS, tmp_path / "logs")
    try:
        before = slurm.jobs()
        assert len(before) == 2
        wait_until(lambda: workers.alive() == 2, 60, "two workers")
        outcome = run_all(workers, tasks.nap, 64, 0.1, when=10, disturb=lambda: slurm.run("scancel", before[0]))
        assert outcome.results == {number: number for number in range(64)}
        assert outcome.deaths <= 1  # the job was cancelled while its worker was at a task, or between two
        assert len(set(slurm.jobs()) - set(before)) == 1
        wait_until(lambda: workers.alive() == 2, 60, "the new job's worker")
    finally:
        workers.close(now=True)
    wait_until(lambda: slurm.jobs() == [], 20, "an empty queue")
    assert len(list((tmp_path / "logs").glob("*.log"))) == 3


def test_a_job_that_is_cancelled_while_it_waits_is_replaced(slurm: PrivateSlurm, tmp_path: Path) -> None:
    """Of five jobs the four CPUs take four; the scheduler has never heard of the fifth."""
    workers = clusters.slurm(SlurmOptions(jobs=5, memory_bytes=1e8, walltime_s=600.0), tmp_path)
    try:
        before = slurm.jobs()
        wait_until(lambda: len(slurm.jobs("RUNNING")) == 4, 30, "four jobs that run")
        (waiting,) = slurm.jobs("PENDING")
        slurm.run("scancel", waiting)
        wait_until(lambda: len(set(slurm.jobs()) - set(before)) == 1, 60, "a fifth job again")
    finally:
        workers.close(now=True)
    wait_until(lambda: slurm.jobs() == [], 20, "an empty queue")


def test_one_job_holds_several_processes_that_are_replaced(slurm: PrivateSlurm, tmp_path: Path) -> None:
    options = SlurmOptions(jobs=1, cores=2, processes=2, memory_bytes=2e9, walltime_s=600.0)
    workers = clusters.slurm(options, tmp_path)
    try:
        wait_until(lambda: workers.alive() == 2, 60, "two workers of one job")
        with pytest.raises(workers.died):
            workers.executor.submit(tasks.die, 1).result(timeout=30)
        wait_until(lambda: workers.alive() == 2, 60, "the killed worker's successor")
        assert len(slurm.jobs()) == 1  # as a rule the same; Dask gives a job up if a worker dies while another starts
        threads, cache = (
            workers.executor.submit(tasks.variable, name).result(timeout=30)
            for name in ("NUMBA_NUM_THREADS", "NUMBA_CACHE_DIR")
        )
        assert threads == "1"
        assert cache is not None
        assert Path(cache).name.startswith("lockstep-sim-")
    finally:
        workers.close(now=False)
    wait_until(lambda: slurm.jobs() == [], 20, "an empty queue")


def test_jobs_end_when_the_driver_is_killed(slurm: PrivateSlurm, tmp_path: Path) -> None:
    script = (
        "import time\nfrom pathlib import Path\nfrom sim.batch import clusters\n"
        "from sim.batch.slurm_options import SlurmOptions\nfrom tests.batch import tasks\n"
        "from tests.batch.private_slurm import wait_until\n"
        f"workers = clusters.slurm(SlurmOptions(jobs=2, walltime_s=600.0), Path({str(tmp_path)!r}))\n"
        "wait_until(lambda: workers.alive() == 2, 60, 'two workers')\n"
        "flying = [workers.executor.submit(tasks.nap, number, 2.0) for number in range(2)]\n"
        "print('up', flush=True); time.sleep(120)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as driver:
        try:
            assert driver.stdout is not None
            assert driver.stdout.readline() == "up\n"
        finally:
            driver.send_signal(signal.SIGKILL)
    wait_until(lambda: slurm.jobs() == [], 60, "an empty queue")


def test_a_refused_job_is_a_usage_error(slurm: PrivateSlurm, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Slurm refused the batch job: .*invalid partition specified: nosuch"):
        clusters.slurm(SlurmOptions(queue="nosuch"), tmp_path)
    with pytest.raises(UsageError, match=r"the scheduler for the batch jobs could not be started.*nosuch0"):
        clusters.slurm(SlurmOptions(interface="nosuch0"), tmp_path)
    assert slurm.jobs() == []


def test_a_job_that_is_refused_now_is_submitted_again_later(
    slurm: PrivateSlurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a user may have so many jobs at a time and no more: the sweep runs on what it gets."""
    sbatch = tmp_path / "bin" / "sbatch"
    sbatch.parent.mkdir()
    sbatch.write_text(
        f'#!/bin/sh\nif mkdir "{tmp_path}/once" 2>/dev/null; then echo "too many jobs" >&2; exit 1; fi\n'
        f'exec {program("sbatch")} "$@"\n'
    )
    sbatch.chmod(0o755)
    monkeypatch.setenv("PATH", f"{sbatch.parent}{os.pathsep}{os.environ['PATH']}")
    workers = clusters.slurm(TWO_JOBS, tmp_path)
    try:
        assert len(slurm.jobs()) == 1
        wait_until(lambda: len(slurm.jobs()) == 2, 60, "the second job")
        wait_until(lambda: workers.alive() == 2, 60, "two workers")
    finally:
        workers.close(now=True)
        workers.close(now=True)


def test_jobs_that_never_get_going_end_the_wait(slurm: PrivateSlurm, tmp_path: Path) -> None:
    workers = clusters.slurm(SlurmOptions(jobs=2, python="/nowhere/python"), tmp_path)

    def hopeless() -> bool:
        try:
            return workers.alive() > 0
        except LostError as error:
            assert "batch jobs in a row ended without a worker" in str(error)  # noqa: PT017
            assert "/nowhere/python: No such file" in str(error)  # noqa: PT017
            return True

    try:
        wait_until(hopeless, 60, "an error")
        with pytest.raises(LostError):
            workers.alive()
    finally:
        workers.close(now=True)


def test_without_slurm_the_login_node_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="no sbatch on this machine; run this on a login node"):
        clusters.slurm(TWO_JOBS, tmp_path)


def test_the_batch_script_says_what_the_options_say(tmp_path: Path) -> None:
    options = SlurmOptions(
        queue="long",
        account="physics",
        walltime_s=7200.0,
        cores=8,
        processes=4,
        memory_bytes=8 * 2**30,
        directives=("#SBATCH --exclusive",),
        prologue=("module load python",),
        python="/opt/py 3/python",
        interface="ib0",
    )
    lines = clusters.job_script(options, tmp_path / "with blank").splitlines()
    for line in (
        "#SBATCH -J lockstep-sim",
        "#SBATCH -p long",
        "#SBATCH -A physics",
        "#SBATCH --cpus-per-task=8",
        "#SBATCH --mem=8G",
        "#SBATCH -t 02:00:00",
        "#SBATCH --exclusive",
        f'#SBATCH --output="{tmp_path}/with blank/%j.log"',
        "export NUMBA_NUM_THREADS=1",
        "export OMP_NUM_THREADS=1",
        "module load python",
    ):
        assert line in lines
    assert lines.index('export NUMBA_CACHE_DIR="$cache"') < lines.index("module load python") < len(lines) - 1
    command = lines[-1]
    assert command.startswith("'/opt/py 3/python' -m distributed.cli.dask_worker ")
    for option in (
        "--nthreads 1 ",
        "--nworkers 4 ",
        "--nanny ",
        "--death-timeout ",
        "--no-dashboard",
        "--lifetime 6900s",
        "--interface ib0",
        '--local-directory "${TMPDIR:-/tmp}"',
    ):
        assert option in command
    assert not (tmp_path / "with blank").exists()  # a dry run leaves nothing


def test_dasks_own_configuration_fills_what_the_file_leaves_out(tmp_path: Path) -> None:
    configured = {
        "queue": "site",
        "account": "lab",
        "python": "/site/python",
        "local-directory": "/scratch",
        "job-script-prologue": ["module load site"],
        "job-extra-directives": ["--constraint=fast"],
        "worker-extra-args": ["--lifetime", "5m"],
    }
    with dask.config.set({f"jobqueue.slurm.{key}": value for key, value in configured.items()}):
        options = SlurmOptions(queue="mine", prologue=("echo mine",), directives=("#SBATCH --qos=low",))
        lines = clusters.job_script(options, tmp_path).splitlines()
    assert "#SBATCH -p mine" in lines
    assert "#SBATCH -A lab" in lines
    assert lines.index("#SBATCH --constraint=fast") < lines.index("#SBATCH --qos=low")
    assert lines.index("module load site") < lines.index("echo mine")
    assert lines[-1].startswith("/site/python -m ")
    assert "--local-directory /scratch" in lines[-1]
    assert lines[-1].endswith("--lifetime 5m")  # the last one counts


def test_a_directory_that_slurm_would_read_otherwise_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a quote or a percent sign"):
        clusters.job_script(TWO_JOBS, tmp_path / "100%j")


@pytest.mark.skipif(bool(missing()), reason=f"no Slurm on this machine: {', '.join(missing())} missing")
def test_the_fixture_clears_what_a_killed_run_left_behind() -> None:
    """Nothing stops the daemons of a run that was killed, except the next run."""
    script = (
        "from tests.batch.private_slurm import PrivateSlurm\n"
        "cluster = PrivateSlurm(nodes=1)\ncluster.start()\n"
        "cluster.run('sbatch', '-o', '/dev/null', '--wrap', 'sleep 600')\n"
        "print(cluster.folder, flush=True)\ninput()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": importable()},
    ) as run:
        assert run.stdout is not None
        folder = Path(run.stdout.readline().strip())
        daemons = [int(file.read_text()) for file in folder.glob("*.pid")]
        stop_leftovers()
        assert folder.is_dir()  # its owner is alive
        run.kill()
    assert len(daemons) == 3
    stop_leftovers()
    assert not folder.exists()
    wait_until(lambda: not any(is_running(daemon) for daemon in daemons), 10, "daemons stopped")
