"""What is lost, and what would help most, in a terminal of 80 columns."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from sim.report.compare import points
from sim.report.console import WARNINGS, new_table, warnings, wrapped
from sim.report.words import between, percent
from sim.study.attribution import Share
from sim.study.explain import Effect, Explained, Turned

MOST_BARS = 20
"""Levers in the tornado of a terminal."""

SMALLEST = 0.0001
"""Effects in ETTR, a fraction, from which on a lever has a bar: 0.01 points, what the columns show."""

BAR = 14
"""Columns of the bars, losses and gains together."""

_TIMES = {0.5: "half", 2.0: "twice"}


def named(each: Turned, effect: Effect) -> str:
    """A lever and the way that it is turned."""
    return f"{_TIMES[effect.factor]} the {each.name}" if " of " in each.name else f"{_TIMES[effect.factor]} {each.name}"


def sentences(explained: Explained) -> Iterator[str]:
    """The answer: what is lost and why, and what would help most."""
    total = explained.total
    if explained.losses:
        lost, most = explained.total.gpu_hours.mean, explained.losses[0]
        share = percent(most.gpu_hours.mean / lost, 0)
        yield wrapped(
            f"{percent(total.of_wall.mean, 2)} of the wall clock is lost, {lost:,.0f} GPU-hours a run; most to "
            f"{most.name}, {share} of it"
        )
    leaders = explained.leaders
    if not leaders:
        yield wrapped("nothing is sure to help: no lever, halved or doubled, gives a significant gain")
        return
    said = " or ".join(named(each, each.best) for each in leaders)
    gain = leaders[0].best.gain
    yield wrapped(
        f"most would help: {said}, {points(gain.mean)} points of ETTR ({between(gain, points)})"
        + ("; which of them more cannot be told" if len(leaders) > 1 else "")
    )


def tables(explained: Explained) -> Iterator[Table | str]:
    """What is lost, the tornado, and what it leaves out."""
    answer = explained.answer
    yield from warnings(answer)
    yield ""
    yield _losses(explained)
    yield wrapped(
        "Lost work is that of the fault that rolled it back, recovery that of the fault that last started it; other "
        "seconds are those of saving, of pauses, or of waiting."
    )
    shown, small, idle = _parts(explained)
    if shown:
        title = f"What would help: change of ETTR in points, n = {explained.n} pairs"
        yield ""
        yield _tornado(shown, title)
        level = f"{100 * explained.answer.confidence:g} %"
        yield wrapped(f"Intervals: {level}, on pairs with the same faults; all {explained.together} hold together.")
        yield from _early(shown)
    yield from _rest(explained, small, idle)


def _losses(explained: Explained) -> Table:
    level = f"{100 * explained.answer.confidence:g} % interval"
    title = f"What is lost: GPU-hours a run, mean of n = {explained.n}"
    table = new_table(title, "", "lost work", "other", "total", "of wall", level)
    for each in explained.losses:
        table.add_row(*_loss(each))
    table.add_row(*_loss(explained.total), style="bold")
    return table


def _loss(each: Share) -> tuple[str, ...]:
    parts = (each.lost_work_gpu_hours, each.other_gpu_hours, each.gpu_hours)
    numbers = ("-" if part.mean == 0 else f"{part.mean:,.0f}" for part in parts)
    return (each.name, *numbers, percent(each.of_wall.mean, 2), between(each.of_wall, _points))


def _points(share: float) -> str:
    return f"{100 * share:.2f}"


def _parts(explained: Explained) -> tuple[list[Turned], list[Turned], list[Turned]]:
    """Levers that have a bar, those whose effect is too small for one or that would be one too many, and those that
    change nothing or too few runs.
    """
    idle = [each for each in explained.turned if all(effect.verdict in ("same", "few") for effect in each.effects)]
    seen = [each for each in explained.turned if each not in idle]
    large = [each for each in seen if max(abs(effect.gain.mean) for effect in each.effects) >= SMALLEST]
    small = [each for each in seen if each not in large]
    return large[:MOST_BARS], large[MOST_BARS:] + small, idle


def _tornado(shown: list[Turned], title: str) -> Table:
    table = new_table(title, "", "half", "twice", "better side", "loss | gain", names=(0, 4))
    # Losses may be many times what can be gained, and would leave no room to the gains: they are cut, and marked.
    reach = max(each.best.gain.mean for each in shown)
    if reach <= 0:
        reach = max(abs(effect.gain.mean) for each in shown for effect in each.effects)
    for each in shown:
        ends = (each.effect(factor) for factor in _TIMES)
        half, twice = ("-" if end is None else points(end.gain.mean) for end in ends)
        best = each.best.gain
        table.add_row(each.name, half, twice, between(best, points), _bar(each, reach))
    return table


def _bar(each: Turned, reach: float) -> Text:
    """The two effects as a bar around an axis: losses to the left, gains to the right; longer ones end in an arrow."""
    side = BAR // 2
    means = [effect.gain.mean for effect in each.effects]
    loss, gain = max(0.0, -min(means)), max(0.0, *means)
    return Text.assemble(
        (_cells(loss, reach, side, "◄", "▒").rjust(side), "red"), "│", (_cells(gain, reach, side, "►", "█"), "green")
    )  # fmt: skip


def _cells(value: float, reach: float, side: int, arrow: str, cell: str) -> str:
    length = math.ceil(side * value / reach - 0.5) if reach > 0 else 0
    if length <= side:
        return cell * length
    return arrow + cell * (side - 1) if arrow == "◄" else cell * (side - 1) + arrow


def _early(shown: list[Turned]) -> Iterator[str]:
    """The settings of which runs stopped early."""
    found = [
        f"{named(each, effect)} ({runs})"
        for each in shown
        for effect in each.effects
        if (runs := sum(runs for reason, runs in effect.stop_reasons.items() if reason in WARNINGS))
    ]
    if found:
        yield wrapped(f"Runs that stopped early, and ETTR is that up to there: {'; '.join(found)}.")


def _rest(explained: Explained, small: list[Turned], idle: list[Turned]) -> Iterator[str]:
    if small:
        most = max(effect.gain.mean for each in small for effect in each.effects)
        yield wrapped(f"{len(small)} more give at most {points(most)} points; --json has them.")
        limit = max(each.best.gain.mean for each in explained.single)
        worst = [(each, effect) for each in small for effect in each.effects if -effect.gain.mean > limit > 0]
        if worst:
            said = "; ".join(f"{named(each, effect)} {points(effect.gain.mean)}" for each, effect in worst)
            yield wrapped(f"Steep the other way: {said} points.")
    if idle:
        names = ", ".join(each.name for each in idle)
        yield wrapped(f"Too few runs differ to tell, or none: {names}.")
    plain = ("is 0", "not a number")  # whoever wrote the file knows
    missing = dict.fromkeys(each.name for each in explained.left_out if not each.reason.endswith(plain))
    if missing:
        yield wrapped(f"Cannot be halved, doubled or both: {', '.join(missing)}; --json says why.")
