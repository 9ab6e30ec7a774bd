"""How far a knob is turned: the range that is given, or a factor beyond the value now and what formulas say."""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

from sim.errors import UsageError
from sim.study.knobs import Knob, Make, changes_of, find, joined
from sim.study.outlook import Outlook
from sim.study.spares import Spares
from sim.study.trials import Trials
from sim.theory.intervals import nvidia_period

REACH = 8.0
"""How far the range reaches beyond the value now, and beyond what formulas say, as a factor. An assumption."""

STEP = math.log(1.6)
"""Distance of grid points on the logarithm, at most: a peak between two of them is not missed where the best value
costs a tenth of the time. An assumption.
"""

MOST_VALUES = 25
"""Whole numbers that are all tried, at most."""

_COMMA = re.compile(r""",(?=(?:[^"']|"[^"]*"|'[^']*')*$)""")
"""A comma that parts keys, not one of a name in quotes."""


@dataclass(frozen=True)
class Range:
    """A knob and between which values it is turned, in the knob's unit; ``others`` are knobs that stay at a value."""

    knob: Knob
    low: float
    high: float
    others: tuple[tuple[Knob, float], ...] = ()

    @property
    def begins_at_nothing(self) -> bool:
        """Whether there is nothing below the range: then a best value at its beginning is one."""
        return self.knob.whole and self.low == 0

    def changes(self, value: float) -> tuple[str, ...]:
        """The changes that make a setting."""
        return changes_of((*self.others, (self.knob, value)))

    def grid(self) -> list[float]:
        """Values over the whole range, evenly on the logarithm: all of them if they are few whole numbers."""
        if self.knob.whole:
            return self.whole(self.low, self.high)
        count = min(max(math.ceil(math.log(self.high / self.low) / STEP) + 1, 7), MOST_VALUES)
        return [self.knob.rounded(float(each), 6) for each in np.geomspace(self.low, self.high, count)]

    @staticmethod
    def whole(low: float, high: float) -> list[float]:
        """Whole numbers from low to high, at most ``MOST_VALUES`` of them."""
        if high - low < MOST_VALUES:
            return [float(each) for each in range(round(low), round(high) + 1)]
        spaced = np.unique(np.round(np.geomspace(max(low, 1.0), high, MOST_VALUES - 1)))
        return [float(each) for each in ([low, *spaced] if low < 1 else spaced)]


def formulas(trials: Trials, knob: Knob) -> dict[str, float]:
    """What Young, Daly, NVIDIA and the exact formula choose for the interval of a store, s; empty for other knobs."""
    parts = knob.key.split(".")
    if parts[0] != "stores" or parts[-1] != "every" or knob.si_unit != "s" or knob.others:
        return {}
    outlook = Outlook(trials.plan(()))
    best = {level.name: level.best_interval_s for level in outlook.levels}.get(".".join(parts[1:-1]).strip('"'))
    if best is not None:
        return {"young": best}
    found = dict(outlook.intervals_s)
    if found and outlook.save_cost_s and math.isfinite(outlook.recovery_s):
        cost = outlook.save_cost_s
        exact = {"exact": found.pop("exact")} if "exact" in found else {}
        found["nvidia"] = nvidia_period(cost, outlook.job_mtbf_s, outlook.recovery_s) - cost
        found |= exact
    return found


def range_of(make: Make, text: str, low: str | None = None, high: str | None = None, *, fixed: bool = False) -> Range:
    """Read a knob and its range.

    Parameters
    ----------
    make : callable
        From ``maker``.
    text : str
        ``KEY``, or ``KEY=LOW..HIGH``; several keys with commas between them go together, by the same factor on their
        values now, and the range is that of the first.
    low, high : str, optional
        Ends of the range, where the text has none.
    fixed : bool
        Whether the cluster keeps its nodes when spares are turned.
    """
    key, equals, ends = text.partition("=")
    if equals:
        if low is not None or high is not None:
            raise UsageError(f"{text}: has its range; leave out --from and --to")
        low, dots, high = (part.strip() for part in ends.partition(".."))
        if not dots or not low or not high:
            raise UsageError(f'{text}: is no range; write it as "{key}=LOW..HIGH"')
    first_key, *more = _COMMA.split(key)
    knob = find(make, first_key, low, fixed=fixed)
    if more:
        knob = joined([knob, *(find(make, each, fixed=fixed) for each in more)])
    if knob.now is None and high is None:
        raise UsageError(f"{knob.key}: is a word now; give --from and --to")
    first = _default(make, knob, up=False) if low is None else knob.read(low, "--from")
    last = _default(make, knob, up=True) if high is None else knob.read(high, "--to")
    if knob.whole and (not first.is_integer() or not last.is_integer()):
        raise UsageError(f"{knob.key}: counts, so both ends of its range are whole numbers")
    if first <= 0 and not knob.whole:
        raise UsageError(f"{knob.key}: the range must begin above 0, since the search goes by factors")
    if not first < last:
        raise UsageError(f"{knob.key}: the range from {knob.written(first)} to {knob.written(last)} is empty")
    for end in (first, last):
        Trials(make, "ettr", 0, 1).plan(changes_of([(knob, end)]))
    return Range(knob, first, last)


def _default(make: Make, knob: Knob, up: bool) -> float:
    """An end of the range where none is given: as far out as is valid."""
    trials = Trials(make, "ettr", 0, 1)
    assert knob.now is not None
    known = [knob.now, *(seconds / knob.scale for seconds in formulas(trials, knob).values())]
    if knob.is_spares:
        return _most_spares(trials, knob) if up else 0.0
    start = max(known) if up else min(known)
    factor = REACH
    while factor > 1.01:
        value = start * factor if up else start / factor
        if knob.whole:
            value = float(math.ceil(value) if up else math.floor(value))
        value = knob.rounded(value)
        try:
            trials.plan(changes_of([(knob, value)]))
            if value > 0 or knob.whole:
                return value
        except UsageError:
            pass
        factor = math.sqrt(factor)
    return start


def _most_spares(trials: Trials, knob: Knob) -> float:
    """A factor beyond the spares now, and beyond those that closed forms ask for; all that a cluster has room for if it
    keeps its nodes.
    """
    now = round(knob.now or 0)
    most = math.ceil(REACH * max(now, Spares(trials.plan(())).least or 1))

    def too_many(nodes: int) -> bool:
        try:
            trials.plan(changes_of([(knob, nodes)]))
        except UsageError:
            return True
        return False

    if not too_many(most):
        return float(most)
    return float(now + bisect_left(range(now + 1, most + 1), True, key=too_many))
