"""The grid of time: every instant and duration is a multiple of one tick, so that sums of them are exact."""

from __future__ import annotations

import math

from sim.kernels._jit import exact, kernel

TICKS_PER_SECOND = 2.0**20
"""Ticks in a second. Multiples of 2^-20 s (about 1 us) below 2^33 s (272 years) are exact doubles, and so are their
sums and differences: a ledger adds up to the wall clock without rounding, and equal times are equal.
"""

LONGEST_S = 2.0**32
"""The longest duration that is drawn, in seconds (136 years): longer draws are cut off here. Gaps between faults
are not: see ``sim.kernels.laws.gap``.
"""

LAST_S = 272.0 * 365.0 * 86_400.0
"""The end of time, in seconds (272 years, below 2^33 s): a run that is not done by then ends there, while times are
still exact.
"""

NEVER = math.inf
"""The time of what will not happen."""


@kernel
def next_multiple(now: float, period: float) -> float:
    """The first multiple of ``period`` after ``now``: finite times on the grid, ``now`` >= 0, ``period`` > 0."""
    return now - now % period + period


@exact
def quantize(seconds: float) -> float:
    """Round to the nearest tick; ``seconds`` is a float in [0, inf]; what is longer than ``LONGEST_S`` becomes that."""
    return math.floor(min(seconds, LONGEST_S) * TICKS_PER_SECOND + 0.5) / TICKS_PER_SECOND
