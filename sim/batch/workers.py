"""Where tasks run: an executor, and what a driver must know of it."""

from __future__ import annotations

import os
import queue
import signal
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from sim.batch.stop import kept_from_children
from sim.batch.work import alone
from sim.errors import LostError

K = TypeVar("K")

MOST_STARTS = 3
"""Starts of a local process in turn that may fail."""


@runtime_checkable
class Workers(Protocol):
    """An executor with its workers.

    Attributes
    ----------
    executor : concurrent.futures.Executor
        Takes functions and arguments that can be pickled.
    died : tuple of exception types
        What a future raises when the worker that ran it is gone; the executor then takes tasks all the same.
    reserve : float
        Tasks that may wait at the executor, as a share of its workers.
    """

    executor: Executor
    died: tuple[type[BaseException], ...]
    reserve: float

    def alive(self) -> int:
        """Workers that can take a task now."""
        ...

    def close(self, *, now: bool) -> None:
        """End the workers; ``now`` abandons what is running."""
        ...


class LocalWorkers(Executor):
    """Processes of this machine, each a pool of its own: one that dies takes nothing with it, and is started again.

    Parameters
    ----------
    count : int
        Processes, at least 1.
    """

    died: tuple[type[BaseException], ...] = (BrokenExecutor,)
    reserve = 0.0

    def __init__(self, count: int) -> None:
        self.executor: Executor = self
        self._lanes = [_Lane() for _ in range(count)]

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Give a task to a process, one that is idle if there is one."""
        lane = next((lane for lane in self._lanes if lane.idle), self._lanes[0])
        return lane.submit(fn, *args, **kwargs)

    def alive(self) -> int:
        """Give the number of processes: those that died are started again with their next task."""
        return len(self._lanes)

    def close(self, *, now: bool) -> None:
        """End the processes."""
        for lane in self._lanes:
            lane.close(now=now)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes, as every executor does."""
        self.close(now=not wait)


class _Lane:
    """One process, made again when it died."""

    def __init__(self) -> None:
        self._last: Future[Any] | None = None
        self._open()

    @property
    def idle(self) -> bool:
        return self._last is None or self._last.done()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Give a task to the process; one that does not even start is not held against the task."""
        for _ in range(MOST_STARTS):
            try:
                self._process.result()
                self._last = self._pool.submit(fn, *args, **kwargs)
            except BrokenExecutor:
                self.close(now=True)
                self._open()
            else:
                return self._last
        raise LostError(
            "worker processes do not start; what is done is safe. A script that sweeps does so below "
            'if __name__ == "__main__": for its workers read it, too'
        )

    def _open(self) -> None:
        # Spawned, not forked: the driver may have threads.
        with kept_from_children():
            self._pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=alone)
            self._process = self._pool.submit(os.getpid)

    def close(self, *, now: bool) -> None:
        if now and not self.idle:
            with suppress(BrokenExecutor, ProcessLookupError):
                os.kill(self._process.result(), signal.SIGKILL)
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._last = None


class Borrowed:
    """An executor that somebody else made, and will close.

    Parameters
    ----------
    executor : concurrent.futures.Executor
        A pool that breaks as a whole when a worker dies ends the sweep, which then can be resumed.
    count : int, optional
        Its workers; where left out, what the executor says, else 1.
    """

    died: tuple[type[BaseException], ...] = ()
    reserve = 1.0

    def __init__(self, executor: Executor, count: int | None = None) -> None:
        self.executor = executor
        self._count = count or int(getattr(executor, "_max_workers", 1))

    def alive(self) -> int:
        """Give the number of workers at the start."""
        return self._count

    def close(self, *, now: bool) -> None:
        """Leave the executor as it is."""


class Flights(Generic[K]):
    """Calls on the way: given to workers, and taken back as they end.

    A call that ended is forgotten here: an executor that keeps what somebody may still ask for (Dask) would run it
    again when the worker that holds its result dies.
    """

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._ended: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()
        self._flying: dict[Future[Any], K] = {}

    def __len__(self) -> int:
        return len(self._flying)

    @property
    def room(self) -> bool:
        """Whether a worker waits for a call."""
        alive = self._workers.alive()
        return len(self._flying) < alive + int(alive * self._workers.reserve)

    @property
    def calls(self) -> list[K]:
        """Calls that have not ended."""
        return list(self._flying.values())

    def start(self, what: K, function: Callable[..., Any], *arguments: Any) -> None:
        """Give a call to the workers; ``what`` comes back with its end."""
        future = self._workers.executor.submit(function, *arguments)
        self._flying[future] = what
        future.add_done_callback(self._ended.put)

    def ended(self, wait: float) -> list[tuple[K, Future[Any]]]:
        """Give the calls that have ended, after waiting for the first one so many seconds at most."""
        found = []
        with suppress(queue.Empty):
            found.append(self._ended.get(timeout=wait))
            while True:
                found.append(self._ended.get_nowait())
        return [(self._flying.pop(future), future) for future in found]
