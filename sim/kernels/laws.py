"""Laws of durations, sampled from uniforms: each scales with its scale, so that a doubled mean stretches the same
draws.
"""

from __future__ import annotations

import math

from sim.kernels._jit import kernel
from sim.kernels.normal import normal_quantile
from sim.kernels.time import NEVER, quantize

CONSTANT = 0
EXPONENTIAL = 1
LOGNORMAL = 2
MIXTURE = 3
ENDLESS = 4


@kernel
def duration(law: int, a: float, b: float, u: float) -> float:
    """One duration in seconds, on the grid of time.

    Parameters
    ----------
    law : int64
        ``CONSTANT`` (a seconds), ``EXPONENTIAL`` (mean a seconds), ``LOGNORMAL`` (a mean, b standard deviation of the
        logarithm) or ``ENDLESS``.
    a, b : float64
        Parameters of the law.
    u : float64
        A uniform in [0, 1): the duration is the law's quantile at u.
    """
    if law == EXPONENTIAL:
        return quantize(-a * math.log1p(-u))
    if law == LOGNORMAL:
        return quantize(math.exp(a + b * normal_quantile(u)))
    if law == ENDLESS:
        return NEVER
    return quantize(a)
