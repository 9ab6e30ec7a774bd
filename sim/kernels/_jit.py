"""The one place for compilation options."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

from sim.kernels._cache import Kept
from sim.kernels._lacks import Compiler

F = TypeVar("F", bound=Callable[..., Any])

INTERPRETED = os.environ.get("SIM_INTERPRET") == "1"
"""Whether the compiled engine's own loop (``sim.engine.compiled``) runs as plain Python, to be stepped through and
measured: some thousand times slower, nothing to compile at a change, indices checked by NumPy. The small kernels that
both engines call stay compiled."""

_OPTIONS: dict[str, Any] = {
    "nogil": True, "error_model": "numpy", "pipeline_class": Compiler, "_nrt": False,
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
    compiled = numba.njit(forceinline=forceinline, **_OPTIONS)(function)
    if function.__module__.startswith("sim."):  # the hash of our sources says nothing of others
        compiled._cache = Kept(function)
    return cast(F, compiled)
