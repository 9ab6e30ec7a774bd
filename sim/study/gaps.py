"""What the exact formula of ETTR leaves out of a plan, and the most by which each of it can move ETTR.

Bounds are derived from three facts. ETTR is progress / wall clock, and incidents open at a rate of at most ``rate`` per
second of running: seconds more or less for each incident move ETTR by at most ``rate`` times them. Seconds more or
less for each ``every`` of progress move it by at most their share of ``every``, and seconds once in a run by at most
their share of the run. Their sum bounds the effect of all of them together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.plan import ANY, NO_LIMIT, SPARES_ELSE_WAIT, Pause, Rule
from sim.recoveries import mean_of
from sim.theory import recovery_time

if TYPE_CHECKING:
    from sim.study.outlook import Outlook

FEW_SAVES = 1000
"""Runs of fewer intervals are called short: the long-run ETTR is off by about an interval in them."""


@dataclass(frozen=True)
class Gap:
    """Something that the exact formula leaves out.

    Parameters
    ----------
    text : str
        A sentence that says what.
    bound : float or None
        The most by which it moves ETTR, a fraction, 0 or more; None where no bound is derived.
    """

    text: str
    bound: float | None = None


def gaps(outlook: Outlook, interval: float) -> list[Gap]:
    """Return what the exact formula leaves out of a plan that saves every ``interval`` seconds of work."""
    plan = outlook.plan
    if not plan.has_store:
        return [Gap("There is no store: every interruption loses all work, and no long-run formula applies.")]
    if plan.tiers:
        return [Gap("There are several stores, or faults lose versions: there is no exact formula.")]
    found = [
        *_nodes(outlook), *_detection(outlook), *_sources(outlook), *_recovery(outlook), *_pauses(outlook, interval),
        *_run(outlook, interval),
    ]  # fmt: skip
    # A recovery that cannot end bounds nothing.
    return [gap if gap.bound is None or math.isfinite(gap.bound) else Gap(gap.text) for gap in found]


def _nodes(outlook: Outlook) -> Iterator[Gap]:
    if any(taken for _, taken in outlook.first_rules):
        text = f"Nodes are lost, and the formula waits for none: {outlook.spares.sentence}."
        yield Gap(text, _waiting(outlook))
    blame = outlook.plan.blame
    if blame.missed + blame.wrong + blame.evict > 0 and any(taken for _, taken in outlook.first_rules):
        yield Gap("Nobody or others are blamed for some faults: the formula has each found where it is.")


def _waiting(outlook: Outlook) -> float | None:
    """Share of the time in which there are too few spares, which is the most that waiting for nodes can cost.

    Known where any spare will do, all come after the same time, and no queue for crews adds to the time in repair.
    """
    plan, spares = outlook.plan, outlook.spares
    rules = [plan.rules[i] for i, taken in outlook.first_rules if taken]
    pools = [pool for pool in plan.pools if pool.nodes]
    plain = (
        all(rule.use == SPARES_ELSE_WAIT and rule.within == rule.pools == rule.refill == ANY for rule in rules)
        and len({pool.activation for pool in pools}) <= 1
        and not any(pool.one_by_one for pool in pools)
        and spares.closed
        and spares.crews_busy == 0.0
    )
    return spares.shortage if plain else None


def _detection(outlook: Outlook) -> Iterator[Gap]:
    """Another fault may end a detection early, and the faults in a recovery have a mean of their own.

    Of D with mean d, at most m long, a fault at the rate w of the wall clock cuts at most w E[D^2] <= w m d; a recovery
    of mean R holds at most w R more detections, each with the mean of the faults of the wall clock.
    """
    plan = outlook.plan
    watchdog = plan.watchdog
    failing = [source for source in plan.sources if source.rate > 0]
    hangs = any(source.p_hang > 0 for source in failing)
    delays = {source.detect for source in failing if source.p_hang < 1}
    rate, detection = outlook.wall_rate, outlook.detection_s
    longest = max(delays | ({watchdog.timeout + watchdog.poll} if hangs else set()), default=0.0)
    on_wall = outlook.detection_of(source for source in failing if source.clock == 0)
    again = rate * outlook.recovery_s
    seconds = again * abs(on_wall - detection) + (1 + again) * rate * longest * max(on_wall, detection)
    bound = outlook.rate * seconds
    if hangs and watchdog.heartbeat + watchdog.poll > 0:
        yield Gap("A hang is noticed after a random time: the formula takes the mean.", bound)
    if any(source.detect_law != ANY for source in plan.sources):
        yield Gap("Detection takes a random time: the formula takes the mean.")
    elif len(delays | ({outlook.hang_s} if hangs else set())) > 1:
        yield Gap("Detection differs by fault source: the formula takes the mean.", bound)


def _sources(outlook: Outlook) -> Iterator[Gap]:
    plan = outlook.plan
    if plan.blame.recurs and any(taken for _, taken in outlook.first_rules):
        yield Gap("Nodes that are not taken out fail again: the formula has each fault strike once.")
    if any(source.p_notice > 0 and source.rate > 0 for source in plan.sources):
        yield Gap("Some faults are known before they strike: the formula takes them for stops.")
    if any(source.planned for source in plan.sources):
        yield Gap("There is maintenance: the formula leaves it out.")
    if plan.lives:
        yield Gap("Components age or differ: the formula takes a constant rate, 1 / mean life.")


def _recovery(outlook: Outlook) -> Iterator[Gap]:
    plan = outlook.plan
    rules = [plan.rules[i] for i, _ in outlook.first_rules]
    if len(outlook.kinds_of_recovery) > 1:
        yield Gap(
            "Recovery depends on the fault: the formula draws it at each attempt, the simulation keeps the worst.",
            _other_rules(outlook, outlook.first_rules, 0.0),
        )
    taken = any(taken for _, taken in outlook.first_rules)
    everywhere = [(i, taken) for i in range(len(plan.rules))]
    if any(map(_conditions_that_change, plan.rules)):
        short = outlook.spares.shortage if outlook.spares.closed else math.inf
        yield Gap(
            "Rules depend on attempts, spares or units down: the formula takes what a single fault meets first.",
            _other_rules(outlook, everywhere, short if taken else 0.0),
        )
    if any(rule.escalate and rule.stages for rule in rules):
        yield Gap(
            "Faults in a recovery lead to later rules: the formula begins with the first one again.",
            _other_rules(outlook, everywhere, 0.0),
        )
    if any(stage.fails > 0.0 for rule in plan.rules for stage in rule.stages):
        yield Gap("Stages fail and are tried again: the formula has each of them work.")
    if any(rule.refill != ANY for rule in rules):
        yield Gap("A pool is filled before the stages begin: the formula has it full.")
    if any(rule.retry_stage and len(rule.stages) > 1 for rule in rules):
        yield Gap(
            "Interrupted stages are done again alone: the formula restarts the list.",
            outlook.rate * (outlook.recovery_s - outlook.plain_recovery_s),
        )


def _other_rules(outlook: Outlook, rules: Iterable[tuple[int, bool]], short: float) -> float:
    """Bound on the effect of other rules than the formula takes: for faults in a recovery, and for the share ``short``
    of all others, at most the difference between the longest and the shortest recovery of these rules.
    """
    rate = outlook.wall_rate
    attempts = (outlook.attempt(rule, taken, rate) for rule, taken in rules)
    times = [recovery_time(rate, outlook.detection_s, [(1.0, attempt)]) for attempt in attempts]
    difference = max(times) - min(times)
    return outlook.rate * (rate * outlook.recovery_s + short) * difference if difference > 0 else 0.0


def _pauses(outlook: Outlook, interval: float) -> Iterator[Gap]:
    plan = outlook.plan
    vulnerable = [pause for pause in plan.pauses if pause.vulnerable]
    between = [pause for pause in plan.pauses if math.fmod(pause.every, interval) != 0.0]
    if vulnerable:
        yield Gap(
            "Faults strike in pauses: the formula has them strike elsewhere only.",
            math.fsum(_struck(outlook, pause, interval) for pause in vulnerable),
        )
    if between:
        yield Gap(
            "Pauses come between saves: the formula puts them at one, where they save nothing anew.",
            math.fsum(_between(outlook, pause, interval) for pause in between),
        )


def _struck(outlook: Outlook, pause: Pause, interval: float) -> float:
    """A fault in a pause costs at most the interval, the save, a recovery and the pause once more."""
    pattern, length = outlook.plan.pattern, mean_of(outlook.plan, pause.law)
    each = interval + pattern.stall + pattern.persist + outlook.recovery_s + length
    return outlook.wall_rate * length * each / pause.every


def _between(outlook: Outlook, pause: Pause, interval: float) -> float:
    """A pause that saves costs one save more, or spares at most an interval if a fault strikes before the next save is
    durable; one that does not save comes again if such a fault takes the job back behind it.
    """
    pattern = outlook.plan.pattern
    save = pattern.stall + pattern.persist
    struck = min(1.0, outlook.rate * (interval + 2 * save))
    seconds = max(save, interval * struck) if pause.save else struck * mean_of(outlook.plan, pause.law)
    return seconds / pause.every


def _run(outlook: Outlook, interval: float) -> Iterator[Gap]:
    plan, pattern = outlook.plan, outlook.plan.pattern
    length = plan.horizon if plan.work == math.inf else plan.work
    if length / interval < FEW_SAVES:
        # The end of a run finds the job at most an interval, a save and a recovery away from where it would be renewed.
        yield Gap(
            f"The run is short, {length / interval:.3g} intervals: the formula is a long-run value.",
            (interval + pattern.stall + pattern.persist + outlook.recovery_s) / length,
        )
    if plan.max_restarts < NO_LIMIT:
        yield Gap("The run may end at its last restart: the formula goes on.")
    if plan.uncertain:
        yield Gap("Rates are uncertain: the formula takes their means.")
    if plan.initial_start:
        start = outlook.attempt(len(plan.rules) - 1, False, outlook.wall_rate)
        seconds = recovery_time(outlook.wall_rate, outlook.detection_s, [(1.0, start)])
        yield Gap("The run begins with a start-up that the formula leaves out.", seconds / length)


def _conditions_that_change(rule: Rule) -> bool:
    return (rule.units_down_at_most, rule.spare_available, rule.attempts_below) != (ANY, ANY, ANY)
