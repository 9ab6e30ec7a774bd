"""Numbers with units, as they stand in scenario files, to plain SI floats.

Every text is matched against one fixed pattern (number, unit, at most one "/unit") before anything
else looks at it, so no expression of a file is ever evaluated.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from decimal import Decimal, DecimalException
from functools import lru_cache

from sim.scenario.refusal import RefusedError, listed

_MAX_LENGTH = 200
_REMEMBERED = 4_096
"""Texts with a unit that are read once, not once for each case of a sweep."""

NUMBER_PATTERN = r"[0-9]+(?:_[0-9]+)*(?:\.[0-9]+(?:_[0-9]+)*)?(?:[eE][+-]?[0-9]+)?"
_TEXT = re.compile(rf"\s*([+-]?)({NUMBER_PATTERN})\s*([A-Za-zµμ%]*)\s*(?:/\s*([A-Za-z]+))?\s*")
_NOT_FINITE = re.compile(r"\s*[+-]?(?:nan|inf|infinity)\b.*", re.IGNORECASE | re.DOTALL)

# Canonical name, in SI units, dimension, other spellings. Bits are left out on purpose: "Gb" for "GB" is off by eight.
# Short enough to be written out: a library of units takes longer to start than all else that reads a file. The tests
# hold each unit and each quotient to pint.
_UNITS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("second", "1", "[time]", ("s", "sec", "seconds")),
    ("millisecond", "1e-3", "[time]", ("ms", "milliseconds")),
    ("microsecond", "1e-6", "[time]", ("us", "µs", "μs", "microseconds")),
    ("minute", "60", "[time]", ("min", "minutes")),
    ("hour", "3600", "[time]", ("h", "hours")),
    ("day", "86400", "[time]", ("d", "days")),
    ("week", "604800", "[time]", ("weeks",)),
    ("year", "31536000", "[time]", ("years",)),  # 365 days
    ("byte", "1", "[size]", ("B", "bytes")),
    ("kilobyte", "1e3", "[size]", ("kB",)),
    ("megabyte", "1e6", "[size]", ("MB",)),
    ("gigabyte", "1e9", "[size]", ("GB",)),
    ("terabyte", "1e12", "[size]", ("TB",)),
    ("petabyte", "1e15", "[size]", ("PB",)),
    ("exabyte", "1e18", "[size]", ("EB",)),
    ("kibibyte", "1024", "[size]", ("KiB",)),
    ("mebibyte", "1048576", "[size]", ("MiB",)),
    ("gibibyte", "1073741824", "[size]", ("GiB",)),
    ("tebibyte", "1099511627776", "[size]", ("TiB",)),
    ("pebibyte", "1125899906842624", "[size]", ("PiB",)),
    ("percent", "0.01", "dimensionless", ("%",)),
    ("point", "0.01", "[difference]", ("points",)),
    ("step", "1", "[steps]", ("steps",)),
    ("save", "1", "[saves]", ("saves",)),
    ("joule", "1", "[energy]", ("J", "joules")),
    ("kilowatthour", "3.6e6", "[energy]", ("kWh",)),
    ("megawatthour", "3.6e9", "[energy]", ("MWh",)),
    ("watt", "1", "[energy] / [time]", ("W", "watts")),
    ("kilowatt", "1e3", "[energy] / [time]", ("kW",)),
    ("megawatt", "1e6", "[energy] / [time]", ("MW",)),
    ("gigawatt", "1e9", "[energy] / [time]", ("GW",)),
    ("flop", "1", "[flop]", ("FLOP",)),
    ("gigaflop", "1e9", "[flop]", ("GFLOP",)),
    ("teraflop", "1e12", "[flop]", ("TFLOP",)),
    ("petaflop", "1e15", "[flop]", ("PFLOP",)),
    ("exaflop", "1e18", "[flop]", ("EFLOP",)),
    ("dollar", "1", "[money]", ("USD",)),
    ("token", "1", "[tokens]", ("tokens",)),
)
_CANONICAL = {spelling: name for name, _, _, others in _UNITS for spelling in (name, *others)}
_IN_SI = {name: (Decimal(factor), dimension) for name, factor, dimension, _ in _UNITS}
_HINTS = {
    "m": 'write "min" for minutes',
    "M": 'write "min" for minutes, "MB" for megabytes',
    "month": "months differ in length: write days",
    "months": "months differ in length: write days",
    "mo": "months differ in length: write days",
    "TFLOPS": 'write "TFLOP/s"',
    "TFLOPs": 'write "TFLOP/s"',
    "PFLOPS": 'write "PFLOP/s"',
    "FLOPS": 'write "FLOP/s" for a speed, "FLOP" for a count',
    "FLOPs": 'write "FLOP" for a count, "FLOP/s" for a speed',
}
_BITS = re.compile(r"[kKMGTPE]?i?(?:b|bit|bits|bps)")

_DIMENSIONS = {
    "[time]": "a duration",
    "[size]": "a size in bytes",
    "[size] / [time]": "a bandwidth",
    "dimensionless": "a share",
    "1 / [time]": "a share per time",
    "[difference]": "a number of percentage points",
    "[steps]": "a count of steps",
    "[saves]": "a count of saves",
    "[energy]": "an energy",
    "[energy] / [time]": "a power",
    "[flop]": "a count of FLOP",
    "[flop] / [time]": "a speed in FLOP/s",
    "[money]": "an amount of money",
    "[money] / [energy]": "a price of energy",
    "[tokens]": "a count of tokens",
}


class Quantity(float):
    """An SI value that remembers how it was written.

    Parameters
    ----------
    value : float
        Value in seconds, bytes, bytes per second, watts, joules, FLOP, dollars, tokens, or as a share of 1.
    written : str
        As it stands in the file: ``"10 min"``.
    """

    __slots__ = ("written",)
    written: str

    def __new__(cls, value: float, written: str) -> Quantity:
        made = super().__new__(cls, value)
        made.written = written
        return made

    def __getnewargs__(self) -> tuple[float, str]:  # type: ignore[override]
        return float(self), self.written

    def __repr__(self) -> str:
        return f"Quantity({float(self)!r}, {self.written!r})"


def in_seconds(value: float) -> Quantity:
    """Make a duration out of a plain number of seconds, written canonically.

    Parameters
    ----------
    value : float
        Seconds, finite, >= 0.
    """
    digits = repr(float(value))
    return Quantity(value, f"{digits.removesuffix('.0')} s")


def duration(value: object) -> Quantity:
    """Read a duration such as ``"10 min"``; seconds.

    Raises
    ------
    RefusedError
        If it is not a text of a number and a unit of time, or negative or not finite.
    """
    return _read(value, "[time]", 'a duration such as "10 min"', ("s", "min", "h"))


def life(value: object) -> Quantity:
    """Read a mean life such as ``"6_300 h"``, as `duration` does; seconds."""
    return _read(value, "[time]", 'a duration such as "6_300 h"', ("h", "days", "years"))


def size(value: object) -> Quantity:
    """Read a size such as ``"28 TB"``; bytes. Raises `RefusedError`."""
    return _read(value, "[size]", 'a size in bytes such as "28 TB"', ("GB", "TB"))


def bandwidth(value: object) -> Quantity:
    """Read a bandwidth such as ``"2 TB/s"``; bytes per second. Raises `RefusedError`."""
    return _read(value, "[size] / [time]", 'a bandwidth such as "2 TB/s"', ("GB/s", "TB/s"))


def points(value: object) -> Quantity:
    """Read percentage points such as ``"0.1 points"``; as a share of 1 (0.001). Raises `RefusedError`."""
    return _read(value, "[difference]", 'percentage points such as "0.1 points"', ("points",))


def fraction(value: object) -> Quantity:
    """Read a share such as ``"0.1 %"`` or the bare number 0.001; as a share of 1. Raises `RefusedError`."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _bare(value, 'a share such as 0.001 or "0.1 %"')
    return _read(value, "dimensionless", 'a share such as 0.001 or "0.1 %"', ("%",))


