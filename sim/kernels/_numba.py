"""Numba, for ``sim.kernels._jit``, which imports this when the first kernel is compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba

from sim.kernels._cache import Kept
from sim.kernels._lacks import Compiler


def compiled(function: Callable[..., Any], **options: Any) -> Any:
    """Return a function as Numba has it, with our passes, and our cache if it is ours.

    Parameters
    ----------
    function : callable
        To be compiled.
    **options
        As ``numba.njit`` takes them.
    """
    dispatcher = numba.njit(pipeline_class=Compiler, **options)(function)
    if function.__module__.startswith("sim."):  # the hash of our sources says nothing of others
        dispatcher._cache = Kept(function)
    return dispatcher
