"""Expected time of an incident: detection and stages that faults may strike again."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sim.theory.domain import not_negative, positive, probability, shares
from sim.theory.laws import laplace_constant

# With rate x mean below this, 1 - phi has no digits left, and the fault cuts nothing off the mean.
_NO_CUT_BELOW = 1e-12


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a recovery.

    Parameters
    ----------
    mean : float
        Mean duration, s, >= 0.
    phi : float
        Laplace transform E[exp(-rate Z)] of the duration Z at the rate of the faults, 0 to 1: the probability
        that it ends before a fault. Not read if the stage is not vulnerable.
    vulnerable : bool
        Whether faults strike in it.

    Raises
    ------
    ValueError
        If a value is out of range.
    """

    mean: float
    phi: float
    vulnerable: bool = True

    def __post_init__(self) -> None:
        not_negative(mean=self.mean)
        probability(phi=self.phi)

    def success(self, rate: float) -> float:
        """Probability that no fault interrupts the stage.

        Parameters
        ----------
        rate : float
            Rate of the faults ``phi`` was taken at, per s, >= 0.

        Returns
        -------
        float
            ``phi``, or 1 where no fault strikes.
        """
        return self.phi if self.vulnerable and rate > 0.0 else 1.0

    def time(self, rate: float) -> float:
        """Expected time in the stage until its end or a fault, ``(1 - phi) / rate``.

        Parameters
        ----------
        rate : float
            Rate of the faults ``phi`` was taken at, per s, >= 0.

        Returns
        -------
        float
            Expected time, s, at most the mean.
        """
        if not self.vulnerable or rate * self.mean < _NO_CUT_BELOW:
            return self.mean
        return min(self.mean, (1.0 - self.phi) / rate)


Attempt = Sequence[Stage]
"""The stages of one attempt at a recovery, in their order."""


