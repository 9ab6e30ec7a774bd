"""``sim sweep``: many cases of a scenario, on this machine or on a cluster."""

from __future__ import annotations

import signal
from dataclasses import asdict, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.answering import Answer
from sim.cli.options import Json, Replications, Seed, Set
from sim.cli.terminal import put, put_json, say
from sim.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from sim.batch.file import Sweep
    from sim.batch.stop import Stop
    from sim.batch.swept import Swept
    from sim.batch.workers import Workers


MOST_SAID = 20
"""Cases that failed and are named."""


LOGS = "slurm"
"""Directory below -o in which batch jobs write what they say."""


class Where(StrEnum):
    """Executors of the command line."""

    LOCAL = "local"
    DASK = "dask"
    SLURM = "slurm"


SweepFile = Annotated[Path, typer.Argument(metavar="FILE", help="A sweep file; with --scale a scenario file.")]
Out = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="DIRECTORY", help="Where results go, and are gone on with.")
]
Executor = Annotated[Where, typer.Option(help="Where the cases run.")]
Scheduler = Annotated[
    str | None, typer.Option(metavar="ADDRESS|FILE", help="Dask's scheduler: tcp://host:8786, or its scheduler file.")
]
Processes = Annotated[int | None, typer.Option(min=1, help="Local processes; all cores if left out.")]
Dry = Annotated[bool, typer.Option("--dry-run", help="Say what would run, and how long; run nothing.")]
Status = Annotated[bool, typer.Option("--status", help="Say how far the sweep in -o is.")]
Again = Annotated[bool, typer.Option("--retry-failed", help="Run cases again that failed.")]
Accept = Annotated[
    bool, typer.Option("--accept-changes", help="Go on although the file has changed, and cases are dropped.")
]
Scale = Annotated[bool, typer.Option("--scale", help="Sweep a scenario from 1,000 to 1,000,000 GPUs.")]
Plot = Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the summary as .png, .svg or .pdf.")]
AcrossX = Annotated[str | None, typer.Option("--x", metavar="AXIS", help="Axis along the columns.")]
AcrossY = Annotated[str | None, typer.Option("--y", metavar="AXIS", help="Axis along the rows.")]


def sweep(
    file: SweepFile,
    output: Out = None,
    executor: Executor = Where.LOCAL,
    scheduler: Scheduler = None,
    jobs: Processes = None,
    dry_run: Dry = False,
    status: Status = False,
    retry_failed: Again = False,
    accept_changes: Accept = False,
    scale: Scale = False,
    changes: Set = None,
    replications: Replications = None,
    seed: Seed = None,
    plot: Plot = None,
    x: AcrossX = None,
    y: AcrossY = None,
    as_json: Json = False,
) -> None:
    """Run many cases of a scenario; whatever dies, the same command goes on with what is missing."""
    if (scheduler is None) == (executor is Where.DASK):
        raise UsageError("--executor dask needs --scheduler ADDRESS|FILE, and nothing else does")
    if jobs is not None and executor is not Where.LOCAL:
        raise UsageError(f"--jobs counts local processes: leave it out beside --executor {executor.value}")
    if dry_run and status:
        raise UsageError("--dry-run and --status: give one of them")
    what = _loaded(file, scale, changes or [], replications, seed)
    answer = Answer(plot, x, y, scale, as_json)
    answer.check(what)
    if dry_run:
        _dry_run(what, output, executor, jobs, as_json)
        return
    if output is None:
        raise UsageError("-o is missing: the directory for results, which the same command goes on with")
    if status:
        from sim.batch.status import status as status_of

        answer.show_status(status_of(what, output))
        return
    from sim.batch.stop import asked_to_stop

    with asked_to_stop() as stop:
        _sweep(what, output, executor, scheduler, jobs, retry_failed, accept_changes, answer, stop)


