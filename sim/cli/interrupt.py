"""Ctrl-C ends the command soon, whatever it does.

Python raises `KeyboardInterrupt` when its main thread comes back to Python: not while compiled code runs or a library
compiles, and not at all where it would be raised in the middle of a callback, whose caller may then fail of something
else. So a thread hears of the signal as well, from the operating system's handler, and ends the process where that has
not happened in time; and what fails after a Ctrl-C fails of that.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sim.errors import ExitCode
from sim.writing import discard_unfinished

WITHIN_S = 1.6
"""Time for an orderly end (an answer so far, a journal that is closed) after the first Ctrl-C. Both are over in tenths
of a second as a rule; what is left of 2 s is for the thread to get its turn.
"""

AGAIN_S = 0.2
"""The same after the second one: time for the main thread to end in order."""

_SHOW_CURSOR = b"\x1b[?25h"


@contextmanager
def ctrl_c_ends() -> Iterator[None]:
    """See to it that Ctrl-C ends the process, while in here; elsewhere than in the main thread it does nothing.

    Raises
    ------
    KeyboardInterrupt
        In place of any other exception that follows on Ctrl-C.
    """
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed, over = threading.Event(), threading.Event()
    heard, tell = os.pipe()
    os.set_blocking(tell, False)
    before = signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    hook, sys.unraisablehook = sys.unraisablehook, _without_interrupts(pressed)
    threading.Thread(target=_watch, args=(heard, pressed, over), daemon=True).start()
    try:
        yield
    except (KeyboardInterrupt, SystemExit) as end:
        if isinstance(end, KeyboardInterrupt) or end.code == ExitCode.CTRL_C:
            pressed.set()  # the thread may not have had its turn yet
        raise
    except Exception:
        if pressed.is_set():
            raise KeyboardInterrupt from None
        raise
    finally:
        sys.unraisablehook = hook
        over.set()
        if not pressed.is_set():  # else the thread goes on: the interpreter takes its time to end, too
            signal.set_wakeup_fd(before)
            os.close(tell)  # which ends the thread


def _without_interrupts(pressed: threading.Event) -> Callable[[Any], None]:
    """Return a hook that says nothing of a `KeyboardInterrupt` that a callback cannot raise."""

    def hook(unraisable: Any) -> None:
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            pressed.set()
        else:
            sys.__unraisablehook__(unraisable)

    return hook


def _watch(heard: int, pressed: threading.Event, over: threading.Event) -> None:
    """Wait for Ctrl-C, then for the process to end by itself, and end it."""
    until = float("inf")
    while True:
        left = until - time.monotonic()
        if left <= 0:
            _end(silent=over.is_set())
        ready, _, _ = select.select([heard], [], [], None if left == float("inf") else left)
        if not ready:
            continue
        numbers = os.read(heard, 64)
        if not numbers:
            os.close(heard)
            return
        for _ in range(numbers.count(signal.SIGINT)):
            pressed.set()
            until = min(until, time.monotonic() + (WITHIN_S if until == float("inf") else AGAIN_S))


def _end(*, silent: bool) -> None:
    discard_unfinished()
    with suppress(OSError):
        if os.isatty(2):
            os.write(2, _SHOW_CURSOR)
        if not silent:  # else what there is to say has been said
            os.write(2, b"sim: interrupted; what was going on, or an answer so far, would have taken too long\n")
    os._exit(ExitCode.CTRL_C)
