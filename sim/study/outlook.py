"""What follows from a scenario without simulating it: rates, intervals and ETTR in closed form, and their gaps."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from sim.kernels.laws import CONSTANT, EXPONENTIAL, LOGNORMAL, MIXTURE
from sim.kernels.saves import UNLIMITED
from sim.plan import ANY, AUTO, NOTHING, PROCESS, SPARES_ELSE_WAIT, WALL, Plan, Source, Stage
from sim.study.gaps import Gap, gaps
from sim.study.levels import Level, levels, levels_ettr
from sim.study.spares import Spares, mean_of
from sim.theory import (
    Saves,
    best_interval,
    daly,
    ettr,
    ettr_with_pauses,
    first_order_ettr,
    gamma_quantile,
    hang_delay,
    recovery_time,
    young,
)
from sim.theory import Stage as TheoryStage
from sim.theory.laws import laplace_constant, laplace_exponential, laplace_lognormal

CLOSE = 0.001
"""What the exact formula may be off for all that it leaves out, and still stand: 0.1 points, the usual precision."""


@dataclass(frozen=True)
class Outlook:
    """A plan in closed form. Properties are None where they do not apply."""

    plan: Plan

    @cached_property
    def rate(self) -> float:
        """Rate of the faults that stop the job while it trains, 1/s."""
        return math.fsum(source.rate * source.components for source in self.plan.sources)

    @property
    def job_mtbf_s(self) -> float:
        """Mean time between faults that stop the job while it trains, s; infinite without faults."""
        return 1 / self.rate if self.rate > 0 else math.inf

    @property
    def mtbf_by_cause_s(self) -> dict[str, float]:
        """The same by fault source, the most frequent first, s."""
        rates = {source.name: source.rate * source.components for source in self.plan.sources}
        return {name: 1 / rates[name] for name in sorted(rates, key=lambda name: -rates[name]) if rates[name] > 0}

    @property
    def one_store(self) -> bool:
        """Whether there is one store that nothing loses: what the formulas are for."""
        return self.plan.has_store and not self.plan.tiers

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
    def _in_flight(self) -> int:
        in_flight = self.plan.pattern.in_flight
        return 0 if in_flight >= UNLIMITED else in_flight

    @cached_property
    def detection_s(self) -> float:
        """Mean detection delay over the faults, s."""
        if self.rate == 0:
            return 0.0
        return self.detection_of(self.plan.sources)

    def detection_of(self, sources: Iterable[Source]) -> float:
        """Return the mean detection delay over the faults of these sources, s; 0 if they have none."""
        rates = [(source.rate * source.components, source) for source in sources]
        total = math.fsum(rate for rate, _ in rates)
        seconds = math.fsum(rate * ((1 - s.p_hang) * s.detect + s.p_hang * self.hang_s) for rate, s in rates)
        return seconds / total if total > 0 else 0.0

    @property
    def hang_s(self) -> float:
        """Mean time until a hang is noticed, s."""
        return hang_delay(self.plan.watchdog.timeout, self.plan.watchdog.heartbeat, self.plan.watchdog.poll)

    @cached_property
    def recovery_s(self) -> float:
        """Mean time from a fault to the next step, with the faults that strike in between, s."""
        if self.rate == 0:
            return 0.0
        rate = self.wall_rate
        attempts = [(share, self.attempt(rule, taken, rate)) for (rule, taken), share in self.first_rules.items()]
        return recovery_time(rate, self.detection_s, attempts)

    @cached_property
    def wall_rate(self) -> float:
        """Rate of the faults that strike during a recovery, too, 1/s."""
        return math.fsum(source.rate * source.components for source in self.plan.sources if source.clock == WALL)

    @property
    def plain_recovery_s(self) -> float:
        """Mean time from a fault to the next step if no fault struck in between, s."""
        return self.detection_s + math.fsum(
            share * math.fsum(stage.mean for stage in self.attempt(rule, taken, 0.0))
            for (rule, taken), share in self.first_rules.items()
        )

    @cached_property
    def first_rules(self) -> dict[tuple[int, bool], float]:
        """Share of the faults that start with each rule, and whether they take a node; empty without faults."""
        if self.rate == 0:
            return {}
        shares: defaultdict[tuple[int, bool], float] = defaultdict(float)
        for source in self.plan.sources:
            left = 1 - source.p_process
            p_reset = min(source.p_reset, left)  # a plan gives a reset all that is left if nothing needs repair
            for need, probability in enumerate((source.p_process, p_reset, left - p_reset)):
                if probability > 1e-12:
                    taken = source.takes != NOTHING and need > PROCESS
                    rule = self._rule(need, int(taken))
                    shares[rule, taken] += probability * source.rate * source.components / self.rate
        total = math.fsum(shares.values())
        return {key: share / total for key, share in shares.items()}

    @property
    def kinds_of_recovery(self) -> set[tuple[int, bool]]:
        """Rules that faults start with, and whether they call a spare first that takes time to come."""
        return {
            (rule, taken and self.activation_s > 0 and self.plan.rules[rule].use == SPARES_ELSE_WAIT)
            for rule, taken in self.first_rules
        }

    def _rule(self, need: int, down: int) -> int:
        """The rule that a single fault meets, with spares at hand if there are any."""
        spare = any(pool.nodes for pool in self.plan.pools) or down == 0
        for i, rule in enumerate(self.plan.rules):
            if (
                (rule.needs == ANY or rule.needs >> need & 1)
                and (rule.units_down_at_most == ANY or down <= rule.units_down_at_most)
                and (rule.spare_available == ANY or spare == bool(rule.spare_available))
            ):
                return i
        return len(self.plan.rules) - 1

    def attempt(self, rule_index: int, taken: bool, rate: float) -> list[TheoryStage]:
        """Return the stages of an attempt by a rule at a rate of faults; if a node is ``taken``, a spare is called."""
        rule = self.plan.rules[rule_index]
        stages = [self._stage(stage, rate) for stage in rule.stages]
        if taken and rule.use == SPARES_ELSE_WAIT and self.activation_s > 0:
            phi = laplace_constant(rate, self.activation_s)
            stages.insert(0, TheoryStage(self.activation_s, phi, rule.vulnerable))
        return stages

    @property
    def activation_s(self) -> float:
        """Seconds until the fastest spare that there is can be used."""
        used = [pool.activation for pool in self.plan.pools if pool.nodes]
        return min(used, default=0.0)

    def _stage(self, stage: Stage, rate: float) -> TheoryStage:
        if stage.law == AUTO:
            return TheoryStage(self.plan.read, laplace_constant(rate, self.plan.read), stage.vulnerable)
        average, phi = self._law(stage.law, rate)
        return TheoryStage(average, phi, stage.vulnerable)

    def _law(self, position: int, rate: float) -> tuple[float, float]:
        """Mean of a law, s, and E[exp(-rate Z)] of a duration Z of it."""
        law = self.plan.laws[position]
        if law.kind == MIXTURE:
            (m1, phi1), (m2, phi2) = self._law(law.first, rate), self._law(law.other, rate)
            return law.share * m1 + (1 - law.share) * m2, law.share * phi1 + (1 - law.share) * phi2
        if law.kind == EXPONENTIAL:
            return law.a, laplace_exponential(rate, law.a)
        if law.kind == LOGNORMAL:
            average = math.exp(law.a + law.b**2 / 2)
            return average, laplace_lognormal(rate, average, average * math.sqrt(math.expm1(law.b**2)))
        assert law.kind == CONSTANT
        return law.a, laplace_constant(rate, law.a)

    def ettr_at(self, interval: float) -> float | None:
        """Long-run ETTR with saves every ``interval`` seconds of work and units at hand; None without one store."""
        if not self.one_store:
            return None
        pattern = self.plan.pattern
        saves = Saves(interval, pattern.stall, pattern.persist, pattern.slowdown, self._in_flight)
        pauses = [(pause.every, mean_of(self.plan, pause.law)) for pause in self.plan.pauses]
        return ettr_with_pauses(ettr(self.rate, saves, self.recovery_s), pauses)

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
        if self.recovery_s / self.job_mtbf_s > 0.05:
            said.append(
                "First-order ETTR: no fault strikes during recovery; "
                f"here one does in {-math.expm1(-self.recovery_s / self.job_mtbf_s):.0%} of them."
            )
        return said
