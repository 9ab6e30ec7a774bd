"""What a worker does: pieces of cases, as pure functions. A task may run twice, anywhere: it gives the same bytes."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import pickle
import signal
import socket
import threading
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from multiprocessing import parent_process
from multiprocessing.connection import wait
from pathlib import Path

import numpy as np

from sim.batch.stop import ASKS_TO_STOP
from sim.engine.compiled.run import Runner
from sim.errors import Problem, ScenarioError, UsageError
from sim.plan import Plan
from sim.planning import build
from sim.results import SCHEMA_VERSION, columns_of, versions
from sim.scenario import Base, Scenario
from sim.scenario.entries import nested

_PACKAGE = Path(__file__).resolve().parent.parent
_MODEL = ("kernels", "engine", "scenario", "theory", "plan.py", "results.py", *(
    path.name for path in sorted(_PACKAGE.glob("planning*.py"))
))  # fmt: skip
"""What results depend on: a change in any of these may change them."""

_OF_THE_ANSWER = ("seed", "precision", "confidence", "max_replications")
"""Keys of ``[run]`` on which no replication depends, or that are given beside the scenario."""


@dataclass(frozen=True)
class Piece:
    """Replications ``first`` to ``first + count - 1`` of a case."""

    case: int
    first: int
    count: int

    def cut(self, count: int) -> tuple[Piece, tuple[Piece, ...]]:
        """Return the first ``count`` replications, or all if they are fewer, and what is left, if anything is."""
        count = min(count, self.count)
        rest = Piece(self.case, self.first + count, self.count - count)
        return Piece(self.case, self.first, count), (rest,) if rest.count else ()


@dataclass(frozen=True)
class Unplanned:
    """A case that its worker plans: a base with changes, the seed, and the case's identity, which must come out."""

    base: Base
    changes: tuple[str, ...]
    seed: int | None
    identity: str


@dataclass(frozen=True)
class Task:
    """Pieces that one worker does in turn, each with its plan; ``model`` is that of the driver.

    After so many ``seconds`` the worker begins no other replication, and gives back what is left.
    """

    model: str
    pieces: tuple[Piece, ...]
    plans: tuple[bytes | Unplanned, ...]
    seconds: float = math.inf


@dataclass(frozen=True)
class Block:
    """Pieces whose replications have the same columns: ``data`` holds the columns one after another, compressed,
    each with the replications of all pieces in turn, as float64.
    """

    columns: tuple[str, ...]
    pieces: tuple[Piece, ...]
    data: bytes


@dataclass(frozen=True)
class Done:
    """What a task leaves: blocks, the cases that failed with the reason, how long it took, s, where, and what of it was
    not run as its time was up.
    """

    blocks: tuple[Block, ...]
    failed: tuple[tuple[int, str], ...]
    seconds: float
    host: str
    left: tuple[Piece, ...] = ()


@dataclass(frozen=True)
class Resolved:
    """A case that can be run.

    Parameters
    ----------
    identity : str
        From `identity`.
    plan : bytes or Unplanned
        See `plan_of`.
    confidence, half_width : float
        Of the interval of ETTR that the scenario asks for; the half width as a share of 1.
    most : int
        Most replications.
    faults : float
        Faults that a replication is expected to have, about: a measure of its cost. 0 only where nothing fails.
    """

    identity: str
    plan: bytes | Unplanned
    confidence: float
    half_width: float
    most: int
    faults: float


