"""Where the nodes of a plan stand, and how many components they have."""

from __future__ import annotations

import math

from sim.kernels.survival import CHAIN
from sim.plan import Group, Tier
from sim.scenario import Scenario
from sim.scenario.domains import order_of


def job_rate(scenario: Scenario) -> float:
    """Rate of the faults that stop the job while it trains, 1/s: the sum over its sources."""
    sources = scenario.faults.values()
    return math.fsum(source.rate * components(scenario, source.per, source.count) for source in sources)


def components(scenario: Scenario, per: str, count: int) -> int:
    """How many components of a source the job has at the start."""
    job = scenario.job.nodes
    if per in scenario.groups:
        return count * job_domains(scenario, per)
    return count * {"gpu": job * scenario.cluster.gpus_per_node, "node": job, "job": 1}[per]


def order(scenario: Scenario) -> tuple[int, ...]:
    """The node at each place of the cluster; empty if each stands at the place of its number."""
    pools = [(pool.nodes, scenario.groups.get(pool.spread or "")) for pool in scenario.pools.by_name().values()]
    return order_of(scenario.job.nodes + sum(nodes for nodes, _ in pools), pools)


def job_domains(scenario: Scenario, group: str) -> int:
    """Domains of a group that hold nodes of the job at the start."""
    import numpy as np  # takes long to start: for groups of nodes alone

    which, places = scenario.groups[group], order(scenario)
    job = scenario.job.nodes
    sites = np.flatnonzero(np.asarray(places) < job) if places else np.arange(job)
    return len(np.unique(sites // which.unit % which.number))


def are_apart(tier: Tier, group: Group, places: tuple[int, ...], job_nodes: int) -> bool:
    """Whether no two nodes that hold the same copies of a store with partners start in one domain of a group."""
    import numpy as np

    sites = np.argsort(np.asarray(places))[:job_nodes] if places else np.arange(job_nodes)
    domains = sites // group.unit % group.number
    if tier.place == CHAIN:
        steps = range(1, tier.partners + 1)
        return not any((domains == np.roll(domains, -k * tier.stride)).any() for k in steps)
    groups = job_nodes // (tier.partners + 1)
    if groups == 0:
        return True
    rows = -(-job_nodes // groups)
    alone = -1 - np.arange(rows * groups - job_nodes)  # domains of nobody, where a group has one node less
    members = np.sort(np.concatenate([domains, alone]).reshape(rows, groups), axis=0)  # of a group: a column
    return not (members[1:] == members[:-1]).any()