def constant_stage(rate: float, time: float, vulnerable: bool = True) -> Stage:
    """A stage of constant duration.

    Parameters
    ----------
    rate : float
        Rate of the faults, per s, >= 0.
    time : float
        Duration, s, >= 0.
    vulnerable : bool
        Whether faults strike in it.

    Returns
    -------
    Stage
        The stage, with ``phi = exp(-rate time)``.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    return Stage(time, laplace_constant(rate, time), vulnerable)


def _attempt(rate: float, stages: Attempt) -> tuple[float, float]:
    """Expected time of one attempt until its end or a fault, and the probability of its end."""
    reached = 1.0
    time = 0.0
    for stage in stages:
        time += reached * stage.time(rate)
        reached *= stage.success(rate)
    return time, reached


def recovery_time(rate: float, detection: float, attempts: Sequence[tuple[float, Attempt]]) -> float:
    """Expected time from the fault that stops the job to the end of the incident.

    ``(D + A) / Phi``: a fault costs the detection D, then an attempt of expected time A, which succeeds with
    probability Phi; a fault in a vulnerable stage begins again with D. For one rule
    ``A = sum_i a_i prod_{j<i} phi_j`` with ``a_i = (1 - phi_i) / rate`` (the mean in a stage that is not vulnerable,
    whose phi is 1, and where rate = 0), and ``Phi = prod_i phi_i``. Over several rules A and Phi are averaged.

    Parameters
    ----------
    rate : float
        Rate of the faults that strike during an incident, per s, >= 0.
    detection : float
        Delay from a fault to the attempt it leads to, s, >= 0, constant. A fault in it changes nothing.
    attempts : sequence of (float, sequence of Stage)
        Share of the attempts made by each rule (0 to 1, adding up to 1) and the rule's stages, at least one rule.
        The rule is drawn anew for each attempt.

    Returns
    -------
    float
        Expected time, s; infinite if no attempt can succeed.

    Raises
    ------
    ValueError
        If an argument is out of range or the shares don't add up to 1.

    Notes
    -----
    Source: derived (renewal at each fault). Contains the recoveries of oracles O2, O4, O11a, O24a and O25.
    """
    not_negative(rate=rate, detection=detection)
    shares(share for share, _ in attempts)
    time = 0.0
    success = 0.0
    for share, stages in attempts:
        one_time, one_success = _attempt(rate, stages)
        time += share * one_time
        success += share * one_success
    return (detection + time) / success if success > 0.0 else math.inf


def recovery_restart_list(rate: float, stages: Attempt, detection: float = 0.0) -> float:
    """Expected time of an incident whose stages all begin again after a fault in one of them.

    ``mtbf (exp((a + b) / mtbf) - 1)`` for two vulnerable constant stages a and b without detection.

    Parameters
    ----------
    rate : float
        Rate of the faults, per s, >= 0.
    stages : sequence of Stage
        The stages in their order.
    detection : float
        Delay from each fault to what follows it, s, >= 0.

    Returns
    -------
    float
        Expected time from the first fault, s; infinite if the stages cannot all succeed.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Source: oracle O24a, derived.
    """
    return recovery_time(rate, detection, [(1.0, stages)])


def recovery_retry_stage(rate: float, stages: Attempt, detection: float = 0.0) -> float:
    """Expected time of an incident in which only the interrupted stage is done again.

    ``D + sum_i (a_i + (1 - phi_i) D) / phi_i``; for two vulnerable constant stages a and b without detection
    ``mtbf (exp(a / mtbf) + exp(b / mtbf) - 2)``.

    Parameters
    ----------
    rate : float
        Rate of the faults, per s, >= 0. None of them may change what the recovery needs.
    stages : sequence of Stage
        The stages in their order. A random duration is drawn anew at each try.
    detection : float
        Delay D from each fault to what follows it, s, >= 0. A fault in it changes nothing.

    Returns
    -------
    float
        Expected time from the first fault, s; infinite if a stage cannot succeed.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Source: oracle O24b, derived; with detection derived here.
    """
    not_negative(rate=rate, detection=detection)
    total = detection
    for stage in stages:
        success = stage.success(rate)
        if success <= 0.0:
            return math.inf
        total += (stage.time(rate) + (1.0 - success) * detection) / success
    return total


def job_mtbf(rates: Sequence[float]) -> float:
    """Mean time between the faults that stop a job, of independent exponential sources: ``1 / sum(rates)``.

    Parameters
    ----------
    rates : sequence of float
        Rate of each source in the whole job, per s, >= 0.

    Returns
    -------
    float
        Mean time, s; infinite if there are no faults.

    Raises
    ------
    ValueError
        If a rate is not finite and at least 0.

    Notes
    -----
    Source: the superposition of Poisson processes; derived.
    """
    for rate in rates:
        not_negative(rate=rate)
    total = math.fsum(rates)
    if total == 0.0:
        return math.inf
    positive(total=total)
    return 1.0 / total


def hang_delay(timeout: float, heartbeat: float = 0.0, poll: float = 0.0) -> float:
    """Mean time from a hang until a watchdog notices it, ``timeout - heartbeat / 2 + poll / 2``.

    The timeout runs from the last heartbeat; the hang and the polls fall at uniform phases.

    Parameters
    ----------
    timeout, heartbeat, poll : float
        Time without a heartbeat that is taken for a hang, time between heartbeats (at most the timeout), time between
        looks at it, s, >= 0.

    Returns
    -------
    float
        Mean delay, s.

    Raises
    ------
    ValueError
        If a time is negative, or heartbeats are further apart than the timeout.

    Notes
    -----
    Source: oracle O14, derived.
    """
    not_negative(timeout=timeout, heartbeat=heartbeat, poll=poll)
    if heartbeat > timeout:
        raise ValueError(f"heartbeat must be at most timeout ({timeout}), got {heartbeat}")
    return timeout - heartbeat / 2 + poll / 2
