"""Lives of a scenario's components as a plan has them: parameters from means, and the share of faults that renew."""

from __future__ import annotations

import math

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

SMALLEST_SHARE = 1e-9
"""Of faults that renew: what is less comes of rounding."""


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
    from sim.planning_renewal import not_renewed  # needs NumPy, as no other part of most plans does

    reset, others = source.needs.get("reset", 0.0), source.needs.get("process", 0.0)
    stages = scenario.repair.stages
    first = next(iter(stages))
    entry = next((name for name in stages if name != RESET), first)
    kept = others + reset * not_renewed(scenario, first, first)
    kept += source.needs.get("repair", 0.0) * not_renewed(scenario, entry)
    return 1.0 if kept == 0.0 else max(0.0, 1.0 - kept)
