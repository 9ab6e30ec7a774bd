"""The driver: cuts cases into tasks, gives them to workers, keeps what comes back, and goes on whatever dies."""

from __future__ import annotations

import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass

from sim.batch.journal import Journal, unpacked
from sim.batch.states import LOOKED_AT, States
from sim.batch.stop import Stop
from sim.batch.work import Block, Done, Piece, Resolved, Task, model, run_task
from sim.batch.workers import Flights, Workers
from sim.errors import LostError

MOST_TRIES = 3
"""Workers that one case may lose in turn before it is given up."""

SHORTEST_TASK_S = 1.0
LONGEST_TASK_S = 10.0
"""How long a task should take: long beside what giving it costs (4 to 9 ms with Dask), short beside what is lost with a
worker. Its worker holds it to the longest, whatever was expected of it: only one replication may take longer.
"""

FOR_EACH_WORKER_S = 0.01
"""Time of a task, at least, for each worker there is: a driver gives and takes some 100 tasks a second (measured with
Dask: 4 to 11 ms each), and must not be what workers wait for.
"""

MOST_ROWS = 20_000
"""Replications of a task, however short they are: 14 MB until they are compressed."""

GRACE_S = 5.0
"""How long tasks on the way may still end when the driver is asked to stop. Batch systems wait 30 s before they kill
(Slurm's KillWait).
"""

AFTER_CTRL_C_S = 0.5
"""The same after Ctrl-C: somebody waits."""

PER_FAULT_S = 500e-9
"""Cost of a fault on one core, before any task has ended."""

OF_A_REPLICATION = 40
"""Faults that the start and end of a replication cost as much as."""


@dataclass(frozen=True)
class Progress:
    """How far a sweep is: cases, replications of this session, the time since its start and left, s, workers alive.

    While cases are planned, ``planned`` is how many are; then None.
    """

    cases: int
    done: int
    failed: int
    replications: int
    elapsed_s: float
    left_s: float | None
    workers: int
    planned: int | None = None


def weight(case: Resolved, replications: int) -> float:
    """What replications of a case cost, in faults."""
    return replications * (case.faults + OF_A_REPLICATION)


