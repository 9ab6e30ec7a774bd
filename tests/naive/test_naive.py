"""The naive simulator against closed forms (its own Monte Carlo) and against runs worked out by hand.

A statistical test compares the mean of n >= 100 independent replications with the exact value by
z = (mean - value) / standard error, and fails for abs(z) >= 4.5. By Student's law with 99 degrees of freedom a correct
simulator fails that with probability 2e-5 a test (7e-6 for large n), so six of them about once in 10_000 suites; the
seeds are fixed. A long-run rate is read between an early and a late horizon of the same path: what accrues in between
has no bias from the start, up to a term that decays over the early horizon (20 or more mean cycles).
Each test names the smallest relative error it would notice half of the time (4.5 standard errors).
"""

import math
from collections.abc import Callable
from statistics import fmean, stdev
from typing import Any

import pytest

from .naive_sim import Naive, simulate

Z_LIMIT = 4.5
Model = dict[str, Any]


def constant(time: float) -> Callable[[Any], float]:
    return lambda rng: time


def stage(time: Any, vulnerable: bool = True, bucket: str = "restart") -> Model:
    sample = constant(time) if isinstance(time, float) else time
    return {"sample": sample, "vulnerable": vulnerable, "bucket": bucket}


def source(rate: float, **changes: Any) -> Model:
    base = {"name": "a", "per": "job", "count": 1, "rate": rate, "clock": "wall", "takes": "nothing"}
    return {**base, "needs": {"process": 1.0}, "detect": 0.0, **changes}


def rule(*stages: Model, **changes: Any) -> Model:
    base = {"when": None, "use": "same units", "vulnerable": True, "on_fault": "restart_list"}
    return {**base, "stages": list(stages), **changes}


def store(interval: float, stall: float, **changes: float) -> Model:
    return {
        "interval": interval,
        "stall": stall,
        "persist": 0.0,
        "slowdown": 0.0,
        "in_flight": 0,
        "read": 0.0,
        **changes,
    }


def repair(sample: Any, crews: int | None = None, success: float = 1.0) -> Model:
    return {"sample": constant(sample) if isinstance(sample, float) else sample, "crews": crews, "success": success}


def system(**changes: Any) -> Model:
    """The oracles' base setting: one job-wide source, no spares, sync saves, no initial start."""
    base: Model = {
        "gpus_per_node": 1,
        "job_nodes": 1,
        "hot": 0,
        "cold": 0,
        "hot_activation": 0.0,
        "cold_activation": 0.0,
    }
    base |= {"sources": [source(0.0)], "store": None, "rules": [rule()], "max_attempts": 1000}
    base |= {"repair": {"reset": None, "replace": repair(1.0)}, "initial_start": False, "final_save": False}
    return {**base, **changes}


def z_score(values: list[float], expected: float) -> float:
    return (fmean(values) - expected) / (stdev(values) / math.sqrt(len(values)))


def rates(model: Model, read: Callable[[Model], float], early: float, late: float, n: int) -> list[float]:
    """What accrues per time between two horizons of the same path (the horizon changes no draw), n times."""
    values = []
    for seed in range(n):
        first, last = (simulate({**model, "horizon": horizon}, seed) for horizon in (early, late))
        values.append((read(last) - read(first)) / (late - early))
    return values


def wall_times_o2(mean_life: float) -> list[float]:
    model = system(
        sources=[source(1.0 / mean_life)],
        store=store(25.0, 3.0),
        rules=[rule(stage(12.0, vulnerable=False), stage(8.0))],
        work=500.0,
        final_save=True,
    )
    return [simulate(model, seed)["wall"] for seed in range(4000)]


def test_o2_wall_time_of_a_piece_of_work() -> None:
    """O2: 741.628 min. n = 4000 runs; notices 1 %. The negative control has lives 5 % too short."""
    m, r, d, c, tau, work = 120.0, 8.0, 12.0, 28.0, 25.0, 500.0
    expected = (m + d) * math.exp(r / m) * math.expm1(c / m) * work / tau
    assert math.isclose(expected, 741.628, rel_tol=1e-6)
    assert abs(z_score(wall_times_o2(m), expected)) < Z_LIMIT
    assert z_score(wall_times_o2(0.95 * m), expected) > Z_LIMIT


