"""Slots of the job and pools of spares in the SimPy engine: who stands in for whom."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import count, pairwise

from sim.engine.simpy_engine.context import REPAIRED, Context, Fault
from sim.engine.simpy_engine.shop import Shop, Unit
from sim.kernels.ledger import CAPACITY_WAIT
from sim.kernels.time import next_multiple
from sim.plan import ANY, CALL_LANE, COLD, FIRST, HOT, KNOWN, LONGEST_IDLE, NOTICE, RANDOM, SPARES_ELSE_WAIT, Rule


class Capacity:
    """Where each node is: in a slot of the job, idle in a pool, or in the shop.

    ``nodes`` holds the node of each slot, ``empty`` the nodes that left a slot which is still empty, in the order of
    their faults; the first ``admitted`` of them are in repair. ``dead`` are idle spares that are down, which nobody has
    noticed: they count as spares. The job says what it is at: ``bucket`` is where empty
    slots book to, ``waiting`` the rule under which it waits for units, while it does. ``idle`` holds the spares of each
    pool by their place, which is what a fault strikes, ``queues`` the same in the order in which they joined it.
    ``swapped`` is called with each
    slot that another node fills, ``begin_use`` with each node that only seems to be in order and is in use, ``end_use``
    with each that goes down or is switched off.
    """

    def __init__(self, context: Context, shop: Shop) -> None:
        self.context = context
        self.plan = plan = context.plan
        self.shop = shop
        self.begin_use: Callable[[Unit], None] = lambda unit: None
        self.end_use: Callable[[int], None] = lambda node: None
        self.nodes = list(range(plan.job_nodes))
        self.slot_of = {node: node for node in self.nodes}
        ends = pairwise(plan.first_spares)
        self.idle = {block: list(range(first, end))[::-1] for block, (first, end) in enumerate(ends, HOT)}
        self.queues = {block: dict.fromkeys(reversed(idle)) for block, idle in self.idle.items()}
        self.called_for = -1, 0, 0
        self.calls = 0
        self.claimed = dict.fromkeys(self.idle, 0.0)
        self.refilled = 0.0
        self.bucket = CAPACITY_WAIT
        self.waiting: Rule | None = None
        self.swapped: Callable[[int], None] = lambda slot: None
        self.empty: list[Unit] = []
        self.dead: dict[int, Unit] = {}
        self.admitted = 0
        self.activating: dict[int, float] = {}
        self.idle_since = self.empty_since = 0.0
        self.order = plan.order or range(plan.nodes)
        self.sites = {node: site for site, node in enumerate(self.order)} if plan.groups else {}

    @property
    def ready_at(self) -> float:
        """Time at which the last of the spares that were called is active."""
        return max(self.refilled, *self.activating.values(), 0.0)

    def domain(self, group: int, node: int) -> int:
        """The domain of a group that a node is in."""
        which = self.plan.groups[group]
        return self.sites[node] // which.unit % which.number

    def members(self, group: int, domain: int) -> Iterator[int]:
        """The nodes of a domain, in their order in the cluster."""
        which = self.plan.groups[group]
        for run in count(domain, which.number):
            sites = range(run * which.unit, min((run + 1) * which.unit, self.plan.nodes))
            if not sites:
                return
            for site in sites:
                yield self.order[site]

    def works(self, slot: int) -> bool:
        """Whether a slot has its node."""
        return self.slot_of.get(self.nodes[slot]) == slot

    def vacate(self, fault: Fault) -> None:
        """A fault takes the nodes of slots; a spare that fails before it is active is not waited for."""
        for slot, member, need in fault.slots:
            node = self.nodes[slot]
            del self.slot_of[node]
            self.empty.append(Unit(node, slot, fault, member, need))
            self.activating.pop(slot, None)
            self.end_use(node)

    def struck(self, fault: Fault) -> None:
        """A fault strikes the job: the calls that follow are keyed by it."""
        self.called_for = fault.source, fault.block, fault.ordinal
        self.calls = 0

    def book_idle(self) -> None:
        """Account for the idle spares up to now."""
        idle = sum(map(len, self.idle.values()))
        self.context.row["spare_idle_node_s"] += idle * (self.context.now - self.idle_since)
        self.idle_since = self.context.now

    def book_empty(self) -> None:
        """Account for the slots whose nodes are in repair up to now."""
        self.context.absent[self.bucket] += self.admitted * (self.context.now - self.empty_since)
        self.empty_since = self.context.now

    def admit_all(self) -> None:
        """Send the nodes that are now known to be down to repair, in the order of their faults."""
        self.book_empty()
        for unit in self.empty[self.admitted :]:
            self.shop.admit(unit)
        self.admitted = len(self.empty)

    def pool_of(self, node: int) -> int:
        """The block of the pool that is on and in which a node is idle and works; 0 if there is none."""
        if node in self.dead:
            return 0
        return next((block for block, idle in self.idle.items() if self.plan.pools[block - 1].on and node in idle), 0)

    def lose_spare(self, node: int, fault: Fault, member: int) -> None:
        """An idle spare that is on fails: noticed at once, by the next check, or when it is called. What was known
        needs no check.
        """
        self.context.row["spares_lost"] += 1
        check = self.plan.pools[self.pool_of(node) - HOT].check
        self.end_use(node)
        unit = self.dead[node] = Unit(node, -1, fault, member, fault.need)
        if check == 0.0 or fault.effect in (NOTICE, KNOWN):
            self._send(node)
        elif check < math.inf:
            self.shop.leaving += 1
            alarm = self.context.alarm(next_multiple(self.context.now, check), REPAIRED)
            alarm.callbacks.append(lambda _: self._check(unit))

    def _check(self, unit: Unit) -> None:
        """A pool is checked; a spare that died in it may have been found by a call before."""
        if self.dead.get(unit.node) is unit:
            self.context.count_events()
            self._find_dead(unit.node)
            self.shop.changed()

    def _find_dead(self, node: int) -> None:
        """It is noticed that an idle spare is dead: it leaves its pool and goes to repair."""
        pool = next(block for block, idle in self.idle.items() if node in idle)
        if 0.0 < self.plan.pools[pool - HOT].check < math.inf:
            self.shop.leaving -= 1
        self._send(node)

    def _send(self, node: int) -> None:
        """A dead spare goes to repair."""
        self.book_idle()
        pool = next(block for block, idle in self.idle.items() if node in idle)
        self._take(pool, self.idle[pool].index(node))
        self.shop.admit(self.dead.pop(node))

    def _take(self, block: int, place: int) -> int:
        """The node at a place leaves the list of a pool, and the last one takes its place."""
        idle = self.idle[block]
        idle[place], idle[-1] = idle[-1], idle[place]
        del self.queues[block][idle[-1]]
        return idle.pop()

    def _suits(self, within: int, node: int, spare: int) -> bool:
        """Whether a spare is near enough to the node that it would replace."""
        return within == ANY or self.domain(within, node) == self.domain(within, spare)

    def _blocks(self, rule: Rule) -> list[int]:
        """The pools that a rule takes spares from, those that activate fastest first."""
        return [block for block in self.plan.pool_order if rule.pools == ANY or rule.pools >> block & 1]

    def suffices(self, rule: Rule) -> bool:
        """Whether there is an idle spare, near enough, for each empty slot."""
        spares = [spare for block in self._blocks(rule) for spare in self.idle[block]]
        return all(
            sum(self._suits(rule.within, unit.node, other.node) for other in self.empty)
            <= sum(self._suits(rule.within, unit.node, spare) for spare in spares)
            for unit in self.empty
        )

    def take_spares(self, rule: Rule) -> None:
        """Call idle spares for all empty slots in turn, those that activate fastest first."""
        self.book_idle()
        for block in self._blocks(rule):
            for unit in list(self.empty):
                node = self._find(block, rule.within, unit.node)
                if node >= 0:
                    self.context.row["spares_used"] += 1
                    self.activating[unit.slot] = self._call(block)
                    self._fill(unit, node)

    def _find(self, block: int, within: int, node: int) -> int:
        """Take the spare from a pool that replaces a node; -1 if none is near enough. Those that are called before it
        and found dead go to repair.
        """
        while True:
            place = self._pick(block, within, node)
            if place < 0:
                return -1
            if self.idle[block][place] not in self.dead:
                return self._take(block, place)
            self._find_dead(self.idle[block][place])

    def _pick(self, block: int, within: int, node: int) -> int:
        """The place in a pool of the spare that is called to replace a node; -1 if none is near enough."""
        idle, pick = self.idle[block], self.plan.pick
        if pick == LONGEST_IDLE:
            return next((idle.index(spare) for spare in self.queues[block] if self._suits(within, node, spare)), -1)
        near = (place for place in reversed(range(len(idle))) if self._suits(within, node, idle[place]))
        if pick == FIRST:
            return min(near, key=lambda place: self.sites.get(idle[place], idle[place]), default=-1)
        if pick == RANDOM:
            places = list(near)
            return places[int(self._draw() * len(places))] if places else -1
        return next(near, -1)

    def _draw(self) -> float:
        """A uniform for a call, keyed by the fault that struck last and the number of the call after it."""
        source, block, ordinal = self.called_for
        self.calls += 1
        return self.context.uniforms(source, block, ordinal, CALL_LANE + self.calls - 1)[0]

    def _call(self, block: int) -> float:
        """Call a spare; gives when it is active: where they come one by one, after those called before."""
        pool = self.plan.pools[block - 1]
        if not pool.one_by_one:
            return self.context.now + pool.activation
        self.claimed[block] = max(self.context.now, self.claimed[block]) + pool.activation
        return self.claimed[block]

    def is_full(self, rule: Rule) -> bool:
        """Whether no slot is empty, and the pool is full that the rule wants full."""
        any_will_do = rule.refill == ANY or not rule.await_refill
        return not self.empty and (any_will_do or len(self.idle[rule.refill]) >= self._size(rule.refill))

    def _size(self, block: int) -> int:
        """Nodes that a pool has when it is full."""
        return self.plan.pools[block - 1].nodes

    @property
    def next_claim(self) -> float:
        """When the next of the nodes that come one by one is there; infinite if none is on its way."""
        return min((at for at in self.claimed.values() if at > self.context.now), default=math.inf)

    def refill(self, rule: Rule) -> None:
        """Fill the pool that the rule wants full from the other pools, those that activate fastest first; of nodes that
        come one by one the next is called when the last is there.
        """
        if rule.refill == ANY:
            return
        self.book_idle()
        pool = self.idle[rule.refill]
        for block in self._blocks(rule):
            if block == rule.refill or not (rule.await_refill or self.plan.pools[block - 1].activation == 0.0):
                continue
            while len(pool) < self._size(rule.refill) and self.claimed[block] <= self.context.now:
                node = self._find(block, ANY, -1)
                if node < 0:
                    break
                self.refilled = max(self.refilled, self._call(block))
                self._put_idle(rule.refill, node)

    def _fill(self, left: Unit, node: int) -> None:
        """A node fills a slot: the one that left it may have none to come back to."""
        self.book_empty()
        self.empty.remove(left)
        self.admitted -= 1
        if node != left.node:
            self.swapped(left.slot)
        self.nodes[left.slot] = node
        self.slot_of[node] = left.slot
        left.slot = -1
        self._begin_use(node)

    def _begin_use(self, node: int) -> None:
        """A node is in the job, or a spare that is on."""
        if node in self.shop.bad:
            self.begin_use(self.shop.bad[node])

    def rejoin(self, unit: Unit) -> None:
        """A repaired node comes back: to its own slot, to the waiting job, or to the fastest pool that is not full."""
        rule = self.waiting
        takes = rule is not None and rule.use == SPARES_ELSE_WAIT
        suited = [each for each in self.empty if rule and takes and self._suits(rule.within, each.node, unit.node)]
        if unit.slot >= 0:
            self._fill(unit, unit.node)
        elif suited:
            self._fill(suited[0], unit.node)
        else:
            self.book_idle()
            takers = (block for block in self.plan.pool_order if self.plan.pools[block - 1].takes_back)
            room = (block for block in takers if len(self.idle[block]) < self._size(block))
            wanted = rule is not None and not self.empty and not self.is_full(rule)
            block = rule.refill if rule and wanted else next(room, COLD)
            self._put_idle(block, unit.node)

    def _put_idle(self, block: int, node: int) -> None:
        """A node joins a pool; it is in use there if the pool is on."""
        self.idle[block].append(node)
        self.queues[block][node] = None
        if self.plan.pools[block - 1].on:
            self._begin_use(node)
        else:
            self.end_use(node)
