"""The tables of a sweep: every replication, every case, and where they come from. The same runs give the same bytes."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import parquet

from sim.batch.journal import Blocks, Content, Matrix
from sim.engine.state import EARLY, StopReason
from sim.kernels.ledger import BUCKETS, GPU_ONLY
from sim.results import COUNTS, EXCESS, OF_A_RUN, TRAINS, training_s
from sim.study import doubts
from sim.study.levelled import FIXED_END, levelled_time, totals_of_a_run
from sim.study.statistics import Estimate, ratios, times_between
from sim.writing import appearing

RESULTS = "results.parquet"
CASES = "cases.parquet"
PROVENANCE = "provenance.json"

ROWS_AT_ONCE = 50_000
"""Rows of one row group of `results.parquet`: what is held in memory at a time."""

_COUNTED_BY_NAME = ("faults_", "interruptions_", "saves_", "restores_")
_BY_NAME = (*_COUNTED_BY_NAME, EXCESS, "rate_factor_", "lost_work_", "save_stall_")
_WHOLE = ("replication", "stop_reason", "from_start_restores", *COUNTS)
_REASONS = [StopReason(reason).name.lower() for reason in sorted(StopReason)]


@dataclass(frozen=True)
class Axis:
    """An axis as the tables show it: its name, and what stands in its columns for each case: the value as it was
    written, and as a number in SI units (None for a word).
    """

    name: str
    written: Sequence[str]
    numbers: Sequence[float | None]


@dataclass(frozen=True)
class Case:
    """A case as the tables show it: identity, replications that count, confidence, whether its precision was reached
    (None: none was asked for), why it failed, whether there are faults in it.
    """

    identity: str
    n: int
    confidence: float
    reached: bool | None
    why_failed: str | None
    has_faults: bool = True


@dataclass(frozen=True)
class Summary:
    """Estimates of one case, each from all its replications: see `ESTIMATED`, and the share of each bucket. And how
    many replications stopped before their horizon or the end of their work, and the names of what speaks against the
    interval of ETTR (`sim.study.doubts`).
    """

    ettr: Estimate
    ettr_hardware: Estimate
    jmtti_s: Estimate
    mtti_training_s: Estimate
    wall_s: Estimate
    work_done_s: Estimate
    interruptions: Estimate
    shares: Mapping[str, Estimate]
    stopped_early: int
    doubts: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The estimates as they stand in JSON."""
        found = {name: getattr(self, name).as_dict() for name in ESTIMATED}
        shares = {bucket: share.as_dict() for bucket, share in self.shares.items()}
        return found | {"shares": shares, "stopped_early": self.stopped_early, "doubts": list(self.doubts)}


ESTIMATED = ("ettr", "ettr_hardware", "jmtti_s", "mtti_training_s", "wall_s", "work_done_s", "interruptions")
"""Names of the estimates of a case, beside the shares of its buckets."""

_ALL = (*ESTIMATED, *(f"share_{bucket}" for bucket in BUCKETS))