def test_o5b_saves_in_the_background() -> None:
    """O5b: ETTR 0.761013. n = 100 runs of 200 lives; notices 0.8 %."""
    m, r, s, tau, p, sigma = 200.0, 12.0, 0.5, 30.0, 15.0, 0.1
    b = tau + s + sigma * p
    expected = tau * math.exp(-(tau + s + p) / m) / (-math.expm1(-b / m) * m * math.exp(r / m))
    assert math.isclose(expected, 0.761013, rel_tol=1e-6)
    model = system(sources=[source(1.0 / m)], store=store(tau, s, persist=p, slowdown=sigma), rules=[rule(stage(r))])
    values = rates(model, lambda run: run["progress"], 5_000.0, 45_000.0, 100)
    assert abs(z_score(values, expected)) < Z_LIMIT


def test_o9a_waiting_for_spares() -> None:
    """O9a: share stalled ErlB(9, 6) = 0.0751450, for any repair law. n = 100 runs of 1000 losses; notices 6 %."""
    nodes, loss_rate, spares, mttr = 10, 0.25, 8, 24.0
    load = loss_rate * mttr
    terms = [load**j / math.factorial(j) for j in range(spares + 2)]
    expected = terms[-1] / sum(terms)
    assert math.isclose(expected, 0.0751450, rel_tol=1e-6)
    losses = source(loss_rate / nodes, per="node", clock="training", takes="node", needs={"repair": 1.0})
    model = system(
        job_nodes=nodes,
        hot=spares,
        sources=[losses],
        rules=[rule(use="spares, else wait")],
        repair={"reset": None, "replace": repair(lambda rng: rng.uniform(0.5 * mttr, 1.5 * mttr))},
    )
    values = rates(model, lambda run: run["ledger"].get("capacity_wait", 0.0), 500.0, 4500.0, 100)
    assert abs(z_score(values, expected)) < Z_LIMIT


@pytest.mark.parametrize("on_fault", ["restart_list", "retry_stage"])
def test_o24_recovery_of_two_stages(on_fault: str) -> None:
    """O24a, b: 51.1645 and 44.2980 min an incident. n = 6000 runs, some 10_000 incidents; notices 2.0 and 1.2 %.

    A ratio of totals, by the delta method: z of restart - expected * incidents. All incidents of a run are complete.
    """
    m, a, b = 60.0, 12.0, 25.0
    restart_list, retry_stage = m * math.expm1((a + b) / m), m * (math.exp(a / m) + math.exp(b / m) - 2.0)
    assert math.isclose(restart_list, 51.1645, rel_tol=2e-6)
    assert math.isclose(retry_stage, 44.2980, rel_tol=2e-6)
    expected = {"restart_list": restart_list, "retry_stage": retry_stage}[on_fault]
    model = system(sources=[source(1.0 / m)], rules=[rule(stage(a), stage(b), on_fault=on_fault)], work=m)
    runs = [simulate(model, seed) for seed in range(6000)]
    values = [run["ledger"].get("restart", 0.0) - expected * run["interruptions"] for run in runs]
    assert abs(z_score(values, 0.0)) < Z_LIMIT


def test_o25_classes_of_faults() -> None:
    """O25: ETTR 0.833695. n = 100 runs of 180 faults; notices 0.4 %."""
    rate1, rate2, d1, d2, tau, delta = 1.0 / 300.0, 1.0 / 900.0, 4.0, 45.0, 20.0, 1.5
    both = rate1 + rate2
    expected = tau * both / (math.expm1(both * (tau + delta)) * (1.0 + rate1 * d1 + rate2 * d2))
    assert math.isclose(expected, 0.833695, rel_tol=1e-6)
    model = system(
        sources=[source(rate1), source(rate2, name="b", needs={"repair": 1.0})],
        store=store(tau, delta),
        rules=[rule(stage(d1, False), when={"needs": ["process"]}), rule(stage(d2, False))],
    )
    values = rates(model, lambda run: run["progress"], 5_000.0, 45_000.0, 100)
    assert abs(z_score(values, expected)) < Z_LIMIT


