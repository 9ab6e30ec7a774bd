"""Checks between the sections of a scenario; each runs on what is valid, even if other parts are not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim.scenario.capacity import POOLS, pool_sizes, spread_of
from sim.scenario.copies import can_be_lost, check_place, check_sources
from sim.scenario.detection import check_detect
from sim.scenario.domains import check_groups, make_groups, order_of
from sim.scenario.faults import MOST_SOURCES, check_ages, check_fault, check_levels, clock_of, rate_of
from sim.scenario.findings import Findings
from sim.scenario.maintenance import MOST_MAINTENANCE, check_unit, check_waves, units_of
from sim.scenario.observed import check_watched
from sim.scenario.pauses import MOST_PAUSES, check_pause
from sim.scenario.reading import Parts, held_nodes, of_model
from sim.scenario.refusal import Path, RefusedError, listed, nearest, shown
from sim.scenario.repair import check_stages as check_repair_stages
from sim.scenario.repair_tables import ALL
from sim.scenario.run import check_give_up, check_run
from sim.scenario.stages import check_stage
from sim.scenario.stores import MOST_STORES, check_planned, check_store
from sim.scenario.units import Quantity
from sim.scenario.work import check_step, check_work, work_in_seconds


def check_all(data: Mapping[str, Any], parts: Parts, findings: Findings) -> None:
    """Check what the sections say together; what is wrong goes to `findings`."""
    _sizes(parts, findings)
    _counts(data, findings)
    _groups(parts, findings)
    for name, source in parts.faults.items():
        findings.add_all(("faults", name), check_fault(source, _uncertain(parts)))
    _run(parts, findings)
    _work(parts, findings)
    _stores(parts, findings)
    _pools(parts, findings)
    _pauses(data, parts, findings)
    _maintenance(data, parts, findings)
    _detect(data, parts, findings)
    _stages(parts, findings)
    if parts.repair is not None and parts.repair_known:
        findings.add_all(("repair",), check_repair_stages(parts.repair, parts.repair_stages))
    whole = next((name for name, stage in parts.repair_stages.items() if stage.renews == ALL), None)
    for name, source in parts.faults.items() if whole is not None else ():
        findings.add_all(("faults", name), check_ages(source, f"repair.{whole}.renews"))


def _sizes(parts: Parts, findings: Findings) -> None:
    if parts.cluster is None or parts.job is None:
        return
    nodes = parts.cluster.size
    job = nodes if parts.job.nodes is None else parts.job.nodes
    if job > nodes:
        allowed = f"at most {nodes} (cluster.nodes)"
        of_gpus, rest = divmod(job, parts.cluster.gpus_per_node)
        gpus = f"{job:_} GPUs are {of_gpus:_} nodes of {parts.cluster.gpus_per_node}"
        remedy = f"did you mean GPUs? {gpus}" if not rest and 0 < of_gpus <= nodes else None
        findings.add(("job", "nodes"), RefusedError("needs more nodes than the cluster has", allowed, remedy))
    elif parts.pools is not None:
        spares = sum(pool_sizes(parts.pools, nodes - job))
        if job + spares > nodes:
            message = f"holds {spares} spares, but the cluster has {nodes - job} nodes beyond the job"
            findings.add(("pools",), RefusedError(message, f"job and spares of at most {nodes} nodes (cluster.nodes)"))


def _pools(parts: Parts, findings: Findings) -> None:
    """Check the pools that rules name, and that there is room for nodes that are not given back."""
    named = {pool for pool in POOLS if getattr(parts.pools, pool, None) is not None}
    for name, rule in parts.rules.items():
        if not rule.await_refill and rule.refill is None:
            refusal = RefusedError("is of a pool that is filled, but none is named", "refill beside it")
            findings.add(("recovery", name, "await_refill"), refusal)
        for key, pools in (("refill", (rule.refill,)), ("pools", rule.pools or ())):
            for pool in pools:
                if pool is not None and parts.pools_known and pool not in (named or ("hot", "cold")):
                    refusal = RefusedError("is a pool that is not there", "a pool of [pools]", f"add {pool} to [pools]")
                    findings.add(("recovery", name, key), refusal)
    shared = parts.pools.shared if parts.pools is not None else None
    if parts.pools is not None and shared is not None and not shared.give_back and parts.pools.cold is None:
        refusal = RefusedError("keeps nodes, but there is no pool for them", "a cold pool", "add cold = 0 to [pools]")
        findings.add(("pools", "shared", "give_back"), refusal)


def _groups(parts: Parts, findings: Findings) -> None:
    """Check the groups, and every name of one."""
    if parts.cluster is None:
        return
    groups = parts.cluster.groups
    for name, source in parts.faults.items():
        findings.add_all(("faults", name), check_levels(source, groups))
    named: list[tuple[Path, str | None]] = [
        (("recovery", name, "within"), rule.within) for name, rule in parts.rules.items()
    ]
    spread = spread_of(parts.pools)
    named += [(("pools", pool, "spread"), group) for pool, group in zip(POOLS, spread, strict=True)]
    wrong = [(path, name) for path, name in named if name is not None and name not in groups]
    for path, name in wrong:
        close = nearest(str(name), groups)
        allowed = listed(shown(group) for group in groups) if groups else "a group of cluster.groups; there are none"
        findings.add(path, RefusedError("is no group", allowed, f"did you mean {shown(close)}?" if close else None))
    if parts.job is None or not parts.pools_known:
        return
    held = held_nodes(parts.cluster, parts.job, parts.pools)
    bad = list(check_groups(groups, held))
    findings.add_all(("cluster", "groups"), bad)
    sizes = pool_sizes(parts.pools, parts.cluster.size - (parts.job.nodes or parts.cluster.size))
    if not bad and not wrong and min(sizes) >= 0 and held <= parts.cluster.size:
        made = make_groups(groups, held)
        _watched(parts, {name: group.number for name, group in made.items()}, findings)
        try:
            order_of(held, zip(sizes, (made.get(name or "") for name in spread), strict=True))
        except RefusedError as refusal:
            findings.add(("pools",), refusal)


def _watched(parts: Parts, domains: Mapping[str, int], findings: Findings) -> None:
    """Check that counts on another clock than the source's are of this job; `domains` are there by group."""
    assert parts.cluster is not None
    assert parts.job is not None
    nodes = parts.job.nodes or parts.cluster.size
    units = {"gpu": nodes * parts.cluster.gpus_per_node, "node": nodes, "job": 1, **domains}
    for name, source in parts.faults.items():
        if source.observed is not None and source.per in units:
            refusal = check_watched(source.observed, clock_of(source), source.count * units[source.per])
            if refusal is not None:
                findings.add(("faults", name, "observed", "clock"), refusal)


