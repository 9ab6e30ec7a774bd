"""The compiled engine against the naive simulator, in distribution.

The naive simulator shares no code with the engines; ``naive_model`` turns a loaded scenario (not the plan) into its
model, so that what ``sim.planning`` makes of a scenario is judged, too.

For each scenario 600 runs of the naive simulator are compared with 16000 of the engine: ETTR, every bucket in seconds
and in node-seconds, incidents, faults and their causes by source, faults on spares, saves, spares used, units in repair
at the end. For each figure t = (difference of means) / (standard error), with Welch's degrees of freedom. There are at
most ``COMPARISONS`` figures in this file, each of which may be wrong with probability ``FALSE_ALARM / COMPARISONS``
(Bonferroni), so that correct simulators fail the whole file with probability below 1e-4; the seeds are fixed. A
figure notices an error of 5.3 standard errors half of the time: 0.22 standard deviations of one run's figure, which is
4 to 8 % of a number of incidents and 0.003 to 0.03 of ETTR. Once, 6000 runs of each scenario were compared: no figure
was suspect.
"""

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from naive.naive_sim import Naive
from scipy import stats

from sim.engine.compiled.run import Runner
from sim.engine.state import StopReason
from sim.kernels.ledger import BUCKETS
from sim.planning import build
from sim.scenario import Scenario, loads

FALSE_ALARM = 1e-4
COMPARISONS = 1_100
NAIVE_RUNS = 600
OUR_RUNS = 16_000

Model = dict[str, Any]
Sampler = Callable[[random.Random], float]


# A scenario as the naive simulator's model


def sampler(law: Any) -> Sampler:
    """The law of a scenario as a function of a generator."""
    if law.law == "exponential":
        return lambda rng: rng.expovariate(1.0 / law.mean)
    if law.law == "lognormal":
        sigma = math.sqrt(math.log(1.0 + law.sd**2 / law.mean**2))
        return lambda rng: rng.lognormvariate(math.log(law.mean) - sigma**2 / 2.0, sigma)
    if law.law == "mixture":
        parts, shares = [sampler(part.law) for part in law.of], [part.share for part in law.of]
        return lambda rng: rng.choices(parts, shares)[0](rng)
    return lambda rng: float(law.mean)


def naive_stage(stage: Any, gpus: int) -> Model:
    sample: Sampler | str = "auto"
    if stage.kind == "scaled":
        seconds = stage.base + stage.per_gpu * gpus + stage.per_gpu2 * gpus * gpus
        sample = lambda rng: seconds  # noqa: E731  # as the others
    elif stage.kind == "law":
        sample = sampler(stage.law)
    return {"sample": sample, "vulnerable": stage.vulnerable, "bucket": stage.bucket}


def naive_rule(rule: Any, gpus: int) -> Model:
    when = None
    if rule.when is not None:
        keys = ("needs", "units_down_at_most", "spare_available", "attempts_below")
        when = {key: getattr(rule.when, key) for key in keys if getattr(rule.when, key) is not None}
    stages = [naive_stage(stage, gpus) for stage in rule.stages.values()]
    return {"when": when, "use": rule.use, "vulnerable": rule.vulnerable, "on_fault": rule.on_fault, "stages": stages}


def naive_repair(stage: Any) -> Model:
    model = {"sample": sampler(stage.time), "crews": stage.crews, "success": stage.success, "else": stage.else_}
    model |= {"false_fix": stage.false_fix, "renews": stage.renews}
    optional = {key: getattr(stage, key) for key in ("then", "attempts", "finds")}
    return model | {key: value for key, value in optional.items() if value is not None}


def naive_check(check: Any) -> Model:
    """When dead spares of the hot pool are noticed."""
    if check == "at once":
        return {}
    return {"hot_check": math.inf if check == "on activation" else float(check)}


def naive_strikes(repair: Any) -> Model:
    """When nodes retire or are tested; a new node is waited for in a stage of its own, at the end."""
    model: Model = {"repair": {name: naive_repair(stage) for name, stage in repair.stages.items()}}
    if repair.retire is not None:
        model["retire"] = {"failures": repair.retire.failures, "within": repair.retire.within}
        model["repair"]["new node"] = {"sample": sampler(repair.retire.replacement), "crews": None, "success": 1.0}
        model["repair"]["new node"]["renews"] = True
    if repair.quarantine is not None:
        model["quarantine"] = {key: getattr(repair.quarantine, key) for key in ("failures", "within", "stage")}
    return model


