"""A sweep from its file to its tables."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from multiprocessing import current_process
from pathlib import Path
from typing import Any

from sim.arguments import check_flag, check_function, check_whole, described
from sim.batch import journal as journals
from sim.batch.cases import Case
from sim.batch.driver import MOST_TRIES, Driver, Progress
from sim.batch.file import Sweep, load_sweep
from sim.batch.journal import Blocks, Journal
from sim.batch.manifest import NAME as MANIFEST
from sim.batch.manifest import Manifest, explain_change, refuse_other_sources
from sim.batch.states import States
from sim.batch.stop import Stop, asked_to_stop
from sim.batch.swept import Swept, as_read, failed_of, row_of
from sim.batch.tables import (
    CASES,
    PROVENANCE,
    RESULTS,
    Axis,
    write_json,
    write_tables,
)
from sim.batch.work import Resolved, Unplanned, model, plan_of, resolve_many
from sim.batch.workers import Borrowed, Flights, LocalWorkers, Workers
from sim.engine.compiled.ready import COMPILING
from sim.engine.compiled.run import Runner
from sim.errors import ExitCode, LostError, Problem, ScenarioError, SimError, UsageError
from sim.results import SCHEMA_VERSION, versions
from sim.scenario import Scenario
from sim.study.looks import cores
from sim.writing import partial_name

_AT_ONCE = 50
"""Cases that a process plans at a time: some 0.2 s."""

_FEW = 100
"""So many cases are planned where the driver is: processes would take longer to start."""


_LOOKED_AT = 20
"""Cases that show whether the engine must be compiled: some 1 ms for each."""


class StoppedError(SimError):
    """Somebody asked to stop before anything was run."""

    exit_code = ExitCode.INTERRUPTED


def run_sweep(
    sweep: Sweep | str | os.PathLike[str] | Mapping[str, Any],
    out: str | os.PathLike[str],
    *,
    executor: Executor | Workers | None = None,
    jobs: int | None = None,
    retry_failed: bool = False,
    accept_changes: bool = False,
    progress: Callable[[Progress], None] = lambda _: None,
    say: Callable[[str], None] = lambda _: None,
    stop: Stop | None = None,
) -> Swept:
    """Run what is missing of a sweep, and write its tables.

    Parameters
    ----------
    sweep : Sweep, path or dict
        From ``sim.load_sweep``, or what that takes.
    out : path
        Directory; made where it does not exist. What an earlier run left there is not run again.
    executor : concurrent.futures.Executor or Workers, optional
        Where tasks run, with as many workers as it says or ``jobs``; it is not closed. Processes of this machine
        where left out.
    jobs : int, optional
        Processes, at least 1; all cores where left out.
    retry_failed : bool
        Whether cases that failed before are tried again.
    accept_changes : bool
        Whether a sweep that is not the one that ``out`` was made by may leave out cases that are there.
    progress, say : callable
        Called with how far it is, and with what is to be told.
    stop : Stop, optional
        Asked to stop, the sweep ends as soon as it can. Where left out, signals ask (`sim.batch.stop`).

    Returns
    -------
    Swept

    Raises
    ------
    ScenarioError
        If cases are not valid; then nothing is written.
    UsageError
        If an argument is of the wrong type or out of its range; if ``out`` cannot be written, is in use, or holds
        something else.
    LostError
        If the workers are gone.
    """
    jobs = check_whole("jobs", jobs, 1)
    check_flag("retry_failed", retry_failed)
    check_flag("accept_changes", accept_changes)
    check_function("progress", progress)
    check_function("say", say)
    if not isinstance(out, (str, os.PathLike)):
        raise UsageError(f"out must be the path of a directory, not {described(out)}")
    if executor is not None and not isinstance(executor, (Executor, Workers)):
        raise UsageError(f"executor must be one of concurrent.futures, not {described(executor)}")
    if isinstance(sweep, Scenario):
        raise UsageError("sweep must be a path, a dict or a Sweep, not a Scenario: sim.run runs a single one")
    if not isinstance(sweep, Sweep):
        sweep = load_sweep(sweep)
    # What multiprocessing itself looks at: set while a new process reads the script that started it.
    if executor is None and getattr(current_process(), "_inheriting", False):
        raise UsageError(
            "a sweep was started by one of its own worker processes, which Python lets read the script that started "
            'them: put what the script does below if __name__ == "__main__":'
        )
    if stop is None:
        with asked_to_stop() as stop:
            return run_sweep(
                sweep, out, executor=executor, jobs=jobs, retry_failed=retry_failed, accept_changes=accept_changes,
                progress=progress, say=say, stop=stop,
            )  # fmt: skip
    if executor is None:
        local = LocalWorkers(jobs or cores())
        workers: Workers = local
    else:
        local = None
        workers = executor if isinstance(executor, Workers) else Borrowed(executor, jobs)
    finished = False
    try:
        refuse_directory(Path(out))
        resolved = planned_before(sweep, Path(out)) or resolve(sweep, local, jobs, stop, progress)
        with _opened(Path(out)) as journal:
            _explained(sweep, resolved, journal, accept_changes, say)
            if retry_failed:
                for identity in list(journal.content.failed):
                    journal.retried(identity)
            driver = _driven(sweep, resolved, journal, workers, progress, say, stop)
            finished = not driver.states.open
            return _finished(sweep, driver, journal)
    finally:
        if local is not None:
            local.close(now=not finished)


def refuse_directory(directory: Path) -> None:
    """Refuse a directory for results that cannot be used, before anything is planned. Writes nothing.

    Raises
    ------
    UsageError
        If it cannot be made or written to, is in use, or holds something else, or results of another Lockstep.
    """
    there = next(path for path in (directory, *directory.absolute().parents) if path.exists())
    if not there.is_dir():
        raise UsageError(f"{there}: is no directory; give another one with -o")
    if not os.access(there, os.W_OK | os.X_OK):
        raise UsageError(f"{directory}: {there} may not be written to; give another directory with -o")
    journal = directory / journals.NAME
    if not journal.exists():
        for name in (RESULTS, CASES, PROVENANCE):
            if (directory / name).exists():
                message = "does not belong to a sweep, and would be overwritten; give another -o"
                raise UsageError(f"{directory / name}: {message}")
    elif journals.at_work(journal):
        raise UsageError(journals.in_use(directory))
    before = Manifest.read(directory)
    if before is not None:
        refuse_other_sources(before, model(), versions(), journals.read(journal), directory)


@contextmanager
def _opened(directory: Path) -> Iterator[Journal]:
    """The journal of a directory, which is made, and cleared of what a driver left that was killed while it wrote."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{directory}: cannot be made: {error.strerror}; give another directory with -o") from None
    with Journal(directory / journals.NAME) as journal:
        for name in (RESULTS, CASES, PROVENANCE, MANIFEST):
            for left in directory.glob(partial_name(name, "*")):
                left.unlink(missing_ok=True)
        yield journal


