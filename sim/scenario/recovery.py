"""Recovery: ordered rules, each with a condition, the capacity it uses and its stages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import model_validator

from sim.scenario.capacity import POOLS
from sim.scenario.domains import GroupName
from sim.scenario.entries import Entries, source_of
from sim.scenario.fault_words import NEEDS
from sim.scenario.fields import (
    MOST,
    Choice,
    Count,
    Duration,
    Flag,
    Json,
    Reader,
    Table,
    Whole,
    check_name,
    setting,
)
from sim.scenario.refusal import RefusedError, shown
from sim.scenario.stages import Stage, StageTable, StageValue, resolve_stages

Use = Literal["same units", "spares, else wait"]
OnFault = Literal["restart_list", "retry_stage", "escalate"]

RESTART = "restart"
"""Name of the only rule of the short form, and of its stage."""
RULE_KEYS = frozenset({"when", "use", "within", "pools", "refill", "await_refill", "stages", "on_fault"})
MOST_RULES = 8
MOST_STAGES = 64
DEFAULT_RESTART = "10 min"


class _Needs(Reader):
    """One need or an array of needs."""

    allowed = '"process", "reset" or "repair", or an array of these'
    _word = Choice(NEEDS)

    def read(self, value: object) -> tuple[str, ...]:
        """Give the needs in their own order, or raise `RefusedError`."""
        words = value if isinstance(value, (list, tuple)) else [value]
        if not words:
            raise RefusedError("names no need", self.allowed)
        try:
            found = {self._word.read(word) for word in words}
        except RefusedError as refusal:
            raise RefusedError(refusal.message, self.allowed, refusal.remedy) from None
        return tuple(need for need in NEEDS if need in found)

    def json_schema(self) -> Json:
        """Give the JSON schema of the needs."""
        word = self._word.json_schema()
        return {"anyOf": [word, {"type": "array", "items": word, "minItems": 1}]}


class _PoolNames(Reader):
    """An array of names of pools."""

    allowed = 'an array of "hot", "cold", "warm" and "shared"'
    _word = Choice(POOLS)

    def read(self, value: object) -> tuple[str, ...]:
        """Give the names in the order of `POOLS`, or raise `RefusedError`."""
        if not isinstance(value, (list, tuple)) or not value:
            raise RefusedError("names no pools", self.allowed)
        try:
            found = {self._word.read(word) for word in value}
        except RefusedError as refusal:
            raise RefusedError(refusal.message, self.allowed, refusal.remedy) from None
        return tuple(pool for pool in POOLS if pool in found)

    def json_schema(self) -> Json:
        """Give the JSON schema of the array."""
        return {"type": "array", "items": self._word.json_schema(), "minItems": 1}


class WhenTable(Table):
    """`when` of a rule as written; every key that is given must hold."""

    needs: Annotated[tuple[str, ...], _Needs()] | None = setting(
        "Worst need of the incident's faults: process, reset or repair, or an array of these.", None, "any need"
    )
    units_down_at_most: Count | None = setting("Most nodes of the job that are down; 0 or more.", None, "any number")
    spare_available: Flag | None = setting(
        "Whether idle spares of the rule's pools are enough for all nodes of the job that are down.",
        None,
        "does not matter",
    )
    attempts_below: Annotated[int, Whole(1, MOST)] | None = setting(
        "The rule was started fewer times than this in the incident; 1 or more.", None, "any number"
    )

    @model_validator(mode="after")
    def _says_something(self) -> WhenTable:
        if not self.model_fields_set:
            raise RefusedError("names no condition", "at least one condition", "leave when out if the rule always fits")
        return self


class RuleTable(Table):
    """`[recovery.RULE]` as written."""

    when: WhenTable | None = setting(
        "Conditions that must all hold; the last rule has none, every other rule has one.", None, "always"
    )
    use: Annotated[Use, Choice(("same units", "spares, else wait"))] = setting(
        "Nodes to go on with: the same ones after their repair, or idle spares and repaired nodes.",
        "spares, else wait",
        "assumption: a job takes an idle spare rather than wait",
    )
    within: GroupName | None = setting(
        "Group of cluster.groups: only spares and repaired nodes in the domain of a lost node may take its place, and "
        "spare_available counts only these.",
        None,
        "any spare",
    )
    pools: Annotated[tuple[str, ...], _PoolNames()] | None = setting(
        "Pools that the rule takes spares from, and that spare_available counts. Repaired nodes serve in any case.",
        None,
        "all pools",
    )
    stages: dict[str, StageValue] = setting(
        'Stages in order, each a duration, "auto" or a table.', {}, "no stages: recovery takes no time"
    )
    vulnerable: Flag = setting(
        "Whether faults strike during the rule's stages and its wait for capacity.", True, "faults strike at any time"
    )
    refill: Annotated[str, Choice(POOLS)] | None = setting(
        "Pool that must be full again before the stages begin: it is filled from the rule's other pools, those that "
        "activate fastest first, and with repaired nodes. Where nodes are claimed one by one, the next is claimed when "
        "the last has come, if it is still wanted.",
        None,
        "the job waits for its own nodes only",
    )
    await_refill: Flag = setting(
        "Whether the job waits until that pool is full. With false the pool gets what is in the rule's pools that need "
        "no activation, and the job goes on.",
        True,
        "who asks for a full pool wants it",
    )
    on_fault: Annotated[OnFault, Choice(("restart_list", "retry_stage", "escalate"))] = setting(
        "After a fault in a stage: try the rules again, or only the stage if no node was lost, or only the rules after "
        "this one until the job steps again.",
        "restart_list",
        "assumption: a restart begins anew after a fault",
    )


class RecoveryTable(Table):
    """The keys of `[recovery]` that are not rules, as written."""

    detect: Duration | None = setting("Short for detect.stop, in s.", None, "detect.stop")
    restart: StageValue | None = setting(
        "All stages together as one: a duration, or a table as for a stage. Not beside rules.",
        None,
        'without rules "10 min": restart overhead is 5 to 20 min (Kokolis et al., HPCA 2025, arXiv:2410.21680); '
        "the value in that range is an assumption",
    )
    max_attempts: Annotated[int, Whole(1, MOST)] = setting(
        "Starts of the stages in one incident, after which the run ends as no_progress; 1 or more.",
        1_000,
        "assumption: a job that fails to start so often never will",
    )
    max_restarts: Annotated[int, Whole(0, MOST)] | None = setting(
        "Starts of the stages in the whole run, the initial start not among them, after which the run ends as "
        "restart_limit; 0 or more.",
        None,
        "no limit",
    )


@dataclass(frozen=True, slots=True)
class When:
    """Condition of a rule; a part that is None always holds."""

    needs: tuple[str, ...] | None
    units_down_at_most: int | None
    spare_available: bool | None
    attempts_below: int | None


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule, resolved; `stages` in file order, `when` None if it always fits."""

    when: When | None
    use: Use
    vulnerable: bool
    on_fault: OnFault
    stages: Mapping[str, Stage]
    within: str | None = None
    refill: str | None = None
    pools: tuple[str, ...] | None = None
    await_refill: bool = True


