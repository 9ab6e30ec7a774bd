"""Errors that a user can act on, and the exit codes of the command line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

_LINE_WIDTH = 120

_HIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
"""Characters that a terminal acts on, or that turn the direction of text: C0 but the end of a line, DEL, C1, bidi."""


def shown(text: str) -> str:
    """Return a text as it is shown: control characters of names, values and paths are escaped, as TOML does it."""
    return _HIDDEN.sub(lambda char: f"\\u{ord(char[0]):04x}", text)


class ExitCode(IntEnum):
    """Exit codes of every verb of the command line."""

    DONE = 0
    BUG = 1
    INVALID = 2
    IMPRECISE = 3
    CASES_FAILED = 4
    INTERRUPTED = 75
    CTRL_C = 130


class SimError(Exception):
    """Root of the errors that this package raises on purpose.

    Attributes
    ----------
    exit_code : ExitCode
        What the command line exits with when this error reaches it.
    """

    exit_code: ExitCode = ExitCode.BUG


class UsageError(SimError):
    """A command or a call that cannot be carried out as it was given."""

    exit_code = ExitCode.INVALID


class LostError(SimError):
    """The workers cannot be had any more; results that have arrived are safe, and the same command goes on."""

    exit_code = ExitCode.INTERRUPTED


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a scenario.

    Parameters
    ----------
    file : str
        File as the user named it, or ``"command line"`` for an override.
    line : int or None
        Line in the file, from 1; None where there is none to name.
    key : str
        Dotted path of the key; empty if the problem is the whole file's.
    message : str
        What is wrong, as a phrase that follows the key.
    given : str or None
        What was given, as it would stand in a TOML file, shortened.
    allowed : str or None
        What is allowed there.
    remedy : str or None
        What to do.
    """

    file: str
    line: int | None
    key: str
    message: str
    given: str | None = None
    allowed: str | None = None
    remedy: str | None = None

    def __str__(self) -> str:
        file = shown(self.file).replace("\n", "\\n")
        place = file if self.line is None else f"{file}:{self.line}"
        said = f"{self.key}: {self.message}" if self.key else self.message
        text = f"{place}: {said}"
        if self.given is not None:
            text += f"; given {self.given}"
        if self.allowed is not None:
            text += f"; allowed: {self.allowed}"
        if self.remedy is None:
            return text
        joined = f"{text}; {self.remedy}"
        return joined if len(joined) <= _LINE_WIDTH else f"{text}\n    {self.remedy}"


class ScenarioError(SimError):
    """A scenario that cannot be used; holds every problem that was found.

    Parameters
    ----------
    problems : iterable of Problem
        At least one; in the order in which they are to be shown.
    """

    exit_code = ExitCode.INVALID

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: list[Problem] = list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type[ScenarioError], tuple[list[Problem]]]:
        return type(self), (self.problems,)
