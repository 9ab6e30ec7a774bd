"""The tables of a sweep file as they are written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from sim.batch.slurm_options import SlurmTable
from sim.scenario.editor import file_schema, table_schemas
from sim.scenario.fields import Choice, Json, Number, Reader, Table, Whole, setting
from sim.scenario.refusal import RefusedError
from sim.scenario.run import HALF_WIDTH
from sim.scenario.units import Quantity

MOST_CASES = 10_000_000
MOST_POINTS = 1_000_000
MOST_AXES = 32
MOST_FILTERS = 32
MOST_TEXT = 1_000
"""Most characters of a filter, and of the name of a file."""


class _FileName(Reader):
    """The name of a scenario file."""

    allowed = 'the name of a scenario file, relative to this one, such as "../hopper-100k.toml"'

    def read(self, value: object) -> str:
        """Give the name, or raise `RefusedError`."""
        if not isinstance(value, str) or not 1 <= len(value) <= MOST_TEXT or not value.isprintable():
            raise RefusedError("must be the name of a file", self.allowed)
        if "://" in value:
            raise RefusedError("is an address, and nothing is fetched", self.allowed, "download it, and name the file")
        return value

    def json_schema(self) -> dict[str, Any]:
        """Give the JSON schema of the name."""
        return {"type": "string", "minLength": 1, "maxLength": MOST_TEXT}


FILE_NAME = _FileName()


class _Filters(Reader):
    """Conditions that a case must meet."""

    allowed = f"an array of at most {MOST_FILTERS} conditions, each a text such as 'interval < mttf / 100'"

    def read(self, value: object) -> tuple[str, ...]:
        """Give the conditions, or raise `RefusedError`; each still has to be understood."""
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise RefusedError("must be an array of texts", self.allowed)
        if len(value) > MOST_FILTERS:
            raise RefusedError("has too many conditions", self.allowed)
        return tuple(value)

    def json_schema(self) -> dict[str, Any]:
        """Give the JSON schema of the conditions."""
        return {"type": "array", "items": {"type": "string", "maxLength": MOST_TEXT}, "maxItems": MOST_FILTERS}


FILTERS = _Filters()


class _Items(Reader):
    """An array with something in it."""

    def __init__(self, allowed: str, most: int, *, texts: bool = False) -> None:
        self.allowed, self._most, self._texts = allowed, most, texts

    def read(self, value: object) -> tuple[Any, ...]:
        """Give the items, or raise `RefusedError`."""
        if not isinstance(value, list):
            raise RefusedError("must be an array", self.allowed)
        if not 1 <= len(value) <= self._most:
            raise RefusedError("is empty" if not value else "has too many items", self.allowed)
        if self._texts and not all(isinstance(item, str) and len(item) <= MOST_TEXT for item in value):
            raise RefusedError("must be an array of texts", self.allowed)
        return tuple(value)

    def json_schema(self) -> dict[str, Any]:
        """Give the JSON schema of the array."""
        found: dict[str, Any] = {"type": "array", "minItems": 1, "maxItems": self._most}
        return found | ({"items": {"type": "string"}} if self._texts else {})


class _Key(Reader):
    """A key of the scenario."""

    allowed = "a dotted key such as stores.remote.every"

    def read(self, value: object) -> str:
        """Give the key, or raise `RefusedError`; whether the scenario has it is not looked at."""
        if not isinstance(value, str) or len(value) > MOST_TEXT:
            raise RefusedError("must be a text", self.allowed)
        return value

    def json_schema(self) -> dict[str, Any]:
        """Give the JSON schema of the key."""
        return {"type": "string", "maxLength": MOST_TEXT}


class _End(Reader):
    """An end of a range: a number, or a text with a number and a unit."""

    allowed = 'a number, or a number with a unit such as "10 min"'

    def read(self, value: object) -> int | float | str:
        """Give it as it was written, or raise `RefusedError`."""
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise RefusedError("must be a number", self.allowed)
        return value

    def json_schema(self) -> dict[str, Any]:
        """Give the JSON schema of the end."""
        return {"anyOf": [{"type": "number"}, {"type": "string"}]}


End = Annotated[Any, _End()]


class AxisTable(Table):
    """`[axes.NAME]` as written."""

    key: Annotated[str, _Key()] | None = setting("Key that this axis sets, as `sim show` or the file writes it.", None)
    keys: Annotated[tuple[Any, ...], _Items("an array of 1 to 32 keys", 32, texts=True)] | None = setting(
        "Keys that this axis sets together.", None
    )
    values: Annotated[tuple[Any, ...], _Items(f"an array of 1 to {MOST_POINTS:_} values", MOST_POINTS)] | None = (
        setting(
            "Points one by one: whatever the file may hold at the key. With keys each is an array of one value for "
            "each key, or one value for all of them.",
            None,
        )
    )
    labels: (
        Annotated[tuple[str, ...], _Items("an array of texts, one for each of values", MOST_POINTS, texts=True)] | None
    ) = setting("What tables and pictures call the points: one text for each of values.", None, "the values")
    from_: End | None = setting("First point of a range, or lower end of a sampled one.", None, alias="from")
    to: End | None = setting("Last point of a range, or upper end of a sampled one; above from.", None)
    step: End | None = setting("Distance of the points of a range, in a unit like that of from, above 0.", None)
    factor: Annotated[float, Number(1.0, open_low=True)] | None = setting(
        "Ratio of each point of a range to the one before, above 1.", None
    )
    points: Annotated[int, Whole(2, MOST_POINTS)] | None = setting("Number of points of a range, 2 or more.", None)
    scale: Annotated[Literal["linear", "log"], Choice(("linear", "log"))] | None = setting(
        "Whether equal differences or equal ratios lie between points, or are equally likely in a sample.",
        None,
        "linear; with factor log",
    )


class SampleTable(Table):
    """`[sample]` as written."""

    method: Annotated[Literal["sobol", "latin-hypercube"], Choice(("sobol", "latin-hypercube"))] = setting(
        "How the sampled axes are filled: a scrambled Sobol sequence, or a Latin hypercube.",
        "sobol",
        "it fills a space of few axes most evenly (Sobol 1967; Owen 1998)",
    )
    points: Annotated[int, Whole(1, MOST_POINTS)] = setting(
        "Number of points, 1 or more; of a Sobol sequence a power of two."
    )
    seed: Annotated[int, Whole(0, 2**63 - 1)] = setting(
        "Seed of the points.", 1, "any fixed number: the same points again"
    )


class SweepTable(Table):
    """A sweep file as written."""

    scenario: Annotated[str, FILE_NAME] = setting("The base: a scenario file, found from this file's folder.")
    seed: Annotated[int, Whole(0, 2**63 - 1)] | None = setting(
        "Seed of all draws: all cases see the same faults as far as they can.", None, "the scenario's"
    )
    replications: Annotated[int, Whole(1, 10_000_000)] | None = setting(
        "Replications of each case, exactly.", None, "as many as half_width needs"
    )
    half_width: Annotated[Quantity, HALF_WIDTH] | None = setting(
        "Half width of the interval of ETTR that each case is run to.", None, "the scenario's"
    )
    max_replications: Annotated[int, Whole(1, 10_000_000)] | None = setting(
        "Most replications of a case, whatever half_width.", None, "the scenario's"
    )
    where: Annotated[tuple[str, ...], FILTERS] = setting(
        "Conditions on the axes that a case must meet, all of them.", [], "all cases"
    )
    set: dict[str, Any] = setting("Changes of the base, as --set takes them.", {}, "none")
    axes: dict[str, AxisTable] = setting(f"The axes by name, 1 to {MOST_AXES}; the first is the outermost loop.", {})
    sample: SampleTable | None = setting("How axes with from and to alone are sampled.", None, "no such axes")
    slurm: SlurmTable = setting("Options of the batch jobs.", {}, "see its keys")


def json_schema() -> Json:
    """Give the JSON schema of a sweep file, for editors: `#:schema sweep.schema.json` in its first line.

    What a schema cannot say (that keys of the base are there, units of a range) is left to `sim sweep --dry-run`.
    """
    tables = table_schemas(SweepTable)
    tables[AxisTable.__name__]["oneOf"] = [{"required": ["key"]}, {"required": ["keys"]}]
    return file_schema(tables, SweepTable, "Sweep over a scenario")


def check_axis_keys(keys: Mapping[str, Any]) -> Iterator[tuple[str | None, RefusedError]]:
    """Check which keys an axis has; yields the key and what is wrong."""
    if ("key" in keys) == ("keys" in keys):
        message = "is given beside key" if "keys" in keys else "sets no key"
        yield "keys" if "keys" in keys else None, RefusedError(message, "exactly one of key and keys")
    in_range = [key for key in ("from", "to", "step", "factor", "points", "scale") if key in keys]
    if "values" in keys:
        for key in in_range:
            yield key, RefusedError("is given beside values", "values, or a range with from and to")
        return
    if "labels" in keys:
        yield "labels", RefusedError("names no points", "labels beside values")
    if not in_range:
        yield None, RefusedError("has no points", "values, or from and to")
        return
    for key, other in (("from", "to"), ("to", "from")):
        if key not in keys:
            yield None, RefusedError(f"has no {key}", "values, or from and to", f"add {key}" if other in keys else None)
    spaced = [key for key in ("step", "factor", "points") if key in keys]
    for key in spaced[1:]:
        yield key, RefusedError(f"is given beside {spaced[0]}", "one of step, factor and points; none in a sample")
    wrong = {"step": "log", "factor": "linear"}.get(spaced[0]) if spaced else None
    if wrong is not None and keys.get("scale") == wrong:
        yield "scale", RefusedError(f"does not go with {spaced[0]}", "points with a scale")


def check_sweep_keys(keys: Mapping[str, Any]) -> Iterator[tuple[str | None, RefusedError]]:
    """Check which keys stand at the top of a sweep file; yields as `check_axis_keys`."""
    for key in ("half_width", "max_replications"):
        if "replications" in keys and key in keys:
            yield key, RefusedError("is given beside replications", "replications, or half_width and max_replications")
    axes = keys.get("axes", {})
    if isinstance(axes, dict) and not 1 <= len(axes) <= MOST_AXES:
        if axes:
            yield "axes", RefusedError(f"has {len(axes)} axes", f"at most {MOST_AXES}")
        else:
            yield None, RefusedError("has no axes", "1 or more tables [axes.NAME]", "for one case use sim run")
