"""Repair: named stages that a node passes until it is in order, each with its crews, and which stage is next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from sim.scenario.calendar import Days, Hours
from sim.scenario.entries import Entries
from sim.scenario.fields import (
    DURATION,
    AtLeastOne,
    Flag,
    Json,
    PositiveDuration,
    Probability,
    Reader,
    ShortForm,
    Slowdown,
    Success,
    Table,
    Whole,
    check_name,
    either,
    setting,
)
from sim.scenario.law import NEVER, Law, LawTable, RepairTime, law_keys, resolve_law
from sim.scenario.refusal import RefusedError, listed, nearest, shown

RESET = "reset"
REPLACE = "replace"
MOST_REPAIR_STAGES = 8
MOST_FAILURES = 16
_SHORT = ("time", "crews", "success")
_DEFAULT_REPAIR = "1 day"
_TIME_SOURCE = (
    "best case several hours, often days (SemiAnalysis, 100,000 H100 Clusters, 2024); the value is an assumption"
)


class _StageReader(Reader):
    """The name of a stage of repair; the check of all stages says which are known."""

    allowed = "the name of a stage of [repair]"

    def read(self, value: object) -> str:
        """Give the word, or raise `RefusedError`."""
        if not isinstance(value, str):
            raise RefusedError("must be a text", self.allowed)
        return value

    def json_schema(self) -> Json:
        """Give the JSON schema of the word."""
        return {"type": "string", "examples": [REPLACE]}


StageName = Annotated[str, _StageReader()]


class RepairStageTable(Table):
    """A stage of repair as written."""

    time: RepairTime = setting('Time that the stage takes: a duration, a table with a law, or "never".')
    crews: AtLeastOne | None = setting(
        "Nodes that the stage serves at once; 1 or more.", None, "endless: every node is served at once"
    )
    success: Success = setting(
        "Probability that the stage reports the node in order; above 0, at most 1.",
        1.0,
        "assumption: a repair that is done has worked",
    )
    else_: StageName | None = setting(
        "Stage to which a node goes that this one did not put in order.",
        None,
        "the next stage in file order; this one again if it is the last, or if `then` names the next",
        alias="else",
    )
    then: StageName | None = setting(
        "Stage to which a node goes that this one put in order: parts and then the replacement, or a burn-in before it "
        "comes back.",
        None,
        "none: the node comes back",
    )
    attempts: AtLeastOne | None = setting(
        "Most services of one node in one visit of the shop: until then a node that is not in order is served again, "
        "from then on it goes to `else`, wherever it comes from; 1 or more.",
        None,
        "no limit, and a node that is not in order goes to `else` at once",
    )
    false_fix: Slowdown | None = setting(
        "Probability that a node that the stage reports in order is still bad, from 0 to below 1: it comes back, and "
        "fails again after the life of `relapse`. The last repair that a node passes decides.",
        None,
        "0: what is reported in order is in order",
    )
    finds: Probability | None = setting(
        "Makes the stage a test that repairs nothing, such as a burn-in: probability that it finds a node that is "
        "still bad, from 0 to 1, which then goes to `else`. Not beside false_fix.",
        None,
        "none: the stage is a repair, after which the node is good or a false fix",
    )
    hours: Annotated[str, Hours()] | None = setting(
        "Working hours: work on a node goes on only in them, and a node that is not done then keeps its crew until it "
        "is. Hours that end before they begin end on the next day.",
        None,
        "00:00-24:00: at any time",
    )
    days: Annotated[str, Days()] | None = setting(
        "Working days, on which the hours begin; run.start says what day and time it is at first.",
        None,
        "mon-sun: every day",
    )
    renews: Flag | None = setting(
        "Whether a node that the stage put in order is as new: what failed was replaced, so that its age begins again.",
        None,
        "true for a stage called replace, else false",
    )


def _as_life(value: object) -> dict[str, Any]:
    return {"time": value}


LifeTime = Annotated[LawTable, ShortForm(_as_life, (DURATION,))]
"""A duration, or a table with a law."""


class RelapseTable(Table):
    """`repair.relapse` as written."""

    life: LifeTime = setting(
        "Time for which a node works that only seems to be in order: a duration, or a table with a law. It passes "
        "while fault clocks run and the node is in the job or a hot spare. Then a fault of the source that sent it to "
        "repair strikes it; it needs repair."
    )


class RetireTable(Table):
    """`repair.retire` as written."""

    failures: Annotated[int, Whole(1, MOST_FAILURES)] = setting(
        "Failures of a node that are one too many, from 1 to 16: at the last of them it leaves for good. Faults that "
        "sent the node itself to repair count, when they did; faults of its domain and lost processes do not."
    )
    within: PositiveDuration = setting("Time in which they fall, in s, above 0.")
    replacement: RepairTime = setting(
        "Time until a new node takes its place: a duration, a table with a law, or never. Until then the old one "
        "counts as in repair.",
        NEVER,
        "a node that leaves for good is not replaced",
    )


class QuarantineTable(Table):
    """`repair.quarantine` as written."""

    failures: Annotated[int, Whole(1, MOST_FAILURES)] = setting(
        "Failures after which a node is a suspect, from 1 to 16, counted as for retire."
    )
    within: PositiveDuration = setting("Time in which they fall, in s, above 0.")
    stage: StageName = setting(
        "Stage that a suspect must pass after its repair, before it comes back, unless that has served it already."
    )


class RepairTable(Table):
    """The keys of `[repair]` that are not stages, as written."""

    replaces: ClassVar[Mapping[str, frozenset[str]]] = either(_SHORT, (REPLACE,))

    time: RepairTime | None = setting(
        "Short for replace.time.", None, f'"{_DEFAULT_REPAIR}" if there is no stage but reset: {_TIME_SOURCE}'
    )
    crews: AtLeastOne | None = setting("Short for replace.crews.", None, "endless: every node is served at once")
    success: Success | None = setting(
        "Short for replace.success.", None, "1; assumption: a repair that is done has worked"
    )
    relapse: RelapseTable | None = setting(
        "How nodes fail again that only seem to be in order.", None, "none: required with false_fix"
    )
    retire: RetireTable | None = setting("When a node is given up.", None, "never")
    quarantine: QuarantineTable | None = setting("When a node is tested before it comes back.", None, "never")


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
    renews : bool
        Whether a node that it put in order is as new.
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
    renews: bool


@dataclass(frozen=True, slots=True)
class Retire:
    """A node is given up at its last of so many failures within so many seconds; a new one comes after a time."""

    failures: int
    within: float
    replacement: Law


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
    """

    stages: Mapping[str, RepairStage]
    relapse: Law | None
    retire: Retire | None
    quarantine: Quarantine | None


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
    short = [key for key in _SHORT if key in own]
    if short and REPLACE in stages:
        message = f"says the same as replace.{short[0]}"
        yield short[0], RefusedError(message, f"either {listed(_SHORT)}, or replace", f"move {short[0]} into replace")
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
    if REPLACE in stages or (not any(own.get(key) is not None for key in _SHORT) and set(stages) - {RESET}):
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
    given = {name: getattr(table, name) for name in _SHORT if getattr(table, name) is not None}
    made = RepairStageTable.model_validate({"time": _DEFAULT_REPAIR}).model_copy(update=given)
    return {name: stage or made for name, stage in _with_replace(given, stages).items()}


def resolve_repair(table: RepairTable, stages: Mapping[str, RepairStageTable], entries: Entries) -> Repair:
    """Resolve `[repair]`."""
    path = ("repair",)
    known = all_stages(table, stages)
    found = {name: _stage((*path, name), next_of(name, known), stage, entries) for name, stage in known.items()}
    if table.time is None and REPLACE not in stages and REPLACE in known:
        entries.mark_default((*path, REPLACE, "time"), _TIME_SOURCE)
    relapse = None
    if table.relapse is not None:
        time_entries((*path, "relapse", "life"), table.relapse.life, entries)
        relapse = resolve_law(table.relapse.life)
    return Repair(found, relapse, _retire(table.retire, entries), _quarantine(table.quarantine, entries))


def _retire(table: RetireTable | None, entries: Entries) -> Retire | None:
    if table is None:
        return None
    path = ("repair", "retire")
    entries.field(path, table, "failures", "1")
    entries.field(path, table, "within", "s")
    time_entries((*path, "replacement"), table.replacement, entries)
    return Retire(table.failures, float(table.within), resolve_law(table.replacement))


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
