"""Arguments of the package's functions: what has the wrong type, or is out of its range, is refused by its name."""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

from sim.errors import UsageError

_MOST_SHOWN = 60


def check_whole(name: str, value: Any, least: int) -> int | None:
    """Return a whole number, NumPy's too; None stays None.

    Raises
    ------
    UsageError
        If it is anything else, or below `least`.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise UsageError(f"{name} must be a whole number of at least {least}, not {described(value)}")
    return int(value)


def check_share(name: str, value: Any) -> float | None:
    """Return a number between 0 and 1, both ends excluded; None stays None. Raises `UsageError`."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, Real) or not 0.0 < float(value) < 1.0:
        raise UsageError(f"{name} must lie between 0 and 1, not {described(value)}")
    return float(value)


def check_above(name: str, value: Any, least: float) -> float:
    """Return a finite number above another. Raises `UsageError`."""
    if isinstance(value, bool) or not isinstance(value, Real) or not least < float(value) < math.inf:
        raise UsageError(f"{name} must be a number above {least:g}, not {described(value)}")
    return float(value)


def check_time(name: str, value: Any) -> float | None:
    """Return a time above 0, s; None stays None. Raises `UsageError`."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, Real) or not 0.0 < float(value) < math.inf:
        raise UsageError(f"{name} must be a number of seconds above 0, not {described(value)}")
    return float(value)


def check_word(name: str, value: Any, options: Iterable[str]) -> str:
    """Return one of a few words. Raises `UsageError`."""
    known = list(options)
    if not isinstance(value, str) or value not in known:
        raise UsageError(f"{name} must be one of {', '.join(known)}, not {described(value)}")
    return value


def check_flag(name: str, value: Any) -> bool:
    """Return True or False. Raises `UsageError`."""
    if not isinstance(value, bool):
        raise UsageError(f"{name} must be True or False, not {described(value)}")
    return value


def check_function(name: str, value: Any) -> None:
    """Refuse what cannot be called and is not None. Raises `UsageError`."""
    if value is not None and not callable(value):
        raise UsageError(f"{name} must be a function, not {described(value)}")


def check_texts(name: str, value: Any) -> list[str]:
    """Return a list of texts; a single text is no list. Raises `UsageError`."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise UsageError(f"{name} must be a list of texts, not {described(value)}")
    found = list(value)
    for position, item in enumerate(found):
        if not isinstance(item, str):
            raise UsageError(f"{name}[{position}] must be a text, not {described(item)}")
    return found


def check_text(name: str, value: Any) -> str:
    """Return a text. Raises `UsageError`."""
    if not isinstance(value, str):
        raise UsageError(f"{name} must be a text, not {described(value)}")
    return value


def described(value: object) -> str:
    """Return a value as a message names it: short ones as they are, of others the type."""
    if value is None or isinstance(value, (bool, int, float, str)):
        try:
            shown = repr(value)
        except ValueError:  # an integer of more digits than Python writes
            return "a very large number"
        return shown if len(shown) <= _MOST_SHOWN else f"{shown[:_MOST_SHOWN]}..."
    kind = type(value).__name__
    return f"{'an' if kind[0] in 'aeiouAEIOU' else 'a'} {kind}"
