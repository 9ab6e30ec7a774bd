"""Nodes that repair only seemed to put in order, in the SimPy engine: they fail again after a life of their own."""

from __future__ import annotations

from collections.abc import Callable

import simpy

from sim.engine.simpy_engine.clocks import Clock
from sim.engine.simpy_engine.context import RELAPSE, Context, Fault, Process
from sim.engine.simpy_engine.shop import Unit
from sim.plan import MEMBER, RELAPSE_LANE, REPAIR, STOP


class Relapses:
    """Bad nodes in use: in the job, or hot spares. The life of each is on the wall fault clock and begins with its use.

    ``strike`` is called with each node that fails again and its fault, one of the source that sent it to repair.
    """

    def __init__(self, context: Context, clock: Clock, strike: Callable[[int, Fault], None]) -> None:
        self.context = context
        self.clock = clock
        self.strike = strike
        self.due: dict[int, tuple[float, int]] = {}
        self.faults: dict[int, Fault] = {}
        self.begun = 0
        clock.turned = self._look_again
        self.process = context.env.process(self._tick())

    def begin_use(self, unit: Unit) -> None:
        """A bad node is in use: its second life begins, unless it has."""
        if unit.node in self.due:
            return
        fault = unit.fault
        block = fault.block + MEMBER * unit.member + 256 * unit.attempt
        u, choice, _, _ = self.context.uniforms(fault.source, block, fault.ordinal, RELAPSE_LANE)
        self.begun += 1
        life = self.context.sample(self.context.plan.relapse, u, choice)
        self.due[unit.node] = self.clock.reading + life, self.begun
        self.faults[unit.node] = Fault(fault.source, block, fault.ordinal, REPAIR, STOP, alone=True)
        self._look_again()

    def end_use(self, node: int) -> None:
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
                yield self.context.alarm(self.clock.at(self.due[node][0]), RELAPSE)
                del self.due[node]
                self.context.count_event()
                self.strike(node, self.faults[node])
            except simpy.Interrupt:
                continue  # another node is the first, or the clock was started or stopped
