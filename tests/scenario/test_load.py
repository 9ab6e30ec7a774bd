import json
import math
import pickle
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from sim.errors import ScenarioError
from sim.scenario import Scenario, from_dict, load, loads
from sim.scenario.recovery import Rule

from .examples import LARGE, SCENARIOS, SMALL


def changed(old: str, new: str, text: str = SMALL) -> str:
    assert text.count(old) == 1, old
    return text.replace(old, new)


def only_rule(scenario: Scenario) -> Rule:
    (rule,) = scenario.recovery.rules.values()
    return rule


def test_what_the_small_example_resolves_to() -> None:
    small = loads(SMALL)
    assert (small.name, small.cluster.nodes, small.cluster.gpus_per_node) == ("small", 100, 8)
    assert (small.job.nodes, small.job.step, small.job.checkpoint) == (90, 6.0, 9e12)
    node = small.faults["node"]
    assert (node.per, node.count, node.clock, node.takes, node.detect) == ("node", 1, "wall", "node", None)
    assert node.rate == 1.0 / (6_300 * 3_600.0)
    assert node.needs == {"repair": 1.0}
    assert (small.detect.stop.mean, small.detect.stop.mean.written) == (30.0, "30 s")
    store = small.stores["remote"]
    assert (store.every.kind, store.every.value) == ("work", 1800.0)
    assert (store.stall, store.persist, store.read, store.slowdown) == (20.0, 0.0, 0.0, 0.0)
    assert (store.in_flight, store.keep, store.bandwidth) == (1, 1, None)
    rule = only_rule(small)
    assert (rule.when, rule.use, rule.vulnerable, rule.on_fault) == (None, "spares, else wait", True, "restart_list")
    stage = rule.stages["restart"]
    assert (stage.kind, stage.vulnerable, stage.bucket) == ("law", True, "restart")
    assert stage.law is not None
    assert (stage.law.law, stage.law.mean, stage.law.sd) == ("constant", 480.0, 0.0)
    assert small.recovery.max_attempts == 1000
    assert (small.pools.hot.nodes, small.pools.hot.activation) == (10, 0.0)
    assert (small.pools.cold.nodes, small.pools.cold.activation) == (0, 600.0)
    replace = small.repair.stages["replace"]
    assert (replace.time.law, replace.time.mean, replace.crews, replace.success) == ("constant", 86_400.0, None, 1.0)
    assert list(small.repair.stages) == ["replace"]
    run = small.run
    assert (run.horizon, run.work, run.seed, run.initial_start, run.final_save) == (
        54 * 86_400.0,
        None,
        1,
        False,
        False,
    )
    assert (run.precision.half_width, run.confidence) == (0.001, 0.95)
    assert (run.max_replications, run.max_events) == (4096, 10_000_000)


def test_what_the_large_example_resolves_to() -> None:
    large = loads(LARGE)
    assert list(large.faults) == ["host", "nic", "optics", "psu", "software"]
    assert large.faults["optics"].needs == {"reset": 0.6, "repair": 0.4}
    assert large.faults["nic"].detect.mean == 5.0
    assert large.faults["software"].takes == "nothing"
    store = large.stores["remote"]
    assert (store.every.kind, store.every.value, store.in_flight) == ("steps", 50.0, 0)
    assert (store.stall, store.persist, store.read, store.slowdown) == (8.0, 14.0, 14.0, 0.03)
    assert list(large.recovery.rules) == ["in_place", "swap"]
    when = large.recovery.rules["in_place"].when
    assert when is not None
    assert (when.needs, when.units_down_at_most, when.spare_available, when.attempts_below) == (
        ("process",),
        0,
        True,
        3,
    )
    stages = large.recovery.rules["swap"].stages
    assert list(stages) == ["diagnosis", "start", "init", "check", "load", "warm-up"]
    assert [stage.kind for stage in stages.values()] == ["law", "law", "scaled", "law", "auto", "law"]
    assert [stage.vulnerable for stage in stages.values()] == [False, True, False, False, False, False]
    buckets = ["diagnosis", "restart", "warm_up", "restart", "load", "warm_up"]
    assert [stage.bucket for stage in stages.values()] == buckets
    mixture = stages["check"].law
    assert mixture is not None
    assert [(part.share, part.law.law, part.law.mean) for part in mixture.of] == [
        (0.6, "constant", 180.0),
        (0.4, "exponential", 1800.0),
    ]
    assert mixture.mean == pytest.approx(0.6 * 180 + 0.4 * 1800)
    assert mixture.sd == pytest.approx(math.sqrt(0.6 * 180**2 + 0.4 * 2 * 1800**2 - 828**2))
    assert (large.repair.stages["reset"].time.mean, large.repair.stages["reset"].success) == (1200.0, 0.8)
    assert (large.repair.stages["replace"].time.law, large.repair.stages["replace"].crews) == ("lognormal", 20)
    assert (large.pools.hot.nodes, large.pools.cold.nodes) == (100, 300)
    assert (large.run.work, large.run.initial_start, large.run.final_save) == (90 * 86_400.0, False, True)


