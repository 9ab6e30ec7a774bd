"""Ctrl-C ends every phase of every verb within 2 s: with 130, without a traceback, and with no partial file."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sim.cli.terminal import written_and_shown
from tests.batch.sweeps import write_sweep

from .texts import SMALL

LIMIT_S = 2.0
SLACK_S = 1.0
"""For a machine that does something else, too: the end itself takes no time."""

LONG = ("--replications", "300000", "--set", 'run.horizon="10 years"')
OFTEN = ("--set", 'run.horizon="100 years"', "--set", 'faults.node.mtbf="1 h"')
MANY = ("--replications", "20000")
CHIP = ("--set", 'efficiency.chip="h100-sxm"', "--set", 'efficiency.mfu="41 %"')
VERBS: dict[str, tuple[str, ...]] = {
    "run": ("run", "small.toml", *LONG, "-o", "x.parquet"),
    "run, one": ("run", "small.toml", "--replication", "0", "--engine", "simpy", *OFTEN),
    "run, simpy": ("run", "small.toml", *LONG, "--engine", "simpy"),
    "compare": ("compare", "small.toml", "--variant", "job.nodes=9", *LONG),
    "tune": ("tune", "small.toml", "--over", "stores.remote.every", *LONG),
    "explain": ("explain", "small.toml", *LONG, "-o", "x.png"),
    "efficiency": ("efficiency", "small.toml", *CHIP, *LONG, "-o", "x.png"),
    "sweep": ("sweep", "sweep/sweep.toml", "-o", "out", "--jobs", "2", "--replications", "300000"),
}
MAIN = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # pytest may have been started in the background
from sim.cli import main
print("main", file=sys.stderr, flush=True)
main()
"""
STUCK = {
    "in code that does not come back": """
import ctypes
def wait():
    library, lock = ctypes.CDLL(None), ctypes.create_string_buffer(64)
    library.pthread_mutex_lock(lock)
    library.pthread_mutex_lock(lock)  # no signal ends that
""",
    "in a callback, which cannot raise": """
import time
class Late:
    def __del__(self):
        time.sleep(0.5)
def wait():
    until = time.monotonic() + 60
    while time.monotonic() < until:
        Late()
""",
    "while a file is written": """
import ctypes
from pathlib import Path
from sim.writing import appearing
def wait():
    library, lock = ctypes.CDLL(None), ctypes.create_string_buffer(64)
    with appearing(Path("x.parquet")) as partial:
        partial.write_bytes(b"a part")
        library.pthread_mutex_lock(lock)
        library.pthread_mutex_lock(lock)
""",
    "by who catches everything": """
import time
def wait():
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            time.sleep(60)
        except BaseException:
            pass
""",
}

