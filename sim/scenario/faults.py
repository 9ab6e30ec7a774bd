"""Fault sources: what breaks, how often, what it takes down and what it needs; and how long a fault stays unseen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict

from sim.scenario.domains import UNITS
from sim.scenario.entries import Entries, source_of
from sim.scenario.fault_words import (
    EFFECT_WORD,
    EFFECTS,
    NEED_WORD,
    NEEDS,
    Afr,
    Effect,
    EffectTable,
    Level,
    Need,
    NeedsTable,
    one_effect,
    one_need,
)
from sim.scenario.fields import (
    HOUR_S,
    YEAR_S,
    AtLeastOne,
    Duration,
    Flag,
    Life,
    Number,
    ShortForm,
    Table,
    either,
    setting,
)
from sim.scenario.law import Law, LawValue, add_law, resolve_law
from sim.scenario.lives import (
    BURN_IN,
    FRAILTY,
    INITIAL_AGE,
    LIFE,
    RENEWAL,
    STATIONARY,
    Ageing,
    FrailtyTable,
    InitialAge,
    LifeTable,
    RenewalWord,
    age_entries,
    check_ageing,
    resolve_ageing,
)
from sim.scenario.observed import CLOCK_WORD, NOT_COUNTED, Clock, ObservedTable, add_observed, observed_rate, shape_of
from sim.scenario.refusal import RefusedError, listed, nearest, shown
from sim.scenario.repair_tables import ALL
from sim.scenario.units import Quantity

RATE_KEYS = ("mtbf", "afr", "fit", "per_1000_node_days", "observed")
MOST_SOURCES = 64
_MOST_PER_S = 1e6
_FIT_S = 1e9 * HOUR_S
_THOUSAND_NODE_DAYS_S = 1_000 * 86_400.0


_ONE_RATE = "none: exactly one key gives the rate"


class FaultTable(Table):
    """`[faults.NAME]` as written."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [key]} for key in RATE_KEYS]})
    replaces: ClassVar[Mapping[str, frozenset[str]]] = {
        key: others if key == "observed" else others | {"uncertain"}
        for key, others in either(*((key,) for key in RATE_KEYS)).items()
    }

    per: Annotated[str, Level(UNITS)] = setting(
        "What the components are counted by: each GPU, each node, the job as a whole, or each domain of a group of "
        "cluster.groups."
    )
    count: AtLeastOne = setting(
        "Components of this kind per unit; 1 or more.", 1, "one of a kind unless said otherwise"
    )
    mtbf: Life | None = setting("Mean life of ONE component, in s, above 0.", None, _ONE_RATE)
    afr: Afr | None = setting(
        "Annual failure rate of ONE component, 8760 h / MTBF; a share or percent per year above 0.",
        None,
        _ONE_RATE,
    )
    fit: Annotated[float, Number(0.0, open_low=True)] | None = setting(
        "Faults of ONE component per 1e9 h; a number above 0.", None, _ONE_RATE
    )
    per_1000_node_days: Annotated[float, Number(0.0, open_low=True)] | None = setting(
        'Faults per 1000 node-days; a number above 0; only with per = "node" and count = 1.',
        None,
        _ONE_RATE,
    )
    observed: ObservedTable | None = setting(
        "Counted faults, components and time; the rate is events / (units x over).",
        None,
        _ONE_RATE,
    )
    uncertain: Flag | None = setting(
        "Whether each replication draws the rate anew, from what the observed faults leave open: gamma(events + 1/2, "
        "units x over), by Jeffreys' prior; only with observed. The rate is then that law's mean, also where an "
        "interval between saves is computed from it.",
        None,
        "run.uncertain",
    )
    rate_factor: Annotated[float, Number(0.0, open_low=True, high=1e6)] = setting(
        "What the rate is multiplied by, whatever key gives it; a number above 0. The same faults strike, their times "
        "stretched: a law of lives keeps its shape; initial_age and burn_in stay as they are.",
        1.0,
        "the rate is as it is given",
    )
    clock: Annotated[Clock, CLOCK_WORD] | None = setting(
        "Clock that the source ages on: wall clock, or only while the job steps or saves.",
        None,
        "training for a source per job that takes nothing, since software fails only while it runs; else wall, since "
        "hardware ages on the wall clock",
    )
    effect: Annotated[EffectTable, ShortForm(one_effect, (EFFECT_WORD,))] | None = setting(
        "What a fault does: stop, the job stops; hang, it waits until a watchdog notices; notice, it is known `lead` "
        "before: if the job can save until then, it does so at once, stops and loses nothing, else it goes on until "
        "the fault strikes; or a table of probabilities that add up to 1.",
        None,
        "stop",
    )
    lead: LawValue | None = setting(
        "Time from the notice of a fault until it strikes, in s: a duration or a table with a law. The job knows how "
        "much it has. Whatever else stops it meanwhile, the fault strikes then.",
        None,
        "none: required with the effect notice",
    )
    takes: Annotated[str, Level(("node", "nothing"))] | None = setting(
        "What goes down with it: its node, nothing, or a domain of a group: all nodes of it that work, at one time, in "
        "one incident, with a repair for each. Hot spares in the domain go down, too.",
        None,
        "node for a source per gpu or node, nothing for per job, the domain for a source per group",
    )
    needs: Annotated[NeedsTable, ShortForm(one_need, (NEED_WORD,))] | None = setting(
        "What a fault needs: process, reset or repair, or a table of probabilities that add up to 1.",
        None,
        "repair if it takes a node, else process",
    )
    detect: LawValue | None = setting(
        "Time until a stop of this source is seen, in s: a duration or a table with a law.", None, "detect.stop"
    )
    life: LifeTable | None = LIFE
    initial_age: InitialAge = INITIAL_AGE
    renewal: RenewalWord = RENEWAL
    burn_in: Duration = BURN_IN
    frailty: FrailtyTable | None = FRAILTY


