"""Hypothesis strategies over everything that a scenario file can say, and over plans that an engine can be given.

``scenarios()`` gives tables as ``sim.scenario.from_dict`` takes them; ``plans()`` gives plans directly, with cases that
no file leads to (any probabilities, any pair of conditions, a repair that never ends). Both keep to at most 64 nodes
and to an event limit of 400. At a scale of a few ticks of 2^-20 s things happen at the same instant all the time: that
tests the rule of ties.

Runs are the same every time; ``HYPOTHESIS_PROFILE=search`` looks for new examples, and for more of them.
"""

import math
import os
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from sim.errors import UsageError
from sim.kernels.laws import CONSTANT, ENDLESS, EXPONENTIAL, LOGNORMAL, MIXTURE
from sim.kernels.lives import COMPONENT
from sim.kernels.persists import DIRECT
from sim.kernels.saves import ENDLESS_SAVES, UNLIMITED, Pattern, make_pattern
from sim.kernels.survival import CHAIN, GROUPS, NEVER_LOST, SELF, SHARED
from sim.kernels.time import quantize
from sim.plan import (
    ANY,
    AUTO,
    BACK,
    BATHTUB_LIFE,
    CALENDAR,
    DOMAIN,
    GAMMA_LIFE,
    GROUP,
    HOT,
    JOB,
    LOGNORMAL_LIFE,
    NEW_NODE,
    NEW_PART,
    NO_LIMIT,
    NODE,
    NOTHING,
    OLD,
    PICKS,
    RENEW_NONE,
    RENEW_SYSTEM,
    TRAINING,
    WALL,
    WEIBULL_LIFE,
    Blame,
    Calendar,
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
    Tier,
    Watchdog,
)  # fmt: skip
from sim.planning import build
from sim.scenario import from_dict
from sim.scenario.cluster import ClusterTable
from sim.scenario.domains import make_groups, order_of
from sim.scenario.refusal import RefusedError

_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
settings.register_profile("fixed", derandomize=True, database=None, deadline=None, suppress_health_check=_SLOW)
settings.register_profile("search", deadline=None, max_examples=600, suppress_health_check=_SLOW)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))

TICK = 2.0**-20
PAUSES = ("eval", "upgrade")
MAX_EVENTS = 400
WORDS = st.integers(0, 2**64 - 1)
NO_STORE = Pattern(math.inf, 0.0, 0.0, 0.0, 1, math.inf, math.inf, math.inf)


def examples(count: int) -> settings:
    """So many examples, or what the profile says if it looks for more."""
    return settings(max_examples=max(count, settings.default.max_examples if _searching() else 0))


def _searching() -> bool:
    return not settings.default.derandomize


# Plans


def lives_of_plan(unit: float) -> list[Life]:
    """Lives of some 100 units, of all kinds; few, as each takes time to prepare."""
    size = 100.0 * unit
    old = quantize(30 * unit)
    return [
        Life(WEIBULL_LIFE, ((size, 0.7),), renewing=0.5),
        Life(WEIBULL_LIFE, ((size, 0.7),), age=0.0, burn_in=old),
        Life(WEIBULL_LIFE, ((size, 2.5),), spread=0.8, renewing=0.7),
        Life(WEIBULL_LIFE, ((size, 1.0),), age=0.0, spread=2.0, renewal=RENEW_NONE),
        Life(WEIBULL_LIFE, ((size, 1.0),), share=0.2, factor=8.0),
        Life(LOGNORMAL_LIFE, ((math.log(size), 0.8),), share=0.2, factor=8.0, cured=False),
        Life(GAMMA_LIFE, ((size / 3.0, 3.0),), age=old, share=0.1, factor=0.2, renewing=0.0),
        Life(BATHTUB_LIFE, ((4.0 * size, 0.5), (size, 1.0), (2.0 * size, 4.0)), burn_in=old),
        Life(WEIBULL_LIFE, ((size, 0.7),), age=old, renewal=RENEW_NONE),
        Life(WEIBULL_LIFE, ((size, 2.0),), age=0.0, renewal=RENEW_SYSTEM),
        Life(GAMMA_LIFE, ((size / 0.5, 0.5),), age=0.0, renewing=0.0),
        Life(WEIBULL_LIFE, ((size, 2.0),), age=0.0, renewing=0.0, with_node=True),
    ]


@st.composite
def ageing(draw: Any, found: tuple[Source, ...], unit: float) -> dict[int, Life]:
    """Lives of some of the sources."""
    lives = lives_of_plan(unit)
    chosen = {}
    for i, source in enumerate(found):
        on_nodes = source.per_node > 0
        if (
            source.by_domain
            or source.p_notice > 0.0
            or not (on_nodes or source.takes == NOTHING)
            or not draw(st.sampled_from([True, False, False]))
        ):
            continue
        chosen[i] = draw(st.sampled_from([life for life in lives if on_nodes or life.pooled]))
    return chosen


def lanes_of(
    sources: tuple[Source, ...], hot: int, nodes: int = 0, lives: dict[int, Life] | None = None
) -> tuple[Lane, ...]:
    """The Poisson processes of these sources over the job and the hot spares, in the order of ties."""
    lanes = []
    for clock in (WALL, TRAINING):
        for i, source in enumerate(sources):
            if lives and i in lives and source.clock == clock:
                components = source.per_node * nodes or source.components
                lanes.append(Lane(i, COMPONENT, clock, 0.0, components, list(lives).index(i)))
            elif source.clock == clock and source.rate > 0.0:
                block = DOMAIN if source.by_domain else JOB
                lanes.append(Lane(i, block, clock, 1.0 / (source.rate * source.components), source.slots))
                if clock == WALL and source.takes != NOTHING and source.per_node * hot > 0:
                    lanes.append(Lane(i, HOT, clock, 1.0 / (source.rate * source.per_node * hot), hot))
    return tuple(lanes)


def last_save(work: float, pattern: Pattern) -> int:
    """Index of the last trigger before the end of the work."""
    if work == math.inf or pattern.interval == math.inf:
        return ENDLESS_SAVES
    return math.ceil(work / pattern.interval) - 1


