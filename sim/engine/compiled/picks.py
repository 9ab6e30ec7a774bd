"""Which idle spare of a pool is called, in the compiled engine."""

from __future__ import annotations

from typing import Any

from sim.engine.compiled.nodes import domain_of, idle_node, next_site, position
from sim.engine.compiled.queues import joining_of
from sim.engine.compiled.sampling import for_last_fault
from sim.engine.compiled.turns import first_in_cluster
from sim.kernels._jit import entry, kernel
from sim.plan import ANY, CALL_LANE, FIRST, LONGEST_IDLE, RANDOM


@kernel
def suits(p: Any, u: Any, within: int, node: int, spare: int) -> bool:
    """Whether a spare is near enough to the node that it would replace."""
    return not p.has_domains or within == ANY or domain_of(p, u, within, node) == domain_of(p, u, within, spare)


@kernel
def next_near(p: Any, s: Any, u: Any, block: int, within: int, node: int, before: int) -> int:
    """The last place below ``before`` in the list of a pool where a spare is that is near enough; -1 if there is none.

    Looks at the spares or at the nodes of the domain, whichever are fewer.
    """
    if not p.has_domains or within == ANY:
        return before - 1
    return _next_in_domain(p, s, u, block, within, node, before)


@entry
def _next_in_domain(p: Any, s: Any, u: Any, block: int, within: int, node: int, before: int) -> int:
    domain = domain_of(p, u, within, node)
    if s.idle[block] * p.group_number[within] <= p.nodes:
        place = before - 1
        while place >= 0 and domain_of(p, u, within, idle_node(p, s, u, block, place)) != domain:
            place -= 1
        return place
    last = -1
    site = domain * p.group_unit[within]
    while site < p.nodes:
        other = u.sites[site].node
        place = position(p, s, u, other)
        if last < place < before and idle_node(p, s, u, block, place) == other:
            last = place
        site = next_site(p, within, site)
    return last


@kernel
def pick_spare(p: Any, s: Any, u: Any, block: int, within: int, node: int) -> int:
    """The place in a pool of the spare that is called to replace a node; -1 if none is near enough."""
    if p.has_picks and p.pick == RANDOM:
        return _any_near(p, s, u, block, within, node)
    if p.has_picks and (p.pick == LONGEST_IDLE or p.pick == FIRST):
        return _in_turn(p, s, u, block, within, node)
    return next_near(p, s, u, block, within, node, s.idle[block])


@entry
def _any_near(p: Any, s: Any, u: Any, block: int, within: int, node: int) -> int:
    """One of the places of spares that are near enough, drawn for this call after the last fault; -1 if none is."""
    near = s.idle[block]
    place = near
    if within != ANY:
        near = 0
        place = next_near(p, s, u, block, within, node, place)
        while place >= 0:
            near += 1
            place = next_near(p, s, u, block, within, node, place)
    if near == 0:
        return -1
    a, _, _, _ = for_last_fault(p, s, CALL_LANE + s.calls, 0)
    s.calls += 1
    which = int(a * near)
    if within == ANY:
        return int(near - 1 - which)
    place = s.idle[block]
    for _ in range(which + 1):
        place = next_near(p, s, u, block, within, node, place)
    return int(place)


@entry
def _in_turn(p: Any, s: Any, u: Any, block: int, within: int, node: int) -> int:
    """The place of the spare that has been idle longest, or is the first of the cluster, and near enough; -1 if none
    is. As ``_next_in_domain``, it looks at the spares or at the nodes of the domain.
    """
    if s.idle[block] == 0:
        return -1
    if not p.has_domains or within == ANY:
        spare = first_in_cluster(p, s, u, block) if p.pick == FIRST else s.idle_first[block]
        return position(p, s, u, spare)
    domain = domain_of(p, u, within, node)
    first = -1
    if s.idle[block] * p.group_number[within] <= p.nodes:
        for place in range(s.idle[block]):
            spare = idle_node(p, s, u, block, place)
            if domain_of(p, u, within, spare) == domain:
                first = _sooner(p, s, u, first, spare)
    else:
        site = domain * p.group_unit[within]
        while site < p.nodes:
            other = u.sites[site].node
            place = position(p, s, u, other)
            if 0 <= place < s.idle[block] and idle_node(p, s, u, block, place) == other:
                first = _sooner(p, s, u, first, other)
            site = next_site(p, within, site)
    return position(p, s, u, first) if first >= 0 else -1


@kernel
def _sooner(p: Any, s: Any, u: Any, first: int, spare: int) -> int:
    """Which of two spares is called before the other, if there is a first."""
    if first < 0:
        return spare
    if p.pick == FIRST:
        return spare if u.sites[spare].site < u.sites[first].site else first
    return spare if joining_of(s, u, spare) < joining_of(s, u, first) else first
