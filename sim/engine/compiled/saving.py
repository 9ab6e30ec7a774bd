"""What the job saves and what it falls back to in the compiled engine: one store in closed form, or several."""

from __future__ import annotations

from typing import Any

from sim.engine.state import FROM_START
from sim.kernels._jit import entry, kernel
from sim.kernels.ledger import LOST_WORK, PRODUCTIVE, SAVE_SLOWDOWN, SAVE_STALL
from sim.kernels.persists import settle
from sim.kernels.survival import clear, lose, newest_step, restore, stop_persists, swap
from sim.kernels.tiers import advance, earliest_end, hold, keep_last, look_ahead, progress_at, resume


@kernel
def clear_versions(p: Any, s: Any) -> None:
    """Nothing is saved at the start of a run."""
    s.step = 0.0
    s.index = 0
    s.rough = False
    if p.has_tiers:
        clear(p.stores, s.versions)


@entry
def resume_stores(p: Any, s: Any) -> None:
    """The job steps from the restored version on."""
    resume(p.stores, s.versions, s.now, p.work)


@entry
def aim_stores(p: Any, s: Any) -> None:
    """The segment leads to the next pause or the end of the work, which cannot be due before a bound."""
    s.versions.work = s.pause_at
    s.due = earliest_end(p.stores, s.versions, s.saving, s.pause < 0)
    s.rough = True


@entry
def refine_end(p: Any, s: Any) -> None:
    """No fault came before the bound of the segment's end: find the end itself, or a later bound."""
    due, exact, events = look_ahead(p.stores, s.versions, s.ahead, s.now, s.saving, s.pause < 0)
    s.due = due
    s.rough = not exact
    s.events += events


@entry
def hold_stores(p: Any, s: Any, row: Any) -> None:
    """A pause in which the segment stood still is over: what was being saved from the job stood still, too."""
    row.ledger[SAVE_STALL] += advance(p.stores, s.versions, s.since)
    _book_steps(s, row)
    hold(p.stores, s.versions, s.since, s.now)


@kernel
def progress_of_stores(p: Any, s: Any, t: float) -> float:
    """Progress at a time of the segment, in seconds."""
    return float(progress_at(p.stores, s.versions, s.ahead, t))


@entry
def halt_stores(p: Any, s: Any, row: Any, t: float) -> None:
    """A fault ends the segment at ``t``: which version is restored is known when its losses are."""
    s.rough = False
    row.ledger[SAVE_STALL] += advance(p.stores, s.versions, t)
    stop_persists(p.stores, s.versions)
    s.stopped_at = s.versions.step


@entry
def settle_stores(p: Any, s: Any, row: Any, t: float, saved: bool) -> float:
    """The segment ends at ``t`` without a fault; ``saved``: what it reached is durable. Returns what is not, in s."""
    row.ledger[SAVE_STALL] += advance(p.stores, s.versions, t)
    stop_persists(p.stores, s.versions)
    _book_steps(s, row)
    if saved:
        keep_last(p.stores, s.versions, t)
    return float(s.versions.step - newest_step(p.stores, s.versions))


@entry
def lose_copies(p: Any, s: Any, u: Any, slot: int, need: int) -> None:
    """A fault strikes the node of a slot, which may lose its copies."""
    settle(p.stores, s.versions, s.now)
    lose(p.stores, s.versions, u.rest["lost"], slot, need)


@entry
def check_versions(p: Any, s: Any, row: Any) -> None:
    """After a fault the job falls back to the newest version that is left; then it starts its stages anew."""
    if fall_back(p, s, row) > 0.0:
        s.list_again = True


@kernel
def swap_versions(p: Any, s: Any, u: Any, slot: int) -> None:
    """Another node takes a slot, without the copies of the one before."""
    if p.has_tiers:
        _swap(p, s, u, slot)


@entry
def _swap(p: Any, s: Any, u: Any, slot: int) -> None:
    settle(p.stores, s.versions, s.now)
    swap(p.stores, s.versions, u.rest["lost"], slot)


@kernel
def fall_back(p: Any, s: Any, row: Any) -> float:
    """Of several stores the newest version is restored. Returns the seconds of stepping since, which are lost."""
    return _restore(p, s, row) if p.has_tiers else 0.0


@entry
def _restore(p: Any, s: Any, row: Any) -> float:
    settle(p.stores, s.versions, s.now)
    lost = restore(p.stores, s.versions)
    row.ledger[LOST_WORK] += lost
    if lost > 0.0:
        row.lost_of[s.by_source] += lost
    s.lost_in += lost
    s.step = s.versions.step
    s.floor = min(s.floor, s.step)
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
    if p.has_tiers:
        return float(p.stores.read[s.versions.restored]) if s.versions.restored >= 0 else 0.0
    return float(p.read) if s.step > 0.0 else 0.0


@kernel
def restored_store(p: Any, s: Any) -> int:
    """The store whose version the job goes on from; ``FROM_START`` where there is none."""
    if p.has_tiers:
        return int(s.versions.restored) if s.versions.restored >= 0 else FROM_START
    return 0 if p.has_store and s.step > 0.0 else FROM_START


@kernel
def book_stores(p: Any, s: Any, row: Any) -> None:
    """At the end of a run: how many saves and copies are durable by now, and how long the job stood for each store."""
    if p.has_tiers:
        _book_several(p, s, row)
    else:
        row.saves_of[0] = row.saves
        row.stood_for[0] = row.ledger[SAVE_STALL]


@entry
def _book_several(p: Any, s: Any, row: Any) -> None:
    settle(p.stores, s.versions, s.now)
    for i in range(p.stores.n):
        row.saves += s.versions.saves[i]
        row.saves_of[i] = s.versions.saves[i]
        row.stood_for[i] = s.versions.stood[i]
