"""Answers in a terminal of 80 columns."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator

from rich.table import Table

from sim.report.words import WIDTH, between, bucket, count, duration, percent
from sim.results import Records, Runs
from sim.scenario.fields import YEAR_S
from sim.scenario.units import Quantity
from sim.study.advice import Advice
from sim.study.answer import Answer
from sim.study.finish import Finish
from sim.study.inputs import InputSpread
from sim.study.outlook import Outlook
from sim.study.series import periods
from sim.study.statistics import SHARES, Estimate, spread

MOST_ROWS = 16
"""Rows of the table over time."""

MOST_INCIDENTS = 10_000
"""Rows of the table of incidents: some seconds. JSON has them all."""

WARNINGS = {
    "depleted": "waited for nodes to the end: no spare was left, and no node will come back",
    "no_progress": "stopped in an incident that no recovery closed: see recovery.max_attempts",
    "restart_limit": "stopped at recovery.max_restarts starts of a recovery",
    "event_limit": "stopped at run.max_events faults, repairs and pauses",
    "gave_up": "were given up at run.give_up, their work not done: all that is printed of them is up to there",
    "end_of_time": "were cut at 272 years, where time ends, their work not done: all that is printed of them is up to "
    "there",
}
"""What is said of runs that stopped for these reasons: those of ``sim.engine.state.EARLY``."""

JMTTI, MTTI = "JMTTI (wall clock per interruption)", "MTTI in training (stepping or saving)"
CREW_WAIT = "mean wait of a unit for a crew"

_COUNTED = {
    "interruptions": "interruptions",
    "faults": "faults on the job",
    "spare_faults": "faults on spares",
    "saved_on_notice": "stops on notice, with all work saved",
    "saves": "durable saves",
    "spares_used": "spares used",
    "spare_waits": "recoveries that found too few spares",
    "units_in_repair": "units in repair at the end",
    "relapses": "second faults of nodes falsely reported in order",
    "recurrences": "faults again of nodes that were not taken out",
    "retired": "nodes given up for failing too often",
}


def wrapped(text: str) -> str:
    """A long line, broken for a terminal of 80 columns."""
    return "\n".join(textwrap.wrap(text, WIDTH, break_on_hyphens=False))


def prospect(outlook: Outlook) -> str:
    """What the closed forms say, in one line, before anything is simulated."""
    plan = outlook.plan
    said = f"{plan.job_nodes * plan.gpus_per_node:,} GPUs in one job; "
    if outlook.rate == 0:
        return said + "nothing fails"
    said += f"a fault stops it every {duration(outlook.job_mtbf_s)} while it trains"
    if outlook.holds and outlook.ettr is not None:
        said += f"; closed form: ETTR {'about ' if outlook.gaps else ''}{percent(outlook.ettr)}"
    return said if outlook.spares.enough else f"{said}; {outlook.spares.sentence}"


def sentence(answer: Answer, outlook: Outlook, advice: Advice) -> str:
    """The answer in one sentence."""
    half = answer.ettr.half_width
    precise = f" (±{100 * half:.2g} points)" if math.isfinite(half) else " (one run, no interval)"
    digits = max(1, -math.floor(math.log10(100 * half))) if 0 < half < math.inf else 1
    said = f"{percent(answer.ettr.mean, digits)} useful{precise}"
    early = {reason: runs for reason, runs in answer.stop_reasons.items() if reason in WARNINGS}
    if early:
        said += f" up to where {sum(early.values())} of {answer.n} runs stopped early"
    worst = answer.largest_loss
    if worst.share is not None and worst.share.mean > 0:
        said += f"; largest loss: {bucket(worst.bucket)}, {percent(worst.share.mean)}"
    if advice.key is not None:
        return f"{said}, set by {advice.key}"
    if outlook.levels:
        each = [f"every {duration(level.interval_s)} to {level.name}" for level in outlook.levels]
        said += f"; saving {', '.join(each)}"
    if outlook.interval_s is not None:
        said += f"; saving every {duration(outlook.interval_s)}"
    if advice.interval_s is not None:
        said += f", best is about {duration(advice.interval_s)}"
    return said


def chance_lines(
    chances: dict[str, Estimate | None], done_by: Quantity | None, ettr_below: Quantity | None
) -> Iterator[str]:
    """A line for each chance that was asked for."""
    named = (
        ("done_by", "" if done_by is None else f"chance to be done within {done_by.written}"),
        ("ettr_below", "" if ettr_below is None else f"chance of an ETTR below {percent(float(ettr_below), 2)}"),
    )
    for name, what in named:
        found = chances[name]
        if found is not None:
            level = f"{100 * found.confidence:g} % interval"
            yield wrapped(f"{what}: {percent(found.mean)} ({level} {between(found, percent)})")


def answer_tables(answer: Answer) -> Iterator[Table | str]:
    """The answer as tables: metrics, ledger, causes; and a line for each thing to be warned of."""
    yield from warnings(answer)
    yield wrapped(_single_runs(answer))
    if answer.inputs is not None:
        yield from _ranges(answer, answer.inputs["ettr"])
    tables = [_metrics(answer), _ledger(answer)] + ([_causes(answer)] if answer.sources else [])
    if len(answer.stores) > 1:
        tables.append(_stores(answer))
    if answer.runs.marks is not None:
        tables.append(_series(answer))
    for table in tables:
        yield ""
        yield table


def warnings(answer: Answer, of: str = "") -> Iterator[str]:
    """A line for each thing to be warned of: runs that stopped early, and why intervals are too short; ``of`` which."""
    yield from stopped_early(answer.stop_reasons, f"runs of {of}" if of else "runs")
    for doubt in answer.doubts:
        yield wrapped(f"warning: {f'{of}: ' if of else ''}{doubt.text}")


def stopped_early(reasons: dict[str, int], runs: str) -> Iterator[str]:
    """A line for each reason why some of these runs stopped early."""
    n = sum(reasons.values())
    for reason, text in WARNINGS.items():
        if reason in reasons:
            yield wrapped(f"warning: {reasons[reason]} of {n} {runs} {text}")


def new_table(title: str, *columns: str, names: tuple[int, ...] = (0,)) -> Table:
    """An empty table. Columns of names break over lines where the terminal is too narrow; those of numbers do not."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for i, column in enumerate(columns):
        table.add_column(
            column,
            justify="left" if i in names else "right",
            header_style="dim",
            no_wrap=i not in names,
            overflow="fold" if i in names else "ellipsis",
        )
    return table