def yearly_fraction(value: object) -> Quantity:
    """Read a share per year such as ``"2 %"`` or ``"2 %/year"`` or 0.02; per year. Raises `RefusedError`."""
    if isinstance(value, str) and len(value) <= _MAX_LENGTH:
        match = _TEXT.fullmatch(value)
        if match and _CANONICAL.get(match[4] or "") == "year":
            number = match[1] + match[2]
            share = fraction(f"{number} {match[3]}") if match[3] else _bare(float(number), "a share")
            return Quantity(float(share), value)
    return fraction(value)


def steps(value: object) -> Quantity:
    """Read a count of steps such as ``"50 steps"``: whole, >= 1. Raises `RefusedError`."""
    return _count(value, "steps")


def is_steps(value: object) -> bool:
    """Say whether a text looks like a count of steps rather than a duration."""
    return _counts(value, "step")


def saves(value: object) -> Quantity:
    """Read a count of saves such as ``"10 saves"``: whole, >= 1. Raises `RefusedError`."""
    return _count(value, "saves")


def is_saves(value: object) -> bool:
    """Say whether a text looks like a count of saves rather than a duration."""
    return _counts(value, "save")


def power(value: object) -> Quantity:
    """Read a power such as ``"700 W"``; watts. Raises `RefusedError`."""
    return _read(value, "[energy] / [time]", 'a power such as "700 W"', ("W", "kW"))


