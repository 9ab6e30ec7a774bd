"""The search for the best value of one knob, on the same faults at all points: a grid on the logarithm, a local fit."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from sim.errors import UsageError
from sim.study.looks import FIRST_LOOK, OutOfTimeError, looks
from sim.study.paired import Measured, interval
from sim.study.peak import Peak, peak
from sim.study.ranges import Range
from sim.study.statistics import Estimate
from sim.study.trials import Trials

MOST_ON_GRID = 256
"""Replications of each point of the grid, at most: it only has to show where to fit. An assumption."""

WINDOWS = tuple(math.log(factor) for factor in (4.0, 2.0, 1.5, 1.25, 1.12, 1.05, 1.02))
"""How far a fit reaches to both sides, on the logarithm: narrower where the curve has a kink."""

USUAL = 1
"""The window that a search begins with; the wider one is for what is in the noise there."""

MOST_OF_FIT = 1024
"""Replications of each point of a fit, at most, unless their number is given. An assumption: they show what matters."""

POINTS = 9
"""Points of a fit."""

MOST_MOVES = 12
"""Moves and narrowings of a window for one number of replications, at most."""

NEGLIGIBLE = 0.01
"""Share of the flat region's threshold that an error of the best value may cost: then it is precise, however wide its
interval is. An assumption.
"""

ENDS = 0.1
"""How far, on the logarithm, an end of the flat region is bracketed before it is taken to lie on a straight line."""


@dataclass(frozen=True)
class Point:
    """One value that was tried: its metric, and how far that is from the best point's."""

    value: float
    metric: Estimate
    loss: Estimate


@dataclass(frozen=True)
class Found:
    """What a search came to.

    ``reason`` is None where there is a best value: then it is ``best``, between ``low`` and ``high`` with the
    confidence of the search. It is "low" or "high" where the metric rises to that end of the range, or is not surely
    worse there, "noise" where no value is surely worse than another, or no peak is to be seen, and "time" where the
    time was up before that was known. ``flat`` is the
    region around the best value in which the metric is within the threshold of its best; an end is None where the
    region reaches beyond the range; it is not known after Ctrl-C. ``precise`` says whether the interval is as narrow as
    was asked for.
    """

    n: int
    points: tuple[Point, ...]
    reason: str | None
    best: float = math.nan
    low: float = math.nan
    high: float = math.nan
    flat: tuple[float | None, float | None] | None = None
    precise: bool = True
    interrupted: bool = False
    timed_out: bool = False


Progress = Callable[[str], None]


