"""Overrides of single keys: ``path.to.key=value`` from the command line, or a dictionary from Python."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, time
from typing import Any

from sim.arguments import check_texts, described
from sim.errors import Problem, UsageError
from sim.scenario.capacity import POOLS
from sim.scenario.findings import COMMAND_LINE
from sim.scenario.positions import ANY_NAME, alike, deep_key, split_key
from sim.scenario.recovery import split_recovery
from sim.scenario.refusal import shown, shown_path
from sim.scenario.repair import split_repair
from sim.scenario.toml import dotted, plain, toml_value

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
        Each ``path.to.key=value``; the value is TOML, and text if it is not. A part ``*`` of the path stands for every
        name that is there: ``faults.*.rate_factor``.

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
        paths = list(_named(data, path))
        if not paths:
            problems.append(
                _problem(dotted(path), "is set nowhere: * stands for the names that are there, and there is none")
            )
        for each in paths:
            blocked = _set(data, each, _parsed(value.strip()))
            if blocked is None:
                done.append(each)
            else:
                at = shown_path(blocked)
                remedy = f"set {at} as a whole, or write it as a table in the file"
                problems.append(_problem(shown_path(each), f"cannot be set: {at} is not a table", None, None, remedy))
    return done, problems


def once(overrides: Sequence[str], problems: Iterable[Problem]) -> list[Problem]:
    """Return problems, those that several names of a ``*`` have alike only once, under the key that has it."""
    patterns = [path for each in overrides if ANY_NAME in (path := split_key(each.partition("=")[0].strip()) or ())]
    found: dict[Problem, list[Problem]] = {}
    for problem in problems:
        path = split_key(problem.key) or () if problem.file == COMMAND_LINE else ()
        cut = (each[: len(path)] for each in patterns if len(each) >= len(path))
        of = next((each for each in cut if ANY_NAME in each and alike(each, path)), None)
        key = problem.key if of is None else dotted(of)
        found.setdefault(replace(problem, key=key), []).append(problem)
    return [folded if len(same) > 1 else same[0] for folded, same in found.items()]


def _named(data: dict[str, Any], path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the paths that a path stands for: with every name of a table, where it has `ANY_NAME`."""
    if ANY_NAME not in path:
        yield path
        return
    at = path.index(ANY_NAME)
    found: Any = data
    for part in path[:at]:
        found = found.get(part) if isinstance(found, dict) else None
    for name in _names(path[:at], found if isinstance(found, dict) else {}):
        yield from _named(data, (*path[:at], name, *path[at + 1 :]))


def _names(path: tuple[str, ...], table: dict[str, Any]) -> list[str]:
    """Return the names in a table, without the keys that stand beside them."""
    if path == ("recovery",):
        return list(split_recovery(table)[1])
    if path == ("repair",):
        return list(split_repair(table)[1])
    return [name for name in table if path != ("pools",) or name in POOLS]


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
