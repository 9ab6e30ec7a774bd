"""Who leaves the repair shop without being renewed, followed from stage to stage: for components that age."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from sim.errors import UsageError
from sim.scenario import Scenario
from sim.theory import visits

Floats = npt.NDArray[np.float64]

NEGLIGIBLE = 1e-15
"""Share of nodes that are not followed any further."""
MOST_VISITS = 20_000
"""Steps in which nodes are followed through the shop: about a second."""


def not_renewed(scenario: Scenario, entry: str, not_renewing: str | None = None) -> float:
    """Probability that a node that enters the shop at a stage comes back without a stage that renews it.

    Where a node goes depends on how often each stage with attempts has served it: nodes are followed from one such
    service to the next, until all but a negligible share have left.
    """
    shop = _Shop(scenario, not_renewing)
    unserved = (0,) * len(shop.names)
    inside = {unserved: shop.enter(unserved, {shop.names.index(entry): 1.0})}
    kept, followed = 0.0, 0
    while inside:
        followed += len(inside)
        if followed > MOST_VISITS:
            name = shop.names[int(np.argmax(shop.limits))]
            raise UsageError(
                f"repair.{name}.attempts: there are more than {MOST_VISITS:_} ways through the stages with attempts, "
                "too many to say which share of the ageing components is renewed; give fewer attempts"
            )
        following: dict[tuple[int, ...], Floats] = {}
        for served, enters in inside.items():
            came = visits(shop.steps(served), shop.leaves, enters)
            kept += float(came @ shop.comes_back)
            for i in map(int, np.flatnonzero(shop.limits & (came > NEGLIGIBLE))):
                again = tuple(times + (j == i) for j, times in enumerate(served))
                entered = shop.enter(again, {j: share * came[i] for j, share in shop.follows[i].items()})
                following[again] = following.get(again, 0.0) + entered
        inside = following
    return kept


class _Shop:
    """Where nodes that no stage has renewed go, by stage.

    ``follows`` are the probabilities of what comes after one service, ``comes_back`` that the node comes back, each
    without being renewed. ``leaves`` are the ends of `visits`; a stage with attempts (``limits``) is one.
    """

    def __init__(self, scenario: Scenario, not_renewing: str | None) -> None:
        self.names = list(scenario.repair.stages)
        self.stages = list(scenario.repair.stages.values())
        count = len(self.names)
        self.limits = np.array([stage.attempts is not None for stage in self.stages])
        self.leaves, self.comes_back = np.ones(count), np.zeros(count)
        self.follows: list[defaultdict[int, float]] = [defaultdict(float) for _ in self.stages]
        for i, (name, stage) in enumerate(scenario.repair.stages.items()):
            self.follows[i][i if self.limits[i] else self.names.index(stage.else_)] += 1.0 - stage.success
            renewed = stage.renews and name != not_renewing
            if stage.then is None or renewed:
                self.comes_back[i] = 0.0 if renewed else stage.success
            else:
                self.follows[i][self.names.index(stage.then)] += stage.success
            if not self.limits[i]:
                self.leaves[i] = stage.success if stage.then is None or renewed else 0.0

    def steps(self, served: tuple[int, ...]) -> Floats:
        """Moves from stages without attempts, as `visits` wants them."""
        ends: dict[int, float] = {}
        return np.array([self.enter(served, ends if end else self.follows[i]) for i, end in enumerate(self.limits)])

    def enter(self, served: tuple[int, ...], nodes: Mapping[int, float]) -> Floats:
        """Nodes by the stage that serves them next, where each goes on from those that may serve it no more."""
        found = np.zeros(len(self.stages))
        for i, share in nodes.items():
            while (most := self.stages[i].attempts) is not None and served[i] >= most:
                i = self.names.index(self.stages[i].else_)
            found[i] += share
        return found
