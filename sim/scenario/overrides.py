"""Overrides of single keys from the command line: ``path.to.key=value``."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from typing import Any

from sim.errors import Problem
from sim.scenario.findings import COMMAND_LINE
from sim.scenario.positions import deep_key, split_key
from sim.scenario.refusal import shown, shown_path

_MOST_LENGTH = 10_000
_FORM = 'path.to.key=value, such as stores.remote.every="10 min"'


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
