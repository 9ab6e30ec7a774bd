"""Runs as data frames, with the provenance that lets anybody make them again."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.engine.inputs import rate_factors
from sim.engine.state import FROM_START, MARKS, Floats, StopReason
from sim.kernels.ledger import BUCKETS, GPU_ONLY
from sim.plan import Plan
from sim.scenario import Scenario
from sim.writing import appearing

if TYPE_CHECKING:
    import pandas as pd

SCHEMA_VERSION = 1
"""Version of the columns below, of the JSON that the verbs print, and of what a result means: raised when one
changes.
"""

Records = npt.NDArray[np.void]
Numbers = npt.NDArray[np.float64] | npt.NDArray[np.int64]


@dataclass(frozen=True)
class ByPeriod:
    """Runs cut into periods: starts and ends, s, of shape (periods,), and arrays of shape (n, periods).

    ``wall_s`` is how long a run goes on in the period. The others are named like the run's own figures and add up to
    them over the periods, exactly as long as these are below 2^33 s.
    """

    start_s: Floats
    end_s: Floats
    wall_s: Floats
    work_done_s: Floats
    interruptions: Floats
    repair_node_s: Floats
    spare_idle_node_s: Floats


@dataclass(frozen=True)
class Runs:
    """Replications of one scenario.

    Parameters
    ----------
    scenario, plan : Scenario, Plan
        What was run.
    rows : array of ``sim.engine.state.ROW``, shape (n,)
        What the replications left.
    engine : str
        "compiled" or "simpy"; no result depends on it.
    marks : array of float64, shape (n, periods, 4), optional
        Totals at the ends of periods (``sim.engine.state.MARKS``), where the plan has any.
    """

    scenario: Scenario
    plan: Plan
    rows: Records
    engine: str = "compiled"
    marks: Floats | None = None

    def __repr__(self) -> str:
        return f"<Runs {self.scenario.name!r}: n = {len(self.rows)}, {self.engine} engine>"

    @cached_property
    def ledger_s(self) -> dict[str, Numbers]:
        """Wall-clock seconds of each bucket, arrays of shape (n,): they add up to ``wall_s`` exactly."""
        return ledger_of(self.rows)

    @cached_property
    def ledger_gpu_s(self) -> dict[str, Numbers]:
        """GPU-seconds of each bucket, arrays of shape (n,): they add up to the GPUs held times ``wall_s``."""
        return ledger_gpu_of(self.plan, self.rows)

    @property
    def gpus_held(self) -> int:
        """GPUs of the job and its pools."""
        return _gpus_held(self.plan)

    @cached_property
    def replications(self) -> pd.DataFrame:
        """One row per replication; seconds in columns that end in ``_s``.

        ``ettr`` is progress / wall clock, ``ettr_hardware`` productive GPU-seconds / GPU-seconds held. Columns
        ``ledger_*_s`` and ``ledger_gpu_*_s`` hold the buckets, ``faults_*`` and ``interruptions_*`` the counts by
        fault source, ``saves_*``, ``restores_*``, ``lost_work_*_s`` and ``save_stall_*_s`` the figures by store,
        ``rate_factor_*`` what an uncertain rate was multiplied by.
        """
        import pandas as pd

        columns: dict[str, Any] = dict(columns_of(self.plan, self.rows))
        columns["stop_reason"] = [StopReason(reason).name.lower() for reason in columns["stop_reason"]]
        return pd.DataFrame(columns)

    def by_period(self, joined: int = 1) -> ByPeriod:
        """The runs cut into periods, so many of which are ``joined`` to one; the last may be shorter.

        The runs must have marks.
        """
        assert self.marks is not None
        every = np.minimum(np.arange(1, self.plan.periods + 1) * self.plan.period, self.plan.horizon)
        last = [*range(joined - 1, len(every) - 1, joined), len(every) - 1]
        ends = every[last]
        starts = np.concatenate([[0.0], ends[:-1]])
        wall = np.clip(self.rows["wall_s"][:, None] - starts, 0.0, ends - starts)
        each = np.diff(self.marks[:, last], axis=1, prepend=0.0)
        return ByPeriod(starts, ends, wall, *(each[:, :, i] for i in range(len(MARKS))))

    @property
    def series(self) -> pd.DataFrame:
        """One row per replication and period in which it goes on; the runs must have marks.

        Beside the figures of ``ByPeriod`` it has ``ettr``, and means over the period's time of the nodes in repair and
        of the idle spares.
        """
        import pandas as pd

        found = self.by_period()
        n, count = found.wall_s.shape
        columns: dict[str, Any] = {
            "replication": np.repeat(self.rows["replication"], count), "period": np.tile(np.arange(count), n),
            "start_s": np.tile(found.start_s, n), "end_s": np.tile(found.end_s, n), "wall_s": found.wall_s.ravel(),
        }  # fmt: skip
        frame = pd.DataFrame(columns | {name: getattr(found, name).ravel() for name in MARKS})
        frame = frame[frame["wall_s"] > 0.0].reset_index(drop=True)
        frame["interruptions"] = frame["interruptions"].astype(np.int64)
        means = {
            "ettr": "work_done_s", "mean_units_in_repair": "repair_node_s", "mean_spares_idle": "spare_idle_node_s"
        }  # fmt: skip
        return frame.assign(**{name: frame[total] / frame["wall_s"] for name, total in means.items()})

    def incidents(self, log: Records) -> pd.DataFrame:
        """The incidents that an engine gives with one replication, with names for numbers; ``closed_s`` is None if
        the run ended in it.
        """
        import pandas as pd

        frame = pd.DataFrame({name: log[name] for name in log.dtype.names or ()})
        frame["cause"] = [self.plan.causes[cause] for cause in log["cause"]]
        frame["rule"] = [self.plan.rules[rule].name if rule >= 0 else None for rule in log["rule"]]
        frame["closed_s"] = frame["closed_s"].astype(object).where(frame["closed_s"].notna(), None)
        return frame

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """What makes these runs again: resolved scenario, its hash, seed, replications, versions."""
        replications = self.rows["replication"]
        return {
            "schema_version": SCHEMA_VERSION,
            "scenario": self.scenario.resolved(),
            "scenario_sha256": self.scenario.sha256(),
            "seed": self.plan.seed,
            "replications": [int(replications.min()), int(replications.max())] if len(replications) else [],
            "engine": self.engine,
            "versions": versions(),
        }

    def write_parquet(self, path: str | os.PathLike[str]) -> None:
        """Write one row per replication; the provenance goes into the file's metadata under ``lockstep``.

        The file appears when it is complete, or not at all. Equal runs give equal bytes.

        Raises
        ------
        UsageError
            If the file cannot be written.
        """
        self._write(self.replications, Path(path))

    def write_series(self, path: str | os.PathLike[str]) -> None:
        """Write ``series`` as ``.parquet``, as ``write_parquet`` does, or as ``.csv``, which has no provenance.

        Raises
        ------
        UsageError
            If the file cannot be written.
        """
        self._write(self.series, Path(path))

    def _write(self, frame: pd.DataFrame, target: Path) -> None:
        with appearing(target) as partial:
            if target.suffix == ".csv":
                frame.to_csv(partial, index=False)
            else:
                self._write_parquet(frame, partial)

    def _write_parquet(self, frame: pd.DataFrame, path: Path) -> None:
        import pyarrow as pa  # heavy, and needed by this alone
        from pyarrow import parquet

        table = pa.Table.from_pandas(frame, preserve_index=False)
        metadata = {**(table.schema.metadata or {}), b"lockstep": json.dumps(self.provenance).encode()}
        parquet.write_table(table.replace_schema_metadata(metadata), path)


OF_A_RUN = ("replication", "stop_reason", "wall_s", "work_done_s", "not_saved_s")
"""First columns: number of the replication, why it stopped, wall clock, progress, and what of it was not saved."""

EXCESS = "excess_of_"
"""What names of columns begin with that say how much longer drawn durations of a bucket are than their laws' means."""

