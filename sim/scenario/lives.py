"""Lives of components: the law of a life, ages at the start, what renews a component, and bad components."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import model_validator

from sim.scenario.entries import Entries
from sim.scenario.fields import DURATION, Choice, Flag, Json, Life, Number, Probability, Reader, Table, either, setting
from sim.scenario.refusal import RefusedError
from sim.scenario.units import Quantity

LawOfLife = Literal["weibull", "lognormal", "gamma", "bathtub"]
Renewal = Literal["unit", "none", "system"]
RENEWALS: tuple[Renewal, ...] = ("unit", "none", "system")
STATIONARY = "stationary"
NEW = "new"
_TUB = ("infant", "infant_shape", "wear_out", "wear_out_shape")
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "weibull": ("shape",),
    "lognormal": ("sd",),
    "gamma": ("shape",),
    "bathtub": _TUB,
}
_PARAMETERS = ("shape", "sd", *_TUB)
_TIMES = ("sd", "infant", "wear_out")
_NARROWEST, _WIDEST = 0.02, 20.0


@dataclass(frozen=True)
class _Between(Number):
    """A number between two ends, both included."""

    @property
    def allowed(self) -> str:  # type: ignore[override]
        """Say what is allowed."""
        return f"a number from {self.low:g} to {self.high:g}, without a unit"


class _Age(Reader):
    """An age at the start: two words, or a duration."""

    allowed = '"stationary", "new", or a duration such as "1 year"'

    def read(self, value: object) -> str | Quantity:
        """Give the word or the age, or raise `RefusedError`."""
        if value in (STATIONARY, NEW):
            return str(value)
        try:
            return DURATION.read(value)
        except RefusedError as refusal:
            raise RefusedError(refusal.message, self.allowed, refusal.remedy) from None

    def json_schema(self) -> Json:
        """Give the JSON schema of the word or text."""
        return {"anyOf": [{"type": "string", "enum": [STATIONARY, NEW]}, DURATION.json_schema()]}


InitialAge = Annotated[str | Quantity, _Age()]


class LifeTable(Table):
    """`life` of a fault source as written."""

    replaces: ClassVar[Mapping[str, frozenset[str]]] = {"law": frozenset(_PARAMETERS)}

    law: Annotated[LawOfLife, Choice(tuple(_NEEDED))] = setting(
        "Law of the life of one component; the rate key gives its mean, that of the bathtub's random faults alone."
    )
    shape: Annotated[float, _Between(0.2, high=20.0)] | None = setting(
        "Shape of a Weibull or gamma law, from 0.2 to 20; below 1 the hazard falls with age, above 1 it rises.",
        None,
        "none: weibull and gamma need it",
    )
    sd: Life | None = setting(
        f"Standard deviation of the lognormal law, in s, from {_NARROWEST:g} to {_WIDEST:g} times the mean.",
        None,
        "none: lognormal needs it",
    )
    infant: Life | None = setting(
        "Mean life that the bathtub's early faults alone would give, in s, above 0.", None, "none: bathtub needs it"
    )
    infant_shape: Annotated[float, _Between(0.2, high=1.0)] | None = setting(
        "Weibull shape of the early faults, from 0.2 to 1.", None, "none: bathtub needs it"
    )
    wear_out: Life | None = setting(
        "Mean life that the bathtub's late faults alone would give, in s, above 0.", None, "none: bathtub needs it"
    )
    wear_out_shape: Annotated[float, _Between(1.0, high=20.0)] | None = setting(
        "Weibull shape of the late faults, from 1 to 20.", None, "none: bathtub needs it"
    )

    @model_validator(mode="after")
    def _fits_together(self) -> LifeTable:
        needed = _NEEDED[self.law]
        name = f'law = "{self.law}"'
        allowed = f"{name} with {' and '.join(needed)}"
        for key in _PARAMETERS:
            has = getattr(self, key) is not None
            if has and key not in needed:
                raise RefusedError(f"gives {key}, which {name} does not have", allowed)
            if not has and key in needed:
                raise RefusedError(f"gives no {key}, which {name} needs", allowed)
        return self


class FrailtyTable(Table):
    """`frailty` of a fault source as written: a share of bad components, or a gamma law."""

    replaces: ClassVar[Mapping[str, frozenset[str]]] = either(("share", "factor", "cured"), ("law", "shape"))

    share: Probability | None = setting("Share of components that are bad, from 0 to 1.", None, "either share or law")
    factor: Annotated[float, _Between(0.001, high=1000.0)] | None = setting(
        "Hazard of a bad component over that of a good one, from 0.001 to 1000. The hazard of the average component is "
        "that of the law, so a good one has 1 / (1 - share + share x factor) of it.",
        None,
        "none: share needs it",
    )
    cured: Flag | None = setting(
        "Whether a component that was replaced is a good one; with false its place stays bad.",
        None,
        "true; assumption: bad components are rare among replacements",
    )
    law: Annotated[Literal["gamma"], Choice(("gamma",))] | None = setting(
        "Law of the factor by which a component's hazard differs for good; its mean is 1.", None, "either share or law"
    )
    shape: Annotated[float, _Between(0.2, high=1000.0)] | None = setting(
        "Shape of that gamma law, from 0.2 to 1000: its variance is 1 / shape.", None, "none: law needs it"
    )

    @model_validator(mode="after")
    def _fits_together(self) -> FrailtyTable:
        two = [key for key in ("share", "factor") if getattr(self, key) is not None]
        gamma = [key for key in ("law", "shape") if getattr(self, key) is not None]
        bad_gamma = bool(gamma) and (bool(two) or self.cured is not None)
        if bad_gamma or (len(two), len(gamma)) not in ((2, 0), (0, 2)):
            given = [*two, *(["cured"] if self.cured is not None else []), *gamma]
            raise RefusedError(f"gives {' and '.join(given) or 'nothing'}", "share with factor, or law with shape")
        return self


RenewalWord = Annotated[Renewal, Choice(RENEWALS)]

LIFE = setting(
    "Law of a component's life where its hazard depends on its age: weibull, lognormal, gamma or bathtub. Each "
    "component, also on idle spares, then has an age of its own on the source's clock.",
    None,
    "exponential: age does not matter",
)
INITIAL_AGE = setting(
    "Age of the components at the start: stationary, that of a fleet long in service; new; or one age for all, in "
    "s. Only with life.",
    STATIONARY,
    "assumption: a cluster in operation",
)
RENEWAL = setting(
    "What is new after a fault. unit: the component, if its node was repaired; after a reset or a new process it "
    "is as old as it was. none: nothing. system: all components of the source, when the job steps again; a "
    "textbook assumption. Only with life.",
    "unit",
    "a repair replaces what failed, a reset does not",
)
BURN_IN = setting(
    "Age of a component that was replaced when it comes back, in s; the time for it is part of repair. Only with life.",
    "0 s",
    "assumption: replacements are new",
)
FRAILTY = setting(
    "How components differ for good: a share of bad ones, or a gamma law of factors on the hazard.",
    None,
    "none: all components are alike",
)


@dataclass(frozen=True, slots=True)
class Ageing:
    """How the components of a source live.

    Parameters
    ----------
    law : str
        As in the file, or "exponential" where only frailty is given.
    shape, sd, infant, infant_shape, wear_out, wear_out_shape : float or None
        Parameters of the law; times in s.
    initial_age : float or None
        Age at the start, s; None: stationary.
    renewal : str
        As in the file.
    burn_in : float
        Age of a component that was replaced, s.
    share, factor, cured, spread
        Bad components; shape of a gamma frailty, 0 if there is none.
    """

    law: Literal["weibull", "lognormal", "gamma", "bathtub", "exponential"]
    shape: float | None
    sd: float | None
    infant: float | None
    infant_shape: float | None
    wear_out: float | None
    wear_out_shape: float | None
    initial_age: float | None
    renewal: Renewal
    burn_in: float
    share: float
    factor: float
    cured: bool
    spread: float

    @property
    def is_exponential(self) -> bool:
        """Whether no age and no difference between components matters."""
        differ = self.spread > 0.0 or (0.0 < self.share < 1.0 and self.factor != 1.0)
        flat = self.law == "exponential" or (self.law in ("weibull", "gamma") and self.shape == 1.0)
        return flat and not differ


def check_ageing(table: Any, rate: float, renews: bool, uncertain: bool) -> Iterator[tuple[str | None, RefusedError]]:
    """Check what a fault source says of its components' lives.

    Parameters
    ----------
    table : FaultTable
        The source as written.
    rate : float
        Faults of one component, 1/s, >= 0, without `rate_factor`.
    renews : bool
        Whether some of the faults take a node for repair.
    uncertain : bool
        Whether the rate is uncertain.

    Yields
    ------
    tuple of str or None and RefusedError
        Key inside the table, or None for the table, and what is wrong.
    """
    life, frailty = table.life, table.frailty
    if life is None:
        for key in ("initial_age", "renewal", "burn_in"):
            if key in table.model_fields_set:
                yield (
                    key,
                    RefusedError("says how components age, but they have no life", 'life = { law = "weibull", ... }'),
                )
    if life is None and frailty is None:
        return
    key = "life" if life is not None else "frailty"
    if uncertain:
        yield key, RefusedError("is of a source whose rate is uncertain", "uncertain = false beside it")
    if table.per not in ("gpu", "node", "job"):
        yield key, RefusedError("is of components per gpu, node or job only", 'per = "gpu" or "node"')
    if table.per == "job" and (frailty is not None or (table.takes or "nothing") != "nothing"):
        what = "frailty" if frailty is not None else "takes"
        yield what, RefusedError("needs components that sit on nodes", 'per = "gpu" or "node"')
    if life is not None and life.sd is not None and rate > 0.0 and not _NARROWEST <= life.sd * rate <= _WIDEST:
        yield "life", RefusedError("has an sd too far from the mean", f"{_NARROWEST:g} to {_WIDEST:g} times the mean")
    if life is not None:
        yield from _check_renewal(table, renews)


def _check_renewal(table: Any, renews: bool) -> Iterator[tuple[str | None, RefusedError]]:
    stationary = table.initial_age == STATIONARY
    if stationary and not (table.renewal == "unit" and renews):
        why = "no fault replaces a component" if table.renewal == "unit" else f'renewal is "{table.renewal}"'
        yield (
            "initial_age",
            RefusedError(f'is "{STATIONARY}", but {why}', '"new" or a duration', 'add initial_age = "new"'),
        )
    if table.renewal != "unit" and table.burn_in > 0.0:
        yield "burn_in", RefusedError("is of components that are replaced", 'renewal = "unit"')
    if table.renewal == "system" and table.frailty is not None:
        yield "frailty", RefusedError("has no meaning where everything is renewed", 'renewal = "unit" or "none"')
    if stationary and table.life.law != "weibull" and table.frailty is not None and table.frailty.law is not None:
        allowed = 'law = "weibull", or initial_age "new" or a duration'
        yield "frailty", RefusedError(f"has no known ages at the start with {table.life.law} lives", allowed)


def age_entries(path: tuple[str, ...], table: Any, entries: Entries) -> None:
    """List the keys of a `FaultTable` that say how its components age."""
    if table.life is not None:
        for key in ("initial_age", "renewal"):
            entries.field(path, table, key, "s" if isinstance(getattr(table, key), Quantity) else "")
        entries.field(path, table, "burn_in", "s")


def resolve_ageing(path: tuple[str, ...], table: Any, entries: Entries) -> Ageing | None:
    """Resolve what a `FaultTable` says of lives; None if its components do not age."""
    life, frailty = table.life, table.frailty
    if life is not None:
        for key in ("law", *_PARAMETERS):
            entries.field((*path, "life"), life, key, "s" if key in _TIMES else "")
    if frailty is not None:
        for key in ("share", "factor", "law", "shape"):
            entries.field((*path, "frailty"), frailty, key, "1" if key != "law" else "")
        if frailty.share is not None:
            entries.field((*path, "frailty"), frailty, "cured", "", frailty.cured is not False)
    if life is None and frailty is None:
        return None
    numbers = {key: getattr(life, key, None) for key in _PARAMETERS}
    # The mean follows from the rate; what else is a time of the law is stretched like it.
    numbers |= {key: numbers[key] / table.rate_factor for key in _TIMES if numbers[key] is not None}
    age = table.initial_age
    return Ageing(
        law="exponential" if life is None else life.law,
        **{key: None if value is None else float(value) for key, value in numbers.items()},
        initial_age=0.0 if life is None or age == NEW else None if age == STATIONARY else float(age),
        renewal=table.renewal,
        burn_in=float(table.burn_in),
        share=float(frailty.share or 0.0) if frailty is not None else 0.0,
        factor=float(frailty.factor or 1.0) if frailty is not None else 1.0,
        cured=frailty is None or frailty.cured is not False,
        spread=float(frailty.shape or 0.0) if frailty is not None else 0.0,
    )
