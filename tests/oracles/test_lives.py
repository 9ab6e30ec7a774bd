"""Components that age and components that differ, in both engines, against closed forms and a direct simulation.

A fault stops the job for no time: no detection, no stages. What is counted is faults on the job.
"""

import math

import numpy as np
import pytest

from sim.engine.compiled.run import Runner
from sim.planning import build
from sim.scenario import loads
from sim.theory.lives import (
    faults_without_renewal,
    fleet_rate,
    frailty_variance,
    mean_life,
    renewed_ettr,
)

from .measure import Z_LIMIT, agreed

HOUR = 3600.0
AGED = """
[cluster]
nodes = {nodes}
[job]
nodes = {nodes}
[detect]
stop = "0 s"
[faults.part]
per = "node"
mtbf = "{mtbf} h"
{life}
[recovery]
restart = "0 s"
[repair]
time = "{repair}"
[run]
horizon = "{horizon} h"
seed = {seed}
"""


def text(nodes, mtbf, horizon, seed, *life, repair="0 s"):
    return AGED.format(nodes=nodes, mtbf=mtbf, horizon=horizon, seed=seed, life="\n".join(life), repair=repair)


def faults(rows):
    return rows["faults"], np.ones(len(rows))


def per_hour(rows):
    return rows["faults"], rows["wall_s"] / HOUR


WEIBULL = 'life = { law = "weibull", shape = 0.7 }'
FLEET = text(2000, mean_life(1000.0, 0.7), 300, 501, WEIBULL)


def test_a_fleet_long_in_service_fails_at_a_constant_rate(measure):
    # O10b: 1.58 an hour, in the first 20 h and in all of 300 h. n = 400: some 12,600 and 190,000 faults; renewals of
    # falling hazard come in clusters, here up to twice a Poisson's variance: noticed from 6 and 1.5 %.
    rate = agreed(fleet_rate(2000, 1000.0, 0.7), 1.58)
    early = measure(FLEET, per_hour, rate, 400, 3, "run.horizon=20 h")
    late = measure(FLEET, per_hour, rate, 400, 3, early="20 h")
    assert early.agrees, early
    assert late.agrees, late
    assert early.noticed < 0.06
    assert late.noticed < 0.015


@pytest.mark.parametrize(
    "change",
    ["faults.part.initial_age=new", "faults.part.life.shape=0.75", "faults.part.needs={process=0.5,repair=0.5}"],
)
def test_the_constant_rate_notices(measure, change):
    found = measure(FLEET, per_hour, fleet_rate(2000, 1000.0, 0.7), 400, 2, "run.horizon=20 h", change)
    if "shape" in change:  # the mean life is the same: the rate is
        assert found.agrees
    else:
        assert abs(found.z) > Z_LIMIT, found


def test_faults_that_do_not_renew_raise_or_lower_the_constant_rate(measure):
    # A share q of renewals: q^(1/k - 1) / mean. Early and late, as above, for a hazard that rises.
    needs = "needs = { process = 0.6, repair = 0.4 }"
    scenario = text(500, mean_life(1000.0, 2.0), 1000, 502, 'life = { law = "weibull", shape = 2 }', needs)
    rate = fleet_rate(500, 1000.0, 2.0, 0.4)
    early = measure(scenario, per_hour, rate, 400, 2, "run.horizon=50 h")
    late = measure(scenario, per_hour, rate, 400, 2, early="500 h")
    assert early.agrees, early
    assert late.agrees, late
    assert late.noticed < 0.011  # 4.5 over the root of 178,000 faults


@pytest.mark.parametrize("renewal", ["none", "unit"])
def test_minimal_repair_is_a_power_law(measure, renewal):
    # O10d: 194.018, a Poisson count; n = 1,000: noticed from 4.5 / sqrt(194,018) = 1.0 %.
    expected = agreed(faults_without_renewal(3000, 1e5, 0.7, 2000.0), 194.018)
    extra = ('initial_age = "new"', 'needs = "process"', f'renewal = "{renewal}"')
    found = measure(text(3000, mean_life(1e5, 0.7), 2000, 503, WEIBULL, *extra), faults, expected, 1000, 3)
    assert found.agrees, found
    assert found.noticed < 0.0105


def test_components_told_apart_that_nothing_renews_are_a_power_law_too(measure):
    # A factor so near 1 that it changes nothing keeps each component's own clock: single lives, aged on, not a pool.
    expected = faults_without_renewal(60, 1e3, 0.7, 2000.0)
    extra = ('initial_age = "new"', 'needs = "process"', "frailty = { share = 0.5, factor = 1.0000001 }")
    found = measure(text(60, mean_life(1e3, 0.7), 2000, 504, WEIBULL, *extra), faults, expected, 1000, 3)
    assert found.agrees, found
    assert found.noticed < 0.02


def test_ages_of_all_components_at_the_start(measure):
    # Aged 1000 h, none renewed: the power law from 1000 to 3000 h.
    expected = faults_without_renewal(60, 1e3, 0.7, 3000.0) - faults_without_renewal(60, 1e3, 0.7, 1000.0)
    extra = ('initial_age = "1000 h"', 'renewal = "none"')
    found = measure(text(60, mean_life(1e3, 0.7), 2000, 505, WEIBULL, *extra), faults, expected, 1000, 3)
    assert found.agrees, found
    assert found.noticed < 0.02


