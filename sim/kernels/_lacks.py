"""What a record has not is left out of the compiled code: a pass of the compiler, as Numba lets one add it."""

from __future__ import annotations

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
    what it has not costs nothing.
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


class Compiler(CompilerBase):
    """Numba's passes, and ``Lacks`` before branches are pruned."""

    def define_pipelines(self) -> list[Any]:
        """The passes, as Numba asks for them."""
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.add_pass_after(Lacks, IRProcessing)
        passes.finalize()
        return [passes]
