"""The engine is compiled once on a machine, however many processes come to use it at the same time."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

from sim.kernels._cache import is_kept, lock

COMPILING = "compiling the engine; this takes up to a minute, once ..."

_ready: set[str] = set()

_log = logging.getLogger("sim.engine")


def see_ready(loop: Callable[..., int], use: Callable[[], object]) -> float:
    """See that a function of the loop is compiled: one process does it, and says so in the log; the others wait.

    Parameters
    ----------
    loop : callable
        The function.
    use : callable
        Calls it.

    Returns
    -------
    float
        How long that took, s.
    """
    name = loop.__name__
    if name in _ready:
        return 0.0
    start = time.perf_counter()
    if not is_kept(loop):
        with _alone(name):
            if not is_kept(loop):
                _log.info(COMPILING)
                use()
    _ready.add(name)
    return time.perf_counter() - start


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """One process of this machine at a time; all at once where files cannot be written or locked."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    with ExitStack() as held:
        with suppress(OSError):
            file = lock(name)
            if file is not None:
                fcntl.flock(held.enter_context(file), fcntl.LOCK_EX)
        yield
