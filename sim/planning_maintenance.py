"""Maintenance in the plan: a source with a calendar, a group of what it takes, and a stage of repair of its own."""

from __future__ import annotations

import math

from sim.errors import UsageError
from sim.kernels.time import quantize
from sim.plan import Calendar, Group
from sim.scenario import Scenario
from sim.scenario.maintenance import Maintenance


def groups_of(scenario: Scenario, nodes: int) -> tuple[Group, ...]:
    """The groups of a plan: those of the scenario, and single nodes or the whole cluster if these are maintained."""
    groups = [Group(name, group.unit, group.number) for name, group in scenario.groups.items()]
    maintained = {window.of for window in scenario.maintenance.values()}
    for name, unit in (("node", 1), ("cluster", nodes)):
        if name in maintained:
            groups.append(Group(name, unit, nodes // unit))
    return tuple(groups)


def calendar_of(name: str, window: Maintenance, domains: int) -> Calendar:
    """When maintenance of so many domains is due."""
    every = math.inf if window.every == math.inf else quantize(window.every)
    if every == 0.0:
        raise UsageError(f"maintenance.{name}.every: must be at least 1 us")
    return Calendar(quantize(window.first), every, min(window.width, domains), quantize(window.step))
