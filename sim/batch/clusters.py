"""Workers on other machines: a Dask scheduler that runs already, or batch jobs of Slurm.

Dask is an extra (``sim.extras``) and is imported only when one of these functions is called.

What is true of all of them: a task is a pure function, run at least once, perhaps more often. A future raises one of
`Workers.died` when the process that ran it died, and `LostError` when the scheduler itself was lost.
"""

from __future__ import annotations

import importlib
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.extras import MissingExtraError, install_command

if TYPE_CHECKING:
    from sim.batch.dask_workers import DaskWorkers
    from sim.batch.slurm_options import SlurmOptions
    from sim.batch.slurm_workers import SlurmWorkers

_REACHED_WITHIN_S = 30.0  # Dask's own limit for a connection


def connect(scheduler: str, timeout_s: float = _REACHED_WITHIN_S) -> DaskWorkers:
    """Use the workers of a Dask scheduler that runs already.

    Dask's own configuration says how (TLS, time limits). The scheduler is left as it is: it reruns a task three times
    before it gives it up as a killer of workers, unless it was started with
    ``DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES=0``.

    Parameters
    ----------
    scheduler : str
        Its address, such as ``"tcp://10.0.0.1:8786"``, or the path of its scheduler file.
    timeout_s : float
        Longest time to reach it, s, above 0.

    Raises
    ------
    UsageError
        If it cannot be reached, if there is no such file, or if the extra is not installed.
    """
    return _module("dask_workers").connect(scheduler, timeout_s)  # type: ignore[no-any-return]


def local_dask(processes: int) -> DaskWorkers:
    """Start a Dask scheduler, bound to loopback, and worker processes on this machine.

    Parameters
    ----------
    processes : int
        Worker processes, >= 1, of one thread each.

    Raises
    ------
    UsageError
        If the extra is not installed.
    """
    return _module("dask_workers").local(processes)  # type: ignore[no-any-return]


def slurm(options: SlurmOptions, logs: Path) -> SlurmWorkers:
    """Run a Dask scheduler in this process, and its workers in batch jobs of Slurm; a job that ends is replaced.

    Parameters
    ----------
    options : SlurmOptions
        ``[slurm]`` of the sweep file. What it leaves out is taken from Dask's own configuration
        (``jobqueue.slurm``, usually in ``~/.config/dask/jobqueue.yaml``).
    logs : Path
        Directory of the logs of the jobs, made if it is missing; the compute nodes must be able to write there.

    Raises
    ------
    UsageError
        If Slurm refuses the jobs, or if the extra is not installed.
    """
    return _module("slurm_workers").start(options, logs)  # type: ignore[no-any-return]


def job_script(options: SlurmOptions, logs: Path) -> str:
    """Write the batch script that `slurm` would submit, with a placeholder for the scheduler's address.

    Raises
    ------
    UsageError
        If the extra is not installed.
    """
    text: str = _module("slurm_workers").job_script(options, logs)
    return text


def slurm_time(seconds: float) -> str:
    """Write a time limit as Slurm reads it, ``hours:minutes:seconds``, rounded up to whole seconds.

    >>> slurm_time(3600), slurm_time(100 * 3600 + 61.5)
    ('01:00:00', '100:01:02')
    """
    whole = math.ceil(seconds)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def _module(name: str) -> Any:
    """Import what needs the extra, or say how to get it."""
    try:
        return importlib.import_module(f"sim.batch.{name}")
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] == "sim":
            raise
        raise MissingExtraError(
            f"Python's package {missing.name} is missing, without which work cannot be sent to a cluster; "
            f"install the extra: {install_command('hpc')}"
        ) from missing
