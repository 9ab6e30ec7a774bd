"""Working hours: against a walk through the minutes, and for what must hold exactly."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import TICK

from sim.kernels.shifts import DAY_S, WEEK_S, done_at
from sim.scenario.calendar import mask_of, opening, seconds_of_week

MINUTE = 60.0


def walk(now: int, work: int, hours: str, days: str, start: str) -> int:
    """Minutes: the earliest by which so many working minutes have passed, found by looking at each."""
    begin, length = (int(seconds // 60) for seconds in opening(hours))
    first = int(seconds_of_week(start) // 60)
    while work > 0:
        minute = first + now
        # The hours that this minute may belong to began today or yesterday.
        for day in (minute // 1440, minute // 1440 - 1):
            if mask_of(days) >> day % 7 & 1 and 0 <= minute - day * 1440 - begin < length:
                work -= 1
                break
        now += 1
    return now


HOURS = st.sampled_from(["08:00-18:00", "22:00-06:00", "00:00-24:00", "23:30-00:30", "00:00-00:01", "12:00-12:30"])
DAYS = st.sampled_from(["mon-fri", "sat", "sun-mon", "fri-mon, wed", "mon-sun"])
STARTS = st.sampled_from(["mon 00:00", "fri 17:59", "sun 23:59"])


@given(st.integers(0, 30_000), st.integers(0, 600), HOURS, DAYS, STARTS)
def test_done_as_a_walk_finds_it(now: int, work: int, hours: str, days: str, start: str) -> None:
    begin, length = opening(hours)
    origin = (seconds_of_week(start) - begin) % WEEK_S
    assert done_at(now * MINUTE, work * MINUTE, origin, length, mask_of(days)) == 60 * walk(
        now, work, hours, days, start
    )


@given(
    st.integers(0, 2**48), st.integers(1, 2**42), st.integers(1, 2**42), st.integers(0, 7 * 86_400 - 1),
    st.integers(1, 2**20 * 86_400), st.integers(1, 127),
)  # fmt: skip
def test_work_in_two_parts_is_done_when_the_whole_is(
    now: int, one: int, other: int, origin: int, length: int, days: int
) -> None:
    shift = float(origin), length * TICK, days
    between = done_at(now * TICK, one * TICK, *shift)
    whole = done_at(now * TICK, (one + other) * TICK, *shift)
    if whole < 2.0**33:
        assert done_at(between, other * TICK, *shift) == whole
        assert whole >= now * TICK + (one + other) * TICK
        assert (whole / TICK).is_integer()


@pytest.mark.parametrize(("now", "work"), [(0.0, 0.0), (5 * DAY_S, 0.0), (3.0, math.inf)])
def test_no_work_is_done_at_once_and_endless_work_never(now: float, work: float) -> None:
    assert done_at(now, work, 0.0, 3600.0, 1) == now + work


def test_work_without_hours_never_pauses() -> None:
    assert done_at(7.0, 1e6, 0.0, 0.0, 0) == 7.0 + 1e6


def test_work_that_ends_with_the_hours_ends_then() -> None:
    # From Monday 8:00: 10 h a day, five days.
    for days in range(1, 6):
        assert done_at(0.0, days * 36_000.0, 0.0, 36_000.0, 31) == (days - 1) * DAY_S + 36_000.0
    assert done_at(0.0, 6 * 36_000.0, 0.0, 36_000.0, 31) == WEEK_S + 36_000.0
