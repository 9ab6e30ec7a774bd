"""The command ``sim``: one thin verb for each question. Data go to stdout or a file, all else to stderr."""

from __future__ import annotations

import io
import json
import os
import sys
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer

from sim.errors import ExitCode, ScenarioError, SimError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from sim.results import Runs
    from sim.scenario import Scenario
    from sim.study.answer import Answer

app = typer.Typer(
    name="sim",
    help="How much of the time of a coherent training cluster is useful, and where the rest goes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Engine(StrEnum):
    """Names of the engines on the command line."""

    COMPILED = "compiled"
    SIMPY = "simpy"


File = Annotated[Path, typer.Argument(metavar="FILE", help="A scenario file (TOML).")]
Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Scenario files (TOML).")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help='Change a key: --set stores.remote.every="10 min".'),
]
Seed = Annotated[int | None, typer.Option(min=0, help="Seed of all draws; the file's own if left out.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Output = Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write to a file.")]


def main() -> None:
    """Run the command and exit with a code of ``sim.errors.ExitCode``."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a ± that the terminal does not know must not end the run
    try:
        try:
            app(standalone_mode=True)
        finally:
            sys.stdout.flush()  # what cannot be written shows here, not when the interpreter ends
    except ScenarioError as error:
        _say(str(error))
        sys.exit(error.exit_code)
    except SimError as error:
        _say(f"sim: {error}")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        _say("sim: interrupted")
        sys.exit(ExitCode.CTRL_C)
    except SystemExit as stop:
        # Typer and rich exit with 1 where the reader of our output is gone.
        if isinstance(stop.__context__, BrokenPipeError):
            _leave()
        raise
    except BrokenPipeError:
        _leave()
    except OSError as error:
        if error.filename is not None:
            raise
        _say(f"sim: the output cannot be written: {error.strerror}")
        _leave(ExitCode.INVALID)


def _leave(code: ExitCode = ExitCode.DONE) -> NoReturn:
    """Exit where nobody reads our output any more, as in ``sim ... | head``: what is left of it goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _version(asked: bool) -> None:
    if asked:
        from sim import __version__

        print(f"lockstep-sim {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def _load(file: Path, changes: list[str] | None) -> Scenario:
    from sim.scenario import load

    return load(file, changes or [])


@app.command()
def run(
    file: File,
    changes: Set = None,
    half_width: Annotated[
        str | None, typer.Option(metavar="POINTS", help='Precision of ETTR to reach, such as "0.1 points".')
    ] = None,
    replications: Annotated[
        int | None, typer.Option(min=1, help="Run exactly so many, whatever the precision.")
    ] = None,
    replication: Annotated[int | None, typer.Option(min=0, max=2**63 - 1, help="Run this one alone again.")] = None,
    events: Annotated[bool, typer.Option("--events", help="List the incidents of --replication.")] = False,
    engine: Annotated[Engine, typer.Option(help="The same runs, bit for bit.")] = Engine.COMPILED,
    seed: Seed = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Threads; all cores if left out.")] = None,
    as_json: Json = False,
    output: Output = None,
    series: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the periods of run.series as .parquet or .csv.")
    ] = None,
) -> None:
    """Simulate a scenario: how much of the time is useful, and where every lost hour goes."""
    precision = [] if half_width is None else [f"run.precision.half_width={half_width}"]
    scenario = _load(file, [*(changes or []), *precision])
    if output is not None:
        _check_output("-o", output, ".parquet")
    if series is not None:
        _check_output("--series", series, ".parquet", ".csv")
        if scenario.run.series is None:
            raise UsageError(
                '--series needs periods: give the file [run] series = "1 day", or --set run.series="1 day"'
            )
    if events and replication is None:
        raise UsageError("--events needs --replication R: the incidents of which run?")
    if replications is not None and half_width is not None:
        raise UsageError("--replications runs exactly so many: leave out --half-width, or --replications")
    if replication is not None and (replications is not None or half_width is not None):
        raise UsageError("--replication runs one alone: leave out --replications and --half-width")
    if replication is not None:
        _run_one(scenario, replication, engine, seed, events, as_json, output, series)
        return
    _run_many(scenario, replications, engine, seed, jobs, as_json, output, series)