def speed(value: object) -> Quantity:
    """Read a speed such as ``"989 TFLOP/s"``; FLOP per second. Raises `RefusedError`."""
    return _read(value, "[flop] / [time]", 'a speed such as "989 TFLOP/s"', ("TFLOP/s", "PFLOP/s"))


def is_flop(value: object) -> bool:
    """Say whether a text looks like a count of FLOP, or a speed in FLOP/s, rather than a share or a duration."""
    return _counts(value, "flop", "gigaflop", "teraflop", "petaflop", "exaflop")


def money(value: object) -> Quantity:
    """Read an amount such as ``"310_000 USD"``; US dollars. Raises `RefusedError`."""
    return _read(value, "[money]", 'an amount such as "310_000 USD"', ("USD",))


def energy_price(value: object) -> Quantity:
    """Read a price such as ``"0.08 USD/kWh"``; US dollars per joule. Raises `RefusedError`."""
    return _read(value, "[money] / [energy]", 'a price such as "0.08 USD/kWh"', ("USD/kWh",))


def flops(value: object) -> Quantity:
    """Read a count such as ``"3.8e25 FLOP"``. Raises `RefusedError`."""
    return _read(value, "[flop]", 'a count such as "3.8e25 FLOP"', ("FLOP", "EFLOP"))


def tokens(value: object) -> Quantity:
    """Read a count such as ``"15.6e12 tokens"``. Raises `RefusedError`."""
    return _read(value, "[tokens]", 'a count such as "15.6e12 tokens"', ("tokens",))


def is_tokens(value: object) -> bool:
    """Say whether a text looks like a count of tokens rather than a duration."""
    return _counts(value, "token")


def _count(value: object, unit: str) -> Quantity:
    allowed = f'a count of {unit} such as "50 {unit}"'
    count = _read(value, f"[{unit}]", allowed, (unit,))
    if not count.is_integer() or count < 1:
        raise RefusedError(f"must be a whole number of {unit}, at least 1", allowed)
    return count


def _counts(value: object, *names: str) -> bool:
    if not isinstance(value, str) or len(value) > _MAX_LENGTH:
        return False
    match = _TEXT.fullmatch(value)
    return match is not None and _CANONICAL.get(match[3]) in names


def text_pattern(dimension: str, per: str | None = None) -> str:
    """Give a regular expression for an editor: a number and a unit of `dimension` (``"[time]"``)."""
    units = "|".join(spellings(dimension))
    divisor = "" if per is None else rf"\s*/\s*(?:{'|'.join(spellings(per))})"
    return rf"^\s*[+]?{NUMBER_PATTERN}\s*(?:{units}){divisor}\s*$"


def spellings(dimension: str) -> list[str]:
    """Give all spellings of the units of a dimension (``"[time]"``)."""
    return sorted(text for text in _CANONICAL if _factor(text, "")[1] == dimension)


