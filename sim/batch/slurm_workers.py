"""Workers in batch jobs of Slurm: the jobs, and what replaces them. Import it through `sim.batch.clusters`.

The scheduler runs in this process; each batch job holds worker processes of one thread. Jobs end: cancelled, preempted,
at their time limit, with their node. Dask notices only the loss of a worker that it knew; for a job that was cancelled
while it waited, or whose Python did not start, it would wait without end. So Slurm is asked which jobs there are.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import dask.config
from dask_jobqueue.slurm import SLURMCluster, SLURMJob
from distributed import Client, Status
from tornado.ioloop import PeriodicCallback

from sim.batch.clusters import slurm_time
from sim.batch.dask_workers import LOOPBACK, SCHEDULER_SETTINGS, WORKER_ENVIRONMENT, DaskWorkers
from sim.batch.slurm_options import SlurmOptions
from sim.errors import LostError, UsageError

_NAME = "lockstep-sim"
_LOOK_FIRST_S, _LOOK_LAST_S = (
    1.0,
    30.0,
)  # from one look at the queue to the next: doubled each time, and short after a loss
_GIVE_UP_AFTER = 3  # jobs in a row that ended without a sign of life
_ANSWER_S = 20.0  # Slurm's programs try again for minutes while its controller is away
_LOG_TAIL = 1_000
_CLOSE_S = 60.0


class _BatchJob(SLURMJob):
    """A batch job whose submission may fail: one refusal of many must not end the sweep."""

    refusal = ""

    async def start(self) -> None:
        """Submit the job; remember why it was refused."""
        try:
            await super().start()  # type: ignore[no-untyped-call]
        except (RuntimeError, ValueError, OSError) as error:
            self.refusal = _stderr_of(str(error))
            self.status = Status.running  # what the cluster expects; `job_id` stays None


class _BatchCluster(SLURMCluster):
    """A cluster that never gives a name twice: a scheduler refuses a worker whose namesake it has not missed yet."""

    job_cls = _BatchJob

    def __init__(self, **options: Any) -> None:
        self._numbers = itertools.count()
        super().__init__(**options)

    def _new_worker_name(self, worker_number: int) -> str:
        return f"{_NAME}-{next(self._numbers)}"


class SlurmWorkers(DaskWorkers):
    """Workers in batch jobs; see `sim.batch.workers.Workers`.

    Parameters
    ----------
    cluster : _BatchCluster
        With its jobs submitted.
    jobs : int
        How many of them there are to be at a time, >= 1.
    logs : Path
        Where the jobs write what they say.
    """

    def __init__(self, cluster: Any, jobs: int, logs: Path) -> None:
        super().__init__(Client(cluster, set_as_default=False), cluster.scheduler_address, cluster)
        self._jobs, self._logs = jobs, logs
        self._heard: set[str] = set()  # jobs of which a worker has reported
        self._silent_ends = 0
        self._broken: LostError | None = None
        self._before = 0
        self._pause, self._look_at = _LOOK_FIRST_S, 0.0
        self._looking = asyncio.Lock()
        self._timer: PeriodicCallback | None = None
        cluster.sync(self._start_timer)

    def alive(self) -> int:
        """Worker processes that the scheduler sees now; 0 while all jobs wait in the queue.

        Raises
        ------
        LostError
            If one job after the other ends without a worker of it ever being heard of.
        """
        if self._broken is not None:
            raise self._broken
        return super().alive()

    def close(self, *, now: bool) -> None:
        """End workers and jobs; ``now`` abandons what is running. A second call does nothing."""
        if self._cluster.status == Status.closed:
            return
        jobs = [job.job_id for job in list(self._cluster.workers.values()) if job.job_id]
        self._cluster.sync(self._stop_timer)
        self.executor.shutdown(wait=not now)
        try:
            super().close(now=now)
        except (OSError, TimeoutError):  # a scheduler that is stuck must not leave jobs behind
            subprocess.run(["scancel", *jobs], capture_output=True, timeout=_CLOSE_S, check=False)

    async def _start_timer(self) -> None:
        self._timer = PeriodicCallback(self._look, 500)
        self._timer.start()

    async def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        async with self._looking:  # a look that has begun is waited for
            self._jobs = 0

    async def _look(self) -> None:
        async with self._looking:
            if self._jobs == 0 or self._broken is not None:
                return
            present = self._cluster.observed
            self._heard.update(job for job, names in self._names().items() if names & present)
            if len(present) < self._before:
                self._pause, self._look_at = _LOOK_FIRST_S, 0.0
            self._before = len(present)
            if time.monotonic() >= self._look_at:
                await self._replace()
                self._look_at = time.monotonic() + self._pause
                self._pause = min(2 * self._pause, _LOOK_LAST_S)

    def _names(self) -> dict[str, set[str]]:
        """Names of the workers of each job."""
        return {
            job: {job + suffix for suffix in spec.get("group", [""])} for job, spec in self._cluster.worker_spec.items()
        }

    async def _replace(self) -> None:
        """Submit a job for each one that is no longer in Slurm's queue."""
        known = dict(self._cluster.workers)  # first: what is submitted after the look is not in it
        listed = await _queue()
        if listed is None:
            return  # Slurm did not answer: that says nothing about the jobs
        ended = {name: job for name, job in known.items() if job.job_id not in listed}
        for name, job in ended.items():
            job.status = Status.closed
            self._cluster.workers.pop(name, None)
            self._cluster.worker_spec.pop(name, None)
            if name in self._heard:
                self._silent_ends = 0
            elif job.job_id is not None or len(ended) == len(known):  # one more than Slurm allows at a time is no harm
                self._silent_ends += 1
            self._heard.discard(name)
        if self._silent_ends >= _GIVE_UP_AFTER and not self._cluster.observed:
            self._broken = LostError(
                f"{self._silent_ends} batch jobs in a row ended without a worker of theirs being heard of; "
                f"{self._last_words(ended)}"
            )
        elif len(self._cluster.worker_spec) < self._jobs or len(self._cluster.workers) < self._jobs:
            self._cluster.scale(jobs=self._jobs)

    def _last_words(self, ended: dict[str, _BatchJob]) -> str:
        """What the last of the jobs that ended said."""
        job = list(ended.values())[-1]
        if job.job_id is None:
            return f"Slurm refused the last one: {job.refusal}"
        log = self._logs / f"{job.job_id}.log"
        try:
            said = log.read_text(errors="replace")[-_LOG_TAIL:].strip()
        except OSError:
            return f"the last one ({job.job_id}) wrote no log at {log}"
        return f"the log of the last one, {log}, ends with:\n{said}"


