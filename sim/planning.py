"""Turning a scenario into a plan: names into numbers, units into places, what the file leaves to us into figures."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from typing import Any

from sim.errors import UsageError
from sim.kernels.blocks import COMPONENT
from sim.kernels.laws import CONSTANT, ENDLESS, EXPONENTIAL, LOGNORMAL, MIXTURE
from sim.kernels.ledger import BUCKETS
from sim.kernels.saves import ENDLESS_SAVES
from sim.kernels.time import TICKS_PER_SECOND, quantize
from sim.plan import (
    ANY,
    AUTO,
    BACK,
    CALENDAR,
    CLOCKS,
    DOMAIN,
    GROUP,
    HOT,
    JOB,
    NEEDS,
    NO_LIMIT,
    NODE,
    NOTHING,
    PICKS,
    RENEWS,
    TRAINING,
    USES,
    WALL,
    Blame,
    Group,
    Lane,
    Law,
    Life,
    Pause,
    Plan,
    Pool,
    RepairStage,
    Rule,
    Source,
    Stage,
    Strikes,
    Watchdog,
)  # fmt: skip
from sim.planning_clocks import on_own_clocks
from sim.planning_lives import lives_of
from sim.planning_maintenance import calendar_of, groups_of
from sim.planning_nodes import components, job_rate, order
from sim.planning_stores import NO_STORE, ordered, pattern_of, save_intervals, tiers
from sim.scenario import Scenario
from sim.scenario.calendar import DAY_S, WEEK_S, mask_of, opening, seconds_of_week
from sim.scenario.capacity import ON_ACTIVATION
from sim.scenario.law import Law as ScenarioLaw
from sim.scenario.repair import RESET as RESET_STAGE
from sim.scenario.repair import RepairStage as ScenarioRepairStage
from sim.scenario.run import Run
from sim.scenario.stages import Stage as ScenarioStage
from sim.scenario.units import Quantity

__all__ = ["build", "job_rate", "lane_of", "stream_key"]

MOST_COMPONENTS = 100_000_000
"""Components of one source that can age: room for each takes 24 bytes of addresses."""


def stream_key(seed: int, name: str) -> tuple[int, int]:
    """Key of a stream of draws: two words of 64 bits from the seed and the stream's name."""
    digest = hashlib.sha256(f"{seed}\n{name}".encode()).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:16], "little")


