"""The cluster and the job that runs on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from sim.scenario.domains import GroupValue
from sim.scenario.entries import Entries
from sim.scenario.fields import MOST, AtLeastOne, PositiveDuration, Size, Table, Whole, setting
from sim.scenario.refusal import RefusedError
from sim.scenario.units import Quantity

NODES = Whole(1, MOST)


class ClusterTable(Table):
    """`[cluster]` as written."""

    nodes: AtLeastOne | None = setting(
        "Nodes of the cluster, spares included; from 1 to 10 million.",
        None,
        "job.nodes, which must be given then, and the nodes of all pools",
    )
    gpus_per_node: Annotated[int, Whole(1, 1_000)] = setting(
        "GPUs of one node; from 1 to 1000.", 8, "HGX and DGX H100 nodes hold 8 GPUs (NVIDIA DGX H100, read second hand)"
    )
    groups: dict[str, GroupValue] = setting(
        "Groups of nodes by name, at most 8, each a partition of the nodes of job and pools: racks, NVLink domains, "
        "pods, power feeds, cooling loops. A fault source may be counted `per` a group and may take a domain of it.",
        {},
        "no groups",
    )

    @property
    def size(self) -> int:
        """Nodes, once they are known: see `sized`."""
        assert self.nodes is not None
        return self.nodes


class JobTable(Table):
    """`[job]` as written."""

    nodes: AtLeastOne | None = setting(
        "Nodes that the job needs all the time; from 1 to cluster.nodes.", None, "cluster.nodes: the whole cluster"
    )
    step: PositiveDuration | None = setting(
        'Duration of one training step, in s, above 0; needed by a store with every = "N steps".',
        None,
        "what MFU makes of efficiency.model.batch_tokens if that is given, else not set",
    )
    checkpoint: Size | None = setting(
        "Size of one checkpoint of the whole job, in bytes, above 0; needed by a store with bandwidth.",
        None,
        "parameters x bytes_per_parameter if efficiency.model is given, else not set",
    )


@dataclass(frozen=True, slots=True)
class Cluster:
    """Nodes and GPUs of the cluster."""

    nodes: int
    gpus_per_node: int


@dataclass(frozen=True, slots=True)
class Job:
    """The job: nodes it needs, step in s and checkpoint in bytes where they are known."""

    nodes: int
    step: Quantity | None
    checkpoint: Quantity | None


def sized(table: ClusterTable, job: JobTable, spares: int) -> ClusterTable:
    """Return a `[cluster]` that gives no nodes with those of the job and so many spares.

    Raises
    ------
    RefusedError
        If the job does not say how many nodes it needs either, or there are too many.
    """
    if job.nodes is None:
        remedy = "add it, or job.nodes: then the cluster is job and pools"
        raise RefusedError("is missing", NODES.allowed, remedy)
    nodes = NODES.read(job.nodes + spares)
    return ClusterTable.model_construct(table.model_fields_set, **{**dict(table), "nodes": nodes})


def resolve_cluster(table: ClusterTable, entries: Entries) -> Cluster:
    """Resolve `[cluster]`."""
    entries.field(("cluster",), table, "nodes", "nodes")
    entries.field(("cluster",), table, "gpus_per_node", "GPUs")
    return Cluster(table.size, table.gpus_per_node)


def resolve_job(
    table: JobTable, cluster: Cluster, step: Quantity | None, checkpoint: Quantity | None, entries: Entries
) -> Job:
    """Resolve `[job]`; without `nodes` it takes the whole cluster. `step` and `checkpoint` are those of the model,
    which a file may give itself; a step that is not in the file follows anew whenever it is loaded.
    """
    nodes = cluster.nodes if table.nodes is None else table.nodes
    entries.field(("job",), table, "nodes", "nodes", nodes)
    entries.field(("job",), table, "step", "s")
    size = checkpoint if table.checkpoint is None else table.checkpoint
    entries.field(("job",), table, "checkpoint", "bytes", size)
    return Job(nodes, step if table.step is None else table.step, size)
