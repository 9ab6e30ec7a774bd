"""Keys that a file gives and that change nothing beside its other keys, each with the reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.scenario.maintenance import units_of
from sim.scenario.repair import RESET

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario

Finding = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Unused:
    """A key of the file, dotted, and why it has no effect."""

    key: str
    reason: str

    def __str__(self) -> str:
        return f"{self.key} has no effect: {self.reason}"


def unused_keys(data: Mapping[str, Any], scenario: Scenario) -> tuple[Unused, ...]:
    """Find the keys that a file gives and that change nothing.

    Parameters
    ----------
    data : dict
        The file as written, includes merged and overrides applied; it is valid.
    scenario : Scenario
        What it resolves to.

    Returns
    -------
    tuple of Unused
        In the order of the sections. A test changes each key of random scenarios: one that leaves the plan as it is
        must stand here, and one that stands here must leave the run as it is.
    """
    found = [
        finding
        for rule in (_faults, _detect, _stores, _job, _pools, _maintenance, _rules, _repair, _run)
        for finding in rule(data, scenario)
    ]
    return tuple(Unused(key, reason) for key, reason in found if _is_given(data, key))


def _is_given(data: Any, key: str) -> bool:
    for part in key.split("."):
        if not isinstance(data, Mapping) or part not in data:
            return False
        data = data[part]
    return True


def _stays_broken(scenario: Scenario) -> bool:
    """Whether a node may fail once more, as a stop, after a fault of any effect."""
    return scenario.repair.relapse is not None or scenario.detect.missed + scenario.detect.wrong > 0.0


def _faults(data: Mapping[str, Any], scenario: Scenario) -> Iterator[Finding]:
    for name, source in scenario.faults.items():
        if source.ageing is not None and source.ageing.is_exponential:
            for key in ("initial_age", "renewal", "burn_in"):
                yield f"faults.{name}.{key}", "the law of life is exponential, which knows no age"
    if _stays_broken(scenario):
        return
    for name, source in scenario.faults.items():
        if source.effect.get("stop", 0.0) > 0.0:
            continue
        watched = "detect.hang says when a hang is seen" if "hang" in source.effect else "a notice tells of its faults"
        yield f"faults.{name}.detect", f"no fault of this source stops the job by itself; {watched}"


def _detect(data: Mapping[str, Any], scenario: Scenario) -> Iterator[Finding]:
    sources = scenario.faults.values()
    broken = _stays_broken(scenario)
    if not any(s.detect is None and (broken or s.effect.get("stop", 0.0) > 0.0) for s in sources):
        for key in ("detect.stop", "recovery.detect"):
            yield key, "no fault source stops the job without a detect of its own"
    if not any(source.effect.get("hang", 0.0) > 0.0 for source in sources):
        for key in ("hang.timeout", "hang.heartbeat", "hang.poll"):
            yield f"detect.{key}", "no fault source hangs"
        if not isinstance(data.get("detect", {}).get("hang"), Mapping):
            yield "detect.hang", "no fault source hangs"
    blamed = any(
        source.takes == "node" and source.needs.get("process", 0.0) < 1.0 and source.effect.get("notice", 0.0) < 1.0
        for source in sources
    )
    if not blamed:
        for key in ("missed", "wrong", "evict"):
            yield f"detect.{key}", "no fault that strikes unannounced takes a node alone, so none can be blamed wrongly"
    if not blamed or scenario.detect.missed + scenario.detect.wrong == 0.0:
        yield "detect.recurs", "every node that is broken is taken out: missed and wrong are 0"
    elif scenario.detect.healed == 1.0:
        yield "detect.recurs.after", "a restart cures all: healed is 1"


def _stores(data: Mapping[str, Any], scenario: Scenario) -> Iterator[Finding]:
    tables: Mapping[str, Mapping[str, Any]] = data.get("stores", {})
    for name, store in scenario.stores.items():
        given = tables[name].keys()
        shows_room = scenario.job.checkpoint is not None
        if not shows_room:
            yield f"stores.{name}.keep", "it says how much room the store needs, and job.checkpoint is not known"
        if store.persist == 0.0:
            yield f"stores.{name}.slowdown", "nothing persists in the background"
            if not shows_room:
                yield f"stores.{name}.in_flight", "nothing persists in the background"
        if "read" in given:
            yield f"stores.{name}.fan_out", "read says how long reading takes"
    if not scenario.stores:
        yield "run.final_save", "there is no store"
        for name in scenario.pauses:
            yield f"pauses.{name}.save", "there is no store"


def _job(data: Mapping[str, Any], scenario: Scenario) -> Iterator[Finding]:
    if not scenario.stores and scenario.efficiency is None:
        yield "job.checkpoint", "there is no store"


def _pools(data: Mapping[str, Any], scenario: Scenario) -> Iterator[Finding]:
    for name, pool in scenario.pools.by_name().items():
        if pool.nodes == 0 and name != "cold":
            for key in ("activation", "check", "spread", "one_by_one", "give_back"):
                yield f"pools.{name}.{key}", "the pool has no nodes"
        elif name == "shared" and pool.activation == 0.0:
            yield "pools.shared.one_by_one", "a claim takes no time"


def _maintenance(data: Mapping[str, Any], scenario: Scenario) -> Iterator[Finding]:
    nodes = scenario.job.nodes + sum(pool.nodes for pool in scenario.pools.by_name().values())
    for name, window in scenario.maintenance.items():
        group = scenario.groups.get(window.of)
        units = units_of(window.of, nodes, 0 if group is None else group.number)
        if units == 1:
            yield f"maintenance.{name}.width", f"there is one {window.of}"
        if window.width >= units:
            yield f"maintenance.{name}.step", "all begin at once: width leaves no second wave"


def _rules(data: Mapping[str, Any], scenario: Scenario) -> Iterator[Finding]:
    rules = scenario.recovery.rules
    for name, rule in rules.items():
        counts = rule.when is not None and rule.when.spare_available is not None
        if rule.use == "same units" and not counts:
            for key in ("within", "pools") if rule.refill is None else ("within",):
                yield f"recovery.{name}.{key}", "the rule goes on with the same units and counts no spares"
        if not rule.stages:
            yield f"recovery.{name}.on_fault", "the rule has no stages that a fault could end"
    if not list(rules.values())[-1].stages:
        yield "run.initial_start", "the last rule has no stages to start with"


def _repair(data: Mapping[str, Any], scenario: Scenario) -> Iterator[Finding]:
    stages = scenario.repair.stages
    taking = [source for source in scenario.faults.values() if source.takes != "nothing"]
    resets = scenario.detect.evict > 0.0 or any(source.needs.get("reset", 0.0) > 0.0 for source in taking)
    entered = {target for name, stage in stages.items() if name != RESET for target in (stage.then, stage.else_)}
    if scenario.repair.quarantine is not None:
        entered.add(scenario.repair.quarantine.stage)
    if len(stages) > 1 and not resets and RESET not in entered:
        yield "repair.reset", "no fault needs a reset, and no stage sends nodes there"
    for name, stage in stages.items():
        if stage.success == 1.0 and stage.attempts is None and stage.finds is None:
            yield f"repair.{name}.else", "the stage always puts a node in order"
    if not any(stage.false_fix > 0.0 for stage in stages.values()):
        yield "repair.relapse", "no stage has a false_fix"
    if all(stage.hours in (None, "00:00-24:00") and stage.days is None for stage in stages.values()):
        yield "run.start", "no stage of repair has working hours"


def _run(data: Mapping[str, Any], scenario: Scenario) -> Iterator[Finding]:
    counted = [table for table in data.get("faults", {}).values() if "observed" in table]
    if counted and all("uncertain" in table for table in counted):
        yield "run.uncertain", "every source that was counted says it itself"
