"""Values of files as numbers: in the unit in which they are written, and in SI units."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from sim.scenario import units
from sim.scenario.refusal import RefusedError, shown
from sim.scenario.units import Quantity

_NUMBER = re.compile(rf"\s*({units.NUMBER_PATTERN})\s*(.*?)\s*")
READERS: tuple[tuple[Callable[[object], Quantity], str], ...] = (
    (units.duration, "s"),
    (units.size, "bytes"),
    (units.bandwidth, "bytes/s"),
    (units.fraction, "1"),
    (units.yearly_fraction, "1/year"),
    (units.steps, "steps"),
    (units.saves, "saves"),
    (units.power, "W"),
    (units.speed, "FLOP/s"),
    (units.flops, "FLOP"),
    (units.tokens, "tokens"),
    (units.money, "USD"),
    (units.energy_price, "USD/J"),
)


@dataclass(frozen=True)
class Measure:
    """A number as a file writes it: in its unit, and in SI units. `unit` is empty for plain numbers."""

    number: float
    unit: str
    si: float
    si_unit: str


def measured(value: object) -> Measure | None:
    """Give the number that a value of a file is, in whatever unit; None for words, flags and tables.

    Raises
    ------
    RefusedError
        If it is a number with a unit that is not known, or a count or a share that cannot be.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if not isinstance(value, str):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise RefusedError("must be a finite number")
        return Measure(number, "", number, "1")
    number_in_unit, unit = split_unit(value)
    if number_in_unit is None or not unit:
        return None
    reader = reader_of(unit)
    return Measure(number_in_unit, unit, float(reader(value)), dict(READERS)[reader])


def split_unit(text: str) -> tuple[float | None, str]:
    """Number and unit of a text; no number if it is a word."""
    match = _NUMBER.fullmatch(text)
    return (None, "") if match is None else (float(match[1].replace("_", "")), match[2])


def reader_of(unit: str) -> Callable[[object], Quantity]:
    for reader, _ in READERS:
        try:
            if math.isfinite(reader(f"1 {unit}")):
                return reader
        except RefusedError:
            continue
    raise RefusedError(f"has the unit {shown(unit)}, which is not known")
