"""What the job saves and what it falls back to in the SimPy engine: one store in closed form, or several."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from sim.engine.simpy_engine.context import Context, Fault
from sim.engine.state import FROM_START
from sim.engine.tiers import SLOTS, VERSIONS, pack_stores
from sim.kernels import ledger, survival, tiers
from sim.kernels.persists import settle
from sim.kernels.saves import Segment, last_save_durable, last_trigger, make_segment, stepping_until, work_end


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

    def hold(self, since: float) -> None:
        """The segment stood still from ``since`` on, and goes on."""
        self.segment = self.segment._replace(t0=self.segment.t0 + (self.context.now - since))

    def ends(self, goal: float, saving: bool, for_good: bool) -> Iterator[float]:
        """The time at which the segment reaches a goal by itself, and where it is ``saving`` has saved that."""
        segment = self.segment if for_good else self._until(goal)
        if saving:
            self.segment = segment
        yield (last_save_durable if saving else work_end)(segment, self.plan.pattern)

    def saved_by(self, goal: float) -> float:
        """The time at which progress that the job has made would be durable, if it stopped to save it."""
        return last_save_durable(self._until(goal), self.plan.pattern)

    def stop_at(self, goal: float) -> None:
        """The job stops stepping at a progress that it has made."""
        self.segment = self._until(goal)

    def _until(self, goal: float) -> Segment:
        """The segment, if it ends at a progress."""
        plan, now = self.plan, self.segment
        last = last_trigger(goal, plan.pattern.interval) if plan.has_store else 0
        return make_segment(now.t0, now.step, now.passed, plan.has_store, goal, last, plan.pattern)

    def progress_at(self, t: float) -> float:
        """Progress at a time of the segment."""
        return self.step + stepping_until(t, self.segment, self.plan.pattern)[1]

    def halt(self, t: float) -> float:
        """A fault ends the segment: the newest durable version will be restored. Returns what is lost."""
        productive, stall, slowdown, lost, durable, self.step, self.index = ledger.interrupted(
            t, self.segment, self.plan.pattern
        )
        self._book(productive, stall, slowdown)
        self.context.ledger[ledger.LOST_WORK] += lost
        self.context.row["saves"] += durable
        return lost

    def lose(self, fault: Fault) -> None:
        """No fault loses versions."""

    def swap(self, slot: int) -> None:
        """No version is on a node."""

    def fall_back(self) -> float:
        """The version to restore is known since the fault."""
        return 0.0

    def read_time(self) -> float:
        """Seconds to read the restored version; none for the start."""
        return self.plan.read if self.step > 0.0 else 0.0

    def settle(self, t: float, *, saved: bool) -> None:
        """The segment ends at ``t`` without a fault; ``saved``: what it reached is durable."""
        productive, stall, slowdown, durable, not_saved = ledger.ended(t, self.segment, self.plan.pattern)
        self._book(productive, stall, slowdown)
        self.context.row["saves"] += durable + saved
        self.context.row["not_saved_s"] = 0.0 if saved else not_saved

    def keep(self, progress: float) -> None:
        """The job goes on from what a pause has saved."""
        self.step, self.index = progress, math.floor(progress / self.plan.pattern.interval)

    @property
    def restored(self) -> int:
        """The store whose version the job goes on from; ``FROM_START`` where there is none."""
        return 0 if self.plan.has_store and self.step > 0.0 else FROM_START

    def count(self) -> None:
        """At the end of the run: saves are counted as they are accounted for, and all are of one store."""
        self.context.saves_of[0] = int(self.context.row["saves"])
        self.context.stood_for[0] = self.context.ledger[ledger.SAVE_STALL]

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

    def hold(self, since: float) -> None:
        """The segment stood still from ``since`` on, and goes on."""
        self._advance(since)
        self._book()
        tiers.hold(self.stores, self.versions, since, self.context.now)

    def ends(self, goal: float, saving: bool, for_good: bool) -> Iterator[float]:
        """Times before which the segment cannot end by itself, each if that before it comes; the last is its end."""
        self.versions["work"] = goal
        yield tiers.earliest_end(self.stores, self.versions, saving, for_good)
        exact = False
        while not exact:
            due, exact, events = tiers.look_ahead(
                self.stores, self.versions, self.ahead, self.context.now, saving, for_good
            )
            self.context.count_events(events)
            yield due

    def saved_by(self, goal: float) -> float:
        """The time at which progress that the job has made would be durable, if it stopped to save it."""
        before = float(self.versions["work"])
        self.versions["work"] = goal
        end = float(tiers.exact_end(self.stores, self.versions, self.ahead, True, False))
        self.versions["work"] = before
        return end

    def stop_at(self, goal: float) -> None:
        """The job stops stepping at a progress that it has made."""
        self.versions["work"] = goal

    def progress_at(self, t: float) -> float:
        """Progress at a time of the segment."""
        return float(tiers.progress_at(self.stores, self.versions, self.ahead, t))

    def halt(self, t: float) -> float:
        """A fault ends the segment; what is lost is known when the versions are that it loses."""
        self._advance(t)
        survival.stop_persists(self.stores, self.versions)
        return 0.0

    def lose(self, fault: Fault) -> None:
        """A fault may lose versions."""
        settle(self.stores, self.versions, self.context.now)
        for slot, need in fault.struck or ((-1, fault.need),):
            survival.lose(self.stores, self.versions, self.lost, slot, need)

    def swap(self, slot: int) -> None:
        """Another node takes a slot, without the copies of the one before."""
        settle(self.stores, self.versions, self.context.now)
        survival.swap(self.stores, self.versions, self.lost, slot)

    def fall_back(self) -> float:
        """The newest version is restored. Returns the seconds of stepping since, which are lost."""
        settle(self.stores, self.versions, self.context.now)
        lost = survival.restore(self.stores, self.versions)
        self.context.ledger[ledger.LOST_WORK] += lost
        self._book()
        return float(lost)

    def read_time(self) -> float:
        """Seconds to read the restored version; none for the start."""
        i = int(self.versions["restored"])
        return self.plan.tiers[i].read if i >= 0 else 0.0

    def settle(self, t: float, *, saved: bool) -> None:
        """The segment ends at ``t`` without a fault; ``saved``: what it reached is durable."""
        self._advance(t)
        survival.stop_persists(self.stores, self.versions)
        self._book()
        if saved:
            tiers.keep_last(self.stores, self.versions, t)
        self.context.row["not_saved_s"] = self.step - survival.newest_step(self.stores, self.versions)

    def keep(self, progress: float) -> None:
        """What a pause has saved is a version as any other."""

    @property
    def restored(self) -> int:
        """The store whose version the job goes on from; ``FROM_START`` where there is none."""
        store = int(self.versions["restored"])
        return store if store >= 0 else FROM_START

    def count(self) -> None:
        """Count what has been saved and copied by the end of the run."""
        settle(self.stores, self.versions, self.context.now)
        self.context.row["saves"] += int(self.versions["saves"].sum())
        self.context.saves_of.update(enumerate(map(int, self.versions["saves"])))
        self.context.stood_for.update(enumerate(map(float, self.versions["stood"])))

    def _advance(self, t: float) -> None:
        self.context.ledger[ledger.SAVE_STALL] += tiers.advance(self.stores, self.versions, t)

    def _book(self) -> None:
        """Progress, and the slowdown on the way to it: what is lost leaves them, however long ago it was booked."""
        self.context.ledger[ledger.PRODUCTIVE] = self.step
        self.context.ledger[ledger.SAVE_SLOWDOWN] = float(self.versions["deficit"])
