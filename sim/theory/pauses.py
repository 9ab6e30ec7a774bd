"""ETTR with planned pauses."""

import math
from collections.abc import Sequence

from sim.theory.domain import not_negative, positive


def ettr_with_pauses(ettr: float, pauses: Sequence[tuple[float, float]]) -> float:
    """ETTR of a job that also stands still after each so much work: 1 / (1 / ettr + sum of duration / every).

    Parameters
    ----------
    ettr : float
        ETTR without the pauses, from 0 to 1.
    pauses : sequence of (float, float)
        Work between two pauses, s, above 0, and their mean duration, s, >= 0.

    Returns
    -------
    float
        ETTR, 0 to 1; exact where pauses come at saves and no fault strikes in them.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Derived (oracle O29): a pause at a save loses no work and is passed once, so that it adds its duration to the time
    that each ``every`` of work takes.
    """
    not_negative(ettr=ettr)
    for every, duration in pauses:
        positive(every=every)
        not_negative(duration=duration)
    if ettr == 0.0:
        return 0.0
    return 1.0 / (1.0 / ettr + math.fsum(duration / every for every, duration in pauses))
