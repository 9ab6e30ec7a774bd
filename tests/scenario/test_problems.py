"""Each kind of error names file, line, key, what was given and what is allowed."""

import pickle
from pathlib import Path

import pytest

from sim.errors import ExitCode, Problem, ScenarioError, SimError, UsageError
from sim.scenario import from_dict, load, loads, problems

from .examples import LARGE, SMALL

FILE = "scenarios/x.toml"


def found(text: str, overrides: tuple[str, ...] = ()) -> list[Problem]:
    with pytest.raises(ScenarioError) as caught:
        loads(text, FILE, overrides)
    return caught.value.problems


def only(text: str, overrides: tuple[str, ...] = ()) -> Problem:
    all_found = found(text, overrides)
    assert len(all_found) == 1, [str(problem) for problem in all_found]
    return all_found[0]


def line_of(text: str, needle: str) -> int:
    return text[: text.index(needle)].count("\n") + 1


WINDOW = """
[maintenance.firmware]
of = "node"
first = "2 days"
duration = "4 h"
width = 5
step = "6 h"
"""


def changed(old: str, new: str, text: str = SMALL) -> str:
    assert text.count(old) == 1, old
    return text.replace(old, new)


# Section in which a line is added to the small scenario, the line, the key, the message and what is allowed.
ADDED = [
    ("[cluster]", "gpus_per_nod = 8", "cluster.gpus_per_nod", "unknown key", "gpus_per_node"),
    ("[cluster]", "gpus_per_node = 0", "cluster.gpus_per_node", "too small", "from 1 to"),
    ("[cluster]", "gpus_per_node = true", "cluster.gpus_per_node", "whole number", "from 1 to"),
    ("[cluster]", "gpus_per_node = 8.0", "cluster.gpus_per_node", "whole number", "from 1 to"),
    ("[cluster]", 'gpus_per_node = "8"', "cluster.gpus_per_node", "whole number", "from 1 to"),
    ("[cluster]", f"gpus_per_node = {10**30}", "cluster.gpus_per_node", "too large", "from 1 to"),
    ("[faults.node]", "fit = 3", "faults.node.fit", "one rate too many beside mtbf", "exactly one of"),
    ("[faults.node]", 'effect = "slow"', "faults.node.effect", "none of the known", '"stop"'),
    ("[faults.node]", 'effect = "notice"', "faults.node.effect", "has no lead", "notice with lead"),
    ("[faults.node]", 'lead = "10 min"', "faults.node.lead", "after a notice, but the effect is none", "with notice"),
    ("[faults.node]", 'clock = "steps"', "faults.node.clock", "none of the known", '"wall" or "training"'),
    ("[cluster]", 'groups.rack = "4"', "cluster.groups.rack", "how many of what", '"4 nodes"'),
    ("[cluster]", 'groups.rack = "4 nods"', "cluster.groups.rack", "no group", "nodes"),
    ("[cluster]", 'groups.rack = "2 racks"', "cluster.groups.rack", "made of itself", "other groups"),
    ("[cluster]", 'groups.rack = "100_000 nodes"', "cluster.groups.rack", "domains of 100_000 nodes", "at most"),
    ("[cluster]", "groups.feed = { domains = 100_000 }", "cluster.groups.feed", "deals", "fewer domains"),
    ("[cluster]", 'groups.feed = { domains = 2, of = "2 nodes" }', "cluster.groups.feed", "not one kind", "either of"),
    ("[cluster]", 'groups.node = "2 nodes"', "cluster.groups.node", "cannot be the name", "plain word"),
    ("[faults.node]", 'life = { law = "weibul", shape = 2 }', "faults.node.life.law", "none of the known", '"weibull"'),
    ("[faults.node]", 'life = { law = "weibull" }', "faults.node.life", "gives no shape", "with shape"),
    (
        "[faults.node]",
        'life = { law = "weibull", shape = 2, sd = "1 h" }',
        "faults.node.life",
        "gives sd",
        "with shape",
    ),
    ("[faults.node]", 'life = { law = "weibull", shape = 0.1 }', "faults.node.life.shape", "too small", "from 0.2"),
    ("[faults.node]", 'life = { law = "lognormal", sd = "1 s" }', "faults.node.life", "too far from", "times the mean"),
    ("[faults.node]", 'renewal = "none"', "faults.node.renewal", "have no life", "life ="),
    ("[faults.node]", 'burn_in = "2 days"', "faults.node.burn_in", "have no life", "life ="),
    ("[faults.node]", "frailty = { share = 0.1 }", "faults.node.frailty", "gives share", "share with factor"),
    ("[faults.node]", "frailty = { factor = 1, shape = 2 }", "faults.node.frailty", "gives", "law with shape"),
    ("[faults.node]", 'takes = "rak"', "faults.node.takes", "none of the known", '"node" or "nothing"'),
    ("[faults.node]", "uncertain = true", "faults.node.uncertain", "needs counted faults", "only with observed"),
    ("[faults.node]", 'uncertain = "yes"', "faults.node.uncertain", "true or false", "true or false"),
    ("[run]", 'series = "1 min"', "run.series", "cuts the horizon into 77_760 periods", "at most 1_000 periods"),
    ("[run]", 'series = "0 s"', "run.series", "too small", '"1 us"'),
    ("[run]", "uncertain = true", "run.uncertain", "no source whose rate was counted", "observed"),
    ("[faults.node]", 'takes = "gpu"', "faults.node.takes", "none of the known", '"node" or "nothing"'),
    ("[faults.node]", 'needs = "reboot"', "faults.node.needs", "none of the known", '"process", "reset" or "repair"'),
    ("[faults.node]", "needs = 3", "faults.node.needs", "none of the known", "table of probabilities"),
    ("[faults.node]", "needs = { reset = 0.5 }", "faults.node.needs", "add up to 0.5", "add up to 1"),
    ("[faults.node]", "needs = { reset = 1.5 }", "faults.node.needs.reset", "too large", "from 0 to 1"),
    ("[faults.node]", "needs = {}", "faults.node.needs", "add up to 0", "add up to 1"),
    ("[faults.node]", "needs = { reboot = 1 }", "faults.node.needs.reboot", "unknown key", "process, reset or repair"),
    ("[faults.node]", "detect = 5", "faults.node.detect", "needs a unit", "a duration"),
    ("[stores.remote]", 'bandwidth = "2 TB"', "stores.remote.bandwidth", "size in bytes, not a bandwidth", "TB/s"),
    ("[stores.remote]", 'bandwidth = "0 TB/s"', "stores.remote.bandwidth", "too small", "above 0"),
    ("[stores.remote]", 'bandwidth = "1 B/h"', "stores.remote.bandwidth", "136 years", "higher bandwidth"),
    ("[stores.remote]", 'persist = "300 years"', "stores.remote.persist", "too large", "136 years"),
    ("[stores.remote]", "slowdown = 1", "stores.remote.slowdown", "too large", "below 1"),
    ("[stores.remote]", "in_flight = 0", "stores.remote.in_flight", "too small", '"unlimited"'),
    ("[stores.remote]", 'in_flight = "many"', "stores.remote.in_flight", "whole number", '"unlimited"'),
    ("[stores.remote]", 'place = "host"', "stores.remote.place", "none of the known", "{ partners = 1 }"),
    ("[stores.remote]", "place = 3", "stores.remote.place", "none of the known", '"self"'),
    (
        "[stores.remote]",
        "place = { partner = 1 }",
        "stores.remote.place",
        'the unknown key "partner"',
        "partners, layout and not_same",
    ),
    (
        "[stores.remote]",
        "place = { partners = 0 }",
        "stores.remote.place",
        "partners as 0, which is too small",
        "1 to 15",
    ),
    ("[stores.remote]", 'place = { layout = "ring" }', "stores.remote.place", "no number of partners", "partners = 1"),
    (
        "[stores.remote]",
        'place = { partners = 1, layout = "star" }',
        "stores.remote.place",
        'layout as "star"',
        '"ring"',
    ),
    ("[stores.remote]", 'place = { partners = 1, not_same = "rack" }', "stores.remote.place", "no group", "are none"),
    ("[stores.remote]", 'lost_at = "reboot"', "stores.remote.lost_at", "none of the known", '"never"'),
    ("[stores.remote]", "background = 0.2", "stores.remote.background", "bandwidth, which is not given", "2 TB/s"),
    ("[stores.remote]", "fan_out = 8", "stores.remote.fan_out", "bandwidth, which is not given", "2 TB/s"),
    ("[stores.remote]", "keep = 0", "stores.remote.keep", "too small", "from 1"),
    ("[recovery]", "max_attempts = 0", "recovery.max_attempts", "too small", "from 1"),
    ("[recovery]", "resart = 3", "recovery.resart", "unknown key", "restart"),
    ("[run]", 'work = "1 day"', "run.work", "beside horizon", "exactly one of horizon and work"),
    ("[run]", "final_save = true", "run.final_save", "until work is done", "only with work"),
    ("[run]", 'initial_start = "yes"', "run.initial_start", "true or false", "true or false"),
    ("[run]", "seed = -1", "run.seed", "too small", "from 0"),
    ("[run]", "confidence = 0.5", "run.confidence", "too small", "above 0.5"),
    ("[run]", "confidence = 95", "run.confidence", "too large", "below 1"),
    ("[run]", 'precision = { half_width = "1 %" }', "run.precision.half_width", "percentage points", '"0.1 points"'),
    ("[run]", 'precision = { of = "mfu" }', "run.precision.of", "none of the known", '"ettr"'),
    ("[run]", "precision = 3", "run.precision", "must be a table", "a table"),
    ("[run]", "max_replications = 0", "run.max_replications", "too small", "from 1"),
    ("[run]", "max_events = 1.5", "run.max_events", "whole number", "from 1"),
]


