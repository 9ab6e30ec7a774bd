"""``sim explain``: what is lost and why, and what would help most."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.cli.options import (
    File,
    Half,
    Jobs,
    Json,
    MaxTime,
    Output,
    Replications,
    Seed,
    Set,
    check_output,
    load,
    precision_of,
    seconds_of,
)
from sim.cli.terminal import console, forewarn, going_on, leave, not_reached, put_json, time_up, written_and_shown

if TYPE_CHECKING:
    from pathlib import Path

    from sim.scenario import Scenario
    from sim.study.explain import Explained


def explain(
    file: File,
    changes: Set = None,
    half_width: Half = None,
    replications: Replications = None,
    seed: Seed = None,
    jobs: Jobs = None,
    max_time: MaxTime = None,
    as_json: Json = False,
    output: Output = None,
) -> None:
    """Show what is lost and why, and what halving or doubling each number would give."""
    from sim.extras import need_pictures
    from sim.report.explain import sentences, tables
    from sim.study.explain import explain as study

    precision, max_time_s = precision_of(replications, half_width), seconds_of(max_time)
    if output is not None:
        check_output("-o", output, ".png", ".svg", ".pdf")
        need_pictures(f"-o {output}")
    changes = [*(changes or []), *precision]
    scenario = load(file, changes)
    forewarn([(file, scenario)], replications, jobs, settings=_fewest_settings(scenario))
    found = study(
        file, changes=changes, replications=replications, seed=seed, jobs=jobs, max_time_s=max_time_s,
        progress=report_progress,
    )  # fmt: skip

    def draw() -> None:
        if output is not None:
            _draw(found, output)

    def show() -> None:
        if as_json:
            put_json(found.as_dict())
            return
        out = console()
        out.print(found.answer.runs.scenario.name)
        for text in sentences(found):
            out.print(text, style="bold")
        for part in tables(found):
            out.print(part)

    written_and_shown(draw, show, found.interrupted)
    more = " or a tenth of a gain"
    missed = None if found.reached else not_reached(found.half_width, found.n, more)
    leave(found.interrupted, time_up(found.n) if found.timed_out else missed)


def _fewest_settings(scenario: Scenario) -> int:
    """Return how many settings are simulated at least: some number of each source, store and pause, turned twice."""
    return 1 + 2 * (len(scenario.faults) + len(scenario.stores) + len(scenario.pauses))


def _draw(found: Explained, output: Path) -> None:
    from sim.report.tornado import write

    write(found, output)


def report_progress(found: Explained) -> None:
    """Say how far it is."""
    said = f"{found.n} replications of {found.together + 1} settings"
    if found.single:
        first, gain = found.single[0], found.single[0].best.gain
        said += f": {first.name} {100 * gain.mean:+.3g} points ±{100 * gain.half_width:.2g}"
    going_on(said, found.left_s)
