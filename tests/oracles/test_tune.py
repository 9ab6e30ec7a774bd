"""Oracles O3a, O5 and O7: where the best value is known, ``sim.tune`` finds it, also at a kink.

Each search is held to 2 % of the best interval, and its ETTR, by the closed form, to 0.02 points of the best. A search
ends when its own 95 % interval is 2 % wide to each side or less; those of these scenarios are 1.5 % at most, so that a
right search misses by 2 % with a probability below 1 %. Seeds are fixed.
"""

import math

import pytest

from sim.scenario import loads
from sim.study.tune import tune
from sim.theory import Saves, best_interval, ettr, two_level_ettr

from .test_saves import O5
from .test_two_levels import O7A

RECOVERY = 12.0


def closed(mtbf: float, interval: float, *save: float) -> float:
    stall, persist, slowdown, in_flight = save
    saves = Saves(interval, stall, persist, slowdown, int(in_flight))
    return ettr(1 / mtbf, saves, mtbf * math.expm1(RECOVERY / mtbf))


@pytest.mark.parametrize(
    ("mtbf", "stall", "persist", "slowdown", "in_flight"),
    [
        pytest.param(1440, 5, 0, 0, 1, id="O3a-day"),
        pytest.param(360, 5, 0, 0, 1, id="O3a-6h"),
        pytest.param(15, 5, 0, 0, 1, id="O3a-15min"),
        pytest.param(200, 0.5, 15, 0, 1, id="O5a-kink"),
        pytest.param(200, 0.5, 15, 0.1, 1, id="O5b"),
        pytest.param(200, 0.5, 70, 0, 0, id="O5c"),
        pytest.param(200, 0.5, 70, 0, 1, id="O5d-kink"),
    ],
)
def test_the_best_interval_is_found(mtbf, stall, persist, slowdown, in_flight, jobs):
    word = in_flight or '"unlimited"'
    text = O5.format(persist=persist, slowdown=slowdown, in_flight=word, seed=901)
    changes = (f"faults.stop.mtbf={mtbf} min", f"stores.shared.stall={stall} min", f"run.horizon={500 * mtbf} min")
    best = best_interval(1 / mtbf, stall, persist, slowdown, in_flight)
    scenario = loads(text, overrides=changes)
    tuned = tune(scenario, "stores.shared.every", f"{best / 7} min", f"{best * 9} min", jobs=jobs)
    assert tuned.named
    assert tuned.reached
    (found,) = tuned.found
    assert found.best == pytest.approx(best, rel=0.02)
    save = stall, persist, slowdown, in_flight
    assert closed(mtbf, found.best, *save) > closed(mtbf, best, *save) - 0.0002
    assert found.flat is not None
    assert found.flat[0] < found.best < found.flat[1]


@pytest.mark.parametrize(("mtbf", "stall"), [(360, 5), (15, 5), (200, 0.5)])
def test_the_flat_region_is_where_a_tenth_of_a_point_is_lost(mtbf, stall, jobs):
    """n = 1,024 pairs: a difference of ETTR is known to 0.01 points, a tenth of what is asked for; 4.5 of these, and
    a straight line over a tenth of the value, are less than half.
    """
    text = O5.format(persist=0, slowdown=0, in_flight=1, seed=905)
    changes = (f"faults.stop.mtbf={mtbf} min", f"stores.shared.stall={stall} min", f"run.horizon={500 * mtbf} min")
    best = best_interval(1 / mtbf, stall, 0.0, 0.0, 1)
    tuned = tune(loads(text, overrides=changes), "stores.shared.every", replications=1024, jobs=jobs)
    (found,) = tuned.found
    assert found.flat is not None
    assert found.flat[0] < best < found.flat[1]
    for end in found.flat:
        lost = closed(mtbf, best, stall, 0, 0, 1) - closed(mtbf, end, stall, 0, 0, 1)
        assert lost == pytest.approx(0.001, rel=0.45)


def test_the_best_number_of_fast_saves_is_found(jobs):
    """O7a' with saves counted in steps: the best number of steps between slow saves is whole."""
    times = {"soft": 200, "hard": 2000, "interval": 12, "save_1": 0.4, "save_2": 6, "recovery_1": 1.5, "recovery_2": 20}
    text = O7A.format(slow=60, horizon=400_000, seed=902, **times)
    steps = ["job.step=12 min", "stores.near.every=1 steps", "stores.far.every=5 steps"]
    tuned = tune(loads(text, overrides=steps), "stores.far.every", "1 steps", "60 steps", jobs=jobs)

    def exact(n: float) -> float:
        return two_level_ettr((1 / 200, 1 / 2000), 12.0, (0.4, 6.0), (1.5, 20.0), round(n))

    best = max(range(1, 61), key=exact)
    (found,) = tuned.found
    assert tuned.named
    assert found.low <= best <= found.high
    assert exact(found.best) > exact(best) - 0.0002


def test_two_stores_together(jobs):
    """Both intervals of O7: better than, or within 0.02 points of, the best pattern of whole numbers of saves."""
    times = {"soft": 200, "hard": 2000, "interval": 12, "save_1": 0.4, "save_2": 6, "recovery_1": 1.5, "recovery_2": 20}
    text = O7A.format(slow=60, horizon=400_000, seed=903, **times)
    over = ["stores.near.every=3 min..60 min", "stores.far.every=20 min..20 h"]
    tuned = tune(loads(text), over, jobs=jobs)
    assert tuned.named
    there = tuned.setting("best")
    assert there is not None
    patterns = (
        two_level_ettr((1 / 200, 1 / 2000), tau, (0.4, 6.0), (1.5, 20.0), n)
        for tau in (8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 16.0, 18.0, 20.0)
        for n in range(1, 40)
    )
    # The horizon of 200 mean times between hard faults, and the error of the mean of what was simulated there.
    error = there.metric.half_width / 1.96
    assert there.metric.mean > max(patterns) - 0.0002 - 4.5 * error


@pytest.mark.parametrize("target", [0.6, 0.7, 0.75])
def test_a_target_is_reached_where_the_closed_form_reaches_it(target, jobs):
    """n doubles until ETTR is known to 0.1 points: what is found reaches the target to 4.5 / 1.96 of that."""
    text = O5.format(persist=0, slowdown=0, in_flight=1, seed=904)
    tuned = tune(
        loads(text, overrides=["stores.shared.stall=3 min"]), "recovery.again.stages.restart", "1 min", "4 h",
        target=target, jobs=jobs,
    )  # fmt: skip
    assert tuned.named
    (found,) = tuned.found

    def exact(restart: float) -> float:
        return ettr(1 / 200, Saves(30.0, 3.0, 0.0, 0.0, 1), 200 * math.expm1(restart / 200))

    assert exact(found.best) == pytest.approx(target, abs=0.0023)
    assert found.low < found.best < found.high
