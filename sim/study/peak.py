"""Where a curve has its peak: a polynomial through paired measurements, with the error that the replications leave."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import fdtrc, stdtrit

from sim.study.paired import Floats, Measured

DEGREE = 4
"""Of the polynomial. Over a factor of 2 to both sides it finds the best interval of closed forms to 0.3 %, where ETTR
has no kink.
"""

REFUSED_FIT = 1e-3
"""Probability of misfit by chance below which a polynomial is refused."""

HARMLESS = 0.01
"""Misfit, as a share of the curve's height in the window, that moves the peak by no more than 2 %. An assumption that
the oracles test.
"""


@dataclass(frozen=True)
class Peak:
    """The maximum of the polynomial through points at x from -1 to 1.

    Parameters
    ----------
    at : Measured
        Its place x, with influences.
    height : float
        Of the curve there.
    curvature : Measured
        Second derivative there, below 0.
    fits : bool
        Whether the points lie on the polynomial, up to their noise or harmlessly.
    coefficients : array of shape (5,)
        Of the powers of x.
    """

    at: Measured
    height: float
    curvature: Measured
    fits: bool
    coefficients: Floats

    def half_width(self, confidence: float) -> float:
        """Half the t-interval of the place, in x."""
        t = float(stdtrit(self.at.n - 1, (1 + confidence) / 2))
        return t * math.sqrt(self.at.variance / self.at.n)

    def is_clear(self, confidence: float) -> bool:
        """Whether the curve is bent down for more than its noise, and its peak known to lie in the window.

        Where noise alone has a maximum it is bent down, so this asks for more confidence: noise passes in less than
        1 - ``confidence`` of all cases (which is tested).
        """
        t = float(stdtrit(self.curvature.n - 1, 1 - (1 - confidence) / 10))
        bent = self.curvature.value + t * math.sqrt(self.curvature.variance / self.curvature.n) < 0
        return bent and abs(self.at.value) + self.half_width(confidence) < 1

    def value(self, x: float) -> float:
        """The polynomial at x."""
        return float(np.polynomial.polynomial.polyval(x, self.coefficients))


def peak(x: Floats, points: Sequence[Measured]) -> Peak | None:
    """Fit a polynomial by least squares and find its maximum between -1 and 1; None if it has none there.

    The fit is linear in the points, so each replication's pull on a coefficient is the same combination of its pulls on
    the points, and the peak's place, a root of p', moves by -p'(x) / p''(x) (the delta method).

    Parameters
    ----------
    x : array of shape (k,)
        Places from -1 to 1, k > 5, all different.
    points : sequence of Measured
        What was measured there, on the same n replications.
    """
    powers = np.vander(x, DEGREE + 1, increasing=True)
    fit = np.linalg.pinv(powers)
    values = np.array([point.value for point in points])
    pulls = np.column_stack([point.influence for point in points])
    found = fit @ values
    polynomial = np.polynomial.Polynomial(found)
    roots = [
        float(root.real)
        for root in polynomial.deriv().roots()
        if abs(root.imag) < 1e-9 and abs(root.real) <= 1 and polynomial.deriv(2)(root.real) < 0
    ]
    if not roots:
        return None
    at = max(roots, key=lambda root: float(polynomial(root)))
    bend = float(polynomial.deriv(2)(at))
    order = np.arange(DEGREE + 1)
    slope = np.where(order > 0, order * at ** np.maximum(order - 1, 0), 0.0)
    second = np.where(order > 1, order * (order - 1) * at ** np.maximum(order - 2, 0), 0.0)
    of_coefficients = pulls @ fit.T
    return Peak(
        at=Measured(at, -(of_coefficients @ slope) / bend),
        height=float(polynomial(at)),
        curvature=Measured(bend, of_coefficients @ second),
        fits=_fits(powers, values, pulls, abs(bend) / 2),
        coefficients=found,
    )


def _fits(powers: Floats, values: Floats, pulls: Floats, height: float) -> bool:
    """Whether what the polynomial leaves of the points is noise (Hotelling's T squared), or too small to matter."""
    free = len(values) - powers.shape[1]
    rest = np.linalg.svd(powers)[0][:, powers.shape[1] :]
    left = values @ rest
    if math.sqrt(float(left @ left) / len(values)) <= HARMLESS * height:
        return True
    n = len(pulls)
    if n <= free + 1:
        return True
    spread = np.cov(pulls @ rest, rowvar=False) / n
    if not spread.any():
        return False
    t2 = float(left @ np.linalg.pinv(np.atleast_2d(spread)) @ left)
    return bool(fdtrc(free, n - free, t2 * (n - free) / (free * (n - 1))) > REFUSED_FIT)
