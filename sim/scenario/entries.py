"""The resolved scenario as a list of entries: one for each key, with where its value comes from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from sim.scenario.fields import Table
from sim.scenario.units import Quantity


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a resolved scenario.

    Parameters
    ----------
    path : tuple of str
        Key path in the long form of the file.
    written : object
        Value as it stands in the file, else in canonical form; always what a file may hold.
    si : object
        The same value in SI units.
    unit : str
        Unit of `si`: "s", "bytes", "bytes/s", "1" for shares and counts, "" for words.
    default : bool
        Whether the file does not give this value.
    source : str
        Where the value comes from if it is a default: a reference, a rule or an assumption.
    """

    path: tuple[str, ...]
    written: Any
    si: Any
    unit: str
    default: bool
    source: str


class Entries:
    """Collects the entries of one scenario, in their order: as in TOML, a table's own keys stand before its tables."""

    def __init__(self) -> None:
        self.items: list[Entry] = []

    def add(
        self, path: tuple[str, ...], value: object, unit: str, source: str | None = None, si: object = None
    ) -> None:
        """Add a value; `source` only if it is a default, `si` only if it does not follow from the value."""
        in_si = as_si(value) if si is None else si
        self.items.append(Entry(path, as_written(value), in_si, unit, source is not None, source or ""))

    def field(self, path: tuple[str, ...], table: Table, name: str, unit: str, value: object = None) -> None:
        """Add the field `name` of a table under `path`; `value` replaces what the table holds.

        A field that is neither given nor has a value is left out.
        """
        found = getattr(table, name) if value is None else value
        if found is None:
            return
        key = _key_of(type(table), name)
        self.add((*path, key), found, unit, None if name in table.model_fields_set else source_of(type(table), name))

    def mark_default(self, path: tuple[str, ...], source: str) -> None:
        """Say of the entry at `path` that it is a default from `source`."""
        self.items = [replace(item, default=True, source=source) if item.path == path else item for item in self.items]


@cache
def _key_of(table: type[Table], name: str) -> str:
    """The key of a field as a file has it."""
    return table.model_fields[name].alias or name


@cache
def source_of(table: type[Table], name: str) -> str:
    """Give the source of a field's default."""
    extra = table.model_fields[name].json_schema_extra
    return str(extra.get("source", "")) if isinstance(extra, dict) else ""


def as_written(value: Any) -> Any:
    """Give a value as a file may hold it."""
    if isinstance(value, Quantity):
        return float(value) if _is_number(value.written) else value.written
    if isinstance(value, dict):
        return {key: as_written(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_written(item) for item in value]
    return value


def as_si(value: Any) -> Any:
    """Give a value in SI units, with plain numbers only."""
    if isinstance(value, Quantity):
        return float(value)
    if isinstance(value, dict):
        return {key: as_si(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_si(item) for item in value]
    return value


def nested(entries: list[Entry], si: bool) -> dict[str, Any]:
    """Nest the entries' values by their paths, in SI units or as written."""
    tree: dict[str, Any] = {}
    for entry in entries:
        table = tree
        for part in entry.path[:-1]:
            table = table.setdefault(part, {})
        table[entry.path[-1]] = entry.si if si else entry.written
    return tree


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
