"""Sweeps: what 1,000 cases cost on two processes beside their computation, and how fast a million rows are merged."""

import resource
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from cases import HOPPER
from pyarrow import parquet

import sim
from sim.batch.journal import Blocks, Journal, read
from sim.batch.tables import Axis, Case, write_tables
from sim.batch.work import Block, Piece, Task, model, resolved, run_task, unpacked
from sim.engine.compiled.run import Runner
from sim.study.looks import cores

REPLICATIONS = 256
CASES = 1_000
EVERY = 5
"""Cases of which one is run alone, too."""
MERGED = 64
"""Replications of each case of the merge."""

ROWS = 1_000_000

SWEEP = f"""
scenario = "{HOPPER}"
replications = {REPLICATIONS}
set = {{ "run.horizon" = "30 days" }}
[axes.interval]
key = "stores.shared.every"
from = "1 min"
to = "40 min"
points = 40
scale = "log"
[axes.limit]
key = "run.max_events"
from = 1_000_000
to = 1_000_024
points = 25
"""

MERGE = """
import resource, sys, time
from pathlib import Path
from test_sweep import merge
print(*merge(Path(sys.argv[1])))
"""


@pytest.mark.skipif(cores() < 2, reason="needs two cores")
def test_two_processes(benchmark, tmp_path):
    """The sweep as a command, to its tables; beside it every fifth case alone in this process."""
    file = tmp_path / "sweep.toml"
    file.write_text(SWEEP, encoding="utf-8")
    sweep = sim.load_sweep(file)
    assert len(sweep.cases) == CASES
    command = [sys.executable, "-m", "sim", "sweep", str(file), "-o", str(tmp_path / "out"), "--jobs", "2", "--json"]
    benchmark.pedantic(lambda: subprocess.run(command, check=True, capture_output=True), rounds=1)
    plans = [unpacked(resolved(sweep.base.scenario(case.changes), None).plan) for case in sweep.cases[::EVERY]]
    faults, before = 0, time.process_time()
    for plan in plans:
        rows = Runner(plan).run(0, REPLICATIONS)
        faults += int(rows["faults"].sum())
    alone = time.process_time() - before
    benchmark.extra_info.update(faults=EVERY * faults, cases=CASES, alone_us=round(1e6 * EVERY * alone))


def merge(folder: Path) -> tuple[float, int]:
    """Write the tables of a million rows from a journal: seconds, and peak memory in bytes."""
    case = resolved(sim.load(HOPPER), None)
    together = 25
    pieces = tuple(Piece(number, 0, MERGED) for number in range(together))
    block = run_task(Task(model(), pieces, (case.plan,) * together)).blocks[0]
    names = [f"{number:064x}" for number in range(ROWS // MERGED)]
    with Journal(folder / "journal") as journal:
        for first in range(0, len(names), together):
            here = names[first : first + together]
            numbers = tuple(replace(piece, case=first + piece.case) for piece in pieces)
            journal.block(Block(block.columns, numbers, block.data), here)
    cases = [Case(name, MERGED, 0.95, None, None) for name in names]
    start = time.perf_counter()
    content = read(folder / "journal")
    write_tables(folder, cases, [Axis("x", ["1"] * len(cases), [1.0] * len(cases))], content,
                 Blocks(folder / "journal", content), {})  # fmt: skip
    return time.perf_counter() - start, 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def test_merge(benchmark, tmp_path):
    """In a process of its own, whose memory is that of the merge."""
    here = Path(__file__).resolve().parent
    command = [sys.executable, "-c", MERGE, str(tmp_path)]
    done = benchmark.pedantic(
        lambda: subprocess.run(command, check=True, capture_output=True, text=True, cwd=here), rounds=1
    )  # fmt: skip
    assert parquet.read_metadata(tmp_path / "results.parquet").num_rows == ROWS
    seconds, peak = done.stdout.split()
    benchmark.extra_info.update(merge_us=round(1e6 * float(seconds)), peak_bytes=int(peak), rows=ROWS)
