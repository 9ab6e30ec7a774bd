"""How far a sweep is: a bar on a terminal; elsewhere a line when the first task has ended, and every ten seconds. On
standard error.
"""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING

from sim.cli.terminal import say

if TYPE_CHECKING:
    from sim.batch.driver import Progress

EVERY_S = 10.0
"""Time between two lines where standard error is no terminal."""


class Shown(AbstractContextManager["Shown"]):
    """Shows progress while in its ``with``."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._last = time.monotonic()
        self._first = True

    def __enter__(self) -> Shown:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.status import Status

            self._status = self._stack.enter_context(Status("starting ...", console=Console(stderr=True)))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def update(self, progress: Progress) -> None:
        """Show how far it is, if it is time."""
        now = time.monotonic()
        if sys.stderr.isatty():
            self._status.update(line(progress))
        elif now - self._last >= EVERY_S or (self._first and progress.replications):
            self._last = now
            self._first = not progress.replications
            say(line(progress))


def line(progress: Progress) -> str:
    """Progress in one line: cases done, rate, time left, workers alive."""
    from sim.report.words import duration

    if progress.planned is not None:
        said = f"{progress.planned:,} of {progress.cases:,} cases are planned"
        return said if progress.left_s is None else f"{said}, about {duration(progress.left_s)} left"
    said = f"{progress.done:,} of {progress.cases:,} cases"
    if progress.failed:
        said += f", {progress.failed:,} failed"
    if progress.replications:
        said += f", {progress.replications / progress.elapsed_s:,.0f} replications/s"
    if progress.left_s is not None and progress.done + progress.failed < progress.cases:
        said += f", about {duration(progress.left_s)} left"
    if not progress.workers:
        return f"{said}; waiting for workers"
    return f"{said}; {progress.workers:,} worker{'s' if progress.workers > 1 else ''}"
