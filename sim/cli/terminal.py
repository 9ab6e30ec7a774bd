"""What the verbs say beside and after their answers."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Literal

import typer

from sim.errors import ExitCode

if TYPE_CHECKING:
    from rich.console import Console


def say(text: str) -> None:
    """Say something beside the answer, on standard error."""
    print(text, file=sys.stderr)


def console() -> Console:
    """Standard output, 80 columns where it is no terminal. Names may hold brackets and colons: nothing is markup."""
    from rich.console import Console

    color: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"
    return Console(highlight=False, markup=False, emoji=False, color_system=color)


def announce_compilation() -> None:
    """Say why the first answer takes so long, where nothing is compiled yet."""
    from sim.kernels._jit import is_warm

    if not is_warm():
        say("compiling the engine; this takes about a minute, once ...")


def leave(interrupted: bool, imprecise: str | None) -> None:
    """Exit with what became of an answer: Ctrl-C ended it early, or it is not as precise as asked (None: it is), which
    is said unless the answer says it.
    """
    if interrupted:
        say("interrupted: the answer is that of the replications so far")
        raise typer.Exit(ExitCode.CTRL_C)
    if imprecise is not None:
        if imprecise:
            say(imprecise)
        raise typer.Exit(ExitCode.IMPRECISE)


def not_reached(half_width: float | None, n: int, more: str = "") -> str:
    """Say that a half width of ETTR, as a fraction, was not reached."""
    return (
        f"the precision asked for, ±{100 * (half_width or 0.0):.2g} points{more}, was not reached in {n} "
        "replications: raise run.max_replications, or ask for less"
    )
