"""A whole scenario: the tables of a file, and what they resolve to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol

from sim.scenario.capacity import Pools, PoolsTable
from sim.scenario.cluster import Cluster, ClusterTable, Job, JobTable
from sim.scenario.detection import Detect, DetectTable
from sim.scenario.domains import Group
from sim.scenario.efficiency import Efficiency
from sim.scenario.efficiency_tables import EfficiencyTable
from sim.scenario.entries import Entry, nested
from sim.scenario.faults import FaultSource, FaultTable
from sim.scenario.fields import Table, Title, setting
from sim.scenario.include import FileNames
from sim.scenario.maintenance import Maintenance, MaintenanceTable
from sim.scenario.overrides import Overrides, as_texts
from sim.scenario.pauses import Pause, PauseTable
from sim.scenario.recovery import Recovery, RecoveryTable
from sim.scenario.repair import Repair
from sim.scenario.repair_tables import RepairTable
from sim.scenario.run import Run, RunTable
from sim.scenario.stores import Store, StoreTable
from sim.scenario.toml import toml_lines
from sim.scenario.unused import Unused


class Maker(Protocol):
    """Makes a scenario from its file as it was read, with other overrides."""

    def scenario(self, overrides: Sequence[str] = ()) -> Scenario:
        """Give the scenario with overrides, each ``path.to.key=value``. Raises `ScenarioError`."""


class ScenarioTable(Table):
    """A scenario file as written."""

    name: Annotated[str, Title()] | None = setting("Name of the scenario.", None, "the file's name without .toml")
    include: Annotated[list[str], FileNames()] = setting(
        "Other scenario files, found from this one's folder, that this one builds on.", [], "no other files"
    )
    cluster: ClusterTable = setting("The cluster.", {}, "see its keys")
    job: JobTable = setting("The job.", {}, "the whole cluster works for it")
    faults: dict[str, FaultTable] = setting("Fault sources by name, at most 64.", {}, "nothing fails")
    detect: DetectTable = setting("How long faults stay unseen.", {}, "see its keys")
    stores: dict[str, StoreTable] = setting(
        "Stores by name, at most 4; after a fault the newest version of all is restored.", {}, "nothing is saved"
    )
    pauses: dict[str, PauseTable] = setting(
        "Planned pauses by name, at most 8: evaluation, planned restarts, maintenance of the whole job. Each counts as "
        "an interruption under its own name; a fault in it belongs to it.",
        {},
        "no pauses",
    )
    maintenance: dict[str, MaintenanceTable] = setting(
        "Maintenance by calendar by name, at most 4: nodes that are taken out of service at set times, in waves. Each "
        "stop of the job counts as an interruption under its name; while the job waits only for these nodes, its time "
        "is booked to maintenance.",
        {},
        "no maintenance",
    )
    recovery: RecoveryTable = setting(
        "What is done after a fault: restart, or tables that are rules, at most 8, tried in file order.",
        {},
        "one restart, see its keys",
    )
    pools: PoolsTable | None = setting("Pools of spares.", None, "the cluster's nodes beyond the job are hot spares")
    repair: RepairTable = setting(
        "How nodes are repaired: time, or tables that are stages, at most 8, in file order, reset before all others. A "
        "node that needs a reset enters the first stage, one that needs repair the first that is not called reset.",
        {},
        "one stage, replace; see its keys",
    )
    run: RunTable = setting("How long, and how precise.")
    efficiency: EfficiencyTable | None = setting(
        "What the hardware can do, draws and costs, for `sim efficiency`. It changes no run, but a run may be given in "
        "tokens or FLOP with it, and the step and the size of a checkpoint may follow from it.",
        None,
        "nothing is said of FLOP, power and money",
    )


@dataclass(frozen=True)
class Scenario:
    """A scenario, resolved: every default filled in, every value in SI units.

    Parameters
    ----------
    name : str
        For people; no part of `sha256`.
    cluster, job, detect, recovery, pools, repair, run : objects
        One for each section of the file.
    faults, stores, groups, pauses, maintenance : dict
        By name, sorted by name: the order in the file means nothing.
    efficiency : Efficiency or None
        What the hardware can do, draws and costs.
    entries : tuple of Entry
        Every key with its value, and where that comes from.
    unused : tuple of Unused
        Keys of the file that have no effect, and why.
    base : Maker
        Makes the scenario again, for `with_`.
    changes : tuple of str
        Overrides that were made to it, ``path.to.key=value`` each.
    """

    name: str
    cluster: Cluster
    job: Job
    faults: Mapping[str, FaultSource]
    detect: Detect
    stores: Mapping[str, Store]
    recovery: Recovery
    pools: Pools
    repair: Repair
    run: Run
    groups: Mapping[str, Group]
    pauses: Mapping[str, Pause]
    maintenance: Mapping[str, Maintenance]
    efficiency: Efficiency | None
    entries: tuple[Entry, ...] = field(repr=False)
    unused: tuple[Unused, ...] = field(default=(), repr=False, compare=False)
    base: Maker = field(default=None, repr=False, compare=False)  # type: ignore[assignment]  # what resolves it adds it
    changes: tuple[str, ...] = field(default=(), repr=False, compare=False)

    def __repr__(self) -> str:
        size = f"{self.job.nodes:,} nodes x {self.cluster.gpus_per_node} GPUs"
        spares = f" and {self.cluster.nodes - self.job.nodes:,} spare" if self.cluster.nodes > self.job.nodes else ""
        sources, stores = len(self.faults), len(self.stores)
        length = self.run.horizon if self.run.work is None else self.run.work
        return (
            f"<Scenario {self.name!r}: {size}{spares}, {sources} fault source{'' if sources == 1 else 's'}, "
            f"{stores} store{'' if stores == 1 else 's'}, {'work' if self.run.work is not None else 'horizon'} "
            f"{'' if length is None else length.written}>"
        )

    def with_(self, *changes: Overrides) -> Scenario:
        """Return the scenario with changes, made again from its file as it was read: what follows from a key follows.

        Parameters
        ----------
        *changes : dict, str or list of str
            Values by dotted key, ``with_({"job.nodes": 9})``, or texts, ``with_("job.nodes=9", "run.seed=3")``. They
            come after those that were made before. A table replaces all that stands there.

        Raises
        ------
        ScenarioError
            With every problem of the changed scenario.
        UsageError
            If the changes are of another type.
        """
        more = [text for each in changes for text in as_texts(each, "changes")]
        return self.base.scenario([*self.changes, *more])

    def to_toml(self) -> str:
        """Return the scenario as a TOML file with all defaults; loads to the same plan. See `resolved`."""
        return "\n".join(toml_lines(self.name, self.entries, lambda setting, _: [setting])) + "\n"

    def resolved(self) -> dict[str, Any]:
        """Give the scenario in the long form of the file, with all defaults; loads to the same scenario.

        Values are as written where they were. Sources and stores are sorted by name; rules and stages stand in file
        order, which means something: do not sort the keys. `bandwidth` is replaced by the durations it implies.
        """
        return {"name": self.name, **nested(list(self.entries), si=False)}

    def sha256(self) -> str:
        """Give the SHA-256 of what the scenario means: SI values, without its name."""
        text = json.dumps(nested(list(self.entries), si=True), separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode("ascii")).hexdigest()

    def source_of(self, *path: str) -> str:
        """Give where the value at a key path comes from: "" if the file gives it.

        Raises
        ------
        KeyError
            If the resolved scenario has no such key.
        """
        for entry in self.entries:
            if entry.path == path:
                return entry.source
        raise KeyError(".".join(path))

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)
