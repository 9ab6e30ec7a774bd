"""Times of the week: working hours and days, and the moment at which a run starts."""

from __future__ import annotations

import re

from sim.scenario.fields import Json, Reader
from sim.scenario.refusal import RefusedError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_S = 86_400
WEEK_S = 7 * DAY_S
_CLOCK = r"([0-9]{2}):([0-9]{2})"
_DAY = "|".join(DAYS)
_HOURS = re.compile(rf"{_CLOCK}-{_CLOCK}")
_MOMENT = re.compile(rf"({_DAY}) {_CLOCK}")
_DAYS = re.compile(rf"(?:{_DAY})(?:-(?:{_DAY}))?(?:, ?(?:{_DAY})(?:-(?:{_DAY}))?)*")


class _Text(Reader):
    """A text of a fixed form that is kept as it is written."""

    pattern: re.Pattern[str]
    example: str

    def read(self, value: object) -> str:
        """Give the text, or raise `RefusedError`."""
        if not isinstance(value, str) or self.pattern.fullmatch(value) is None or not self.fits(value):
            raise RefusedError("cannot be read", self.allowed)
        return value

    def fits(self, text: str) -> bool:
        """Whether the numbers of a text of the right form make sense."""
        return bool(text)

    def json_schema(self) -> Json:
        """Give the JSON schema of the text."""
        return {"type": "string", "pattern": f"^{self.pattern.pattern}$", "examples": [self.example]}


class Hours(_Text):
    """Working hours; those that end before they begin end on the next day."""

    pattern, example = _HOURS, "08:00-18:00"
    allowed = 'two different times of day such as "08:00-18:00", "22:00-06:00" or "00:00-24:00"'

    def fits(self, text: str) -> bool:
        """Whether both are times of day, and not the same."""
        one, other = text.split("-")
        return _seconds(one) < DAY_S and _seconds(other) <= DAY_S and _seconds(one) != _seconds(other)


class Days(_Text):
    """Working days."""

    pattern, example = _DAYS, "mon-fri"
    allowed = 'days of the week such as "mon-fri" or "mon, wed, sat-sun"'


class Moment(_Text):
    """A time of the week."""

    pattern, example = _MOMENT, "mon 00:00"
    allowed = 'a day and a time such as "mon 00:00"'

    def fits(self, text: str) -> bool:
        """Whether it is a time of day."""
        return _seconds(text[4:]) < DAY_S


def _seconds(clock: str) -> float:
    """Give the seconds since midnight; infinite for what is no time."""
    hours, minutes = int(clock[:2]), int(clock[3:])
    return hours * 3600 + minutes * 60 if minutes < 60 and hours <= 24 else float("inf")


def seconds_of_week(moment: str) -> float:
    """Give the seconds since Monday, 00:00."""
    return DAYS.index(moment[:3]) * DAY_S + _seconds(moment[4:])


def opening(hours: str) -> tuple[float, float]:
    """Give when hours begin, in s since midnight, and how long they last, in s."""
    one, other = map(_seconds, hours.split("-"))
    return one, other - one if other > one else other - one + DAY_S


def mask_of(days: str) -> int:
    """Give working days as a bit for each, Monday's the lowest; a range may go over the end of the week."""
    mask = 0
    for part in days.replace(" ", "").split(","):
        first, _, last = part.partition("-")
        start = DAYS.index(first)
        count = (DAYS.index(last) - start) % 7 if last else 0
        for day in range(start, start + count + 1):
            mask |= 1 << day % 7
    return mask
