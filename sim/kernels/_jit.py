"""The one place for compilation options, and for the directory in which compiled code is kept.

Numba looks only at a function's own file when it decides whether cached code is still good: a change in a function
that it calls goes unnoticed and gives old answers. So the cache directory's name carries a hash of every source that
is compiled, of Numba's version and of the options that change the code.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np

from sim.kernels._lacks import Compiler

F = TypeVar("F", bound=Callable[..., Any])

_PACKAGE = Path(__file__).resolve().parent.parent
_COMPILED = ("kernels", "engine", "plan.py")


def source_hash() -> str:
    """Hash of all that decides what the compiled code does: our sources, the versions, the bounds check."""
    digest = hashlib.sha256()
    for part in _COMPILED:
        here = _PACKAGE / part
        for path in sorted(here.rglob("*.py")) if here.is_dir() else [here]:
            digest.update(path.relative_to(_PACKAGE).as_posix().encode())
            digest.update(path.read_bytes())
    digest.update(f"{numba.__version__} {np.__version__} {os.environ.get('NUMBA_BOUNDSCHECK')}".encode())
    return digest.hexdigest()[:16]


def cache_directory() -> Path:
    """Where compiled code is kept: below ``NUMBA_CACHE_DIR``, else the user's cache directory, else a temporary one."""
    base = os.environ.get("NUMBA_CACHE_DIR") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "lockstep-sim", "numba"
    )
    directory = Path(base) / source_hash()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if os.access(directory, os.W_OK):
            return directory
    except OSError:
        pass  # a read-only home is common on compute nodes; the temporary directory below serves
    return Path(tempfile.gettempdir()) / f"lockstep-sim-{os.getuid()}" / directory.name


INTERPRETED = os.environ.get("SIM_INTERPRET") == "1"
"""Whether the compiled engine's own loop (``sim.engine.compiled``) runs as plain Python, to be stepped through and
measured: some thousand times slower, nothing to compile at a change, indices checked by NumPy. The small kernels that
both engines call stay compiled."""

CACHE_DIRECTORY = cache_directory()
numba.config.CACHE_DIR = str(CACHE_DIRECTORY)  # type: ignore[attr-defined]  # numba makes its settings at run time


def is_warm(name: str) -> bool:
    """Whether this function of the compiled engine's loop is there already, compiled from these very sources."""
    return any(CACHE_DIRECTORY.rglob(f"loop.{name}-*.nbi"))


_OPTIONS: dict[str, Any] = {
    "cache": True, "nogil": True, "error_model": "numpy", "pipeline_class": Compiler, "_nrt": False,
}  # fmt: skip
"""Compiled code here allocates nothing, so that it needs no reference counts: without them it is a fifth faster. Numba
does not document ``_nrt``; where a version refuses it, drop it here."""


def kernel(function: F) -> F:
    """Compile a small function: cached, without the GIL, IEEE arithmetic in the order it is written, inlined.

    ``fastmath`` stays off: both engines must get the same last bit.
    """
    return _compiled(function, forceinline=True)


def entry(function: F) -> F:
    """Compile a function that does much at a call, or is called from many places: as ``kernel``, but not inlined.

    That must be said: numba lets what a kernel calls inherit its options, and would put the whole engine into one
    function, which takes twice as long to compile.
    """
    return _compiled(function, forceinline=False)


def _compiled(function: F, *, forceinline: bool) -> F:
    if INTERPRETED and function.__module__.startswith("sim.engine.compiled."):
        return function
    return cast(F, numba.njit(forceinline=forceinline, **_OPTIONS)(function))
