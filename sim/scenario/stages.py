"""Stages of a recovery: how long each takes, whether faults strike in it, and which bucket it books to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from sim.scenario.entries import Entries
from sim.scenario.fields import (
    DURATION,
    LONGEST_S,
    Choice,
    Duration,
    Flag,
    Json,
    Probability,
    Reader,
    ShortForm,
    either,
    setting,
)
from sim.scenario.law import OF_LAW, Law, LawTable, check_law, check_parts, law_keys, resolve_law
from sim.scenario.refusal import RefusedError
from sim.scenario.units import Quantity

AUTO = "auto"
BUCKETS = ("diagnosis", "capacity_wait", "restart", "load", "warm_up")
_SPELLINGS = {"warmup": "warm_up", "warm-up": "warm_up"}
_SCALED = ("base", "per_gpu", "per_gpu2")
_ZERO = Quantity(0.0, "0 s")

StageKind = Literal["law", "scaled", "auto"]


class _TimeOrAuto(Reader):
    """A duration, or "auto"."""

    allowed = f'{DURATION.allowed}, or "auto" (the read time of the store)'

    def read(self, value: object) -> Quantity | str:
        """Give the duration or "auto", or raise `RefusedError`."""
        if value == AUTO:
            return AUTO
        if isinstance(value, dict):
            raise RefusedError(
                "must be a duration", self.allowed, "write the keys of a law beside the stage's other keys"
            )
        try:
            return DURATION.read(value)
        except RefusedError as refusal:
            raise RefusedError(refusal.message, self.allowed, refusal.remedy) from None

    def json_schema(self) -> Json:
        """Give the JSON schema of the text."""
        return {"anyOf": [DURATION.json_schema(), {"type": "string", "enum": [AUTO]}]}


_TIME = _TimeOrAuto()


class StageTable(LawTable):
    """A stage as written, in its long form."""

    replaces: ClassVar[Mapping[str, frozenset[str]]] = {
        **either(("time",), OF_LAW, _SCALED),
        "law": frozenset({"time", *OF_LAW, *_SCALED}),
    }

    time: Annotated[Any, _TIME] | None = setting(
        'Constant duration, in s, 0 or more, or "auto": the read time of the store.', None, "one of time, law and base"
    )
    base: Duration | None = setting(
        "Constant part of base + per_gpu N + per_gpu2 N^2, in s; N: the job's GPUs.", None, "0 s beside the others"
    )
    per_gpu: Duration | None = setting("Part per GPU of the job, in s.", None, "0 s beside the others")
    per_gpu2: Duration | None = setting(
        "Part per square of the job's number of GPUs, in s.", None, "0 s beside the others"
    )
    vulnerable: Flag | None = setting(
        "Whether faults strike during this stage; if not, all fault clocks stand still. After a fault in it, its time "
        "is drawn again, which cuts long times short. Times of recovery that were published or logged hold such faults "
        "already: they need false.",
        None,
        "the rule's vulnerable",
    )
    bucket: Annotated[str, Choice(BUCKETS)] | None = setting(
        "Bucket of the ledger that the stage books to.", None, "the stage's own name if it is a bucket, else restart"
    )
    fails: Probability = setting(
        "Probability that the stage fails at its end, each time anew. Recovery goes on as after a fault in the stage "
        "that takes no node and is seen at once: by the rule's on_fault, counted by attempts_below and max_attempts.",
        0.0,
        "assumption: a stage that is over has worked",
    )

    def check(self) -> None:
        """Refuse keys that do not go together."""
        scaled = [key for key in _SCALED if getattr(self, key) is not None]
        if not scaled:
            check_law(self, ("time", "law"), "exactly one of time, law, or base with per_gpu and per_gpu2")
            check_parts(self.of)
            return
        other = [key for key in ("time", "law", "mean", "sd", "of") if getattr(self, key) is not None]
        if other:
            allowed = "exactly one of time, law, or base with per_gpu and per_gpu2"
            raise RefusedError(f"gives {scaled[0]} and {other[0]}", allowed)


def _as_time(value: object) -> dict[str, Any]:
    return {"time": value}


StageValue = Annotated[StageTable, ShortForm(_as_time, (_TIME,))]
"""A duration, "auto", or a table."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage, resolved.

    Parameters
    ----------
    kind : str
        "law": `law` says how long; "scaled": base + per_gpu N + per_gpu2 N^2; "auto": the store's read time.
    law : Law or None
        Only for kind "law".
    base, per_gpu, per_gpu2 : Quantity
        Seconds; 0 for other kinds.
    vulnerable : bool
        Whether faults strike in it.
    bucket : str
        One of diagnosis, capacity_wait, restart, load, warm_up.
    fails : float
        Probability that it fails at its end, 0 to 1.
    """

    kind: StageKind
    law: Law | None
    base: Quantity
    per_gpu: Quantity
    per_gpu2: Quantity
    vulnerable: bool
    bucket: str
    fails: float


def default_bucket(name: str) -> str:
    """Give the bucket of a stage that does not name one."""
    known = _SPELLINGS.get(name, name)
    return known if known in BUCKETS else "restart"


def check_stage(table: StageTable, gpus: int) -> RefusedError | None:
    """Check that a scaled stage stays below the longest duration at the job's number of GPUs."""
    base, per_gpu, per_gpu2 = (float(getattr(table, key) or 0.0) for key in _SCALED)
    if base + per_gpu * gpus + per_gpu2 * gpus**2 > LONGEST_S:
        return RefusedError(f"takes longer than 136 years with {gpus} GPUs", "a shorter duration per GPU")
    return None


def resolve_stages(
    path: tuple[str, ...], tables: Mapping[str, StageTable], vulnerable: bool, entries: Entries
) -> dict[str, Stage]:
    """Resolve a rule's stages, in file order; `vulnerable` is the rule's."""
    if not tables:
        entries.add(path, {}, "", "no stages: recovery takes no time")
    return {name: _stage((*path, name), table, vulnerable, entries) for name, table in tables.items()}


def _stage(path: tuple[str, ...], table: StageTable, vulnerable: bool, entries: Entries) -> Stage:
    scaled = any(getattr(table, key) is not None for key in _SCALED)
    for key, value in law_keys(table).items():
        entries.add((*path, key), value, "" if key in ("law", "of") or value == AUTO else "s")
    for key in _SCALED if scaled else ():
        entries.field(path, table, key, "s", _ZERO if getattr(table, key) is None else None)
    strikes = vulnerable if table.vulnerable is None else table.vulnerable
    bucket = default_bucket(path[-1]) if table.bucket is None else table.bucket
    entries.field(path, table, "vulnerable", "", strikes)
    entries.field(path, table, "bucket", "", bucket)
    if "fails" in table.model_fields_set:
        entries.field(path, table, "fails", "1")
    kind: StageKind = "scaled" if scaled else "auto" if table.time == AUTO else "law"
    law = resolve_law(table) if kind == "law" else None
    base, per_gpu, per_gpu2 = (getattr(table, key) or _ZERO for key in _SCALED)
    return Stage(kind, law, base, per_gpu, per_gpu2, strikes, bucket, float(table.fails))
