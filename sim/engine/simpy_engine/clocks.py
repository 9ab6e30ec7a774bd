"""Fault clocks in the SimPy engine: when the faults on wall time and those on training time strike."""

from __future__ import annotations

from collections.abc import Callable

import simpy

from sim.engine.simpy_engine.context import FAULT, Context, Process
from sim.kernels.laws import EXPONENTIAL, duration
from sim.plan import Lane


class Clock:
    """The faults of one clock. It reads the time during which it ran; faults are due at its readings.

    ``strike`` is called with each fault: its lane, its ordinal, and uniforms for its slot and its need.
    """

    def __init__(self, context: Context, clock: int, strike: Callable[[Lane, int, float, float, float], None]) -> None:
        self.context = context
        self.strike = strike
        self.lanes = [(i, lane) for i, lane in enumerate(context.plan.lanes) if lane.clock == clock]
        self.running = False
        self.read = self.since = 0.0
        self.next = {i: self._draw(lane, 0, 0.0) for i, lane in self.lanes}
        self.process = context.env.process(self._tick())

    def _draw(self, lane: Lane, ordinal: int, last: float) -> tuple[float, int, float, float, float]:
        """The next fault of a lane: when it is due, its ordinal, and uniforms for its slot, need and effect."""
        a, slot, need, effect = self.context.uniforms(lane.source, lane.block, ordinal, 0)
        mean = lane.mean * self.context.stretch[lane.source]
        return last + duration(EXPONENTIAL, mean, 0.0, a), ordinal, slot, need, effect

    def _tick(self) -> Process:
        while True:
            try:
                if not self.running or not self.lanes:
                    yield self.context.env.event()
                i, lane = min(self.lanes, key=lambda each: self.next[each[0]][0])
                due, ordinal, slot, need, effect = self.next[i]
                yield self.context.alarm(self.since + (due - self.read), FAULT + lane.source)
                self.next[i] = self._draw(lane, ordinal + 1, due)
                self.context.count_event()
                self.strike(lane, ordinal, slot, need, effect)
            except simpy.Interrupt:
                continue  # the clock was started or stopped

    def turn(self, on: bool) -> None:
        """Start or stop the clock now."""
        if on == self.running:
            return
        if on:
            self.since = self.context.now
        else:
            self.read += self.context.now - self.since
        self.running = on
        if self.lanes:
            self.process.interrupt()
