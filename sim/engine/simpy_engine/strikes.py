"""A fault that is due: what the streams of faults hand to their clock."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple, Protocol

from sim.engine.simpy_engine.context import Fault
from sim.plan import Lane


class Strike(NamedTuple):
    """A fault that is due at a reading of its clock: its ordinal, what it strikes (a node, domain or component by
    number, -1: the job), and uniforms for its need and its effect.
    """

    due: float
    ordinal: int
    number: int
    need: float
    effect: float


class Stream(Protocol):
    """The faults of a lane, one after another."""

    lane: Lane
    next: Strike

    def advance(self, held: bool) -> None:
        """The next fault has struck; ``held``: the component that failed is out until its node comes back."""

    def come_back(self, fault: Fault, renewed: bool, reading: float) -> None:
        """The node of a component that failed is back."""

    def renew_node(self, node: int, held: Collection[int], reading: float) -> None:
        """A node is back with all components new: those that failed (``held``) have been dealt with."""

    def renew_all(self, reading: float) -> None:
        """An incident is over at a reading of the clock."""
