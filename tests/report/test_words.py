"""Numbers as people write them."""

import math

import pytest

from sim.report.words import between, bucket, count, duration, percent
from sim.study.statistics import Estimate


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0, "0 s"),
        (2.0**-20, "9.54e-07 s"),
        (0.5, "0.5 s"),
        (1.25, "1.25 s"),
        (119.0, "119 s"),
        (120.0, "2 min"),
        (554.0, "9.23 min"),
        (7_199.0, "120 min"),
        (7_200.0, "2 h"),
        (47 * 3600.0, "47 h"),
        (172_799.0, "48 h"),
        (172_800.0, "2 days"),
        (90 * 86_400.0, "90 days"),
        (999.4 * 86_400.0, "999 days"),
        (999.6 * 86_400.0, "1,000 days"),
        (100_000 * 86_400.0, "100,000 days"),
        (math.inf, "never"),
    ],
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize("seconds", [10.0**i * part for i in range(-6, 10) for part in (1.0, 1.234567, 9.994)])
def test_a_duration_is_short_and_true_to_three_digits(seconds: float) -> None:
    number, unit = duration(seconds).split(" ")
    size = {"s": 1.0, "min": 60.0, "h": 3600.0, "days": 86_400.0}[unit]
    assert float(number.replace(",", "")) * size == pytest.approx(seconds, rel=5.1e-3)
    assert len(number) <= 8


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0, "0"),
        (7.0, "7"),
        (0.25, "0.25"),
        (12.345, "12.35"),
        (123.45, "123.5"),
        (1234.5, "1,234"),
        (1_234_567.8, "1,234,568"),
    ],
)
def test_counts(value: float, said: str) -> None:
    assert count(value) == said


def test_percent() -> None:
    assert percent(0.8667) == "86.7 %"
    assert percent(0.8667, 2) == "86.67 %"
    assert percent(1.0) == "100.0 %"
    assert percent(0.0, 2) == "0.00 %"


def test_intervals() -> None:
    estimate = Estimate(90.0, 60.0, 180.0, 32, 0.95)
    assert between(estimate) == "60 to 180"
    assert between(estimate, duration) == "60 s to 3 min"
    assert between(Estimate(0.0, 0.0, 0.0, 2, 0.95)) == "0 to 0"
    assert between(Estimate(90.0, None, None, 1, 0.95)) == "-"


def test_buckets() -> None:
    assert [bucket(name) for name in ("productive", "save_stall", "capacity_wait", "warm_up", "spare_idle")] == [
        "productive", "save stall", "capacity wait", "warm-up", "spare idle",
    ]  # fmt: skip
