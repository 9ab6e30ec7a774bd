"""A naive reliability simulator: one event at a time, every node an object, nothing clever.

It shares no code with the project and is used as a judge in its tests. Plain floats in any one unit of time
(SI: seconds). Meant for up to about 30 nodes.

The model is a dict with these keys (all times and rates in one unit):

- ``gpus_per_node``, ``job_nodes``, ``hot``, ``cold`` (numbers of nodes), ``hot_activation``, ``cold_activation``
- ``sources``: list of ``name``, ``per`` (gpu, node, job), ``count``, ``rate`` (of ONE component), ``clock`` (wall,
  training), ``takes`` (node, nothing), ``needs`` ({process, reset, repair: probability}), ``detect``; with ``life``
  (one component a node) its age matters: ``scale`` and ``shape`` of a Weibull law, ``age`` at the start, ``burn_in`` of
  a component that was replaced, and ``share`` and ``factor`` of bad ones, ``cured`` or not by replacement
- ``store``: None or ``interval``, ``stall``, ``persist``, ``slowdown``, ``in_flight`` (0: unlimited), ``read``
- ``rules``: list of ``when`` (None, or any of ``needs`` (list), ``units_down_at_most``, ``spare_available``,
  ``attempts_below``), ``use`` ("same units" or "spares, else wait"), ``vulnerable``, ``on_fault`` (restart_list,
  retry_stage), ``stages``: list of ``sample`` (callable of the generator, or "auto"), ``vulnerable``, ``bucket``
- ``repair``: stages by name (None: not there) in their order, among them ``reset`` and ``replace``: ``sample``,
  ``crews`` (None: endless), ``success``, any of ``else`` (replace), ``then``, ``attempts``, ``false_fix``, ``finds``,
  ``renews`` (what failed was replaced)
- ``retire``, ``quarantine`` (optional): ``failures``, ``within``; the latter with ``stage``, the former with a stage
  ``new node`` at the end of ``repair``
- ``relapse`` (a callable of the generator), with ``false_fix``: the life of a node that is still bad
- ``horizon`` or ``work``; ``initial_start``, ``final_save``; ``max_attempts``
- ``hot_check`` (optional): time between checks of the hot pool (``inf``: there are none); until then, or until it is
  called, a dead spare stays where it is. Without it a dead spare is noticed at once
- ``pick`` (optional, "longest idle"): which idle spare of a pool is called: that one, "last returned", "first" (as
  nodes are numbered: the job's, the hot pool's, the cold pool's) or "random"
- ``repair_at_fault`` (optional, False): nodes go to repair when they fail, not when that is seen
- ``activating_fail`` (optional, False): whether a spare in activation can be struck. The rules leave it open.
"""

import math
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

TRAINING = {"step", "stall", "queue", "final"}  # phases of the job in which the training clock runs
SEVERITY = ["process", "reset", "repair"]
SPARES = "spares, else wait"


@dataclass(eq=False)
class Node:
    """One node, wherever it is: job, hot, cold, down (in its slot), dead (in its pool), activating (for its slot) or
    repair.
    """

    place: str = ""
    slot: int = -1  # the slot it is in or was in last, -1: none since it was a spare
    due: dict[str, float] = field(default_factory=dict)  # next fault per source: a reading of that source's clock
    bad: bool = False  # seems to be in order, but is not
    relapse: float | None = None  # reading of the wall clock at which it then fails
    sent_by: str = ""  # source of its last fault
    failed: list[float] = field(default_factory=list)  # when its own faults sent it to repair
    suspect: bool = False
    need: str = ""  # of its last fault
    relapsed: bool = False  # its last fault was a relapse
    renewed: bool = False  # in this visit of the shop
    born: dict[str, float] = field(default_factory=dict)  # reading at which its component of a source had age 0
    frailty: dict[str, float] = field(default_factory=dict)  # by source: factor on the hazard
    served: Counter[str] = field(default_factory=Counter)  # by stage of repair, in this visit


@dataclass
class Save:
    """A save; once durable, a version."""

    progress: float
    number: int  # in multiples of the interval
    slowdown: float  # save_slowdown in the ledger at its trigger
    final: bool
    durable_at: float = math.inf


