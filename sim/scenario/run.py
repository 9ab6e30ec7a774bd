"""The run: how long, from where, with which seed, and how precise the answer must be."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict

from sim.scenario import units
from sim.scenario.calendar import Moment
from sim.scenario.entries import Entries
from sim.scenario.fields import (
    SHORTEST_S,
    YEAR_S,
    Choice,
    Flag,
    PositiveDuration,
    Span,
    Table,
    Whole,
    WithUnit,
    setting,
)
from sim.scenario.refusal import RefusedError
from sim.scenario.units import Quantity, in_seconds
from sim.scenario.work import Work

MOST_PERIODS = 1_000
"""Most periods of a series: a replication keeps 32 bytes for each."""

LONGEST_YEARS = 272
"""Years after which a run is given up at the latest: up to there times are exact."""

_GIVE_UP = WithUnit(
    units.duration,
    f'a duration above 0, at most "{LONGEST_YEARS} years", such as "2 years"',
    SHORTEST_S,
    LONGEST_YEARS * YEAR_S,
    "[time]",
    ("2 years",),
)

HALF_WIDTH = WithUnit(
    units.points,
    'percentage points above 0, at most 100, such as "0.1 points"',
    0.0,
    1.0,
    "[difference]",
    ("0.1 points",),
    open_low=True,
)
_CONFIDENCE = WithUnit(
    units.fraction,
    'a share above 0.5 and below 1, such as 0.95 or "95 %"',
    0.5,
    1.0,
    "dimensionless",
    ("95 %",),
    open_low=True,
    open_high=True,
    bare=True,
)


class PrecisionTable(Table):
    """`precision` of a run as written."""

    of: Annotated[Literal["ettr"], Choice(("ettr",))] = setting(
        "Metric that must be precise.", "ettr", "ETTR is what scenarios are compared by"
    )
    half_width: Annotated[Quantity, HALF_WIDTH] = setting(
        "Half the width of the confidence interval, in percentage points, above 0.",
        "0.1 points",
        "assumption: what a comparison of intervals between saves needs",
    )


class RunTable(Table):
    """`[run]` as written."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["horizon"]}, {"required": ["work"]}]})
    replaces: ClassVar[Mapping[str, frozenset[str]]] = {
        "horizon": frozenset(("work", "give_up")), "work": frozenset(("horizon", "series"))
    }  # fmt: skip

    horizon: Span | None = setting(
        "Wall clock after which the run ends, in s, above 0, at most 100 years.", None, "none: either horizon or work"
    )
    work: Work | None = setting(
        "Useful work after which the run ends, in s at full speed, above 0, at most 100 years; or in tokens, FLOP or "
        "steps, which [efficiency] puts into seconds: FLOP / (GPUs of the job x peak x MFU).",
        None,
        "none: either horizon or work",
    )
    give_up: Annotated[Quantity, _GIVE_UP] | None = setting(
        "Wall clock after which a run ends though its work is not done, in s, at least the work, at most 272 years; "
        "only with work.",
        None,
        "10 times the work, at least 1 year, at most 272 years; an assumption: such a run has failed",
    )
    series: PositiveDuration | None = setting(
        "Length of the periods whose results are given one by one, too, in s, above 0; only with horizon, at most 1000 "
        "periods.",
        None,
        "none: results are those of the whole run",
    )
    initial_start: Flag | None = setting(
        "Whether the run begins with the stages of the last rule.", None, "true with work, false with horizon"
    )
    final_save: Flag | None = setting(
        "Whether the run ends with a save; only with work.", None, "true with work and a store, else false"
    )
    seed: Annotated[int, Whole(0, 2**63 - 1)] = setting(
        "Seed of all random draws; 0 or more.", 1, "any fixed number: results can be had again"
    )
    start: Annotated[str, Moment()] = setting(
        "Day and time of the week at which the run starts, for the working hours of crews.",
        "mon 00:00",
        "assumption: a run is as likely to start at any other time",
    )
    uncertain: Flag = setting(
        "Whether sources that are given as observed, and do not say it themselves, are uncertain.",
        False,
        "assumption: the rates are asked about as they are given",
    )
    precision: PrecisionTable = setting("Precision to reach.", {}, 'of = "ettr", half_width = "0.1 points"')
    confidence: Annotated[Quantity, _CONFIDENCE] = setting(
        "Confidence of all intervals; above 0.5, below 1.", 0.95, "the usual level"
    )
    max_replications: Annotated[int, Whole(1, 10_000_000)] = setting(
        "Most replications, whatever the precision; 1 or more.", 4_096, "assumption: minutes on one core"
    )
    max_events: Annotated[int, Whole(1, 10**15)] = setting(
        "Most faults, repairs, pauses and starts that fail of one run, after which it ends as event_limit; 1 or more. "
        "With several stores four saves count as one where they do not repeat, so that each has to be gone through.",
        10_000_000,
        "assumption: far above any cluster of today, and still seconds",
    )


