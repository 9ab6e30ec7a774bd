"""The same case in AIReSim, a public simulator of such clusters, if a checkout of it is at hand."""

import math
import os
import time

import pytest
from cases import NO_REWORK, faults, plan_of

from sim.engine.compiled.run import Runner
from sim.engine.simpy_engine import run_one
from sim.kernels.ledger import LOST_WORK

SERVERS = 12_500
STANDBYS = 100
WORK_MIN = 30 * 24 * 60.0
LIFE_MIN = 6_770 * 60.0
RECOVERY_MIN = 6.0
REPAIR_MIN = 120.0
"""What no-rework.toml says, in AIReSim's unit."""

REPLICATIONS = 64
SIGMAS = 5
cpu = pytest.mark.benchmark(timer=time.process_time)


def check(count, replications, wall_min):
    """The faults are Poisson over the work, and each costs one recovery and nothing else."""
    expected = replications * SERVERS * WORK_MIN / LIFE_MIN
    assert abs(count - expected) < SIGMAS * math.sqrt(expected)
    assert wall_min == pytest.approx(replications * WORK_MIN + count * RECOVERY_MIN, rel=1e-12)


@cpu
def test_compiled(benchmark):
    rows = benchmark.pedantic(Runner(plan_of(NO_REWORK)).run, (0, REPLICATIONS), rounds=20, warmup_rounds=1)
    benchmark.extra_info.update(faults=faults(rows))
    assert not rows["ledger"][:, LOST_WORK].any()
    check(faults(rows), REPLICATIONS, rows["wall_s"].sum() / 60)


@cpu
def test_simpy(benchmark):
    row, _ = benchmark.pedantic(run_one, (plan_of(NO_REWORK), 0), rounds=5, warmup_rounds=1)
    benchmark.extra_info.update(faults=faults(row))
    check(faults(row), 1, row["wall_s"] / 60)


@pytest.fixture
def airesim(monkeypatch):
    """AIReSim, from the checkout that the environment variable AIRESIM names or from where it is installed."""
    checkout = os.environ.get("AIRESIM")
    if checkout:
        monkeypatch.syspath_prepend(checkout)
        import airesim.params
        import airesim.simulator
    else:
        pytest.importorskip("airesim.simulator")
        import airesim.params
    return airesim


@cpu
def test_airesim(benchmark, airesim):
    params = airesim.params.Params(
        random_failure_rate=1.0 / LIFE_MIN, systematic_failure_fraction=0.0, job_size=SERVERS, job_length=WORK_MIN,
        warm_standbys=STANDBYS, working_pool_size=SERVERS + STANDBYS, spare_pool_size=0, host_selection_time=0.0,
        recovery_time=RECOVERY_MIN, auto_repair_time=REPAIR_MIN, prob_auto_to_manual=0.0, auto_repair_fail_prob=0.0,
    )  # fmt: skip
    stats = benchmark.pedantic(airesim.simulator.Simulator(params, seed=1).run, rounds=2)
    benchmark.extra_info.update(faults=stats.total_failures)
    assert stats.job_stall_count == 0
    check(stats.total_failures, 1, stats.total_training_time)
