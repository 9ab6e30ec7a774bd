"""How long two copies last: fixtures of the list of oracles, limits, and a Monte Carlo that knows no formula."""

import math
import random

import pytest

from sim.theory import time_to_lose_both


def test_o17b():
    assert time_to_lose_both(1e-3, 2e-4, True, 5.0, False) == pytest.approx(4764.82, rel=5e-6)
    assert time_to_lose_both(1e-3, 2e-4, False, 5.0, False) == pytest.approx(70486.3, rel=5e-6)


@pytest.mark.parametrize("again", [True, False])
def test_limits(again):
    assert time_to_lose_both(1e-3, 0.0, True, 5.0, again) == time_to_lose_both(1e-3, 0.0, False, 5.0, again)
    assert time_to_lose_both(1e-3, 2e-4, False, 0.0, again) == math.inf
    assert time_to_lose_both(0.0, 2e-4, True, 5.0, again) == pytest.approx(5000.0, rel=1e-12)
    # A copy that is never made again: the two nodes fail one after the other.
    assert time_to_lose_both(1e-3, 0.0, True, 1e9, False) == pytest.approx(500.0 + 1000.0, rel=1e-9)
    assert time_to_lose_both(1e-3, 2e-4, True, 5.0, again) > 1 / 2.2e-3


@pytest.mark.parametrize("bad", [{"node_rate": -1.0}, {"node_rate": 0.0, "domain_rate": 0.0}, {"recopy": math.nan}])
def test_what_is_out_of_range_is_refused(bad):
    with pytest.raises(ValueError):
        time_to_lose_both(
            **{"node_rate": 1e-3, "domain_rate": 1e-4, "one_domain": True, "recopy": 5.0, "again": True} | bad
        )


def one_life(rng, node_rate, domain_rate, one_domain, recopy, again):
    """Time until both copies are gone, from the next losses of both nodes and their domains."""
    domains = [0, 0] if one_domain else [0, 1]
    now, copied_at = 0.0, [0.0, 0.0]
    while True:
        hits = [(rng.expovariate(node_rate), (i,)) for i in range(2)]
        hits += [(rng.expovariate(domain_rate), tuple(i for i in (0, 1) if domains[i] == d)) for d in set(domains)]
        wait, nodes = min(hits)
        now += wait
        had = [at <= now for at in copied_at]
        if not any(has for i, has in enumerate(had) if i not in nodes):
            return now
        for i in nodes:
            if had[i] or again:
                copied_at[i] = now + recopy


@pytest.mark.parametrize("again", [True, False])
@pytest.mark.parametrize("one_domain", [True, False])
def test_against_a_monte_carlo(one_domain, again):
    # A life is nearly exponential: 40,000 of them notice 4.5 / 200 = 2.3 %; that a copy is awaited anew changes 6 %
    # (one domain) and 12 %.
    rng = random.Random(1701)
    arguments = (0.03, 0.02, one_domain, 5.0, again)
    lives = [one_life(rng, *arguments) for _ in range(40_000)]
    mean = math.fsum(lives) / len(lives)
    error = math.sqrt(math.fsum((life - mean) ** 2 for life in lives)) / len(lives)
    assert abs(mean - time_to_lose_both(*arguments)) < 4.5 * error
    assert 4.5 * error < 0.025 * mean
