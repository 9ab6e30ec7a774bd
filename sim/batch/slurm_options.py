"""Options of the batch jobs in which workers run."""

from __future__ import annotations

from dataclasses import dataclass

GIGABYTE = 1e9


@dataclass(frozen=True, slots=True)
class SlurmOptions:
    """Options of the batch jobs, resolved; see `[slurm]` of the sweep file."""

    queue: str | None = None
    account: str | None = None
    walltime_s: float = 3_600.0
    jobs: int = 1
    cores: int = 1
    memory_bytes: float = GIGABYTE
    processes: int = 1
    directives: tuple[str, ...] = ()
    prologue: tuple[str, ...] = ()
    python: str | None = None
    interface: str | None = None