def _counts(data: Mapping[str, Any], findings: Findings) -> None:
    faults, stores, maintenance = data.get("faults"), data.get("stores"), data.get("maintenance")
    planned = len(maintenance) if isinstance(maintenance, dict) else 0
    if isinstance(faults, dict) and len(faults) + planned > MOST_SOURCES:
        message = f"has {len(faults)} fault sources" + (f" beside {planned} kinds of maintenance" if planned else "")
        findings.add(
            ("faults",),
            RefusedError(
                message, f"at most {MOST_SOURCES} fault sources" + (" and kinds of maintenance" if planned else "")
            ),
        )
    if isinstance(stores, dict) and len(stores) > MOST_STORES:
        message = f"is a store too many: [stores] has {len(stores)}"
        findings.add(("stores", list(stores)[MOST_STORES]), RefusedError(message, f"at most {MOST_STORES} stores"))


def _uncertain(parts: Parts) -> bool:
    return parts.run is not None and parts.run.uncertain


def _run(parts: Parts, findings: Findings) -> None:
    if parts.run is not None:
        findings.add_all(("run",), check_run(parts.run))
    if _uncertain(parts) and parts.all_faults and not any(source.observed for source in parts.faults.values()):
        refusal = RefusedError(
            "finds no source whose rate was counted",
            "uncertain = true with a source that is given as observed",
            "give observed = { events, units, over } instead of mtbf, for example",
        )
        findings.add(("run", "uncertain"), refusal)


def _work(parts: Parts, findings: Findings) -> None:
    """Check what is given in the model's terms: the step, and the work of the run."""
    if parts.job is None or parts.cluster is None or not parts.efficiency_known:
        return
    efficiency, derived, _ = of_model(parts)
    for path, refusal in check_step(parts.job.step, derived):
        findings.add(path, refusal)
    if parts.run is not None:
        gpus = (parts.job.nodes or parts.cluster.size) * parts.cluster.gpus_per_node
        step, work = parts.job.step or derived, parts.run.work
        wrong = list(check_work(work, gpus, step, efficiency))
        if work is not None and not wrong:
            wrong = list(check_give_up(parts.run.give_up, work_in_seconds(work, gpus, step, efficiency)))
        findings.add_all(("run",), wrong)


def _step_and_checkpoint(parts: Parts) -> tuple[Quantity | None, Quantity | None]:
    """Give the job's step, s, and checkpoint, bytes, given or of the model. While `[efficiency]` or the cluster is
    wrong, 1 stands for what might follow from it: nobody is told of its absence twice.
    """
    assert parts.job is not None
    _, step, checkpoint = of_model(parts)
    if not parts.efficiency_known or (parts.efficiency is not None and parts.cluster is None):
        step, checkpoint = Quantity(1.0, "1 s"), Quantity(1.0, "1 byte")
    return parts.job.step or step, parts.job.checkpoint or checkpoint


