"""A resolved scenario as a person reads it: the file with nothing left out, and what follows from it."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from sim.report.questions import questions
from sim.report.words import WIDTH, duration, percent, size
from sim.scenario import Entry, Scenario, units
from sim.scenario.implied import implied
from sim.scenario.toml import toml_lines
from sim.study.gaps import Gap
from sim.study.levels import Level
from sim.study.outlook import Outlook
from sim.study.spares import Spares


def resolved_lines(scenario: Scenario) -> Iterator[str]:
    """The resolved scenario in the form of its file: as written, in SI units, and where each default comes from."""
    return toml_lines(scenario.name, scenario.entries, _noted)


def _noted(setting: str, entry: Entry) -> Iterator[str]:
    """A line with what it means in SI units and where it comes from, in a comment of several lines if it is long."""
    notes = []
    if entry.unit in ("s", "bytes", "bytes/s", "1/s") and isinstance(entry.si, float):
        notes.append(f"{entry.si:g} {entry.unit}")
    if entry.default:
        notes.append(f"default: {entry.source}")
    note = "; ".join(notes)
    if not note:
        yield setting
        return
    first, *rest = textwrap.wrap(note, max(WIDTH - max(len(setting), 32) - 4, 24)) or [""]
    yield f"{setting:<32}  # {first}"
    for line in rest:
        yield f"{'':<{max(len(setting), 32)}}  # {line}"


def room_lines(scenario: Scenario) -> Iterator[str]:
    """Room that each store needs: the versions that it keeps, and those that are being written."""
    for name, store in scenario.stores.items():
        if scenario.job.checkpoint is None:
            continue
        room = f"{store.keep} kept and {store.in_flight or 'any number'} in flight"
        copies = store.place.partners + 1
        if store.in_flight:
            room += f": {size((store.keep + store.in_flight) * copies * scenario.job.checkpoint)}"
        each = f"{size(scenario.job.checkpoint)} each{f' on {copies} nodes' if copies > 1 else ''}"
        yield f"Room in stores.{name}: {room}, of {each}"


def model_lines(scenario: Scenario) -> Iterator[str]:
    """What follows from the model and MFU: the speed of the job, the step, and work in seconds."""
    design = scenario.efficiency
    if design is None:
        return
    gpus = scenario.job.nodes * scenario.cluster.gpus_per_node
    said = f"{gpus:,} GPUs x {design.peak / 1e12:g} TFLOP/s x MFU {percent(design.mfu, 2)}"
    yield f"Speed of the job at ETTR 1: {gpus * design.speed / 1e18:.4g} exaflop/s = {said}"
    if design.model is not None and design.model.batch_tokens is not None and scenario.job.step is not None:
        tokens, flops = design.model.batch_tokens, design.model.flops_per_token
        yield f"Step: {duration(scenario.job.step)} for {tokens:,.0f} tokens of {flops:.4g} FLOP"
    work = scenario.run.work
    if work is not None and not _is_duration(work.written):
        yield f"Work: {work.written} are {duration(work)} at full speed"


def implied_lines(scenario: Scenario) -> Iterator[str]:
    """What names of the file imply, and a warning where it matters."""
    for number, each in enumerate(implied(scenario)):
        if number == 0:
            yield "What names imply"
        yield from textwrap.wrap(f"{each.key} is {each.means}.", WIDTH, initial_indent="  - ", subsequent_indent="    ")
        if each.matters is not None:
            said = f"warning: {each.matters}"
            yield from textwrap.wrap(said, WIDTH, initial_indent="    ", subsequent_indent="    ")


def _is_duration(text: str) -> bool:
    return not (units.is_tokens(text) or units.is_flop(text) or units.is_steps(text))


def outlook_lines(outlook: Outlook) -> Iterator[str]:
    """What follows from the scenario in closed form, and which assumptions it breaks."""
    yield "What follows, in closed form"
    yield f"  job MTBF (any fault that stops the job): {duration(outlook.job_mtbf_s)}"
    for name, mtbf in outlook.mtbf_by_cause_s.items():
        yield f"    {name}: {duration(mtbf)}{_uncertainty(outlook, name)}"
    if outlook.rate > 0:
        yield f"  mean time from a fault to the next step: {duration(outlook.recovery_s)}"
    if outlook.spares.sentence:
        yield from textwrap.wrap(outlook.spares.sentence, WIDTH, initial_indent="  ", subsequent_indent="    ")
        if outlook.spares.least is not None:
            yield f"  least number of spares for at most 1 % of waiting: {outlook.spares.least}"
    if outlook.save_cost_s is not None:
        yield f"  cost of a save: {duration(outlook.save_cost_s)}"
    if outlook.interval_s is not None and outlook.rate > 0:
        yield f"  interval in this file: {duration(outlook.interval_s)}, long-run ETTR {_share(outlook.ettr)}"
    for level in outlook.levels:
        yield from _level(level)
    for name, interval in outlook.intervals_s.items():
        yield f"  best interval, {name}: {duration(interval)}, long-run ETTR {_share(outlook.ettr_at(interval))}"
    if outlook.first_order_ettr is not None:
        exact = "" if outlook.levels else f"; exact formula: {_share(outlook.ettr)}"
        yield f"  first-order ETTR: {_share(outlook.first_order_ettr)}{exact}"
    for title, said in (
        ("What the exact formula leaves out here", [_gap(gap) for gap in outlook.gaps]),
        ("What the first-order formulas leave out beyond that", outlook.first_order_broken),
    ):
        if said:
            yield title
        for text in said:
            yield from textwrap.wrap(text, WIDTH, initial_indent="  - ", subsequent_indent="    ")


def counted_lines(scenario: Scenario, outlook: Outlook) -> Iterator[str]:
    """Counts on another clock than the source's, converted with the share of the time that the job trains."""
    values = {entry.path: entry.si for entry in scenario.entries}
    share = outlook.training_share
    longer = 1 / share if share > 0 else math.inf
    spans = {"wall": ("wall clock", share, "training"), "training": ("training", longer, "wall clock")}
    counted = [(name, source.counted_on) for name, source in scenario.faults.items() if source.counted_on is not None]
    for number, (name, clock) in enumerate(counted):
        if number == 0:
            yield "Counts on another clock than the source's"
        path = ("faults", name, "observed")
        events, over, (here, factor, there) = values[*path, "events"], values[*path, "over"], spans[clock]
        text = (
            f"faults.{name}: {events:g} in {duration(over)} of {here} are {events:g} in {duration(factor * over)} of "
        )
        text += f"{there}: the job trains or saves {percent(share, 1)} of the time, by the closed form."
        yield from textwrap.wrap(text, WIDTH, initial_indent="  - ", subsequent_indent="    ")