def scripted(model: Model, *faults: tuple[float, str, int]) -> Model:
    """Run a model whose sources strike only at given times of their clocks: (time, source, number of the node)."""
    sources = [
        source(1e-30, per="node", takes="node", needs={"repair": 1.0}, detect=5.0),
        source(1e-30, name="b", per="node", needs={"process": 1.0}, detect=5.0),
        source(1e-30, name="c", per="node", takes="node", needs={"reset": 1.0}, detect=5.0),
    ]
    naive = Naive({**model, "sources": sources}, 1)
    for time, name, node in faults:
        naive.nodes[node].due[name] = time
    naive.stale = True
    return naive.run()


def close(ledger: Model, expected: Model) -> bool:
    booked = {bucket: time for bucket, time in ledger.items() if abs(time) > 1e-9}
    return booked == pytest.approx(expected)


def test_by_hand_one_save_in_flight() -> None:
    """Persists longer than the interval: steps 0-10, stall to 11, then each save waits for the one before it.

    Stall 1, persist 15, speed 0.5 meanwhile, in flight 1, work 20, final save. 11-26 persist: 7.5 of work by 26, the
    rest of the second interval at full speed until 28.5; final stall until 29.5 and persist until 44.5.
    """
    model = system(store=store(10.0, 1.0, persist=15.0, slowdown=0.5, in_flight=1), work=20.0, final_save=True)
    run = simulate(model, 1)
    assert (run["saves"], run["stop_reason"]) == (2, "work")
    assert close(run["ledger"], {"productive": 20.0, "save_slowdown": 7.5, "save_stall": 17.0})
    # Interval 5: triggers at 5 (stall 5-6, persist 6-21) and, at half speed, at 16; it waits until 21, stalls until 22.
    # Persist 22-37, trigger at 32, wait until 37, stall until 38. From 38 to 40 it makes 1 of work.
    run = simulate({**model, "work": None, "horizon": 40.0, "store": {**model["store"], "interval": 5.0}}, 1)
    assert (run["saves"], run["stop_reason"]) == (2, "horizon")
    assert close(run["ledger"], {"productive": 16.0, "save_slowdown": 11.0, "save_stall": 13.0})


def test_by_hand_faults_abort_saves() -> None:
    """Triggers at 10, 21, 32 of time, durable at 36, 47, 58; a fault at 40 restores the first: 27 lost, read until 48.

    The second save is taken again at 58, a fault at 58.5 aborts it: 10 lost. Read until 66.5; stalls end at 77.5
    (durable at 102.5), 88.5 and 99.5.
    """
    model = system(
        job_nodes=2, store=store(10.0, 1.0, persist=25.0, read=3.0), rules=[rule(stage("auto", bucket="load"))]
    )
    run = scripted({**model, "horizon": 105.0}, (40.0, "b", 0), (58.5, "b", 1))
    assert (run["saves"], run["interruptions"], run["causes"]["b"]) == (2, 2, 2)
    expected = {"productive": 45.5, "save_stall": 6.5, "lost_work": 37.0, "detection": 10.0, "load": 6.0}
    assert close(run["ledger"], expected)
    assert close(run["ledger_nodes"], {bucket: 2.0 * time for bucket, time in expected.items()})


def test_by_hand_reset_fails_and_worst_need_counts() -> None:
    """A node needs a reset at 10: seen 15, reset until 22 in vain, replaced until 30, restart.

    The restart is cut by a process fault at 35, seen 40. The incident's worst need is still the reset: the same rule,
    restart until 50.
    """
    model = system(
        job_nodes=2,
        rules=[rule(stage(1.0), when={"needs": ["process"]}), rule(stage(10.0))],
        repair={"reset": repair(7.0, success=0.0), "replace": repair(8.0)},
        horizon=60.0,
    )
    run = scripted(model, (10.0, "c", 0), (35.0, "b", 1))
    expected = {"productive": 10.0, "lost_work": 10.0, "detection": 10.0, "capacity_wait": 15.0, "restart": 15.0}
    assert close(run["ledger"], expected)
    assert run["ledger_nodes"]["repair"] == pytest.approx(15.0)
    assert run["interruptions"] == 1


