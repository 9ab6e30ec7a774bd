"""What is asked of the memory beforehand, so that nobody waits for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from sim.kernels._jit import INTERPRETED

LINE = 64
"""Bytes in a line of the cache."""


def _prefetch_in_llvm(_context: Any, array: Any, index: Any) -> Any:

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        byte, flag = ir.IntType(8).as_pointer(), ir.IntType(32)
        shape = ir.FunctionType(ir.VoidType(), [byte, flag, flag, flag])
        ask = builder.module.globals.get("llvm.prefetch.p0") or ir.Function(builder.module, shape, "llvm.prefetch.p0")
        record = builder.gep(context.make_array(array)(context, builder, arguments[0]).data, [arguments[1]])
        for start in range(0, array.dtype.size, LINE):
            at = builder.gep(builder.bitcast(record, byte), [ir.Constant(ir.IntType(64), start)])
            builder.call(ask, [at, flag(0), flag(3), flag(1)])  # to be read, soon, as data
        return context.get_dummy_value()

    return types.none(array, types.int64), generate


def _prefetch_nothing(_array: Any, _index: int) -> None:
    pass


prefetch = _prefetch_nothing if INTERPRETED else cast(Callable[[Any, int], None], intrinsic(_prefetch_in_llvm))
"""Ask for all lines of a record of an array, which need not be there; nothing but the time to come depends on it."""
