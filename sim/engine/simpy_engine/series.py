"""Totals at the ends of periods in the SimPy engine: an observer that looks at the run and changes nothing."""

from __future__ import annotations

from sim.engine.simpy_engine.capacity import Capacity
from sim.engine.simpy_engine.context import MARK, Context, Process
from sim.engine.simpy_engine.job import Job
from sim.engine.simpy_engine.shop import Shop
from sim.engine.state import IDLE, INTERRUPTIONS, KEPT, MARKS, REPAIR, Floats


class Series:
    """Looks at the end of each period, before anything else happens then.

    Work is kept as far as no later incident rolls it back.
    """

    def __init__(self, context: Context, job: Job, capacity: Capacity, shop: Shop, marks: Floats) -> None:
        self.context, self.job, self.capacity, self.shop = context, job, capacity, shop
        self.marks = marks
        plan = context.plan
        self.ends = [min((i + 1) * plan.period, plan.horizon) for i in range(len(marks))]
        self.written = 0
        context.env.process(self._tick())

    def _tick(self) -> Process:
        for end in self.ends:
            yield self.context.alarm(end, MARK)
            self._write(end)

    def _write(self, at: float) -> None:
        row = self.context.row
        idle = sum(map(len, self.capacity.idle.values()))
        mark = self.marks[self.written]
        mark[KEPT] = self.job.progress_at(at)
        mark[INTERRUPTIONS] = row["interruptions"]
        mark[REPAIR] = row["repair_node_s"] + self.shop.units * (at - self.shop.since)
        mark[IDLE] = row["spare_idle_node_s"] + idle * (at - self.capacity.idle_since)
        self.written += 1

    def roll_back(self, progress: float) -> None:
        """An incident restores a version: no more than its progress is kept of what was done before."""
        done = self.marks[: self.written, KEPT]
        done[done > progress] = progress

    def close(self) -> None:
        """The run is over: marks at or after its end have its totals."""
        end = self.context.end
        for at in self.ends[self.written :]:
            if at <= end:  # a depleted run waits in vain to its horizon, and nothing happens any more
                self._write(at)
        row = self.context.row
        totals = [self.context.ledger[0], *(row[name] for name in MARKS[1:])]
        self.marks[[i for i, at in enumerate(self.ends) if at >= end]] = totals
