"""Samples of several axes at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim.batch.axes import Axis, Span
from sim.batch.schema import SampleTable
from sim.scenario.refusal import RefusedError, listed

MOST_SOBOL = 21_201
"""Most axes of SciPy's Sobol sequence (direction numbers of Joe and Kuo 2008)."""


def check_sample(sample: SampleTable) -> None:
    """Refuse a number of points at which a Sobol sequence is not balanced; raises `RefusedError`."""
    points = sample.points
    if sample.method != "sobol" or points & (points - 1) == 0:
        return
    below = 1 << (points.bit_length() - 1)
    allowed = f"a power of two: {listed([str(below), str(2 * below)])}"
    raise RefusedError("is no power of two, which a Sobol sequence needs to be balanced", allowed)


def sampled(spans: Sequence[Span], sample: SampleTable) -> list[Axis]:
    """Give the axes of a sample: the n-th point of each belongs to the n-th point of all others.

    A point u of the unit cube becomes ``low + u (high - low)``, on a logarithmic scale ``low (high / low)**u``. Whole
    numbers are rounded from a range that is half a unit wider at each end, so that the ends are as likely as the rest.

    Parameters
    ----------
    spans : sequence of Span
        At least one.
    sample : SampleTable
        Method, number of points and seed; checked.
    """
    # SciPy takes longer to import than everything else that a sweep file needs.
    from scipy.stats import qmc

    draws = np.random.default_rng(sample.seed)
    if sample.method == "sobol":
        unit = qmc.Sobol(len(spans), scramble=True, seed=draws).random_base2(sample.points.bit_length() - 1)
    else:
        unit = qmc.LatinHypercube(len(spans), seed=draws).random(sample.points)
    return [
        span.axis([span.point(span.likely(float(share))) for share in unit[:, column]], sampled=True)
        for column, span in enumerate(spans)
    ]