def lane_of(name: str) -> int:
    """Identity of what is drawn for a fault beside the fault itself, of 62 bits: it does not depend on other names."""
    return 256 + (int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little") >> 2)


class _Laws:
    """Collects the laws of a plan and gives each its position."""

    def __init__(self) -> None:
        self.table: list[Law] = []

    def add(self, law: Law) -> int:
        self.table.append(law)
        return len(self.table) - 1

    def of(self, law: ScenarioLaw) -> int:
        if law.law == "exponential":
            return self.add(Law(EXPONENTIAL, float(law.mean)))
        if law.law == "lognormal":
            variance = math.log1p((law.sd / law.mean) ** 2)
            return self.add(Law(LOGNORMAL, math.log(law.mean) - variance / 2, math.sqrt(variance)))
        if law.law == "mixture":
            return self._mixture([(part.share, self.of(part.law)) for part in law.of if part.share > 0])
        if law.law == "never":
            return self.add(Law(ENDLESS))
        return self.add(Law(CONSTANT, quantize(float(law.mean))))

    def _mixture(self, parts: list[tuple[float, int]]) -> int:
        """A chain of two-way choices: each takes its part with its share of what is left."""
        position = parts[-1][1]
        left = parts[-1][0]
        for share, law in reversed(parts[:-1]):
            left += share
            position = self.add(Law(MIXTURE, share=share / left, first=law, other=position))
        return position


def _detection(law: ScenarioLaw, laws: _Laws) -> dict[str, Any]:
    """How a source says when its stops are seen: a constant, or the mean and the position of a law."""
    constant = law.law == "constant"
    return {"detect": quantize(float(law.mean)), "detect_law": ANY if constant else laws.of(law)}


def _sources(scenario: Scenario, seed: int, laws: _Laws) -> tuple[Source, ...]:
    sources = []
    for name in sorted(scenario.faults):
        source = scenario.faults[name]
        by_domain = source.per in scenario.groups
        slots = scenario.job.nodes if source.takes != "nothing" or source.per != "job" else 0
        p_process = source.needs.get("process", 0.0)
        sources.append(
            Source(
                name=name,
                clock=CLOCKS.index(source.clock),
                rate=source.rate,
                components=components(scenario, source.per, source.count),
                per_node=source.count * {"gpu": scenario.cluster.gpus_per_node, "node": 1}.get(source.per, 0),
                slots=scenario.groups[source.per].number if by_domain else slots,
                takes=_takes(scenario, source.takes),
                p_process=p_process,
                # What does not need repair adds up to 1 to the last bit, so that no draw falls beside it.
                p_reset=source.needs.get("reset", 0.0) if source.needs.get("repair") else 1.0 - p_process,
                **_detection(source.detect or scenario.detect.stop, laws),
                key=stream_key(seed, f"faults.{name}"),
                p_hang=source.effect.get("hang", 0.0),
                p_notice=source.effect.get("notice", 0.0),
                lead=ANY if source.lead is None else laws.of(source.lead),
                by_domain=by_domain,
                shape=source.shape,
            )
        )
    return tuple(sources)


def _maintenance(scenario: Scenario, seed: int, laws: _Laws, groups: tuple[Group, ...]) -> tuple[Source, ...]:
    """Sources of maintenance: their nodes enter stages of repair of their own, the last ones of the plan."""
    names = [group.name for group in groups]
    first = len(scenario.repair.stages) + (scenario.repair.retire is not None)
    return tuple(
        Source(
            name=name,
            clock=CALENDAR,
            rate=0.0,
            components=0,
            per_node=0,
            slots=groups[names.index(window.of)].number,
            takes=GROUP + names.index(window.of),
            p_process=0.0,
            p_reset=0.0,
            detect=0.0,
            key=stream_key(seed, f"maintenance.{name}"),
            by_domain=True,
            p_notice=1.0,
            lead=laws.add(Law(CONSTANT, quantize(window.notice))),
            stage=first + i,
            planned=True,
        )
        for i, (name, window) in enumerate(scenario.maintenance.items())
    )


def _takes(scenario: Scenario, takes: str) -> int:
    if takes in scenario.groups:
        return GROUP + list(scenario.groups).index(takes)
    return NODE if takes == "node" else NOTHING


def _lanes(scenario: Scenario, sources: tuple[Source, ...], lives: dict[str, Life]) -> tuple[Lane, ...]:
    """The streams of faults of a plan: wall clock first, by name of the source, job before spares."""
    nodes = scenario.job.nodes + sum(pool.nodes for pool in scenario.pools.by_name().values())
    lanes = []
    for clock in (WALL, TRAINING, CALENDAR):
        for i, source in enumerate(sources):
            if source.planned and clock == CALENDAR:
                calendar = calendar_of(source.name, scenario.maintenance[source.name], source.slots)
                lanes.append(Lane(i, DOMAIN, clock, 0.0, source.slots, calendar=calendar))
            if source.clock != clock or source.rate == 0.0:
                continue
            if source.by_domain:
                components = scenario.faults[source.name].count * source.slots
                lanes.append(Lane(i, DOMAIN, clock, 1.0 / (source.rate * components), source.slots))
                continue
            if source.name in lives:
                components = source.per_node * nodes or source.components
                if components > MOST_COMPONENTS:
                    raise UsageError(f"faults.{source.name}: at most {MOST_COMPONENTS:_} components can age")
                lanes.append(Lane(i, COMPONENT, clock, 0.0, components, list(lives).index(source.name)))
                continue
            lanes.append(Lane(i, JOB, clock, 1.0 / (source.rate * source.components), source.slots))
            for block, pool in enumerate(scenario.pools.by_name().values(), HOT):
                on_spares = source.per_node * pool.nodes if pool.on else 0
                if clock == WALL and source.takes != NOTHING and on_spares > 0:
                    lanes.append(Lane(i, block, clock, 1.0 / (source.rate * on_spares), pool.nodes))
    return tuple(lanes)


def _stage(path: str, name: str, stage: ScenarioStage, gpus: int, laws: _Laws) -> Stage:
    if stage.kind == "auto":
        law = AUTO
    elif stage.kind == "scaled":
        seconds = stage.base + stage.per_gpu * gpus + stage.per_gpu2 * gpus**2
        law = laws.add(Law(CONSTANT, quantize(seconds)))
    else:
        assert stage.law is not None
        law = laws.of(stage.law)
    return Stage(name, BUCKETS.index(stage.bucket), law, stage.vulnerable, lane_of(f"{path}.{name}"), stage.fails)


def _rules(scenario: Scenario, laws: _Laws) -> tuple[Rule, ...]:
    gpus = scenario.job.nodes * scenario.cluster.gpus_per_node
    blocks = {pool: block for block, pool in enumerate(scenario.pools.by_name(), HOT)}
    rules = []
    for name, rule in scenario.recovery.rules.items():
        when = rule.when
        needs = sum(1 << NEEDS.index(need) for need in when.needs) if when is not None and when.needs else ANY
        rules.append(
            Rule(
                name=name,
                needs=needs,
                units_down_at_most=_set(when.units_down_at_most if when else None),
                spare_available=_set(when.spare_available if when else None),
                attempts_below=_set(when.attempts_below if when else None),
                use=USES.index(rule.use),
                vulnerable=rule.vulnerable,
                retry_stage=rule.on_fault == "retry_stage",
                stages=tuple(
                    _stage(f"recovery.{name}", stage_name, stage, gpus, laws)
                    for stage_name, stage in rule.stages.items()
                ),
                within=ANY if rule.within is None else list(scenario.groups).index(rule.within),
                escalate=rule.on_fault == "escalate",
                refill=ANY if rule.refill is None else blocks[rule.refill],
                pools=ANY if rule.pools is None else sum(1 << blocks[pool] for pool in rule.pools),
                await_refill=rule.await_refill,
            )
        )
    return tuple(rules)


def _repair(scenario: Scenario, laws: _Laws) -> tuple[tuple[RepairStage, ...], Strikes, Strikes]:
    """Stages of repair, after them that in which a new node is waited for and those of maintenance; when nodes retire,
    when they are tested.
    """
    names = list(scenario.repair.stages)
    stages = [
        RepairStage(
            law=laws.of(stage.time),
            crews=stage.crews or 0,
            success=stage.success,
            lane=lane_of(f"repair.{name}"),
            or_else=names.index(stage.else_),
            then=BACK if stage.then is None else names.index(stage.then),
            attempts=stage.attempts or 0,
            renews=RENEWS.index(stage.renews),
            **_shift(stage, scenario.run.start),
            false_fix=stage.false_fix,
            finds=-1.0 if stage.finds is None else stage.finds,
        )
        for name, stage in scenario.repair.stages.items()
    ]
    quarantine, retire = scenario.repair.quarantine, scenario.repair.retire
    tested = retired = Strikes()
    if quarantine is not None:
        tested = Strikes(quarantine.failures, quantize(quarantine.within), names.index(quarantine.stage))
    if retire is not None:
        retired = Strikes(retire.failures, quantize(retire.within), len(stages), retire.after_repair)
        law = laws.of(retire.replacement)
        stages.append(RepairStage(law, 0, 1.0, lane_of("repair.retire.replacement"), len(stages), renews=True))
    for name, window in scenario.maintenance.items():
        law, lane = laws.of(window.duration), lane_of(f"maintenance.{name}")
        stages.append(RepairStage(law, 0, 1.0, lane, len(stages), finds=0.0))
    return tuple(stages), retired, tested


def _shift(stage: ScenarioRepairStage, start: str) -> dict[str, Any]:
    """Working hours of a stage of repair for a run that starts at a time of the week; none if work never pauses."""
    begin, length = opening(stage.hours or "00:00-24:00")
    days = mask_of(stage.days or "mon-sun")
    if length == DAY_S and days == mask_of("mon-sun"):
        return {}
    return {"shift_origin": (seconds_of_week(start) - begin) % WEEK_S, "shift_length": length, "shift_days": days}


def _blame(scenario: Scenario, laws: _Laws) -> Blame:
    detect = scenario.detect
    group = ANY if detect.evict_group is None else list(scenario.groups).index(detect.evict_group)
    blame = Blame(detect.missed, detect.wrong, detect.evict, group, healed=detect.healed)
    return replace(blame, after=laws.of(detect.recurs)) if blame.recurs else blame


def _pauses(scenario: Scenario, seed: int, laws: _Laws) -> tuple[Pause, ...]:
    pauses = []
    for name, pause in scenario.pauses.items():
        every = quantize(pause.every)
        if every <= 0.0:
            raise UsageError(f"pauses.{name}.every: pauses must be at least 1 us of useful work apart")
        law, bucket = laws.of(pause.duration), BUCKETS.index(pause.bucket)
        key = stream_key(seed, f"pauses.{name}")
        pauses.append(Pause(name, every, law, bucket, pause.save, pause.vulnerable, key))
    return tuple(pauses)


def _check(check: Quantity | str) -> float:
    """Seconds between checks of a pool: 0 if dead spares are noticed at once, infinite if only a call finds them."""
    if isinstance(check, str):
        return math.inf if check == ON_ACTIVATION else 0.0
    return quantize(float(check))


def _horizon(run: Run) -> float:
    """When a run ends whatever it has done, in seconds: it may be longer than any duration."""
    if run.horizon is not None:
        return quantize(float(run.horizon))
    assert run.give_up is not None
    return round(run.give_up * TICKS_PER_SECOND) / TICKS_PER_SECOND


def _fault_gap(scenario: Scenario) -> float:
    """Mean time between faults on the job, while it trains."""
    rate = job_rate(scenario)
    return quantize(1.0 / rate) if rate > 0.0 else math.inf


def _set(value: int | bool | None) -> int:
    return ANY if value is None else int(value)


def build(scenario: Scenario, seed: int | None = None) -> Plan:
    """Turn a scenario into a plan.

    Parameters
    ----------
    scenario : Scenario
        A loaded scenario.
    seed : int, optional
        Seed >= 0 of all draws; the scenario's own where left out.
    """
    seed = scenario.run.seed if seed is None else seed
    return _plan(on_own_clocks(scenario, lambda counted: _plan(counted, seed)), seed)


def _plan(scenario: Scenario, seed: int) -> Plan:
    """The plan of a scenario whose rates are on the clocks of their sources."""
    laws = _Laws()
    nodes = scenario.job.nodes + sum(pool.nodes for pool in scenario.pools.by_name().values())
    groups = groups_of(scenario, nodes)
    planned = _maintenance(scenario, seed, laws, groups)
    sources = tuple(sorted((*_sources(scenario, seed, laws), *planned), key=lambda source: source.name))
    lives = lives_of(scenario)
    pools = tuple(
        Pool(p.nodes, quantize(float(p.activation)), p.on, p.one_by_one, _check(p.check), p.give_back)
        for p in scenario.pools.by_name().values()
    )
    repair, retire, quarantine = _repair(scenario, laws)
    relapse = 0 if scenario.repair.relapse is None else laws.of(scenario.repair.relapse)
    intervals = save_intervals(scenario)
    fastest = ordered(scenario)[:1]
    pattern = pattern_of(intervals[fastest[0][0]], fastest[0][1]) if fastest else NO_STORE
    store = fastest[0][1] if fastest else None
    work = math.inf if scenario.run.work is None else quantize(float(scenario.run.work))
    hang = scenario.detect.hang
    endless = store is None or work == math.inf
    plan = Plan(
        seed=seed,
        gpus_per_node=scenario.cluster.gpus_per_node,
        job_nodes=scenario.job.nodes,
        pools=pools,
        sources=sources,
        lanes=_lanes(scenario, sources, lives),
        lives=tuple(lives.values()),
        rules=_rules(scenario, laws),
        laws=(),
        max_attempts=scenario.recovery.max_attempts,
        max_restarts=NO_LIMIT if scenario.recovery.max_restarts is None else scenario.recovery.max_restarts,
        repair=repair,
        has_store=store is not None,
        pattern=pattern,
        read=0.0 if store is None else quantize(float(store.read)),
        horizon=_horizon(scenario.run),
        work=work,
        last_save=ENDLESS_SAVES if endless else math.ceil(work / pattern.interval) - 1,
        initial_start=scenario.run.initial_start,
        final_save=scenario.run.final_save and store is not None,
        max_events=scenario.run.max_events,
        start_key=stream_key(seed, "initial start"),
        fault_gap=_fault_gap(scenario),
        period=math.inf if scenario.run.series is None else quantize(float(scenario.run.series)),
        watchdog=Watchdog(*(quantize(float(time)) for time in (hang.timeout, hang.heartbeat, hang.poll))),
        groups=groups,
        order=order(scenario),
        relapse=relapse,
        retire=retire,
        quarantine=quarantine,
        repair_entry=1 if len(scenario.repair.stages) > 1 and RESET_STAGE in scenario.repair.stages else 0,
        repair_at_fault=scenario.repair.at_fault,
        pauses=_pauses(scenario, seed, laws),
        blame=_blame(scenario, laws),
        tiers=tiers(scenario, intervals),
        pick=PICKS.index(scenario.pools.pick),
        store=next(iter(scenario.stores), ""),
    )
    return replace(plan, laws=tuple(laws.table))
