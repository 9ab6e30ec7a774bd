"""What the job saves and what it falls back to in the SimPy engine: one store in closed form, or several."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from sim.engine.simpy_engine.context import Context, Fault
from sim.engine.tiers import SLOTS, VERSIONS, pack_stores
from sim.kernels import ledger, survival, tiers
from sim.kernels.saves import Segment, last_save_durable, make_segment, stepping_until, work_end


class OneStore:
    """At most one store, never lost: what happens between two interruptions follows from the times of both.

    ``step`` is the progress of the version that the job goes on from, ``index`` the whole intervals in it.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self.plan = context.plan
        self.step, self.index = 0.0, 0
        self.segment = Segment(0.0, 0.0, 0, 0.0, 0, 0.0, 0.0)

    def resume(self) -> None:
        """The job steps from the restored version on."""
        plan = self.plan
        self.segment = make_segment(
            self.context.now, self.step, self.index, plan.has_store, plan.work, plan.last_save, plan.pattern
        )

    def ends(self) -> Iterator[float]:
        """The time at which the segment ends by itself."""
        yield (last_save_durable if self.plan.final_save else work_end)(self.segment, self.plan.pattern)

    def halt(self) -> tuple[float, float]:
        """A fault ends the segment: the newest durable version will be restored. Returns progress, and what is lost."""
        progress = self.step + stepping_until(self.context.now, self.segment, self.plan.pattern)[1]
        productive, stall, slowdown, lost, durable, self.step, self.index = ledger.interrupted(
            self.context.now, self.segment, self.plan.pattern
        )
        self._book(productive, stall, slowdown)
        self.context.ledger[ledger.LOST_WORK] += lost
        self.context.row["saves"] += durable
        return progress, lost

    def lose(self, fault: Fault) -> float:
        """No fault loses versions."""
        return 0.0

    def swap(self, slot: int) -> None:
        """No version is on a node."""

    def fall_back(self) -> float:
        """The version to restore is known since the fault."""
        return 0.0

    def read_time(self) -> float:
        """Seconds to read the restored version; none for the start."""
        return self.plan.read if self.index > 0 else 0.0

    def finish(self, last_saved: bool) -> None:
        """The run ends while the job runs; ``last_saved``: with a save of all its work."""
        productive, stall, slowdown, durable, not_saved = ledger.ended(
            self.context.now, self.segment, self.plan.pattern
        )
        self._book(productive, stall, slowdown)
        self.context.row["saves"] += durable + last_saved
        self.context.row["not_saved_s"] = 0.0 if last_saved else not_saved

    def count(self) -> None:
        """Saves are counted as they are accounted for."""

    def _book(self, productive: float, stall: float, slowdown: float) -> None:
        self.context.ledger[ledger.PRODUCTIVE] += productive
        self.context.ledger[ledger.SAVE_STALL] += stall
        self.context.ledger[ledger.SAVE_SLOWDOWN] += slowdown


class Stores:
    """Several stores, or one that can be lost: see ``sim.kernels.tiers`` and ``sim.kernels.survival``."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.plan = context.plan
        self.stores: Any = pack_stores(self.plan)[0]
        self.versions: Any = np.zeros(1, VERSIONS)[0]
        self.ahead: Any = np.zeros(1, VERSIONS)[0]
        # At least two rows: one alone would be another kind of array to numba.
        self.lost = np.zeros(max(self.plan.job_nodes, 2), SLOTS)["lost"]
        survival.clear(self.stores, self.versions)

    @property
    def step(self) -> float:
        """Progress of the version that the job goes on from."""
        return float(self.versions["step"])

    def resume(self) -> None:
        """The job steps from the restored version on."""
        tiers.resume(self.stores, self.versions, self.context.now, self.plan.work)

    def ends(self) -> Iterator[float]:
        """A time before which the segment cannot end by itself; if that comes, the time at which it does."""
        yield tiers.earliest_end(self.stores, self.versions, self.plan.final_save)
        yield tiers.exact_end(self.stores, self.versions, self.ahead, self.plan.final_save)

    def halt(self) -> tuple[float, float]:
        """A fault ends the segment; what is lost is known when the versions are that it loses."""
        self.context.ledger[ledger.SAVE_STALL] += tiers.advance(self.stores, self.versions, self.context.now)
        survival.stop_persists(self.stores, self.versions)
        return self.step, 0.0

    def lose(self, fault: Fault) -> float:
        """A fault may lose versions. Returns the seconds of stepping that are lost with them."""
        tiers.settle(self.stores, self.versions, self.context.now)
        for slot in fault.struck or (-1,):
            survival.lose(self.stores, self.versions, self.lost, slot, fault.need)
        return self.fall_back()

    def swap(self, slot: int) -> None:
        """Another node takes a slot, without the copies of the one before."""
        tiers.settle(self.stores, self.versions, self.context.now)
        survival.swap(self.stores, self.versions, self.lost, slot)

    def fall_back(self) -> float:
        """The newest version is restored. Returns the seconds of stepping since, which are lost."""
        tiers.settle(self.stores, self.versions, self.context.now)
        lost = survival.restore(self.stores, self.versions)
        self.context.ledger[ledger.LOST_WORK] += lost
        self._book()
        return float(lost)

    def read_time(self) -> float:
        """Seconds to read the restored version; none for the start."""
        i = int(self.versions["restored"])
        return self.plan.tiers[i].read if i >= 0 else 0.0

    def finish(self, last_saved: bool) -> None:
        """The run ends while the job runs; ``last_saved``: with a save of all its work."""
        self.context.ledger[ledger.SAVE_STALL] += tiers.advance(self.stores, self.versions, self.context.now)
        self._book()
        not_saved = self.step - survival.newest_step(self.stores, self.versions)
        self.context.row["saves"] += last_saved
        self.context.row["not_saved_s"] = 0.0 if last_saved else not_saved

    def count(self) -> None:
        """Count what has been saved and copied by the end of the run."""
        tiers.settle(self.stores, self.versions, self.context.now)
        self.context.row["saves"] += int(self.versions["saves"])

    def _book(self) -> None:
        """Progress, and the slowdown on the way to it: what is lost leaves them, however long ago it was booked."""
        self.context.ledger[ledger.PRODUCTIVE] = self.step
        self.context.ledger[ledger.SAVE_SLOWDOWN] = float(self.versions["deficit"])
