"""What a sweep's directory was made by, and what has changed since."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from sim.batch.journal import Content
from sim.batch.tables import write_json
from sim.batch.work import Resolved
from sim.errors import UsageError

NAME = "sweep.json"
"""File name of the manifest in the directory of a sweep."""

_MOST_SAID = 10


@dataclass(frozen=True)
class Manifest:
    """What results depend on.

    Parameters
    ----------
    model : str
        Hash of the sources: `sim.batch.work.model`.
    versions : mapping
        Of Lockstep and of the libraries.
    sweep : mapping
        The sweep, resolved.
    cases : tuple of Resolved
        In their order. A manifest that was read has no plans.
    base : str
        Hash of the scenario file as it is written, with what it includes.
    """

    model: str
    versions: Mapping[str, str]
    sweep: Mapping[str, Any]
    cases: tuple[Resolved, ...]
    base: str = ""

    @classmethod
    def read(cls, directory: Path) -> Self | None:
        """Give the manifest of a directory; None where there is none. Raises `UsageError` if it is no manifest."""
        path = directory / NAME
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            cases = tuple(Resolved(identity, b"", *rest) for identity, *rest in found["cases"])
            return cls(found["model"], found["versions"], found["sweep"], cases, found.get("base_sha256", ""))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
        except (ValueError, KeyError, TypeError):
            raise UsageError(
                f"{path}: was not written by sim sweep; give another directory with -o, or remove the file: "
                "the journal beside it has all results"
            ) from None

    def write(self, directory: Path) -> None:
        """Write the manifest. Raises `UsageError` if it cannot be written."""
        cases = [
            [case.identity, case.confidence, case.half_width, case.most, case.faults] for case in self.cases
        ]  # fmt: skip
        what = {
            "model": self.model, "versions": self.versions, "sweep": self.sweep, "base_sha256": self.base,
            "cases": cases,
        }  # fmt: skip
        write_json(directory / NAME, what)


def refuse_other_sources(
    before: Manifest, model: str, versions: Mapping[str, str], content: Content, directory: Path
) -> None:
    """Refuse to go on with results that were made by other sources or versions. Raises `UsageError`."""
    if before.model == model or not content.runs:
        return
    differ = (
        f"{name} {before.versions.get(name)}, here {version}"
        for name, version in versions.items()
        if before.versions.get(name) != version
    )
    raise UsageError(
        f"{directory}: its results were made with another Lockstep, Python or libraries "
        f"({', '.join(differ) or 'other sources'}), and may not go with new ones; give another directory with -o"
    )


def explain_change(before: Manifest, now: Manifest, content: Content, directory: Path, accepted: bool) -> Iterator[str]:
    """Say what has changed in a sweep since its directory was made.

    Raises
    ------
    UsageError
        If results were made by other sources or versions, or if cases that were run are none of the sweep's any more
        and nobody ``accepted`` that.
    """
    refuse_other_sources(before, now.model, now.versions, content, directory)
    changes = list(_changes(before.sweep, now.sweep))
    if not changes:
        return
    wanted = {case.identity for case in now.cases}
    dropped = len((content.runs.keys() | content.failed.keys()) - wanted)
    there = len(content.runs.keys() & wanted)
    more = [f"and {len(changes) - _MOST_SAID} more"] if len(changes) > _MOST_SAID else []
    said = [f"{directory} was made by another sweep than this:", *changes[:_MOST_SAID], *more]
    said.append(f"{there:,} of its {len(wanted):,} cases have runs there, which are used")
    if dropped and not accepted:
        remedy = "give another directory with -o, or --accept-changes"
        lost = f"{dropped:,} cases that were run are none of this sweep's, and would no longer be in the tables"
        raise UsageError("\n  ".join([*said, f"{lost}: {remedy}"]))
    yield "\n  ".join(said)


def _changes(before: Any, now: Any, path: str = "") -> Iterator[str]:
    """What differs between two descriptions, key by key."""
    if before == now:
        return
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys([*before, *now]):
            inner = f"{path}.{key}" if path else key
            if key not in before:
                yield f"{inner}: is new"
            elif key not in now:
                yield f"{inner}: is gone"
            else:
                yield from _changes(before[key], now[key], inner)
        return
    yield f"{path}: was {_short(before)}, is {_short(now)}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