def naive_life(source: Any) -> Model:
    """How the components of a source age, if they do: Weibull lives only, one component a node."""
    ageing = source.ageing
    if ageing is None:
        return {}
    assert (source.per, source.count, ageing.spread, ageing.renewal) == ("node", 1, 0.0, "unit")
    shape = {"weibull": ageing.shape, "exponential": 1.0}[ageing.law]
    scale = 1.0 / source.rate / math.gamma(1.0 + 1.0 / shape)
    keys = ("burn_in", "share", "factor", "cured")
    life = {key: getattr(ageing, key) for key in keys}
    return {"life": life | {"scale": scale, "shape": shape, "age": ageing.initial_age}}


def naive_store(scenario: Scenario) -> Model | None:
    for store in scenario.stores.values():
        if store.every.kind == "work":
            interval = store.every.value
        elif store.every.kind == "steps":
            interval = store.every.value * scenario.job.step
        else:
            assert store.every.kind == "young"
            gpus = scenario.cluster.gpus_per_node
            per = {"gpu": scenario.job.nodes * gpus, "node": scenario.job.nodes, "job": 1}
            rate = sum(source.rate * source.count * per[source.per] for source in scenario.faults.values())
            interval = math.sqrt(2.0 * (store.stall + store.slowdown * store.persist) / rate)
        return {key: getattr(store, key) for key in ("stall", "persist", "slowdown", "in_flight", "read")} | {
            "interval": interval
        }
    return None


def watchdog(hang: Any) -> Any:
    """Delays of a watchdog: heartbeats on a grid, a hang anywhere on it, polls on a grid of their own."""

    def delay(rng: random.Random) -> float:
        last_beat = -rng.uniform(0.0, hang.heartbeat)
        expires = last_beat + hang.timeout
        return expires + rng.uniform(0.0, hang.poll)

    return delay


def naive_model(scenario: Scenario) -> Model:
    """The naive simulator's model of a scenario, in seconds.

    A spare in activation already sits in the job's slot, and fails as any node of the job.
    """
    gpus = scenario.job.nodes * scenario.cluster.gpus_per_node
    sources = [
        {
            "name": name,
            "detect": float((source.detect or scenario.detect.stop).mean),
            "needs": dict(source.needs),
            "p_hang": source.effect.get("hang", 0.0),
            "hang": watchdog(scenario.detect.hang),
            **{key: getattr(source, key) for key in ("per", "count", "rate", "clock", "takes")},
            **naive_life(source),
        }
        for name, source in scenario.faults.items()
    ]
    return {
        "gpus_per_node": scenario.cluster.gpus_per_node,
        "job_nodes": scenario.job.nodes,
        "hot": scenario.pools.hot.nodes,
        "cold": scenario.pools.cold.nodes,
        "pick": scenario.pools.pick,
        "hot_activation": scenario.pools.hot.activation,
        "cold_activation": scenario.pools.cold.activation,
        "activating_fail": True,
        **naive_check(scenario.pools.hot.check),
        "sources": sources,
        "store": naive_store(scenario),
        "rules": [naive_rule(rule, gpus) for rule in scenario.recovery.rules.values()],
        "max_attempts": scenario.recovery.max_attempts,
        **naive_strikes(scenario.repair),
        "repair_at_fault": scenario.repair.at_fault,
        "relapse": sampler(scenario.repair.relapse) if scenario.repair.relapse else None,
        "horizon": scenario.run.horizon,
        "work": scenario.run.work,
        "initial_start": scenario.run.initial_start,
        "final_save": scenario.run.final_save,
    }


class Judge(Naive):
    """The naive simulator, for whom ``spare_available`` holds if the idle spares are enough for all that is missing."""

    def holds(self, number: int, when: Model) -> bool:
        rest = {key: value for key, value in when.items() if key != "spare_available"}
        enough = self.idle() >= len(self.empty)
        return super().holds(number, rest) and enough == when.get("spare_available", enough)