@pytest.mark.parametrize(("section", "line", "key", "message", "allowed"), ADDED)
def test_a_wrong_line_is_named(section: str, line: str, key: str, message: str, allowed: str) -> None:
    text = changed(section, f"{section}\n{line}")
    problem = only(text)
    assert (problem.file, problem.line, problem.key) == (FILE, line_of(text, line), key)
    assert message in problem.message
    assert allowed in (problem.allowed or "")
    value = line.partition(" = ")[2]
    if not value.startswith("{") and "unknown" not in message:
        assert problem.given == value or len(value) > 25
    assert str(problem).startswith(f"{FILE}:{problem.line}: {key}: ")
    assert str(problem).count("\n") <= 1


# Text in the small scenario, what replaces it, the key, the message, and what is allowed or what to do.
REPLACED = [
    ('every = "30 min"\n', "", "stores.remote.every", "is missing", '"young"'),
    ('per = "node"\n', "", "faults.node.per", "is missing", '"gpu", "node", "job" or a group'),
    ('mtbf = "6_300 h"\n', "", "faults.node", "gives no rate", "exactly one of mtbf"),
    ('mtbf = "6_300 h"', "mtbf = 6300", "faults.node.mtbf", "needs a unit", '"6300 h"'),
    ('mtbf = "6_300 h"', 'mtbf = "0 h"', "faults.node.mtbf", "too small", "above 0"),
    ('mtbf = "6_300 h"', "afr = 0", "faults.node.afr", "too small", "above 0"),
    ('mtbf = "6_300 h"', "fit = nan", "faults.node.fit", "finite", "finite number"),
    ('mtbf = "6_300 h"', "fit = 1e300", "faults.node.fit", "too large", "finite number"),
    ('mtbf = "6_300 h"', "fit = true", "faults.node.fit", "must be a number", "finite number"),
    (
        'mtbf = "6_300 h"',
        "per_1000_node_days = 3\ncount = 2",
        "faults.node.per_1000_node_days",
        "count is 2",
        "count = 1",
    ),
    (
        'mtbf = "6_300 h"',
        'observed = { events = 3, over = "1 day" }',
        "faults.node.observed",
        "gives no units",
        "units",
    ),
    ('mtbf = "6_300 h"', "observed = 3", "faults.node.observed", "must be a table", "a table"),
    (
        'mtbf = "6_300 h"',
        'observed = { events = 3, units = 90, over = "1 day", clock = "steps" }',
        "faults.node.observed.clock",
        "none of the known values",
        '"wall" or "training"',
    ),
    (
        'mtbf = "6_300 h"',
        'observed = { events = 3, units = 91, over = "1 day", clock = "training" }',
        "faults.node.observed.clock",
        "converts the count of 91 components, but this job has 90",
        "units = 90",
    ),
    (
        'mtbf = "6_300 h"',
        'count = 2\nclock = "training"\nobserved = { events = 3, units = 90, over = "1 day", clock = "wall" }',
        "faults.node.observed.clock",
        "converts the count of 90 components, but this job has 180",
        'over on the clock "training"',
    ),
    (
        'mtbf = "6_300 h"',
        'observed = { events = 1e9, units = 1e-9, over = "1 s" }',
        "faults.node",
        "more than once per microsecond",
        "lower rate",
    ),
    (
        'per = "node"\nmtbf = "6_300 h"',
        'per = "gpu"\nper_1000_node_days = 3',
        "faults.node.per_1000_node_days",
        "per is",
        "node",
    ),
    ('per = "node"', 'per = "nodes"', "faults.node.per", "none of the known", '"gpu", "node" or "job"'),
    ("nodes = 90", "nodes = 101", "job.nodes", "more nodes than the cluster has", "at most 100 (cluster.nodes)"),
    ('step = "6 s"', "step = 6", "job.step", "needs a unit", '"6 s"'),
    ('checkpoint = "9 TB"', 'checkpoint = "9 Tb"', "job.checkpoint", "unknown unit", "bytes"),
    ('every = "30 min"', 'every = "sometimes"', "stores.remote.every", "not one number", '"young"'),
    ('every = "30 min"', 'every = "0.5 steps"', "stores.remote.every", "whole number of steps", '"50 steps"'),
    ('every = "30 min"', 'every = "0 s"', "stores.remote.every", "too small", '"30 min"'),
    ('every = "30 min"', "every = 30", "stores.remote.every", "needs a unit", '"30 min"'),
    (
        'stall = "20 s"',
        'bandwidth = "1 TB/s"\npersist = "3 s"',
        "stores.remote.bandwidth",
        "the same as persist",
        "either",
    ),
    ('horizon = "54 days"', "", "run", "gives no length", "exactly one of horizon and work"),
    ('horizon = "54 days"', 'horizon = "101 years"', "run.horizon", "too large", "100 years"),
    ('horizon = "54 days"', 'work = "0 s"', "run.work", "too small", "above 0"),
    ('restart = "8 min"', "restart = 8", "recovery.restart", "needs a unit", '"8 min"'),
    ('restart = "8 min"', "restart = {}", "recovery.restart", "gives no duration", "exactly one of time, law"),
    ('name = "small"', "name = 3", "name", "short text", "printable"),
    ('name = "small"', 'include = "a.toml"', "include", "must be an array", "at most 32 file names"),
    ('every = "30 min"', 'every = "10 saves"', "stores.remote.every", "no source is given", 'source = "NAME"'),
    ('every = "30 min"', 'every = "2.5 saves"', "stores.remote.every", "whole number of saves", '"50 steps"'),
    ('every = "30 min"', 'every = "exact"\nplace = "self"', "stores.remote.every", "versions can be lost", '"young"'),
    ('stall = "20 s"', "place = { partners = 12 }", "stores.remote.place", "6 groups of 13, with 12 left", "another"),
    (
        "[stores.remote]",
        "".join(f'[stores.{name}]\nevery = "1 h"\n' for name in "abcd") + "[stores.e]",
        "stores.e",
        "a store too many: [stores] has 5",
        "at most 4",
    ),
]


