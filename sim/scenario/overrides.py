"""Overrides of single keys: ``path.to.key=value`` from the command line, or a dictionary from Python."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time
from typing import Any

from sim.arguments import check_texts, described
from sim.errors import Problem, UsageError
from sim.scenario.findings import COMMAND_LINE
from sim.scenario.positions import deep_key, split_key
from sim.scenario.refusal import shown, shown_path
from sim.scenario.toml import plain, toml_value

Overrides = Mapping[str, Any] | Iterable[str] | str
"""Values by dotted key, texts ``path.to.key=value``, or one such text."""

_MOST_LENGTH = 10_000
_FORM = 'path.to.key=value, such as stores.remote.every="10 min"'


def as_texts(overrides: Overrides, name: str = "overrides") -> list[str]:
    """Return overrides as texts ``path.to.key=value``.

    Parameters
    ----------
    overrides : mapping, iterable of str, or str
        Values by dotted key (a table replaces all that stands there), or such texts.
    name : str
        Of the argument, for messages.

    Raises
    ------
    UsageError
        If they are neither, or a value is none that a file can hold.
    """
    if isinstance(overrides, str):
        return [overrides]
    if not isinstance(overrides, Mapping):
        if not isinstance(overrides, Iterable) or isinstance(overrides, bytes):
            kinds = 'a dict such as {"job.nodes": 9} or a list of texts such as ["job.nodes=9"]'
            raise UsageError(f"{name} must be {kinds}, not {described(overrides)}")
        return check_texts(name, overrides)
    found = []
    for key, value in overrides.items():
        if not isinstance(key, str) or split_key(key.strip()) is None:
            allowed = 'a dotted key such as "stores.remote.every"'
            raise UsageError(f"{name}: {described(key)} is not a key; write {allowed}")
        made = plain(value)
        if not _can_be_written(made):
            kind = described(made)
            raise UsageError(f"{name}[{key!r}] must be a value as a scenario file holds it, not {kind}")
        found.append(f"{key}={toml_value(made)}")
    return found


def _can_be_written(value: object) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and _can_be_written(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(_can_be_written, value))
    return isinstance(value, (bool, int, float, str, date, time))


def apply(data: dict[str, Any], overrides: Sequence[str]) -> tuple[list[tuple[str, ...]], list[Problem]]:
    """Set keys of a parsed file in place.

    Parameters
    ----------
    data : dict
        The file; changed. Missing tables on the way are made.
    overrides : sequence of str
        Each ``path.to.key=value``; the value is TOML, and text if it is not.

    Returns
    -------
    tuple of list and list
        Paths that were set, and what is wrong with the other overrides.
    """
    done: list[tuple[str, ...]] = []
    problems: list[Problem] = []
    for override in overrides:
        name, equals, value = override.partition("=")
        path = split_key(name.strip()) if equals and len(override) <= _MOST_LENGTH else None
        if path is None:
            problems.append(_problem("", "is not an override", shown(override), _FORM))
            continue
        blocked = _set(data, path, _parsed(value.strip()))
        if blocked is None:
            done.append(path)
        else:
            at = shown_path(blocked)
            remedy = f"set {at} as a whole, or write it as a table in the file"
            problems.append(_problem(shown_path(path), f"cannot be set: {at} is not a table", None, None, remedy))
    return done, problems


def _set(data: dict[str, Any], path: tuple[str, ...], value: object) -> tuple[str, ...] | None:
    """Set a key; gives the path of what is in the way."""
    found: Any = data
    for depth, part in enumerate(path):
        if isinstance(found, list):
            if not part.isdecimal() or int(part) >= len(found):
                return path[:depth]
            key: Any = int(part)
        elif isinstance(found, dict):
            key = part
        else:
            return path[:depth]
        if depth == len(path) - 1:
            found[key] = value
        else:
            found = found.setdefault(key, {}) if isinstance(found, dict) else found[key]
    return None


def _parsed(value: str) -> object:
    if deep_key(value) is not None:
        return value
    try:
        found = tomllib.loads(f"value = {value}")
    except (ValueError, RecursionError):
        return value
    return found["value"] if len(found) == 1 else value


def _problem(
    key: str, message: str, given: str | None = None, allowed: str | None = None, remedy: str | None = None
) -> Problem:
    return Problem(COMMAND_LINE, None, key, message, given, allowed, remedy)
