"""The best value of a knob, in a terminal of 80 columns."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from rich.table import Table

from sim.report.compare import points
from sim.report.console import new_table, stopped_early, wrapped
from sim.report.words import between, bucket, count, duration, percent
from sim.study.metrics import METRICS, Metric
from sim.study.ranges import Range
from sim.study.search import Found
from sim.study.tune import Setting, Tuned

NAMES = {"now": "now", "young": "Young", "daly": "Daly", "nvidia": "NVIDIA", "exact": "exact formula"}

_NAMED = {
    "ettr": "ETTR", "ettr_hardware": "ETTR in hardware", "jmtti_s": "JMTTI", "mtti_training_s": "MTTI in training",
    "work_done_s": "work done", "wall_s": "wall clock", "not_saved_s": "work not saved",
    "crew_wait_s": "wait for a crew", "faults": "faults on the job", "spare_faults": "faults on spares",
    "saves": "durable saves",
}  # fmt: skip


@dataclass(frozen=True)
class _Metric:
    """How a metric is shown."""

    of: Metric

    @property
    def name(self) -> str:
        return _NAMED.get(self.of.name, bucket(self.of.name))

    @property
    def points(self) -> str:
        """What differences are counted in, after a blank; nothing where they have units of their own."""
        return " points" if self.of.unit == "1" else ""

    def value(self, value: float) -> str:
        if self.of.unit == "1":
            return percent(value, 2)
        return duration(value) if self.of.unit == "s" else count(value)

    def plain(self, difference: float) -> str:
        """A difference with a sign only if it is negative."""
        if not math.isfinite(difference):
            return "-"
        if self.of.unit == "1":
            return f"{round(100 * difference, 2) + 0.0:.2f}"
        return f"{'-' if difference < 0 else ''}{self.value(abs(difference))}"

    def difference(self, difference: float) -> str:
        """A difference with its sign."""
        if self.of.unit == "1":
            return points(difference)
        return f"{'' if difference < 0 else '+'}{self.plain(difference)}"


def sentences(tuned: Tuned) -> Iterator[str]:
    """The answer: the value, what it is worth, and the region in which it does not matter; or why no value is named."""
    for over, found in zip(tuned.over, tuned.found, strict=True):
        if found.reason is not None:
            yield wrapped(_refusal(tuned, over, found))
            continue
        yield wrapped(_value(tuned, over, found))
        if found.flat is not None:
            yield wrapped(_flat(tuned, over, found.flat))
    now, best = tuned.setting("now"), tuned.setting("best")
    if now is not None and best is not None and best.gain is not None:
        metric = _Metric(METRICS[tuned.metric])
        there = f"{metric.value(now.metric.mean)} now, {metric.value(best.metric.mean)} there"
        yield wrapped(
            f"{metric.name}: {there}; difference {metric.difference(best.gain.mean)}{metric.points} "
            f"({between(best.gain, metric.difference)})"
        )
    if tuned.metric == "ettr_hardware" and any(over.knob.is_spares for over in tuned.over):
        yield wrapped(
            "Spares are tuned by ETTR in hardware, which counts them; by ETTR alone more are nearly always better"
        )


def _value(tuned: Tuned, over: Range, found: Found) -> str:
    """The value of one knob, with its interval."""
    knob = over.knob
    now = knob.word or ("unknown" if knob.now is None else knob.written(knob.now))
    if tuned.target is None:
        what = "best"
    else:
        metric = _Metric(METRICS[tuned.metric])
        # Over whole numbers a metric jumps past its target.
        verb = "is" if not knob.whole else "first reaches" if metric.of.more_is_better else "is at most"
        what = f"{metric.name} {verb} {metric.value(tuned.target)} at"
    said = f"{knob.title}: {what} {_written(over, found.best)}"
    if knob.whole and found.low == found.high:
        return f"{said}, now {now}"
    level = f"{100 * tuned.confidence:g} %"
    return f"{said} ({level} interval {_written(over, found.low)} to {_written(over, found.high)}), now {now}"


def _flat(tuned: Tuned, over: Range, ends: tuple[float | None, float | None]) -> str:
    low, high = (None if end is None else _written(over, end) for end in ends)
    close = f"within {100 * tuned.flat:g} points of the best"
    if low is not None and low == high:
        return f"no other value is {close}"
    if low is None and high is None:
        return f"all of the range from {_written(over, over.low)} to {_written(over, over.high)} is {close}"
    if low is None:
        return f"up to {high}, from the beginning of the range on, it is {close}"
    return f"from {low} to {high or 'the end of the range'} it is {close}: nobody should care there"


def _refusal(tuned: Tuned, over: Range, found: Found) -> str:
    """Why no value is named, and what to do."""
    knob, metric = over.knob, _Metric(METRICS[tuned.metric])
    low, high = _written(over, over.low), _written(over, over.high)
    span = f"from {low} to {high}"
    values = [each.metric.mean for each in found.points]
    top = max(found.points, key=lambda each: each.metric.mean)
    if found.reason in ("low", "high"):
        end = low if found.reason == "low" else high
        option = "--from" if found.reason == "low" else "--to"
        return (
            f"{knob.title}: no best value is named: {metric.name} is best, or not surely worse, at the end of the "
            f"range, {end}. Give a wider range ({option}), or take what is cheapest there"
        )
    if found.reason == "time":
        return (
            f"{knob.title}: no value is named: the time was up when {found.n} replications of the values below were "
            "known. Give it more --max-time"
        )
    if found.reason == "noise":
        width = max(values) - min(values)
        spread = f"{100 * width:.2g} points" if metric.points else metric.plain(width)
        return (
            f"{knob.title}: no value is named: {span} {metric.name} differs by {spread}, and {found.n} "
            "replications do not tell which value is best. Take what is cheapest, or give a wider range or more "
            "--replications"
        )
    bound = "at most" if found.reason == "below" else "at least"
    worst = top if found.reason == "below" else min(found.points, key=lambda each: each.metric.mean)
    return (
        f"{knob.title}: {span} {metric.name} stays {found.reason} {metric.value(tuned.target or 0.0)}: {bound} "
        f"{metric.value(worst.metric.mean)}, at {_written(over, worst.value)}. Give a wider range, or turn another knob"
    )


def tables(tuned: Tuned) -> Iterator[Table | str]:
    """What each setting gets, and which of its runs stopped early; the points of the grid where no value is named."""
    for each in tuned.settings:
        yield from stopped_early(each.stop_reasons, f'runs of "{_name(tuned, each)}"')
    for over, found in zip(tuned.over, tuned.found, strict=True):
        if found.reason is not None and found.points:
            yield ""
            yield _grid(tuned, over, found)
    if len(tuned.settings) > 1:
        yield ""
        yield _settings(tuned)


def _settings(tuned: Tuned) -> Table:
    best = tuned.setting("best")
    keys = [over.knob.key for over in tuned.over]
    n = tuned.settings[0].metric.n
    level = f"{100 * tuned.confidence:g} % interval"
    title = f"What each really gets, n = {n} pairs not searched on"
    metric = _Metric(METRICS[tuned.metric])
    table = new_table(title, "", "", metric.name, "against now", level, names=(0, 1))
    for each in tuned.settings:
        sets = (change.partition("=") for change in each.changes)
        value = ", ".join(value.strip('"') for key, _, value in sets if key in keys)
        if each.name == "now" and len(tuned.over) == 1:
            knob = tuned.over[0].knob
            value = knob.word or ("" if knob.now is None else knob.written(knob.now))
        gain = (
            ("-", "-")
            if each.gain is None
            else (
                metric.difference(each.gain.mean),
                between(each.gain, metric.difference),
            )
        )
        table.add_row(
            _name(tuned, each), value, metric.value(each.metric.mean), *gain, style="bold" if each is best else None
        )
    return table


def _name(tuned: Tuned, setting: Setting) -> str:
    """What a setting is called."""
    return "there" if setting is tuned.setting("best") else NAMES.get(setting.name, setting.name)


def _grid(tuned: Tuned, over: Range, found: Found) -> Table:
    away = "below best" if tuned.target is None else "to target"
    title = f"{over.knob.key}, n = {found.points[0].metric.n}"
    metric = _Metric(METRICS[tuned.metric])
    table = new_table(title, "", metric.name, f"{away},{metric.points}".rstrip(","), "interval")
    for each in found.points:
        loss = metric.plain(each.loss.mean), between(each.loss, metric.plain)
        table.add_row(_written(over, each.value), metric.value(each.metric.mean), *loss)
    return table


def _written(over: Range, value: float) -> str:
    return over.knob.written(over.knob.rounded(value))
