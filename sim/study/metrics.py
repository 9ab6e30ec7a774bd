"""Metrics of a scenario by their names in JSON, each a ratio of totals over replications, with its influences."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sim.errors import UsageError
from sim.kernels.ledger import BUCKETS, GPU_ONLY
from sim.results import COUNTS, Numbers, Runs, training_s
from sim.scenario.refusal import nearest
from sim.study.levelled import FIXED_END, levelled_time, totals_of_a_run
from sim.study.paired import Floats, Measured, of_ratio

Unit = Literal["1", "s", "count"]

_TIMES = ("jmtti_s", "mtti_training_s", "work_done_s", "wall_s", "not_saved_s", "crew_wait_s")
_OF_FIXED_END = ("jmtti_s", "work_done_s", "wall_s")
"""Metrics whose numerator runs that end at a fixed time have more of, where drawn durations were short."""
_MORE_IS_BETTER = (
    "ettr", "ettr_hardware", "productive", "jmtti_s", "mtti_training_s", "work_done_s", "saves", "saved_on_notice",
)  # fmt: skip


@dataclass(frozen=True)
class Metric:
    """A metric.

    Parameters
    ----------
    name : str
        As in the JSON of ``sim run``; of a bucket of the wall clock its name, for its share.
    unit : {"1", "s", "count"}
        "1" for shares.
    """

    name: str
    unit: Unit

    @property
    def more_is_better(self) -> bool:
        """Whether a value above a target has reached it, rather than one below."""
        return self.name in _MORE_IS_BETTER

    @property
    def per_time(self) -> bool:
        """Whether it is a share of the wall clock, or of the GPU-seconds held."""
        return self.unit == "1"

    def totals(self, runs: Runs) -> tuple[Floats, Floats]:
        """Return numerators and denominators of replications, shape (n,); of shares what multiplies the wall clock.

        What is excess of drawn durations is left out of what ``measured`` levels.
        """
        rows, one = runs.rows, np.ones(len(runs.rows))
        if self.name == "ettr":
            return rows["work_done_s"], one
        if self.name == "ettr_hardware":
            return np.asarray(runs.ledger_gpu_s["productive"]), one * runs.gpus_held
        if self.per_time:
            bucket = BUCKETS.index(self.name)
            return rows["ledger"][:, bucket] - rows["excess"][:, bucket], one
        if self.name in ("jmtti_s", "wall_s"):
            without = rows["wall_s"] - rows["excess"].sum(axis=1)
            return without, rows["interruptions"].astype(np.float64) if self.name == "jmtti_s" else one
        if self.name == "mtti_training_s":
            return training_s(runs.ledger_s), rows["interruptions"].astype(np.float64)
        if self.name == "crew_wait_s":
            return rows["crew_wait_s"], rows["crew_services"].astype(np.float64)
        return rows[self.name].astype(np.float64), one

    def measured(
        self, numerator: Floats, denominator: Floats, wall_s: Floats, excess_s: Floats, stop_reason: Numbers
    ) -> Measured:
        """Return the metric, as ``sim.run`` gives it, of n replications; arrays of shape (n,).

        Where the denominators are all 0, as without interruptions, it is infinite, or 0 if the numerators are, too.
        """
        time = levelled_time(wall_s, excess_s)
        if self.per_time:
            return of_ratio(numerator, denominator * time)
        if self.name in _OF_FIXED_END and len(time) > 1:
            fixed = float(np.isin(stop_reason, FIXED_END).mean())
            numerator = totals_of_a_run(numerator, excess_s, time, fixed)
        if not denominator.any():
            return Measured(math.inf if numerator.any() else 0.0, np.zeros(len(numerator)))
        return of_ratio(numerator, denominator)


METRICS: dict[str, Metric] = {
    **{name: Metric(name, "1") for name in ("ettr", "ettr_hardware")},
    **{name: Metric(name, "s") for name in _TIMES},
    **{name: Metric(name, "count") for name in COUNTS},
    **{name: Metric(name, "1") for name in BUCKETS if name not in GPU_ONLY},
}
"""All metrics that can have a target, by name."""


def metric_of(name: str, said: str) -> Metric:
    """Return the metric of a name. Raises `UsageError`, which begins with ``said``."""
    if name in METRICS:
        return METRICS[name]
    words = name.strip().lower().replace(" ", "_").replace("-", "_")
    close = words if words in METRICS else f"{words}_s" if f"{words}_s" in METRICS else nearest(words, METRICS)
    remedy = f"did you mean {close}?" if close else f"there are {', '.join(METRICS)}"
    raise UsageError(f"{said}: {name} is no metric of the JSON of sim run, nor a bucket; {remedy}")