@dataclass
class Search:
    """One search.

    Parameters
    ----------
    trials : Trials
    over : Range
    confidence : float
        Of the interval of the best value, and of all that is said of the grid together.
    precision : float
        Half width of the interval of the best value that ends the search, on the logarithm.
    flat : float
        How far from the best the metric may be in the flat region, as a fraction.
    most : int
        Replications of each point, at most.
    fixed : bool
        Whether to run exactly ``most``.
    progress : callable
        Told what is known so far, after every step.
    """

    trials: Trials
    over: Range
    confidence: float
    precision: float
    flat: float
    most: int
    fixed: bool
    progress: Progress
    _known: Found | None = field(default=None, init=False)
    _grid_so_far: Found | None = field(default=None, init=False)

    def run(self) -> Found:
        """Search; what is known so far if Ctrl-C comes after the grid."""
        try:
            return self._discrete() if self.over.knob.whole else self._continuous()
        except KeyboardInterrupt:
            if self._known is None:
                raise
            return replace(self._known, interrupted=True)
        except OutOfTimeError:
            return self.so_far()

    def so_far(self) -> Found:
        """Return what is known when the time is up: a value, or at least the grid."""
        known = self._known or self._grid_so_far
        assert known is not None
        return replace(known, timed_out=True)

    def keep(self, found: Found) -> None:
        """Keep what is to be said if the time is up; a grid alone names no value."""
        if found.reason is None:
            self._known = found
        else:
            self._grid_so_far = self._grid_so_far or found

    def at(self, value: float, n: int) -> Measured:
        """Measure a value on n replications.

        Raises
        ------
        OutOfTimeError
            If the time is up, and there is something to say.
        """
        if self.trials.clock.over and (self._known or self._grid_so_far):
            raise OutOfTimeError
        return self.trials.at(self.over.changes(value), n)

    def measured(self, values: Sequence[float], n: int) -> list[Measured]:
        """Measure points. All of their plans are built first: what is not valid must not be found after an hour."""
        for value in values:
            self.trials.plan(self.over.changes(value))
        return [self.at(value, n) for value in values]

    def looks(self, first: int, most: int) -> list[int]:
        """Numbers of replications at which to look."""
        return [self.most] if self.fixed else list(looks(first, most))

    def _points(self, values: Sequence[float], measured: Sequence[Measured]) -> tuple[Point, ...]:
        best = max(measured, key=lambda each: each.value)
        family = max(len(values) - 1, 1)
        return tuple(
            Point(value, interval(each, self.confidence), interval(best - each, self.confidence, family))
            for value, each in zip(values, measured, strict=True)
        )

    def _grid(self, values: Sequence[float]) -> Found:
        """The grid: ``reason`` is None if the best point is inside, and surely better than both ends. A beginning below
        which there is nothing is no end.
        """
        assert len(values) > 2
        nothing_below = values[0] == 0 and self.over.begins_at_nothing
        found = None
        for n in self.looks(FIRST_LOOK, min(self.most, MOST_ON_GRID)):
            points = self._points(values, self.measured(values, n))
            best = max(range(len(points)), key=lambda i: points[i].metric.mean)
            self.keep(Found(n, points, "time", values[best]))
            clear = [is_clear(point.loss) for point in points]
            above = nothing_below or (best > 0 and clear[0])
            if above and best < len(points) - 1 and clear[-1]:
                self.progress(f"{n} replications of {len(values)} values: best near {self.shown(values[best])}")
                return Found(n, points, None, values[best])
            reason = "high" if above or best == len(points) - 1 else "low"
            reason = reason if any(clear) else "noise"
            found = Found(n, points, reason, values[best])
            self.progress(f"{n} replications of {len(values)} values: no peak that is clear yet")
            if best in (0, len(points) - 1) and sum(clear) >= len(points) - 2:
                break
        assert found is not None
        return found

    def _continuous(self) -> Found:
        grid = self._grid(self.over.grid())
        if grid.reason is not None:
            return grid
        centre, window = grid.best, USUAL
        found = grid
        for n in self.looks(2 * FIRST_LOOK, min(self.most, MOST_OF_FIT)):
            centre, window, fit = self._fit(centre, max(window, USUAL), n)
            found = self._judged(grid, centre, window, fit, n)
            if found.reason is not None and window == USUAL:
                centre, window, fit = self._fit(grid.best, 0, n)
                found = self._judged(grid, centre, window, fit, n)
            if found.reason is not None:
                self.progress(f"{n} replications of {POINTS} values: no peak that is clear yet")
                continue
            self._known = found
            self.progress(
                f"{n} replications of {POINTS} values: best {self.shown(found.best)} "
                f"({self.shown(found.low)} to {self.shown(found.high)})"
            )
            if found.precise and not self.fixed:
                break
        return self._flat(found, centre, window, fit) if found.reason is None else found

    def _window(self, centre: float, width: float) -> tuple[float, float]:
        """A window moved, and made narrower, until it lies in the range: its centre and width."""
        low, high = math.log(self.over.low), math.log(self.over.high)
        width = min(width, (high - low) / 2)
        return math.exp(min(max(math.log(centre), low + width), high - width)), width

    def _values(self, centre: float, width: float) -> list[float]:
        each = [centre * math.exp(width * x) for x in np.linspace(-1, 1, POINTS)]
        return [self._near(value) for value in each]

    def _fit(self, centre: float, window: int, n: int) -> tuple[float, int, Peak | None]:
        """Move a window until the peak is near its middle, and narrow it until a polynomial fits.

        Returns
        -------
        tuple of float, int and Peak or None
            Centre and window of the fit; no peak where even the narrowest window has none.
        """
        fit = None
        for _ in range(MOST_MOVES):
            centre, width = self._window(centre, WINDOWS[window])
            values = self._values(centre, width)
            measured = self.measured(values, n)
            fit = peak(np.log(np.array(values) / centre) / width, measured)
            top = values[max(range(POINTS), key=lambda i: measured[i].value)]
            if fit is None or not fit.fits:
                # A kink lies between its neighbours in the best point; a fit would put it elsewhere.
                moved = abs(math.log(top / centre)) > width / 2
                if not moved and window == len(WINDOWS) - 1:
                    return top, window, None
                window += not moved
                centre = top
            elif abs(fit.at.value) > 0.4 and self._window(centre * math.exp(width * fit.at.value), width)[0] != centre:
                centre *= math.exp(width * fit.at.value)
            else:
                break
        return centre, window, fit

    def _judged(self, grid: Found, centre: float, window: int, fit: Peak | None, n: int) -> Found:
        """The best value with its interval and the flat region, or that it is in the noise."""
        centre, width = self._window(centre, WINDOWS[window])
        if fit is None:
            # The best of the narrowest window's points: the peak lies between its neighbours.
            half = 2 * width / (POINTS - 1)
            low, high = (max(min(centre * math.exp(d), self.over.high), self.over.low) for d in (-half, half))
            return Found(n, grid.points, None, centre, low, high, precise=half <= self.precision)
        if not fit.is_clear(self.confidence):
            return Found(n, grid.points, "noise", centre)
        half = width * fit.half_width(self.confidence)
        best = centre * math.exp(width * fit.at.value)
        low, high = best * math.exp(-half), best * math.exp(half)
        cost = -fit.curvature.value * fit.half_width(self.confidence) ** 2 / 2
        precise = half <= self.precision or cost <= NEGLIGIBLE * self.flat
        return Found(n, grid.points, None, best, low, high, precise=precise)

    def _flat(self, found: Found, centre: float, window: int, fit: Peak | None) -> Found:
        """Add the flat region: from the best outward over the grid, then the bracket halved, on the same faults. In the
        window of the fit it is the fit that says what is lost: it has less noise than a point.
        """
        values = [point.value for point in found.points]
        centre, width = self._window(centre, WINDOWS[window])
        top = self.at(self._near(found.best), found.n).value if fit is None else fit.height

        def loss(value: float) -> float:
            x = math.log(value / centre) / width
            return top - (self.at(value, found.n).value if fit is None or abs(x) > 1 else fit.value(x))

        low = self._end(loss, found.best, [value for value in reversed(values) if value < found.best])
        high = self._end(loss, found.best, [value for value in values if value > found.best])
        return replace(found, flat=(low, high))

    def _end(self, loss: Callable[[float], float], best: float, outward: Sequence[float]) -> float | None:
        """Where a curve first loses more than the threshold, going away from the peak."""
        inside, lost = best, 0.0
        for outside in outward:
            if (far := loss(outside)) > self.flat:
                break
            inside, lost = outside, far
        else:
            return None
        while abs(math.log(outside / inside)) > ENDS:
            middle = self._near(math.sqrt(inside * outside))
            if (at := loss(middle)) > self.flat:
                outside, far = middle, at
            else:
                inside, lost = middle, at
        share = (self.flat - lost) / (far - lost)
        return inside * math.exp(share * math.log(outside / inside))

    def _near(self, value: float) -> float:
        """A value in the range, short enough to be written."""
        return min(max(self.over.knob.rounded(value, 7), self.over.low), self.over.high)

    def _discrete(self) -> Found:
        """Whole numbers: a grid made finer around the best, then the values not significantly worse."""
        low, high = self.over.low, self.over.high
        tried: dict[float, Point] = {}
        while True:
            values = self.over.whole(low, high)
            if len(values) < 3:
                raise UsageError(f"{self.over.knob.key}: needs three whole numbers or more to choose from")
            grid = self._grid(values)
            if grid.reason is not None and not tried:
                return grid
            tried |= {point.value: point for point in grid.points}
            best = values.index(grid.best)
            ends = values[max(best - 1, 0)], values[min(best + 1, len(values) - 1)]
            if ends[1] - ends[0] <= 2 or grid.reason is not None or ends == (low, high):
                break
            low, high = ends
        found = self._known = self._whole(tried, grid)
        for n in self.looks(2 * MOST_ON_GRID, self.most):
            values = self.over.whole(found.low, found.high)
            if found.precise or self.fixed or n <= found.n:
                break
            grid = Found(n, self._points(values, self.measured(values, n)), None)
            top = max(grid.points, key=lambda point: point.metric.mean)
            tried |= {point.value: point for point in grid.points}
            found = self._known = self._whole(tried, replace(grid, best=top.value))
            self.progress(
                f"{n} replications of {len(values)} values: best {self.shown(found.best)} "
                f"({self.shown(found.low)} to {self.shown(found.high)})"
            )
        return found

    def _whole(self, tried: dict[float, Point], grid: Found) -> Found:
        """The best whole number, those not significantly worse, and the flat region. It is precise where none of
        them can lose more than the threshold of the flat region.
        """
        points = tuple(tried[value] for value in sorted(tried))
        near = self._around(points, grid.best, lambda point: not is_clear(point.loss))
        flat = self._around(points, grid.best, lambda point: point.loss.mean <= self.flat)
        ends_of_flat = (
            None if flat[0] == self.over.low else flat[0],
            None if flat[1] == self.over.high else flat[1],
        )
        close = [point.loss.high for point in points if near[0] <= point.value <= near[1]]
        precise = near[0] == near[1] or all(high is not None and high <= self.flat for high in close)
        return Found(grid.n, points, None, grid.best, *near, ends_of_flat, precise=precise)

    @staticmethod
    def _around(points: Sequence[Point], best: float, holds: Callable[[Point], bool]) -> tuple[float, float]:
        """The least and the largest value around the best up to which something holds without a gap."""
        at = [point.value for point in points].index(best)
        low = high = at
        while low > 0 and holds(points[low - 1]):
            low -= 1
        while high < len(points) - 1 and holds(points[high + 1]):
            high += 1
        return points[low].value, points[high].value

    def shown(self, value: float) -> str:
        """Give a value as a file writes it, short."""
        return self.over.knob.written(self.over.knob.rounded(value))


def is_clear(loss: Estimate) -> bool:
    """Whether a loss is above 0 for sure."""
    return loss.low is not None and loss.low > 0
