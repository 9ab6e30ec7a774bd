"""Planned pauses: points of the job's progress at which it stops for a while."""

from __future__ import annotations

import math

from sim.kernels._jit import kernel


@kernel
def next_point(every: float, at: float, done: bool) -> float:
    """Progress at which a pause is due next, in seconds: a whole multiple of ``every``.

    Parameters
    ----------
    every : float64
        Work between two pauses, s, above 0, on the grid of time.
    at : float64
        Progress now, s.
    done : bool
        Whether a pause at ``at`` itself lies behind the job.
    """
    passed = math.floor(at / every)
    if not done and passed > 0 and passed * every == at:
        return at
    return (passed + 1) * every
