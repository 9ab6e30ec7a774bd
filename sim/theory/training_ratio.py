"""ETTR: progress of the job in seconds at full speed over wall clock, in the long run.

Faults are exponential. All durations share one unit, seconds in this project.
"""

import math
from collections.abc import Sequence

from sim.theory.domain import not_negative, positive, probability
from sim.theory.intervals import exact_interval
from sim.theory.recovery import constant_stage, recovery_restart_list
from sim.theory.saves import Saves, saved_work

# Above this exponent exp(x) overflows a double.
_OVERFLOW = 709.0


def ettr(rate: float, saves: Saves, recovery_time: float) -> float:
    """ETTR of any schedule of saves and any recovery.

    ``E[work saved in a cycle] / (1/rate + recovery_time)``, a cycle from the end of a recovery to the end of the next.

    Parameters
    ----------
    rate : float
        Rate of the faults that stop the job while it trains and saves, per s, >= 0.
    saves : Saves
        The schedule of the saves.
    recovery_time : float
        Expected time from a fault to the end of its incident, s, >= 0, may be infinite.

    Returns
    -------
    float
        ETTR, 0 to 1. Without faults, the speed that the saves leave.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Source: renewal-reward, oracles O1 to O5, O11a and O25, derived.
    """
    not_negative(rate=rate)
    if not recovery_time >= 0.0:
        raise ValueError(f"recovery_time must be at least 0, got {recovery_time!r}")
    if rate == 0.0:
        return saves.speed
    return rate * saved_work(rate, saves) / (1.0 + rate * recovery_time)


def periodic_ettr(mtbf: float, interval: float, save: float, recovery: float = 0.0, detection: float = 0.0) -> float:
    """ETTR with saves that stop the job and a constant, failure-prone recovery.

    ``interval exp(-recovery/mtbf) / ((mtbf + detection) (exp((interval + save)/mtbf) - 1))``.

    Parameters
    ----------
    mtbf : float
        Mean time between the faults that stop the job, s, > 0.
    interval : float
        Useful work between saves, s, > 0.
    save : float
        Time the job is stopped by one save, s, >= 0.
    recovery : float
        Time of a recovery, s, >= 0. A fault in it starts it again.
    detection : float
        Failure-free time before each attempt at a recovery, s, >= 0.

    Returns
    -------
    float
        ETTR, 0 to 1.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Source: oracles O1 and O2, derived.
    """
    positive(mtbf=mtbf)
    not_negative(recovery=recovery)
    return random_recovery_ettr(mtbf, interval, save, math.exp(-recovery / mtbf), detection)


def random_recovery_ettr(mtbf: float, interval: float, save: float, phi: float, detection: float = 0.0) -> float:
    """ETTR with saves that stop the job and a random, failure-prone recovery Z.

    ``interval phi / ((mtbf + detection) (exp((interval + save)/mtbf) - 1))`` with ``phi = E[exp(-Z/mtbf)]``.

    Parameters
    ----------
    mtbf : float
        Mean time between the faults that stop the job, s, > 0.
    interval : float
        Useful work between saves, s, > 0.
    save : float
        Time the job is stopped by one save, s, >= 0.
    phi : float
        Laplace transform of the recovery at rate 1/mtbf, 0 to 1. It is drawn anew at each attempt.
    detection : float
        Failure-free time before each attempt at a recovery, s, >= 0.

    Returns
    -------
    float
        ETTR, 0 to 1.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Source: oracle O4, derived.
    """
    positive(mtbf=mtbf, interval=interval)
    not_negative(save=save, detection=detection)
    probability(phi=phi)
    cycle = (interval + save) / mtbf
    return interval * phi * math.exp(-cycle) / (-math.expm1(-cycle) * (mtbf + detection))


def wall_time(
    work: float, mtbf: float, interval: float, save: float, recovery: float = 0.0, detection: float = 0.0
) -> float:
    """Expected wall clock of a run until its work is done and saved, without a start-up.

    ``(mtbf + detection) exp(recovery/mtbf) sum_i (exp((w_i + save)/mtbf) - 1)`` over the intervals w_i of the run, all
    of them ``interval`` except the last, which is what is left.

    Parameters
    ----------
    work : float
        Useful work of the run, s, > 0.
    mtbf : float
        Mean time between the faults that stop the job, s, > 0.
    interval : float
        Useful work between saves, s, > 0.
    save : float
        Time the job is stopped by one save, s, >= 0. The last save is included.
    recovery : float
        Time of a recovery, s, >= 0. A fault in it starts it again.
    detection : float
        Failure-free time before each attempt at a recovery, s, >= 0.

    Returns
    -------
    float
        Expected wall clock, s; infinite where it is beyond a double.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Source: oracles O1 and O2, derived for whole work / interval; a shorter last interval derived here.
    """
    positive(work=work, mtbf=mtbf, interval=interval)
    not_negative(save=save, recovery=recovery, detection=detection)
    if (recovery + interval + save) / mtbf > _OVERFLOW:
        return math.inf
    count = round(work / interval)
    # Work that is a whole number of intervals up to rounding has no shorter last one with a save of its own.
    if count >= 1 and math.isclose(work, count * interval, rel_tol=1e-9):
        rest = 0.0
    else:
        count = math.floor(work / interval)
        rest = work - count * interval
    sections = count * math.expm1((interval + save) / mtbf)
    if rest > 0.0:
        sections += math.expm1((rest + save) / mtbf)
    return (mtbf + detection) * math.exp(recovery / mtbf) * sections


