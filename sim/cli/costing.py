"""``sim efficiency``: FLOP, energy and dollars of designs, on the same faults."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.comparing import files_of, report_progress, with_variants
from sim.cli.options import (
    Half,
    Jobs,
    Json,
    MaxTime,
    Output,
    Replications,
    Seed,
    Set,
    check_output,
    precision_of,
    seconds_of,
)
from sim.cli.terminal import console, forewarn, leave, not_reached, put_json, time_up, written_and_shown
from sim.errors import UsageError

if TYPE_CHECKING:
    from sim.scenario import Scenario
    from sim.study.designs import Designs

Cases = Annotated[
    list[Path] | None,
    typer.Argument(metavar="FILE...", help="Scenario files with [efficiency]; the first is what others are held to."),
]
Variants = Annotated[
    list[str] | None,
    typer.Option("--variant", metavar="CHANGES", help='The first file with changes: "efficiency.mfu=50 %; ...".'),
]
Chips = Annotated[bool, typer.Option("--chips", help="List the chips of the catalogue.")]


def efficiency(
    files: Cases = None,
    variants: Variants = None,
    changes: Set = None,
    half_width: Half = None,
    replications: Replications = None,
    seed: Seed = None,
    jobs: Jobs = None,
    max_time: MaxTime = None,
    as_json: Json = False,
    output: Output = None,
    chips: Chips = False,
) -> None:
    """Say what designs get out of their hardware, and what it costs: FLOP, energy, dollars."""
    if chips:
        _list_chips(as_json)
        return
    from sim.extras import need_pictures

    precision, max_time_s = precision_of(replications, half_width), seconds_of(max_time)
    if not files:
        raise UsageError("efficiency needs a scenario file with [efficiency], or --chips")
    if output is not None:
        check_output("-o", output, ".png", ".svg", ".pdf")
        need_pictures(f"-o {output}")
    scenarios, names = with_variants(files, variants or [], [*(changes or []), *precision])
    forewarn(list(zip(files_of(files, variants or []), scenarios, strict=True)), replications, jobs)
    _efficiency(scenarios, names, replications, seed, jobs, max_time_s, as_json, output)


def _efficiency(
    scenarios: list[Scenario], names: list[str], replications: int | None, seed: int | None, jobs: int | None,
    max_time_s: float | None, as_json: bool, output: Path | None,
) -> None:  # fmt: skip
    from sim.report.console import wrapped
    from sim.report.efficiency import sentences, tables
    from sim.study.compare import compare
    from sim.study.designs import Designs
    from sim.study.efficiency import check

    for scenario in scenarios:
        check(scenario)
    out = console()
    if not as_json:
        for letter, name in zip("ABCDEFGHIJKLMNOP", names, strict=False):
            out.print(wrapped(f"{letter}: {name}" if len(names) > 1 else name))
    found = compare(
        *scenarios, names=names, replications=replications, seed=seed, jobs=jobs, until="precise",
        max_time_s=max_time_s,
        progress=report_progress,
    )  # fmt: skip
    designs = Designs(found)

    def draw() -> None:
        if output is not None:
            _draw(designs, output)

    def show() -> None:
        if as_json:
            put_json(designs.as_dict())
            return
        for text in sentences(designs):
            out.print(text, style="bold")
        for part in tables(designs):
            out.print(part)

    written_and_shown(draw, show, found.interrupted)
    missed = None if found.reached else not_reached(found.half_width, found.n)
    leave(found.interrupted, time_up(found.n) if found.timed_out else missed)


def _list_chips(as_json: bool) -> None:
    from sim.chips import catalogue
    from sim.report.efficiency import chip_tables

    if as_json:
        put_json({name: chip.as_dict() for name, chip in catalogue().items()})
        return
    out = console()
    for part in chip_tables(catalogue()):
        out.print(part)


def _draw(designs: Designs, output: Path) -> None:
    from sim.report.waterfall import write

    write(designs, output)
