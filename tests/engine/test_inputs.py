"""Uncertain inputs: counts of faults follow the gamma-Poisson law exactly, and nothing else changes.

In every scenario here the fault clock never stands still and an incident takes no time, so that the faults of a
replication are Poisson given its rate, and over replications negative binomial (O15c).

n = 20000 replications, fixed seeds. Each |z| must stay below 4.5: false alarm 7e-6 each. The mean count notices a bias
of 0.08 of 3, the variance one of 6 %.
"""

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from sim.engine.compiled.run import Runner
from sim.engine.inputs import PARTNER, rate_factors, stretches
from sim.plan import Plan
from sim.planning import build
from sim.scenario import from_dict
from sim.theory import count_variance, posterior_mean

from .checks import Recorded, compiled, difference, specified

N = 20_000
Z_LIMIT = 4.5
DAYS = 86_400.0


def scenario(events: float, over: str, horizon: str, **more: Any) -> dict:
    counted = {"per": "job", "clock": "wall", "observed": {"events": events, "over": over}, "uncertain": True, **more}
    return {
        "cluster": {"nodes": 1},
        "faults": {"counted": counted, "known": {"per": "job", "clock": "wall", "mtbf": "1 day"}},
        "recovery": {"restart": "0 s", "detect": "0 s"},
        "run": {"horizon": horizon, "seed": 11},
    }


def counts(plan: Plan, source: int = 0) -> np.ndarray:
    return Runner(plan, 2).run(0, N)["faults_of"][:, source]


def fits(found: np.ndarray, law: Any) -> float:
    """P-value of a chi-squared test of counts, cells of an expected count of at least 20."""
    top = 0
    while N * law.sf(top) > 20.0:
        top += 1
    low = 0
    while N * law.cdf(low) < 20.0:
        low += 1
    cells = [law.cdf(low), *(law.pmf(k) for k in range(low + 1, top + 1)), law.sf(top)]
    seen = [(found <= low).sum(), *((found == k).sum() for k in range(low + 1, top + 1)), (found > top).sum()]
    return float(stats.chisquare(seen, N * np.array(cells) / sum(cells)).pvalue)


def negative_binomial(shape: float, mean: float) -> Any:
    return stats.nbinom(shape, shape / (shape + mean))


@pytest.mark.parametrize(
    ("events", "over", "horizon"),
    [(2, "2.5 days", "3 days"), (0, "1 day", "5 days"), (40, "8 days", "10 days")],
    ids=["few", "none", "many"],
)
def test_counts_are_negative_binomial(events: float, over: str, horizon: str) -> None:
    plan = build(from_dict(scenario(events, over, horizon)))
    shape = events + 0.5
    mean = posterior_mean(events, float(over.split()[0]) * DAYS) * float(horizon.split()[0]) * DAYS
    law = negative_binomial(shape, mean)
    assert law.var() == pytest.approx(count_variance(mean, shape))
    found = counts(plan)
    variance, excess = law.var(), float(law.stats("k"))
    assert abs(found.mean() - mean) < Z_LIMIT * math.sqrt(variance / N)
    # The variance of a sample's variance is (kurtosis - 1) var^2 / n, for large n.
    assert abs(found.var() - variance) < Z_LIMIT * variance * math.sqrt((excess + 2.0) / N)
    assert fits(found, law) > 1e-5
    assert fits(found, stats.poisson(mean)) < 1e-12


def test_with_a_known_rate_counts_are_poisson() -> None:
    """Negative control: without the factor the law is Poisson, and the test for the negative binomial fails."""
    found = counts(build(from_dict(scenario(2, "2 days", "3 days", uncertain=False))))
    assert fits(found, stats.poisson(3.0)) > 1e-5
    assert fits(found, negative_binomial(2.5, 3.0)) < 1e-12


def test_a_rate_taken_from_the_wrong_shape_is_noticed() -> None:
    found = counts(build(from_dict(scenario(2, "2.5 days", "3 days"))))
    assert fits(found, negative_binomial(2.0, 3.0)) < 1e-5


