"""Files that appear when they are complete: whatever ends the process before, no part of one stands under its name."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sim.errors import UsageError

_MOST_NAME = 40

_unfinished: set[Path] = set()


def partial_name(name: str, token: str) -> str:
    """Return the name of a file while it is written; with ``"*"`` as token, a pattern of all of them."""
    return f".{name[:_MOST_NAME]}.{token}.part"


@contextmanager
def appearing(path: Path, *, durable: bool = False, remedy: str = "") -> Iterator[Path]:
    """Give a file to write, which takes its name when the ``with`` ends well.

    Parameters
    ----------
    path : Path
        The name it gets; what stood there is replaced.
    durable : bool
        Whether it is on the disk, and would survive a loss of power, before it takes its name.
    remedy : str
        What to do where it cannot be written.

    Raises
    ------
    UsageError
        If it cannot be written.
    """
    # Nobody can have put a link under a name that nobody can guess, and a file that is there is not opened.
    partial = path.with_name(partial_name(path.name, secrets.token_hex(8)))
    _unfinished.add(partial)
    try:
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        yield partial
        if durable:
            with open(partial, "rb+") as file:
                os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise UsageError(f"{path}: cannot be written: {reason}{remedy}") from None
    finally:
        with suppress(OSError):
            partial.unlink()
        _unfinished.discard(partial)


def discard_unfinished() -> None:
    """Remove what is being written, where the process ends before it is complete."""
    for partial in list(_unfinished):
        with suppress(OSError):
            partial.unlink()
