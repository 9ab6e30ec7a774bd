"""Standard output and error, as a command finds them: closed, without a reader, or unable to show a character."""

from __future__ import annotations

import io
import os
import sys


class _Patient(io.FileIO):
    """A stream whose reader may go, as in ``sim ... | head``: the rest goes nowhere, and the verb ends as it would."""

    def write(self, data: object) -> int:
        try:
            return super().write(data)  # type: ignore[arg-type]  # bytes of any kind
        except BrokenPipeError:
            return memoryview(data).nbytes  # type: ignore[arg-type]


def prepare() -> None:
    """Make the streams fit for use."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:  # closed: a file that is opened later must not be taken for it
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    if sys.stdout is sys.__stdout__:
        sys.stdout = _patient(1, sys.stdout)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _patient(2, sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a ± that the terminal does not know must not end the run


def _patient(number: int, stream: io.TextIOWrapper | None) -> io.TextIOWrapper:
    encoding = "utf-8" if stream is None else stream.encoding
    lines = number == 2 or os.isatty(number) or bool(stream and stream.write_through)
    raw = io.BufferedWriter(_Patient(number, "w", closefd=False))
    return io.TextIOWrapper(raw, encoding=encoding, line_buffering=lines)
