"""Runs as they would be on average over what was drawn for durations whose laws' means are known: less noise, no bias.

A law of a scenario has a known mean, so how far drawn durations are from it is noise that need not stay in an estimate:
``excess`` of a run (``sim.engine.state.ROW``) has an expectation of 0, and a second of it costs a second. It is a
control variate with a coefficient from theory: where tails are heavy, one that is estimated would itself be biased.

References
----------
P. Glasserman, Monte Carlo Methods in Financial Engineering, 2003, section 4.1. S. Asmussen and P. W. Glynn, Stochastic
Simulation, 2007, section V.2.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from sim.engine.state import StopReason
from sim.results import Records, Runs

Floats = npt.NDArray[np.float64]

FIXED_END = (StopReason.HORIZON, StopReason.DEPLETED, StopReason.GAVE_UP, StopReason.END_OF_TIME)
"""Why runs stop whose end does not move with what they drew."""


def levelled_time(wall_s: Floats, excess_s: Floats) -> Floats:
    """Wall clock less the excess of drawn durations: what shares and rates are taken of, with the same expectation.

    The last axis is that of replications. A single one is left as it is.
    """
    return wall_s - excess_s if wall_s.shape[-1] > 1 else wall_s


def time_s(rows: Records) -> Floats:
    """``levelled_time`` of rows, shape (n,)."""
    return levelled_time(rows["wall_s"], rows["excess"].sum(axis=1))


def totals_of_a_run(without: Floats, excess_s: Floats, time: Floats, fixed: Floats | float) -> Floats:
    """Totals of runs from those without excess: runs that end at a fixed time have as much more of everything.

    Parameters
    ----------
    without : array of shape (..., n)
        A total less what of it is excess.
    excess_s, time : arrays of shape (..., n)
        Excess, and ``levelled_time``.
    fixed : float, or array of shape (..., 1)
        Share of the runs that end at a fixed time.
    """
    rate = without.sum(axis=-1, keepdims=True) / time.sum(axis=-1, keepdims=True)
    return cast(Floats, without + fixed * excess_s * rate)


def shares_of_time(runs: Runs) -> Runs:
    """Runs whose totals are those without excess, to be divided by ``time_s``: they add up to it."""
    if len(runs.rows) < 2 or not runs.rows["excess"].any():
        return runs
    rows: Any = runs.rows.copy()
    excess_s = rows["excess"].sum(axis=1)
    rows["ledger"] -= rows["excess"]
    rows["recovery_of"] -= rows["excess_of"]
    rows["wall_s"] -= excess_s
    # While the job is in what was drawn its pools are idle or in repair, as they are at other times.
    idle, repair = float(rows["spare_idle_node_s"].sum()), float(rows["repair_node_s"].sum())
    pooled_s = (runs.plan.nodes - runs.plan.job_nodes) * excess_s
    rows["spare_idle_node_s"] -= pooled_s * (idle / (idle + repair) if idle else 0.0)
    rows["repair_node_s"] -= pooled_s * (repair / (idle + repair) if repair else 0.0)
    return replace(runs, rows=rows, marks=None)


def means_of_a_run(runs: Runs) -> Runs:
    """Runs whose totals have the means of a run's: those without excess, and what a fixed end adds to them."""
    level = shares_of_time(runs)
    if level is runs:
        return runs
    rows: Any = level.rows
    excess_s, time = rows["excess"].sum(axis=1), time_s(runs.rows)
    fixed = float(np.isin(rows["stop_reason"], FIXED_END).mean())
    for name in ("wall_s", "work_done_s", "spare_idle_node_s", "repair_node_s", "waited_s"):
        rows[name] = totals_of_a_run(rows[name], excess_s, time, fixed)
    for name in ("ledger", "absent_node_s", "lost_of", "recovery_of"):
        rows[name] = totals_of_a_run(rows[name].T, excess_s, time, fixed).T
    return level
