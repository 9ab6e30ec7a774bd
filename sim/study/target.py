"""The value of a knob at which the metric reaches a target, on the same faults at all values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from scipy.special import stdtrit

from sim.study.looks import FIRST_LOOK, OutOfTimeError
from sim.study.metrics import METRICS
from sim.study.paired import Measured, interval
from sim.study.search import MOST_ON_GRID, Found, Point, Search

ASIDE = 0.1
"""How far to both sides the slope at a value is measured, on the logarithm."""

MOST_STEPS = 8
"""Steps towards the value for one number of replications, at most."""


@dataclass(frozen=True)
class Solve:
    """Where the metric crosses a target: between two points of the grid, then along the slope.

    ``reason`` of what is found is "below" or "above" where the metric stays on one side of the target over the whole
    range, "noise" where it hardly depends on the knob.

    Parameters
    ----------
    target : float
        Value of the metric to reach.
    half_width : float
        A value is precise, too, if the metric there is known so well.
    search : Search
    """

    target: float
    half_width: float
    search: Search

    def run(self) -> Found:
        """Solve; a value that holds for the replications so far if Ctrl-C comes after the first, or the time is up."""
        try:
            return self._solve()
        except OutOfTimeError:
            return self.search.so_far()

    def _solve(self) -> Found:
        search = self.search
        grid, bracket = self._grid()
        if bracket is None:
            return grid
        found = grid
        value = math.sqrt(bracket[0] * bracket[1]) if bracket[0] > 0 else bracket[1]
        try:
            for n in search.looks(2 * FIRST_LOOK, search.most):
                found = self._value(value, bracket, n, grid.points)
                value = found.best
                search.keep(found)
                search.progress(f"{n} replications: {search.shown(found.best)}")
                if found.precise and found.reason is None and not search.fixed:
                    break
        except KeyboardInterrupt:
            if found is grid:
                raise
            found = replace(found, interrupted=True)
        return found

    def _grid(self) -> tuple[Found, tuple[float, float] | None]:
        """Neighbours on the grid between which the target is crossed: of several pairs the one nearest to now."""
        search, values = self.search, self.search.over.grid()
        now = search.over.knob.now or values[0]
        for n in search.looks(FIRST_LOOK, min(search.most, MOST_ON_GRID)):
            measured = search.measured(values, n)
            points = self._points(values, measured)
            search.keep(Found(n, points, "time"))
            reached = [each.value >= self.target for each in measured]
            pairs = [(values[i], values[i + 1]) for i in range(len(values) - 1) if reached[i] != reached[i + 1]]
            if pairs:
                nearest = min(pairs, key=lambda pair: abs(math.log(max(pair[0], 0.5) / max(now, 0.5))))
                return Found(n, points, None), nearest
        return Found(n, points, "above" if all(reached) else "below"), None

    def _points(self, values: Sequence[float], measured: Sequence[Measured]) -> tuple[Point, ...]:
        """The grid; what is missing to the target stands for the loss."""
        confidence = self.search.confidence
        missing = [Measured(self.target - each.value, -each.influence) for each in measured]
        return tuple(
            Point(value, interval(each, confidence), interval(miss, confidence, len(values)))
            for value, each, miss in zip(values, measured, missing, strict=True)
        )

    def _value(self, start: float, bracket: tuple[float, float], n: int, points: tuple[Point, ...]) -> Found:
        """Follow the slope (Newton's method on the logarithm, held in the bracket), and give the value with the error
        that the metric's own error makes.
        """
        search, knob = self.search, self.search.over.knob
        value = start
        for _ in range(MOST_STEPS):
            value = max(knob.rounded(value, 7), search.over.low)
            here, ends = search.at(value, n), self._beside(value)
            below, above = (search.at(each, n) for each in ends)
            width = math.log(ends[1] / ends[0])
            slope = interval(above - below, search.confidence)
            if slope.low is None or slope.high is None or not (slope.low > 0 or slope.high < 0):
                return Found(n, points, "noise", value)
            step = (self.target - here.value) / slope.mean * width
            aim = min(max(value * math.exp(min(max(step, -1.0), 1.0)), bracket[0]), bracket[1])
            if abs(math.log(aim / value)) < ASIDE / 20 or (knob.whole and round(aim) == round(value)):
                break
            value = aim
        error = math.sqrt(here.variance / n)
        t = float(stdtrit(n - 1, (1 + search.confidence) / 2))
        half = t * error / abs(slope.mean / width)
        value = self._reached(value, slope.mean > 0, n) if knob.whole else aim
        precise = half <= search.precision or t * error <= self.half_width
        return Found(n, points, None, value, value * math.exp(-half), value * math.exp(half), precise=precise)

    def _reached(self, value: float, rising: bool, n: int) -> float:
        """The whole number next to a value at which the target is reached, and not yet at the one before."""
        low, high = self.search.over.low, self.search.over.high
        more = METRICS[self.search.trials.metric].more_is_better
        step = 1.0 if rising == more else -1.0

        def reached(value: float) -> bool:
            found = self.search.at(value, n).value
            return found >= self.target if more else found <= self.target

        value = float(round(value))
        while low <= value - step <= high and reached(value - step):
            value -= step
        while low <= value + step <= high and not reached(value):
            value += step
        return value

    def _beside(self, value: float) -> tuple[float, float]:
        """Values a little to both sides, in the range."""
        over = self.search.over
        low, high = value * math.exp(-ASIDE), value * math.exp(ASIDE)
        if over.knob.whole:
            low, high = min(round(low), value - 1), max(round(high), value + 1)
        least = max(over.low, 1.0) if over.knob.whole else over.low
        return over.knob.rounded(max(low, least), 7), over.knob.rounded(min(high, over.high), 7)
