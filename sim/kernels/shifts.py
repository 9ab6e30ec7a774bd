"""Working hours: when work that goes on only in them is done, in closed form."""

from __future__ import annotations

import math

from sim.kernels._jit import entry, kernel

DAY_S = 86_400.0
WEEK_S = 7 * DAY_S


@kernel
def worked_until(since: float, length: float, days: int) -> float:
    """Working time of the first so many seconds of a week.

    Parameters
    ----------
    since : float64
        Seconds since the first day's hours began, 0 to below a week.
    length : float64
        Seconds of work in a working day, above 0, at most a day.
    days : int64
        Working days, a bit for each, the first day's the lowest.
    """
    worked = 0.0
    for day in range(7):
        if (days >> day) & 1:
            worked += min(max(since - day * DAY_S, 0.0), length)
    return worked


@kernel
def done_at(now: float, work: float, origin: float, length: float, days: int) -> float:
    """When work is done that begins now, or with the next hours, and goes on in working hours alone.

    All arguments are on the grid of time, and so is the result: it is exact as long as it is below 2^33 s.

    Parameters
    ----------
    now : float64
        Time, s.
    work : float64
        Working time needed, s; 0 or more. No work is done at once.
    origin : float64
        Seconds from the beginning of a first day's hours to time 0; 0 to below a week.
    length : float64
        Seconds of work in a working day, at most a day; 0: there are no hours, work never pauses.
    days : int64
        Working days, a bit for each, at least one.

    Returns
    -------
    float64
        The earliest time by which so much working time has passed since ``now``.
    """
    if length == 0.0 or work == 0.0 or work == math.inf:
        return now + work
    return _done_in_hours(now, work, origin, length, days)


@entry
def _done_in_hours(now: float, work: float, origin: float, length: float, days: int) -> float:
    since = (now + origin) % WEEK_S
    left = work + worked_until(since, length, days)
    a_week = worked_until(WEEK_S, length, days)
    weeks = float(math.floor(left / a_week))
    left -= weeks * a_week
    # Work that is done with the last hours of a week is done then, not a week later; the quotient may be off by one.
    while left <= 0.0:
        weeks -= 1.0
        left += a_week
    while left > a_week:
        weeks += 1.0
        left -= a_week
    start = now - since + weeks * WEEK_S
    for day in range(7):
        if (days >> day) & 1:
            if left <= length:
                return start + day * DAY_S + left
            left -= length
    return start + WEEK_S
