"""The package as a user of Python meets it: names, arguments, changes, texts and reprs."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli.texts import ALL, SHIPPED, SMALL
from hypothesis import given
from IPython.core.completer import provisionalcompleter
from IPython.core.formatters import DisplayFormatter
from IPython.core.interactiveshell import InteractiveShell
from strategies import examples, scenarios

import sim
from sim.planning import build
from sim.scenario import from_dict

SCENARIOS = Path(__file__).parents[2] / "scenarios"
ALL_SHIPPED = sorted(SCENARIOS.rglob("*.toml"))
FUNCTIONS = ("compare", "explain", "load", "load_sweep", "loads", "run", "sweep", "tune")
SWEEP = {"scenario": "small.toml", "axes": {"spares": {"key": "cluster.nodes", "values": [11, 12]}}, "replications": 2}


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "small.toml"
    file.write_text(SMALL, encoding="utf-8")
    return file


def python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", check=True, timeout=120
    )
    return done.stdout


def test_dir_shows_the_public_names_before_anything_is_imported() -> None:
    assert python("import sim; print(*dir(sim))").split() == sorted(sim.__all__)


def test_help_shows_every_public_name_with_its_arguments() -> None:
    said = python("import sim; help(sim)")
    for name in FUNCTIONS:
        function = getattr(sim, name)
        assert f"    {name}(" in said or f"    {name} = {function.__name__}(" in said, name
    for name in set(sim.__all__) - set(FUNCTIONS) - {"__version__"}:
        assert f"    class {name}(" in said, name


def test_completion_of_a_notebook_offers_the_public_names() -> None:
    shell = InteractiveShell.instance()
    shell.run_cell("import sim")
    for use_jedi in (True, False):
        shell.Completer.use_jedi = use_jedi
        with provisionalcompleter():
            offered = {each.text.removeprefix("sim.") for each in shell.Completer.completions("sim.", 4)}
        assert set(sim.__all__) - {"__version__"} <= {each.lstrip(".") for each in offered}
    InteractiveShell.clear_instance()


def test_every_function_takes_a_path_a_dict_and_a_scenario(small: Path) -> None:
    scenario = sim.load(small)
    kinds: list[Any] = [scenario, small, str(small), scenario.resolved()]
    assert len({sim.load(each).sha256() for each in kinds}) == 1
    assert len({sim.run(each, 4).ettr for each in kinds}) == 1
    assert [each.verdict for each in sim.compare(*kinds, replications=4).differences] == ["same"] * 3
    for each in kinds:
        assert sim.explain(each, replications=9).answer.runs.plan == build(scenario)
        tuned = sim.tune(each, "stores.remote.every", "10 min", "2 h", replications=9)
        assert build(tuned.scenario) == build(scenario)


def test_a_sweep_is_taken_as_a_path_a_dict_and_a_sweep(small: Path, tmp_path: Path) -> None:
    file = tmp_path / "sweep.toml"
    file.write_text(
        'scenario = "small.toml"\nreplications = 2\n[axes.spares]\nkey = "cluster.nodes"\nvalues = [11, 12]\n'
    )
    described = [sim.load_sweep(each).as_dict() for each in (file, str(file), SWEEP)]
    assert described[0] == described[1] == described[2]
    changed = [sim.load_sweep(each, {"job.nodes": 9}).scenario for each in (file, SWEEP)]
    assert [each.job.nodes for each in changed] == [9, 9]
    for number, each in enumerate((sim.load_sweep(file), file, SWEEP)):
        assert sim.sweep(each, tmp_path / f"out{number}", jobs=1).done == 2


CHANGES: list[Any] = [
    {"job.nodes": 9, "stores.remote.every": "20 min"},
    {"job.nodes": np.int64(9), "stores": {"remote": {"every": "20 min", "stall": "20 s"}}},
    ["job.nodes=9", "stores.remote.every=20 min"],
    ("job.nodes = 9", 'stores.remote.every = "20 min"'),
]


@pytest.mark.parametrize("changes", CHANGES, ids=str)
def test_overrides_are_a_dict_or_texts(small: Path, changes: Any) -> None:
    wanted = sim.loads(SMALL.replace("nodes = 10", "nodes = 9").replace('"30 min"', '"20 min"')).sha256()
    scenario = sim.load(small)
    assert sim.load(small, changes).sha256() == wanted
    assert sim.loads(SMALL, overrides=changes).sha256() == wanted
    assert sim.load(scenario, changes).sha256() == wanted
    assert scenario.with_(changes).sha256() == wanted
    assert sim.run(small, 2, changes=changes).runs.scenario.sha256() == wanted
    assert sim.compare(scenario, replications=2, changes=changes).cases[0].runs.scenario.sha256() == wanted
    assert sim.explain(small, replications=9, changes=changes).answer.runs.scenario.sha256() == wanted
    over = "stores.remote.stall=10 s..1 min"
    assert sim.tune(scenario, over, replications=9, changes=changes).scenario.sha256() == wanted


def test_changes_are_made_to_the_file_so_that_what_follows_from_a_key_follows(tmp_path: Path) -> None:
    file = tmp_path / "priced.toml"
    text = SMALL.replace('stall = "20 s"', 'bandwidth = "10 GB/s"').replace(
        "nodes = 10", 'nodes = 10\ncheckpoint = "1 TB"'
    )
    file.write_text(text)
    scenario = sim.load(file, {"run.seed": 7})
    file.write_text("gone")
    twice = scenario.with_("job.checkpoint=2 TB")
    assert float(twice.stores["remote"].read) == 2 * float(scenario.stores["remote"].read) == 200.0
    assert twice.run.seed == 7
    assert twice.with_("run.seed=8", {"job.nodes": 9}).run.seed == 8
    assert scenario.with_().sha256() == scenario.sha256()
    length = twice.with_({"run.horizon": scenario.run.horizon}).run.horizon
    assert length is not None
    assert length.written == "10 days"


WRONG: list[tuple[Callable[[Any], Any], str]] = [
    (lambda s: sim.load(3), "path must be a path, a dict or a Scenario, not 3"),
    (lambda s: sim.load(b"x"), "path must be"),
    (lambda s: sim.load(None), "path must be"),
    (lambda s: sim.load(SMALL), "sim.loads"),
    (lambda s: sim.load(s, 3), "overrides must be a dict"),
    (lambda s: sim.load(s, [3]), r"overrides\[0\] must be a text"),
    (lambda s: sim.load(s, {"job nodes": 3}), "overrides: 'job nodes' is not a key"),
    (lambda s: sim.load(s, {3: 3}), "overrides: 3 is not a key"),
    (lambda s: sim.load(s, {"job.nodes": None}), r"overrides\['job.nodes'\] must be a value"),
    (lambda s: sim.load(s, {"job.nodes": {9}}), r"overrides\['job.nodes'\] must be a value"),
    (lambda s: sim.loads(3), "text must be a text, not 3"),
    (lambda s: sim.loads(SMALL, 3), "file must be a text, not 3"),
    (lambda s: s.with_(3), "changes must be a dict"),
    (lambda s: sim.load_sweep(3), "path must be a path or a dict of a sweep"),
    (lambda s: sim.load_sweep(SWEEP, 3), "changes must be a dict"),
    (lambda s: sim.run([s]), "scenario must be a path, a dict or a Scenario, not a list"),
    (lambda s: sim.run(s, "4"), "replications must be a whole number of at least 1, not '4'"),
    (lambda s: sim.run(s, 1.5), "replications must be a whole number"),
    (lambda s: sim.run(s, True), "replications must be a whole number"),
    (
        lambda s: sim.run(s, 10**5_000 * -1),
        "replications must be a whole number of at least 1, not a very large number",
    ),
    (lambda s: sim.run(s, seed=-1), "seed must be a whole number of at least 0, not -1"),
    (lambda s: sim.run(s, half_width="0.1 points"), "half_width must lie between 0 and 1, not '0.1 points'"),
    (lambda s: sim.run(s, half_width=1), "half_width must lie between 0 and 1, not 1"),
    (lambda s: sim.run(s, jobs=0), "jobs must be a whole number of at least 1"),
    (lambda s: sim.run(s, engine="fast"), "engine must be one of compiled, simpy, not 'fast'"),
    (lambda s: sim.run(s, engine=None), "engine must be one of"),
    (lambda s: sim.run(s, progress=3), "progress must be a function, not 3"),
    (lambda s: sim.run(s, changes=3), "changes must be a dict"),
    (lambda s: sim.compare(), "compare takes 1 to 16 scenarios, not 0"),
    (lambda s: sim.compare([s, s]), r"scenarios\[0\] must be .* compare\(\*scenarios\)"),
    (lambda s: sim.compare(s, 3), r"scenarios\[1\] must be a path, a dict or a Scenario, not 3"),
    (lambda s: sim.compare(s, names="x"), "names must be a list of texts, not 'x'"),
    (lambda s: sim.compare(s, names=["a", "b"]), "names must be as many as the scenarios, 1, not 2"),
    (lambda s: sim.compare(s, half_width=None, seed="x"), "seed must be"),
    (lambda s: sim.compare(s, progress=3), "progress must be a function"),
    (lambda s: sim.tune(3, "job.nodes"), "scenario must be"),
    (lambda s: sim.tune(s, 3), "over must be a list of texts, not 3"),
    (lambda s: sim.tune(s, ["job.nodes", 3]), r"over\[1\] must be a text, not 3"),
    (lambda s: sim.tune(s, "job.nodes", [3]), "low must be a value"),
    (lambda s: sim.tune(s, "job.nodes", 3, True), "high must be a value"),
    (lambda s: sim.tune(s, "job.nodes", metric="x"), "metric must be one of"),
    (lambda s: sim.tune(s, "job.nodes", target="x"), "target must lie between 0 and 1"),
    (lambda s: sim.tune(s, "job.nodes", replications=8), "replications must be a whole number of at least 9"),
    (lambda s: sim.explain(3), "scenario must be"),
    (lambda s: sim.explain(s, replications=[1]), "replications must be a whole number of at least 1, not a list"),
    (lambda s: sim.explain(s, changes=3), "changes must be a dict"),
    (lambda s: sim.explain(s, progress="x"), "progress must be a function"),
    (lambda s: sim.sweep(s, "out"), "sweep must be .* not a Scenario: sim.run"),
    (lambda s: sim.sweep(3, "out"), "path must be a path or a dict of a sweep"),
    (lambda s: sim.sweep(SWEEP, 3), "out must be the path of a directory, not 3"),
    (lambda s: sim.sweep(SWEEP, "out", executor=3), "executor must be"),
    (lambda s: sim.sweep(SWEEP, "out", retry_failed="no"), "retry_failed must be True or False, not 'no'"),
    (lambda s: sim.sweep(SWEEP, "out", say=3), "say must be a function"),
]


@pytest.mark.parametrize(("call", "message"), WRONG, ids=[message[:40] for _, message in WRONG])
def test_a_wrong_argument_is_named(small: Path, call: Callable[[Any], Any], message: str) -> None:
    with pytest.raises(sim.UsageError, match=message) as refused:
        call(sim.load(small))
    assert "\n" not in str(refused.value)
    assert not (small.parent / "out").exists()


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_a_shipped_scenario_as_toml_plans_the_same(file: Path) -> None:
    check_toml(sim.load(file))


@pytest.mark.parametrize("text", ALL.values(), ids=ALL.keys())
def test_odd_scenarios_as_toml_plan_the_same(text: str) -> None:
    check_toml(sim.loads(text))


@examples(150)
@given(table=scenarios())
def test_random_scenarios_as_toml_plan_the_same(table: dict[str, Any]) -> None:
    check_toml(from_dict(table))


def check_toml(scenario: sim.Scenario) -> None:
    again = sim.loads(scenario.to_toml())
    assert build(again) == build(scenario)
    assert (again.name, again.sha256()) == (scenario.name, scenario.sha256())
    assert again.to_toml() == scenario.to_toml()
    assert again.unused == scenario.with_(again.resolved()).unused


def test_reprs_are_one_line_in_a_notebook(small: Path, tmp_path: Path) -> None:
    scenario = sim.load(small)
    answer = sim.run(scenario, 9)
    comparison = sim.compare(scenario, scenario.with_("job.nodes=9"), replications=9)
    sweep = sim.load_sweep(SWEEP)
    cost = sim.load(SCENARIOS / "llama3-405b-cost.toml")
    shown = [
        scenario, sweep, answer, comparison, sim.explain(scenario, replications=9),
        sim.sweep(sweep, tmp_path / "out", jobs=1),
        sim.tune(scenario, "stores.remote.every", "10 min", "2 h", replications=9), sim.Account(sim.run(cost, 2)),
        sim.Designs(sim.compare(cost, cost, replications=2)),
    ]  # fmt: skip
    for each in shown:
        plain = DisplayFormatter().format(each)[0]["text/plain"]
        assert "\n" not in plain
        assert len(plain) < 160, plain
        assert plain == repr(each)
        for part in parts(each):
            assert "\n" not in repr(part), type(part)
    assert repr(scenario) == (
        "<Scenario 'small': 10 nodes x 8 GPUs and 2 spare, 2 fault sources, 1 store, horizon 10 days>"
    )
    assert repr(sweep) == "<Sweep 'sweep': 2 cases of 'small', spares (2)>"


def parts(result: Any) -> Iterator[Any]:
    """What a result shows in its fields that are ours, and what tuples of these hold."""
    for each in fields(result):
        value = getattr(result, each.name)
        for item in value if isinstance(value, tuple) else (value,):
            if is_dataclass(item) and not isinstance(item, type):
                yield item
                if type(item).__module__.startswith("sim.study"):
                    yield from parts(item)
