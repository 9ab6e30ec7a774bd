"""The open incident in the compiled engine: how it begins, and what is written of it."""

from __future__ import annotations

import math
from typing import Any

from sim.engine.compiled.clocks import run_clocks
from sim.engine.compiled.saving import restored_store
from sim.engine.state import DETECTING
from sim.kernels._jit import kernel


@kernel
def open_incident(s: Any, row: Any, cause: int) -> None:
    """The job stops: a source, or the number of sources and that of a pause, is the cause."""
    s.open = True
    s.opened = s.now
    s.cause = cause
    s.faults_in = 0
    s.units_in = 0
    s.worst = 0
    s.attempts = 0
    s.lost_in = 0.0
    s.stopped_at = s.step
    s.rule = -1
    s.rules_from = 0
    s.planned = True
    for i in range(s.starts.size):
        s.starts[i] = 0
    row.interruptions += 1
    row.interruptions_of[cause] += 1


@kernel
def stand_still(s: Any) -> None:
    """The job stops, and nobody knows why."""
    s.phase = DETECTING
    s.since = s.now
    s.empty_since = s.now
    s.leaving = False
    run_clocks(s, True, False)


@kernel
def log_incident(p: Any, s: Any, row: Any, log: Any, closed: float) -> None:
    """Write the incident into the log, if there is room for it; the count goes on. What it lost, and the restore if it
    is over, belong to the store that is restored from.
    """
    s.open = False
    store = restored_store(p, s)
    row.lost_before[store] += s.lost_in
    if s.attempts > 0 and not math.isnan(closed):
        row.restores_of[store] += 1
    i = s.logged
    s.logged += 1
    if i >= log.size:
        return
    log[i].replication = s.replication
    log[i].opened_s = s.opened
    log[i].cause = s.cause
    log[i].faults = s.faults_in
    log[i].units = s.units_in
    log[i].rule = s.rule
    log[i].attempts = s.attempts
    log[i].progress_s = s.stopped_at
    log[i].restored_s = s.step if s.faults_in > 0 else s.stopped_at
    log[i].lost_work_s = s.lost_in
    log[i].closed_s = closed