def start(options: SlurmOptions, logs: Path) -> SlurmWorkers:
    """See `sim.batch.clusters.slurm`."""
    for program in ("sbatch", "squeue", "scancel"):
        if shutil.which(program) is None:
            raise UsageError(f"there is no {program} on this machine; run this on a login node of a Slurm cluster")
    logs.mkdir(parents=True, exist_ok=True)
    scheduler = {"dashboard": False, "dashboard_address": LOOPBACK, **(_configured("scheduler-options") or {})}
    try:
        with dask.config.set(SCHEDULER_SETTINGS):
            cluster: Any = _BatchCluster(
                name=_NAME, scheduler_options=scheduler, silence_logs=logging.CRITICAL, **_job_settings(options, logs)
            )
    except (RuntimeError, ValueError, OSError) as error:
        raise UsageError(f"the scheduler for the batch jobs could not be started: {error}") from error

    async def submit() -> None:
        cluster.scale(jobs=options.jobs)
        await cluster

    cluster.sync(submit)
    refusals = [job.refusal for job in cluster.workers.values()]
    if all(refusals):
        cluster.close(_CLOSE_S)
        raise UsageError(f"Slurm refused the batch job: {refusals[0]}")
    return SlurmWorkers(cluster, options.jobs, logs)


def job_script(options: SlurmOptions, logs: Path) -> str:
    """See `sim.batch.clusters.job_script`."""
    make: Any = _BatchJob  # its parent's types are unfinished
    job = make("<address of the scheduler>", name=f"{_NAME}-0", **_job_settings(options, logs))
    return str(job.job_script())


