"""FLOP, energy and dollars of designs in a terminal of 80 columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from string import ascii_uppercase

from rich.table import Table

from sim.chips import PRECISIONS, Chip
from sim.report.console import new_table, warnings, wrapped
from sim.report.words import between, bucket, percent
from sim.scenario.fields import YEAR_S
from sim.study.designs import Change, Designs
from sim.study.efficiency import Account, Figure
from sim.study.statistics import Estimate

MOST_CAUSES = 12
"""Causes of losses in a table; what is left of them is one row."""

_LEVELS = {"peak": "peak of the job's GPUs", "mamf": "MAMF", "sfu": "SFU", "ettr": "ETTR: what is left is effective"}
_FIGURES = {
    "effective_mfu": "effective MFU, %",
    "effective_exaflops": "effective exaflop/s",
    "exaflops_per_mw": "exaflop/s per MW, at meter",
    "gflops_per_usd": "gigaflop/s per USD, capital",
    "usd_per_exaflop_day": "USD per useful exaflop-day",
    "usd_per_useful_gpu_hour": "USD per useful GPU-hour",
    "usd_per_day": "USD a day (also of delay)",
    "training_days": "days to train the model",
    "training_usd": "USD to train the model",
    "training_mwh": "MWh to train the model",
    "tokens_per_day": "tokens a day",
    "tokens_done": "tokens done in a run",
    "model_flops_done": "model FLOP done in a run",
    "cost_usd": "USD of a run",
    "energy_mwh": "MWh of a run",
    "unproductive_mwh": "MWh of a run not productive",
    "lost_work_mwh": "MWh of a run for lost work",
}


def number(value: float) -> str:
    """A number of any size, to four digits where it is small or very large."""
    if math.isinf(value):
        return "-"
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e9 else f"{value:.4g}"


def usd(value: float) -> str:
    """An amount of money, in whole dollars unless it is small."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}"


def sentences(designs: Designs) -> Iterator[str]:
    """The answer: a sentence for each design."""
    several = len(designs.accounts) > 1
    for letter, account in zip(ascii_uppercase, designs.accounts, strict=False):
        yield wrapped(f"{letter}: {_sentence(account)}" if several else _sentence(account))


def _sentence(account: Account) -> str:
    found = account.estimates()
    exaflops = found["effective_exaflops"]
    half = exaflops.half_width
    precise = f" (±{half:.2g})" if math.isfinite(half) else " (one run, no interval)"
    said = f"{number(exaflops.mean)} effective exaflop/s{precise}, {percent(found['effective_mfu'].mean)} of the peak"
    if "usd_per_exaflop_day" in found:
        each, hour = found["usd_per_exaflop_day"].mean, found["usd_per_useful_gpu_hour"].mean
        said += f"; {usd(each)} USD per useful exaflop-day, {usd(hour)} USD per useful GPU-hour"
    if "training_days" in found:
        said += f"; the model is trained in {found['training_days'].mean:.3g} days"
    return said


def tables(designs: Designs) -> Iterator[Table | str]:
    """Each design's hardware, waterfall, figures and costs; then each against the first."""
    several = len(designs.accounts) > 1
    for letter, account in zip(ascii_uppercase, designs.accounts, strict=False):
        yield from warnings(account.answer, letter if several else "")
        yield ""
        yield wrapped((f"{letter}: " if several else "") + _hardware(account))
        yield ""
        yield _waterfall(account)
        if not several:
            yield ""
            yield _figures(account)
        if account.buckets[0].mwh is not None:
            yield ""
            yield _buckets(account)
        if account.causes:
            yield ""
            yield _causes(account)
        if account.total_usd is not None:
            years = account.design.depreciation / YEAR_S
            yield wrapped(
                f"Dollars: hardware over {years:.3g} years, energy at the meter (PUE {account.design.pue:g}); without "
                "building, staff, storage and software."
            )
        if account.missing:
            yield wrapped(f"Not known here: {' and '.join(account.missing)}; so there are no dollars.")
    for position, changes in enumerate(designs.changes, start=1):
        yield ""
        yield _against(designs, position, changes)
    if several:
        cases = len(designs.changes)
        together = "" if cases == 1 else f"; those of the {cases} designs hold together (Bonferroni)"
        level = f"{100 * designs.comparison.confidence:g} %"
        yield wrapped(f"Intervals of changes: {level}, on pairs of runs with the same faults{together}.")


def _hardware(account: Account) -> str:
    design = account.design
    said = f"{account.job_gpus:,} GPUs in the job ({design.chip}, {design.precision}), {account.held_gpus:,} held"
    if account.it_power_w is not None and account.meter_power_w is not None:
        said += f"; {account.it_power_w / 1e6:.4g} MW of IT power, {account.meter_power_w / 1e6:.4g} MW at the meter"
    if account.capital_usd is not None:
        said += f"; {number(account.capital_usd / 1e6)} million USD"
    return said


