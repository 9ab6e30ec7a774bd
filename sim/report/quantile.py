"""Quantiles of single runs, in a terminal of 80 columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from rich.table import Table

from sim.report.console import CREW_WAIT, JMTTI, MTTI, counted, later_than, new_table
from sim.report.words import count, duration, percent
from sim.study.answer import Answer
from sim.study.odds import Quantile

_OFTEN = "no interruption"


def quantile_table(answer: Answer, share: float, quantiles: Mapping[str, Quantile]) -> Table:
    """The quantile of each metric that the table of means has a row for, and of the time to finish or the work done."""
    table = new_table(
        f"Of single runs, n = {answer.n}", "", f"{100 * share:g} % are below", f"{100 * answer.confidence:g} % interval"
    )
    last = ("finish_s", "time to finish") if "finish_s" in quantiles else ("work_done_s", "work done by one run")
    rows: list[tuple[str, str, Callable[[float], str]]] = [
        ("ettr", "ETTR", _percent),
        ("ettr_hardware", "ETTR in hardware", _percent),
        ("jmtti_s", JMTTI, duration),
        ("mtti_training_s", MTTI, duration),
        *((column, name, count) for column, name in counted(answer)),
        ("crew_wait_s", CREW_WAIT, duration),
        (*last, duration),
    ]
    for metric, name, word in rows:
        if metric in quantiles:
            table.add_row(name, *_row(metric, quantiles[metric], word))
    return table


def _row(metric: str, found: Quantile, word: Callable[[float], str]) -> tuple[str, str]:
    """A quantile and its interval, or how many runs that would take."""
    estimate = found.estimate
    value = later_than(found.later_than_s) if found.later_than_s is not None else _word(metric, estimate.mean, word)
    if found.too_few:
        return value, f"takes {found.runs_needed} runs"
    low, high = (math.inf if end is None else end for end in (estimate.low, estimate.high))
    if math.isinf(high):
        return value, "-" if math.isinf(low) else f"over {word(low)}"
    return value, f"{word(low)} to {word(high)}"


def _word(metric: str, value: float, word: Callable[[float], str]) -> str:
    return _OFTEN if math.isinf(value) and metric != "finish_s" else word(value)


def _percent(share: float) -> str:
    return percent(share, 2)