def test_by_hand_spares_and_repair() -> None:
    """Three nodes, one hot (1) and one cold spare (20), one crew, repair 30, saves of 1 each 10, restart 2.

    22 is the second trigger's stall end (10, 11, 21, 22). Node 0 fails at 25: 3 lost; seen 30; the hot spare is active
    at 31; restart until 33. Its repair is done at 60. Node 1 fails at 40 (7 lost), seen 45, the cold spare is active at
    65, but node 2 fails at 50: seen 55, nothing is idle. Node 0 comes back at 60 and, its own slot being filled, takes
    node 2's. The wait ends at 65, restart until 67. Node 1 is repaired at 90 and joins a pool.
    """
    model = system(
        job_nodes=3,
        hot=1,
        cold=1,
        hot_activation=1.0,
        cold_activation=20.0,
        store=store(10.0, 1.0),
        rules=[rule(stage(2.0), use="spares, else wait")],
        repair={"reset": None, "replace": repair(30.0, crews=1)},
        horizon=100.0,
    )
    run = scripted(model, (25.0, "a", 0), (40.0, "a", 1), (50.0, "a", 2))
    # From 67: steps to 77, stall, 88, stall, 99, stall until the horizon. 25-30, 40-45, 50-55: detection.
    productive = {"productive": 50.0, "lost_work": 10.0, "save_stall": 5.0}
    assert close(run["ledger"], {**productive, "detection": 15.0, "capacity_wait": 16.0, "restart": 4.0})
    assert (run["interruptions"], run["spares_used"], run["saves"], run["units_in_repair_end"]) == (2, 2, 5, 1)
    # Repair: node 0 30-60, node 1 45-90, node 2 55-100. Idle: both spares 0-30, cold 30-45, node 1 from 90.
    assert run["ledger_nodes"]["repair"] == pytest.approx(30.0 + 45.0 + 45.0)
    assert run["ledger_nodes"]["spare_idle"] == pytest.approx(60.0 + 15.0 + 10.0)


def test_by_hand_same_units_freeze_the_clocks() -> None:
    """A wait that is not vulnerable holds the clocks: node 1's fault at 30 on the clock comes 35 later."""
    model = system(
        job_nodes=2,
        rules=[rule(use="same units", vulnerable=False)],
        repair={"reset": None, "replace": repair(35.0)},
        horizon=100.0,
    )
    run = scripted(model, (10.0, "a", 0), (30.0, "a", 1))
    # 10 lost, seen 15, back at 50, steps until the fault at 65 (15 lost), seen 70, the wait runs until the horizon.
    assert run["faults"] == {"a": 2, "b": 0, "c": 0}
    assert close(run["ledger"], {"lost_work": 25.0, "detection": 10.0, "capacity_wait": 65.0})
    assert close(run["ledger_nodes"], {"lost_work": 50.0, "detection": 20.0, "capacity_wait": 65.0, "repair": 65.0})
    assert run["units_in_repair_end"] == 1


def test_by_hand_no_progress() -> None:
    """Rules by attempts: one start of the first rule, then of the second; the third start is one too many."""
    first = rule(stage(4.0, bucket="load"), when={"attempts_below": 1})
    model = system(
        job_nodes=3,
        rules=[first, rule(stage(6.0))],
        repair={"reset": None, "replace": repair(0.0)},
        max_attempts=2,
        horizon=100.0,
    )
    run = scripted(model, (10.0, "a", 0), (18.0, "a", 1), (25.0, "a", 2))
    # Seen 15, load until 18; seen 23, restart until 25; seen 30: the end.
    assert (run["stop_reason"], run["wall"]) == ("no_progress", 30.0)
    assert close(run["ledger"], {"lost_work": 10.0, "detection": 15.0, "load": 3.0, "restart": 2.0})
