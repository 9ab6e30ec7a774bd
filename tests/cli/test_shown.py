"""Names, values and paths of a user are shown with their control characters escaped, by every verb."""

import re
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from sim.errors import shown
from tests.batch.sweeps import SMALL as SWEPT

from .conftest import Sim
from .texts import SMALL

HOSTILE = "a\x1b]0;title\x07\x1b[31m\x7f\x9b2J\r\t\u202eb"
SHOWN = r"a\u001b]0;title\u0007\u001b[31m\u007f\u009b2J\u000d\u0009\u202eb"
CHIP = ("--set", 'efficiency.chip="h100-sxm"', "--set", 'efficiency.mfu="41 %"')
FEW = ("--replications", "9")
ESCAPE_IN_AXIS = """\
scenario = "base.toml"
replications=4
[axes.n]
key="job.nodes"
values=[4, "\\u001b]0;title\\u0007\\u001b[31mX"]
"""

CALLS: dict[str, Callable[[str], tuple[str, ...]]] = {
    "run": lambda file: ("run", file, *FEW),
    "run, json": lambda file: ("run", file, *FEW, "--json"),
    "run, simpy": lambda file: ("run", file, *FEW, "--engine", "simpy"),
    "run, one": lambda file: ("run", file, "--replication", "0", "--events"),
    "run, no file": lambda file: ("run", f"no{file}"),
    "run, no directory": lambda file: ("run", file, "-o", f"{file}/x.parquet"),
    "run, output of a wrong kind": lambda file: ("run", file, "-o", f"{HOSTILE}.toml"),
    "run, a series": lambda file: ("run", file, "--series", f"{HOSTILE}/x.csv"),
    "run, a wrong value": lambda file: ("run", file, "--set", f'job.nodes="{HOSTILE}"'),
    "run, a wrong key": lambda file: ("run", file, "--set", f"{HOSTILE}=3"),
    "run, a wrong name": lambda file: ("run", file, "--set", f"name='{HOSTILE}'"),
    "run, a duration": lambda file: ("run", file, "--done-by", HOSTILE),
    "run, a share": lambda file: ("run", file, "--ettr-below", HOSTILE),
    "run, a precision": lambda file: ("run", file, "--half-width", HOSTILE),
    "run, a wrong option": lambda file: ("run", file, f"--{HOSTILE}"),
    "run, an engine": lambda file: ("run", file, "--engine", HOSTILE),
    "run, a number": lambda file: ("run", file, "--seed", HOSTILE),
    "run, too much": lambda file: ("run", file, HOSTILE),
    "a wrong verb": lambda file: (HOSTILE,),
    "show": lambda file: ("show", file),
    "validate": lambda file: ("validate", file),
    "validate, wrong": lambda file: ("validate", file, f"no{file}"),
    "compare": lambda file: ("compare", file, "--variant", "job.nodes=9", *FEW),
    "compare, files": lambda file: ("compare", file, f"{HOSTILE}2.toml", *FEW),
    "compare, wrong": lambda file: ("compare", file, "--variant", HOSTILE, *FEW),
    "compare, observed": lambda file: ("compare", file, "--observed", HOSTILE),
    "tune": lambda file: ("tune", file, "--over", "stores.remote.every", *FEW),
    "tune, wrong": lambda file: ("tune", file, "--over", HOSTILE, *FEW),
    "explain": lambda file: ("explain", file, *FEW),
    "explain, wrong": lambda file: ("explain", file, "-o", f"{HOSTILE}/x.png"),
    "efficiency": lambda file: ("efficiency", file, *CHIP, *FEW),
    "efficiency, wrong": lambda file: ("efficiency", file, "--set", f'efficiency.chip="{HOSTILE}"', *FEW),
    "sweep": lambda file: ("sweep", f"{HOSTILE}sweep.toml", "-o", HOSTILE, "--jobs", "1"),
    "sweep, dry": lambda file: ("sweep", f"{HOSTILE}sweep.toml", "-o", HOSTILE, "--dry-run"),
    "sweep, status": lambda file: ("sweep", f"{HOSTILE}sweep.toml", "-o", HOSTILE, "--status"),
    "sweep, wrong axis": lambda file: ("sweep", "escape-in-axis.toml", "-o", "out"),
    "sweep, x": lambda file: ("sweep", f"{HOSTILE}sweep.toml", "-o", HOSTILE, "--x", HOSTILE),
    "sweep, scheduler": lambda file: (
        "sweep", f"{HOSTILE}sweep.toml", "-o", "out", "--executor", "dask", "--scheduler", f"{HOSTILE}.json",
    ),
    "new": lambda file: ("new", "--nodes", "4", "--mtbf", "500 h", "-o", file),
    "new, wrong": lambda file: ("new", "--nodes", "4", "--mtbf", HOSTILE),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_nothing_that_a_terminal_acts_on_is_printed(
    sim: Sim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    file = f"{HOSTILE}.toml"
    Path(file).write_text(SMALL, encoding="utf-8")
    shutil.copy(file, f"{HOSTILE}2.toml")
    Path("small.toml").write_text(SWEPT, encoding="utf-8")
    Path("base.toml").write_text(SMALL, encoding="utf-8")
    Path("escape-in-axis.toml").write_text(ESCAPE_IN_AXIS, encoding="utf-8")
    Path(f"{HOSTILE}sweep.toml").write_text(
        'scenario = "small.toml"\nreplications = 4\n[axes.n]\nkey = "job.nodes"\nvalues = [63, 64]\n', encoding="utf-8"
    )
    said = sim(*CALLS[name](file))
    assert said.code in (0, 2, 3), said.err
    assert said.out or said.err
    for char in set(said.out + said.err) - {"\n"}:
        assert unicodedata.category(char) not in ("Cc", "Cf"), f"{char!r} in {said.out} {said.err}"
    assert "Traceback" not in said.err


def test_the_escapes_are_those_of_toml(sim: Sim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(f"{HOSTILE}.toml").write_text(SMALL, encoding="utf-8")
    assert shown(HOSTILE) == SHOWN
    assert sim("validate", f"{HOSTILE}.toml").out == f"{SHOWN}.toml: fine\n"
    assert sim("validate", f"no{HOSTILE}.toml").err.startswith(f"no{SHOWN}.toml: does not exist")
    assert sim("run", "x\ny.toml").err.startswith(r"x\ny.toml: does not exist")


def test_other_characters_stay() -> None:
    text = "ETTR ± 0.1 µs – «ü» 🚀 \N{NO-BREAK SPACE}x\ny é"
    assert shown(text) == text
    assert all(shown(chr(code)) != chr(code) for code in (*range(10), *range(11, 32), *range(127, 160)))
    assert re.fullmatch(r"(\\u20[0-9a-f]{2})+", shown("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"))
