"""What a terminal, a pipe and Ctrl-C make of the command. Processes where it needs them, each bounded in time."""

import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pandas as pd
import pytest
from rich.cells import cell_len

from sim.cli import main
from tests.batch.sweeps import write_sweep

from .conftest import Sim
from .texts import ALL, SHIPPED

ESCAPE = "\x1b"
LIMIT_S = 120.0
# A process that was started in the background may ignore Ctrl-C, and so do its children.
WITH_CTRL_C = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from sim.cli import main
sys.argv[0] = "sim"
main()
"""


@contextmanager
def started(*command: str, out: int | IO[str] = subprocess.PIPE, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A process that is ended after a while, whatever it does."""
    env = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    with subprocess.Popen(
        [sys.executable, *command], stdout=out, stderr=subprocess.PIPE, text=True, encoding="utf-8",
        env={**env, "TERM": "xterm-256color", **environment},
    ) as process:  # fmt: skip
        watch = threading.Timer(LIMIT_S, process.kill)
        watch.start()
        try:
            yield process
        finally:
            watch.cancel()
            process.kill()


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_80_columns_are_enough(sim: Sim, file: Path) -> None:
    said = sim("run", file, "--replications", 5)
    assert said.code == 0
    assert max(map(cell_len, said.out.splitlines())) <= 80
    assert "…" not in said.out


@pytest.mark.parametrize("text", ALL.values(), ids=ALL.keys())
def test_no_line_is_too_long_in_odd_cases(sim: Sim, tmp_path: Path, text: str) -> None:
    file = tmp_path / "case.toml"
    file.write_text(text, encoding="utf-8")
    for arguments in (["--replications", 3], ["--replication", 1, "--events"]):
        said = sim("run", file, *arguments)
        assert said.code == 0
        assert max(cell_len(line) for line in said.out.splitlines() if not line.startswith("  sim tune ")) <= 80
        assert "nan" not in said.out


def test_names_are_no_markup(sim: Sim, tmp_path: Path) -> None:
    file = tmp_path / "case.toml"
    file.write_text(ALL["odd names"], encoding="utf-8")
    said = sim("run", file, "--replications", 3)
    assert '[bold]name[/bold] with :smile: 🚀 and "quotes":' in said.out
    assert "[red]x[/red] [/]" in said.out
    events = sim("run", file, "--replication", 1, "--events").out
    assert events.startswith('a [bold]name[/bold] with :smile: 🚀 and "quotes", replication 1 alone')
    assert "in [b]place" in events


def test_colours(sim: Sim, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ("run", small, "--replications", 3)
    assert ESCAPE not in sim(*command).out
    plain = sim(*command).out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert ESCAPE in sim(*command).out
    assert ESCAPE not in sim(*command, "--json").out
    assert ESCAPE not in sim("show", small).out
    monkeypatch.setenv("NO_COLOR", "1")
    assert sim(*command).out == plain


def test_a_stream_that_knows_no_plus_minus(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "argv", ["sim", "run", str(small), "--replications", "3"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert not stop.value.code
    assert b"% useful (?" in out.buffer.getvalue()  # type: ignore[attr-defined]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
def test_a_full_device(unbuffered: str) -> None:
    with (
        open("/dev/full", "w") as full,
        started("-m", "sim", "schema", out=full, PYTHONUNBUFFERED=unbuffered) as process,
    ):
        assert process.stderr is not None
        err = process.stderr.read()
        assert process.wait() == 2
    assert err == "sim: the output cannot be written: No space left on device\n"


@pytest.mark.parametrize(
    ("arguments", "unbuffered"),
    [
        (["schema"], ""),
        (["run", "FILE", "--replications", "3"], ""),
        (["run", "FILE", "--replications", "3"], "1"),
        (["run", "FILE", "--replication", "1", "--json"], "1"),
    ],
    ids=["schema", "run", "run unbuffered", "json unbuffered"],
)
def test_a_closed_pipe_is_no_error(small: Path, arguments: list[str], unbuffered: str) -> None:
    command = [str(small) if each == "FILE" else each for each in arguments]
    with started("-m", "sim", *command, PYTHONUNBUFFERED=unbuffered) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        err = process.stderr.read()
        assert process.wait() == 0
    assert err == ""


@pytest.mark.skipif(os.name == "nt", reason="needs a shell that closes a stream")
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_stream_that_is_closed_from_the_start(small: Path, closed: str) -> None:
    """The first file that is opened would get its number, and what is printed would go there."""
    output = small.with_name("x.parquet")
    command = [sys.executable, "-m", "sim", "run", str(small), "--replications", "3", "-o", str(output)]
    shell = ["/bin/sh", "-c", f'exec "$@" {closed}', "-", *command]
    done = subprocess.run(shell, capture_output=True, text=True, timeout=LIMIT_S)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(pd.read_parquet(output)) == 3


def test_a_sweep_without_a_reader_still_says_that_cases_failed(tmp_path: Path) -> None:
    script = """
import sys
import sim.batch.sweep
from sim.cli import main
swept = sim.batch.sweep.run_sweep
def failing(*arguments, **options):
    found = swept(*arguments, **options)
    found.failed[0] = "why not"
    return found
sim.batch.sweep.run_sweep = failing
if __name__ == "__main__":
    main()
"""
    (tmp_path / "script.py").write_text(script, encoding="utf-8")
    file = write_sweep(tmp_path)
    command = (str(tmp_path / "script.py"), "sweep", str(file), "-o", str(tmp_path / "out"), "--jobs", "1")
    with started(*command) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        err = process.stderr.read()
        assert process.wait() == 4
    assert "1 of 6 cases failed" in err
    assert "Traceback" not in err


def test_head(small: Path) -> None:
    with started("-m", "sim", "show", str(small), PYTHONUNBUFFERED="1") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == 'name = "small"\n'
        process.stdout.close()
        err = process.stderr.read()
        assert process.wait() == 0
    assert err == ""


def test_ctrl_c(small: Path) -> None:
    output = small.with_name("so_far.parquet")
    command = ["run", str(small), "--replications", "2000000", "--json", "-o", str(output)]
    with started("-c", WITH_CTRL_C, *command) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        err = ""
        while "64 replications" not in err:
            line = process.stderr.readline()
            assert line, err
            err += line
        process.send_signal(signal.SIGINT)
        out = process.stdout.read()
        err += process.stderr.read()
        assert process.wait() == 130
    assert "Traceback" not in err
    assert err.endswith("interrupted: the answer is that of the replications so far\n")
    n = json.loads(out)["ettr"]["n"]
    assert n in [32 * 2**i for i in range(1, 16)]
    assert f"{n} replications: " in err
    assert json.loads(out)["provenance"]["replications"] == [0, n - 1]
    assert len(pd.read_parquet(output)) == n
    assert sorted(small.parent.iterdir()) == [small, output]
