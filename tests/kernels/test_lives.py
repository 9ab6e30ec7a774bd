"""Lives against SciPy's laws, equilibrium laws against quadrature, and posteriors against a direct simulation."""

import math

import numpy as np
import pytest
from scipy import integrate, special, stats

from sim.engine.curves import curves_of
from sim.kernels import lives as kernels
from sim.plan import BATHTUB_LIFE, GAMMA_LIFE, LOGNORMAL_LIFE, WEIBULL_LIFE, Life

MEAN = 1e8
SHAPE = 0.7
SCALE = MEAN / math.gamma(1.0 + 1.0 / SHAPE)
SIGMA = math.sqrt(math.log1p(0.25))
MU = math.log(MEAN) - SIGMA**2 / 2.0
HAZARDS = np.logspace(-12, 1, 40)
KEY = np.uint64(3), np.uint64(4)

LAWS = {
    "weibull": (Life(WEIBULL_LIFE, ((SCALE, SHAPE),)), stats.weibull_min(SHAPE, scale=SCALE)),
    "lognormal": (Life(LOGNORMAL_LIFE, ((MU, SIGMA),)), stats.lognorm(SIGMA, scale=math.exp(MU))),
    "gamma": (Life(GAMMA_LIFE, ((MEAN / 3.0, 3.0),)), stats.gamma(3.0, scale=MEAN / 3.0)),
    "gamma below 1": (Life(GAMMA_LIFE, ((MEAN / 0.5, 0.5),)), stats.gamma(0.5, scale=MEAN / 0.5)),
}


@pytest.mark.parametrize("name", LAWS)
def test_hazards_and_their_inverse_are_those_of_scipy(name):
    life, law = LAWS[name]
    table = curves_of((life,))
    ages = np.array([kernels.age_at(*table, 0, h) for h in HAZARDS])
    on_grid = ages > 2.0**-21
    ages, hazards = ages[on_grid], HAZARDS[on_grid]
    low = law.cdf(ages)
    np.testing.assert_allclose(np.where(low < 0.5, -np.log1p(-low), -law.logsf(ages)), hazards, rtol=2e-11)
    np.testing.assert_allclose([kernels.hazard_at(*table, 0, a) for a in ages], hazards, rtol=2e-11)


def test_a_bathtub_adds_hazards():
    parts = ((40.0 * MEAN, 0.5), (2.0 * MEAN, 1.0), (3.0 * MEAN, 5.0))
    table = curves_of((Life(BATHTUB_LIFE, parts),))
    for h in HAZARDS:
        age = kernels.age_at(*table, 0, h)
        assert sum((age / scale) ** shape for scale, shape in parts) == pytest.approx(h, rel=1e-11)


def test_first_failures_of_a_stationary_weibull_are_an_incomplete_gamma():
    # The integral of exp(-(x/s)^k) beyond t is s / k Gamma(1/k, (t/s)^k).
    table = curves_of((LAWS["weibull"][0],))
    wait = np.array([kernels.first_wait(*table, 0, x) for x in HAZARDS])
    v = (wait / SCALE) ** SHAPE
    low, high = special.gammainc(1 / SHAPE, v), special.gammaincc(1 / SHAPE, v)
    np.testing.assert_allclose(np.where(low < 0.5, -np.log1p(-low), -np.log(high)), HAZARDS, rtol=5e-12)


@pytest.mark.parametrize("renewing", [0.3, 0.9])
def test_first_failures_where_some_faults_renew_are_the_double_integral(renewing):
    table = curves_of((Life(WEIBULL_LIFE, ((1.0, 1.5),), renewing=renewing),))

    def left(wait):
        value, _ = integrate.quad(
            lambda a: math.exp((1 - renewing) * a**1.5 - (a + wait) ** 1.5), 0.0, 40.0, epsabs=1e-13, epsrel=1e-12
        )
        return value

    for x in (1e-3, 0.1, 1.0, 4.0):
        assert -math.log(left(kernels.first_wait(*table, 0, x)) / left(0.0)) == pytest.approx(x, rel=1e-8)