def _job_settings(options: SlurmOptions, logs: Path) -> dict[str, Any]:
    """What dask-jobqueue is told of a job; None and what is left out it takes from Dask's configuration."""
    logs = logs.absolute()
    if '"' in str(logs) or "%" in str(logs):  # Slurm replaces % by something of its own
        raise UsageError(f"the directory {logs} has a quote or a percent sign in it; Slurm cannot write logs there")
    return {
        "queue": options.queue,
        "account": options.account,
        "walltime": slurm_time(options.walltime_s),
        "cores": options.processes,  # Dask makes threads of what is more than the processes
        "job_cpu": options.cores,
        "processes": options.processes,
        "memory": f"{math.ceil(options.memory_bytes)} B",
        "interface": options.interface,
        "python": shlex.quote(options.python or _configured("python") or sys.executable),
        "job_name": _NAME,
        "nanny": True,
        "local_directory": _configured("local-directory") or '"${TMPDIR:-/tmp}"',
        "job_directives_skip": ["#SBATCH -e ", "#SBATCH -o ", *(_configured("job-directives-skip") or [])],
        "job_extra_directives": [
            f'--output="{logs}/%j.log"',
            *(_configured("job-extra-directives") or []),
            *(line.removeprefix("#SBATCH").strip() for line in options.directives),
        ],
        "job_script_prologue": [*_environment(), *(_configured("job-script-prologue") or []), *options.prologue],
        "worker_extra_args": [
            *("--no-dashboard", "--dashboard-address", LOOPBACK),
            *_lifetime(options.walltime_s),
            *(_configured("worker-extra-args") or []),
        ],
    }


def _configured(key: str) -> Any:
    return dask.config.get(f"jobqueue.slurm.{key}", None)


def _environment() -> list[str]:
    """Shell lines: one thread, and compiled code on a disk of the node, in a directory of nobody else's.

    Compiled code is loaded and run, so a directory that another user made first is not used.
    """
    return [
        *(f"export {name}={value}" for name, value in WORKER_ENVIRONMENT.items()),
        f'cache="${{TMPDIR:-/tmp}}/{_NAME}-$(id -un)"',
        'mkdir -p -m 700 "$cache"; [ -O "$cache" ] || cache=$(mktemp -d)',
        'export NUMBA_CACHE_DIR="$cache"',
    ]


def _lifetime(walltime_s: float) -> list[str]:
    """Let workers leave before the time limit, at different moments: no task is blamed for the end of its job."""
    margin = min(300.0, 0.1 * walltime_s)
    return ["--lifetime", f"{walltime_s - margin:.0f}s", "--lifetime-stagger", f"{0.5 * margin:.0f}s"]


async def _queue() -> set[str] | None:
    """Numbers of the user's jobs that wait or run; None if Slurm did not say."""
    process = await asyncio.create_subprocess_exec(
        "squeue",
        *("--me", "--noheader", "--format=%i %t"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        out, _ = await asyncio.wait_for(process.communicate(), _ANSWER_S)
    except TimeoutError:
        process.kill()
        await process.wait()
        return None
    if process.returncode != 0:
        return None
    rows = (line.split() for line in out.decode().splitlines())
    return {number for number, state in rows if state != "CG"}  # completing: it has ended


def _stderr_of(text: str) -> str:
    """What a program of Slurm said, out of dask-jobqueue's account of it."""
    lines = (" ".join(line.split()) for line in text.rpartition("stderr:")[2].splitlines())
    return "; ".join(line for line in lines if line) or "no reason given"
