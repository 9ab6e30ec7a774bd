"""Saves of several stores that repeat: a walk that jumps over them is the walk through them, to the last bit."""

from __future__ import annotations

import math
import random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sim.engine.tiers import VERSIONS, pack_stores
from sim.kernels import persists, survival, tiers
from sim.kernels.persists import DIRECT, RING
from sim.kernels.time import TICKS_PER_SECOND, quantize
from sim.plan import Tier

TICK = 1 / TICKS_PER_SECOND
NEVER_PATIENT, PLAIN = 0, 2**62
PERSISTS = ("end", "coming_step", "coming_deficit")
LABELS = ("head", "series", "busy")
"""Fields that say where something is kept, and mean nothing else."""


def random_stores(rng: random.Random) -> tuple[tuple[Tier, ...], float]:
    """One to four stores, some fed from others, and their unit of time; most intervals have a small common multiple."""
    unit = rng.choice([TICK, TICK, 3 * TICK, 0.1, 1.0, 60.0])
    base = rng.randint(1, 30)
    stores: list[Tier] = []
    for i in range(rng.randint(1, 4)):
        source = rng.choice([DIRECT, DIRECT, DIRECT, *range(i)])
        times = rng.choice([1, 1, 2, 3, 4, 10, 50, 1000])
        interval = times * base * unit if rng.random() < 0.6 else rng.randint(1, rng.choice([30, 300, 3000])) * unit
        stores.append(
            Tier(
                f"t{i}",
                interval=quantize(interval) if source == DIRECT else times * stores[source].interval,
                stall=quantize(rng.choice([0, 0, 1, rng.randint(0, 40)]) * unit) if source == DIRECT else 0.0,
                persist=quantize(rng.choice([0, 1, rng.randint(0, 300), rng.randint(0, 30)]) * unit),
                slowdown=rng.choice([0.0, 0.0, 0.1, 0.25, 0.5, 0.01, 0.9, 0.3333]),
                in_flight=rng.randint(1, rng.choice([1, 2, RING])),
                read=0.0,
                source=source,
            )
        )
    return tuple(stores), unit


def packed(stores: tuple[Tier, ...], patience: int, look: int = 2**14) -> Any:
    c = pack_stores(SimpleNamespace(tiers=stores, job_nodes=4))[0]  # type: ignore[arg-type]
    c["patience"], c["look"] = patience, look
    return c


def begun(c: Any, step: float, work: float, now: float) -> Any:
    """A segment that begins at a time and a progress."""
    v = np.zeros(1, VERSIONS)[0]
    survival.clear(c, v)
    v["step"] = step
    tiers.resume(c, v, now, work)
    return v


def differences(one: Any, other: Any) -> list[str]:
    """Names of the fields in which two states differ."""
    names = [name for name in VERSIONS.names or () if not name.startswith("mark_") and name not in LABELS]
    named = [name for name in names if name not in PERSISTS and np.any(one[name] != other[name])]

    def running(v: Any, name: str) -> list[list[float]]:
        return [[v[name][i, (v["head"][i] + j) % RING] for j in range(v["running"][i])] for i in range(4)]

    return named + [name for name in PERSISTS if running(one, name) != running(other, name)]


