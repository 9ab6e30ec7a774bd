"""Many replications of a plan in the compiled engine, on several threads, with a way to stop."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.engine.compiled.layout import PLAIN, STATE, Ages, ages, pack
from sim.engine.compiled.loop import run_full, run_plain
from sim.engine.compiled.ready import see_ready
from sim.engine.compiled.units import Units, units
from sim.engine.inputs import stretches
from sim.engine.state import INCIDENT, MARKS, ROW, Floats, StopReason
from sim.errors import SimError
from sim.kernels._cache import is_kept
from sim.kernels._jit import INTERPRETED
from sim.plan import Plan

BUDGET = 200_000
"""Events between two looks at whether to stop: some 0.1 s."""

CHUNK = 16
"""Replications that a thread takes at a time."""

Records = npt.NDArray[np.void]


class Runner:
    """A plan, packed once, and how to run replications of it.

    Parameters
    ----------
    plan : Plan
    jobs : int
        Threads, at least 1. The compiled code holds no lock.
    """

    def __init__(self, plan: Plan, jobs: int = 1) -> None:
        self._plan = plan
        self._packed = pack(plan)
        self._jobs = jobs
        self._stop = threading.Event()
        self._local = threading.local()
        self._loop = run_plain if self._packed.dtype == PLAIN else run_full

    def is_compiled(self) -> bool:
        """Whether the engine is compiled for this plan, on this machine."""
        return INTERPRETED or is_kept(self._loop)

    def see_compiled(self) -> float:
        """Compile the engine for this plan, unless it is; ``run`` does that, too. Returns how long it took, s."""
        return 0.0 if INTERPRETED else see_ready(self._loop, self._run_none)

    def run(self, first: int, count: int, marks: Floats | None = None) -> Records:
        """Run replications ``first`` to ``first + count - 1``.

        Parameters
        ----------
        first, count : int
            Replications are numbered from 0; a replication's result does not depend on which others run.
        marks : array of float64, shape (count, periods, 4), optional
            Room for the totals at the ends of periods (``sim.engine.state.MARKS``), written in place.

        Returns
        -------
        array of ``ROW``, shape (count,)
            In the order of the replications.
        """
        self.see_compiled()
        self._stop.clear()
        rows = np.zeros(count, ROW)
        starts = range(0, count, CHUNK)

        def chunk(start: int) -> None:
            part = slice(start, start + CHUNK)
            self._run_chunk(first + start, rows[part], _room(marks, part), np.zeros(0, INCIDENT))

        if self._jobs == 1 or len(starts) == 1:
            for start in starts:
                chunk(start)
            return rows
        with ThreadPoolExecutor(self._jobs) as pool:
            try:
                for _ in pool.map(chunk, starts):
                    pass
            except BaseException:
                self._stop.set()
                pool.shutdown(cancel_futures=True)
                raise
        return rows

    def run_one(self, replication: int, marks: Floats | None = None) -> tuple[np.void, Records]:
        """Run one replication with its incidents, as ``sim.engine.simpy_engine.run_one`` does."""
        self.see_compiled()
        self._stop.clear()
        rows = np.zeros(1, ROW)
        room = 1024
        while True:
            log = np.zeros(room, INCIDENT)
            used = self._run_chunk(replication, rows, _room(None if marks is None else marks[None], slice(1)), log)
            if used <= room:
                return rows[0], log[:used]
            room = used

    def _run_none(self) -> None:
        """Run no replication, which compiles all that runs them."""
        none = np.zeros(0, ROW), _room(None, slice(0)), np.zeros(0, INCIDENT)
        self._call(*self._workspace(), stretches(self._plan, 0, 0), *none, 0, 0, 0, BUDGET)

    def _call(self, *arguments: Any) -> int:
        """Call the loop; where it runs as plain Python, with records whose fields are attributes."""
        arguments = self._packed, *arguments
        return int(self._loop(*(map(_with_attributes, arguments) if INTERPRETED else arguments)))

    def _run_chunk(self, first: int, rows: Records, marks: Floats, log: Records) -> int:
        """Run one chunk to its end, or until somebody asks to stop. Returns the number of incidents."""
        state, room, old = self._workspace()
        _renew(state)
        stretch = stretches(self._plan, first, len(rows))
        done = 0
        while done < len(rows) and not self._stop.is_set():
            done = self._call(state, room, old, stretch, rows, marks, log, first, done, len(rows), BUDGET)
            if state["overflow"][0]:
                raise SimError("a container of the compiled engine is full: this is a bug, please report the scenario")
            if state["crowded"][0]:
                room = room.with_notices(2 * len(room.notices))
                self._local.arrays = state, room, old
                _renew(state)
        return int(state["logged"][0])

    def _workspace(self) -> tuple[Records, Units, Ages]:
        """State, units and components of this thread."""
        if not hasattr(self._local, "arrays"):
            self._local.arrays = np.zeros(1, STATE), units(self._plan), ages(self._plan)
        arrays: tuple[Records, Units, Ages] = self._local.arrays
        return arrays


def _renew(state: Records) -> None:
    """Set a state so that the next run begins, and its incidents are the first."""
    state["logged"] = 0
    state["reason"] = int(StopReason.DONE)
    state["overflow"] = state["crowded"] = False


def _with_attributes(argument: Any) -> Any:
    """Return arrays of records, also those of a named tuple, as views whose fields are attributes."""
    if isinstance(argument, tuple):
        return type(argument)(*map(_with_attributes, argument))
    return argument.view(np.recarray) if getattr(argument, "dtype", None) and argument.dtype.names else argument


def _room(marks: Floats | None, part: slice) -> Floats:
    """The marks of a chunk: no periods where there is no room for them."""
    return np.empty((0, 0, len(MARKS))) if marks is None else marks[part]
