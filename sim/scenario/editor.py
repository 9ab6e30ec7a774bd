"""JSON schema of scenario files, for editors: `#:schema scenario.schema.json` in a file's first line."""

from __future__ import annotations

import json
from typing import Any

from pydantic.json_schema import models_json_schema

from sim.scenario.fields import Json
from sim.scenario.recovery import RESTART, RecoveryTable, RuleTable
from sim.scenario.refusal import shown
from sim.scenario.schema import ScenarioTable

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> Json:
    """Give the JSON schema of a scenario file.

    Short forms are alternatives, texts with units have a pattern, and every description names the default and where
    it comes from. What goes beyond a schema (sums, sizes that must fit) is left to `sim validate`.
    """
    _, made = models_json_schema([(ScenarioTable, "validation"), (RuleTable, "validation")], by_alias=True)
    tables: Json = {name: _tidy(table) for name, table in made["$defs"].items()}
    rule = {"$ref": f"#/$defs/{RuleTable.__name__}"}
    recovery = tables[RecoveryTable.__name__]
    recovery["additionalProperties"] = rule
    restart = recovery["properties"][RESTART]
    restart["anyOf"] = [*restart["anyOf"], rule]
    root = tables.pop(ScenarioTable.__name__)
    title = "Scenario of a training run on an unreliable cluster"
    return {**root, "$schema": _DIALECT, "title": title, "$defs": tables}


def json_schema_text() -> str:
    """Give the text of the schema file."""
    return json.dumps(json_schema(), indent=2, sort_keys=True) + "\n"


def _tidy(node: Any) -> Any:
    """Drop what TOML cannot say (null) and what editors do not need, all the way down."""
    if isinstance(node, list):
        return [_tidy(item) for item in node if item != {"type": "null"}]
    if not isinstance(node, dict):
        return node
    found = {key: _tidy(value) for key, value in node.items() if not _is_noise(key, value)}
    if "source" in node and isinstance(node["source"], str):
        found["description"] = _described(node)
    options = found.get("anyOf")
    if isinstance(options, list) and len(options) == 1:
        del found["anyOf"]
        found = {**options[0], **found}
    elif isinstance(options, list):
        found["anyOf"] = _flat(options)
    return found


def _is_noise(key: str, value: Any) -> bool:
    return (key in ("title", "source") and isinstance(value, str)) or (key == "default" and value in (None, {}))


def _flat(options: list[Json]) -> list[Json]:
    """Lift alternatives of alternatives."""
    flat: list[Json] = []
    for option in options:
        flat.extend(option["anyOf"] if option.keys() == {"anyOf"} else [option])
    return flat


def _described(node: Json) -> str:
    text = str(node.get("description", ""))
    if node.get("default") not in (None, {}):
        return f"{text} Default: {shown(node['default'])} ({node['source']})."
    return f"{text} Default: {node['source']}." if node["source"] else text
