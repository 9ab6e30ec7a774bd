"""The peak of a curve through noisy points: its place, its error, and curves that a polynomial does not fit."""

import math

import numpy as np
import pytest

from sim.study.paired import Floats, Measured
from sim.study.peak import Peak, peak
from sim.theory import Saves, best_interval, ettr

X = np.linspace(-1, 1, 9)


def exact(values: Floats, n: int = 50) -> list[Measured]:
    return [Measured(float(value), np.zeros(n)) for value in values]


def noisy(rng: np.random.Generator, values: Floats, n: int, noise: float) -> list[Measured]:
    """Points whose replications have noise of their own, and noise that they share."""
    shared = rng.normal(size=n)
    found = []
    for value in values:
        sample = value + noise * rng.normal(size=n) + 10 * noise * shared
        found.append(Measured(float(sample.mean()), sample - sample.mean()))
    return found


def test_a_parabola() -> None:
    found = peak(X, exact(3 - 2 * (X - 0.3) ** 2))
    assert found is not None
    assert found.at.value == pytest.approx(0.3, abs=1e-8)  # two of its powers are rounding
    assert found.height == pytest.approx(3.0)
    assert found.curvature.value == pytest.approx(-4.0)
    assert found.fits
    assert found.half_width(0.95) == 0.0
    assert found.is_clear(0.95)


def test_no_peak() -> None:
    assert peak(X, exact(X)) is None
    assert peak(X, exact(X**2)) is None


@pytest.mark.parametrize(
    ("mtbf", "stall", "persist", "slowdown", "in_flight"),
    [(1440, 5, 0, 0, 1), (360, 5, 0, 0, 1), (15, 5, 0, 0, 1), (200, 0.5, 15, 0.1, 1), (200, 0.5, 70, 0, 0)],
)
@pytest.mark.parametrize("off", [0.8, 1.0, 1.25])
def test_closed_forms_within_half_a_percent(
    mtbf: float, stall: float, persist: float, slowdown: float, in_flight: int, off: float
) -> None:
    best = best_interval(1 / mtbf, stall, persist, slowdown, in_flight)
    values = [
        ettr(1 / mtbf, Saves(best * off * 2**x, stall, persist, slowdown, in_flight), mtbf * math.expm1(10 / mtbf))
        for x in X
    ]
    found = peak(X, exact(np.array(values)))
    assert found is not None
    kinked = persist == 15 and off < 1  # the window reaches to where saves wait for the one before
    assert found.fits != kinked
    if found.fits:
        assert off * 2**found.at.value == pytest.approx(1.0, rel=0.005)


def test_a_kink_is_no_polynomial() -> None:
    kink = -np.abs(X - 0.1) - 0.3 * np.maximum(X - 0.1, 0)
    for points in (exact(kink), noisy(np.random.default_rng(5), kink, 200, 0.05)):
        found = peak(X, points)
        assert found is None or not found.fits


def test_the_interval_holds_as_often_as_it_says() -> None:
    """2,000 studies of a curve with shared noise, n = 60: |z| < 4.5 around 95 % of them, standard error 0.5 %."""
    rng = np.random.default_rng(6)
    truth = 0.15
    held = 0
    studies = 2_000
    for _ in range(studies):
        found = peak(X, noisy(rng, 1 - (X - truth) ** 2, 60, 0.4))
        assert found is not None
        held += abs(found.at.value - truth) <= found.half_width(0.95)
    assert abs(held / studies - 0.95) < 4.5 * math.sqrt(0.95 * 0.05 / studies)


def test_what_is_only_noise_is_not_clear() -> None:
    rng = np.random.default_rng(7)
    fits: list[Peak | None] = [peak(X, noisy(rng, 0 * X, 60, 1.0)) for _ in range(2_000)]
    clear = [fit is not None and fit.is_clear(0.95) for fit in fits]
    assert np.mean(clear) < 0.05  # 3 to 4 % of them
