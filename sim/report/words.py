"""Numbers as people write them: durations, shares, intervals, counts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.study.statistics import Estimate

WIDTH = 80
"""Columns of a terminal that everything is laid out for."""

_UNITS = ((86400.0, "days"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))


def duration(seconds: float) -> str:
    """A duration in the unit that gives a short number: 554 s are ``9.2 min``, three months ``90 days``."""
    if math.isinf(seconds):
        return "never"
    for size, unit in _UNITS:
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}" if seconds / size < 999.5 else f"{seconds / size:,.0f} {unit}"
    return f"{seconds:.3g} s"


def percent(share: float, digits: int = 1) -> str:
    """A share of 1 in percent."""
    return f"{100 * share:.{digits}f} %"


def count(value: float) -> str:
    """A mean count, to about four digits."""
    digits = 0 if value >= 1000 or value == round(value) else 1 if value >= 100 else 2
    return f"{value:,.{digits}f}"


def between(estimate: Estimate, word: Callable[[float], str] = count) -> str:
    """The interval of an estimate, each end put into words by ``word``; a dash where there is none."""
    if estimate.low is None or estimate.high is None:
        return "-"
    return f"{word(estimate.low)} to {word(estimate.high)}"


def size(n_bytes: float) -> str:
    """A number of bytes in the decimal unit that gives a short number: 2.8e13 are ``28 TB``."""
    for power, unit in ((15, "PB"), (12, "TB"), (9, "GB"), (6, "MB"), (3, "kB")):
        if n_bytes >= 10**power:
            return f"{n_bytes / 10**power:.3g} {unit}"
    return f"{n_bytes:.0f} bytes"


def bucket(name: str) -> str:
    """A bucket of the ledger in words."""
    return {"warm_up": "warm-up"}.get(name, name.replace("_", " "))


def broken(words: Sequence[str], indent: str = "  ") -> list[str]:
    """A command for a shell, of words that are quoted where they must be, in lines that fit a terminal and can be
    pasted as they are.
    """
    lines = [indent]
    for word in words:
        # Room for the backslash that the line may end with.
        if len(lines[-1]) + len(word) + 3 > WIDTH and lines[-1].strip():
            lines[-1] += "\\"
            lines.append(2 * indent)
        lines[-1] += f"{word} "
    return [line.rstrip() for line in lines]