# Figures of both, by name


def naive_figures(model: Model, runs: int = NAIVE_RUNS, kind: type[Naive] = Judge) -> dict[str, np.ndarray]:
    each = []
    for seed in range(runs):
        run = kind(model, seed).run()
        assert run["stop_reason"] in ("horizon", "work")
        figures = {"ettr": run["progress"] / run["wall"]}
        figures |= {bucket: run["ledger"].get(bucket, 0.0) for bucket in BUCKETS}
        figures |= {
            f"nodes {bucket}": run["ledger_nodes"].get(bucket, 0.0) for bucket in (*BUCKETS, "spare_idle", "repair")
        }
        figures |= {
            name: run[name] for name in ("wall", "interruptions", "saves", "spares_used", "relapses", "retired")
        }
        figures["units_in_repair"] = run["units_in_repair_end"]
        figures["spare_faults"] = sum(run["spare_faults"].values())
        for source in run["faults"]:
            figures[f"faults {source}"], figures[f"causes {source}"] = run["faults"][source], run["causes"][source]
        each.append(figures)
    return {name: np.array([figures[name] for figures in each], dtype=float) for name in each[0]}


def our_figures(scenario: Scenario) -> dict[str, np.ndarray]:
    plan = build(scenario)
    rows = Runner(plan, jobs=2).run(0, OUR_RUNS)
    assert set(rows["stop_reason"]) <= {StopReason.HORIZON, StopReason.DONE}
    figures = {"ettr": rows["work_done_s"] / rows["wall_s"], "wall": rows["wall_s"]}
    present = rows["ledger"] * plan.job_nodes - rows["absent_node_s"]
    for i, bucket in enumerate(BUCKETS):
        figures[bucket], figures[f"nodes {bucket}"] = rows["ledger"][:, i], present[:, i]
    figures |= {"nodes spare_idle": rows["spare_idle_node_s"], "nodes repair": rows["repair_node_s"]}
    figures |= {
        name: rows[name]
        for name in ("interruptions", "saves", "spares_used", "units_in_repair", "spare_faults", "relapses", "retired")
    }
    for i, source in enumerate(plan.sources):
        figures[f"faults {source.name}"] = rows["faults_of"][:, i]
        figures[f"causes {source.name}"] = rows["interruptions_of"][:, i]
    return figures


def suspects(naive: dict[str, np.ndarray], ours: dict[str, np.ndarray]) -> list[str]:
    """Figures whose means differ by more than chance explains."""
    assert naive.keys() == ours.keys()
    assert len(naive) * len(SCENARIOS) <= COMPARISONS
    found = []
    for name, values in naive.items():
        a, b = values.var(ddof=1) / values.size, ours[name].var(ddof=1) / ours[name].size
        gap = values.mean() - ours[name].mean()
        # A figure that is the same in all runs: floats of the naive simulator and ticks of ours differ by rounding.
        if abs(gap) <= 1e-6 * (1.0 + abs(values.mean())):
            continue
        freedom = (a + b) ** 2 / (a**2 / (values.size - 1) + b**2 / (ours[name].size - 1)) if a + b > 0 else 1.0
        limit = stats.t.isf(FALSE_ALARM / COMPARISONS / 2.0, freedom)
        if not abs(gap) < limit * math.sqrt(a + b):
            z = gap / math.sqrt(a + b) if a + b > 0 else math.inf
            found.append(f"{name}: naive {values.mean():.6g}, ours {ours[name].mean():.6g}, t = {z:.2f}")
    return found


SCENARIOS: dict[str, str] = {}

