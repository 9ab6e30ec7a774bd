"""Scenarios side by side on the same faults, simulated until each verdict is clear or each difference precise."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np

from sim.arguments import check_function, check_share, check_texts, check_time, check_whole, check_word
from sim.engine.compiled.run import Runner
from sim.engine.state import ROW
from sim.errors import UsageError
from sim.kernels.ledger import BUCKETS
from sim.planning import build
from sim.results import Records, Runs
from sim.scenario import Overrides, Scenario, Source, scenario_of
from sim.study.answer import Answer
from sim.study.difference import Difference
from sim.study.looks import cores, look
from sim.study.spending import at_the_end, before_the_end

MOST_CASES = 16
"""Cases of one comparison, at most: each has a letter in tables, and every further one makes all intervals wider."""

Until = Literal["told", "precise"]


@dataclass(frozen=True)
class Comparison:
    """What ``sim.compare`` returns.

    Parameters
    ----------
    cases : tuple of Answer
        One for each scenario, in the order in which they were given: the same replications of the same faults, fewer
        where a case was settled before others.
    names : tuple of str
        What they are called.
    half_width : float or None
        Precision of each difference in ETTR that was asked for, as a fraction; None if a number of replications was.
    interrupted : bool
        Whether Ctrl-C ended the replications early.
    shares : tuple of float
        Of the error that each further case's intervals may spend; all of it where left out.
    timed_out : bool
        Whether the time was up before all cases were told, or had as many replications as asked.
    left_s : float or None
        Time until they are, about and at most, s, at looks before the last.
    """

    cases: tuple[Answer, ...]
    names: tuple[str, ...]
    half_width: float | None = None
    interrupted: bool = False
    shares: tuple[float, ...] = ()
    timed_out: bool = False
    left_s: float | None = None

    def __repr__(self) -> str:
        said = ", ".join(f"{each.name!r} {each.verdict}" for each in self.differences)
        return f"<Comparison with {self.names[0]!r}: {said or 'nothing'}, n = {self.n}>"

    @property
    def n(self) -> int:
        """Number of replications of the first case; that of another may be smaller."""
        return self.cases[0].n

    @property
    def confidence(self) -> float:
        """Confidence with which all differences of one metric hold together."""
        return self.cases[0].confidence

    @cached_property
    def differences(self) -> tuple[Difference, ...]:
        """Each further case against the first."""
        base, *others = self.cases
        shares = self.shares or (1.0,) * len(others)
        return tuple(
            Difference(name, _first(base, case.n), case, len(others), share)
            for name, case, share in zip(self.names[1:], others, shares, strict=True)
        )

    @property
    def reached(self) -> bool:
        """Whether every difference in ETTR is as precise as was asked for; without any, ETTR itself."""
        if self.half_width is None:
            return True
        if not self.differences:
            return self.cases[0].believed and self.cases[0].ettr.half_width <= self.half_width
        return all(each.is_precise(self.half_width) for each in self.differences)

    @property
    def needed(self) -> float:
        """Replications that the precision takes, as far as the spread so far tells; infinite where none was asked."""
        if self.half_width is None:
            return math.inf
        open_ = [each.ettr.half_width for each in self.differences if each.case.n == self.n]
        widest = max(open_, default=self.cases[0].ettr.half_width)
        return self.n * (widest / self.half_width) ** 2

    @property
    def told(self) -> bool:
        """Whether of each case the verdict is clear, or its difference in ETTR as precise as was asked for."""
        if self.half_width is None or not self.differences:
            return self.reached
        clear = "better", "worse", "same"
        return all(each.verdict in clear or each.is_precise(self.half_width) for each in self.differences)

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
            "precision": {
                "half_width": self.half_width,
                "reached": None if self.half_width is None else self.reached,
                "told": None if self.half_width is None else self.told,
            },
        }  # fmt: skip


def compare(
    *scenarios: Source,
    names: Sequence[str] | None = None,
    replications: int | None = None,
    seed: int | None = None,
    half_width: float | None = None,
    jobs: int | None = None,
    changes: Overrides = (),
    until: Until = "told",
    max_time_s: float | None = None,
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
        Half width of the interval of each difference in ETTR that is precise enough, as a fraction (0.001 is 0.1
        points); the first scenario's where left out. Looked at after 32, 64, 128, ... replications, up to the least
        ``max_replications`` of the scenarios.
    jobs : int, optional
        Threads; all cores where left out.
    changes : dict or list of str
        As the overrides of ``sim.load``, made to all scenarios.
    until : {"told", "precise"}
        A case needs no more replications once it is told: its verdict is clear, or its difference as precise as
        ``half_width``. Its intervals hold at whichever look that is (``sim.study.spending``). Or all cases run until
        all are precise.
    max_time_s : float, optional
        Time to simulate, s, above 0, from the end of the first replication on (compiling does not count): then the
        answer is what is known so far, and ``timed_out``.
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
    max_time_s = check_time("max_time_s", max_time_s)
    check_function("progress", progress)
    check_word("until", until, get_args(Until))
    cases = _cases(scenarios, changes)
    called = tuple(case.name for case in cases) if names is None else tuple(check_texts("names", names))
    if len(called) != len(cases):
        raise UsageError(f"names must be as many as the scenarios, {len(cases)}, not {len(called)}")
    first = cases[0]
    seed = first.run.seed if given_seed is None else given_seed
    wanted = None if replications is not None else half_width or first.run.precision.half_width
    most = replications or min(case.run.max_replications for case in cases)
    study = _Looks(cases, called, seed, jobs or cores(), wanted, until)
    return look(study.extend, study.answer, most, study.enough, progress, max_time_s)


class _Looks:
    """The cases at one look after the other; one that is settled is not simulated any more."""

    def __init__(
        self, cases: list[Scenario], names: tuple[str, ...], seed: int, jobs: int, wanted: float | None,
        until: Until,
    ) -> None:  # fmt: skip
        self.cases, self.names, self.wanted, self.until = cases, names, wanted, until
        self.plans = [build(case, seed) for case in cases]
        self.runners = [Runner(plan, jobs) for plan in self.plans]
        self.rows: list[Records] = [np.zeros(0, ROW) for _ in cases]
        self.open = set(range(1, len(cases)))
        self.shares = [1.0] * len(cases)
        self.look = 0

    def extend(self, first: int, count: int) -> None:
        """Simulate more replications of the first case and of those that are not settled."""
        more = {i: self.runners[i].run(first, count) for i in sorted({0} | self.open)}
        for i, rows in more.items():
            self.rows[i] = np.concatenate([self.rows[i], rows])

    def answer(self, n: int, last: bool) -> Comparison:
        """Return the comparison as it stands after n replications of the first case."""
        self.look += 1
        answers = [Answer(Runs(*each)) for each in zip(self.cases, self.plans, self.rows, strict=True)]
        if self.wanted is not None and self.until == "told":
            for i in sorted(self.open):
                difference = Difference(self.names[i], answers[0], answers[i], len(answers) - 1)
                self.shares[i], settled = self._judged(difference, self.wanted, last)
                if settled:
                    self.open.remove(i)
        return Comparison(tuple(answers), self.names, self.wanted, shares=tuple(self.shares[1:]))

    def _judged(self, difference: Difference, wanted: float, last: bool) -> tuple[float, bool]:
        """The share of the error that a case may spend at this look, and whether it needs no other."""
        end = at_the_end(self.look)
        if last or difference.same_plan or replace(difference, share=end).is_precise(wanted):
            return end, True
        share = before_the_end(self.look)
        return share, replace(difference, share=share).verdict in ("better", "worse")

    def enough(self, found: Comparison) -> bool:
        """Whether no case needs more replications."""
        if self.wanted is None:
            return False
        return found.reached if self.until == "precise" else found.told


def _cases(scenarios: Sequence[Source], changes: Overrides) -> list[Scenario]:
    """Return the scenarios that arguments stand for."""
    if not 1 <= len(scenarios) <= MOST_CASES:
        raise UsageError(f"compare takes 1 to {MOST_CASES} scenarios, not {len(scenarios)}")
    if isinstance(scenarios[0], (list, tuple)):
        raise UsageError("scenarios[0] must be a path, a dict or a Scenario, not a list: compare(*scenarios)")
    return [scenario_of(each, changes, f"scenarios[{number}]") for number, each in enumerate(scenarios)]


def _first(answer: Answer, n: int) -> Answer:
    """The answer of its first n replications."""
    return answer if n == answer.n else Answer(replace(answer.runs, rows=answer.runs.rows[:n]))
