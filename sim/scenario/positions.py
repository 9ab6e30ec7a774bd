"""Lines of the keys of a TOML text, which TOML readers do not give."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Sequence

from sim.scenario.refusal import Path

MOST_DEPTH = 32
"""Most levels of tables and arrays, and most parts of a dotted key."""

ANY_NAME = "\0"
"""Part of a key path that stands for every name, written ``*``. No name holds what cannot be printed."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_BASIC = re.compile(r'"(?:[^"\\]|\\.)*"')
_LITERAL = re.compile(r"'[^']*'")
_STAR = re.compile(rf"{_BASIC.pattern}|{_LITERAL.pattern}|(?<![^.\s])\*(?![^.\s])")
_LONG_BASIC = re.compile(r'"""(?:[^\\]|\\.)*?"""(?:""|"|)(?!")', re.DOTALL)
_LONG_LITERAL = re.compile(r"'''.*?'''(?:''|'|)(?!')", re.DOTALL)
_SCALAR = re.compile(r"[^,\]}#\n]*")
_BLANK = re.compile(r"[ \t]*")
_FILLER = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_DEEP_KEY = re.compile(rf"{_PART}(?:[ \t]*\.[ \t]*{_PART}){{{MOST_DEPTH}}}")


class Positions:
    """Lines of the key paths of one TOML text.

    The text is scanned once. It has to be one that `tomllib` accepts; of anything else the lines up to the first
    thing that is not understood are known.

    Parameters
    ----------
    text : str
        The whole file.
    """

    def __init__(self, text: str) -> None:
        self._lines: dict[Path, int] = {}
        _Scan(text, self._lines).run()

    def line(self, path: Path) -> int | None:
        """Give the line, from 1, of the longest beginning of `path` that stands in the text; None if none does.

        Parameters
        ----------
        path : tuple of str or int
            Keys, and positions in arrays from 0.
        """
        for end in range(len(path), 0, -1):
            found = self._lines.get(path[:end])
            if found is not None:
                return found
        return None

    def __contains__(self, path: Path) -> bool:
        return path in self._lines


class _StopError(Exception):
    """The text is not TOML as this scanner understands it."""


class _Scan:
    """One pass over a text. Nothing in it recurses, so nesting cannot exhaust the stack."""

    def __init__(self, text: str, lines: dict[Path, int]) -> None:
        self._text = text
        self._at = 0
        self._lines = lines
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._table: Path = ()
        self._counts: dict[Path, int] = {}

    def run(self) -> None:
        """Note the lines of all keys."""
        try:
            while self._skip(_FILLER) < len(self._text):
                if self._peek() == "[":
                    self._header()
                else:
                    self._pair(self._table)
        except _StopError:
            return

    def _header(self) -> None:
        self._at += 1
        is_array = self._peek() == "["
        self._at += is_array
        start = self._at
        keys = self._key()
        self._take("]")
        if is_array:
            self._take("]")
        path: Path = ()
        for position, key in enumerate(keys):
            path = (*path, key)
            self._note(path, start)
            last = position == len(keys) - 1
            if last and is_array:
                self._counts[path] = self._counts.get(path, 0) + 1
            if path in self._counts:
                path = (*path, self._counts[path] - 1)
                self._note(path, start)
        self._table = path

    def _pair(self, table: Path) -> None:
        """Read one key and its value, however deep."""
        # Each open array holds its path and the position of its next item; an inline table holds -1.
        open_values: list[tuple[Path, int]] = []
        self._value(self._named(table), open_values)
        while open_values:
            path, position = open_values[-1]
            self._skip(_FILLER)
            if self._peek() == ",":
                self._at += 1
            elif self._peek() == ("}" if position < 0 else "]"):
                self._at += 1
                open_values.pop()
            elif position < 0:
                self._value(self._named(path), open_values)
            else:
                open_values[-1] = (path, position + 1)
                self._note((*path, position), self._at)
                self._value((*path, position), open_values)

    def _named(self, table: Path) -> Path:
        start = self._at
        path = table
        for key in self._key():
            path = (*path, key)
            self._note(path, start)
        self._take("=")
        self._skip(_BLANK)
        return path

    def _value(self, path: Path, open_values: list[tuple[Path, int]]) -> None:
        """Step over a scalar, or open an array or an inline table."""
        first = self._peek()
        if first in "[{":
            self._at += 1
            open_values.append((path, 0 if first == "[" else -1))
        elif self._text.startswith('"""', self._at):
            self._match(_LONG_BASIC)
        elif self._text.startswith("'''", self._at):
            self._match(_LONG_LITERAL)
        elif first in "\"'":
            self._match(_BASIC if first == '"' else _LITERAL)
        elif not self._match(_SCALAR):
            raise _StopError

    def _key(self) -> list[str]:
        keys: list[str] = []
        while True:
            self._skip(_BLANK)
            first = self._peek()
            if first == '"':
                keys.append(_unescaped(self._match(_BASIC)))
            elif first == "'":
                keys.append(self._match(_LITERAL)[1:-1])
            else:
                keys.append(self._match(_BARE))
            self._skip(_BLANK)
            if self._peek() != ".":
                return keys
            self._at += 1

    def _note(self, path: Path, at: int) -> None:
        self._lines.setdefault(path, bisect_right(self._starts, at))

    def _peek(self) -> str:
        if self._at >= len(self._text):
            raise _StopError
        return self._text[self._at]

    def _take(self, char: str) -> None:
        self._skip(_BLANK)
        if self._peek() != char:
            raise _StopError
        self._at += 1

    def _match(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise _StopError
        self._at = match.end()
        return match[0]

    def _skip(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self._text, self._at)
        self._at = match.end() if match else self._at
        return self._at


def _unescaped(quoted: str) -> str:
    if "\\" not in quoted:
        return quoted[1:-1]
    try:
        return str(tomllib.loads(f"key = {quoted}")["key"])
    except tomllib.TOMLDecodeError:
        raise _StopError from None


def deep_key(text: str) -> int | None:
    """Give the line, from 1, of a dotted key of too many parts; None if there is none.

    `tomllib` takes time and memory that grow with the square of the parts, so this comes before it.
    """
    for number, line in enumerate(text.split("\n"), start=1):
        if line.count(".") >= MOST_DEPTH and _DEEP_KEY.search(line):
            return number
    return None


def split_key(text: str) -> tuple[str, ...] | None:
    """Split a dotted key such as ``stores."a b".every``, where ``*`` is `ANY_NAME`; None if it is not one."""
    text = _STAR.sub(lambda match: '"\\u0000"' if match[0] == "*" else match[0], text)
    if deep_key(text) is not None:
        return None
    lines: dict[Path, int] = {}
    _Scan(f"{text} = 0", lines).run()
    try:
        tomllib.loads(f"{text} = 0")
    except ValueError:
        return None
    if "\n" in text or not lines:
        return None
    return tuple(str(part) for part in max(lines, key=len))


def alike(one: Sequence[str], other: Sequence[str]) -> bool:
    """Return whether two key paths of a length may be the same."""
    return all(a == b or ANY_NAME in (a, b) for a, b in zip(one, other, strict=True))
