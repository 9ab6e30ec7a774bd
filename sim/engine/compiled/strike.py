"""What a fault strikes in the compiled engine: a spare, a node of the job, the job, a domain, nothing that works."""

from __future__ import annotations

from typing import Any

from sim.engine.compiled.ages import component_of, pass_on
from sim.engine.compiled.capacity import lose_spare, vacate
from sim.engine.compiled.clocks import find_next, schedule
from sim.engine.compiled.job import hit
from sim.engine.compiled.nodes import domain_of, idle_node, is_vacant, next_site, node_in, position, where
from sim.kernels._jit import kernel
from sim.kernels.lives import COMPONENT
from sim.kernels.philox import uniforms
from sim.plan import BLAME_LANE, DOMAIN, GROUP, IN_SHOP, JOB, MEMBER, NOTHING, PROCESS, REPAIR, RESET, WALL


@kernel
def strike(p: Any, s: Any, u: Any, a: Any, row: Any, clock: int) -> None:
    """The next fault of a clock strikes."""
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
    hang = s.lane_effect[lane] < p.p_hang[source]
    if block != COMPONENT:
        schedule(p, s, lane)
        find_next(p, s, clock)
        _land(p, s, u, row, source, block, block, number, ordinal, need, hang)
        return
    node = _node_of(p, s, lane, source)
    at = _place_of(p, s, u, node, clock)
    number = position(p, s, u, node) if node >= 0 else -1
    _land(p, s, u, row, source, block, at, number, ordinal, need, hang)
    # Not held where somebody else was blamed: then it works on, and fails again.
    held = node >= 0 and at != IN_SHOP and where(p, s, u, node) == IN_SHOP
    pass_on(p, s, a, lane, held)
    find_next(p, s, clock)


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
    p: Any, s: Any, u: Any, row: Any, source: int, block: int, at: int, number: int, ordinal: int, need: int, hang: bool
) -> None:
    """A fault strikes the slot, the place in a pool or the domain of this number."""
    taken = p.takes[source] != NOTHING and need > PROCESS
    if at == IN_SHOP:
        row.void_faults += 1
        return
    if JOB < at < DOMAIN:
        if not taken or number >= s.idle[at]:
            row.void_faults += 1
            return
        node = idle_node(p, s, u, at, number)
    elif at == JOB:
        if number >= 0 and is_vacant(s, u, number):
            row.void_faults += 1
            return
        node = node_in(s, u, number) if number >= 0 else -1
    else:
        node = -1
    if block == DOMAIN or (taken and p.takes[source] >= GROUP):
        group = p.takes[source] - GROUP
        domain = number if block == DOMAIN else domain_of(p, u, group, node)
        _strike_domain(p, s, u, row, group, domain, source, block, ordinal, need, hang)
    elif at != JOB:
        row.spare_faults += 1
        lose_spare(p, s, u, row, at, number, source, block, ordinal, need)
    else:
        row.faults += 1
        row.faults_of[source] += 1
        if taken and p.missed + p.wrong + p.evict > 0.0:
            _strike_suspects(p, s, u, row, number, source, block, ordinal, need, hang)
            return
        hit(p, s, row, source, block, ordinal, need, hang)
        if taken:
            vacate(s, u, number, source, block, ordinal, need)


@kernel
def _strike_suspects(
    p: Any, s: Any, u: Any, row: Any, slot: int, source: int, block: int, ordinal: int, need: int, hang: bool
) -> None:
    """A fault takes a node of the job, and somebody decides which: nobody, another one, it with its domain, or it."""
    choice, who, _, _ = uniforms(p.key_0[source], p.key_1[source], ordinal, BLAME_LANE, block, s.replication)
    if choice < p.missed + p.wrong:
        blamed = int(who * (p.job_nodes - 1))
        blamed += 1 if blamed >= slot else 0
        if choice < p.missed or blamed >= p.job_nodes or is_vacant(s, u, blamed):
            row.missed += 1
            hit(p, s, row, source, block, ordinal, PROCESS, hang)
        else:
            row.blamed_wrongly += 1
            hit(p, s, row, source, block, ordinal, need, hang)
            vacate(s, u, blamed, source, block, ordinal, need)
        return
    node = node_in(s, u, slot)
    hit(p, s, row, source, block, ordinal, need, hang)
    vacate(s, u, slot, source, block, ordinal, need)
    if choice < p.missed + p.wrong + p.evict:
        domain = domain_of(p, u, p.evict_group, node)
        _vacate_domain(p, s, u, p.evict_group, domain, source, block + MEMBER, ordinal, RESET)


@kernel
def _strike_domain(
    p: Any, s: Any, u: Any, row: Any, group: int, domain: int, source: int, block: int, ordinal: int, need: int,
    hang: bool,
) -> None:  # fmt: skip
    """All nodes of a domain that work go down together, or only lose their processes: one fault, many repairs."""
    spares = need > PROCESS and _lose_spares(p, s, u, row, group, domain, source, block, ordinal, need)
    if not _has_job_node(p, s, u, group, domain):
        row.spare_faults += 1 if spares else 0
        row.void_faults += 0 if spares else 1
        return
    row.faults += 1
    row.faults_of[source] += 1
    hit(p, s, row, source, block, ordinal, need, hang)
    if need > PROCESS:
        _vacate_domain(p, s, u, group, domain, source, block, ordinal, need)


@kernel
def _lose_spares(
    p: Any, s: Any, u: Any, row: Any, group: int, domain: int, source: int, block: int, ordinal: int, need: int
) -> bool:
    """The idle spares of a domain that are on go to repair. Returns whether there were any."""
    found = False
    member = 0
    site = domain * p.group_unit[group]
    while site < u.size:
        node = u[site].node
        pool = where(p, s, u, node)
        if JOB < pool < DOMAIN and p.pool_on[pool] != 0:
            lose_spare(p, s, u, row, pool, position(p, s, u, node), source, block + MEMBER * member, ordinal, need)
            found = True
        member += 1
        site = next_site(p, group, site)
    return found


@kernel
def _has_job_node(p: Any, s: Any, u: Any, group: int, domain: int) -> bool:
    """Whether a node of the job is in a domain."""
    site = domain * p.group_unit[group]
    while site < u.size:
        if where(p, s, u, u[site].node) == JOB:
            return True
        site = next_site(p, group, site)
    return False


@kernel
def _vacate_domain(
    p: Any, s: Any, u: Any, group: int, domain: int, source: int, block: int, ordinal: int, need: int
) -> None:
    """The slots of the job whose nodes are in a domain become empty."""
    member = 0
    site = domain * p.group_unit[group]
    while site < u.size:
        node = u[site].node
        if where(p, s, u, node) == JOB:
            vacate(s, u, position(p, s, u, node), source, block + MEMBER * member, ordinal, need)
        member += 1
        site = next_site(p, group, site)
