"""Replications until an answer is precise enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from sim.arguments import check_function, check_share, check_time, check_whole, check_word
from sim.engine.compiled.run import Runner
from sim.engine.inputs import PARTNER
from sim.engine.state import MARKS, ROW, Floats
from sim.planning import build
from sim.results import Records, Runs
from sim.scenario import Overrides, Source, scenario_of
from sim.study.answer import Answer
from sim.study.looks import cores, look

MOST_PAIRS = 512
"""Pairs of runs with the same uncertain inputs, at most: they give the inputs' share of the variance to about 1/20."""

Engine = Literal["compiled", "simpy"]


def run(
    scenario: Source,
    replications: int | None = None,
    seed: int | None = None,
    half_width: float | None = None,
    *,
    engine: Engine = "compiled",
    jobs: int | None = None,
    changes: Overrides = (),
    max_time_s: float | None = None,
    progress: Callable[[Answer], None] | None = None,
) -> Answer:
    """Simulate a scenario: a number of replications, or until ETTR is as precise as asked.

    Parameters
    ----------
    scenario : Scenario, path or dict
        From ``sim.load``, the path of its file, or parsed TOML.
    replications : int, optional
        Run exactly so many, at least 1, whatever the precision. Where inputs are uncertain, up to ``MOST_PAIRS`` runs
        more say how much of the spread comes from them.
    seed : int, optional
        Seed >= 0; the scenario's own where left out.
    half_width : float, optional
        Half width of the interval of ETTR to reach, as a fraction (0.001 is 0.1 points); the scenario's own where
        left out. The interval is looked at after 32, 64, 128, ... replications, up to the scenario's
        ``max_replications``.
    engine : {"compiled", "simpy"}
        The same runs, bit for bit; SimPy is some hundred times slower.
    jobs : int, optional
        Threads of the compiled engine; all cores where left out.
    changes : dict or list of str
        As the overrides of ``sim.load``.
    max_time_s : float, optional
        Time to simulate, s, above 0, from the end of the first replication on (compiling does not count): then the
        answer is what is known so far, and ``timed_out``.
    progress : callable, optional
        Called with the answer so far at every look that is not the last.

    Returns
    -------
    Answer
        ``reached`` says whether the precision was reached. Interrupted by Ctrl-C after the first look, it is the
        answer so far.

    Raises
    ------
    UsageError
        If an argument is of the wrong type or out of its range, or no engine has this name.
    ScenarioError
        If the scenario is not valid.
    """
    replications, half_width = (
        check_whole("replications", replications, 1),
        check_share("half_width", half_width),
    )
    seed, jobs = check_whole("seed", seed, 0), check_whole("jobs", jobs, 1)
    check_word("engine", engine, get_args(Engine))
    max_time_s = check_time("max_time_s", max_time_s)
    check_function("progress", progress)
    scenario = scenario_of(scenario, changes)
    plan = build(scenario, seed)
    wanted = None if replications is not None else half_width or scenario.run.precision.half_width
    most = replications or scenario.run.max_replications
    runner = Runner(plan, jobs or cores())

    def more(first: int, count: int, marks: Floats | None = None) -> Records:
        if engine == "compiled":
            return runner.run(first, count, marks)
        from sim.engine.simpy_engine import run_one

        room = [None] * count if marks is None else marks
        return np.array([run_one(plan, first + i, each)[0] for i, each in enumerate(room)], dtype=ROW)

    runs = Runs(scenario, plan, np.zeros(0, ROW), engine)

    def extend(first: int, count: int) -> None:
        nonlocal runs
        marks = np.zeros((count, plan.periods, len(MARKS))) if plan.periods else None
        rows = np.concatenate([runs.rows, more(first, count, marks)])
        if runs.marks is not None and marks is not None:
            marks = np.concatenate([runs.marks, marks])
        runs = replace(runs, rows=rows, marks=marks)

    answer = look(
        extend, lambda n, last: Answer(runs, wanted), most, lambda each: wanted is not None and each.reached, progress,
        max_time_s,
    )  # fmt: skip
    try:
        if plan.uncertain and answer.n > 1 and not answer.interrupted and not answer.timed_out:
            answer = replace(answer, partners=more(PARTNER, min(answer.n, MOST_PAIRS)))
    except KeyboardInterrupt:
        answer = replace(answer, interrupted=True)
    return answer
