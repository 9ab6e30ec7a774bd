"""Nodes in use that will fail again by themselves, in the SimPy engine: each at its reading of a fault clock."""

from __future__ import annotations

from collections.abc import Callable

import simpy

from sim.engine.simpy_engine.clocks import Clock
from sim.engine.simpy_engine.context import Context, Fault, Process


class SecondLives:
    """Nodes that will fail again, each with its fault and when that is due on a fault clock.

    ``strike`` is called with each node that does, and its fault; at one instant in the order in which the lives began,
    after what has a lower ``rank``.
    """

    def __init__(self, context: Context, clock: Clock, rank: int, strike: Callable[[int, Fault], None]) -> None:
        self.context = context
        self.clock = clock
        self.rank = rank
        self.strike = strike
        self.due: dict[int, tuple[float, int]] = {}
        self.faults: dict[int, Fault] = {}
        self.begun = 0
        clock.turned = self._look_again
        self.process = context.env.process(self._tick())

    @property
    def is_due(self) -> bool:
        """Whether a node fails as soon as the clock runs."""
        return any(reading <= self.clock.reading for reading, _ in self.due.values())

    def begin(self, node: int, life: float, fault: Fault) -> None:
        """A node will fail again after a time on the clock, s."""
        self.begun += 1
        self.due[node] = self.clock.reading + life, self.begun
        self.faults[node] = fault
        self._look_again()

    def end(self, node: int) -> None:
        """A node goes down: its second life, if it had one, is over."""
        if self.due.pop(node, None) is not None:
            self._look_again()

    def _look_again(self) -> None:
        if self.context.env.active_process is not self.process:
            self.process.interrupt()

    def _tick(self) -> Process:
        while True:
            try:
                if not self.clock.running or not self.due:
                    yield self.context.env.event()
                node = min(self.due, key=lambda each: self.due[each])
                yield self.context.alarm(self.clock.at(self.due[node][0]), self.rank)
                del self.due[node]
                self.context.count_events()
                self.strike(node, self.faults[node])
            except simpy.Interrupt:
                continue  # another node is the first, or the clock was started or stopped