def counted(answer: Answer) -> Iterator[tuple[str, str]]:
    """Yield the counts that have a row, as columns, with their words: those that are rare only where there were any."""
    for column, name in _COUNTED.items():
        rare = column in ("saved_on_notice", "relapses", "recurrences", "retired")
        if not rare or answer.count(column).mean > 0:
            yield column, name


def _metrics(answer: Answer) -> Table:
    level = f"{100 * answer.confidence:g} %"
    table = new_table(f"Per run, mean of n = {answer.n}", "", "mean", f"{level} interval")
    for name, estimate in (("ETTR", answer.ettr), ("ETTR in hardware", answer.ettr_hardware)):
        table.add_row(name, percent(estimate.mean, 2), between(estimate, _percent))
    table.add_row(JMTTI, *_jmtti(answer.jmtti_s))
    table.add_row(MTTI, *_jmtti(answer.mtti_training_s))
    for column, name in counted(answer):
        estimate = answer.count(column)
        table.add_row(name, count(estimate.mean), between(estimate))
    if answer.crew_wait_s is not None:
        table.add_row(CREW_WAIT, duration(answer.crew_wait_s.mean), between(answer.crew_wait_s, duration))
    return table


def _single_runs(answer: Answer) -> str:
    """What one run may look like: time to finish where work ends it, else work done."""
    finish = answer.finish
    if finish is None:
        name, low, middle, high = (
            "work done by one run",
            *map(duration, spread(answer.runs.rows["work_done_s"]).values()),
        )
    elif finish.unfinished == answer.n:
        return "no run finished its work"
    else:
        name, low, middle, high = "time to finish", *(_finished(finish, share) for share in SHARES)
    said = f"{name}: median {middle}" + (f", 5 to 95 % range {low} to {high}" if answer.n > 1 else "")
    if finish is not None and finish.unfinished:
        said += f"; it has no mean, as {finish.unfinished} of {answer.n} runs did not finish"
    return said


def _finished(finish: Finish, name: str) -> str:
    """A quantile of the time to finish in words; of one that is not known, what it is later than."""
    if name not in finish.later_than_s:
        return duration(finish.quantiles_s[name])
    return later_than(finish.later_than_s[name])


def later_than(seconds: float) -> str:
    """A time that is not known, but is later than this."""
    years = seconds / YEAR_S
    return f"later than {duration(seconds)}" if years < 1 else f"later than {years:.3g} year{'s' if years > 1 else ''}"


def _ranges(answer: Answer, expected: InputSpread) -> Iterator[Table | str]:
    """The three ranges of ETTR where inputs are uncertain, and what the inputs have in that of single runs."""
    runs = answer.single_runs["ettr"]
    table = new_table("Three ranges of ETTR", "", "range", "made smaller by", names=(0, 2))
    level = f"{100 * answer.confidence:g} %"
    table.add_row(f"mean: its {level} interval", between(answer.ettr, _percent), "more replications")
    inputs = f"{_percent(expected.p5)} to {_percent(expected.p95)}"
    table.add_row("expected, over the inputs: 5 to 95 %", inputs, "more counted faults")
    table.add_row("of single runs: 5 to 95 %", f"{_percent(runs['p5'])} to {_percent(runs['p95'])}", "nothing")
    yield ""
    yield table
    names = [source.name for source in answer.runs.plan.sources if source.shape > 0]
    rates = f"the uncertain rate of {names[0]} has" if len(names) == 1 else f"the {len(names)} uncertain rates have"
    share = f"{percent(expected.share.mean, 0)} ({level} interval {between(expected.share, _whole)})"
    yield wrapped(f"in the variance of single runs {rates} a share of {share}")