@pytest.mark.parametrize("seed", range(20))
def test_a_walk_that_jumps_and_stops_is_the_plain_one(seed: int) -> None:
    """Random stores, 40 to a seed: parts of a walk, with jumps and stops, against one that goes from save to save.

    Where the job could be stopped on notice, what would be saved by when is the same, too; so is when the work ends.
    """
    rng = random.Random(seed)
    jumped = 0
    for _ in range(40):
        stores, unit = random_stores(rng)
        plain = packed(stores, PLAIN)
        c = packed(stores, rng.choice([0, 0, 3, 8]), rng.choice([1, 3, 16, 1000]))
        interval = min(store.interval for store in stores if store.source == DIRECT)
        stalls = sum(store.stall for store in stores) / interval
        length = quantize(interval * rng.choice([1, 30, 300, 3000]) * rng.random() * (1 + stalls))
        step = quantize(rng.choice([0, 0, 1, 7, interval / unit * rng.randint(0, 50)]) * unit)
        start = quantize(rng.randint(0, 100) * unit)
        work = math.inf if rng.random() < 0.5 else step + quantize(length * rng.random()) + TICK
        one, other = begun(plain, step, work, start), begun(c, step, work, start)
        ahead = np.zeros(1, VERSIONS)[0]
        end = start + length
        if work < math.inf:
            at_last = float(tiers.exact_end(plain, one, ahead, True, True))
            assert looked_for(c, other, ahead) == at_last
            other = begun(c, step, work, start)
            end = min(end, at_last)
        for now in sorted(start + quantize(rng.random() * length) for _ in range(rng.choice([0, 1, 3, 10]))):
            if now >= end:
                break
            while tiers.walk(c, other, now, int(c["look"]), True) == c["look"]:
                pass
            check_notice(plain, c, one, other, now, work)
        through = tiers.walk(plain, begun(plain, step, work, start), end, PLAIN, False)
        jumped += through - tiers.walk(c, begun(c, step, work, start), end, PLAIN, False)
        for stores_, v in ((plain, one), (c, other)):
            tiers.advance(stores_, v, end)
        assert not differences(one, other)
    assert jumped > 1_000


def looked_for(c: Any, v: Any, ahead: Any) -> float:
    """When a segment ends, by looks ahead; each comes before the end, and none before the one before."""
    now, exact = float(tiers.earliest_end(c, v, True, True)), False
    while not exact:
        due, exact, _ = tiers.look_ahead(c, v, ahead, now, True, True)
        assert due >= now
        now = due
    return float(now)


def check_notice(plain: Any, c: Any, one: Any, other: Any, now: float, work: float) -> None:
    """At a time of a segment two states have the same progress, and would have saved it at the same time."""
    ahead = np.zeros(1, VERSIONS)[0]
    progress = tiers.progress_at(plain, one, ahead, now)
    assert progress == tiers.progress_at(c, other, ahead, now)
    if progress < work:
        one["work"] = other["work"] = progress
        saved = [tiers.exact_end(each, v, ahead, True, False) for each, v in ((plain, one), (c, other))]
        assert max(saved[0], now) == max(saved[1], now)
        one["work"] = other["work"] = work


def test_a_month_of_saves_every_microsecond_takes_some_dozen_of_them() -> None:
    """Two stores, 2.7e12 saves: the fast one repeats between two saves of the slow one, and both do in the long run."""
    stores = (
        Tier("a", interval=TICK, stall=0.0, persist=0.0, slowdown=0.0, in_flight=1, read=0.0),
        Tier("b", interval=3600.0, stall=60.0, persist=120.0, slowdown=0.0, in_flight=1, read=0.0),
    )
    c = packed(stores, NEVER_PATIENT)
    v = begun(c, 0.0, math.inf, 0.0)
    month = 30 * 86_400.0
    assert tiers.walk(c, v, month, PLAIN, False) < 100
    persists.settle(c, v, month)
    # Each hour of work takes a minute more; the one that the month ends in has not been saved to the slow store.
    hours = math.floor(month / 3660.0)
    assert v["saves"][1] == hours
    assert v["step"] == hours * 3600.0 + min(month - hours * 3660.0, 3600.0)


def test_a_walk_that_does_not_repeat_stops_after_a_look() -> None:
    """Intervals without a common multiple in reach: a look goes through as many saves as it may, and is counted."""
    stores = tuple(
        Tier(name, interval=ticks * TICK, stall=0.0, persist=0.0, slowdown=0.0, in_flight=1, read=0.0)
        for name, ticks in (("a", 999_983), ("b", 1_000_003))
    )
    c = packed(stores, NEVER_PATIENT, look=1_000)
    v, ahead = begun(c, 0.0, math.inf, 0.0), np.zeros(1, VERSIONS)[0]
    due, exact, events = tiers.look_ahead(c, v, ahead, 0.0, False, False)
    assert (exact, events) == (False, 0)
    assert 499 * 999_983 * TICK < due < 501 * 1_000_003 * TICK
    due_2, exact, events = tiers.look_ahead(c, v, ahead, due, False, False)
    assert not exact
    assert due_2 > 1.9 * due
    assert events >= 900 // tiers.SAVES_AN_EVENT