def _check_output(option: str, output: Path, *kinds: str) -> None:
    """Refuse now what would fail after the last replication."""
    if output.suffix not in kinds:
        raise UsageError(f"{option} {output}: results are written as {' or '.join(kinds)}")
    if output.is_dir():
        raise UsageError(f"{option} {output}: is a directory")
    if not output.parent.is_dir():
        raise UsageError(f"{option} {output}: there is no directory {output.parent}")
    if not os.access(output.parent, os.W_OK):
        raise UsageError(f"{option} {output}: {output.parent} may not be written to")


def _write(runs: Runs, output: Path | None, series: Path | None) -> None:
    if output is not None:
        runs.write_parquet(output)
    if series is not None:
        runs.write_series(series)


def _console() -> Console:
    """Standard output, 80 columns where it is no terminal. Names may hold brackets and colons: nothing is markup."""
    from rich.console import Console

    color: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"
    return Console(highlight=False, markup=False, emoji=False, color_system=color)


def _announce_compilation(engine: Engine) -> None:
    if engine == Engine.COMPILED:
        from sim.kernels._jit import is_warm

        if not is_warm():
            _say("compiling the engine; this takes about a minute, once ...")


def _run_many(
    scenario: Scenario, replications: int | None, engine: Engine, seed: int | None, jobs: int | None, as_json: bool,
    output: Path | None, series: Path | None,
) -> None:  # fmt: skip
    from sim.planning import build
    from sim.report.console import answer_tables, prospect, sentence, wrapped
    from sim.study.estimate import run as estimate
    from sim.study.outlook import Outlook

    outlook = Outlook(build(scenario, seed))
    console = _console()
    if not as_json:
        console.print(wrapped(f"{scenario.name}: {prospect(outlook)}"))
    _announce_compilation(engine)
    answer = estimate(scenario, replications, seed, engine=engine.value, jobs=jobs, progress=_report_progress)
    _write(answer.runs, output, series)
    if as_json:
        print(json.dumps(answer.as_dict(), indent=2, allow_nan=False))
    else:
        console.print(wrapped(sentence(answer, outlook)), style="bold")
        for part in answer_tables(answer):
            console.print(part)
    _exit(answer)


def _report_progress(answer: Answer) -> None:
    half = 100 * answer.ettr.half_width
    _say(f"{answer.n} replications: ETTR {100 * answer.ettr.mean:.2f} % ±{half:.2g} points; going on")


def _exit(answer: Answer) -> None:
    if answer.interrupted:
        _say("interrupted: the answer is that of the replications so far")
        raise typer.Exit(ExitCode.CTRL_C)
    if not answer.reached:
        wanted = 100 * (answer.half_width or 0.0)
        _say(
            f"the precision asked for, ±{wanted:.2g} points, was not reached in {answer.n} replications: raise "
            "run.max_replications, or ask for less"
        )
        raise typer.Exit(ExitCode.IMPRECISE)


def _run_one(
    scenario: Scenario,
    replication: int,
    engine: Engine,
    seed: int | None,
    events: bool,
    as_json: bool,
    output: Path | None,
    series: Path | None,
) -> None:
    import numpy as np

    from sim.engine.compiled.run import Runner
    from sim.engine.simpy_engine import run_one
    from sim.engine.state import MARKS
    from sim.planning import build
    from sim.report.console import answer_tables, incident_table
    from sim.results import Runs
    from sim.study.answer import Answer

    _announce_compilation(engine)
    plan = build(scenario, seed)
    marks = np.zeros((plan.periods, len(MARKS))) if plan.periods else None
    run_alone = Runner(plan).run_one if engine == Engine.COMPILED else partial(run_one, plan)
    row, incidents = run_alone(replication, marks)
    answer = Answer(
        Runs(scenario, plan, np.array([row]), engine.value, marks=None if marks is None else marks[np.newaxis])
    )
    _write(answer.runs, output, series)
    if as_json:
        result = answer.as_dict()
        if events:
            result["incidents"] = answer.runs.incidents(incidents).to_dict("records")
        print(json.dumps(result, indent=2, allow_nan=False))
        return
    console = _console()
    console.print(f"{scenario.name}, replication {replication} alone, {engine.value} engine", style="bold")
    if events:
        console.print(incident_table(answer.runs, incidents))
    for part in answer_tables(answer):
        console.print(part)