@pytest.mark.parametrize(
    ("rate", "per_second"),
    [
        ('mtbf = "1000 h"', 1 / 3.6e6),
        ("afr = 8.76", 1 / 3.6e6),
        ('afr = "876 %"', 1 / 3.6e6),
        ("fit = 1e6", 1 / 3.6e6),
        ("per_1000_node_days = 24", 1 / 3.6e6),
        ('observed = { events = 3, units = 100, over = "30 h" }', 1 / 3.6e6),
        ('observed = { events = 0, units = 100, over = "30 h" }', 0.0),
    ],
)
def test_every_way_to_give_a_rate(rate: str, per_second: float) -> None:
    assert loads(changed('mtbf = "6_300 h"', rate)).faults["node"].rate == pytest.approx(per_second, rel=1e-12)


@pytest.mark.parametrize(
    ("more", "clock", "reason"),
    [
        ('per = "job"', "training", "software fails only while it runs"),
        ('per = "job"\ntakes = "nothing"', "training", "software fails only while it runs"),
        ('per = "job"\ntakes = "node"', "wall", "hardware ages on the wall clock"),
        ('per = "node"', "wall", "hardware ages on the wall clock"),
        ('per = "gpu"\ntakes = "nothing"', "wall", "hardware ages on the wall clock"),
        ('per = "job"\nclock = "wall"', "wall", ""),
        ('per = "node"\nclock = "training"', "training", ""),
    ],
)
def test_software_ticks_in_training_unless_told_otherwise(more: str, clock: str, reason: str) -> None:
    found = loads(changed('per = "node"', more))
    assert found.faults["node"].clock == clock
    assert found.source_of("faults", "node", "clock") == reason


def test_a_count_keeps_the_clock_that_it_was_read_on() -> None:
    """The rate is what was counted; planning converts it. A count on the source's own clock needs nothing."""
    text = changed('mtbf = "6_300 h"', 'observed = { events = 3, units = 90, over = "30 h" }')
    plain = loads(text).faults["node"]
    own, other = (loads(text, overrides=[f"faults.node.observed.clock={clock}"]) for clock in ("wall", "training"))
    assert plain.counted_on is None
    assert own.faults["node"] == plain
    assert other.faults["node"] == replace(plain, counted_on="training")
    assert from_dict(other.resolved()).faults == other.faults
    assert "clock" not in loads(text).resolved()["faults"]["node"]["observed"]


def test_an_uncertain_rate_has_the_mean_and_the_shape_of_its_law() -> None:
    """gamma(events + 1/2, units x over), also where nothing was seen; a source says it itself, or the run does."""
    observed = 'observed = {{ events = {}, units = 100, over = "30 h" }}'
    for events in (0, 3):
        text = changed('mtbf = "6_300 h"', observed.format(events))
        known, uncertain = loads(text).faults["node"], loads(text + "uncertain = true\n").faults["node"]
        assert known.shape == 0.0
        assert uncertain.shape == events + 0.5
        assert uncertain.rate == pytest.approx((events + 0.5) / 1.08e7, rel=1e-12)
        own = loads(text, overrides=["faults.node.uncertain=true"])
        assert (own.faults["node"], own.run.uncertain) == (uncertain, False)
        assert loads(text + "uncertain = true\n", overrides=["faults.node.uncertain=false"]).faults["node"] == known


