"""Maintenance by calendar: when which domain is due."""

from __future__ import annotations

import math

from sim.kernels._jit import kernel


@kernel
def due_at(ordinal: int, domains: int, first: float, every: float, width: int, step: float) -> float:
    """Time at which the domain ``ordinal`` modulo ``domains`` is due, in seconds; infinite if it never is again.

    Parameters
    ----------
    ordinal : int64
        How many were due before it, 0 or more.
    domains : int64
        Domains that are maintained in turn, 1 or more.
    first, every, step : float64
        Time of the first, from one round to the next (infinite: there is one round), and from one wave to the next
        within a round, s, 0 or more, on the grid of time.
    width : int64
        Domains in a wave, 1 or more.
    """
    turn = ordinal // domains
    if turn > 0 and every == math.inf:
        return math.inf
    return first + (turn * every if turn > 0 else 0.0) + ((ordinal % domains) // width) * step
