"""Totals at the ends of periods in the compiled engine: what has been kept, counted and booked by then.

Nothing changes between two events, so the marks before the next event are written when it comes. Work is kept as far
as no later incident rolls it back: ``floor`` is the lowest progress that was restored since the last mark was written.
"""

from __future__ import annotations

import math
from typing import Any

from sim.engine.compiled.capacity import idle_spares
from sim.engine.compiled.segment import progress_at
from sim.engine.state import IDLE, INTERRUPTIONS, KEPT, REPAIR
from sim.kernels._jit import entry, kernel


@entry
def begin_series(p: Any, s: Any, marks: Any) -> None:
    """Before a run: the first mark, if any are asked for."""
    s.n_marks = 0
    s.floor = math.inf
    s.next_mark = _end(p, s, marks)


@kernel
def _end(p: Any, s: Any, marks: Any) -> float:
    """Time of the next mark, in seconds; the last period may be shorter than the others."""
    if s.n_marks == marks.shape[1]:
        return math.inf
    return float(min((s.n_marks + 1) * p.series_period, p.horizon))


@entry
def mark(p: Any, s: Any, row: Any, marks: Any, i: int) -> None:
    """Write the marks of run ``i`` up to now; to be called before anything that happens now is done."""
    _roll_back(s, marks, i)
    while s.next_mark <= s.now:
        at = s.next_mark
        m = s.n_marks
        marks[i, m, KEPT] = progress_at(p, s, at)
        marks[i, m, INTERRUPTIONS] = row.interruptions
        marks[i, m, REPAIR] = row.repair_node_s + s.in_repair * (at - s.repair_since)
        marks[i, m, IDLE] = row.spare_idle_node_s + idle_spares(s) * (at - s.idle_since)
        s.n_marks += 1
        s.next_mark = _end(p, s, marks)


@kernel
def _roll_back(s: Any, marks: Any, i: int) -> None:
    """No more is kept of what was done before an incident than the version that it restored."""
    for m in range(s.n_marks - 1, -1, -1):
        if marks[i, m, KEPT] <= s.floor:
            break
        marks[i, m, KEPT] = s.floor
    s.floor = math.inf


@entry
def close_series(p: Any, s: Any, row: Any, marks: Any, i: int) -> None:
    """After a run: marks at or after its end have its totals."""
    mark(p, s, row, marks, i)
    for m in range(marks.shape[1] - 1, -1, -1):
        if m < s.n_marks and min((m + 1) * p.series_period, p.horizon) < row.wall_s:
            break
        marks[i, m, KEPT] = row.work_done_s
        marks[i, m, INTERRUPTIONS] = row.interruptions
        marks[i, m, REPAIR] = row.repair_node_s
        marks[i, m, IDLE] = row.spare_idle_node_s