@pytest.mark.parametrize(
    ("per", "takes", "resolved", "need"),
    [
        ("gpu", None, "node", "repair"),
        ("node", None, "node", "repair"),
        ("job", None, "nothing", "process"),
        ("job", "node", "node", "repair"),
        ("gpu", "nothing", "nothing", "process"),
    ],
)
def test_what_a_source_takes_and_needs(per: str, takes: str | None, resolved: str, need: str) -> None:
    more = "" if takes is None else f'\ntakes = "{takes}"'
    source = loads(changed('per = "node"', f'per = "{per}"{more}')).faults["node"]
    assert (source.takes, dict(source.needs)) == (resolved, {need: 1.0})


@pytest.mark.parametrize(
    ("keys", "costs"),
    [
        ("", (0.0, 0.0, 0.0)),
        ('stall = "4 s"', (4.0, 0.0, 0.0)),
        ('persist = "4 s"', (0.0, 4.0, 0.0)),
        ('bandwidth = "1 TB/s"', (9.0, 0.0, 9.0)),
        ('bandwidth = "1 TB/s"\nstall = "4 s"', (4.0, 9.0, 9.0)),
        ('bandwidth = "1 TB/s"\nstall = "0 s"\nread = "1 s"', (0.0, 9.0, 1.0)),
        ('bandwidth = "1 TB/s"\nstall = "0 s"\nbackground = "25 %"', (0.0, 12.0, 12.0)),
        ('bandwidth = "1 TB/s"\nfan_out = 6', (9.0, 0.0, 1.5)),
        ('bandwidth = "1 TB/s"\nbackground = 0.5\nfan_out = 6', (18.0, 0.0, 3.0)),
    ],
)
def test_bandwidth_fills_what_is_not_given(keys: str, costs: tuple[float, float, float]) -> None:
    store = loads(changed('stall = "20 s"', keys)).stores["remote"]
    assert (store.stall, store.persist, store.read) == costs


@pytest.mark.parametrize("rule", ["young", "daly", "exact"])
def test_intervals_to_be_computed(rule: str) -> None:
    every = loads(changed("30 min", rule)).stores["remote"].every
    assert (every.kind, every.value) == (rule, None)


@pytest.mark.parametrize(
    ("keys", "start", "save"),
    [
        ('horizon = "1 day"', False, False),
        ('horizon = "1 day"\ninitial_start = true\nfinal_save = false', True, False),
        ('work = "1 day"', True, True),
        ('work = "1 day"\ninitial_start = false\nfinal_save = false', False, False),
    ],
)
def test_ends_of_a_run(keys: str, start: bool, save: bool) -> None:
    run = loads(changed('horizon = "54 days"', keys)).run
    assert (run.initial_start, run.final_save) == (start, save)


def test_without_a_store_there_is_no_final_save() -> None:
    text = changed(
        '[stores.remote]\nevery = "30 min"\nstall = "20 s"\n', "", changed("horizon", "final_save = true\nwork")
    )
    assert loads(text).run.final_save is False


def test_the_least_that_is_a_scenario() -> None:
    least = loads('[cluster]\nnodes = 3\n[run]\nhorizon = "1 day"\n', file="some/where/least.toml")
    assert (least.name, least.job.nodes, least.faults, least.stores, least.pools.hot.nodes) == ("least", 3, {}, {}, 0)
    law = only_rule(least).stages["restart"].law
    assert law is not None
    assert law.mean == 600.0
    assert loads(SMALL.replace('name = "small"', "")).name == "scenario"


@pytest.mark.parametrize(
    ("restart", "law", "mean"),
    [
        ('"9 min"', "constant", 540.0),
        ('{ time = "9 min" }', "constant", 540.0),
        ('{ law = "exponential", mean = "9 min" }', "exponential", 540.0),
        ('{ law = "lognormal", mean = "9 min", sd = "1 min" }', "lognormal", 540.0),
    ],
)
def test_short_forms_of_restart(restart: str, law: str, mean: float) -> None:
    found = only_rule(loads(changed('"8 min"', restart))).stages["restart"].law
    assert found is not None
    assert (found.law, found.mean) == (law, mean)


