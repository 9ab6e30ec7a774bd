"""Repair: named stages that a node passes until it is in order, each with its crews, and which stage is next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sim.scenario.entries import Entries
from sim.scenario.fields import check_name
from sim.scenario.law import Law, LawTable, law_keys, resolve_law
from sim.scenario.refusal import RefusedError, listed, nearest, shown
from sim.scenario.repair_tables import (
    AFTER_REPAIR,
    DEFAULT_REPAIR,
    REPLACE,
    SHORT,
    TIME_SOURCE,
    QuarantineTable,
    Renews,
    RepairStageTable,
    RepairTable,
    RetireTable,
)

RESET = "reset"
MOST_REPAIR_STAGES = 8


@dataclass(frozen=True, slots=True)
class RepairStage:
    """A stage of repair, resolved.

    Parameters
    ----------
    time : Law
    crews : int or None
        None: endless.
    success : float
        Probability that it reports the node in order; above 0.
    else_ : str
        Stage of a node that is not in order.
    then : str or None
        Stage of one that is; None: it comes back.
    attempts : int or None
        Most services of a node in one visit; None: no limit.
    false_fix : float
        Probability that a node that it reports in order is still bad, below 1.
    finds : float or None
        Of a test: probability that it finds a bad node; None: it is a repair.
    hours, days : str or None
        Working hours and days as written; None: at any time, every day.
    renews : bool or "all"
        Whether a node that it put in order is as new: the component that failed, or all of them.
    """

    time: Law
    crews: int | None
    success: float
    else_: str
    then: str | None
    attempts: int | None
    false_fix: float
    finds: float | None
    hours: str | None
    days: str | None
    renews: Renews


@dataclass(frozen=True, slots=True)
class Retire:
    """A node is given up at its last of so many failures within so many seconds, or after the repair of one; a new one
    comes after a time.
    """

    failures: int
    within: float
    replacement: Law
    after_repair: bool


@dataclass(frozen=True, slots=True)
class Quarantine:
    """A node with so many failures within so many seconds passes a stage before it comes back."""

    failures: int
    within: float
    stage: str


@dataclass(frozen=True, slots=True)
class Repair:
    """The stages in their order, `reset` first. What needs a reset enters the first stage; what needs repair the first
    that is not called `reset`. `relapse` is the law of life of nodes that only seem to be in order, None if all are.
    With `at_fault` repair begins at the fault, else when it is seen.
    """

    stages: Mapping[str, RepairStage]
    relapse: Law | None
    retire: Retire | None
    quarantine: Quarantine | None
    at_fault: bool = False


def split_repair(section: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split `[repair]` into its own keys and its stages; a `reset` stands before all others."""
    own: dict[str, Any] = {}
    stages: dict[str, Any] = {}
    for key, value in section.items():
        is_stage = key not in RepairTable.model_fields and (isinstance(value, dict) or key in (RESET, REPLACE))
        (stages if is_stage else own)[key] = value
    if RESET in stages:
        stages = {RESET: stages.pop(RESET), **stages}
    return own, stages


def check_repair_keys(own: Mapping[str, Any], stages: Mapping[str, Any]) -> Iterator[tuple[str | None, RefusedError]]:
    """Check the keys of `[repair]`; yields the key and what is wrong."""
    short = [key for key in SHORT if key in own]
    if short and REPLACE in stages:
        message = f"says the same as replace.{short[0]}"
        yield short[0], RefusedError(message, f"either {listed(SHORT)}, or replace", f"move {short[0]} into replace")
    for name in stages:
        try:
            check_name(name)
        except RefusedError as refusal:
            yield name, refusal
    names = list(_with_replace(own, stages))
    if len(names) > MOST_REPAIR_STAGES:
        allowed = f"at most {MOST_REPAIR_STAGES} stages"
        yield names[-1], RefusedError(f"is one stage too many: there are {len(names)}", allowed)


def _with_replace(own: Mapping[str, Any], stages: Mapping[str, Any]) -> dict[str, Any]:
    """Give the stages with the one that the short form, or no stage at all, stands for."""
    if REPLACE in stages or (not any(own.get(key) is not None for key in SHORT) and set(stages) - {RESET}):
        return dict(stages)
    first = {RESET: stages[RESET]} if RESET in stages else {}
    return {**first, REPLACE: None, **stages}


def check_stages(
    table: RepairTable, stages: Mapping[str, RepairStageTable]
) -> Iterator[tuple[str | None, RefusedError]]:
    """Check where stages lead; yields the key in `[repair]` and what is wrong."""
    known = all_stages(table, stages)
    wrong = list(_unknown(known))
    yield from wrong
    if table.quarantine is not None and table.quarantine.stage not in known:
        yield "quarantine.stage", _no_stage(table.quarantine.stage, known)
    if wrong:
        return
    yield from _check_false_fixes(table, known)
    for name, stage in known.items():
        if stage.attempts is not None and _limited_circle(name, known):
            message = "leads from stage to stage without end once their attempts are used up"
            yield f"{name}.attempts", RefusedError(message, "an else that leads to a stage without attempts")
    for name in known:
        if not _comes_back(name, known):
            yield f"{name}.then", RefusedError("is a circle: no node comes back from it", "a stage that lets nodes go")


def _unknown(known: Mapping[str, RepairStageTable]) -> Iterator[tuple[str | None, RefusedError]]:
    for name, stage in known.items():
        for key, target in (("else", stage.else_), ("then", stage.then)):
            if target is not None and target not in known:
                yield f"{name}.{key}", _no_stage(target, known)


def _no_stage(name: str, known: Mapping[str, RepairStageTable]) -> RefusedError:
    close = nearest(name, known)
    return RefusedError("is no stage of [repair]", listed(map(shown, known)), close and f"did you mean {shown(close)}?")