@pytest.mark.parametrize(("old", "new", "key", "message", "remedy"), REPLACED)
def test_a_replaced_line_is_named(old: str, new: str, key: str, message: str, remedy: str) -> None:
    problem = only(changed(old, new))
    assert problem.key == key
    assert problem.file == FILE
    assert problem.line is not None
    assert message in problem.message
    assert remedy in f"{problem.allowed} {problem.remedy}"


# What follows [recovery] in the small scenario instead of `restart`, the key, the message, and what is allowed.
RECOVERY = [
    ('restart = "8 min"\n[recovery.a]', "recovery.restart", "short form", "either restart or rules"),
    ("[recovery.a]\n[recovery.b]", "recovery.a", "always fits", "when in every rule but the last"),
    ("[recovery.a.when]\nattempts_below = 3", "recovery.a.when", "last rule", "without when"),
    ("[recovery.a]\nuse = 'spares'", "recovery.a.use", "none of the known", '"same units"'),
    ("[recovery.a]\non_fault = 'wait'", "recovery.a.on_fault", "none of the known", '"retry_stage"'),
    ("[recovery.a]\nvulnerable = 1", "recovery.a.vulnerable", "true or false", "true or false"),
    ("[recovery.a]\nstages = 3", "recovery.a.stages", "must be a table", "a table"),
    ("[recovery.a.stages]\nx = 3", "recovery.a.stages.x", "needs a unit", '"auto"'),
    (
        "[recovery.a.stages]\nx = { time = '3 s', law = 'exponential' }",
        "recovery.a.stages.x",
        "time and law",
        "exactly one",
    ),
    ("[recovery.a.stages]\nx = { law = 'exponential' }", "recovery.a.stages.x", "gives no mean", "with mean"),
    (
        "[recovery.a.stages]\nx = { law = 'lognormal', mean = '3 s' }",
        "recovery.a.stages.x",
        "gives no sd",
        "mean and sd",
    ),
    ("[recovery.a.stages]\nx = { time = '3 s', mean = '3 s' }", "recovery.a.stages.x", "does not have", "time alone"),
    (
        "[recovery.a.stages]\nx = { law = 'weibull', mean = '1 min' }",
        "recovery.a.stages.x.law",
        "none of the known",
        "lognormal",
    ),
    ("[recovery.a.stages]\nx = { law = 'mixture', of = [] }", "recovery.a.stages.x", "0 parts", "1 to 32"),
    ("[recovery.a.stages]\nx = { law = 'mixture', of = 3 }", "recovery.a.stages.x.of", "must be an array", "array"),
    (
        "[recovery.a.stages]\nx = { law = 'mixture', of = [{ share = 0.5, time = '1 s' }] }",
        "recovery.a.stages.x",
        "add up to 0.5",
        "add up to 1",
    ),
    (
        "[recovery.a.stages]\nx = { law = 'mixture', of = [{ share = 1, time = 1 }] }",
        "recovery.a.stages.x.of.0.time",
        "needs a unit",
        "a duration",
    ),
    (
        "[recovery.a.stages]\nx = { law = 'mixture', of = [" + "{ share = 0.03125, time = '1 s' }," * 33 + "] }",
        "recovery.a.stages.x",
        "33 parts",
        "1 to 32 parts",
    ),
    ("[recovery.a.stages]\nx = { base = '1 s', time = '1 s' }", "recovery.a.stages.x", "base and time", "exactly one"),
    ("[recovery.a.stages]\nx = { per_gpu2 = '1 year' }", "recovery.a.stages.x", "136 years", "shorter"),
    (
        "[recovery.a.stages]\nx = { time = '1 s', bucket = 'repair' }",
        "recovery.a.stages.x.bucket",
        "none of",
        "warm_up",
    ),
    ("[recovery.a.stages]\nx = { time = { law = 'exponential' } }", "recovery.a.stages.x.time", "a duration", "auto"),
    (
        'restart = "8 min"\n[detect]\nstop = "3 s"\n[recovery.detect]',
        "recovery.detect",
        "the same as detect.stop",
        "either",
    ),
    (
        "".join(f"[recovery.a{i}]\nwhen.attempts_below = 3\n" for i in range(8)) + "[recovery.z]",
        "recovery.z",
        "9",
        "8 rules",
    ),
    ("[recovery.a.stages]\n" + "".join(f"s{i} = '1 s'\n" for i in range(65)), "recovery", "65 stages", "64 stages"),
    ("[recovery.a.stages]\n'' = '1 s'", "recovery.a.stages", "name of 0", "printable"),
]


