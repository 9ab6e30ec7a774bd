"""One replication in the SimPy engine: the parts put together, what a fault strikes, and what the run leaves."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from sim.engine.simpy_engine.capacity import Capacity
from sim.engine.simpy_engine.clocks import Clock
from sim.engine.simpy_engine.context import END, Context, Fault
from sim.engine.simpy_engine.job import Job
from sim.engine.simpy_engine.relapse import Relapses
from sim.engine.simpy_engine.series import Series
from sim.engine.simpy_engine.shop import Shop, Unit
from sim.engine.state import INCIDENT, ROW, Floats, StopReason
from sim.kernels import ledger
from sim.plan import BLAME_LANE, DOMAIN, GROUP, JOB, NODE, NOTHING, PROCESS, REPAIR, RESET, TRAINING, WALL, Lane, Plan


class Run:
    """The job, its fault clocks, the repair shop and the pools of one replication."""

    def __init__(self, plan: Plan, replication: int, marks: Floats | None = None) -> None:
        self.context = Context(plan, replication)
        self.shop = Shop(self.context)
        self.capacity = Capacity(self.context, self.shop)
        self.clocks = Clock(self.context, WALL, self.strike), Clock(self.context, TRAINING, self.strike)
        self.job = Job(self.context, self.capacity, self.clocks)
        self.shop.give_back = self.come_back
        self.shop.changed = self.job.look_at_shop
        relapses = Relapses(self.context, self.clocks[WALL], self.relapse)
        self.capacity.begin_use, self.capacity.end_use = relapses.begin_use, relapses.end_use
        self.series: Series | None = None
        if marks is not None:
            self.series = Series(self.context, self.job, self.capacity, self.shop, marks)
            self.job.rolled_back = self.series.roll_back
        if plan.horizon < math.inf:
            end = self.context.alarm(plan.horizon, END)
            end.callbacks.append(lambda _: self.context.stop(StopReason.HORIZON))

    def strike(self, lane: Lane, ordinal: int, u_slot: float, u_need: float, u_effect: float) -> None:
        """A fault strikes: a spare, a node of the job, the job, a domain, or nothing that still works."""
        source = self.context.plan.sources[lane.source]
        number = int(u_slot * lane.slots) if lane.slots > 0 else -1
        need = REPAIR
        if u_need < source.p_process:
            need = PROCESS
        elif u_need < source.p_process + source.p_reset:
            need = RESET
        fault = Fault(lane.source, lane.block, ordinal, need, u_effect < source.p_hang, alone=source.takes == NODE)
        takes = source.takes if need > PROCESS else NOTHING
        struck = self._struck(lane, number, takes)
        slots = tuple((self.capacity.slot_of[node], i) for i, node in struck if node in self.capacity.slot_of)
        spares = []
        if takes >= GROUP or (takes == NODE and lane.block != JOB):
            spares = [(i, node) for i, node in struck if self.capacity.pool_of(node) > 0]
        for i, node in spares:
            self.capacity.lose_spare(node, fault, i)
        if slots or (lane.block == JOB and number < 0):
            self.context.row["faults"] += 1
            self.context.faults_of[lane.source] += 1
            hit = tuple((slot, need) for slot, _ in slots)
            gone = tuple((slot, member, need) for slot, member in slots if takes != NOTHING)
            fault = replace(fault, struck=hit, slots=gone)
            self.job.process.interrupt(self._blamed(fault) if takes == NODE else fault)
        else:
            self.context.row["spare_faults" if spares else "void_faults"] += 1

    def _blamed(self, fault: Fault) -> Fault:
        """The fault as it looks to who decides which node it was: none, another one, it with its domain, or it."""
        plan, blame, capacity = self.context.plan, self.context.plan.blame, self.capacity
        if blame.missed + blame.wrong + blame.evict == 0.0:
            return fault
        ((slot, _, need),) = fault.slots
        choice, who, _, _ = self.context.uniforms(fault.source, fault.block, fault.ordinal, BLAME_LANE)
        if choice < blame.missed + blame.wrong:
            blamed = int(who * (plan.job_nodes - 1))
            blamed += blamed >= slot
            if choice < blame.missed or blamed >= plan.job_nodes or not capacity.works(blamed):
                self.context.row["missed"] += 1
                return replace(fault, need=PROCESS, slots=())
            self.context.row["blamed_wrongly"] += 1
            return replace(fault, slots=((blamed, 0, need),))
        if choice < blame.missed + blame.wrong + blame.evict:
            node = capacity.nodes[slot]
            domain = enumerate(capacity.members(blame.group, capacity.domain(blame.group, node)))
            others = [(i, other) for i, other in domain if other != node and other in capacity.slot_of]
            evicted = [(capacity.slot_of[other], i + 1, RESET) for i, other in others]
            reset = ((slot, RESET) for slot, _, _ in evicted)
            return replace(fault, struck=(*fault.struck, *reset), slots=(*fault.slots, *evicted))
        return fault

    def _struck(self, lane: Lane, number: int, takes: int) -> list[tuple[int, int]]:
        """The nodes that a fault strikes, each with its number among them; none if they are down already."""
        capacity, source = self.capacity, self.context.plan.sources[lane.source]
        if lane.block == DOMAIN:
            return list(enumerate(capacity.members(source.takes - GROUP, number)))
        if lane.block != JOB:
            nodes = capacity.idle[lane.block][number : number + 1]
        else:
            nodes = [capacity.nodes[number]] if number >= 0 and capacity.works(number) else []
        if takes >= GROUP and nodes:
            group = takes - GROUP
            return list(enumerate(capacity.members(group, capacity.domain(group, nodes[0]))))
        return [(0, node) for node in nodes]

    def relapse(self, node: int, fault: Fault) -> None:
        """A node fails again that only seemed to be in order: one of the job, or a spare that is on."""
        self.context.row["relapses"] += 1
        if self.capacity.pool_of(node) > 0:
            self.context.row["spare_faults"] += 1
            self.capacity.lose_spare(node, fault, 0)
        else:
            self.context.row["faults"] += 1
            self.context.faults_of[fault.source] += 1
            slot = self.capacity.slot_of[node]
            self.job.process.interrupt(replace(fault, struck=((slot, REPAIR),), slots=((slot, 0, REPAIR),)))

    def come_back(self, unit: Unit) -> None:
        """A node leaves the shop: what it is from now on, and where it goes. A ``renewed`` one is of age 0."""
        if unit.renewed:
            self.context.row["renewals"] += 1
        self.capacity.rejoin(unit)

    def go(self) -> tuple[np.void, list[tuple[float, ...]]]:
        """Run to the end. Returns the row (dtype ``ROW``) and the incidents (tuples in the order of ``INCIDENT``)."""
        context = self.context
        while context.reason == StopReason.GOING:
            context.env.step()
        self.job.finish(context.reason)
        self.capacity.book_empty()
        self.capacity.book_idle()
        self.shop.book()
        if self.series is not None:
            self.series.close()
        row = np.zeros(1, ROW)[0]
        for name, value in context.row.items():
            row[name] = value
        row["replication"], row["stop_reason"] = context.replication, int(context.reason)
        row["wall_s"], row["work_done_s"] = context.end, context.ledger[ledger.PRODUCTIVE]
        row["units_in_repair"] = self.shop.units
        row["ledger"], row["absent_node_s"] = context.ledger, context.absent
        for counts, name in ((context.faults_of, "faults_of"), (context.interruptions_of, "interruptions_of")):
            for source, count in counts.items():
                row[name][source] = count
        return row, context.log


def run_one(plan: Plan, replication: int, marks: Floats | None = None) -> tuple[np.void, npt.NDArray[np.void]]:
    """Run one replication with its incidents.

    Parameters
    ----------
    plan : Plan
        What is run.
    replication : int
        Its number, 0 or more.
    marks : array of float64, shape (periods, 4), optional
        Room for the totals at the ends of periods (``sim.engine.state.MARKS``), written in place.

    Returns
    -------
    row : record of dtype ``ROW``
    incidents : array of dtype ``INCIDENT``, shape (interruptions,)
    """
    row, log = Run(plan, replication, marks).go()
    return row, np.array(log, dtype=INCIDENT)
