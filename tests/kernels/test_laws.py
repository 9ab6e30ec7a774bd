"""Laws of durations against SciPy's, and the grid of time.

Kolmogorov and Smirnov's test at n = 20000, significance 1e-6; it notices a shift of 0.018 in probability.
"""

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special, stats
from strategies import TICK, examples

from sim.kernels.laws import CONSTANT, ENDLESS, EXPONENTIAL, LOGNORMAL, duration, gap, mean_up_to, watchdog_delay
from sim.kernels.normal import normal_quantile
from sim.kernels.philox import uniforms
from sim.kernels.time import LONGEST_S, quantize

N = 20_000
SIGNIFICANCE = 1e-6
UNITS = st.floats(0.0, 1.0, exclude_max=True)


def draws(law: int, a: float, b: float) -> np.ndarray:
    key = (np.uint64(11), np.uint64(law))
    found = np.empty(N)
    for i in range(N):
        u, _, _, _ = uniforms(*key, i, 300, 0, 0)
        found[i] = duration(law, a, b, u)
    return found


@pytest.mark.parametrize("mean", [1.0, 600.0, 1e8])
def test_exponential(mean: float) -> None:
    assert stats.kstest(draws(EXPONENTIAL, mean, 0.0), stats.expon(scale=mean).cdf).pvalue > SIGNIFICANCE


@pytest.mark.parametrize(("mu", "sigma"), [(0.0, 0.1), (6.0, 0.8), (9.0, 2.0)])
def test_lognormal(mu: float, sigma: float) -> None:
    law = stats.lognorm(s=sigma, scale=math.exp(mu))
    assert stats.kstest(draws(LOGNORMAL, mu, sigma), law.cdf).pvalue > SIGNIFICANCE


def test_wrong_laws_are_noticed() -> None:
    """Negative controls: 5 % off in the mean, 4 % in the median, 10 % in the spread."""
    exponential, lognormal = draws(EXPONENTIAL, 630.0, 0.0), draws(LOGNORMAL, 6.0, 0.8)
    wrong_median, wrong_spread = stats.lognorm(s=0.8, scale=math.exp(6.04)), stats.lognorm(s=0.88, scale=math.exp(6.0))
    assert stats.kstest(exponential, stats.expon(scale=600.0).cdf).pvalue < SIGNIFICANCE
    assert stats.kstest(lognormal, wrong_median.cdf).pvalue < SIGNIFICANCE
    assert stats.kstest(lognormal, wrong_spread.cdf).pvalue < SIGNIFICANCE


@examples(300)
@given(st.floats(1e-300, 1.0 - 1e-16))
def test_normal_quantile_is_scipys(u: float) -> None:
    assert normal_quantile(u) == pytest.approx(special.ndtri(u), rel=2e-14, abs=1e-15)


def test_normal_quantile_at_its_joints_and_ends() -> None:
    assert normal_quantile(0.5) == 0.0
    assert normal_quantile(0.0) == -math.inf
    assert normal_quantile(1.0) == math.inf
    for u in (0.075, 0.925, math.exp(-25.0)):
        beside = (normal_quantile(math.nextafter(u, 0.0)), normal_quantile(u), normal_quantile(math.nextafter(u, 1.0)))
        assert beside == pytest.approx([special.ndtri(u)] * 3, rel=1e-13)


@given(st.floats(-5.0, 15.0), st.floats(0.01, 2.0), UNITS)
def test_lognormal_by_inversion_scales_with_its_median(mu: float, sigma: float, u: float) -> None:
    one, two = duration(LOGNORMAL, mu, sigma, u), duration(LOGNORMAL, mu + math.log(2.0), sigma, u)
    assert two == LONGEST_S or two == pytest.approx(2.0 * one, rel=1e-12, abs=1.6 * TICK)


@given(UNITS)
def test_constant_and_endless_draw_nothing(u: float) -> None:
    assert duration(CONSTANT, 12.5, 0.0, u) == 12.5
    assert duration(ENDLESS, 0.0, 0.0, u) == math.inf


@examples(300)
@given(st.floats(1e-6, 1e9), UNITS)
def test_exponential_by_inversion_scales_with_its_mean(mean: float, u: float) -> None:
    one, two = duration(EXPONENTIAL, mean, 0.0, u), duration(EXPONENTIAL, 2.0 * mean, 0.0, u)
    assert one == pytest.approx(min(-mean * math.log1p(-u), LONGEST_S), rel=1e-12, abs=TICK)
    assert two == LONGEST_S or abs(two - 2.0 * one) <= 1.5 * TICK