@pytest.mark.parametrize(("text", "key", "message", "allowed"), RECOVERY)
def test_a_wrong_recovery_is_named(text: str, key: str, message: str, allowed: str) -> None:
    all_found = found(changed('restart = "8 min"', text))
    problem = next(item for item in all_found if item.key == key and message in item.message)
    assert problem.line is not None
    assert allowed in (problem.allowed or "")
    assert len(all_found) == 1 or "[recovery.detect]" in text


@pytest.mark.parametrize(
    ("text", "key", "message"),
    [
        ("[pools]\nhot = 11", "pools", "11 spares"),
        ("[pools]\nhot = 5\ncold = { nodes = 6 }", "pools", "11 spares"),
        ('[pools]\nhot = "5"', "pools.hot", "whole number"),
        ("[pools]\nhot = { activation = '3 s' }", "pools.hot.nodes", "is missing"),
        ("[pools]\nworm = 3", "pools.worm", "unknown key"),
        ("[pools]\nhot = { nodes = 1, check = '0 s' }", "pools.hot.check", "is too small"),
        ("[pools]\nhot = { nodes = 1, check = 'on activatio' }", "pools.hot.check", "is not one number"),
        ("[pools]\nhot = { nodes = 1, check = 3 }", "pools.hot.check", "needs a unit"),
        ("[pools]\nhot = { nodes = 1, check = true }", "pools.hot.check", "needs a text"),
        ("[pools]\nwarm = { nodes = 1, check = '200 years' }", "pools.warm.check", "is too large"),
        ("[pools]\ncold = { nodes = 1, check = '1 h' }", "pools.cold.check", "unknown key"),
        ("[pools]\nshared = { nodes = 1, check = '1 h' }", "pools.shared.check", "unknown key"),
        ("[repair]\ntime = '1 day'\n[repair.replace]\ntime = '2 days'", "repair.time", "the same as replace"),
        ("[repair]\nreplace = {}", "repair.replace.time", "is missing"),
        ("[repair]\nreplace = '1 day'", "repair.replace", "must be a table"),
        ("[repair]\ncrews = 0", "repair.crews", "too small"),
        ("[repair]\nsuccess = 0", "repair.success", "too small"),
        ("[repair]\nreset = { time = '1 h', else = 'drop' }", "repair.reset.else", "is no stage of [repair]"),
        ("[repair]\nreset = { time = '1 h', then = 'replac' }", "repair.reset.then", "is no stage of [repair]"),
        ("[repair]\nburn_in = '1 h'", "repair.burn_in", "unknown key"),
        ("[repair]\nburn_in = {}", "repair.burn_in.time", "is missing"),
        ("[repair]\na = { time = '1 h', then = 'b' }\nb = { time = '1 h' , then = 'a' }", "repair.a.then", "a circle"),
        ("[repair]\na = { time = '1 h', attempts = 0 }", "repair.a.attempts", "too small"),
        ("[repair]\na = { time = '1 h', attempts = 2 }", "repair.a.attempts", "without end"),
        ("[repair]\na = { time = '1 h', false_fix = 0.1 }", "repair.a.false_fix", "needs relapse.life"),
        ("[repair]\na = { time = '1 h', false_fix = 1 }\nrelapse.life = '1 h'", "repair.a.false_fix", "too large"),
        ("[repair]\na = { time = '1 h', false_fix = 0, finds = 0 }", "repair.a.false_fix", "beside finds"),
        (
            "[repair]\nrelapse.life = '1 h'\na = { time = '1 h', false_fix = 0.1, then = 'b' }\nb = { time = '1 h' }",
            "repair.a.then",
            "is undone by b",
        ),
        ("[repair]\nretire = { failures = 17, within = '1 h' }", "repair.retire.failures", "too large"),
        ("[repair]\nretire = { failures = 2, within = '0 h' }", "repair.retire.within", "too small"),
        ("[repair]\nretire = { failures = 2 }", "repair.retire.within", "is missing"),
        ("[repair]\nretire = 3", "repair.retire", "must be a table"),
        (
            "[repair]\nquarantine = { failures = 2, within = '1 h', stage = 'test' }",
            "repair.quarantine.stage",
            "is no stage of [repair]",
        ),
        ("[repair]\na = { time = '1 h', hours = '8-18' }", "repair.a.hours", "cannot be read"),
        ("[repair]\na = { time = '1 h', hours = '08:00-08:00' }", "repair.a.hours", "cannot be read"),
        ("[repair]\na = { time = '1 h', hours = '08:60-09:00' }", "repair.a.hours", "cannot be read"),
        ("[repair]\na = { time = '1 h', days = 'mon-' }", "repair.a.days", "cannot be read"),
        ("[repair]\nrelapse = {}", "repair.relapse.life", "is missing"),
        ("[repair]\nrelapse.life = 'never'", "repair.relapse.life", "is not one number"),
        ("[repair]\na = { time = '1 h', renews = 1 }", "repair.a.renews", 'true, false or "all"'),
        ("[repair]\na = { time = '1 h', renews = 'every' }", "repair.a.renews", 'true, false or "all"'),
        ("[repair]\ntime = { law = 'lognormal', mean = '1 h' }", "repair.time", "gives no sd"),
        ("[fault.x]\nper = 'job'", "fault", "unknown key"),
        ("[[run.precision]]\n", "run.precision", "must be a table"),
    ],
)
def test_a_wrong_section_is_named(text: str, key: str, message: str) -> None:
    problem = found(f"{SMALL}\n{text}\n")[0]
    assert problem.key == key
    assert message in problem.message
    assert problem.line is not None
    assert problem.line > SMALL.count("\n")


