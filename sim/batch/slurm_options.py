"""`[slurm]` of a sweep file: options of the batch jobs in which workers run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any

from sim.scenario.fields import POSITIVE_DURATION, SIZE, Reader, Table, Whole, setting
from sim.scenario.refusal import RefusedError
from sim.scenario.spellings import clock_seconds
from sim.scenario.units import Quantity

_MOST_LINES = 100
_MOST_LENGTH = 1_000
_CLOCK = r"^([0-9]+-[0-9]+(:[0-9]{2}){0,2}|[0-9]+(:[0-9]{2}){1,2})$"
_LETTERS = re.compile(r"([0-9]+)([KMGT])")


class _Line(Reader):
    """A text on one line."""

    allowed = f"a text of 1 to {_MOST_LENGTH} printable characters on one line"

    def read(self, value: object) -> str:
        """Give the text, or raise `RefusedError`."""
        if not isinstance(value, str) or not 1 <= len(value) <= _MOST_LENGTH or not value.isprintable():
            raise RefusedError("must be a text on one line", self.allowed)
        return value

    def json_schema(self) -> dict[str, Any]:
        """Give the JSON schema of the text."""
        return {"type": "string", "minLength": 1, "maxLength": _MOST_LENGTH}


class _Word(_Line):
    """A text without blanks, as an option of a batch job takes it."""

    allowed = "a text of 1 to 200 printable characters without blanks, which does not begin with -"

    def read(self, value: object) -> str:
        """Give the text, or raise `RefusedError`."""
        text = super().read(value)
        if len(text) > 200 or " " in text or text.startswith("-"):
            raise RefusedError("must be one word", self.allowed)
        return text


class _Lines(Reader):
    """Several lines, each on its own."""

    def __init__(self, allowed: str, begin: str = "") -> None:
        self.allowed, self._begin = allowed, begin

    def read(self, value: object) -> tuple[str, ...]:
        """Give the lines, or raise `RefusedError`."""
        if not isinstance(value, list) or len(value) > _MOST_LINES:
            raise RefusedError("must be an array of texts", self.allowed)
        lines = tuple(_Line().read(item) for item in value)
        if not all(line.startswith(self._begin) for line in lines):
            raise RefusedError(f"has a line that does not begin with {self._begin}", self.allowed)
        return lines

    def json_schema(self) -> dict[str, Any]:
        """Give the JSON schema of the lines."""
        return {"type": "array", "items": _Line().json_schema(), "maxItems": _MOST_LINES}


class _Walltime(Reader):
    """A duration, or a time as Slurm writes it."""

    allowed = 'a duration such as "12 h", or as Slurm writes it: "24:00:00", "1-12:00:00"'

    def read(self, value: object) -> Quantity:
        """Give the duration in s, or raise `RefusedError`."""
        seconds = clock_seconds(value) if isinstance(value, str) else None
        try:
            if seconds is None or not isinstance(value, str):
                return POSITIVE_DURATION.read(value)
            return Quantity(POSITIVE_DURATION.read(f"{seconds} s"), value)
        except RefusedError as refusal:
            raise RefusedError(refusal.message, self.allowed, refusal.remedy) from None

    def json_schema(self) -> dict[str, Any]:
        """Give the JSON schema of the text."""
        clock = {"type": "string", "pattern": _CLOCK, "examples": ["24:00:00"]}
        return {"anyOf": [POSITIVE_DURATION.json_schema(), clock]}


class _Memory(Reader):
    """A size, or one as Slurm writes it: its letters stand for powers of 1024."""

    allowed = 'a size such as "128 GB", or as Slurm writes it: "128G", which are 128 GiB'

    def read(self, value: object) -> Quantity:
        """Give the size in bytes, or raise `RefusedError`."""
        letters = _LETTERS.fullmatch(value) if isinstance(value, str) else None
        try:
            if letters is None:
                return SIZE.read(value)
            return Quantity(SIZE.read(f"{letters[1]} {letters[2]}iB"), letters[0])
        except RefusedError as refusal:
            raise RefusedError(refusal.message, self.allowed, refusal.remedy) from None

    def json_schema(self) -> dict[str, Any]:
        """Give the JSON schema of the text."""
        letters = {"type": "string", "pattern": f"^{_LETTERS.pattern}$", "examples": ["128G"]}
        return {"anyOf": [SIZE.json_schema(), letters]}


Word = Annotated[str, _Word()]
_DASK = "what Dask's configuration says (jobqueue.slurm)"


class SlurmTable(Table):
    """`[slurm]` as written."""

    queue: Word | None = setting("Partition.", None, _DASK)
    account: Word | None = setting("Account that is charged.", None, _DASK)
    walltime: Annotated[Quantity, _Walltime()] = setting(
        'Longest time of a batch job, in s; or as Slurm writes it, "24:00:00".',
        "1 h",
        "assumption: short jobs start soon, and nothing is lost when they end",
    )
    jobs: Annotated[int, Whole(1, 10_000)] = setting(
        "Batch jobs at a time, from 1 to 10,000.", 1, "assumption: the least that works"
    )
    cores: Annotated[int, Whole(1, 1_024)] = setting(
        "Cores of each batch job, from 1 to 1024.", 1, "assumption: the least that works"
    )
    memory: Annotated[Quantity, _Memory()] | None = setting(
        'Memory of each batch job, in bytes; or as Slurm writes it, "128G" for 128 GiB.',
        None,
        "2 GB for each process: compiling the engine takes 0.8 GB, and Dask ends a worker that comes near its share",
    )
    processes: Annotated[int, Whole(1, 1_024)] | None = setting(
        "Worker processes of each batch job, from 1 to cores.",
        None,
        "assumption: one for each core, as a worker is one thread",
    )
    directives: Annotated[tuple[str, ...], _Lines('an array of lines such as "#SBATCH --exclusive"', "#SBATCH ")] = (
        setting("Further lines at the head of the batch script.", [], "none")
    )
    prologue: Annotated[tuple[str, ...], _Lines('an array of shell lines such as "module load python"')] = setting(
        "Shell lines before the workers start. They run as written: treat a sweep file from others as a script.",
        [],
        "none",
    )
    python: Annotated[str, _Line()] | None = setting(
        "Python of the workers, a path on the compute nodes.", None, "the one that runs sim"
    )
    interface: Word | None = setting(
        'Network interface on which scheduler and workers meet, such as "ib0".', None, _DASK
    )


PROCESS_BYTES = 2e9
"""Memory of a worker process unless said. Measured: 0.8 GB while it compiles the engine, 0.4 GB later."""


@dataclass(frozen=True, slots=True)
class SlurmOptions:
    """Options of the batch jobs, resolved.

    Parameters
    ----------
    queue, account, interface : str or None
        None: left to Dask's own configuration.
    walltime_s : float
        Longest time of a batch job, s, above 0.
    jobs : int
        Batch jobs at a time, >= 1.
    cores : int
        Cores of each, >= 1.
    memory_bytes : float
        Memory of each, bytes. Unless said ``PROCESS_BYTES`` for each process.
    processes : int
        Worker processes of each, from 1 to `cores`.
    directives : tuple of str
        Lines ``#SBATCH ...`` without newline.
    prologue : tuple of str
        Shell lines before the workers start.
    python : str or None
        Path of the workers' Python; None: the one that runs.
    """

    queue: str | None = None
    account: str | None = None
    walltime_s: float = 3_600.0
    jobs: int = 1
    cores: int = 1
    memory_bytes: float = PROCESS_BYTES
    processes: int = 1
    directives: tuple[str, ...] = ()
    prologue: tuple[str, ...] = ()
    python: str | None = None
    interface: str | None = None


def resolve_slurm(table: SlurmTable) -> SlurmOptions:
    """Resolve `[slurm]`; raises `RefusedError` if there are more processes than cores."""
    processes = table.cores if table.processes is None else table.processes
    if processes > table.cores:
        raise RefusedError(f"is more than the {table.cores} cores", "at most one process for each core")
    return SlurmOptions(
        table.queue,
        table.account,
        float(table.walltime),
        table.jobs,
        table.cores,
        processes * PROCESS_BYTES if table.memory is None else float(table.memory),
        processes,
        table.directives,
        table.prologue,
        table.python,
        table.interface,
    )
