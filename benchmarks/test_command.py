"""The command `sim` in processes of its own, by the wall clock: help, an answer, the first compilation, memory."""

import json
import os
import statistics
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest
from cases import HOPPER, MINIMAL, TWO_NODES, TWO_TIER

SIM = str(Path(sysconfig.get_path("scripts")) / "sim")

FAULTS_TO_PRECISION = 516_396
"""Of `sim run` on hopper-100k until ETTR is known to 0.1 points."""

REPLICATIONS = 128
FAULTS_OF_SIZE = {"100,000 GPUs": 516_396, "16 GPUs": 12_748}
"""Of so many replications of hopper-100k, and of what is left of it on 16 GPUs."""

FAULTS_OF_ONE = {"plain": 4_110, "full": 4_148}
"""Of replication 0 of hopper-100k, and of two-tier-100k, which needs the engine with all features."""

PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(peak if sys.platform == "darwin" else 1024 * peak, file=sys.stderr)
"""
"""Prints the peak memory of a command in bytes. A process of its own, and a small one: on Linux a child's peak counts
from that of its parent.
"""


def call(*command, **environment):
    return subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **environment})


def answer_faults(text):
    answer = json.loads(text)
    counts = [answer[name] for name in ("faults", "spare_faults", "void_faults")]
    return round(sum(count["mean"] * count["n"] for count in counts))


def test_python(benchmark):
    benchmark.pedantic(call, (sys.executable, "-c", "pass"), rounds=10, warmup_rounds=1)


def test_help(benchmark):
    done = benchmark.pedantic(call, (SIM, "--help"), rounds=10, warmup_rounds=1)
    assert "validate" in done.stdout


@pytest.mark.parametrize("verb", ["validate", "run"])
def test_start(benchmark, verb):
    """Ten starts, each beside one of `sim --help`: the ratio of their medians, from a warm cache."""
    command = {"validate": (SIM, "validate", str(MINIMAL)), "run": (SIM, "run", str(MINIMAL))}[verb]
    call(*command)
    times = {"help": [], verb: []}

    def both():
        for name, each in (("help", (SIM, "--help")), (verb, command)):
            start = time.perf_counter()
            call(*each)
            times[name].append(time.perf_counter() - start)

    benchmark.pedantic(both, rounds=10)
    usage, taken = (statistics.median(each) for each in times.values())
    benchmark.extra_info.update(microseconds=round(1e6 * taken), thousandths=round(1000 * taken / usage))


def test_run_to_precision(benchmark):
    done = benchmark.pedantic(call, (SIM, "run", str(HOPPER), "--json"), rounds=5, warmup_rounds=1)
    benchmark.extra_info.update(faults=answer_faults(done.stdout))
    assert json.loads(done.stdout)["precision"] == {"half_width": 0.001, "reached": True}
    assert answer_faults(done.stdout) == FAULTS_TO_PRECISION


@pytest.mark.parametrize("engine", FAULTS_OF_ONE)
def test_first_compilation(benchmark, tmp_path, engine):
    scenario = HOPPER if engine == "plain" else TWO_TIER
    command = (SIM, "run", str(scenario), "--replications", "1", "--json")
    done = benchmark.pedantic(call, command, {"NUMBA_CACHE_DIR": str(tmp_path)}, rounds=1)
    benchmark.extra_info.update(faults=answer_faults(done.stdout))
    assert list(tmp_path.rglob(f"*.loop.run_{engine}-*")), "nothing was compiled"
    assert answer_faults(done.stdout) == FAULTS_OF_ONE[engine]


@pytest.mark.parametrize("size", FAULTS_OF_SIZE)
def test_memory(benchmark, size):
    overrides = TWO_NODES if size == "16 GPUs" else ()
    changes = [part for override in overrides for part in ("--set", override)]
    command = (SIM, "run", str(HOPPER), "--json", "--replications", str(REPLICATIONS), *changes)
    done = benchmark.pedantic(call, (sys.executable, "-c", PEAK, *command), rounds=3, warmup_rounds=1)
    benchmark.extra_info.update(faults=answer_faults(done.stdout), peak_bytes=int(done.stderr.split()[-1]))
    assert answer_faults(done.stdout) == FAULTS_OF_SIZE[size]


def test_compare(benchmark):
    variant = "stores.shared.every=2.5 min"
    done = benchmark.pedantic(
        call, (SIM, "compare", str(HOPPER), "--variant", variant, "--json"), rounds=3, warmup_rounds=1
    )
    (difference,) = json.loads(done.stdout)["differences"]
    assert difference["verdict"] == "better"
    benchmark.extra_info.update(pairs=difference["ettr"]["n"], thousandths=round(1000 * difference["pairing"]))


def test_tune(benchmark):
    command = (SIM, "tune", str(HOPPER), "--over", "stores.shared.every", "--json")
    done = benchmark.pedantic(call, command, rounds=3, warmup_rounds=1)
    assert json.loads(done.stdout)["precision"]["reached"]