@st.composite
def laws(draw: Any, table: list[Law], low: int, high: int, unit: float) -> int:
    """Add a law of durations of about ``low`` to ``high`` units to the table, and give its position."""
    kind = draw(st.sampled_from([CONSTANT, CONSTANT, EXPONENTIAL, LOGNORMAL, MIXTURE]))
    size = draw(st.integers(low, high))
    if kind == CONSTANT:
        table.append(Law(CONSTANT, quantize(size * unit)))
    elif kind == EXPONENTIAL:
        table.append(Law(EXPONENTIAL, max(size, 1) * unit))
    elif kind == LOGNORMAL:
        table.append(Law(LOGNORMAL, math.log(max(size, 1) * unit), draw(st.sampled_from([0.1, 0.8, 2.0]))))
    else:
        table += [Law(CONSTANT, quantize(size * unit)), Law(EXPONENTIAL, high * unit)]
        share = draw(st.sampled_from([0.0, 0.25, 0.4, 1.0]))
        table.append(Law(MIXTURE, share=share, first=len(table) - 2, other=len(table) - 1))
    return len(table) - 1


@st.composite
def groupings(draw: Any, nodes: int) -> tuple[Group, ...]:
    """Up to two partitions of the nodes: runs of a few nodes, each a domain, or dealt to fewer domains."""
    found = []
    for name in ["rack", "feed"][: draw(st.sampled_from([0, 0, 1, 2]))]:
        unit = draw(st.integers(1, 5))
        runs = math.ceil(nodes / unit)
        found.append(Group(name, unit, draw(st.sampled_from([runs, draw(st.integers(1, runs))]))))
    return tuple(found)