def test_both_engines_draw_the_same_rates() -> None:
    plan = build(from_dict(scenario(2, "2.5 days", "30 days")))
    for replication in (0, 1, 2, PARTNER, PARTNER + 5):
        assert not difference(compiled(plan, replication), specified(plan, replication))


def test_the_same_faults_are_stretched() -> None:
    """Each reading of the source's clock is that of the known rate, times what the replication stretches it by."""
    uncertain = scenario(2, "2.5 days", "30 days")
    known = scenario(2, "2.5 days", "30 days", uncertain=False)
    known["faults"]["counted"]["observed"]["events"] = 2.5  # the mean of the law
    plan = build(from_dict(uncertain))
    for replication in range(5):
        mine, base = Recorded(plan, replication).strikes, Recorded(build(from_dict(known)), replication).strikes
        stretch = stretches(plan, replication, 1)[0, 0]
        assert abs(stretch - 1.0) > 0.01
        pairs = list(zip(mine.get(("counted", 0), []), base.get(("counted", 0), []), strict=False))
        assert replication > 0 or len(pairs) > 5
        for ours, theirs in pairs:
            # Every gap is rounded to the grid: half a tick in each of the two.
            ticks = (ours.reading - theirs.reading * stretch) * 2.0**20
            assert abs(ticks) <= (1.0 + stretch) * 0.5 * len(pairs) + 1.0
            assert (ours.slot, ours.need) == (theirs.slot, theirs.need)
        assert mine["known", 0] == base["known", 0]


def test_known_rates_cost_nothing_and_change_nothing() -> None:
    plan = build(from_dict(scenario(2, "2.5 days", "3 days", uncertain=False)))
    assert not plan.uncertain
    assert stretches(plan, 0, 10).shape == (0, 0)
    assert (rate_factors(plan, np.arange(4)) == 1.0).all()


def test_partners_have_the_same_inputs_and_other_faults() -> None:
    """Correlation of the partners' counts: that of the rates, (m^2 / a) / (m + m^2 / a) = 0.545 here."""
    plan = build(from_dict(scenario(2, "2.5 days", "3 days")))
    numbers = np.arange(50)
    assert (rate_factors(plan, numbers) == rate_factors(plan, numbers + PARTNER)).all()
    runner = Runner(plan, 2)
    one, other = (runner.run(first, N)["faults_of"] for first in (0, PARTNER))
    expected = (9.0 / 2.5) / count_variance(3.0, 2.5)
    # Fisher's z of a correlation has a standard error of 1 / sqrt(n) for normal pairs; for these counts it is 1.214
    # times that, 0.0086, by the delta method: sd(xy - r (x^2 + y^2) / 2) / (1 - r^2) of standardised pairs.
    assert abs(np.arctanh(np.corrcoef(one[:, 0], other[:, 0])[0, 1]) - math.atanh(expected)) < Z_LIMIT * 0.0086
    assert abs(np.corrcoef(one[:, 1], other[:, 1])[0, 1]) < Z_LIMIT / math.sqrt(N)


def test_factors_are_gamma_with_mean_one_and_independent_between_sources() -> None:
    table = scenario(2, "2.5 days", "3 days")
    table["faults"]["other"] = {
        "per": "job",
        "clock": "wall",
        "observed": {"events": 0, "over": "1 day"},
        "uncertain": True,
    }
    factors = rate_factors(build(from_dict(table)), np.arange(N))
    assert (factors > 0.0).all()
    assert (factors[:, 1] == 1.0).all()
    for column, shape in ((0, 2.5), (2, 0.5)):
        assert stats.kstest(factors[:, column], stats.gamma(shape, scale=1.0 / shape).cdf).pvalue > 1e-5
    assert abs(stats.spearmanr(factors[:, 0], factors[:, 2]).statistic) < Z_LIMIT / math.sqrt(N)


def test_many_counted_faults_leave_nothing_open() -> None:
    """In the limit of endless counts the rate is known: factors are 1 up to 4.5 / sqrt(1e12)."""
    factors = rate_factors(build(from_dict(scenario(1e12, "1_000 days", "3 days"))), np.arange(1_000))
    assert np.abs(factors[:, 0] - 1.0).max() < 5e-6