@dataclass(frozen=True, slots=True)
class FaultSource:
    """A fault source, resolved.

    Parameters
    ----------
    per, clock, takes : str
        As in the file.
    effect : dict
        Probability of each effect that the file names, in the order stop, hang, notice; adds up to 1.
    count : int
        Components per unit, >= 1.
    rate : float
        Faults of ONE component, 1/s on the clock that they were counted on, >= 0; its mean if it is uncertain.
    shape : float
        Shape of the gamma law of an uncertain rate, > 0; 0: the rate is taken as known.
    needs : dict
        Probability of each need that the file names, in the order process, reset, repair; adds up to 1.
    detect : Law or None
        Time until a stop is seen, s; None: `Detect.stop`.
    ageing : Ageing or None
        How components live if their hazard depends on their age, or if they differ; None: exponential lives.
    lead : Law or None
        Time from the notice of a fault until it strikes, s; None: faults come without notice.
    counted_on : str or None
        Clock of the rate, if it is not that of the source.
    factor : float
        `rate_factor`, which `rate` holds, > 0.
    """

    per: str
    count: int
    rate: float
    shape: float
    clock: Clock
    effect: Mapping[Effect, float]
    takes: str
    needs: Mapping[Need, float]
    detect: Law | None
    ageing: Ageing | None = None
    lead: Law | None = None
    counted_on: Clock | None = None
    factor: float = 1.0


def check_fault_keys(keys: Mapping[str, Any]) -> Iterator[tuple[str | None, RefusedError]]:
    """Check which keys a source's table has, whatever their values are.

    Yields
    ------
    tuple of str or None and RefusedError
        Key inside the table, or None for the table, and what is wrong.
    """
    given = [key for key in RATE_KEYS if key in keys]
    if len(given) > 1:
        message = f"is one rate too many beside {listed(given[:-1])}"
        yield given[-1], RefusedError(message, f"exactly one of {listed(RATE_KEYS)}")
    if not given:
        yield (
            None,
            RefusedError("gives no rate", f"exactly one of {listed(RATE_KEYS)}", 'add mtbf = "50_000 h", for example'),
        )


