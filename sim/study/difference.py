"""A case against the first one, on the same faults: paired differences, where they come from, and a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from sim.kernels.ledger import BUCKETS
from sim.results import training_s
from sim.study.answer import Answer
from sim.study.doubts import FEW_INTERRUPTIONS
from sim.study.paired import Measured, interval, of_mean, of_ratio, saved_by_pairing
from sim.study.statistics import Estimate

Verdict = Literal["better", "worse", "open", "same", "few"]


@dataclass(frozen=True)
class BucketChange:
    """What one bucket of the wall clock adds to a difference.

    ``hours`` is its difference in hours a run: over the buckets these add up to that of the wall clock, exactly in each
    replication. ``share`` is that of its share of the wall clock: over the buckets these add up to 0, so that what ETTR
    gains the losses lose.
    """

    bucket: str
    base_hours: float
    hours: Estimate
    share: Estimate


@dataclass(frozen=True)
class Difference:
    """One case against the first, on the same faults: what it is has a difference of the first taken away.

    Parameters
    ----------
    name : str
        Of the case.
    base, case : Answer
    variants : int
        Cases beside the first: so many differences hold together.
    share : float
        Of the error that its intervals may spend at this look, above 0, at most 1: see ``sim.study.spending``.
    """

    name: str
    base: Answer
    case: Answer
    variants: int
    share: float = 1.0

    def _of(self, base: Measured, case: Measured, family: int = 1) -> Estimate:
        return interval(case - base, self.base.confidence, family * self.variants / self.share)

    @cached_property
    def ettr(self) -> Estimate:
        """Difference in ETTR, as a fraction."""
        return self._of(_ettr(self.base), _ettr(self.case))

    @cached_property
    def ettr_hardware(self) -> Estimate:
        """Difference in ETTR in hardware, as a fraction."""
        return self._of(_ettr_hardware(self.base), _ettr_hardware(self.case))

    @cached_property
    def jmtti_s(self) -> Estimate | None:
        """Difference in wall clock per interruption, s; None where one case had no interruption."""
        pair = [each.levelled.rows for each in (self.base, self.case)]
        if not all(rows["interruptions"].any() for rows in pair):
            return None
        base, case = (of_ratio(rows["wall_s"], rows["interruptions"]) for rows in pair)
        return self._of(base, case)

    @cached_property
    def mtti_training_s(self) -> Estimate | None:
        """Difference in time of stepping or saving per interruption, s; None where one case had no interruption."""
        pair = [each.runs for each in (self.base, self.case)]
        if not all(runs.rows["interruptions"].any() for runs in pair):
            return None
        base, case = (of_ratio(training_s(runs.ledger_s), runs.rows["interruptions"]) for runs in pair)
        return self._of(base, case)

    @cached_property
    def wall_s(self) -> Estimate:
        """Difference in wall clock of a run, s."""
        return self._of(of_mean(self.base.levelled.rows["wall_s"]), of_mean(self.case.levelled.rows["wall_s"]))

    @cached_property
    def interruptions(self) -> Estimate:
        """Difference in interruptions of a run."""
        return self._of(of_mean(self.base.runs.rows["interruptions"]), of_mean(self.case.runs.rows["interruptions"]))

    @cached_property
    def buckets(self) -> list[BucketChange]:
        """All buckets of the wall clock, productive time first, then by the change of their share; their intervals hold
        together.
        """
        changes = []
        for bucket in BUCKETS:
            base, case = (each.levelled.ledger_s[bucket] for each in (self.base, self.case))
            hours = self._of(of_mean(base / 3600), of_mean(case / 3600), len(BUCKETS))
            share = self._of(_share(self.base, bucket), _share(self.case, bucket), len(BUCKETS))
            changes.append(BucketChange(bucket, float(base.mean()) / 3600, hours, share))
        productive, *losses = changes
        return [productive, *sorted(losses, key=lambda each: -abs(each.share.mean))]

    @cached_property
    def same_plan(self) -> bool:
        """Whether the two cases are the same but for their names."""
        return self.base.runs.plan == self.case.runs.plan

    @cached_property
    def runs_that_differ(self) -> int:
        """Replications in which the ledgers of the two cases are not the same."""
        differ = self.base.runs.rows["ledger"] != self.case.runs.rows["ledger"]
        return int(np.count_nonzero(differ.any(axis=1)))

    @cached_property
    def pairing(self) -> float | None:
        """How many times as many replications this difference in ETTR would need without the same faults."""
        return saved_by_pairing(_ettr(self.base), _ettr(self.case))

    @property
    def seen_enough(self) -> bool:
        """Whether enough interruptions, and runs that differ, were seen for the interval to mean what it says."""
        seen = self.base.seen_enough and self.case.seen_enough
        return self.same_plan or (seen and self.runs_that_differ >= FEW_INTERRUPTIONS)

    def is_precise(self, half_width: float) -> bool:
        """Return whether the difference in ETTR is known to this half width, a fraction."""
        return self.seen_enough and self.ettr.half_width <= half_width

    @property
    def verdict(self) -> Verdict:
        """Whether ETTR is better or worse than the first case's, or that cannot be told.

        ``better`` and ``worse`` only where the interval lies on one side of 0; ``same`` where the plans are equal,
        ``few`` where too few runs differ, or too few interruptions were seen, else ``open``.
        """
        if self.same_plan:
            return "same"
        if self.ettr.low is None or self.ettr.high is None or not self.seen_enough:
            return "few"
        return "better" if self.ettr.low > 0 else "worse" if self.ettr.high < 0 else "open"

    def as_dict(self) -> dict[str, Any]:
        """The difference as it stands in JSON."""
        return {
            "name": self.name,
            "verdict": self.verdict,
            "ettr": self.ettr.as_dict(),
            "ettr_hardware": self.ettr_hardware.as_dict(),
            "jmtti_s": self.jmtti_s.as_dict() if self.jmtti_s else None,
            "mtti_training_s": self.mtti_training_s.as_dict() if self.mtti_training_s else None,
            "wall_s": self.wall_s.as_dict(),
            "interruptions": self.interruptions.as_dict(),
            "ledger_hours": {each.bucket: each.hours.as_dict() for each in self.buckets},
            "ledger_share": {each.bucket: each.share.as_dict() for each in self.buckets},
            "runs_that_differ": self.runs_that_differ,
            "error_share": self.share,
            "pairing": self.pairing,
        }


def _ettr(answer: Answer) -> Measured:
    return of_ratio(answer.runs.rows["work_done_s"], answer.time_s)


def _ettr_hardware(answer: Answer) -> Measured:
    return of_ratio(answer.runs.ledger_gpu_s["productive"], answer.runs.gpus_held * answer.time_s)


def _share(answer: Answer, bucket: str) -> Measured:
    return of_ratio(answer.of_time.ledger_s[bucket], answer.time_s)
