"""Laws of random durations: constant, exponential, lognormal, or a mixture of these."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import model_validator

from sim.scenario.entries import Entries
from sim.scenario.fields import (
    DURATION,
    Choice,
    Duration,
    PositiveDuration,
    Probability,
    ShortForm,
    Table,
    either,
    setting,
)
from sim.scenario.refusal import RefusedError, listed
from sim.scenario.units import Quantity, in_seconds

LawName = Literal["constant", "exponential", "lognormal", "mixture", "never"]

NEVER: Literal["never"] = "never"
MOST_PARTS = 32
SUM_TOLERANCE = 1e-9
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "exponential": ("mean",),
    "lognormal": ("mean", "sd"),
    "mixture": ("of",),
}
_PARAMETERS = ("mean", "sd", "of")
OF_LAW = ("law", *_PARAMETERS)
_MEAN = "Mean of the law, in s, above 0."
_SD = "Standard deviation of the lognormal law, in s, above 0."


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a mixture: its share of 1 and its law."""

    share: float
    law: Law


@dataclass(frozen=True, slots=True)
class Law:
    """A random duration.

    Parameters
    ----------
    law : str
        "constant", "exponential", "lognormal", "mixture", or "never" (of a repair: the node does not come back).
    mean, sd : Quantity
        Mean and standard deviation, s; of a mixture those of the whole.
    of : tuple of Part
        Parts of a mixture, in file order; else empty.
    """

    law: LawName
    mean: Quantity
    sd: Quantity
    of: tuple[Part, ...] = ()


class PlainLawTable(Table):
    """A duration that is no mixture: `time` for a constant one, else `law` with its parameters."""

    time: Duration | None = setting("Constant duration, in s, 0 or more.", None, "either time or law")
    law: Annotated[LawName, Choice(("exponential", "lognormal"))] | None = setting(
        "Law of the duration.", None, "either time or law"
    )
    mean: PositiveDuration | None = setting("Mean of the law, in s, above 0.", None, "none: each law needs it")
    sd: PositiveDuration | None = setting(
        "Standard deviation of the lognormal law, in s, above 0.", None, "none: the lognormal law needs it"
    )

    @model_validator(mode="after")
    def _fits_together(self) -> PlainLawTable:
        self.check()
        return self

    def check(self) -> None:
        """Refuse keys that do not go together."""
        check_law(self, ("time", "law"))


class PartTable(PlainLawTable):
    """One part of a mixture as written."""

    share: Probability = setting("Probability of this part, from 0 to 1; all parts add up to 1.")


class LawTable(PlainLawTable):
    """A duration as written: `time`, or `law` with its parameters. A law comes with its own parameters."""

    replaces: ClassVar[Mapping[str, frozenset[str]]] = {
        **either(("time",), OF_LAW),
        "law": frozenset({"time", *OF_LAW}),
    }

    law: Annotated[LawName, Choice(tuple(_NEEDED))] | None = setting("Law of the duration.", None, "either time or law")
    of: list[PartTable] | None = setting(
        "Parts of a mixture, 1 to 32, each with its share.", None, "none: law = mixture needs it"
    )

    def check(self) -> None:
        """Refuse keys that do not go together."""
        super().check()
        check_parts(self.of)


class RepairLawTable(LawTable):
    """The time of a repair as written: as any duration, or never."""

    law: Annotated[LawName, Choice((*_NEEDED, NEVER))] | None = setting(
        "Law of the duration; never: the node does not come back.", None, "either time or law"
    )


_NEVER_WORD = Choice((NEVER,))


def _as_repair_time(value: object) -> dict[str, Any]:
    return {"law": NEVER} if value == NEVER else {"time": value}


RepairTime = Annotated[RepairLawTable, ShortForm(_as_repair_time, (DURATION, _NEVER_WORD))]
"""A duration, a table with a law, or "never"."""


def check_law(table: PlainLawTable, kinds: tuple[str, ...], allowed: str | None = None) -> None:
    """Refuse a table that gives none or several of `kinds`, or parameters that its law does not have.

    Raises
    ------
    RefusedError
        With the keys that are allowed together.
    """
    given = [kind for kind in kinds if getattr(table, kind) is not None]
    if len(given) != 1:
        found = f"gives {' and '.join(given)}" if given else "gives no duration"
        raise RefusedError(found, allowed or f"exactly one of {listed(kinds)}")
    needed = _NEEDED.get(table.law, ()) if table.law is not None else ()
    name = f'law = "{table.law}"' if table.law is not None else given[0]
    for key in _PARAMETERS:
        has = getattr(table, key, None) is not None
        if has and key not in needed:
            raise RefusedError(f"gives {key}, which {name} does not have", _allowed_with(name, needed))
        if not has and key in needed:
            raise RefusedError(f"gives no {key}, which {name} needs", _allowed_with(name, needed))


def check_parts(parts: list[PartTable] | None) -> None:
    """Refuse too many parts, or shares that do not add up to 1."""
    if parts is None:
        return
    if not 1 <= len(parts) <= MOST_PARTS:
        raise RefusedError(f"has a mixture of {len(parts)} parts", f"1 to {MOST_PARTS} parts")
    total = math.fsum(part.share for part in parts)
    if abs(total - 1.0) > SUM_TOLERANCE:
        raise RefusedError(f"has shares that add up to {total:.12g}", "shares that add up to 1")


def _allowed_with(name: str, needed: tuple[str, ...]) -> str:
    return f"{name} with {' and '.join(needed)}" if needed else f"{name} alone"


def constant(time: Quantity) -> Law:
    """Make the law of a constant duration."""
    return Law("constant", time, in_seconds(0.0))


def resolve_law(table: PlainLawTable) -> Law:
    """Resolve a table with either `time` or `law`."""
    if table.time is not None:
        return constant(table.time)
    if table.law == NEVER:
        return Law(NEVER, in_seconds(math.inf), in_seconds(0.0))
    if isinstance(table, LawTable) and table.of is not None:
        return _mixture(tuple(Part(float(part.share), resolve_law(part)) for part in table.of))
    assert table.mean is not None
    if table.sd is not None:
        return Law("lognormal", table.mean, table.sd)
    return Law("exponential", table.mean, in_seconds(table.mean))


def _mixture(parts: tuple[Part, ...]) -> Law:
    mean = math.fsum(part.share * part.law.mean for part in parts)
    second = math.fsum(part.share * (part.law.mean**2 + part.law.sd**2) for part in parts)
    return Law("mixture", in_seconds(mean), in_seconds(math.sqrt(max(0.0, second - mean**2))), parts)


def as_time(value: object) -> dict[str, Any]:
    """Let a bare duration stand for a table with `time`."""
    return {"time": value}


LawValue = Annotated[LawTable, ShortForm(as_time, (DURATION,))]
"""A duration, or a table with a law."""


def add_law(path: tuple[str, ...], table: LawTable, entries: Entries) -> None:
    """Add the entries of a law: one if it is constant."""
    if table.time is not None:
        entries.add(path, table.time, "s")
        return
    for key, value in law_keys(table).items():
        entries.add((*path, key), value, "" if key in ("law", "of") else "s")


def law_keys(table: PlainLawTable) -> dict[str, Any]:
    """Give the keys of the law that a table sets, for the list of entries."""
    names = ("time", "law", "mean", "sd")
    keys = {name: getattr(table, name) for name in names if getattr(table, name) is not None}
    if isinstance(table, LawTable) and table.of is not None:
        keys["of"] = [{"share": part.share, **law_keys(part)} for part in table.of]
    return keys
