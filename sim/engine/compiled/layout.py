"""The plan and the state of a run as records of fixed shape, so that the compiled code does not depend on the scenario.

Capacities bound what one scenario may hold; the scenario layer refuses more.
"""

from __future__ import annotations

from dataclasses import astuple
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.engine.curves import curves_of
from sim.engine.means import mean_of_drawn
from sim.engine.state import MAX_PAUSES, MAX_SOURCES, reason_at_horizon
from sim.engine.tiers import STORES, VERSIONS, pack_stores
from sim.kernels._jit import INTERPRETED
from sim.kernels.laws import CONSTANT
from sim.kernels.time import LONGEST_S
from sim.plan import ANY, AUTO, CALENDAR, DOMAIN, GROUP, HOT, LAST_RETURNED, NEW_NODE, RENEW_SYSTEM, Lane, Plan

MAX_GROUPS = 10
MAX_POOLS = 4
MAX_LANES = (1 + MAX_POOLS) * MAX_SOURCES
BUNCH = 8
"""Lanes of a clock among which it is known which strikes first; those of each clock are bunched from its first on."""

MAX_RULES = 8
MAX_STAGES = 64
MAX_REPAIR = 13
MAX_FAILURES = 16
MAX_LAWS = (MAX_STAGES + MAX_REPAIR + 1 + MAX_PAUSES + 2 * MAX_SOURCES) * 2 * 32
"""Two entries for each part of a mixture, of which a duration has at most 32."""

Record = npt.NDArray[np.void]

_FEATURES = [
    # what a plan may have: several stores, or one that can be lost
    ("has_tiers", "b1"),
    # faults that are known before they strike, by a notice or a calendar
    ("has_notices", "b1"),
    # components that age; domains that are struck, taken, evicted or that a spare must be in; faults that are not, or
    # wrongly, attributed
    ("has_ages", "b1"), ("has_domains", "b1"), ("has_blame", "b1"),
    # pools that a rule wants full; spares that die unnoticed
    ("has_refills", "b1"), ("has_checks", "b1"),
    # nodes that only seem to be in order, or that fail too often; services of a node by each stage that are counted
    ("has_relapses", "b1"), ("has_strikes", "b1"), ("has_visits", "b1"),
    # nodes that stay in the job though they failed, and fail again; stages of recovery that fail
    ("has_recurrences", "b1"), ("has_failures", "b1"),
    # spares that are not all alike, of which another than the last returned is called; nodes that come back from repair
    # with all components new
    ("has_picks", "b1"), ("has_new_nodes", "b1"),
]  # fmt: skip
"""What costs time wherever it might happen. Most plans have none of it: for them an engine is compiled without."""

_TELL_APART = (
    "has_notices", "has_ages", "has_domains", "has_checks", "has_relapses", "has_strikes", "has_recurrences",
)  # fmt: skip
"""Features by which one node may differ from another. What else is known of a node belongs to its slot or its visit."""

