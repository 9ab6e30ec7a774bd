"""What a fault strikes in the compiled engine: a spare, a node of the job, the job, a domain, nothing that works."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sim.engine.compiled.ages import component_of, pass_on, release
from sim.engine.compiled.capacity import admit_all, lose_spare, vacate
from sim.engine.compiled.clocks import find_after, schedule
from sim.engine.compiled.heap import remove, settle
from sim.engine.compiled.job import hit
from sim.engine.compiled.nodes import domain_of, idle_node, is_down, is_vacant, next_site, node_in, position, where
from sim.engine.compiled.pauses import tell
from sim.engine.compiled.recurrence import repaired, stay, stays
from sim.engine.compiled.sampling import sample
from sim.engine.compiled.saving import check_versions, lose_copies
from sim.engine.state import PAUSED, RUNNING
from sim.kernels._jit import entry, kernel
from sim.kernels.blocks import COMPONENT
from sim.kernels.memory import prefetch
from sim.kernels.philox import uniforms
from sim.plan import (
    BLAME_LANE,
    DOMAIN,
    GROUP,
    HANG,
    IN_SHOP,
    JOB,
    KNOWN,
    LEAD_LANE,
    MEMBER,
    NOTHING,
    NOTICE,
    OLD,
    PROCESS,
    RELAPSED,
    REPAIR,
    RESET,
    STOP,
    WALL,
)

NOBODY, OF_CLOCK, RELAPSE, KNOWN_ONE, RECURRENCE = 0, 1, 2, 3, 4
"""Whose turn it is: nobody's, a fault's of a clock, a relapse's, a known fault's, a broken node's that fails again."""


@kernel
def strike(p: Any, s: Any, u: Any, a: Any, row: Any, clock: int, turn: int) -> None:
    """What is due strikes; and what is known strikes, too, once the job is stopped.

    In one loop, so that all that follows is called in one place: it is inlined, and compiled as often as it is called.
    """
    while True:
        if turn == NOBODY:
            if not p.has_notices or s.n_known == 0 or not _is_stopped(s):
                return
            turn = KNOWN_ONE
        node = -1
        lane = s.next_lane[clock]
        if turn == OF_CLOCK or not (p.has_relapses or p.has_notices or p.has_recurrences):
            source, block, at, number, ordinal, need, effect, node = _next_fault(p, s, u, clock)
        elif turn == RELAPSE:
            source, block, at, number, ordinal, need, effect = _relapse(p, s, u, row)
        elif p.has_recurrences and turn == RECURRENCE:
            source, block, at, number, ordinal, need, effect, node = _recurrence(p, s, u, row)
        else:
            source, block, at, number, ordinal, need, effect = _known_fault(p, s, u)
        _land(p, s, u, row, source, block, at, number, ordinal, need, effect)
        if p.repair_at_fault and s.admitted < s.empty:
            admit_all(p, s, u, row)
        if turn == OF_CLOCK:
            if p.has_ages and block == COMPONENT:
                # Not held where somebody else was blamed: then it works on, and fails again.
                held = node >= 0 and at != IN_SHOP and where(p, s, u, node) == IN_SHOP
                if p.has_recurrences and node >= 0:
                    held |= stays(s, u, node, source, ordinal)
                pass_on(p, s, a, lane, held)
            find_after(p, s, clock, lane)
            _foresee(p, s, u, clock)
        elif p.has_ages and p.has_recurrences and turn == RECURRENCE and _is_cured(p, s, u, node):
            release(p, s, a, node, np.int64(OLD))
        turn = NOBODY


@kernel
def _is_cured(p: Any, s: Any, u: Any, node: int) -> bool:
    """Whether a node that failed again stays in the job, and a restart cures it."""
    return bool(where(p, s, u, node) == JOB and u.rest[node].broken != s.epoch)


