"""The compiled engine: a fault, a replication, a run without faults, the size of the cluster, two threads."""

import os
import time

import pytest
from cases import GPUS, HOPPER, faults, of_size, plan_of, without_faults

from sim.engine.compiled.run import Runner

REPLICATIONS = 32
FAULTS = 129_048
INTERRUPTIONS = 101_820
"""What the 32 replications of hopper-100k have at its own seed."""

FAULTS_OF_SIZES = 128_114
"""The same for `of_size`, at every size: see there."""

ROUNDS = 80
cpu = pytest.mark.benchmark(timer=time.process_time)


def measure(benchmark, runner, replications, rounds=ROUNDS):
    rows = benchmark.pedantic(runner.run, (0, replications), rounds=rounds, warmup_rounds=1)
    benchmark.extra_info.update(replications=replications, faults=faults(rows))
    return rows


@cpu
def test_hopper(benchmark):
    rows = measure(benchmark, Runner(plan_of(HOPPER)), REPLICATIONS)
    assert (faults(rows), rows["interruptions"].sum()) == (FAULTS, INTERRUPTIONS)


@cpu
def test_no_faults(benchmark):
    rows = measure(benchmark, Runner(plan_of(HOPPER, without_faults())), 1024)
    assert faults(rows) == 0
    assert (rows["wall_s"] == 90 * 86_400).all()


@cpu
@pytest.mark.parametrize("gpus", [GPUS // 10, GPUS, GPUS * 10])
def test_size(benchmark, gpus):
    rows = measure(benchmark, Runner(plan_of(HOPPER, of_size(gpus))), REPLICATIONS)
    assert faults(rows) == FAULTS_OF_SIZES


@pytest.mark.parametrize("threads", [1, 2])
def test_threads(benchmark, threads):
    if threads > (os.cpu_count() or 1):
        pytest.skip("one core")
    rows = measure(benchmark, Runner(plan_of(HOPPER), threads), 4 * REPLICATIONS, rounds=40)
    assert faults(rows[:REPLICATIONS]) == FAULTS
