"""Plans without features run in an engine that is compiled without them, and get what the whole engine gives."""

import ast
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given

from sim.engine import compiled as package
from sim.engine.compiled import layout
from sim.engine.compiled.run import Runner
from sim.plan import Plan
from sim.planning import build
from sim.scenario import load
from tests.strategies import examples, plans

SCENARIOS = Path(__file__).parents[2] / "scenarios"
FOUND = layout._features
FEATURES = set(layout.PLAN.names or ()) - set(layout.PLAIN.names or ())


def rows_of(plan: Plan) -> tuple[np.dtype, bytes]:
    """The type that a plan has for the engine, and what comes of it."""
    runner = Runner(plan)
    row, incidents = runner.run_one(0)
    return layout.pack(plan).dtype, row.tobytes() + incidents.tobytes() + runner.run(1, 3).tobytes()


def with_all(plan: Plan) -> dict[str, bool]:
    """The features of a plan as if it had all of them; but without stores it cannot have tiers."""
    return {name: name != "has_tiers" or has for name, has in FOUND(plan).items()}


@examples(120)
@given(plans())
def test_what_is_not_there_changes_nothing_where_it_is_looked_for(plan: Plan) -> None:
    """In the plain engine, and in the whole one where a plan has some features."""
    kind, found = rows_of(plan)
    assert kind == (layout.PLAN if any(FOUND(plan).values()) else layout.PLAIN)
    with patch.object(layout, "_features", with_all):
        assert rows_of(plan) == (layout.PLAN, found)


@pytest.mark.parametrize(
    ("name", "features"),
    [
        ("hopper-100k", set()),
        ("llama3-405b-16k", set()),
        ("two-tier-100k", {"has_tiers", "has_domains", "has_picks"}),
        ("lemons", {"has_ages", "has_strikes", "has_visits", "has_picks"}),
        ("maintenance", {"has_notices", "has_domains", "has_picks"}),
    ],
)
def test_features_of_scenarios(name: str, features: set[str]) -> None:
    found = FOUND(build(load(SCENARIOS / f"{name}.toml")))
    assert {name for name, has in found.items() if has} == features
    assert set(found) == FEATURES


def test_picks_are_a_feature_only_where_nodes_differ() -> None:
    for name, differ in (("hopper-100k", False), ("lemons", True)):
        plan = build(load(SCENARIOS / f"{name}.toml", ["pools.pick=random"]))
        assert FOUND(plan)["has_picks"] == differ


def test_features_that_the_engine_asks_for_are_those_of_the_plan() -> None:
    """One that is misspelt would be false for every plan: a record without the field has it not."""
    asked = set()
    for path in Path(package.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr.startswith("has_"):
                assert isinstance(node.value, ast.Name)
                asked.add((node.value.id, node.attr))
    assert asked == {("p", name) for name in FEATURES | {"has_store"}}
