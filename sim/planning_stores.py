"""The stores of a plan: intervals that a file leaves to us, the order of saves, and where copies are."""

from __future__ import annotations

import math

from sim.errors import UsageError
from sim.kernels.persists import DIRECT, RING
from sim.kernels.saves import UNLIMITED, Pattern, make_pattern
from sim.kernels.survival import CHAIN, GROUPS, NEVER_LOST, SELF, SHARED
from sim.kernels.time import quantize
from sim.plan import NEEDS, Group, Tier
from sim.planning_nodes import are_apart, components, job_rate, order
from sim.scenario import Scenario
from sim.scenario.copies import Place, can_be_lost
from sim.scenario.stores import Store
from sim.theory import best_interval, daly, young

NO_STORE = Pattern(math.inf, 0.0, 0.0, 0.0, 1, math.inf, math.inf, math.inf)


def ordered(scenario: Scenario) -> list[tuple[str, Store]]:
    """The stores with their names, those that save fastest first, by name where that is the same."""
    return sorted(scenario.stores.items(), key=lambda item: (item[1].stall + item[1].persist, item[0]))


def one_store(scenario: Scenario) -> bool:
    """Whether there is at most one store, and nothing loses its versions: then a closed form does."""
    stores = list(scenario.stores.values())
    return not stores or (len(stores) == 1 and not can_be_lost(stores[0].place, stores[0].lost_at))


def save_intervals(scenario: Scenario) -> dict[str, float]:
    """Seconds of useful work between saves to each store, on the grid, as the file's ``every`` asks."""
    found: dict[str, float] = {}
    waiting = ordered(scenario)
    for name, store in waiting:
        if store.source is None:
            found[name] = quantize(_interval(scenario, name, store, found))
            if found[name] <= 0.0:
                raise UsageError(f"stores.{name}: saves must be at least 1 us of useful work apart")
    while len(found) < len(waiting):
        for name, store in waiting:
            if name not in found and store.source in found:
                assert store.source is not None
                assert store.every.value is not None
                found[name] = store.every.value * found[store.source]
    return found


def _interval(scenario: Scenario, name: str, store: Store, faster: dict[str, float]) -> float:
    every = store.every
    if every.value is not None:
        return float(every.value) * (float(scenario.job.step or 1.0) if every.kind == "steps" else 1.0)
    cost = store.stall + store.slowdown * store.persist
    if one_store(scenario):
        rate = job_rate(scenario)
        if every.kind == "exact":
            try:
                return best_interval(rate, store.stall, store.persist, store.slowdown, store.in_flight)
            except ValueError as error:
                raise UsageError(f'stores.{name}.every = "exact": {error}; give an interval instead') from None
        return young(cost, 1 / rate) if every.kind == "young" else daly(cost, 1 / rate)
    rate = restored_rate(scenario, name)
    if rate == 0.0:
        where = f'stores.{name}.every = "{every.kind}"'
        raise UsageError(f"{where}: no single fault leaves this as the fastest store with a version; give an interval")
    interval = young(cost, 1 / rate) if every.kind == "young" else daly(cost, 1 / rate)
    shortest = min(faster.values(), default=0.0)
    return interval if shortest == 0.0 else max(round(interval / shortest), 1) * shortest


def restored_rate(scenario: Scenario, name: str) -> float:
    """Rate of the faults, 1/s, that lose all stores before this one and leave it, or nothing, to restore from.

    A fault of nodes leaves stores with partners whole, also one of a domain: partners are far apart.
    """
    stores = ordered(scenario)
    position = [each for each, _ in stores].index(name)
    last = position == len(stores) - 1
    rates = []
    for source in scenario.faults.values():
        nodes = source.per != "job" or source.takes != "nothing"
        for need, share in source.needs.items():
            lost = [_loses(store, need, nodes) for _, store in stores]
            if all(lost[:position]) and (last or not lost[position]):
                rates.append(share * source.rate * components(scenario, source.per, source.count))
    return math.fsum(rates)


def _loses(store: Store, need: str, nodes: bool) -> bool:
    return _lost_at(store) <= NEEDS.index(need) and not (nodes and store.place.partners > 0)


def _lost_at(store: Store) -> int:
    return NEVER_LOST if store.lost_at == "never" else NEEDS.index(store.lost_at)


def pattern_of(interval: float, store: Store) -> Pattern:
    """The pattern of saves to one store."""
    return make_pattern(
        interval, quantize(float(store.stall)), quantize(float(store.persist)),
        float(store.slowdown), store.in_flight or UNLIMITED,
    )  # fmt: skip


def tiers(scenario: Scenario, intervals: dict[str, float]) -> tuple[Tier, ...]:
    """The stores in the order of their saves; none if one does that is never lost."""
    if one_store(scenario):
        return ()
    stores = ordered(scenario)
    names = [name for name, _ in stores]
    found = tuple(
        Tier(
            name=name,
            interval=intervals[name],
            stall=quantize(float(store.stall)),
            persist=quantize(float(store.persist)),
            slowdown=float(store.slowdown),
            in_flight=_in_flight(name, store, intervals[name]),
            read=quantize(float(store.read)),
            lost_at=_lost_at(store),
            place=_place(store.place),
            partners=store.place.partners,
            stride=_stride(scenario, store.place),
            source=DIRECT if store.source is None else names.index(store.source),
        )
        for name, store in stores
    )
    for tier, (name, store) in zip(found, stores, strict=True):
        apart = store.place.not_same
        if apart is not None and not are_apart(tier, group_of(scenario, apart), order(scenario), scenario.job.nodes):
            raise UsageError(
                f"stores.{name}.place: partners {tier.stride} nodes apart would share a {apart} at the start; smaller "
                f"domains, fewer partners or a job of more nodes keep them apart"
            )
    return found


def group_of(scenario: Scenario, name: str) -> Group:
    """A group of a scenario as a plan has it."""
    return Group(name, scenario.groups[name].unit, scenario.groups[name].number)


def _stride(scenario: Scenario, place: Place) -> int:
    """Slots from a node to its partner: as many as there are groups; in a ring one that leads around all nodes."""
    nodes = scenario.job.nodes
    if place.layout == "groups":
        return nodes // (place.partners + 1)
    unit = 1 if place.not_same is None else scenario.groups[place.not_same].unit
    return next((stride for stride in range(unit, nodes) if math.gcd(stride, nodes) == 1), 1)


def _place(place: Place) -> int:
    if place.partners:
        return CHAIN if place.layout == "ring" else GROUPS
    return SHARED if place.kind == "shared" else SELF


def _in_flight(name: str, store: Store, interval: float) -> int:
    """Persists that may run at once, no more than ever do: there is room for ``RING``."""
    most = math.floor(store.persist / interval) + 1
    wanted = min(store.in_flight or most, most)
    if wanted > RING:
        raise UsageError(
            f"stores.{name}: up to {wanted} saves would persist at once; with several stores, or one that can be lost, "
            f"there is room for {RING}: set in_flight to {RING} or less"
        )
    return wanted