def _waterfall(account: Account) -> Table:
    table = new_table("From the peak to what is effective", "", "share", "of peak", "exaflop/s")
    for level in account.waterfall:
        share = "" if level.name == "peak" else percent(level.share, 2)
        table.add_row(_LEVELS[level.name], share, percent(level.of_peak, 2), number(level.exaflops))
    return table


def _figures(account: Account) -> Table:
    level = f"{100 * account.answer.confidence:g} % interval"
    table = new_table(f"What it gives and costs, n = {account.answer.n}", "", "mean", level)
    found = account.estimates()
    for name, label in _FIGURES.items():
        if name in found:
            word = _word(account.figures[name])
            table.add_row(label, word(found[name].mean), _between(found[name], word))
    return table


def _word(figure: Figure) -> Callable[[float], str]:
    """How a figure is written."""
    if figure.unit == "USD":
        return usd
    return (lambda share: f"{100 * share:.2f}") if figure.unit == "1" else number


def _between(estimate: Estimate, word: Callable[[float], str]) -> str:
    """The interval; none where every run says the same but for rounding."""
    same = estimate.half_width <= 1e-9 * max(abs(estimate.mean), 1e-3)
    return "-" if same else between(estimate, word)


def _cents(value: float) -> str:
    return f"{value:,.2f}"


def _dollars(value: float) -> str:
    return f"{value:,.0f}"


def _buckets(account: Account) -> Table:
    table = new_table("Where energy and money go, a run", "", "GPU-hours", "MWh", "USD", "of USD")
    total = account.total_usd
    for each in account.buckets:
        if each.gpu_hours == 0:
            continue
        cost, share = (
            ("-", "-") if each.usd is None else (_cents(each.usd.mean), percent(each.usd.mean / (total or 1), 2))
        )
        style = "bold" if each.bucket == "productive" else None
        table.add_row(bucket(each.bucket), f"{each.gpu_hours:,.0f}", f"{each.mwh:,.0f}", cost, share, style=style)
    hours, mwh = (math.fsum(getattr(each, name) for each in account.buckets) for name in ("gpu_hours", "mwh"))
    last = ("-", "-") if total is None else (_cents(total), percent(1.0, 2) if total else "-")
    table.add_row("total", f"{hours:,.0f}", f"{mwh:,.0f}", *last)
    return table


def _causes(account: Account) -> Table:
    level = f"{100 * account.answer.confidence:g} % interval"
    table = new_table("What causes cost, USD a run: the job's GPUs", "", "lost work", "other", "total", level)
    shown, rest = account.causes[:MOST_CAUSES], account.causes[MOST_CAUSES:]
    for each in shown:
        parts = (each.lost_work_usd.mean, each.other_usd.mean, each.usd.mean)
        table.add_row(
            each.name, *("-" if part == 0 else _dollars(part) for part in parts), _between(each.usd, _dollars)
        )
    if rest:
        sums = ((e.lost_work_usd.mean, e.other_usd.mean, e.usd.mean) for e in rest)
        table.add_row(f"{len(rest)} more", *(_dollars(math.fsum(part)) for part in zip(*sums, strict=True)), "")
    return table


def _against(designs: Designs, position: int, changes: dict[str, Change]) -> Table:
    letter, n = ascii_uppercase[position], designs.comparison.n
    base, other = designs.accounts[0], designs.accounts[position]
    level = f"{100 * designs.comparison.confidence:g} % interval"
    table = new_table(f"{letter} against A, n = {n} pairs", "", "A", letter, "change, %", level)
    for name, label in _FIGURES.items():
        if name in changes:
            word, change = _word(base.figures[name]), changes[name].relative
            means = (each.figures[name].measured.value for each in (base, other))
            table.add_row(label, *map(word, means), _signed(change.mean), _between(change, _signed))
    return table


def _signed(share: float) -> str:
    return "-" if math.isinf(share) else f"{round(100 * share, 2) + 0.0:+.2f}"


def chip_tables(chips: dict[str, Chip]) -> Iterator[Table | str]:
    """The catalogue, and where its figures come from."""
    columns = (f"{precision} {what}" for precision in PRECISIONS for what in ("peak", "MAMF"))
    table = new_table(
        "Chips: TFLOP/s; W of the chip and of the rest of its server; USD", "", *columns, "W", "+ W", "USD"
    )
    for chip in chips.values():
        speeds = (
            "-" if precision not in speed else f"{speed[precision] / 1e12:g}"
            for precision in PRECISIONS
            for speed in (chip.peak, chip.mamf)
        )
        figures = (chip.power, chip.server_power, chip.price)
        table.add_row(chip.name, *speeds, *("-" if each is None else number(each.value) for each in figures))
    yield table
    yield ""
    yield wrapped(
        "Peaks (dense) and MAMF: Stas Bekman, Machine Learning Engineering Open Book, commit 744d01e1 of 2026-08-22, "
        "CC-BY-SA-4.0."
    )
    for chip in chips.values():
        for word, figure in (("W", chip.power), ("+ W", chip.server_power), ("USD", chip.price)):
            if figure is not None:
                yield wrapped(f"{chip.name}, {word}: {figure.source}.")