def _read(value: object, dimension: str, allowed: str, hints: tuple[str, ...]) -> Quantity:
    """Read a text with a unit and check its dimension."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise RefusedError("needs a text with a number and a unit", allowed)
    if not isinstance(value, str):
        many_bytes = dimension == "[size]" and 1e6 <= value < 1e30
        number = f"{value:.12g}".replace("e+", "e") if many_bytes else repr(value).removesuffix(".0")
        sane = many_bytes or 0 <= value < 1e15
        raise RefusedError(
            "needs a unit", allowed, _did_you_mean(number, _hints(number, dimension, hints)) if sane else None
        )
    if len(value) > _MAX_LENGTH:
        raise RefusedError(f"is too long for a number with a unit (more than {_MAX_LENGTH} characters)", allowed)
    return _read_text(value, dimension, allowed, hints)


@lru_cache(_REMEMBERED)
def _read_text(value: str, dimension: str, allowed: str, hints: tuple[str, ...]) -> Quantity:
    match = _TEXT.fullmatch(value)
    if match is None:
        if _NOT_FINITE.fullmatch(value):
            raise RefusedError("must be a finite number", allowed)
        raise RefusedError("is not one number with one unit", allowed, _spelling(value, dimension))
    sign, number, unit, per = match[1], match[2], match[3], match[4] or ""
    if not unit:
        raise RefusedError("needs a unit", allowed, _did_you_mean(number, _hints(number, dimension, hints)))
    factor, found = _known_factor(unit, per, allowed, dimension)
    if found != dimension:
        raise RefusedError(f"is {_DIMENSIONS.get(found, found)}, not {_DIMENSIONS[dimension]}", allowed)
    return Quantity(_scaled(number, factor, sign, allowed), value.strip())


def _scaled(number: str, factor: Decimal, sign: str, allowed: str) -> float:
    # Decimal, so that "0.7 %" and 0.007 are the same double.
    try:
        value = float(Decimal(number) * factor)
    except (DecimalException, OverflowError):
        value = math.inf
    if not math.isfinite(value):
        raise RefusedError("is too large a number", allowed)
    if sign == "-" and value != 0.0:
        raise RefusedError("must not be negative", allowed)
    return value


def _bare(value: float, allowed: str) -> Quantity:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise RefusedError("must be a finite number", allowed)
    if number < 0.0:
        raise RefusedError("must not be negative", allowed)
    return Quantity(abs(number), repr(abs(number)))


def _hints(number: str, dimension: str, hints: tuple[str, ...]) -> tuple[str, ...]:
    """Units for a number without one: so many bytes are written in full only if they are bytes."""
    return ("B",) if dimension == "[size]" and float(number.replace("_", "")) >= 1e6 else hints


def _did_you_mean(number: str, hints: tuple[str, ...]) -> str:
    return "did you mean " + listed(f'"{number} {hint}"' for hint in hints) + "?"


def _known_factor(unit: str, per: str, allowed: str, dimension: str) -> tuple[Decimal, str]:
    for name in (unit, per):
        if name and name not in _CANONICAL:
            hint = _unit_hint(name, dimension, divisor=name is not unit)
            raise RefusedError(f'has the unknown unit "{name[:20]}"', allowed, hint)
    return _factor(unit, per)


def _unit_hint(name: str, dimension: str, *, divisor: bool) -> str | None:
    from sim.scenario.spellings import unit_meant

    if name in _HINTS and not (name == "M" and dimension != "[time]"):
        return _HINTS[name]
    if _BITS.fullmatch(name) and not divisor:
        return "sizes are in bytes (GB), not bits: 8 Gbit are 1 GB"
    return unit_meant(name, dimension, divisor=divisor)


def _spelling(value: str, dimension: str) -> str | None:
    from sim.scenario.spellings import meant

    return meant(value, dimension)


@lru_cache(maxsize=256)
def _factor(unit: str, per: str) -> tuple[Decimal, str]:
    """Return the SI factor and the dimension of a known unit, or of a quotient of two."""
    factor, dimension = _IN_SI[_CANONICAL[unit]]
    if not per:
        return factor, dimension
    divisor, below = _IN_SI[_CANONICAL[per]]
    return factor / divisor, _quotient(dimension, below)


def _quotient(dimension: str, below: str) -> str:
    """Return the quotient of two dimensions, such as ``"[size] / [time]"``: what stands above and below cancels."""
    powers: Counter[str] = Counter()
    for text, sign in ((dimension, 1), (below, -1)):
        over, *under = text.replace("dimensionless", "1").split(" / ")
        powers.update({over: sign} | dict.fromkeys(under, -sign))
    del powers["1"]
    above = " * ".join(_power(base, power) for base, power in sorted(powers.items()) if power > 0)
    rest = "".join(f" / {_power(base, -power)}" for base, power in sorted(powers.items()) if power < 0)
    return (above or "1") + rest if above or rest else "dimensionless"


def _power(base: str, power: int) -> str:
    return base if power == 1 else f"{base} ** {power}"
