"""Collects everything that is wrong with a scenario, in the words and with the places of the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from sim.errors import Problem
from sim.scenario.fields import Reader, ShortForm, Table
from sim.scenario.places import Places
from sim.scenario.refusal import Path, RefusedError, listed, nearest, shown, shown_path
from sim.scenario.walk import field_of, keys_of, walk

COMMAND_LINE = "command line"
_MOST_SHOWN = 100
_KEYS_LISTED = 16
_GPUS = ("gpus", "gpu", "num_gpus", "n_gpus", "gpu_count")
_STRUCTURE = {
    "model_type": ("must be a table", "a table"),
    "model_attributes_type": ("must be a table", "a table"),
    "dict_type": ("must be a table", "a table"),
    "list_type": ("must be an array", "an array of tables"),
}


class Findings:
    """Problems of one scenario.

    Parameters
    ----------
    places : Places
        Files and lines of the keys.
    data : dict
        The whole scenario, all files merged and overrides applied.
    overridden : iterable of tuple
        Key paths that the command line set.
    found : iterable of Problem
        What is known to be wrong already.
    """

    def __init__(
        self,
        places: Places,
        data: Mapping[str, Any],
        overridden: Iterable[tuple[str, ...]] = (),
        found: Iterable[Problem] = (),
    ) -> None:
        self._places = places
        self._data = data
        self._overridden = tuple(overridden)
        self._problems: list[Problem] = list(found)

    def __bool__(self) -> bool:
        return bool(self._problems)

    def add(self, path: Path, refusal: RefusedError, *, missing: str | None = None) -> None:
        """Add a refusal of what stands at `path`, or of `missing`, a key that does not stand under it."""
        found = self._value(path)
        is_leaf = missing is None and not isinstance(found, (dict, list, _Nothing))
        key = shown_path(path if missing is None else (*path, missing))
        file, line = self._place(path)
        given = shown(found) if is_leaf else None
        self._problems.append(Problem(file, line, key, refusal.message, given, refusal.allowed, refusal.remedy))

    def add_all(self, path: Path, found: Iterable[tuple[str | None, RefusedError]]) -> None:
        """Add refusals of keys under `path`; the key None stands for `path`, dots part keys."""
        for key, refusal in found:
            self.add(path if key is None else (*path, *self._split(path, key)), refusal)

    def add_wrong_type(self, path: Path, allowed: str = "a table") -> None:
        """Add that what stands at `path` is not a table."""
        file, line = self._place(path)
        given = shown(self._value(path))
        self._problems.append(Problem(file, line, shown_path(path), "must be a table", given, allowed))

    def add_unknown(self, path: Path, known: Iterable[str], meant: Path | None = None) -> str | None:
        """Add an unknown key; gives the known one that may have been meant, `meant` if that is known."""
        keys = list(known)
        close = nearest(str(path[-1]), keys) if meant is None else str(meant[0])
        file, line = self._place(path)
        allowed = listed(keys) if len(keys) <= _KEYS_LISTED else None
        remedy = f'did you mean "{close}"?' if close else None
        if meant is not None and len(meant) > 1:
            remedy = f"did you mean [{shown_path(meant)}]?"
        if path[-1] in _GPUS and "nodes" in keys:
            remedy = self._in_nodes(self._value(path))
        self._problems.append(Problem(file, line, shown_path(path), "is an unknown key", None, allowed, remedy))
        return close

    def _in_nodes(self, gpus: object) -> str:
        """Say how many nodes so many GPUs are."""
        each = self._value(("cluster", "gpus_per_node"))
        each = each if isinstance(each, int) and each > 0 else 8
        if isinstance(gpus, bool) or not isinstance(gpus, int) or gpus < 1:
            return "write nodes: GPUs / cluster.gpus_per_node"
        return f"write nodes = {-(-gpus // each)}: {gpus:_} GPUs with {each} in a node"

    def add_errors(self, path: Path, model: type[Table], error: ValidationError) -> set[str]:
        """Add what pydantic found in a table at `path`; gives the keys that unknown ones may have meant."""
        details = error.errors(include_url=False)
        meant: set[str] = set()
        for detail in details:
            if detail["type"] == "extra_forbidden":
                loc = _plain(detail["loc"])
                owner = walk(model, loc[:-1])[0] or model
                meant.add(shown_path((*loc[:-1], self.add_unknown((*path, *loc), keys_of(owner)) or "")))
        for detail in details:
            if detail["type"] == "missing" and shown_path(_plain(detail["loc"])) in meant:
                continue
            if detail["type"] != "extra_forbidden":
                self._add_detail(path, model, detail)
        return meant

    def sorted(self) -> list[Problem]:
        """Give all problems by file and line, those without a line after them, those of the command line last."""
        unique = list(dict.fromkeys(self._problems))
        order = {file: self._places.order(file) for file in {item.file for item in unique}}
        unique.sort(
            key=lambda item: (item.file == COMMAND_LINE, order[item.file], item.line is None, item.line or 0),
        )
        if len(unique) <= _MOST_SHOWN:
            return unique
        rest = Problem(self._places.file, None, "", f"has {len(unique) - _MOST_SHOWN} more problems")
        return [*unique[:_MOST_SHOWN], rest]

    def _add_detail(self, path: Path, model: type[Table], detail: ErrorDetails) -> None:
        loc = _plain(detail["loc"])
        cause = detail.get("ctx", {}).get("error")
        if detail["type"] == "missing":
            refusal = RefusedError("is missing", _allowed_at(model, loc))
            self.add(self._existing((*path, *loc[:-1])), refusal, missing=str(loc[-1]))
        elif isinstance(cause, RefusedError):
            self.add(self._existing((*path, *loc)), cause)
        else:
            message, allowed = _STRUCTURE.get(detail["type"], (detail["msg"], None))
            file, line = self._place((*path, *loc))
            where = self._existing((*path, *loc))
            given = shown(self._value(where))
            self._problems.append(Problem(file, line, shown_path(where), message, given, allowed))

    def _place(self, path: Path) -> tuple[str, int | None]:
        plain = tuple(str(part) for part in path)
        for override in self._overridden:
            made_by_it = override[: len(plain)] == plain and plain and not self._places.stands(path)
            if made_by_it or plain[: len(override)] == override:
                return COMMAND_LINE, None
        return self._places.of(path)

    def _value(self, path: Path) -> Any:
        found: Any = self._data
        for part in path:
            try:
                found = found[part]
            except (KeyError, IndexError, TypeError):
                return _Nothing()
        return found

    def _existing(self, path: Path) -> Path:
        """Give the longest beginning of `path` that stands in the file: short forms have fewer keys."""
        end = len(path)
        while end and isinstance(self._value(path[:end]), _Nothing):
            end -= 1
        return path[:end]

    def _split(self, path: Path, key: str) -> Path:
        # A rule's own name may hold a dot, so a key that is there as a whole wins.
        if not isinstance(self._value((*path, key)), _Nothing):
            return (key,)
        head, _, tail = key.rpartition(".")
        return (head, tail) if head else (key,)


class _Nothing:
    """What stands at a path that does not exist."""


def _plain(loc: tuple[int | str, ...]) -> Path:
    return tuple(loc)


def _allowed_at(model: type[Table], loc: Path) -> str | None:
    owner, _ = walk(model, loc[:-1])
    info = None if owner is None else field_of(owner, loc[-1])
    if info is None:
        return None
    for item in info.metadata:
        if isinstance(item, Reader):
            return item.allowed
        if isinstance(item, ShortForm):
            return f"{item.short[0].allowed}, or a table"
    return info.description
