"""A rate from counted faults: the rate itself, and how uncertain it is."""

from __future__ import annotations

from typing import Annotated, Literal

from sim.scenario.entries import Entries
from sim.scenario.fields import Choice, Number, PositiveDuration, Table, setting
from sim.scenario.refusal import RefusedError, shown

Clock = Literal["wall", "training"]
CLOCK_WORD = Choice(("wall", "training"))

JEFFREYS = 0.5
"""What Jeffreys' prior, gamma(1/2, 0), adds to the counted events (H. Jeffreys, "An invariant form for the prior
probability in estimation problems", Proc. R. Soc. A 186, 1946)."""

NOT_COUNTED = RefusedError(
    "needs counted faults: only they say how uncertain the rate is",
    "uncertain only with observed",
    "give observed = { events, units, over }, or leave it out",
)


class ObservedTable(Table):
    """`observed` of a fault source as written."""

    events: Annotated[float, Number(0.0)] = setting("Faults that were counted; a number, 0 or more.")
    units: Annotated[float, Number(0.0, open_low=True)] | None = setting(
        "Components that were watched; a number above 0.", None, "1 for a source per job; else required"
    )
    over: PositiveDuration = setting("How long they were watched, on the clock below, in s, above 0.")
    clock: Annotated[Clock, CLOCK_WORD] | None = setting(
        "Clock that `over` was read on. If it is not the source's own, the rate is converted with the share of the "
        "time in which this file's job trains or saves. A closed form gives it and `sim show` prints it; it leaves out "
        "waits for nodes, maintenance and the rest that `sim show` lists as left out. Only for components that were "
        "watched in a job like this file's. A changed job has another share: its count per time on this clock stays "
        "the same.",
        None,
        "the source's own clock",
    )


def observed_rate(table: ObservedTable, uncertain: bool) -> float:
    """Give the rate of one component, 1/s: events / (units x over), or the mean of the rate's law if it is uncertain.

    With Jeffreys' prior that law is gamma(events + 1/2, units x over), of mean (events + 1/2) / (units x over).
    """
    events = table.events + JEFFREYS if uncertain else table.events
    return events / (1.0 if table.units is None else table.units) / table.over


def shape_of(table: ObservedTable | None, uncertain: bool) -> float:
    """Give the shape of the gamma law of the rate: 0 where the rate is taken as known."""
    return table.events + JEFFREYS if table is not None and uncertain else 0.0


def add_observed(path: tuple[str, ...], table: ObservedTable, entries: Entries) -> None:
    """Add what was observed to the entries."""
    entries.field(path, table, "events", "1")
    entries.field(path, table, "units", "1", 1.0 if table.units is None else table.units)
    entries.field(path, table, "over", "s")
    entries.field(path, table, "clock", "")


def check_watched(table: ObservedTable, own: Clock, components: int) -> RefusedError | None:
    """Refuse a count on another clock than the source's ``own`` that is not of the ``components`` of this job."""
    watched = 1.0 if table.units is None else table.units
    if table.clock in (None, own) or watched == components:
        return None
    return RefusedError(
        f"converts the count of {watched:g} components, but this job has {components}: the share of the time in which "
        "another job trained is not known",
        f"clock = {shown(table.clock)} with units = {components}",
        f'give over on the clock "{own}", and leave this out',
    )