SCENARIOS["sync saves, one rule"] = """
cluster = { nodes = 4 }
faults.gpu = { per = "gpu", mtbf = "160 h", needs = "process" }
faults.job = { per = "job", clock = "wall", mtbf = "11 h" }
stores.remote = { every = "40 min", stall = "2 min", read = "4 min" }
detect.stop = "90 s"
recovery.all.stages = { diagnosis = "1 min", restart = "6 min", load = "auto", warmup = { time = "3 min" } }
run.horizon = "100 h"
"""
SCENARIOS["one save in flight, slowed, until work is done"] = """
cluster = { nodes = 3, gpus_per_node = 2 }
faults.node = { per = "node", mtbf = "12 h", needs = "process", detect = "2 min" }
stores.remote = { every = "20 min", stall = "1 min", persist = "32 min", slowdown = 0.25, read = "5 min" }
recovery.all.stages = { load = "auto", init = { base = "2 min", per_gpu = "10 s", per_gpu2 = "1 s" } }
run.work = "50 h"
"""
SCENARIOS["two saves in flight, slowed"] = """
cluster = { nodes = 3 }
faults.node = { per = "node", mtbf = "15 h", needs = "process" }
stores.remote = { every = "10 min", stall = "1 min", persist = "26 min", slowdown = "10 %", in_flight = 2 }
recovery.restart = { law = "lognormal", mean = "12 min", sd = "8 min" }
run = { work = "40 h", final_save = true, initial_start = false }
"""
SCENARIOS["any number of saves in flight, retry of stages"] = """
cluster = { nodes = 6 }
job = { nodes = 5, step = "12 s", checkpoint = "3 TB" }
faults.node = { per = "node", mtbf = "20 h", needs = { process = 0.7, repair = 0.3 }, detect = "3 min" }
faults.job = { per = "job", clock = "wall", mtbf = "4 h", detect = "1 min" }
[stores.remote]
every = "50 steps"
stall = "20 s"
bandwidth = "2 GB/s"
slowdown = 0.4
in_flight = "unlimited"
[recovery.again]
on_fault = "retry_stage"
use = "spares, else wait"
[recovery.again.stages]
restart = { law = "exponential", mean = "10 min" }
load = "auto"
[recovery.again.stages.warm_up]
law = "mixture"
of = [{ share = 0.7, time = "5 min" }, { share = 0.2, time = "0 s" }, { share = 0.1, law = "exponential", mean = "2h" }]
[repair]
time = { law = "exponential", mean = "2 h" }
[run]
horizon = "60 h"
"""
SCENARIOS["rules by need, attempts and units down"] = """
cluster = { nodes = 8 }
job = { nodes = 6 }
faults.hard = { per = "node", mtbf = "30 h", needs = { reset = 0.4, repair = 0.6 } }
faults.soft = { per = "gpu", count = 2, mtbf = "300 h", needs = "process", detect = "5 min" }
stores.remote = { every = "30 min", stall = "1 min", read = "8 min" }
[recovery.in_process]
when = { needs = "process", attempts_below = 2 }
use = "same units"
stages = { init = "12 min" }
[recovery.in_job]
when = { needs = ["process", "reset"], units_down_at_most = 1 }
use = "same units"
stages = { diagnosis = "4 min", load = "auto" }
[recovery.requeue]
[recovery.requeue.stages]
queue = { law = "exponential", mean = "25 min", bucket = "capacity_wait" }
restart = "9 min"
load = "auto"
[repair]
reset = { time = "30 min", success = 0.7 }
replace = { time = { law = "exponential", mean = "5 h" }, crews = 2 }
[run]
horizon = "60 h"
"""
SCENARIOS["hot and cold spares with activation"] = """
cluster = { nodes = 9 }
job = { nodes = 5 }
faults.gpu = { per = "gpu", mtbf = "120 h", needs = { process = 0.2, repair = 0.8 } }
pools = { hot = { nodes = 2, activation = "2 min" }, cold = { nodes = 2, activation = "45 min" } }
detect.stop = "4 min"
stores.remote = { every = "25 min", stall = "1 min" }
recovery.restart = "15 min"
repair = { time = { law = "lognormal", mean = "9 h", sd = "6 h" }, crews = 2 }
run.horizon = "50 h"
"""
SCENARIOS["cold spares that are faster than hot ones, one crew, false fixes"] = """
cluster = { nodes = 8 }
job = { nodes = 4 }
faults.node = { per = "node", mtbf = "25 h", needs = { reset = 0.5, repair = 0.5 } }
pools = { hot = { nodes = 2, activation = "20 min" }, cold = { nodes = 1, activation = "5 min" } }
stores.remote = { every = "young", stall = "1 min" }
recovery.restart = "10 min"
[repair.reset]
time = "20 min"
success = 0.5
crews = 1
[repair.replace]
time = { law = "exponential", mean = "3 h" }
success = 0.75
crews = 1
[run]
horizon = "80 h"
"""
SCENARIOS["the same units, waiting with the clocks still"] = """
cluster = { nodes = 6 }
job = { nodes = 5 }
faults.node = { per = "node", mtbf = "30 h", detect = "6 min" }
faults.step = { per = "job", mtbf = "10 h", clock = "training", detect = "30 s" }
stores.remote = { every = "30 min", stall = "1 min" }
[recovery.wait]
use = "same units"
vulnerable = false
[recovery.wait.stages]
diagnosis = { time = "10 min", vulnerable = true }
restart = "10 min"
init = { time = "20 min", vulnerable = true }
[repair]
time = { law = "exponential", mean = "4 h" }
[run]
horizon = "120 h"
"""
SCENARIOS["the training clock"] = """
cluster = { nodes = 7 }
job = { nodes = 5 }
faults.node = { per = "node", mtbf = "20 h", clock = "training", needs = { process = 0.5, repair = 0.5 } }
faults.fabric = { per = "job", mtbf = "8 h", clock = "training" }
stores.remote = { every = "20 min", stall = "2 min", persist = "6 min", slowdown = 0.3, in_flight = 2 }
recovery.restart = { law = "exponential", mean = "30 min" }
repair.time = "10 h"
run.horizon = "80 h"
"""
SCENARIOS["faults of the job that take a node, on all clocks"] = """
cluster = { nodes = 7, gpus_per_node = 4 }
job = { nodes = 5 }
faults.heat = { per = "job", mtbf = "5 h", takes = "node", needs = { process = 0.3, reset = 0.3, repair = 0.4 } }
faults.race = { per = "job", mtbf = "9 h", takes = "node", needs = "reset", clock = "training", detect = "8 min" }
faults.gpu = { per = "gpu", mtbf = "150 h", takes = "nothing", needs = "repair" }
pools.hot = 1
pools.cold = { nodes = 1, activation = "12 min" }
stores.remote = { every = "30 min", stall = "1 min" }
[recovery.only]
use = "spares, else wait"
on_fault = "retry_stage"
stages = { diagnosis = "5 min", restart = "10 min", load = "auto" }
[repair]
reset = { time = "40 min" }
replace = { time = "6 h", crews = 1 }
[run]
horizon = "80 h"
"""
SCENARIOS["a start under fire, a wait, a last save"] = """
cluster = { nodes = 5 }
job = { nodes = 4 }
faults.node = { per = "node", mtbf = "12 h", needs = { process = 0.5, repair = 0.5 }, detect = "10 min" }
stores.remote = { every = "45 min", stall = "3 min", persist = "50 min", read = "10 min" }
[recovery.quick]
when = { needs = "process" }
use = "same units"
stages = { load = "auto" }
[recovery.slow]
stages = { restart = "35 min", init = { law = "exponential", mean = "35 min" }, load = "auto" }
[repair]
time = "5 h"
[run]
work = "20 h"
"""
SCENARIOS["a rule for when the spares suffice"] = """
cluster = { nodes = 6 }
job = { nodes = 5 }
faults.hard = { per = "node", mtbf = "20 h" }
faults.soft = { per = "job", clock = "wall", mtbf = "4 h" }
detect.stop = "10 min"
[recovery.swap]
when = { spare_available = true }
stages = { restart = "8 min" }
[recovery.wait]
use = "same units"
stages = { restart = "16 min", warm_up = "5 min" }
[repair]
time = "5 h"
[run]
horizon = "60 h"
"""
SCENARIOS["no store"] = """
cluster = { nodes = 3 }
job = { nodes = 2 }
faults.node = { per = "node", mtbf = "10 h" }
recovery.restart = "20 min"
repair.time = { law = "exponential", mean = "3 h" }
run = { work = "8 h", initial_start = false }
"""