def _stores(parts: Parts, findings: Findings) -> None:
    if parts.job is None:
        return
    step, checkpoint = _step_and_checkpoint(parts)
    for name, key, refusal in check_sources(parts.stores):
        findings.add(("stores", name, key), refusal)
    nodes = parts.job.nodes or (parts.cluster.size if parts.cluster is not None else None)
    for name, store in parts.stores.items():
        if nodes is not None:
            groups = parts.cluster.groups if parts.cluster is not None else {}
            wrong_places = check_place(store.place, nodes, groups)
            findings.add_all(("stores", name), (("place", refusal) for refusal in wrong_places))
    any_fault = not parts.all_faults or any(
        rate_of(source, _uncertain(parts)) > 0.0 for source in parts.faults.values()
    )
    for name, store in parts.stores.items():
        wrong = list(check_store(store, step, checkpoint))
        findings.add_all(("stores", name), wrong)
        if store.every.kind == "exact" and (len(parts.stores) > 1 or can_be_lost(store.place, store.lost_at)):
            message = "has no formula where there are several stores, or versions can be lost"
            allowed = '"young", "daly" or an interval such as "30 min"'
            findings.add(("stores", name, "every"), RefusedError(message, allowed))
        elif not wrong:
            findings.add_all(("stores", name), check_planned(store, checkpoint, any_fault))


def _pauses(data: Mapping[str, Any], parts: Parts, findings: Findings) -> None:
    pauses = data.get("pauses")
    if isinstance(pauses, dict) and len(pauses) > MOST_PAUSES:
        message = f"has {len(pauses)} pauses"
        findings.add(("pauses",), RefusedError(message, f"at most {MOST_PAUSES} pauses"))
    for name, pause in parts.pauses.items():
        if name in parts.faults:
            refusal = RefusedError("has the name of a fault source", "a name of its own: both are causes")
            findings.add(("pauses", name), refusal)
        if parts.job is not None:
            findings.add_all(("pauses", name), check_pause(pause, _step_and_checkpoint(parts)[0]))


def _maintenance(data: Mapping[str, Any], parts: Parts, findings: Findings) -> None:
    section = data.get("maintenance")
    if isinstance(section, dict) and len(section) > MOST_MAINTENANCE:
        refusal = RefusedError(f"has {len(section)} tables", f"at most {MOST_MAINTENANCE} kinds of maintenance")
        findings.add(("maintenance",), refusal)
    for name, table in parts.maintenance.items():
        if name in parts.faults or name in parts.pauses:
            refusal = RefusedError("has the name of a fault source or a pause", "a name of its own: all are causes")
            findings.add(("maintenance", name), refusal)
        if parts.cluster is None:
            continue
        wrong = list(check_unit(table, parts.cluster.groups))
        findings.add_all(("maintenance", name), wrong)
        if wrong or parts.job is None or not parts.pools_known:
            continue
        held = held_nodes(parts.cluster, parts.job, parts.pools)
        if list(check_groups(parts.cluster.groups, held)):
            continue
        made = make_groups(parts.cluster.groups, held)
        domains = made[table.of].number if table.of in made else 0
        findings.add_all(("maintenance", name), check_waves(table, units_of(table.of, held, domains)))


def _detect(data: Mapping[str, Any], parts: Parts, findings: Findings) -> None:
    if parts.detect is not None and parts.cluster is not None:
        findings.add_all(("detect",), check_detect(parts.detect, parts.cluster.groups))
    detect, recovery = data.get("detect"), data.get("recovery")
    if isinstance(detect, dict) and isinstance(recovery, dict) and "stop" in detect and "detect" in recovery:
        refusal = RefusedError("says the same as detect.stop", "either recovery.detect or detect.stop")
        findings.add(("recovery", "detect"), refusal)


def _stages(parts: Parts, findings: Findings) -> None:
    if parts.cluster is None or parts.job is None:
        return
    gpus = (parts.job.nodes or parts.cluster.size) * parts.cluster.gpus_per_node
    tables = {
        ("recovery", name, "stages", key): stage
        for name, rule in parts.rules.items()
        for key, stage in rule.stages.items()
    }
    if parts.recovery is not None and parts.recovery.restart is not None:
        tables["recovery", "restart"] = parts.recovery.restart  # type: ignore[index]
    for path, stage in tables.items():
        refusal = check_stage(stage, gpus)
        if refusal is not None:
            findings.add(path, refusal)
