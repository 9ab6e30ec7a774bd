"""Laws of durations, sampled from uniforms: each scales with its scale, so that a doubled mean stretches the same
draws.
"""

from __future__ import annotations

import math

from sim.kernels._jit import entry, kernel
from sim.kernels.normal import normal_quantile
from sim.kernels.time import LONGEST_S, NEVER, quantize

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


@kernel
def gap(mean: float, u: float) -> float:
    """The time to the next fault of a Poisson process of this mean time, in seconds, for a uniform u in [0, 1).

    It is not cut off as durations are: in runs of centuries faults would come too early. Beyond any run it is
    ``NEVER``.
    """
    time = -mean * math.log1p(-u)
    if time < LONGEST_S:
        return quantize(time)
    return float(math.floor(time)) if time < 2.0 * LONGEST_S else NEVER


@entry
def mean_up_to(law: int, a: float, b: float, limit: float) -> float:
    """Mean of the shorter of a duration and ``limit``, in seconds.

    Parameters
    ----------
    law, a, b : int64, float64, float64
        As for ``duration``.
    limit : float64
        Seconds, from 0 to ``LONGEST_S``, where draws are cut off.

    References
    ----------
    S. A. Klugman, H. H. Panjer, G. E. Willmot, Loss Models, 4th ed., 2012, appendix A: limited expected values.
    """
    if limit <= 0.0:
        return 0.0
    if law == EXPONENTIAL:
        return -a * math.expm1(-limit / a)
    if law == LOGNORMAL and b > 0.0:
        z = (math.log(limit) - a) / b
        below, above = math.erfc((b - z) / math.sqrt(2.0)), math.erfc(z / math.sqrt(2.0))
        return (math.exp(a + b * b / 2.0) * below + limit * above) / 2.0
    return min(duration(law, a, b, 0.5), limit)


@kernel
def watchdog_delay(timeout: float, heartbeat: float, poll: float, u: float, v: float) -> float:
    """Seconds from a hang until a watchdog notices it: timeout - heartbeat u + poll v.

    The timeout runs from the last heartbeat, at a uniform phase before the hang, and is seen at the next poll.

    Parameters
    ----------
    timeout, heartbeat, poll : float64
        Seconds; 0 <= heartbeat <= timeout, poll >= 0.
    u, v : float64
        Independent uniforms in [0, 1).

    Notes
    -----
    The mean is timeout - heartbeat / 2 + poll / 2 (oracle O14, derived).
    """
    return quantize(timeout - heartbeat * u + poll * v)
