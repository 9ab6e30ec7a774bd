"""Nodes that repair only seemed to put in order, in the compiled engine: a heap of them by when they fail again.

Each has a life of its own on the wall fault clock, which begins when the node is in use: in the job, or a hot spare.
"""

from __future__ import annotations

import math
from typing import Any

from sim.engine.compiled.heap import remove, settle
from sim.engine.compiled.sampling import sample
from sim.kernels._jit import entry, kernel
from sim.kernels.philox import uniforms
from sim.plan import RELAPSE_LANE, WALL


@kernel
def _set_first(s: Any, u: Any) -> None:
    """What the clock must know of the heap: when the first node fails again, as a reading and as a time."""
    s.relapse_read = u.bad[0].due if s.n_bad > 0 else math.inf
    if s.running[WALL] != 0:
        s.relapse_due = s.clock_since[WALL] + (s.relapse_read - s.clock_read[WALL])
    else:
        s.relapse_due = math.inf


@kernel
def begin_use(p: Any, s: Any, u: Any, node: int) -> None:
    """A node is in the job, or a hot spare: if it is still bad, and its second life has not begun, that begins."""
    if p.has_relapses and u.nodes[node].bad == s.epoch and u.nodes[node].lives != s.epoch:
        _begin_life(p, s, u, node)


@entry
def _begin_life(p: Any, s: Any, u: Any, node: int) -> None:
    source = u.nodes[node].source
    a, choice, _, _ = uniforms(
        p.key_0[source], p.key_1[source], u.nodes[node].ordinal, RELAPSE_LANE,
        u.nodes[node].block + 256 * u.nodes[node].attempt, s.replication,
    )  # fmt: skip
    reading = s.clock_read[WALL] + (s.now - s.clock_since[WALL] if s.running[WALL] != 0 else 0.0)
    u.nodes[node].lives = s.epoch
    s.bad_sequence += 1
    s.n_bad += 1
    settle(u.bad, s.n_bad, s.n_bad - 1, reading + sample(p, p.relapse_law, a, choice), s.bad_sequence, node)
    _set_first(s, u)


@kernel
def end_use(p: Any, s: Any, u: Any, node: int) -> None:
    """A node goes down: its second life, if it had one, is over."""
    if p.has_relapses and u.nodes[node].lives == s.epoch:
        _end_life(s, u, node)


@entry
def _end_life(s: Any, u: Any, node: int) -> None:
    u.nodes[node].lives = 0
    s.n_bad -= 1
    remove(u.bad, s.n_bad, node)
    _set_first(s, u)
