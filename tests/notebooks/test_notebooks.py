"""The notebooks run from top to bottom, as they are."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import jupytext
import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))


def test_there_are_notebooks() -> None:
    assert [each.stem for each in NOTEBOOKS] == ["frontier", "getting_started", "tuning_checkpoint_intervals"]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda each: each.stem)
def test_notebooks_run(notebook: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "scenarios", tmp_path / "scenarios")
    made = tmp_path / "notebooks" / f"{notebook.stem}.ipynb"
    made.parent.mkdir()
    jupytext.write(jupytext.read(notebook), made)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbmake", "--overwrite", str(made)]
    homes = dict.fromkeys(("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR"), str(tmp_path))
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | homes, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # A notebook whose plots are gone would still run.
    cells = jupytext.read(made).cells
    drawn = [one for cell in cells for one in cell.get("outputs", []) if "image/png" in one.get("data", {})]
    assert len(drawn) == 3
