"""Durations from the plan's table of laws, in the compiled engine."""

from __future__ import annotations

from typing import Any

from sim.kernels._jit import entry, kernel
from sim.kernels.laws import CONSTANT, MIXTURE, duration


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
