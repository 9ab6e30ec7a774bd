"""Whole sweeps on Dask and on a real Slurm, with workers that are lost in the middle: the tables are complete."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pandas as pd
import pytest

from sim.batch import clusters
from sim.batch.driver import Progress
from sim.batch.file import load_sweep
from sim.batch.sweep import run_sweep
from sim.errors import ExitCode
from sim.kernels._cache import directories
from tests.batch import tasks
from tests.batch.private_slurm import PrivateSlurm, wait_until

from .sweeps import write_sweep
from .test_driver import Inline, tables
from .test_killed import waited_for

SLURM = f"""
[slurm]
jobs = 2
walltime = "10 min"
memory = "1 GB"
prologue = ["export NUMBA_CACHE_DIR={next(directories()).parent}"]  # compiled already
"""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A sweep file whose batch jobs find compiled code, and the tables that it gives."""
    folder = tmp_path_factory.mktemp("clusters")
    file = write_sweep(folder, asked="replications = 2_000", horizon="1 year")
    file.write_text(file.read_text(encoding="utf-8") + SLURM, encoding="utf-8")
    run_sweep(load_sweep(file), folder / "out", executor=Inline())
    return file, folder / "out"


def test_a_sweep_on_dask_outlives_its_workers(undisturbed: tuple[Path, Path], tmp_path: Path) -> None:
    file, wanted = undisturbed
    workers = clusters.local_dask(2)
    killed: list[int] = []

    def kill(progress: Progress) -> None:
        if progress.replications > 1_000 * (1 + 3 * len(killed)) and len(killed) < 2:
            victim = workers.executor.submit(tasks.process, 0)
            killed.append(0)
            # When it is free it says who it is, and is killed in the middle of its next task.
            victim.add_done_callback(
                lambda found: threading.Timer(0.2, os.kill, (found.result(), signal.SIGKILL)).start()
            )

    try:
        wait_until(lambda: workers.alive() == 2, 60, "two workers")
        swept = run_sweep(load_sweep(file), tmp_path / "out", executor=workers, progress=kill)
    finally:
        workers.close(now=True)
    assert swept.done == 6
    assert len(killed) == 2
    assert tables(tmp_path / "out") == tables(wanted)


def test_a_sweep_on_slurm_outlives_a_cancelled_job(
    undisturbed: tuple[Path, Path], tmp_path: Path, slurm: PrivateSlurm
) -> None:
    """The command as a user types it on a login node; one of its jobs is cancelled while it works."""
    file, wanted = undisturbed
    out = tmp_path / "out"
    command = [sys.executable, "-m", "sim", "sweep", str(file), "-o", str(out), "--executor", "slurm"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        waited_for(out, 1_000)
        slurm.run("scancel", slurm.jobs("RUNNING")[0])
        _, said = process.communicate(timeout=180)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == ExitCode.DONE, said
    assert tables(out) == tables(wanted)
    assert len(pd.read_parquet(out / "results.parquet")) == 6 * 2_000
    wait_until(lambda: slurm.jobs() == [], 30, "an empty queue")


def test_a_sweep_on_slurm_that_is_asked_to_stop_leaves_no_jobs(
    undisturbed: tuple[Path, Path], tmp_path: Path, slurm: PrivateSlurm
) -> None:
    file, _ = undisturbed
    out = tmp_path / "out"
    command = [sys.executable, "-m", "sim", "sweep", str(file), "-o", str(out), "--executor", "slurm"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    waited_for(out, 1_000)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == ExitCode.INTERRUPTED, said
    wait_until(lambda: slurm.jobs() == [], 30, "an empty queue")


def test_the_batch_script_of_the_docs_goes_back_into_the_queue_at_its_limit(
    undisturbed: tuple[Path, Path], tmp_path: Path, slurm: PrivateSlurm
) -> None:
    file, wanted = undisturbed
    page = (Path(__file__).parents[2] / "docs" / "hpc.md").read_text(encoding="utf-8")
    script = next(block for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL) if "--requeue" in block)
    out = tmp_path / "out"
    replaced = f"{sys.executable} -m sim sweep {file} -o {out} --jobs 2"
    assert "sim sweep sweep.toml -o out/ &" in script
    script = script.replace("sim sweep sweep.toml -o out/", replaced).replace(" --exclusive", " --exclusive --mem=2G")
    (tmp_path / "job.sh").write_text(script, encoding="utf-8")
    log = tmp_path / "log"
    job = slurm.run("sbatch", "--parsable", f"--output={log}", str(tmp_path / "job.sh")).strip()
    waited_for(out, 1_000)
    slurm.run("scancel", "--signal=USR1", "--batch", job)  # as Slurm does before the time limit
    wait_until(lambda: job in slurm.jobs("PENDING"), 60, "the job in the queue again")
    assert "stopped by SIGUSR1" in log.read_text(encoding="utf-8")
    slurm.run("scancel", job)
    run_sweep(load_sweep(file), out, executor=Inline())  # what the job would do two minutes later
    assert tables(out) == tables(wanted)
