"""When runs until work is done are done: those that are not count as later than all others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.engine.state import StopReason
from sim.results import Records, Runs
from sim.study.statistics import SHARES, Estimate, Values, mean, quantile_of


@dataclass(frozen=True)
class Finish:
    """Time to finish of single runs.

    Parameters
    ----------
    mean_s : Estimate or None
        Its mean, s; None where a run was not done, as then it has none.
    quantiles_s : dict
        By name of ``SHARES``, s; infinite where that run was not done.
    later_than_s : dict
        Of those that are not known, a time that they are later than, s.
    unfinished : int
        Runs that were not done.
    """

    mean_s: Estimate | None
    quantiles_s: dict[str, float]
    later_than_s: dict[str, float]
    unfinished: int

    def as_dict(self) -> dict[str, Any]:
        """The time to finish as it stands in JSON: null for what is not known."""
        known = {name: None if name in self.later_than_s else time for name, time in self.quantiles_s.items()}
        return {
            "mean_s": None if self.mean_s is None else self.mean_s.as_dict(),
            **{f"{name}_s": time for name, time in known.items()},
            "later_than_s": self.later_than_s,
            "unfinished": self.unfinished,
        }


def finish_times(rows: Records) -> Values:
    """When each run is done, s: infinite where it was not."""
    return np.where(rows["stop_reason"] == StopReason.DONE, rows["wall_s"], np.inf)


def not_before(runs: Runs) -> Values:
    """When each run is done at the earliest, s: that is when it is done, if it is."""
    times = finish_times(runs.rows)
    # A run that ended at its limit of events might have been done soon after; all others not before it was given up.
    cut = runs.rows["stop_reason"] == StopReason.EVENT_LIMIT
    return np.where(np.isfinite(times), times, np.where(cut, runs.rows["wall_s"], runs.plan.horizon))


def finish(runs: Runs, levelled_wall_s: Values) -> Finish:
    """Return when runs until work is done are done.

    Parameters
    ----------
    runs : Runs
        Of a plan with work.
    levelled_wall_s : array of shape (n,)
        Wall clock with drawn durations at their means: what the mean is taken of.
    """
    rows, confidence = runs.rows, runs.scenario.run.confidence
    times, least = finish_times(rows), not_before(runs)
    quantiles = {name: quantile_of(times, share) for name, share in SHARES.items()}
    later_than = {
        name: float(np.quantile(least, share, method="lower"))
        for name, share in SHARES.items()
        if quantiles[name] != quantile_of(least, share)
    }
    unfinished = int(np.count_nonzero(np.isinf(times)))
    return Finish(None if unfinished else mean(levelled_wall_s, confidence), quantiles, later_than, unfinished)
