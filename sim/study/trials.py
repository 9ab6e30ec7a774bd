"""A scenario at many settings, all on the same faults, each run as often as somebody asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from sim.engine.compiled.run import Runner
from sim.errors import ScenarioError, UsageError
from sim.plan import Plan
from sim.planning import build
from sim.results import Runs, count_reasons
from sim.scenario import Scenario
from sim.study.knobs import Make
from sim.study.looks import Clock
from sim.study.metrics import METRICS
from sim.study.paired import Floats, Measured


@dataclass
class _Setting:
    """A plan, and of the replications that it has run what the metric is made of, its totals, wall clock and excess,
    and why they stopped.
    """

    scenario: Scenario
    plan: Plan
    first: int
    numerator: Floats = field(default_factory=lambda: np.zeros(0))
    denominator: Floats = field(default_factory=lambda: np.zeros(0))
    wall_s: Floats = field(default_factory=lambda: np.zeros(0))
    excess_s: Floats = field(default_factory=lambda: np.zeros(0))
    stop_reason: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


class Trials:
    """Settings of a scenario.

    Parameters
    ----------
    make : callable
        From ``sim.study.knobs.maker``.
    metric : str
        A name of `METRICS`.
    seed : int
        Of all draws.
    jobs : int
        Threads, at least 1.
    first : int
        Number of the first replication: trials from another one meet other faults.
    max_time_s : float or None
        Time to simulate, s, on the trials' ``clock``, from the end of the first ones on.
    """

    def __init__(
        self, make: Make, metric: str, seed: int, jobs: int, first: int = 0, max_time_s: float | None = None
    ) -> None:
        self.make, self.metric, self.seed, self.jobs = make, metric, seed, jobs
        self.first = first
        self.clock = Clock(max_time_s)
        self._settings: dict[tuple[str, ...], _Setting] = {}

    def fresh(self, first: int) -> Trials:
        """Give the same trials on other faults: from replication ``first`` on."""
        return Trials(self.make, self.metric, self.seed, self.jobs, first)

    @property
    def used(self) -> int:
        """Number of the first replication that no setting has run."""
        return self.first + max((len(each.numerator) for each in self._settings.values()), default=0)

    def plan(self, changes: Sequence[str]) -> Plan:
        """Give the plan of a setting.

        Raises
        ------
        UsageError
            If the scenario is not valid with these changes.
        """
        return self._setting(tuple(changes)).plan

    def at(self, changes: Sequence[str], n: int) -> Measured:
        """Give the metric of a setting over the first n replications, which are run if they have not been."""
        setting, metric = self._setting(tuple(changes)), METRICS[self.metric]
        have = len(setting.numerator)
        if have < n:
            rows = Runner(setting.plan, self.jobs).run(setting.first + have, n - have)
            self.clock.start()
            runs = Runs(setting.scenario, setting.plan, rows)
            numerator, denominator = metric.totals(runs)
            setting.numerator = np.concatenate([setting.numerator, numerator])
            setting.denominator = np.concatenate([setting.denominator, denominator])
            setting.wall_s = np.concatenate([setting.wall_s, rows["wall_s"]])
            setting.excess_s = np.concatenate([setting.excess_s, rows["excess"].sum(axis=1)])
            setting.stop_reason = np.concatenate([setting.stop_reason, rows["stop_reason"]])
        return metric.measured(
            setting.numerator[:n], setting.denominator[:n], setting.wall_s[:n], setting.excess_s[:n],
            setting.stop_reason[:n],
        )  # fmt: skip

    def stop_reasons(self, changes: Sequence[str], n: int) -> dict[str, int]:
        """Count of the first n replications of a setting, which it has run, how many stopped for which reason."""
        return count_reasons(self._setting(tuple(changes)).stop_reason[:n])

    def differing(self, changes: Sequence[str], numerator: Floats, wall_s: Floats) -> int:
        """Count replications of a setting, of those it has run, that left other totals than these, of shape (n,)."""
        setting = self._setting(tuple(changes))
        n = len(numerator)
        return int(np.count_nonzero((setting.numerator[:n] != numerator) | (setting.wall_s[:n] != wall_s)))

    def _setting(self, changes: tuple[str, ...]) -> _Setting:
        if changes not in self._settings:
            try:
                scenario = self.make(changes)
                self._settings[changes] = _Setting(scenario, build(scenario, self.seed), self.first)
            except ScenarioError as error:
                problems = "; ".join(str(problem) for problem in error.problems)
                raise UsageError(f"{', '.join(changes)} is not valid: {problems}") from None
        return self._settings[changes]