def check_fault(table: FaultTable, uncertain: bool) -> Iterator[tuple[str | None, RefusedError]]:
    """Check what a source's valid values say together; `uncertain` is that of the run. Yields as `check_fault_keys`."""
    if table.uncertain and table.observed is None:
        yield "uncertain", NOT_COUNTED
    if table.per_1000_node_days is not None:
        if table.per != "node":
            yield "per_1000_node_days", RefusedError(f"counts nodes, but per is {shown(table.per)}", 'per = "node"')
        elif table.count != 1:
            yield (
                "per_1000_node_days",
                RefusedError(f"is a rate of whole nodes, but count is {table.count}", "count = 1"),
            )
    observed = table.observed
    if observed is not None and observed.units is None and table.per != "job":
        yield (
            "observed",
            RefusedError("gives no units", "the number of components that were watched, above 0", "add units"),
        )
    elif sum(getattr(table, key) is not None for key in RATE_KEYS) == 1 and rate_of(table, uncertain) > _MOST_PER_S:
        yield None, RefusedError("strikes more than once per microsecond and component", "a lower rate")
    yield from _check_notice(table)
    unsure = observed is not None and _is_uncertain(table, uncertain)
    yield from check_ageing(table, _given_rate(table, uncertain), _is_repaired(table), unsure)


def check_ages(table: FaultTable, key: str) -> Iterator[tuple[str | None, RefusedError]]:
    """Check ages at the start where `key`, of a stage of repair, has all of a node renewed; yields as
    `check_fault_keys`.
    """
    ages = table.life is not None and table.renewal == "unit" and table.initial_age == STATIONARY
    if ages and _is_repaired(table):
        message = f'is "{STATIONARY}", but {key} = "{ALL}" also renews what did not fail: such ages have no formula'
        yield "initial_age", RefusedError(message, '"new" or a duration', 'add initial_age = "new"')


def _is_repaired(table: FaultTable) -> bool:
    """Whether some of a source's faults take a node for repair."""
    takes = takes_of(table)
    return float(_needs(table, takes).get("repair", 0.0)) > 0.0 and takes != "nothing"


def _check_notice(table: FaultTable) -> Iterator[tuple[str | None, RefusedError]]:
    noticed = _effects(table).get("notice", 0.0) > 0.0
    if noticed and table.lead is None:
        remedy = 'add lead = "10 min", for example'
        yield "effect", RefusedError("has no lead: the time from the notice to the fault", "notice with lead", remedy)
    if table.lead is not None and not noticed:
        remedy = 'add effect = "notice", or leave it out'
        yield "lead", RefusedError("is the time after a notice, but the effect is none", "lead with notice", remedy)
    if noticed and (table.life is not None or table.frailty is not None):
        remedy = "leave out life and frailty, or the notice"
        yield "effect", RefusedError("is not there for components that age or differ", "stop or hang", remedy)


def rate_of(table: FaultTable, uncertain: bool) -> float:
    """Give the rate of one component, 1/s, of a table with exactly one rate key; `uncertain` is that of the run."""
    return _given_rate(table, uncertain) * table.rate_factor


def _given_rate(table: FaultTable, uncertain: bool) -> float:
    """Return the rate of one component, 1/s, as its key gives it."""
    if table.mtbf is not None:
        return 1.0 / table.mtbf
    if table.afr is not None:
        return float(table.afr) / YEAR_S
    if table.fit is not None:
        return table.fit / _FIT_S
    if table.per_1000_node_days is not None:
        return table.per_1000_node_days / _THOUSAND_NODE_DAYS_S
    if table.observed is None:
        return 0.0
    return observed_rate(table.observed, _is_uncertain(table, uncertain))


def _is_uncertain(table: FaultTable, uncertain: bool) -> bool:
    return uncertain if table.uncertain is None else table.uncertain


