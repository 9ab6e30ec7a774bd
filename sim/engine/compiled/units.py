"""What the compiled engine knows of single nodes: records of fixed shape, of which there are as many as nodes.

Which node a fault strikes cannot be foreseen, so what it reads should lie together: the heap that is walked through at
each repair is dense, and what few scenarios use is apart.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from sim.engine.compiled.heap import SECOND_LIFE
from sim.engine.compiled.layout import MAX_FAILURES, MAX_POOLS, MAX_REPAIR, Record
from sim.engine.compiled.queues import LINK
from sim.engine.compiled.turns import TURN
from sim.kernels.memory import LINE
from sim.kernels.persists import MOST_STORES
from sim.plan import FIRST, Plan

FEW_NOTICES = 1024
"""Faults for which there is room at first to be known at a time; where more are, the run is made again with more."""

NODE = np.dtype(
    [
        # A line of the cache for what every fault reads.
        # by node: where it is (sim.plan.JOB, a pool's block, IN_SHOP) and its slot or place there, if ``placed`` is the
        # run's epoch, else where it was at the start. One that is dead in a pool and not noticed is in the shop, and
        # keeps its place in the pool
        ("placed", "i8"), ("where", "i8"), ("position", "i8"),
        # by slot: the node in it, if ``seated`` is the run's epoch, else the first; whether it is empty: the epoch
        ("seated", "i8"), ("seat", "i8"), ("vacant", "i8"),
        # by node: whether it only seems to be in order, whether its second life has begun (the epoch)
        ("bad", "i8"), ("lives", "i8"),
        # And a line for repair.
        # by node in repair: the slot that it left (-1: filled since), the fault that keys its draws, how often it was
        # served, since when it is in its stage, whether the fault is a relapse (the epoch)
        ("slot", "i8"), ("source", "i8"), ("block", "i8"), ("ordinal", "i8"), ("attempt", "i8"), ("since", "f8"),
        ("relapsed", "i8"),
        # by node in repair: whether the service under way puts it in order, what of it is new (sim.plan.RENEWS),
        # whether it only needed a reset, whether it must pass the stage of quarantine; for one that is down, the block
        # of the pool where nobody has noticed it (0: it is known); its stage
        ("fixed", "b1"), ("renewed", "i1"), ("for_reset", "b1"), ("suspect", "b1"), ("dead_in", "i2"), ("stage", "i2"),
    ],
    align=True,
)  # fmt: skip
"""What is known of a node, or of a slot of the job: a record of two lines of the cache, since which one a fault strikes
cannot be foreseen.
"""

HEAP = np.dtype([("heap_due", "f8"), ("heap_sequence", "i8"), ("heap_unit", "i8")])
"""Units in service, by the time at which they leave, and dead spares, by that of their check: a place in a heap."""

REST = np.dtype(
    [
        # by node in repair: services by each stage, where they are counted
        ("served", "i8", MAX_REPAIR),
        # by node: whether its failures are those of this run (the epoch), how many, when the last of them were (ring)
        ("history", "i8"), ("failures", "i8"), ("failed", "f8", MAX_FAILURES),
        # by place in a pool, by block: an idle node, if ``pooled`` is the run's epoch
        ("pooled", "i8", MAX_POOLS + 1), ("pool", "i8", MAX_POOLS + 1),
        # by node: whether it failed and was not taken out (the epoch), the fault by which it fails again, and its need
        ("broken", "i8"), ("broken_source", "i8"), ("broken_block", "i8"), ("broken_ordinal", "i8"),
        ("broken_need", "i8"),
        # by place in a ring for each stage: units that wait for a crew
        ("queue", "i8", MAX_REPAIR),
        # by place in a list: spares in activation, their slot and when they are active
        ("active_slot", "i8"), ("active_at", "f8"),
        # by place in a list: empty slots in the order of their faults, the node that left, the fault and its need
        ("empty_slot", "i8"), ("empty_node", "i8"), ("empty_source", "i8"), ("empty_block", "i8"),
        ("empty_ordinal", "i8"), ("empty_need", "i8"),
        # by slot and store: the series of versions of which its node has no copy
        ("lost", "i8", MOST_STORES),
    ],
    align=True,
)  # fmt: skip
"""Arrays of one length, the number of nodes, that share a record: each group of fields has an index of its own."""


NOTICE = np.dtype([("source", "i8"), ("block", "i8"), ("number", "i8"), ("ordinal", "i8"), ("need", "i8")])
"""Faults that are known before they strike, by place in a list: their node (-1: none) or domain, their key and need."""

SITE = np.dtype([("site", "i8"), ("node", "i8")])
"""By node: its place in the cluster; by such a place: the node. Small, as it is written for all nodes at once."""


class Units(NamedTuple):
    """What is known of single nodes: arrays of ``NODE``, ``REST`` and ``SITE``, shape (nodes,), and of ``HEAP``, one
    longer; of ``SECOND_LIFE``, shape (nodes,), for nodes that only seem to be in order and for broken ones; of ``LINK``
    and ``TURN``, shape (nodes,), for the order in which idle spares are called; of ``NOTICE``, shape (room,), and of
    ``SECOND_LIFE``, of the same shape: a heap of their places by when they are due.
    """

    nodes: Record
    heap: Record
    rest: Record
    sites: Record
    bad: Record
    broken: Record
    links: Record
    turns: Record
    notices: Record
    known: Record

    def with_notices(self, room: int) -> Units:
        """Return these with room for so many faults that are known."""
        return self._replace(notices=np.zeros(room, NOTICE), known=np.zeros(room, SECOND_LIFE))


def units(plan: Plan) -> Units:
    """Room for the nodes of a plan: of each record as many as nodes, and one more of the heap, where a place is read
    with its neighbour; and for ``FEW_NOTICES``. Pages are touched only as they are used.
    """
    length = plan.nodes
    room = Units(
        nodes=_aligned(length, NODE),
        heap=np.zeros(length + 1, HEAP),
        rest=np.zeros(length, REST),
        sites=np.zeros(length, SITE),
        bad=np.zeros(length, SECOND_LIFE),
        broken=np.zeros(length, SECOND_LIFE),
        links=np.zeros(length, LINK),
        turns=np.zeros(length, TURN),
        notices=np.zeros(FEW_NOTICES, NOTICE),
        known=np.zeros(FEW_NOTICES, SECOND_LIFE),
    )
    if plan.groups or plan.pick == FIRST:
        room.sites["node"][: plan.nodes] = plan.order or np.arange(plan.nodes)
        room.sites["site"][room.sites["node"][: plan.nodes]] = np.arange(plan.nodes)
    if plan.pick == FIRST:
        _order_at_start(plan, room)
    return room


def _order_at_start(plan: Plan, room: Units) -> None:
    """Put the spares of each pool in the order of the cluster: in that order they are a heap."""
    turns = room.turns[: plan.nodes]
    for first, end in pairwise(plan.first_spares):
        spares = first + np.argsort(room.sites["site"][first:end])
        turns["heap_0"][first:end] = spares
        turns["place_0"][spares] = np.arange(end - first)


def _aligned(length: int, kind: np.dtype[np.void]) -> Record:
    """Zeros that begin where a line of the cache does."""
    raw = np.zeros(length * kind.itemsize + LINE, np.uint8)
    start = -raw.ctypes.data % LINE
    return raw[start : start + length * kind.itemsize].view(kind)