def _whole(share: float) -> str:
    return percent(share, 0)


def _jmtti(estimate: Estimate) -> tuple[str, str]:
    """JMTTI and its interval, which may have one end only."""
    if math.isinf(estimate.mean):
        return "none seen", f"over {duration(estimate.low or 0.0)}"
    if estimate.high is not None and math.isinf(estimate.high):
        return duration(estimate.mean), f"over {duration(estimate.low or 0.0)}"
    return duration(estimate.mean), between(estimate, duration)


def _points(share: float) -> str:
    return f"{100 * share:.2f}"


def _percent(share: float) -> str:
    return percent(share, 2)


def _ledger(answer: Answer) -> Table:
    interval = f"{100 * answer.confidence:g} % interval"
    table = new_table("Where the time went", "", "hours", "of wall", interval, "GPU-hours", "of GPUs held")
    for each in answer.buckets:
        if each.gpu_hours == 0 and not each.hours:
            continue
        wall = ("-", "-", "-")
        if each.hours is not None and each.share is not None:
            wall = (f"{each.hours:,.2f}", percent(each.share.mean, 2), between(each.share, _points))
        style = "bold" if each.bucket == "productive" else None
        table.add_row(bucket(each.bucket), *wall, f"{each.gpu_hours:,.0f}", percent(each.gpu_share, 2), style=style)
    wall_h = answer.levelled.rows["wall_s"].mean() / 3600
    table.add_row("total", f"{wall_h:,.2f}", "100.00 %", "", f"{wall_h * answer.runs.gpus_held:,.0f}", "100.00 %")
    return table


def _causes(answer: Answer) -> Table:
    interval = f"{100 * answer.confidence:g} % interval"
    table = new_table("Faults and interruptions of the job by cause", "", "faults", interval, "interruptions", "of all")
    total = sum(each.interruptions.mean for each in answer.sources)
    for each in answer.sources:
        share = percent(each.interruptions.mean / total) if total else "-"
        faults, opened = each.faults, each.interruptions
        table.add_row(each.source, count(faults.mean), between(faults), count(opened.mean), share)
    return table


def _stores(answer: Answer) -> Table:
    """What each store did, and the start of the run where recoveries went back to it."""
    table = new_table("By store", "", "saves", "stall, h", "restores", "of all", "lost work, h", "a restore")
    start = answer.from_start
    total = sum(each.restores.mean for each in answer.stores) + start["restores"].mean

    def restored(restores: Estimate, lost_work_s: Estimate) -> tuple[str, str, str, str]:
        share = percent(restores.mean / total) if total else "-"
        a_restore = duration(lost_work_s.mean / restores.mean) if restores.mean else "-"
        return count(restores.mean), share, f"{lost_work_s.mean / 3600:,.2f}", a_restore

    for each in answer.stores:
        saved = count(each.saves.mean), f"{each.save_stall_s.mean / 3600:,.2f}"
        table.add_row(each.store, *saved, *restored(each.restores, each.lost_work_s))
    if start["restores"].mean > 0:
        table.add_row("none: the start", "-", "-", *restored(start["restores"], start["lost_work_s"]))
    return table


def _series(answer: Answer) -> Table:
    """The answer over time; periods are joined where there are too many for a screen."""
    found = periods(answer.runs, answer.confidence, MOST_ROWS)
    title = "Over time: ETTR, its error, its 5 to 95 % range of single runs; means"
    table = new_table(title, "from", "ETTR", "", "range", "interruptions", "in repair", "spares")
    for period in found:
        ettr = period.metrics["ettr"]
        band = f"{_points(ettr.runs['p5'])} to {_points(ettr.runs['p95'])}" if ettr.estimate.n > 1 else "-"
        means = (period.metrics[name].estimate.mean for name in list(period.metrics)[1:])
        at = "0" if period.start_s == 0 else duration(period.start_s)
        half = ettr.estimate.half_width
        error = f"±{_points(half)}" if math.isfinite(half) else "-"
        table.add_row(at, percent(ettr.estimate.mean, 2), error, band, *map(count, means))
    return table


def incident_table(runs: Runs, incidents: Records) -> Table | str:
    """The incidents of one replication."""
    if len(incidents) == 0:
        return "no incident"
    columns = ("opened, h", "cause", "faults", "nodes", "rule", "starts", "lost work", "open for")
    title = (
        ""
        if len(incidents) <= MOST_INCIDENTS
        else (f"The first {MOST_INCIDENTS:,} of {len(incidents):,} incidents; --json has all")
    )
    table = new_table(title, *columns, names=(1, 4))
    for each in incidents[:MOST_INCIDENTS]:
        rule = runs.plan.rules[each["rule"]].name if each["rule"] >= 0 else "-"
        open_for = each["closed_s"] - each["opened_s"]
        table.add_row(
            f"{each['opened_s'] / 3600:,.3f}", runs.plan.causes[each["cause"]], str(each["faults"]),
            str(each["units"]), rule, str(each["attempts"]), duration(each["lost_work_s"]),
            "to the end" if math.isnan(open_for) else duration(open_for),
        )  # fmt: skip
    return table
