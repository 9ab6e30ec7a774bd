"""The kinds of values that a scenario table holds, each with its reader, its range and its JSON schema.

A reader turns what stands in the file into the value, or raises `RefusedError` with what is allowed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from sim.scenario import units
from sim.scenario.refusal import RefusedError, listed, nearest
from sim.scenario.units import Quantity

YEAR_S = 365 * 86_400.0
HOUR_S = 3_600.0
SHORTEST_S = 1e-6
"""Shortest duration where one must be positive, in seconds: times are exact to about 1 us."""
LONGEST_S = 136 * YEAR_S
"""Longest duration in seconds: below 2^33 s, where multiples of 2^-20 s are still exact."""
MOST = 10_000_000
"""Largest count of nodes and of components."""
NAME_LENGTH = 64

Json = dict[str, Any]


class Table(BaseModel):
    """A table of a scenario file as it was written; unknown keys are refused.

    `replaces` says which keys that an included file brought go when the including file gives another one.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_default=True, arbitrary_types_allowed=True, populate_by_name=False
    )
    replaces: ClassVar[Mapping[str, frozenset[str]]] = {}


def either(*groups: Iterable[str]) -> dict[str, frozenset[str]]:
    """Give `Table.replaces` for groups of keys that exclude each other: each key replaces all of the other groups."""
    sets = [frozenset(group) for group in groups]
    return {key: frozenset[str]().union(*(other for other in sets if other is not own)) for own in sets for key in own}


def setting(description: str, default: Any = ..., source: str = "", alias: str | None = None) -> Any:
    """Declare a key of a table.

    Parameters
    ----------
    description : str
        What it is, with its unit and range.
    default : object
        As it would stand in the file; None if it follows from other keys; left out if the key is required.
    source : str
        Where the default comes from: a reference, a rule, or "assumption: why".
    alias : str or None
        The key in the file where it cannot be the attribute's name.
    """
    return Field(default, description=description, json_schema_extra={"source": source}, alias=alias)


class Reader:
    """Reads one kind of value; stands as metadata in an annotated type."""

    allowed: str

    def read(self, value: object) -> Any:
        """Give the value, or raise `RefusedError`."""
        raise NotImplementedError

    def json_schema(self) -> Json:
        """Give the JSON schema of what may stand in the file."""
        raise NotImplementedError

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> Json:
        return self.json_schema()


@dataclass(frozen=True)
class WithUnit(Reader):
    """A number with a unit, in a range.

    Parameters
    ----------
    parse : callable
        One of the parsers of `sim.scenario.units`.
    allowed : str
        What is allowed, for messages.
    low, high : float
        Range in SI units; an end that does not belong to it is named in `open_low` or `open_high`.
    dimension, per : str
        Dimension of the unit and of its divisor, as `units.text_pattern` takes them.
    examples : tuple of str
        Texts for the JSON schema.
    bare : bool
        Whether a number without a unit is allowed, too.
    """

    parse: Callable[[object], Quantity]
    allowed: str
    low: float
    high: float
    dimension: str
    examples: tuple[str, ...]
    per: str | None = None
    open_low: bool = False
    open_high: bool = False
    bare: bool = False

    def read(self, value: object) -> Quantity:
        """Give the quantity, or raise `RefusedError`."""
        try:
            quantity = self.parse(value)
        except RefusedError as refusal:
            raise RefusedError(refusal.message, self.allowed, refusal.remedy) from None
        if quantity < self.low or (self.open_low and quantity == self.low):
            raise RefusedError("is too small", self.allowed)
        if quantity > self.high or (self.open_high and quantity == self.high):
            raise RefusedError("is too large", self.allowed, self._percent(value))
        return quantity

    def _percent(self, value: object) -> str | None:
        """Give a hint for percent that are written as a share."""
        if not isinstance(value, (int, float)) or self.high != 1.0 or value > 100:
            return None
        return f'did you mean "{value:g} %"?'

    def json_schema(self) -> Json:
        """Give the JSON schema of the text, or of the number."""
        pattern = units.text_pattern(self.dimension, self.per)
        text: Json = {"type": "string", "pattern": pattern, "examples": list(self.examples)}
        if not self.bare:
            return text
        number: Json = {"type": "number", "exclusiveMinimum" if self.open_low else "minimum": self.low}
        if math.isfinite(self.high):
            number["exclusiveMaximum" if self.open_high else "maximum"] = self.high
        return {"anyOf": [number, text]}