def _check_false_fixes(
    table: RepairTable, known: Mapping[str, RepairStageTable]
) -> Iterator[tuple[str | None, RefusedError]]:
    for name, stage in known.items():
        if stage.finds is not None and stage.false_fix is not None:
            yield f"{name}.false_fix", RefusedError("is given beside finds: a test repairs nothing", "one of them")
        if not stage.false_fix:
            continue
        if table.relapse is None:
            remedy = 'add [repair.relapse] with life = { law = "exponential", mean = "3 days" }, for example'
            yield f"{name}.false_fix", RefusedError("needs relapse.life", "false_fix with [repair.relapse]", remedy)
        after = known.get(stage.then or "")
        if after is not None and after.finds is None and after.false_fix is None:
            message = f"is undone by {stage.then}, which counts as a repair that always works"
            remedy = f"give {stage.then} finds = 0.5 if it is a test, false_fix = 0 if it is a repair, for example"
            yield f"{name}.then", RefusedError(message, "a stage with finds or false_fix", remedy)


def next_of(name: str, known: Mapping[str, RepairStageTable]) -> str:
    """Give the stage to which a node goes that a stage did not put in order."""
    stage = known[name]
    if stage.else_ is not None:
        return stage.else_
    names = list(known)
    after = names[min(names.index(name) + 1, len(names) - 1)]
    return name if after == stage.then else after


def _limited_circle(name: str, known: Mapping[str, RepairStageTable]) -> bool:
    """Whether a node that a stage serves no more is sent round stages that serve it no more."""
    seen: set[str] = set()
    while known[name].attempts is not None and name not in seen:
        seen.add(name)
        name = next_of(name, known)
    return name in seen


def _comes_back(name: str, known: Mapping[str, RepairStageTable]) -> bool:
    """Whether a node that enters a stage can ever leave the shop."""
    found, todo = {name}, [name]
    while todo:
        here = todo.pop()
        stage = known[here]
        if stage.then is None:
            return True
        fails = stage.success < 1 or stage.attempts is not None
        for target in (stage.then, next_of(here, known)) if fails else (stage.then,):
            if target not in found:
                found.add(target)
                todo.append(target)
    return False


def all_stages(table: RepairTable, stages: Mapping[str, RepairStageTable]) -> dict[str, RepairStageTable]:
    """Give all stages in their order; the short form becomes the stage `replace`."""
    given = {name: getattr(table, name) for name in SHORT if getattr(table, name) is not None}
    made = RepairStageTable.model_validate({"time": DEFAULT_REPAIR}).model_copy(update=given)
    return {name: stage or made for name, stage in _with_replace(given, stages).items()}


def resolve_repair(table: RepairTable, stages: Mapping[str, RepairStageTable], entries: Entries) -> Repair:
    """Resolve `[repair]`."""
    path = ("repair",)
    known = all_stages(table, stages)
    found = {name: _stage((*path, name), next_of(name, known), stage, entries) for name, stage in known.items()}
    if table.time is None and REPLACE not in stages and REPLACE in known:
        entries.mark_default((*path, REPLACE, "time"), TIME_SOURCE)
    entries.field(path, table, "begins", "")
    relapse = None
    if table.relapse is not None:
        time_entries((*path, "relapse", "life"), table.relapse.life, entries)
        relapse = resolve_law(table.relapse.life)
    retire, quarantine = _retire(table.retire, entries), _quarantine(table.quarantine, entries)
    return Repair(found, relapse, retire, quarantine, table.begins == "fault")


def _retire(table: RetireTable | None, entries: Entries) -> Retire | None:
    if table is None:
        return None
    path = ("repair", "retire")
    entries.field(path, table, "failures", "1")
    entries.field(path, table, "within", "s")
    entries.field(path, table, "decided", "")
    time_entries((*path, "replacement"), table.replacement, entries)
    law = resolve_law(table.replacement)
    return Retire(table.failures, float(table.within), law, table.decided == AFTER_REPAIR)


def _quarantine(table: QuarantineTable | None, entries: Entries) -> Quarantine | None:
    if table is None:
        return None
    for key, unit in (("failures", "1"), ("within", "s"), ("stage", "")):
        entries.field(("repair", "quarantine"), table, key, unit)
    return Quarantine(table.failures, float(table.within), table.stage)


def _stage(path: tuple[str, ...], other: str, table: RepairStageTable, entries: Entries) -> RepairStage:
    renews = path[-1] == REPLACE if table.renews is None else table.renews
    entries.field(path, table, "crews", "1")
    entries.field(path, table, "success", "1")
    entries.field(path, table, "else_", "", other)
    entries.field(path, table, "then", "")
    entries.field(path, table, "attempts", "1")
    entries.field(path, table, "false_fix", "1")
    entries.field(path, table, "finds", "1")
    entries.field(path, table, "hours", "")
    entries.field(path, table, "days", "")
    entries.field(path, table, "renews", "", renews)
    time_entries((*path, "time"), table.time, entries)
    return RepairStage(
        resolve_law(table.time),
        table.crews,
        float(table.success),
        other,
        table.then,
        table.attempts,
        float(table.false_fix or 0.0),
        None if table.finds is None else float(table.finds),
        table.hours,
        table.days,
        renews,
    )


def time_entries(path: tuple[str, ...], table: LawTable, entries: Entries) -> None:
    """Add the keys of a duration."""
    if table.time is not None:
        entries.add(path, table.time, "s")
        return
    for key, value in law_keys(table).items():
        entries.add((*path, key), value, "" if key in ("law", "of") else "s")
