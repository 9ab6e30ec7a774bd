"""Kernels that Python runs as they are written give the bits that compiled code gives."""

import importlib
import math
import pkgutil

from hypothesis import given, settings
from hypothesis import strategies as st

import sim.kernels
from sim.kernels._jit import _Exact
from sim.kernels.saves import make_pattern, wall_of_work
from sim.kernels.time import LONGEST_S, quantize

SECONDS = st.one_of(
    st.floats(0.0, math.inf), st.floats(0.0, LONGEST_S), st.integers(0, 2**53).map(lambda halves: halves * 2.0**-21)
)
"""Also ties: whole and half ticks."""
ON_GRID = st.floats(0.0, LONGEST_S).map(quantize)
SLOWDOWN = st.one_of(st.just(0.0), st.floats(0.0, 1.0, exclude_max=True))


def bits(found: object) -> list[tuple[type, str]]:
    return [(type(each), each.hex() if isinstance(each, float) else str(each)) for each in found]


def test_which_kernels_are_exact() -> None:
    """Each of them is held to its compiled code below."""
    found = set()
    for module in pkgutil.iter_modules(sim.kernels.__path__, "sim.kernels."):
        names = vars(importlib.import_module(module.name))
        found |= {name for name, value in names.items() if isinstance(value, _Exact)}
    assert found == {"quantize", "wall_of_work", "make_pattern"}


@settings(deadline=None)  # the first example compiles
@given(SECONDS)
def test_quantize(seconds: float) -> None:
    assert bits([quantize(seconds)]) == bits([quantize.compiled(seconds)])


@settings(deadline=None)
@given(ON_GRID, ON_GRID, SLOWDOWN)
def test_wall_of_work(work: float, persist: float, slowdown: float) -> None:
    assert bits([wall_of_work(work, persist, slowdown)]) == bits([wall_of_work.compiled(work, persist, slowdown)])


@settings(deadline=None)
@given(ON_GRID, ON_GRID, ON_GRID, SLOWDOWN, st.integers(1, 2**31))
def test_make_pattern(interval: float, stall: float, persist: float, slowdown: float, in_flight: int) -> None:
    given_ = interval, stall, persist, slowdown, in_flight
    found, compiled = make_pattern(*given_), make_pattern.compiled(*given_)
    assert type(found) is type(compiled)
    assert bits(found) == bits(compiled)


def test_a_rounding_that_differs_would_be_seen() -> None:
    """Negative control: Python rounds ties to even, compiled code as it is written."""
    tick = 2.0**-20
    assert bits([round(2.5 * tick / tick) * tick]) != bits([quantize.compiled(2.5 * tick)])