@dataclass(frozen=True, slots=True)
class Recovery:
    """Rules in file order, and the starts of a stage list that one incident, and the run, may have."""

    rules: Mapping[str, Rule]
    max_attempts: int
    max_restarts: int | None


def split_recovery(section: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split `[recovery]` into its own keys and its rules."""
    own: dict[str, Any] = {}
    rules: dict[str, Any] = {}
    for key, value in section.items():
        known = key in RecoveryTable.model_fields
        is_rule = isinstance(value, dict) and (not known or (key == RESTART and bool(RULE_KEYS & value.keys())))
        (rules if is_rule else own)[key] = value
    return own, rules


def check_rules(own: Mapping[str, Any], rules: Mapping[str, Any]) -> Iterator[tuple[str | None, RefusedError]]:
    """Check number, order and names of the rules; yields the key in `[recovery]` and what is wrong."""
    names = list(rules)
    if RESTART in own and names:
        message = f"is the short form, but there is a rule {shown(names[0])}, too"
        yield RESTART, RefusedError(message, "either restart or rules")
    if len(names) > MOST_RULES:
        yield (
            names[MOST_RULES],
            RefusedError(f"is one rule too many: there are {len(names)}", f"at most {MOST_RULES} rules"),
        )
    for position, name in enumerate(names):
        last = position == len(names) - 1
        if last and "when" in rules[name]:
            message = "is the last rule, but has a condition: no rule is left where it does not hold"
            yield f"{name}.when", RefusedError(message, "a last rule without when")
        if not last and "when" not in rules[name]:
            message = f"always fits, so that the rule {shown(names[position + 1])} after it is never tried"
            yield name, RefusedError(message, "when in every rule but the last")
    yield from _check_stage_names(rules)


def _check_stage_names(rules: Mapping[str, Any]) -> Iterator[tuple[str | None, RefusedError]]:
    total = 0
    for name, rule in rules.items():
        stages = rule.get("stages")
        if not isinstance(stages, dict):
            continue
        total += len(stages)
        for stage in stages:
            try:
                check_name(stage)
            except RefusedError as refusal:
                yield f"{name}.stages", RefusedError("has a stage that " + refusal.message, refusal.allowed)
    if total > MOST_STAGES:
        yield None, RefusedError(f"has {total} stages in all", f"at most {MOST_STAGES} stages")


def resolve_recovery(table: RecoveryTable, rules: Mapping[str, RuleTable], entries: Entries) -> Recovery:
    """Resolve `[recovery]`: the short form becomes one rule with one stage."""
    path = ("recovery",)
    entries.field(path, table, "max_attempts", "1")
    entries.field(path, table, "max_restarts", "1")
    if rules:
        found = {name: _rule((*path, name), rule, entries) for name, rule in rules.items()}
        return Recovery(found, table.max_attempts, table.max_restarts)
    stage = table.restart or StageTable.model_validate({"time": DEFAULT_RESTART})
    rule = RuleTable.model_validate({})
    found = {RESTART: _rule((*path, RESTART), rule.model_copy(update={"stages": {RESTART: stage}}), entries)}
    if table.restart is None:
        entries.mark_default((*path, RESTART, "stages", RESTART, "time"), source_of(RecoveryTable, "restart"))
    return Recovery(found, table.max_attempts, table.max_restarts)


def _rule(path: tuple[str, ...], table: RuleTable, entries: Entries) -> Rule:
    for key in ("use", "within", "pools", "refill", "await_refill", "vulnerable", "on_fault"):
        entries.field(path, table, key, "")
    when = None
    if table.when is not None:
        for key, unit in (
            ("needs", ""),
            ("units_down_at_most", "nodes"),
            ("spare_available", ""),
            ("attempts_below", "1"),
        ):
            entries.field((*path, "when"), table.when, key, unit)
        condition = table.when
        when = When(condition.needs, condition.units_down_at_most, condition.spare_available, condition.attempts_below)
    stages = resolve_stages((*path, "stages"), table.stages, table.vulnerable, entries)
    return Rule(
        when, table.use, table.vulnerable, table.on_fault, stages, table.within, table.refill, table.pools,
        table.await_refill,
    )  # fmt: skip