def resolve_fault(name: str, table: FaultTable, uncertain: bool, entries: Entries) -> FaultSource:
    """Resolve one source; `uncertain` is that of the run."""
    path = ("faults", name)
    takes = takes_of(table)
    needs = _needs(table, takes)
    entries.field(path, table, "per", "")
    entries.field(path, table, "count", "1")
    for key, unit in (("mtbf", "s"), ("afr", "1/year"), ("fit", "1/(1e9 h)"), ("per_1000_node_days", "1/(1000 days)")):
        entries.field(path, table, key, unit)
    entries.field(path, table, "rate_factor", "1")
    clock = clock_of(table)
    reason = "software fails only while it runs" if clock == "training" else "hardware ages on the wall clock"
    entries.add((*path, "clock"), clock, "", reason if table.clock is None else None)
    entries.field(path, table, "takes", "", takes)
    for key, law in (("detect", table.detect), ("lead", table.lead)):
        if law is not None and law.time is not None:
            entries.add((*path, key), law.time, "s")
    uncertain = _is_uncertain(table, uncertain)
    if table.observed is not None:
        entries.field(path, table, "uncertain", "", uncertain)
    age_entries(path, table, entries)
    if table.observed is not None:
        add_observed((*path, "observed"), table.observed, entries)
    for key, law in (("detect", table.detect), ("lead", table.lead)):
        if law is not None and law.time is None:
            add_law((*path, key), law, entries)
    source = None if table.needs is not None else source_of(FaultTable, "needs")
    for need, probability in needs.items():
        entries.add((*path, "needs", need), probability, "1", source)
    effects = _effects(table)
    for effect, probability in effects.items():
        entries.add((*path, "effect", effect), probability, "1", None if table.effect else "a fault stops the job")
    shares: dict[Need, float] = {need: float(probability) for need, probability in needs.items()}
    does: dict[Effect, float] = {effect: float(probability) for effect, probability in effects.items()}
    rate, shape = rate_of(table, uncertain), shape_of(table.observed, uncertain)
    detect = None if table.detect is None else resolve_law(table.detect)
    ageing = resolve_ageing(path, table, entries)
    lead = None if table.lead is None else resolve_law(table.lead)
    counted = None if table.observed is None or table.observed.clock == clock else table.observed.clock
    return FaultSource(
        table.per, table.count, rate, shape, clock, does, takes, shares, detect, ageing, lead, counted,
        table.rate_factor,
    )  # fmt: skip


def takes_of(table: FaultTable) -> str:
    """Give what goes down with a fault of a source."""
    return table.takes or {"gpu": "node", "node": "node", "job": "nothing"}.get(table.per, table.per)


def clock_of(table: FaultTable) -> Clock:
    """Give the clock that a source ages on."""
    return table.clock or ("training" if table.per == "job" and takes_of(table) == "nothing" else "wall")


def check_levels(table: FaultTable, groups: Iterable[str]) -> Iterator[tuple[str | None, RefusedError]]:
    """Check the groups that a source names; yields as `check_fault_keys`."""
    known = list(groups)
    for key, words in (("per", UNITS), ("takes", ("node", "nothing"))):
        value = getattr(table, key)
        if value is not None and value not in words and value not in known:
            close = nearest(value, [*words, *known])
            remedy = f"did you mean {shown(close)}?" if close else None
            yield (
                key,
                RefusedError("is none of the known values", listed(shown(word) for word in [*words, *known]), remedy),
            )
    if table.per not in UNITS and table.takes not in (None, table.per):
        remedy = 'for faults that only stop the job write needs = "process"'
        yield "takes", RefusedError(f"is not what it is counted by, {shown(table.per)}", shown(table.per), remedy)


def _effects(table: FaultTable) -> dict[Effect, Quantity]:
    if table.effect is None:
        return {"stop": Quantity(1.0, "1")}
    found = {effect: getattr(table.effect, effect) for effect in EFFECTS}
    return {effect: probability for effect, probability in found.items() if probability is not None}


def _needs(table: FaultTable, takes: str) -> dict[Need, Quantity]:
    if table.needs is None:
        need: Need = "process" if takes == "nothing" else "repair"
        return {need: Quantity(1.0, "1")}
    found = {need: getattr(table.needs, need) for need in NEEDS}
    return {need: probability for need, probability in found.items() if probability is not None}
