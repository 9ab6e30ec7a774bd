"""The best value of a knob, what it is worth, and what the formulas would have chosen: all on the same faults."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from numbers import Real
from typing import Any

from sim.arguments import (
    check_above,
    check_function,
    check_share,
    check_texts,
    check_time,
    check_whole,
    check_word,
    described,
)
from sim.errors import UsageError
from sim.scenario import Overrides, Scenario, Source, as_texts
from sim.scenario.positions import split_key
from sim.scenario.toml import plain
from sim.study.knobs import Make, changes_of, maker
from sim.study.looks import cores
from sim.study.metrics import METRICS, metric_of
from sim.study.paired import Measured, interval
from sim.study.ranges import Range, formulas, range_of
from sim.study.search import Found, Progress, Search
from sim.study.several import best_of_several
from sim.study.statistics import Estimate
from sim.study.target import Solve
from sim.study.trials import Trials

FLAT = 0.001
"""How far from the best the flat region reaches, as a fraction: 0.1 points, what a comparison asks for. An
assumption.
"""

PRECISION = 0.02
"""Half width of the interval of the best value that ends a search, as a share of it."""

BEST = ("ettr", "ettr_hardware")
"""Metrics that can be best."""

FEWEST = 64
"""Replications, other than those of the search, of what is said of settings in the end, at least."""


@dataclass(frozen=True)
class Setting:
    """A setting, simulated on other faults than those on which the best value was searched.

    ``name`` is "now", "best", or that of a formula; ``changes`` are for ``--set``; ``gain`` is the metric less that of
    the setting now, paired: the gains of all settings hold together. ``stop_reasons`` counts runs by why they stopped.
    """

    name: str
    changes: tuple[str, ...]
    metric: Estimate
    gain: Estimate | None
    stop_reasons: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """The setting as it stands in JSON."""
        gain = None if self.gain is None else self.gain.as_dict()
        return {
            "name": self.name, "changes": list(self.changes), "metric": self.metric.as_dict(), "gain": gain,
            "stop_reasons": self.stop_reasons,
        }  # fmt: skip


@dataclass(frozen=True)
class Tuned:
    """What ``sim.tune`` returns.

    Parameters
    ----------
    scenario : Scenario
        As it is now.
    metric : str
    over : tuple of Range
        The knobs that were turned, and how far.
    found : tuple of Found
        What was found of each.
    settings : tuple of Setting
        Now, there (if a value is named), and by formulas.
    target : float or None
        Value of the metric that was to be reached; None if the best was searched.
    flat, precision, confidence : float
        What the search was asked for.
    seed : int
    """

    scenario: Scenario
    metric: str
    over: tuple[Range, ...]
    found: tuple[Found, ...]
    settings: tuple[Setting, ...]
    target: float | None
    flat: float
    precision: float
    confidence: float
    seed: int

    def __repr__(self) -> str:
        said = self.changes or tuple(f"{each.knob.key} not found" for each in self.over)
        return f"<Tuned {self.scenario.name!r}: {', '.join(said)}>"

    @property
    def named(self) -> bool:
        """Whether a value is named for every knob."""
        return all(each.reason is None for each in self.found)

    @property
    def reached(self) -> bool:
        """Whether every knob has a value that is as precise as was asked for."""
        return self.named and all(each.precise for each in self.found)

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the search early."""
        return any(each.interrupted for each in self.found)

    @property
    def timed_out(self) -> bool:
        """Whether the time was up before the search was over."""
        return any(each.timed_out for each in self.found)

    @property
    def changes(self) -> tuple[str, ...]:
        """The changes that set what was found; empty if no value is named."""
        return next((each.changes for each in self.settings if each.name == "best"), ())

    def setting(self, name: str) -> Setting | None:
        """The setting of a name; None if there is none."""
        return next((each for each in self.settings if each.name == name), None)

    def as_dict(self) -> dict[str, Any]:
        """The answer as it stands in JSON: see ``docs/tune.md``."""
        return {
            "name": self.scenario.name,
            "metric": self.metric,
            "target": self.target,
            "knobs": [
                _knob_as_dict(over, found, self.confidence)
                for over, found in zip(self.over, self.found, strict=True)
            ],
            "settings": [each.as_dict() for each in self.settings],
            "flat": self.flat,
            "precision": {"share": self.precision, "reached": self.reached},
            "provenance": {
                "scenario": self.scenario.resolved(), "scenario_sha256": self.scenario.sha256(), "seed": self.seed,
            },
        }  # fmt: skip