@pytest.mark.parametrize("life", [{"spread": 0.8}, {"share": 0.1, "factor": 9.0}, {"share": 0.3, "factor": 0.1}])
def test_first_failures_of_mixtures_of_one_age(life):
    """exp(-x) is the mean of exp(-z (H(a + w) - H(a))) over the frailties."""
    table = curves_of((Life(WEIBULL_LIFE, ((SCALE, SHAPE),), age=1e6, **life),))
    record = table[0][0]
    for x in (1e-9, 1e-3, 0.3, 2.0):
        wait = kernels.first_wait(*table, 0, x)
        h = kernels.hazard_at(*table, 0, 1e6 + wait) - kernels.hazard_at(*table, 0, 1e6)
        if "spread" in life:
            left = 0.8 * math.log1p(h / 0.8)
        else:
            share = life["share"]
            left = -math.log((1 - share) * math.exp(-record["good"] * h) + share * math.exp(-record["bad"] * h))
        assert left == pytest.approx(x, rel=1e-6 if x < 1e-8 else 1e-11)


def test_gamma_variates_are_gamma():
    # Kolmogorov-Smirnov at n = 20,000: p below 1e-5 fails; it notices a distance of 0.017.
    rng = np.random.default_rng(5)
    for shape in (0.4, 1.8, 30.0):
        found = np.array([kernels.gamma_variate(shape, *rng.random(3)) for _ in range(20_000)])
        found = found[found >= 0.0]
        assert len(found) > 18_000
        assert stats.kstest(found, stats.gamma(shape).cdf).pvalue > 1e-5


def _direct(rng, life, n):
    """First failures by brute force: frailty, wait and age of components met at a uniform time of a long past."""
    z = np.where(rng.random(n) < life.share, life.factor, 1.0) / (1.0 - life.share + life.share * life.factor)
    found = []
    for frailty in z:
        age, clock, start = 0.0, 0.0, 60.0 + 20.0 * rng.random()
        while True:
            age_next = (age**1.5 + rng.exponential() / frailty) ** (1.0 / 1.5)
            if clock + (age_next - age) > start:
                found.append((clock + (age_next - age) - start, age_next, frailty))
                break
            clock += age_next - age
            age = 0.0 if rng.random() < life.renewing else age_next
    return np.array(found)


def test_waits_ages_and_frailties_at_the_start_are_those_of_a_fleet_long_in_service():
    """Against components simulated one by one from new for 60 to 80 mean lives.

    Means of wait, age at failure and share of bad ones, and mean of wait x age; n = 4,000 of each, |z| < 4.5: an error
    of some 7 % of a standard deviation is noticed.
    """
    life = Life(WEIBULL_LIFE, ((1.0, 1.5),), renewing=0.4, share=0.3, factor=4.0)
    table = curves_of((life,))
    rng = np.random.default_rng(11)
    n = 4_000
    theirs = _direct(rng, life, n)
    ours = []
    for i, x in enumerate(rng.exponential(size=n)):
        wait = kernels.first_wait(*table, 0, x)
        z, hazard = kernels.first_failure(*table, 0, wait, *KEY, i, 0)
        ours.append((wait, kernels.age_at(*table, 0, hazard), z))
    ours = np.array(ours)
    for read in (lambda v: v[:, 0], lambda v: v[:, 1], lambda v: v[:, 2], lambda v: v[:, 0] * v[:, 1]):
        a, b = read(ours), read(theirs)
        error = math.sqrt((a.var() + b.var()) / n)
        assert abs(a.mean() - b.mean()) < 4.5 * error


def test_the_frailty_of_a_new_component_is_gamma_given_its_failure():
    life = Life(WEIBULL_LIFE, ((1.0, 2.0),), age=0.0, spread=0.8)
    table = curves_of((life,))
    found = [kernels.first_failure(*table, 0, 0.7, *KEY, i, 0)[0] for i in range(5_000)]
    assert stats.kstest(found, stats.gamma(1.8, scale=1.0 / (0.8 + 0.49)).cdf).pvalue > 1e-5


def test_the_first_of_many_new_components_fails_as_early_as_it_should():
    # Oracle O10a, 0.655630 h: the law of the minimum of 1000, Kolmogorov-Smirnov at n = 5,000.
    table = curves_of((Life(WEIBULL_LIFE, ((1e4, 0.7),), age=0.0),))
    rng = np.random.default_rng(3)
    found = [kernels.first_wait(*table, 0, x / 1000.0) for x in rng.exponential(size=5_000)]
    assert stats.kstest(found, stats.weibull_min(0.7, scale=1e4 * 1000 ** (-1 / 0.7)).cdf).pvalue > 1e-5
