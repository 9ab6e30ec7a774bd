"""The naive simulator with several stores: it keeps every version, and for each part of it the nodes that hold it.

It shares no code with the project. A model has beside the keys of ``naive_sim`` (whose ``store`` must be None):

- ``stores``: list of ``name``, ``interval``, ``stall``, ``persist``, ``slowdown``, ``in_flight`` (0: unlimited),
  ``read``, ``lost_at`` (a need or "never"), ``place`` ("shared", "self" or the number of partners in its group),
  ``source`` (None or a name: then there are no triggers and no stall), in the order in which they save at one instant
- ``rack``: nodes next to each other that a source with ``takes`` "rack" takes together; ``per`` "rack" counts racks.
  Hot spares must not be there.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .naive_sim import SEVERITY, Naive, Node


@dataclass(eq=False)
class Version:
    """A save, under way or durable: by part (a slot of the job) the nodes that hold a copy; None: a shared service."""

    store: dict[str, Any]
    progress: float
    number: int
    slowdown: float
    durable_at: float = math.inf
    holders: list[set[Node]] | None = None

    def usable(self) -> bool:
        return self.holders is None or all(self.holders)


@dataclass(eq=False)
class Tier:
    """A store's saves under way and its versions, all that ever became durable and are not lost."""

    spec: dict[str, Any]
    trigger: int = 1
    persists: list[Version] = field(default_factory=list)
    versions: list[Version] = field(default_factory=list)