def test_a_rule_may_be_called_restart_and_have_no_stages() -> None:
    rule = only_rule(loads(changed('restart = "8 min"', '[recovery.restart]\nuse = "same units"')))
    assert (rule.use, rule.stages) == ("same units", {})


def test_short_and_long_forms_mean_the_same() -> None:
    pairs = [
        ('restart = "8 min"', '[recovery.restart.stages]\nrestart = { time = "8 min", bucket = "restart" }'),
        ('restart = "8 min"', 'restart = "480 s"\ndetect = "30 s"'),
        ("[run]", "[pools]\nhot = 10\n[run]"),
        ("[run]", '[pools]\nhot = { nodes = 10, activation = "0 s" }\ncold = 0\n[run]'),
        ("[run]", '[repair]\ntime = "24 h"\n[run]'),
        ("[run]", '[repair]\nreplace = { time = "1 day", success = 1 }\n[run]'),
        ("[run]", '[detect]\nstop = "0.5 min"\n[run]'),
        ('mtbf = "6_300 h"', 'mtbf = "262.5 days"\nneeds = { repair = "100 %" }\ntakes = "node"\ncount = 1'),
        ('stall = "20 s"', 'stall = "20 s"\npersist = "0 s"\nslowdown = "0 %"\nin_flight = 1\nkeep = 1'),
        ('horizon = "54 days"', 'horizon = "1_296 h"\nseed = 1\nconfidence = "95 %"\nprecision = { of = "ettr" }'),
        ('step = "6 s"', 'step = "0.1 min"'),
        ('name = "small"', 'name = "another name"'),
    ]
    expected = loads(SMALL).sha256()
    for old, new in pairs:
        assert loads(changed(old, new)).sha256() == expected, new


def test_the_hash_sees_every_value() -> None:
    large = loads(LARGE)
    seen = {large.sha256()}
    for old, new in [
        ("7", "8"),
        ('"90 s"', '"91 s"'),
        ('"40 %"', '"40.00000000001 %"'),
        ("1_000", "1_001"),
        ("300", "299"),
    ]:
        seen.add(
            loads(LARGE.replace(f"= {old}", f"= {new}", 1).replace(f"repair = {old}", f"repair = {new}", 1)).sha256()
        )
    assert len(seen) == 6


@pytest.mark.parametrize("text", [SMALL, LARGE])
def test_a_resolved_scenario_loads_to_itself(text: str) -> None:
    scenario = loads(text)
    resolved = scenario.resolved()
    twin = from_dict(json.loads(json.dumps(resolved)))
    assert twin.sha256() == scenario.sha256()
    assert twin.resolved() == resolved
    assert twin.recovery == scenario.recovery
    assert twin.faults == scenario.faults
    assert twin.run == scenario.run
    assert twin.repair == scenario.repair


def test_a_resolved_scenario_keeps_what_was_written() -> None:
    resolved = loads(SMALL).resolved()
    assert resolved["faults"]["node"]["mtbf"] == "6_300 h"
    assert resolved["detect"]["stop"] == "30 s"
    assert resolved["recovery"]["restart"]["stages"]["restart"]["time"] == "8 min"


def test_a_scenario_can_be_sent_to_another_process() -> None:
    scenario = loads(LARGE)
    assert pickle.loads(pickle.dumps(scenario)) == scenario


def blocks_of(text: str) -> list[str]:
    head, *rest = text.split("\n[")
    return [head, *(f"[{block}" for block in rest)]


def test_the_order_of_tables_means_nothing() -> None:
    head, *blocks = blocks_of(LARGE)
    rules = [block for block in blocks if block.startswith("[recovery.")]
    others = [block for block in blocks if not block.startswith("[recovery.")]
    turned = loads("\n".join([head, *reversed(others), *rules]))
    straight = loads(LARGE)
    assert turned.sha256() == straight.sha256()
    assert turned.resolved() == straight.resolved()
    assert list(turned.faults) == list(straight.faults)
    assert turned.entries == straight.entries


def test_the_order_of_rules_and_stages_means_something() -> None:
    first = 'restart = "90 s", init = "40 s"'
    swapped = loads(changed(first, 'init = "40 s", restart = "90 s"', LARGE))
    assert swapped.sha256() != loads(LARGE).sha256()
    assert list(swapped.recovery.rules["in_place"].stages) == ["init", "restart", "load"]


