"""Keys without effect: one that leaves the plan alone must be warned of, one warned of must leave the run alone."""

import copy
import json
import random
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples, scenarios
from typer.testing import CliRunner

from sim.cli.verbs import app
from sim.engine.simpy_engine import run_one
from sim.errors import ScenarioError, UsageError
from sim.planning import build
from sim.scenario import Scenario, from_dict, load

FILES = Path(__file__).parents[2] / "scenarios"
ALONE = [path for path in FILES.glob("*/*.toml") if path.parent.name not in ("catalog", "sweeps")]
SHIPPED = sorted([*FILES.glob("*.toml"), *ALONE])
HANG = """
[cluster]
nodes = 130
[job]
nodes = 128
[faults]
hang = { per = "job", mtbf = "40 h", effect = "hang", clock = "training", detect = "5 h" }
node = { per = "node", mtbf = "6_300 h", needs = "repair" }
[detect]
stop = "30 s"
hang = { timeout = "30 min" }
[stores.shared]
every = "30 min"
stall = "20 s"
[recovery]
restart = "8 min"
[run]
horizon = "60 days"
"""
WORDS = {
    "clock": ["wall", "training"],
    "needs": ["process", "reset", "repair"],
    "effect": ["stop", "hang"],
    "on_fault": ["restart_list", "retry_stage", "escalate"],
    "use": ["same units", "spares, else wait"],
    "bucket": ["restart", "load", "diagnosis", "pause", "maintenance"],
    "renewal": ["unit", "none", "system"],
    "begins": ["detection", "fault"],
    "check": ["at once", "on activation", "7 s"],
    "hours": ["08:00-18:00", "09:00-17:00"],
    "days": ["mon-fri", "sat"],
    "start": ["mon 00:00", "fri 17:59"],
    "spread": ["rack", "feed"],
    "within": ["rack", "feed"],
    "lost_at": ["process", "reset", "repair", "never"],
    "place": ["shared", "self"],
    "refill": ["hot", "cold", "warm", "shared"],
    "of": ["node", "rack", "cluster"],
    "takes": ["node", "nothing"],
    "stage": ["replace", "reset"],
    "then": ["replace", "burn_in"],
    "else": ["replace", "parts"],
    "law": ["exponential"],
}
BOUNDS = re.compile(
    # Bounds, what is only shown, and values of which others decide whether they count: faults that were never seen,
    # shares of a mixture.
    r"cluster\.nodes|job\.step|run\.max_events|faults\.[^.]+\.observed\..*|.*\.of\.\d+\..*"
)


def leaves(table: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths of all values of a file."""
    if isinstance(table, dict):
        for key, value in table.items():
            yield from leaves(value, (*path, key))
    else:
        yield path


def others(key: str, value: Any) -> Iterator[Any]:
    """Values that might be allowed in place of one."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (value + 1, value - 1, value * 2)
    elif isinstance(value, float):
        yield from (value / 2, value + 0.125, value * 2)
    elif isinstance(value, str):
        yield from (word for word in WORDS.get(key, []) if word != value)
        number = re.fullmatch(r"([0-9.e+-]+)( .*)", value)
        if number and re.search(r"[1-9]", number.group(1)):
            yield from (f"{float(number.group(1)) * times:.9g}{number.group(2)}" for times in (2.0, 0.5, 1e4))
        elif number:
            yield f"1{number.group(2)}"


def changed(table: dict[str, Any], path: tuple[Any, ...]) -> Iterator[Scenario]:
    """The scenarios that a valid other value at a path makes."""
    at = table
    for part in path:
        at = at[part]
    for value in others(str(path[-1]), at):
        if value == at:
            continue
        new = copy.deepcopy(table)
        where = new
        for part in path[:-1]:
            where = where[part]
        where[path[-1]] = value
        try:
            scenario = from_dict(new)
            build(scenario)
        except (ScenarioError, UsageError):
            continue
        yield scenario


def is_warned(scenario: Scenario, path: tuple[Any, ...]) -> bool:
    key = ".".join(map(str, path))
    return any(key == unused.key or key.startswith(f"{unused.key}.") for unused in scenario.unused)


def silent(table: dict[str, Any], path: tuple[Any, ...]) -> bool:
    """Whether nobody is warned of a value, though no other one changes the plan."""
    scenario = from_dict(table)
    if BOUNDS.fullmatch(".".join(map(str, path))) or is_warned(scenario, path):
        return False
    if path[-1] in ("keep", "in_flight") and "checkpoint" in table["job"]:
        return False  # `sim show` says how much room they need
    plan = build(scenario)
    tried = False
    for other in changed(table, path):
        tried = True
        if build(other) != plan:
            return False
    return tried


@examples(150)
@given(scenarios(), st.randoms(use_true_random=False))
def test_what_leaves_the_plan_as_it_is_is_warned_of(table: dict[str, Any], rng: random.Random) -> None:
    """A new key that does nothing beside others fails here, unless ``sim/scenario/unused.py`` knows."""
    paths = list(leaves(table))
    for path in rng.sample(paths, min(4, len(paths))):
        assert not silent(table, path), path


@examples(40)
@given(scenarios(scales=(8e-6, 1.0, 60.0)))
def test_what_is_warned_of_has_no_effect(table: dict[str, Any]) -> None:
    scenario = from_dict(table)
    plan = replace(build(scenario), max_events=100)
    ours = None
    for path in leaves(table):
        if not is_warned(scenario, path):
            continue
        for other in list(changed(table, path))[:1]:
            ours = ours or run_one(plan, 0)
            row, incidents = run_one(replace(build(other), max_events=100), 0)
            assert row.tobytes() == ours[0].tobytes(), path
            assert incidents.tobytes() == ours[1].tobytes(), path


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_no_shipped_scenario_is_warned_of(path: Path) -> None:
    assert load(path).unused == ()


@pytest.mark.parametrize("verb", [["validate"], ["show"], ["show", "--json"], ["run", "--engine", "simpy", "--json"]])
def test_each_verb_says_which_key_does_nothing(tmp_path: Path, verb: list[str]) -> None:
    file = tmp_path / "hang-timeout.toml"
    file.write_text(HANG)
    more = ["--replications", "2", "--set", "run.horizon=2 days"] if verb[0] == "run" else []
    outcome = CliRunner().invoke(app, [verb[0], str(file), *verb[1:], *more])
    assert outcome.exit_code == 0, outcome.output
    reason = "no fault of this source stops the job by itself; detect.hang says when a hang is seen"
    assert f"warning: faults.hang.detect has no effect: {reason}" in outcome.stderr.replace("\n", " ")
    if "--json" in verb:
        assert json.loads(outcome.stdout)["unused_keys"] == [{"key": "faults.hang.detect", "reason": reason}]


def test_a_file_without_such_keys_is_not_warned_of() -> None:
    assert from_dict({"cluster": {"nodes": 2}, "run": {"horizon": "1 h"}}).unused == ()
