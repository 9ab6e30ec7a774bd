"""What a sweep will take, from a few runs of some of its cases."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sim.batch.driver import weight
from sim.batch.work import Resolved, plan_of
from sim.engine.compiled.run import Runner
from sim.study.levelled import time_s
from sim.study.looks import FIRST_LOOK
from sim.study.statistics import ratio

_PROBED = (0.1, 0.5, 0.9)
"""Cases that are timed, by what they are thought to cost: quantiles."""


@dataclass(frozen=True)
class Forecast:
    """What a sweep will take.

    Parameters
    ----------
    cases : int
        Cases that differ.
    replications : int
        Of all cases together; a guess where they are run to a precision.
    guessed : bool
        Whether it is.
    core_seconds : float
        Time of one core, from the probe: good to a factor of 2.
    probed : int
        Replications that were timed.
    """

    cases: int
    replications: int
    guessed: bool
    core_seconds: float
    probed: int


def forecast(cases: Sequence[Resolved], replications: int | None) -> Forecast:
    """Time ``FIRST_LOOK`` replications of three cases, and say what all will take.

    Parameters
    ----------
    cases : sequence of Resolved
        All of the sweep.
    replications : int or None
        Of each case; None for as many as its precision takes. That is guessed from the spread in the cases that are
        timed: it grows with the square of spread / half width.
    """
    if not cases:
        return Forecast(0, 0, False, 0.0, 0)
    different = sorted({case.identity: case for case in cases}.values(), key=lambda case: case.faults)
    chosen = {round(share * (len(different) - 1)): None for share in _PROBED}
    seconds, weighed, spreads = 0.0, 0.0, []
    for number in chosen:
        case = different[number]
        runner = Runner(plan_of(case.plan))
        runner.see_compiled()
        start = time.process_time()
        rows = runner.run(0, FIRST_LOOK)
        seconds += time.process_time() - start
        weighed += weight(case, FIRST_LOOK)
        spreads.append(ratio(rows["work_done_s"], time_s(rows), case.confidence, most=1.0).half_width)
    wide = float(np.mean(spreads))
    wanted = [replications or _looks(case, wide) for case in different]
    cost = seconds / weighed * sum(weight(case, n) for case, n in zip(different, wanted, strict=True))
    return Forecast(len(different), sum(wanted), replications is None, cost, len(chosen) * FIRST_LOOK)


def _looks(case: Resolved, half_width: float) -> int:
    """Replications until a case is precise, if ``FIRST_LOOK`` give this half width: they double at each look."""
    needed = (half_width / case.half_width) ** 2
    doublings = max(0, math.ceil(math.log2(needed))) if needed > 0 else 0
    return min(FIRST_LOOK << min(doublings, 40), case.most)