def _gap(gap: Gap) -> str:
    """Say what is left out, and what that can do."""
    if gap.bound is None or gap.bound >= 1:
        return gap.text
    return f"{gap.text} At most {math.ceil(1e5 * gap.bound) / 1e3:g} points of ETTR."


def _level(level: Level) -> Iterator[str]:
    """One of several stores in closed form."""
    yield f"  stores.{level.name}: every {duration(level.interval_s)}, a save costs {duration(level.cost_s)}"
    if level.rate > 0:
        best = level.best_interval_s
        better = "" if best is None else f"; best interval, first order: {duration(best)}"
        yield f"    restored from after a fault every {duration(1 / level.rate)}{better}"
    else:
        yield "    no single fault leaves it as the fastest store with a version"


def _uncertainty(outlook: Outlook, source: str) -> str:
    """The range of an uncertain source's MTBF."""
    if source not in outlook.uncertain_mtbf_s:
        return ""
    low, high = outlook.uncertain_mtbf_s[source]
    return f", uncertain: {duration(low)} to {duration(high)} (5 to 95 %)"


def _share(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "-"
    return percent(value, 2) if value >= 0 else "below 0: it does not apply here"


def _known(spares: Spares, value: float) -> float | None:
    """A figure of the spares; None where no closed form gives it, or it is infinite."""
    return value if spares.closed and math.isfinite(value) else None


def as_dict(scenario: Scenario, outlook: Outlook) -> dict[str, Any]:
    """The same for programs."""
    spares = outlook.spares
    return {
        "scenario": scenario.resolved(),
        "scenario_sha256": scenario.sha256(),
        "implied": [{"key": each.key, "means": each.means, "matters": each.matters} for each in implied(scenario)],
        "unused_keys": [asdict(unused) for unused in scenario.unused],
        "step_s": scenario.job.step,
        "work_s": scenario.run.work,
        "questions": list(questions(scenario, outlook)),
        "entries": [
            {
                "key": ".".join(entry.path), "written": entry.written, "si": entry.si, "unit": entry.unit,
                "default": entry.default, "source": entry.source,
            }
            for entry in scenario.entries
        ],
        "outlook": {
            "job_mtbf_s": outlook.job_mtbf_s if math.isfinite(outlook.job_mtbf_s) else None,
            "mtbf_by_cause_s": outlook.mtbf_by_cause_s,
            "uncertain_mtbf_s": {name: {"p5": p5, "p95": p95} for name, (p5, p95) in outlook.uncertain_mtbf_s.items()},
            "training_share": outlook.training_share,
            "recovery_s": outlook.recovery_s if math.isfinite(outlook.recovery_s) else None,
            "save_cost_s": outlook.save_cost_s,
            "interval_s": outlook.interval_s,
            "best_intervals_s": outlook.intervals_s,
            "stores": [
                {
                    "name": level.name, "interval_s": level.interval_s, "save_cost_s": level.cost_s,
                    "rate_per_s": level.rate, "best_interval_s": level.best_interval_s,
                }
                for level in outlook.levels
            ],
            "ettr": outlook.ettr,
            "ettr_at_best_intervals": {name: outlook.ettr_at(t) for name, t in outlook.intervals_s.items()},
            "first_order_ettr": outlook.first_order_ettr,
            "spares": {
                "nodes": spares.nodes, "in_repair": _known(spares, spares.in_repair),
                "shortage": _known(spares, spares.shortage), "crews_busy": _known(spares, spares.crews_busy),
                "least_for_1_percent": spares.least,
            },
            "broken": outlook.broken,
            "broken_bounds": [gap.bound if gap.bound is None or gap.bound < 1 else None for gap in outlook.gaps],
            "ettr_stands": outlook.holds,
            "first_order_broken": outlook.first_order_broken,
        },
    }  # fmt: skip