@dataclass(frozen=True)
class Whole(Reader):
    """A whole number, bounds included."""

    low: int
    high: int

    @property
    def allowed(self) -> str:  # type: ignore[override]
        """Say what is allowed."""
        return f"a whole number from {self.low} to {self.high:_}"

    def read(self, value: object) -> int:
        """Give the number, or raise `RefusedError`."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise RefusedError("must be a whole number", self.allowed)
        if not self.low <= value <= self.high:
            raise RefusedError("is too small" if value < self.low else "is too large", self.allowed)
        return int(value)

    def json_schema(self) -> Json:
        """Give the JSON schema of the number."""
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True)
class Number(Reader):
    """A finite number without a unit; `low` is excluded if `open_low`."""

    low: float
    open_low: bool = False
    high: float = 1e18

    @property
    def allowed(self) -> str:  # type: ignore[override]
        """Say what is allowed."""
        return f"a finite number {'above' if self.open_low else 'of at least'} {self.low:g}, without a unit"

    def read(self, value: object) -> float:
        """Give the number, or raise `RefusedError`."""
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise RefusedError("must be a number", self.allowed)
        if not -self.high <= value <= self.high:
            raise RefusedError("must be a finite number" if not _is_finite(value) else "is too large", self.allowed)
        if value < self.low or (self.open_low and value == self.low):
            raise RefusedError("is too small", self.allowed)
        return float(value) + 0.0

    def json_schema(self) -> Json:
        """Give the JSON schema of the number."""
        return {"type": "number", "exclusiveMinimum" if self.open_low else "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True)
class Choice(Reader):
    """One of a few words."""

    options: tuple[str, ...]

    @property
    def allowed(self) -> str:  # type: ignore[override]
        """Say what is allowed."""
        return listed(f'"{option}"' for option in self.options)

    def read(self, value: object) -> str:
        """Give the word, or raise `RefusedError`."""
        if isinstance(value, str) and value in self.options:
            return value
        close = nearest(value, self.options) if isinstance(value, str) else None
        raise RefusedError("is none of the known values", self.allowed, f'did you mean "{close}"?' if close else None)

    def json_schema(self) -> Json:
        """Give the JSON schema of the word."""
        return {"type": "string", "enum": list(self.options)}


class YesNo(Reader):
    """true or false."""

    allowed = "true or false"

    def read(self, value: object) -> bool:
        """Give the value, or raise `RefusedError`."""
        if not isinstance(value, bool):
            raise RefusedError("must be true or false", self.allowed, "write it without quotes")
        return value

    def json_schema(self) -> Json:
        """Give the JSON schema of a bool."""
        return {"type": "boolean"}


class Title(Reader):
    """A short text on one line."""

    allowed = "a text of 1 to 200 printable characters"

    def read(self, value: object) -> str:
        """Give the text, or raise `RefusedError`."""
        if not isinstance(value, str) or not 1 <= len(value) <= 200 or not value.isprintable():
            raise RefusedError("must be a short text on one line", self.allowed)
        return value

    def json_schema(self) -> Json:
        """Give the JSON schema of the text."""
        return {"type": "string", "minLength": 1, "maxLength": 200}


@dataclass(frozen=True)
class ShortForm:
    """Lets something short stand for a table; stands as metadata in an annotated type.

    Parameters
    ----------
    expand : callable
        Turns whatever is not a table into the table's keys, or raises `RefusedError`.
    short : tuple of Reader
        Readers of the short forms, for the JSON schema.
    """

    expand: Callable[[Any], Json]
    short: tuple[Reader, ...]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def widen(value: object) -> object:
            return value if isinstance(value, dict) else self.expand(value)

        return core_schema.no_info_before_validator_function(widen, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> Json:
        return {"anyOf": [*(reader.json_schema() for reader in self.short), handler(schema)]}


def check_name(name: str) -> None:
    """Refuse a name of a source, store, rule or stage that cannot be shown in a table."""
    if not 1 <= len(name) <= NAME_LENGTH or not name.isprintable():
        raise RefusedError(
            f"has a name of {len(name)} characters" if name.isprintable() else "has a name that cannot be printed",
            f"a name of 1 to {NAME_LENGTH} printable characters",
        )


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return True


def _lasting(allowed: str, low: float, high: float, *examples: str) -> WithUnit:
    return WithUnit(units.duration, allowed, low, high, "[time]", examples)


def _share(allowed: str, high: float, *examples: str, open_low: bool = False, open_high: bool = False) -> WithUnit:
    return WithUnit(units.fraction, allowed, 0.0, high, "dimensionless", examples, None, open_low, open_high, bare=True)


DURATION = _lasting('a duration from "0 s" to "136 years", such as "10 min"', 0.0, LONGEST_S, "10 min", "1.5 h")
Duration = Annotated[Quantity, DURATION]
"""Duration in seconds, 0 allowed."""
POSITIVE_DURATION = _lasting(
    'a duration from "1 us" to "136 years", such as "10 min"', SHORTEST_S, LONGEST_S, "10 min", "1.5 h"
)
PositiveDuration = Annotated[Quantity, POSITIVE_DURATION]
"""Duration in seconds, above 0."""
Life = Annotated[
    Quantity,
    WithUnit(
        units.life, 'a duration above 0, such as "6_300 h"', SHORTEST_S, math.inf, "[time]", ("6_300 h", "5 years")
    ),
]
"""Mean life in seconds, above 0, without an upper end."""
Span = Annotated[
    Quantity,
    _lasting('a duration above 0, at most "100 years", such as "54 days"', SHORTEST_S, 100 * YEAR_S, "54 days"),
]
"""Length of a run in seconds."""
SIZE = WithUnit(units.size, 'a size in bytes above 0, such as "28 TB"', 1.0, 1e30, "[size]", ("28 TB", "512 GiB"))
Size = Annotated[Quantity, SIZE]
"""Size in bytes."""
Bandwidth = Annotated[
    Quantity,
    WithUnit(
        units.bandwidth,
        'a bandwidth above 0, such as "2 TB/s"',
        0.0,
        1e30,
        "[size]",
        ("2 TB/s", "500 GB/s"),
        "[time]",
        True,
    ),
]
"""Bandwidth in bytes per second."""
Probability = Annotated[Quantity, _share('a share from 0 to 1, such as 0.8 or "80 %"', 1.0, "80 %")]
"""Share of 1, both ends included."""
Success = Annotated[Quantity, _share('a share above 0, at most 1, such as 0.8 or "80 %"', 1.0, "80 %", open_low=True)]
"""Share of 1, above 0."""
Slowdown = Annotated[Quantity, _share('a share from 0 to below 1, such as 0.03 or "3 %"', 1.0, "3 %", open_high=True)]
"""Share of 1, below 1."""
AtLeastOne = Annotated[int, Whole(1, MOST)]
"""Count of at least one."""
Count = Annotated[int, Whole(0, MOST)]
"""Count, 0 allowed."""
Flag = Annotated[bool, YesNo()]
"""true or false."""