class Summaries(Sequence[Summary | None]):
    """Summaries of many cases; None of one that failed or is not done. Held as arrays."""

    def __init__(self, cases: Sequence[Case]) -> None:
        self._cases = cases
        self.ends = np.full((len(_ALL), 3, len(cases)), np.nan)
        self.stopped_early = np.zeros(len(cases), np.int64)
        self.doubts: dict[str, npt.NDArray[np.bool_]] = {name: np.zeros(len(cases), np.bool_) for name in doubts.NAMES}
        self._known = np.zeros(len(cases), np.bool_)

    def __len__(self) -> int:
        return len(self._cases)

    @property
    def n(self) -> npt.NDArray[np.int64]:
        """Replications of each case; 0 of one that has no summary."""
        return np.array([case.n for case in self._cases], np.int64) * self._known

    @overload
    def __getitem__(self, index: int) -> Summary | None: ...

    @overload
    def __getitem__(self, index: slice) -> list[Summary | None]: ...

    def __getitem__(self, index: int | slice) -> Summary | list[Summary | None] | None:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        if not self._known[index]:
            return None
        case = self._cases[index]
        found = {}
        for name, (middle, low, high) in zip(_ALL, self.ends[:, :, index].tolist(), strict=True):
            none = math.isnan(low)
            found[name] = Estimate(middle, None if none else low, None if none else high, case.n, case.confidence)
        shares = {bucket: found.pop(f"share_{bucket}") for bucket in BUCKETS}
        return Summary(
            **found, shares=shares, stopped_early=int(self.stopped_early[index]), doubts=self.doubts_of(index)
        )

    def doubts_of(self, index: int) -> tuple[str, ...]:
        """Return the names of what speaks against the interval of ETTR of a case."""
        return tuple(name for name, cases in self.doubts.items() if cases[index])

    def add(self, numbers: Sequence[int], columns: Mapping[str, Matrix]) -> None:
        """Take in cases with the same number of replications n and the same confidence; columns of shape (cases, n).

        A case in whose runs no time passes has no estimates: there is nothing to divide by.
        """
        lasting = columns["wall_s"].any(axis=1)
        if not lasting.all():
            numbers = np.asarray(numbers)[lasting].tolist()
            columns = {name: values[lasting] for name, values in columns.items()}
        if not numbers:
            return
        confidence = self._cases[numbers[0]].confidence
        wall, excess = columns["wall_s"], columns["excess_s"]
        time = levelled_time(wall, excess)
        fixed = np.isin(columns["stop_reason"], FIXED_END).mean(axis=1, keepdims=True)
        walls = totals_of_a_run(time, wall - time, time, fixed)
        work = totals_of_a_run(columns["work_done_s"], wall - time, time, fixed)
        ones = np.ones(wall.shape)
        trains = training_s({bucket: columns[f"ledger_{bucket}_s"] for bucket in TRAINS})
        # GPU-seconds of all buckets are the GPUs held times the wall clock.
        held = np.sum([values for name, values in columns.items() if name.startswith("ledger_gpu_")], axis=0)
        excess_of = {bucket: columns.get(f"{EXCESS}{bucket}_s", 0.0) for bucket in BUCKETS if wall.shape[1] > 1}
        shares = (columns[f"ledger_{b}_s"] - np.nan_to_num(excess_of.get(b, 0.0)) for b in BUCKETS)
        found = [
            ratios(columns["work_done_s"], time, confidence, most=1.0),
            ratios(columns["ledger_gpu_productive_s"], held * (time / wall), confidence, most=1.0),
            times_between(columns["interruptions"], walls, confidence),
            times_between(columns["interruptions"], trains, confidence),
            *(ratios(totals, ones, confidence) for totals in (walls, work, columns["interruptions"])),
            *(ratios(seconds, time, confidence, most=1.0) for seconds in shares),
        ]
        self.ends[:, :, numbers] = [[each.mean, each.low, each.high] for each in found]
        has_faults = np.array([self._cases[number].has_faults for number in numbers])
        for name, doubted in doubts.names(columns["work_done_s"], time, columns["interruptions"]).items():
            self.doubts[name][numbers] = doubted & has_faults
        self.stopped_early[numbers] = np.isin(columns["stop_reason"], EARLY).sum(axis=1)
        self._known[numbers] = True


_SUMMED = (
    *(f"ledger_gpu_{bucket}_s" for bucket in (*BUCKETS, *GPU_ONLY)),
    *(f"ledger_{bucket}_s" for bucket in BUCKETS),
    "work_done_s",
    "wall_s",
    "interruptions",
    "stop_reason",
    "excess_s",
    *(f"{EXCESS}{bucket}_s" for bucket in BUCKETS),
)
"""Columns that summaries are made of."""


