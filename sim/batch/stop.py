"""A wish to stop, from outside: SIGTERM, SIGUSR1 (a batch system's warning of its time limit) or Ctrl-C."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from types import FrameType

ASKS_TO_STOP = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)
"""Signals that ask a sweep to stop."""


class Stop:
    """Whether somebody has asked to stop: ``number`` is that of the signal, 0 as long as nobody has."""

    number = 0

    def ask(self, number: int, _: FrameType | None = None) -> None:
        """Ask to stop; who asks again does not want to wait (`KeyboardInterrupt`)."""
        if self.number:
            raise KeyboardInterrupt
        self.number = number


@contextmanager
def kept_from_children() -> Iterator[None]:
    """Start processes in here that do not hear these signals until they say that they can."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ASKS_TO_STOP)
    try:
        resource_tracker.ensure_running()  # a process of its own; starting it undoes a part of the mask
        signal.pthread_sigmask(signal.SIG_BLOCK, ASKS_TO_STOP)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def asked_to_stop() -> Iterator[Stop]:
    """Take the signals as a wish to stop while in here; outside the main thread whoever runs us has them."""
    stop = Stop()
    before: Mapping[int, object] = {}
    with suppress(ValueError):
        before = {number: signal.signal(number, stop.ask) for number in ASKS_TO_STOP}
    try:
        yield stop
    finally:
        for number, old in before.items():
            signal.signal(number, old)  # type: ignore[arg-type]  # what signal gave