def ettr_at_optimum(mtbf: float, save: float, recovery: float = 0.0, detection: float = 0.0) -> float:
    """ETTR at the best interval, with saves that stop the job and a constant, failure-prone recovery.

    ``exp(-(t + save + recovery)/mtbf) mtbf / (mtbf + detection)`` at t = `exact_interval`.

    Parameters
    ----------
    mtbf : float
        Mean time between the faults that stop the job, s, > 0.
    save : float
        Time the job is stopped by one save, s, > 0.
    recovery : float
        Time of a recovery, s, >= 0. A fault in it starts it again.
    detection : float
        Failure-free time before each attempt at a recovery, s, >= 0.

    Returns
    -------
    float
        ETTR, 0 to 1.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Source: oracle O3e, derived.
    """
    not_negative(recovery=recovery, detection=detection)
    best = exact_interval(save, mtbf)
    return math.exp(-(best + save + recovery) / mtbf) * mtbf / (mtbf + detection)


def async_ettr(
    mtbf: float,
    interval: float,
    stall: float,
    persist: float,
    slowdown: float = 0.0,
    in_flight: int = 1,
    recovery: float = 0.0,
    detection: float = 0.0,
) -> float:
    """ETTR with saves that persist while the job trains on, and a constant, failure-prone recovery.

    `ettr` of `Saves`; with one or any number in flight and ``persist (1 - slowdown) <= interval``, with b = interval +
    stall + slowdown persist, it is
    ``interval exp(-(interval + stall + persist + recovery)/mtbf) / ((1 - exp(-b/mtbf)) (mtbf + detection))``.

    Parameters
    ----------
    mtbf : float
        Mean time between the faults that stop the job, s, > 0.
    interval : float
        Useful work between saves, s, > 0.
    stall : float
        Time the job stops at each save, s, >= 0.
    persist : float
        Time from the end of the stall until the version is durable, s, >= 0.
    slowdown : float
        Share of its speed the job loses while any version persists, >= 0 and < 1.
    in_flight : int
        Versions that may persist at once, >= 1, or 0 for any number.
    recovery : float
        Time of a recovery, s, >= 0. A fault in it starts it again.
    detection : float
        Failure-free time before each attempt at a recovery, s, >= 0.

    Returns
    -------
    float
        ETTR, 0 to 1.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Source: oracles O5a to O5d, derived.
    """
    positive(mtbf=mtbf)
    rate = 1.0 / mtbf
    incident = recovery_restart_list(rate, [constant_stage(rate, recovery)], detection)
    return ettr(rate, Saves(interval, stall, persist, slowdown, in_flight), incident)


def queue_ettr(mtbf: float, interval: float, queue: float, startup: float) -> float:
    """ETTR of a job that queues and starts up after each fault, with free saves.

    ``interval exp(-startup/mtbf) / ((mtbf + queue) (exp(interval/mtbf) - 1))``.

    Parameters
    ----------
    mtbf : float
        Mean time between the faults that stop the job, s, > 0.
    interval : float
        Useful work between saves, s, > 0.
    queue : float
        Time in the queue, failure-free, s, >= 0.
    startup : float
        Time of a start-up, s, >= 0. A fault in it sends the job back to the queue.

    Returns
    -------
    float
        ETTR, 0 to 1.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Source: oracle O11a, derived.
    """
    not_negative(queue=queue, startup=startup)
    return periodic_ettr(mtbf, interval, 0.0, startup, queue)


def ettr_of_classes(classes: Sequence[tuple[float, float]], interval: float, save: float) -> float:
    """ETTR with several classes of faults, each with its own failure-free downtime.

    ``interval L / ((exp(L (interval + save)) - 1) (1 + sum_i rate_i D_i))`` with ``L = sum_i rate_i``.

    Parameters
    ----------
    classes : sequence of (float, float)
        Rate of each class, per s, >= 0 and not all 0, and its downtime D, detection included, s, >= 0.
    interval : float
        Useful work between saves, s, > 0.
    save : float
        Time the job is stopped by one save, s, >= 0.

    Returns
    -------
    float
        ETTR, 0 to 1.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Source: oracle O25, derived.
    """
    for rate, downtime in classes:
        not_negative(rate=rate, downtime=downtime)
    total = math.fsum(rate for rate, _ in classes)
    positive(sum_of_rates=total)
    down = math.fsum(rate * downtime for rate, downtime in classes)
    return random_recovery_ettr(1.0 / total, interval, save, 1.0) / (1.0 + down)
