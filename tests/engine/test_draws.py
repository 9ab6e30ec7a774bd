"""Durations of a plan's laws, as planning makes them of a scenario: against the laws that the scenario names.

Kolmogorov and Smirnov's test at n = 20000, significance 1e-6 each (6e-6 for the file): it notices a shift of the law
of 0.018 in probability. The draws are keyed, so a test gives the same figure each time.
"""

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from sim.engine.simpy_engine.context import Context
from sim.planning import build
from sim.scenario import from_dict

N = 20_000
SIGNIFICANCE = 1e-6

LOGNORMAL = stats.lognorm(s=math.sqrt(math.log(1.25)), scale=600.0 / math.sqrt(1.25))
EXPONENTIAL = stats.expon(scale=1_200.0)


def draws(time: dict, replication: int = 0) -> np.ndarray:
    """Draws of a stage's duration for N faults, by the SimPy engine's way of drawing."""
    table = {"cluster": {"nodes": 1}, "faults": {"a": {"per": "job", "mtbf": "1 day"}}, "run": {"horizon": "1 day"}}
    plan = build(from_dict({**table, "recovery": {"only": {"stages": {"restart": time}}}}))
    context = Context(plan, replication)
    stage = plan.rules[0].stages[0]
    found = []
    for ordinal in range(N):
        u, choice, _, _ = context.uniforms(0, 0, ordinal, stage.lane)
        found.append(context.sample(stage.law, u, choice))
    return np.array(found)


def mixture(shares: list[float]) -> dict:
    parts = [
        {"law": "exponential", "mean": "20 min"},
        {"law": "lognormal", "mean": "10 min", "sd": "5 min"},
        {"law": "exponential", "mean": "2 min"},
    ]
    return {"law": "mixture", "of": [{"share": share, **part} for share, part in zip(shares, parts, strict=True)]}


def cdf_of_mixture(shares: list[float]) -> Callable[[np.ndarray], np.ndarray]:
    parts = [EXPONENTIAL, LOGNORMAL, stats.expon(scale=120.0)]
    return lambda x: sum(share * part.cdf(x) for share, part in zip(shares, parts, strict=True))


@pytest.mark.parametrize(
    ("time", "cdf"),
    [
        ({"law": "exponential", "mean": "20 min"}, EXPONENTIAL.cdf),
        ({"law": "lognormal", "mean": "10 min", "sd": "5 min"}, LOGNORMAL.cdf),
        (mixture([0.5, 0.3, 0.2]), cdf_of_mixture([0.5, 0.3, 0.2])),
        (mixture([0.0, 0.0, 1.0]), cdf_of_mixture([0.0, 0.0, 1.0])),
        (mixture([1.0, 0.0, 0.0]), cdf_of_mixture([1.0, 0.0, 0.0])),
        (mixture([0.25, 0.0, 0.75]), cdf_of_mixture([0.25, 0.0, 0.75])),
    ],
    ids=["exponential", "lognormal", "mixture", "last part only", "first part only", "middle part empty"],
)
def test_a_stage_takes_as_long_as_its_law_says(time: dict, cdf: Callable[[np.ndarray], np.ndarray]) -> None:
    assert stats.kstest(draws(time), cdf).pvalue > SIGNIFICANCE


def test_a_wrong_share_is_noticed() -> None:
    assert stats.kstest(draws(mixture([0.5, 0.3, 0.2])), cdf_of_mixture([0.4, 0.4, 0.2])).pvalue < SIGNIFICANCE


def test_parts_of_constant_length_are_taken_by_their_shares() -> None:
    """Counts of 20000 draws within 5.5 standard deviations: three figures, false alarm 1e-7; notices 0.02."""
    shares = {60.0: 0.5, 120.0: 0.3, 180.0: 0.2}
    parts = [{"share": share, "time": f"{seconds} s"} for seconds, share in shares.items()]
    found = draws({"law": "mixture", "of": parts})
    assert set(found) == set(shares)
    for seconds, share in shares.items():
        assert abs((found == seconds).mean() - share) < 5.5 * math.sqrt(share * (1.0 - share) / N)


def test_replications_draw_for_themselves() -> None:
    """Two replications' draws are no more alike than chance makes them: |r| < 5 / sqrt(n), false alarm 6e-7."""
    one, other = (draws({"law": "exponential", "mean": "20 min"}, replication) for replication in (0, 1))
    assert abs(np.corrcoef(one, other)[0, 1]) < 5.0 / math.sqrt(N)
    assert (one != other).all()
