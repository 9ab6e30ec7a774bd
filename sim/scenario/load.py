"""Loading of scenario files: the file, the TOML, the overrides, and all that is wrong with them at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path as FilePath
from typing import Any

from sim.arguments import check_text, described
from sim.errors import Problem, ScenarioError, UsageError
from sim.scenario import overrides as overriding
from sim.scenario.checks import check_all
from sim.scenario.document import Document, check_shape, parse, read_text
from sim.scenario.findings import COMMAND_LINE, Findings
from sim.scenario.include import INCLUDE, refuse_include, with_included
from sim.scenario.merge import Merged, merge
from sim.scenario.overrides import Overrides, as_texts
from sim.scenario.places import Places
from sim.scenario.reading import read_parts, resolve
from sim.scenario.schema import Maker, Scenario
from sim.scenario.toml import plain
from sim.scenario.unused import unused_keys

Source = Scenario | str | PathLike[str] | Mapping[str, Any]
"""What stands for a scenario: one that is loaded, the path of its file, or parsed TOML."""

_NO_FILE = "<string>"
_UNNAMED = "scenario"
_IS_SWEEP = "is a sweep, not a scenario"
_NO_SWEEP = "a file with [cluster] and [run]"
_RUN_SWEEP = "sim sweep FILE -o DIRECTORY runs its cases; the base alone is the file that its scenario names"


class Base:
    """A scenario file that is read, parsed and merged once, and makes scenarios with changes as often as wanted.

    It can be pickled. What it makes, and what it refuses, is what `load` makes and refuses.

    Parameters
    ----------
    document : Document
        The file that the user named; what it includes is read here.

    Raises
    ------
    ScenarioError
        If a file that is included cannot be read, or is no TOML.
    """

    def __init__(self, document: Document) -> None:
        self.file = document.file
        if "cluster" not in document.data and {"scenario", "axes"} <= document.data.keys():
            raise ScenarioError([Problem(self.file, None, "", _IS_SWEEP, None, _NO_SWEEP, _RUN_SWEEP)])
        if INCLUDE in document.data:
            self._merged = merge(with_included(document))
        else:
            self._merged = Merged(document.data, Places([document]), list(document.problems))

    @classmethod
    def read(cls, path: str | PathLike[str], *, regular: bool = False) -> Base:
        """Read a file, as `load` does; no pipe or device if it must be `regular`."""
        file = str(path)
        return cls.parse(read_text(file, regular=regular), file)

    def sha256(self) -> str:
        """Return the hash of what is written: scenarios with the same changes of bases with the same hash are equal."""
        written = json.dumps(self._merged.data, sort_keys=True, default=repr)
        return hashlib.sha256(written.encode()).hexdigest()

    @classmethod
    def parse(cls, text: str, file: str) -> Base:
        """Parse a text, as `loads` does."""
        document = parse(text, file)
        if file.startswith("<"):
            refuse_include(document, "needs the folder of the file", "name the file: loads(text, file)")
        return cls(document)

    def scenario(self, overrides: Sequence[str] = ()) -> Scenario:
        """Give the scenario with overrides, each ``path.to.key=value``. Reads no file. Raises `ScenarioError`."""
        merged = self._merged
        data = _copied(merged.data)
        done, wrong = overriding.apply(data, overrides)
        if INCLUDE in data:
            wrong.append(
                Problem(COMMAND_LINE, None, INCLUDE, "comes too late: files are merged before", None, "a file")
            )
        check_shape(data, self.file)
        findings = Findings(merged.places, data, done, merged.problems)
        parts = read_parts(data, findings)
        check_all(data, parts, findings)
        if findings or wrong:
            raise ScenarioError(overriding.once(overrides, [*findings.sorted(), *wrong]))
        found = resolve(data.get("name") or _stem(self.file), parts)
        return replace(found, unused=unused_keys(data, found), base=self, changes=tuple(overrides))


def _copied(value: Any) -> Any:
    """Tables and arrays anew, as overrides change them in place; `copy.deepcopy` takes five times as long."""
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return value


def load(path: Source, overrides: Overrides = ()) -> Scenario:
    """Load a scenario file. Nothing but it and the files that it includes is read, and no code in them is run.

    Parameters
    ----------
    path : str, path, dict or Scenario
        TOML file of at most 1 MB, UTF-8; the files in its `include` are found from its folder. Or parsed TOML without
        `include`, such as `Scenario.resolved` gives, or a scenario, which is changed.
    overrides : dict or list of str
        Values by dotted key, ``{"job.nodes": 9}``, or texts, ``["job.nodes=9"]``: applied after the files are merged
        and before anything is checked. A table replaces all that stands there.

    Raises
    ------
    ScenarioError
        With every problem that was found, each with file, line, key, what was given and what is allowed.
    UsageError
        If an argument is of another type.
    """
    return scenario_of(path, overrides, "path", "overrides")


def loads(text: str, file: str = _NO_FILE, overrides: Overrides = ()) -> Scenario:
    """Load a scenario from a text. Raises `ScenarioError`, and `UsageError` as `load` does.

    Parameters
    ----------
    text : str
        What would stand in a file.
    file : str
        Named in messages; its folder is where the files in `include` are found. Without it `include` is refused.
    overrides : dict or list of str
        As for `load`.
    """
    check_text("text", text)
    return Base.parse(text, check_text("file", file)).scenario(as_texts(overrides))


def from_dict(data: Mapping[str, Any], file: str = "<dict>", overrides: Overrides = ()) -> Scenario:
    """Load a scenario from parsed TOML without `include`, such as `Scenario.resolved` gives. Raises `ScenarioError`."""
    return _base_of_dict(data, file).scenario(as_texts(overrides))


def scenario_of(
    source: Source, changes: Overrides = (), name: str = "scenario", changes_name: str = "changes"
) -> Scenario:
    """Return the scenario that an argument stands for, with changes.

    Parameters
    ----------
    source : Scenario, path or dict
        A scenario that is loaded, the path of its file, or parsed TOML.
    changes : dict or list of str
        As for `load`.
    name, changes_name : str
        Of the arguments, for messages.

    Raises
    ------
    ScenarioError
        If it is not valid.
    UsageError
        If an argument is of another type.
    """
    more = as_texts(changes, changes_name)
    if isinstance(source, Scenario):
        return source.with_(more) if more else source
    return base_of(source, name).scenario(more)


def base_of(source: Source, name: str = "scenario") -> Maker:
    """Return what makes a scenario and its changes again; of one that is loaded without the changes made to it.

    Raises
    ------
    ScenarioError
        If the file cannot be read, or is no TOML.
    UsageError
        If it is of another type; `name` is the argument's.
    """
    if isinstance(source, Scenario):
        return source.base
    if isinstance(source, Mapping):
        return _base_of_dict(source, "<dict>")
    if not isinstance(source, (str, PathLike)) or not isinstance(fspath(source), str):
        raise UsageError(f"{name} must be a path, a dict or a Scenario, not {described(source)}")
    if isinstance(source, str) and "\n" in source:
        raise UsageError(f"{name} is a text of several lines, not a path: give the text to sim.loads")
    return Base.read(source)


def _base_of_dict(data: Mapping[str, Any], file: str) -> Base:
    check_shape(data, file)
    document = Document(file, plain(dict(data)), None)
    refuse_include(document, "stands in parsed TOML, which has no folder", "load the file instead")
    return Base(document)


def problems(path: str | PathLike[str], overrides: Sequence[str] = ()) -> list[Problem]:
    """Give everything that is wrong with a scenario file; an empty list if it can be used."""
    try:
        Base.read(path).scenario(overrides)
    except ScenarioError as error:
        return error.problems
    return []


def _stem(file: str) -> str:
    stem = "" if file.startswith("<") else "".join(char for char in FilePath(file).stem if char.isprintable())
    return stem[:200] or _UNNAMED
