"""Words of a fault source: its rate per year, what it is counted by, what a fault does and what it needs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import model_validator

from sim.scenario.domains import NameReader
from sim.scenario.fields import Choice, Json, Probability, Table, WithUnit, setting
from sim.scenario.refusal import RefusedError, listed, shown
from sim.scenario.units import Quantity, text_pattern, yearly_fraction

Need = Literal["process", "reset", "repair"]
NEEDS: tuple[Need, ...] = ("process", "reset", "repair")
Effect = Literal["stop", "hang", "notice"]
EFFECTS: tuple[Effect, ...] = ("stop", "hang", "notice")
EFFECT_WORD = Choice(EFFECTS)
_SUM_TOLERANCE = 1e-9


class _YearlyShare(WithUnit):
    """A share per year; the year may be written or not."""

    def json_schema(self) -> Json:
        """Give the JSON schema of the text or number."""
        yearly = text_pattern("dimensionless", "[time]")
        return {"anyOf": [*super().json_schema()["anyOf"], {"type": "string", "pattern": yearly}]}


Afr = Annotated[
    Quantity,
    _YearlyShare(
        yearly_fraction,
        'a share per year above 0, such as 0.02 or "2 %"',
        0.0,
        1e9,
        "dimensionless",
        ("2 %", "0.5 %"),
        open_low=True,
        bare=True,
    ),
]


class Level(NameReader):
    """A word, or the name of a group."""

    def __init__(self, words: tuple[str, ...]) -> None:
        self.words = words

    @property
    def allowed(self) -> str:  # type: ignore[override]
        """Say what is allowed."""
        return listed([*(shown(word) for word in self.words), "a group of cluster.groups"])

    def json_schema(self) -> Json:
        """Give the JSON schema of the word."""
        return {"anyOf": [{"type": "string", "enum": list(self.words)}, {"type": "string"}]}


class NeedsTable(Table):
    """`needs` of a fault source as a table of probabilities."""

    replaces: ClassVar[Mapping[str, frozenset[str]]] = dict.fromkeys(NEEDS, frozenset(NEEDS))

    process: Probability | None = setting("Probability that a new process is enough.", None, "0")
    reset: Probability | None = setting("Probability that the unit needs a reset.", None, "0")
    repair: Probability | None = setting("Probability that the unit needs repair.", None, "0")

    @model_validator(mode="after")
    def _adds_up(self) -> NeedsTable:
        total = math.fsum(getattr(self, need) or 0.0 for need in NEEDS)
        if abs(total - 1.0) > _SUM_TOLERANCE:
            raise RefusedError(f"has probabilities that add up to {total:.12g}", "probabilities that add up to 1")
        return self


def one_need(value: object) -> dict[str, Any]:
    """Let a word stand for a table of needs."""
    return {NEED_WORD.read(value): 1.0}


def one_effect(value: object) -> dict[str, Any]:
    """Let a word stand for a table of effects."""
    return {EFFECT_WORD.read(value): 1.0}


class _NeedWord(Choice):
    """A need, in a table of probabilities, too."""

    @property
    def allowed(self) -> str:  # type: ignore[override]
        """Say what is allowed."""
        return f"{super().allowed}, or a table of probabilities over these"


NEED_WORD = _NeedWord(NEEDS)


class EffectTable(Table):
    """`effect` of a fault source as a table of probabilities."""

    replaces: ClassVar[Mapping[str, frozenset[str]]] = dict.fromkeys(EFFECTS, frozenset(EFFECTS))

    stop: Probability | None = setting("Probability that the job stops.", None, "0")
    hang: Probability | None = setting("Probability that the job hangs.", None, "0")
    notice: Probability | None = setting("Probability that the fault is known `lead` before.", None, "0")

    @model_validator(mode="after")
    def _adds_up(self) -> EffectTable:
        total = math.fsum(getattr(self, effect) or 0.0 for effect in EFFECTS)
        if abs(total - 1.0) > _SUM_TOLERANCE:
            raise RefusedError(f"has probabilities that add up to {total:.12g}", "probabilities that add up to 1")
        return self