def test_too_many_stages_of_repair_are_named() -> None:
    stages = "".join(f"[repair.s{i}]\ntime = '1 h'\n" for i in range(9))
    problem = only(f"{SMALL}\n{stages}")
    assert (problem.key, problem.allowed) == ("repair.s8", "at most 8 stages")
    assert len(loads(f"{SMALL}\n{stages}".replace("[repair.s0]\ntime = '1 h'\n", "")).repair.stages) == 8


@pytest.mark.parametrize(
    ("rule", "change", "key", "message"),
    [
        ("50 steps", ('step = "6 s"\n', ""), "stores.remote.every", "job.step is not given"),
        ("young", ('stall = "20 s"\n', ""), "stores.remote.every", "saves that cost something"),
        ("daly", ('[faults.node]\nper = "node"\nmtbf = "6_300 h"\n', ""), "stores.remote.every", "needs faults"),
        (
            "exact",
            ('mtbf = "6_300 h"', 'observed = { events = 0, units = 9, over = "1 h" }'),
            "stores.remote.every",
            "needs faults",
        ),
    ],
)
def test_an_interval_needs_what_it_is_computed_from(rule: str, change: tuple[str, str], key: str, message: str) -> None:
    text = changed("30 min", rule)
    loads(text)
    problem = only(changed(*change, text=text))
    assert problem.key == key
    assert message in problem.message
    assert problem.remedy or problem.allowed


