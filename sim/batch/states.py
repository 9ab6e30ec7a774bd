"""What is known of each case of a sweep: which replications are there, and which are still wanted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sim.batch.journal import Blocks, Content
from sim.batch.work import Piece, Resolved
from sim.study.doubts import few, heavy_tailed
from sim.study.levelled import levelled_time
from sim.study.looks import FIRST_LOOK
from sim.study.statistics import ratio

LOOKED_AT = ("work_done_s", "wall_s", "interruptions", "excess_s")
"""Columns that decide whether a case is precise enough."""

Totals = npt.NDArray[np.float64]


@dataclass
class State:
    """One case.

    Parameters
    ----------
    case : Resolved
    totals : array of float64, shape (4, n)
        ``LOOKED_AT`` of the replications that are wanted now, NaN where one has not been run.
    deaths : int
        Workers that it has lost in turn.
    why_failed : str or None
    """

    case: Resolved
    totals: Totals
    deaths: int = 0
    why_failed: str | None = None

    @property
    def n(self) -> int:
        """Replications that are wanted now."""
        return int(self.totals.shape[1])

    @property
    def complete(self) -> bool:
        """Whether all replications that are wanted now are there."""
        return not np.isnan(self.totals).any()

    @property
    def precise(self) -> bool:
        """Whether ETTR is as precise as asked for, as `sim run` decides it."""
        done, wall, interruptions, excess = self.totals
        time = levelled_time(wall, excess)
        if self.case.faults > 0 and (few(interruptions) or heavy_tailed(done, time)):
            return False
        return ratio(done, time, self.case.confidence, most=1.0).half_width <= self.case.half_width

    def fill(self, first: int, totals: Totals) -> None:
        """Put totals of replications in their places; what nobody has asked for yet comes again from the journal."""
        end = min(first + totals.shape[1], self.n)
        if end > first:
            self.totals[:, first:end] = totals[:, : end - first]

    def missing(self) -> Iterator[tuple[int, int]]:
        """Give the replications that are missing: first and count of each stretch."""
        edges = np.flatnonzero(np.diff(np.isnan(self.totals[0]), prepend=False, append=False))
        for first, end in edges.reshape(-1, 2):
            yield int(first), int(end - first)


class States:
    """All cases, with what a journal has of them.

    Parameters
    ----------
    cases : sequence of Resolved
        In their order. Those that are the same share a state, and are run once.
    path : Path
        The journal.
    content : Content
        What it says; the journal goes on adding to it.
    replications : int or None
        Of each case; None for as many as its precision takes.
    """

    def __init__(self, cases: Sequence[Resolved], path: Path, content: Content, replications: int | None) -> None:
        self._path, self._content, self.replications = path, content, replications
        self.cases = cases
        self._first: dict[str, int] = {}
        self._states: dict[int, State] = {}
        self.open: set[int] = set()
        self.todo: list[Piece] = []
        blocks = Blocks(path, content)
        for number, case in enumerate(cases):
            if self._first.setdefault(case.identity, number) != number:
                continue
            wanted = replications or min(FIRST_LOOK, case.most)
            state = State(case, np.full((len(LOOKED_AT), wanted), np.nan), why_failed=content.failed.get(case.identity))
            self._states[number] = state
            if state.why_failed is None:
                self._recall(state, blocks)
                self.open.add(number)
                self.todo += self.look(number, blocks)

    def __getitem__(self, number: int) -> State:
        """Give the state of a case."""
        return self._states[self._first[self.cases[number].identity]]

    def __len__(self) -> int:
        return len(self._states)

    @property
    def failed(self) -> int:
        """Cases that were given up."""
        return sum(state.why_failed is not None for state in self._states.values())

    @property
    def done(self) -> int:
        """Cases that have all their replications."""
        return len(self) - len(self.open) - self.failed

    def look(self, number: int, blocks: Blocks | None = None) -> list[Piece]:
        """Decide whether a case is done; otherwise give the pieces that it needs."""
        state = self[number]
        while state.complete:
            if self.replications or state.n >= state.case.most or state.precise:
                self.open.discard(number)
                return []
            more = min(state.n, state.case.most - state.n)
            state.totals = np.hstack([state.totals, np.full((len(LOOKED_AT), more), np.nan)])
            self._recall(state, blocks or Blocks(self._path, self._content))
        return [Piece(number, first, count) for first, count in state.missing()]

    def give_up(self, number: int, why: str) -> None:
        """Do without a case."""
        self[number].why_failed = why
        self.open.discard(number)

    def _recall(self, state: State, blocks: Blocks) -> None:
        """Fill in what the journal has and the state has not."""
        for run in self._content.runs.get(state.case.identity, ()):
            if np.isnan(state.totals[0, run.first : run.first + run.count]).any():
                names = blocks.columns(run)
                state.fill(run.first, blocks.values(run)[[names.index(name) for name in LOOKED_AT]])