COUNTS = (
    "interruptions", "faults", "spare_faults", "spares_lost", "void_faults", "missed", "blamed_wrongly",
    "notices", "saved_on_notice", "attempts",
    "saves", "spares_used", "spare_waits", "repairs", "crew_services", "renewals", "relapses", "recurrences",
    "retired",
    "units_in_repair",
)  # fmt: skip
"""Columns that count: interruptions (incidents), faults on the job, on spares alone, spares that went down, faults on
what was down already, faults for which no node and for which the wrong one was blamed, starts of a recovery, durable
saves, spares taken, recoveries that found too few spares, services by repair crews, nodes that came back as new, nodes
that failed again after a repair that only seemed to work, failures again of nodes that were not taken out,
nodes given up, units in repair at the end.
"""


TRAINS = ("productive", "save_stall", "save_slowdown", "lost_work")
"""Buckets in which the job trains: it steps, for good or in vain, or saves."""


def columns_of(plan: Plan, rows: Records) -> dict[str, Numbers]:
    """Columns of ``Runs.replications`` as numbers, arrays of shape (n,); ``stop_reason`` is a ``StopReason``."""
    ledger_gpu_s = ledger_gpu_of(plan, rows)
    columns: dict[str, Numbers] = {name: rows[name] for name in OF_A_RUN}
    with np.errstate(invalid="ignore"):  # of a run in which no time passes nothing is a share: nan
        columns["ettr"] = rows["work_done_s"] / rows["wall_s"]
        columns["ettr_hardware"] = ledger_gpu_s["productive"] / (_gpus_held(plan) * rows["wall_s"])
    for name in COUNTS:
        columns[name] = rows[name]
    columns["crew_wait_total_s"] = rows["crew_wait_s"]
    columns["excess_s"] = rows["excess"].sum(axis=1)
    columns |= {f"ledger_{bucket}_s": seconds for bucket, seconds in ledger_of(rows).items()}
    columns |= {f"ledger_gpu_{bucket}_s": seconds for bucket, seconds in ledger_gpu_s.items()}
    for i, source in enumerate(plan.sources):
        columns[f"faults_{source.name}"] = rows["faults_of"][:, i]
    for i, cause in enumerate(plan.causes):
        columns[f"interruptions_{cause}"] = rows["interruptions_of"][:, i]
    for bucket in sorted(plan.drawn):
        columns[f"{EXCESS}{BUCKETS[bucket]}_s"] = rows["excess"][:, bucket]
    columns |= _columns_by_store(plan, rows)
    if plan.uncertain:
        factors = rate_factors(plan, rows["replication"])
        for i, source in enumerate(plan.sources):
            if source.shape > 0:
                columns[f"rate_factor_{source.name}"] = factors[:, i]
    return columns


