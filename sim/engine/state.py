"""What both engines share: the job's phases, the reasons why a run stopped, and the records that a run leaves."""

from __future__ import annotations

import math
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from sim.kernels.ledger import BUCKETS
from sim.kernels.persists import MOST_STORES
from sim.kernels.time import LAST_S
from sim.plan import Plan

RUNNING = 0
DETECTING = 1
WAITING = 2
RECOVERING = 3
PAUSED = 4
"""Phases of the job: stepping or saving; stopped and nobody knows why; waiting for units; in a list of stages; in a
planned pause.
"""


class StopReason(IntEnum):
    """Why a run stopped.

    ``DONE``: the work is done. ``HORIZON``: the time is up. ``DEPLETED``: the job waits for units and none will come;
    a run with a horizon books the rest of it as a wait for capacity. ``NO_PROGRESS``: one incident took more starts
    of a recovery than the scenario allows. ``EVENT_LIMIT``: as many faults, repairs, pauses and parts of a
    walk over saves as the scenario allows. ``RESTART_LIMIT``: the run took more starts of a recovery than the scenario
    allows. ``GAVE_UP``: the work is not done when the run is given up. ``END_OF_TIME``: nor is it at the end of time.
    """

    GOING = 0
    DONE = 1
    HORIZON = 2
    DEPLETED = 3
    NO_PROGRESS = 4
    EVENT_LIMIT = 5
    RESTART_LIMIT = 6
    GAVE_UP = 7
    END_OF_TIME = 8


GOING = int(StopReason.GOING)
DONE = int(StopReason.DONE)
DEPLETED = int(StopReason.DEPLETED)
NO_PROGRESS = int(StopReason.NO_PROGRESS)
EVENT_LIMIT = int(StopReason.EVENT_LIMIT)
RESTART_LIMIT = int(StopReason.RESTART_LIMIT)


EARLY = tuple(reason for reason in StopReason if reason not in (StopReason.GOING, StopReason.DONE, StopReason.HORIZON))
"""Why runs stop that are not what was asked for: until their work is done, or to their horizon."""


def reason_at_horizon(plan: Plan) -> StopReason:
    """Return why a run stops that is still going at the plan's horizon."""
    if plan.work == math.inf:
        return StopReason.HORIZON
    return StopReason.GAVE_UP if plan.horizon < LAST_S else StopReason.END_OF_TIME


Floats = npt.NDArray[np.float64]

KEPT = 0
INTERRUPTIONS = 1
REPAIR = 2
IDLE = 3

MARKS = ("work_done_s", "interruptions", "repair_node_s", "spare_idle_node_s")
"""Totals at the end of a period, in the order of the numbers above: progress that was made by then and never rolled
back later, incidents, node-seconds in repair, and those of idle spares. The last mark of a run has those of its row.
"""

MAX_SOURCES = 64
INITIAL_START = -1
"""What stands for a source where there is none yet: the place of the initial start in ``recovery_of``."""
FROM_START = -1
"""What stands for a store where a run begins again, as no version is left: the last place in ``restores_of``."""
MAX_PAUSES = 8
N_BUCKETS = len(BUCKETS)

ROW = np.dtype(
    [
        ("replication", "i8"), ("stop_reason", "i8"), ("wall_s", "f8"), ("work_done_s", "f8"), ("not_saved_s", "f8"),
        ("interruptions", "i8"), ("faults", "i8"), ("spare_faults", "i8"), ("spares_lost", "i8"), ("void_faults", "i8"),
        ("missed", "i8"), ("blamed_wrongly", "i8"), ("notices", "i8"), ("saved_on_notice", "i8"),
        ("attempts", "i8"), ("saves", "i8"), ("spares_used", "i8"), ("spare_waits", "i8"), ("repairs", "i8"),
        ("renewals", "i8"), ("relapses", "i8"), ("recurrences", "i8"), ("retired", "i8"),
        ("crew_services", "i8"), ("crew_wait_s", "f8"), ("units_in_repair", "i8"), ("ledger", "f8", N_BUCKETS),
        ("absent_node_s", "f8", N_BUCKETS),
        ("spare_idle_node_s", "f8"), ("repair_node_s", "f8"), ("faults_of", "i8", MAX_SOURCES),
        ("interruptions_of", "i8", MAX_SOURCES + MAX_PAUSES), ("waited_s", "f8"),
        ("lost_of", "f8", MAX_SOURCES), ("recovery_of", "f8", MAX_SOURCES + MAX_PAUSES + 1),
        ("saves_of", "i8", MOST_STORES), ("stood_for", "f8", MOST_STORES),
        ("restores_of", "i8", MOST_STORES + 1), ("lost_before", "f8", MOST_STORES + 1),
        ("excess", "f8", N_BUCKETS), ("excess_of", "f8", MAX_SOURCES + MAX_PAUSES + 1),
    ],
    align=True,
)  # fmt: skip
"""What one replication leaves: counts, and seconds of each bucket.

``absent_node_s`` are the node-seconds in which slots of the job stood empty, by the job's bucket at that time.
``lost_of`` are the seconds of lost work by the source of the fault that caused the rollback, ``recovery_of`` those of
detection and of stages by the source of the fault that struck last, and of pauses by the cause; its last place is that
of the initial start. With ``waited_s``, those of waits for units, they are all that is not progress or saving.

By store, in the order of the plan: ``saves_of`` are its part of the saves, ``stood_for`` that of the save stall, with
waits for room in it. ``restores_of`` are incidents after which the job stepped again from a version of the store,
``lost_before`` is the lost work of incidents that went back to it; the last place of both is the start of the run.

``excess`` are the seconds by which durations that were drawn for detection, stages and pauses are longer than their
laws' means, by bucket, and ``excess_of`` by cause. Durations and means are those of what is left of the run at most,
and where faults may strike of the job's mean time between faults; so each has an expectation of 0 whatever ends it.
"""

INCIDENT = np.dtype(
    [
        ("replication", "i8"), ("opened_s", "f8"), ("cause", "i8"), ("faults", "i8"), ("units", "i8"), ("rule", "i8"),
        ("attempts", "i8"), ("progress_s", "f8"), ("restored_s", "f8"), ("lost_work_s", "f8"), ("closed_s", "f8"),
    ],
    align=True,
)  # fmt: skip
"""One incident: when it opened, its cause (a source, or the number of sources and that of a pause), what it cost, and
when the job stepped again (NaN: it did not).
"""