@st.composite
def sources(
    draw: Any, name: str, job: int, unit: float, groups: tuple[Group, ...], table: list[Law], rich: bool = True
) -> Source:
    """A fault source; its faults strike the job every 2 to 500 units."""
    per_node = draw(st.sampled_from([0, 1, 1, 2, 8]))  # 0: per job, or per domain
    takes = draw(st.sampled_from([NOTHING, NODE, *range(GROUP, GROUP + len(groups))]))
    by_domain = takes >= GROUP and per_node == 0 and draw(st.booleans())
    slots = job if takes or per_node else 0
    if by_domain:
        slots = groups[takes - GROUP].number
    components = slots if by_domain else job * per_node or 1
    milder = draw(st.sampled_from([(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (0.25, 0.25), (0.5, 0.5), (0.3, 0.1)]))
    return Source(
        name=name,
        clock=draw(st.sampled_from([WALL, WALL, TRAINING])),
        rate=1.0 / (draw(st.sampled_from([2, 30, 100, 100, 300, 500])) * unit * components),
        components=components,
        per_node=per_node,
        slots=slots,
        takes=takes,
        by_domain=by_domain,
        p_process=milder[0],
        p_reset=milder[1],
        detect=quantize(draw(st.integers(0, 4)) * unit),
        key=(draw(WORDS), draw(WORDS)),
        p_hang=draw(st.sampled_from([0.0, 0.0, 0.4, 1.0])),
        shape=draw(st.sampled_from([0.0, 0.0, 0.0, 0.5, 3.5, 400.5])),
        **(draw(notices(table, unit)) if rich else {}),
    )


@st.composite
def notices(draw: Any, table: list[Law], unit: float) -> dict[str, Any]:
    """How many of a source's faults are known before they strike, and how long."""
    share = draw(st.sampled_from([0.0, 0.0, 0.5, 1.0]))
    return {"p_notice": share, "lead": draw(laws(table, 0, 60, unit))} if share > 0.0 else {}


@st.composite
def maintenance(
    draw: Any, name: str, unit: float, groups: tuple[Group, ...], table: list[Law], stage: int
) -> tuple[Source, Calendar]:
    """Planned maintenance of the domains of a group, and when it is due."""
    takes = draw(st.integers(0, len(groups) - 1))
    source = Source(
        name=name,
        clock=CALENDAR,
        rate=0.0,
        components=0,
        per_node=0,
        slots=groups[takes].number,
        takes=GROUP + takes,
        p_process=0.0,
        p_reset=0.0,
        detect=0.0,
        key=(draw(WORDS), draw(WORDS)),
        by_domain=True,
        p_notice=draw(st.sampled_from([0.0, 1.0, 1.0])),
        lead=draw(laws(table, 0, 40, unit)),
        stage=draw(st.sampled_from([ANY, stage])),
        planned=draw(st.sampled_from([True, True, False])),
    )
    first, step, rest = (quantize(draw(st.integers(low, 300)) * unit) for low in (0, 0, 1))
    width = draw(st.integers(1, source.slots))
    every = draw(st.sampled_from([math.inf, math.ceil(source.slots / width) * step + rest]))
    return source, Calendar(first, every, width, step)


@st.composite
def stages(draw: Any, name: str, table: list[Law], unit: float, rich: bool = True) -> Stage:
    law = draw(st.sampled_from([AUTO, 0, 1, 1]))
    return Stage(
        name=name,
        bucket=draw(st.integers(4, 9)),
        law=law if law < 1 else draw(laws(table, 0, 20, unit)),
        vulnerable=draw(st.sampled_from([True, True, False])),
        lane=draw(WORDS) >> 2,
        fails=draw(st.sampled_from([0.0] * 12 + [0.3, 0.3, 1.0])) if rich else 0.0,
    )


@st.composite
def rules(
    draw: Any, name: str, last: bool, table: list[Law], unit: float, groups: int, pools: int, rich: bool = True
) -> Rule:
    def condition(*values: int) -> int:
        return ANY if last else draw(st.sampled_from([ANY, *values]))

    return Rule(
        name=name,
        needs=condition(1, 2, 3, 4, 6),
        units_down_at_most=condition(0, 1),
        spare_available=condition(0, 1),
        attempts_below=condition(1, 2),
        use=draw(st.integers(0, 1)),
        vulnerable=draw(st.sampled_from([True, True, False])),
        retry_stage=draw(st.booleans()),
        stages=tuple(draw(stages(f"s{i}", table, unit, rich)) for i in range(draw(st.integers(0, 4)))),
        within=draw(st.integers(ANY, groups - 1)),
        escalate=draw(st.sampled_from([False, False, True])),
        refill=draw(st.sampled_from([ANY, ANY, *range(HOT, HOT + pools)])) if rich else ANY,
        pools=draw(st.sampled_from([ANY, ANY, *(mask << HOT for mask in range(1, 1 << pools))])),
        await_refill=draw(st.sampled_from([True, True, False])),
    )


@st.composite
def patterns(draw: Any, unit: float) -> Pattern:
    """A store: its interval, costs, and how many saves it takes at once."""
    return make_pattern(
        quantize(draw(st.integers(1, 60)) * unit),
        quantize(draw(st.integers(0, 5)) * unit),
        quantize(draw(st.sampled_from([0, 0, 1, 7, 20, 80, 200])) * unit),
        draw(st.sampled_from([0.0, 0.0, 0.1, 0.5, 0.97])),
        draw(st.sampled_from([1, 1, 2, 3, UNLIMITED])),
    )


def shift(origin: int, length: int) -> dict[str, Any]:
    """Working hours of some length on Mondays, Wednesdays and Sundays."""
    return {"shift_origin": float(origin), "shift_length": float(length), "shift_days": 0b1000101}


@st.composite
def repairs(draw: Any, table: list[Law], unit: float, rich: bool = True) -> tuple[RepairStage, ...]:
    """Stages of repair, with jumps among them; the attempts of some are limited, but not those of the last."""
    count = draw(st.sampled_from([1, 2, 2, 3, 5]))
    found = []
    for i in range(count):
        last = i == count - 1
        found.append(
            RepairStage(
                law=draw(laws(table, 1, 300 // count, unit)),
                crews=draw(st.sampled_from([0, 0, 1, 2])),
                success=draw(st.sampled_from([1.0, 1.0, 0.7])),
                lane=draw(WORDS) >> 2,
                or_else=i if last else draw(st.sampled_from([i + 1, count - 1])),
                then=BACK if last else draw(st.sampled_from([BACK, BACK, i + 1, count - 1])),
                attempts=0 if last or not rich else draw(st.sampled_from([0, 0, 1, 2])),
                renews=draw(st.sampled_from([OLD, NEW_PART, NEW_NODE])),
                **draw(st.sampled_from([{}, {}, shift(draw(st.integers(0, 604_799)), draw(st.integers(1, 86_400)))])),
                false_fix=draw(st.sampled_from([0.0, 0.0, 0.5, 0.9])) if rich else 0.0,
                finds=-1.0 if last else draw(st.sampled_from([-1.0, -1.0, 0.0, 0.5])),
            )
        )
    if draw(st.sampled_from([True] + [False] * 9)):
        table.append(Law(ENDLESS))
        found[-1] = replace(found[-1], law=len(table) - 1, crews=min(found[-1].crews, 1), success=1.0)
    return tuple(found)


@st.composite
def blames(draw: Any, groups: int, table: list[Law], unit: float) -> Blame:
    """Who is blamed: mostly the right node."""
    shares = draw(
        st.sampled_from([(0.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.2, 0.3, 0.2), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)])
    )
    evict = (shares[2], draw(st.integers(0, groups - 1))) if groups else (0.0, ANY)
    if shares[0] + shares[1] == 0.0:
        return Blame(*shares[:2], *evict)
    after = draw(laws(table, 0, 100, unit)) if draw(st.booleans()) else 0
    return Blame(*shares[:2], *evict, after, draw(st.sampled_from([0.0, 0.0, 0.4, 1.0])))


@st.composite
def tiers(draw: Any, job: int, unit: float) -> tuple[Tier, ...]:
    """One to four stores, some of them fed from an earlier one; most intervals are multiples of one."""
    found: list[Tier] = []
    base = draw(st.integers(1, 30))
    for i in range(draw(st.integers(1, 4))):
        pattern = draw(patterns(unit))
        source = draw(st.sampled_from([DIRECT, DIRECT, *range(i)]))
        times = draw(st.sampled_from([1, 1, 2, 3, 4]))
        interval = times * base * unit if draw(st.booleans()) else pattern.interval
        place, partners = draw(st.sampled_from(places(job)))
        found.append(
            Tier(
                name=f"t{i}",
                interval=quantize(interval) if source == DIRECT else times * found[source].interval,
                stall=pattern.stall if source == DIRECT else 0.0,
                persist=pattern.persist,
                slowdown=pattern.slowdown,
                in_flight=min(pattern.in_flight, 16),
                read=quantize(draw(st.integers(0, 10)) * unit),
                lost_at=draw(st.sampled_from([0, 1, 2, NEVER_LOST])),
                place=place,
                partners=partners,
                stride=draw(st.integers(1, job - 1)) if place == CHAIN else 1,
                source=source,
            )
        )
    return tuple(found)


def places(job: int) -> list[tuple[int, int]]:
    """Where a job of so many nodes can have copies, and with how many partners."""
    partners = [m for m in (1, 2, 3) if job % (m + 1) <= job // (m + 1)]
    return [(SHARED, 0), (SELF, 0), *((GROUPS, m) for m in partners), *((CHAIN, m) for m in (1, 2) if m < job)]


@st.composite
def pauses(draw: Any, name: str, table: list[Law], unit: float) -> Pause:
    """A planned pause; it may come together with saves and with the other pause."""
    return Pause(
        name=name,
        every=quantize(draw(st.integers(1, 200)) * unit),
        law=draw(laws(table, 0, 20, unit)),
        bucket=draw(st.integers(10, 11)),
        save=draw(st.booleans()),
        vulnerable=draw(st.sampled_from([True, True, False])),
        key=(draw(WORDS), draw(WORDS)),
    )


@st.composite
def plans(draw: Any, scales: tuple[float, ...] = (TICK, TICK, 0.1, 1.0, 60.0), max_events: int = MAX_EVENTS) -> Plan:
    """A plan whose times are small multiples of one of these units of time; a third of them have no feature for which
    an engine is compiled apart (``layout.PLAIN``).
    """
    unit = draw(st.sampled_from(scales))
    rich = draw(st.sampled_from([True, True, False]))

    def time(low: int, high: int) -> float:
        return float(quantize(draw(st.integers(low, high)) * unit))

    def check() -> float:
        """When dead spares of a pool are noticed: at once, when they are called, or by a check every so often."""
        return draw(st.sampled_from([0.0, 0.0, math.inf, time(1, 50), time(1, 900)])) if rich else 0.0

    job, hot, cold = draw(st.integers(1, 12)), draw(st.integers(0, 3)), draw(st.integers(0, 3))
    more = draw(st.sampled_from([0, 0, 1, 2]))
    others = [draw(st.integers(0, 3)) for _ in range(more)]
    nodes = job + hot + cold + sum(others)
    groups = draw(groupings(nodes)) if rich else ()
    order = draw(st.permutations(range(nodes))) if groups and draw(st.booleans()) else ()
    table = [Law(CONSTANT, 0.0)]
    found = tuple(draw(sources(name, job, unit, groups, table, rich)) for name in "acdf"[: draw(st.integers(1, 4))])
    lives = draw(ageing(found, unit)) if rich else {}
    n_rules = draw(st.integers(1, 3))
    some_rules = tuple(
        draw(rules(f"r{i}", i == n_rules - 1, table, unit, len(groups), 2 + more, rich)) for i in range(n_rules)
    )
    repair = draw(repairs(table, unit, rich))
    entry = draw(st.integers(0, len(repair) - 1))
    relapse = draw(laws(table, 1, 300, unit))
    retire, quarantine = Strikes(), Strikes()
    if rich and draw(st.booleans()):
        quarantine = Strikes(draw(st.integers(1, 3)), time(0, 900), draw(st.integers(0, len(repair) - 1)))
    if rich and draw(st.booleans()):
        table.append(Law(ENDLESS))
        law = draw(st.sampled_from([len(table) - 1, draw(laws(table, 0, 300, unit))]))
        repair += (RepairStage(law, 0, 1.0, draw(WORDS) >> 2, len(repair), renews=True),)
        retire = Strikes(draw(st.integers(1, 16)), time(0, 3_000), len(repair) - 1, draw(st.booleans()))
    lanes = lanes_of(found, hot, nodes, lives)
    if groups and draw(st.booleans()):
        planned, calendar = draw(maintenance("g", unit, groups, table, draw(st.integers(0, len(repair) - 1))))
        lanes += (Lane(len(found), DOMAIN, CALENDAR, 0.0, planned.slots, calendar=calendar),)
        found += (planned,)
    has_store = draw(st.sampled_from([True, True, True, False]))
    pattern = draw(patterns(unit)) if has_store else NO_STORE
    several = draw(tiers(job, unit)) if rich and has_store and draw(st.booleans()) else ()
    horizon, work = math.inf, math.inf
    if draw(st.booleans()):
        horizon = time(1, 9_000)
    else:
        work = time(1, 2_000)
        horizon = math.inf if draw(st.booleans()) else work * draw(st.sampled_from([1, 2, 5]))
    plan = Plan(
        seed=1,
        gpus_per_node=8,
        job_nodes=job,
        pools=(
            Pool(hot, time(0, 5), check=check()),
            Pool(cold, time(0, 30), on=False),
            *(
                Pool(size, time(0, 20), *(draw(st.booleans()) for _ in range(2)), check(), draw(st.booleans()))
                for size in others
            ),
        ),
        sources=found,
        lanes=lanes,
        lives=tuple(lives.values()),
        laws=(),
        rules=some_rules,
        max_attempts=draw(st.sampled_from([1, 3, 50, 1000])),
        max_restarts=draw(st.sampled_from([NO_LIMIT] * 6 + [0, 5, 20])),
        repair=repair,
        relapse=relapse,
        retire=retire,
        quarantine=quarantine,
        repair_entry=entry,
        repair_at_fault=draw(st.sampled_from([False, False, True])),
        has_store=has_store,
        pattern=pattern,
        read=time(0, 10) if has_store else 0.0,
        horizon=horizon,
        work=work,
        last_save=last_save(work, pattern),
        initial_start=draw(st.booleans()),
        final_save=work < math.inf and has_store and draw(st.booleans()),
        max_events=draw(st.sampled_from([30, max_events, max_events])),
        start_key=(draw(WORDS), draw(WORDS)),
        fault_gap=draw(st.sampled_from([math.inf, 20 * unit])),
        tiers=several,
        watchdog=Watchdog(6 * unit, draw(st.sampled_from([0, 2, 6])) * unit, draw(st.sampled_from([0, 3])) * unit),
        groups=groups,
        order=tuple(order),
        blame=draw(blames(len(groups), table, unit)) if rich else Blame(),
        pauses=tuple(draw(pauses(name, table, unit)) for name in PAUSES[: draw(st.sampled_from([0, 0, 1, 2]))]),
        period=math.inf if work < math.inf else time(max(1, int(horizon / unit) // 40), int(horizon / unit) + 3),
        pick=draw(st.integers(0, len(PICKS) - 1)),
    )
    return replace(plan, laws=tuple(table))


# Scenarios

_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3_600.0, "days": 86_400.0}
_YEAR_S = 8_760 * 3_600.0
_COARSE = 3


class Coarse(float):
    """A scale of times that are small multiples of three of it, so that much happens at the same instant."""


@st.composite
def durations(draw: Any, low: float, high: float, scale: float) -> str:
    """A duration of ``low`` to ``high`` times the scale (in s), in any unit."""
    if isinstance(scale, Coarse) and high >= _COARSE:
        least = math.ceil(low / _COARSE)
        most = math.floor(high / _COARSE)
        times = draw(st.integers(least, most if most > 300 else min(most, least + (4 if high < 60 else 10))))
        return f"{times * _COARSE * scale * 1e6:.9g} us"
    parts = draw(st.integers(0, 20))
    seconds = (low + (high - low) * parts / 20) * scale
    unit = draw(st.sampled_from(list(_SECONDS)))
    return f"{seconds / _SECONDS[unit]:.9g} {unit}"


@st.composite
def law_tables(draw: Any, high: float, scale: float) -> dict[str, Any]:
    """A law of durations as a table."""
    positive = durations(0.2, high, scale)
    plain = st.one_of(
        st.fixed_dictionaries({"time": durations(0.0, high, scale)}),
        st.fixed_dictionaries({"law": st.just("exponential"), "mean": positive}),
        st.fixed_dictionaries({"law": st.just("lognormal"), "mean": positive, "sd": positive}),
    )
    if isinstance(scale, Coarse) and draw(st.booleans()):
        return {"time": draw(durations(0.0, high, scale))}
    if draw(st.sampled_from([True, True, False])):
        return draw(plain)
    shares = draw(st.sampled_from([[1.0], [0.6, 0.4], [0.25, 0.25, 0.5], [0.0, 1.0], ["10 %", "90 %"]]))
    return {"law": "mixture", "of": [{"share": share, **draw(plain)} for share in shares]}


@st.composite
def needs_values(draw: Any) -> Any:
    words = ["process", "reset", "repair"]
    tables = [{"process": 0.25, "reset": 0.25, "repair": 0.5}, {"reset": 1.0}, {"process": "90 %", "repair": 0.1}]
    return draw(st.sampled_from([*words, *tables, {"process": 0.5, "reset": 0.5}]))


@st.composite
def fault_tables(draw: Any, job: int, gpus: int, scale: float, groups: tuple[str, ...] = ()) -> dict[str, Any]:
    """A source that strikes the job every 20 to 300 scales, its rate given in any of the ways."""
    per = draw(st.sampled_from(["gpu", "node", "job", *groups]))
    count = draw(st.sampled_from([1, 1, 3]))
    life = draw(st.integers(20, 300)) * scale * count * {"gpu": job * gpus, "node": job, "job": 1}.get(per, job / 2)
    rates: list[dict[str, Any]] = [
        {"mtbf": f"{life:.9g} s"},
        {"fit": 3.6e12 / life},
        {"observed": {"events": 7, "units": 3.5, "over": f"{2 * life:.9g} s"}},
        {"observed": {"events": 7, "units": 3.5, "over": f"{2 * life:.9g} s"}, "uncertain": True},
        {"observed": {"events": 0, "units": 0.5, "over": f"{life:.9g} s"}, "uncertain": True},
        {"observed": {"events": 0, "units": 1, "over": "1 h"}},
    ]
    if scale >= 1.0:
        rates += [{"afr": f"{100.0 * _YEAR_S / life:.9g} %"}, {"afr": _YEAR_S / life}]
    if per == "job":
        rates.append({"observed": {"events": 3, "over": f"{3 * life:.9g} s"}})
        clock = draw(st.sampled_from(["wall", "training"]))
        rates.append({"observed": {"events": 3, "units": count, "over": f"{3 * life / count:.9g} s", "clock": clock}})
    if per == "node" and count == 1:
        rates.append({"per_1000_node_days": 8.64e7 / life})
    optional = {
        "rate_factor": st.sampled_from([0.5, 1, 2.0]),
        "clock": st.sampled_from(["wall", "training"]),
        "takes": st.sampled_from([per] if per in groups else ["node", "nothing", *groups]),
        "needs": needs_values(),
        "detect": st.one_of(durations(0.0, 4.0, scale), law_tables(4.0, scale)),
        "effect": st.sampled_from(["stop", "hang", {"stop": 0.7, "hang": 0.3}, {"stop": "50 %", "hang": 0.5}]),
    }
    counted = {"count": count} if count > 1 or draw(st.booleans()) else {}
    table = {
        "per": per,
        **counted,
        **draw(st.sampled_from(rates)),
        **draw(st.fixed_dictionaries({}, optional=optional)),
    }
    if per in ("gpu", "node") and "observed" not in table and draw(st.sampled_from([True, False, False])):
        table |= draw(life_tables(table, life))
    elif draw(st.sampled_from([True, False, False])):
        table["effect"] = draw(st.sampled_from(["notice", {"stop": 0.5, "notice": "50 %"}]))
        table["lead"] = draw(st.one_of(durations(0.0, 40.0, scale), law_tables(40.0, scale)))
    return table


@st.composite
def life_tables(draw: Any, table: dict[str, Any], life: float) -> dict[str, Any]:
    """How the components of a source per gpu or node live."""
    laws_of_life = [
        {"law": "weibull", "shape": 0.7},
        {"law": "weibull", "shape": 2},
        {"law": "weibull", "shape": 1.0},
        {"law": "gamma", "shape": 1.0},
        {"law": "lognormal", "sd": f"{0.8 * life:.9g} s"},
        {"law": "bathtub", "infant": f"{3 * life:.9g} s", "infant_shape": 0.5, "wear_out": f"{2 * life:.9g} s",
         "wear_out_shape": 4},
    ]  # fmt: skip
    frailties = [{"share": "10 %", "factor": 8}, {"share": 0.3, "factor": 0.5, "cured": False}]
    found: dict[str, Any] = {"frailty": draw(st.sampled_from([*frailties, {"law": "gamma", "shape": 0.8}]))}
    if draw(st.booleans()):
        return found
    needs = table.get("needs", "repair")
    repaired = table.get("takes") != "nothing" and (needs == "repair" or "repair" in needs)
    age = draw(st.sampled_from(["new", f"{life / 50:.9g} s", *(["stationary"] if repaired else [])]))
    renewal = "unit" if age == "stationary" else draw(st.sampled_from(["unit", "none", "system"]))
    law = draw(st.sampled_from(laws_of_life))
    if renewal == "system" or (age == "stationary" and law["law"] != "weibull") or draw(st.booleans()):
        found = {}
    if renewal == "unit" and draw(st.booleans()):
        found["burn_in"] = f"{life / 50:.9g} s"
    if age != "stationary" or draw(st.booleans()):
        found["initial_age"] = age
    return {"life": law, "renewal": renewal, **found}


@st.composite
def store_tables(draw: Any, fails: bool, scale: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """A store, and what the job's table must say for it."""
    table: dict[str, Any] = {}
    job: dict[str, Any] = {}
    costs = draw(st.sampled_from(["none", "sync", "async", "bandwidth", "bandwidth and stall"]))
    if costs in ("sync", "async", "bandwidth and stall"):
        table["stall"] = draw(durations(0.5, 5.0, scale))
    if costs == "async":
        table["persist"] = draw(durations(0.0, 80.0, scale))
    if costs.startswith("bandwidth"):
        job["checkpoint"] = "2 TB"
        table["bandwidth"] = f"{2_000 / (draw(st.integers(1, 9)) * scale):.9g} GB/s"
    table |= draw(
        st.fixed_dictionaries(
            {},
            optional={
                "slowdown": st.sampled_from([0.0, 0.1, "5 %", 0.5]),
                "in_flight": st.sampled_from([1, 2, 3, "unlimited"]),
                "keep": st.integers(1, 3),
                **({"fan_out": st.integers(1, 8)} if costs.startswith("bandwidth") else {}),
                **({"background": st.sampled_from([0, 0.25, "30 %"])} if costs.startswith("bandwidth") else {}),
                "read": durations(0.0, 10.0, scale),
            },
        )
    )
    ways = ["work", "work", "steps"] + (["young", "daly", "exact"] if costs != "none" and fails else [])
    way = draw(st.sampled_from(ways))
    if way == "steps":
        job["step"] = draw(durations(0.2, 1.0, scale))
        table["every"] = f"{draw(st.integers(5, 50))} steps"
    else:
        table["every"] = draw(durations(2.0, 60.0, scale)) if way == "work" else way
    return table, job


@st.composite
def several_tables(draw: Any, job: int, scale: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """Up to four stores, or one that can be lost, and what the job's table must say for them."""
    stores: dict[str, Any] = {}
    needed: dict[str, Any] = {}
    for name in ["host", "b", "remote", "a"][: draw(st.integers(1, 4))]:
        table, more = draw(store_tables(False, scale))
        needed |= more
        if "persist" in table or "bandwidth" in table:
            table["in_flight"] = draw(st.integers(1, 3))
        if stores and draw(st.booleans()):
            table.pop("stall", None)
            table |= {"source": draw(st.sampled_from(list(stores))), "every": f"{draw(st.integers(1, 4))} saves"}
        place, partners = draw(st.sampled_from(places(job)))
        layout = {GROUPS: {}, CHAIN: {"layout": "ring"}}.get(place, {})
        optional = {"lost_at": st.sampled_from(["process", "reset", "repair", "never"])}
        where = {"partners": partners, **layout} if partners else {SHARED: "shared", SELF: "self"}[place]
        stores[name] = table | {"place": where} | draw(st.fixed_dictionaries({}, optional=optional))
    return stores, needed


@st.composite
def stage_values(draw: Any, scale: float) -> Any:
    """A stage in any of its forms."""
    form = draw(st.sampled_from(["short", "auto", "law", "law", "scaled"]))
    if form == "short":
        return draw(durations(0.0, 10.0, scale))
    if form == "auto":
        return draw(st.sampled_from(["auto", {"time": "auto"}]))
    if form == "law":
        table = draw(law_tables(12.0, scale))
    else:
        part = durations(0.0, 0.02, scale)
        optional = {"base": durations(0.0, 5.0, scale), "per_gpu2": durations(0.0, 0.001, scale)}
        table = draw(st.fixed_dictionaries({"per_gpu": part}, optional=optional))
    buckets = ["diagnosis", "capacity_wait", "restart", "load", "warm_up"]
    fails = st.sampled_from([0.0, 0.0, "10 %", 0.6])
    optional = {"vulnerable": st.booleans(), "bucket": st.sampled_from(buckets), "fails": fails}
    return table | draw(st.fixed_dictionaries({}, optional=optional))


@st.composite
def rule_tables(
    draw: Any, last: bool, scale: float, groups: tuple[str, ...] = (), pools: tuple[str, ...] = ("hot", "cold")
) -> dict[str, Any]:
    """A rule of a cluster with these groups and pools."""
    names = st.sampled_from(["diagnosis", "load", "warmup", "warm-up", "init", "drain"])
    nearby = {"within": st.sampled_from(groups)} if groups else {}
    table = draw(
        st.fixed_dictionaries(
            {},
            optional={
                **nearby,
                "use": st.sampled_from(["same units", "spares, else wait"]),
                "stages": st.dictionaries(names, stage_values(scale), max_size=4),
                "vulnerable": st.booleans(),
                "on_fault": st.sampled_from(["restart_list", "retry_stage", "escalate"]),
            },
        )
    )
    if draw(st.sampled_from([True, False, False])):
        table["pools"] = draw(st.lists(st.sampled_from(pools), unique=True, min_size=1))
    if draw(st.booleans()):
        table["refill"] = draw(st.sampled_from([pools[0], *pools]))
        table |= draw(st.fixed_dictionaries({}, optional={"await_refill": st.booleans()}))
    if last:
        return table or {"use": "spares, else wait"}
    conditions = {
        "needs": st.sampled_from(["process", "reset", ["process", "reset"], ["repair"]]),
        "units_down_at_most": st.integers(0, 2),
        "spare_available": st.booleans(),
        "attempts_below": st.integers(1, 3),
    }
    key = draw(st.sampled_from(list(conditions)))
    return table | {"when": draw(st.fixed_dictionaries({key: conditions.pop(key)}, optional=conditions))}


@st.composite
def recovery_tables(draw: Any, scale: float, groups: tuple[str, ...], pools: tuple[str, ...]) -> dict[str, Any]:
    limits = {"max_attempts": [2, 20, 1000], "max_restarts": [0, 20, 10_000, 10_000]}
    optional = {name: st.sampled_from(values) for name, values in limits.items()}
    form = draw(st.sampled_from(["short", "law", "rules", "rules", "rules", "rules"]))
    if form == "short":
        return draw(st.fixed_dictionaries({"restart": durations(0.0, 10.0, scale)}, optional=optional))
    if form == "law":
        return draw(st.fixed_dictionaries({"restart": law_tables(10.0, scale)}, optional=optional))
    count = draw(st.integers(1, 3))
    named = {
        name: draw(rule_tables(i == count - 1, scale, groups, pools))
        for i, name in enumerate(["zeta", "alpha", "mid"][:count])
    }
    return draw(st.fixed_dictionaries({}, optional=optional)) | named


@st.composite
def pools_tables(draw: Any, job: int, spares: int, groups: dict[str, Any], scale: float) -> dict[str, Any]:
    """Pools of up to so many spares in all, with long and short forms."""
    table: dict[str, Any] = {}
    names = ("hot", "cold", "warm", "shared")
    few = st.sampled_from(["hot", "shared", "shared"])  # pools between which nodes move
    where = draw(st.lists(st.one_of(st.sampled_from([*names, ""]), few), min_size=spares, max_size=spares))
    for name in names:
        nodes = where.count(name)
        if nodes == 0 and name != "hot" and not draw(st.booleans()):
            continue
        if name == "shared":  # a claim takes as long as much else: the default fits one of the scales
            claims = {"one_by_one": st.sampled_from([True, True, False])}
            if "cold" in table:
                claims["give_back"] = st.booleans()
            table[name] = {"activation": draw(durations(0.0, 12.0, scale))}
            table[name] |= draw(st.fixed_dictionaries({"nodes": st.just(nodes)}, optional=claims))
        elif draw(st.sampled_from([True, False, False])):
            table[name] = nodes
            continue
        else:
            keys: dict[str, Any] = {"activation": durations(0.0, 30.0, scale)}
            if name in ("hot", "warm"):
                keys["check"] = st.one_of(st.sampled_from(["at once", "on activation"]), durations(3.0, 400.0, scale))
            table[name] = draw(st.fixed_dictionaries({"nodes": st.just(nodes)}, optional=keys))
        if groups and draw(st.sampled_from([True, False, False])):
            table[name]["spread"] = draw(st.sampled_from(sorted(groups)))
    if not _has_room(job, table, groups):
        for pool in table.values():
            if isinstance(pool, dict):
                pool.pop("spread", None)
    return table


def _has_room(job: int, pools: dict[str, Any], groups: dict[str, Any]) -> bool:
    """Whether the spares of the pools can be spread as they say."""
    tables = [pools.get(name, 0) for name in ("hot", "cold", "warm", "shared")]
    written = [table if isinstance(table, dict) else {"nodes": table} for table in tables]
    nodes = job + sum(table["nodes"] for table in written)
    made = make_groups(ClusterTable.model_validate({"nodes": nodes, "groups": groups}).groups, nodes)
    try:
        order_of(nodes, [(table["nodes"], made.get(table.get("spread", ""))) for table in written])
    except RefusedError:
        return False
    return True


@st.composite
def repair_tables(draw: Any, scale: float) -> dict[str, Any]:
    time = st.one_of(durations(1.0, 300.0, scale), law_tables(200.0, scale))
    short = {"crews": st.integers(1, 3), "success": st.sampled_from([0.5, 0.9, "100 %"])}
    both = {"begins": st.sampled_from(["detection", "fault"])}
    hours = st.sampled_from(["08:00-18:00", "22:00-06:00", "00:00-24:00"])
    work = {"hours": hours, "days": st.sampled_from(["mon-fri", "sat", "fri-mon, wed"])}
    stage = st.fixed_dictionaries({"time": time}, optional=short | (work if draw(st.booleans()) else {}))
    in_short = st.fixed_dictionaries({"time": time}, optional=short | both)
    table = draw(st.one_of(st.fixed_dictionaries({"replace": stage}, optional=both), in_short))
    if draw(st.booleans()):
        table["reset"] = draw(stage) | draw(st.sampled_from([{}, {"else": "replace"}, {"attempts": 2}]))
    if draw(st.booleans()):
        # What is put in order waits for parts and is tested; what fails the test goes back once.
        table["burn_in"] = draw(stage) | {"else": "replace", "attempts": draw(st.integers(1, 2))} | {"success": 1.0}
        table["parts"] = draw(st.fixed_dictionaries({"time": time})) | {
            "then": "replace",
            "renews": draw(st.sampled_from([True, False, "all"])),
        }
        if "replace" in table:
            table["replace"] |= draw(st.sampled_from([{}, {"then": "burn_in"}, {"else": "parts"}]))
        if "reset" in table:
            table["reset"] |= draw(st.sampled_from([{"then": "burn_in"}, {"else": "parts"}]))
    for name in sorted(table.keys() & {"replace", "reset"}):
        table[name] |= draw(st.sampled_from([{}, {}, {"renews": True}, {"renews": False}, {"renews": "all"}]))
    if draw(st.booleans()):
        table["relapse"] = {"life": draw(st.one_of(durations(1.0, 100.0, scale), law_tables(100.0, scale)))}
        table.get("reset", table.get("replace", {})).update(false_fix=draw(st.sampled_from([0.0, 0.5, "90 %"])))
        for stage in (table.get("replace", {}), table.get("burn_in", {})):
            stage.setdefault("false_fix", 0.3)
        if "burn_in" in table and draw(st.booleans()):
            del table["burn_in"]["false_fix"]
            table["burn_in"]["finds"] = draw(st.sampled_from([0.0, 0.4, 1.0]))
    if draw(st.booleans()):
        within = durations(1.0, 900.0, scale)
        table["quarantine"] = {"failures": draw(st.integers(1, 3)), "within": draw(within), "stage": "replace"}
        table["retire"] = {"failures": draw(st.integers(1, 16)), "within": draw(within)}
        decided = st.sampled_from(["at fault", "after repair"])
        replacement = st.one_of(st.just("never"), time)
        table["retire"] |= draw(st.fixed_dictionaries({}, optional={"replacement": replacement, "decided": decided}))
        if not table.keys() & {"replace", "time"}:
            del table["quarantine"]
    return table


@st.composite
def pause_tables(draw: Any, scale: float) -> dict[str, Any]:
    table = {
        "every": draw(durations(20.0, 400.0, scale)),
        "duration": draw(st.one_of(durations(0.0, 20.0, scale), law_tables(20.0, scale))),
    }
    flags = {"save": st.booleans(), "vulnerable": st.booleans(), "bucket": st.sampled_from(["pause", "maintenance"])}
    return table | draw(st.fixed_dictionaries({}, optional=flags))


@st.composite
def maintenance_tables(draw: Any, scale: float, groups: tuple[str, ...]) -> dict[str, Any]:
    """Maintenance of up to 64 nodes or domains, in waves of 8 and more."""
    table = {
        "of": draw(st.sampled_from(["node", "cluster", *groups])),
        "first": draw(durations(0.0, 400.0, scale)),
        "duration": draw(st.one_of(durations(0.0, 100.0, scale), law_tables(100.0, scale))),
        "width": draw(st.one_of(st.integers(1, 3), st.integers(8, 70))),
        "step": draw(durations(1.0, 30.0, scale)),
    }
    more = {"notice": durations(0.0, 30.0, scale)}
    if table["width"] >= 8:
        more["every"] = durations(300.0, 900.0, scale)
    return table | draw(st.fixed_dictionaries({}, optional=more))


@st.composite
def scarce_tables(draw: Any, spares: int, scale: float, groups: tuple[str, ...]) -> dict[str, Any]:
    """Nodes are scarce: while several are away the job waits until a pool is full, and claims others one by one."""
    hot = draw(st.integers(2, spares - 3))
    claims = {"nodes": spares - hot, "activation": draw(durations(3.0, 9.0, scale))}
    window = draw(maintenance_tables(scale, groups))
    window |= {"of": "node", "width": draw(st.integers(1, 3)), "step": draw(durations(3.0, 9.0, scale))}
    window.pop("every", None)
    window["duration"] = draw(durations(9.0, 60.0, scale))
    return {
        "pools": {"hot": hot, "shared": claims},
        "recovery": {"zeta": draw(rule_tables(True, scale, groups, ("hot", "shared"))) | {"refill": "hot"}},
        "maintenance": {"upgrade-2": window},
    }


@st.composite
def watchdog_tables(draw: Any, scale: float) -> dict[str, Any]:
    """How a hang is noticed, in the long form."""
    optional = {"heartbeat": durations(0.0, 3.0, scale), "poll": durations(0.0, 4.0, scale)}
    return draw(st.fixed_dictionaries({"timeout": durations(3.0, 9.0, scale)}, optional=optional))


@st.composite
def scenarios(draw: Any, scales: tuple[float, ...] = (8e-6, 1.0, 60.0, 3_600.0)) -> dict[str, Any]:
    """A scenario as its file gives it, of at most 64 nodes, with times of about these scales in s, half of them on a
    coarse grid.
    """
    scale = draw(st.sampled_from(scales))
    scarce = draw(st.sampled_from([True, True, False, False, False]))
    if scarce or draw(st.booleans()):
        scale = Coarse(scale)
    job = draw(st.integers(1, 6) if scarce else st.integers(1, 56))
    spares = draw(st.integers(6, 9) if scarce else st.integers(0, 6))
    gpus = draw(st.sampled_from([1, 4, 8]))
    names = draw(st.lists(st.sampled_from(["gpu", "nic", "a", "B", "power_1", "z-9"]), unique=True, max_size=4))
    if scarce and draw(st.sampled_from([True, True, False])):
        names = []  # then nothing but the grid says when things happen
    groups = draw(
        st.sampled_from([{}, {}, {"rack": "3 nodes"}, {"rack": "2 nodes", "feed": {"domains": 1, "by": "rack"}}])
    )
    if job < 3:  # pools may leave out all spares, and then a domain of 3 nodes is too large
        groups = {}
    faults = {name: draw(fault_tables(job, gpus, scale, tuple(groups))) for name in names}
    table: dict[str, Any] = {"cluster": {"nodes": job + spares}, "job": {"nodes": job}, "faults": faults}
    if groups:
        table["cluster"]["groups"] = groups
    if gpus != 8 or draw(st.booleans()):
        table["cluster"]["gpus_per_node"] = gpus
    if draw(st.sampled_from([True, False, False])):
        table["stores"], needed = draw(several_tables(job, scale))
        table["job"] |= needed
    elif draw(st.sampled_from([True, True, True, False])):
        fails = any(source.get("observed", {}).get("events") != 0 for source in faults.values())
        store, needed = draw(store_tables(fails, scale))
        table["stores"] = {draw(st.sampled_from(["remote", "disk"])): store}
        table["job"] |= needed
    if draw(st.booleans()):
        table["detect"] = {
            "stop": draw(st.one_of(durations(0.0, 4.0, scale), law_tables(4.0, scale))),
            "hang": draw(st.one_of(durations(0.0, 9.0, scale), watchdog_tables(scale))),
        }
        table["detect"] |= draw(st.sampled_from([{}, {"missed": 0.3, "wrong": 0.3}]))
        after = st.one_of(st.just("0 s"), durations(0.0, 200.0, scale), law_tables(200.0, scale))
        healed = st.sampled_from([0, "30 %", 1.0])
        recurs = st.fixed_dictionaries({}, optional={"after": after, "healed": healed})
        table["detect"] |= draw(st.fixed_dictionaries({}, optional={"recurs": recurs}))
        if groups and draw(st.booleans()):
            table["detect"]["evict"] = {"group": "rack", "share": 0.4}
    pools = ("hot", "cold")
    if draw(st.sampled_from([True, True, False])):
        table["pools"] = draw(pools_tables(job, spares, groups, scale))
        pools = tuple(table["pools"])
    table["recovery"] = draw(recovery_tables(scale, tuple(groups), pools))
    if scarce:
        table |= draw(scarce_tables(spares, scale, tuple(groups)))
    if "detect" not in table:
        table["recovery"] |= draw(st.fixed_dictionaries({}, optional={"detect": durations(0.0, 4.0, scale)}))
    if "pools" in table and draw(st.booleans()):
        table["pools"]["pick"] = draw(st.sampled_from(PICKS))
    table["repair"] = draw(repair_tables(scale))
    differ = any(source.keys() & {"life", "frailty"} for source in faults.values())
    if differ and "replace" in table["repair"] and draw(st.sampled_from([True, True, False])):
        table["repair"]["replace"]["renews"] = "all"
    if any(isinstance(stage, dict) and stage.get("renews") == "all" for stage in table["repair"].values()):
        for source in faults.values():
            if "life" in source and source.get("initial_age", "stationary") == "stationary":
                source["initial_age"] = "new"
    if draw(st.sampled_from([True, False, False])):
        table["pauses"] = {name: draw(pause_tables(scale)) for name in PAUSES[: draw(st.integers(1, 2))]}
    if not scarce and draw(st.sampled_from([True, False, False])):
        windows = ["upgrade-2", "firmware"][: draw(st.integers(1, 2))]
        table["maintenance"] = {name: draw(maintenance_tables(scale, tuple(groups))) for name in windows}
    seeds = st.sampled_from([0, 1, 2**63 - 1])
    counted = any("observed" in source for source in faults.values())
    run = {
        "seed": seeds,
        "start": st.sampled_from(["mon 00:00", "fri 17:59"]),
        "uncertain": st.sampled_from([False, counted]),
        "initial_start": st.booleans(),
        "max_events": st.just(MAX_EVENTS),
    }
    if draw(st.booleans()):
        periods = {"series": durations(10.0, 4_000.0, scale)}
        table["run"] = draw(
            st.fixed_dictionaries({**run, "horizon": durations(10.0, 6_000.0, scale)}, optional=periods)
        )
    else:
        optional = {"final_save": st.booleans(), "give_up": durations(2_010.0, 6_000.0, scale)}
        table["run"] = draw(st.fixed_dictionaries({**run, "work": durations(10.0, 2_000.0, scale)}, optional=optional))
    _see_that_it_can_be_planned(table)
    return table


def _see_that_it_can_be_planned(table: dict[str, Any]) -> None:
    """Change what planning alone can refuse: fleets are new that no age makes stationary; counts whose recoveries would
    take all of the wall clock are on the source's own.
    """
    try:
        build(from_dict(table))
    except UsageError:
        for source in table["faults"].values():
            if "life" in source and source.get("initial_age", "stationary") == "stationary":
                source["initial_age"] = "new"
            source.get("observed", {}).pop("clock", None)
