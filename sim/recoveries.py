"""Recoveries of a plan in closed form, and how much of the time they and planned pauses leave to train."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from sim.kernels.laws import CONSTANT, ENDLESS, EXPONENTIAL, LOGNORMAL, MIXTURE
from sim.kernels.saves import UNLIMITED
from sim.plan import ANY, AUTO, NOTHING, PROCESS, SPARES_ELSE_WAIT, WALL, Plan, Source, Stage
from sim.theory import Saves, ettr, ettr_with_pauses, hang_delay, recovery_time
from sim.theory import Stage as TheoryStage
from sim.theory.laws import laplace_constant, laplace_exponential, laplace_lognormal


def mean_of(plan: Plan, position: int) -> float:
    """Mean of a law of the plan, s; infinite for one that never ends."""
    law = plan.laws[position]
    if law.kind == MIXTURE:
        return law.share * mean_of(plan, law.first) + (1 - law.share) * mean_of(plan, law.other)
    if law.kind == LOGNORMAL:
        return math.exp(law.a + law.b**2 / 2)
    if law.kind == ENDLESS:
        return math.inf
    assert law.kind in (CONSTANT, EXPONENTIAL)
    return law.a


@dataclass(frozen=True)
class Recoveries:
    """What a plan's faults cost in closed form, with units at hand. Properties are None where they do not apply."""

    plan: Plan

    @cached_property
    def rate(self) -> float:
        """Rate of the faults that stop the job while it trains, 1/s."""
        return math.fsum(source.rate * source.components for source in self.plan.sources)

    @property
    def one_store(self) -> bool:
        """Whether there is one store that nothing loses: what the formulas are for."""
        return self.plan.has_store and not self.plan.tiers

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
        return ettr_with_pauses(self._unpaused(interval), self._pauses) if self.one_store else None

    def _unpaused(self, interval: float) -> float:
        """The same without pauses, of a plan with one store."""
        pattern = self.plan.pattern
        saves = Saves(interval, pattern.stall, pattern.persist, pattern.slowdown, self._in_flight)
        return ettr(self.rate, saves, self.recovery_s)

    @property
    def _pauses(self) -> list[tuple[float, float]]:
        """Work between planned pauses and their mean length, s."""
        return [(pause.every, mean_of(self.plan, pause.law)) for pause in self.plan.pauses]

    @cached_property
    def training_share(self) -> float:
        """Long-run share of the time in which the job steps or saves, 0 to 1, with units at hand and no maintenance.

        Each second of it costs rate x R seconds of recoveries, and progress x sum of duration / every seconds of
        planned pauses: share = 1 / (1 + rate R + progress x sum of duration / every). Where no closed form says how
        much of it is progress, all is.
        """
        seconds = 1.0 + (self.rate * self.recovery_s if self.rate > 0 else 0.0)
        if self._pauses and math.isfinite(seconds):
            progress = self._unpaused(self.plan.pattern.interval) * seconds if self.one_store else 1.0
            seconds += progress * math.fsum(length / every for every, length in self._pauses)
        return 1.0 / seconds
