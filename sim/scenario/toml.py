"""Values and keys as TOML writes them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from numbers import Integral, Real
from typing import Any

from sim.scenario.entries import Entry, as_written
from sim.scenario.positions import ANY_NAME
from sim.scenario.units import Quantity

_MOST_BITS = 10_000
"""Longer whole numbers Python does not write in decimal, to save time; nothing takes them, but errors tell of them."""


def toml_key(name: str) -> str:
    """Give a key as TOML wants it: bare where it may be, else quoted. What stands for every name is ``*``."""
    if name == ANY_NAME:
        return "*"
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else toml_value(name)


def dotted(path: Iterable[str]) -> str:
    """Give a key path as TOML and ``--set`` take it, however long its names are."""
    return ".".join(map(toml_key, path))


def toml_value(value: Any) -> str:
    """Give a value on one line, tables inline."""
    if isinstance(value, dict):
        return (
            f"{{ {', '.join(f'{toml_key(key)} = {toml_value(item)}' for key, item in value.items())} }}"
            if value
            else "{}"
        )
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, float):
        return repr(float(value))
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        return hex(value)
    if isinstance(value, (str, int)):
        # JSON writes texts as TOML does, but for one character.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value)


def plain(value: Any) -> Any:
    """Return a value of Python as TOML holds it: numbers of other libraries as int and float, quantities as written."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, Quantity):
        return as_written(value)
    if isinstance(value, Integral) and not isinstance(value, int):
        return int(value)
    if isinstance(value, Real) and not isinstance(value, (int, float)):
        return float(value)
    return value


def toml_lines(name: str, entries: Iterable[Entry], line: Callable[[str, Entry], Iterable[str]]) -> Iterator[str]:
    """Give a resolved scenario as the lines of its file.

    Parameters
    ----------
    name : str
        Name of the scenario.
    entries : iterable of Entry
        Its keys; those of one table stand together.
    line : callable
        Gives the lines of a setting, or of the header of an empty table, such as ``nodes = 4``.
    """
    yield f"name = {toml_value(name)}"
    table: tuple[str, ...] = ()
    for entry in entries:
        # An empty table has a header of its own, since tables of the one it is in may stand before it.
        empty = entry.written == {}
        home = entry.path if empty else entry.path[:-1]
        if home != table:
            table = home
            yield ""
            header = f"[{dotted(table)}]"
            yield from line(header, entry) if empty else [header]
        if not empty:
            yield from line(f"{toml_key(entry.path[-1])} = {toml_value(entry.written)}", entry)
