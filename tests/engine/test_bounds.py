"""No access out of bounds, and one compiled signature of each kernel: in processes that compile the engine anew.

A write out of bounds is silent in compiled code, and a warm cache would silently skip the checks: so they run in a
process with an empty cache directory of its own. About a minute: ``pytest -m "not bounds"`` leaves them out.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .bounds_probe import COUNT

pytestmark = pytest.mark.bounds


def probe(**variables: str) -> dict:
    script = Path(__file__).parent / "bounds_probe.py"
    inherited = {name: value for name, value in os.environ.items() if name != "NUMBA_BOUNDSCHECK"}
    environment = {**inherited, "HYPOTHESIS_PROFILE": "fixed", **variables}
    done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> dict:
    return probe(NUMBA_BOUNDSCHECK="1", NUMBA_CACHE_DIR=str(tmp_path_factory.mktemp("numba")))


@pytest.fixture(scope="module")
def unchecked() -> dict:
    return probe()


def test_bounds_are_really_checked(checked: dict, unchecked: dict) -> None:
    assert checked["checked"]
    assert not unchecked["checked"]


def test_no_access_is_out_of_bounds(checked: dict, unchecked: dict) -> None:
    """The checked run ended without an IndexError, with the results of the unchecked one."""
    assert len(checked["digests"]) >= COUNT
    assert len(set(checked["digests"])) > COUNT / 2
    assert checked["digests"] == unchecked["digests"]


def test_each_kernel_has_one_signature_for_each_type_of_plan(checked: dict) -> None:
    """Python calls kernels with the types that compiled code calls them with: another type is another compilation.

    In a process whose cache is empty, else a kernel that is loaded inside of another shows no signature.
    """
    for found in checked["signatures"].values():
        assert found in ([], ["none"], ["full"], ["plain"], ["full", "plain"])
    used = {name for name, found in checked["signatures"].items() if found}
    assert {"sim.kernels.philox.uniforms", "sim.kernels.laws.duration", "sim.kernels.tiers.advance"} <= used
    assert checked["signatures"]["sim.engine.compiled.loop.run_full"] == ["full"]
    assert checked["signatures"]["sim.engine.compiled.loop.run_plain"] == ["plain"]
    assert checked["signatures"]["sim.kernels.tiers.advance"] == ["none"]
    assert checked["signatures"]["sim.engine.compiled.strike._know"] == ["full"]
    assert len(used) > 40
