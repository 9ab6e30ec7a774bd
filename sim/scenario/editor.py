"""JSON schema of scenario files, for editors: `#:schema scenario.schema.json` in a file's first line."""

from __future__ import annotations

import json
from typing import Any

from pydantic.json_schema import models_json_schema

from sim.scenario.fields import Json, Table
from sim.scenario.recovery import RESTART, RecoveryTable, RuleTable
from sim.scenario.refusal import shown
from sim.scenario.repair_tables import RepairStageTable, RepairTable
from sim.scenario.schema import ScenarioTable

REQUIRED = "Required."
"""Last word of the description of a key that a scenario cannot do without."""
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> Json:
    """Give the JSON schema of a scenario file.

    Short forms are alternatives, texts with units have a pattern, and every description names the default and where
    it comes from. What goes beyond a schema (sums, sizes that must fit) is left to `sim validate`, and so is what is
    missing: a file that is included, or that includes others, need not be complete. For the same reason `false` may
    stand where a table does.
    """
    tables = table_schemas(ScenarioTable, RuleTable, RepairStageTable)
    rule = {"$ref": f"#/$defs/{RuleTable.__name__}"}
    recovery = tables[RecoveryTable.__name__]
    recovery["additionalProperties"] = rule
    tables[RepairTable.__name__]["additionalProperties"] = {"$ref": f"#/$defs/{RepairStageTable.__name__}"}
    restart = recovery["properties"][RESTART]
    restart["anyOf"] = [*restart["anyOf"], rule]
    for table in tables.values():
        _loosen(table)
    return file_schema(tables, ScenarioTable, "Scenario of a training run on an unreliable cluster")


def table_schemas(*models: type[Table]) -> Json:
    """Schemas of tables and of those in them, by the names of their classes, as editors need them."""
    _, made = models_json_schema([(model, "validation") for model in models], by_alias=True)
    return {name: _tidy(table) for name, table in made["$defs"].items()}


def file_schema(tables: Json, root: type[Table], title: str) -> Json:
    """The schema of a file whose top is one of these tables."""
    others = {name: table for name, table in tables.items() if name != root.__name__}
    return {**tables[root.__name__], "$schema": _DIALECT, "title": title, "$defs": others}


def schema_text(schema: Json) -> str:
    """The text of a schema file."""
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


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


def _loosen(table: Json) -> None:
    """Let a table be a part of one: keys may be missing, and its own tables may be removed."""
    properties = table["properties"]
    for key in table.pop("required", []):
        properties[key]["description"] = f"{properties[key].get('description', '')} {REQUIRED}".strip()
    if "oneOf" in table:
        table["oneOf"].append({"not": {"anyOf": list(table["oneOf"])}})
    for key, value in properties.items():
        properties[key] = _removable(value)
    if isinstance(table.get("additionalProperties"), dict):
        table["additionalProperties"] = _removable(table["additionalProperties"])


def _removable(node: Json) -> Json:
    """Let `false` stand where a table may stand."""
    options = [dict(option) for option in node.get("anyOf", [])]
    if not options:
        options = [{key: value for key, value in node.items() if key not in ("description", "default")}]
    named = [option for option in options if isinstance(option.get("additionalProperties"), dict)]
    for option in named:
        option["additionalProperties"] = _removable(option["additionalProperties"])
    if not named and not any("$ref" in option for option in options):
        return node
    about: Json = {key: node[key] for key in ("description", "default") if key in node}
    return {**about, "anyOf": [*options, {"const": False}]}


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
