"""The engine is compiled once on a machine, however many processes come to use it at the same time."""

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import pytest

from sim.engine.compiled import ready
from sim.engine.compiled.loop import run_full, run_plain
from sim.engine.compiled.run import Runner
from sim.kernels._cache import lock
from sim.planning import build
from sim.scenario import loads

MINIMAL = 'run = { horizon = "1 h" }\ncluster = { nodes = 1, gpus_per_node = 1 }\njob = { nodes = 1 }'


@pytest.fixture
def cold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A machine on which nothing is compiled; what has been since."""
    compiled: list[str] = []

    def lock_here(name: str) -> IO[str]:
        return open(tmp_path / f"{name}.lock", "w")

    monkeypatch.setattr(ready, "lock", lock_here)
    monkeypatch.setattr(ready, "_ready", set())
    monkeypatch.setattr(ready, "is_kept", lambda loop: loop.__name__ in compiled)
    return compiled


def test_one_compiles_and_the_others_wait(cold: list[str], caplog: pytest.LogCaptureFixture) -> None:
    """Each thread opens the lock by itself, as processes do."""
    caplog.set_level(logging.INFO, "sim.engine")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: ready.see_ready(run_plain, lambda: cold.append("run_plain")), range(8)))
    assert cold == ["run_plain"]
    assert caplog.messages == [ready.COMPILING]


def test_each_engine_is_compiled_by_itself(cold: list[str]) -> None:
    for loop in (run_plain, run_full, run_plain):
        ready.see_ready(loop, lambda loop=loop: cold.append(loop.__name__))
    assert cold == ["run_plain", "run_full"]


def test_where_nothing_can_be_locked_it_is_compiled_all_the_same(
    cold: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))
    monkeypatch.setattr(ready, "lock", lock)
    ready.see_ready(run_full, lambda: cold.append("run_full"))
    assert cold == ["run_full"]


def test_a_runner_compiles_what_its_plan_needs(cold: list[str]) -> None:
    runner = Runner(build(loads(MINIMAL)))
    assert runner.see_compiled() > 0.0
    assert runner.see_compiled() == 0.0
    assert runner.is_compiled()
