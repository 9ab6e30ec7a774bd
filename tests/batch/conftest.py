"""Fixtures of clusters."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.batch.private_slurm import PrivateSlurm, missing

_ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def private_slurm() -> Iterator[PrivateSlurm]:
    """A Slurm of two nodes that lives as long as the tests."""
    if absent := missing():
        pytest.skip(f"no Slurm on this machine: {', '.join(absent)} missing")
    cluster = PrivateSlurm(nodes=2, cpus=2)
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture
def slurm(private_slurm: PrivateSlurm, monkeypatch: pytest.MonkeyPatch) -> Iterator[PrivateSlurm]:
    """The private Slurm, found by whatever this process starts; its queue is empty before and after."""
    for name, value in private_slurm.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONPATH", importable())
    assert private_slurm.jobs() == []
    yield private_slurm
    private_slurm.cancel_all()


def importable() -> str:
    """A PYTHONPATH with which another process finds these tests, and the package they belong to."""
    return os.pathsep.join([str(_ROOT), os.environ.get("PYTHONPATH", "")])
