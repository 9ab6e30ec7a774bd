"""What is lost and why, and what would help most: every lever halved and doubled, on the same faults."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np

from sim.arguments import check_function, check_share, check_time, check_whole
from sim.engine.compiled.run import Runner
from sim.engine.state import ROW
from sim.errors import UsageError
from sim.results import Records, Runs
from sim.scenario import Overrides, Source
from sim.study.answer import Answer
from sim.study.attribution import Share, losses, shares, total
from sim.study.difference import Verdict
from sim.study.doubts import FEW_INTERRUPTIONS
from sim.study.knobs import maker
from sim.study.levers import ALL_RATES, Lever, Turn, levers
from sim.study.looks import cores, look
from sim.study.paired import Measured, interval, of_ratio
from sim.study.statistics import Estimate
from sim.study.trials import Trials

ENOUGH = 0.1
"""Half width of the interval of a gain that is enough, as a share of it. An assumption: a bar's end is no sharper."""


@dataclass(frozen=True)
class Effect:
    """A lever turned by a factor, against the scenario as it is.

    ``gain`` is the difference in ETTR, a fraction, whose interval holds together with those of all effects;
    ``verdict`` is that of ``sim.compare``; ``runs_that_differ`` counts replications that did not go the same way, and
    ``stop_reasons`` those that stopped for each reason.
    """

    factor: float
    changes: tuple[str, ...]
    gain: Estimate
    verdict: Verdict
    runs_that_differ: int
    measured: Measured
    stop_reasons: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """The effect as it stands in JSON."""
        return {
            "factor": self.factor, "changes": list(self.changes), "gain": self.gain.as_dict(), "verdict": self.verdict,
            "runs_that_differ": self.runs_that_differ, "stop_reasons": self.stop_reasons,
        }  # fmt: skip


@dataclass(frozen=True)
class Turned:
    """A lever, and what halving and doubling it does; one of them may be missing."""

    name: str
    keys: tuple[str, ...]
    now: tuple[str, ...]
    effects: tuple[Effect, ...]

    @property
    def best(self) -> Effect:
        """The effect towards the better side."""
        return max(self.effects, key=lambda each: each.gain.mean)

    def effect(self, factor: float) -> Effect | None:
        """The effect of a factor; None if it cannot be turned by it."""
        return next((each for each in self.effects if each.factor == factor), None)

    def as_dict(self) -> dict[str, Any]:
        """The lever as it stands in JSON."""
        return {
            "name": self.name, "keys": list(self.keys), "now": list(self.now),
            "effects": [each.as_dict() for each in self.effects],
        }  # fmt: skip


@dataclass(frozen=True)
class LeftOut:
    """A lever that cannot be turned by a factor, and why."""

    name: str
    factor: float
    reason: str


