"""What a sweep leaves: its summaries, and what became of each case."""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.batch.file import Sweep
from sim.batch.states import States
from sim.batch.tables import Case as Row
from sim.batch.tables import Summary
from sim.batch.work import model
from sim.results import SCHEMA_VERSION, versions


@dataclass(frozen=True)
class Swept:
    """What became of a sweep.

    Parameters
    ----------
    sweep : Sweep
    out : Path
        Directory of the tables.
    summaries : sequence of Summary or None
        Of each case in its order; None of one that failed, and none at all if the sweep was stopped.
    failed : dict
        Why cases failed, by number.
    imprecise : tuple of int
        Cases that did not reach their precision with the most replications that they may have.
    stopped : int
        Number of the signal that stopped it; 0 if it is complete.
    done : int
        Cases that are complete.
    """

    sweep: Sweep
    out: Path
    summaries: Sequence[Summary | None]
    failed: Mapping[int, str]
    imprecise: tuple[int, ...]
    stopped: int
    done: int

    def __repr__(self) -> str:
        failed = f", {len(self.failed):,} failed" if self.failed else ""
        cases = f"{self.done:,} of {len(self.sweep.cases):,} cases{failed}"
        return f"<Swept {self.sweep.name!r}: {cases}, in {str(self.out)!r}>"

    def as_dict(self) -> dict[str, Any]:
        """The sweep as it stands in JSON."""
        summaries = self.summaries or (None,) * len(self.sweep.cases)
        return {
            "sweep": self.sweep.as_dict(),
            "directory": str(self.out),
            "done": self.done,
            "stopped_by": signal.Signals(self.stopped).name if self.stopped else None,
            "cases": [
                {
                    "case": case.index,
                    "values": dict(zip((axis.name for axis in self.sweep.axes), case.values, strict=True)),
                    "why_failed": self.failed.get(case.index),
                    "imprecise": case.index in self.imprecise,
                    **(summary.as_dict() if summary is not None else {}),
                }
                for case, summary in zip(self.sweep.cases, summaries, strict=True)
            ],
            "provenance": {"schema_version": SCHEMA_VERSION, "model_sha256": model(), "versions": versions()},
        }


def as_read(sweep: Sweep) -> dict[str, Any]:
    """A sweep's description as it comes back from a file."""
    found: dict[str, Any] = json.loads(json.dumps(sweep.as_dict()))
    return found


def failed_of(states: States) -> dict[int, str]:
    """Why cases failed, by number."""
    each = ((number, states[number].why_failed) for number in range(len(states.cases)))
    return {number: why for number, why in each if why is not None}


def row_of(states: States, number: int) -> Row:
    """A case as the tables show it."""
    state = states[number]
    asked = states.replications is None and state.why_failed is None
    return Row(
        state.case.identity, state.n, state.case.confidence, state.precise if asked else None, state.why_failed,
        state.case.faults > 0,
    )  # fmt: skip