class Tiered(Naive):
    """A run with several stores."""

    def __init__(self, model: dict[str, Any], seed: int) -> None:
        self.tiers = [Tier(spec) for spec in model["stores"]]
        self.due: list[Tier] = []
        self.read = 0.0
        super().__init__({**model, "store": {"read": 0.0}}, seed)

    def draw_fault(self, node: Node, name: str) -> None:
        source = self.sources[name]
        if source["per"] != "rack":
            super().draw_fault(node, name)
        elif node is self.job:
            racks = math.ceil(len(self.nodes) / self.m["rack"])
            node.due[name] = self.clock[source["clock"]] + self.rng.expovariate(source["rate"] * racks)

    def strike(self, name: str, node: Node) -> None:
        source = self.sources[name]
        if source["takes"] != "rack":
            before = sum(self.faults.values())
            state = self.rng.getstate()
            need = self.rng.choices(list(source["needs"]), list(source["needs"].values()))[0]
            self.rng.setstate(state)  # the same draw is made again below
            super().strike(name, node)
            if sum(self.faults.values()) > before:
                self.lose([] if node is self.job else [node], need)
            return
        need = self.rng.choices(list(source["needs"]), list(source["needs"].values()))[0]
        self.draw_fault(node, name)
        self.stale = True
        rack = self.rng.randrange(math.ceil(len(self.nodes) / self.m["rack"]))
        all_of_it = self.nodes[rack * self.m["rack"] : (rack + 1) * self.m["rack"]]
        hit = [each for each in all_of_it if each.place in self.exposed]
        if not hit:
            return
        self.faults[name] += 1
        for each in hit:
            self.move(each, "down")
        self.activating = [spare for spare in self.activating if spare[1].place == "activating"]
        if self.incident is None:
            self.open_incident(name)
        self.open_faults += [(self.now + source["detect"], need, each) for each in hit]
        self.enter("detect", "detection")
        self.lose(hit, need)

    def lose(self, nodes: list[Node], need: str) -> None:
        """Nodes (none: the job as a whole) lose their copies; then the job falls back to what is left."""
        for tier in self.tiers:
            lost_at = tier.spec["lost_at"]
            if lost_at == "never" or SEVERITY.index(need) < SEVERITY.index(lost_at):
                continue
            tier.persists = []
            for version in tier.versions:
                if version.holders is None or not nodes:
                    version.holders = [set()]
                for holders in version.holders:
                    holders.difference_update(nodes)
        self.forget()
        self.fall_back()

    def forget(self) -> None:
        """Versions that are not usable any more are gone, and with the newest one all copies that are being made."""
        for tier in self.tiers:
            newest = tier.versions[-1:]
            tier.versions = [version for version in tier.versions if version.usable()]
            if newest != tier.versions[-1:]:
                for other in self.tiers:
                    if other.spec["source"] == tier.spec["name"]:
                        other.persists = []

    def fill(self, slot: int, node: Node, activation: float) -> None:
        old = self.slots[slot]
        super().fill(slot, node, activation)
        if node is not old:
            for tier in self.tiers:
                for version in tier.versions:
                    for holders in version.holders or ():
                        holders.discard(old)
            self.forget()

    def open_incident(self, cause: str) -> None:
        """The job stops, and what is saved from it is not finished; versions are lost after that, if they are."""
        self.version = Version({}, self.progress, 0, self.ledger["save_slowdown"])
        super().open_incident(cause)
        for tier in self.tiers:
            if tier.spec["source"] is None:
                tier.persists = []

    def fall_back(self) -> None:
        """To the newest version of all stores."""
        usable = [tier.versions[-1] for tier in self.tiers if tier.versions]
        start = Version({"read": 0.0}, 0.0, 0, 0.0)
        self.version = max([*usable, start], key=lambda each: (each.progress, -each.store["read"]))
        steps = self.progress - self.version.progress
        deficit = self.ledger["save_slowdown"] - self.version.slowdown
        for ledger, nodes in ((self.ledger, 1), (self.ledger_nodes, len(self.slots))):
            ledger["productive"] -= steps * nodes
            ledger["save_slowdown"] -= deficit * nodes
            ledger["lost_work"] += (steps + deficit) * nodes
        self.progress = self.version.progress

    def begin_list_if_complete(self) -> None:
        if self.phase == "wait" and not self.empty and not self.activating:
            self.fall_back()
        super().begin_list_if_complete()

    def begin_stage(self, number: int) -> None:
        if number == 0:
            self.m["store"]["read"] = self.version.store["read"] if self.tiers_known() else 0.0
        self.version.number = 1 if self.version.progress > 0.0 else 0
        super().begin_stage(number)
        if self.phase == "step":
            self.resume()

    def tiers_known(self) -> bool:
        return isinstance(self.version, Version)

    def resume(self) -> None:
        """Triggers are at whole multiples. What comes after the version in the order of saves is saved again."""
        names = [tier.spec["name"] for tier in self.tiers]
        place = names.index(self.version.store["name"]) if self.progress > 0.0 else math.inf
        self.due = []
        for i, tier in enumerate(self.tiers):
            times = self.progress / tier.spec["interval"]
            whole = abs(times - round(times)) < 1e-9
            tier.trigger = round(times) + 1 if whole else math.floor(times) + 1
            there = tier.versions and abs(tier.versions[-1].progress - self.progress) < 1e-6
            if whole and i > place and not there and tier.spec["source"] is None:
                tier.trigger -= 1
        if self.progress > 0.0 and self.target() <= self.progress * (1.0 + 1e-12):
            self.target_reached()

    def direct(self) -> Iterator[Tier]:
        return (tier for tier in self.tiers if tier.spec["source"] is None)

    def speed(self) -> float:
        return 1.0 - max((tier.spec["slowdown"] for tier in self.tiers if tier.persists), default=0.0)

    def target(self) -> float:
        trigger = min(tier.trigger * tier.spec["interval"] for tier in self.direct())
        return trigger if trigger < self.work * (1.0 - 1e-12) else self.work

    def events(self) -> list[tuple[float, int, Any, tuple[Any, ...]]]:
        saves = [(each.durable_at, 0, self.durable, (tier,)) for tier in self.tiers for each in tier.persists[:1]]
        return [*saves, *super().events()]

    def target_reached(self) -> None:
        """All stores that are due save in turn."""
        self.progress = self.target()
        if self.progress == self.work:
            self.end("work")
            return
        near = self.progress * (1.0 + 1e-12)
        self.due = [tier for tier in self.direct() if tier.trigger * tier.spec["interval"] <= near]
        self.next_save()

    def next_save(self) -> None:
        if not self.due:
            self.enter("step", "productive")
            return
        spec = self.due[0].spec
        wait = 0 < spec["in_flight"] <= len(self.due[0].persists)
        self.enter("queue" if wait else "stall", "save_stall", length=spec["stall"])

    def stall_ends(self) -> None:
        tier = self.due.pop(0)
        version = Version(tier.spec, self.progress, 1, self.ledger["save_slowdown"], self.now + tier.spec["persist"])
        tier.persists.append(version)
        tier.trigger += 1
        self.next_save()

    def durable(self, tier: Tier) -> None:
        """Every node of the job has its part now, and so have its partners."""
        version = tier.persists.pop(0)
        place = tier.spec["place"]
        if place != "shared":
            version.holders = [{node, *self.partners(slot, place)} for slot, node in enumerate(self.slots)]
        tier.versions.append(version)
        self.saves += 1
        for other in self.tiers:
            times = version.progress / other.spec["interval"]
            room = other.spec["in_flight"] == 0 or len(other.persists) < other.spec["in_flight"]
            if other.spec["source"] == tier.spec["name"] and room and abs(times - round(times)) < 1e-9:
                end = self.now + other.spec["persist"]
                other.persists.append(Version(other.spec, version.progress, 1, version.slowdown, end))
        if self.phase == "queue" and self.due[0] is tier:
            self.next_save()

    def partners(self, slot: int, place: Any) -> list[Node]:
        """The nodes after it in its group, as many as there are partners."""
        if place == "self":
            return []
        groups = len(self.slots) // (place + 1)
        group = self.slots[slot % groups :: groups]
        own = group.index(self.slots[slot])
        return [group[(own + k) % len(group)] for k in range(1, place + 1)]
