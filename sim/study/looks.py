"""When an answer is looked at, and when it is enough: after 32, 64, 128, ... replications, until it is precise."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TypeVar

FIRST_LOOK = 32
"""Replications before the first look at the interval; the next looks come at twice as many each. Few looks, and none
at a small number, keep the interval's coverage near its name.
"""

T = TypeVar("T")


def looks(first: int, most: int) -> Iterator[int]:
    """Return the numbers of replications at which to look: ``first``, each time twice as many, and ``most``."""
    n = min(first, most)
    while n < most:
        yield n
        n = min(2 * n, most)
    yield most


def look(
    more: Callable[[int, int], None],
    answer: Callable[[int], T],
    most: int,
    enough: Callable[[T], bool],
    progress: Callable[[T], None] | None = None,
) -> tuple[T, bool]:
    """Simulate until an answer is enough.

    Parameters
    ----------
    more : callable
        Simulates replications: number of the first, and how many.
    answer : callable
        Returns the answer of all replications so far; their number is given.
    most : int
        Replications, at most, at least 1.
    enough : callable
        Whether an answer needs no more replications.
    progress : callable, optional
        Called with the answer at every look that is not the last.

    Returns
    -------
    tuple of T and bool
        The answer, and whether Ctrl-C ended the replications early: then it is that of the last look.
    """
    found: T | None = None
    done = 0
    try:
        for n in looks(FIRST_LOOK, most):
            more(done, n - done)
            done = n
            found = answer(n)
            if enough(found):
                break
            if progress is not None and n < most:
                progress(found)
    except KeyboardInterrupt:
        if found is None:
            raise
        return found, True
    assert found is not None
    return found, False


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
