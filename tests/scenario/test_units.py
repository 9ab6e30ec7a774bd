import copy
import math
import pickle
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pint
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.scenario import units
from sim.scenario.refusal import RefusedError
from sim.scenario.units import Quantity

Parser = Callable[[object], Quantity]

DEFINITIONS = """\
second = [time]; millisecond = 0.001 second; microsecond = 0.001 millisecond; minute = 60 second; hour = 60 minute
day = 24 hour; week = 7 day; year = 365 day
byte = [size]; kilobyte = 1e3 byte; megabyte = 1e3 kilobyte; gigabyte = 1e3 megabyte; terabyte = 1e3 gigabyte
petabyte = 1e3 terabyte; exabyte = 1e3 petabyte
kibibyte = 1024 byte; mebibyte = 1024 kibibyte; gibibyte = 1024 mebibyte; tebibyte = 1024 gibibyte
pebibyte = 1024 tebibyte
percent = 0.01; difference = [difference]; point = 0.01 difference; step = [steps]; save = [saves]
joule = [energy]; watt = joule / second; kilowatt = 1e3 watt; megawatt = 1e3 kilowatt; gigawatt = 1e3 megawatt
kilowatthour = kilowatt * hour; megawatthour = megawatt * hour
flop = [flop]; gigaflop = 1e9 flop; teraflop = 1e3 gigaflop; petaflop = 1e3 teraflop; exaflop = 1e3 petaflop
dollar = [money]; token = [tokens]
"""


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (units.duration, "10 min", 600.0),
        (units.duration, "6_300 h", 22_680_000.0),
        (units.duration, "1.28e6 h", 4.608e9),
        (units.duration, "54 days", 54 * 86_400.0),
        (units.duration, "1 year", 8_760 * 3_600.0),
        (units.duration, "2 weeks", 14 * 86_400.0),
        (units.duration, "0.5ms", 0.0005),
        (units.duration, "  3 us ", 3e-6),
        (units.duration, "+1 second", 1.0),
        (units.duration, "0 s", 0.0),
        (units.duration, "-0 s", 0.0),
        (units.duration, "1e-400 s", 0.0),
        (units.size, "28 TB", 28e12),
        (units.size, "512 GiB", 512 * 2.0**30),
        (units.size, "1 PiB", 2.0**50),
        (units.size, "3 kB", 3_000.0),
        (units.size, "7 bytes", 7.0),
        (units.bandwidth, "2 TB/s", 2e12),
        (units.bandwidth, "120 TB / min", 2e12),
        (units.fraction, "0.1 %", 0.001),
        (units.fraction, "0.7 %", 0.007),
        (units.fraction, "80 percent", 0.8),
        (units.fraction, 0.001, 0.001),
        (units.fraction, 1, 1.0),
        (units.yearly_fraction, "2 %/year", 0.02),
        (units.yearly_fraction, "2 %", 0.02),
        (units.yearly_fraction, "0.02/year", 0.02),
        (units.points, "0.1 points", 0.001),
        (units.points, "1 point", 0.01),
        (units.steps, "50 steps", 50.0),
    ],
)
def test_reads_si_values(parse: Parser, text: object, value: float) -> None:
    found = parse(text)
    assert float(found) == value
    assert math.copysign(1.0, found) == 1.0


def test_remembers_how_it_was_written() -> None:
    assert units.duration(" 6_300 h ").written == "6_300 h"
    assert units.fraction(0.25).written == "0.25"
    assert units.in_seconds(14.0).written == "14 s"
    assert units.duration(units.in_seconds(1 / 3).written) == 1 / 3


def test_quantity_survives_pickle_and_copy() -> None:
    for twin in (pickle.loads(pickle.dumps(units.duration("1 h"))), copy.deepcopy(units.duration("1 h"))):
        assert (twin, twin.written) == (3600.0, "1 h")


