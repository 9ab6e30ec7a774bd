"""Slots of the job and pools of spares in the compiled engine: who stands in for whom.

A slot of the job is empty from the fault that takes its node until another node, or its own one repaired, fills it.
The empty slots are a list in the order of their faults; the first ``admitted`` of them are known, and their nodes in
repair.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sim.engine.compiled.nodes import die_idle, give_idle, idle_node, is_down, leave, seat, take_idle
from sim.engine.compiled.picks import next_near, pick_spare, suits
from sim.engine.compiled.recurrence import repaired
from sim.engine.compiled.relapse import begin_use, end_use
from sim.engine.compiled.saving import swap_versions
from sim.engine.compiled.shop import admit, await_no_more, await_time, note_fault
from sim.engine.state import DETECTING, WAITING
from sim.kernels._jit import entry, kernel
from sim.kernels.ledger import CAPACITY_WAIT, DETECTION, MAINTENANCE
from sim.kernels.time import next_multiple
from sim.plan import ANY, COLD, HOT, NOTICE, REPAIR, RESET, SPARES_ELSE_WAIT


@kernel
def idle_spares(s: Any) -> int:
    """Idle spares of all pools."""
    total = 0
    for block in range(HOT, s.idle.size):
        total += s.idle[block]
    return total


@kernel
def book_idle(s: Any, row: Any) -> None:
    """Account for the idle spares up to now; to be called before their number changes."""
    row.spare_idle_node_s += idle_spares(s) * (s.now - s.idle_since)
    s.idle_since = s.now


@kernel
def waiting_bucket(p: Any, s: Any) -> int:
    """Bucket of a wait for units: whether it is for those in maintenance only."""
    return MAINTENANCE if p.has_notices and s.planned else CAPACITY_WAIT


@kernel
def book_wait(p: Any, s: Any, row: Any) -> None:
    """Account for a wait for units up to now."""
    row.ledger[waiting_bucket(p, s)] += s.now - s.since
    row.waited_s += s.now - s.since


@kernel
def book_empty(p: Any, s: Any, row: Any) -> None:
    """Account for the job's empty slots up to now; to be called before their number or the job's phase changes."""
    bucket = DETECTION if s.phase == DETECTING else waiting_bucket(p, s)
    row.absent_node_s[bucket] += s.admitted * (s.now - s.empty_since)
    s.empty_since = s.now


@kernel
def vacate(p: Any, s: Any, u: Any, slot: int, source: int, block: int, ordinal: int, need: int) -> None:
    """A fault takes the node of a slot; ``admit_all`` sends it to repair."""
    if s.empty >= u.nodes.size:
        s.overflow = True
        return
    i = s.empty
    u.rest[i].empty_slot = slot
    u.rest[i].empty_node = leave(s, u, slot)
    end_use(p, s, u, u.rest[i].empty_node)
    repaired(p, s, u, u.rest[i].empty_node)
    u.rest[i].empty_source = source
    u.rest[i].empty_block = block
    u.rest[i].empty_ordinal = ordinal
    u.rest[i].empty_need = need
    s.empty += 1
    s.units_in += 1
    s.list_again = True
    for i in range(s.n_active):
        if u.rest[i].active_slot == slot:  # a spare that fails before it is active is not waited for
            s.n_active -= 1
            u.rest[i].active_slot = u.rest[s.n_active].active_slot
            u.rest[i].active_at = u.rest[s.n_active].active_at
            break


@entry
def admit_all(p: Any, s: Any, u: Any, row: Any) -> None:
    """Send the nodes that are now known to be down to repair, in the order of their faults."""
    book_empty(p, s, row)
    for i in range(s.admitted, s.empty):
        admit(
            p, s, u, row, u.rest[i].empty_node, u.rest[i].empty_slot, u.rest[i].empty_source, u.rest[i].empty_block,
            u.rest[i].empty_ordinal, u.rest[i].empty_need,
        )  # fmt: skip
    s.admitted = s.empty


@entry
def lose_spare(
    p: Any, s: Any, u: Any, row: Any, pool: int, place: int, source: int, block: int, ordinal: int, need: int,
    effect: int,
) -> None:  # fmt: skip
    """An idle spare that is on fails; it is noticed at once, or counts as a spare until it is. What was known needs no
    check.
    """
    row.spares_lost += 1
    node = idle_node(p, s, u, pool, place)
    end_use(p, s, u, node)
    die_idle(s, u, node, place)
    note_fault(u, node, -1, source, block, ordinal, need)
    u.nodes[node].dead_in = pool
    check = p.pool_check[pool]
    if not p.has_checks or check == 0.0 or effect >= NOTICE:
        _send(p, s, u, row, node)
    elif check < math.inf:
        await_time(s, u.heap, node, next_multiple(s.now, check))


@entry
def find_dead(p: Any, s: Any, u: Any, row: Any, node: int) -> None:
    """It is noticed that an idle spare is dead, at once, by a check or by a call: it leaves its pool for repair."""
    pool = np.int64(u.nodes[node].dead_in)
    if p.has_checks and 0.0 < p.pool_check[pool] < math.inf:
        await_no_more(s, u.heap, node)
    _send(p, s, u, row, node)


@entry
def _send(p: Any, s: Any, u: Any, row: Any, node: int) -> None:
    """A dead spare goes to repair."""
    pool: Any = np.int64(u.nodes[node].dead_in)  # not as it is stored: what is called would be compiled again
    book_idle(s, row)
    take_idle(p, s, u, pool, u.nodes[node].position)
    need = RESET if u.nodes[node].for_reset else REPAIR
    admit(
        p, s, u, row, node, u.nodes[node].slot, u.nodes[node].source, u.nodes[node].block, u.nodes[node].ordinal, need
    )


@kernel
def _move(u: Any, i: int, j: int) -> None:
    """An entry of the list of empty slots takes another place in it."""
    u.rest[i].empty_slot = u.rest[j].empty_slot
    u.rest[i].empty_node = u.rest[j].empty_node
    u.rest[i].empty_source = u.rest[j].empty_source
    u.rest[i].empty_block = u.rest[j].empty_block
    u.rest[i].empty_ordinal = u.rest[j].empty_ordinal
    u.rest[i].empty_need = u.rest[j].empty_need


@kernel
def _fill(p: Any, s: Any, u: Any, row: Any, place: int, node: int) -> None:
    """A node fills an empty slot of the list; the node that left it may have no slot to come back to."""
    book_empty(p, s, row)
    u.nodes[u.rest[place].empty_node].slot = -1
    if node != u.rest[place].empty_node:
        swap_versions(p, s, u, u.rest[place].empty_slot)
    seat(s, u, u.rest[place].empty_slot, node)
    begin_use(p, s, u, node)
    for i in range(place + 1, s.empty):
        _move(u, i - 1, i)
    s.empty -= 1
    s.admitted -= 1


@kernel
def ready_at(s: Any, u: Any) -> float:
    """Time at which the last of the spares that were called is active: now, if there is none."""
    latest = max(s.now, s.refilled)
    for i in range(s.n_active):
        latest = max(latest, u.rest[i].active_at)
    return float(latest)


@kernel
def _find(p: Any, s: Any, u: Any, row: Any, block: int, within: int, node: int) -> int:
    """The place in a pool of the spare that replaces a node; -1 if none is near enough. Those that are called before it
    and found dead go to repair.
    """
    place = pick_spare(p, s, u, block, within, node)
    while p.has_checks and place >= 0:
        spare = idle_node(p, s, u, block, place)
        if not is_down(s, u, spare):
            break
        find_dead(p, s, u, row, spare)
        place = pick_spare(p, s, u, block, within, node)
    return place


@kernel
def _takes_from(p: Any, rule: int, block: int) -> bool:
    """Whether a rule takes spares from a pool."""
    return bool(p.rule_pools[rule] == ANY or (p.rule_pools[rule] >> block) & 1 == 1)


@kernel
def spares_suffice(p: Any, s: Any, u: Any, rule: int) -> bool:
    """Whether there is an idle spare in the pools of a rule, near enough, for each empty slot."""
    within = p.rule_within[rule]
    if not p.has_domains or within == ANY or s.empty == 0:
        total = 0
        for block in range(HOT, HOT + p.n_pools):
            total += s.idle[block] if _takes_from(p, rule, block) else 0
        return bool(total >= s.empty)
    for i in range(s.empty):
        node = u.rest[i].empty_node
        missing = 0
        for j in range(s.empty):
            missing += 1 if suits(p, u, within, node, u.rest[j].empty_node) else 0
        for block in range(HOT, HOT + p.n_pools):
            place = s.idle[block] if _takes_from(p, rule, block) else 0
            while missing > 0 and place > 0:
                place = next_near(p, s, u, block, within, node, place)
                missing -= 1 if place >= 0 else 0
        if missing > 0:
            return False
    return True


@kernel
def _call(p: Any, s: Any, block: int) -> float:
    """Call a spare of a pool. Returns when it is active: where they come one by one, after those called before."""
    if p.one_by_one[block] == 0:
        return float(s.now + p.activation[block])
    s.claimed[block] = max(s.now, s.claimed[block]) + p.activation[block]
    return float(s.claimed[block])


@kernel
def is_full(p: Any, s: Any) -> bool:
    """Whether no slot is empty, and the pool is full that the rule wants full."""
    pool = p.rule_refill[s.rule]
    any_will_do = not p.has_refills or pool == ANY or p.rule_await_refill[s.rule] == 0
    return bool(s.empty == 0 and (any_will_do or s.idle[pool] >= p.pool_nodes[pool]))


@kernel
def next_claim(p: Any, s: Any) -> float:
    """When the next of the nodes is there that come one by one to the pool that the rule wants full; infinite if none
    is on its way.
    """
    soonest = math.inf
    if p.has_refills and p.rule_refill[s.rule] != ANY and p.rule_await_refill[s.rule] != 0:
        for block in range(HOT, HOT + p.n_pools):
            if s.claimed[block] > s.now:
                soonest = min(soonest, s.claimed[block])
    return soonest


@kernel
def _put_idle(p: Any, s: Any, u: Any, block: int, node: int) -> None:
    """A node joins a pool; it is in use there if the pool is on."""
    give_idle(p, s, u, block, node)
    if p.pool_on[block] != 0:
        begin_use(p, s, u, node)
    else:
        end_use(p, s, u, node)


@entry
def refill(p: Any, s: Any, u: Any, row: Any) -> None:
    """Fill the pool that the rule wants full from the other pools, those that activate fastest first; of nodes that
    come one by one the next is called when the last is there.
    """
    pool = p.rule_refill[s.rule]
    anywhere: Any = np.int64(ANY)  # a literal would have what is called compiled again
    book_idle(s, row)
    for turn in range(p.n_pools):
        block = p.pool_order[turn]
        ready = p.rule_await_refill[s.rule] != 0 or p.activation[block] == 0.0
        if block == pool or not ready or not _takes_from(p, s.rule, block):
            continue
        while s.idle[pool] < p.pool_nodes[pool] and s.claimed[block] <= s.now:
            place = _find(p, s, u, row, block, anywhere, anywhere)
            if place < 0:
                break
            s.refilled = max(s.refilled, _call(p, s, block))
            _put_idle(p, s, u, pool, take_idle(p, s, u, block, place))


@kernel
def take_spares(p: Any, s: Any, u: Any, row: Any) -> None:
    """Call idle spares for all empty slots in turn, those that activate fastest first."""
    book_idle(s, row)
    book_empty(p, s, row)
    within = p.rule_within[s.rule]
    for turn in range(p.n_pools):
        block = p.pool_order[turn]
        if not _takes_from(p, s.rule, block):
            continue
        left = 0
        for i in range(s.empty):
            place = _find(p, s, u, row, block, within, u.rest[i].empty_node)
            if place < 0:
                if left < i:
                    _move(u, left, i)
                left += 1
                continue
            if p.activation[block] > 0.0:
                u.rest[s.n_active].active_slot = u.rest[i].empty_slot
                u.rest[s.n_active].active_at = _call(p, s, block)
                s.n_active += 1
            u.nodes[u.rest[i].empty_node].slot = -1
            swap_versions(p, s, u, u.rest[i].empty_slot)
            node = take_idle(p, s, u, block, place)
            seat(s, u, u.rest[i].empty_slot, node)
            begin_use(p, s, u, node)
            row.spares_used += 1
        s.empty = left
        s.admitted = left


@kernel
def rejoin(p: Any, s: Any, u: Any, row: Any, node: int) -> None:
    """A repaired node comes back: to its own slot, to the waiting job, or to the fastest pool that is not full."""
    if u.nodes[node].slot >= 0:
        for i in range(s.admitted):
            if u.rest[i].empty_node == node:
                _fill(p, s, u, row, i, node)
                return
    if s.phase == WAITING and p.rule_use[s.rule] == SPARES_ELSE_WAIT:
        for i in range(s.empty):
            if suits(p, u, p.rule_within[s.rule], u.rest[i].empty_node, node):
                _fill(p, s, u, row, i, node)
                return
    book_idle(s, row)
    if p.has_refills and s.phase == WAITING and not is_full(p, s) and s.empty == 0:
        _put_idle(p, s, u, p.rule_refill[s.rule], node)
        return
    into = COLD
    for turn in range(p.n_pools):
        block = p.pool_order[turn]
        if p.takes_back[block] != 0 and s.idle[block] < p.pool_nodes[block]:
            into = block
            break
    _put_idle(p, s, u, into, node)