SCENARIOS["hangs, found by a watchdog or by a stop that comes first"] = """
cluster = { nodes = 5 }
job = { nodes = 4 }
faults.link = { per = "gpu", mtbf = "400 h", effect = { stop = 0.3, hang = 0.7 } }
faults.soft = { per = "job", clock = "wall", mtbf = "5 h", effect = "hang" }
faults.node = { per = "node", mtbf = "30 h", detect = "2 min" }
detect = { stop = "1 min", hang = { timeout = "1 h", heartbeat = "20 min", poll = "10 min" } }
stores.remote = { every = "30 min", stall = "1 min" }
recovery.restart = "10 min"
repair.time = "5 h"
run.horizon = "100 h"
"""
SCENARIOS["stages of repair, false fixes, a test that finds some of them"] = """
cluster = { nodes = 8 }
job = { nodes = 5 }
faults.node = { per = "node", mtbf = "40 h", needs = { reset = 0.5, repair = 0.5 }, detect = "2 min" }
faults.nic = { per = "gpu", mtbf = "500 h", clock = "training", needs = "reset", detect = "8 min" }
pools = { hot = { nodes = 1, activation = "5 min" }, cold = { nodes = 2, activation = "30 min" } }
detect.stop = "4 min"
stores.remote = { every = "25 min", stall = "1 min" }
[recovery.again]
stages = { restart = { time = "10 min", vulnerable = false }, load = "6 min" }
[repair]
reset = { time = "20 min", success = 0.7, attempts = 2, false_fix = 0.5, else = "parts" }
triage = { time = "30 min", success = 0.3, crews = 1, false_fix = 0.6 }
parts = { time = { law = "exponential", mean = "3 h" }, then = "replace" }
replace = { time = "1 h", success = 0.8, crews = 1, false_fix = 0.4, then = "burn_in" }
burn_in = { time = "40 min", success = 0.9, finds = 0.5, else = "parts" }
relapse.life = { law = "lognormal", mean = "4 h", sd = "6 h" }
[run]
horizon = "80 h"
"""
SCENARIOS["nodes that fail too often are tested, then replaced"] = """
cluster = { nodes = 7 }
job = { nodes = 5 }
faults.node = { per = "node", mtbf = "30 h", needs = { reset = 0.6, repair = 0.4 }, detect = "2 min" }
pools.hot = 2
stores.remote = { every = "25 min", stall = "1 min" }
recovery.restart = "10 min"
[repair]
reset = { time = "30 min", success = 0.9, false_fix = 0.3 }
replace = { time = { law = "exponential", mean = "4 h" }, crews = 2, false_fix = 0.2 }
burn_in = { time = "3 h", finds = 0.8, else = "replace" }
relapse.life = { law = "exponential", mean = "6 h" }
retire = { failures = 4, within = "40 h", replacement = "12 h" }
quarantine = { failures = 2, within = "20 h", stage = "burn_in" }
[run]
horizon = "100 h"
"""
SCENARIOS["components that age, quarantine, retirement, false fixes"] = """
# Old nodes fail ever more often, new ones after a burn-in; resets leave them as they are.
cluster = { nodes = 8 }
job = { nodes = 5 }
detect.stop = "2 min"
pools = { hot = { nodes = 2, activation = "5 min" }, cold = { nodes = 1, activation = "30 min" } }
stores.remote = { every = "25 min", stall = "1 min" }
recovery.restart = "10 min"
[faults.node]
per = "node"
mtbf = "50 h"
life = { law = "weibull", shape = 2.5 }
initial_age = "30 h"
burn_in = "8 h"
needs = { process = 0.2, reset = 0.4, repair = 0.4 }
[faults.fan]
per = "node"
mtbf = "90 h"
clock = "training"
life = { law = "weibull", shape = 0.6 }
initial_age = "new"
needs = { reset = 0.3, repair = 0.7 }
[repair]
reset = { time = "30 min", success = 0.8, false_fix = 0.2 }
triage = { time = "1 h", success = 0.4, false_fix = 0.3, else = "replace" }
replace = { time = { law = "exponential", mean = "4 h" }, crews = 2, false_fix = 0.2 }
burn_in = { time = "3 h", finds = 0.8, else = "replace" }
relapse.life = { law = "exponential", mean = "5 h" }
retire = { failures = 4, within = "50 h", replacement = "12 h" }
quarantine = { failures = 2, within = "20 h", stage = "burn_in" }
[run]
horizon = "120 h"
"""
SCENARIOS["repair that begins at the fault, and may end before that is seen"] = """
cluster = { nodes = 6 }
job = { nodes = 4 }
faults.node = { per = "node", mtbf = "30 h", needs = { reset = 0.6, repair = 0.4 } }
faults.soft = { per = "job", clock = "wall", mtbf = "12 h", detect = "5 min" }
pools = { hot = { nodes = 1, activation = "10 min" }, cold = { nodes = 1, activation = "30 min" } }
detect.stop = "1 h"
stores.remote = { every = "25 min", stall = "1 min" }
recovery.restart = "10 min"
[repair]
begins = "fault"
reset = { time = { law = "exponential", mean = "40 min" }, success = 0.8 }
replace = { time = { law = "exponential", mean = "4 h" }, crews = 1 }
[run]
horizon = "100 h"
"""
SCENARIOS["lemons, cured by replacement, and ages that nothing renews"] = """
cluster = { nodes = 8 }
job = { nodes = 6 }
pools.hot = 2
stores.remote = { every = "25 min", stall = "1 min" }
recovery.restart = "10 min"
[faults.node]
per = "node"
mtbf = "25 h"
frailty = { share = 0.3, factor = 15 }
needs = { process = 0.3, repair = 0.7 }
[faults.psu]
per = "node"
mtbf = "150 h"
life = { law = "weibull", shape = 1.8 }
initial_age = "40 h"
frailty = { share = 0.5, factor = 3, cured = false }
[repair]
check = { time = "1 h", success = 0.5, else = "replace", crews = 1 }
replace = { time = "5 h", success = 0.8, else = "check" }
retire = { failures = 3, within = "40 h", replacement = "8 h" }
[run]
horizon = "120 h"
"""
SCENARIOS["a spare that may fail before it is active"] = """
# Its slot is filled sooner by a node from repair: the job must not wait for the dead spare.
cluster = { nodes = 5 }
job = { nodes = 4 }
faults.node = { per = "node", mtbf = "8 h" }
pools.cold = { nodes = 1, activation = "3 h" }
stores.remote = { every = "20 min", stall = "1 min" }
recovery.restart = "10 min"
repair.time = "30 min"
run.horizon = "40 h"
"""