@pytest.mark.parametrize(
    ("parse", "value", "message", "remedy"),
    [
        (units.duration, 6300, "needs a unit", '"6300 s", "6300 min" or "6300 h"'),
        (units.duration, "6_300", "needs a unit", '"6_300 s"'),
        (units.duration, 2.5, "needs a unit", '"2.5 s"'),
        (units.duration, float("nan"), "needs a unit", None),
        (units.duration, 10**400, "needs a unit", None),
        (units.duration, True, "needs a text", None),
        (units.duration, None, "needs a text", None),
        (units.duration, ["1 h"], "needs a text", None),
        (units.duration, "3 TB", "is a size in bytes, not a duration", None),
        (units.duration, "2 TB/s", "is a bandwidth, not a duration", None),
        (units.duration, "50 steps", "is a count of steps, not a duration", None),
        (units.size, "3 h", "is a duration, not a size in bytes", None),
        (units.bandwidth, "3 TB", "is a size in bytes, not a bandwidth", None),
        (units.points, "3 %", "is a share, not a number of percentage points", None),
        (units.fraction, "3 points", "is a number of percentage points, not a share", None),
        (units.duration, "-3 h", "must not be negative", None),
        (units.fraction, -0.5, "must not be negative", None),
        (units.duration, "nan h", "must be a finite number", None),
        (units.duration, "-inf s", "must be a finite number", None),
        (units.fraction, float("nan"), "must be a finite number", None),
        (units.fraction, float("inf"), "must be a finite number", None),
        (units.fraction, 10**400, "must be a finite number", None),
        (units.duration, "1e400 h", "is too large a number", None),
        (units.duration, "1e99999999999999999999 h", "is too large a number", None),
        (units.duration, "1e308 years", "is too large a number", None),
        (units.duration, "9" * 300 + " h", "is too long", None),
        (units.duration, "1 h 30 min", "is not one number with one unit", None),
        (units.duration, "2 * 3 h", "is not one number with one unit", None),
        (units.duration, "3 h**2", "is not one number with one unit", None),
        (units.duration, "__import__('os') s", "is not one number with one unit", None),
        (units.duration, "", "is not one number with one unit", None),
        (units.duration, "٣ h", "is not one number with one unit", None),
        (units.duration, "1 m", "unknown unit", "min"),
        (units.duration, "1 month", "unknown unit", "days"),
        (units.duration, "1 Hours", "unknown unit", '"hours"'),
        (units.duration, "1 difference", "unknown unit", None),
        (units.size, "3 Gbit", "unknown unit", "bytes"),
        (units.bandwidth, "400 Gb/s", "unknown unit", "bytes"),
        (units.steps, "2.5 steps", "whole number of steps", None),
        (units.steps, "0 steps", "whole number of steps", None),
    ],
)
def test_refuses_and_says_why(parse: Parser, value: object, message: str, remedy: str | None) -> None:
    with pytest.raises(RefusedError) as caught:
        parse(value)
    assert message in caught.value.message
    assert caught.value.allowed
    if remedy is not None:
        assert caught.value.remedy is not None
        assert remedy in caught.value.remedy


@pytest.fixture(scope="module")
def registry() -> Any:
    """The units as pint has them, from definitions of their own."""
    found: Any = pint.UnitRegistry(None, non_int_type=Decimal)
    for definition in DEFINITIONS.replace("\n", ";").split(";"):
        if definition.strip():
            found.define(definition.strip())
    return found


def split(dimension: str) -> tuple[list[str], list[str]]:
    """What stands above, and what stands below: pint writes each in no order."""
    above, *below = dimension.split(" / ")
    return sorted(above.split(" * ")), sorted(below)


SPELLINGS = sorted(units._CANONICAL)


@pytest.mark.parametrize("unit", SPELLINGS)
def test_every_unit_and_every_quotient_is_what_pint_makes_of_it(registry: Any, unit: str) -> None:
    for per in ("", *SPELLINGS):
        theirs = registry.Quantity(Decimal(1), units._CANONICAL[unit])
        if per:
            theirs = theirs / registry.Quantity(Decimal(1), units._CANONICAL[per])
        theirs = theirs.to_base_units()
        factor, dimension = units._factor(unit, per)
        assert split(dimension) == split(str(theirs.dimensionality)), per
        assert abs(factor / Decimal(theirs.magnitude) - 1) < Decimal("1e-26"), per


DIVISORS = [text for text in SPELLINGS if text.isascii() and text.isalpha()]
READERS = (
    units.duration, units.size, units.bandwidth, units.points, units.fraction, units.power, units.speed, units.money,
    units.energy_price, units.flops, units.tokens,
)  # fmt: skip


@settings(deadline=None)  # the registry is made for the first example
@given(st.decimals("1e-30", "1e30", allow_nan=False), st.sampled_from(SPELLINGS), st.sampled_from(["", *DIVISORS]))
def test_random_texts_are_read_as_pint_reads_them(registry: Any, number: Decimal, unit: str, per: str) -> None:
    """At most one reader takes a text, and gives the double that pint's number rounds to."""
    found = []
    for read in READERS:
        with suppress(RefusedError):
            found.append(read(f"{number:f} {unit}" + (f" / {per}" if per else "")))
    theirs = registry.Quantity(number, units._CANONICAL[unit])
    if per:
        theirs = theirs / registry.Quantity(Decimal(1), units._CANONICAL[per])
    theirs = theirs.to_base_units()
    known = {"[time]", "[size]", "[size] / [time]", "[difference]", "dimensionless", "[energy] / [time]"}
    known |= {"[flop] / [time]", "[money]", "[money] / [energy]", "[flop]", "[tokens]"}
    assert found == ([float(theirs.magnitude)] if str(theirs.dimensionality) in known else [])
