"""Uncertain inputs: the rate that a replication has for each fault source, for both engines."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim.plan import RATE_LANE, Plan

PARTNER = 2**62
"""Replications r and r + 2^62 have the same inputs and different faults: what they have in common comes from the
inputs alone.
"""

Floats = npt.NDArray[np.float64]


def rate_factors(plan: Plan, replications: npt.NDArray[np.int64]) -> Floats:
    """What the rates of the sources are multiplied by.

    A factor is the quantile of the gamma law with the source's ``shape`` and mean 1 at a uniform that is keyed by
    source and replication: it changes no other draw, and all faults of the source are the same faults, stretched.

    Parameters
    ----------
    plan : Plan
        What is run.
    replications : array of int64, shape (n,)
        Numbers of replications, 0 or more.

    Returns
    -------
    array of float64, shape (n, sources)
        Above 0; 1 for each source whose rate is known.
    """
    factors = np.ones((len(replications), len(plan.sources)))
    if not plan.uncertain:
        return factors
    from scipy.special import gammaincinv  # heavy, as is Numba, and needed by this alone

    from sim.kernels.philox import uniforms_of

    u = np.empty(len(replications))
    for i, source in enumerate(plan.sources):
        if source.shape > 0.0:
            uniforms_of(np.uint64(source.key[0]), np.uint64(source.key[1]), RATE_LANE, replications % PARTNER, u)
            # At u = 0 the factor would be 0 and its inverse infinite: half the smallest step of u instead.
            factors[:, i] = gammaincinv(source.shape, np.maximum(u, 2.0**-54)) / source.shape
    return factors


def stretches(plan: Plan, first: int, count: int) -> Floats:
    """What the times between a source's faults are multiplied by in replications ``first`` to ``first + count - 1``.

    Returns
    -------
    array of float64, shape (count, sources)
        The inverse of the factors of the rates; shape (0, 0) if no input is uncertain.
    """
    if not plan.uncertain:
        return np.empty((0, 0))
    return 1.0 / rate_factors(plan, np.arange(first, first + count, dtype=np.int64))