@dataclass(frozen=True)
class Explained:
    """What ``sim.explain`` returns.

    Parameters
    ----------
    answer : Answer
        The scenario as it is.
    turned : tuple of Turned
        Levers, the one that would help most first.
    left_out : tuple of LeftOut
    half_width : float or None
        Precision of each gain in ETTR that was asked for, as a fraction; None if a number of replications was.
    interrupted : bool
        Whether Ctrl-C ended the replications early.
    timed_out : bool
        Whether the time was up before every gain was told, or as many replications as asked.
    left_s : float or None
        Time until they are, about, s, at looks before the last.
    """

    answer: Answer
    turned: tuple[Turned, ...]
    left_out: tuple[LeftOut, ...]
    half_width: float | None = None
    interrupted: bool = False
    timed_out: bool = False
    left_s: float | None = None

    def __repr__(self) -> str:
        said = ", ".join(each.name for each in self.leaders) or "nothing"
        return f"<Explained {self.answer.runs.scenario.name!r}: {said} would help most, n = {self.n}>"

    @property
    def n(self) -> int:
        """Number of replications of each setting."""
        return self.answer.n

    @property
    def together(self) -> int:
        """Number of effects whose intervals hold together."""
        return sum(len(each.effects) for each in self.turned)

    @cached_property
    def losses(self) -> list[Share]:
        """What is lost, by what it is due to, the biggest first: it adds up to ``total``."""
        return shares(self.answer.levelled, losses(self.answer.levelled))

    @cached_property
    def total(self) -> Share:
        """All that is lost."""
        return total(self.answer.levelled)

    @property
    def single(self) -> tuple[Turned, ...]:
        """The levers without the rates of all sources together, which are made of others."""
        return tuple(each for each in self.turned if each.name != ALL_RATES)

    @cached_property
    def leaders(self) -> tuple[Turned, ...]:
        """The best lever, and those that do not differ significantly from it; empty if none surely helps."""
        first, *others = self.single or (None,)
        if first is None or first.best.verdict != "better":
            return ()
        level, family = self.answer.confidence, max(len(others), 1)
        known = [each for each in others if each.best.verdict in ("better", "open")]
        behind = (interval(first.best.measured - each.best.measured, level, family) for each in known)
        close = [each for each, gap in zip(known, behind, strict=True) if gap.low is None or gap.low <= 0]
        return (first, *close)

    @property
    def needed(self) -> float:
        """Replications that all gains take, as far as their spread so far can tell; infinite where no precision was
        asked for.
        """
        if self.half_width is None:
            return math.inf
        effects = [effect for each in self.turned for effect in each.effects if not _told(effect, self.half_width)]
        widths = [_width_over_enough(effect, self.half_width) for effect in effects]
        return self.n * max(widths, default=1.0) ** 2

    @property
    def reached(self) -> bool:
        """Whether every gain is told well enough: it is as precise as was asked for, or to a tenth of itself; of a loss
        its sign is enough. What too few runs differ by is not waited for.
        """
        if self.half_width is None:
            return True
        effects = [effect for each in self.turned for effect in each.effects]
        return self.answer.seen_enough and all(_told(each, self.half_width) for each in effects)

    def as_dict(self) -> dict[str, Any]:
        """The answer as it stands in JSON: see ``docs/explain.md``."""
        return {
            "name": self.answer.runs.scenario.name,
            "ettr": self.answer.ettr.as_dict(),
            "losses": [each.as_dict() for each in self.losses],
            "total": self.total.as_dict(),
            "levers": [each.as_dict() for each in self.turned],
            "leaders": [each.name for each in self.leaders],
            "left_out": [{"name": each.name, "factor": each.factor, "reason": each.reason} for each in self.left_out],
            "intervals": {"method": "bonferroni", "confidence": self.answer.confidence, "together": self.together},
            "stop_reasons": self.answer.stop_reasons,
            "doubts": [vars(doubt) for doubt in self.answer.doubts],
            "precision": {"half_width": self.half_width, "reached": None if self.half_width is None else self.reached},
            "provenance": self.answer.runs.provenance,
        }


def explain(
    scenario: Source,
    *,
    changes: Overrides = (),
    replications: int | None = None,
    seed: int | None = None,
    half_width: float | None = None,
    jobs: int | None = None,
    max_time_s: float | None = None,
    progress: Callable[[Explained], None] | None = None,
) -> Explained:
    """Return what is lost and why, and what halving or doubling each lever would give, on the same faults.

    Parameters
    ----------
    scenario : Scenario, path or dict
        As ``sim.run`` takes it. What follows from a number in the file follows for each value.
    changes : dict or list of str
        As the overrides of ``sim.load``.
    replications : int, optional
        Run exactly so many of each setting, at least 1, whatever the precision.
    seed : int, optional
        Seed >= 0 of all draws; the scenario's own where left out.
    half_width : float, optional
        Half width of the interval of each gain in ETTR to reach, as a fraction (0.001 is 0.1 points); the scenario's
        own where left out. Looked at after 32, 64, 128, ... replications, up to the scenario's ``max_replications``.
    jobs : int, optional
        Threads; all cores where left out.
    max_time_s : float, optional
        Time to simulate, s, above 0, from the end of the first replication on (compiling does not count): then the
        answer is what is known so far, and ``timed_out``.
    progress : callable, optional
        Called with the answer so far at every look that is not the last.

    Returns
    -------
    Explained
        Interrupted by Ctrl-C after the first look, it is what was known by then.

    Raises
    ------
    UsageError
        If an argument is of the wrong type or out of its range.
    ScenarioError
        If the scenario is not valid.
    """
    replications, half_width = (
        check_whole("replications", replications, 1),
        check_share("half_width", half_width),
    )
    seed, jobs = check_whole("seed", seed, 0), check_whole("jobs", jobs, 1)
    max_time_s = check_time("max_time_s", max_time_s)
    check_function("progress", progress)
    from_file = cache(maker(scenario, changes))
    base = from_file(())
    trials = Trials(
        lambda more: from_file(tuple(more)), "ettr", base.run.seed if seed is None else seed, jobs or cores()
    )  # fmt: skip
    wanted = None if replications is not None else half_width or base.run.precision.half_width
    most = replications or base.run.max_replications
    looks = _Looks(trials, wanted)
    return look(
        looks.extend, looks.answer, most, lambda each: wanted is not None and each.reached, progress, max_time_s
    )