def test_bandwidth_needs_a_checkpoint() -> None:
    text = changed('stall = "20 s"', 'bandwidth = "2 TB/s"', changed('checkpoint = "9 TB"\n', ""))
    problem = only(text)
    assert problem.key == "stores.remote.bandwidth"
    assert "size of a checkpoint" in problem.message


def test_too_many_sources_are_refused_with_the_limit() -> None:
    many = "".join(f'[faults.s{i}]\nper = "job"\nmtbf = "1 day"\n' for i in range(64))
    problem = only(f"{SMALL}{many}")
    assert (problem.key, problem.allowed) == ("faults", "at most 64 fault sources")
    loads(SMALL + many.partition("[faults.s63]")[0])


def test_all_problems_are_told_at_once_in_order_of_their_lines() -> None:
    text = SMALL
    for old, new in [
        ("nodes = 100", "nodes = 0"),
        ('step = "6 s"', "step = 6"),
        ('mtbf = "6_300 h"', 'mtbff = "6_300 h"'),
        ('every = "30 min"', 'every = "3 TB"'),
        ('restart = "8 min"', 'restart = "8 minits"'),
        ('horizon = "54 days"', 'horizon = "54 days"\nwork = "1 day"\nsed = 3'),
    ]:
        text = changed(old, new, text)
    all_found = found(text, ("run.seed=x", "no override"))
    keys = [problem.key for problem in all_found]
    assert keys == [
        "cluster.nodes",
        "job.step",
        "faults.node.mtbff",
        "stores.remote.every",
        "recovery.restart",
        "run.work",
        "run.sed",
        "run.seed",
        "",
    ]
    assert [problem.file for problem in all_found] == [FILE] * 7 + ["command line"] * 2
    lines = [problem.line for problem in all_found if problem.line is not None]
    assert lines == sorted(lines)
    assert all_found[2].remedy == 'did you mean "mtbf"?'


def test_cross_checks_run_beside_broken_parts() -> None:
    text = changed("nodes = 90", "nodes = 101", changed('every = "30 min"', "every = 30"))
    assert [problem.key for problem in found(text)] == ["job.nodes", "stores.remote.every"]


def test_a_long_list_of_problems_is_cut() -> None:
    text = SMALL + "".join(f"x{i} = 1\n" for i in range(200))
    all_found = found(text)
    assert len(all_found) == 101
    assert "100 more problems" in all_found[-1].message


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a = 1\nb = \n", 2, "is not TOML: invalid value"),
        ("a = 1\na = 2\n", 2, "is not TOML: cannot overwrite"),
        ("a = 1\nb = [1,\n", 2, "is not TOML"),
        ("[a]\n[a]\n", 2, "is not TOML"),
        ("\n\n" + ".".join("a" * 50) + " = 1", 3, "too many parts"),
        ("a = " + "[" * 5_000, None, "nested too deep"),
        ("a = " + "[" * 40 + "]" * 40, None, "nested too deep"),
        ("a = " + "9" * 5_000, None, "too many digits"),
        ("#" * 1_000_001, None, "too large"),
    ],
)
def test_text_that_is_no_scenario(text: str, line: int | None, message: str) -> None:
    problem = only(text)
    assert (problem.file, problem.line) == (FILE, line)
    assert message in problem.message


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b"name = 'a'\n# \xe9\n")
    (tmp_path / "large.toml").write_bytes(b"#" * 1_000_001)
    expected = {
        "nothing.toml": (None, "does not exist"),
        ".": (None, "is a directory"),
        "latin.toml": (2, "not UTF-8"),
        "large.toml": (None, "too large"),
        "nul\0.toml": (None, "cannot be read"),
    }
    for name, (line, message) in expected.items():
        (problem,) = problems(f"{tmp_path}/{name}")
        assert problem.line == line
        assert problem.file == f"{tmp_path}/{name}"
        assert message in problem.message
        assert str(problem).replace("\n", "").isprintable()


def test_a_mark_at_the_start_and_windows_lines_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "windows.toml"
    path.write_bytes(b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode())
    assert load(path).sha256() == loads(SMALL).sha256()
    assert problems(path) == []


def test_sections_of_the_wrong_type() -> None:
    text = "faults = 3\nstores = []\nrecovery = 'x'\npools = 1\nrepair = 1\ndetect = 1\n[[run]]\n[cluster]\nnodes = 3\n"
    all_found = found(text)
    assert [problem.line for problem in all_found] == [1, 2, 3, 4, 5, 6, 7]
    assert {problem.message for problem in all_found} == {"must be a table"}
    assert all_found[0].given == "3"


