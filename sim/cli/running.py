"""``sim run``: simulate a scenario, or one replication of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

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
from sim.cli.terminal import (
    ask,
    console,
    forewarn,
    going_on,
    leave,
    not_reached,
    put_json,
    time_up,
    warn,
    written_and_shown,
)
from sim.cli.tuning import tune_command
from sim.errors import UsageError

if TYPE_CHECKING:
    from sim.results import Runs
    from sim.scenario import Scenario
    from sim.scenario.units import Quantity
    from sim.study.answer import Answer
    from sim.study.statistics import Estimate


class Engine(StrEnum):
    """Names of the engines on the command line."""

    COMPILED = "compiled"
    SIMPY = "simpy"


def run(
    file: File,
    changes: Set = None,
    half_width: Half = None,
    replications: Replications = None,
    replication: Annotated[int | None, typer.Option(min=0, max=2**63 - 1, help="Run this one alone again.")] = None,
    events: Annotated[bool, typer.Option("--events", help="List the incidents of --replication.")] = False,
    engine: Annotated[Engine, typer.Option(help="The same runs, bit for bit.")] = Engine.COMPILED,
    seed: Seed = None,
    jobs: Jobs = None,
    max_time: MaxTime = None,
    as_json: Json = False,
    output: Output = None,
    done_by: Annotated[
        str | None, typer.Option(metavar="DURATION", help='Chance that the work is done by then: "60 days".')
    ] = None,
    ettr_below: Annotated[
        str | None, typer.Option(metavar="SHARE", help='Chance that one run\'s ETTR is below that: "90 %".')
    ] = None,
    quantile: Annotated[
        str | None, typer.Option(metavar="SHARE", help='That quantile of single runs, of every row: "0.9".')
    ] = None,
    series: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the periods of run.series as .parquet or .csv.")
    ] = None,
) -> None:
    """Simulate a scenario: how much of the time is useful, and where every lost hour goes."""
    precision = precision_of(replications, half_width)
    scenario = load(file, [*(changes or []), *precision])
    warn(scenario)
    if output is not None:
        check_output("-o", output, ".parquet")
    if series is not None:
        check_output("--series", series, ".parquet", ".csv")
        if scenario.run.series is None:
            raise UsageError(
                '--series needs periods: give the file [run] series = "1 day", or --set run.series="1 day"'
            )
    if events and replication is None:
        raise UsageError("--events needs --replication R: the incidents of which run?")
    if replication is not None and (replications is not None or half_width is not None or max_time is not None):
        raise UsageError("--replication runs one alone: leave out --replications, --half-width and --max-time")
    max_time_s = seconds_of(max_time)
    asked = Asked.read(scenario, done_by, ettr_below, quantile)
    forewarn([(file, scenario)], 1 if replication is not None else replications, jobs, engine is Engine.SIMPY)
    if replication is not None:
        if asked.given:
            given = "--done-by, --ettr-below and --quantile"
            raise UsageError(f"--replication runs one alone, and has no chances: leave out {given}")
        _run_one(scenario, replication, engine, seed, events, as_json, output, series)
        return
    tune = partial(tune_command, file, changes or [])
    _run_many(scenario, replications, engine, seed, jobs, max_time_s, as_json, output, series, asked, tune)


@dataclass(frozen=True)
class Asked:
    """Chances that are asked for: a time in s and a share of 1, with their words; and the quantile of single runs. None
    where not asked.
    """

    done_by: Quantity | None
    ettr_below: Quantity | None
    quantile: float | None

    @property
    def given(self) -> bool:
        """Whether any is asked for."""
        return any(each is not None for each in (self.done_by, self.ettr_below, self.quantile))

    @classmethod
    def read(cls, scenario: Scenario, done_by: str | None, ettr_below: str | None, quantile: str | None) -> Asked:
        """Read the options; what cannot be answered is refused before anything runs."""
        from sim.scenario import units
        from sim.scenario.refusal import RefusedError

        if done_by is not None and scenario.run.work is None:
            raise UsageError(
                '--done-by needs work to be done: give the file [run] work = "50 days" in place of horizon'
            )
        option = ""
        try:
            option = f'--done-by "{done_by}"'
            time = None if done_by is None else units.duration(done_by)
            option = f'--ettr-below "{ettr_below}"'
            share = None if ettr_below is None else units.fraction(_number(ettr_below))
            option = f'--quantile "{quantile}"'
            below = None if quantile is None else units.fraction(_number(quantile))
        except RefusedError as refusal:
            raise UsageError(f"{option}: {refusal}; give {refusal.allowed}") from None
        if time is not None and time <= 0:
            raise UsageError(f'--done-by "{done_by}": give a time above 0')
        if time is not None and scenario.run.give_up is not None and time > scenario.run.give_up:
            given_up = f"runs are given up after {scenario.run.give_up.written}"
            raise UsageError(
                f'--done-by "{done_by}": {given_up}: give an earlier time, or --set run.give_up="{done_by}"'
            )
        if share is not None and not 0 < share <= 1:
            raise UsageError(f'--ettr-below "{ettr_below}": give a share between 0 and 1')
        if below is not None and not 0 < below < 1:
            raise UsageError(f"{option}: give a share between 0 and 1")
        return cls(time, share, below)


def _number(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text


def _write(runs: Runs, output: Path | None, series: Path | None) -> None:
    if output is not None:
        runs.write_parquet(output)
    if series is not None:
        runs.write_series(series)


def _run_many(
    scenario: Scenario, replications: int | None, engine: Engine, seed: int | None, jobs: int | None,
    max_time_s: float | None, as_json: bool,
    output: Path | None, series: Path | None, asked: Asked, tune: Callable[[str], str],
) -> None:  # fmt: skip
    from sim.planning import build
    from sim.report.console import answer_tables, chance_lines, prospect, sentence, wrapped
    from sim.report.quantile import quantile_table
    from sim.report.questions import questions
    from sim.study.advice import advise
    from sim.study.estimate import run as estimate
    from sim.study.odds import quantiles_at
    from sim.study.outlook import Outlook

    outlook = Outlook(build(scenario, seed))
    asked_back = list(questions(scenario, outlook))
    ask(asked_back)
    out = console()
    if not as_json:
        out.print(wrapped(f"{scenario.name}: {prospect(outlook)}"))
    answer = estimate(
        scenario, replications, seed, engine=engine.value, jobs=jobs, max_time_s=max_time_s, progress=report_progress
    )

    def show() -> None:
        chances = _chances(answer, asked)
        advice = advise(answer, outlook)
        command = None if advice.tune is None else tune(advice.tune)
        if as_json:
            said = {"advice": {**advice.as_dict(), "command": command}, "questions": asked_back}
            put_json({**answer.as_dict(), **_odds(answer, chances, asked.quantile), **said})
            return
        out.print(wrapped(sentence(answer, outlook, advice)), style="bold")
        if command is not None:
            out.print("no formula knows the best interval here; to search it:")
            out.print(f"  {command}", soft_wrap=True)
        for text in chance_lines(chances, asked.done_by, asked.ettr_below):
            out.print(text)
        for part in answer_tables(answer):
            out.print(part)
        if asked.quantile is not None:
            out.print()
            out.print(quantile_table(answer, asked.quantile, quantiles_at(answer, asked.quantile)))

    written_and_shown(partial(_write, answer.runs, output, series), show, answer.interrupted)
    missed = None if answer.reached else not_reached(answer.half_width, answer.n)
    leave(answer.interrupted, time_up(answer.n) if answer.timed_out else missed)


def _chances(answer: Answer, asked: Asked) -> dict[str, Estimate | None]:
    """The chances that were asked for, by name; None for those that were not."""
    from sim.study import odds

    return {
        "done_by": None if asked.done_by is None else odds.done_by(answer, asked.done_by),
        "ettr_below": None if asked.ettr_below is None else odds.ettr_below(answer, asked.ettr_below),
    }


def _odds(answer: Answer, chances: dict[str, Estimate | None], share: float | None) -> dict[str, Any]:
    """Quantiles of single runs with their intervals, and the chances, as they stand in JSON."""
    from sim.study.odds import quantiles, quantiles_at

    asked = {} if share is None else {name: each.as_dict() for name, each in quantiles_at(answer, share).items()}
    return {
        "quantile": None if share is None else {"share": share, **asked},
        "quantiles": {
            metric: {name: each.as_dict() for name, each in found.items()}
            for metric, found in quantiles(answer).items()
        },
        "chances": {name: None if each is None else each.as_dict() for name, each in chances.items()},
    }


def report_progress(answer: Answer) -> None:
    """Say how far the answer is."""
    half = 100 * answer.ettr.half_width
    going_on(f"{answer.n} replications: ETTR {100 * answer.ettr.mean:.2f} % ±{half:.2g} points", answer.left_s)


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
        put_json(result)
        return
    out = console()
    out.print(f"{scenario.name}, replication {replication} alone, {engine.value} engine", style="bold")
    if events:
        out.print(incident_table(answer.runs, incidents))
    for part in answer_tables(answer):
        out.print(part)
