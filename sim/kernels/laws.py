"""Laws of durations, sampled from uniforms: each scales with its scale, so that a doubled mean stretches the same
draws.
"""

from __future__ import annotations

import math

from sim.kernels._jit import kernel
from sim.kernels.time import NEVER, quantize

CONSTANT = 0
EXPONENTIAL = 1
LOGNORMAL = 2
MIXTURE = 3
ENDLESS = 4

_TWO_PI = 2.0 * math.pi


@kernel
def duration(law: int, a: float, b: float, u: float, v: float) -> float:
    """One duration in seconds, on the grid of time.

    Parameters
    ----------
    law : int64
        ``CONSTANT`` (a seconds), ``EXPONENTIAL`` (mean a seconds), ``LOGNORMAL`` (a mean, b standard deviation of the
        logarithm) or ``ENDLESS``.
    a, b : float64
        Parameters of the law.
    u, v : float64
        Independent uniforms in [0, 1).

    Notes
    -----
    Exponential by inversion, -a log(1 - u). Lognormal from a normal by Box and Muller (Ann. Math. Stat. 29, 1958).
    """
    if law == EXPONENTIAL:
        return quantize(-a * math.log1p(-u))
    if law == LOGNORMAL:
        return quantize(math.exp(a + b * math.sqrt(-2.0 * math.log1p(-u)) * math.cos(_TWO_PI * v)))
    if law == ENDLESS:
        return NEVER
    return quantize(a)
