"""The driver: the same tables from any executor, in any order, in any number of sessions; what dies is done again."""

import json
import pickle
import random
import threading
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import sim
from sim.batch import driver as driving
from sim.batch.driver import Driver
from sim.batch.file import load_sweep
from sim.batch.journal import Journal
from sim.batch.states import States
from sim.batch.status import status
from sim.batch.stop import Stop
from sim.batch.sweep import run_sweep
from sim.batch.work import Piece, Resolved, Task, identity, model, plan_of, resolved, run_task
from sim.batch.workers import Borrowed, Workers
from sim.errors import ExitCode, LostError, ScenarioError, UsageError
from sim.results import columns_of
from sim.study.statistics import ratio

from .sweeps import SMALL, small_sweep, write_sweep

TABLES = ("results.parquet", "cases.parquet")


def tables(out: Path) -> list[bytes]:
    return [(out / name).read_bytes() for name in TABLES]


class Inline(Executor):
    """Runs a task when it is given, or raises what a list says."""

    def __init__(self, raised: Sequence[BaseException | None] = ()) -> None:
        self._raised = list(raised)
        self.tasks: list[Any] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.tasks.append(args[0])
        future: Future[Any] = Future()
        error = self._raised.pop(0) if self._raised else None
        if error is not None:
            future.set_exception(error)
            return future
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as raised:
            future.set_exception(raised)
        return future


class DiedError(Exception):
    """What the workers below raise for a worker that died."""


class Mortal(Borrowed):
    """Workers of which some die."""

    died = (DiedError,)