def write_tables(
    out: Path, cases: Sequence[Case], axes: Sequence[Axis], content: Content, blocks: Blocks,
    description: Mapping[str, Any],
) -> Summaries:  # fmt: skip
    """Write `results.parquet` and `cases.parquet`.

    Parameters
    ----------
    out : Path
        Directory. Each file appears when it is complete, or not at all.
    cases : sequence of Case
        In their order; what the journal has beside them is left out.
    axes : sequence of Axis
        The columns that say what a case is.
    content, blocks : Content, Blocks
        The journal, which has all replications of cases that did not fail.
    description : dict
        Into the metadata of both files, under ``lockstep``; it must not depend on when or where they were made.

    Returns
    -------
    Summaries
        Of each case.

    Raises
    ------
    UsageError
        If a file cannot be written.
    """
    names = _all_columns(cases, content)
    metadata = {"lockstep": json.dumps(description, separators=(",", ":"))}
    schema = pa.schema([("case", pa.int32()), *((name, _type(name)) for name in names)], metadata=metadata)
    summaries = Summaries(cases)
    with _appearing(out / RESULTS) as path, parquet.ParquetWriter(path, schema, use_dictionary=False) as writer:
        for group in _groups(cases):
            values = _values(group, cases, content, blocks, names)
            writer.write_table(_table(group, cases, names, values, schema))
            _summarize(summaries, group, cases, dict(zip(names, values, strict=True)))
    with _appearing(out / CASES) as path:
        parquet.write_table(_case_table(cases, axes, summaries, metadata), path)
    return summaries


def summarized(cases: Sequence[Case], numbers: Sequence[int], content: Content, blocks: Blocks) -> Summaries:
    """Summaries of the cases with these numbers, all of whose replications the journal has; None of the others."""
    summaries = Summaries(cases)
    for group in _groups(cases, numbers):
        values = _values(group, cases, content, blocks, _SUMMED)
        _summarize(summaries, group, cases, dict(zip(_SUMMED, values, strict=True)))
    return summaries