@given(st.sampled_from([EXPONENTIAL, LOGNORMAL]), st.floats(0.0, 700.0), UNITS)
def test_draws_are_finite_and_on_the_grid(law: int, a: float, u: float) -> None:
    time = duration(law, a, 3.0, u)
    assert 0.0 <= time <= LONGEST_S
    assert (time / TICK).is_integer()


def test_uniforms_at_their_ends() -> None:
    last = 1.0 - 2.0**-53
    assert duration(EXPONENTIAL, 1.0, 0.0, 0.0) == 0.0
    assert duration(EXPONENTIAL, 1.0, 0.0, last) == pytest.approx(53 * math.log(2.0), abs=TICK)
    assert duration(LOGNORMAL, 0.0, 1.0, 0.0) == 0.0
    assert 0.0 < duration(LOGNORMAL, 0.0, 1.0, last) < LONGEST_S
    assert duration(EXPONENTIAL, 1e300, 0.0, last) == LONGEST_S


# The grid


@examples(300)
@given(u=st.floats(0.0, 1.0, exclude_max=True), mean=st.floats(1.0, 1e12))
def test_a_gap_between_faults_is_an_exponential_that_is_not_cut_off(u: float, mean: float) -> None:
    exact = -mean * math.log1p(-u)
    found = gap(mean, u)
    if exact < LONGEST_S:
        assert found == duration(EXPONENTIAL, mean, 0.0, u)
    elif exact < 2.0 * LONGEST_S:
        assert found <= exact < found + 1.0
        assert found == math.floor(found) >= LONGEST_S
    else:
        assert found == math.inf


@given(st.floats(0.0, LONGEST_S))
def test_quantize_gives_the_nearest_tick(seconds: float) -> None:
    found = quantize(seconds)
    assert (found / TICK).is_integer()
    # Adding a half rounds once more above 2^32 ticks: a tie may then go either way, a tick never further.
    assert abs(Fraction(found) - Fraction(seconds)) <= Fraction(TICK) / 2
    assert quantize(found) == found


def test_quantize_at_its_ends() -> None:
    assert quantize(0.0) == 0.0
    assert quantize(TICK / 2) == TICK
    assert quantize(0.499 * TICK) == 0.0
    assert quantize(math.inf) == quantize(2.0 * LONGEST_S) == LONGEST_S


@examples(300)
@given(st.floats(0.0, LONGEST_S), st.floats(0.0, LONGEST_S))
def test_sums_and_differences_of_times_are_exact(a: float, b: float) -> None:
    x, y = quantize(a), quantize(b)
    assert Fraction(x + y) == Fraction(x) + Fraction(y)
    assert Fraction(x - y) == Fraction(x) - Fraction(y)
    assert (x + y) - y == x


@given(st.integers(0, 100), st.integers(0, 50), UNITS, UNITS)
def test_watchdog_notices_between_its_bounds(beat: int, poll: int, u: float, v: float) -> None:
    delay = watchdog_delay(100.0, float(beat), float(poll), u, v)
    assert 100.0 - beat - TICK <= delay <= 100.0 + poll + TICK
    assert delay == pytest.approx(100.0 - beat * u + poll * v, abs=TICK)


@pytest.mark.parametrize("limit", [0.0, 1.0, 500.0, 1e4, 1e7, LONGEST_S])
@pytest.mark.parametrize(
    ("law", "a", "b"),
    [
        (CONSTANT, 600.0, 0.0),
        (EXPONENTIAL, 600.0, 0.0),
        (LOGNORMAL, 6.0, 0.1),
        (LOGNORMAL, 6.0, 2.2),
        (LOGNORMAL, 6.0, 0.0),
    ],
)
def test_the_mean_up_to_a_limit_is_the_integral_of_survival(law: int, a: float, b: float, limit: float) -> None:
    """E min(D, c) is the integral of P(D > t) from 0 to c, here by quadrature over the logarithm of time."""
    survival = {
        CONSTANT: lambda t: float(t < a),
        EXPONENTIAL: lambda t: math.exp(-t / a),
        LOGNORMAL: lambda t: special.ndtr((a - math.log(t)) / b) if b else float(t < math.exp(a)),
    }[law]
    edges = sorted({1e-6, *(e for e in (a if law == CONSTANT else math.exp(6.0), 1e3, 1e5) if e < limit), limit})
    parts = (
        integrate.quad(
            lambda x: survival(math.exp(x)) * math.exp(x), math.log(low), math.log(high), epsabs=1e-9, limit=200
        )[0]
        for low, high in pairwise(edges)
        if high > low
    )
    expected = sum(parts) + 1e-6 if limit else 0.0
    assert mean_up_to(law, a, b, limit) == pytest.approx(expected, rel=1e-8, abs=1e-6)
