"""`[repair]` as written: stages, and what becomes of nodes that fail again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from sim.scenario.calendar import Days, Hours
from sim.scenario.fields import (
    DURATION,
    AtLeastOne,
    Choice,
    Json,
    PositiveDuration,
    Probability,
    Reader,
    ShortForm,
    Slowdown,
    Success,
    Table,
    Whole,
    either,
    setting,
)
from sim.scenario.law import NEVER, LawTable, RepairTime
from sim.scenario.refusal import RefusedError

REPLACE, ALL = "replace", "all"
AT_FAULT, AFTER_REPAIR = "at fault", "after repair"
MOST_FAILURES = 16
SHORT = ("time", "crews", "success")
DEFAULT_REPAIR = "1 day"
TIME_SOURCE = (
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


class _WhatIsNew(Reader):
    """What a stage renews: nothing, what failed, or all."""

    allowed = f'true, false or "{ALL}"'

    def read(self, value: object) -> bool | str:
        """Give the value, or raise `RefusedError`."""
        if isinstance(value, bool) or value == ALL:
            return value
        remedy = "write it without quotes" if value in ("true", "false") else None
        raise RefusedError(f'must be true, false or "{ALL}"', self.allowed, remedy)

    def json_schema(self) -> Json:
        """Give the JSON schema of the value."""
        return {"anyOf": [{"type": "boolean"}, {"type": "string", "enum": [ALL]}]}


Renews = bool | Literal["all"]


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
    renews: Annotated[Renews, _WhatIsNew()] | None = setting(
        "What is new of a node that the stage put in order, so that its age begins again: true, the component that "
        "failed; all, every component of the node (of sources with renewal unit), also of one sent there by mistake.",
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
    decided: Annotated[str, Choice((AT_FAULT, AFTER_REPAIR))] = setting(
        "When that is decided: at the fault, instead of a repair; or when the repair of such a failure is over, for "
        "the time before that.",
        AT_FAULT,
        "assumption: nobody repairs what is given up",
    )
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

    replaces: ClassVar[Mapping[str, frozenset[str]]] = either(SHORT, (REPLACE,))

    time: RepairTime | None = setting(
        "Short for replace.time.", None, f'"{DEFAULT_REPAIR}" if there is no stage but reset: {TIME_SOURCE}'
    )
    crews: AtLeastOne | None = setting("Short for replace.crews.", None, "endless: every node is served at once")
    success: Success | None = setting(
        "Short for replace.success.", None, "1; assumption: a repair that is done has worked"
    )
    begins: Annotated[str, Choice(("detection", "fault"))] = setting(
        "When a node of the job goes to repair: when its fault is seen, or at once, while the job does not know yet.",
        "detection",
        "assumption: nobody works on a node before its fault is known",
    )
    relapse: RelapseTable | None = setting(
        "How nodes fail again that only seem to be in order.", None, "none: required with false_fix"
    )
    retire: RetireTable | None = setting("When a node is given up.", None, "never")
    quarantine: QuarantineTable | None = setting("When a node is tested before it comes back.", None, "never")
