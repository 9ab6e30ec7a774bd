"""Durations from the plan's table of laws, in the compiled engine."""

from __future__ import annotations

from typing import Any

from sim.kernels._jit import entry, kernel
from sim.kernels.laws import CONSTANT, MIXTURE, duration
from sim.kernels.philox import uniforms


@kernel
def sample(p: Any, law: int, u: float, choice: float) -> float:
    """One duration of a law of the plan, in seconds; ``u`` and ``choice`` are independent uniforms in [0, 1)."""
    if p.law_kind[law] == CONSTANT:
        return float(p.law_a[law])
    return _sample(p, law, u, choice)


@entry
def _sample(p: Any, law: int, u: float, choice: float) -> float:
    while p.law_kind[law] == MIXTURE:
        share = p.law_share[law]
        if choice < share:
            choice = choice / share
            law = p.law_first[law]
        else:
            choice = (choice - share) / (1.0 - share)
            law = p.law_other[law]
    return duration(p.law_kind[law], p.law_a[law], p.law_b[law], u)


@kernel
def for_last_fault(p: Any, s: Any, lane: int, tries: int) -> tuple[float, float, float, float]:
    """Four uniforms keyed by the fault that struck the job last, or by the initial start, what is drawn for it, and how
    often it has been tried before.
    """
    key_0 = p.start_key[0]
    key_1 = p.start_key[1]
    if s.by_source >= 0:
        key_0 = p.key_0[s.by_source]
        key_1 = p.key_1[s.by_source]
    return uniforms(key_0, key_1, s.by_ordinal, lane, s.by_block + 256 * tries, s.replication)
