"""Nodes of the job that failed and were not taken out, in the SimPy engine: they fail again until they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sim.engine.simpy_engine.clocks import Clock
from sim.engine.simpy_engine.context import RECURRENCE, Context, Fault
from sim.engine.simpy_engine.second_lives import SecondLives
from sim.plan import AGAIN, RECURRENCE_LANE, STOP


class Recurrences(SecondLives):
    """Broken nodes in the job, of which nobody or somebody else was blamed. Each fails again so long after the job
    steps: on the training fault clock. A node that is broken already keeps the worse need.
    """

    def __init__(self, context: Context, clock: Clock, strike: Callable[[int, Fault], None]) -> None:
        super().__init__(context, clock, RECURRENCE, strike)

    def stay(self, node: int, fault: Fault) -> None:
        """A fault struck a node that stays in the job as it is."""
        u, choice, _, _ = self.context.uniforms(fault.source, fault.block, fault.ordinal, RECURRENCE_LANE)
        need = max(fault.need, self.faults[node].need) if node in self.due else fault.need
        again = replace(fault, block=fault.block + AGAIN, need=need, effect=STOP, struck=(), slots=())
        self.begin(node, self.context.sample(self.context.plan.blame.after, u, choice), again)

    def stays(self, node: int, fault: Fault) -> bool:
        """Whether a node is broken by this fault."""
        what = self.faults[node] if node in self.due else None
        return what is not None and (what.source, what.ordinal) == (fault.source, fault.ordinal)