class Driver:
    """Drives cases to their ends.

    Parameters
    ----------
    states : States
        What is wanted, and there.
    journal : Journal
        Open; what comes back is kept there.
    workers : Workers
    progress : callable
        Called often.
    stop : Stop
        Looked at often.
    """

    def __init__(
        self, states: States, journal: Journal, workers: Workers, progress: Callable[[Progress], None], stop: Stop
    ) -> None:
        self.states = states
        self.stop = stop
        self.deaths = 0
        self.tasks = 0
        self.replications = 0
        self.worker_seconds = 0.0
        self.hosts: set[str] = set()
        self._journal, self._workers, self._report = journal, workers, progress
        self._started = time.monotonic()
        self._cost_s, self._weighed = PER_FAULT_S, 0.0
        self._todo: deque[Piece] = deque()
        self._suspects: deque[Piece] = deque()
        self._left = 0.0
        self._broken: LostError | None = None
        self._put(states.todo)

    def drive(self) -> None:
        """Run what is missing, until all is there, or somebody asks to stop.

        Raises
        ------
        LostError
            If the workers are gone.
        UsageError
            If the journal cannot be written.
        """
        flights: Flights[Task] = Flights(self._workers)
        until = float("inf")
        while self._todo or self._suspects or len(flights):
            if self.stop.number:
                grace = AFTER_CTRL_C_S if self.stop.number == signal.SIGINT else GRACE_S
                until = min(until, time.monotonic() + grace)
                if not len(flights) or time.monotonic() > until:
                    return
            else:
                self._give(flights)
            ended = flights.ended(0.25)
            for task, future in ended:
                self._take(task, future)
            if ended:
                self._journal.flush()
            if self._broken is not None:
                raise self._broken
            self._report(self.progress())

    def progress(self) -> Progress:
        """Say how far it is."""
        elapsed = time.monotonic() - self._started
        alive = self._workers.alive()
        left = self._left * self._cost_s / alive if alive and self._weighed else None
        states = self.states
        return Progress(len(states), states.done, states.failed, self.replications, elapsed, left, alive)

    def _put(self, pieces: Iterable[Piece]) -> None:
        for piece in pieces:
            self._todo.append(piece)
            self._left += self._weight(piece)

    def _weight(self, piece: Piece) -> float:
        return weight(self.states[piece.case].case, piece.count)

    def _give(self, flights: Flights[Task]) -> None:
        """Give tasks to all workers that wait for one."""
        while (self._todo or self._suspects) and flights.room:
            task = self._next_task()
            try:
                flights.start(task, run_task, task)
            except RuntimeError as error:  # a pool that is broken or closed
                raise _lost(error) from None

    def _next_task(self) -> Task:
        """Pieces that take a second and more together; one that was there when a worker died is alone."""
        pieces = [self._suspects.popleft()] if self._suspects else list(self._enough())
        plans = tuple(self.states[piece.case].case.plan for piece in pieces)
        return Task(model(), tuple(pieces), plans, max(LONGEST_TASK_S, self._shortest_s))

    @property
    def _shortest_s(self) -> float:
        """Time of a task that leaves the driver time for all workers."""
        return max(1, self._workers.alive()) * FOR_EACH_WORKER_S

    def _enough(self) -> Iterator[Piece]:
        """Pieces of the list for one task: long ones at first, short ones at the end, so that all workers end alike."""
        alive = max(1, self._workers.alive())
        seconds = min(max(self._left * self._cost_s / (4 * alive), SHORTEST_TASK_S), LONGEST_TASK_S)
        left = max(seconds, self._shortest_s) / self._cost_s
        rows = MOST_ROWS
        while self._todo and left > 0 and rows > 0:
            piece = self._todo.popleft()
            fits = min(max(1, int(left * piece.count / self._weight(piece))), rows)
            piece, rest = piece.cut(fits)
            self._todo.extendleft(rest)
            yield piece
            left -= self._weight(piece)
            rows -= piece.count

    def _take(self, task: Task, future: Future[Done]) -> None:
        """Take what became of a task."""
        try:
            done = future.result()
        except self._workers.died as error:
            self._died(task, f"its worker died ({type(error).__name__})")
        except (MemoryError, OSError) as error:
            self._died(task, f"{type(error).__name__}: {error}")
        except (CancelledError, RuntimeError, LostError) as error:
            self._broken = _lost(error)  # what came back beside it is kept first
        else:
            self._done(task, done)

    def _done(self, task: Task, done: Done) -> None:
        not_run = sum(self._weight(piece) for piece in done.left)
        self._learn(sum(self._weight(piece) for piece in task.pieces) - not_run, done)
        self._todo.extendleft(reversed(done.left))
        failed = dict(done.failed)
        for case in {piece.case for piece in done.left if self.states[piece.case].why_failed is not None}:
            self._drop(case)
        for case, why in failed.items():
            self._give_up(case, why)
        for block in done.blocks:
            self._keep(block)
        for case in {piece.case for piece in task.pieces} - failed.keys():
            state = self.states[case]
            state.deaths = 0
            if state.complete and case in self.states.open:
                self._put(self.states.look(case))

    def _learn(self, weighed: float, done: Done) -> None:
        """Learn what a fault costs; recent tasks count most, as cases far from the first ones may cost more."""
        self._left = max(0.0, self._left - weighed)
        self._cost_s = (self._cost_s * self._weighed + done.seconds) / (self._weighed + weighed)
        self._weighed = 0.9 * (self._weighed + weighed)
        self.tasks += 1
        self.worker_seconds += done.seconds
        self.hosts.add(done.host)

    def _keep(self, block: Block) -> None:
        self._journal.block(block, [self.states[piece.case].case.identity for piece in block.pieces])
        counts = [piece.count for piece in block.pieces]
        values = unpacked(block.data, len(block.columns), sum(counts))
        values = values[[block.columns.index(name) for name in LOOKED_AT]]
        start = 0
        for piece in block.pieces:
            self.states[piece.case].fill(piece.first, values[:, start : start + piece.count])
            start += piece.count
        self.replications += start

    def _died(self, task: Task, why: str) -> None:
        """Run what was in the hands of a worker that died again: each piece alone, to find out which one kills."""
        self.deaths += 1
        if len(task.pieces) == 1:
            case = task.pieces[0].case
            self.states[case].deaths += 1
            if self.states[case].deaths >= MOST_TRIES:
                self._give_up(case, f"{why}, {MOST_TRIES} times in turn")
        for piece in task.pieces:
            if self.states[piece.case].why_failed is None:
                self._suspects.append(piece)
            else:
                self._left -= self._weight(piece)

    def _give_up(self, case: int, why: str) -> None:
        """Do without a case."""
        if self.states[case].why_failed is not None:
            return
        self.states.give_up(case, why)
        self._journal.given_up(self.states[case].case.identity, why)
        self._drop(case)

    def _drop(self, case: int) -> None:
        """Forget what is still to be done for a case."""
        for todo in (self._todo, self._suspects):
            for piece in [piece for piece in todo if piece.case == case]:
                todo.remove(piece)
                self._left -= self._weight(piece)


def _lost(error: BaseException) -> LostError:
    if isinstance(error, LostError):
        return error
    reason = str(error) or type(error).__name__
    return LostError(f"the workers are gone ({reason}); what is done is safe: the same command goes on from there")
