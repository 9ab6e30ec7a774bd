"""One replication in the SimPy engine: the parts put together, what a fault strikes, and what the run leaves."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from sim.engine.simpy_engine.capacity import Capacity
from sim.engine.simpy_engine.clocks import Clock
from sim.engine.simpy_engine.context import END, Context, Fault
from sim.engine.simpy_engine.job import Job
from sim.engine.simpy_engine.notices import Notice, Notices
from sim.engine.simpy_engine.recurrence import Recurrences
from sim.engine.simpy_engine.relapse import Relapses
from sim.engine.simpy_engine.series import Series
from sim.engine.simpy_engine.shop import Shop, Unit
from sim.engine.simpy_engine.strikes import Strike
from sim.engine.state import INCIDENT, ROW, Floats, StopReason, reason_at_horizon
from sim.kernels import ledger
from sim.kernels.blocks import COMPONENT
from sim.kernels.lives import NUMBER_BITS
from sim.plan import (
    BLAME_LANE,
    CALENDAR,
    DOMAIN,
    GROUP,
    HANG,
    IN_SHOP,
    JOB,
    KNOWN,
    LEAD_LANE,
    NEW_NODE,
    NODE,
    NOTHING,
    NOTICE,
    OLD,
    PROCESS,
    REPAIR,
    RESET,
    STOP,
    TRAINING,
    WALL,
    Lane,
    Plan,
    Source,
)  # fmt: skip


class Run:
    """The job, its fault clocks, the repair shop and the pools of one replication."""

    def __init__(self, plan: Plan, replication: int, marks: Floats | None = None) -> None:
        self.context = Context(plan, replication)
        self.shop = Shop(self.context)
        self.capacity = Capacity(self.context, self.shop)
        self.clocks = Clock(self.context, WALL, self.strike), Clock(self.context, TRAINING, self.strike)
        self.job = Job(self.context, self.capacity, self.clocks)
        self.job.notices = self.notices = Notices(self.context, self.strike_known)
        Clock(self.context, CALENDAR, self.strike).turn(on=True)
        self.shop.give_back = self.come_back
        self.shop.changed = self.job.look_at_shop
        self.held: defaultdict[int, list[Fault]] = defaultdict(list)
        self.relapses = Relapses(self.context, self.clocks[WALL], self.relapse)
        self.recurrences = Recurrences(self.context, self.clocks[TRAINING], self.recur)
        self.job.recurrences = self.recurrences
        self.capacity.begin_use, self.capacity.end_use = self.relapses.begin_use, self.end_use
        self.series: Series | None = None
        if marks is not None:
            self.series = Series(self.context, self.job, self.capacity, self.shop, marks)
            self.job.rolled_back = self.series.roll_back
        if plan.horizon < math.inf:
            end = self.context.alarm(plan.horizon, END)
            end.callbacks.append(lambda _: self.context.stop(reason_at_horizon(plan)))

    def strike(self, lane: Lane, due: Strike) -> bool:
        """A fault strikes: a spare, a node of the job, the job, a domain, or nothing that still works. Returns whether
        the component that failed is held until its node comes back: the fault takes the node, or leaves it broken.
        """
        source = self.context.plan.sources[lane.source]
        need = REPAIR
        if due.need < source.p_process:
            need = PROCESS
        elif due.need < source.p_process + source.p_reset:
            need = RESET
        effect = HANG if due.effect < source.p_hang else STOP
        if source.p_hang <= due.effect < source.p_hang + source.p_notice:
            effect = NOTICE
        fault = Fault(lane.source, lane.block, due.ordinal, need, effect, alone=source.takes == NODE)
        block, number = lane.block, due.number
        if block == COMPONENT:
            block, number = self._place_of(number // source.per_node) if source.per_node > 0 else (JOB, -1)
            if block != JOB and lane.clock != WALL:
                block, number = IN_SHOP, -1
        down = self._land(fault, block, number)
        if lane.block != COMPONENT:
            return False
        node = due.number // max(1, source.per_node)
        held = (number if block == JOB else node) in down or self.recurrences.stays(node, fault)
        if held:
            self.held[node].append(fault)
        return held

    def strike_known(self, notice: Notice) -> None:
        """A fault strikes that was known, wherever its node is now."""
        fault, number = replace(notice.fault, effect=KNOWN, due=notice.due), notice.number
        if fault.block == DOMAIN or number < 0:
            self._land(fault, fault.block, number)
        else:
            self._land(fault, *self._place_of(number))

    def _know(self, fault: Fault, number: int) -> None:
        """A fault of the job, of a node of it or of a domain is known before it strikes."""
        u, choice, _, _ = self.context.uniforms(fault.source, fault.block, fault.ordinal, LEAD_LANE)
        lead = self.context.sample(self.context.plan.sources[fault.source].lead, u, choice)
        self.context.row["notices"] += 1
        self.notices.add(Notice(self.context.now + lead, fault, number))
        self.job.told()

    def _land(self, fault: Fault, block: int, number: int) -> list[int]:
        """A fault strikes a slot, a place in a pool or a domain by its number, or the job. Returns the slots of the
        job, or the spares, whose nodes go.
        """
        source = self.context.plan.sources[fault.source]
        takes = source.takes if fault.need > PROCESS else NOTHING
        struck = self._struck(source, block, number, takes)
        slots = tuple((self.capacity.slot_of[node], i) for i, node in struck if node in self.capacity.slot_of)
        if fault.effect == NOTICE and (slots or (block == JOB and number < 0)):
            if block != DOMAIN and number >= 0:
                number = self.capacity.nodes[number] if block == JOB else self.capacity.idle[block][number]
            self._know(fault, number)
            return []
        spares = []
        if takes >= GROUP or (takes == NODE and block != JOB):
            spares = [(i, node) for i, node in struck if self.capacity.pool_of(node) > 0]
        for i, node in spares:
            self.capacity.lose_spare(node, fault, i)
        if slots or (block == JOB and number < 0):
            self.context.row["faults"] += 1
            self.context.faults_of[fault.source] += 1
            hit = tuple((slot, fault.need) for slot, _ in slots)
            gone = tuple((slot, member, fault.need) for slot, member in slots if takes != NOTHING)
            fault = replace(fault, struck=hit, slots=gone)
            fault = self._blamed(fault) if takes == NODE and fault.effect != KNOWN else fault
            self.job.strike(fault)
        else:
            self.context.row["spare_faults" if spares else "void_faults"] += 1
        return [slot for slot, _, _ in fault.slots] if block == JOB else [node for _, node in spares]

    def _blamed(self, fault: Fault) -> Fault:
        """The fault as it looks to who decides which node it was: none, another one, it with its domain, or it."""
        plan, blame, capacity = self.context.plan, self.context.plan.blame, self.capacity
        if blame.missed + blame.wrong + blame.evict == 0.0:
            return fault
        ((slot, _, need),) = fault.slots
        choice, who, cure, _ = self.context.uniforms(fault.source, fault.block, fault.ordinal, BLAME_LANE)
        if choice < blame.missed + blame.wrong:
            if cure >= blame.healed:
                self.recurrences.stay(capacity.nodes[slot], fault)
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

    def come_back(self, unit: Unit) -> None:
        """A repaired node comes back, and the components that are held there: replaced, or as old as they are. If all
        of the node is new, so are its others.
        """
        self.context.row["renewals"] += unit.renewed != OLD
        held = self._release(unit.node, unit.renewed != OLD)
        if unit.renewed == NEW_NODE:
            for clock in self.clocks:
                clock.renew_node(unit.node, held)
        self.capacity.rejoin(unit)

    def _release(self, node: int, renewed: bool) -> set[tuple[int, int]]:
        """The components that are held on a node work again. Returns their sources and numbers."""
        faults = self.held.pop(node, [])
        for fault in faults:
            for clock in self.clocks:
                clock.come_back(fault, renewed)
        return {(fault.source, fault.ordinal >> NUMBER_BITS) for fault in faults}

    def end_use(self, node: int) -> None:
        """A node goes down, or is switched off in a pool: it does not fail again by itself."""
        self.relapses.end(node)
        self.recurrences.end(node)

    def _place_of(self, node: int) -> tuple[int, int]:
        """Where a node is, and its slot or place there; ``IN_SHOP`` where no fault can strike it."""
        capacity = self.capacity
        if node in capacity.slot_of:
            return JOB, capacity.slot_of[node]
        pool = capacity.pool_of(node)
        if pool > 0:
            return pool, capacity.idle[pool].index(node)
        return IN_SHOP, -1

    def _struck(self, source: Source, block: int, number: int, takes: int) -> list[tuple[int, int]]:
        """The nodes that a fault strikes, each with its number among them; none if they are down already."""
        capacity = self.capacity
        if block == DOMAIN:
            return list(enumerate(capacity.members(source.takes - GROUP, number)))
        if block == IN_SHOP:
            nodes = []
        elif block != JOB:
            nodes = [node for node in capacity.idle[block][number : number + 1] if capacity.pool_of(node) > 0]
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
            self.job.strike(replace(fault, struck=((slot, REPAIR),), slots=((slot, 0, REPAIR),)))

    def recur(self, node: int, fault: Fault) -> None:
        """A node of the job fails again that was not taken out when it did; or that a restart has cured since."""
        self.context.row["recurrences"] += 1
        slot = self.capacity.slot_of[node]
        if slot not in self._land(fault, JOB, slot) and node not in self.recurrences.due:
            self._release(node, renewed=False)

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
        row["ledger"], row["absent_node_s"], row["excess"] = context.ledger, context.absent, context.excess
        for name in (
            "faults_of", "interruptions_of", "lost_of", "recovery_of", "saves_of", "stood_for", "restores_of",
            "lost_before", "excess_of",
        ):  # fmt: skip
            for source, value in getattr(context, name).items():
                row[name][source] = value
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
