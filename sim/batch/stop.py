"""A wish to stop, from outside: SIGTERM, SIGUSR1 (a batch system's warning of its time limit) or Ctrl-C."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType


class Stop:
    """Whether somebody has asked to stop: ``number`` is that of the signal, 0 as long as nobody has."""

    number = 0

    def ask(self, number: int, _: FrameType | None = None) -> None:
        """Ask to stop; who asks again does not want to wait (`KeyboardInterrupt`)."""
        if self.number:
            raise KeyboardInterrupt
        self.number = number


@contextmanager
def asked_to_stop() -> Iterator[Stop]:
    """Take the signals as a wish to stop while in here; outside the main thread whoever runs us has them."""
    stop = Stop()
    before: Mapping[int, object] = {}
    with suppress(ValueError):
        before = {number: signal.signal(number, stop.ask) for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, old in before.items():
            signal.signal(number, old)  # type: ignore[arg-type]  # what signal gave
