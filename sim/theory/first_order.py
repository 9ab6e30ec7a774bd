"""First orders of the ETTR, as planners use them: they show how far off a spreadsheet is."""

from sim.theory.domain import not_negative, positive


def queue_ettr_first_order(mtbf: float, interval: float, queue: float, startup: float) -> float:
    """First order of `queue_ettr`: ``(1 - (startup + interval/2)/mtbf) / (1 + queue/mtbf)``.

    Parameters
    ----------
    mtbf : float
        Mean time between the faults that stop the job, s, > 0.
    interval : float
        Useful work between saves, s, > 0.
    queue : float
        Time in the queue, failure-free, s, >= 0.
    startup : float
        Time of a start-up, s, >= 0.

    Returns
    -------
    float
        ETTR, below 1; negative where the first order is meaningless.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Source: oracle O11b, derived; attributed to Kokolis et al., HPCA 2025, whose own expression was not read.
    """
    positive(mtbf=mtbf, interval=interval)
    not_negative(queue=queue, startup=startup)
    return (1.0 - (startup + 0.5 * interval) / mtbf) / (1.0 + queue / mtbf)


def first_order_ettr(rate: float, interval: float, save: float, recovery_time: float) -> float:
    """The planner's spreadsheet: ``1 - save/interval - rate (recovery_time + interval/2)``.

    Each cost is counted alone: a save per interval, and per fault a recovery and half an interval of lost work. It
    is largest at `young`. It serves only to show how far off it is.

    Parameters
    ----------
    rate : float
        Rate of the faults that stop the job, per s, >= 0.
    interval : float
        Useful work between saves, s, > 0.
    save : float
        Time a save costs, s, >= 0; of an asynchronous one stall + slowdown persist.
    recovery_time : float
        Time from a fault to the end of the recovery, s, >= 0.

    Returns
    -------
    float
        ETTR, at most 1; negative where the first order is meaningless.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Source: the costs Young 1974 trades off; with save = 0 it is oracle O11b without a queue (Kokolis et al., HPCA
    2025, by attribution). Derived here as the first order of `periodic_ettr`.
    """
    positive(interval=interval)
    not_negative(rate=rate, save=save, recovery_time=recovery_time)
    return 1.0 - save / interval - rate * (recovery_time + 0.5 * interval)