def test_missing_sections() -> None:
    assert {(item.key, item.message) for item in found("")} == {("cluster", "is missing"), ("run", "is missing")}


def test_dictionaries_are_checked_as_files_are() -> None:
    with pytest.raises(ScenarioError, match="a key that is not text"):
        from_dict({"cluster": {3: 4}})  # type: ignore[dict-item]
    deep: dict[str, object] = {}
    for _ in range(5_000):
        deep = {"a": deep}
    with pytest.raises(ScenarioError, match="nested too deep"):
        from_dict(deep)


def test_control_characters_do_not_reach_the_terminal() -> None:
    problem = only(changed('per = "node"', 'per = "\\u001b[31m"', changed("[faults.node]", '[faults."\\u0041"]')))
    assert "\x1b" not in str(problem)
    name = found(changed("[faults.node]", '[faults."a\\u001b"]'))
    assert all("\x1b" not in str(item) for item in name)


def test_exit_codes() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "DONE": 0,
        "BUG": 1,
        "INVALID": 2,
        "IMPRECISE": 3,
        "CASES_FAILED": 4,
        "INTERRUPTED": 75,
        "CTRL_C": 130,
    }
    assert ScenarioError.exit_code == UsageError.exit_code == ExitCode.INVALID
    assert issubclass(ScenarioError, SimError)


def test_errors_can_be_sent_to_another_process() -> None:
    error = ScenarioError(found(changed('per = "node"\n', "")))
    twin = pickle.loads(pickle.dumps(error))
    assert twin.problems == error.problems
    assert str(twin) == str(error)


def test_a_problem_in_words() -> None:
    problem = only(changed('mtbf = "6_300 h"', "mtbf = 6300"))
    assert str(problem) == (
        "scenarios/x.toml:14: faults.node.mtbf: needs a unit; given 6300; "
        'allowed: a duration above 0, such as "6_300 h"'
        '\n    did you mean "6300 h", "6300 days" or "6300 years"?'
    )


def test_the_large_example_is_fine() -> None:
    assert loads(LARGE).name == "everything that this version knows"


def test_a_pool_over_no_group_is_named():
    problem = only(SMALL + '\n[pools]\nhot = { nodes = 1, spread = "rack" }\n')
    assert problem.key == "pools.hot.spread"
    assert "there are none" in str(problem)


@pytest.mark.parametrize(
    ("text", "key", "message"),
    [
        ('refill = "hot"\npools = "hot"', "recovery.swap.pools", "names no pools"),
        ("pools = []", "recovery.swap.pools", "names no pools"),
        ('pools = ["hot", "lukewarm"]', "recovery.swap.pools", "none of the known"),
        ('pools = ["hot", "cold"]', "recovery.swap.pools", "a pool that is not there"),
        ('refill = "warm"', "recovery.swap.refill", "a pool that is not there"),
        ("await_refill = false", "recovery.swap.await_refill", "none is named"),
        ('refill = "hot"\nawait_refill = "no"', "recovery.swap.await_refill", "true or false"),
        ("[repair]\nbegins = 'later'", "repair.begins", "none of the known"),
    ],
)
def test_pools_of_rules_are_checked(text: str, key: str, message: str) -> None:
    rule = '[recovery.swap]\nstages = { restart = "8 min" }\n'
    problem = only(changed('[recovery]\nrestart = "8 min"\n', f"[pools]\nhot = 1\n{rule}{text}\n"))
    assert problem.key == key
    assert message in problem.message


def test_without_pools_there_are_a_hot_and_a_cold_one() -> None:
    rule = '[recovery.swap]\nstages = {{ restart = "8 min" }}\nrefill = "{}"\n'
    for pools in ("", '[pools]\npick = "random"\n'):
        problem = only(changed('[recovery]\nrestart = "8 min"\n', pools + rule.format("warm")))
        assert problem.key == "recovery.swap.refill"
        loads(changed('[recovery]\nrestart = "8 min"\n', pools + rule.format("hot")))


def test_a_pick_that_is_none_is_named() -> None:
    problem = only(SMALL + '\n[pools]\nhot = 1\npick = "longest_idle"\n')
    assert problem.key == "pools.pick"
    assert 'did you mean "longest idle"?' in str(problem)


def test_nodes_that_are_kept_need_a_cold_pool() -> None:
    text = SMALL + "\n[pools]\nhot = 1\nshared = { nodes = 2, give_back = false }\n"
    problem = only(text)
    assert problem.key == "pools.shared.give_back"
    assert problem.line == line_of(text, "shared =")
    assert "add cold = 0 to [pools]" in str(problem)
    assert not loads(text + "cold = 0\n").pools.shared.give_back


def test_a_domain_too_small_for_its_spares_is_named():
    text = changed("[cluster]", '[cluster]\ngroups.rack = "33 nodes"')
    problem = only(text + '\n[pools]\nhot = { nodes = 10, spread = "rack" }\n')
    assert problem.key == "pools"
    assert "in domain 3 of 1 free nodes" in problem.message


def stores(text: str) -> str:
    """The small scenario with other stores."""
    return changed('[stores.remote]\nevery = "30 min"\nstall = "20 s"\n', text)