def store_names(plan: Plan) -> tuple[str, ...]:
    """Names of the stores in the order of ``sim.engine.state.ROW``; none without a store."""
    if plan.tiers:
        return tuple(tier.name for tier in plan.tiers)
    return (plan.store,) if plan.has_store else ()


def _columns_by_store(plan: Plan, rows: Records) -> dict[str, Numbers]:
    """Counts and seconds by store; and what began again from the start, as no version was left."""
    columns: dict[str, Numbers] = {}
    for i, name in enumerate(store_names(plan)):
        columns[f"saves_{name}"] = rows["saves_of"][:, i]
        columns[f"restores_{name}"] = rows["restores_of"][:, i]
        columns[f"lost_work_{name}_s"] = rows["lost_before"][:, i]
        columns[f"save_stall_{name}_s"] = rows["stood_for"][:, i]
    columns["from_start_restores"] = rows["restores_of"][:, FROM_START]
    columns["from_start_lost_work_s"] = rows["lost_before"][:, FROM_START]
    return columns


def ledger_of(rows: Records) -> dict[str, Numbers]:
    """``Runs.ledger_s`` of rows."""
    return {bucket: rows["ledger"][:, i] for i, bucket in enumerate(BUCKETS)}


def training_s(ledger: Mapping[str, Numbers]) -> Floats:
    """Seconds in which the job steps or saves, shape (n,), from the seconds of each bucket of the wall clock."""
    return np.asarray(sum(ledger[bucket] for bucket in TRAINS), dtype=np.float64)


def ledger_gpu_of(plan: Plan, rows: Records) -> dict[str, Numbers]:
    """``Runs.ledger_gpu_s`` of a plan's rows."""
    per_node = plan.gpus_per_node
    nodes = rows["ledger"] * plan.job_nodes - rows["absent_node_s"]
    spent = {bucket: nodes[:, i] * per_node for i, bucket in enumerate(BUCKETS)}
    rest = (rows["spare_idle_node_s"], rows["repair_node_s"])
    return spent | {bucket: node_s * per_node for bucket, node_s in zip(GPU_ONLY, rest, strict=True)}


def count_reasons(reasons: Numbers) -> dict[str, int]:
    """Return how many runs stopped for which reason, by its name in small letters."""
    found, counts = np.unique(reasons, return_counts=True)
    return {StopReason(reason).name.lower(): int(count) for reason, count in zip(found, counts, strict=True)}


def _gpus_held(plan: Plan) -> int:
    return plan.nodes * plan.gpus_per_node


def versions() -> Mapping[str, str]:
    """Versions of all that a result may depend on."""
    libraries = {name: version(name) for name in ("lockstep-sim", "numba", "numpy", "pandas", "scipy", "simpy")}
    return {"python": platform.python_version(), **libraries}
