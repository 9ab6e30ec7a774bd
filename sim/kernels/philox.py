"""Random numbers that are looked up, not taken in turn: Philox4x64-10.

A draw is a pure function of a key and a counter, so that a fault is the same whatever else happens in the run.
Source: J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from sim.kernels._jit import entry, kernel

_MULTIPLIER_0 = np.uint64(0xD2E7470EE14C6C93)
_MULTIPLIER_1 = np.uint64(0xCA5A826395121157)
_WEYL_0 = np.uint64(0x9E3779B97F4A7C15)
_WEYL_1 = np.uint64(0xBB67AE8584CAA73B)
_ROUNDS = 10
_SHIFT = np.uint64(11)
_TO_UNIT = 2.0**-53


def _multiply_high_in_llvm(_context: Any, _a: Any, _b: Any) -> Any:

    def generate(_c: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        wide = ir.IntType(128)
        product = builder.mul(builder.zext(arguments[0], wide), builder.zext(arguments[1], wide))
        return builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), ir.IntType(64))

    return types.uint64(types.uint64, types.uint64), generate


_multiply_high = cast(Callable[[np.uint64, np.uint64], np.uint64], intrinsic(_multiply_high_in_llvm))
"""High 64 bits of the 128-bit product of two unsigned 64-bit numbers, in compiled code."""


@entry
def philox(
    key_0: np.uint64, key_1: np.uint64, c_0: np.uint64, c_1: np.uint64, c_2: np.uint64, c_3: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    """Four 64-bit words for a key of two words and a counter of four; all arguments uint64 scalars."""
    for _ in range(_ROUNDS):
        high_0 = _multiply_high(_MULTIPLIER_0, c_0)
        high_1 = _multiply_high(_MULTIPLIER_1, c_2)
        low_0 = _MULTIPLIER_0 * c_0
        low_1 = _MULTIPLIER_1 * c_2
        c_0, c_1, c_2, c_3 = high_1 ^ c_1 ^ key_0, low_1, high_0 ^ c_3 ^ key_1, low_0
        key_0 = key_0 + _WEYL_0
        key_1 = key_1 + _WEYL_1
    return c_0, c_1, c_2, c_3


@kernel
def uniforms(
    key_0: np.uint64, key_1: np.uint64, ordinal: int, lane: int, place: int, replication: int
) -> tuple[float, float, float, float]:
    """Four independent uniforms in [0, 1) of 53 bits.

    Parameters
    ----------
    key_0, key_1 : uint64
        Key of the stream: (seed, name of the source).
    ordinal : int64
        Which event of the stream: its n-th fault.
    lane : int64
        What is drawn for that event: 0 for the fault itself, else the identity of a stage.
    place : int64
        Block of units and attempt: block + 256 * attempt.
    replication : int64
        Which replication.
    """
    a, b, c, d = philox(key_0, key_1, np.uint64(ordinal), np.uint64(lane), np.uint64(place), np.uint64(replication))
    return (
        float(a >> _SHIFT) * _TO_UNIT,
        float(b >> _SHIFT) * _TO_UNIT,
        float(c >> _SHIFT) * _TO_UNIT,
        float(d >> _SHIFT) * _TO_UNIT,
    )


@entry
def uniforms_of(key_0: np.uint64, key_1: np.uint64, lane: int, replications: Any, out: Any) -> None:
    """One uniform in [0, 1) for each of some replications.

    Parameters
    ----------
    key_0, key_1 : uint64
        Key of the stream.
    lane : int64
        What is drawn.
    replications : array of int64, shape (n,)
        Which replications.
    out : array of float64, shape (n,)
        Written in place.
    """
    for i in range(out.size):
        out[i] = uniforms(key_0, key_1, 0, lane, 0, replications[i])[0]
