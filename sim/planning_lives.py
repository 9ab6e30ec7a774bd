"""Lives of a scenario's components as a plan has them: parameters from means, and the share of faults that renew."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from sim.errors import UsageError
from sim.kernels.time import quantize
from sim.plan import (
    BATHTUB_LIFE,
    GAMMA_LIFE,
    LOGNORMAL_LIFE,
    RENEWALS,
    STATIONARY,
    WEIBULL_LIFE,
    Life,
)
from sim.scenario import Scenario
from sim.scenario.faults import FaultSource
from sim.scenario.lives import Ageing
from sim.scenario.repair import RESET
from sim.scenario.repair_tables import ALL
from sim.theory import visits

Floats = npt.NDArray[np.float64]

SMALLEST_SHARE = 1e-9
"""Of faults that renew: what is less comes of rounding."""
NEGLIGIBLE = 1e-15
"""Share of nodes that are not followed any further."""
MOST_VISITS = 20_000
"""Steps in which nodes are followed through the shop: about a second."""


def lives_of(scenario: Scenario) -> dict[str, Life]:
    """Lives of the sources whose components age or differ, by the source's name, in the order of the names.

    A Weibull law of shape 1 without frailty is exponential and is left out, as are sources without faults.
    """
    lives = {}
    whole = any(stage.renews == ALL for stage in scenario.repair.stages.values())
    for name in sorted(scenario.faults):
        source = scenario.faults[name]
        ageing = source.ageing
        if ageing is None or source.rate == 0.0 or ageing.is_exponential:
            continue
        law, parts = _law(ageing, 1.0 / source.rate)
        renewing = _renewing(scenario, source)
        if ageing.initial_age is None and renewing < SMALLEST_SHARE:
            raise UsageError(
                f"faults.{name}.initial_age: no fleet is stationary that no stage of [repair] renews; "
                "give an age, or renews = true to a stage"
            )
        alike = ageing.share in (0.0, 1.0) or ageing.factor == 1.0
        lives[name] = Life(
            law=law,
            parts=parts,
            age=STATIONARY if ageing.initial_age is None else quantize(ageing.initial_age),
            renewal=RENEWALS.index(ageing.renewal),
            renewing=renewing,
            burn_in=quantize(ageing.burn_in),
            share=0.0 if alike else ageing.share,
            factor=1.0 if alike else ageing.factor,
            cured=ageing.cured,
            spread=ageing.spread,
            with_node=whole and source.per in ("gpu", "node") and ageing.renewal == "unit",
        )
    return lives


def _law(ageing: Ageing, mean: float) -> tuple[int, tuple[tuple[float, float], ...]]:
    """Law and parameters; ``mean`` in seconds."""
    if ageing.law == "exponential":
        return WEIBULL_LIFE, ((mean, 1.0),)
    if ageing.law == "lognormal":
        assert ageing.sd is not None
        variance = math.log1p((ageing.sd / mean) ** 2)
        return LOGNORMAL_LIFE, ((math.log(mean) - variance / 2.0, math.sqrt(variance)),)
    if ageing.law == "bathtub":
        assert ageing.infant is not None
        assert ageing.infant_shape is not None
        assert ageing.wear_out is not None
        assert ageing.wear_out_shape is not None
        early = _weibull(ageing.infant, ageing.infant_shape)
        return BATHTUB_LIFE, (early, (mean, 1.0), _weibull(ageing.wear_out, ageing.wear_out_shape))
    assert ageing.shape is not None
    if ageing.law == "gamma":
        return GAMMA_LIFE, ((mean / ageing.shape, ageing.shape),)
    return WEIBULL_LIFE, (_weibull(mean, ageing.shape),)


def _weibull(mean: float, shape: float) -> tuple[float, float]:
    """Scale in seconds, and shape, of a Weibull law of this mean."""
    return mean / math.gamma(1.0 + 1.0 / shape), shape


def _renewing(scenario: Scenario, source: FaultSource) -> float:
    """Share of a source's faults after which the component has been replaced: also where a reset has failed."""
    if source.takes == "nothing":
        return 0.0
    reset, others = source.needs.get("reset", 0.0), source.needs.get("process", 0.0)
    stages = scenario.repair.stages
    first = next(iter(stages))
    entry = next((name for name in stages if name != RESET), first)
    kept = others + reset * _kept(scenario, first, first) + source.needs.get("repair", 0.0) * _kept(scenario, entry)
    return 1.0 if kept == 0.0 else max(0.0, 1.0 - kept)