def _knob_as_dict(over: Range, found: Found, confidence: float) -> dict[str, Any]:
    knob = over.knob
    best = None
    if found.reason is None:
        low, high = knob.si(found.low), knob.si(found.high)
        best = Estimate(knob.si(found.best), low, high, found.n, confidence).as_dict()
    return {
        "key": knob.key,
        "with": [each.key for each in knob.others],
        "unit": knob.si_unit,
        "now": None if knob.now is None else knob.si(knob.now),
        "from": knob.si(over.low),
        "to": knob.si(over.high),
        "best": best,
        "refused": found.reason,
        "flat_region": None if found.flat is None else [None if end is None else knob.si(end) for end in found.flat],
        "points": [
            {"value": knob.si(each.value), "metric": each.metric.as_dict(), "loss": each.loss.as_dict()}
            for each in found.points
        ],
    }


@dataclass(frozen=True)
class Options:
    """What a search is asked for; see ``tune``."""

    metric: str = "ettr"
    target: float | None = None
    flat: float = FLAT
    precision: float = PRECISION
    replications: int | None = None
    seed: int | None = None
    jobs: int | None = None
    max_time_s: float | None = None
    progress: Progress = field(default=lambda text: None)

    def check(self) -> None:
        """Refuse what is out of its range."""
        numbers = ("replications", self.replications, 9), ("seed", self.seed, 0), ("jobs", self.jobs, 1)
        for name, number, least in numbers:
            check_whole(name, number, least)
        if self.target is None:
            check_word("metric", self.metric, BEST)
        elif metric_of(self.metric, "metric").unit == "1":
            check_share("target", self.target)
        else:
            check_above("target", self.target, 0.0)
        shares = ("flat", self.flat), ("precision", self.precision)
        for name, share in shares:
            check_share(name, share)
        check_time("max_time_s", self.max_time_s)
        check_function("progress", self.progress)


def tune(
    scenario: Source,
    over: str | Sequence[str],
    low: str | float | None = None,
    high: str | float | None = None,
    *,
    changes: Overrides = (),
    metric: str | None = None,
    target: float | None = None,
    flat: float = FLAT,
    precision: float = PRECISION,
    replications: int | None = None,
    seed: int | None = None,
    jobs: int | None = None,
    max_time_s: float | None = None,
    progress: Progress | None = None,
) -> Tuned:
    """Find the best value of a knob, or the one that reaches a target, on the same faults at all points.

    Parameters
    ----------
    scenario : Scenario, path or dict
        As ``sim.run`` takes it. What follows from a knob in the file (a bandwidth's times) follows for each value.
    over : str or sequence of str
        Keys of one knob or several, each a number of the scenario; with its range ``"KEY=LOW..HIGH"``. Keys with commas
        between them are one knob: they go together, by the same factor on their values now.
    low, high : str or number, optional
        Range of a single knob, as texts if it has a unit; where left out a factor of 8 beyond the value now and what
        formulas say.
    changes : dict or list of str
        As the overrides of ``sim.load``.
    metric : str, optional
        What is to be best, "ettr" or "ettr_hardware"; or what has the target: any metric of the JSON of ``sim run``, or
        a bucket of the ledger as a share of the wall clock. Where left out: ETTR in hardware if spares are tuned, since
        by ETTR alone more are nearly always better; else ETTR.
    target : float, optional
        A value of the metric, a fraction, seconds or a count: find where it is reached instead of the best. With one
        knob.
    flat : float
        How far from the best the metric may be in the flat region, as a fraction; above 0.
    precision : float
        Half width of the interval of the best value that ends the search, as a share of the value; above 0, below 1.
    replications : int, optional
        Run exactly so many at each point, at least 9; else 32, 64, 128, ... up to the scenario's ``max_replications``.
    seed, jobs : int, optional
        Seed of all draws, and threads; the scenario's own and all cores where left out.
    max_time_s : float, optional
        Time to search, s, above 0, from the end of the first replications on (compiling does not count). The first look
        at the grid is taken whatever the time, and the settings in the end are simulated after it.
    progress : callable, optional
        Called with a line of text after each step.

    Returns
    -------
    Tuned
        ``named`` says whether there is a value: none is named at the edge of the range, nor inside the noise.

    Raises
    ------
    UsageError
        If an argument is of the wrong type or out of its range; if a knob is not known, is no number, or its range is
        empty or holds a value that is not valid.
    ScenarioError
        If the scenario is not valid.
    """
    options = Options(
        "ettr" if metric is None else metric,
        target,
        flat,
        precision,
        replications,
        seed,
        jobs,
        max_time_s,
        progress if progress is not None else _silent,
    )
    options.check()
    keys = [over] if isinstance(over, str) else check_texts("over", over)
    low, high = _end("low", low), _end("high", high)
    if not keys:
        raise UsageError("tune needs a knob to turn")
    if len(keys) > 1 and (low is not None or high is not None or target is not None):
        raise UsageError('with several knobs give each its range, "KEY=LOW..HIGH", and no target')
    make = maker(scenario, changes)
    keys_of_changes = (split_key(change.partition("=")[0].strip()) for change in as_texts(changes, "changes"))
    fixed = ("cluster", "nodes") in keys_of_changes
    ranges = [range_of(make, key, low, high, fixed=fixed) for key in keys]
    if metric is None and target is None and any(each.knob.is_spares for each in ranges):
        options = replace(options, metric="ettr_hardware")
    return _tune(make, ranges, options)


