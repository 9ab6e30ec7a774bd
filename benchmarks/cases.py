"""What the benchmarks run: hopper-100k and its variants, and what of a run is counted."""

from pathlib import Path
from typing import Any

import sim
from sim.plan import Plan
from sim.planning import build

ROOT = Path(__file__).resolve().parent.parent
MINIMAL = ROOT / "scenarios" / "minimal.toml"
HOPPER = ROOT / "scenarios" / "hopper-100k.toml"
TWO_TIER = ROOT / "scenarios" / "two-tier-100k.toml"
NO_REWORK = ROOT / "benchmarks" / "no-rework.toml"

GPUS = 100_000
GPUS_PER_NODE = 8
SPARES = 300

TWO_NODES = ("cluster.nodes=2", "job.nodes=2", "pools.hot.nodes=0", "pools.cold.nodes=0")
"""Overrides that leave 16 GPUs of hopper-100k, and no spares."""


def plan_of(file: Path, overrides: tuple[str, ...] = ()) -> Plan:
    return build(sim.load(file, list(overrides)))


def without_faults() -> tuple[str, ...]:
    """Overrides after which every fault source is still there, and none strikes in a million years."""
    return tuple(f"faults.{name}.observed.units=1e18" for name in _sources())


def of_size(gpus: int) -> tuple[str, ...]:
    """Overrides that run hopper-100k on ``gpus`` GPUs and leave everything else about a run as it is.

    Lives are longer by as much as there are more components, so the faults come at the same instants; the stage that
    grows with the GPUs stays at 50 s + 20 s; spares are as many, and switched off, since hot ones would fail more often
    the shorter the lives.
    """
    nodes = gpus // GPUS_PER_NODE
    units = [
        f"faults.{name}.observed.units={source['observed']['units'] * gpus / GPUS!r}"
        for name, source in _sources().items()
        if source["per"] != "job"
    ]
    stages = [f'recovery.{rule}.stages.init.per_gpu="{0.5 * GPUS / gpus} ms"' for rule in ("in_place", "swap")]
    return (
        f"cluster.nodes={nodes + SPARES}", f"job.nodes={nodes}", "pools.hot.nodes=0", f"pools.cold.nodes={SPARES}",
        'pools.cold.activation="1 min"', *units, *stages,
    )  # fmt: skip


def _sources() -> dict[str, dict[str, Any]]:
    faults: dict[str, dict[str, Any]] = sim.load(HOPPER).resolved()["faults"]
    return faults


def faults(rows: Any) -> int:
    """Faults that an engine handled: on the job, on hot spares, and on nodes that were down already."""
    return int(rows["faults"].sum() + rows["spare_faults"].sum() + rows["void_faults"].sum())