@app.command()
def validate(files: Files, changes: Set = None) -> None:
    """Say all that is wrong with scenario files, and where."""
    wrong = 0
    for file in files:
        found = _problems(file, changes)
        wrong += len(found)
        for problem in found:
            _say(problem)
        if not found:
            print(f"{file}: fine")
    if wrong:
        _say(f"{wrong} problem{'s' if wrong > 1 else ''}")
        raise typer.Exit(ExitCode.INVALID)


def _problems(file: Path, changes: list[str] | None) -> list[str]:
    """All that is wrong with a file; planning finds what no single key is to blame for."""
    from sim.planning import build

    try:
        build(_load(file, changes))
    except ScenarioError as error:
        return [str(problem) for problem in error.problems]
    except UsageError as error:
        return [f"{file}: {error}"]
    return []


@app.command()
def show(file: File, changes: Set = None, as_json: Json = False) -> None:
    """Print the resolved scenario with the source of every default, and what follows in closed form."""
    from sim.planning import build
    from sim.report.scenario import as_dict, outlook_lines, resolved_lines, room_lines
    from sim.study.outlook import Outlook

    scenario = _load(file, changes)
    outlook = Outlook(build(scenario))
    if as_json:
        print(json.dumps(as_dict(scenario, outlook), indent=2, allow_nan=False))
        return
    for line in resolved_lines(scenario):
        print(line)
    print()
    for line in (*outlook_lines(outlook), *room_lines(scenario)):
        print(line)


@app.command()
def schema() -> None:
    """Print the JSON Schema of scenario files."""
    from sim.scenario import json_schema

    print(json.dumps(json_schema(), indent=2, sort_keys=True))


@app.command()
def new(
    nodes: Annotated[int, typer.Option(min=1, help="Nodes of the cluster.")],
    mtbf: Annotated[str, typer.Option(help='Mean time between failures of one node: "6_300 h".')],
    gpus_per_node: Annotated[int, typer.Option(min=1, help="GPUs of a node.")] = 8,
    job_nodes: Annotated[int | None, typer.Option(min=1, help="Nodes of the job; the rest are hot spares.")] = None,
    checkpoint: Annotated[str | None, typer.Option(help='Size of a checkpoint: "28 TB".')] = None,
    bandwidth: Annotated[str | None, typer.Option(help='Bandwidth of the store: "2 TB/s".')] = None,
    every: Annotated[str | None, typer.Option(help='Useful work between saves: "30 min".')] = None,
    horizon: Annotated[str | None, typer.Option(help='How long the run is: "30 days".')] = None,
    output: Output = None,
) -> None:
    """Write a commented first scenario."""
    from sim.scenario import loads, starter

    given: dict[str, Any] = {
        "job_nodes": job_nodes, "checkpoint": checkpoint, "bandwidth": bandwidth, "every": every, "horizon": horizon,
    }  # fmt: skip
    text = starter(nodes, gpus_per_node, mtbf, **{name: value for name, value in given.items() if value is not None})
    loads(text, "sim new")
    if output is None:
        print(text, end="")
        return
    try:
        with output.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise UsageError(f"{output}: exists already; name another file") from None
    except OSError as error:
        raise UsageError(f"{output}: cannot be written: {error.strerror}") from None
