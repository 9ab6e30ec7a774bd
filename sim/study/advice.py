"""What to turn after a run: the best interval where the closed form knows it, else the key that matters most."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter

from sim.kernels.ledger import BUCKETS
from sim.plan import AUTO, CALENDAR, SPARES_ELSE_WAIT
from sim.recoveries import mean_of
from sim.scenario import Scenario
from sim.scenario.capacity import Pool
from sim.scenario.toml import dotted
from sim.study.answer import Answer
from sim.study.outlook import Outlook

AGREES = 0.002
"""How far the simulated ETTR may be from the closed form, beyond its interval, for that to name an interval: 0.2 points
(assumption: less than anybody changes an interval for).
"""

OF_SAVES = ("lost_work", "save_stall", "save_slowdown")
"""Losses that the interval between saves governs."""


@dataclass(frozen=True)
class Advice:
    """What to turn: at most one of the two.

    Parameters
    ----------
    interval_s : float or None
        Best interval between saves, s, where the closed form stands here and there and the simulation agrees with it.
    tune : str or None
        Key of the interval to search with ``sim tune``, where it does not.
    key : str or None
        Key that governs the largest loss, where that is neither lost work nor saving.
    """

    interval_s: float | None = None
    tune: str | None = None
    key: str | None = None

    def as_dict(self) -> dict[str, float | str | None]:
        """Return the advice as it stands in JSON."""
        return {"best_interval_s": self.interval_s, "tune": self.tune, "key": self.key}


def advise(answer: Answer, outlook: Outlook) -> Advice:
    """Return what to turn first after a run."""
    worst = answer.largest_loss
    if worst.share is None or worst.share.mean == 0 or outlook.rate == 0:
        return Advice()
    if worst.bucket not in OF_SAVES:
        return Advice(key=governing(answer, outlook, worst.bucket))
    best = outlook.intervals_s.get("exact")
    if best is not None and outlook.holds and outlook.holds_at(best) and _agrees(answer, outlook):
        return Advice(interval_s=best)
    return Advice(tune=_store_key(answer.runs.scenario, outlook))


def _agrees(answer: Answer, outlook: Outlook) -> bool:
    half = answer.ettr.half_width
    return outlook.ettr is not None and abs(answer.ettr.mean - outlook.ettr) <= half + AGREES < 1


def _store_key(scenario: Scenario, outlook: Outlook) -> str | None:
    """Key of the interval that costs most, in first order; None where no save costs anything."""
    if not outlook.levels:
        name = next(iter(scenario.stores), None)
        return None if name is None or not outlook.save_cost_s else dotted(("stores", name, "every"))
    costly = [level for level in outlook.levels if level.cost_s > 0]
    worst = max(costly, key=lambda it: it.cost_s / it.interval_s + it.rate * it.interval_s / 2, default=None)
    return None if worst is None else dotted(("stores", worst.name, "every"))


def governing(answer: Answer, outlook: Outlook, bucket: str) -> str | None:
    """Return the key whose seconds are most of a bucket of the wall clock; None where no key stands for it."""
    weights: defaultdict[tuple[str, ...], float] = defaultdict(float)
    for path, seconds in _shares(answer, outlook, bucket):
        weights[path] += seconds
    if not weights:
        return None
    path, _ = max(weights.items(), key=itemgetter(1))
    # The time of a stage and the law of a duration may stand in tables of their own: then their mean does for them.
    written = {entry.path for entry in answer.runs.scenario.entries}
    keys = (path, (*path, "mean"), (*path[:-1], "mean"), (*path[:-1], "base"))
    return dotted(next((key for key in keys if key in written), path[:-1]))


def _shares(answer: Answer, outlook: Outlook, bucket: str) -> Iterator[tuple[tuple[str, ...], float]]:
    """Keys, with the expected seconds for each fault that they put into a bucket."""
    scenario, plan, used = answer.runs.scenario, outlook.plan, _used(answer.runs.scenario)
    if bucket == "detection":
        yield from _detection(scenario, outlook)
    for (number, taken), share in outlook.first_rules.items():
        rule = plan.rules[number]
        for stage in rule.stages:
            if BUCKETS[stage.bucket] == bucket:
                read = ("stores", next(iter(scenario.stores), ""), "read")
                path = read if stage.law == AUTO else ("recovery", rule.name, "stages", stage.name, "time")
                yield path, share * (plan.read if stage.law == AUTO else mean_of(plan, stage.law))
        if bucket == "capacity_wait" and taken and rule.use == SPARES_ELSE_WAIT and used:
            fastest = min(used, key=lambda name: used[name].activation)
            yield ("pools", fastest, "activation"), share * outlook.activation_s
    for pause in plan.pauses:
        if BUCKETS[pause.bucket] == bucket:
            often = 1 / (max(outlook.rate, 1e-12) * pause.every)
            yield ("pauses", pause.name, "duration"), mean_of(plan, pause.law) * often
    interruptions = answer.count("interruptions").mean
    for source in plan.sources:
        if bucket == "maintenance" and source.clock == CALENDAR:
            yield ("maintenance", source.name, "duration"), mean_of(plan, plan.repair[source.stage].law)
    if bucket == "capacity_wait" and interruptions > 0:
        lost = outlook.activation_s * sum(share for (_, taken), share in outlook.first_rules.items() if taken)
        rest = float(answer.levelled.ledger_s[bucket].mean()) / interruptions - lost
        yield _capacity(scenario, outlook), max(rest, 0.0)


def _detection(scenario: Scenario, outlook: Outlook) -> Iterator[tuple[tuple[str, ...], float]]:
    for source in outlook.plan.sources:
        if source.name not in scenario.faults:
            continue
        rate = source.rate * source.components / outlook.rate if outlook.rate > 0 else 0.0
        yield ("detect", "hang", "timeout"), rate * source.p_hang * outlook.hang_s
        own = scenario.faults[source.name].detect is not None
        path = ("faults", source.name, "detect") if own else ("detect", "stop")
        yield path, rate * (1 - source.p_hang) * source.detect


def _used(scenario: Scenario) -> dict[str, Pool]:
    """Pools that have nodes, by name."""
    return {name: pool for name, pool in scenario.pools.by_name().items() if pool.nodes}


def _capacity(scenario: Scenario, outlook: Outlook) -> tuple[str, ...]:
    """The key of nodes that are waited for: crews that are overrun, else spares, else, without any, their repair."""
    stages = list(scenario.repair.stages)
    services = outlook.spares.services[: len(stages)]
    busiest = max(range(len(stages)), key=lambda i: services[i] * mean_of(outlook.plan, outlook.plan.repair[i].law))
    if outlook.spares.crews_busy >= 1:
        return "repair", stages[busiest], "crews"
    used = _used(scenario)
    if not used:
        return "repair", stages[busiest], "time"
    name = max(used, key=lambda name: used[name].nodes)
    by_default = any(entry.path == ("pools", name, "nodes") and entry.default for entry in scenario.entries)
    return ("cluster", "nodes") if by_default else ("pools", name, "nodes")
