"""The one place for kernels: what they are, when they are compiled, and how.

Importing Numba and loading compiled code takes longer than reading and planning a scenario: a kernel does either when
it is first called, so that whoever only loads, plans or validates needs no Numba.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property, update_wrapper
from typing import Any, TypeVar, cast

import sim.kernels._sources  # noqa: F401 - read now: by the time a kernel is compiled they may have been edited

F = TypeVar("F", bound=Callable[..., Any])

INTERPRETED = os.environ.get("SIM_INTERPRET") == "1"
"""Whether the compiled engine's own loop (``sim.engine.compiled``) runs as plain Python, to be stepped through and
measured: some thousand times slower, nothing to compile at a change, indices checked by NumPy. The small kernels that
both engines call stay compiled."""

OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}
"""Compiled code here allocates nothing, so that it needs no reference counts: without them it is a fifth faster. Numba
does not document ``_nrt``; where a version refuses it, drop it here."""


class Kernel:
    """A function that is compiled when it is first called, from Python or by compiled code.

    Parameters
    ----------
    function : callable
        Takes and returns numbers, arrays and tuples of them.
    forceinline : bool
        Whether compiled code that calls it holds a copy of it.
    """

    def __init__(self, function: Callable[..., Any], *, forceinline: bool) -> None:
        update_wrapper(self, function)
        self.py_func = function
        self._forceinline = forceinline

    def __call__(self, *arguments: Any) -> Any:
        return self.compiled(*arguments)

    @cached_property
    def compiled(self) -> Any:
        """The function as Numba has it, which compiles it for the types of its arguments when they first come."""
        from sim.kernels._numba import compiled

        return compiled(self.py_func, forceinline=self._forceinline, **OPTIONS)

    @property
    def _numba_type_(self) -> Any:
        """Where Numba looks when it compiles a call of this."""
        return self.compiled._numba_type_


class _Exact(Kernel):
    """A kernel that Python runs as it is written, without Numba."""

    def __call__(self, *arguments: Any) -> Any:
        return self.py_func(*arguments)


def kernel(function: F) -> F:
    """Compile a small function: cached, without the GIL, IEEE arithmetic in the order it is written, inlined.

    ``fastmath`` stays off: both engines must get the same last bit.
    """
    return _kernel(Kernel, function, forceinline=True)


def exact(function: F) -> F:
    """Compile a small function as ``kernel`` does, and let Python run it as it is written.

    It may use comparisons, floors, sums, products and quotients of doubles only, and kernels that are ``exact``: IEEE
    arithmetic rounds these alike everywhere, so that Python and compiled code get the same bits.
    """
    return _kernel(_Exact, function, forceinline=True)


def entry(function: F) -> F:
    """Compile a function that does much at a call, or is called from many places: as ``kernel``, but not inlined.

    That must be said: numba lets what a kernel calls inherit its options, and would put the whole engine into one
    function, which takes twice as long to compile.
    """
    return _kernel(Kernel, function, forceinline=False)


def _kernel(kind: type[Kernel], function: F, *, forceinline: bool) -> F:
    if INTERPRETED and function.__module__.startswith("sim.engine.compiled."):
        return function
    return cast(F, kind(function, forceinline=forceinline))
