"""Nodes that repair only seemed to put in order, in the SimPy engine: they fail again after a life of their own."""

from __future__ import annotations

from collections.abc import Callable

from sim.engine.simpy_engine.clocks import Clock
from sim.engine.simpy_engine.context import RELAPSE, Context, Fault
from sim.engine.simpy_engine.second_lives import SecondLives
from sim.engine.simpy_engine.shop import Unit
from sim.plan import MEMBER, RELAPSE_LANE, REPAIR, STOP


class Relapses(SecondLives):
    """Bad nodes in use: in the job, or hot spares. The life of each is on the wall fault clock and begins with its use.

    Each fails by a fault of the source that sent it to repair.
    """

    def __init__(self, context: Context, clock: Clock, strike: Callable[[int, Fault], None]) -> None:
        super().__init__(context, clock, RELAPSE, strike)

    def begin_use(self, unit: Unit) -> None:
        """A bad node is in use: its second life begins, unless it has."""
        if unit.node in self.due:
            return
        fault = unit.fault
        block = fault.block + MEMBER * unit.member + 256 * unit.attempt
        u, choice, _, _ = self.context.uniforms(fault.source, block, fault.ordinal, RELAPSE_LANE)
        life = self.context.sample(self.context.plan.relapse, u, choice)
        self.begin(unit.node, life, Fault(fault.source, block, fault.ordinal, REPAIR, STOP, alone=True))
