"""Durations from the plan's table of laws, in the compiled engine."""

from __future__ import annotations

from typing import Any

from sim.kernels._jit import entry, kernel
from sim.kernels.laws import CONSTANT, MIXTURE, duration, mean_up_to
from sim.kernels.philox import uniforms
from sim.kernels.time import LONGEST_S, quantize


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


@kernel
def book_stage_excess(p: Any, row: Any, stage: int, length: float, since: float, cause: int) -> None:
    """Account for the excess of a stage's duration; the usual mean is known."""
    bucket = p.stage_bucket[stage]
    gap = min(p.fault_gap, LONGEST_S)
    if p.stage_vulnerable[stage] != 0 and p.horizon - since >= gap:
        excess = min(length, gap) - p.stage_mean[stage]
        row.excess[bucket] += excess
        row.excess_of[cause] += excess
    else:
        book_excess(p, row, p.stage_law[stage], length, since, p.stage_vulnerable[stage] != 0, bucket, cause)


@entry
def book_excess(
    p: Any, row: Any, law: int, length: float, since: float, vulnerable: bool, bucket: int, cause: int
) -> None:
    """Account for how much longer a drawn duration is than its law's mean, both up to where the run ends, and where
    faults may strike up to the job's mean time between them. It began at ``since``.
    """
    limit = p.horizon - since
    if vulnerable:
        limit = min(limit, p.fault_gap)
    limit = min(limit, LONGEST_S)
    mean = 0.0
    left = 1.0
    while p.law_kind[law] == MIXTURE:
        first = p.law_first[law]
        mean += left * p.law_share[law] * mean_up_to(p.law_kind[first], p.law_a[first], p.law_b[first], limit)
        left *= 1.0 - p.law_share[law]
        law = p.law_other[law]
    mean += left * mean_up_to(p.law_kind[law], p.law_a[law], p.law_b[law], limit)
    excess = min(length, limit) - quantize(mean)
    row.excess[bucket] += excess
    row.excess_of[cause] += excess
