"""How many events a run of a plan has, about, and what makes them so many: what it costs, before it is simulated."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from sim.engine.tiers import PATIENCE
from sim.kernels.tiers import SAVES_AN_EVENT
from sim.kernels.time import TICKS_PER_SECOND
from sim.plan import TRAINING, Lane, Plan
from sim.recoveries import mean_of
from sim.study.outlook import Outlook

PER_EVENT_S = 250e-9
"""What an event costs on one core of the compiled engine, s: measured, 100 to 500 ns in what ends at run.max_events."""

OF_SIMPY = 300.0
"""Times as long as an event takes in the SimPy engine: measured (``make bench``)."""

SURELY = 2.0
"""Times that a forecast must be above a limit until a run is taken to end there: it is good to such a factor."""


@dataclass(frozen=True)
class Load:
    """What comes again and again in a run: in words, how often, about, the path of the key that says so, and for how
    many events of ``run.max_events`` one counts.
    """

    what: str
    number: float
    key: tuple[str, ...]
    weight: float = 1.0

    @property
    def events(self) -> float:
        """Events that a run has of it."""
        return self.number * self.weight


def loads(outlook: Outlook) -> list[Load]:
    """Return what the events of a run come from, most of them first.

    Rates are those of a plan in its mean state, so that the numbers are good to a factor of 2 or so.
    """
    plan = outlook.plan
    # Faults and pauses leave this share of the wall clock for training, as far as nothing but recovery follows a fault.
    share = 1.0 / (1.0 + outlook.rate * outlook.plain_recovery_s)
    length = plan.horizon
    if math.isfinite(plan.work):
        useful = share if outlook.ettr is None else outlook.ettr
        length = min(length, plan.work / useful) if useful > 0.0 else length
    length = min(length, _until_no_progress(outlook))
    found = [
        *_faults(plan, length, share), *_repairs(outlook, length),
        *_pauses(plan, length * share), *_saves(outlook, length * share),
    ]  # fmt: skip
    return sorted((load for load in found if load.events > 0.0), key=lambda load: -load.events)


def _until_no_progress(outlook: Outlook) -> float:
    """Time after which a run ends since no recovery closes, s: in each a fault strikes, is seen, and starts it anew."""
    waits = any(taken for _, taken in outlook.first_rules)
    rate, most = outlook.wall_rate, outlook.plan.max_attempts
    if waits or rate * outlook.recovery_s < SURELY * most:
        return math.inf
    return outlook.job_mtbf_s + most * (outlook.detection_s + 1.0 / rate)


def _faults(plan: Plan, length: float, share: float) -> Iterator[Load]:
    for i, source in enumerate(plan.sources):
        number = math.fsum(
            _rate(plan, lane) * length * (share if lane.clock == TRAINING else 1.0)
            for lane in plan.lanes
            if lane.source == i
        )
        if source.planned:
            yield Load(f"windows of {source.name}", number, ("maintenance", source.name, "every"))
        else:
            yield Load(f"faults of {source.name}", number, ("faults", source.name))


def _repairs(outlook: Outlook, length: float) -> Iterator[Load]:
    """Services of all stages of repair, those that fail and come again among them; a node has one at a time."""
    plan, spares = outlook.plan, outlook.spares
    if not spares.closed:
        return
    for rate, stage in zip(spares.services, plan.repair, strict=True):
        time = mean_of(plan, stage.law)
        most = plan.nodes / time if time > 0.0 else math.inf
        yield Load("repairs", min(rate, most) * length, ("repair",))


def _rate(plan: Plan, lane: Lane) -> float:
    """Events of a lane, 1/s."""
    if lane.calendar is not None:
        return lane.slots / lane.calendar.every
    if lane.life >= 0:
        return lane.slots * plan.sources[lane.source].rate
    return 1.0 / lane.mean if lane.mean > 0.0 else 0.0


def _pauses(plan: Plan, length: float) -> Iterator[Load]:
    paused = math.fsum(mean_of(plan, pause.law) / pause.every for pause in plan.pauses)
    for pause in plan.pauses:
        yield Load(f"pauses of {pause.name}", length / (1.0 + paused) / pause.every, ("pauses", pause.name, "every"))


def _saves(outlook: Outlook, length: float) -> Iterator[Load]:
    """Saves to several stores that are gone through one by one: those of the most frequent one repeat between two of
    another, and all of them once their pattern has come round, which it does after each fault anew.
    """
    tiers = sorted(outlook.plan.tiers, key=lambda tier: tier.interval)
    if len(tiers) < 2 or length == 0.0:
        return
    periods = (tier.interval * (1 + tier.persist // tier.interval) for tier in tiers)
    round_s = math.lcm(*(round(period * TICKS_PER_SECOND) for period in periods)) / TICKS_PER_SECOND
    gone_through = min(1.0, 2.0 * round_s * max(outlook.rate, 1.0 / length))
    for before, tier in pairwise(tiers):
        saves = length * gone_through / tier.interval * min(PATIENCE, 1.0 + tier.interval / before.interval)
        yield Load(f"saves to {tier.name}", saves, ("stores", tier.name, "every"), 1.0 / SAVES_AN_EVENT)
