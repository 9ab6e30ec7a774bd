"""Which section of a file an unknown table was meant to be, by its keys. Imported only where something is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sim.scenario.fields import Table
from sim.scenario.recovery import RecoveryTable, RuleTable
from sim.scenario.refusal import Path
from sim.scenario.repair_tables import RepairStageTable, RepairTable
from sim.scenario.schema import ScenarioTable
from sim.scenario.walk import keys_of, walk

_ENOUGH = 0.5
"""Share of its keys that a section must know to be named. An assumption."""


def resembled(name: str, value: object) -> Path | None:
    """Return the path at which a table's keys are known best: of a section, or of a table in one that is named.

    None if no section knows half of the keys, or two know as many.
    """
    if not isinstance(value, dict) or not value:
        return None
    inner = {key for item in value.values() if isinstance(item, dict) for key in item}
    found: dict[Path, float] = {}
    for section, own, named in _sections():
        if own is not None:
            found[(section,)] = _known(set(value), own)
        if named is not None:
            found[section, name] = _known(set(value), named)
            if inner and all(isinstance(item, dict) for item in value.values()):
                found[(section,)] = max(found.get((section,), 0.0), _known(inner, named))
    best = max(found.values())
    paths = [path for path, share in found.items() if share == best]
    return paths[0] if best >= _ENOUGH and len(paths) == 1 else None


def _sections() -> Iterator[tuple[str, type[Table] | None, type[Table] | None]]:
    """Each section with the table of its own keys, and that of the tables with names in it."""
    for section in keys_of(ScenarioTable):
        table, is_collection = walk(ScenarioTable, (section,))
        if section == "recovery":
            yield section, RecoveryTable, RuleTable
        elif section == "repair":
            yield section, RepairTable, RepairStageTable
        elif table is not None:
            yield section, None if is_collection else table, table if is_collection else None


def _known(keys: set[Any], table: type[Table]) -> float:
    return len(keys & set(keys_of(table))) / len(keys)
