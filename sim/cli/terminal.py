"""What the verbs say beside and after their answers."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sim.errors import ExitCode, shown

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from sim.scenario import Scenario


def say(text: str) -> None:
    """Say something beside the answer, on standard error."""
    print(shown(text), file=sys.stderr)


def put(text: str) -> None:
    """Print a line of the answer, on standard output."""
    print(shown(text))


def put_json(answer: object) -> None:
    """Print an answer as JSON, which escapes all control characters but one by itself."""
    print(json.dumps(answer, indent=2, allow_nan=False).replace("\x7f", "\\u007f"))


def ask(questions: Iterable[str], file: str = "") -> None:
    """Ask about what looks like a slip, on standard error."""
    for question in questions:
        say(f"{file}question: {question}")


def warn(scenario: Scenario, file: str = "") -> None:
    """Say which keys of a scenario have no effect, and why."""
    for unused in scenario.unused:
        say(f"{file}warning: {unused}")


def forewarn(
    cases: Sequence[tuple[Path, Scenario]], runs: int | None, jobs: int | None, simpy: bool = False, settings: int = 1
) -> None:
    """Say what simulating scenarios of these files will take, where that is long, and which key makes it so."""
    from sim.planning import build
    from sim.report.forecast import forecast
    from sim.study.looks import FIRST_LOOK, cores
    from sim.study.outlook import Outlook

    least = runs or min(FIRST_LOOK, *(scenario.run.max_replications for _, scenario in cases))
    found = [(str(file), scenario, Outlook(build(scenario))) for file, scenario in cases]
    text = forecast(found, least, jobs or cores(), simpy, settings)
    if text is not None:
        say(text)


def console() -> Console:
    """Standard output, 80 columns where it is no terminal. Names may hold brackets and colons: nothing is markup."""
    from rich.console import Console
    from rich.segment import Segment

    class Escaping(Console):
        """Escapes control characters before a text is measured, or when it is drawn at the latest."""

        def render_str(self, text: str, **options: Any) -> Text:
            return super().render_str(shown(text), **options)

        def render(self, *what: Any, **options: Any) -> Iterator[Segment]:
            for segment in super().render(*what, **options):
                yield segment if segment.control else Segment(shown(segment.text), segment.style)

    color: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"
    return Escaping(highlight=False, markup=False, emoji=False, color_system=color)


class _Said(logging.Handler):
    """What the engine says in the log is said to the user: why a first answer takes so long."""

    def emit(self, record: logging.LogRecord) -> None:
        say(record.getMessage())


_SAID = _Said(logging.INFO)


def hear_engine() -> None:
    """Say what the engine says in the log."""
    log = logging.getLogger("sim.engine")
    log.setLevel(logging.INFO)
    log.addHandler(_SAID)


def written_and_shown(write: Callable[[], None], show: Callable[[], None], interrupted: bool) -> None:
    """Write the files of an answer and show it. After Ctrl-C, when time is short, it is shown first."""
    for step in (show, write) if interrupted else (write, show):
        step()
        sys.stdout.flush()


def leave(interrupted: bool, imprecise: str | None) -> None:
    """Exit with what became of an answer: Ctrl-C ended it early, or it is not as precise as asked (None: it is), which
    is said unless the answer says it.
    """
    import typer

    if interrupted:
        say("interrupted: the answer is that of the replications so far")
        raise typer.Exit(ExitCode.CTRL_C)
    if imprecise is not None:
        if imprecise:
            say(imprecise)
        raise typer.Exit(ExitCode.IMPRECISE)


def time_up(n: int) -> str:
    """Say that --max-time ended the replications."""
    return f"the time is up: the answer is that of {n:,} replication{'s' if n > 1 else ''}"


def going_on(said: str, left_s: float | None) -> None:
    """Say how far an answer is, and how long it still takes."""
    from sim.report.words import duration

    say(f"{said}; {'' if left_s is None else f'about {duration(left_s)} left, '}going on")


def not_reached(half_width: float | None, n: int, more: str = "") -> str:
    """Say that a half width of ETTR, as a fraction, was not reached."""
    return (
        f"the precision asked for, ±{100 * (half_width or 0.0):.2g} points{more}, was not reached in {n} "
        "replications: raise run.max_replications, or ask for less"
    )
