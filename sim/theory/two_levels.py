"""Saves at two levels: a fast store that survives most faults, and a slow one that survives all."""

import math

from sim.theory.domain import not_negative, positive


def two_level_ettr(
    rates: tuple[float, float],
    interval: float,
    saves: tuple[float, float],
    recoveries: tuple[float, float],
    fast_saves: int,
    *,
    together: bool = False,
) -> float:
    """Long-run ETTR of a pattern of ``fast_saves`` intervals, each saved to the fast store, the last also to the slow.

    A fault of the first kind falls back to the last save, one of the second kind to the last slow one. With L the sum
    of the rates, q1 and q2 their shares, u = 1 - exp(-L w) of a segment of length w, g = 1 - exp(-L R1):

        E_i = u/L + (1 - u) E_{i+1} + u (q1 A_i + q2 B)
        A_i = g/L + (1 - g) E_i + g (q1 A_i + q2 B)
        B   = (exp(L R2) - 1)/L + E_1

    is the time from the start of segment i to the end of the pattern, and the ETTR is the pattern's work over E_1. At
    the pattern's end the slow save is a segment of its own, after the fast one, or both commit at once (``together``).

    Parameters
    ----------
    rates : tuple of float
        Rates of the faults that lose nothing but what is not saved, and of those that lose the fast store, 1/s, > 0.
    interval : float
        Useful work between fast saves, s, > 0.
    saves : tuple of float
        Time of a fast and of a slow save, s, >= 0. The job stands still.
    recoveries : tuple of float
        Time of a recovery from either store, s, >= 0. Faults strike in it, and it starts again.
    fast_saves : int
        Fast saves in one slow interval, >= 1.
    together : bool
        Whether the two saves at the end of the pattern commit as one.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Source: oracles O7a (together) and O7a', derived.
    """
    positive(rate_1=rates[0], rate_2=rates[1], interval=interval)
    not_negative(save_1=saves[0], save_2=saves[1], recovery_1=recoveries[0], recovery_2=recoveries[1])
    if fast_saves < 1:
        raise ValueError(f"fast_saves must be at least 1, got {fast_saves!r}")
    rate = math.fsum(rates)
    q1, q2 = rates[0] / rate, rates[1] / rate
    segments = [interval + saves[0]] * fast_saves + [saves[1]]
    if together:
        segments = [*segments[:-2], segments[-2] + segments[-1]]
    g = -math.expm1(-rate * recoveries[0])
    # A_i = a + b E_i + c B and E_i = x + y B, from the last segment to the first.
    a, b, c = (part / (1.0 - g * q1) for part in (g / rate, 1.0 - g, g * q2))
    x = y = 0.0
    for length in reversed(segments):
        u = -math.expm1(-rate * length)
        left = 1.0 - u * q1 * b
        x = (u / rate + (1.0 - u) * x + u * q1 * a) / left
        y = ((1.0 - u) * y + u * (q1 * c + q2)) / left
    again = math.expm1(rate * recoveries[1]) / rate
    pattern = (x + y * again) / (1.0 - y)
    return fast_saves * interval / pattern


def two_level_intervals(rates: tuple[float, float], saves: tuple[float, float]) -> tuple[float, float]:
    """Best intervals of fast and of slow saves, first order: ``sqrt(2 save/rate)`` of each level's own.

    Parameters
    ----------
    rates : tuple of float
        Rates of the faults that the fast store survives, and of those that lose it, 1/s, > 0.
    saves : tuple of float
        Time of a fast and of a slow save, s, > 0.

    Returns
    -------
    tuple of float
        Useful work between fast, and between slow saves, s.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Source: oracle O7b, derived; overhead ``sqrt(2 save_1 rate_1) + sqrt(2 save_2 rate_2)``.
    """
    positive(rate_1=rates[0], rate_2=rates[1], save_1=saves[0], save_2=saves[1])
    return math.sqrt(2.0 * saves[0] / rates[0]), math.sqrt(2.0 * saves[1] / rates[1])
