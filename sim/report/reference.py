"""The reference of the scenario file, made from its schema: ``python -m sim.report.reference > docs/scenario.md``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sim.scenario import json_schema

Json = dict[str, Any]

_HEAD = """# The scenario file, key by key

Made from the schema by `python -m sim.report.reference`; the words are those of the errors and of `sim show`.
Quantities are text with a unit (`"10 min"`, `"2 TB/s"`, `"6_300 h"`); a year is 365 days. What a default is based on
stands behind it; *assumption* means that nobody published a figure. `NAME`, `RULE` and `STAGE` are names that you
choose.

Keys that stand before all tables are `name` and `include`.
"""

_INCLUDE = """
## Files that build on other files

```toml
include = ["catalog/hgx-h100.toml"]     # the faults of a node with 8 H100, each with its source

[faults]
cpu = false                             # not in this study

[faults.gpu]
mtbf = "80_000 h"                       # instead of the figure in the catalogue; all else is as there
```

- **Which files.** A name is relative to the file that it stands in, with `/` between folders; `..` and absolute paths
  are followed, since a scenario is only data, and addresses such as `https://` are refused. At most 32 files in all, 8
  levels deep, 1 MB each; no circles. A file that is included from several places counts once, where it comes first.
- **Who wins.** A file wins over those that it includes, and a later one in the array over an earlier one. Tables are
  merged key by key; a value or an array replaces what stood there. `--set` comes after all files.
- **`false` removes** the table of that name that an included file brought: a source, a store, a rule, a stage,
  `pools.hot`, `repair.reset`, or a whole section. It is an error if none brought it.
- **Keys that exclude each other** do so within one file. Across files the one that wins replaces the others: `mtbf` an
  `observed`, `work` a `horizon`, `persist` a `bandwidth`, `replace` the short form of `[repair]`, `detect.stop` a
  `recovery.detect`, rules a `recovery.restart` and the other way round, `time` a `law`. A `law` comes with its own
  parameters, and `needs` is one value: what was there before is gone.
- **Order.** Rules that a file adds are tried before those that it includes, except one without `when`, which is the
  last. Stages that it adds come after the others. The order of all other tables means nothing.
- **What is left.** A file that is included need not be complete. The resolved scenario and its SHA-256 are those of the
  merged files: they are the same as if all stood in one. A text without a file and parsed TOML may not include.

The schema says what may stand in a file; what is missing from the merged files only `sim validate` knows.
"""


def reference() -> str:
    """The whole reference as Markdown."""
    schema = json_schema()
    parts = [_HEAD]
    for name, section in schema["properties"].items():
        for path, table in _tables((name,), section, schema["$defs"]):
            parts.append(_section(path, table, schema["$defs"]))
    parts.append(_INCLUDE)
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
        yield from _tables((*path, "STAGE" if path[-1] == "repair" else "RULE"), named, definitions)


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
    for key, value in table["properties"].items():
        what = " ".join(str(value.get("description", "")).split()).replace("|", "\\|")
        must = what.removesuffix("Required.")
        shown = what if must == what else f"{must}**Required.**"
        lines.append(f"| `{key}` | {shown} | {_example(value, definitions)} |")
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