def write_json(path: Path, what: Mapping[str, Any]) -> None:
    """Write a file of JSON, which appears when it is complete. Raises `UsageError` if it cannot be written."""
    with _appearing(path) as partial:
        partial.write_text(json.dumps(what, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _appearing(path: Path) -> AbstractContextManager[Path]:
    return appearing(path, durable=True, remedy="; the runs are safe: when that is mended, the same command writes it")


def _all_columns(cases: Sequence[Case], content: Content) -> list[str]:
    """Columns of all cases: first what all runs have, then what goes by the names of sources, in alphabetic order."""
    blocks = {run.block for case in cases for run in content.runs.get(case.identity, ())}
    different = dict.fromkeys(content.blocks[block].columns for block in sorted(blocks))
    found = dict.fromkeys(name for columns in different for name in columns) or dict.fromkeys(OF_A_RUN)
    fixed = [name for name in found if not name.startswith(_BY_NAME)]
    return fixed + [name for group in _BY_NAME for name in sorted(found) if name.startswith(group)]


def _type(name: str) -> pa.DataType:
    if name == "stop_reason":
        return pa.dictionary(pa.int8(), pa.string())
    return pa.int64() if name in _WHOLE or name.startswith(_COUNTED_BY_NAME) else pa.float64()


def _groups(cases: Sequence[Case], numbers: Sequence[int] | None = None) -> Iterator[list[int]]:
    """Cases that did not fail, for one row group each time; at least one group."""
    group: list[int] = []
    rows = 0
    for number in range(len(cases)) if numbers is None else numbers:
        if cases[number].why_failed is None:
            group.append(number)
            rows += cases[number].n
            if rows >= ROWS_AT_ONCE:
                yield group
                group, rows = [], 0
    yield group


def _values(
    group: Sequence[int], cases: Sequence[Case], content: Content, blocks: Blocks, names: Sequence[str]
) -> Matrix:
    """Replications of the cases of a group, in order, each once; shape (names, rows). NaN where a case has no column of
    that name.
    """
    found = np.full((len(names), sum(cases[number].n for number in group)), np.nan)
    places: dict[tuple[str, ...], tuple[list[int], list[int]]] = {}
    row = 0
    for number in group:
        runs, n = content.runs[cases[number].identity], cases[number].n
        done = 0
        while done < n:
            run = next(run for run in runs if run.first <= done < run.first + run.count)
            columns = blocks.columns(run)
            if columns not in places:
                there = [(i, columns.index(name)) for i, name in enumerate(names) if name in columns]
                places[columns] = [i for i, _ in there], [j for _, j in there]
            to, from_ = places[columns]
            values = blocks.values(run)[from_, done - run.first : n - run.first]
            found[to, row : row + values.shape[1]] = values
            done += values.shape[1]
            row += values.shape[1]
    return found


def _summarize(
    summaries: Summaries, group: Sequence[int], cases: Sequence[Case], columns: Mapping[str, Matrix]
) -> None:
    """Take in the cases of a group, those together that have the same number of replications."""
    alike: dict[tuple[int, float], list[tuple[int, int]]] = {}
    row = 0
    for number in group:
        alike.setdefault((cases[number].n, cases[number].confidence), []).append((number, row))
        row += cases[number].n
    for (n, _), found in alike.items():
        rows = np.array([row for _, row in found])[:, None] + np.arange(n)
        summaries.add(
            [number for number, _ in found], {name: columns[name][rows] for name in _SUMMED if name in columns}
        )


def _table(
    group: Sequence[int], cases: Sequence[Case], names: Sequence[str], values: Matrix, schema: pa.Schema
) -> pa.Table:
    numbers = np.repeat(np.array(group, dtype=np.int32), [cases[number].n for number in group])
    return pa.Table.from_arrays([pa.array(numbers), *map(_array, names, values)], schema=schema)


def _array(name: str, column: Matrix) -> pa.Array:
    """A column: null where a case has no source or store of that name."""
    by_name = name.startswith(_BY_NAME)
    mask = np.isnan(column) if by_name else None
    if _type(name) == pa.float64():
        return pa.array(column, mask=mask)
    whole = (np.nan_to_num(column) if by_name else column).astype(np.int64)
    if name == "stop_reason":
        return pa.DictionaryArray.from_arrays(pa.array(whole.astype(np.int8)), _REASONS)
    return pa.array(whole, mask=mask)


def _case_table(
    cases: Sequence[Case], axes: Sequence[Axis], summaries: Summaries, metadata: Mapping[str, str]
) -> pa.Table:
    columns: dict[str, pa.Array] = {
        "case": pa.array(range(len(cases)), pa.int32()),
        "sha256": pa.array([case.identity for case in cases], pa.string()),
    }
    for axis in axes:
        columns[axis.name] = pa.array(axis.written, pa.string())
        columns[f"{axis.name}_si"] = pa.array(axis.numbers, pa.float64())
    columns["status"] = pa.array(["done" if case.why_failed is None else "failed" for case in cases], pa.string())
    columns["why_failed"] = pa.array([case.why_failed for case in cases], pa.string())
    columns["reached"] = pa.array([case.reached for case in cases], pa.bool_())
    columns["n"] = pa.array([None if case.why_failed else case.n for case in cases], pa.int64())
    columns["confidence"] = pa.array([case.confidence for case in cases], pa.float64())
    early = summaries.stopped_early
    columns["stopped_early"] = pa.array(early, mask=np.array([case.why_failed is not None for case in cases]))
    of_cases = (None if case.why_failed else ", ".join(summaries.doubts_of(i)) for i, case in enumerate(cases))
    columns["doubts"] = pa.array(of_cases, pa.string())
    for name, ends in zip(_ALL, summaries.ends, strict=True):
        for suffix, values in zip(("", "_low", "_high"), ends, strict=True):
            columns[name + suffix] = pa.array(values, mask=~np.isfinite(values))
    return pa.table(columns).replace_schema_metadata(dict(metadata))