def tasks_take(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Cut tasks that take so long: at almost nothing, pieces of one replication."""
    monkeypatch.setattr(driving, "SHORTEST_TASK_S", seconds)
    monkeypatch.setattr(driving, "LONGEST_TASK_S", seconds)
    monkeypatch.setattr(driving, "FOR_EACH_WORKER_S", 0.0)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("undisturbed")
    assert run_sweep(small_sweep(out), out / "out", executor=Inline()).done == 6
    return out / "out"


def test_every_row_is_that_of_the_case_run_alone(undisturbed: Path, tmp_path: Path) -> None:
    from sim.engine.compiled.run import Runner

    frame = pd.read_parquet(undisturbed / "results.parquet")
    cases = pd.read_parquet(undisturbed / "cases.parquet")
    sweep = small_sweep(tmp_path)
    assert len(frame) == 6 * 40
    for case in sweep.cases:
        scenario = sweep.base.scenario(case.changes)
        plan = plan_of(resolved(scenario, None).plan)
        rows = Runner(plan).run(0, 40)
        mine = frame[frame["case"] == case.index]
        for name, values in columns_of(plan, rows).items():
            if name != "stop_reason":
                assert (mine[name].to_numpy() == values).all(), name
        answer = sim.run(scenario, replications=40)
        row = cases.iloc[case.index]
        assert row["ettr"] == pytest.approx(answer.ettr.mean, rel=1e-14)
        assert row["ettr_low"] == pytest.approx(answer.ettr.low, rel=1e-12)
        assert row["ettr_hardware_high"] == pytest.approx(answer.ettr_hardware.high, rel=1e-12)
        assert row["jmtti_s_low"] == pytest.approx(answer.jmtti_s.low, rel=1e-12)
        assert row["mtti_training_s"] == pytest.approx(answer.mtti_training_s.mean, rel=1e-12)
        assert row["mtti_training_s_high"] == pytest.approx(answer.mtti_training_s.high, rel=1e-12)
        assert row["sha256"] == identity(scenario, plan.seed)
        assert sum(row[name] for name in cases.columns if name.startswith("share_") and name.count("_") and not
                   name.endswith(("_low", "_high"))) == pytest.approx(1.0, abs=1e-12)  # fmt: skip
    # The ledger closes exactly in every row.
    buckets = [name for name in frame.columns if name.startswith("ledger_") and not name.startswith("ledger_gpu_")]
    assert (frame[buckets].sum(axis=1) == frame["wall_s"]).all()


def test_order_and_workers_do_not_show(undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of any size, run by threads, give the same bytes."""
    for number, longest in enumerate((1e-9, 1e-3, 1.0)):
        tasks_take(monkeypatch, longest)
        out = tmp_path / str(number)
        with ThreadPoolExecutor(3) as pool:
            run_sweep(small_sweep(tmp_path), out, executor=pool)
        assert tables(out) == tables(undisturbed)


def test_a_session_that_ends_anywhere_is_gone_on_with(
    undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The executor breaks after some tasks, again and again: only what is missing is run."""
    tasks_take(monkeypatch, 1e-9)
    out = tmp_path / "out"
    draw = random.Random(1)
    run = 0
    for _ in range(100):
        inline = Inline([*[None] * draw.randrange(1, 40), RuntimeError("the pool is broken")])
        try:
            run_sweep(small_sweep(tmp_path), out, executor=inline)
        except LostError:
            run += len(inline.tasks) - 1
        else:
            run += len(inline.tasks)
            break
    assert tables(out) == tables(undisturbed)
    assert run == 6 * 40  # pieces of one replication each, none run twice
    sessions = json.loads((out / "provenance.json").read_text())["sessions"]
    assert len(sessions) > 2
    assert sum(each["replications"] for each in sessions) == 6 * 40


def test_nothing_is_run_again(undisturbed: Path, tmp_path: Path) -> None:
    inline = Inline()
    swept = run_sweep(small_sweep(tmp_path), undisturbed, executor=inline)
    assert not inline.tasks
    assert swept.done == 6
    assert status(small_sweep(tmp_path), undisturbed).swept.summaries[2] == swept.summaries[2]


def test_more_replications_add_the_difference(undisturbed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_sweep(replace(small_sweep(tmp_path), replications=17), out, executor=Inline())
    inline, said = Inline(), []
    run_sweep(small_sweep(tmp_path), out, executor=inline, say=said.append)
    assert {piece.first for task in inline.tasks for piece in task.pieces} == {17}
    assert tables(out) == tables(undisturbed)
    assert "replications: was 17, is 40" in said[0]
    run_sweep(replace(small_sweep(tmp_path), replications=17), out, executor=Inline([RuntimeError("nothing is run")]))
    assert len(pd.read_parquet(out / "results.parquet")) == 6 * 17


def test_replications_by_precision_are_those_of_sim_run(tmp_path: Path) -> None:
    sweep = replace(small_sweep(tmp_path), replications=None, half_width=0.004, max_replications=300)
    swept = run_sweep(sweep, tmp_path / "out", executor=Inline())
    cases = pd.read_parquet(tmp_path / "out" / "cases.parquet")
    for case in sweep.cases:
        scenario = sweep.base.scenario([*case.changes, "run.max_replications=300"])
        answer = sim.run(scenario, half_width=0.004)
        row = cases.iloc[case.index]
        assert (row["n"], row["reached"]) == (answer.n, answer.reached)
        assert (case.index in swept.imprecise) == (not answer.reached)
    assert cases["n"].nunique() > 1


def test_a_change_that_drops_runs_must_be_accepted(undisturbed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_sweep(small_sweep(tmp_path), out, executor=Inline())
    other = small_sweep(tmp_path, intervals=("1 h", "3 h"))
    with pytest.raises(UsageError, match=r"(?s)3 of its 4 cases|2 of its 4 cases.*--accept-changes"):
        run_sweep(other, out, executor=Inline())
    assert tables(out) == tables(undisturbed)
    inline = Inline()
    run_sweep(other, out, executor=inline, accept_changes=True)
    assert sum(piece.count for task in inline.tasks for piece in task.pieces) == 2 * 40
    run_sweep(small_sweep(tmp_path), out, executor=Inline([RuntimeError("nothing")]), accept_changes=True)
    assert tables(out) == tables(undisturbed)


def test_results_of_other_sources_are_not_mixed(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_sweep(small_sweep(tmp_path), out, executor=Inline())
    path = out / "sweep.json"
    path.write_text(path.read_text().replace(model(), "0" * 64))
    with pytest.raises(UsageError, match="another Lockstep, Python or libraries"):
        run_sweep(small_sweep(tmp_path), out, executor=Inline())


def test_a_worker_with_other_sources_is_refused(tmp_path: Path) -> None:
    case = resolved(sim.loads(SMALL), None)
    with pytest.raises(UsageError, match="another Lockstep, Python or libraries than the driver"):
        run_task(Task("0" * 64, (Piece(0, 0, 1),), (case.plan,)))


def test_the_identity_is_that_of_the_replications() -> None:
    def of(*changes: str, seed: int = 1) -> str:
        return identity(sim.loads(SMALL, overrides=changes), seed)

    assert of() == of('name="other"') == of("run.max_replications=7") == of('run.precision.half_width="3 points"')
    assert of() == of("run.seed=5")  # the seed is given beside it
    chip = 'efficiency={ chip = "h100-sxm", mfu = "40 %", model = { parameters = 1e9, batch_tokens = 1e6 } }'
    steps = 'stores.remote.every="100 steps"'
    assert of(chip, steps) == of(chip, steps, "efficiency.pue=1.5") != of(chip, steps, "efficiency.mfu=41 %")
    assert len({of(), of(seed=2), of('run.horizon="3 days"'), of("job.nodes=7")}) == 4


def drive(out: Path, cases: Sequence[Resolved], workers: Workers) -> States:
    out.mkdir(exist_ok=True)
    with Journal(out / "journal") as journal:
        states = States(cases, journal.path, journal.content, 4)
        Driver(states, journal, workers, lambda _: None, Stop()).drive()
    return states


def small_cases(n: int) -> list[Resolved]:
    return [resolved(sim.loads(SMALL), seed) for seed in range(n)]


def test_what_a_dead_worker_held_is_run_one_by_one(tmp_path: Path) -> None:
    inline = Inline([DiedError()])
    states = drive(tmp_path / "out", small_cases(5), Mortal(inline))
    assert states.done == 5
    assert [len(task.pieces) for task in inline.tasks] == [5, 1, 1, 1, 1, 1]


def test_a_case_that_kills_its_workers_is_given_up_after_three(tmp_path: Path) -> None:
    cases = small_cases(5)

    class Killing(Inline):
        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            if any(piece.case == 2 for piece in args[0].pieces):
                self._raised.insert(0, DiedError())
            return super().submit(fn, *args, **kwargs)

    inline = Killing()
    states = drive(tmp_path / "out", cases, Mortal(inline))
    assert states[2].why_failed == "its worker died (DiedError), 3 times in turn"
    assert states.done == 4
    assert sum(any(piece.case == 2 for piece in task.pieces) for task in inline.tasks) == 4  # with others, then alone
    again = Inline()
    assert drive(tmp_path / "out", cases, Mortal(again)).failed == 1
    assert not again.tasks  # it is not tried again by itself


def test_a_case_that_loses_workers_now_and_then_is_not_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks_take(monkeypatch, 1e-9)
    inline = Inline([DiedError(), DiedError(), None] * 4)
    assert drive(tmp_path / "out", small_cases(1), Mortal(inline)).done == 1
    assert len(inline.tasks) == 12


def test_a_case_that_raises_fails_and_costs_the_others_nothing(tmp_path: Path) -> None:
    cases = small_cases(3)
    cases[1] = replace(cases[1], plan=zlib.compress(pickle.dumps("no plan")))
    states = drive(tmp_path / "out", cases, Mortal(Inline()))
    assert states.done == 2
    assert states[1].why_failed is not None
    assert states[1].why_failed.startswith("AttributeError: ")


def test_equal_cases_are_run_once(tmp_path: Path) -> None:
    case = small_cases(1)[0]
    inline = Inline()
    states = drive(tmp_path / "out", [case, case, case], Mortal(inline))
    assert (len(states), states.done) == (1, 1)
    assert states[2] is states[0]
    assert sum(piece.count for task in inline.tasks for piece in task.pieces) == 4


def test_failed_cases_are_tried_again_when_asked(tmp_path: Path) -> None:
    out = tmp_path / "out"
    sweep = small_sweep(tmp_path)
    one = Inline([MemoryError("too small")] * 100)
    swept = run_sweep(sweep, out, executor=one)
    assert len(swept.failed) == 6
    assert swept.failed[0] == "MemoryError: too small, 3 times in turn"
    cases = pd.read_parquet(out / "cases.parquet")
    assert set(cases["status"]) == {"failed"}
    assert cases["ettr"].isna().all()
    assert run_sweep(sweep, out, executor=Inline()).failed == swept.failed
    assert run_sweep(sweep, out, executor=Inline(), retry_failed=True).done == 6


def test_an_executor_that_raises_on_submission_is_lost(tmp_path: Path) -> None:
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    with pytest.raises(LostError, match="the same command goes on from there") as lost:
        run_sweep(small_sweep(tmp_path), tmp_path / "out", executor=pool)
    assert lost.value.exit_code == ExitCode.INTERRUPTED


def test_a_thread_may_sweep(undisturbed: Path, tmp_path: Path) -> None:
    """Signals are the main thread's; the sweep does without."""
    found: list[int] = []
    out = tmp_path / "out"
    thread = threading.Thread(
        target=lambda: found.append(run_sweep(small_sweep(tmp_path), out, executor=Inline()).done)
    )
    thread.start()
    thread.join()
    assert found == [6]
    assert tables(out) == tables(undisturbed)


def test_the_interval_of_a_case_is_that_of_its_rows(undisturbed: Path) -> None:
    frame = pd.read_parquet(undisturbed / "results.parquet")
    cases = pd.read_parquet(undisturbed / "cases.parquet")
    for number, rows in frame.groupby("case"):
        found = ratio(rows["work_done_s"].to_numpy(), rows["wall_s"].to_numpy(), 0.95, most=1.0)
        assert cases.loc[number, "ettr_low"] == pytest.approx(found.low, rel=1e-13)


def test_runs_that_stop_early_are_counted_and_said(tmp_path: Path) -> None:
    from sim.report.sweep import sentences

    sweep = load_sweep(write_sweep(tmp_path), ["run.max_events=20"])
    swept = run_sweep(sweep, tmp_path / "out", executor=Inline())
    frame = pd.read_parquet(tmp_path / "out" / "results.parquet")
    early = (frame["stop_reason"] == "event_limit").groupby(frame["case"]).sum()
    assert 0 < early.sum() < len(frame)
    assert list(pd.read_parquet(tmp_path / "out" / "cases.parquet")["stopped_early"]) == list(early)
    assert [case["stopped_early"] for case in swept.as_dict()["cases"]] == list(early)
    assert any("runs that stopped early" in each for each in sentences(swept))


@pytest.mark.parametrize("name", ["results.parquet", "cases.parquet", "provenance.json"])
def test_files_of_others_are_not_overwritten(tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / name).write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="does not belong to a sweep, and would be overwritten"):
        run_sweep(small_sweep(tmp_path), out, executor=Inline())
    assert (out / name).read_text(encoding="utf-8") == "mine"
    assert len(list(out.iterdir())) == 1


def test_a_key_of_an_axis_cannot_be_set_beside_it(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"faults.node.mtbf: is set by axes.mtbf as well.*leave it out"):
        load_sweep(write_sweep(tmp_path), ["faults.node.mtbf=3 h"])


def test_jobs_are_a_number_of_processes(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="jobs must be a whole number of at least 1, not 0"):
        run_sweep(small_sweep(tmp_path), tmp_path / "out", jobs=0)