SYSTEM = """
[cluster]
nodes = 1
[faults.all]
per = "job"
clock = "wall"
mtbf = "180 h"
life = { law = "weibull", shape = 0.6 }
initial_age = "new"
renewal = "system"
[detect]
stop = "0 s"
[stores.shared]
every = "25 h"
stall = "3 h"
[recovery.only.stages]
restart = { time = "10 h", vulnerable = false }
[run]
horizon = "102_000 h"
initial_start = false
seed = 506
"""


def work_over_wall(rows):
    return rows["work_done_s"], rows["wall_s"]


def test_a_system_that_is_new_after_each_recovery(measure):
    # O6, eta 0.789069. n = 800 paths of some 526 cycles: relative spread of a cycle's ETTR below 0.7, noticed from
    # 4.5 x 0.7 / sqrt(800 x 526) = 0.5 %.
    scale = 180.0 / math.gamma(1.0 + 1.0 / 0.6)
    expected = agreed(renewed_ettr(scale, 0.6, 25.0, 3.0, 10.0), 0.789069)
    found = measure(SYSTEM, work_over_wall, expected, 800, 3, early="2000 h")
    assert found.agrees, found
    assert found.noticed < 0.005


def test_a_system_that_is_new_notices_a_wrong_shape(measure):
    scale = 180.0 / math.gamma(1.0 + 1.0 / 0.6)
    expected = renewed_ettr(scale, 0.6, 25.0, 3.0, 10.0)
    found = measure(SYSTEM, work_over_wall, expected, 800, 2, "faults.all.life.shape=0.65", early="2000 h")
    assert abs(found.z) > Z_LIMIT, found


@pytest.mark.parametrize(
    ("frailty", "variance"),
    [
        ('frailty = { law = "gamma", shape = 0.8 }', 1.0 / 0.8),
        ("frailty = { share = 0.2, factor = 10 }", 0.2 * 0.8 * 81.0 / 2.8**2),
    ],
)
def test_components_that_differ_have_overdispersed_counts(measure, frailty, variance):
    # O15c: mean 3, variance 14.25 for the gamma. The second moment about 3 is a mean over n = 20,000 runs of one
    # component; its own spread is measured. Noticed from 4.5 x 3 / sqrt(20,000), some 10 %.
    scenario = text(1, 100, 300, 507, 'needs = "process"', frailty)
    mean = measure(scenario, faults, 3.0, 20_000, 20)
    second = measure(
        scenario,
        lambda rows: ((rows["faults"] - 3.0) ** 2, np.ones(len(rows))),
        frailty_variance(3.0, variance),
        20_000,
        20,
    )
    assert mean.agrees, mean
    assert second.agrees, second
    assert second.noticed < 0.15


def _renewals(rng, nodes, scale, shape, horizon, away, burn_in):
    """Faults of alternating renewal processes by a horizon, one component after another."""
    total = 0
    for _ in range(nodes):
        clock, hazard = 0.0, 0.0
        while True:
            age = scale * hazard ** (1.0 / shape)
            life = scale * (hazard + rng.exponential()) ** (1.0 / shape) - age
            clock += life
            if clock > horizon:
                break
            total += 1
            clock += away
            hazard = (burn_in / scale) ** shape
    return total


def test_superposed_renewals_against_a_direct_simulation(jobs):
    """30 new components with repairs of 20 h and a burn-in of 50 h: mean faults in 1,500 h of either simulation.

    n = 2,000 and 1,000 of some 55: spread of either some 10; noticed from 4.5 x 10 x sqrt(1.5 / 1000) = 1.7, 3 %.
    """
    shape, scale = 1.6, 1000.0
    extra = (f'life = {{ law = "weibull", shape = {shape} }}', 'initial_age = "new"', 'burn_in = "50 h"')
    plan = build(loads(text(30, mean_life(scale, shape), 1500, 508, *extra, repair="20 h")))
    rows = Runner(plan, jobs).run(0, 2000)
    rng = np.random.default_rng(9)
    direct = np.array([_renewals(rng, 30, scale, shape, 1500.0, 20.0, 50.0) for _ in range(1000)])
    ours = rows["faults"]
    assert (rows["void_faults"] == 0).all()
    error = math.sqrt(ours.var() / 2000 + direct.var() / 1000)
    assert abs(ours.mean() - direct.mean()) < Z_LIMIT * error
    assert Z_LIMIT * error / ours.mean() < 0.03


def test_bad_components_are_cured_by_replacement(jobs):
    """All but bad components hardly fail: each bad one fails once if it is cured, again and again if not.

    2,000 nodes, 1 % bad at 1000 times the hazard, exponential with mean 10 h: O15a with r = 1 and lambda T large is
    p N = 20, binomial; uncured each is a Poisson process (O15a without an end).
    """
    share, factor = 0.01, 1000.0
    mean = 10.0 * factor / (1.0 - share + share * factor)
    horizon = 100.0
    per_good = horizon / (mean * (1.0 - share + share * factor))
    for cured, per_bad in (("true", 1.0 - math.exp(-10.0)), ("false", 10.0)):
        frailty = f"frailty = {{ share = {share}, factor = {factor}, cured = {cured} }}"
        rows = Runner(build(loads(text(2000, mean, horizon, 509, frailty))), jobs).run(0, 500)
        found = rows["faults"]
        expected = 2000 * (share * per_bad + (1.0 - share) * per_good)
        if cured == "true":  # and then they fail as good ones do, for the rest of the time
            expected += 2000 * share * per_good * (1.0 - 1.0 / 10.0)
        assert abs(found.mean() - expected) < Z_LIMIT * found.std() / math.sqrt(500), (cured, found.mean(), expected)
