"""The engine is compiled once on a machine, however many workers start on it at the same time."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sim.batch import work


def test_one_compiles_and_the_others_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each thread opens the lock by itself, as processes do."""
    compiled: list[int] = []
    monkeypatch.setattr(work, "CACHE_DIRECTORY", tmp_path / "cache")
    monkeypatch.setattr(work, "is_warm", lambda: bool(compiled))
    monkeypatch.setattr(work, "compile_engine", lambda: compiled.append(1))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: work.warm(), range(8)))
    assert compiled == [1]


def test_the_smallest_scenario_compiles_what_a_task_needs() -> None:
    work.compile_engine()
    assert work.is_warm()
