"""ETTR where faults are known before they strike."""

import math

from sim.theory.domain import not_negative, positive, probability


def ettr_with_notices(mtbf: float, known: float, save: float, recovery: float) -> float:
    """ETTR of a job that saves only when it knows of a fault.

    Parameters
    ----------
    mtbf : float
        M, mean time between faults, known before or not, s, above 0.
    known : float
        Share q of faults that are known long enough before to save, from 0 to 1.
    save : float
        Time d that a save on notice takes, s, >= 0; the job stops when it is done.
    recovery : float
        Recovery R, s, >= 0; every fault, or notice of one, starts it again.

    Returns
    -------
    float
        ETTR, 0 to 1, in the long run.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Derived: a cycle of work, perhaps a save, and recovery takes M + q (1 - e^{-m d}) / m + M (e^{R / M} - 1) with
    m = (1 - q) / M, the rate of the faults that nobody knows; its work, M in the mean, is kept if the fault was known
    and no other struck during the save: with probability q e^{-m d}. With q = 1 it is M / (d + M e^{R / M}).
    """
    positive(mtbf=mtbf)
    probability(known=known)
    not_negative(save=save, recovery=recovery)
    unknown = (1.0 - known) / mtbf
    saving = save if unknown == 0.0 else -math.expm1(-unknown * save) / unknown
    return known * mtbf * math.exp(-unknown * save) / (mtbf * math.exp(recovery / mtbf) + known * saving)


def ettr_known_too_late(mtbf: float, interval: float, save: float, lead: float, recovery: float) -> float:
    """ETTR of a job that knows of every fault, but not long enough before to save: it goes on until the fault strikes.

    Parameters
    ----------
    mtbf : float
        Mean time M between notices, s, above 0.
    interval, save : float
        Work between saves, s, above 0, and a save d, s, >= 0, which blocks the job.
    lead : float
        Time L from a notice to its fault, s, from 0 to below d.
    recovery : float
        Recovery R, s, >= 0; every notice starts it again.

    Returns
    -------
    float
        ETTR, 0 to 1, in the long run.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Derived: a job that runs for X + L, X exponential, has passed j intervals of c = interval + d each with probability
    e^{-(j c - L) / M}; the other faults that are known by then strike with the first. Where a notice comes in the last
    L of a save, the job leaves once that is done: by M (e^{L / M} - 1) - L sooner for each save that is begun. So a
    cycle takes L - (M (e^{L / M} - 1) - L) / (e^{c / M} - 1) + M e^{R / M}.
    """
    positive(mtbf=mtbf, interval=interval)
    not_negative(save=save, lead=lead, recovery=recovery)
    if lead >= save > 0.0:
        raise ValueError(f"lead must be below save = {save}, not {lead}")
    passed = math.expm1((interval + save) / mtbf)
    kept = interval * math.exp(lead / mtbf) / passed
    sooner = (mtbf * math.expm1(lead / mtbf) - lead) / passed
    return kept / (lead - sooner + mtbf * math.exp(recovery / mtbf))
