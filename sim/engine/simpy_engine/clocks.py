"""Fault clocks in the SimPy engine: when the faults on wall time and those on training time strike."""

from __future__ import annotations

from collections.abc import Callable, Collection

import simpy

from sim.engine.simpy_engine.ages import Components, Pool
from sim.engine.simpy_engine.context import FAULT, Context, Fault, Process
from sim.engine.simpy_engine.strikes import Stream, Strike
from sim.kernels.calendar import due_at
from sim.kernels.laws import gap
from sim.plan import Lane


class Poisson:
    """Faults at exponential gaps."""

    def __init__(self, context: Context, lane: Lane) -> None:
        self.context = context
        self.lane = lane
        self.next = self._draw(0, 0.0)

    def _draw(self, ordinal: int, last: float) -> Strike:
        a, slot, need, effect = self.context.uniforms(self.lane.source, self.lane.block, ordinal, 0)
        number = int(slot * self.lane.slots) if self.lane.slots > 0 else -1
        mean = self.lane.mean * self.context.stretch[self.lane.source]
        return Strike(last + gap(mean, a), ordinal, number, need, effect)

    def advance(self, held: bool) -> None:
        """The next fault has struck."""
        self.next = self._draw(self.next.ordinal + 1, self.next.due)

    def come_back(self, fault: Fault, renewed: bool, reading: float) -> None:
        """An exponential has no age."""

    def renew_node(self, node: int, held: Collection[int], reading: float) -> None:
        """An exponential has no age."""

    def renew_all(self, reading: float) -> None:
        """An exponential has no age."""


class Planned:
    """Domains in turn, by the calendar."""

    def __init__(self, context: Context, lane: Lane) -> None:
        self.context = context
        self.lane = lane
        self.next = self._draw(0)

    def _draw(self, ordinal: int) -> Strike:
        assert self.lane.calendar is not None
        plan, slots = self.lane.calendar, self.lane.slots
        due = due_at(ordinal, slots, plan.first, plan.every, plan.width, plan.step)
        _, _, need, effect = self.context.uniforms(self.lane.source, self.lane.block, ordinal, 0)
        return Strike(due, ordinal, ordinal % slots, need, effect)

    def advance(self, held: bool) -> None:
        """A domain was due: the next is."""
        self.next = self._draw(self.next.ordinal + 1)

    def come_back(self, fault: Fault, renewed: bool, reading: float) -> None:
        """A calendar has no age."""

    def renew_node(self, node: int, held: Collection[int], reading: float) -> None:
        """A calendar has no age."""

    def renew_all(self, reading: float) -> None:
        """A calendar has no age."""


class Clock:
    """The faults of one clock. It reads the time during which it ran; faults are due at its readings.

    ``strike`` is called with each fault and its lane, and says whether the component that failed is held; ``turned`` is
    called when the clock was started or stopped.
    """

    def __init__(self, context: Context, clock: int, strike: Callable[[Lane, Strike], bool]) -> None:
        self.context = context
        self.strike = strike
        self.turned: Callable[[], None] = lambda: None
        self.streams = [self._stream(lane) for lane in context.plan.lanes if lane.clock == clock]
        self.running = False
        self.read = self.since = 0.0
        self.process = context.env.process(self._tick())

    def _stream(self, lane: Lane) -> Stream:
        if lane.calendar is not None:
            return Planned(self.context, lane)
        if lane.life < 0:
            return Poisson(self.context, lane)
        return (Pool if self.context.plan.lives[lane.life].pooled else Components)(self.context, lane)

    @property
    def reading(self) -> float:
        """What the clock reads now."""
        return self.read + (self.context.now - self.since) if self.running else self.read

    def _tick(self) -> Process:
        while True:
            try:
                if not self.running or not self.streams:
                    yield self.context.env.event()
                stream = min(self.streams, key=lambda each: each.next.due)
                yield self.context.alarm(self.at(stream.next.due), FAULT + stream.lane.source)
                self.context.count_events()
                stream.advance(self.strike(stream.lane, stream.next))
            except simpy.Interrupt:
                continue  # the clock was started or stopped, or a component came back

    def at(self, reading: float) -> float:
        """When the clock, which runs, will read that."""
        return self.since + (reading - self.read)

    def turn(self, on: bool) -> None:
        """Start or stop the clock now."""
        if on == self.running:
            return
        if on:
            self.since = self.context.now
        else:
            self.read += self.context.now - self.since
        self.running = on
        self.look_again()
        self.turned()

    def look_again(self) -> None:
        """When the next fault is due may have changed."""
        if self.streams:
            self.process.interrupt()

    def come_back(self, fault: Fault, renewed: bool) -> None:
        """The node of a component is back; ``renewed``: what failed was replaced."""
        for stream in self.streams:
            if stream.lane.source == fault.source:
                stream.come_back(fault, renewed, self.reading)
                self.look_again()

    def renew_node(self, node: int, held: Collection[tuple[int, int]]) -> None:
        """A node is back with all components new; ``held`` are those that failed, by source and number."""
        for stream in self.streams:
            failed = {component for source, component in held if source == stream.lane.source}
            stream.renew_node(node, failed, self.reading)
        self.look_again()

    def renew_all(self) -> None:
        """An incident is over."""
        for stream in self.streams:
            stream.renew_all(self.reading)
        self.look_again()
