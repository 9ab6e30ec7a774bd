"""The compiled engine's loop as plain Python (``SIM_INTERPRET=1``): the same runs, and nothing of it compiled."""

import os
import subprocess
import sys

import numpy as np
import pytest

from sim.engine.compiled.layout import ENTRY, MEMBER, PLAIN, PLAN, STATE
from sim.engine.compiled.units import HEAP, NODE, REST, SITE
from sim.engine.state import INCIDENT, ROW

PROBE = """
from strategies import examples, plans
from hypothesis import given
from sim.engine.compiled import job, loop
from engine.checks import compiled, difference, specified

assert not hasattr(loop.run_full, "compiled") and not hasattr(job.hit, "compiled")

@examples(8)
@given(plans())
def check(plan):
    assert not difference(compiled(plan, 0), specified(plan, 0))

check()
print("equal")
"""


def test_the_loop_runs_as_plain_python() -> None:
    environment = {**os.environ, "SIM_INTERPRET": "1", "PYTHONPATH": "tests"}
    probe = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROBE], capture_output=True, text=True, env=environment, timeout=120
    )
    assert probe.stdout == "equal\n", probe.stderr


@pytest.mark.parametrize("kind", [PLAN, PLAIN, STATE, NODE, HEAP, REST, SITE, MEMBER, ENTRY, ROW, INCIDENT])
def test_no_field_is_called_as_something_that_every_record_has(kind: np.dtype) -> None:
    """Records inside them (stores, versions) are read by compiled kernels only."""
    assert not [name for name in kind.names or () if hasattr(np.record, name)]
