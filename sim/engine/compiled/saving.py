"""What the job saves and what it falls back to in the compiled engine: one store in closed form, or several."""

from __future__ import annotations

from typing import Any

from sim.kernels._jit import kernel
from sim.kernels.ledger import LOST_WORK, PRODUCTIVE, SAVE_SLOWDOWN, SAVE_STALL, ended, interrupted
from sim.kernels.saves import Pattern, Segment, last_save_durable, make_segment, stepping_until, work_end
from sim.kernels.survival import clear, lose, newest_step, restore, stop_persists, swap
from sim.kernels.tiers import advance, earliest_end, exact_end, settle
from sim.kernels.tiers import resume as resume_walk


@kernel
def _pattern(p: Any) -> Pattern:
    return Pattern(p.interval, p.stall, p.persist, p.slowdown, p.in_flight, p.stepping, p.cycle, p.period)


@kernel
def _segment(p: Any, s: Any) -> Segment:
    return Segment(s.t0, s.step, s.index, s.first, s.n, s.tail, p.work)


@kernel
def clear_versions(p: Any, s: Any) -> None:
    """Nothing is saved at the start of a run."""
    s.step = 0.0
    s.index = 0
    s.rough = False
    if p.tiered:
        clear(p.stores, s.versions)


@kernel
def begin_segment(p: Any, s: Any) -> None:
    """The job steps from the restored version on, and its segment's end is due."""
    if p.tiered:
        resume_walk(p.stores, s.versions, s.now, p.work)
        s.due = earliest_end(p.stores, s.versions, p.final_save)
        s.rough = True
        return
    pattern = _pattern(p)
    segment = make_segment(s.now, s.step, s.index, p.has_store, p.work, p.last_save, pattern)
    s.t0 = segment.t0
    s.first = segment.first
    s.n = segment.n
    s.tail = segment.tail
    s.due = last_save_durable(segment, pattern) if p.final_save else work_end(segment, pattern)


@kernel
def refine_end(p: Any, s: Any) -> None:
    """No fault came before the bound of the segment's end: find the end itself."""
    s.due = exact_end(p.stores, s.versions, s.ahead, p.final_save)
    s.rough = False


@kernel
def halt(p: Any, s: Any, row: Any) -> None:
    """A fault stops the running job: its segment is accounted for; with one store the newest version is restored."""
    s.rough = False
    if p.tiered:
        row.ledger[SAVE_STALL] += advance(p.stores, s.versions, s.now)
        stop_persists(p.stores, s.versions)
        s.stopped_at = s.versions.step
        return
    pattern = _pattern(p)
    segment = _segment(p, s)
    s.stopped_at = s.step + stepping_until(s.now, segment, pattern)[1]
    productive, stall, slowdown, lost, durable, step, index = interrupted(s.now, segment, pattern)
    row.ledger[PRODUCTIVE] += productive
    row.ledger[SAVE_STALL] += stall
    row.ledger[SAVE_SLOWDOWN] += slowdown
    row.ledger[LOST_WORK] += lost
    row.saves += durable
    s.lost_in = lost
    s.step = step
    s.index = index


@kernel
def lose_versions(p: Any, s: Any, u: Any, row: Any, slot: int, need: int) -> None:
    """A fault of one node, or of the job (slot -1), may lose versions."""
    if p.tiered:
        lose_copies(p, s, u, slot, need)
        check_versions(p, s, row)


@kernel
def lose_copies(p: Any, s: Any, u: Any, slot: int, need: int) -> None:
    """A fault strikes the node of a slot, which may lose its copies."""
    settle(p.stores, s.versions, s.now)
    lose(p.stores, s.versions, u["lost"], slot, need)


@kernel
def check_versions(p: Any, s: Any, row: Any) -> None:
    """After a fault the job falls back to the newest version that is left; then it starts its stages anew."""
    if fall_back(p, s, row) > 0.0:
        s.list_again = True


@kernel
def swap_versions(p: Any, s: Any, u: Any, slot: int) -> None:
    """Another node takes a slot, without the copies of the one before."""
    if p.tiered:
        settle(p.stores, s.versions, s.now)
        swap(p.stores, s.versions, u["lost"], slot)


@kernel
def fall_back(p: Any, s: Any, row: Any) -> float:
    """Of several stores the newest version is restored. Returns the seconds of stepping since, which are lost."""
    if not p.tiered:
        return 0.0
    settle(p.stores, s.versions, s.now)
    lost = restore(p.stores, s.versions)
    row.ledger[LOST_WORK] += lost
    s.lost_in += lost
    s.step = s.versions.step
    _book_steps(s, row)
    return lost


@kernel
def _book_steps(s: Any, row: Any) -> None:
    """Progress, and the slowdown on the way to it: what is lost leaves them, however long ago it was booked."""
    row.ledger[PRODUCTIVE] = s.versions.step
    row.ledger[SAVE_SLOWDOWN] = s.versions.deficit


@kernel
def read_time(p: Any, s: Any) -> float:
    """Seconds to read the restored version; none for the start."""
    if p.tiered:
        return float(p.stores.read[s.versions.restored]) if s.versions.restored >= 0 else 0.0
    return float(p.read) if s.index > 0 else 0.0


@kernel
def finish_segment(p: Any, s: Any, row: Any, last_saved: bool) -> None:
    """The run ends while the job runs; ``last_saved``: with a save of all its work."""
    if p.tiered:
        row.ledger[SAVE_STALL] += advance(p.stores, s.versions, s.now)
        _book_steps(s, row)
        not_saved = s.versions.step - newest_step(p.stores, s.versions)
    else:
        productive, stall, slowdown, durable, not_saved = ended(s.now, _segment(p, s), _pattern(p))
        row.ledger[PRODUCTIVE] += productive
        row.ledger[SAVE_STALL] += stall
        row.ledger[SAVE_SLOWDOWN] += slowdown
        row.saves += durable
    if last_saved:
        row.saves += 1
    else:
        row.not_saved_s = not_saved


@kernel
def saves_of(p: Any, s: Any) -> int:
    """How many saves and copies to several stores are durable by now."""
    settle(p.stores, s.versions, s.now)
    return int(s.versions.saves)
