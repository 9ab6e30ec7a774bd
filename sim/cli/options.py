"""The application, and the options that its verbs share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from sim.errors import UsageError, shown

if TYPE_CHECKING:
    from sim.scenario import Scenario


class Verbs(TyperGroup):
    """The verbs. What is wrong with a command names options and values as they are shown."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Read the command up to its verb."""
        with _escaped():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        """Read the rest, and call the verb."""
        with _escaped():
            return super().invoke(ctx)


@contextmanager
def _escaped() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if hasattr(error, "format_message"):  # an error of usage, which Typer shows
            error.message = shown(error.message)  # type: ignore[attr-defined]
        raise


app = typer.Typer(
    cls=Verbs,
    name="sim",
    help="How much of the time of a coherent training cluster is useful, and where the rest goes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


File = Annotated[Path, typer.Argument(metavar="FILE", help="A scenario file (TOML).")]
Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Scenario files (TOML).")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help='Change a key: --set stores.remote.every="10 min".'),
]
Seed = Annotated[int | None, typer.Option(min=0, help="Seed of all draws; the file's own if left out.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Half = Annotated[
    str | None, typer.Option("--half-width", metavar="POINTS", help='Precision of ETTR to reach, such as "0.1 points".')
]
Replications = Annotated[int | None, typer.Option(min=1, help="Run exactly so many, whatever the precision.")]
Jobs = Annotated[int | None, typer.Option(min=1, help="Threads; all cores if left out.")]
MaxTime = Annotated[
    str | None,
    typer.Option("--max-time", metavar="DURATION", help='Stop then, with the answer so far: "10 min".'),
]
Output = Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write to a file.")]


def _version(asked: bool) -> None:
    if asked:
        from sim import __version__

        print(f"lockstep-sim {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def load(file: Path, changes: list[str] | None = None) -> Scenario:
    """Load a scenario file with changes from the command line."""
    from sim import scenario

    return scenario.load(file, changes or [])


def check_output(option: str, output: Path, *kinds: str) -> None:
    """Refuse now what would fail after the last replication."""
    if output.suffix not in kinds:
        raise UsageError(f"{option} {output}: results are written as {' or '.join(kinds)}")
    if output.is_dir():
        raise UsageError(f"{option} {output}: is a directory")
    if not output.parent.is_dir():
        raise UsageError(f"{option} {output}: there is no directory {output.parent}")
    if not os.access(output.parent, os.W_OK):
        raise UsageError(f"{option} {output}: {output.parent} may not be written to")


def seconds_of(max_time: str | None) -> float | None:
    """Return the value of --max-time in seconds."""
    from sim.scenario.refusal import RefusedError
    from sim.scenario.units import duration

    if max_time is None:
        return None
    try:
        time = float(duration(max_time))
    except RefusedError as refusal:
        raise UsageError(f'--max-time "{max_time}": {refusal}; give {refusal.allowed}') from None
    if time <= 0:
        raise UsageError(f'--max-time "{max_time}": give a time above 0')
    return time


def precision_of(replications: int | None, half_width: str | None) -> list[str]:
    """Changes of a scenario that ask for a precision; refuses to be asked for a number of replications as well."""
    if replications is not None and half_width is not None:
        raise UsageError("--replications runs exactly so many: leave out --half-width, or --replications")
    return [] if half_width is None else [f"run.precision.half_width={half_width}"]
