"""``sim compare``: scenarios side by side on the same faults, and beside what was observed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.options import Half, Jobs, Json, MaxTime, Replications, Seed, Set, load, precision_of, seconds_of
from sim.cli.terminal import console, forewarn, going_on, leave, not_reached, put_json, time_up
from sim.errors import UsageError

if TYPE_CHECKING:
    from sim.scenario import Scenario
    from sim.study.compare import Comparison
    from sim.study.observed import Residual

Cases = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="Scenario files (TOML); the first is what others are held to.")
]
Variants = Annotated[
    list[str] | None,
    typer.Option(
        "--variant",
        metavar="CHANGES",
        help='The first file with changes: "stores.remote.every=20 min; job.nodes=9".',
    ),
]
Observed = Annotated[Path | None, typer.Option(metavar="CSV", help="Ledger of a real run: bucket,hours of wall clock.")]


def compare(
    files: Cases,
    variants: Variants = None,
    changes: Set = None,
    half_width: Half = None,
    replications: Replications = None,
    observed: Observed = None,
    seed: Seed = None,
    jobs: Jobs = None,
    max_time: MaxTime = None,
    as_json: Json = False,
) -> None:
    """Compare scenarios on the same faults: which is better, by how much, and where the difference comes from."""
    from sim.study.observed import FEWEST_RUNS, read_observed

    precision, max_time_s = precision_of(replications, half_width), seconds_of(max_time)
    if len(files) + len(variants or []) < 2 and observed is None:
        raise UsageError('compare needs a second file, a --variant "KEY=VALUE", or --observed with a real ledger')
    ledger = None if observed is None else read_observed(observed)
    scenarios, names = with_variants(files, variants or [], [*(changes or []), *precision])
    if ledger is not None and replications is None and half_width is None:
        replications = FEWEST_RUNS
    forewarn(list(zip(files_of(files, variants or []), scenarios, strict=True)), replications, jobs)
    _compare(scenarios, names, replications, seed, jobs, max_time_s, ledger, as_json)


def with_variants(files: list[Path], variants: list[str], changes: list[str]) -> tuple[list[Scenario], list[str]]:
    """The scenarios of files with changes, and variants of the first; and what each is called."""
    scenarios = [load(file, changes) for file in files]
    names = [scenario.name for scenario in scenarios]
    for variant in variants:
        parts = split_changes(variant)
        check_names(scenarios[0], parts)
        scenarios.append(load(files[0], [*changes, *parts]))
        names.append("; ".join(parts))
    return scenarios, names


def files_of(files: list[Path], variants: list[str]) -> list[Path]:
    """Return the file that each of the scenarios of ``with_variants`` comes from."""
    return [*files, *files[:1] * len(variants)]


def split_changes(text: str) -> list[str]:
    """The changes of a variant, which semicolons part outside of quotes."""
    parts, quote = [""], ""
    for char in text:
        if char == ";" and not quote:
            parts.append("")
            continue
        if char in "\"'" and quote in ("", char):
            quote = "" if quote else char
        parts[-1] += char
    found = [part.strip() for part in parts]
    if not all(found):
        raise UsageError(f'--variant "{text}": a change is missing beside a ";"')
    return found


def check_names(base: Scenario, changes: list[str]) -> None:
    """Refuse a value in what is not there: it would add a store, a source or a stage, and compare with that."""
    from sim.scenario.positions import split_key
    from sim.study.knobs import not_there

    for change in changes:
        path = split_key(change.partition("=")[0].strip()) or ()
        said = not_there(base, path)
        if said:
            raise UsageError(f'--variant "{change}": {said}')


def _compare(
    scenarios: list[Scenario], names: list[str], replications: int | None, seed: int | None, jobs: int | None,
    max_time_s: float | None,
    ledger: dict[str, float] | None, as_json: bool,
) -> None:  # fmt: skip
    from sim.report.compare import tables, verdicts
    from sim.report.console import wrapped
    from sim.study.compare import compare

    out = console()
    if not as_json:
        for letter, name in zip("ABCDEFGHIJKLMNOP", names, strict=False):
            out.print(wrapped(f"{letter}: {name}"))
    found = compare(
        *scenarios, names=names, replications=replications, seed=seed, jobs=jobs, max_time_s=max_time_s,
        progress=report_progress,
    )  # fmt: skip
    residuals = [] if ledger is None else _residuals(found, ledger)
    if as_json:
        calibration = [
            {"name": name, "buckets": [each.as_dict() for each in case]}
            for name, case in zip(names, residuals, strict=False)
        ]
        result = {**found.as_dict(), "calibration": calibration or None}
        put_json(result)
    else:
        for text in verdicts(found):
            out.print(text, style="bold")
        for part in tables(found):
            out.print(part)
        _print_residuals(names, residuals, [case.n for case in found.cases])
    missed = None if found.told else not_reached(found.half_width, found.n, " or a clear verdict")
    leave(found.interrupted, time_up(found.n) if found.timed_out else missed)


def _residuals(found: Comparison, ledger: dict[str, float]) -> list[list[Residual]]:
    from sim.study.observed import residuals

    return [residuals(case, ledger) for case in found.cases]


def _print_residuals(names: list[str], found: list[list[Residual]], counts: list[int]) -> None:
    from sim.report.compare import residual_table

    out = console()
    for name, case, n in zip(names, found, counts, strict=False):
        out.print("")
        for part in residual_table(name, case, n):
            out.print(part)


def report_progress(found: Comparison) -> None:
    """Say how far the differences are."""
    said = "; ".join(
        f"{letter} {100 * each.ettr.mean:+.3g} points ±{100 * each.ettr.half_width:.2g}"
        for letter, each in zip("BCDEFGHIJKLMNOP", found.differences, strict=False)
    )
    said = said or f"ETTR ±{100 * found.cases[0].ettr.half_width:.2g} points"
    going_on(f"{found.n} replications: {said}", found.left_s)
