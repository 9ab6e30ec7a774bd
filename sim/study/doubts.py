"""Why an interval may be too short, by name."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from sim.kernels.ledger import BUCKETS
from sim.results import Runs
from sim.study.levelled import shares_of_time, time_s
from sim.study.statistics import Values, error_skews

FEW_INTERRUPTIONS = 30
"""Interruptions that must be seen, in all replications, before an interval is believed: with fewer, a study can stop
because rare faults happened not to come. Measured, on a costly fault in every fourth run: with 10, the 95 % interval
held in 92.2 % of 1,000 studies, with 30 in 94.5 to 95.1 %.
"""

MOST_SKEW = 0.2
"""Skewness of a mean beyond which its interval is not believed: Cochran's rule n > 25 G1^2 (Sampling Techniques, 3rd
ed., 1977, section 2.15), G1 that of single replications. Only where the tail is on the side of losses: there the worst
has not been seen, and ETTR looks better than it is.
"""

Name = Literal["few_interruptions", "heavy_tail"]
NAMES: tuple[Name, ...] = get_args(Name)

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Doubt:
    """A reason why the interval of ETTR is too short, and what to do, in a sentence."""

    name: Name
    text: str


def few(interruptions: Values) -> bool:
    """Whether there are too few interruptions in all replications."""
    return bool(interruptions.sum() < FEW_INTERRUPTIONS)


def heavy_tailed(work_s: Values, time: Values) -> bool:
    """Whether few replications with great losses make up the error of ETTR, progress over time."""
    return bool(heavy_tails(work_s[None], time[None])[0])


def heavy_tails(work_s: Values, time: Values) -> Flags:
    """Many times ``heavy_tailed``, each of one row; arrays of shape (k, n).

    With few replications only where skewness is beyond three of its standard errors under a normal law, sqrt(6 / n).
    """
    most = max(MOST_SKEW, 3 * math.sqrt(6) / work_s.shape[1])
    return np.asarray(error_skews(work_s, time) < -most, dtype=np.bool_)


def names(work_s: Values, time: Values, interruptions: Values) -> dict[Name, Flags]:
    """Return by name which of many sets of runs have a doubt; arrays of shape (k, n), flags of shape (k,)."""
    if work_s.shape[1] < 2:
        return dict.fromkeys(NAMES, np.zeros(len(work_s), np.bool_))
    few_seen = interruptions.sum(axis=1) < FEW_INTERRUPTIONS
    return {"few_interruptions": few_seen, "heavy_tail": heavy_tails(work_s, time)}


def doubts(runs: Runs, confidence: float) -> list[Doubt]:
    """Give what speaks against the interval of ETTR; nothing where nothing fails, or there is no interval."""
    rows, time = runs.rows, time_s(runs.rows)
    n = len(rows)
    if n < 2 or not runs.plan.lanes:
        return []
    short = f"the {100 * confidence:g} % interval of ETTR is too short"
    more = "more replications help"
    found = []
    if few(rows["interruptions"]):
        seen = int(rows["interruptions"].sum())
        reason = f"{seen} interruptions were seen in {n:,} replications, and with fewer than {FEW_INTERRUPTIONS}"
        found.append(Doubt("few_interruptions", f"{short}: {reason} their spread says little; {more}"))
    if heavy_tailed(rows["work_done_s"], time):
        bucket = BUCKETS[_of_worst(runs, time)].replace("_", " ")
        reason = f"few replications with much {bucket} make up most of its spread, and worse ones have not been seen"
        found.append(Doubt("heavy_tail", f"{short}, and ETTR looks too good: {reason}; {more}"))
    return found


def _of_worst(runs: Runs, time: Values) -> int:
    """The bucket that takes most above its share in the replication that pulls ETTR down the most."""
    ledger = shares_of_time(runs).rows["ledger"]
    beyond = ledger - ledger.sum(axis=0) / time.sum() * np.asarray(time)[:, None]
    return 1 + int(beyond[beyond[:, 0].argmin(), 1:].argmax())
