"""Valid files that would make a run long without any fault: each is answered, or ends at the limit of events."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("text", LIMITED.values(), ids=LIMITED.keys())
def test_what_does_not_ends_at_the_limit_of_events(text: str, tmp_path: Path) -> None:
    found = answer(text, tmp_path, "run", "--replications", "2")
    assert found["stop_reasons"] == {"event_limit": 2}


@pytest.mark.parametrize("verb", ["show", "explain"])
def test_every_verb_answers_for_saves_every_microsecond(verb: str, tmp_path: Path) -> None:
    answer(ANSWERED["two stores"], tmp_path, verb, *(() if verb == "show" else ("--replications", "4")))
