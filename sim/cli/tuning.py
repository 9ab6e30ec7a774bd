"""``sim tune``: the best value of a number of a scenario, or the one that reaches a target."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.options import File, Jobs, Json, MaxTime, Replications, Seed, Set, load, seconds_of
from sim.cli.terminal import console, forewarn, leave, put_json, say
from sim.errors import UsageError

if TYPE_CHECKING:
    from sim.study.tune import Tuned


FEWEST_SETTINGS = 7
"""Points of the smallest grid that a search begins with."""


class What(StrEnum):
    """Metrics that can be tuned."""

    ETTR = "ettr"
    ETTR_HARDWARE = "ettr_hardware"


Over = Annotated[
    list[str],
    typer.Option(
        "--over", metavar="KEY",
        help='What to turn: stores.remote.every; "KEY,KEY" by the same factor; of several each "KEY=FROM..TO".',
    ),
]  # fmt: skip
From = Annotated[str | None, typer.Option("--from", metavar="VALUE", help='Begin of the range: "1 min".')]
To = Annotated[str | None, typer.Option("--to", metavar="VALUE", help='End of the range: "2 h".')]
Of = Annotated[
    What | None,
    typer.Option("--metric", help="What is to be best; if left out, ettr_hardware for spares, else ettr."),
]
Target = Annotated[
    str | None,
    typer.Option(
        "--target",
        metavar="NAME=VALUE",
        help='Find where a metric of the JSON, or a bucket, has a value: "ettr=90 %", "save_stall=1 %", "jmtti_s=3 h".',
    ),
]
Flat = Annotated[str, typer.Option("--flat", metavar="POINTS", help="A loss this small does not matter.")]


def tune(
    file: File,
    over: Over,
    low: From = None,
    high: To = None,
    metric: Of = None,
    target: Target = None,
    flat: Flat = "0.1 points",
    changes: Set = None,
    replications: Replications = None,
    seed: Seed = None,
    jobs: Jobs = None,
    max_time: MaxTime = None,
    as_json: Json = False,
) -> None:
    """Find the best value of a number of a scenario, what it is worth, and where it does not matter."""
    from sim.report.tune import sentences, tables
    from sim.report.words import broken
    from sim.study.tune import tune as search

    of, value = _target(target, metric)
    forewarn([(file, load(file, changes))], replications, jobs, settings=FEWEST_SETTINGS)
    threshold, max_time_s = _points(flat), seconds_of(max_time)
    found = search(
        file, over, low, high, changes=changes or [], metric=of, target=value,
        flat=threshold, replications=replications, seed=seed, jobs=jobs, max_time_s=max_time_s,
        progress=report_progress,
    )  # fmt: skip
    if as_json:
        put_json(found.as_dict())
    else:
        out = console()
        out.print(f"{found.scenario.name}")
        for text in sentences(found):
            out.print(text, style="bold")
        if found.changes:
            out.print("use it:")
            for line in broken(_run_command(file, changes or [], found.changes)):
                out.print(line, soft_wrap=True)
        for part in tables(found):
            out.print(part)
    leave(found.interrupted, _imprecise(found))


def _target(text: str | None, metric: What | None) -> tuple[str | None, float | None]:
    """A metric and the value to reach, such as ``ettr=90 %``, ``save_stall=1 %`` or ``jmtti_s=3 h``."""
    from sim.scenario import units
    from sim.scenario.refusal import RefusedError
    from sim.study.metrics import metric_of

    if text is None:
        return None if metric is None else metric.value, None
    name, equals, value = (part.strip() for part in text.partition("="))
    option = f'--target "{text}"'
    found = metric_of(name, option)
    if not equals:
        raise UsageError(f"{option}: write a metric and a value, such as ettr=90 % or save_stall=1 %")
    try:
        number = _number(value)
        if isinstance(number, float):
            return found.name, number
        if found.unit == "count":
            raise UsageError(f"{option}: {found.name} counts, so that its value is a number without a unit")
        return found.name, float(units.duration(value) if found.unit == "s" else units.fraction(value))
    except RefusedError as refusal:
        raise UsageError(f"{option}: {refusal}; {found.name} takes {refusal.allowed}") from None


def _number(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text


def _points(text: str) -> float:
    from sim.scenario.refusal import RefusedError
    from sim.scenario.units import points

    try:
        return float(points(text))
    except RefusedError as refusal:
        raise UsageError(f'--flat "{text}": {refusal}, {refusal.allowed}') from None


def _run_command(file: Path, changes: Sequence[str], found: Sequence[str]) -> list[str]:
    """Return the words of the command that runs a file with its changes and what was found."""
    return ["sim", "run", shlex.quote(str(file)), *(f"--set {shlex.quote(change)}" for change in (*changes, *found))]


def tune_command(file: Path, changes: Sequence[str], key: str) -> str:
    """Return the command that tunes a key of a file with these changes, as a shell takes it."""
    sets = (word for change in changes for word in ("--set", change))
    return shlex.join(["sim", "tune", str(file), "--over", key, *sets])


def report_progress(text: str) -> None:
    """Say how far the search is."""
    say(f"{text}; going on")


def _imprecise(found: Tuned) -> str | None:
    """Say that a value that is named is not known well enough; why none is named stands in the answer."""
    if not found.named:
        return ""
    if found.reached:
        return None
    if found.timed_out:
        return f"the time is up: the value is not known to {100 * found.precision:g} % yet"
    return (
        f"the value is not known to {100 * found.precision:g} %: raise run.max_replications, or take any value of its "
        "interval"
    )
