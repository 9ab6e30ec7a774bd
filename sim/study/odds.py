"""Chances and quantiles of single runs, each with the interval that so many replications leave, whatever their law."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr, betaincinv

from sim.errors import UsageError
from sim.study.answer import Answer
from sim.study.finish import finish_times
from sim.study.statistics import SHARES, Estimate, Values, quantile_of


def chance(hits: npt.NDArray[np.bool_], confidence: float) -> Estimate:
    """Share of runs of which something holds, with the exact binomial interval.

    Parameters
    ----------
    hits : array of bool, shape (n,), n >= 1
        Whether it holds, run by run.
    confidence : float
        Between 0 and 1; the interval holds at least as often.

    References
    ----------
    C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial",
    Biometrika 26, 1934.
    """
    n, k = len(hits), int(np.count_nonzero(hits))
    tail = (1 - confidence) / 2
    low = 0.0 if k == 0 else float(betaincinv(k, n - k + 1, tail))
    high = 1.0 if k == n else float(betaincinv(k + 1, n - k, 1 - tail))
    return Estimate(k / n, low, high, n, confidence)


def quantile(values: Values, share: float, confidence: float) -> Estimate:
    """A quantile of single runs, with an interval between two of the runs that holds for any law.

    With B binomial (n, share), the r-th smallest run lies above the quantile with probability P(B < r) at most, and the
    s-th smallest below it with probability P(B >= s) at most: r is the largest and s the smallest number for which
    that is half of 1 - ``confidence`` or less. Where there is no such run, that end is None.

    Parameters
    ----------
    values : array of shape (n,), n >= 1
        One of each run.
    share : float
        Of the runs that lie below, between 0 and 1.
    confidence : float
        Between 0 and 1.

    References
    ----------
    H. A. David and H. N. Nagaraja, Order Statistics, 3rd ed., 2003, section 7.1.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    n, tail = len(ordered), (1 - confidence) / 2
    below = bdtr(np.arange(n + 1, dtype=np.float64), n, share)  # P(B <= k), k = 0 .. n
    r = int(np.searchsorted(below, tail, side="right"))
    s = int(np.searchsorted(below, 1 - tail, side="left")) + 1
    low = float(ordered[r - 1]) if r >= 1 else None
    high = float(ordered[s - 1]) if s <= n else None
    return Estimate(quantile_of(ordered, share), low, high, n, confidence)


def quantiles(answer: Answer) -> dict[str, dict[str, Estimate]]:
    """The quantiles of ``Answer.single_runs``, with their intervals, by metric and name; and of runs until work is done
    those of ``finish_s``, infinite for runs that were not done.
    """
    rows = answer.runs.rows
    of_runs = {
        "ettr": rows["work_done_s"] / rows["wall_s"], "wall_s": rows["wall_s"], "work_done_s": rows["work_done_s"]
    }  # fmt: skip
    if math.isfinite(answer.runs.plan.work):
        of_runs["finish_s"] = finish_times(rows)
    return {
        metric: {name: quantile(values, share, answer.confidence) for name, share in SHARES.items()}
        for metric, values in of_runs.items()
    }


def done_by(answer: Answer, seconds: float) -> Estimate:
    """Chance that the work is done so many seconds after the start, with its interval.

    Raises
    ------
    UsageError
        If the runs are not until work is done, the time is not above 0, or runs were given up before it.
    """
    if not math.isfinite(answer.runs.plan.work):
        raise UsageError('the runs end at a horizon: for when work is done, give the file [run] work = "50 days"')
    if not 0 < seconds < math.inf:
        raise UsageError(f"a time to be done by must be above 0, not {seconds} s")
    times, horizon = finish_times(answer.runs.rows), answer.runs.plan.horizon
    if seconds > horizon and (answer.runs.rows["wall_s"][np.isinf(times)] == horizon).any():
        raise UsageError(f"a time to be done by must not be later than run.give_up, {horizon:.9g} s")
    return chance(times <= seconds, answer.confidence)


def ettr_below(answer: Answer, share: float) -> Estimate:
    """Chance that the ETTR of a single run lies below a share, with its interval.

    Raises
    ------
    UsageError
        If the share does not lie between 0 and 1.
    """
    if not 0 < share <= 1:
        raise UsageError(f"an ETTR lies between 0 and 1, not at {share}")
    rows = answer.runs.rows
    return chance(rows["work_done_s"] / rows["wall_s"] < share, answer.confidence)
