"""Faults that are known before they strike, in the SimPy engine."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from itertools import count
from typing import NamedTuple

import simpy

from sim.engine.simpy_engine.context import KNOWN_FAULT, Context, Fault, Process


class Notice(NamedTuple):
    """A fault that will strike a node (-1: the job) or, if its block is ``DOMAIN``, a domain, ``due`` at the latest."""

    due: float
    fault: Fault
    number: int


class Notices:
    """The faults that are known and have not struck yet. They strike when they are due, or when the job stops before.

    ``strike`` is called with each; the others strike once the job has stopped for it.
    """

    def __init__(self, context: Context, strike: Callable[[Notice], None]) -> None:
        self.context = context
        self.strike = strike
        self.pending: list[tuple[float, int, Notice]] = []
        self.order = count()
        self.process = context.env.process(self._tick())

    @property
    def due(self) -> float:
        """When the first of them strikes."""
        return self.pending[0][0] if self.pending else math.inf

    @property
    def first(self) -> Notice:
        """The one that is due first; of several the one that was known first."""
        return self.pending[0][2]

    def add(self, notice: Notice) -> None:
        """A fault is known."""
        heapq.heappush(self.pending, (notice.due, next(self.order), notice))
        self._look_again()

    def strike_first(self) -> None:
        """The one that is due first strikes."""
        _, _, notice = heapq.heappop(self.pending)
        self._look_again()
        self.strike(notice)

    def _look_again(self) -> None:
        if self.context.env.active_process is not self.process:
            self.process.interrupt()

    def _tick(self) -> Process:
        while True:
            try:
                if not self.pending:
                    yield self.context.env.event()
                yield self.context.alarm(self.due, KNOWN_FAULT)
                self.context.count_events()
                self.strike_first()
            except simpy.Interrupt:
                continue  # another one is the first, or none is left
