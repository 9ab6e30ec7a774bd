"""ETTR from a thousand to a million GPUs, simulated and in closed form, in a terminal of 80 columns."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TypeGuard

import numpy as np
from rich.table import Table

from sim.batch.scale import Size
from sim.batch.swept import Swept
from sim.batch.tables import Summary
from sim.report.compare import points
from sim.report.console import new_table, wrapped
from sim.report.pivot import NOTHING, Ettrs, summary
from sim.report.sweep import cautions
from sim.report.words import duration, percent

_CLOSE = 0.01
"""A formula is close to a simulation that it misses by no more than this share."""


def sentences(swept: Swept, sizes: Sequence[Size]) -> list[str]:
    """The answer: what becomes of ETTR, and where the formulas hold."""
    done = [(size, found) for i, size in enumerate(sizes) if (found := summary(swept, i)) is not None]
    if not done:
        return []
    ends = (f"{percent(found.ettr.mean)} at {size.gpus:,} GPUs" for size, found in (done[0], done[-1]))
    said = [f"ETTR is {' and '.join(ends)}"]
    for name, values in (
        ("the exact formula", [size.exact for size, _ in done]),
        ("the first-order formula", [size.first_order for size, _ in done]),
    ):
        if any(_is_there(value) for value in values):
            said.append(f"{name} {_where(done, values)}")
    off = [(size, found) for size, found in done if not _near(size.exact, found)]
    if off:
        size, found = max(off, key=lambda each: each[1].shares["capacity_wait"].mean)
        waits = found.shares["capacity_wait"].mean
        if size.exact is not None and waits > _CLOSE:
            said.append(f"at {size.gpus:,} GPUs the job waits for nodes {percent(waits)} of the time")
    return [*(wrapped(text) for text in said), *cautions(swept)]


def _is_there(value: float | None) -> TypeGuard[float]:
    return value is not None and not math.isnan(value)


def _near(value: float | None, found: Summary) -> bool:
    return _is_there(value) and abs(value - found.ettr.mean) <= _CLOSE


def _where(done: Sequence[tuple[Size, Summary]], values: Sequence[float | None]) -> str:
    """Where a formula is close: the longest stretch of sizes."""
    best: list[int] = []
    here: list[int] = []
    for (size, found), value in zip(done, values, strict=True):
        here = [*here, size.gpus] if _near(value, found) else []
        best = max(best, here, key=len)
    if not best:
        return "is off by more than a point at all sizes"
    if len(best) == len(done):
        return "is within a point at all sizes"
    if len(best) == 1:
        return f"is within a point at {best[0]:,} GPUs"
    return f"is within a point from {best[0]:,} to {best[-1]:,} GPUs"


def tables(swept: Swept, sizes: Sequence[Size]) -> Iterator[Table | str]:
    """ETTR of each size beside the formulas, and their differences from it."""
    ettrs = Ettrs.of(swept)
    digits = ettrs.digits(np.arange(len(sizes)))
    table = new_table(
        "ETTR in % by size of the job, and by formulas with the points they are off",
        "GPUs", "job MTBF", "ETTR", "waits", "exact", "off by", "1st order", "off by", "n", names=(),
    )  # fmt: skip
    for i, size in enumerate(sizes):
        n, mean, found = int(ettrs.n[i]), float(ettrs.mean[i]), summary(swept, i)
        waits = "-" if found is None else f"{100 * found.shares['capacity_wait'].mean:.2f}"
        table.add_row(
            f"{size.gpus:,}", duration(size.job_mtbf_s), ettrs.written(i, digits), waits, *_formula(size.exact, mean),
            *_formula(size.first_order, mean), f"{n}" if n else "-",
        )  # fmt: skip
    yield ""
    yield table
    if ettrs.best != NOTHING:
        yield wrapped(
            f"± is half the {100 * ettrs.confidence:g} % interval of the mean. Waits are for nodes, spares that start "
            "up among them. sim show says what the formulas leave out; the first-order one falls below 0 where "
            "interval and recovery take longer than the job runs between faults."
        )


def _formula(value: float | None, mean: float) -> tuple[str, str]:
    """What a formula gives, and how far it is off."""
    if value is None or math.isnan(value):
        return "-", "-"
    if value < 0:
        return "below 0", "-"
    return f"{100 * value:.2f}", "-" if math.isnan(mean) else points(value - mean)