SCENARIOS["dead spares found by checks"] = """
cluster = { nodes = 7 }
job = { nodes = 3 }
faults.node = { per = "node", mtbf = "14 h", needs = { process = 0.1, reset = 0.4, repair = 0.5 }, detect = "2 min" }
pools = { hot = { nodes = 3, check = "5 h", activation = "4 min" }, cold = { nodes = 1, activation = "40 min" } }
stores.remote = { every = "25 min", stall = "1 min" }
[recovery.swap]
when = { spare_available = true }
stages = { restart = "8 min" }
[recovery.wait]
stages = { restart = "20 min" }
[repair]
reset = { time = "30 min", success = 0.9, false_fix = 0.3 }
replace = { time = { law = "exponential", mean = "4 h" }, crews = 2, false_fix = 0.2 }
relapse.life = { law = "exponential", mean = "6 h" }
retire = { failures = 4, within = "40 h", replacement = "12 h" }
[run]
horizon = "80 h"
"""
SCENARIOS["dead spares found when they are called"] = """
cluster = { nodes = 6 }
job = { nodes = 3 }
faults.node = { per = "node", mtbf = "14 h", detect = "2 min" }
faults.soft = { per = "gpu", mtbf = "200 h", needs = { process = 0.5, reset = 0.5 } }
pools = { hot = { nodes = 2, check = "on activation", activation = "4 min" }, cold = { nodes = 1, activation = "1 h" } }
stores.remote = { every = "25 min", stall = "1 min" }
recovery.restart = "10 min"
repair = { time = { law = "exponential", mean = "4 h" }, crews = 1 }
run.horizon = "80 h"
"""

