"""Inputs that are large beyond use are answered or refused in seconds of this process, however busy the machine is."""

import os
import time
from pathlib import Path

import pytest

from sim.batch.file import load_sweep
from sim.engine.compiled.units import units
from sim.errors import ScenarioError
from sim.planning import build
from sim.scenario import loads

from .conftest import Sim
from .texts import SMALL

LIMIT_S = 10.0

TEN_MILLION = """
name = "ten million nodes in racks, with copies in other racks"
cluster = { nodes = 10_000_000, gpus_per_node = 1, groups = { rack = "8 nodes" } }
job = { nodes = 10_000_000 }
faults.node = { per = "node", mtbf = "50_000_000 h", needs = "repair" }
stores.peer = { every = "1 h", stall = "1 s", place = { partners = 1, layout = "LAYOUT", not_same = "rack" } }
stores.remote = { every = "1 h", stall = "1 s" }
repair = { time = "1 h" }
run = { horizon = "1 day" }
"""


def resident_bytes() -> int:
    """What this process has of the memory, as Linux counts it."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("layout", ["groups", "ring"])
def test_ten_million_nodes(sim: Sim, tmp_path: Path, layout: str) -> None:
    """Planned, shown, and run by the specification; what the compiled engine has for each node is made."""
    text = TEN_MILLION.replace("LAYOUT", layout)
    (tmp_path / "small.toml").write_text(text.replace("10_000_000", "10_000"), encoding="utf-8")
    assert sim("run", tmp_path / "small.toml", "--replications", 1, "--engine", "simpy").code == 0  # compiles kernels
    (tmp_path / "large.toml").write_text(text, encoding="utf-8")
    for arguments in (("validate",), ("show",), ("run", "--replications", 1, "--engine", "simpy", "--json")):
        start = time.process_time()
        said = sim(arguments[0], tmp_path / "large.toml", *arguments[1:])
        assert said.code == 0, said.err
        assert time.process_time() - start < LIMIT_S
    plan = build(loads(text))
    before = resident_bytes()
    room = units(plan)
    assert resident_bytes() - before < 1e9  # of some 10 GB that are asked for
    assert room.sites["site"][-1] == room.sites["node"][-1] == 10_000_000 - 1


def test_a_thousand_axes(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(SMALL, encoding="utf-8")
    axes = (f"[axes.a{i}]\nkey = 'job.nodes'\nvalues = [4]\n" for i in range(1002))
    text = f'scenario = "base.toml"\nreplications = 4\n{"".join(axes)}'
    (tmp_path / "sweep.toml").write_text(text, encoding="utf-8")
    start = time.process_time()
    with pytest.raises(ScenarioError):
        load_sweep(tmp_path / "sweep.toml")
    assert time.process_time() - start < LIMIT_S
