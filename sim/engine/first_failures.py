"""When components that have long been in service fail for the first time after the start.

A share q of the faults renews a component. The age of one of frailty z at the start has the density exp(-q z H(a)) / C,
C the mean time between renewals; it has not failed after r with probability

    G(r) = integral over a of exp(-z (H(a + r) - (1 - q) H(a))) / C,

and G is averaged over z. For q = 1 that is the equilibrium law of renewal theory, the integral of the survival from r
on. Source: derived; G'(0) = -1 / (q C), the long-run rate of faults of one component.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from sim.engine.hazards import passed
from sim.plan import Life

Floats = npt.NDArray[np.float64]
Function = Callable[[Floats], Floats]

_X, _W = np.polynomial.legendre.leggauss(16)
_FAR = 600.0
"""How far the logarithm of an age goes beyond where H is 1: further out exp overflows."""


class Start:
    """First failures of a stationary start. ``log_hazard`` is log r -> log(-log G(r)), r in seconds.

    ``weight`` is the share of bad components, each weighted by 1 / C; ``spread`` the shape of the gamma of frailties
    so weighted. ``rate`` is the long-run rate of faults of one component, 1/s.
    """

    def __init__(self, life: Life, log_h: Function) -> None:
        self.life = life
        self.log_h = log_h
        good = 1.0 / (1.0 - life.share + life.share * life.factor)
        self.frailties = np.array([good, good * life.factor])
        self.shares = np.array([1.0 - life.share, life.share])
        self.spread = life.spread + 1.0 / life.parts[0][1]
        self.x, self.w = self._panels()
        h = np.exp(log_h(self.x))
        between = np.array([(self.w * np.exp(-life.renewing * z * h)).sum() for z in self.frailties])
        self.shares = self.shares / between
        self.rate = float(self.shares.sum() / life.renewing)
        self.weight = float(self.shares[1] / self.shares.sum())
        self.total = float((self.w * self._survival(life.renewing * h)).sum())
        self.log_hazard = self._renewed if life.renewing == 1.0 else self._partly_renewed

    def _survival(self, h: Floats) -> Floats:
        """exp(-z h) averaged over the frailties at the start, up to a factor."""
        if self.life.spread > 0.0:
            return np.exp(-self.spread * np.log1p(h / self.life.spread))
        return np.asarray(sum(s * np.exp(-z * h) for s, z in zip(self.shares, self.frailties, strict=True)))

    def _failed(self, h: Floats, more: Floats) -> Floats:
        """What of the survival at ``h`` is gone at ``h + more``."""
        if self.life.spread > 0.0:
            gone = -np.expm1(-self.spread * np.log1p(more / (self.life.spread + h)))
            return np.asarray(self._survival(h) * gone)
        each = zip(self.shares, self.frailties, strict=True)
        return np.asarray(sum(-s * np.exp(-z * h) * np.expm1(-z * more) for s, z in each))

    def _panels(self) -> tuple[Floats, Floats]:
        """Nodes in log a, and weights that make a sum an integral over a: narrow panels where H rises from 0 to 100."""
        grid = np.arange(-200.0, 200.0, 0.01)
        h = self.log_h(grid)
        low, one, high = (float(grid[np.searchsorted(h, math.log(each))]) for each in (1e-4, 1.0, 100.0))
        far = min(one + _FAR, high + 40.0 / (self.life.spread * self._slope(high))) if self.life.spread > 0.0 else high
        edges = np.concatenate(
            [np.arange(low - 45.0, low, 1.0), np.linspace(low, high, 40), np.arange(high + 0.5, far + 1.0, 0.5)]
        )
        half = np.diff(edges)[:, None] / 2.0
        x = (edges[:-1, None] + half * (1.0 + _X)).ravel()
        return x, (half * _W).ravel() * np.exp(x)

    def _slope(self, x: float) -> float:
        h = self.log_h(np.array([x, x + 0.1]))
        return float(h[1] - h[0]) / 0.1

    def _renewed(self, x: Floats) -> Floats:
        """For q = 1: the integral of the survival, up to each of the waits and beyond it."""
        order = np.argsort(x)
        ends = x[order]
        low, high = min(ends[0], self.x[0]), max(ends[-1], self.x[-1])
        edges = np.unique(np.concatenate([np.arange(low - 45.0, low, 1.0), ends, self.x, [high]]))
        half = np.diff(edges)[:, None] / 2.0
        at = edges[:-1, None] + half * (1.0 + _X)
        inside = self._survival(np.exp(np.minimum(self.log_h(at.ravel()), 700.0))).reshape(at.shape)
        parts = (half * _W * inside * np.exp(at)).sum(axis=1)
        before = np.concatenate([[0.0], np.cumsum(parts)])
        after = np.concatenate([np.cumsum(parts[::-1])[::-1], [0.0]])
        place = np.searchsorted(edges, ends)
        hazard = np.empty_like(x)
        hazard[order] = _hazard(before[place] / before[-1], after[place] / before[-1])
        return np.log(hazard)

    def _partly_renewed(self, x: Floats) -> Floats:
        q = self.life.renewing
        a = np.exp(self.x)
        hazard = np.empty_like(x)
        h = np.exp(self.log_h(self.x))
        for i, wait in enumerate(np.exp(x)):
            more = passed(self.life, self.log_h, a, np.full_like(a, wait))
            gone = float((self.w * self._failed(q * h, more)).sum()) / self.total
            left = float((self.w * self._survival(q * h + more)).sum()) / self.total
            hazard[i] = _hazard(np.array([gone]), np.array([left]))[0]
        return np.log(hazard)


def _hazard(gone: Floats, left: Floats) -> Floats:
    """-log of what is left, from the share that is gone or the one that is left, whichever is exact."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.where(gone < 0.5, -np.log1p(-np.minimum(gone, 0.9)), -np.log(left)))