for pick in ("first", "last returned", "random"):
    # Lemons stay lemons, and spares are off: how many faults there are is a matter of who is called.
    SCENARIOS[f"lemons among spares, of which the {pick} one is called"] = f"""
cluster = {{ nodes = 9 }}
job = {{ nodes = 2 }}
faults.node = {{ per = "node", mtbf = "10 h", frailty = {{ share = 0.3, factor = 20, cured = false }} }}
pools = {{ pick = "{pick}", cold = {{ nodes = 7, activation = "3 min" }} }}
detect.stop = "2 min"
recovery.restart = "10 min"
repair.time = {{ law = "exponential", mean = "1 h" }}
run.horizon = "100 h"
"""


@pytest.mark.parametrize("name", SCENARIOS)
def test_engine_and_naive_simulator_agree(name: str) -> None:
    scenario = loads(SCENARIOS[name])
    assert not suspects(naive_figures(naive_model(scenario)), our_figures(scenario))


@pytest.mark.parametrize("wrong", ["a life 10 % too long", "a reset that always works", "a detection 10 % too long"])
def test_wrong_models_are_noticed(wrong: str) -> None:
    """Negative controls, one at a time."""
    scenario = loads(SCENARIOS["rules by need, attempts and units down"])
    model = naive_model(scenario)
    if wrong == "a life 10 % too long":
        model["sources"][1]["rate"] /= 1.1
    elif wrong == "a reset that always works":
        model["repair"]["reset"]["success"] = 1.0
    else:
        model["sources"][1]["detect"] *= 1.1
    assert suspects(naive_figures(model), our_figures(scenario))


