"""Tasks take as long as they should, whatever the driver expected; planning is seen, kept, and comes after refusals."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import sim
from sim.batch import sweep as sweeping
from sim.batch import work
from sim.batch.driver import LONGEST_TASK_S, Progress
from sim.batch.file import load_sweep
from sim.batch.sweep import resolve, run_sweep
from sim.batch.work import Done, Piece, Task, model, resolved, run_task
from sim.cli.progress import Shown, line
from sim.errors import UsageError

from .sweeps import SMALL, small_sweep, write_sweep
from .test_driver import Inline, Mortal, drive, tables


class Clock:
    """Time goes on as replications run: so many seconds for each, by the number of the job's nodes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, costs: dict[int, float]) -> None:
        self.now = 0.0
        clock = self

        class Runner(work.Runner):
            def __init__(self, plan: Any) -> None:
                super().__init__(plan)
                self.cost = costs[plan.job_nodes]

            def run(self, first: int, count: int, marks: Any = None) -> Any:
                clock.now += count * self.cost
                return super().run(first, count, marks)

        monkeypatch.setattr(work, "Runner", Runner)
        monkeypatch.setattr(work, "time", SimpleNamespace(perf_counter=lambda: clock.now))


class Noting(Inline):
    """Keeps what became of each task."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[Done] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        future = super().submit(fn, *args, **kwargs)
        self.done.append(future.result())
        return future


@pytest.mark.parametrize("cost", [0.001, 3.0, 25.0])
def test_cheap_first_cases_do_not_size_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cost: float) -> None:
    """Cases that are thought to cost the same, of which the later ones cost up to 25,000 times as much."""
    clock = Clock(monkeypatch, {64: 0.001, 63: cost})
    scenarios = [sim.loads(SMALL)] * 3 + [sim.loads(SMALL, overrides=["job.nodes=63"])] * 3
    cases = [replace(resolved(each, seed), faults=0.0) for seed, each in enumerate(scenarios)]
    noting = Noting()
    states = drive(tmp_path / "out", cases, Mortal(noting))
    assert states.done == 6
    assert clock.now == pytest.approx(3 * 4 * 0.001 + 3 * 4 * cost)  # nothing is run twice
    for done in noting.done:
        dear = sum(piece.count for block in done.blocks for piece in block.pieces if piece.case >= 3)
        assert done.seconds <= LONGEST_TASK_S or dear == 1


def test_many_workers_get_longer_tasks(tmp_path: Path) -> None:
    """A driver gives some 100 tasks a second."""

    class Many(Mortal):
        def alive(self) -> int:
            return 4_000

    inline = Inline()
    drive(tmp_path / "out", [resolved(sim.loads(SMALL), 1)], Many(inline))
    assert [task.seconds for task in inline.tasks] == [40.0]


def test_a_task_gives_back_what_it_had_no_time_for() -> None:
    case, other = (resolved(sim.loads(SMALL), seed) for seed in (1, 2))
    pieces = Piece(0, 5, 9), Piece(1, 0, 3)
    done = run_task(Task(model(), pieces, (case.plan, other.plan), 0.0))
    assert [block.pieces for block in done.blocks] == [(Piece(0, 5, 1),)]
    assert done.left == (Piece(0, 6, 8), Piece(1, 0, 3))
    whole = run_task(Task(model(), pieces, (case.plan, other.plan)))
    assert whole.left == ()
    assert whole.blocks[0].pieces == pieces


def test_a_sweep_in_tasks_of_one_replication_gives_the_same_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the driver puts into a task, the worker gives all but one replication back."""
    run_sweep(small_sweep(tmp_path), tmp_path / "whole", executor=Inline())
    monkeypatch.setattr("sim.batch.driver.Task", lambda model, pieces, plans, _: Task(model, pieces, plans, 0.0))
    cut = Inline()
    run_sweep(small_sweep(tmp_path), tmp_path / "cut", executor=cut)
    assert len(cut.tasks) == 6 * 40
    assert tables(tmp_path / "cut") == tables(tmp_path / "whole")


def test_a_sweep_that_was_planned_is_not_planned_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The workers plan what they run; the tables are the same."""
    run_sweep(small_sweep(tmp_path), tmp_path / "whole", executor=Inline())
    with pytest.raises(Exception, match="the pool is broken"):
        run_sweep(small_sweep(tmp_path), tmp_path / "out", executor=Inline([RuntimeError("the pool is broken")]))
    with monkeypatch.context() as patch:
        patch.setattr(sweeping, "resolve", _never)
        assert run_sweep(small_sweep(tmp_path), tmp_path / "out", executor=Inline()).done == 6
    assert tables(tmp_path / "out") == tables(tmp_path / "whole")
    file = write_sweep(tmp_path, horizon="3 days")  # another scenario: planned again
    monkeypatch.setattr(sweeping, "resolve", _never)
    with pytest.raises(AssertionError, match="is planned"):
        run_sweep(load_sweep(file), tmp_path / "out", executor=Inline(), accept_changes=True)


def _never(*_: Any, **__: Any) -> Any:
    raise AssertionError("is planned")


def test_a_directory_that_cannot_be_used_is_refused_before_planning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = small_sweep(tmp_path)
    monkeypatch.setattr(sweeping, "resolve", _never)
    (tmp_path / "file").write_text("")
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "results.parquet").write_text("mine")
    for out, why in (
        ("file", "is no directory"),
        ("file/inside", "is no directory"),
        ("foreign", "does not belong to a sweep"),
    ):
        with pytest.raises(UsageError, match=why):
            run_sweep(sweep, tmp_path / out, executor=Inline())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "foreign", "small.toml", "sweep.toml"]
    with pytest.raises(AssertionError, match="is planned"):  # negative control
        run_sweep(sweep, tmp_path / "fresh", executor=Inline())


def test_planning_says_how_far_it_is(tmp_path: Path) -> None:
    found: list[Progress] = []
    intervals = [f"{minutes} min" for minutes in range(1, 61)]
    assert len(resolve(small_sweep(tmp_path, intervals), jobs=1, progress=found.append)) == 120
    assert [each.planned for each in found] == [50, 100, 120]
    assert line(found[0]).startswith("50 of 120 cases are planned, about ")
    assert {each.cases for each in found} == {120}


def test_rate_and_time_left_are_said_when_the_first_task_has_ended(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Shown() as shown:
        for replications in (0, 0, 96, 192):
            left = 30.0 if replications else None
            shown.update(Progress(6, 0, 0, replications, 2.0, left, 2))
    assert capsys.readouterr().err == "0 of 6 cases, 48 replications/s, about 30 s left; 2 workers\n"


def test_a_dry_run_for_slurm_needs_no_dask(tmp_path: Path) -> None:
    file = write_sweep(tmp_path)
    script = (
        "import sys; sys.modules['distributed'] = sys.modules['dask_jobqueue'] = None; from sim.cli import main; main()"
    )
    command = [sys.executable, "-c", script, "sweep", str(file), "--dry-run", "--executor", "slurm"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "6 different cases, 240 replications" in done.stdout
    assert "the batch script is not shown" in done.stderr
    assert "[hpc]" in done.stderr