def test_entries_say_where_each_value_comes_from() -> None:
    scenario = loads(SMALL)
    entries = {".".join(entry.path): entry for entry in scenario}
    mtbf = entries["faults.node.mtbf"]
    assert (mtbf.written, mtbf.si, mtbf.unit, mtbf.default, mtbf.source) == ("6_300 h", 22_680_000.0, "s", False, "")
    stop = entries["detect.stop"]
    assert (stop.written, stop.si, stop.default) == ("30 s", 30.0, True)
    assert "NVRx" in stop.source
    for entry in scenario:
        assert entry.default == bool(entry.source), entry
    assert scenario.source_of("repair", "replace", "time").startswith("best case several hours")
    assert scenario.source_of("stores", "remote", "stall") == ""
    assert "arXiv:2410.21680" in loads(changed('restart = "8 min"', "")).source_of(
        "recovery", "restart", "stages", "restart", "time"
    )
    with pytest.raises(KeyError, match=r"no\.such"):
        scenario.source_of("no", "such")


@pytest.mark.parametrize("text", [SMALL, LARGE])
def test_entries_stand_as_in_a_file(text: str) -> None:
    tables = [entry.path[:-1] for entry in loads(text)]
    starts = [table for position, table in enumerate(tables) if position == 0 or tables[position - 1] != table]
    assert len(starts) == len(set(starts))


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ('stores.remote.every="10 min"', ("stores", "remote", "every"), "10 min"),
        ("stores.remote.every=10 min", ("stores", "remote", "every"), "10 min"),
        ("stores.remote.every = young", ("stores", "remote", "every"), "young"),
        ("faults.node.mtbf=40000 h", ("faults", "node", "mtbf"), "40000 h"),
        ("run.seed=2_000", ("run", "seed"), 2000),
        ("run.initial_start=true", ("run", "initial_start"), True),
        ("run.precision.half_width='1 points'", ("run", "precision", "half_width"), "1 points"),
        ('"run"."seed"=3', ("run", "seed"), 3),
        ("name=another", ("name",), "another"),
        ("name=a = b", ("name",), "a = b"),
        ("pools={hot = 3}", ("pools", "hot", "nodes"), 3),
        ("job.nodes=80", ("pools", "hot", "nodes"), 20),
    ],
)
def test_overrides(override: str, path: tuple[str, ...], value: object) -> None:
    found: object = loads(SMALL, overrides=[override]).resolved()
    for part in path:
        assert isinstance(found, dict)
        found = found[part]
    assert found == value


def test_overrides_reach_into_arrays_and_apply_in_order() -> None:
    scenario = loads(LARGE, overrides=["recovery.swap.stages.check.of.1.mean=20 min", "run.seed=8", "run.seed=9"])
    law = scenario.recovery.rules["swap"].stages["check"].law
    assert law is not None
    assert law.of[1].law.mean == 1200.0
    assert scenario.run.seed == 9


@pytest.mark.parametrize(
    ("override", "key", "message"),
    [
        ("run.seed=-1", "run.seed", "too small"),
        ("run.sed=1", "run.sed", "unknown key"),
        ("run.seed=nine", "run.seed", "whole number"),
        ("faults.node.mtbf=40000", "faults.node.mtbf", "needs a unit"),
        ("faults.node.afr=0.1", "faults.node.afr", "one rate too many"),
        ("job.nodes=101", "job.nodes", "more nodes"),
        ("run.seed", "", "not an override"),
        ("=3", "", "not an override"),
        ("a b=3", "", "not an override"),
        ("recovery.restart.time=3 s", "recovery.restart.time", "recovery.restart is not a table"),
        ("a.b=" + "[" * 3_000, "a", "unknown key"),
        ("run.seed=" + "9" * 5_000, "run.seed", "whole number"),
        (".".join("a" * 100) + "=1", "", "not an override"),
    ],
)
def test_a_wrong_override_is_one_of_the_command_line(override: str, key: str, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        loads(SMALL, "x.toml", [override])
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.key) == ("command line", None, key)
    assert message in problem.message


def test_files_are_left_as_they_are() -> None:
    data = tomllib.loads(SMALL)
    kept = json.dumps(data)
    from_dict(data, overrides=["run.seed=5"])
    assert json.dumps(data) == kept


