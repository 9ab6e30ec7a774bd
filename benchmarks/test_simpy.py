"""The SimPy engine, and what SimPy itself costs: the bare cycle of a process that is interrupted as it waits."""

import time

import numpy as np
import pytest
import simpy
from cases import HOPPER, faults, plan_of

from sim.engine.simpy_engine import run_one
from sim.engine.state import ROW

FAULTS = 4_110
INTERRUPTIONS = 3_236
"""What replication 0 of hopper-100k has at its own seed."""

CYCLES = 10_000
cpu = pytest.mark.benchmark(timer=time.process_time)


@cpu
def test_hopper(benchmark):
    plan = plan_of(HOPPER)
    row, _ = benchmark.pedantic(run_one, (plan, 0), rounds=10, warmup_rounds=1)
    rows = np.array([row], dtype=ROW)
    benchmark.extra_info.update(faults=faults(rows))
    assert (faults(rows), rows["interruptions"].sum()) == (FAULTS, INTERRUPTIONS)


def bare_cycles():
    """One process waits, another interrupts it: all that SimPy must do for a fault, and nothing of the model."""
    env = simpy.Environment()
    interrupts = 0

    def job():
        nonlocal interrupts
        while True:
            try:
                yield env.timeout(2.0)
            except simpy.Interrupt:
                interrupts += 1

    def source(victim):
        for _ in range(CYCLES):
            yield env.timeout(1.0)
            victim.interrupt()

    env.process(source(env.process(job())))
    env.run(until=CYCLES + 1)
    return interrupts


@cpu
def test_bare_cycle(benchmark):
    interrupts = benchmark.pedantic(bare_cycles, rounds=20, warmup_rounds=1)
    benchmark.extra_info.update(interrupts=interrupts)
    assert interrupts == CYCLES
