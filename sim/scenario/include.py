"""Files that a scenario file includes, in the order in which they are merged."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path as FilePath
from typing import Any

from sim.errors import Problem, ScenarioError
from sim.scenario.document import Document, parse, read_text
from sim.scenario.fields import Json, Reader
from sim.scenario.refusal import Path, RefusedError, nearest, shown, shown_path

INCLUDE = "include"
MOST_FILES = 32
MOST_LEVELS = 8
_MOST_NAME = 1_000
_MOST_LISTED = 1_000
_MOST_SHOWN = 60
_NAME = 'the name of a file, relative to this one, such as "catalog/hgx-h100.toml"'


class FileNames(Reader):
    """Names of files to include."""

    allowed = f"an array of at most {MOST_FILES} file names, each relative to this file"

    def read(self, value: object) -> list[Any]:
        """Give the names, or raise `RefusedError`; each still has to be looked at."""
        if not isinstance(value, list):
            raise RefusedError("must be an array", self.allowed, "write it in [ ]" if isinstance(value, str) else None)
        if len(value) > MOST_FILES:
            raise RefusedError("names too many files", self.allowed)
        return value

    def json_schema(self) -> Json:
        """Give the JSON schema of the names."""
        return {
            "type": "array",
            "items": {"type": "string", "minLength": 1, "maxLength": _MOST_NAME},
            "maxItems": MOST_FILES,
            "uniqueItems": True,
            "examples": [["catalog/hgx-h100.toml"]],
        }


def with_included(main: Document) -> list[Document]:
    """Give a file with all that it includes, in the order in which later ones win: `main` is the last.

    What a file includes comes before it, in the order of its array. A file that is included from several places comes
    once, where it is needed first.

    Raises
    ------
    ScenarioError
        With each include that cannot be followed, and each file that is not TOML.
    """
    line = _Line()
    line.add(main, [os.path.realpath(main.file)], [main.file])
    if line.problems:
        raise ScenarioError(line.problems)
    return line.documents


class _Line:
    """The files one after the other. It never recurses deeper than files may include one another."""

    def __init__(self) -> None:
        self.documents: list[Document] = []
        self.problems: list[Problem] = []
        self._seen: set[str] = set()

    def add(self, document: Document, chain: list[str], names: list[str]) -> None:
        """Add what a file includes, then the file; `chain` and `names` lead from the first file to this one."""
        for path, given, target in self._targets(document):
            real = os.path.realpath(target)
            try:
                if real in chain:
                    around = " includes ".join(_short(name) for name in [*names[chain.index(real) :], target])
                    raise RefusedError(f"goes round in a circle: {around}", "a file that does not include this one")
                if real in self._seen:
                    continue
                if len(chain) > MOST_LEVELS:
                    raise RefusedError("is nested too deep", f"at most {MOST_LEVELS} levels of include")
                if len(self._seen) >= MOST_FILES:
                    raise RefusedError("is one file too many", f"at most {MOST_FILES} included files in all")
            except RefusedError as refusal:
                self._refuse(document, path, given, refusal)
                continue
            self._seen.add(real)
            included = self._read(document, path, given, target)
            if included is not None:
                self.add(included, [*chain, real], [*names, target])
        self.documents.append(document)

    def _targets(self, document: Document) -> list[tuple[Path, str, str]]:
        """Give key path, name and path of each file that a file names."""
        found: dict[str, tuple[Path, str, str]] = {}
        try:
            names = FileNames().read(document.data.get(INCLUDE, []))
        except RefusedError as refusal:
            self._refuse(document, (INCLUDE,), document.data[INCLUDE], refusal)
            return []
        for position, name in enumerate(names):
            path: Path = (INCLUDE, position)
            try:
                _check_name(name)
                target = str(FilePath(document.file).parent / name)
                if os.path.realpath(target) in found:
                    raise RefusedError("is named twice", "each file once")
                found[os.path.realpath(target)] = (path, name, target)
            except RefusedError as refusal:
                self._refuse(document, path, name, refusal)
        return list(found.values())

    def _read(self, document: Document, path: Path, given: str, target: str) -> Document | None:
        try:
            text = read_text(target, regular=True)
        except ScenarioError as error:
            (problem,) = error.problems
            refusal = RefusedError(problem.message, problem.allowed, _meant(given, target))
            if problem.line is None:
                self._refuse(document, path, given, refusal)
            else:
                self.problems.append(problem)
            return None
        try:
            return parse(text, target)
        except ScenarioError as error:
            self.problems.extend(error.problems)
            return None

    def _refuse(self, document: Document, path: Path, given: object, refusal: RefusedError) -> None:
        line = None if document.positions is None else document.positions.line(path)
        key = shown_path(path)
        problem = Problem(document.file, line, key, refusal.message, shown(given), refusal.allowed, refusal.remedy)
        self.problems.append(problem)


def refuse_include(document: Document, message: str, remedy: str) -> None:
    """Refuse `include` where there is no file that the names could be relative to; raises `ScenarioError`."""
    if INCLUDE in document.data:
        line = None if document.positions is None else document.positions.line((INCLUDE,))
        raise ScenarioError([Problem(document.file, line, INCLUDE, message, None, None, remedy)])


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not 1 <= len(name) <= _MOST_NAME or not name.isprintable():
        raise RefusedError("must be the name of a file", _NAME)
    if "://" in name:
        raise RefusedError("is an address, and nothing is fetched", _NAME, "download it, and include the file")


def _meant(given: str, target: str) -> str | None:
    """Give a file beside the one that cannot be read that may have been meant."""
    wanted = FilePath(target)
    try:
        beside = [item.name for item in islice(wanted.parent.iterdir(), _MOST_LISTED) if item.suffix == ".toml"]
    except OSError:
        return None
    close = nearest(wanted.name, beside)
    if close is None or close == wanted.name or not FilePath(given).name:
        return None
    return f"did you mean {shown(str(FilePath(given).with_name(close)))}?"


def _short(name: str) -> str:
    printable = "".join(char if char.isprintable() else "?" for char in name)
    return printable if len(printable) <= _MOST_SHOWN else f"...{printable[3 - _MOST_SHOWN :]}"