@cache
def model() -> str:
    """Hash of the sources and versions that results depend on: runs of others are never mixed with these."""
    digest = hashlib.sha256(json.dumps(dict(versions())).encode())
    for part in _MODEL:
        here = _PACKAGE / part
        for path in sorted(here.rglob("*.py")) if here.is_dir() else [here]:
            digest.update(path.relative_to(_PACKAGE).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def identity(scenario: Scenario, seed: int) -> str:
    """SHA-256 of all that a replication depends on: the resolved scenario, the seed, the version of results."""
    entries = [each for each in scenario if not _of_the_answer(each.path)]
    what = {
        "scenario": nested(entries, si=True), "step_s": scenario.job.step, "seed": seed, "schema": SCHEMA_VERSION,
    }  # fmt: skip
    text = json.dumps(what, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _of_the_answer(path: tuple[str, ...]) -> bool:
    """Whether no replication depends on a key. Of `[efficiency]` the step counts, which stands beside the others."""
    return path[0] == "efficiency" or (path[0] == "run" and path[1] in _OF_THE_ANSWER)


def resolved(scenario: Scenario, seed: int | None) -> Resolved:
    """Plan a case. Raises `ScenarioError` where the scenario cannot be planned."""
    plan = build(scenario, seed)
    packed = zlib.compress(pickle.dumps(plan, protocol=pickle.HIGHEST_PROTOCOL), 1)
    run = scenario.run
    wanted = run.confidence, run.precision.half_width, run.max_replications
    return Resolved(identity(scenario, plan.seed), packed, *wanted, _expected_faults(plan))


def resolve_many(
    base: Base, seed: int | None, changes: Sequence[Sequence[str]]
) -> list[Resolved | tuple[Problem, ...]]:
    """Plan cases of a base, each with its changes; of those that cannot be, what is wrong with them."""
    found: list[Resolved | tuple[Problem, ...]] = []
    for each in changes:
        try:
            found.append(resolved(base.scenario(each), seed))
        except ScenarioError as error:
            found.append(tuple(error.problems))
    return found


def plan_of(plan: bytes | Unplanned) -> Plan:
    """Return the plan of a case, which `resolved` packed, or which is made now.

    What is packed goes from process to process, and is never read from a file.

    Raises
    ------
    ValueError
        If the case is not the one that was planned before.
    """
    if isinstance(plan, Unplanned):
        scenario = plan.base.scenario(plan.changes)
        made = build(scenario, plan.seed)
        if identity(scenario, made.seed) != plan.identity:
            raise ValueError("is planned otherwise than when the sweep was started; give another directory with -o")
        return made
    found: Plan = pickle.loads(zlib.decompress(plan))
    return found


def _expected_faults(plan: Plan) -> float:
    """Faults of a replication, about: what a case costs grows with them."""
    length = plan.horizon if math.isinf(plan.work) else 2 * plan.work
    rate = 0.0
    for lane in plan.lanes:
        if lane.life >= 0:
            rate += lane.slots * plan.sources[lane.source].rate
        elif lane.mean > 0:
            rate += 1 / lane.mean
    if not plan.lanes:
        return 0.0
    return max(length * rate, 1e-6) if math.isfinite(rate) else 1e-6


def run_task(task: Task) -> Done:
    """Run the pieces of a task, at least one replication.

    A case that raises is reported as failed and costs the others nothing; what may be the worker's fault (memory, a
    full disk) is raised.

    Raises
    ------
    UsageError
        If the worker's sources are not the driver's.
    """
    if task.model != model():
        raise UsageError(
            f"the worker on {socket.gethostname()} has another Lockstep, Python or libraries than the driver: "
            "install the same there"
        )
    start = time.perf_counter()
    made: dict[tuple[str, ...], list[tuple[Piece, list[np.ndarray]]]] = {}
    failed: list[tuple[int, str]] = []
    left: list[Piece] = []
    slowest = 0.0  # time of one replication
    for piece, packed in zip(task.pieces, task.plans, strict=True):
        begun = time.perf_counter()
        if (made or failed) and begun - start + slowest > task.seconds:
            left.append(piece)
            continue
        try:
            plan = plan_of(packed)
            runner = Runner(plan)
            waited = runner.see_compiled()  # that is no part of what the task takes
            start, begun = start + waited, begun + waited
            rows = _run_until(runner, piece, start + task.seconds)
            columns = columns_of(plan, rows)
        except (MemoryError, OSError):
            raise
        except Exception as error:
            failed.append((piece.case, f"{type(error).__name__}: {error}"))
        else:
            done, rest = piece.cut(len(rows))
            made.setdefault(tuple(columns), []).append((done, list(columns.values())))
            left += rest
            slowest = max(slowest, (time.perf_counter() - begun) / len(rows))
    blocks = tuple(_block(names, found) for names, found in made.items())
    return Done(blocks, tuple(failed), time.perf_counter() - start, socket.gethostname(), tuple(left))


def _run_until(runner: Runner, piece: Piece, end: float) -> np.ndarray:
    """Run a piece from its first replication on, as many as fit before ``end`` of ``time.perf_counter``: at least one.

    One shows how long they take; then as many as half of the time allows, so that slower ones fit, too.
    """
    begun = time.perf_counter()
    parts = [runner.run(piece.first, 1)]
    done = 1
    while done < piece.count:
        now = time.perf_counter()
        each = max((now - begun) / done, 1e-9)
        if now + each > end:
            break
        count = min(piece.count - done, max(1, int(min((end - now) / 2 / each, piece.count))))
        parts.append(runner.run(piece.first + done, count))
        done += count
    return np.concatenate(parts)


def _block(names: tuple[str, ...], found: Sequence[tuple[Piece, list[np.ndarray]]]) -> Block:
    import pyarrow as pa  # heavy, and the driver has it anyway

    parts = [[values[i] for _, values in found] for i in range(len(names))]
    matrix = np.array([np.concatenate(part) for part in parts], dtype="<f8")
    data = pa.compress(matrix.tobytes(), codec=CODEC, asbytes=True)
    return Block(names, tuple(piece for piece, _ in found), data)


CODEC = "zstd"
"""How blocks are compressed: to a third, at some GB/s."""


def alone() -> None:
    """Make a process a worker: one thread, deaf to the signals that ask the driver to stop, no life after the driver.

    A terminal, or a batch system, sends them to the whole group of processes.
    """
    os.environ["NUMBA_NUM_THREADS"] = "1"
    for number in ASKS_TO_STOP:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ASKS_TO_STOP)
    logging.getLogger("sim.engine.cache").setLevel(logging.ERROR)  # the driver says it of this machine
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
