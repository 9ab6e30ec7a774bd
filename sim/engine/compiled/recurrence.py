"""Nodes of the job that failed and were not taken out, in the compiled engine: a heap of them by when they fail again.

Each does so after a time on the training fault clock, until it goes to repair.
"""

from __future__ import annotations

import math
from typing import Any

from sim.engine.compiled.heap import remove, settle
from sim.engine.compiled.nodes import node_in
from sim.engine.compiled.sampling import sample
from sim.engine.state import RECOVERING
from sim.kernels._jit import entry, kernel
from sim.kernels.philox import uniforms
from sim.plan import AGAIN, RECURRENCE_LANE, TRAINING


@kernel
def recurrence_due(s: Any) -> float:
    """Time at which the first broken node fails again, in seconds; infinite while the job does not step."""
    if s.running[TRAINING] == 0:
        return math.inf
    return float(s.clock_since[TRAINING] + (s.recurrence_read - s.clock_read[TRAINING]))


@kernel
def stumbles(s: Any) -> bool:
    """Whether a broken node fails as soon as the job, which does not, steps."""
    return bool(s.recurrence_read <= s.clock_read[TRAINING])


@kernel
def stumble(s: Any) -> None:
    """The job starts to step, and a broken node is about to stop it at once: no stage is under way."""
    s.phase = RECOVERING
    s.since = s.now
    s.stage = 0
    s.stage_stop = 0
    s.due = math.inf


@entry
def stay(p: Any, s: Any, u: Any, slot: int, source: int, block: int, ordinal: int, need: int) -> None:
    """A fault struck the node of a slot, which stays as it is; one that was broken already keeps the worse need."""
    node = node_in(s, u, slot)
    if u.rest[node].broken == s.epoch:
        need = max(need, u.rest[node].broken_need)
        repaired(p, s, u, node)
    u.rest[node].broken = s.epoch
    u.rest[node].broken_source = source
    u.rest[node].broken_block = block + AGAIN
    u.rest[node].broken_ordinal = ordinal
    u.rest[node].broken_need = need
    a, choice, _, _ = uniforms(p.key_0[source], p.key_1[source], ordinal, RECURRENCE_LANE, block, s.replication)
    reading = s.clock_read[TRAINING] + (s.now - s.clock_since[TRAINING] if s.running[TRAINING] != 0 else 0.0)
    s.broken_sequence += 1
    s.n_broken += 1
    due = reading + sample(p, p.recurrence_law, a, choice)
    settle(u.broken, s.n_broken, s.n_broken - 1, due, s.broken_sequence, node)
    s.recurrence_read = u.broken[0].due


@kernel
def stays(s: Any, u: Any, node: int, source: int, ordinal: int) -> bool:
    """Whether a node is broken by this fault."""
    return bool(
        u.rest[node].broken == s.epoch
        and u.rest[node].broken_source == source
        and u.rest[node].broken_ordinal == ordinal
    )


@kernel
def repaired(p: Any, s: Any, u: Any, node: int) -> None:
    """A node goes down, or fails again now: it does not fail again by itself any more."""
    if p.has_recurrences and u.rest[node].broken == s.epoch:
        u.rest[node].broken = 0
        s.n_broken -= 1
        remove(u.broken, s.n_broken, node)
        s.recurrence_read = u.broken[0].due if s.n_broken > 0 else math.inf
