"""Chances and quantiles of single runs, each with the interval that so many replications leave, whatever their law."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr, betaincinv

from sim.errors import UsageError
from sim.results import COUNTS, training_s
from sim.study.answer import Answer
from sim.study.finish import finish_times, not_before
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
    n = len(ordered)
    low, high = (None if rank is None else float(ordered[rank - 1]) for rank in _ends(n, share, confidence))
    return Estimate(quantile_of(ordered, share), low, high, n, confidence)


def _ends(n: int, share: float, confidence: float) -> tuple[int | None, int | None]:
    """Ranks r and s of the runs between which a quantile lies, from 1; None where there is none."""
    tail = (1 - confidence) / 2
    below = bdtr(np.arange(n + 1, dtype=np.float64), n, share)  # P(B <= k), k = 0 .. n
    r = int(np.searchsorted(below, tail, side="right"))
    s = int(np.searchsorted(below, 1 - tail, side="left")) + 1
    return (r if r >= 1 else None), (s if s <= n else None)


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


def values_of_runs(answer: Answer) -> dict[str, Values]:
    """What single runs have of each metric that ``sim run`` has a row for, by its name in JSON, arrays of shape (n,).

    A time between interruptions is infinite for a run without any, the finish for one that was not done; a run in which
    no crew served a unit has no wait.
    """
    runs, rows = answer.runs, answer.runs.rows
    stops, services = rows["interruptions"], np.maximum(rows["crew_services"], 1)
    with np.errstate(divide="ignore"):
        found: dict[str, Values] = {
            "ettr": rows["work_done_s"] / rows["wall_s"],
            "ettr_hardware": runs.ledger_gpu_s["productive"] / (runs.gpus_held * rows["wall_s"]),
            "jmtti_s": np.where(stops > 0, rows["wall_s"] / stops, math.inf),
            "mtti_training_s": np.where(stops > 0, training_s(runs.ledger_s) / stops, math.inf),
        }
    found |= {name: rows[name] for name in COUNTS}
    if answer.crew_wait_s is not None:
        found["crew_wait_s"] = rows["crew_wait_s"] / services
    found |= {"work_done_s": rows["work_done_s"], "wall_s": rows["wall_s"]}
    if math.isfinite(runs.plan.work):
        found["finish_s"] = finish_times(rows)
    return found


@dataclass(frozen=True)
class Quantile:
    """A quantile of single runs.

    Parameters
    ----------
    share : float
        Of the runs that lie below.
    estimate : Estimate
        The quantile with its interval between two runs; an end is None where there are too few runs.
    runs_needed : int
        Runs from which on the interval has both ends.
    later_than_s : float or None
        Of a finish that is not known, a time, s, that it is later than.
    """

    share: float
    estimate: Estimate
    runs_needed: int
    later_than_s: float | None = None

    @property
    def too_few(self) -> bool:
        """Whether there are too few runs for an interval."""
        return self.estimate.n < self.runs_needed

    def as_dict(self) -> dict[str, Any]:
        """The quantile as it stands in JSON."""
        needed = self.runs_needed if self.too_few else None
        return {**self.estimate.as_dict(), "later_than_s": self.later_than_s, "runs_needed": needed}


def runs_needed(share: float, confidence: float) -> int:
    """Return how many runs it takes until the smallest and the largest enclose a quantile: with B binomial (n, share),
    P(B = 0) and P(B = n) are half of 1 - ``confidence`` at most.
    """
    rarer = max(share, 1 - share)
    n = max(1, math.ceil(math.log((1 - confidence) / 2) / math.log(rarer)) - 1)
    while any(end is None for end in _ends(n, share, confidence)):
        n += 1
    return n


def quantiles_at(answer: Answer, share: float) -> dict[str, Quantile]:
    """Return a quantile of single runs of each metric that ``sim run`` has a row for, by its name in JSON.

    Parameters
    ----------
    answer : Answer
        Of at least one run.
    share : float
        Of the runs that lie below, between 0 and 1.

    Raises
    ------
    UsageError
        If the share does not lie between 0 and 1.
    """
    if not 0 < share < 1:
        raise UsageError(f"a quantile is of a share between 0 and 1, not {share}")
    needed = runs_needed(share, answer.confidence)
    found = {}
    for name, values in values_of_runs(answer).items():
        estimate, later = quantile(values, share, answer.confidence), None
        if name == "finish_s" and math.isinf(estimate.mean):
            later = float(np.quantile(not_before(answer.runs), share, method="lower"))
        found[name] = Quantile(share, estimate, needed, later)
    return found