def test_load_reads_the_minimal_scenario() -> None:
    path = SCENARIOS / "minimal.toml"
    scenario = load(path)
    assert scenario.cluster.nodes - scenario.job.nodes == 52
    lines = [line for line in path.read_text().splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert len(lines) <= 25


def test_loading_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(SMALL)
    load(str(path))
    assert [item.name for item in tmp_path.iterdir()] == ["a.toml"]


HANGS = """
cluster.nodes = 4
faults.link = { per = "gpu", mtbf = "1e6 h", effect = { hang = 0.3, stop = "70 %" } }
run.horizon = "1 day"
"""


def test_effects_and_the_watchdog() -> None:
    scenario = loads(HANGS)
    assert dict(scenario.faults["link"].effect) == {"stop": 0.7, "hang": 0.3}
    assert (scenario.detect.hang.timeout, scenario.detect.hang.heartbeat, scenario.detect.hang.poll) == (
        600.0,
        0.0,
        0.0,
    )
    short = loads(HANGS, overrides=['detect.hang="5 min"', 'faults.link.effect="hang"'])
    assert (short.detect.hang.timeout, dict(short.faults["link"].effect)) == (300.0, {"hang": 1.0})
    assert dict(loads(HANGS.replace(', effect = { hang = 0.3, stop = "70 %" }', "")).faults["link"].effect) == {
        "stop": 1.0
    }


@pytest.mark.parametrize(
    ("override", "key", "message"),
    [
        ('detect.hang={timeout="1 s",heartbeat="2 s"}', "detect.hang", "heartbeats further apart than its timeout"),
        ("faults.link.effect={stop=0.5,hang=0.4}", "faults.link.effect", "add up to 0.9"),
        ('faults.link.effect="slow"', "faults.link.effect", "none of the known"),
        ("detect.hang=600", "detect.hang", "unit"),
    ],
)
def test_wrong_effects_and_watchdogs_are_refused(override: str, key: str, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        loads(HANGS, overrides=[override])
    (problem,) = caught.value.problems
    assert problem.file == "command line"
    assert problem.key.startswith(key)
    assert message in str(problem)


WITHOUT_NODES = """\
[job]
nodes = 10

[pools]
hot = 3
cold = { nodes = 2, activation = "5 min" }

[run]
horizon = "1 day"
"""


def test_a_cluster_without_nodes_is_job_and_pools() -> None:
    """Also where the command line changes either; the size is a default that the resolved scenario shows."""
    for more, nodes in (((), 15), (("pools.hot=7",), 19), (("job.nodes=20",), 25), (("pools=false",), None)):
        if nodes is None:
            with pytest.raises(ScenarioError, match="pools"):
                loads(WITHOUT_NODES, overrides=more)
            continue
        scenario = loads(WITHOUT_NODES, overrides=more)
        assert scenario.cluster.nodes == nodes
        assert scenario.source_of("cluster", "nodes").startswith("job.nodes")
        given = loads(WITHOUT_NODES, overrides=(*more, f"cluster.nodes={nodes}"))
        assert given.sha256() == scenario.sha256() == from_dict(scenario.resolved()).sha256()
    alone = loads('job.nodes = 4\nrun.horizon = "1 day"\n')
    assert (alone.cluster.nodes, alone.pools.hot.nodes) == (4, 0)


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        ("pools.hot = 3\n", "cluster", "is missing"),
        ("cluster.gpus_per_node = 4\n", "cluster.nodes", "is missing"),
        ("job.nodes = 9_000_000\npools.hot = 9_000_000\n", "cluster.nodes", "is too large"),
        ("job.nodes = 0\n", "job.nodes", "is too small"),
        ('job.nodes = 10\npools.hot = "3"\n', "pools.hot", "must be a whole number"),
    ],
)
def test_a_cluster_of_no_known_size_is_refused_once(text: str, key: str, said: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        loads(f'{text}run.horizon = "1 day"\n')
    (problem,) = caught.value.problems
    assert (problem.key, problem.message) == (key, said)
    if key == "cluster.nodes" and said == "is missing":
        assert "job.nodes" in (problem.remedy or "")
