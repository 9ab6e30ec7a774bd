"""A sweep in a terminal of 80 columns: the answer, ETTR over the axes, and how far it is."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from rich.table import Table
from rich.text import Text

from sim.batch.cases import Case
from sim.batch.file import Sweep
from sim.batch.forecast import Forecast
from sim.batch.status import Status
from sim.batch.swept import Swept
from sim.batch.tables import Summaries, Summary
from sim.report.console import new_table, wrapped
from sim.report.pivot import (
    NOTHING,
    Ettrs,
    Layer,
    Pivot,
    called,
    chosen,
    evenly,
    is_sampled,
    labels,
    pivot,
    shown,
    summary,
)
from sim.report.words import WIDTH, between, bucket, count, duration, percent
from sim.study.correlation import rank_correlation
from sim.study.doubts import FEW_INTERRUPTIONS

MOST_ROWS = 40
"""Rows of a table."""

MOST_COLUMNS = 8
"""Points along the columns, if there is room for so many."""

BEST = 10
"""Cases of a sample that are named."""

_LABEL = 24
"""Columns that names of rows may take before they break over lines."""

_LISTED = 5
"""Cases that a dry run names, from the first on, and the last."""

_CORES = (2, 64, 1000)
_SESSIONS = 5
"""Sessions of which a status tells, the last ones."""


def named(sweep: Sweep, case: Case) -> str:
    """A case by its values, or what they are called."""
    return ", ".join(
        f"{axis.name} = {called(axis, value)}" for axis, value in zip(sweep.axes, case.values, strict=True)
    )


def sentences(swept: Swept) -> list[str]:
    """The answer: the best case and the worst, which others may be as good, and what is missing."""
    ettrs, cases = Ettrs.of(swept), swept.sweep.cases
    done = int(ettrs.done.sum())
    said = []
    if done:
        said.append(wrapped(f"best of {_cases(done)}: {_found(swept, ettrs, ettrs.best)}"))
    if done > 1:
        said.append(wrapped(f"worst: {_found(swept, ettrs, ettrs.worst)}"))
        said.append(wrapped(_as_good(ettrs, done)))
    said += cautions(swept)
    timeless = max(swept.done - done, 0) if swept.summaries else 0
    left = len(cases) - done - timeless - len(swept.failed)
    for number, what in (
        (len(swept.failed), "failed"), (timeless, "end where they start: no time passes"), (left, "not done yet"),
    ):  # fmt: skip
        if number:
            said.append(f"{_cases(number)} of {len(cases):,} {what}")
    return said


_DOUBTS = {"few_interruptions": f"fewer than {FEW_INTERRUPTIONS} interruptions", "heavy_tail": "a heavy tail"}


def cautions(swept: Swept) -> list[str]:
    """A line for each thing to be warned of: runs that stopped early, and intervals that are too short."""
    found = swept.summaries
    if not isinstance(found, Summaries):
        return []
    said = []
    cases = np.flatnonzero(found.stopped_early)
    if len(cases):
        number = int(found.stopped_early.argmax())
        most = f"most, {found.stopped_early[number]:,}, in {named(swept.sweep, swept.sweep.cases[number])}"
        said.append(wrapped(f"{_cases(len(cases))} had runs that stopped early, and ETTR is that up to there: {most}"))
    counts = {name: int(cases.sum()) for name, cases in found.doubts.items() if cases.any()}
    if counts:
        number = int(np.logical_or.reduce(list(found.doubts.values())).sum())
        why = ", ".join(f"{_DOUBTS[name]} in {count:,} (doubts: {name})" for name, count in counts.items())
        said.append(wrapped(f"warning: the interval of ETTR is too short in {_cases(number)}: {why}"))
    return said


def _cases(number: int) -> str:
    return f"{number:,} case{'s' if number > 1 else ''}"


def _found(swept: Swept, ettrs: Ettrs, number: int) -> str:
    """A case and its ETTR."""
    half = 100 * ettrs.half[number]
    precise = f"(±{half:.2g} points)" if math.isfinite(half) else "(one run, no interval)"
    ettr = percent(ettrs.mean[number], ettrs.digits([number]))
    return f"{named(swept.sweep, swept.sweep.cases[number])}: ETTR {ettr} {precise}"


def _as_good(ettrs: Ettrs, done: int) -> str:
    """How many cases may be as good as the best, as far as intervals say."""
    low = ettrs.low[ettrs.best]
    if math.isnan(low):
        return "one run of a case tells nothing: run more replications"
    close = int((ettrs.done & ~(ettrs.high < low)).sum()) - 1
    level = f"{100 * ettrs.confidence:g} %"
    if not close:
        return f"no other case is as good: their {level} intervals lie below that of the best"
    which = f"all {done - 1:,} others" if close == done - 1 > 1 else f"{close:,} other{'s' if close > 1 else ''}"
    return f"{which} may be as good: the {level} intervals overlap"


Part = Table | Text | str


def tables(swept: Swept, x: str | None, y: str | None) -> Iterator[Part]:
    """ETTR over two axes, over the one that there is, or of the best points of a sample.

    Parameters
    ----------
    swept : Swept
        Complete or not.
    x, y : str or None
        Names of the axes along the columns and the rows; those with the most points where left out.

    Raises
    ------
    UsageError
        If there is no axis of a name.
    """
    axes = swept.sweep.axes
    chosen(axes, x, y)
    ettrs = Ettrs.of(swept)
    if ettrs.best == NOTHING:
        return
    if is_sampled(axes, x, y):
        yield from _sampled(swept, ettrs)
    else:
        found = pivot(swept.sweep, ettrs, x, y)
        for layer in found.layers:
            yield ""
            yield from _grid(ettrs, found, layer) if found.columns else _list(swept, ettrs, found, layer)
        yield from _about_axes(found)
    yield wrapped(_about_numbers(ettrs))


def _about_axes(found: Pivot) -> Iterator[str]:
    if found.best_over:
        names = " and ".join(found.best_over)
        yield wrapped(
            f"Each cell is the best case over {names}, and so a little too good; choose other axes with --x and --y."
        )


def _about_numbers(ettrs: Ettrs) -> str:
    """What intervals are, and of how many replications."""
    counts = ettrs.n[ettrs.done]
    low, high = int(counts.min()), int(counts.max())
    n = f"n = {low:,} to {high:,}" if high > low else f"n = {low:,}"
    if high == 1:
        return f"{n} replication of each case: no intervals. * is the best case."
    return (
        f"{n} replications of each case. ± is half the {100 * ettrs.confidence:g} % interval of the mean, of each case "
        "alone; single runs spread more. * is the best case."
    )


def _cell(ettrs: Ettrs, number: int, digits: int) -> str:
    """ETTR of a case as it stands in a table: the best is marked for those who see no bold type."""
    return f"{'*' if number == ettrs.best else ''}{ettrs.written(number, digits)}"


def _grid(ettrs: Ettrs, found: Pivot, layer: Layer) -> Iterator[Part]:
    """ETTR over two axes."""
    assert found.columns is not None
    height, width = layer.cells.shape
    digits = ettrs.digits(layer.cells)
    heads, names = labels(found.columns), labels(found.rows)
    at = [int(where[0]) for where in (layer.cells == ettrs.best).nonzero() if len(where)]
    keep_row, keep_column = at or (None, None)
    rows = evenly(height, MOST_ROWS, keep_row)
    texts = {row: [_cell(ettrs, number, digits) for number in layer.cells[row].tolist()] for row in rows}
    room = WIDTH - min(max(len(each) for each in [found.rows.name, *(names[i] for i in rows)]), _LABEL)
    for most in range(min(width, MOST_COLUMNS), 0, -1):
        columns = evenly(width, most, keep_column)
        if sum(2 + max(len(heads[i]), *(len(texts[row][i]) for row in rows)) for i in columns) <= room:
            break
    yield _title(f"ETTR in %, {found.rows.name} down, {found.columns.name} across", layer)
    table = new_table("", found.rows.name, *(heads[i] for i in columns))
    for row in rows:
        cells = (Text(texts[row][i], "bold" if layer.cells[row, i] == ettrs.best else "") for i in columns)
        table.add_row(names[row], *cells)
    yield table
    yield from _left_out(found.rows.name, height, len(rows))
    yield from _left_out(found.columns.name, width, len(columns))


def _title(text: str, layer: Layer) -> Text:
    """A title that may be wider than its table, where it would be broken."""
    fixed = ", ".join(f"{name} = {value}" for name, value in layer.fixed)
    return Text(wrapped(f"{text}; {fixed}" if fixed else text), "bold")


def _left_out(name: str, points: int, there: int) -> Iterator[str]:
    if there < points:
        yield wrapped(f"{there} of the {points:,} points of {name}, evenly chosen; cases.parquet has all.")


def _list(swept: Swept, ettrs: Ettrs, found: Pivot, layer: Layer) -> Iterator[Part]:
    """The cases of one axis, one to a row."""
    numbers = layer.cells[:, 0].tolist()
    rows = evenly(len(numbers), MOST_ROWS, numbers.index(ettrs.best) if ettrs.best in numbers else None)
    digits = ettrs.digits([numbers[row] for row in rows])
    names = labels(found.rows)
    yield _title(f"Cases over {found.rows.name}", layer)
    table = new_table("", found.rows.name, "ETTR, %", "n", "interruptions", "largest loss, % of wall clock")
    for row in rows:
        case = numbers[row]
        each = summary(swept, case)
        more = ("-", "-", "-") if each is None else (f"{each.ettr.n:,}", *_more(each))
        table.add_row(names[row], _cell(ettrs, case, digits), *more, style="bold" if case == ettrs.best else None)
    yield table
    yield from _left_out(found.rows.name, len(numbers), len(rows))


def _more(found: Summary) -> tuple[str, str]:
    """Interruptions of a run, and the bucket that takes most."""
    losses = {name: share for name, share in found.shares.items() if name != "productive"}
    name, share = max(losses.items(), key=lambda each: each[1].mean)
    loss = f"{bucket(name)} {100 * share.mean:.1f}" if share.mean > 0 else "none"
    return count(found.interruptions.mean), loss


def _sampled(swept: Swept, ettrs: Ettrs) -> Iterator[Part]:
    """The best points of a sample, and how ETTR goes with each axis."""
    sweep = swept.sweep
    done = int(ettrs.done.sum())
    best = np.argsort(np.where(ettrs.done, -ettrs.mean, np.inf), kind="stable")[: min(BEST, done)].tolist()
    digits = ettrs.digits(best)
    cells = [_cell(ettrs, i, digits) for i in best]
    texts = [[shown(value, 4) for value in sweep.cases[i].values] for i in best]
    names = [axis.name for axis in sweep.axes]
    room = WIDTH - max(4, *(len(str(i)) for i in best)) - 2 - max(map(len, cells))
    fits = 0
    for name, column in zip(names, zip(*texts, strict=True), strict=True):
        room -= 2 + max(len(name), *map(len, column))
        fits += room >= 0
    fits = max(fits, 1)
    table = new_table(f"The {len(best)} best of {_cases(done)}", "case", *names[:fits], "ETTR, %", names=())
    for i, values, cell in zip(best, texts, cells, strict=True):
        table.add_row(str(i), *values[:fits], cell, style="bold" if i == best[0] else None)
    yield ""
    yield table
    if fits < len(names):
        yield wrapped(f"There is no room for {', '.join(names[fits:])}; cases.parquet has all.")
    yield ""
    yield from _correlations(sweep, ettrs)


def _correlations(sweep: Sweep, ettrs: Ettrs) -> Iterator[Part]:
    level = f"{100 * ettrs.confidence:g} % interval"
    table = new_table("How ETTR goes with each axis", "axis", "key", "rank correlation", level, names=(0, 1))
    for position, axis in enumerate(sweep.axes):
        found = rank_correlation(sweep.cases.numbers(position), ettrs.mean, ettrs.confidence)
        said = ("-", "-") if found is None else (f"{found.mean:+.2f}", between(found, lambda value: f"{value:+.2f}"))
        table.add_row(axis.name, ", ".join(axis.keys), *said)
    yield table
    yield wrapped(
        "Spearman's: 1 if ETTR never falls as the axis grows, -1 if it never rises; near 0 where it does both, or "
        "neither."
    )
    yield ""


def case_lines(sweep: Sweep) -> Iterator[str]:
    """What a sweep is: its axes, its first cases and its last, its precision."""
    cases = sweep.cases
    parts = " x ".join(f"{axis.name} ({len(axis.points):,})" for axis in sweep.axes if not axis.sampled)
    drawn = [axis for axis in sweep.axes if axis.sampled]
    if drawn:
        strewn = f"{len(drawn[0].points):,} points over {', '.join(axis.name for axis in drawn)}"
        parts = f"{parts} x {strewn}" if parts else strewn
    kept = f", kept of {cases.combinations:,}" if len(cases) < cases.combinations else ""
    yield wrapped(f"{_cases(len(cases))}{kept}: {parts}")
    last = len(cases) - 1
    numbers = list(range(min(_LISTED, len(cases))))
    for i in numbers:
        yield wrapped(f"  case {i:,}: {named(sweep, cases[i])}")
    if last >= _LISTED:
        if last > _LISTED:
            yield "  ..."
        yield wrapped(f"  case {last:,}: {named(sweep, cases[last])}")
    if sweep.replications is not None:
        yield f"replications of each case: {sweep.replications:,}"
    else:
        assert sweep.half_width is not None
        yield wrapped(
            f"replications of each case: until ETTR is known to ±{100 * sweep.half_width:.3g} points, at most "
            f"{sweep.max_replications:,}"
        )


def forecast_lines(found: Forecast) -> Iterator[str]:
    """What a sweep will take."""
    about = "about " if found.guessed else ""
    hours = found.core_seconds / 3600
    computing = f"{hours:,.0f} core-hours" if hours >= 10 else f"{hours:.2g} core-hours"
    if hours < 0.1:
        computing = f"{duration(found.core_seconds)} of one core"
    many = "s" if found.cases > 1 else ""
    yield wrapped(f"{found.cases:,} different case{many}, {about}{found.replications:,} replications")
    yield f"computing: {computing}"
    each = (f"{duration(max(found.core_seconds / cores, 1.0))} on {cores:,}" for cores in _CORES)
    yield f"time: {', '.join(each)} cores"
    guess = ", and how many replications it takes is guessed" if found.guessed else ""
    yield wrapped(f"Timed on {found.probed:,} replications{guess}: good to a factor of 2.")


def status_lines(status: Status) -> Iterator[str]:
    """How far a sweep is, and who has run it."""
    swept = status.swept
    cases = len(swept.sweep.cases)
    done = sum(each is not None for each in swept.summaries)
    said = f"{done:,} of {cases:,} cases done"
    if swept.failed:
        said += f", {len(swept.failed):,} failed"
    left = cases - done - len(swept.failed)
    if status.at_work:
        said += "; it is being run"
    elif left:
        said += "; nobody runs it: the same command without --status goes on"
    elif swept.failed:
        said += "; --retry-failed runs those again"
    yield wrapped(f"{said}. {status.replications:,} replications are in the journal.")
    hidden = len(status.sessions) - _SESSIONS
    if hidden > 0:
        yield f"sessions before those: {hidden:,}"
    for session in status.sessions[-_SESSIONS:]:
        yield wrapped(_session(dict(session)))


def _session(session: dict[str, object]) -> str:
    said = f"  {session.get('started', '?')} on {session.get('host', '?')}"
    if "ended" not in session:
        return f"{said}: no word of its end"
    seconds, died, signal = (session.get(name) for name in ("seconds", "workers_died", "stopped_by"))
    said += f": {session.get('replications', 0):,} replications in {duration(float(str(seconds)))}"
    if died:
        said += f", {died:,} workers died"
    if signal:
        said += f", stopped by {_signal(signal)}"
    return said


def _signal(number: object) -> str:
    from signal import Signals

    try:
        return Signals(int(str(number))).name
    except ValueError:
        return str(number)
