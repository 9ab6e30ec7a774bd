"""Several stores in first order: what each costs, and which faults fall back to it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sim.kernels.persists import DIRECT
from sim.kernels.survival import GROUPS
from sim.plan import PROCESS, REPAIR, RESET, Plan, Source, Tier
from sim.theory import young


@dataclass(frozen=True)
class Level:
    """A store beside others. ``cost_s`` is what one save costs the job, ``rate`` that of the faults that fall back to
    it, 1/s: those that lose all stores before it, and not this one unless it is the last.
    """

    name: str
    interval_s: float
    cost_s: float
    rate: float

    @property
    def best_interval_s(self) -> float | None:
        """Young's interval for the faults that fall back to it, s; None where saves are free or there are none."""
        return young(self.cost_s, 1 / self.rate) if self.cost_s > 0 and self.rate > 0 else None


def levels(plan: Plan) -> tuple[Level, ...]:
    """The stores of a plan with several, those that save fastest first. A fault of nodes leaves partners whole."""
    found = []
    for i, tier in enumerate(plan.tiers):
        rates = [
            share * source.rate * source.components
            for source in plan.sources
            for need, share in _needs(source)
            if all(_loses(each, source, need) for each in plan.tiers[:i])
            and (i == len(plan.tiers) - 1 or not _loses(tier, source, need))
        ]
        cost = tier.stall + tier.slowdown * tier.persist
        found.append(Level(tier.name, tier.interval, cost, math.fsum(rates)))
    return tuple(found)


def _needs(source: Source) -> list[tuple[int, float]]:
    p_reset = min(source.p_reset, 1 - source.p_process)
    shares = (PROCESS, source.p_process), (RESET, p_reset), (REPAIR, 1 - source.p_process - p_reset)
    return [(need, share) for need, share in shares if share > 1e-12]


def _loses(tier: Tier, source: Source, need: int) -> bool:
    return need >= tier.lost_at and not (source.slots > 0 and tier.place >= GROUPS)


def levels_ettr(found: tuple[Level, ...], plan: Plan, rate: float, recovery_s: float) -> float:
    """First order of the ETTR: 1 - the cost of all saves - rate x recovery - half an interval for each fault."""
    costs = (level.cost_s / level.interval_s for level in found)
    # A copy is as old as the persist makes it when it can be used.
    ages = (
        level.rate * (level.interval_s / 2 + tier.persist * (tier.source != DIRECT))
        for level, tier in zip(found, plan.tiers, strict=True)
    )
    return 1 - math.fsum(costs) - rate * recovery_s - math.fsum(ages)
