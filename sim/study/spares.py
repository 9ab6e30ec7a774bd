"""Whether the spares will do: nodes in repair at a time against the spares that stand in for them, in closed form."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import pdtrc

from sim.kernels.laws import CONSTANT, ENDLESS, EXPONENTIAL, LOGNORMAL, MIXTURE
from sim.plan import BACK, GROUP, NOTHING, WALL, Plan, Source


def mean_of(plan: Plan, position: int) -> float:
    """Mean of a law of the plan, s; infinite for one that never ends."""
    law = plan.laws[position]
    if law.kind == MIXTURE:
        return law.share * mean_of(plan, law.first) + (1 - law.share) * mean_of(plan, law.other)
    if law.kind == LOGNORMAL:
        return math.exp(law.a + law.b**2 / 2)
    if law.kind == ENDLESS:
        return math.inf
    assert law.kind in (CONSTANT, EXPONENTIAL)
    return law.a


@dataclass(frozen=True)
class Spares:
    """Nodes that are lost and come back, as if the job never stopped and crews were endless: a little too pessimistic
    where it often stops, too optimistic where crews are busy.
    """

    plan: Plan

    @property
    def nodes(self) -> int:
        """Spares of all pools."""
        return sum(pool.nodes for pool in self.plan.pools)

    @cached_property
    def losses(self) -> tuple[float, float]:
        """Nodes lost to a reset and to repair, 1/s, hot spares included."""
        reset = repair = 0.0
        for source in self.plan.sources:
            rate = self._rate(source)
            reset += rate * source.p_reset
            repair += rate * max(0.0, 1 - source.p_process - source.p_reset)
        return reset, repair

    @property
    def closed(self) -> bool:
        """Whether services follow in closed form: nothing is counted, no bad node comes back, crews never pause, and a
        dead spare is noticed at once.
        """
        if self.plan.retire.failures + self.plan.quarantine.failures > 0:
            return False
        if any(pool.nodes > 0 and pool.check > 0.0 for pool in self.plan.pools):
            return False
        return all(stage.attempts == 0 and stage.false_fix == stage.shift_length == 0 for stage in self.plan.repair)

    @cached_property
    def services(self) -> tuple[float, ...]:
        """Services of each repair stage, 1/s: what enters the shop there, and what other stages send it.

        The rates x solve x = e + P^T x, with e the nodes that enter the shop at each stage and P the probabilities that
        a node goes from one stage to another (Jackson, Operations Research 5, 1957, for the traffic equations).
        """
        reset, repair = self.losses
        stages = self.plan.repair
        enters = np.zeros(len(stages))
        enters[0] += reset
        enters[self.plan.repair_entry] += repair
        balance = np.eye(len(stages))
        for i, stage in enumerate(stages):
            balance[stage.or_else, i] -= 1 - stage.success
            if stage.then != BACK:
                balance[stage.then, i] -= stage.success
            if stage.or_else == i:
                balance[i, i] = stage.success  # 1 - (1 - success) would lose digits
        return tuple(map(float, np.linalg.solve(balance, enters)))

    @cached_property
    def in_repair(self) -> float:
        """Mean number of nodes in repair; infinite if they never come back."""
        found = 0.0
        for rate, stage in zip(self.services, self.plan.repair, strict=True):
            found += rate * mean_of(self.plan, stage.law) if rate > 0 else 0.0
        return found

    @cached_property
    def shortage(self) -> float:
        """Share of the time in which more nodes are in repair than there are spares: a Poisson tail (oracle O9c).

        Nodes that go down together are taken to be in repair together: a compound Poisson tail, by Panjer's recursion
        n p(n) = sum over j of a_j g_j p(n - g_j), with a_j the mean number of shocks of g_j nodes.
        """
        if math.isinf(self.in_repair):
            return 1.0
        sizes = self._shock_sizes
        if set(sizes) <= {1}:
            return float(pdtrc(self.nodes, self.in_repair))
        found = [math.exp(-math.fsum(sizes.values()))]
        for n in range(1, self.nodes + 1):
            found.append(math.fsum(a * g * found[n - g] for g, a in sizes.items() if g <= n) / n)
        return max(0.0, 1.0 - math.fsum(found))

    @property
    def _shock_sizes(self) -> dict[int, float]:
        """Mean number of shocks whose nodes are in repair, by their number of nodes."""
        sizes: dict[int, float] = {}
        losses = sum(self.losses)
        for source in self.plan.sources if losses > 0 else ():
            nodes = self.nodes_of(source.takes)
            share = self._rate(source) * (1 - source.p_process) / losses
            size = max(1, round(nodes))
            sizes[size] = sizes.get(size, 0.0) + share * self.in_repair / size
        return sizes

    def _rate(self, source: Source) -> float:
        """Nodes that faults of a source strike which would take them, 1/s."""
        if source.takes == NOTHING:
            return 0.0
        per_spare = source.per_node * self.plan.pools[0].nodes if source.clock == WALL else 0
        return source.rate * (source.components + per_spare) * self.nodes_of(source.takes)

    @cached_property
    def crews_busy(self) -> float:
        """The busiest stage's work per crew: above 1 the queue grows without end; 0 where no stage has a limit."""
        loads = [
            rate * mean_of(self.plan, stage.law) / stage.crews
            for rate, stage in zip(self.services, self.plan.repair, strict=True)
            if stage.crews > 0 and rate > 0
        ]
        return max(loads, default=0.0)

    def nodes_of(self, takes: int) -> float:
        """Nodes that go down with one fault, at most: the mean size of a domain, or one node."""
        return self.plan.nodes / self.plan.groups[takes - GROUP].number if takes >= GROUP else 1.0

    @property
    def enough(self) -> bool:
        """Whether nodes are hardly ever waited for: at most 1 % of the time, and crews keep up."""
        return self.losses == (0.0, 0.0) or (self.closed and self.shortage <= 0.01 and self.crews_busy < 1)

    @property
    def sentence(self) -> str:
        """What is to be expected, in one sentence; empty where no node is ever lost."""
        if self.losses == (0.0, 0.0):
            return ""
        if not self.closed:
            return f"no closed form says how many nodes are in repair at a time; {self.nodes} spares"
        if math.isinf(self.in_repair):
            return f"nodes never come back from repair; {self.nodes} spares stand in for the first ones"
        said = f"about {self.in_repair:.3g} nodes in repair at a time, {self.nodes} spares"
        if self.shortage > 1e-4:
            said += f", too few {100 * self.shortage:.{0 if self.shortage > 0.1 else 2}f} % of the time"
        if self.crews_busy > 0:
            said += f"; crews {100 * self.crews_busy:.0f} % busy"
        return said + (", so the queue for them grows without end" if self.crews_busy >= 1 else "")
