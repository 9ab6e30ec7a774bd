import copy
import inspect
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from sim.scenario import cluster, efficiency_tables, faults, law, load, loads, recovery, run, schema, stages, stores
from sim.scenario.editor import json_schema, schema_text
from sim.scenario.fields import Table

from .examples import LARGE, SCENARIOS, SMALL

MODULES = (cluster, efficiency_tables, faults, law, recovery, run, schema, stages, stores)


def tables() -> Iterator[type[Table]]:
    for module in MODULES:
        for _, found in inspect.getmembers(module, inspect.isclass):
            if issubclass(found, Table) and found.__module__ == module.__name__:
                yield found


def errors(data: dict[str, Any]) -> list[str]:
    return [error.message for error in Draft202012Validator(json_schema()).iter_errors(data)]


def test_every_key_is_described_and_every_default_has_a_source() -> None:
    seen = 0
    for table in tables():
        for name, info in table.model_fields.items():
            assert info.description, f"{table.__name__}.{name}"
            extra = info.json_schema_extra
            assert isinstance(extra, dict)
            assert info.is_required() or extra["source"], f"{table.__name__}.{name}"
            seen += 1
    assert seen > 60


def test_the_schema_file_is_the_one_that_the_code_gives() -> None:
    assert (SCENARIOS / "scenario.schema.json").read_text(encoding="utf-8") == schema_text(json_schema())


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(json_schema())


def test_every_description_reaches_the_schema() -> None:
    made = json_schema()
    for name, table in made["$defs"].items():
        for key, value in table["properties"].items():
            assert value.get("description"), f"{name}.{key}"
    assert "null" not in json.dumps(made)
    assert made["$defs"]["DetectTable"]["properties"]["stop"]["default"] == "30 s"


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.toml")), ids=lambda path: path.name)
def test_every_scenario_names_the_schema_and_fits_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.splitlines()[0] == "#:schema scenario.schema.json"
    assert errors(tomllib.loads(text)) == []
    loads(text, str(path))


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("frontier/**/*.toml")), ids=lambda path: path.name)
def test_every_frontier_scenario_and_part_names_the_schema_and_fits_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    up = "../" * (len(path.relative_to(SCENARIOS).parts) - 1)
    assert text.splitlines()[0] == f"#:schema {up}scenario.schema.json"
    assert errors(tomllib.loads(text)) == []
    if path.parent.name != "parts":  # a part is not a whole scenario
        load(path)


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("catalog/*.toml")), ids=lambda path: path.name)
def test_every_catalogue_names_the_schema_and_fits_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.splitlines()[0] == "#:schema ../scenario.schema.json"
    assert errors(tomllib.loads(text)) == []
    including = f'include = ["{path.name}"]\ncluster.nodes = 4\nrun.horizon = "1 day"\n'
    assert errors(tomllib.loads(including)) == []
    assert loads(including, str(path.with_name("x.toml"))).faults.keys() == tomllib.loads(text)["faults"].keys()


def test_the_schema_knows_what_an_including_file_may_say() -> None:
    text = """
include = ["a.toml", "../b.toml"]
pools.hot = false
repair.reset = false
repair.replace.success = 0.5
faults.x = false
faults.y.needs = false
faults.z.count = 2
stores.s = false
detect = false
recovery.restart = false
recovery.swap.stages.init = false
recovery.swap.when = false
recovery.wait = false
"""
    assert errors(tomllib.loads(text)) == []
    for wrong in ("include = 'a.toml'", "include = [3]", "faults.x = true", "run.horizon = false", "pools.hot = true"):
        assert errors(tomllib.loads(wrong)), wrong


def test_the_schema_says_what_is_required() -> None:
    made = json_schema()
    assert made["properties"]["run"]["description"] == "How long, and how precise. Required."
    assert made["$defs"]["FaultTable"]["properties"]["per"]["description"].endswith(" Required.")
    assert not made["$defs"]["FaultTable"]["properties"]["count"]["description"].endswith(" Required.")
    assert '"required": ["per"]' not in json.dumps(made)


@pytest.mark.parametrize("text", [SMALL, LARGE])
def test_short_and_resolved_forms_fit_the_schema(text: str) -> None:
    assert errors(tomllib.loads(text)) == []
    assert errors(loads(text).resolved()) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("faults", "optics", "mtbf"), 1.28e6),
        (("faults", "optics", "mtbf"), "1.28e6 TB"),
        (("faults", "optics", "per"), 7),
        (("faults", "optics", "fit"), 3),
        (("faults", "optics", "colour"), 3),
        (("faults", "optics", "needs"), "reboot"),
        (("faults", "psu", "afr"), "1 h"),
        (("stores", "remote", "every"), "often"),
        (("stores", "remote", "slowdown"), 1.5),
        (("stores", "remote", "in_flight"), "all"),
        (("recovery", "swap", "use"), "shrink"),
        (("recovery", "swap", "stages", "start"), 3),
        (("recovery", "swap", "stages", "init", "bucket"), "repair"),
        (("recovery", "restart"), 3),
        (("pools", "cold"), "300"),
        (("repair", "replace", "crews"), 0),
        (("run", "horizon"), "3 days"),
        (("run", "seed"), -1),
        (("colour",), 3),
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(path: tuple[str, ...], value: object) -> None:
    data = copy.deepcopy(tomllib.loads(LARGE))
    table: Any = data
    for part in path[:-1]:
        table = table[part]
    table[path[-1]] = value
    assert errors(data)
