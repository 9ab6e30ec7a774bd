"""Workers of a Dask scheduler, behind `concurrent.futures`. Import it through `sim.batch.clusters`."""

from __future__ import annotations

import json
import logging
import time
import weakref
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import dask.config
from distributed import Client, LocalCluster
from distributed.scheduler import KilledWorker

from sim.errors import LostError, UsageError

_Result = TypeVar("_Result")

_COUNT_HOLDS_S = 0.5
_CLOSE_S = 60.0  # a scheduler that does not answer must not keep the caller for ever

LOOPBACK = (
    "127.0.0.1:0"  # where pages about a process are served, which Dask always does: any free port, to nobody else
)

WORKER_ENVIRONMENT = {
    "NUMBA_NUM_THREADS": "1",  # Dask sets such limits for OpenMP and BLAS, not for Numba
    "OMP_NUM_THREADS": "1",
}

SCHEDULER_SETTINGS = {
    # Whoever submits counts the deaths; and a task must not be blamed for the death of a worker at which it waited.
    "distributed.scheduler.allowed-failures": 0,
    "distributed.scheduler.worker-saturation": 1.0,
}


class DaskExecutor(Executor):
    """Sends calls to a Dask scheduler.

    Dask has such an executor; this one wraps it because of two things. A task that a lost scheduler takes along is
    cancelled there, which looks like a task that was cancelled on purpose: here it raises `LostError`. And a
    result whose future is still held is computed again when its worker dies: here Dask's future is dropped as soon as
    the result has arrived, however long the caller keeps its own.
    """

    def __init__(self, client: Client, address: str) -> None:
        self._client, self._address = client, address
        self._dask = client.get_executor(pure=False)

    def submit(self, function: Callable[..., _Result], /, *args: Any, **kwargs: Any) -> Future[_Result]:
        """Send one call. The future stays pending until its result is there, so that it can be cancelled all along."""
        if self._client.status not in ("running", "connecting"):
            raise self._lost()
        outer: Future[_Result] = Future()
        inner = self._dask.submit(function, *args, **kwargs)
        outer.add_done_callback(partial(_cancel, weakref.ref(inner)))  # a strong one would make a cycle, which lives on
        inner.add_done_callback(partial(self._pass_on, outer))
        return outer

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls; wait for those that were sent, or cancel them."""
        if self._client.status == "running":
            self._dask.shutdown(wait=wait and not cancel_futures)

    def _pass_on(self, outer: Future[Any], inner: Future[Any]) -> None:
        if outer.cancelled():
            outer.set_running_or_notify_cancel()
        elif inner.cancelled():
            outer.set_exception(self._lost())
        elif (error := inner.exception()) is not None:
            outer.set_exception(error)
        else:
            outer.set_result(inner.result())

    def _lost(self) -> LostError:
        return LostError(
            f"the connection to the Dask scheduler at {self._address} was lost; "
            "results that had arrived are kept: start the scheduler and run the same command again"
        )


def _cancel(inner: weakref.ref[Future[Any]], outer: Future[Any]) -> None:
    if outer.cancelled() and (still := inner()) is not None:
        still.cancel()


class DaskWorkers:
    """Workers of one Dask scheduler; see `sim.batch.workers.Workers`.

    Parameters
    ----------
    client : Client
        Connected to the scheduler; closed with the workers.
    address : str
        Of the scheduler, for messages.
    cluster : distributed.deploy.Cluster or None
        What was started for it and is to be ended with it.
    """

    died: tuple[type[BaseException], ...] = (KilledWorker,)
    reserve = 0.0

    def __init__(self, client: Client, address: str, cluster: Any = None) -> None:
        self.executor: Executor = DaskExecutor(client, address)
        self._client, self._cluster = client, cluster
        self._count, self._counted = 0, -_COUNT_HOLDS_S
        # What it logs when a scheduler is lost is a traceback; the futures say it in a sentence.
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)

    def alive(self) -> int:
        """Tasks that the workers can run at once now: their threads, one for each process unless others started them.

        Keep no more tasks than that in flight: a task that waits at a worker which dies counts as killed, too.
        """
        if self._cluster is not None:  # it is told of each change
            return sum(worker["nthreads"] for worker in list(self._cluster.scheduler_info["workers"].values()))
        if self._client.status != "running":
            return 0
        if time.monotonic() - self._counted >= _COUNT_HOLDS_S:
            try:
                self._count = sum(self._client.nthreads().values())
            except (OSError, RuntimeError):  # the connection broke while it was asked
                self._count = 0
            self._counted = time.monotonic()
        return self._count

    def close(self, *, now: bool) -> None:
        """End the connection, and the workers if they were started for it; ``now`` abandons what is running.

        A second call does nothing.
        """
        self.executor.shutdown(wait=not now)
        self._client.close(_CLOSE_S)
        if self._cluster is not None:
            self._cluster.close(_CLOSE_S)


def connect(scheduler: str, timeout_s: float) -> DaskWorkers:
    """See `sim.batch.clusters.connect`."""
    address = scheduler if "://" in scheduler else _address_in(Path(scheduler))
    try:
        client = Client(address, timeout=timeout_s, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"no Dask scheduler could be reached at {address} within {timeout_s:g} s: {error or type(error).__name__}"
        ) from error
    return DaskWorkers(client, address)


def _address_in(file: Path) -> str:
    try:
        return str(json.loads(file.read_text())["address"])
    except OSError as error:
        raise UsageError(
            f"the scheduler file {file} cannot be read ({error.strerror}); dask scheduler --scheduler-file {file} "
            "writes it, or give an address such as tcp://10.0.0.1:8786"
        ) from error
    except (ValueError, TypeError, LookupError) as error:
        raise UsageError(f"{file} is no scheduler file of Dask: there is no address in it") from error


def local(processes: int) -> DaskWorkers:
    """See `sim.batch.clusters.local_dask`."""
    with dask.config.set(SCHEDULER_SETTINGS):
        cluster = LocalCluster(
            n_workers=processes,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=LOOPBACK,
            worker_dashboard_address=LOOPBACK,
            memory_limit=0,
            silence_logs=logging.CRITICAL,
            env=WORKER_ENVIRONMENT,
        )
    return DaskWorkers(Client(cluster, set_as_default=False), cluster.scheduler_address, cluster)
