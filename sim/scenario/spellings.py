"""What a text was meant to say that is not one number with one unit: hints that give the right spelling.

Imported only where something is wrong.
"""

from __future__ import annotations

import re

from sim.scenario import units
from sim.scenario.refusal import listed, nearest

_COMMA = re.compile(r"\s*([0-9]+(?:,[0-9]+)+)((?:\.[0-9]+)?\s*[^0-9,.]*)")
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+")
_COMPOUND = re.compile(rf"\s*(?:{units.NUMBER_PATTERN}\s*[A-Za-zµμ]+[\s,]*(?:and\s+)?){{2,}}")
_PART = re.compile(rf"({units.NUMBER_PATTERN})\s*([A-Za-zµμ]+)")
_CLOCK = re.compile(r"\s*(?:([0-9]+)-)?([0-9]+)(?::([0-9]{2}))?(?::([0-9]{2}))?\s*")
_ALIASES: dict[str, str] = {
    **dict.fromkeys(("secs", "second(s)"), "s"),
    **dict.fromkeys(("msec", "msecs", "millisec", "millis"), "ms"),
    **dict.fromkeys(("usec", "usecs", "microsec"), "us"),
    **dict.fromkeys(("mins", "minute(s)", "mn"), "min"),
    **dict.fromkeys(("hr", "hrs", "hour(s)"), "h"),
    **dict.fromkeys(("dy", "dys", "day(s)"), "days"),
    **dict.fromkeys(("w", "wk", "wks"), "weeks"),
    **dict.fromkeys(("y", "yr", "yrs", "a"), "years"),
    **dict.fromkeys(("pt", "pts", "pp", "percentage points"), "points"),
    **dict.fromkeys(("pct", "percents"), "%"),
    **dict.fromkeys(("$", "usd", "dollars"), "USD"),
    **{letter: f"{letter}B" for letter in "MGTPE"},
    **dict.fromkeys("kK", "kB"),
    **{f"{letter}i": f"{letter}iB" for letter in "KMGTP"},
}
_CLOCK_UNITS = (("h", 3_600), ("min", 60), ("s", 1))


def meant(text: str, dimension: str) -> str | None:
    """Return a hint for a text that is not one number with one unit of a dimension (``"[time]"``); None if there is
    none.
    """
    comma = _COMMA.fullmatch(text)
    if comma:
        number, rest = comma[1], comma[2].rstrip()
        options = []
        if _THOUSANDS.fullmatch(number):
            options.append(number.replace(",", "_") + rest)
        if number.count(",") == 1 and not rest.startswith("."):
            options.append(number.replace(",", ".") + rest)
        return _did_you_mean(options)
    if dimension != "[time]":
        return None
    seconds = clock_seconds(text) or _sum_of_parts(text)
    if not seconds:
        return None
    unit, scale = next((each for each in _CLOCK_UNITS if seconds % each[1] == 0), ("s", 1))
    return _did_you_mean([f"{seconds / scale:.9g} {unit}"])


def unit_meant(name: str, dimension: str, *, divisor: bool = False) -> str | None:
    """Return a hint for an unknown unit, where a value of a dimension is asked for."""
    top, _, below = dimension.partition(" / ")
    if name.endswith("ps") and below == "[time]" and name[:-2] in units.spellings(top):
        return _did_you_mean([f"{name[:-2]}/s"])
    known = units.spellings(below if divisor else top)
    alias = _ALIASES.get(name, _ALIASES.get(name.casefold()))
    close = alias if alias in known else nearest(name, known)
    return _did_you_mean([close]) if close else None


def clock_seconds(text: str) -> int | None:
    """Return the seconds of a time as Slurm writes it, ``"24:00:00"`` or ``"1-12:00"``; None if it is none."""
    match = _CLOCK.fullmatch(text)
    if match is None or (match[1] is None and match[3] is None):
        return None
    days, first, second, third = (int(part or 0) for part in match.groups())
    if match[1] is None and match[4] is None:
        return 60 * first + second  # minutes:seconds
    return 86_400 * days + 3_600 * first + 60 * second + third


def _sum_of_parts(text: str) -> float | None:
    """Return the seconds of several durations in one text, ``"1h30m"``."""
    if not _COMPOUND.fullmatch(text):
        return None
    total = 0.0
    for number, unit in _PART.findall(text):
        name = "min" if unit == "m" else _ALIASES.get(unit, unit)
        if name not in units.spellings("[time]"):
            return None
        total += float(units.duration(f"{number} {name}"))
    return round(total, 6)


def _did_you_mean(options: list[str]) -> str | None:
    return "did you mean " + listed(f'"{option}"' for option in options) + "?" if options else None
