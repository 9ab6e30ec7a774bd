"""A scenario from a thousand to a million GPUs: the sweep over its size, and what closed forms say of each size."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from os import PathLike
from typing import Any

from sim.batch.file import Sweep, sweep_from_dict
from sim.planning import build
from sim.scenario import Base, Scenario
from sim.study.outlook import Outlook

FEWEST_GPUS, MOST_GPUS = 1_000, 1_000_000
POINTS = 13
"""Sizes: four to a decade, both ends included."""

HALF_WIDTH = "0.25 points"
"""Assumption: formulas that are off by less are good enough, and small jobs need many replications for more."""

AXIS = "nodes"
"""Name of the axis: nodes of the job."""


@dataclass(frozen=True)
class Size:
    """A size of a scenario in closed form.

    Parameters
    ----------
    gpus : int
        Of the job.
    job_mtbf_s : float
        Mean time between faults that stop the job, s; infinite if nothing fails.
    first_order, exact : float or None
        ETTR by the first-order formula and by the exact one, as ``sim show`` has them; None where they do not apply.
        The first-order one falls below 0 where a fault strikes before the job has recovered.
    broken : tuple of str
        What the exact formula leaves out here.
    """

    gpus: int
    job_mtbf_s: float
    first_order: float | None
    exact: float | None
    broken: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The size as it stands in JSON."""
        mtbf = self.job_mtbf_s if math.isfinite(self.job_mtbf_s) else None
        return {
            "gpus": self.gpus, "job_mtbf_s": mtbf, "first_order_ettr": self.first_order, "exact_ettr": self.exact,
            "broken": list(self.broken),
        }  # fmt: skip


def scale_sweep(path: str | PathLike[str], changes: Sequence[str] = ()) -> Sweep:
    """Make the sweep of a scenario over its size.

    Nodes of the job, spares, crews and the width of maintenance keep the proportions that they have in the file,
    rounded up, and the cluster has room for all. Domains keep their size, so that there are more of them; where job and
    spares of the file fill whole domains, those of the sweep do. All else stays as it is: what a checkpoint takes, how
    often a component fails, and how often the job as a whole does.

    Where the file does not say how precise ETTR must be, it is ``HALF_WIDTH``.

    Parameters
    ----------
    path : str or path
        A scenario file.
    changes : sequence of str
        Changes of it, ``path.to.key=value`` each.

    Returns
    -------
    Sweep
        One axis, ``AXIS``. Sizes that domains make the same are there once.

    Raises
    ------
    ScenarioError
        If the scenario is not valid, or not at another size.
    """
    scenario = Base.read(path).scenario(changes)
    job, counts, at_once = _counts(scenario)
    step = _step(scenario, counts)
    values: dict[int, list[int]] = {}
    for gpus in _gpus():
        nodes = max(1, round(gpus / scenario.cluster.gpus_per_node / step)) * step
        grown = [math.ceil(Fraction(count * nodes, job)) for count in counts.values()]
        room = grown.pop()
        more = [max(1, math.ceil(Fraction(count * nodes, job))) for count in at_once.values()]
        values[nodes] = [nodes, *grown, *more, nodes + sum(grown) + room]
    keys = ["job.nodes", *list(counts)[:-1], *at_once, "cluster.nodes"]
    data: dict[str, Any] = {"scenario": str(path), "axes": {AXIS: {"keys": keys, "values": list(values.values())}}}
    if any(entry.path == ("run", "precision", "half_width") and entry.default for entry in scenario):
        data["half_width"] = HALF_WIDTH
    # What the axis sets has had its say in the proportions.
    rest = [change for change in changes if change.partition("=")[0].strip() not in keys]
    return sweep_from_dict(data, str(path), changes=rest)


def _gpus() -> Iterator[float]:
    for i in range(POINTS):
        yield FEWEST_GPUS * (MOST_GPUS / FEWEST_GPUS) ** (i / (POINTS - 1))


def _counts(scenario: Scenario) -> tuple[int, dict[str, int], dict[str, int]]:
    """Nodes of the job; of each pool, and last what the cluster has beyond; how many are mended or changed at once."""
    job = scenario.job.nodes
    counts = {f"pools.{name}.nodes": pool.nodes for name, pool in scenario.pools.by_name().items() if pool.nodes}
    counts["cluster.nodes"] = scenario.cluster.nodes - job - sum(counts.values())
    stages = scenario.repair.stages
    at_once = {f"repair.{name}.crews": each.crews for name, each in stages.items() if each.crews is not None}
    at_once |= {f"maintenance.{name}.width": each.width for name, each in scenario.maintenance.items()}
    return job, counts, at_once


def _step(scenario: Scenario, counts: Mapping[str, int]) -> int:
    """What the nodes of the job are a multiple of.

    If job and spares fill whole domains, the job's part of the largest domain of which that is true; else the largest
    domain that divides the job.
    """
    job = scenario.job.nodes
    all_nodes = job + sum(counts.values())
    sizes = sorted({group.unit for group in scenario.groups.values()}, reverse=True)
    for size in sizes:
        domains, rest = divmod(all_nodes, size)
        if not rest and not any(count % domains for count in (job, *counts.values())):
            return job // domains
    return next((size for size in sizes if job % size == 0), 1)


def sizes(sweep: Sweep) -> list[Size]:
    """Say what closed forms say of each size of a sweep that `scale_sweep` made."""
    found = []
    for case in sweep.cases:
        plan = build(sweep.scenario_of(case), sweep.seed)
        outlook = Outlook(plan)
        found.append(
            Size(
                plan.job_nodes * plan.gpus_per_node, outlook.job_mtbf_s, outlook.first_order_ettr, outlook.ettr,
                tuple(outlook.broken),
            )
        )  # fmt: skip
    return found