@dataclass(frozen=True, slots=True)
class Precision:
    """Half width of the interval of ETTR that is asked for, as a share of 1."""

    of: Literal["ettr"]
    half_width: float


@dataclass(frozen=True, slots=True)
class Run:
    """The run, resolved: exactly one of `horizon` and `work`, s; `confidence` as a share of 1; `start` as written.
    `give_up` goes with `work`, s.

    `series` is the length of a period, s, None if none is asked for; `uncertain` is only the default of the sources.
    """

    horizon: Quantity | None
    work: Quantity | None
    series: Quantity | None
    initial_start: bool
    final_save: bool
    seed: int
    uncertain: bool
    precision: Precision
    confidence: float
    max_replications: int
    max_events: int
    start: str = "mon 00:00"
    give_up: Quantity | None = None


def check_run_keys(keys: Mapping[str, Any]) -> Iterator[tuple[str | None, RefusedError]]:
    """Check which keys `[run]` has; yields the key and what is wrong."""
    if "horizon" in keys and "work" in keys:
        yield "work", RefusedError("is given beside horizon", "exactly one of horizon and work")
    if "horizon" not in keys and "work" not in keys:
        remedy = 'add horizon = "30 days", for example'
        yield None, RefusedError("gives no length", "exactly one of horizon and work", remedy)
    if "series" in keys and "work" in keys:
        yield (
            "series",
            RefusedError(
                "needs a horizon: runs until work is done end at different times, and a late period would be that of "
                "the slow ones",
                "series only with horizon",
            ),
        )
    if "give_up" in keys and "horizon" in keys:
        yield (
            "give_up",
            RefusedError("needs a run until work is done: a run with a horizon ends there", "give_up with work"),
        )
    if keys.get("final_save") is True and "horizon" in keys:
        yield "final_save", RefusedError("needs a run until work is done", "final_save = true only with work")


def check_run(table: RunTable) -> Iterator[tuple[str | None, RefusedError]]:
    """Check what the valid values of `[run]` say together; yields as `check_run_keys`."""
    if table.series is not None and table.horizon is not None and table.horizon > MOST_PERIODS * table.series:
        periods = math.ceil(table.horizon / table.series)
        yield (
            "series",
            RefusedError(
                f"cuts the horizon into {periods:_} periods",
                f"at most {MOST_PERIODS:_} periods",
                f'a period of at least "{table.horizon / MOST_PERIODS / 3600:.3g} h"',
            ),
        )


def check_give_up(give_up: Quantity | None, work: Quantity) -> Iterator[tuple[str, RefusedError]]:
    """Check that a run can be done before it is given up; work in s; yields as `check_run_keys`."""
    if give_up is not None and give_up < work:
        message = f"is shorter than the work, {work / 86_400:.4g} days at full speed: no run could be done by then"
        yield "give_up", RefusedError(message, "at least the work", "leave it out for 10 times the work")


def give_up_after(work: float) -> Quantity:
    """Return when a run is given up that says nothing of it, s: 10 times the work, 1 to 272 years."""
    if 10 * work <= YEAR_S:
        return units.duration("1 year")
    return in_seconds(10 * work) if 10 * work < LONGEST_YEARS * YEAR_S else units.duration(f"{LONGEST_YEARS} years")


def resolve_run(table: RunTable, work: Quantity | None, has_store: bool, entries: Entries) -> Run:
    """Resolve `[run]`, whose work is known in seconds; without a store there is no final save."""
    path = ("run",)
    until_work = work is not None
    start = until_work if table.initial_start is None else table.initial_start
    save = has_store and (until_work if table.final_save is None else table.final_save)
    entries.field(path, table, "horizon", "s")
    entries.field(path, table, "work", "s", work)
    give_up = give_up_after(work) if work is not None and table.give_up is None else table.give_up
    entries.field(path, table, "give_up", "s", give_up)
    entries.field(path, table, "series", "s")
    entries.field(path, table, "initial_start", "", start)
    entries.field(path, table, "final_save", "", save)
    entries.field(path, table, "seed", "1")
    entries.field(path, table, "start", "")
    entries.field(path, table, "uncertain", "")
    entries.field(path, table, "confidence", "1")
    entries.field(path, table, "max_replications", "1")
    entries.field(path, table, "max_events", "1")
    entries.field((*path, "precision"), table.precision, "of", "")
    entries.field((*path, "precision"), table.precision, "half_width", "1")
    precision = Precision(table.precision.of, float(table.precision.half_width))
    return Run(
        table.horizon,
        work,
        table.series,
        start,
        save,
        table.seed,
        table.uncertain,
        precision,
        float(table.confidence),
        table.max_replications,
        table.max_events,
        table.start,
        give_up,
    )
