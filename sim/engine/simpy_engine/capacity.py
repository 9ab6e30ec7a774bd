"""Slots of the job and pools of spares in the SimPy engine: who stands in for whom."""

from __future__ import annotations

from sim.engine.simpy_engine.context import Context, Fault
from sim.engine.simpy_engine.shop import Shop, Unit
from sim.kernels.ledger import CAPACITY_WAIT
from sim.plan import COLD, HOT


class Capacity:
    """Slots of the job that stand empty, in the order of their faults, and the idle spares of the pools.

    The job says what it is at: ``bucket`` is where empty slots book to, ``open_to_all`` whether any repaired node may
    fill any empty slot.
    """

    def __init__(self, context: Context, shop: Shop) -> None:
        self.context = context
        self.plan = context.plan
        self.shop = shop
        self.idle = {HOT: self.plan.pools[0].nodes, COLD: self.plan.pools[1].nodes}
        self.bucket = CAPACITY_WAIT
        self.open_to_all = False
        self.empty: list[tuple[int, Fault, Unit | None]] = []
        self.activating: dict[int, float] = {}
        self.idle_since = self.empty_since = 0.0

    @property
    def ready_at(self) -> float:
        """Time at which the last of the spares in activation is active."""
        return max(self.activating.values(), default=0.0)

    def vacate(self, fault: Fault) -> None:
        """A fault takes the node of a slot; a spare that fails before it is active is not waited for."""
        self.empty.append((fault.slot, fault, None))
        self.activating.pop(fault.slot, None)

    def book_idle(self) -> None:
        """Account for the idle spares up to now."""
        self.context.row["spare_idle_node_s"] += sum(self.idle.values()) * (self.context.now - self.idle_since)
        self.idle_since = self.context.now

    def book_empty(self) -> None:
        """Account for the slots whose nodes are in repair up to now."""
        absent = sum(unit is not None for _, _, unit in self.empty)
        self.context.absent[self.bucket] += absent * (self.context.now - self.empty_since)
        self.empty_since = self.context.now

    def is_empty(self, slot: int) -> bool:
        """Whether the node of a slot is down already."""
        return any(slot == empty for empty, _, _ in self.empty)

    def admit_all(self) -> None:
        """Send the nodes that are now known to be down to repair, in the order of their faults."""
        self.book_empty()
        self.empty = [(slot, fault, unit or self.shop.admit(fault, slot)) for slot, fault, unit in self.empty]

    def kill_spare(self, fault: Fault) -> None:
        """A hot spare fails: it is noticed at once."""
        self.book_idle()
        self.idle[HOT] -= 1
        self.shop.admit(fault, -1)

    def take_spares(self) -> None:
        """Call idle spares for all empty slots, those that activate fastest first."""
        self.book_idle()
        for block in self.plan.pool_order:
            count = min(len(self.empty), self.idle[block])
            if count > 0:
                self.idle[block] -= count
                self.context.row["spares_used"] += count
                ready = self.context.now + self.plan.pools[block - 1].activation
                self.activating |= {slot: ready for slot, _, _ in self.empty[:count]}
                self._fill(count)

    def _fill(self, count: int) -> None:
        """Other nodes fill the longest empty slots: their own nodes have none to come back to."""
        self.book_empty()
        for _, _, unit in self.empty[:count]:
            if unit is not None:
                unit.slot = -1
        del self.empty[:count]

    def rejoin(self, unit: Unit) -> None:
        """A repaired node comes back: to its own slot, to the waiting job, or to the fastest pool that is not full."""
        if unit.slot >= 0:
            self.book_empty()
            self.empty = [each for each in self.empty if each[2] is not unit]
        elif self.empty and self.open_to_all:
            self._fill(1)
        else:
            self.book_idle()
            fast, slow = self.plan.pool_order
            room = self.idle[fast] < self.plan.pools[fast - 1].nodes
            self.idle[fast if room else slow] += 1
