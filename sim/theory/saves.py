"""The work that a schedule of saves has made durable when a fault strikes, and the interval that makes most."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from sim.theory.domain import at_least, not_negative, positive
from sim.theory.intervals import exact_interval

UNLIMITED = 0
"""Value of ``in_flight`` for any number of saves in flight."""

# Halvings of a bracket on a logarithmic scale; 100 take any bracket of doubles to neighbouring numbers.
_BISECTIONS = 100


@dataclass(frozen=True, slots=True)
class Saves:
    """A periodic save: the job stops for a stall, then trains on, slower, while the version persists.

    Parameters
    ----------
    interval : float
        Useful work tau between saves, s at full speed, > 0.
    stall : float
        Time s the job stops at each save, s, >= 0.
    persist : float
        Time p from the end of the stall until the version is durable, s, >= 0. 0 is a synchronous save.
    slowdown : float
        Share of its speed the job loses while any version persists, >= 0 and < 1.
    in_flight : int
        Versions that may persist at once, >= 1, or 0 for any number. One more waits for the oldest to end.

    Raises
    ------
    ValueError
        If a value is out of range.
    """

    interval: float
    stall: float = 0.0
    persist: float = 0.0
    slowdown: float = 0.0
    in_flight: int = 1

    def __post_init__(self) -> None:
        positive(interval=self.interval)
        not_negative(stall=self.stall, persist=self.persist)
        if not 0.0 <= self.slowdown < 1.0:
            raise ValueError(f"slowdown must be at least 0 and below 1, got {self.slowdown!r}")
        at_least(0, in_flight=self.in_flight)

    @property
    def spacing(self) -> float:
        """Wall time from one save to the next where none waits, s.

        ``b = s + min(tau / (1 - slowdown), tau + slowdown p)``.
        """
        slowed = min(self.interval / (1.0 - self.slowdown), self.interval + self.slowdown * self.persist)
        return self.stall + slowed

    @property
    def group(self) -> int:
        """Saves in one group, after which the pattern repeats: ``in_flight``, or 1 where none ever waits."""
        return max(1, self.in_flight)

    @property
    def group_time(self) -> float:
        """Wall time of one group of saves, s: ``max(F b, s + p)``, or b if the number in flight is unlimited."""
        if self.in_flight == UNLIMITED:
            return self.spacing
        return max(self.in_flight * self.spacing, self.stall + self.persist)

    @property
    def speed(self) -> float:
        """Progress per wall time without faults, from the second save on, 0 to 1."""
        return self.group * self.interval / self.group_time


def saved_work(rate: float, saves: Saves) -> float:
    """Expected work made durable from the end of a recovery to the next fault.

    ``tau sum_j exp(-rate (A_j + s + p))``: save j = qF + r, r < F, starts at ``A_j = tau + q P + r b`` with b the
    spacing and P the group time of `Saves`, and its version is durable s + p later. The first interval is not slowed:
    after a recovery nothing is in flight. Summed,
    ``tau exp(-rate (tau + s + p)) (1 - exp(-rate F b)) / ((1 - exp(-rate b)) (1 - exp(-rate P)))``.

    Parameters
    ----------
    rate : float
        Rate of the faults that stop the job while it trains and saves, per s, > 0.
    saves : Saves
        The schedule.

    Returns
    -------
    float
        Work, s at full speed.

    Raises
    ------
    ValueError
        If ``rate`` is not finite and above 0.

    Notes
    -----
    Source: oracle O5, derived; several in flight with waiting and slowdown derived here.
    """
    positive(rate=rate)
    first = math.exp(-rate * (saves.interval + saves.stall + saves.persist))
    in_group = math.expm1(-rate * saves.group * saves.spacing) / math.expm1(-rate * saves.spacing)
    return saves.interval * first * in_group / -math.expm1(-rate * saves.group_time)


def best_interval(rate: float, stall: float, persist: float = 0.0, slowdown: float = 0.0, in_flight: int = 1) -> float:
    """The interval that maximises the ETTR of `ettr`, for any recovery.

    Where the persist ends within the interval, ``(1 - slowdown) persist <= tau``, it is `exact_interval` of the save
    cost ``stall + slowdown persist``. Shorter intervals, whose persists overlap or make the next save wait, are
    compared with it: in each of the three regimes the saved work is log-concave, so the sign of its slope finds the
    best of each. With one in flight the saved work grows with tau up to ``min((1 - slowdown) persist, 1/rate)``.

    Parameters
    ----------
    rate : float
        Rate of the faults that stop the job while it trains and saves, per s, > 0.
    stall : float
        Time the job stops at each save, s, >= 0.
    persist : float
        Time from the end of the stall until the version is durable, s, >= 0.
    slowdown : float
        Share of its speed the job loses while any version persists, >= 0 and < 1.
    in_flight : int
        Versions that may persist at once, >= 1, or 0 for any number.

    Returns
    -------
    float
        Useful work between saves, s at full speed.

    Raises
    ------
    ValueError
        If an argument is out of range, if a save costs nothing (``stall + slowdown persist = 0``), or if shorter is
        always better (no stall, any number in flight, and training slowed all the time beats any longer interval).

    Notes
    -----
    Source: oracle O3a with O5, derived.
    """
    positive(rate=rate)
    shape = Saves(1.0, stall, persist, slowdown, in_flight)
    cost = stall + slowdown * persist
    if cost <= 0.0:
        raise ValueError("a save that costs nothing (stall + slowdown x persist = 0) has no best interval")
    contained = (1.0 - slowdown) * persist
    candidates = [max(exact_interval(cost, 1.0 / rate), contained)]
    if contained > 0.0:
        candidates += _overlapping(rate, shape, contained)

    def work(interval: float) -> float:
        return saved_work(rate, Saves(interval, stall, persist, slowdown, in_flight))

    best = max(candidates, key=work)
    if _never_stops(shape) and (1.0 - slowdown) * math.exp(-rate * persist) / rate > work(best):
        raise ValueError("without a stall and with any number of saves in flight, a shorter interval is always better")
    return best


def _never_stops(saves: Saves) -> bool:
    """Whether saves may come at once after each other and lose no more than the slowdown."""
    # Towards tau = 0 the log of the saved work has the slope rate (1 / (2 (1 - slowdown)) - 1).
    return saves.stall == 0.0 and saves.in_flight == UNLIMITED and saves.slowdown <= 0.5


def _overlapping(rate: float, saves: Saves, contained: float) -> list[float]:
    """Best intervals below ``contained``: where persists overlap, and where saves wait as well."""
    stretch = 1.0 / (1.0 - saves.slowdown)
    flight = saves.in_flight

    def overlap_slope(interval: float) -> float:
        spacing = rate * (saves.stall + stretch * interval)
        return 1.0 / interval - rate - rate * stretch * _over_expm1(spacing)

    def wait_slope(interval: float) -> float:
        spacing = rate * (saves.stall + stretch * interval)
        group = flight * _over_expm1(flight * spacing)
        return 1.0 / interval - rate + rate * stretch * (group - _over_expm1(spacing))

    if flight == UNLIMITED:
        return [] if _never_stops(saves) else [_peak(overlap_slope, 0.0, contained)]
    waits_below = (1.0 - saves.slowdown) * ((saves.stall + saves.persist) / flight - saves.stall)
    if waits_below <= 0.0:
        return [_peak(overlap_slope, 0.0, contained)]
    found = [_peak(wait_slope, 0.0, waits_below)]
    if waits_below < contained:
        found.append(_peak(overlap_slope, waits_below, contained))
    return found


def _over_expm1(x: float) -> float:
    """``1 / (exp(x) - 1)`` for x > 0, 0 where the exponential would overflow."""
    return -math.exp(-x) / math.expm1(-x)


def _peak(slope: Callable[[float], float], low: float, high: float) -> float:
    """Where a falling slope changes its sign in ``low`` to ``high``, or the end nearer to it."""
    if slope(high) >= 0.0:
        return high
    if low > 0.0 and slope(low) <= 0.0:
        return low
    if low == 0.0:
        low = 0.5 * high
        while slope(low) < 0.0:
            high, low = low, 0.5 * low
    for _ in range(_BISECTIONS):
        middle = math.sqrt(low) * math.sqrt(high)
        if not low < middle < high:
            break
        low, high = (middle, high) if slope(middle) > 0.0 else (low, middle)
    return low
