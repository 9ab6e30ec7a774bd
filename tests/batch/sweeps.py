"""Small sweeps, which take a moment."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sim.batch.file import Sweep, load_sweep

SMALL = """
name = "small"
cluster = { nodes = 70, gpus_per_node = 8 }
job = { nodes = 64 }
run = { horizon = "2 days", seed = 1 }
recovery = { detect = "1 min", restart = "5 min" }
repair = { time = "4 h" }
faults.node = { per = "node", mtbf = "500 h", needs = "repair" }
stores.remote = { every = "1 h", stall = "30 s" }
"""


def write_sweep(
    folder: Path, intervals: Sequence[str] = ("30 min", "1 h", "2 h"), mtbfs: Sequence[str] = ("300 h", "900 h"),
    asked: str = "replications = 40", horizon: str = "2 days",
) -> Path:  # fmt: skip
    """Write a sweep file and its scenario; gives the sweep file."""
    (folder / "small.toml").write_text(SMALL.replace("2 days", horizon), encoding="utf-8")
    file = folder / "sweep.toml"
    file.write_text(
        f"""
scenario = "small.toml"
{asked}
[axes.mtbf]
key = "faults.node.mtbf"
values = {list(mtbfs)}
[axes.interval]
key = "stores.remote.every"
values = {list(intervals)}
""",
        encoding="utf-8",
    )
    return file


def small_sweep(folder: Path, intervals: Sequence[str] = ("30 min", "1 h", "2 h")) -> Sweep:
    """Six cases of 40 replications, or as many as there are intervals, twice."""
    return load_sweep(write_sweep(folder, intervals))
