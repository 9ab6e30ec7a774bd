"""``sim validate``, ``show``, ``schema`` and ``new``: what can be said of a scenario file without running it."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import typer

from sim.cli.options import File, Files, Json, Output, Set, load
from sim.cli.terminal import ask, put, put_json, say, warn
from sim.errors import ExitCode, ScenarioError, UsageError


def validate(files: Files, changes: Set = None) -> None:
    """Say all that is wrong with scenario files and sweep files, and where."""
    from sim.planning import build
    from sim.report.questions import questions
    from sim.study.outlook import Outlook

    wrong = 0
    for file in files:
        found = _problems(file, changes)
        wrong += len(found)
        for problem in found:
            say(problem)
        if not found and _is_sweep(file):
            put(f"{file}: fine")
        elif not found:
            scenario = load(file, changes)
            warn(scenario, f"{file}: ")
            ask(questions(scenario, Outlook(build(scenario))), f"{file}: ")
            put(f"{file}: fine")
    if wrong:
        say(f"{wrong} problem{'s' if wrong > 1 else ''}")
        raise typer.Exit(ExitCode.INVALID)


def _problems(file: Path, changes: list[str] | None) -> list[str]:
    """All that is wrong with a file; planning finds what no single key is to blame for."""
    from sim.planning import build

    try:
        if _is_sweep(file):
            from sim.batch.file import load_sweep

            load_sweep(file, changes or [])
        else:
            build(load(file, changes))
    except ScenarioError as error:
        return [str(problem) for problem in error.problems]
    except UsageError as error:
        return [f"{file}: {error}"]
    return []


def _is_sweep(file: Path) -> bool:
    """Whether a file is a sweep, valid or not. Raises `ScenarioError` if it is no TOML."""
    from sim.scenario.document import parse, read_text

    keys = parse(read_text(str(file)), str(file)).data.keys()
    return "cluster" not in keys and {"scenario", "axes"} <= keys


def show(file: File, changes: Set = None, as_json: Json = False) -> None:
    """Print the resolved scenario with the source of every default, and what follows in closed form."""
    from sim.planning import build
    from sim.report.questions import questions
    from sim.report.scenario import (
        as_dict,
        counted_lines,
        implied_lines,
        model_lines,
        outlook_lines,
        resolved_lines,
        room_lines,
    )
    from sim.study.outlook import Outlook

    scenario = load(file, changes)
    warn(scenario)
    outlook = Outlook(build(scenario))
    ask(questions(scenario, outlook))
    if as_json:
        put_json(as_dict(scenario, outlook))
        return
    for line in resolved_lines(scenario):
        put(line)
    put("")
    more = (implied_lines(scenario), room_lines(scenario), model_lines(scenario))
    for line in chain(outlook_lines(outlook), counted_lines(scenario, outlook), *more):
        put(line)


def schema(sweep: Annotated[bool, typer.Option("--sweep", help="Of sweep files.")] = False) -> None:
    """Print the JSON Schema of scenario files, for editors."""
    from sim.batch.schema import json_schema as of_sweeps
    from sim.scenario import json_schema
    from sim.scenario.editor import schema_text

    print(schema_text(of_sweeps() if sweep else json_schema()), end="")


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