def _loaded(file: Path, scale: bool, changes: list[str], replications: int | None, seed: int | None) -> Sweep:
    from sim.batch.file import load_sweep
    from sim.batch.scale import scale_sweep

    what = scale_sweep(file, changes) if scale else load_sweep(file, changes)
    if replications is not None:
        what = replace(what, replications=replications, half_width=None, max_replications=replications)
    return what if seed is None else replace(what, seed=seed)


def _sweep(
    what: Sweep, output: Path, executor: Where, scheduler: str | None, jobs: int | None,
    retry_failed: bool, accept_changes: bool, answer: Answer, stop: Stop,
) -> None:  # fmt: skip
    from sim.batch.sweep import run_sweep
    from sim.cli.progress import Shown

    workers = _workers(what, executor, scheduler, output)
    try:
        with Shown() as shown:
            swept = run_sweep(
                what, output, executor=workers, jobs=jobs, retry_failed=retry_failed, accept_changes=accept_changes,
                progress=shown.update, say=say, stop=stop,
            )  # fmt: skip
    finally:
        if workers is not None:
            workers.close(now=True)
    answer.show(swept)
    _leave(swept)


def _workers(what: Sweep, executor: Where, scheduler: str | None, output: Path) -> Workers | None:
    """Workers of a cluster; None for processes of this machine."""
    if executor is Where.LOCAL:
        return None
    from sim.batch import clusters

    if scheduler is not None:
        return clusters.connect(scheduler)
    return clusters.slurm(what.slurm, output / LOGS)


def _dry_run(what: Sweep, output: Path | None, executor: Where, jobs: int | None, as_json: bool) -> None:
    from sim.batch.forecast import forecast
    from sim.batch.status import not_done
    from sim.batch.sweep import resolve
    from sim.cli.progress import Shown
    from sim.report.sweep import case_lines, forecast_lines

    with Shown() as shown:
        cases = resolve(what, jobs=jobs, progress=shown.update)
    missing = cases if output is None else not_done(cases, output, what.replications)
    found = forecast(missing, what.replications)
    script = _batch_script(what, output) if executor is Where.SLURM else None
    if as_json:
        listed = [{"case": case.index, "changes": list(case.changes)} for case in what.cases]
        put_json({**asdict(found), "batch_script": script, "listed": listed})
        return
    for line in case_lines(what):
        put(line)
    if len(missing) < len(cases):
        put(f"{len(cases) - len(missing):,} of {len(cases):,} cases are done in {output}; of the others:")
    for line in forecast_lines(found):
        put(line)
    if script is not None:
        put(f"\n{script}")


def _batch_script(what: Sweep, output: Path | None) -> str | None:
    """Return the batch script that would be submitted; None where what writes it is not installed, which is said."""
    from sim.batch import clusters
    from sim.extras import MissingExtraError

    try:
        return clusters.job_script(what.slurm, (output or Path()) / LOGS)
    except MissingExtraError as missing:
        say(f"the batch script is not shown: {missing}")
        return None


def _leave(swept: Swept) -> None:
    """Exit with what became of the sweep."""
    if swept.stopped:
        name = signal.Signals(swept.stopped).name
        say(f"stopped by {name}: {swept.done:,} of {len(swept.sweep.cases):,} cases are done; the same command goes on")
        raise typer.Exit(ExitCode.CTRL_C if swept.stopped == signal.SIGINT else ExitCode.INTERRUPTED)
    if swept.failed:
        say(f"{len(swept.failed):,} of {len(swept.sweep.cases):,} cases failed; --retry-failed runs them again:")
        for number, why in list(swept.failed.items())[:MOST_SAID]:
            say(f"  case {number}: {', '.join(swept.sweep.cases[number].changes)}: {why}")
        raise typer.Exit(ExitCode.CASES_FAILED)
    if swept.imprecise:
        say(
            f"{len(swept.imprecise):,} of {len(swept.sweep.cases):,} cases did not reach their precision: raise "
            "max_replications, or ask for less"
        )
        raise typer.Exit(ExitCode.IMPRECISE)
