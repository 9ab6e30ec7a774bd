"""Where every second went: the buckets, and what a segment of running puts into them."""

from __future__ import annotations

from sim.kernels._jit import kernel
from sim.kernels.saves import Pattern, Segment, saves_durable, stepping_until

PRODUCTIVE = 0
SAVE_STALL = 1
SAVE_SLOWDOWN = 2
LOST_WORK = 3
DETECTION = 4
DIAGNOSIS = 5
CAPACITY_WAIT = 6
RESTART = 7
LOAD = 8
WARM_UP = 9
PAUSE = 10
MAINTENANCE = 11

BUCKETS = (
    "productive",
    "save_stall",
    "save_slowdown",
    "lost_work",
    "detection",
    "diagnosis",
    "capacity_wait",
    "restart",
    "load",
    "warm_up",
    "pause",
    "maintenance",
)
"""Buckets of the wall clock, in the order of the numbers above. Each second of a run is in exactly one."""

GPU_ONLY = ("spare_idle", "repair")
"""What GPU-seconds of job and pools have beside these: units that idle as spares, and units in repair or waiting for
it.
"""


@kernel
def interrupted(t: float, s: Segment, p: Pattern) -> tuple[float, float, float, float, int, float, int]:
    """Account of a segment that a fault ends at ``t``.

    Returns
    -------
    productive, save_stall, save_slowdown, lost_work : float64
        Seconds; they add up to t - s.t0 exactly. The deficit of slowed steps that are lost is inside ``lost_work``;
        stalls are stalls whether the version survived or not.
    durable : int64
        Saves of the segment that are durable by ``t``.
    step, index : float64, int64
        Progress and trigger index of the version that is restored.
    """
    stepped, _ = stepping_until(t, s, p)
    stall = (t - s.t0) - stepped
    durable = saves_durable(t, s, p)
    if durable == 0:
        return 0.0, stall, 0.0, stepped, 0, s.step, s.passed
    index = s.passed + durable
    kept = s.first + (durable - 1) * p.stepping
    gain = index * p.interval - s.step
    return gain, stall, kept - gain, stepped - kept, durable, index * p.interval, index


@kernel
def ended(t: float, s: Segment, p: Pattern) -> tuple[float, float, float, int, float]:
    """Account of a segment that the end of the run closes at ``t``: nothing is rolled back.

    Returns
    -------
    productive, save_stall, save_slowdown : float64
        Seconds; they add up to t - s.t0 exactly.
    durable : int64
        Saves of the segment that are durable by ``t``.
    not_saved : float64
        Seconds of progress since the newest durable version.
    """
    stepped, gain = stepping_until(t, s, p)
    durable = saves_durable(t, s, p)
    saved = (s.passed + durable) * p.interval - s.step if durable > 0 else 0.0
    return gain, (t - s.t0) - stepped, stepped - gain, durable, gain - saved
