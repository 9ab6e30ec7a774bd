"""Means of drawn durations that are cut off: what their excess is counted from."""

from __future__ import annotations

from sim.kernels.laws import MIXTURE, mean_up_to
from sim.kernels.time import quantize
from sim.plan import Plan


def mean_of_drawn(plan: Plan, position: int, limit: float) -> float:
    """Return the mean of the shorter of a law's duration and ``limit``, in seconds, on the grid of time.

    Parameters
    ----------
    plan : Plan
        Its laws are looked at.
    position : int
        Of the law in ``plan.laws``.
    limit : float
        Seconds, from 0 to ``sim.kernels.time.LONGEST_S``.
    """
    law = plan.laws[position]
    mean, left = 0.0, 1.0
    while law.kind == MIXTURE:
        first = plan.laws[law.first]
        mean += left * law.share * mean_up_to(first.kind, first.a, first.b, limit)
        left *= 1.0 - law.share
        law = plan.laws[law.other]
    return float(quantize(mean + left * mean_up_to(law.kind, law.a, law.b, limit)))
