"""Valid files that would make a run long without any fault: each is answered, or ends at the limit of events."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import Sim

SECONDS = 120
"""What a command may take. Each takes some seconds on a free machine; one that goes from save to save never ends."""

JOB = 'cluster = { nodes = 4 }\nfaults.a = { per = "job", clock = "wall", mtbf = "10 days" }\n'

EVERY_MICROSECOND = (
    JOB
    + """
[stores.a]
every = "1 us"
[stores.b]
every = "1 h"
stall = "1 min"
persist = "2 min"
[run]
"""
)

ANSWERED = {
    "two stores": EVERY_MICROSECOND + 'horizon = "30 days"',
    "two stores until work is done": EVERY_MICROSECOND + 'work = "30 days"',
    "two stores, 1000 periods": EVERY_MICROSECOND + 'horizon = "1_000 h"\nseries = "1 h"',
    "one store": JOB + 'stores.a = { every = "1 us" }\nrun.horizon = "100 years"',
    "three stores": JOB + 'run.horizon = "100 years"\n[stores]\na = { every = "1 us" }\nb = { every = "7 us" }\n'
    'c = { every = "13 saves", source = "b", persist = "1 ms" }',
    "checks of spares": 'faults.a = { per = "node", mtbf = "10 days" }\nrun.horizon = "30 days"\njob.nodes = 4\n'
    'cluster.nodes = 6\npools.hot = { nodes = 2, check = "1 us" }\nstores.a = { every = "1 h" }',
}

LIMITED = {
    "saves that never repeat": JOB + 'run = { horizon = "100 years", max_events = 200_000 }\n'
    'stores = { a = { every = "999_983 us", stall = "1 ms" }, b = { every = "1_000_003 us" } }',
    "pauses": JOB + 'pauses.p = { every = "1 us", duration = "1 us" }\n'
    'run = { horizon = "30 days", max_events = 200_000 }',
    "pauses that take no time": JOB + 'pauses.p = { every = "1 us", duration = "0 s" }\n'
    'run = { work = "30 days", max_events = 200_000 }',
    "pauses of two stores": JOB + 'pauses.p = { every = "1 us", duration = "1 us", save = false }\n'
    'stores = { a = { every = "1 h" }, b = { every = "2 h", stall = "1 s" } }\n'
    'run = { horizon = "30 days", max_events = 200_000 }',
    "faults": 'cluster.nodes = 1\nfaults.a = { per = "job", clock = "wall", mtbf = "1 us" }\n'
    'run = { horizon = "30 days", max_events = 200_000 }',
}


def answer(text: str, folder: Path, *arguments: str) -> dict:
    path = folder / "long.toml"
    path.write_text(text)
    command = [sys.executable, "-m", "sim", *arguments, str(path), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("text", ANSWERED.values(), ids=ANSWERED.keys())
def test_what_repeats_is_answered(text: str, tmp_path: Path) -> None:
    found = answer(text, tmp_path, "run", "--replications", "2")
    assert set(found["stop_reasons"]) <= {"horizon", "done"}
    assert 0.5 < found["ettr"]["mean"] < 1.0


HARDLY_EVER = """
cluster.nodes = 4
faults.a = { per = "job", mtbf = "1 h" }
recovery = { max_attempts = 10_000_000, restart.stages.s = { time = "0 s", fails = 0.999999 } }
run = { horizon = "30 days", initial_start = %s, max_events = 200_000 }
"""


@pytest.mark.parametrize(("initial_start", "time_s"), [("false", 0), ("true", 1e-6)])
def test_starts_that_hardly_ever_work_end_at_the_limit_of_events(
    initial_start: str, time_s: float, tmp_path: Path
) -> None:
    text = HARDLY_EVER % initial_start
    found = answer(text.replace('"0 s"', f'"{time_s} s"'), tmp_path, "run", "--replications", "2")
    assert found["stop_reasons"] == {"event_limit": 2}


NO_TIME = {
    "run": (),
    "one": ("--replication", 0),
    "compare": ("--variant", "faults.a.mtbf=2 h"),
    "tune": ("--over", "faults.a.mtbf"),
    "explain": (),
    "efficiency": ("--set", 'efficiency = { chip = "h100-sxm", mfu = 0.4 }'),
}


@pytest.mark.parametrize("verb", NO_TIME)
def test_runs_in_which_no_time_passes_are_refused(sim: Sim, verb: str, tmp_path: Path) -> None:
    file = tmp_path / "long.toml"
    file.write_text(HARDLY_EVER.replace("200_000", "2_000") % "true")
    many = () if verb == "one" else ("--replications", 9)
    said = sim("run" if verb == "one" else verb, file, *NO_TIME[verb], *many)
    assert said.code == 2
    assert "no time passes in any run" in said.err


def test_a_sweep_says_in_which_cases_no_time_passes(sim: Sim, tmp_path: Path) -> None:
    (tmp_path / "long.toml").write_text(HARDLY_EVER.replace("200_000", "2_000") % "true")
    axis = "[axes.start]\nkey = 'run.initial_start'\nvalues = [true, false]\n"
    (tmp_path / "sweep.toml").write_text(f"scenario = 'long.toml'\nreplications = 4\n{axis}")
    said = sim("sweep", tmp_path / "sweep.toml", "-o", tmp_path / "out", "--jobs", 1)
    assert said.code == 0
    assert "1 case of 2 end where they start: no time passes" in said.out
    assert sim("sweep", tmp_path / "sweep.toml", "-o", tmp_path / "out", "--json").json


@pytest.mark.parametrize("text", LIMITED.values(), ids=LIMITED.keys())
def test_what_does_not_ends_at_the_limit_of_events(text: str, tmp_path: Path) -> None:
    found = answer(text, tmp_path, "run", "--replications", "2")
    assert found["stop_reasons"] == {"event_limit": 2}


OTHERS = {
    "show": ("show",),
    "one": ("run", "--replication", "1", "--events"),
    "simpy": ("run", "--replication", "1", "--engine", "simpy"),
    "compare": ("compare", "--variant", "cluster.nodes=8", "--replications", "2"),
    "tune": ("tune", "--replications", "9"),
    "explain": ("explain", "--replications", "2"),
    "efficiency": (
        "efficiency", "--replications", "2", "--set", 'efficiency = { chip = "h100-sxm", mfu = 0.4 }',
    ),
}  # fmt: skip


@pytest.mark.parametrize("text", [*ANSWERED.values(), *LIMITED.values()], ids=[*ANSWERED, *LIMITED])
@pytest.mark.parametrize("verb", OTHERS)
def test_every_verb_answers(sim: Sim, verb: str, text: str, tmp_path: Path) -> None:
    """With a limit that is soon reached: what is walked through beside the events would still take hours."""
    file = tmp_path / "long.toml"
    file.write_text(text)
    over = ("--over", "stores.a.every" if "stores" in text else "faults.a.mtbf") if verb == "tune" else ()
    start = time.process_time()
    said = sim(OTHERS[verb][0], file, *OTHERS[verb][1:], *over, "--set", "run.max_events=20_000")
    assert said.code in (0, 3), said.err
    assert said.out
    assert time.process_time() - start < SECONDS


KEYS = {
    "saves that never repeat": "saves to b (stores.b.every = 1_000_003 us)",
    "pauses": "pauses of p (pauses.p.every = 1 us)",
    "pauses that take no time": "pauses of p (pauses.p.every = 1 us)",
    "pauses of two stores": "pauses of p (pauses.p.every = 1 us)",
    "faults": "faults of a (faults.a.mtbf = 1 us)",
}


@pytest.mark.parametrize("name", LIMITED)
def test_a_run_that_will_end_at_the_limit_is_forecast(sim: Sim, name: str, tmp_path: Path) -> None:
    """Before it is simulated, in one line: which file, what and how often, the key and the limit."""
    file = tmp_path / "long.toml"
    file.write_text(LIMITED[name])
    said = sim("run", file, "--replications", 2)
    (line,) = [line for line in said.err.splitlines() if "a run has about" in line]
    assert line.startswith(f"{file}: ")
    assert line.endswith(f" {KEYS[name]} and ends early, at run.max_events = 200,000")


@pytest.mark.parametrize("text", ANSWERED.values(), ids=ANSWERED.keys())
def test_a_run_that_takes_no_time_is_not(sim: Sim, text: str, tmp_path: Path) -> None:
    file = tmp_path / "long.toml"
    file.write_text(text)
    assert "a run has about" not in sim("run", file, "--replications", 2).err
