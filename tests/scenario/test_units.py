import copy
import math
import pickle
from collections.abc import Callable

import pytest

from sim.scenario import units
from sim.scenario.refusal import RefusedError
from sim.scenario.units import Quantity

Parser = Callable[[object], Quantity]


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