PHASES: dict[str, tuple[str, tuple[str, ...]]] = {
    "the statistics of a table": ("sim.report.console.answer_tables", ("run", "small.toml", *MANY)),
    "the statistics of JSON": ("sim.study.answer.Answer.as_dict", ("run", "small.toml", *MANY, "--json")),
    "the statistics of a comparison": (
        "sim.report.compare.tables", ("compare", "small.toml", "--variant", "job.nodes=9", *MANY),
    ),
    "a Parquet file": ("sim.results.Runs.write_parquet", ("run", "small.toml", *MANY, "-o", "x.parquet")),
    "a CSV file": (
        "sim.results.Runs.write_series",
        ("run", "small.toml", "--replications", "2000", "--set", 'run.series="1 h"', "--series", "x.csv"),
    ),
    "a picture": ("sim.report.tornado.write", ("explain", "small.toml", "--replications", "64", "-o", "x.png")),
}  # fmt: skip
IN_PHASE = """
import importlib, sys
*path, name = sys.argv.pop(1).split(".")
try:
    owner = importlib.import_module(".".join(path))
except ModuleNotFoundError:
    owner = getattr(importlib.import_module(".".join(path[:-1])), path[-1])
phase = getattr(owner, name)
def told(*arguments, **options):
    print("main", file=sys.stderr, flush=True)
    return phase(*arguments, **options)
setattr(owner, name, told)
from sim.cli import main, verbs
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
main()
"""
"""Says when a function is entered: then comes Ctrl-C."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "small.toml").write_text(SMALL, encoding="utf-8")
    (tmp_path / "sweep").mkdir()
    write_sweep(tmp_path / "sweep", horizon="10 years")
    return tmp_path


def interrupted(folder: Path, script: str, *arguments: str, after_s: float, **variables: str) -> tuple[int, float, str]:
    """The exit code, how long it took after Ctrl-C, s, and what was said; all of its processes get the signal."""
    with subprocess.Popen(
        [sys.executable, "-c", script, *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True, env={**os.environ, **variables},
    ) as process:  # fmt: skip
        assert process.stderr is not None
        while (line := process.stderr.readline()) != "main\n":
            assert line, "over before it began"
        time.sleep(after_s)
        assert process.poll() is None, "over too soon"
        start = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        process.wait(timeout=90)
        took_s = time.monotonic() - start
        _, err = process.communicate(timeout=90)
        return process.returncode, took_s, err


def check(folder: Path, code: int, took_s: float, err: str) -> None:
    assert "Traceback" not in err
    assert "KeyboardInterrupt" not in err
    assert code == 130, err
    assert took_s < LIMIT_S + SLACK_S
    assert not list(folder.glob(".*"))


@pytest.mark.parametrize("after_s", [0.1, 0.6, 1.2, 3.0])
@pytest.mark.parametrize("verb", VERBS)
def test_ctrl_c_ends_every_verb(folder: Path, verb: str, after_s: float) -> None:
    """While it imports, plans, and runs: the moments are early and late, also on a busy machine."""
    check(folder, *interrupted(folder, MAIN, *VERBS[verb], after_s=after_s))


@pytest.mark.parametrize("phase", PHASES)
def test_ctrl_c_ends_what_follows_a_simulation(folder: Path, phase: str) -> None:
    """Statistics and files: each takes a tenth of a second and more, and is interrupted when it begins."""
    function, arguments = PHASES[phase]
    check(folder, *interrupted(folder, IN_PHASE, function, *arguments, after_s=0.0))
    assert not list(folder.glob("x.*"))


@pytest.mark.parametrize("after_s", [0.1, 2.0])
@pytest.mark.parametrize("verb", ["show", "validate", "run"])
def test_ctrl_c_ends_what_waits_for_its_file(folder: Path, verb: str, after_s: float) -> None:
    """A pipe that nobody writes to."""
    os.mkfifo(folder / "pipe.toml")
    check(folder, *interrupted(folder, MAIN, verb, "pipe.toml", after_s=after_s))


def test_ctrl_c_ends_the_first_scenario(folder: Path) -> None:
    check(folder, *interrupted(folder, MAIN, "new", "--nodes", "8", "--mtbf", "1000 h", "-o", "x.toml", after_s=0.1))
    assert not (folder / "x.toml").exists()


@pytest.mark.parametrize("after_s", [1.5, 6.0])
def test_ctrl_c_ends_a_compilation(folder: Path, after_s: float) -> None:
    check(folder, *interrupted(folder, MAIN, *VERBS["run"], after_s=after_s, NUMBA_CACHE_DIR=str(folder / "cache")))


@pytest.mark.parametrize("where", STUCK)
def test_ctrl_c_ends_what_hears_of_nothing(folder: Path, where: str) -> None:
    """Negative control of the way: without the thread that listens, each of these goes on for a minute."""
    script = f"""{STUCK[where]}
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from sim.cli.interrupt import ctrl_c_ends
print("main", file=sys.stderr, flush=True)
with ctrl_c_ends():
    wait()
"""
    check(folder, *interrupted(folder, script, after_s=0.3))
    assert not (folder / "x.parquet").exists()


def test_ctrl_c_is_why_the_caller_of_a_callback_fails(folder: Path) -> None:
    """A library whose callback was interrupted, and who fails for want of what it should have brought."""
    script = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from sim.cli import main, verbs
brought = True
class Callback:
    def __del__(self):
        global brought
        brought = False
        time.sleep(10)
        brought = True
def app(**_):
    print("main", file=sys.stderr, flush=True)
    Callback()
    if not brought:
        raise RuntimeError("no compiled object yet")
verbs.app = app
main()
"""
    check(folder, *interrupted(folder, script, after_s=0.3))


def test_ctrl_c_ends_an_interpreter_that_takes_its_time_to_end(folder: Path) -> None:
    script = f"import atexit, time; atexit.register(time.sleep, 60)\n{MAIN}"
    code, took_s, err = interrupted(folder, script, *VERBS["run"], after_s=1.2)
    check(folder, code, took_s, err)
    assert err.count("interrupted") <= 1


@pytest.mark.parametrize(("pressed", "order"), [(False, ["write", "show"]), (True, ["show", "write"])])
def test_after_ctrl_c_an_answer_is_shown_before_its_files_are_written(pressed: bool, order: list[str]) -> None:
    """A picture takes a second and more, and there are 1.6 s."""
    steps: list[str] = []
    written_and_shown(lambda: steps.append("write"), lambda: steps.append("show"), pressed)
    assert steps == order
