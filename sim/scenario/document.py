"""One TOML file: its text, its tables, and the lines of its keys."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sim.errors import Problem, ScenarioError
from sim.scenario.positions import MOST_DEPTH, Positions, deep_key
from sim.scenario.refusal import shown_path

MOST_BYTES = 1_000_000
_MOST_SAID = 200
_MOST_UNQUOTED = 50
_UNQUOTED = re.compile(r"(\s*[A-Za-z0-9_.\"' -]+?\s*=\s*)([^\s\"'\[{#][^\"'#\[\]{}]*?)(\s*(?:#.*)?)")
_WHERE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


@dataclass(frozen=True)
class Document:
    """A file that is TOML, whatever it says.

    Parameters
    ----------
    file : str
        File as messages name it.
    data : dict
        Its tables, nested at most 32 levels deep.
    positions : Positions or None
        Lines of its keys; None if there is no text.
    problems : tuple of Problem
        Values that stand without their quotes; `data` has them as texts.
    """

    file: str
    data: dict[str, Any]
    positions: Positions | None
    problems: tuple[Problem, ...] = ()


def parse(text: str, file: str) -> Document:
    """Parse a text; raises `ScenarioError` if it is not TOML."""
    if len(text) > MOST_BYTES:
        raise ScenarioError([_too_large(file)])
    deep = deep_key(text)
    if deep is not None:
        allowed = f"at most {MOST_DEPTH} parts"
        raise ScenarioError([Problem(file, deep, "", "holds a dotted key of too many parts", None, allowed)])
    problems: list[Problem] = []
    while True:
        try:
            data = tomllib.loads(text)
            break
        except (ValueError, RecursionError) as error:
            problem = _syntax(file, text, error)
            quoted = _quoted(text, problem)
            if quoted is None or len(problems) >= _MOST_UNQUOTED:
                raise ScenarioError([*problems, problem]) from None
            text, remedy = quoted
            problems.append(replace(problem, remedy=remedy))
    check_shape(data, file)
    # Only now: a text that is nested without end would take the scan without end, too.
    return Document(file, data, Positions(text), tuple(problems))


def _quoted(text: str, problem: Problem) -> tuple[str, str] | None:
    """Write a value that lacks its quotes as it was meant: gives the text, and what to write."""
    if problem.line is None:
        return None
    lines = text.split("\n")
    match = _UNQUOTED.fullmatch(lines[problem.line - 1])
    if match is None or not match[2].isprintable() or _is_toml(match[2]):
        return None
    value = match[2]
    if value.lower() in ("true", "false"):
        meant = value.lower()
    elif re.fullmatch(r"[0-9]{1,3}(?:,[0-9]{3})+", value):
        meant = value.replace(",", "_")
    else:
        meant = f'"{value}"'
    lines[problem.line - 1] = f"{match[1]}{meant}{match[3]}"
    return "\n".join(lines), f"write {match[1].strip()} {meant}"


def _is_toml(value: str) -> bool:
    try:
        tomllib.loads(f"value = {value}")
    except ValueError:
        return False
    return True


def read_text(file: str, *, regular: bool = False) -> str:
    """Read a file of at most 1 MB in UTF-8; raises `ScenarioError`.

    Parameters
    ----------
    file : str
        Its path.
    regular : bool
        Whether pipes and devices are refused, on which a reader could wait without end.
    """
    try:
        if regular and not _is_ordinary(file):
            raise ScenarioError([Problem(file, None, "", "is no ordinary file", None, "a scenario file")])
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


def check_shape(data: Mapping[str, Any], file: str) -> None:
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


def _is_ordinary(file: str) -> bool:
    mode = os.stat(file).st_mode
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


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
