"""Records of several stores that both engines hand to ``sim.kernels.tiers`` and ``sim.kernels.survival``."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sim.kernels.persists import DIRECT, MOST_STORES, RING
from sim.plan import Plan, Tier

STORES = np.dtype(
    [
        # stores, those that save fastest first; nodes of the job; the store of the save at the end of the work, and the
        # seconds until it is copied on
        ("n", "i8"), ("slots", "i8"), ("last", "i8"), ("last_copies", "f8"),
        # the walk: saves after which it looks for repetitions; most saves in one part of it, and a time in which there
        # are no more of the most frequent store; the speed of the job while all slow it down
        ("patience", "i8"), ("look", "i8"), ("far", "f8"), ("least_speed", "f8"),
        # saves and reads, as in the scenario: seconds; the source's number (DIRECT: the job)
        ("interval", "f8", MOST_STORES), ("stall", "f8", MOST_STORES), ("persist", "f8", MOST_STORES),
        ("slowdown", "f8", MOST_STORES), ("in_flight", "i8", MOST_STORES), ("read", "f8", MOST_STORES),
        ("source", "i8", MOST_STORES),
        # survival: sim.kernels.survival; the mildest need that loses copies, partners beside the node itself, slots
        # from one to the next in a chain
        ("place", "i8", MOST_STORES), ("lost_at", "i8", MOST_STORES), ("partners", "i8", MOST_STORES),
        ("stride", "i8", MOST_STORES),
    ],
    align=True,
)  # fmt: skip
"""The stores of a scenario. Times are in seconds on the grid."""

VERSIONS = np.dtype(
    [
        # the job: time, progress, slowdown by saves on the way to it; where its segment began, and how long it had
        # stood for saves then; end of its work; the store that it stands for where the walk ends; the store it was
        # restored from (-1: none)
        ("now", "f8"), ("step", "f8"), ("deficit", "f8"), ("begun", "f8"), ("begun_step", "f8"),
        ("begun_deficit", "f8"), ("begun_stood", "f8"), ("work", "f8"), ("busy", "i8"), ("restored", "i8"),
        # by store: persists that have ended, and how long the job has stood for its saves
        ("saves", "i8", MOST_STORES), ("stood", "f8", MOST_STORES),
        # by store: progress of the next trigger; whether there is a version, its progress and deficit, its series
        ("next", "f8", MOST_STORES), ("has", "i8", MOST_STORES), ("version_step", "f8", MOST_STORES),
        ("version_deficit", "f8", MOST_STORES), ("series", "i8", MOST_STORES),
        # persists that run, in a ring: the oldest one's place, how many; when each ends, and its version
        ("head", "i8", MOST_STORES), ("running", "i8", MOST_STORES), ("end", "f8", (MOST_STORES, RING)),
        ("coming_step", "f8", (MOST_STORES, RING)), ("coming_deficit", "f8", (MOST_STORES, RING)),
        # by store its mark (sim.kernels.repeats): saves for which it is kept (0: there is none), saves since; what the
        # fields above were there, persists from the oldest on
        ("mark_kept", "i8", MOST_STORES), ("mark_passed", "i8", MOST_STORES),
        ("mark_now", "f8", MOST_STORES), ("mark_step", "f8", MOST_STORES), ("mark_deficit", "f8", MOST_STORES),
        ("mark_next", "f8", (MOST_STORES, MOST_STORES)), ("mark_saves", "i8", (MOST_STORES, MOST_STORES)),
        ("mark_stood", "f8", (MOST_STORES, MOST_STORES)), ("mark_running", "i8", (MOST_STORES, MOST_STORES)),
        ("mark_end", "f8", (MOST_STORES, MOST_STORES, RING)),
        ("mark_coming_step", "f8", (MOST_STORES, MOST_STORES, RING)),
        ("mark_coming_deficit", "f8", (MOST_STORES, MOST_STORES, RING)),
    ],
    align=True,
)  # fmt: skip
"""Versions and saves of a run while it goes on. Times are in seconds on the grid."""

SLOTS = np.dtype([("slot", "i8"), ("lost", "i8", MOST_STORES)], align=True)
"""By slot: the series of each store's versions of which the node in the slot has no copy. A field of a wider record, as
it is in the compiled engine: kernels are compiled once for both.
"""

PATIENCE = 8
"""Saves that a walk goes through before it looks for repetitions: few have none that are worth it."""

LOOK = 2**14
"""Most saves in one part of a walk: about 1 ms."""


def pack_stores(plan: Plan) -> npt.NDArray[np.void]:
    """The stores of a plan as a record array of shape (1,) and dtype ``STORES``."""
    packed = np.zeros(1, STORES)
    r: Any = packed[0]
    r["n"], r["slots"] = len(plan.tiers), plan.job_nodes
    if plan.tiers:
        r["last"], r["last_copies"] = _last(plan.tiers)
        r["patience"], r["look"] = PATIENCE, LOOK
        r["far"] = LOOK * min(tier.interval for tier in plan.tiers if tier.source == DIRECT)
        r["least_speed"] = 1.0 - max(tier.slowdown for tier in plan.tiers)
    for i, tier in enumerate(plan.tiers):
        for name in (
            "interval", "stall", "persist", "slowdown", "in_flight", "read", "source", "place", "lost_at", "partners",
            "stride",
        ):  # fmt: skip
            r[name][i] = getattr(tier, name)
    return packed


def _last(tiers: tuple[Tier, ...]) -> tuple[int, float]:
    """The store of the save at the end of the work, the least frequent of those that the job saves to; and the seconds
    until that version has been copied on as far as it goes.
    """
    last = max((i for i, tier in enumerate(tiers) if tier.source == DIRECT), key=lambda i: tiers[i].interval)

    def copies(source: int) -> float:
        return max((tier.persist + copies(i) for i, tier in enumerate(tiers) if tier.source == source), default=0.0)

    return last, copies(last)
