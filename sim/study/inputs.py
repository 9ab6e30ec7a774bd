"""How much of the spread of single runs comes from uncertain inputs: pairs of runs with the same inputs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.study.statistics import Estimate, Values, ratio, spread


@dataclass(frozen=True)
class InputSpread:
    """The range of what is expected of a run as the inputs vary, and the share of the variance of single runs that
    comes from the inputs.
    """

    p5: float
    median: float
    p95: float
    share: Estimate

    def as_dict(self) -> dict[str, Any]:
        """The same as it stands in JSON."""
        return {
            "p5": self.p5, "median": self.median, "p95": self.p95, "share_of_variance": self.share.as_dict(),
        }  # fmt: skip


def input_spread(one: Values, other: Values, confidence: float) -> InputSpread:
    """Split the variance of single runs into that of their inputs and that of their faults, by pairs of runs.

    The two runs of a pair have the same inputs and independent faults. With B = 2 s^2(means of the pairs) and W the
    mean of (x - y)^2 / 2, the analysis of variance gives (B - W) / 2 for the variance of what is expected given the
    inputs and (B + W) / 2 for that of single runs, both without bias and whatever the inputs do to a run; the share is
    their ratio, with an interval by the delta method. The range is that of the pairs' means, drawn together around
    their mean until its variance is (B - W) / 2.

    Parameters
    ----------
    one, other : arrays of shape (n,)
        The same quantity of the first and the second run of each pair.
    confidence : float
        Between 0 and 1.

    References
    ----------
    H. Scheffé, The Analysis of Variance, 1959, chapter 7 (random effects). T. A. Louis, "Estimating a population of
    parameter values using Bayes and empirical Bayes methods", JASA 79, 1984, for the drawing together.
    """
    n = len(one)
    pairs = (np.asarray(one, dtype=np.float64) + other) / 2
    centre = float(pairs.mean())
    between = 2 * (pairs - centre) ** 2 * (n / max(n - 1, 1))
    within = (np.asarray(one, dtype=np.float64) - other) ** 2 / 2
    if not between.any() and not within.any():
        return InputSpread(centre, centre, centre, Estimate(0.0, None, None, n, confidence))
    share = ratio(between - within, between + within, confidence, most=1.0)
    share = Estimate(max(share.mean, 0.0), share.low, share.high, n, confidence)
    b, w = float(between.mean()), float(within.mean())
    drawn = math.sqrt(max(b - w, 0.0) / b) if b > 0 else 0.0
    around = spread(centre + drawn * (pairs - centre))
    return InputSpread(around["p5"], around["median"], around["p95"], share)