def _explained(
    sweep: Sweep, resolved: Sequence[Resolved], journal: Journal, accept_changes: bool, say: Callable[[str], None]
) -> None:
    """Say what has changed since the directory was made, and write by what it is made now."""
    directory = journal.path.parent
    now = Manifest(model(), dict(versions()), as_read(sweep), tuple(resolved), sweep.base.sha256())
    before = Manifest.read(directory)
    if before is not None:
        for line in explain_change(before, now, journal.content, directory, accept_changes):
            say(line)
    if journal.content.damaged:
        say(f"{journal.path}: is damaged in {journal.content.damaged} places; what stood there is run again")
    now.write(directory)


def planned_before(sweep: Sweep, directory: Path) -> list[Resolved] | None:
    """Return the cases as an earlier start planned them, for their workers to plan again; None where none did.

    That holds for the same sweep of the same file, by the same sources.
    """
    before = Manifest.read(directory)
    if before is None or (before.model, before.base) != (model(), sweep.base.sha256()):
        return None
    if before.sweep != as_read(sweep) or len(before.cases) != len(sweep.cases):
        return None
    return [
        replace(known, plan=Unplanned(sweep.base, case.changes, sweep.seed, known.identity))
        for case, known in zip(sweep.cases, before.cases, strict=True)
    ]