class _Looks:
    """The scenario and all that it can be turned to, at any number of replications."""

    def __init__(self, trials: Trials, wanted: float | None) -> None:
        self.trials, self.wanted = trials, wanted
        self.scenario = trials.make(())
        self.runner = Runner(trials.plan(()), trials.jobs)
        self.rows: Records = np.zeros(0, ROW)
        self.left_out: list[LeftOut] = []
        found = [(lever, self._possible(lever)) for lever in levers(trials.make)]
        self.levers = [(lever, turns) for lever, turns in found if turns]

    def _possible(self, lever: Lever) -> list[Turn]:
        """The turns that give a valid scenario; the others are left out, with the reason."""
        possible = []
        for turn in lever.turns:
            reason = turn.refused
            try:
                if reason is None:
                    self.trials.plan(turn.changes)
                    possible.append(turn)
            except UsageError as error:
                reason = " ".join(str(error).split())
            if reason is not None:
                self.left_out.append(LeftOut(lever.name, turn.factor, reason))
        return possible

    def extend(self, first: int, count: int) -> None:
        """Simulate more replications of everything."""
        rows = np.concatenate([self.rows, self.runner.run(first, count)])
        for _, turns in self.levers:
            for turn in turns:
                self.trials.at(turn.changes, first + count)
        self.rows = rows

    def answer(self, n: int, last: bool) -> Explained:
        """Return the answer of the first n replications of everything, which all have been run."""
        rows = self.rows
        answer = Answer(Runs(self.scenario, self.trials.plan(()), rows))
        now = of_ratio(rows["work_done_s"], answer.time_s)
        family = sum(len(turns) for _, turns in self.levers)
        turned = [
            Turned(lever.name, lever.keys, lever.now, tuple(self._effect(answer, now, each, family) for each in turns))
            for lever, turns in self.levers
        ]
        turned.sort(key=lambda each: -each.best.gain.mean)
        return Explained(answer, tuple(turned), tuple(self.left_out), self.wanted)

    def _effect(self, answer: Answer, now: Measured, turn: Turn, family: int) -> Effect:
        measured = self.trials.at(turn.changes, answer.n)
        gain = interval(measured - now, answer.confidence, family)
        rows = answer.runs.rows
        differ = self.trials.differing(turn.changes, rows["work_done_s"], rows["wall_s"])
        same = self.trials.plan(turn.changes) == answer.runs.plan
        enough = answer.seen_enough and differ >= FEW_INTERRUPTIONS
        verdict, reasons = _verdict(gain, same, enough), self.trials.stop_reasons(turn.changes, answer.n)
        return Effect(turn.factor, turn.changes, gain, verdict, differ, measured, reasons)


def _told(effect: Effect, half_width: float) -> bool:
    """Whether an effect needs no more replications."""
    gain = effect.gain
    if effect.verdict in ("same", "few", "worse") or gain.half_width <= half_width:
        return True
    return effect.verdict == "better" and gain.half_width <= ENOUGH * gain.mean


def _width_over_enough(effect: Effect, half_width: float) -> float:
    """How many times as wide as need be the interval of an effect is."""
    return effect.gain.half_width / max(half_width, ENOUGH * effect.gain.mean)


def _verdict(gain: Estimate, same: bool, enough: bool) -> Verdict:
    """What may be said of a gain, as ``sim.compare`` would."""
    if same:
        return "same"
    if gain.low is None or gain.high is None or not enough:
        return "few"
    return "better" if gain.low > 0 else "worse" if gain.high < 0 else "open"