_PLAN = [
    # nodes of the job; pools by block (from sim.plan.HOT on): nodes, the number after the last of them, seconds of
    # activation, whether they are on, whether spares come one by one, whether repaired nodes go back to them,
    # seconds between checks for dead ones (0: they are noticed at once); blocks by how soon they are active
    ("job_nodes", "i8"), ("nodes", "i8"), ("n_pools", "i8"),
    ("pool_nodes", "i8", MAX_POOLS + 1), ("pool_end", "i8", MAX_POOLS + 1),
    ("activation", "f8", MAX_POOLS + 1), ("pool_on", "i8", MAX_POOLS + 1), ("one_by_one", "i8", MAX_POOLS + 1),
    ("takes_back", "i8", MAX_POOLS + 1), ("pool_check", "f8", MAX_POOLS + 1), ("pool_order", "i8", MAX_POOLS),
    # which idle spare is called
    ("pick", "i8"),
    # saves: sim.kernels.saves.Pattern, in seconds; index of the last trigger before the end of the work
    ("has_store", "b1"), ("interval", "f8"), ("stall", "f8"), ("persist", "f8"), ("slowdown", "f8"),
    ("in_flight", "i8"), ("stepping", "f8"), ("cycle", "f8"), ("period", "f8"), ("read", "f8"), ("last_save", "i8"),
    # where there are tiers, what is above is not read
    ("stores", STORES),
    # the run: seconds, infinite where there is no limit; why it stops at its horizon; faults and repairs, starts of
    # stages in an incident, in all; period of the series; mean time between faults on the job
    ("horizon", "f8"), ("horizon_reason", "i8"), ("work", "f8"), ("initial_start", "b1"), ("final_save", "b1"),
    ("max_events", "i8"), ("max_attempts", "i8"), ("max_restarts", "i8"), ("start_key", "u8", 2),
    ("series_period", "f8"), ("fault_gap", "f8"),
    # lanes, those on the wall clock first, those of the calendar last: mean gap in seconds, nodes to strike among
    # (0: the job itself); of the calendar sim.kernels.calendar.due_at
    ("n_wall", "i8"), ("n_clocked", "i8"), ("n_lanes", "i8"), ("lane_begin", "f8", MAX_LANES),
    ("lane_every", "f8", MAX_LANES), ("lane_width", "i8", MAX_LANES), ("lane_step", "f8", MAX_LANES),
    ("lane_source", "i8", MAX_LANES), ("lane_block", "i8", MAX_LANES),
    ("lane_mean", "f8", MAX_LANES), ("lane_slots", "i8", MAX_LANES),
    # lanes of components that age (lane_life -1: they do not): place in ``Ages.lives``; whether components are not
    # named; whether all are new after an incident; first place in ``Ages.members`` and in ``Ages.entries``
    ("lane_life", "i8", MAX_LANES), ("lane_pooled", "i8", MAX_LANES), ("lane_system", "i8", MAX_LANES),
    ("lane_index", "i8", MAX_LANES), ("lane_entry", "i8", MAX_LANES), ("any_system", "b1"),
    # by source: its lane of components that have names (-1: none), components on a node
    ("source_lane", "i8", MAX_SOURCES), ("per_node", "i8", MAX_SOURCES),
    # groups: nodes of a run and number of domains that the runs are dealt to
    ("group_unit", "i8", MAX_GROUPS), ("group_number", "i8", MAX_GROUPS),
    # sources: probabilities of the milder needs, seconds until a fault is seen, key of the draws
    ("n_sources", "i8"), ("takes", "i8", MAX_SOURCES), ("p_process", "f8", MAX_SOURCES),
    ("p_reset", "f8", MAX_SOURCES), ("detect", "f8", MAX_SOURCES), ("key_0", "u8", MAX_SOURCES),
    ("key_1", "u8", MAX_SOURCES),
    # detection by a law (sim.plan.ANY: constant); who is blamed: probabilities of nobody, of another node, of all
    # in a domain of a group
    ("detect_law", "i8", MAX_SOURCES), ("missed", "f8"), ("wrong", "f8"), ("evict", "f8"), ("evict_group", "i8"),
    # nodes that stay though they failed: probability that a restart cures them, else the law of the time to the next
    ("healed", "f8"), ("recurrence_law", "i8"),
    # notices: probability that a fault is known before it strikes, the law of how long; maintenance: whether it is
    # that, and the stage of repair for it (sim.plan.ANY: as the need says)
    ("p_notice", "f8", MAX_SOURCES), ("lead", "i8", MAX_SOURCES), ("planned", "i8", MAX_SOURCES),
    ("source_stage", "i8", MAX_SOURCES),
    # hangs: probability that a fault is one; the watchdog's timeout, heartbeat and poll in seconds
    ("p_hang", "f8", MAX_SOURCES), ("watchdog", "f8", 3),
    # rules: conditions (sim.plan.ANY: not set), what they use, their stages from first to before end
    ("n_rules", "i8"), ("rule_needs", "i8", MAX_RULES), ("rule_down", "i8", MAX_RULES),
    ("rule_spare", "i8", MAX_RULES), ("rule_below", "i8", MAX_RULES), ("rule_use", "i8", MAX_RULES),
    ("rule_vulnerable", "i8", MAX_RULES), ("rule_retry", "i8", MAX_RULES), ("rule_first", "i8", MAX_RULES),
    ("rule_end", "i8", MAX_RULES), ("rule_within", "i8", MAX_RULES), ("rule_escalate", "i8", MAX_RULES),
    ("rule_refill", "i8", MAX_RULES), ("rule_pools", "i8", MAX_RULES), ("rule_await_refill", "i8", MAX_RULES),
    # stages: bucket of the ledger, law (sim.plan.AUTO: the time to read), identity of the draws, probability that it
    # fails at its end; whether its law has any, and its mean up to the time between faults, seconds
    ("stage_bucket", "i8", MAX_STAGES), ("stage_law", "i8", MAX_STAGES), ("stage_vulnerable", "i8", MAX_STAGES),
    ("stage_lane", "i8", MAX_STAGES), ("stage_fails", "f8", MAX_STAGES), ("stage_drawn", "i8", MAX_STAGES),
    ("stage_mean", "f8", MAX_STAGES),
    # pauses: work between them, law, bucket, key of the draws
    ("n_pauses", "i8"), ("pause_every", "f8", MAX_PAUSES), ("pause_law", "i8", MAX_PAUSES),
    ("pause_bucket", "i8", MAX_PAUSES), ("pause_save", "i8", MAX_PAUSES), ("pause_vulnerable", "i8", MAX_PAUSES),
    ("pause_key_0", "u8", MAX_PAUSES), ("pause_key_1", "u8", MAX_PAUSES),
    # laws: sim.kernels.laws; a mixture takes first with probability share, else other
    ("law_kind", "i8", MAX_LAWS), ("law_a", "f8", MAX_LAWS), ("law_b", "f8", MAX_LAWS),
    ("law_share", "f8", MAX_LAWS), ("law_first", "i8", MAX_LAWS), ("law_other", "i8", MAX_LAWS),
    # stages of repair, that of a unit that needs repair; crews (0: endless), probability that a unit is in order,
    # identity of the draws, the stages that follow, services of a unit in a visit (0: no limit), what of it is new
    ("n_repair", "i8"), ("repair_entry", "i8"), ("repair_at_fault", "b1"), ("repair_law", "i8", MAX_REPAIR),
    ("repair_crews", "i8", MAX_REPAIR), ("repair_success", "f8", MAX_REPAIR), ("repair_lane", "i8", MAX_REPAIR),
    ("repair_or_else", "i8", MAX_REPAIR), ("repair_then", "i8", MAX_REPAIR), ("repair_attempts", "i8", MAX_REPAIR),
    ("repair_renews", "i8", MAX_REPAIR),
    # nodes that only seem to be in order: probability of that, and that a test (else -1) finds it; their life
    ("repair_false_fix", "f8", MAX_REPAIR), ("repair_finds", "f8", MAX_REPAIR), ("relapse_law", "i8"),
    # working hours: sim.kernels.shifts.done_at
    ("repair_shift_origin", "f8", MAX_REPAIR), ("repair_shift_length", "f8", MAX_REPAIR),
    ("repair_shift_days", "i8", MAX_REPAIR),
    # nodes that fail too often: how often (0: never), within how many seconds, and the stage where they go
    # whether that is decided after repair
    ("retire_failures", "i8"), ("retire_within", "f8"), ("retire_stage", "i8"), ("retire_late", "b1"),
    ("quarantine_failures", "i8"), ("quarantine_within", "f8"), ("quarantine_stage", "i8"),
]  # fmt: skip