def _end(name: str, value: object) -> str | None:
    """Return an end of a range as a text with its unit."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, Real):
        raise UsageError(f'{name} must be a value such as "30 min" or 1_000, not {described(value)}')
    return repr(plain(value))


def _silent(text: str) -> None:
    """Report nothing."""


def _tune(make: Make, over: Sequence[Range], options: Options) -> Tuned:
    scenario = make(())
    seed = scenario.run.seed if options.seed is None else options.seed
    trials = Trials(make, options.metric, seed, options.jobs or cores(), max_time_s=options.max_time_s)
    most = options.replications or scenario.run.max_replications
    fixed = options.replications is not None
    confidence = float(scenario.run.confidence)

    def search(each: Range) -> Search:
        return Search(
            trials, each, confidence, options.precision, options.flat, most, fixed, options.progress
        )  # fmt: skip

    if options.target is not None:
        (each,) = over
        half_width = float(scenario.run.precision.half_width)
        if METRICS[options.metric].unit != "1":
            half_width = options.precision * options.target
        found: tuple[Found, ...] = (Solve(options.target, half_width, search(each)).run(),)
    elif len(over) == 1:
        found = (search(over[0]).run(),)
    else:
        found = best_of_several(trials, over, search, options.progress)
    tuned = Tuned(
        scenario, options.metric, tuple(over), found, (), options.target, options.flat, options.precision,
        confidence, seed,
    )  # fmt: skip
    count = options.replications or max(FEWEST, min(max(each.n for each in found), most))
    return _with_settings(tuned, trials, count)


def _with_settings(tuned: Tuned, trials: Trials, n: int) -> Tuned:
    """Simulate now, there and what formulas say, on faults that the search has not seen."""
    wanted: dict[str, tuple[str, ...]] = {"now": ()}
    if tuned.named:
        pairs = list(zip(tuned.over, tuned.found, strict=True))
        wanted["best"] = changes_of((over.knob, over.knob.rounded(found.best)) for over, found in pairs)
    if len(tuned.over) == 1 and tuned.target is None:
        knob = tuned.over[0].knob
        for name, seconds in formulas(trials, knob).items():
            wanted[name] = changes_of([(knob, knob.rounded(seconds / knob.scale, 4))])
    fresh = trials.fresh(trials.used)
    measured: dict[str, Measured] = {}
    for name, changes in wanted.items():
        try:
            measured[name] = fresh.at(changes, n)
        except UsageError:
            if name in ("now", "best"):
                raise
    family = max(len(measured) - 1, 1)
    settings = tuple(
        Setting(
            name, wanted[name], interval(each, tuned.confidence),
            None if name == "now" else interval(each - measured["now"], tuned.confidence, family),
            fresh.stop_reasons(wanted[name], n),
        )
        for name, each in measured.items()
    )  # fmt: skip
    return replace(tuned, settings=settings)
