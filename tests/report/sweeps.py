"""Sweeps with made-up results: nothing is simulated."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from sim.batch.file import Sweep, sweep_from_dict
from sim.batch.swept import Swept
from sim.batch.tables import Case, Summaries

MINIMAL = str(Path(__file__).parents[2] / "scenarios" / "minimal.toml")

INTERVAL = {"key": "stores.remote.every", "values": ["10 min", "20 min", "30 min", "1 h"]}
MTBF = {"key": "faults.node.mtbf", "from": "2_000 h", "to": "8_000 h", "factor": 2}
SPARES = {"key": "pools.hot.nodes", "values": [10, 20]}


def sweep_of(axes: dict[str, Any], **keys: Any) -> Sweep:
    """A sweep of the minimal scenario."""
    return sweep_from_dict({"scenario": MINIMAL, "axes": axes, "replications": 32, **keys})


def swept_of(
    sweep: Sweep, ettr: Sequence[float], half: float = 0.001, failed: Collection[int] = (),
    missing: Collection[int] = (), n: int = 32,
) -> Swept:  # fmt: skip
    """A sweep whose cases got these ETTRs, with an interval of half this width."""
    rows = [Case("", n, 0.95, None, "it broke" if i in failed else None) for i in range(len(sweep.cases))]
    summaries = Summaries(rows)
    means = np.array(ettr, dtype=np.float64)
    summaries.ends[:] = 0.01
    summaries.ends[0] = means, means - half, means + half
    if n == 1:
        summaries.ends[0, 1:] = np.nan
    known = np.array([i not in failed and i not in missing for i in range(len(rows))])
    summaries.ends[:, :, ~known] = np.nan
    summaries._known[:] = known
    return Swept(sweep, Path("out"), summaries, dict.fromkeys(failed, "it broke"), (), 0, int(known.sum()))


def printed(*parts: Any) -> str:
    """What a terminal of 80 columns without colour shows."""
    console = Console(width=80, color_system=None, highlight=False, markup=False)
    with console.capture() as capture:
        for part in parts:
            console.print(part)
    return capture.get()
