"""Compiled code on disk: only whole code is read, and only from a directory that belongs to this user alone.

Numba's own cache unpickles whatever lies in its directory: a damaged file ends the process, and a file that somebody
else put there is run. Here every compiled signature is one file: a checksum, then what Numba serialises. The checksum
covers the sources, the versions and the file's name as well, so that code of another version counts as damaged. It is
verified before anything is unpickled. A damaged file is removed, and its code compiled again.

The checksum protects against damage, owner and mode protect against other users: the directory is made by us, of mode
700, no link, and each file is ours. Files are written under a name that nobody can guess and then renamed, so that any
number of processes may compile at the same time, also on a shared file system.
"""

from __future__ import annotations

import hashlib
import logging
import os
import pickle
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite
import numba
import numpy as np
from numba.core.caching import _Cache
from numba.core.compiler import CompileResult
from numba.core.registry import cpu_target
from numba.core.serialize import dumps

from sim.kernels import _sources

_CHECKSUM = hashlib.sha256
_SIZE = _CHECKSUM().digest_size

_log = logging.getLogger("sim.engine")
_of_directories = logging.getLogger("sim.engine.cache")
"""What is said of directories is said once on a machine, by whoever starts the workers there."""


def source_hash(sources: bytes) -> str:
    """Hash of all that decides what the compiled code does: our sources, the versions, the bounds check.

    Numba looks only at a function's own file when it decides whether cached code is still good: a change in a function
    that it calls goes unnoticed and gives old answers.

    Parameters
    ----------
    sources : bytes
        Digest of the sources: see ``sim.kernels._sources``.
    """
    digest = hashlib.sha256(sources)
    versions = numba.__version__, llvmlite.__version__, np.__version__, sys.version
    digest.update(f"{versions} {os.environ.get('NUMBA_BOUNDSCHECK')}".encode())
    return digest.hexdigest()[:16]


SOURCES = source_hash(_sources.IMPORTED)


def directories() -> Iterator[Path]:
    """Directories that may hold compiled code, best first; whether they can be used shows when they are.

    Below ``NUMBA_CACHE_DIR``, else the user's cache directory; then the directory for temporary files: a read-only home
    is common on compute nodes.
    """
    given, user = os.environ.get("NUMBA_CACHE_DIR"), os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    with suppress(FileNotFoundError):  # a relative name, where the working directory is gone
        if given:
            yield Path(given).absolute() / SOURCES
        elif os.path.isabs(user):  # it is not where there is no home
            yield Path(user) / "lockstep-sim" / "numba" / SOURCES
    with suppress(FileNotFoundError):  # no directory for temporary files can be written
        yield Path(tempfile.gettempdir()) / f"lockstep-sim-{os.getuid() if hasattr(os, 'getuid') else 'user'}-{SOURCES}"


def _is_ours(directory: Path) -> bool:
    """Whether a directory is there and nobody else can have put a file into it; if somebody can, it is said, once."""
    try:
        status = os.lstat(directory)
    except OSError:
        return False
    if not stat.S_ISDIR(status.st_mode):
        _say(f"{directory} is a link or a file: compiled code is not read from there; remove it")
    elif hasattr(os, "getuid") and status.st_uid != os.geteuid():
        _say(f"{directory} belongs to another user: compiled code is not read from there; remove it")
    elif hasattr(os, "getuid") and status.st_mode & 0o077:
        _say(f"{directory} is open to other users: compiled code is not read from there; remove it")
    else:
        return True
    return False


@cache
def _say(text: str, level: int = logging.WARNING) -> None:
    """Log what is to be said of a directory, once in a process."""
    _of_directories.log(level, text)


