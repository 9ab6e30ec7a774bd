"""From parsed TOML to a resolved scenario: reads each table on its own, so that one that is broken hides no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import ValidationError

from sim.scenario.capacity import PoolsTable, pool_sizes, resolve_pools
from sim.scenario.cluster import ClusterTable, JobTable, resolve_cluster, resolve_job, sized
from sim.scenario.detection import DetectTable, resolve_detect
from sim.scenario.domains import resolve_groups
from sim.scenario.efficiency import (
    Efficiency,
    add_efficiency,
    check_efficiency,
    check_efficiency_keys,
    make_efficiency,
)
from sim.scenario.efficiency_tables import EfficiencyTable
from sim.scenario.entries import Entries
from sim.scenario.faults import (
    FaultSource,
    FaultTable,
    check_fault_keys,
    resolve_fault,
)
from sim.scenario.fields import Table, Title, check_name
from sim.scenario.findings import Findings
from sim.scenario.maintenance import Maintenance, MaintenanceTable, resolve_maintenance
from sim.scenario.pauses import Pause, PauseTable, resolve_pause
from sim.scenario.recovery import RecoveryTable, RuleTable, check_rules, resolve_recovery, split_recovery
from sim.scenario.refusal import Path, RefusedError, nearest
from sim.scenario.repair import check_repair_keys, resolve_repair, split_repair
from sim.scenario.repair_tables import RepairStageTable, RepairTable
from sim.scenario.run import RunTable, check_run_keys, resolve_run
from sim.scenario.schema import Scenario, ScenarioTable
from sim.scenario.stores import Store, StoreTable, check_store_keys, resolve_store
from sim.scenario.units import Quantity
from sim.scenario.walk import keys_of
from sim.scenario.work import checkpoint_of, step_of, work_in_seconds

Kind = TypeVar("Kind", bound=Table)
KeyCheck = Callable[[Mapping[str, Any]], Iterator[tuple[str | None, RefusedError]]]


@dataclass
class Parts:
    """The tables of a file that are valid on their own; None or not there if they are not."""

    cluster: ClusterTable | None = None
    job: JobTable | None = None
    faults: dict[str, FaultTable] = field(default_factory=dict)
    detect: DetectTable | None = None
    stores: dict[str, StoreTable] = field(default_factory=dict)
    pauses: dict[str, PauseTable] = field(default_factory=dict)
    maintenance: dict[str, MaintenanceTable] = field(default_factory=dict)
    recovery: RecoveryTable | None = None
    rules: dict[str, RuleTable] = field(default_factory=dict)
    pools: PoolsTable | None = None
    repair: RepairTable | None = None
    repair_stages: dict[str, RepairStageTable] = field(default_factory=dict)
    run: RunTable | None = None
    efficiency: EfficiencyTable | None = None
    efficiency_known: bool = True
    all_faults: bool = True
    pools_known: bool = True
    repair_known: bool = True


def read_parts(data: Mapping[str, Any], findings: Findings) -> Parts:
    """Read every table of a file; what is wrong goes to `findings`."""
    meant = _unknown_sections(data, findings)
    if "name" in data:
        _name(data["name"], findings)
    parts = Parts()
    parts.job = _section(JobTable, "job", data, findings)
    needed = "cluster" not in meant and parts.job is not None and parts.job.nodes is None
    parts.cluster = _section(ClusterTable, "cluster", data, findings, required=needed)
    parts.faults, parts.all_faults = _named(FaultTable, "faults", data, findings, check_fault_keys)
    parts.detect = _section(DetectTable, "detect", data, findings)
    parts.stores, _ = _named(StoreTable, "stores", data, findings, check_store_keys)
    parts.pauses, _ = _named(PauseTable, "pauses", data, findings)
    parts.maintenance, _ = _named(MaintenanceTable, "maintenance", data, findings)
    parts.recovery, parts.rules = _recovery(data, findings)
    if "pools" in data:
        parts.pools = _section(PoolsTable, "pools", data, findings)
        parts.pools_known = parts.pools is not None
    parts.cluster = _sized(parts, findings)
    _repair(parts, data, findings)
    parts.run = _section(RunTable, "run", data, findings, required="run" not in meant, check=check_run_keys)
    if "efficiency" in data:
        parts.efficiency = _efficiency(data, findings)
        parts.efficiency_known = parts.efficiency is not None
    return parts


def _sized(parts: Parts, findings: Findings) -> ClusterTable | None:
    """Return `[cluster]` with its nodes, which may be those of the job and the pools; None where they are not known."""
    if parts.cluster is None or parts.cluster.nodes is not None:
        return parts.cluster
    if parts.job is None:
        return None
    try:
        return sized(parts.cluster, parts.job, sum(pool_sizes(parts.pools, 0)))
    except RefusedError as refusal:
        findings.add(("cluster",), refusal, missing="nodes")
        return None


def resolve(name: str, parts: Parts) -> Scenario:
    """Resolve a file in which nothing is wrong."""
    assert parts.cluster is not None
    assert parts.job is not None
    assert parts.detect is not None
    assert parts.recovery is not None
    assert parts.repair is not None
    assert parts.run is not None
    entries = Entries()
    cluster = resolve_cluster(parts.cluster, entries)
    held = held_nodes(parts.cluster, parts.job, parts.pools)
    groups = resolve_groups(parts.cluster.groups, held, entries)
    efficiency, step, checkpoint = of_model(parts)
    job = resolve_job(parts.job, cluster, step, checkpoint, entries)
    faults: dict[str, FaultSource] = {}
    for source in sorted(parts.faults):
        faults[source] = resolve_fault(source, parts.faults[source], parts.run.uncertain, entries)
    detect = resolve_detect(parts.detect, parts.recovery.detect, entries)
    stores: dict[str, Store] = {}
    for store in sorted(parts.stores):
        stores[store] = resolve_store(store, parts.stores[store], job, entries)
    pauses: dict[str, Pause] = {}
    for pause in sorted(parts.pauses):
        pauses[pause] = resolve_pause(pause, parts.pauses[pause], job.step, entries)
    maintenance: dict[str, Maintenance] = {}
    for window in sorted(parts.maintenance):
        maintenance[window] = resolve_maintenance(window, parts.maintenance[window], entries)
    recovery = resolve_recovery(parts.recovery, parts.rules, entries)
    pools = resolve_pools(parts.pools, cluster.nodes - job.nodes, entries)
    repair = resolve_repair(parts.repair, parts.repair_stages, entries)
    work = parts.run.work
    if work is not None:
        work = work_in_seconds(work, job.nodes * cluster.gpus_per_node, job.step, efficiency)
    run = resolve_run(parts.run, work, bool(stores), entries)
    if parts.efficiency is not None:
        add_efficiency(parts.efficiency, entries)
    return Scenario(
        name, cluster, job, faults, detect, stores, recovery, pools, repair, run, groups, pauses, maintenance,
        efficiency, tuple(entries.items),
    )  # fmt: skip


def of_model(parts: Parts) -> tuple[Efficiency | None, Quantity | None, Quantity | None]:
    """Give `[efficiency]` resolved, and the step, s, and the size of a checkpoint, bytes, that follow from its model;
    None for what it does not say. Cluster and job must be valid.
    """
    if parts.efficiency is None or parts.cluster is None or parts.job is None:
        return None, None, None
    found = make_efficiency(parts.efficiency, parts.cluster.gpus_per_node)
    gpus = (parts.job.nodes or parts.cluster.size) * parts.cluster.gpus_per_node
    return found, step_of(gpus, found), checkpoint_of(found)


def held_nodes(cluster: ClusterTable, job: JobTable, pools: PoolsTable | None) -> int:
    """Give the nodes of the job and the pools."""
    needed = cluster.size if job.nodes is None else job.nodes
    return needed + sum(pool_sizes(pools, cluster.size - needed))


def _efficiency(data: Mapping[str, Any], findings: Findings) -> EfficiencyTable | None:
    """Read `[efficiency]`; None unless all that it says fits together."""
    found = _section(EfficiencyTable, "efficiency", data, findings, check=check_efficiency_keys)
    if found is None:
        return None
    wrong = list(check_efficiency(found))
    findings.add_all(("efficiency",), wrong)
    return None if wrong else found


def _unknown_sections(data: Mapping[str, Any], findings: Findings) -> set[str]:
    known = keys_of(ScenarioTable)
    wrong = [key for key in data if key not in known]
    if not wrong:
        return set()
    from sim.scenario.resemblance import resembled

    found = (findings.add_unknown((key,), known, resembled(key, data[key])) for key in wrong)
    return {meant for meant in found if meant}


def _name(value: object, findings: Findings) -> None:
    try:
        Title().read(value)
    except RefusedError as refusal:
        findings.add(("name",), refusal)


def _section(
    model: type[Kind],
    name: str,
    data: Mapping[str, Any],
    findings: Findings,
    *,
    required: bool = False,
    check: KeyCheck | None = None,
) -> Kind | None:
    if name in data:
        return _table(model, (name,), data[name], findings, check)
    if not required:
        return None if _needs_keys(model) else model.model_validate({})
    findings.add((), RefusedError("is missing", "a table", f"add [{name}]"), missing=name)
    return None


def _needs_keys(model: type[Table]) -> bool:
    return any(info.is_required() for info in model.model_fields.values()) or model is RunTable


def _table(
    model: type[Kind], path: Path, value: object, findings: Findings, check: KeyCheck | None = None
) -> Kind | None:
    """Read one table; its keys are checked even where its values are wrong."""
    if not isinstance(value, dict):
        findings.add_wrong_type(path)
        return None
    fine = True
    if check is not None:
        wrong = list(check(_as_meant(model, value)))
        findings.add_all(path, wrong)
        fine = not wrong
    try:
        found = model.model_validate(value)
    except ValidationError as error:
        findings.add_errors(path, model, error)
        return None
    return found if fine else None


def _as_meant(model: type[Table], table: Mapping[str, Any]) -> dict[str, Any]:
    """Give a table with misspelt keys set right, so that one slip is not reported as two."""
    known = keys_of(model)
    return {(key if key in known else nearest(key, known) or key): value for key, value in table.items()}


def _named(
    model: type[Kind], name: str, data: Mapping[str, Any], findings: Findings, check: KeyCheck | None = None
) -> tuple[dict[str, Kind], bool]:
    """Read a section of named tables; also says whether all of them are valid."""
    section = data.get(name, {})
    if not isinstance(section, dict):
        findings.add_wrong_type((name,), f"tables [{name}.NAME]")
        return {}, False
    found: dict[str, Kind] = {}
    for key, value in section.items():
        _check_name((name, key), findings)
        table = _table(model, (name, key), value, findings, check)
        if table is not None:
            found[key] = table
    return found, len(found) == len(section)


def _recovery(data: Mapping[str, Any], findings: Findings) -> tuple[RecoveryTable | None, dict[str, RuleTable]]:
    section = data.get("recovery", {})
    if not isinstance(section, dict):
        findings.add_wrong_type(("recovery",))
        return None, {}
    own, rules = split_recovery(section)
    meant = {name: _as_meant(RuleTable, rule) for name, rule in rules.items()}
    findings.add_all(("recovery",), check_rules(own, meant))
    found: dict[str, RuleTable] = {}
    for name, rule in rules.items():
        _check_name(("recovery", name), findings)
        table = _table(RuleTable, ("recovery", name), rule, findings)
        if table is not None:
            found[name] = table
    return _table(RecoveryTable, ("recovery",), own, findings), found


def _repair(parts: Parts, data: Mapping[str, Any], findings: Findings) -> None:
    section = data.get("repair", {})
    if not isinstance(section, dict):
        findings.add_wrong_type(("repair",))
        return
    own, stages = split_repair(section)
    wrong = list(check_repair_keys(own, stages))
    findings.add_all(("repair",), wrong)
    for name, stage in stages.items():
        table = _table(RepairStageTable, ("repair", name), stage, findings)
        if table is not None:
            parts.repair_stages[name] = table
    parts.repair = _table(RepairTable, ("repair",), own, findings)
    parts.repair_known = parts.repair is not None and len(parts.repair_stages) == len(stages) and not wrong


def _check_name(path: Path, findings: Findings) -> None:
    try:
        check_name(str(path[-1]))
    except RefusedError as refusal:
        findings.add(path, refusal)