@pytest.mark.parametrize("wrong", ["a test that finds more", "second lives 60 % too long", "fixes that are all true"])
def test_wrong_models_of_repair_are_noticed(wrong: str) -> None:
    scenario = loads(SCENARIOS["stages of repair, false fixes, a test that finds some of them"])
    model = naive_model(scenario)
    if wrong == "a test that finds more":
        model["repair"]["burn_in"]["finds"] = 1.0
    elif wrong == "second lives 60 % too long":
        life = model["relapse"]
        model["relapse"] = lambda rng: 1.6 * life(rng)
    else:
        model["repair"]["triage"]["false_fix"] = 0.0
    assert suspects(naive_figures(model), our_figures(scenario))


@pytest.mark.parametrize("wrong", ["noticed at once", "checks twice as far apart", "only when called"])
def test_wrong_models_of_checks_are_noticed(wrong: str) -> None:
    scenario = loads(SCENARIOS["dead spares found by checks"])
    model = naive_model(scenario)
    if wrong == "noticed at once":
        del model["hot_check"]
    else:
        model["hot_check"] *= 2.0 if wrong == "checks twice as far apart" else math.inf
    assert suspects(naive_figures(model), our_figures(scenario))


@pytest.mark.parametrize("wrong", ["shape", "what triage renews", "age at the start", "burn-in"])
def test_wrong_models_of_ages_are_noticed(wrong: str) -> None:
    scenario = loads(SCENARIOS["components that age, quarantine, retirement, false fixes"])
    model = naive_model(scenario)
    life = model["sources"][0]["life"]
    if wrong == "shape":
        life["shape"] = 2.0
    elif wrong == "what triage renews":
        model["repair"]["triage"]["renews"] = True
    elif wrong == "age at the start":
        life["age"] = 80 * 3600.0
    else:
        life["burn_in"] = 30 * 3600.0
    assert suspects(naive_figures(model), our_figures(scenario))


@pytest.mark.parametrize("wrong", ["share", "a cure that is none", "retirement"])
def test_wrong_models_of_lemons_are_noticed(wrong: str) -> None:
    scenario = loads(SCENARIOS["lemons, cured by replacement, and ages that nothing renews"])
    model = naive_model(scenario)
    if wrong == "share":
        model["sources"][0]["life"]["share"] = 0.0
    elif wrong == "a cure that is none":
        model["sources"][0]["life"]["cured"] = False
    else:
        model["retire"]["failures"] = 4
    assert suspects(naive_figures(model), our_figures(scenario))


@pytest.mark.parametrize("pick", ["first", "last returned", "random"])
def test_a_wrong_pick_is_noticed(pick: str) -> None:
    scenario = loads(SCENARIOS[f"lemons among spares, of which the {pick} one is called"])
    model = naive_model(scenario) | {"pick": "longest idle" if pick != "random" else "first"}
    assert suspects(naive_figures(model), our_figures(scenario))
