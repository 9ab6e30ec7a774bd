"""The ledger of a real month beside the simulated one: what the model leaves unexplained."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

from sim.errors import Problem, ScenarioError, UsageError
from sim.kernels.ledger import BUCKETS
from sim.scenario.document import read_text
from sim.scenario.refusal import listed, nearest, shown
from sim.study.answer import Answer
from sim.study.statistics import Estimate, mean, spread

HEADER = ["bucket", "hours"]

FEWEST_RUNS = 200
"""Replications for a range of single runs from 5 to 95 %: ten runs lie beyond each end. An assumption."""

ALLOWED_DIFFERENCE = 0.01
"""How far the observed hours may add up to more than the simulated run: the rounding of a ledger. An assumption."""


@dataclass(frozen=True)
class Residual:
    """One bucket of the wall clock, observed and simulated, in hours.

    ``below`` is the share of the runs with fewer hours than observed, those with as many counted half; ``outside`` says
    whether the observed hours lie beyond the 5 to 95 % range of single runs.
    """

    bucket: str
    observed_hours: float
    simulated: Estimate
    runs: dict[str, float]
    below: float

    @property
    def residual_hours(self) -> float:
        """Observed hours less the mean of the simulated ones."""
        return self.observed_hours - self.simulated.mean

    @property
    def outside(self) -> bool:
        """Whether fewer than 5 % of the runs were as far out."""
        return not self.runs["p5"] <= self.observed_hours <= self.runs["p95"]

    def as_dict(self) -> dict[str, Any]:
        """The residual as it stands in JSON."""
        return {
            "bucket": self.bucket, "observed_hours": self.observed_hours, "simulated_hours": self.simulated.as_dict(),
            "single_runs_hours": self.runs, "residual_hours": self.residual_hours, "below": self.below,
            "outside": self.outside,
        }  # fmt: skip


def read_observed(path: str | PathLike[str]) -> dict[str, float]:
    """Read the ledger of a real run: a CSV file with the columns ``bucket`` and ``hours`` of wall clock.

    Raises
    ------
    ScenarioError
        With every line that is wrong: a bucket that is not known, named twice or not of the wall clock; hours that are
        no number, or negative.
    """
    file = str(path)
    lines = csv.reader(io.StringIO(read_text(file)))
    try:
        return _read(file, lines)
    except csv.Error as error:
        raise ScenarioError([Problem(file, lines.line_num, "", f"is not CSV: {error}", None, "bucket,hours")]) from None


def _read(file: str, lines: Any) -> dict[str, float]:
    header = [name.strip().casefold() for name in next(lines, [])]
    if header != HEADER:
        raise ScenarioError([Problem(file, 1, "", "needs a header", shown(",".join(header)), "bucket,hours")])
    found: dict[str, float] = {}
    problems: list[Problem] = []
    for cells in lines:
        if any(cell.strip() for cell in cells):
            problem = _read_line(cells, found)
            if problem is not None:
                problems.append(Problem(file, lines.line_num, *problem))
    if not found and not problems:
        problems.append(Problem(file, None, "", "has no buckets", None, "one line or more after the header"))
    if problems:
        raise ScenarioError(problems)
    return found


_Wrong = tuple[str, str, str | None, str | None, str | None]


def _read_line(cells: list[str], found: dict[str, float]) -> _Wrong | None:
    """Add a line to what was found, or say what is wrong with it."""
    if len(cells) != len(HEADER):
        return "", "needs two cells", shown(",".join(cells)), "bucket,hours", None
    bucket, text = cells[0].strip(), cells[1].strip()
    if bucket not in BUCKETS:
        close = nearest(bucket.replace(" ", "_"), BUCKETS)
        meant = f'did you mean "{close}"?' if close else None
        return shown(bucket), "is no bucket of the wall clock", None, listed(BUCKETS), meant
    if bucket in found:
        return bucket, "is named twice", None, "each bucket once", None
    try:
        hours = float(text)
    except ValueError:
        hours = math.nan
    if not 0 <= hours < math.inf:
        return bucket, "needs hours", shown(text), "a number of hours, 0 or more, without a unit", None
    found[bucket] = hours
    return None


def residuals(answer: Answer, observed: dict[str, float]) -> list[Residual]:
    """The observed buckets beside those of the runs, in the order of ``observed``; others are not compared.

    Parameters
    ----------
    answer : Answer
        Runs with a horizon as long as the time that was observed.
    observed : dict
        Hours of wall clock by bucket, from ``read_observed``.

    Raises
    ------
    UsageError
        If the runs do not have a horizon of that length: their range would be that of other runs.
    """
    total = math.fsum(observed.values())
    horizon = answer.runs.plan.horizon / 3600
    remedy = f'--set run.horizon="{total:.6g} h"'
    if math.isfinite(answer.runs.plan.work):
        raise UsageError(f"an observed ledger is compared with runs of its length, not until work is done: {remedy}")
    complete = set(observed) >= {name for name, seconds in answer.runs.ledger_s.items() if seconds.any()}
    if total > horizon * (1 + ALLOWED_DIFFERENCE) or (complete and total < horizon * (1 - ALLOWED_DIFFERENCE)):
        raise UsageError(f"the observed hours add up to {total:,.6g}, but a run has {horizon:,.6g}: {remedy}")
    return [_residual(answer, bucket, hours) for bucket, hours in observed.items()]


def _residual(answer: Answer, bucket: str, observed: float) -> Residual:
    hours = answer.runs.ledger_s[bucket] / 3600
    below = (np.count_nonzero(hours < observed) + np.count_nonzero(hours <= observed)) / (2 * len(hours))
    return Residual(bucket, observed, mean(hours, answer.confidence), spread(hours), float(below))