@pytest.mark.parametrize(
    ("text", "key", "message"),
    [
        (
            '[stores.a]\nevery = "30 min"\n[stores.b]\nsource = "a"\nevery = "1 h"\n',
            "stores.b.every",
            "not a count of saves",
        ),
        (
            '[stores.a]\nevery = "30 min"\n[stores.b]\nsource = "a"\nevery = "2 saves"\nstall = "1 s"\n',
            "stores.b.stall",
            "copied from its source",
        ),
        (
            '[stores.a]\nevery = "30 min"\n[stores.b]\nsource = "b"\nevery = "2 saves"\n',
            "stores.b.source",
            "circle: b from b",
        ),
        (
            '[stores.host]\nevery = "30 min"\n[stores.b]\nsource = "hots"\nevery = "2 saves"\n',
            "stores.b.source",
            "no store of this file",
        ),
        (
            '[stores.a]\nevery = "1 h"\n[stores.b]\nevery = "exact"\nstall = "1 s"\n',
            "stores.b.every",
            "several stores",
        ),
    ],
)
def test_stores_must_go_together(text: str, key: str, message: str) -> None:
    problem = only(stores(text))
    assert problem.key == key
    assert message in problem.message
    assert problem.line is not None
    assert problem.allowed or problem.remedy


def test_stores_that_feed_each_other_are_all_named() -> None:
    each = "".join(f'[stores.{a}]\nsource = "{b}"\nevery = "2 saves"\n' for a, b in ("ab", "bc", "ca"))
    assert [problem.key for problem in found(stores(each))] == [f"stores.{name}.source" for name in "abc"]


def test_partners_need_nodes() -> None:
    text = changed("nodes = 90", "nodes = 1", stores('[stores.a]\nevery = "1 h"\nplace = { partners = 1 }\n'))
    assert "needs 2 nodes, but the job has 1" in only(text).message


def test_a_series_needs_a_horizon() -> None:
    text = changed('horizon = "54 days"', 'work = "54 days"\nseries = "1 day"')
    problem = only(text)
    assert (problem.key, problem.line) == ("run.series", line_of(text, "series ="))
    assert "needs a horizon" in problem.message


STATIONARY = 'life = { law = "weibull", shape = 0.7 }'


@pytest.mark.parametrize(
    ("lines", "key", "message", "allowed"),
    [
        (f'{STATIONARY}\nrenewal = "none"', "initial_age", 'renewal is "none"', '"new" or a duration'),
        (f'{STATIONARY}\ntakes = "nothing"\nneeds = "process"', "initial_age", "no fault replaces", '"new"'),
        (f'{STATIONARY}\nrenewal = "system"\ninitial_age = "new"\nburn_in = "1 h"', "burn_in", "replaced", '"unit"'),
        (
            STATIONARY + '\nrenewal = "system"\ninitial_age = "new"\nfrailty = { share = 0.1, factor = 2 }',
            "frailty",
            "no meaning",
            '"unit" or "none"',
        ),
        (
            'life = { law = "gamma", shape = 2 }\nfrailty = { law = "gamma", shape = 2 }',
            "frailty",
            "no known ages",
            'law = "weibull"',
        ),
    ],
)
def test_lives_that_do_not_fit_together_are_refused(lines, key, message, allowed):
    text = SMALL
    for name in {line.split(" = ")[0] for line in lines.split("\n")} & {"needs", "takes"}:
        text = "\n".join(line for line in text.split("\n") if not line.startswith(f"{name} ="))
    problem = only(text.replace("[faults.node]", f"[faults.node]\n{lines}"))
    assert problem.key == f"faults.node.{key}"
    assert message in problem.message
    assert allowed in str(problem)


def test_ages_at_the_start_are_not_known_where_nodes_come_back_new():
    text = (
        SMALL.replace("[faults.node]", f"[faults.node]\n{STATIONARY}")
        + '\n[repair.replace]\ntime = "1 h"\nrenews = "all"'
    )
    problem = only(text)
    assert problem.key == "faults.node.initial_age"
    assert 'repair.replace.renews = "all"' in problem.message
    assert problem.remedy == 'add initial_age = "new"'
    assert loads(text, overrides=("faults.node.initial_age=1 year",)).repair.stages["replace"].renews == "all"


@pytest.mark.parametrize(
    ("old", "new", "key", "message", "allowed"),
    [
        ('of = "node"', 'of = "rak"', "of", "none of the known", '"node" or "cluster"'),
        ('step = "6 h"\n', "", "step", "make 20 waves of 5", "from one wave to the next"),
        ('step = "6 h"', 'step = "6 h"\nevery = "4 days"', "every", "before the 20 waves are done", "times step"),
        ('first = "2 days"', 'first = "-2 days"', "first", "must not be negative", "a duration"),
        ("width = 5", "width = 0", "width", "too small", "from 1"),
    ],
)
def test_maintenance(old: str, new: str, key: str, message: str, allowed: str) -> None:
    problem = only(SMALL + changed(old, new, WINDOW))
    assert problem.key == f"maintenance.firmware.{key}"
    assert message in problem.message
    assert allowed in str(problem)


def test_maintenance_has_a_name_of_its_own() -> None:
    problem = only(SMALL + WINDOW.replace("firmware", "node"))
    assert (problem.key, "name of a fault source" in problem.message) == ("maintenance.node", True)
