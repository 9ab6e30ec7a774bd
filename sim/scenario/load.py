"""Loading of scenario files: the file, the TOML, the overrides, and all that is wrong with them at once."""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path as FilePath
from typing import Any

from sim.errors import Problem, ScenarioError
from sim.scenario import overrides as overriding
from sim.scenario.checks import check_all
from sim.scenario.findings import Findings
from sim.scenario.positions import MOST_DEPTH, Positions, deep_key
from sim.scenario.reading import read_parts, resolve
from sim.scenario.refusal import shown_path
from sim.scenario.schema import Scenario

MOST_BYTES = 1_000_000
_NO_FILE = "<string>"
_UNNAMED = "scenario"
_MOST_SAID = 200
_WHERE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


def load(path: str | PathLike[str], overrides: Sequence[str] = ()) -> Scenario:
    """Load a scenario file. No code of the file is run, and nothing else is read.

    Parameters
    ----------
    path : str or path
        TOML file of at most 1 MB, UTF-8.
    overrides : sequence of str
        ``path.to.key=value`` each, applied before anything is checked.

    Raises
    ------
    ScenarioError
        With every problem that was found, each with file, line, key, what was given and what is allowed.
    """
    file = str(path)
    return loads(_text(file), file, overrides)


def loads(text: str, file: str = _NO_FILE, overrides: Sequence[str] = ()) -> Scenario:
    """Load a scenario from a text; `file` is named in messages. Raises `ScenarioError`."""
    if len(text) > MOST_BYTES:
        raise ScenarioError([_too_large(file)])
    deep = deep_key(text)
    if deep is not None:
        allowed = f"at most {MOST_DEPTH} parts"
        raise ScenarioError([Problem(file, deep, "", "holds a dotted key of too many parts", None, allowed)])
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ScenarioError([_syntax(file, text, error)]) from None
    return _scenario(data, file, overrides, text)


def from_dict(data: Mapping[str, Any], file: str = "<dict>", overrides: Sequence[str] = ()) -> Scenario:
    """Load a scenario from parsed TOML, such as `Scenario.resolved` gives. Raises `ScenarioError`."""
    _check_shape(data, file)
    return _scenario(copy.deepcopy(dict(data)), file, overrides, None)


def problems(path: str | PathLike[str], overrides: Sequence[str] = ()) -> list[Problem]:
    """Give everything that is wrong with a scenario file; an empty list if it can be used."""
    try:
        load(path, overrides)
    except ScenarioError as error:
        return error.problems
    return []


def _scenario(data: dict[str, Any], file: str, overrides: Sequence[str], text: str | None) -> Scenario:
    _check_shape(data, file)
    done, wrong = overriding.apply(data, overrides)
    _check_shape(data, file)
    # Only now: a text that is nested without end would take the scan without end, too.
    positions = None if text is None else Positions(text)
    findings = Findings(file, data, positions, done)
    parts = read_parts(data, findings)
    check_all(data, parts, findings)
    if findings or wrong:
        raise ScenarioError([*findings.sorted(), *wrong])
    return resolve(data.get("name") or _stem(file), parts)


def _stem(file: str) -> str:
    stem = "" if file.startswith("<") else "".join(char for char in FilePath(file).stem if char.isprintable())
    return stem[:200] or _UNNAMED


def _text(file: str) -> str:
    try:
        with open(file, "rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except IsADirectoryError:
        raise ScenarioError([Problem(file, None, "", "is a directory", None, "a scenario file")]) from None
    except FileNotFoundError:
        raise ScenarioError([Problem(file, None, "", "does not exist", None, "a scenario file")]) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ScenarioError([Problem(file, None, "", f"cannot be read: {reason}", None, "a scenario file")]) from None
    if len(content) > MOST_BYTES:
        raise ScenarioError([_too_large(file)])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        remedy = "save it as UTF-8"
        raise ScenarioError(
            [Problem(file, line, "", "is not UTF-8 text", None, "a TOML file in UTF-8", remedy)]
        ) from None


def _too_large(file: str) -> Problem:
    return Problem(file, None, "", "is too large for a scenario", None, "at most 1 MB")


def _syntax(file: str, text: str, error: Exception) -> Problem:
    if isinstance(error, RecursionError):
        return Problem(file, None, "", "is nested too deep", None, f"at most {MOST_DEPTH} levels")
    message = str(error)
    if not isinstance(error, tomllib.TOMLDecodeError):
        return Problem(file, None, "", "holds a number with too many digits", None, "a TOML file")
    match = _WHERE.search(message)
    line = None
    if match:
        message = message[: match.start()]
        line = int(match[1]) if match[1] else max(1, len(text.splitlines()))
    return Problem(file, line, "", f"is not TOML: {message[:1].lower()}{message[1:_MOST_SAID]}", None, None)


def _check_shape(data: Mapping[str, Any], file: str) -> None:
    """Refuse what is nested too deep for anything that follows, and what no TOML file can hold."""
    todo: list[tuple[tuple[str, ...], Any]] = [((), data)]
    while todo:
        path, value = todo.pop()
        items: list[tuple[Any, Any]] = []
        if isinstance(value, Mapping):
            items = list(value.items())
        elif isinstance(value, (list, tuple)):
            items = [(str(position), item) for position, item in enumerate(value)]
        if items and len(path) >= MOST_DEPTH:
            message, allowed = "is nested too deep", f"at most {MOST_DEPTH} levels"
            raise ScenarioError([Problem(file, None, shown_path(path[:4]), message, None, allowed)])
        for key, item in items:
            if not isinstance(key, str):
                problem = Problem(file, None, shown_path(path), "has a key that is not text", repr(key)[:40], "text")
                raise ScenarioError([problem])
            if item is None:
                raise ScenarioError(
                    [Problem(file, None, shown_path((*path, key)), "has no value", None, "leave it out")]
                )
            todo.append(((*path, key), item))
