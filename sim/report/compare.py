"""A comparison in a terminal of 80 columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from string import ascii_uppercase

from rich.table import Table

from sim.report.console import new_table, warnings, wrapped
from sim.report.words import between, bucket, count, duration, percent
from sim.study.compare import Comparison
from sim.study.difference import Difference
from sim.study.observed import Residual
from sim.study.statistics import Estimate


def points(fraction: float) -> str:
    """A difference of fractions in percentage points, with its sign."""
    return f"{round(100 * fraction, 2) + 0.0:+.2f}"


def hours(difference: float) -> str:
    """A difference in hours, with its sign."""
    return f"{round(difference, 2) + 0.0:+,.2f}"


def _longer(seconds: float) -> str:
    """A difference of durations, with its sign."""
    return f"{'-' if seconds < 0 else '+'}{duration(abs(seconds))}"


def _more(difference: float) -> str:
    """A difference of counts, with its sign."""
    return f"{'-' if difference < 0 else '+'}{count(abs(difference))}"


def verdict(base: str, name: str, difference: Difference) -> str:
    """What may be said of a case, in one sentence."""
    low, high = difference.ettr.low, difference.ettr.high
    if difference.verdict == "same":
        return f"{name} is the same as {base}: nothing that is simulated differs"
    if difference.verdict == "few" or low is None or high is None:
        seen = f"{difference.runs_that_differ} of {difference.case.n} runs differ"
        return f"{name}: too few interruptions or runs that differ to tell ({seen}): run more replications"
    near, far = sorted((abs(low), abs(high)))
    digits = _digits(difference.ettr)
    if difference.verdict == "open":
        return f"{name}: no difference from {base} can be told: within ±{100 * far:.{digits}f} points of ETTR"
    return f"{name} is {difference.verdict} by {100 * near:.{digits}f} to {100 * far:.{digits}f} points of ETTR"


def _digits(estimate: Estimate) -> int:
    """Decimals of percentage points that an interval leaves to be shown."""
    half = 100 * estimate.half_width
    return max(1, -math.floor(math.log10(half))) if 0 < half < math.inf else 2


def verdicts(comparison: Comparison) -> Iterator[str]:
    """The answer: one sentence for each case."""
    for letter, each in zip(ascii_uppercase[1:], comparison.differences, strict=False):
        yield wrapped(verdict("A", letter, each))


def tables(comparison: Comparison) -> Iterator[Table | str]:
    """The cases; each one's metrics and ledger beside the first's; a line for each thing to be warned of."""
    for letter, case in zip(ascii_uppercase, comparison.cases, strict=False):
        yield from warnings(case, letter)
    for letter, each in zip(ascii_uppercase[1:], comparison.differences, strict=False):
        yield ""
        yield _metrics(letter, each)
        if each.verdict != "same":
            yield ""
            yield _ledger(letter, each)
    if comparison.differences:
        yield ""
        yield from _notes(comparison)


def _notes(comparison: Comparison) -> Iterator[str]:
    level = f"{100 * comparison.confidence:g} %"
    cases = len(comparison.differences)
    together = "" if cases == 1 else f"; those of the {cases} cases hold together"
    looks = ", at whichever look a case ended" if any(each.share < 1 for each in comparison.differences) else ""
    yield wrapped(
        f"Intervals of differences: {level}, on pairs of runs with the same faults{together} (Bonferroni){looks}."
    )
    saved = [each.pairing for each in comparison.differences if each.pairing is not None]
    if saved:
        times = " and ".join(f"{value:.3g}" for value in saved)
        yield wrapped(f"Without the same faults it would take {times} times as many replications.")


def _metrics(letter: str, difference: Difference) -> Table:
    """The metrics of a case beside the first's."""
    base, case = difference.base, difference.case
    level = f"{100 * base.confidence:g} % interval"
    table = new_table(f"{letter} against A, mean of n = {case.n} pairs", "", "A", letter, "difference", level)
    for name, a, b, change in (
        ("ETTR, %", base.ettr, case.ettr, difference.ettr),
        ("ETTR in hardware, %", base.ettr_hardware, case.ettr_hardware, difference.ettr_hardware),
    ):
        table.add_row(name, f"{100 * a.mean:.2f}", f"{100 * b.mean:.2f}", *_change(change, points))
    table.add_row("JMTTI", _mtti(base.jmtti_s), _mtti(case.jmtti_s), *_change(difference.jmtti_s, _longer))
    training = (_mtti(each.mtti_training_s) for each in (base, case))
    table.add_row("MTTI in training", *training, *_change(difference.mtti_training_s, _longer))
    for name, column, word, signed, found in (
        ("wall clock", "wall_s", duration, _longer, difference.wall_s),
        ("interruptions", "interruptions", count, _more, difference.interruptions),
    ):
        means = (word(float(each.levelled.rows[column].mean())) for each in (base, case))
        table.add_row(name, *means, *_change(found, signed))
    return table


def _change(estimate: Estimate | None, word: Callable[[float], str]) -> tuple[str, str]:
    """A difference and its interval in words; a 0 that is one in every run has none."""
    if estimate is None:
        return "-", "-"
    if estimate.low == estimate.high == 0:
        return "0", "-"
    return word(estimate.mean), between(estimate, word)


def _mtti(estimate: Estimate) -> str:
    return "none seen" if math.isinf(estimate.mean) else duration(estimate.mean)


def _ledger(letter: str, difference: Difference) -> Table:
    """Where a difference comes from, bucket by bucket; each column adds up."""
    level = f"{100 * difference.base.confidence:g} %"
    title = f"Where it comes from: hours a run; {level} intervals that hold together"
    table = new_table(title, "", "A", letter, "difference", "interval", "of wall, points")
    for each in difference.buckets:
        if each.base_hours == 0 and each.hours.mean == 0:
            continue
        style = "bold" if each.bucket == "productive" else None
        table.add_row(
            bucket(each.bucket), f"{each.base_hours:,.2f}", f"{each.base_hours + each.hours.mean:,.2f}",
            *_change(each.hours, hours), _change(each.share, points)[0], style=style,
        )  # fmt: skip
    walls = [float(each.levelled.rows["wall_s"].mean()) / 3600 for each in (difference.base, difference.case)]
    table.add_row(
        "total",
        *(f"{wall:,.2f}" for wall in walls),
        hours(walls[1] - walls[0]) if walls[1] != walls[0] else "0",
        "",
        "0",
    )
    return table


def residual_table(name: str, found: list[Residual], n: int) -> Iterator[Table | str]:
    """The observed ledger beside the simulated one."""
    title = f"{name}: hours observed and simulated, n = {n} runs"
    table = new_table(title, "", "observed", "simulated", "single runs, 5 to 95 %", "residual", "runs below")
    for each in found:
        low, high = (f"{each.runs[end]:,.2f}" for end in ("p5", "p95"))
        table.add_row(
            bucket(each.bucket), f"{each.observed_hours:,.2f}", f"{each.simulated.mean:,.2f}", f"{low} to {high}",
            hours(each.residual_hours), percent(each.below, 0), style="bold" if each.outside else None,
        )  # fmt: skip
    yield table
    outside = [bucket(each.bucket) for each in found if each.outside]
    if outside:
        said = f"Outside of the range of single runs: {', '.join(outside)}."
    else:
        said = "Every bucket lies in the range of single runs."
    yield wrapped(f"{said} Of a model that is right, one bucket in ten lies outside.")
