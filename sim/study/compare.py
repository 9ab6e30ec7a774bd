"""Scenarios side by side on the same faults: paired differences, where they come from, and whether they can be told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from sim.arguments import check_function, check_share, check_texts, check_whole
from sim.engine.compiled.run import Runner
from sim.engine.state import ROW
from sim.errors import UsageError
from sim.kernels.ledger import BUCKETS
from sim.planning import build
from sim.results import Records, Runs, training_s
from sim.scenario import Overrides, Scenario, Source, scenario_of
from sim.study.answer import Answer
from sim.study.doubts import FEW_INTERRUPTIONS
from sim.study.levelled import shares_of_time
from sim.study.looks import cores, look
from sim.study.paired import Measured, interval, of_mean, of_ratio, saved_by_pairing
from sim.study.statistics import Estimate

MOST_CASES = 16
"""Cases of one comparison, at most: each has a letter in tables, and every further one makes all intervals wider."""

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
    """

    name: str
    base: Answer
    case: Answer
    variants: int

    def _of(self, base: Measured, case: Measured, family: int = 1) -> Estimate:
        return interval(case - base, self.base.confidence, family * self.variants)

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
            "pairing": self.pairing,
        }


@dataclass(frozen=True)
class Comparison:
    """What ``sim.compare`` returns.

    Parameters
    ----------
    cases : tuple of Answer
        One for each scenario, in the order in which they were given: the same replications of the same faults.
    names : tuple of str
        What they are called.
    half_width : float or None
        Precision of each difference in ETTR that was asked for, as a fraction; None if a number of replications was.
    interrupted : bool
        Whether Ctrl-C ended the replications early.
    """

    cases: tuple[Answer, ...]
    names: tuple[str, ...]
    half_width: float | None = None
    interrupted: bool = False

    def __repr__(self) -> str:
        said = ", ".join(f"{each.name!r} {each.verdict}" for each in self.differences)
        return f"<Comparison with {self.names[0]!r}: {said or 'nothing'}, n = {self.n}>"

    @property
    def n(self) -> int:
        """Number of replications of each case."""
        return self.cases[0].n

    @property
    def confidence(self) -> float:
        """Confidence with which all differences of one metric hold together."""
        return self.cases[0].confidence

    @cached_property
    def differences(self) -> tuple[Difference, ...]:
        """Each further case against the first."""
        base, *others = self.cases
        pairs = zip(self.names[1:], others, strict=True)
        return tuple(Difference(name, base, case, len(others)) for name, case in pairs)

    @property
    def reached(self) -> bool:
        """Whether every difference in ETTR is as precise as was asked for; without any, ETTR itself."""
        if self.half_width is None:
            return True
        if not self.differences:
            return self.cases[0].believed and self.cases[0].ettr.half_width <= self.half_width
        return all(each.seen_enough and each.ettr.half_width <= self.half_width for each in self.differences)

    def as_dict(self) -> dict[str, Any]:
        """The comparison as it stands in JSON: see ``docs/compare.md``."""
        return {
            "names": list(self.names),
            "cases": [case.as_dict() for case in self.cases],
            "differences": [each.as_dict() for each in self.differences],
            "intervals": {
                "method": "bonferroni", "confidence": self.confidence, "together": len(self.differences),
                "together_in_ledger": len(self.differences) * len(BUCKETS),
            },
            "precision": {"half_width": self.half_width, "reached": None if self.half_width is None else self.reached},
        }  # fmt: skip


def compare(
    *scenarios: Source,
    names: Sequence[str] | None = None,
    replications: int | None = None,
    seed: int | None = None,
    half_width: float | None = None,
    jobs: int | None = None,
    changes: Overrides = (),
    progress: Callable[[Comparison], None] | None = None,
) -> Comparison:
    """Compare scenarios with the first of them, on the same faults.

    Every draw is keyed by seed, replication, source and fault, so that a change of policy, of an interval or of a
    source leaves all other faults as they were on their own clocks; differences are taken replication by replication.

    Parameters
    ----------
    *scenarios : Scenario, path or dict
        One to ``MOST_CASES``, as ``sim.run`` takes them; one alone is compared with nothing.
    names : sequence of str, optional
        What they are called; their own names where left out.
    replications : int, optional
        Run exactly so many of each, at least 1, whatever the precision.
    seed : int, optional
        Seed >= 0 of all cases; that of the first scenario where left out.
    half_width : float, optional
        Half width of the interval of each difference in ETTR to reach, as a fraction (0.001 is 0.1 points); the first
        scenario's where left out. Looked at after 32, 64, 128, ... replications, up to the least
        ``max_replications`` of the scenarios.
    jobs : int, optional
        Threads; all cores where left out.
    changes : dict or list of str
        As the overrides of ``sim.load``, made to all scenarios.
    progress : callable, optional
        Called with the comparison so far at every look that is not the last.

    Returns
    -------
    Comparison
        Interrupted by Ctrl-C after the first look, it is what was known by then.

    Raises
    ------
    UsageError
        If an argument is of the wrong type or out of its range.
    ScenarioError
        If a scenario is not valid.
    """
    replications, half_width = (
        check_whole("replications", replications, 1),
        check_share("half_width", half_width),
    )
    given_seed, jobs = check_whole("seed", seed, 0), check_whole("jobs", jobs, 1)
    check_function("progress", progress)
    cases = _cases(scenarios, changes)
    called = tuple(case.name for case in cases) if names is None else tuple(check_texts("names", names))
    if len(called) != len(cases):
        raise UsageError(f"names must be as many as the scenarios, {len(cases)}, not {len(called)}")
    first = cases[0]
    seed = first.run.seed if given_seed is None else given_seed
    wanted = None if replications is not None else half_width or first.run.precision.half_width
    most = replications or min(case.run.max_replications for case in cases)
    plans = [build(case, seed) for case in cases]
    runners = [Runner(plan, jobs or cores()) for plan in plans]
    rows: list[Records] = [np.zeros(0, ROW) for _ in plans]

    def extend(first: int, count: int) -> None:
        more = [runner.run(first, count) for runner in runners]
        rows[:] = [np.concatenate(pair) for pair in zip(rows, more, strict=True)]

    def answer(n: int) -> Comparison:
        runs = (Runs(*each) for each in zip(cases, plans, rows, strict=True))
        return Comparison(tuple(map(Answer, runs)), called, wanted)

    found, interrupted = look(extend, answer, most, lambda each: wanted is not None and each.reached, progress)
    return replace(found, interrupted=interrupted)


def _cases(scenarios: Sequence[Source], changes: Overrides) -> list[Scenario]:
    """Return the scenarios that arguments stand for."""
    if not 1 <= len(scenarios) <= MOST_CASES:
        raise UsageError(f"compare takes 1 to {MOST_CASES} scenarios, not {len(scenarios)}")
    if isinstance(scenarios[0], (list, tuple)):
        raise UsageError("scenarios[0] must be a path, a dict or a Scenario, not a list: compare(*scenarios)")
    return [scenario_of(each, changes, f"scenarios[{number}]") for number, each in enumerate(scenarios)]


def _ettr(answer: Answer) -> Measured:
    return of_ratio(answer.runs.rows["work_done_s"], answer.time_s)


def _ettr_hardware(answer: Answer) -> Measured:
    return of_ratio(answer.runs.ledger_gpu_s["productive"], answer.runs.gpus_held * answer.time_s)


def _share(answer: Answer, bucket: str) -> Measured:
    return of_ratio(shares_of_time(answer.runs).ledger_s[bucket], answer.time_s)