@kernel
def _foresee(p: Any, s: Any, u: Any, clock: int) -> None:
    """Ask for the record of the slot that the next fault of a clock strikes, if it strikes one."""
    lane = s.next_lane[clock]
    if lane >= 0:
        prefetch(u.nodes, int(s.lane_slot[lane] * p.lane_slots[lane]))


@kernel
def _is_stopped(s: Any) -> bool:
    """Whether the job stands still, with all that it could save."""
    return not (s.phase == RUNNING or (s.phase == PAUSED and s.on_hold))


@kernel
def _next_fault(p: Any, s: Any, u: Any, clock: int) -> tuple[int, int, int, int, int, int, int, int]:
    """The next fault of a clock: source, block, where it strikes and the number there, ordinal, need, effect, node."""
    lane = s.next_lane[clock]
    source = p.lane_source[lane]
    block = p.lane_block[lane]
    ordinal = s.lane_ordinal[lane]
    number = -1
    if p.lane_slots[lane] > 0:
        number = int(s.lane_slot[lane] * p.lane_slots[lane])
    need = REPAIR
    if s.lane_need[lane] < p.p_process[source]:
        need = PROCESS
    elif s.lane_need[lane] < p.p_process[source] + p.p_reset[source]:
        need = RESET
    effect = HANG if s.lane_effect[lane] < p.p_hang[source] else STOP
    if p.has_notices and p.p_hang[source] <= s.lane_effect[lane] < p.p_hang[source] + p.p_notice[source]:
        effect = NOTICE
    node = -1
    at = block
    if p.has_ages and block == COMPONENT:
        node = _node_of(p, s, lane, source)
        at = _place_of(p, s, u, node, clock)
        number = position(p, s, u, node) if node >= 0 else -1
    else:
        schedule(p, s, lane)
    return source, block, at, number, ordinal, need, effect, node


@entry
def _relapse(p: Any, s: Any, u: Any, row: Any) -> tuple[int, int, int, int, int, int, int]:
    """A node that only seemed to be in order fails again, as a fault of the source that sent it to repair."""
    node = u.bad[0].node
    row.relapses += 1
    u.nodes[node].relapsed = s.epoch
    block = u.nodes[node].block + 256 * u.nodes[node].attempt
    at = where(p, s, u, node)
    return u.nodes[node].source, block, at, position(p, s, u, node), u.nodes[node].ordinal, REPAIR, RELAPSED


@entry
def _recurrence(p: Any, s: Any, u: Any, row: Any) -> tuple[int, int, int, int, int, int, int, int]:
    """A node of the job fails again that was not taken out when it did."""
    node = u.broken[0].node
    row.recurrences += 1
    repaired(p, s, u, node)
    what = u.rest[node]
    number = position(p, s, u, node)
    return what.broken_source, what.broken_block, JOB, number, what.broken_ordinal, what.broken_need, STOP, node


