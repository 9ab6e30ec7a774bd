"""The plan: a scenario as plain numbers in SI units on the grid of time, the only thing an engine reads.

Words become small integers here and nowhere else. Sources are in the order of their names, so that the order in the
file changes nothing; rules and stages keep the order of the file.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate

from sim.kernels.laws import CONSTANT
from sim.kernels.ledger import DETECTION
from sim.kernels.persists import DIRECT
from sim.kernels.saves import Pattern
from sim.kernels.survival import NEVER_LOST, SHARED

PROCESS, RESET, REPAIR = 0, 1, 2
NEEDS = ("process", "reset", "repair")
"""What a fault needs before its unit works again, from the mildest to the worst."""

WALL, TRAINING, CALENDAR = 0, 1, 2
CLOCKS = ("wall", "training")
"""Clocks of fault sources; the calendar, on which maintenance is planned, never stands still."""

RELAPSED, STOP, HANG, NOTICE, KNOWN = -1, 0, 1, 2, 3
"""What a fault does: it stops the job, lets it hang, or is known before it strikes; -1: a node falsely reported in
order fails again; 3: what was known strikes.
"""

JOB, HOT, COLD, DOMAIN = 0, 1, 2, 5
"""Blocks of units: the job's nodes, then a block for each pool, at most four, of which these are the first two. Pools
that are on have faults of their own. Faults of a domain (a rack, a power feed) strike whatever is in it.
"""

IN_SHOP = 6
"""Where a node is that is neither in the job nor idle in a pool: in repair, or down and not noticed yet."""

NOTHING, NODE, GROUP = 0, 1, 2
"""What goes down with a component: nothing, its node, or from here on its domain of ``Plan.groups[takes - GROUP]``."""

MEMBER = 1 << 32
"""Identity of a member of a domain in the draws that belong to a fault of the domain: this, times its number."""

AGAIN = 1 << 16
"""Identity of the n-th recurrence of a fault in its draws: this, times n, beside the block of the fault. Repairs, which
are numbered from there in steps of 256, have room for 256 services.
"""

SAME_UNITS, SPARES_ELSE_WAIT = 0, 1
USES = ("same units", "spares, else wait")

AUTO = -1
"""The law of a stage that takes as long as reading the restored version."""

BACK = -1
"""What follows a stage of repair that lets its nodes go: they come back."""

LONGEST_IDLE, LAST_RETURNED, FIRST, RANDOM = 0, 1, 2, 3
PICKS = ("longest idle", "last returned", "first", "random")
"""Which of the idle spares of a pool is called."""

DETECTION_LANE, BLAME_LANE, RELAPSE_LANE, LEAD_LANE, RECURRENCE_LANE = 1, 2, 3, 4, 5
"""Identities of the draws that say when a fault is noticed, who is blamed and whether a restart cures it, when a node
fails again that only seemed to be in order, how long before it a fault is known, and when a node fails again that was
not taken out; 0 is the fault itself, stages have theirs from 256.
"""

CALL_LANE = 256 + (1 << 62)
"""Identity, beyond those of all stages, of the draw that picks the spare for the first call after a fault; each further
call has the next one.
"""

RATE_LANE = 255
"""Identity of the draw that says what the uncertain rate of a source is in a replication."""

WEIBULL_LIFE, LOGNORMAL_LIFE, GAMMA_LIFE, BATHTUB_LIFE = 0, 1, 2, 3
"""Laws of lives; a bathtub is a sum of Weibull hazards."""

STATIONARY = -1.0
"""The age at the start of components that have long been in service."""

RENEW_UNIT, RENEW_NONE, RENEW_SYSTEM = 0, 1, 2
RENEWALS = ("unit", "none", "system")
"""What is new after a fault: a component that was replaced, nothing, or everything once the job steps again."""

OLD, NEW_PART, NEW_NODE = 0, 1, 2
RENEWS = (False, True, "all")
"""What a node that a stage of repair put in order has that is new: nothing, the component that failed, all of them."""

ANY = -1
"""A condition of a rule that is not set."""


NO_LIMIT = 1 << 62
"""Starts of a recovery in a run, where there is no limit."""


@dataclass(frozen=True)
class Law:
    """A law of durations: see ``sim.kernels.laws``. A mixture takes ``first`` with probability ``share``, else
    ``other`` (positions in ``Plan.laws``).
    """

    kind: int
    a: float = 0.0
    b: float = 0.0
    share: float = 0.0
    first: int = 0
    other: int = 0


@dataclass(frozen=True)
class Life:
    """How the components of a source live: see ``sim.kernels.lives``.

    ``parts`` are scale in seconds and shape of Weibull hazards that add up, or of a gamma law, or mean and standard
    deviation of a lognormal law's logarithm. ``age`` is that at the start in seconds, or ``STATIONARY``; ``renewing``
    the share of faults after which a component is renewed at age ``burn_in``. A ``share`` of bad components has a
    hazard ``factor`` times that of the good ones, with a mean of 1, and is ``cured`` by renewal; or frailties are gamma
    of shape ``spread`` and mean 1 (0: they are not). ``with_node``: a component may be renewed without a fault of its
    own, with all others of its node.
    """

    law: int
    parts: tuple[tuple[float, float], ...]
    age: float = STATIONARY
    renewal: int = RENEW_UNIT
    renewing: float = 1.0
    burn_in: float = 0.0
    share: float = 0.0
    factor: float = 1.0
    cured: bool = True
    spread: float = 0.0
    with_node: bool = False

    @property
    def alike(self) -> bool:
        """Whether all components have the same hazard at the same age."""
        return self.share == 0.0 and self.spread == 0.0

    @property
    def pooled(self) -> bool:
        """Whether components need no names, as their ages stay the same."""
        return self.alike and (self.renewal != RENEW_UNIT or (self.renewing == 0.0 and not self.with_node))


@dataclass(frozen=True)
class Source:
    """A fault source. ``rate`` is that of one component in 1/s, ``components`` how many the job has at the start,
    ``slots`` how many nodes or domains it strikes among (0: the job itself), ``by_domain`` whether these are the
    domains that it ``takes``, ``p_process`` and ``p_reset`` the probabilities of the milder needs, ``detect`` the
    seconds until a stop is seen, in the mean if ``detect_law`` is the position of a law; with ``p_hang`` a fault is a
    hang, which the watchdog notices, with ``p_notice`` it is known before, for a time of the law ``lead``. The nodes
    that it takes enter the stage of repair ``stage``, if one is set; it is ``planned`` if it is maintenance.
    """

    name: str
    clock: int
    rate: float
    components: int
    per_node: int
    slots: int
    takes: int
    p_process: float
    p_reset: float
    detect: float
    key: tuple[int, int]
    p_hang: float = 0.0
    by_domain: bool = False
    detect_law: int = ANY
    shape: float = 0.0
    p_notice: float = 0.0
    lead: int = ANY
    stage: int = ANY
    planned: bool = False


@dataclass(frozen=True)
class Calendar:
    """When maintenance is due: ``first``, then every ``every`` seconds (infinite: once), ``width`` domains at once and
    the next so many ``step`` seconds later.
    """

    first: float
    every: float
    width: int
    step: float


@dataclass(frozen=True)
class Lane:
    """One source in one block of units: a Poisson process of mean gap ``mean`` seconds over ``slots`` nodes or
    domains; or, with a position in ``Plan.lives``, ``slots`` components that age; or domains in turn by a ``calendar``.
    """

    source: int
    block: int
    clock: int
    mean: float
    slots: int
    life: int = -1
    calendar: Calendar | None = None


@dataclass(frozen=True)
class Stage:
    """A stage of a recovery rule; ``law`` is a position in ``Plan.laws`` or ``AUTO``, ``lane`` the identity of its
    draws, ``fails`` the probability that it fails at its end.
    """

    name: str
    bucket: int
    law: int
    vulnerable: bool
    lane: int
    fails: float = 0.0


@dataclass(frozen=True)
class Rule:
    """A recovery rule. ``needs`` is a bit mask of needs, ``ANY`` marks a condition that is not set; ``within`` is the
    group of ``Plan.groups`` whose domain a spare must share with the node that it replaces; ``pools`` is a bit mask of
    the blocks of pools that it takes spares from; ``refill`` is the block of the pool that must be full, too, before
    the stages begin, or is filled with what is ready if the job does not ``await_refill``; with ``escalate`` only later
    rules are tried after a fault in its stages.
    """

    name: str
    needs: int
    units_down_at_most: int
    spare_available: int
    attempts_below: int
    use: int
    vulnerable: bool
    retry_stage: bool
    stages: tuple[Stage, ...]
    within: int = ANY
    escalate: bool = False
    refill: int = ANY
    pools: int = ANY
    await_refill: bool = True


@dataclass(frozen=True)
class Group:
    """A partition of the nodes into domains: runs of ``unit`` nodes are dealt in turn to ``number`` domains."""

    name: str
    unit: int
    number: int


@dataclass(frozen=True)
class RepairStage:
    """A stage of repair; ``crews`` and ``attempts`` are 0 where there is no limit. ``or_else`` and ``then`` are the
    positions in ``Plan.repair`` of the stages that follow, ``BACK`` if the node comes back; ``renews`` is what is new
    then (see ``RENEWS``).
    A node in order is still bad with probability ``false_fix``; a test (``finds`` >= 0) finds that with this one.
    ``shift_...`` are working hours, as ``sim.kernels.shifts.done_at`` takes them.
    """

    law: int
    crews: int
    success: float
    lane: int
    or_else: int
    then: int = BACK
    attempts: int = 0
    renews: int = OLD
    false_fix: float = 0.0
    finds: float = -1.0
    shift_origin: float = 0.0
    shift_length: float = 0.0
    shift_days: int = 0


@dataclass(frozen=True)
class Strikes:
    """Nodes that failed ``failures`` times within ``within`` seconds go to a stage of ``Plan.repair``: see there. With
    0 failures none does. That is decided at a failure, or with ``late`` when its repair is over.
    """

    failures: int = 0
    within: float = 0.0
    stage: int = BACK
    late: bool = False


@dataclass(frozen=True)
class Blame:
    """Who is blamed for a fault that takes a node: probabilities that nobody is, that another node of the job is, and
    that the node's whole domain of ``Plan.groups[group]`` is taken out. A node that stays is cured by the restart with
    probability ``healed``; else it fails again after a time of the law ``after`` on the training clock, in s.
    """

    missed: float = 0.0
    wrong: float = 0.0
    evict: float = 0.0
    group: int = ANY
    after: int = ANY
    healed: float = 1.0

    @property
    def recurs(self) -> bool:
        """Whether nodes may stay that are not in order."""
        return self.missed + self.wrong > 0.0 and self.healed < 1.0


@dataclass(frozen=True)
class Pause:
    """A planned pause at every multiple of ``every`` seconds of progress: its law of durations and its bucket.

    With ``save`` the job waits until its state is durable first; without, what is not saved stays at risk. ``key`` is
    the key of its draws.
    """

    name: str
    every: float
    law: int
    bucket: int
    save: bool
    vulnerable: bool
    key: tuple[int, int]


@dataclass(frozen=True)
class Watchdog:
    """How a hang is noticed, s: ``timeout`` after the last heartbeat, at the next poll.

    Heartbeats are ``heartbeat`` apart, polls ``poll``.
    """

    timeout: float
    heartbeat: float
    poll: float


@dataclass(frozen=True)
class Pool:
    """A pool of spares: its nominal number of nodes, seconds from its call to a spare's use, whether its idle spares
    are on and fail, whether its spares come one after the other, and when it is noticed that an idle one is dead: at
    the next multiple of ``check`` seconds (0: at once, infinite: never), or when it is called; and whether it takes
    nodes back: those for which there is no room elsewhere then join the cold pool.
    """

    nodes: int
    activation: float
    on: bool = True
    one_by_one: bool = False
    check: float = 0.0
    takes_back: bool = True


@dataclass(frozen=True)
class Tier:
    """A store beside others, or one that can be lost. Times in seconds as in ``Pattern``, ``read`` that to read back.

    ``lost_at`` is the mildest need of a fault that loses a node's copies (``NEVER_LOST``: none does), ``place`` where
    they are (``sim.kernels.survival``), with ``partners`` nodes beside the one that they are of, in a chain ``stride``
    slots apart. ``source`` is the position of the store that it is copied from, ``DIRECT`` if the job saves to it.
    """

    name: str
    interval: float
    stall: float
    persist: float
    slowdown: float
    in_flight: int
    read: float
    lost_at: int = NEVER_LOST
    place: int = SHARED
    partners: int = 0
    stride: int = 1
    source: int = DIRECT


@dataclass(frozen=True)
class Plan:
    """A scenario as numbers. Times in seconds on the grid, infinite where there is no limit.

    With ``work``, ``horizon`` is when the run is given up. ``period`` is that of the series, infinite if none is asked
    for. ``fault_gap`` is the mean time between faults on the job, infinite if there are none.

    ``repair`` holds the stages in their order: a unit that needs a reset enters the first, one that needs repair
    ``repair_entry``, when its fault is seen or with ``repair_at_fault`` at once. ``relapse`` is the law of life of
    nodes that only seem to be in order. A node that is to ``retire`` enters that stage and no other; one in
    ``quarantine`` enters that before it comes back. ``pick`` says which idle spare of a pool is called, of those that
    are near enough.

    Nodes are numbered: the job's, the hot pool's, the cold pool's. ``order`` is the node at each place of the cluster
    (empty: at each its own number); places that follow each other are near each other, and ``groups`` divide them.

    ``pattern`` and ``read`` are those of one store that is never lost. Where there are more, or it can be, ``tiers``
    holds them, those that save fastest first, and ``pattern`` and ``read`` are the first one's. ``store`` is its name.
    """

    seed: int
    gpus_per_node: int
    job_nodes: int
    pools: tuple[Pool, ...]
    sources: tuple[Source, ...]
    lanes: tuple[Lane, ...]
    laws: tuple[Law, ...]
    rules: tuple[Rule, ...]
    max_attempts: int
    repair: tuple[RepairStage, ...]
    has_store: bool
    pattern: Pattern
    read: float
    horizon: float
    work: float
    last_save: int
    initial_start: bool
    final_save: bool
    max_events: int
    start_key: tuple[int, int]
    fault_gap: float = math.inf
    watchdog: Watchdog = Watchdog(0.0, 0.0, 0.0)
    lives: tuple[Life, ...] = ()
    groups: tuple[Group, ...] = ()
    order: tuple[int, ...] = ()
    repair_entry: int = 0
    repair_at_fault: bool = False
    relapse: int = 0
    retire: Strikes = Strikes()
    quarantine: Strikes = Strikes()
    pauses: tuple[Pause, ...] = ()
    blame: Blame = Blame()
    period: float = math.inf
    tiers: tuple[Tier, ...] = ()
    pick: int = LONGEST_IDLE
    store: str = ""
    max_restarts: int = NO_LIMIT

    @property
    def periods(self) -> int:
        """Periods of the series: 0 if none is asked for; the last may be shorter than the others."""
        return 0 if self.period == math.inf else math.ceil(self.horizon / self.period)

    @property
    def uncertain(self) -> bool:
        """Whether replications draw rates of their own."""
        return any(source.shape > 0.0 for source in self.sources)

    @property
    def drawn(self) -> set[int]:
        """Buckets of the wall clock in which durations are drawn from laws."""
        laws = [(stage.bucket, stage.law) for rule in self.rules for stage in rule.stages if stage.law != AUTO]
        laws += [(pause.bucket, pause.law) for pause in self.pauses]
        detected = {DETECTION} if any(source.detect_law != ANY for source in self.sources) else set()
        return detected | {bucket for bucket, law in laws if self.laws[law].kind != CONSTANT}

    @property
    def nodes(self) -> int:
        """Nodes held: the job's and its spares'."""
        return self.job_nodes + sum(pool.nodes for pool in self.pools)

    @property
    def causes(self) -> tuple[str, ...]:
        """Names of what interrupts the job, by the number of the cause: sources, then pauses."""
        return (*(source.name for source in self.sources), *(pause.name for pause in self.pauses))

    @property
    def pool_order(self) -> tuple[int, ...]:
        """Blocks of the pools, the one that activates fastest first; the first one at a tie."""
        return tuple(sorted(range(HOT, HOT + len(self.pools)), key=lambda block: self.pools[block - HOT].activation))

    @property
    def first_spares(self) -> tuple[int, ...]:
        """Number of each pool's first node, and that after the last node of all."""
        return tuple(accumulate((pool.nodes for pool in self.pools), initial=self.job_nodes))