def resolve(
    sweep: Sweep,
    workers: Workers | None = None,
    jobs: int | None = None,
    stop: Stop | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> list[Resolved]:
    """Plan all cases, in processes of this machine if they are many. ``progress`` hears how many are planned.

    Raises
    ------
    ScenarioError
        With what is wrong with cases that are not valid.
    """
    found: dict[int, Resolved] = {}
    wrong: list[tuple[Case, ScenarioError]] = []
    count, begun = len(sweep.cases), time.monotonic()
    for start, planned in _planned(sweep, workers, jobs):
        if stop is not None and stop.number:
            raise StoppedError(f"stopped by {signal.Signals(stop.number).name} before anything was run")
        for number, each in enumerate(planned, start):
            if isinstance(each, Resolved):
                found[number] = each
            else:
                wrong.append((sweep.cases[number], ScenarioError(list(each))))
        ready, elapsed = len(found) + len(wrong), time.monotonic() - begun
        progress(Progress(count, 0, 0, 0, elapsed, elapsed * (count - ready) / ready, 0, ready))
    if wrong:
        raise ScenarioError(sweep.problems_of(sorted(wrong, key=lambda each: each[0].index)))
    return [_asked(sweep, found[number]) for number in range(len(found))]


Planned = list[Resolved | tuple[Problem, ...]]


def _planned(sweep: Sweep, workers: Workers | None, jobs: int | None) -> Iterator[tuple[int, Planned]]:
    """Plan all cases, some at a time: number of the first, and what became of them."""
    changes = [case.changes for case in sweep.cases]
    if len(changes) <= _FEW:
        yield 0, resolve_many(sweep.base, sweep.seed, changes)
        return
    planners = LocalWorkers(jobs or cores()) if workers is None else workers
    todo = list(range(0, len(changes), _AT_ONCE))[::-1]
    deaths = 0
    try:
        flights: Flights[int] = Flights(planners)
        while todo or len(flights):
            while todo and flights.room:
                start = todo.pop()
                flights.start(start, resolve_many, sweep.base, sweep.seed, changes[start : start + _AT_ONCE])
            for start, future in flights.ended(1.0):
                try:
                    yield start, future.result()
                    deaths = 0
                except BrokenExecutor:
                    deaths += 1
                    todo.append(start)
            if deaths > MOST_TRIES * planners.alive():
                raise LostError("the processes that plan the cases die again and again")
    finally:
        if workers is None:
            planners.close(now=True)


def _asked(sweep: Sweep, case: Resolved) -> Resolved:
    """A case with the precision that the sweep asks for, where it does."""
    if sweep.half_width is not None:
        case = replace(case, half_width=sweep.half_width)
    return case if sweep.max_replications is None else replace(case, most=sweep.max_replications)


def _driven(
    sweep: Sweep, resolved: Sequence[Resolved], journal: Journal, workers: Workers,
    progress: Callable[[Progress], None], say: Callable[[str], None], stop: Stop,
) -> Driver:  # fmt: skip
    """Run what is missing."""
    started, clock = _now(), time.monotonic()
    journal.started({"host": socket.gethostname(), "started": started})
    states = States(resolved, journal.path, journal.content, sweep.replications)
    if states.open and isinstance(workers, LocalWorkers) and not _is_compiled(resolved):
        say(COMPILING)
    driver = Driver(states, journal, workers, progress, stop)
    try:
        driver.drive()
    finally:
        with suppress(UsageError):  # a disk that is full has been said already
            journal.ended(_session(driver, time.monotonic() - clock))
            journal.flush()
    return driver


def _is_compiled(resolved: Sequence[Resolved]) -> bool:
    """Whether the engine is compiled on this machine, as far as some of the cases say."""
    return all(Runner(plan_of(case.plan)).is_compiled() for case in resolved[:: len(resolved) // _LOOKED_AT + 1])


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _session(driver: Driver, seconds: float) -> dict[str, Any]:
    """What a session did, for the provenance."""
    return {
        "ended": _now(), "seconds": round(seconds, 3), "stopped_by": driver.stop.number, "tasks": driver.tasks,
        "replications": driver.replications, "workers_died": driver.deaths,
        "worker_seconds": round(driver.worker_seconds, 3), "worker_hosts": sorted(driver.hosts),
    }  # fmt: skip


def _finished(sweep: Sweep, driver: Driver, journal: Journal) -> Swept:
    """Write the tables, if all cases are done or have failed."""
    states, directory = driver.states, journal.path.parent
    failed = failed_of(states)
    if states.open:
        return Swept(sweep, directory, (), failed, (), driver.stop.number, states.done)
    rows = [row_of(states, number) for number in range(len(sweep.cases))]
    axes = [
        Axis(axis.name, [str(case.values[i]) for case in sweep.cases], [case.numbers[i] for case in sweep.cases])
        for i, axis in enumerate(sweep.axes)
    ]
    described = {"schema_version": SCHEMA_VERSION, "model_sha256": model(), "versions": versions()}
    description = described | {"sweep": sweep.as_dict()}
    blocks = Blocks(journal.path, journal.content)
    summaries = write_tables(directory, rows, axes, journal.content, blocks, description)
    write_json(directory / PROVENANCE, description | {"sessions": journal.content.sessions})
    imprecise = tuple(number for number, row in enumerate(rows) if row.reached is False)
    return Swept(sweep, directory, summaries, failed, imprecise, 0, states.done)
