"""The answer to "how much of the time is useful, and where does the rest go": metrics of a set of runs."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.engine.state import FROM_START, ROW
from sim.results import COUNTS, Records, Runs, count_reasons, store_names, training_s
from sim.study.doubts import Doubt, doubts, few, heavy_tailed
from sim.study.finish import Finish, finish
from sim.study.inputs import InputSpread, input_spread
from sim.study.levelled import means_of_a_run, shares_of_time, time_s
from sim.study.series import Period, periods
from sim.study.statistics import Estimate, Values, mean, ratio, spread, time_between

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class BucketShare:
    """One bucket of the ledger: mean hours of wall clock a run and their share (None for what only GPUs have), mean
    GPU-hours a run and their share of all that are held.
    """

    bucket: str
    hours: float | None
    share: Estimate | None
    gpu_hours: float
    gpu_share: float


@dataclass(frozen=True)
class SourceCount:
    """One fault source: faults on the job, and the interruptions that it opened, a run."""

    source: str
    faults: Estimate
    interruptions: Estimate


@dataclass(frozen=True)
class StoreCount:
    """One store, a run: saves that became durable, incidents after which the job went on from one of its versions, the
    work lost in these and the time that the job stood for its saves, s.
    """

    store: str
    saves: Estimate
    restores: Estimate
    lost_work_s: Estimate
    save_stall_s: Estimate


@dataclass(frozen=True)
class Answer:
    """What ``sim.run`` returns: estimates with intervals, and data frames.

    Parameters
    ----------
    runs : Runs
    half_width : float or None
        The precision of ETTR that was asked for, as a fraction; None if a number of replications was asked for.
    interrupted : bool
        Whether Ctrl-C ended the replications early: the intervals are honest, but not what was asked for.
    timed_out : bool
        Whether the time was up before they were precise, or as many as asked.
    left_s : float or None
        Time until they are, about, s, at looks before the last.
    partners : array of ``sim.engine.state.ROW``, shape (m,), m <= n
        Runs with the uncertain inputs of the first m replications and faults of their own; they count in nothing but
        ``inputs``. Empty where no input is uncertain.
    """

    runs: Runs
    half_width: float | None = None
    interrupted: bool = False
    partners: Records = field(default_factory=lambda: np.zeros(0, ROW))
    timed_out: bool = False
    left_s: float | None = None

    def __repr__(self) -> str:
        ends = "" if self.ettr.low is None else f" ({self.ettr.low:.4f} to {self.ettr.high:.4f})"
        return f"<Answer {self.runs.scenario.name!r}: ETTR {self.ettr.mean:.4f}{ends}, n = {self.n}>"

    @property
    def confidence(self) -> float:
        """Confidence of all intervals."""
        return self.runs.scenario.run.confidence

    @property
    def n(self) -> int:
        """Number of replications."""
        return len(self.runs.rows)

    @cached_property
    def ettr(self) -> Estimate:
        """Effective training time ratio: progress of the job / wall clock, both over all replications."""
        return ratio(self.runs.rows["work_done_s"], self.time_s, self.confidence, most=1.0)

    @cached_property
    def time_s(self) -> Values:
        """Wall clock of each replication, s, with drawn durations at their means: what shares are taken of."""
        return time_s(self.runs.rows)

    @cached_property
    def of_time(self) -> Runs:
        """The runs without what drawn durations are beyond their means: what is divided by ``time_s``."""
        return shares_of_time(self.runs)

    @cached_property
    def levelled(self) -> Runs:
        """The runs with drawn durations at their means: what means of a run are taken of."""
        return means_of_a_run(self.runs)

    @cached_property
    def ettr_hardware(self) -> Estimate:
        """Productive GPU-seconds / GPU-seconds held by job and pools."""
        held = self.runs.gpus_held * self.time_s
        return ratio(self.runs.ledger_gpu_s["productive"], held, self.confidence, most=1.0)

    @cached_property
    def jmtti_s(self) -> Estimate:
        """Wall clock / interruptions of the job, s; infinite with a lower bound if there was none."""
        return time_between(self.runs.rows["interruptions"], self.levelled.rows["wall_s"], self.confidence)

    @cached_property
    def mtti_training_s(self) -> Estimate:
        """Time in which the job steps or saves / interruptions, s; infinite with a lower bound if there was none.

        Unlike JMTTI it does not count waiting and recovery, which more faults make longer.
        """
        return time_between(self.runs.rows["interruptions"], training_s(self.runs.ledger_s), self.confidence)

    @cached_property
    def crew_wait_s(self) -> Estimate | None:
        """Mean wait of a unit for a crew, s, over the services of stages with crews; None if there were none."""
        waits, services = self.runs.rows["crew_wait_s"], self.runs.rows["crew_services"]
        return ratio(waits, services, self.confidence) if services.any() else None

    @property
    def reached(self) -> bool:
        """Whether ETTR is as precise as was asked for; not where its interval is in doubt."""
        if self.half_width is None:
            return True
        return self.believed and self.ettr.half_width <= self.half_width

    @property
    def needed(self) -> float:
        """Replications that the precision takes, as far as the spread so far tells; infinite where none was asked."""
        if self.half_width is None:
            return math.inf
        return self.n * (self.ettr.half_width / self.half_width) ** 2

    @property
    def believed(self) -> bool:
        """Whether nothing speaks against the interval of ETTR."""
        return self.seen_enough and not heavy_tailed(self.runs.rows["work_done_s"], self.time_s)

    @cached_property
    def doubts(self) -> list[Doubt]:
        """Why the interval of ETTR may be too short."""
        return doubts(self.runs, self.confidence)

    @property
    def seen_enough(self) -> bool:
        """Whether enough interruptions were seen for an interval to mean what it says; true where nothing fails."""
        return not self.runs.plan.lanes or not few(self.runs.rows["interruptions"])

    @cached_property
    def stop_reasons(self) -> dict[str, int]:
        """How many runs stopped for which reason."""
        return count_reasons(self.runs.rows["stop_reason"])

    @cached_property
    def finish(self) -> Finish | None:
        """When runs until work is done are done; None for runs with a horizon."""
        if math.isinf(self.runs.plan.work):
            return None
        return finish(self.runs, self.levelled.rows["wall_s"])

    @cached_property
    def single_runs(self) -> dict[str, dict[str, float]]:
        """Range of single runs: 5 %, median and 95 % of ETTR, wall clock and work done; uncertain inputs are in it."""
        return {name: spread(values) for name, values in _of_runs(self.runs.rows).items()}

    @cached_property
    def inputs(self) -> dict[str, InputSpread] | None:
        """Range of the expected ETTR, wall clock and work done as the uncertain inputs vary; None without such."""
        pairs = len(self.partners)
        if pairs < 2:
            return None
        ones, others = _of_runs(self.runs.rows[:pairs]), _of_runs(self.partners)
        return {name: input_spread(ones[name], others[name], self.confidence) for name in ones}

    @cached_property
    def series(self) -> list[Period] | None:
        """The answer period by period; None if the scenario asks for no series."""
        return None if self.runs.marks is None else periods(self.runs, self.confidence)

    @property
    def replications(self) -> pd.DataFrame:
        """One row per replication."""
        return self.runs.replications

    @cached_property
    def buckets(self) -> list[BucketShare]:
        """Every bucket, productive time first, then the biggest loss of wall clock, then what only GPU-seconds have."""
        level, of_time = self.levelled, self.of_time.ledger_s
        held = level.gpus_held * float(level.rows["wall_s"].sum())
        shares = []
        for name, gpu_s in level.ledger_gpu_s.items():
            seconds = level.ledger_s.get(name)
            share = None if seconds is None else ratio(of_time[name], self.time_s, self.confidence, most=1.0)
            hours = None if seconds is None else float(seconds.mean()) / 3600
            shares.append(BucketShare(name, hours, share, float(gpu_s.mean()) / 3600, float(gpu_s.sum()) / held))
        productive, *losses = (each for each in shares if each.hours is not None)
        only_gpus = (each for each in shares if each.hours is None)
        return [productive, *sorted(losses, key=lambda each: -(each.hours or 0.0)), *only_gpus]

    @cached_property
    def sources(self) -> list[SourceCount]:
        """Every fault source, most faults first; then the planned pauses, which have no faults of their own."""
        plan, rows = self.runs.plan, self.runs.rows
        counts = []
        for i, cause in enumerate(plan.causes):
            faults = rows["faults_of"][:, i] if i < len(plan.sources) else np.zeros(len(rows))
            opened = mean(rows["interruptions_of"][:, i], self.confidence)
            counts.append(SourceCount(cause, mean(faults, self.confidence), opened))
        sources, pauses = counts[: len(plan.sources)], counts[len(plan.sources) :]
        return sorted(sources, key=lambda each: -each.faults.mean) + pauses

    @cached_property
    def stores(self) -> list[StoreCount]:
        """Every store, those that save fastest first: over the stores they add up to what the whole run has."""
        rows = self.runs.rows
        fields = ("saves_of", "restores_of", "lost_before", "stood_for")
        return [
            StoreCount(name, *(mean(rows[field][:, i], self.confidence) for field in fields))
            for i, name in enumerate(store_names(self.runs.plan))
        ]

    @cached_property
    def from_start(self) -> dict[str, Estimate]:
        """What no store has: recoveries that went back to the start, as no version was left, and the work they lost."""
        rows = self.runs.rows
        return {
            "restores": mean(rows["restores_of"][:, FROM_START], self.confidence),
            "lost_work_s": mean(rows["lost_before"][:, FROM_START], self.confidence),
        }

    @property
    def ledger(self) -> pd.DataFrame:
        """``buckets`` as a frame: bucket, hours a run, share of the wall clock with its interval, GPU-hours a run,
        share of the GPU-hours held.
        """
        import pandas as pd

        rows = [
            {
                "bucket": each.bucket, "hours": each.hours, "share": each.share and each.share.mean,
                "low": each.share and each.share.low, "high": each.share and each.share.high,
                "gpu_hours": each.gpu_hours, "gpu_share": each.gpu_share,
            }
            for each in self.buckets
        ]  # fmt: skip
        return pd.DataFrame(rows)

    @property
    def causes(self) -> pd.DataFrame:
        """``sources`` as a frame: source, mean faults and mean interruptions a run, with intervals."""
        import pandas as pd

        rows = [
            {
                "source": each.source, "faults": each.faults.mean, "faults_low": each.faults.low,
                "faults_high": each.faults.high, "interruptions": each.interruptions.mean,
                "interruptions_low": each.interruptions.low, "interruptions_high": each.interruptions.high,
            }
            for each in self.sources
        ]  # fmt: skip
        return pd.DataFrame(rows)

    @property
    def largest_loss(self) -> BucketShare:
        """The bucket of the wall clock with the biggest loss."""
        return self.buckets[1]

    def count(self, name: str) -> Estimate:
        """Mean of a count over replications; ``name`` is one of ``sim.results.COUNTS``."""
        return mean(self.runs.rows[name], self.confidence)

    def as_dict(self) -> dict[str, Any]:
        """The answer as it stands in JSON: see the documentation of ``sim run --json``."""
        rows, level = self.runs.rows, self.levelled
        return {
            "name": self.runs.scenario.name,
            "ettr": self.ettr.as_dict(),
            "ettr_hardware": self.ettr_hardware.as_dict(),
            "jmtti_s": self.jmtti_s.as_dict(),
            "mtti_training_s": self.mtti_training_s.as_dict(),
            "work_done_s": mean(level.rows["work_done_s"], self.confidence).as_dict(),
            "wall_s": mean(level.rows["wall_s"], self.confidence).as_dict(),
            "not_saved_s": mean(rows["not_saved_s"], self.confidence).as_dict(),
            "crew_wait_s": self.crew_wait_s.as_dict() if self.crew_wait_s else None,
            **{name: self.count(name).as_dict() for name in COUNTS},
            "ledger_s": {bucket: float(seconds.mean()) for bucket, seconds in level.ledger_s.items()},
            "ledger_gpu_s": {bucket: float(seconds.mean()) for bucket, seconds in level.ledger_gpu_s.items()},
            "stores": {
                each.store: {
                    name: getattr(each, name).as_dict() for name in ("saves", "restores", "lost_work_s", "save_stall_s")
                }
                for each in self.stores
            },
            "from_start": {name: each.as_dict() for name, each in self.from_start.items()},
            "causes": {each.source: each.faults.mean for each in self.sources},
            "interruption_causes": {each.source: each.interruptions.mean for each in self.sources},
            "finish": None if self.finish is None else self.finish.as_dict(),
            "single_runs": self.single_runs,
            "inputs": {name: each.as_dict() for name, each in self.inputs.items()} if self.inputs else None,
            "series": None if self.series is None else [period.as_dict() for period in self.series],
            "stop_reasons": self.stop_reasons,
            "unused_keys": [asdict(unused) for unused in self.runs.scenario.unused],
            "precision": {"half_width": self.half_width, "reached": None if self.half_width is None else self.reached},
            "doubts": [vars(doubt) for doubt in self.doubts],
            "provenance": self.runs.provenance,
        }


def _of_runs(rows: Records) -> dict[str, Values]:
    """What the range of single runs is given for, by name: one value of each run."""
    return {"ettr": rows["work_done_s"] / rows["wall_s"], "wall_s": rows["wall_s"], "work_done_s": rows["work_done_s"]}
