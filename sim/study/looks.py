"""When an answer is looked at, and when it is enough: after 32, 64, ... replications, until precise or out of time."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, ClassVar, Protocol, TypeVar

FIRST_LOOK = 32
"""Replications before the first look at the interval; the next looks come at twice as many each. Few looks, and none
at a small number, keep the interval's coverage near its name.
"""

MOST_GROWTH = 4
"""Where time is short, the next replications are at most so many times the last ones, which say how long they take."""


class Looked(Protocol):
    """A frozen answer that look after look gets more precise."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def needed(self) -> float:
        """Replications that its precision takes, as far as its spread can tell; infinite where it cannot."""
        ...


T = TypeVar("T", bound=Looked)


class Clock:
    """How much time is left, and how long replications take.

    Parameters
    ----------
    max_time_s : float or None
        Time to simulate, s, from the end of the first replication on: engines are compiled before that.
    """

    def __init__(self, max_time_s: float | None) -> None:
        self.max_time_s = max_time_s
        self._end = math.inf
        self._started = False
        self._count = 0
        self._each_s = 0.0

    @property
    def left_s(self) -> float:
        """Time left, s; infinite where none was set."""
        return self._end - time.monotonic()

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return self.left_s <= 0

    def start(self) -> None:
        """Begin to count, if that has not been done."""
        if not self._started and self.max_time_s is not None:
            self._end = time.monotonic() + self.max_time_s
        self._started = True

    def fitting(self, count: int) -> int:
        """Return how many replications, of so many and at least 1, there is time for."""
        if self.max_time_s is None:
            return count
        if not self._started:
            return 1
        fits = self.left_s / self._each_s if self._each_s > 0 else math.inf
        return max(1, int(min(count, MOST_GROWTH * self._count, fits)))

    def simulate(self, more: Callable[[int, int], None], first: int, count: int) -> None:
        """Simulate, and take the time."""
        begin = time.monotonic()
        more(first, count)
        self._count, self._each_s = count, (time.monotonic() - begin) / count
        self.start()

    def takes_s(self, count: float) -> float:
        """Return the time that so many more replications take, s: no more than is left."""
        return min(count * self._each_s, max(self.left_s, 0.0))


class OutOfTimeError(Exception):
    """The time is up, and something is known that can be said."""


def looks(first: int, most: int) -> Iterator[int]:
    """Return the numbers of replications at which to look: ``first``, each time twice as many, and ``most``."""
    n = min(first, most)
    while n < most:
        yield n
        n = min(2 * n, most)
    yield most


def look(
    more: Callable[[int, int], None],
    answer: Callable[[int, bool], T],
    most: int,
    enough: Callable[[T], bool],
    progress: Callable[[T], None] | None = None,
    max_time_s: float | None = None,
) -> T:
    """Simulate until an answer is enough.

    Parameters
    ----------
    more : callable
        Simulates replications: number of the first, and how many.
    answer : callable
        Returns the answer of all replications so far; their number is given, and whether they are the last.
    most : int
        Replications, at most, at least 1.
    enough : callable
        Whether an answer needs no more replications.
    progress : callable, optional
        Called with the answer at every look that is not the last; its ``left_s`` is the time left, s.
    max_time_s : float, optional
        Time to simulate, s: at least one replication is.

    Returns
    -------
    T
        The answer; where Ctrl-C ended the replications early it is that of the last look, and ``interrupted``. Where
        time did, it is ``timed_out``.
    """
    clock = Clock(max_time_s)
    found: T | None = None
    done = 0
    try:
        for n in looks(FIRST_LOOK, most):
            while done < n and not clock.over:
                count = clock.fitting(n - done)
                clock.simulate(more, done, count)
                done += count
            up = clock.over
            found = answer(done, up or done == most)
            if enough(found) or done == most:
                break
            if up:
                return replace(found, timed_out=True)
            if progress is not None:
                progress(replace(found, left_s=clock.takes_s(_goal(found, done, most) - done)))
    except KeyboardInterrupt:
        if found is None:
            raise
        return replace(found, interrupted=True)
    assert found is not None
    return found


def _goal(found: Looked, done: int, most: int) -> int:
    """The look at which an answer is thought to be enough; the last one where nothing is known."""
    return next((n for n in looks(2 * done, most) if n >= found.needed), most)


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
