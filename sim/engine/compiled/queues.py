"""Idle spares of a pool by how long they have been there, in the compiled engine: a list with links both ways.

At the start it is that of the pool's nodes by number: nothing is known of a node before it, or one beside it, joins or
leaves.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels._jit import entry, kernel

LINK = np.dtype([("linked", "i8"), ("joining", "i8"), ("before", "i8"), ("after", "i8")])
"""By node, if ``linked`` is the run's epoch: the number of its joining, its neighbours in the list of its pool (-1:
none); else its own number, and the nodes of its pool beside it.
"""


@kernel
def joining_of(s: Any, u: Any, node: int) -> int:
    """The number of an idle spare's joining: the lowest of a pool has been idle longest."""
    return int(u.links[node].joining if u.links[node].linked == s.epoch else node)


@kernel
def _before(p: Any, s: Any, u: Any, block: int, node: int) -> int:
    if u.links[node].linked == s.epoch:
        return int(u.links[node].before)
    return node - 1 if node > p.pool_end[block] - p.pool_nodes[block] else -1


@kernel
def _after(p: Any, s: Any, u: Any, block: int, node: int) -> int:
    if u.links[node].linked == s.epoch:
        return int(u.links[node].after)
    return node + 1 if node + 1 < p.pool_end[block] else -1


@kernel
def _link(s: Any, u: Any, node: int, joining: int, before: int, after: int) -> None:
    u.links[node].linked = s.epoch
    u.links[node].joining = joining
    u.links[node].before = before
    u.links[node].after = after


@entry
def enqueue(p: Any, s: Any, u: Any, block: int, node: int) -> None:
    """A node joins a pool."""
    last = s.idle_last[block]
    s.joined += 1
    _link(s, u, node, p.nodes + s.joined, last, -1)
    s.idle_last[block] = node
    if last < 0:
        s.idle_first[block] = node
    else:
        _link(s, u, last, joining_of(s, u, last), _before(p, s, u, block, last), node)


@entry
def leave_queue(p: Any, s: Any, u: Any, block: int, node: int) -> None:
    """A node leaves a pool."""
    before = _before(p, s, u, block, node)
    after = _after(p, s, u, block, node)
    if before < 0:
        s.idle_first[block] = after
    else:
        _link(s, u, before, joining_of(s, u, before), _before(p, s, u, block, before), after)
    if after < 0:
        s.idle_last[block] = before
    else:
        _link(s, u, after, joining_of(s, u, after), before, _after(p, s, u, block, after))