@kernel
def _node_of(p: Any, s: Any, lane: int, source: int) -> int:
    """The node of the component that a lane's next fault strikes; -1 if it is the job's."""
    return int(component_of(p, s, lane) // p.per_node[source]) if p.per_node[source] > 0 else -1


@kernel
def _place_of(p: Any, s: Any, u: Any, node: int, clock: int) -> int:
    """Where the node of a component is; what does not work, or no fault can strike, is in the shop."""
    if node < 0:
        return JOB
    at = where(p, s, u, node)
    return IN_SHOP if JOB < at < DOMAIN and (clock != WALL or p.pool_on[at] == 0) else at


@kernel
def _land(
    p: Any, s: Any, u: Any, row: Any, source: int, block: int, at: int, number: int, ordinal: int, need: int,
    effect: int,
) -> None:  # fmt: skip
    """A fault strikes the slot, the place in a pool or the domain of this number."""
    taken = p.takes[source] != NOTHING and need > PROCESS
    is_spare = JOB < at < DOMAIN
    if (
        at == IN_SHOP
        or (is_spare and (not taken or number >= s.idle[at]))
        or (at == JOB and number >= 0 and is_vacant(s, u, number))
    ):
        row.void_faults += 1
        return
    node = -1
    if is_spare:
        node = idle_node(p, s, u, at, number)
        if is_down(s, u, node):
            row.void_faults += 1
            return
    elif at == JOB and number >= 0:
        node = node_in(s, u, number)
    group = -1
    domain = -1
    if p.has_domains and (block == DOMAIN or (taken and p.takes[source] >= GROUP and effect != RELAPSED)):
        group = p.takes[source] - GROUP
        domain = number if block == DOMAIN else domain_of(p, u, group, node)
        if effect == NOTICE and _has_job_node(p, s, u, group, domain):
            _know(p, s, u, row, source, block, number if block == DOMAIN else node, ordinal, need)
            return
        spares = taken and _lose_spares(p, s, u, row, group, domain, source, block, ordinal, need, effect)
        if not _has_job_node(p, s, u, group, domain):
            row.spare_faults += 1 if spares else 0
            row.void_faults += 0 if spares else 1
            return
        number = -1
    elif is_spare:
        row.spare_faults += 1
        lose_spare(p, s, u, row, at, number, source, block, ordinal, need, effect)
        return
    elif p.has_notices and effect == NOTICE:
        _know(p, s, u, row, source, block, node, ordinal, need)
        return
    _strike_job(p, s, u, row, source, block, ordinal, need, effect, number, group, domain)


@entry
def _know(p: Any, s: Any, u: Any, row: Any, source: int, block: int, number: int, ordinal: int, need: int) -> None:
    """A fault of the job, of a node of it or of a domain is known before it strikes."""
    if s.n_known >= u.notices.size:
        s.crowded = True
        return
    row.notices += 1
    a, choice, _, _ = uniforms(p.key_0[source], p.key_1[source], ordinal, LEAD_LANE, block, s.replication)
    i = s.n_known
    u.notices[i].source = source
    u.notices[i].block = block
    u.notices[i].number = number
    u.notices[i].ordinal = ordinal
    u.notices[i].need = need
    s.n_known += 1
    s.known_sequence += 1
    settle(u.known, s.n_known, i, s.now + sample(p, p.lead[source], a, choice), s.known_sequence, i)
    s.known_due = u.known[0].due
    if s.phase == RUNNING:
        tell(p, s)


@entry
def _known_fault(p: Any, s: Any, u: Any) -> tuple[int, int, int, int, int, int, int]:
    """The known fault that is due first, wherever its node is now; of several that which was known first."""
    first = u.known[0].node
    source = u.notices[first].source
    block = u.notices[first].block
    number = u.notices[first].number
    ordinal = u.notices[first].ordinal
    need = u.notices[first].need
    s.struck_due = u.known[0].due
    s.n_known -= 1
    remove(u.known, s.n_known, first)
    s.known_due = u.known[0].due if s.n_known > 0 else math.inf
    _fill_place(s, u, first)
    at = block
    if block != DOMAIN:
        at = _place_of(p, s, u, number, WALL)
        number = position(p, s, u, number) if number >= 0 else -1
    return source, block, at, number, ordinal, need, KNOWN


@kernel
def _fill_place(s: Any, u: Any, place: int) -> None:
    """The last of the known faults takes a place in their list that is free."""
    last = s.n_known
    if place != last:
        u.notices[place].source = u.notices[last].source
        u.notices[place].block = u.notices[last].block
        u.notices[place].number = u.notices[last].number
        u.notices[place].ordinal = u.notices[last].ordinal
        u.notices[place].need = u.notices[last].need
        u.known[place].place = u.known[last].place
        u.known[u.known[place].place].node = place


@kernel
def _strike_job(
    p: Any, s: Any, u: Any, row: Any, source: int, block: int, ordinal: int, need: int, effect: int, slot: int,
    group: int, domain: int,
) -> None:  # fmt: skip
    """A fault strikes a slot (-1: none) or a domain (of a group, -1: none), or the job; and some nodes go for it."""
    row.faults += 1
    row.faults_of[source] += 1
    taken = p.takes[source] != NOTHING and need > PROCESS
    gone = slot if taken else -1
    seen = need
    in_domain = need
    key = block
    if p.has_blame and gone >= 0 and STOP <= effect <= HANG:
        choice, who, cure, _ = uniforms(p.key_0[source], p.key_1[source], ordinal, BLAME_LANE, block, s.replication)
        if choice < p.missed + p.wrong:
            if p.has_recurrences and cure >= p.healed:
                stay(p, s, u, slot, source, block, ordinal, need)
            gone = _blamed(p, s, u, slot, choice, who)
            row.missed += 1 if gone < 0 else 0
            row.blamed_wrongly += 1 if gone >= 0 else 0
            seen = need if gone >= 0 else PROCESS
        elif choice < p.missed + p.wrong + p.evict:
            group = p.evict_group
            domain = domain_of(p, u, group, node_in(s, u, slot))
            in_domain = RESET
            key = block + MEMBER
    hit(p, s, row, source, block, ordinal, seen, effect)
    if p.has_tiers:
        if slot >= 0 or group < 0:
            lose_copies(p, s, u, slot, need)
        if group >= 0:
            _lose_copies(p, s, u, group, domain, in_domain)
        check_versions(p, s, row)
    if gone >= 0:
        vacate(p, s, u, gone, source, block, ordinal, need)
    if p.has_domains and group >= 0 and in_domain > PROCESS:
        _vacate_domain(p, s, u, group, domain, source, key, ordinal, in_domain)


@entry
def _blamed(p: Any, s: Any, u: Any, slot: int, choice: float, who: float) -> int:
    """The slot of the node that is wrongly blamed for a fault in ``slot``; -1 if none is."""
    other = int(who * (p.job_nodes - 1))
    other += 1 if other >= slot else 0
    return -1 if choice < p.missed or other >= p.job_nodes or is_vacant(s, u, other) else other


@entry
def _lose_spares(
    p: Any, s: Any, u: Any, row: Any, group: int, domain: int, source: int, block: int, ordinal: int, need: int,
    effect: int,
) -> bool:  # fmt: skip
    """The idle spares of a domain that are on go to repair. Returns whether there were any."""
    found = False
    member = 0
    site = domain * p.group_unit[group]
    while site < p.nodes:
        node = u.sites[site].node
        pool = where(p, s, u, node)
        if JOB < pool < DOMAIN and p.pool_on[pool] != 0:
            key = block + MEMBER * member
            lose_spare(p, s, u, row, pool, position(p, s, u, node), source, key, ordinal, need, effect)
            found = True
        member += 1
        site = next_site(p, group, site)
    return found


@entry
def _has_job_node(p: Any, s: Any, u: Any, group: int, domain: int) -> bool:
    """Whether a node of the job is in a domain."""
    site = domain * p.group_unit[group]
    while site < p.nodes:
        if where(p, s, u, u.sites[site].node) == JOB:
            return True
        site = next_site(p, group, site)
    return False


@entry
def _lose_copies(p: Any, s: Any, u: Any, group: int, domain: int, need: int) -> None:
    """The nodes of the job that are in a domain lose their copies."""
    site = domain * p.group_unit[group]
    while site < p.nodes:
        node = u.sites[site].node
        if where(p, s, u, node) == JOB:
            lose_copies(p, s, u, position(p, s, u, node), need)
        site = next_site(p, group, site)


@entry
def _vacate_domain(
    p: Any, s: Any, u: Any, group: int, domain: int, source: int, block: int, ordinal: int, need: int
) -> None:
    """The slots of the job whose nodes are in a domain become empty."""
    member = 0
    site = domain * p.group_unit[group]
    while site < p.nodes:
        node = u.sites[site].node
        if where(p, s, u, node) == JOB:
            vacate(p, s, u, position(p, s, u, node), source, block + MEMBER * member, ordinal, need)
        member += 1
        site = next_site(p, group, site)
