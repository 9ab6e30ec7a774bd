"""Follows key paths of a file through the models of its tables."""

from __future__ import annotations

from typing import Any, get_args

from pydantic.fields import FieldInfo

from sim.scenario.fields import Table
from sim.scenario.refusal import Path


def keys_of(model: type[Table]) -> list[str]:
    """Give the keys of a table, as they stand in the file."""
    return [info.alias or name for name, info in model.model_fields.items()]


def field_of(model: type[Table], key: str | int) -> FieldInfo | None:
    """Give the field behind a key; None if the table has no such key."""
    for name, info in model.model_fields.items():
        if (info.alias or name) == key:
            return info
    return None


def walk(model: type[Table], path: Path) -> tuple[type[Table] | None, bool]:
    """Follow a key path down from a table.

    Returns
    -------
    tuple of table or None and bool
        The table that `path` leads to, or None; and whether what stands there is a collection of such tables, so that
        the next part is a name or a position and not a key.
    """
    found: type[Table] | None = model
    is_collection = False
    for part in path:
        if found is None:
            break
        if is_collection:
            is_collection = False
            continue
        info = field_of(found, part)
        found = None if info is None else _table_in(info.annotation)
        is_collection = info is not None and _is_collection(info.annotation)
    return found, is_collection


def _table_in(annotation: Any) -> type[Table] | None:
    if isinstance(annotation, type) and issubclass(annotation, Table):
        return annotation
    for argument in get_args(annotation):
        found = _table_in(argument)
        if found is not None:
            return found
    return None


def _is_collection(annotation: Any) -> bool:
    origin = getattr(annotation, "__origin__", None)
    return origin in (dict, list) or any(_is_collection(argument) for argument in get_args(annotation))
