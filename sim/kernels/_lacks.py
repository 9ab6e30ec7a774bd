"""What a record has not is left out of the compiled code: a pass of the compiler, as Numba lets one add it."""

from __future__ import annotations

import hashlib
from typing import Any

from numba.core import ir, types
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import FunctionPass, register_pass
from numba.core.ir_utils import get_definition, guard
from numba.core.untyped_passes import IRProcessing


@register_pass(mutates_CFG=False, analysis_only=False)
class Lacks(FunctionPass):
    """Where an argument is a record whose type has no field ``has_...``, that field is read as False.

    Branches that ask for it are then left out before anything is compiled. So the type of a plan says what it has, and
    features it does not use cost nothing.
    """

    _name = "lacks"

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def run_pass(self, state: Any) -> bool:
        """Replace the reads in one function. Returns whether there were any."""
        found = False
        for block in state.func_ir.blocks.values():
            for assign in block.find_insts(ir.Assign):
                if self._is_lacking(state, assign.value):
                    definitions = state.func_ir._definitions[assign.target.name]
                    no = ir.Const(False, assign.loc)
                    definitions[definitions.index(assign.value)] = no
                    assign.value = no
                    found = True
        return found

    def _is_lacking(self, state: Any, value: Any) -> bool:
        if not (isinstance(value, ir.Expr) and value.op == "getattr" and value.attr.startswith("has_")):
            return False
        read_from = guard(get_definition, state.func_ir, value.value)
        kind = state.args[read_from.index] if isinstance(read_from, ir.Arg) else None
        return isinstance(kind, types.Record) and value.attr not in kind.fields


@register_pass(mutates_CFG=False, analysis_only=False)
class Named(FunctionPass):
    """Names compiled code by what the types of its arguments hold.

    Numba names a record type by a number that counts types in the process that compiles. Code for two record types that
    two processes kept may then have the same names, and a process that reads both calls the one for the other.
    """

    _name = "named"

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def run_pass(self, state: Any) -> bool:
        """Add a checksum of the types to the name of one function. Returns that it is changed."""
        checksum = hashlib.sha256(repr(state.args).encode()).hexdigest()[:16]
        state.func_id.unique_id = f"{state.func_id.unique_id}x{checksum}"
        return True


class Compiler(CompilerBase):
    """Numba's passes, ``Named``, and ``Lacks`` before branches are pruned."""

    def define_pipelines(self) -> list[Any]:
        """The passes, as Numba asks for them."""
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.add_pass_after(Named, IRProcessing)
        passes.add_pass_after(Lacks, IRProcessing)
        passes.finalize()
        return [passes]
