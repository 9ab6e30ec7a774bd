"""The reference of the scenario file, made from its schema: ``python -m sim.report.reference > docs/scenario.md``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sim.scenario import json_schema

Json = dict[str, Any]

_HEAD = """# The scenario file, key by key

Made from the schema by `python -m sim.report.reference`; the words are those of the errors and of `sim show`.
Quantities are text with a unit (`"10 min"`, `"2 TB/s"`, `"6_300 h"`); a year is 365 days. What a default is based on
stands behind it; *assumption* means that nobody published a figure. `NAME` and `RULE` are names that you choose.
"""


def reference() -> str:
    """The whole reference as Markdown."""
    schema = json_schema()
    parts = [_HEAD]
    for name, section in schema["properties"].items():
        for path, table in _tables((name,), section, schema["$defs"]):
            parts.append(_section(path, table, schema["$defs"]))
    return "\n".join(parts)


def _tables(path: tuple[str, ...], node: Json, definitions: Json) -> Iterator[tuple[tuple[str, ...], Json]]:
    """Every table of the file with its path: those with fixed keys, and those whose keys are names."""
    found = _resolve(node, definitions)
    if found is None:
        return
    if "properties" not in found:
        placeholder = "RULE" if path[-1] == "recovery" else "NAME"
        yield from _tables((*path, placeholder), found["additionalProperties"], definitions)
        return
    yield path, found
    for key, value in found["properties"].items():
        yield from _tables((*path, key), value, definitions)
    named = found.get("additionalProperties")
    if isinstance(named, dict):
        yield from _tables((*path, "RULE"), named, definitions)


def _resolve(node: Json, definitions: Json) -> Json | None:
    """The table that a node of the schema stands for; None if it is a value."""
    for option in node.get("anyOf", [node]):
        if "$ref" in option:
            found: Json = definitions[option["$ref"].rsplit("/", 1)[-1]]
            return found
        named = option.get("additionalProperties")
        if isinstance(named, dict) and _resolve(named, definitions) is not None:
            return dict(option)
    return None


def _section(path: tuple[str, ...], table: Json, definitions: Json) -> str:
    lines = [f"\n## `[{'.'.join(path)}]`\n", "| key | what it is | such as |", "|---|---|---|"]
    required = set(table.get("required", []))
    for key, value in table["properties"].items():
        what = " ".join(str(value.get("description", "")).split()).replace("|", "\\|")
        must = " **Required.**" if key in required else ""
        lines.append(f"| `{key}` | {what}{must} | {_example(value, definitions)} |")
    return "\n".join(lines)


def _example(value: Json, definitions: Json) -> str:
    """What the key may hold, as it would stand in a file."""
    if "examples" in value:
        return f'`"{value["examples"][0]}"`'
    if "enum" in value:
        return ", ".join(f'`"{option}"`' for option in value["enum"])
    if "anyOf" in value:
        options = (_example(option, definitions) for option in value["anyOf"] if option.get("type") != "null")
        return ", ".join(dict.fromkeys(option for option in options if option))
    if value.get("type") == "boolean":
        return "`true`, `false`"
    if value.get("type") in ("integer", "number"):
        return f"`{value.get('default', value.get('minimum', 1))}`"
    return "a table" if _resolve(value, definitions) else ""


if __name__ == "__main__":
    print(reference())
