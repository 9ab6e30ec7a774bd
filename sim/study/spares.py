"""Whether the spares will do: nodes in repair at a time against the spares that stand in for them, in closed form."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from sim.plan import BACK, GROUP, NOTHING, WALL, Plan, Source
from sim.recoveries import mean_of
from sim.theory import visits

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

SHORT = 0.01
"""Share of the time in which nodes may be waited for and spares are still enough. An assumption."""


@dataclass(frozen=True)
class Spares:
    """Nodes that are lost and come back, as if the job only stopped for want of nodes and crews were endless: a little
    too pessimistic where it often stops, too optimistic where crews are busy.
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
        """Whether services follow in closed form: nothing is counted, no bad node comes back, crews never pause, a dead
        spare is noticed at once, pools take all nodes back, and no node goes to repair for the fault of another.
        """
        if self.plan.retire.failures + self.plan.quarantine.failures > 0 or self.plan.blame.evict > 0:
            return False
        if any(pool.nodes > 0 and (pool.check > 0.0 or not pool.takes_back) for pool in self.plan.pools):
            return False
        return all(stage.attempts == 0 and stage.false_fix == stage.shift_length == 0 for stage in self.plan.repair)

    @cached_property
    def services(self) -> tuple[float, ...]:
        """Services of each repair stage, 1/s: what enters the shop there, and what other stages send it."""
        import numpy as np  # takes long to start, and what is read from a plan needs none of it

        reset, repair = self.losses
        stages = self.plan.repair
        enters, leaves = np.zeros(len(stages)), np.zeros(len(stages))
        enters[0] += reset
        enters[self.plan.repair_entry] += repair
        steps = np.zeros((len(stages), len(stages)))
        for i, stage in enumerate(stages):
            steps[i, stage.or_else] += 1 - stage.success
            if stage.then != BACK:
                steps[i, stage.then] += stage.success
            else:
                leaves[i] = stage.success
        return tuple(map(float, visits(steps, leaves, enters)))

    @cached_property
    def load(self) -> float:
        """Mean number of nodes that would be in repair if each were replaced at once; infinite if none comes back."""
        found = 0.0
        for rate, stage in zip(self.services, self.plan.repair, strict=True):
            found += rate * mean_of(self.plan, stage.law) if rate > 0 else 0.0
        return found

    @cached_property
    def in_repair(self) -> float:
        """Mean number of nodes in repair; infinite if they never come back.

        Nodes that go down together have no closed form: then it is ``load``, or all nodes if that is more.
        """
        if math.isinf(self.load):
            return math.inf
        if not set(self._shock_sizes) <= {1}:
            return min(self.load, float(self.plan.nodes))
        import numpy as np

        return float(self._chances @ np.arange(len(self._chances)))

    @cached_property
    def shortage(self) -> float:
        """Share of the time in which more nodes are in repair than there are spares.

        Nodes that go down together are taken to be in repair together: a compound Poisson tail, by Panjer's recursion
        n p(n) = sum over j of a_j g_j p(n - g_j), with a_j the mean number of shocks of g_j nodes.
        """
        if math.isinf(self.load):
            return 1.0
        sizes = self._shock_sizes
        if set(sizes) <= {1}:
            return min(1.0, math.fsum(self._chances[self.nodes + 1 :]))
        found = [math.exp(-math.fsum(sizes.values()))]
        for n in range(1, self.nodes + 1):
            found.append(math.fsum(a * g * found[n - g] for g, a in sizes.items() if g <= n) / n)
        return max(0.0, 1.0 - math.fsum(found))

    @cached_property
    def _chances(self) -> npt.NDArray[np.float64]:
        """Probabilities that k nodes are in repair, k from 0 to all nodes, where they are lost one by one.

        p_(k+1) / p_k = load x f(k) / (k + 1), where f(k) is the rate of losses with k nodes in repair over that with
        none: faults on the training clock strike as long as the job runs, those on the wall clock whatever is up. It
        holds for every law of the time in repair (Erlang's and Engset's loss formulas are the cases of one clock). As
        f(k) <= 1, the tail is below Poisson's, and is left out from twelve standard deviations on.
        """
        import numpy as np

        if self.load == 0.0:
            return np.ones(1)
        plan = self.plan
        down = np.arange(min(plan.nodes, math.ceil(self.load + 12 * math.sqrt(self.load) + 60)))
        on = sum(pool.nodes for pool in plan.pools if pool.on)
        wall = spares = training = 0.0
        for source in plan.sources:
            rate = self._rate(source) * (1 - source.p_process)
            alone = rate * source.components / (source.components + self._on_spares(source)) if rate > 0 else 0.0
            wall += alone if source.clock == WALL else 0.0
            training += alone if source.clock != WALL else 0.0
            spares += rate - alone
        losses = (
            wall * np.minimum(plan.job_nodes, plan.nodes - down) / plan.job_nodes
            + training * (down <= self.nodes)
            + spares * np.maximum(on - down, 0) / max(on, 1)
        )
        with np.errstate(divide="ignore"):
            steps = np.log(self.load * losses / (wall + spares + training)) - np.log(down + 1)
        logs = np.concatenate([[0.0], np.cumsum(steps)])
        chances = np.exp(logs - logs.max())
        return np.asarray(chances / chances.sum())

    @property
    def _shock_sizes(self) -> dict[int, float]:
        """Mean number of shocks whose nodes are in repair, by their number of nodes."""
        sizes: dict[int, float] = {}
        losses = sum(self.losses)
        for source in self.plan.sources if losses > 0 else ():
            nodes = self.nodes_of(source.takes)
            share = self._rate(source) * (1 - source.p_process) / losses
            size = max(1, round(nodes))
            sizes[size] = sizes.get(size, 0.0) + share * self.load / size
        return sizes

    def _rate(self, source: Source) -> float:
        """Nodes that faults of a source strike which would take them, 1/s."""
        if source.takes == NOTHING:
            return 0.0
        return source.rate * (source.components + self._on_spares(source)) * self.nodes_of(source.takes)

    def _on_spares(self, source: Source) -> int:
        """Components that a source strikes in spares that are on."""
        on = sum(pool.nodes for pool in self.plan.pools if pool.on)
        return source.per_node * on if source.clock == WALL and not source.by_domain else 0

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
        return self.losses == (0.0, 0.0) or (self.closed and self.shortage <= SHORT and self.crews_busy < 1)

    @cached_property
    def least(self) -> int | None:
        """Least number of spares with which nodes are waited for at most 1 % of the time, all in the pool that has most
        now, or hot ones if there are none; None where no closed form knows it, nodes never come back, crews do not
        keep up, or it is some times the nodes of the job.
        """
        if self.losses == (0.0, 0.0):
            return 0
        if not self.closed or math.isinf(self.load) or self.crews_busy >= 1:
            return None
        most = 1
        while self.of(most).shortage > SHORT:
            if most > 2 * self.plan.job_nodes + 64:  # no answer is of use that dwarfs the job
                return None
            most *= 2
        return bisect_left(range(most), True, key=lambda nodes: self.of(nodes).shortage <= SHORT)

    def of(self, nodes: int) -> Spares:
        """Return what holds with so many spares, all in one pool; domains are as large as they are."""
        sizes = [pool.nodes for pool in self.plan.pools]
        main = sizes.index(max(sizes))
        pools = tuple(replace(pool, nodes=nodes * (i == main)) for i, pool in enumerate(self.plan.pools))
        grown = (self.plan.job_nodes + nodes) / self.plan.nodes
        groups = tuple(replace(group, number=max(1, round(group.number * grown))) for group in self.plan.groups)
        return Spares(replace(self.plan, pools=pools, groups=groups))

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
