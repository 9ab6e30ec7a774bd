"""What a fault strikes in the compiled engine: a spare, a node of the job, the job, a domain, nothing that works."""

from __future__ import annotations

from typing import Any

from sim.engine.compiled.capacity import lose_spare, vacate
from sim.engine.compiled.clocks import find_next, schedule
from sim.engine.compiled.job import hit
from sim.engine.compiled.nodes import domain_of, idle_node, is_vacant, next_site, node_in, position, where
from sim.engine.compiled.saving import check_versions, lose_copies, lose_versions
from sim.kernels._jit import kernel
from sim.kernels.philox import uniforms
from sim.plan import BLAME_LANE, DOMAIN, GROUP, JOB, MEMBER, NOTHING, PROCESS, REPAIR, RESET


@kernel
def strike(p: Any, s: Any, u: Any, row: Any, clock: int) -> None:
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
    schedule(p, s, lane)
    find_next(p, s, clock)
    taken = p.takes[source] != NOTHING and need > PROCESS
    if JOB < block < DOMAIN:
        if not taken or number >= s.idle[block]:
            row.void_faults += 1
            return
        node = idle_node(p, s, u, block, number)
    elif block == JOB:
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
    elif block != JOB:
        row.spare_faults += 1
        lose_spare(p, s, u, row, block, number, source, block, ordinal, need)
    else:
        row.faults += 1
        row.faults_of[source] += 1
        if taken and p.missed + p.wrong + p.evict > 0.0:
            _strike_suspects(p, s, u, row, number, source, block, ordinal, need, hang)
            return
        hit(p, s, row, source, block, ordinal, need, hang)
        lose_versions(p, s, u, row, number, need)
        if taken:
            vacate(s, u, number, source, block, ordinal, need)


@kernel
def relapse(p: Any, s: Any, u: Any, row: Any) -> None:
    """A node that only seemed to be in order fails again, as a fault of the source that sent it to repair."""
    node = u[0].bad_node
    source = u[node].source
    block = u[node].block + 256 * u[node].attempt
    ordinal = u[node].ordinal
    pool = where(p, s, u, node)
    row.relapses += 1
    u[node].relapsed = True
    if pool != JOB:
        row.spare_faults += 1
        lose_spare(p, s, u, row, pool, position(p, s, u, node), source, block, ordinal, REPAIR)
    else:
        row.faults += 1
        row.faults_of[source] += 1
        hit(p, s, row, source, block, ordinal, REPAIR, False)
        lose_versions(p, s, u, row, position(p, s, u, node), REPAIR)
        vacate(s, u, position(p, s, u, node), source, block, ordinal, REPAIR)


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
            lose_versions(p, s, u, row, slot, need)
        else:
            row.blamed_wrongly += 1
            hit(p, s, row, source, block, ordinal, need, hang)
            lose_versions(p, s, u, row, slot, need)
            vacate(s, u, blamed, source, block, ordinal, need)
        return
    node = node_in(s, u, slot)
    hit(p, s, row, source, block, ordinal, need, hang)
    if choice >= p.missed + p.wrong + p.evict:
        lose_versions(p, s, u, row, slot, need)
        vacate(s, u, slot, source, block, ordinal, need)
        return
    domain = domain_of(p, u, p.evict_group, node)
    if p.tiered:
        lose_copies(p, s, u, slot, need)
    vacate(s, u, slot, source, block, ordinal, need)
    if p.tiered:
        _lose_copies(p, s, u, p.evict_group, domain, RESET)
        check_versions(p, s, row)
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
    if p.tiered:
        _lose_copies(p, s, u, group, domain, need)
        check_versions(p, s, row)
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
def _lose_copies(p: Any, s: Any, u: Any, group: int, domain: int, need: int) -> None:
    """The nodes of the job that are in a domain lose their copies."""
    site = domain * p.group_unit[group]
    while site < u.size:
        node = u[site].node
        if where(p, s, u, node) == JOB:
            lose_copies(p, s, u, position(p, s, u, node), need)
        site = next_site(p, group, site)


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
