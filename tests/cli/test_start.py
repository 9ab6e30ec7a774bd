"""What a start imports: libraries that are slow to start are imported by what needs them, in new processes here."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .texts import SHIPPED

HEAVY = {"numba", "pandas", "scipy", "pyarrow", "pint", "matplotlib", "dask", "distributed"}

AFTER = """
import json, sys
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr)
"""
VALIDATE = """
import sys
from sim.cli import main
try:
    main()
except SystemExit as stop:
    assert stop.code in (0, None)
"""
LOAD = """
import sys, sim
for file in sys.argv[1:]:
    sim.load(file)
"""
WORKER = """
import sys, sim
from sim.batch.work import Piece, Task, model, resolved, run_task
case = resolved(sim.load(sys.argv[1]), 1)
done = run_task(Task(model(), (Piece(0, 0, 4),), (case.plan,)))
assert done.blocks and not done.failed
"""


def imported(script: str, *arguments: object) -> set[str]:
    done = subprocess.run([sys.executable, "-c", script + AFTER, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize("script", ["validate", "load"])
def test_reading_a_scenario_imports_nothing_heavy(script: str) -> None:
    found = imported(VALIDATE, "validate", *SHIPPED) if script == "validate" else imported(LOAD, *SHIPPED)
    assert found & HEAVY == set()
    assert {"sim", "pydantic"} <= found


def test_validating_a_simple_file_needs_no_arrays(small: Path) -> None:
    assert "numpy" not in imported(VALIDATE, "validate", small)


def test_a_worker_of_a_sweep_needs_no_data_frames(small: Path) -> None:
    found = imported(WORKER, small)
    assert found & {"pandas", "matplotlib", "dask"} == set()
    assert {"numba", "numpy"} <= found


def test_an_import_would_be_seen() -> None:
    assert "numba" in imported("import numba")
