"""What follows from a scenario without simulating it: rates, intervals and ETTR in closed form, and their gaps."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from sim.plan import SPARES_ELSE_WAIT
from sim.recoveries import Recoveries, mean_of
from sim.study.gaps import Gap, gaps
from sim.study.levels import Level, levels, levels_ettr
from sim.study.spares import Spares
from sim.theory import best_interval, daly, first_order_ettr, gamma_quantile, young

CLOSE = 0.001
"""What the exact formula may be off for all that it leaves out, and still stand: 0.1 points, the usual precision."""


@dataclass(frozen=True)
class Outlook(Recoveries):
    """A plan in closed form. Properties are None where they do not apply."""

    @property
    def job_mtbf_s(self) -> float:
        """Mean time between faults that stop the job while it trains, s; infinite without faults."""
        return 1 / self.rate if self.rate > 0 else math.inf

    @property
    def mtbf_by_cause_s(self) -> dict[str, float]:
        """The same by fault source, the most frequent first, s."""
        rates = {source.name: source.rate * source.components for source in self.plan.sources}
        return {name: 1 / rates[name] for name in sorted(rates, key=lambda name: -rates[name]) if rates[name] > 0}

    @cached_property
    def levels(self) -> tuple[Level, ...]:
        """The stores, where there are several or one that can be lost."""
        return levels(self.plan)

    @property
    def uncertain_mtbf_s(self) -> dict[str, tuple[float, float]]:
        """5 to 95 % range of ``mtbf_by_cause_s`` for sources whose rates are uncertain, s."""
        found = {}
        for source in self.plan.sources:
            if source.shape > 0:
                rate = source.rate * source.components
                low, high = (gamma_quantile(source.shape, rate, share) for share in (0.05, 0.95))
                found[source.name] = 1 / high, 1 / low
        return found

    @property
    def interval_s(self) -> float | None:
        """Useful work between saves to the one store, s."""
        return self.plan.pattern.interval if self.one_store else None

    @property
    def save_cost_s(self) -> float | None:
        """What one save costs the job, s: the stall, and the work that it slows."""
        if not self.one_store:
            return None
        pattern = self.plan.pattern
        return pattern.stall + (pattern.stepping - pattern.interval)

    @cached_property
    def intervals_s(self) -> dict[str, float]:
        """Best intervals by Young, Daly and the exact formula, s; empty where saves are free or nothing fails."""
        pattern = self.plan.pattern
        cost = pattern.stall + pattern.slowdown * pattern.persist
        if not self.one_store or self.rate == 0 or cost == 0:
            return {}
        found = {"young": young(cost, self.job_mtbf_s), "daly": daly(cost, self.job_mtbf_s)}
        # With no stall and persists without limit there is no best interval.
        with suppress(ValueError):
            found["exact"] = best_interval(self.rate, pattern.stall, pattern.persist, pattern.slowdown, self._in_flight)
        return found

    @property
    def plain_recovery_s(self) -> float:
        """Mean time from a fault to the next step if no fault struck in between, s."""
        return self.detection_s + math.fsum(
            share * math.fsum(stage.mean for stage in self.attempt(rule, taken, 0.0))
            for (rule, taken), share in self.first_rules.items()
        )

    @property
    def kinds_of_recovery(self) -> set[tuple[int, bool]]:
        """Rules that faults start with, and whether they call a spare first that takes time to come."""
        return {
            (rule, taken and self.activation_s > 0 and self.plan.rules[rule].use == SPARES_ELSE_WAIT)
            for rule, taken in self.first_rules
        }

    @property
    def ettr(self) -> float | None:
        """Long-run ETTR of the plan as it is; exact where ``broken`` is empty."""
        return None if self.interval_s is None else self.ettr_at(self.interval_s)

    @property
    def first_order_ettr(self) -> float | None:
        """What a spreadsheet gives: 1 - save cost / interval - rate x (recovery + interval / 2), without faults in
        recovery.
        """
        if not self.plan.has_store or self.rate == 0:
            return None
        plain = self.plain_recovery_s
        if self.levels:
            return levels_ettr(self.levels, self.plan, self.rate, plain)
        assert self.save_cost_s is not None
        found = first_order_ettr(self.rate, self.plan.pattern.interval, self.save_cost_s, plain)
        return found - math.fsum(mean_of(self.plan, pause.law) / pause.every for pause in self.plan.pauses)

    @property
    def spares(self) -> Spares:
        """Whether the spares will do."""
        return Spares(self.plan)

    @cached_property
    def gaps(self) -> list[Gap]:
        """What the exact formula leaves out of this plan, with bounds of its effect on ETTR."""
        return gaps(self, self.plan.pattern.interval)

    @property
    def broken(self) -> list[str]:
        """What the exact formula assumes and this plan does not keep, each a sentence."""
        return [gap.text for gap in self.gaps]

    def holds_at(self, interval: float) -> bool:
        """Return whether ``ettr_at(interval)`` is known to be within ``CLOSE`` of what the plan really has there."""
        bounds = [gap.bound for gap in gaps(self, interval)]
        return self.one_store and all(bound is not None for bound in bounds) and math.fsum(filter(None, bounds)) < CLOSE

    @property
    def holds(self) -> bool:
        """Whether ``ettr`` of this plan as it is is so: nothing is left out, or only what hardly matters."""
        return self.interval_s is not None and self.holds_at(self.interval_s)

    @property
    def first_order_broken(self) -> list[str]:
        """What the first-order formulas assume beyond that, with how far this plan is from it."""
        cost, interval = self.save_cost_s, self.interval_s
        if self.rate == 0 or cost is None or interval is None:
            return []
        said = []
        if cost / self.job_mtbf_s > 0.01:
            said.append(f"Young: a save is much shorter than the MTBF; here it is {cost / self.job_mtbf_s:.1%} of it.")
        if cost > 2 * self.job_mtbf_s:
            said.append("Daly: a save is shorter than twice the MTBF; here it is not.")
        if interval / self.job_mtbf_s > 0.1:
            said.append(
                "First-order ETTR: an interval is much shorter than the MTBF; "
                f"here it is {interval / self.job_mtbf_s:.0%} of it."
            )
        struck = self.recovery_s * self.wall_rate
        if struck > 0.05:
            said.append(
                "First-order ETTR: no fault strikes during recovery; "
                f"here one does in {-math.expm1(-struck):.0%} of them."
            )
        return said
