"""Where each node is, in the compiled engine: in a slot of the job, idle in a pool, or in the shop; and its domains.

Nothing is written at the start of a run: what does not bear its epoch is as it was at the start.
"""

from __future__ import annotations

from typing import Any

from sim.engine.compiled.queues import enqueue, leave_queue
from sim.engine.compiled.turns import join, quit_turn
from sim.kernels._jit import kernel
from sim.plan import FIRST, HOT, IN_SHOP, JOB, LONGEST_IDLE


@kernel
def node_in(s: Any, u: Any, slot: int) -> int:
    """The node that is, or was last, in a slot of the job."""
    return int(u.nodes[slot].seat) if u.nodes[slot].seated == s.epoch else slot


@kernel
def where(p: Any, s: Any, u: Any, node: int) -> int:
    """Where a node is: ``JOB``, the block of a pool, or ``IN_SHOP``, also if it is dead in a pool."""
    if u.nodes[node].placed == s.epoch:
        return int(u.nodes[node].where)
    return _first_block(p, node)


@kernel
def _first_block(p: Any, node: int) -> int:
    """Where a node is at the start."""
    if node < p.job_nodes:
        return JOB
    block = HOT
    while node >= p.pool_end[block]:
        block += 1
    return block


@kernel
def position(p: Any, s: Any, u: Any, node: int) -> int:
    """The slot of a node of the job, or the place of an idle one in the list of its pool."""
    if u.nodes[node].placed == s.epoch:
        return int(u.nodes[node].position)
    if node < p.job_nodes:
        return node
    return int(p.pool_end[_first_block(p, node)] - 1 - node)


@kernel
def _place(s: Any, u: Any, node: int, where: int, position: int) -> None:
    u.nodes[node].placed = s.epoch
    u.nodes[node].where = where
    u.nodes[node].position = position


@kernel
def is_vacant(s: Any, u: Any, slot: int) -> bool:
    """Whether a slot of the job stands empty."""
    return bool(u.nodes[slot].vacant == s.epoch)


@kernel
def leave(s: Any, u: Any, slot: int) -> int:
    """The node of a slot goes down and leaves it empty. Returns the node."""
    node = node_in(s, u, slot)
    u.nodes[slot].vacant = s.epoch
    _place(s, u, node, IN_SHOP, slot)
    return node


@kernel
def seat(s: Any, u: Any, slot: int, node: int) -> None:
    """A node fills an empty slot."""
    u.nodes[slot].vacant = 0
    u.nodes[slot].seated = s.epoch
    u.nodes[slot].seat = node
    _place(s, u, node, JOB, slot)


@kernel
def idle_node(p: Any, s: Any, u: Any, block: int, place: int) -> int:
    """The node at a place in the list of a pool's idle spares. At the start the first of them is at the end."""
    if u.rest[place].pooled[block] == s.epoch:
        return int(u.rest[place].pool[block])
    return int(p.pool_end[block] - 1 - place)


@kernel
def _put_idle(s: Any, u: Any, block: int, place: int, node: int, where: int) -> None:
    u.rest[place].pooled[block] = s.epoch
    u.rest[place].pool[block] = node
    _place(s, u, node, where, place)


@kernel
def give_idle(p: Any, s: Any, u: Any, block: int, node: int) -> None:
    """A node joins a pool, at the end of its list."""
    if p.has_picks and p.pick == LONGEST_IDLE:
        enqueue(p, s, u, block, node)
    elif p.has_picks and p.pick == FIRST:
        join(p, s, u, block, node)
    _put_idle(s, u, block, s.idle[block], node, block)
    s.idle[block] += 1


@kernel
def die_idle(s: Any, u: Any, node: int, place: int) -> None:
    """An idle node goes down, and keeps its place in its pool until somebody notices."""
    _place(s, u, node, IN_SHOP, place)


@kernel
def is_down(s: Any, u: Any, node: int) -> bool:
    """Whether a node that has a place in a pool is dead there."""
    return bool(u.nodes[node].placed == s.epoch and u.nodes[node].where == IN_SHOP)


@kernel
def take_idle(p: Any, s: Any, u: Any, block: int, place: int) -> int:
    """The node at a place leaves a pool, and the last one takes its place. Returns the node."""
    node = idle_node(p, s, u, block, place)
    s.idle[block] -= 1
    if p.has_picks and p.pick == LONGEST_IDLE:
        leave_queue(p, s, u, block, node)
    elif p.has_picks and p.pick == FIRST:
        quit_turn(p, s, u, block, node)
    last = s.idle[block]
    if place != last:
        other = idle_node(p, s, u, block, last)
        _put_idle(s, u, block, place, other, IN_SHOP if is_down(s, u, other) else block)
    _place(s, u, node, IN_SHOP, -1)
    return node


@kernel
def domain_of(p: Any, u: Any, group: int, node: int) -> int:
    """The domain of a group that a node is in."""
    return int((u.sites[node].site // p.group_unit[group]) % p.group_number[group])


@kernel
def next_site(p: Any, group: int, site: int) -> int:
    """The place in the cluster after ``site`` in its domain of a group; beyond the last node where there is none."""
    unit = p.group_unit[group]
    following = site + 1
    return int(following if following % unit != 0 else following + (p.group_number[group] - 1) * unit)