PLAN = np.dtype([*_FEATURES, *_PLAN], align=True)
"""One scenario. Times are in seconds on the grid; words and yes or no are the small integers of ``sim.plan``."""

PLAIN = np.dtype(_PLAN, align=True)
"""One that has no feature. As the type says so, code for features is not compiled (``sim.kernels._lacks``)."""

STATE = np.dtype(
    [
        # the run: its number, the time, faults and repairs so far, why it stopped (GOING: it has not), incidents,
        # the number of this run in its workspace, which marks what it has written there, and why it is about to stop
        ("replication", "i8"), ("now", "f8"), ("events", "i8"), ("reason", "i8"), ("logged", "i8"), ("epoch", "i8"),
        ("ending", "i8"),
        # the job: its phase, since when, when its own next event is due; progress of the version it started from, in
        # seconds, and whole intervals in it; its segment (sim.kernels.saves.Segment)
        ("phase", "i8"), ("since", "f8"), ("due", "f8"), ("step", "f8"), ("index", "i8"), ("t0", "f8"), ("first", "f8"),
        ("n", "i8"), ("tail", "f8"), ("goal", "f8"),
        # pauses: the one that the job comes to next or is in (-1: the end of the work), progress there, the one that
        # was last and progress there; whether what the job comes to is that its state is durable, and whether the
        # segment goes on after the pause
        ("pause", "i8"), ("pause_at", "f8"), ("paused", "i8"), ("paused_at", "f8"), ("saving", "b1"), ("on_hold", "b1"),
        # with several stores: their versions, the same tried ahead, and whether due is only a bound of the end
        ("versions", VERSIONS), ("ahead", VERSIONS), ("rough", "b1"),
        # the open incident: since when, the source that opened it, its faults and units, their worst need, starts of
        # stages and of each rule, progress when it opened, work that it lost; the first rule that may be tried;
        # whether all is planned
        ("open", "b1"), ("opened", "f8"), ("cause", "i8"), ("faults_in", "i8"), ("units_in", "i8"), ("worst", "i8"),
        ("attempts", "i8"), ("starts", "i8", MAX_RULES), ("stopped_at", "f8"), ("lost_in", "f8"),
        ("rules_from", "i8"), ("planned", "b1"),
        # the recovery in it: the rule (-1: none yet); stages under way and when they end; the stage to do again (-1:
        # none), and whether it is the whole list again, since a fault has taken a unit or a version; the fault that
        # struck last, which keys the draws
        ("rule", "i8"), ("stage", "i8"), ("stage_stop", "i8"), ("stage_end", "f8", MAX_STAGES), ("retry_from", "i8"),
        ("list_again", "b1"), ("by_source", "i8"), ("by_block", "i8"), ("by_ordinal", "i8"),
        # stages that have failed since that fault, and whether the last of those under way does at its end
        ("failures", "i8"), ("failing", "b1"),
        # fault clocks: whether they run, since when, their reading then; the lane that strikes next (-1: none), when
        ("running", "i8", 3), ("clock_since", "f8", 3), ("clock_read", "f8", 3), ("next_lane", "i8", 3),
        ("next_due", "f8", 3),
        # faults that are known before they strike: how many, when the first is due; whether the job leaves before it;
        # when the one was due that struck last
        ("n_known", "i8"), ("known_sequence", "i8"), ("known_due", "f8"), ("leaving", "b1"), ("struck_due", "f8"),
        # whether there was no room for one more of them
        ("crowded", "b1"),
        # lanes: the next fault's reading of the clock, its ordinal, uniforms for its slot, need and effect
        ("lane_due", "f8", MAX_LANES), ("lane_ordinal", "i8", MAX_LANES), ("lane_slot", "f8", MAX_LANES),
        ("lane_need", "f8", MAX_LANES), ("lane_effect", "f8", MAX_LANES),
        # bunches of lanes, clock by clock: the lane that strikes first, and its reading
        ("bunch_lane", "i8", MAX_LANES // BUNCH + 3), ("bunch_due", "f8", MAX_LANES // BUNCH + 3),
        # sources: what the times between faults are multiplied by in this replication
        ("stretch", "f8", MAX_SOURCES),
        # lanes of components that age: cumulative hazard so far, of each that has not failed or of one of a pool;
        # reading at which a pool was of age 0; first failures: components left, ordinal, reading of the next and its
        # component, whether the lane's next fault is that; components that failed, those of them that wait to fail
        ("lane_hazard", "f8", MAX_LANES), ("lane_origin", "f8", MAX_LANES), ("lane_left", "i8", MAX_LANES),
        ("lane_firsts", "i8", MAX_LANES), ("lane_first_due", "f8", MAX_LANES), ("lane_first", "i8", MAX_LANES),
        ("lane_is_first", "i8", MAX_LANES), ("lane_entries", "i8", MAX_LANES), ("lane_heap", "i8", MAX_LANES),
        # whether an incident with faults has just been closed, so that what is renewed by that is new
        ("renew", "b1"),
        # capacity: idle spares by block; slots that are empty, how many of them are known, spares in activation; each
        # accounted for up to ..._since; when the last spare called from a pool where they come one by one is active,
        # and the last that refills a pool
        ("idle", "i8", MAX_POOLS + 1), ("idle_since", "f8"), ("empty", "i8"), ("admitted", "i8"),
        # spares that have joined a pool so far, by block the one that has been idle longest and shortest (-1: none),
        # and draws for calls since the last fault
        ("joined", "i8"), ("idle_first", "i8", MAX_POOLS + 1), ("idle_last", "i8", MAX_POOLS + 1), ("calls", "i8"),
        ("empty_since", "f8"), ("n_active", "i8"), ("claimed", "f8", MAX_POOLS + 1), ("refilled", "f8"),
        # whether all that the job waits for is there or called, so that the wait ends when it is active
        ("complete", "b1"),
        # units in repair: how many, and of the containers in ``Units`` how much is used; crews at work by stage
        ("in_repair", "i8"), ("repair_since", "f8"), ("n_heap", "i8"), ("sequence", "i8"),
        ("queue_head", "i8", MAX_REPAIR), ("queue_size", "i8", MAX_REPAIR),
        ("busy", "i8", MAX_REPAIR), ("overflow", "b1"),
        # nodes in use that only seem to be in order: how much of their heap is used, entries so far; when the first of
        # them fails again, as a reading of the wall clock and as a time
        ("n_bad", "i8"), ("bad_sequence", "i8"), ("relapse_read", "f8"), ("relapse_due", "f8"),
        # broken nodes in the job: the same, as a reading of the training clock
        ("n_broken", "i8"), ("broken_sequence", "i8"), ("recurrence_read", "f8"),
        # series: marks written, when the next is due, the lowest progress restored since the last
        ("n_marks", "i8"), ("next_mark", "f8"), ("floor", "f8"),
    ],
    align=True,
)  # fmt: skip
"""One run while it goes on. Times are in seconds on the grid."""

MEMBER = np.dtype(
    [
        # by place among the components that have not failed: the one there, if ``dealt`` is the run's epoch, else the
        # one of that number
        ("dealt", "i8"), ("component", "i8"),
        # by component: its entry, once it has failed; whether it is held until its node comes back (the epoch)
        ("entry", "i8"), ("held", "i8"),
    ],
    align=True,
)  # fmt: skip
"""Components that age, by lane; of it only what is used is touched."""

ENTRY = np.dtype(
    [
        # by entry: frailty, cumulative hazard up to its next failure, reading at which its age was 0, lives that have
        # ended: by a failure, or as its node was replaced
        ("frailty", "f8"), ("hazard", "f8"), ("origin", "f8"), ("lives", "i8"),
        # by place in the lane's heap: when the next one fails, ties by component
        ("heap_due", "f8"), ("heap_component", "i8"),
    ],
    align=True,
)  # fmt: skip
"""Components that have failed, or were replaced with their node, at least once, by lane."""

SINGLE = np.dtype(
    [
        # by component: whether it has an entry (the epoch); its place in the lane's heap (-1: it is not in it)
        ("known", "i8"), ("place", "i8"),
        # by component that has not failed: its place among those, if ``moved`` is the epoch, else its number
        ("moved", "i8"), ("seat", "i8"),
    ],
    align=True,
)  # fmt: skip
"""Where each component is, so that it can be replaced with its node, by lane."""


class Ages(NamedTuple):
    """What is known of components that age: arrays of ``sim.kernels.lives.LIFE``, curves, ``MEMBER``, ``ENTRY`` and,
    where nodes come back new, ``SINGLE``.
    """

    lives: Record
    curves: npt.NDArray[np.float64]
    members: Record
    entries: Record
    singles: Record


def _entries(plan: Plan, lane: Lane) -> int:
    """Components of a lane that can fail, or are replaced, in a run: that takes an event for each, or for each node,
    and one more is known ahead.
    """
    at_once = plan.sources[lane.source].per_node if _features(plan)["has_new_nodes"] else 1
    return min(lane.slots, (plan.max_events + 2) * max(1, at_once))


def _told_apart(plan: Plan) -> list[tuple[int, Lane]]:
    return [(i, lane) for i, lane in enumerate(plan.lanes) if lane.life >= 0 and not plan.lives[lane.life].pooled]


def ages(plan: Plan) -> Ages:
    """Room for the components of a plan that age; its pages are touched only as they are used."""
    lanes = [lane for _, lane in _told_apart(plan)]
    members = np.zeros(max(1, sum(lane.slots for lane in lanes)), MEMBER)
    entries = np.zeros(max(1, sum(_entries(plan, lane) for lane in lanes)), ENTRY)
    singles = np.zeros(len(members) if _features(plan)["has_new_nodes"] else 1, SINGLE)
    return Ages(*curves_of(plan.lives), members, entries, singles)


def pack(plan: Plan) -> Record:
    """The plan as a record array of shape (1,) and dtype ``PLAN``, or ``PLAIN`` if it has no feature."""
    features = _features(plan)
    is_full = INTERPRETED or any(features.values())  # only the compiler reads a field that is not there as False
    packed = np.zeros(1, PLAN if is_full else PLAIN)
    r: Any = packed[0]
    for name in (
        "max_attempts", "max_restarts", "has_store", "read", "horizon", "work", "last_save", "fault_gap",
        "initial_start", "final_save", "max_events", "start_key", "repair_at_fault", "pick",
    ):  # fmt: skip
        r[name] = getattr(plan, name)
    r["series_period"], r["horizon_reason"] = plan.period, reason_at_horizon(plan)
    r["stores"] = pack_stores(plan)[0]
    for name in plan.pattern._fields:
        r[name] = getattr(plan.pattern, name)
    r["job_nodes"], r["nodes"], r["n_pools"] = plan.job_nodes, plan.nodes, len(plan.pools)
    for block, pool in enumerate(plan.pools, HOT):
        _put(r, block, "pool_", nodes=pool.nodes, end=plan.first_spares[block], on=pool.on, check=pool.check)
        _put(r, block, "", activation=pool.activation, one_by_one=pool.one_by_one, takes_back=pool.takes_back)
    r["pool_order"][: len(plan.pools)] = plan.pool_order
    r["n_wall"] = sum(lane.clock == 0 for lane in plan.lanes)
    r["n_clocked"] = sum(lane.clock != CALENDAR for lane in plan.lanes)
    r["n_lanes"], r["n_rules"], r["n_sources"] = len(plan.lanes), len(plan.rules), len(plan.sources)
    r["watchdog"] = plan.watchdog.timeout, plan.watchdog.heartbeat, plan.watchdog.poll
    r["n_repair"], r["repair_entry"] = len(plan.repair), plan.repair_entry
    r["relapse_law"] = plan.relapse
    for name, strikes in (("retire_", plan.retire), ("quarantine_", plan.quarantine)):
        r[name + "failures"], r[name + "within"], r[name + "stage"] = strikes.failures, strikes.within, strikes.stage
    r["retire_late"] = plan.retire.late
    for i, lane in enumerate(plan.lanes):
        _put(r, i, "lane_", source=lane.source, block=lane.block, mean=lane.mean, slots=lane.slots, life=lane.life)
        if lane.calendar is not None:
            due = lane.calendar
            _put(r, i, "lane_", begin=due.first, every=due.every, width=due.width, step=due.step)
        if lane.life >= 0:
            life = plan.lives[lane.life]
            _put(r, i, "lane_", pooled=life.pooled, system=life.renewal == RENEW_SYSTEM)
    r["any_system"] = any(life.renewal == RENEW_SYSTEM for life in plan.lives)
    r["source_lane"] = -1
    index = entry = 0
    for i, lane in _told_apart(plan):
        _put(r, i, "lane_", index=index, entry=entry)
        r["source_lane"][lane.source] = i
        index += lane.slots
        entry += _entries(plan, lane)
    for i, s in enumerate(plan.sources):
        _put(r, i, "", takes=s.takes, p_process=s.p_process, p_reset=s.p_reset, detect=s.detect)
        _put(r, i, "", p_notice=s.p_notice, lead=s.lead, planned=s.planned, source_stage=s.stage)
        _put(r, i, "", p_hang=s.p_hang, detect_law=s.detect_law, per_node=s.per_node)
        _put(r, i, "key_", **{"0": s.key[0], "1": s.key[1]})
    first = 0
    for i, rule in enumerate(plan.rules):
        _put(r, i, "rule_", needs=rule.needs, down=rule.units_down_at_most, spare=rule.spare_available)
        _put(r, i, "rule_", within=rule.within, escalate=rule.escalate, refill=rule.refill)
        _put(r, i, "rule_", pools=rule.pools, await_refill=rule.await_refill)
        _put(r, i, "rule_", below=rule.attempts_below, use=rule.use, vulnerable=rule.vulnerable, retry=rule.retry_stage)
        _put(r, i, "rule_", first=first, end=first + len(rule.stages))
        for j, stage in enumerate(rule.stages, first):
            _put(r, j, "stage_", bucket=stage.bucket, law=stage.law, vulnerable=stage.vulnerable, lane=stage.lane)
            _put(r, j, "stage_", fails=stage.fails)
            r["stage_drawn"][j] = stage.law != AUTO and plan.laws[stage.law].kind != CONSTANT
            if r["stage_drawn"][j]:
                r["stage_mean"][j] = mean_of_drawn(plan, stage.law, min(plan.fault_gap, LONGEST_S))
        first += len(rule.stages)
    r["missed"], r["wrong"], r["evict"], r["evict_group"], r["recurrence_law"], r["healed"] = astuple(plan.blame)
    r["n_pauses"] = len(plan.pauses)
    for i, pause in enumerate(plan.pauses):
        _put(r, i, "pause_", every=pause.every, law=pause.law, bucket=pause.bucket, save=pause.save)
        _put(r, i, "pause_", vulnerable=pause.vulnerable, key_0=pause.key[0], key_1=pause.key[1])
    for i, group in enumerate(plan.groups):
        _put(r, i, "group_", unit=group.unit, number=group.number)
    for i, law in enumerate(plan.laws):
        _put(r, i, "law_", kind=law.kind, a=law.a, b=law.b, share=law.share, first=law.first, other=law.other)
    for i, repair in enumerate(plan.repair):
        _put(r, i, "repair_", law=repair.law, crews=repair.crews, success=repair.success, lane=repair.lane)
        _put(r, i, "repair_", or_else=repair.or_else, then=repair.then, attempts=repair.attempts)
        _put(r, i, "repair_", renews=repair.renews, false_fix=repair.false_fix, finds=repair.finds)
        _put(r, i, "repair_shift_", origin=repair.shift_origin, length=repair.shift_length, days=repair.shift_days)
    for name, has in features.items() if is_full else ():
        r[name] = has
    return packed


def _features(plan: Plan) -> dict[str, bool]:
    """What a plan has of the features, by the names of their fields."""
    features = {
        "has_tiers": len(plan.tiers) > 0,
        "has_notices": any(source.p_notice > 0.0 for source in plan.sources)
        or any(lane.calendar is not None for lane in plan.lanes),
        "has_ages": any(lane.life >= 0 for lane in plan.lanes),
        "has_domains": any(source.takes >= GROUP for source in plan.sources)
        or any(lane.block == DOMAIN for lane in plan.lanes)
        or any(rule.within != ANY for rule in plan.rules)
        or plan.blame.evict > 0.0,
        "has_blame": plan.blame.missed + plan.blame.wrong + plan.blame.evict > 0.0,
        "has_refills": any(rule.refill != ANY for rule in plan.rules),
        "has_checks": any(pool.check > 0.0 for pool in plan.pools),
        "has_relapses": any(stage.false_fix > 0.0 for stage in plan.repair),
        "has_strikes": plan.retire.failures + plan.quarantine.failures > 0,
        "has_recurrences": plan.blame.recurs,
        "has_failures": any(stage.fails > 0.0 for rule in plan.rules for stage in rule.stages),
        "has_visits": plan.quarantine.failures > 0 or any(stage.attempts > 0 for stage in plan.repair),
        "has_new_nodes": len(_told_apart(plan)) > 0 and any(stage.renews == NEW_NODE for stage in plan.repair),
    }
    # Of nodes that nothing tells apart it is all the same which is called: the last returned is the cheapest to find.
    differ = any(features[name] for name in _TELL_APART)
    return features | {"has_picks": plan.pick != LAST_RETURNED and differ}


def _put(record: Any, position: int, prefix: str, **values: object) -> None:
    for name, value in values.items():
        record[prefix + name][position] = value
