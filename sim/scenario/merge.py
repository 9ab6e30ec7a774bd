"""Several scenario files as one: tables are merged deeply, and later files win."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sim.errors import Problem
from sim.scenario.document import Document
from sim.scenario.fields import Table
from sim.scenario.include import INCLUDE
from sim.scenario.places import Places
from sim.scenario.recovery import RESTART, RecoveryTable, RuleTable, split_recovery
from sim.scenario.refusal import Path, listed, nearest, shown, shown_path
from sim.scenario.repair_tables import RepairStageTable, RepairTable
from sim.scenario.schema import ScenarioTable
from sim.scenario.walk import walk

_RECOVERY = "recovery"
_REPAIR = "repair"
_NAMES_LISTED = 16
_NAMES_COMPARED = 100


@dataclass(frozen=True)
class Merged:
    """What several files say together, where each key stands, and what cannot be merged."""

    data: dict[str, Any]
    places: Places
    problems: list[Problem]


def merge(documents: Sequence[Document]) -> Merged:
    """Merge files; each wins over all before it.

    Tables are merged key by key; values and arrays are replaced. A key replaces those that it excludes, such as `mtbf`
    an `observed` of an earlier file. ``false`` where a table may stand removes what earlier files put there.

    Parameters
    ----------
    documents : sequence of Document
        The files, the one that the user named last.
    """
    merging = _Merging(documents)
    for number in range(len(documents)):
        merging.add(number)
    return Merged(merging.data, Places(documents, merging.origins), merging.problems)


class _Merging:
    def __init__(self, documents: Sequence[Document]) -> None:
        self.data: dict[str, Any] = {}
        self.origins: dict[Path, int] = {}
        self.problems = [problem for document in documents for problem in document.problems]
        self._documents = documents

    def add(self, number: int) -> None:
        """Merge one more file."""
        rules = list(_rules(self.data))
        new = {key: value for key, value in self._documents[number].data.items() if key != INCLUDE}
        for path in list(_excluded(self.data, new)):
            self._drop(path, self.data[path[0]])
        self._table((), self.data, new, number)
        self._order_rules(rules)

    def _table(self, path: Path, old: dict[str, Any], new: dict[str, Any], number: int) -> None:
        for key in _replaced(path, new) & old.keys():
            self._drop((*path, key), old)
        brought = list(old)
        for key, value in new.items():
            at = (*path, key)
            if value is False and _table_at(at)[0] is not None:
                if key in old:
                    self._drop(at, old)
                else:
                    self._removes_nothing(at, brought, number)
                continue
            if not isinstance(value, dict) or not isinstance(old.get(key), dict):
                self._drop(at, old)
                old[key] = {} if isinstance(value, dict) else copy.deepcopy(value)
            self.origins[at] = number
            if isinstance(value, dict):
                self._table(at, old[key], value, number)

    def _removes_nothing(self, path: Path, brought: list[str], number: int) -> None:
        document = self._documents[number]
        line = None if document.positions is None else document.positions.line(path)
        message = "removes nothing: no included file brings it"
        allowed = listed(shown_path((name,)) for name in brought) if 0 < len(brought) <= _NAMES_LISTED else None
        # Comparing names is slow, and nobody reads so many.
        close = nearest(str(path[-1]), brought[:_NAMES_COMPARED]) if len(self.problems) < _NAMES_COMPARED else None
        remedy = f"did you mean {shown_path((*path[:-1], close))}?" if close else None
        problem = Problem(document.file, line, shown_path(path), message, shown(False), allowed, remedy)
        self.problems.append(problem)

    def _drop(self, path: Path, old: dict[str, Any]) -> None:
        """Drop what stands at `path`, if anything does."""
        todo = [(path, old.pop(str(path[-1]), None))]
        while todo:
            at, value = todo.pop()
            self.origins.pop(at, None)
            if isinstance(value, dict):
                todo.extend(((*at, key), inner) for key, inner in value.items())

    def _order_rules(self, earlier: list[str]) -> None:
        """Put rules that a file adds before those of earlier files; the one that always fits must be the last."""
        rules = _rules(self.data)
        added = [name for name in rules if name not in earlier]
        if not earlier or not added:
            return
        section = self.data[_RECOVERY]
        order = [
            *(name for name in added if "when" in rules[name]),
            *(name for name in rules if name in earlier),
            *(name for name in added if "when" not in rules[name]),
        ]
        own = [key for key in section if key not in rules]
        self.data[_RECOVERY] = {key: section[key] for key in (*own, *order)}


def _rules(data: dict[str, Any]) -> dict[str, Any]:
    return split_recovery(_section(data, _RECOVERY))[1]


def _section(data: dict[str, Any], name: str) -> dict[str, Any]:
    section = data.get(name)
    return section if isinstance(section, dict) else {}


def _replaced(path: Path, new: dict[str, Any]) -> set[str]:
    """Give the keys of earlier files that go because of the new ones."""
    table, is_collection = _table_at(path)
    if table is None or is_collection:
        return set()
    return {gone for key, value in new.items() if value is not False for gone in table.replaces.get(key, ())}


def _excluded(old: dict[str, Any], new: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Give what goes beyond the keys of one table: restart or rules, and both ways to say when a fault is seen."""
    before = _rules(old)
    own, rules = split_recovery(_section(new, _RECOVERY))
    restart = own.get(RESTART, False)
    if rules and RESTART in _section(old, _RECOVERY) and RESTART not in before:
        yield _RECOVERY, RESTART
    # A table under restart is the rule of that name if an earlier file has one.
    if restart is not False and not (isinstance(restart, dict) and RESTART in before):
        yield from ((_RECOVERY, name) for name in before)
    if "stop" in _section(new, "detect") and "detect" in _section(old, _RECOVERY):
        yield _RECOVERY, "detect"
    if "detect" in own and "stop" in _section(old, "detect"):
        yield "detect", "stop"


def _table_at(path: Path) -> tuple[type[Table] | None, bool]:
    """Give the table that may stand at a path, and whether it is a collection of such."""
    found = walk(ScenarioTable, path)
    if len(path) > 1 and path[0] == _REPAIR and path[1] not in RepairTable.model_fields:
        return walk(RepairStageTable, path[2:])
    if found[0] is not None or len(path) < 2 or path[0] != _RECOVERY:
        return found
    # Rules stand beside the section's own keys, and one of them may be called restart.
    own = path[1] in RecoveryTable.model_fields and path[1] != RESTART
    return found if own else walk(RuleTable, path[2:])