def _made(directory: Path) -> bool:
    """Make a directory of our own, unless it is there. Returns whether it can be used; raises `OSError` if not made."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        directory.mkdir(mode=0o700)
    return _is_ours(directory)


def _writable(use: Callable[[Path], Any]) -> Any:
    """What ``use`` gives for the best directory in which it can write; None where there is none, which is said once."""
    why = []
    for directory in directories():
        try:
            if not _made(directory):
                continue
            found = use(directory)
        except OSError as error:
            why.append(f"{directory}: {error.strerror}")
            continue
        if why:
            _say(f"compiled code is kept in {directory} ({'; '.join(why)})", logging.INFO)
        return found
    _say(f"compiled code cannot be kept, every process compiles it again ({'; '.join(why) or 'no directory is ours'})")
    return None


def lock(name: str) -> Any:
    """A file of this name that is open, in the directory in which compiled code is kept; None where there is none."""
    return _writable(lambda directory: open(directory / f"{name}.lock", "w"))


def _checksum(name: str, content: bytes) -> bytes:
    return _CHECKSUM(b"\0".join((SOURCES.encode(), name.encode(), content))).digest()


def _read(name: str) -> bytes | None:
    """The content of a file that is whole and ours, from the best directory that has it."""
    for directory in directories():
        if not _is_ours(directory):
            continue
        path = directory / name
        try:
            with open(path, "rb", opener=_no_link) as file:
                status = os.fstat(file.fileno())
                data = file.read()
        except FileNotFoundError:
            continue
        except OSError:  # a link, or not ours to read
            status, data = os.lstat(path), b""
        ours = not hasattr(os, "getuid") or status.st_uid == os.geteuid()
        if ours and data[:_SIZE] == _checksum(name, data[_SIZE:]):
            return data[_SIZE:]
        _remove(path, status)
    return None


def _no_link(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0))


def _remove(path: Path, status: os.stat_result) -> None:
    """Remove a damaged file, and say so, unless another process has put a good one in its place since."""
    try:
        if os.path.samestat(os.lstat(path), status):
            os.unlink(path)
            _log.warning("%s was damaged and is removed: its code is compiled again", path)
    except FileNotFoundError:
        pass
    except OSError as error:
        _say(f"{path} is damaged and cannot be removed: {error.strerror}")


def _write(name: str, content: bytes) -> None:
    """Keep a file, whole or not at all."""

    def write(directory: Path) -> bool:
        handle, partial = tempfile.mkstemp(dir=directory, prefix=".", suffix=".part")
        try:
            with open(handle, "wb") as file:
                file.write(_checksum(name, content))
                file.write(content)
            os.replace(partial, directory / name)
        except BaseException:
            os.unlink(partial)
            raise
        return True

    _writable(write)


def _prefix(function: Any) -> str:
    """How the files of a function begin, on this machine: code for another processor has other names."""
    machine = repr(cpu_target.target_context.codegen().magic_tuple())
    return f"{function.__module__}.{function.__qualname__}-{_CHECKSUM(machine.encode()).hexdigest()[:8]}-"


def is_kept(function: Any) -> bool:
    """Whether whole code of a compiled function is there, made of these very sources, for this processor."""
    prefix = _prefix(function.py_func)
    names = {path.name for directory in directories() if _is_ours(directory) for path in directory.glob(f"{prefix}*")}
    return any(_read(name) is not None for name in names)


class Kept(_Cache):
    """Numba's interface to the compiled code of one function."""

    def __init__(self, function: Any) -> None:
        self._function = function
        self._enabled = True

    @property
    def cache_path(self) -> str | None:
        """Where code is kept, as Numba shows it in its statistics."""
        return str(next(directories(), ""))

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The code compiled for a signature; None where it is not kept."""
        if not self._enabled:
            return None
        target_context.refresh()
        content = _read(self._name(sig))
        return None if content is None else CompileResult._rebuild(target_context, *pickle.loads(content))

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep what was compiled for a signature."""
        if self._enabled and not data.library.has_dynamic_globals:  # those would hold addresses of this process
            _write(self._name(sig), dumps(data._reduce()))

    def _name(self, sig: Any) -> str:
        return f"{_prefix(self._function)}{_CHECKSUM(repr(sig).encode()).hexdigest()[:16]}"

    def enable(self) -> None:
        """Keep code."""
        self._enabled = True

    def disable(self) -> None:
        """Neither read code nor keep it."""
        self._enabled = False

    def flush(self) -> None:
        """Forget nothing: what is kept is checked when it is read."""