@dataclass
class Crew:
    """One repair stage: its queue and the nodes being worked on."""

    spec: dict[str, Any]
    queue: list["Node"] = field(default_factory=list)
    busy: list[tuple[float, "Node"]] = field(default_factory=list)  # (done at, node)


class Naive:
    """State of one run. The job's phase: step, stall, queue, final, detect, wait or stage."""

    def __init__(self, model: dict[str, Any], seed: int) -> None:
        self.m, self.rng, self.now = model, random.Random(seed), 0.0
        self.horizon, self.work = (math.inf if model.get(key) is None else model[key] for key in ("horizon", "work"))
        self.clock = {"wall": 0.0, "training": 0.0}
        self.sources = {source["name"]: source for source in model["sources"]}
        self.exposed = {"job", "activating"} if model.get("activating_fail") else {"job"}
        self.job = Node()  # bears the clocks of the sources that strike the job as a whole
        self.slots = [Node() for _ in range(model["job_nodes"])]  # the last node to be in each slot
        self.empty: list[int] = []  # slots whose node has gone to repair, longest empty first
        self.pools: dict[str, list[Node]] = {name: [Node() for _ in range(model[name])] for name in ("hot", "cold")}
        self.pool_order = sorted(self.pools, key=lambda name: model[name + "_activation"])  # stable: hot wins a tie
        self.nodes = [*self.slots, *self.pools["hot"], *self.pools["cold"]]
        self.activating: list[tuple[float, Node]] = []
        self.crews = {name: Crew(spec) for name, spec in model["repair"].items() if spec}
        for source in (each for each in model["sources"] if "life" in each):
            for node in self.nodes:
                node.born[source["name"]] = -source["life"]["age"]
                node.frailty[source["name"]] = self.some_frailty(source["life"])
        self.move(self.job, "all")
        for slot, node in enumerate(self.slots):
            node.slot = slot
        for place, group in {"job": self.slots, **self.pools}.items():
            for node in group:
                self.move(node, place)
        self.progress, self.version = 0.0, Save(0.0, 0, 0.0, False)
        self.persists: list[Save] = []
        self.incident: dict[str, Any] | None = None
        self.open_faults: list[tuple[float, str, Node | None]] = []  # (seen at, need, node it took)
        self.ledger: defaultdict[str, float] = defaultdict(float)
        self.ledger_nodes: defaultdict[str, float] = defaultdict(float)
        self.faults, self.spare_faults, self.causes = (dict.fromkeys(self.sources, 0) for _ in range(3))
        self.saves = self.spares_used = self.relapses = self.retired = self.checks = 0
        self.stop_reason = ""
        self.rule = model["rules"][-1]
        self.begin_stage(0 if model["initial_start"] else len(self.rule["stages"]))

    def run(self) -> dict[str, Any]:
        """Do the next event until one of them stops the run."""
        while not self.stop_reason:
            time, _, action, arguments = min(self.events(), key=itemgetter(0, 1))
            assert time < math.inf, "nothing will ever happen"
            self.advance(max(time, self.now))
            action(*arguments)
        return self.result()

    def events(self) -> list[tuple[float, int, Any, tuple[Any, ...]]]:
        """Everything that could be next: (time, rank in a tie, what to do, with what)."""
        events: list[tuple[float, int, Any, tuple[Any, ...]]] = []
        if self.persists:
            events.append((self.persists[0].durable_at, 0, self.save_durable, ()))
        for crew in self.crews.values():
            if crew.busy:
                work = min(crew.busy, key=itemgetter(0))
                events.append((work[0], 1, self.repair_done, (crew, work)))
        if self.m.get("hot_check", math.inf) < math.inf:
            events.append(((self.checks + 1) * self.m["hot_check"], 1, self.check, ()))
        for clock in self.running_clocks():
            due, name, node = self.first_fault(clock)
            events.append((self.now + due - self.clock[clock], 2, self.strike, (name, node)))
        events += [(spare[0], 3, self.activated, (spare,)) for spare in self.activating]
        if self.phase == "step":
            events.append((self.now + (self.target() - self.progress) / self.speed(), 3, self.target_reached, ()))
        elif self.phase == "stall":
            events.append((self.phase_end, 3, self.stall_ends, ()))
        elif self.phase == "stage":
            events.append((self.phase_end, 3, self.begin_stage, (self.stage + 1,)))
        elif self.phase == "detect":
            events.append((min(fault[0] for fault in self.open_faults), 3, self.detected, ()))
        return [*events, (self.horizon, 4, self.end, ("horizon",))]

    def advance(self, time: float) -> None:
        """Let time pass: ledgers, progress, clocks."""
        dt = time - self.now
        if self.phase == "step":
            speed = self.speed()
            self.progress += speed * dt
            shares = {"productive": speed * dt, "save_slowdown": (1.0 - speed) * dt}
        else:
            shares = {self.bucket: dt}
        for bucket, share in shares.items():
            self.ledger[bucket] += share
            self.ledger_nodes[bucket] += share * (len(self.slots) - len(self.empty))
        self.ledger_nodes["spare_idle"] += dt * self.idle()
        self.ledger_nodes["repair"] += dt * self.in_repair()
        for clock in self.running_clocks():
            self.clock[clock] += dt
        self.now = time

    def running_clocks(self) -> tuple[str, ...]:
        return () if self.frozen else ("wall", "training") if self.phase in TRAINING else ("wall",)

    def enter(self, phase: str, bucket: str, vulnerable: bool = True, length: float = math.inf) -> None:
        """Put the job into a phase."""
        self.phase, self.bucket, self.frozen, self.phase_end = phase, bucket, not vulnerable, self.now + length

    def some_frailty(self, life: dict[str, Any]) -> float:
        """Factor on the hazard of a component at the start; its mean is 1."""
        good = 1.0 / (1.0 - life["share"] + life["share"] * life["factor"])
        return float(good * life["factor"] if self.rng.random() < life["share"] else good)

    def move(self, node: Node, place: str) -> None:
        """Put a node somewhere and draw its next faults there, given the ages of its components: all that counts."""
        node.place, node.due = place, {}
        if place in ("down", "dead", "repair"):
            node.relapse = None
        elif node.bad and place != "cold":
            if node.relapse is None:
                node.relapse = self.clock["wall"] + self.m["relapse"](self.rng)
            node.due["relapse"] = node.relapse
        for name in self.sources:
            self.draw_fault(node, name)
        self.stale = True

    def draw_fault(self, node: Node, name: str) -> None:
        """Draw when this source strikes this node next, if it can where the node is."""
        source = self.sources[name]
        if source["per"] == "job":
            strikes = node is self.job
        elif node.place == "hot":
            strikes = source["clock"] == "wall" and source["takes"] == "node"
        else:
            strikes = node.place in self.exposed
        rate = source["rate"] * source["count"] * (self.m["gpus_per_node"] if source["per"] == "gpu" else 1)
        if strikes and rate > 0.0:
            reading = self.clock[source["clock"]]
            node.due[name] = reading + self.rng.expovariate(rate)
            if "life" in source:
                life, hazard = source["life"], self.rng.expovariate(1.0) / node.frailty[name]
                passed = ((reading - node.born[name]) / life["scale"]) ** life["shape"]
                node.due[name] = node.born[name] + life["scale"] * (passed + hazard) ** (1.0 / life["shape"])

    def first_fault(self, clock: str) -> tuple[float, str, Node]:
        """The next fault on a clock: (reading of the clock, source, node). Looked up again only when one changed."""
        if self.stale:
            self.first = {"wall": (math.inf, "", self.job), "training": (math.inf, "", self.job)}
            for node in [self.job, *self.nodes]:
                for name, due in node.due.items():
                    of = "wall" if name == "relapse" else self.sources[name]["clock"]
                    if due < self.first[of][0]:
                        self.first[of] = (due, name, node)
            self.stale = False
        return self.first[clock]

    def strike(self, name: str, node: Node) -> None:
        """A fault of a source strikes a node (or the job)."""
        relapse = name == "relapse"
        self.relapses += relapse
        name = node.sent_by if relapse else name
        source = self.sources[name]
        need = "repair" if relapse else self.rng.choices(list(source["needs"]), list(source["needs"].values()))[0]
        if not relapse:
            self.draw_fault(node, name)
        self.stale = True
        if node.place == "hot":
            if need != "process":
                node.sent_by, node.need, node.relapsed = name, need, relapse
                self.spare_faults[name] += 1
                self.move(node, "dead")
                if "hot_check" not in self.m:
                    self.find_dead()
            return
        if node is self.job and source["takes"] == "node":
            node = self.rng.choice(self.slots)
            if node.place not in self.exposed:
                return  # the node in that slot is down or gone
        self.faults[name] += 1
        taken = relapse or (source["takes"] == "node" and need != "process")
        if taken:
            node.sent_by, node.relapsed = name, relapse
            self.move(node, "down")
            self.activating = [spare for spare in self.activating if spare[1].place == "activating"]
        if self.incident is None:
            self.open_incident(name)
        elif self.phase != "detect":
            self.interrupted = self.stage if self.phase == "stage" else None
        hangs = not relapse and source.get("p_hang", 0.0) > 0.0 and self.rng.random() < source["p_hang"]
        delay = source["hang"](self.rng) if hangs else source["detect"]
        self.open_faults.append((self.now + delay, need, node if taken else None))
        self.enter("detect", "detection")
        if taken and self.m.get("repair_at_fault"):
            self.empty.append(node.slot)
            self.admit(node, need)

    def check(self) -> None:
        """Somebody looks at the hot pool."""
        self.checks += 1
        self.find_dead()

    def find_dead(self) -> None:
        """The dead spares of the hot pool go to repair."""
        for node in [node for node in self.pools["hot"] if node.place == "dead"]:
            self.pools["hot"].remove(node)
            self.admit(node, node.need)

    def open_incident(self, cause: str) -> None:
        """The job stops and falls back to the newest durable version."""
        self.causes[cause] += 1
        self.incident = {"worst": "process", "rule_starts": Counter(), "list_starts": 0}
        self.interrupted = None
        self.persists = []
        steps = self.progress - self.version.progress
        deficit = self.ledger["save_slowdown"] - self.version.slowdown
        for ledger, nodes in ((self.ledger, 1), (self.ledger_nodes, len(self.slots))):
            ledger["productive"] -= steps * nodes
            ledger["save_slowdown"] -= deficit * nodes
            ledger["lost_work"] += (steps + deficit) * nodes
        self.progress = self.version.progress

    def detected(self) -> None:
        """The first detection makes all open faults known."""
        assert self.incident is not None
        needs = [need for _, need, _ in self.open_faults]
        taken = [(node, need) for _, need, node in self.open_faults if node]
        self.incident["worst"] = max(self.incident["worst"], *needs, key=SEVERITY.index)
        self.open_faults = []
        for node, need in [] if self.m.get("repair_at_fault") else taken:
            self.empty.append(node.slot)
            self.admit(node, need)
        if self.interrupted is not None and self.rule["on_fault"] == "retry_stage" and not taken:
            self.begin_stage(self.interrupted)
        else:
            self.begin_rule()

    def begin_rule(self) -> None:
        """Choose the first rule that holds, and see to capacity."""
        assert self.incident is not None
        number = next(i for i, rule in enumerate(self.m["rules"]) if self.holds(i, rule["when"] or {}))
        self.rule = self.m["rules"][number]
        self.incident["rule_starts"][number] += 1
        self.enter("wait", "capacity_wait", self.rule["vulnerable"])
        if self.rule["use"] == SPARES:
            for pool in self.pool_order:
                while self.empty and self.pools[pool]:
                    node = self.call(pool)
                    if node.place == "dead":
                        self.admit(node, node.need)
                        continue
                    self.spares_used += 1
                    self.fill(self.empty[0], node, self.m[pool + "_activation"])
        self.begin_list_if_complete()

    def call(self, pool: str) -> Node:
        """Take the spare of a pool that is called from it."""
        idle = self.pools[pool]
        match self.m.get("pick", "longest idle"):
            case "longest idle":
                return idle.pop(0)
            case "first":
                return idle.pop(min(range(len(idle)), key=lambda i: self.nodes.index(idle[i])))
            case "random":
                return idle.pop(self.rng.randrange(len(idle)))
        return idle.pop()

    def holds(self, number: int, when: dict[str, Any]) -> bool:
        assert self.incident is not None
        return (
            self.incident["worst"] in when.get("needs", SEVERITY)
            and len(self.empty) <= when.get("units_down_at_most", math.inf)
            and (self.idle() > 0) == when.get("spare_available", self.idle() > 0)
            and self.incident["rule_starts"][number] < when.get("attempts_below", math.inf)
        )

    def fill(self, slot: int, node: Node, activation: float) -> None:
        """Give an empty slot to a node, which may have to be activated first."""
        self.empty.remove(slot)
        self.slots[slot], node.slot = node, slot
        if activation > 0.0:
            self.activating.append((self.now + activation, node))
        self.move(node, "activating" if activation > 0.0 else "job")

    def activated(self, spare: tuple[float, Node]) -> None:
        self.activating.remove(spare)
        self.move(spare[1], "job")
        self.begin_list_if_complete()

    def begin_list_if_complete(self) -> None:
        """End the wait for capacity once every slot has an active node."""
        if self.phase != "wait" or self.empty or self.activating:
            # Every missing node is in repair, so that a wait always ends: "depleted" cannot happen here.
            assert self.in_repair() >= len(self.empty)
            return
        assert self.incident is not None
        self.incident["list_starts"] += 1
        if self.incident["list_starts"] > self.m["max_attempts"]:
            self.end("no_progress")
        else:
            self.begin_stage(0)

    def begin_stage(self, number: int) -> None:
        """Begin the rule's first stage from this number on that takes time; after the last the job steps."""
        read = self.m["store"]["read"] if self.version.number > 0 else 0.0  # nothing to read for the initial state
        for i, stage in list(enumerate(self.rule["stages"]))[number:]:
            length = read if stage["sample"] == "auto" else stage["sample"](self.rng)
            if length > 0.0:
                self.stage = i
                self.enter("stage", stage["bucket"], stage["vulnerable"], length)
                return
        self.incident = None
        self.trigger = self.version.number + 1  # saves are due at whole multiples of the interval
        self.enter("step", "productive")

    def speed(self) -> float:
        return 1.0 - self.m["store"]["slowdown"] if self.persists else 1.0

    def target(self) -> float:
        """Progress at which the job does something else than step: the next trigger or the end of the work."""
        trigger: float = self.trigger * self.m["store"]["interval"] if self.m["store"] else math.inf
        return trigger if trigger < self.work * (1.0 - 1e-12) else self.work

    def target_reached(self) -> None:
        """A save is triggered (it queues for an older one if too many are in flight), or the work is done."""
        self.progress = self.target()
        final = self.progress == self.work
        if final and not (self.m["store"] and self.m["final_save"]):
            self.end("work")
            return
        self.save = Save(self.progress, self.trigger, self.ledger["save_slowdown"], final)
        self.trigger += 1
        wait = 0 < self.m["store"]["in_flight"] <= len(self.persists)
        self.enter("queue" if wait else "stall", "save_stall", length=self.m["store"]["stall"])

    def stall_ends(self) -> None:
        """The persist begins; the job goes on, or waits for it if it is the last."""
        self.save.durable_at = self.now + self.m["store"]["persist"]
        self.persists.append(self.save)
        self.enter(*("final", "save_stall") if self.save.final else ("step", "productive"))

    def save_durable(self) -> None:
        self.version = self.persists.pop(0)
        self.saves += 1
        if self.version.final:
            self.end("work")
        elif self.phase == "queue":
            self.enter("stall", "save_stall", length=self.m["store"]["stall"])

    def admit(self, node: Node, need: str) -> None:
        """A node enters repair."""
        self.move(node, "repair")
        node.served.clear()
        node.failed.append(self.now)
        node.suspect = node.renewed = False
        node.need = need
        if self.often(node, "retire"):
            self.retired += 1
            node.failed = []
            self.enter_stage("new node", node)
            return
        node.suspect = self.often(node, "quarantine")
        later = [name for name in self.crews if name != "reset"]
        self.enter_stage("reset" if need == "reset" and "reset" in self.crews else later[0], node)

    def often(self, node: Node, why: str) -> bool:
        """Whether a node has failed so often in so short a time that it retires, or goes into quarantine."""
        rule = self.m.get(why)
        return rule is not None and sum(self.now - at <= rule["within"] for at in node.failed) >= rule["failures"]

    def enter_stage(self, name: str, node: Node) -> None:
        """A node goes to a stage of repair, or on if that has served it as often as it may."""
        while node.served[name] >= self.crews[name].spec.get("attempts", math.inf):
            name = self.crews[name].spec["else"]
        self.join_queue(self.crews[name], node)

    def join_queue(self, crew: Crew, node: Node | None) -> None:
        """Add a node to a queue; free crews then take up the queue from its head."""
        if node is not None:
            crew.queue.append(node)
        while crew.queue and (crew.spec["crews"] is None or len(crew.busy) < crew.spec["crews"]):
            crew.busy.append((self.now + crew.spec["sample"](self.rng), crew.queue.pop(0)))

    def repair_done(self, crew: Crew, work: tuple[float, Node]) -> None:
        crew.busy.remove(work)
        node, spec = work[1], crew.spec
        name = next(name for name, each in self.crews.items() if each is crew)
        node.served[name] += 1
        works = self.rng.random() < spec["success"]
        if "finds" in spec:
            works = works and not (node.bad and self.rng.random() < spec["finds"])
        elif works:
            node.bad = self.rng.random() < spec.get("false_fix", 0.0)
        if works and spec.get("renews") and not (node.need == "reset" and crew is next(iter(self.crews.values()))):
            node.renewed = True
        if not works:
            self.enter_stage(name if "attempts" in spec else spec.get("else", "replace"), node)
        elif "then" in spec:
            self.enter_stage(spec["then"], node)
        elif node.suspect and node.served[self.m["quarantine"]["stage"]] == 0:
            self.enter_stage(self.m["quarantine"]["stage"], node)
        else:
            self.come_back(node)
        self.join_queue(crew, None)

    def come_back(self, node: Node) -> None:
        """A repaired node goes to its own slot, to another slot the job waits for, or to a pool."""
        source = self.sources.get(node.sent_by, {})
        if node.renewed and not node.relapsed and "life" in source:
            life, name = source["life"], source["name"]
            node.born[name] = self.clock[source["clock"]] - life["burn_in"]
            if life["cured"]:
                node.frailty[name] = 1.0 / (1.0 - life["share"] + life["share"] * life["factor"])
        if node.slot >= 0 and self.slots[node.slot] is node:  # nobody has taken its slot
            assert self.phase in ("wait", "detect")
            self.fill(node.slot, node, 0.0)
        elif self.phase == "wait" and self.rule["use"] == SPARES and self.empty:
            self.fill(self.empty[0], node, 0.0)
        else:
            pool = next(name for name in self.pool_order if len(self.pools[name]) < self.m[name])
            self.pools[pool].append(node)
            node.slot = -1
            self.move(node, pool)
        self.begin_list_if_complete()

    def idle(self) -> int:
        return len(self.pools["hot"]) + len(self.pools["cold"])

    def in_repair(self) -> int:
        return sum(len(crew.queue) + len(crew.busy) for crew in self.crews.values())

    def end(self, reason: str) -> None:
        self.stop_reason = reason

    def result(self) -> dict[str, Any]:
        """Check that the ledgers close, and hand everything out."""
        tolerance = {"rel_tol": 1e-6, "abs_tol": 1e-6}
        assert math.isclose(sum(self.ledger.values()), self.now, **tolerance)
        assert math.isclose(sum(self.ledger_nodes.values()), self.now * len(self.nodes), **tolerance)
        assert math.isclose(self.ledger["productive"], self.progress, **tolerance)
        assert len(self.slots) - len(self.empty) + self.idle() + self.in_repair() == len(self.nodes)
        names = (
            "progress",
            "faults",
            "causes",
            "spare_faults",
            "saves",
            "spares_used",
            "relapses",
            "retired",
            "stop_reason",
        )
        return {name: getattr(self, name) for name in names} | {
            "wall": self.now,
            "ledger": dict(self.ledger),
            "ledger_nodes": dict(self.ledger_nodes),
            "interruptions": sum(self.causes.values()),
            "units_in_repair_end": self.in_repair(),
        }


def simulate(model: dict[str, Any], seed: int) -> dict[str, Any]:
    """Simulate one run of a model (a dict as the module describes it) with a generator of this seed.

    Returns
    -------
    dict
        ``wall``, ``progress``, ``ledger`` and ``ledger_nodes`` (bucket to time and node-time; a bucket nothing was
        booked to may be missing), ``interruptions`` (incidents), ``causes`` (incidents per source that opened them),
        ``faults`` (per source, on the job, without void ones), ``spare_faults`` (per source, on idle hot spares),
        ``saves`` (that became durable), ``spares_used`` (taken from a pool), ``units_in_repair_end`` (with queues) and
        ``stop_reason`` (horizon, work or no_progress).
    """
    return Naive(model, seed).run()
