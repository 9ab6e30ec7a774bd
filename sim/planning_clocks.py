"""Rates that were counted on another clock than the source's own, converted to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sim.errors import UsageError
from sim.plan import Plan
from sim.recoveries import Recoveries
from sim.scenario import Scenario

LEAST_SHARE = 0.001
"""Share of its time that a job trains at least, where counts are converted: below, recoveries take all of it."""


def on_own_clocks(scenario: Scenario, plan_of: Callable[[Scenario], Plan]) -> Scenario:
    """Return the scenario with the rate of each source on its own clock.

    A source that ticks in training strikes at 1 / share of the rate that was counted on the wall clock, and one that
    ticks on the wall clock at share times the rate that was counted in training. The share of the time that the job
    trains depends on the rates in turn: it is the root of share = ``Recoveries.training_share`` at the rates that it
    gives. What was watched had no ``rate_factor``: those multiply what comes of it.

    Parameters
    ----------
    scenario : Scenario
        As the file has it; returned as it is where no count asks for more.
    plan_of : callable
        Turns a scenario into a plan, taking its rates as they are.

    Raises
    ------
    UsageError
        If recoveries from the faults that were counted take as long as they were watched, or longer.
    """
    counted = [name for name, source in scenario.faults.items() if source.counted_on is not None and source.rate > 0.0]
    if not counted:
        return scenario
    from scipy.optimize import brentq  # heavy, and needed by this alone

    draft = plan_of(scenario)

    def excess(share: float) -> float:
        rates = {name: source.rate / source.factor for name, source in _converted(scenario, share).faults.items()}
        sources = [replace(source, rate=rates.get(source.name, source.rate)) for source in draft.sources]
        return share - Recoveries(replace(draft, sources=tuple(sources))).training_share

    if excess(LEAST_SHARE) >= 0.0:
        raise UsageError(
            f"faults.{counted[0]}.observed.clock: the faults that were counted leave the job no time to train: "
            f"their recoveries take all of it; give over on the source's own clock, or shorter recoveries"
        )
    return _converted(scenario, brentq(excess, LEAST_SHARE, 1.0, xtol=1e-12))


def _converted(scenario: Scenario, share: float) -> Scenario:
    """The scenario with its counts converted at a share of the time that the job trains."""
    factors = {"wall": 1.0 / share, "training": share, None: 1.0}
    faults = {name: replace(it, rate=it.rate * factors[it.counted_on]) for name, it in scenario.faults.items()}
    return replace(scenario, faults=faults)
