"""A heap of nodes that fail again by themselves, in the compiled engine, by the reading of a fault clock.

Where each node is in it is known, so that it can leave before its time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels._jit import entry, kernel

SECOND_LIFE = np.dtype(
    [
        # by place: the reading at which a node fails, the order in which the lives began, the node
        ("due", "f8"), ("sequence", "i8"), ("node", "i8"),
        # by node: its place
        ("place", "i8"),
    ],
    align=True,
)  # fmt: skip
"""A place of the heap, and where the node of that number is."""


@kernel
def _put(heap: Any, i: int, due: float, sequence: int, node: int) -> None:
    heap[i].due = due
    heap[i].sequence = sequence
    heap[i].node = node
    heap[node].place = i


@kernel
def _comes_first(heap: Any, i: int, due: float, sequence: int) -> bool:
    """Whether the heap's entry ``i`` comes before an entry of that reading and sequence."""
    return bool(heap[i].due < due or (heap[i].due == due and heap[i].sequence < sequence))


@entry
def settle(heap: Any, size: int, hole: int, due: float, sequence: int, node: int) -> None:
    """Put an entry where it belongs, where one place of a heap of ``size`` is free: up from there, or down."""
    i = hole
    while i > 0:
        parent = (i - 1) >> 1
        if _comes_first(heap, parent, due, sequence):
            break
        _put(heap, i, heap[parent].due, heap[parent].sequence, heap[parent].node)
        i = parent
    while True:
        child = 2 * i + 1
        if child >= size:
            break
        if child + 1 < size and _comes_first(heap, child + 1, heap[child].due, heap[child].sequence):
            child += 1
        if not _comes_first(heap, child, due, sequence):
            break
        _put(heap, i, heap[child].due, heap[child].sequence, heap[child].node)
        i = child
    _put(heap, i, due, sequence, node)


@kernel
def remove(heap: Any, size: int, node: int) -> None:
    """A node leaves a heap, of which ``size`` entries are left."""
    if heap[node].place != size:
        settle(heap, size, heap[node].place, heap[size].due, heap[size].sequence, heap[size].node)
