"""The answer period by period: what was kept, how often the job was interrupted, and how many nodes were where."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.results import Runs
from sim.study.statistics import Estimate, Values, ratio, spread


@dataclass(frozen=True)
class Metric:
    """A metric of one period: its mean with the interval of the mean's error, and the range of single runs."""

    estimate: Estimate
    runs: dict[str, float]


@dataclass(frozen=True)
class Period:
    """One period of the runs that had not stopped before it.

    ``ettr`` is work that was done in the period and kept / wall clock of the period; ``interruptions`` are those that
    began in it; ``mean_units_in_repair`` and ``mean_spares_idle`` are means over the period's time.
    """

    start_s: float
    end_s: float
    metrics: dict[str, Metric]

    def as_dict(self) -> dict[str, Any]:
        """The period as it stands in JSON."""
        return {
            "start_s": self.start_s,
            "end_s": self.end_s,
            **{name: metric.estimate.as_dict() for name, metric in self.metrics.items()},
            "single_runs": {name: metric.runs for name, metric in self.metrics.items()},
        }


def periods(runs: Runs, confidence: float, most: int | None = None) -> list[Period]:
    """All periods in which any run goes on.

    Parameters
    ----------
    runs : Runs
        With marks.
    confidence : float
        Between 0 and 1.
    most : int, optional
        Join as many periods as it takes to have at most so many.
    """
    return list(_periods(runs, confidence, 1 if most is None else -(-runs.plan.periods // most)))


def _periods(runs: Runs, confidence: float, joined: int) -> Iterator[Period]:
    found = runs.by_period(joined)
    for i, (start, end) in enumerate(zip(found.start_s, found.end_s, strict=True)):
        goes_on = found.wall_s[:, i] > 0.0
        if not goes_on.any():
            return
        wall = found.wall_s[goes_on, i]
        once = np.ones(len(wall))
        metrics = {
            "ettr": _metric(found.work_done_s[goes_on, i], wall, confidence, most=1.0),
            "interruptions": _metric(found.interruptions[goes_on, i], once, confidence),
            "mean_units_in_repair": _metric(found.repair_node_s[goes_on, i], wall, confidence),
            "mean_spares_idle": _metric(found.spare_idle_node_s[goes_on, i], wall, confidence),
        }
        yield Period(float(start), float(end), metrics)


def _metric(values: Values, per: Values, confidence: float, most: float = math.inf) -> Metric:
    return Metric(ratio(values, per, confidence, most), spread(values / per))
