"""Run by ``test_bounds`` in a process of its own: some plans in the compiled engine, and what came of them, as JSON.

With ``NUMBA_BOUNDSCHECK=1`` every access to an array is checked; without it a write out of bounds is silent.
"""

import hashlib
import importlib
import json
import pkgutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from hypothesis import Phase, given, settings
from numba import types
from strategies import plans

import sim.engine.compiled
import sim.kernels
from sim.engine import simpy_engine
from sim.engine.compiled.run import Runner
from sim.engine.state import MARKS
from sim.kernels._jit import Kernel, entry

COUNT = 40


@entry
def beyond(array: np.ndarray, position: int) -> float:
    return array[position]


def is_checked() -> bool:
    """Whether a read beyond an array's end is noticed."""
    try:
        beyond(np.zeros(3), 3)
    except IndexError:
        return True
    return False


def digests() -> list[str]:
    """One digest of rows and incidents for each plan; the same plans each time."""
    found = []

    @settings(max_examples=COUNT, phases=[Phase.generate])
    @given(plans())
    def run(plan) -> None:
        runner = Runner(plan)
        marks = np.zeros((4, plan.periods, len(MARKS)))
        row, incidents = runner.run_one(0, marks[0])
        rows = runner.run(1, 3, marks[1:])
        digest = hashlib.sha256(row.tobytes() + incidents.tobytes() + rows.tobytes() + marks.tobytes())
        found.append(digest.hexdigest())
        if len(found) <= 10:
            simpy_engine.run_one(plan, 0, marks[0])

    run()
    return found


def plan_in(signature: tuple[types.Type, ...]) -> str:
    """Which type of plan is among the arguments: for each the engine is compiled once."""
    text = " ".join(map(str, signature))
    return "full" if "has_tiers[" in text else "plain" if "job_nodes[" in text else "none"


def signatures() -> dict[str, list[str]]:
    """Types of plans in the signatures that were compiled of each kernel; a constant argument (``Literal``) counts as
    its type.
    """
    found = {}
    for package in (sim.kernels, sim.engine.compiled):
        for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
            loaded = importlib.import_module(module.name)
            for name, value in vars(loaded).items():
                if isinstance(value, Kernel) and value.py_func.__module__ == module.name:
                    different = {tuple(map(types.unliteral, signature)) for signature in value.compiled.signatures}
                    found[f"{module.name}.{name}"] = sorted(map(plan_in, different))
    return found


if __name__ == "__main__":
    print(json.dumps({"checked": is_checked(), "digests": digests(), "signatures": signatures()}))
