"""Values and keys as TOML writes them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

_MOST_BITS = 10_000
"""Longer whole numbers Python does not write in decimal, to save time; nothing takes them, but errors tell of them."""


def toml_key(name: str) -> str:
    """Give a key as TOML wants it: bare where it may be, else quoted."""
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