def _kept(scenario: Scenario, entry: str, not_renewing: str | None = None) -> float:
    """Probability that a node that enters the shop at a stage comes back without a stage that renews it.

    Where a node goes depends on how often each stage with attempts has served it: nodes are followed from one such
    service to the next, until all but a negligible share have left.
    """
    shop = _Shop(scenario, not_renewing)
    unserved = (0,) * len(shop.names)
    inside = {unserved: shop.enter(unserved, {shop.names.index(entry): 1.0})}
    kept, followed = 0.0, 0
    while inside:
        followed += len(inside)
        if followed > MOST_VISITS:
            name = shop.names[int(np.argmax(shop.limits))]
            raise UsageError(
                f"repair.{name}.attempts: there are more than {MOST_VISITS:_} ways through the stages with attempts, "
                "too many to say which share of the ageing components is renewed; give fewer attempts"
            )
        following: dict[tuple[int, ...], Floats] = {}
        for served, enters in inside.items():
            came = visits(shop.steps(served), shop.leaves, enters)
            kept += float(came @ shop.comes_back)
            for i in map(int, np.flatnonzero(shop.limits & (came > NEGLIGIBLE))):
                again = tuple(times + (j == i) for j, times in enumerate(served))
                entered = shop.enter(again, {j: share * came[i] for j, share in shop.follows[i].items()})
                following[again] = following.get(again, 0.0) + entered
        inside = following
    return kept


class _Shop:
    """Where nodes that no stage has renewed go, by stage.

    ``follows`` are the probabilities of what comes after one service, ``comes_back`` that the node comes back, each
    without being renewed. ``leaves`` are the ends of `visits`; a stage with attempts (``limits``) is one.
    """

    def __init__(self, scenario: Scenario, not_renewing: str | None) -> None:
        self.names = list(scenario.repair.stages)
        self.stages = list(scenario.repair.stages.values())
        count = len(self.names)
        self.limits = np.array([stage.attempts is not None for stage in self.stages])
        self.leaves, self.comes_back = np.ones(count), np.zeros(count)
        self.follows: list[defaultdict[int, float]] = [defaultdict(float) for _ in self.stages]
        for i, (name, stage) in enumerate(scenario.repair.stages.items()):
            self.follows[i][i if self.limits[i] else self.names.index(stage.else_)] += 1.0 - stage.success
            renewed = stage.renews and name != not_renewing
            if stage.then is None or renewed:
                self.comes_back[i] = 0.0 if renewed else stage.success
            else:
                self.follows[i][self.names.index(stage.then)] += stage.success
            if not self.limits[i]:
                self.leaves[i] = stage.success if stage.then is None or renewed else 0.0

    def steps(self, served: tuple[int, ...]) -> Floats:
        """Moves from stages without attempts, as `visits` wants them."""
        ends: dict[int, float] = {}
        return np.array([self.enter(served, ends if end else self.follows[i]) for i, end in enumerate(self.limits)])

    def enter(self, served: tuple[int, ...], nodes: Mapping[int, float]) -> Floats:
        """Nodes by the stage that serves them next, where each goes on from those that may serve it no more."""
        found = np.zeros(len(self.stages))
        for i, share in nodes.items():
            while (most := self.stages[i].attempts) is not None and served[i] >= most:
                i = self.names.index(self.stages[i].else_)
            found[i] += share
        return found
