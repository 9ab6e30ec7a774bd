"""Runs of a scenario on both engines, and how far what they measure lies from a closed form.

The statistic is a ratio of totals over n independent replications, r = sum a / sum b, with its delta-method standard
error e = sd(a - r b) / (sqrt(n) mean b). By Student's law with n - 1 degrees of freedom (r - expected) / e has a
probability of its tail; z is the normal deviate of the same tail. A test fails where abs(z) >= 4.5: a correct engine
does that with probability 7e-6 a statistic, so the 60 statistics here (30 tests, two engines) give a false alarm in one
of 2400 suites. Seeds are fixed, and every test has its own; a negative control has that of the test it belongs to.

``noticed`` = 4.5 e / expected is the relative error that the n replications notice half of the time (and 6.5 e 98 % of
the time). The tests derive it from the model, state it, and hold what was measured to at most 1.1 times that: the
spread of n >= 800 replications is itself known to 3 %.

The compiled engine runs n replications. The SimPy engine runs the first m of them: they must be the same rows and
incidents, bit for bit, so that the statistic of n replications speaks for both engines; that of the m alone is computed
and tested as well.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from sim.engine import simpy_engine
from sim.engine.compiled.run import Runner
from sim.engine.state import ROW, StopReason
from sim.kernels.ledger import BUCKETS
from sim.plan import Plan
from sim.planning import build
from sim.scenario import loads

Z_LIMIT = 4.5
HOUR, MINUTE = 3600.0, 60.0
# A fixture has six significant digits: half a unit of the sixth is at most 5e-6 of the value.
SIX_DIGITS = 5e-6
# Of a spread that n >= 800 replications give, against the derived one.
SPREAD = 1.1

Rows = Any
Reader = Callable[[Rows], tuple[Any, Any]]


class Measured(NamedTuple):
    """What both engines say: see the module."""

    expected: float
    n: int
    ratio: float
    z: float
    m: int
    simpy_ratio: float
    simpy_z: float
    noticed: float

    @property
    def agrees(self) -> bool:
        """Whether neither engine contradicts the closed form."""
        return abs(self.z) < Z_LIMIT and abs(self.simpy_z) < Z_LIMIT


def agreed(theory: float, fixture: float) -> float:
    """The value of the closed form, which must be the fixture of the list of oracles."""
    assert abs(theory - fixture) <= SIX_DIGITS * fixture, (theory, fixture)
    return theory


def closed(plan: Plan, rows: Rows) -> None:
    """The ledgers close: that of the wall clock exactly, that of node-seconds up to rounding."""
    ledger = rows["ledger"]
    assert np.array_equal(ledger.sum(axis=1), rows["wall_s"])
    assert np.array_equal(ledger[:, BUCKETS.index("productive")], rows["work_done_s"])
    assert (ledger >= 0.0).all()
    assert (rows["absent_node_s"] >= 0.0).all()
    held = (ledger * plan.job_nodes - rows["absent_node_s"]).sum(axis=1)
    held += rows["spare_idle_node_s"] + rows["repair_node_s"]
    np.testing.assert_allclose(held, plan.nodes * rows["wall_s"], rtol=1e-12, atol=0.0)


def booked(rows: Rows, *buckets: str) -> Any:
    """Seconds of each row in some buckets together."""
    return sum(rows["ledger"][:, BUCKETS.index(bucket)] for bucket in buckets)


def deviate(a: Any, b: Any, expected: float) -> tuple[float, float, float]:
    """Ratio of totals, its standard error, and z: see the module. Without any spread z is infinite."""
    n = len(a)
    ratio = a.sum() / b.sum()
    error = float(np.std(a - ratio * b, ddof=1) / (math.sqrt(n) * b.mean()))
    t = float((ratio - expected) / error) if error > 0.0 else math.inf
    return float(ratio), error, math.copysign(stats.norm.isf(stats.t.sf(abs(t), n - 1)), t)


def run_compiled(plan: Plan, jobs: int, n: int) -> Rows:
    """Replications 0 to n - 1 of the compiled engine, all of which end as they should."""
    rows = Runner(plan, jobs).run(0, n)
    reason = StopReason.DONE if plan.work < math.inf else StopReason.HORIZON
    assert (rows["stop_reason"] == reason).all()
    closed(plan, rows)
    return rows


def run_simpy(plan: Plan, m: int, compiled: Rows) -> Rows:
    """Replications 0 to m - 1 of the SimPy engine, bit for bit those of the compiled one, with the same incidents."""
    runner = Runner(plan)
    rows = np.zeros(m, ROW)
    for k in range(m):
        rows[k], incidents = simpy_engine.run_one(plan, k)
        assert rows[k] == compiled[k]
        row, log = runner.run_one(k)
        assert row == compiled[k]
        assert len(log) == len(incidents) == row["interruptions"]
        for name in log.dtype.names:
            assert np.array_equal(log[name], incidents[name], equal_nan=log[name].dtype.kind == "f")
    closed(plan, rows)
    return rows


def measured(
    jobs: int, scenario: str, read: Reader, expected: float, n: int, m: int, *changes: str, early: str | None = None
) -> Measured:
    """Run a scenario on both engines and compare.

    ``read`` gives numerator and denominator of each row. With ``early``, an earlier horizon, both are what accrues from
    there to the scenario's own horizon on the same path (a horizon changes no draw), so that the start does not count.
    ``changes`` are overrides of the scenario.
    """

    def both(*more: str) -> tuple[Any, Any]:
        plan = build(loads(scenario, overrides=(*changes, *more)))
        rows = run_compiled(plan, jobs, n)
        simpy_rows = run_simpy(plan, m, rows)
        return np.array(read(rows), float), np.array(read(simpy_rows), float)

    compiled, simpy_ = both()
    if early is not None:
        compiled_early, simpy_early = both(f"run.horizon={early}")
        compiled -= compiled_early
        simpy_ -= simpy_early
    ratio, error, z = deviate(*compiled, expected)
    simpy_ratio, _, simpy_z = deviate(*simpy_, expected)
    found = Measured(expected, n, ratio, z, m, simpy_ratio, simpy_z, Z_LIMIT * error / expected)
    print(found)  # pytest -rP shows it
    return found
