"""What was lost, and to what: every second that is no progress, with the one thing that it is due to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from sim.engine.state import INITIAL_START
from sim.kernels.ledger import LOST_WORK, MAINTENANCE, PRODUCTIVE, SAVE_SLOWDOWN, SAVE_STALL
from sim.results import Runs
from sim.study.paired import Floats
from sim.study.statistics import Estimate, mean, ratio

Kind = Literal["fault", "maintenance", "pause", "start", "save", "wait", "total"]


@dataclass(frozen=True)
class Loss:
    """What is lost to one thing.

    Parameters
    ----------
    name : str
        Of the fault source, the maintenance or the pause; else "initial start", "save stall", "save slowdown", "wait
        for nodes" or "wait for maintenance".
    kind : {"fault", "maintenance", "pause", "start", "save", "wait", "total"}
    lost_work_s : array of shape (n,)
        Seconds of work in each replication that its faults rolled back.
    other_s : array of shape (n,)
        All other seconds: of a fault source those of detection and of stages which one of its faults started last, of
        others those of the pause, of stalls, of waiting.
    """

    name: str
    kind: Kind
    lost_work_s: Floats
    other_s: Floats

    @property
    def total_s(self) -> Floats:
        """Seconds of wall clock in each replication, shape (n,)."""
        return self.lost_work_s + self.other_s


def losses(runs: Runs) -> list[Loss]:
    """Losses of runs, the biggest first, those left out that are 0 in all.

    In each replication ``total_s`` adds up to the wall clock less productive time, and ``lost_work_s`` to lost work:
    exactly, since all are multiples of 2^-20 s.
    """
    found = [loss for loss in _all(runs) if loss.total_s.any()]
    return sorted(found, key=lambda loss: -float(loss.total_s.sum()))


def _all(runs: Runs) -> Iterator[Loss]:
    rows, plan = runs.rows, runs.plan
    none = np.zeros(len(rows))
    for i, source in enumerate(plan.sources):
        kind: Kind = "maintenance" if source.planned else "fault"
        yield Loss(source.name, kind, rows["lost_of"][:, i], rows["recovery_of"][:, i])
    in_pauses = none
    for i, pause in enumerate(plan.pauses, start=len(plan.sources)):
        yield Loss(pause.name, "pause", none, rows["recovery_of"][:, i])
        if pause.bucket == MAINTENANCE:
            in_pauses = in_pauses + rows["recovery_of"][:, i]
    yield Loss("initial start", "start", none, rows["recovery_of"][:, INITIAL_START])
    yield Loss("save stall", "save", none, rows["ledger"][:, SAVE_STALL])
    yield Loss("save slowdown", "save", none, rows["ledger"][:, SAVE_SLOWDOWN])
    for_maintenance = rows["ledger"][:, MAINTENANCE] - in_pauses
    yield Loss("wait for maintenance", "wait", none, for_maintenance)
    yield Loss("wait for nodes", "wait", none, rows["waited_s"] - for_maintenance)


@dataclass(frozen=True)
class Share:
    """A loss in numbers that one can read.

    GPU-hours are wall clock times the GPUs of the job, a run; ``of_wall`` is the share of the wall clock, so that all
    shares add up to 1 - ETTR. Each interval holds by itself.
    """

    name: str
    kind: str
    gpu_hours: Estimate
    lost_work_gpu_hours: Estimate
    other_gpu_hours: Estimate
    of_wall: Estimate

    def as_dict(self) -> dict[str, Any]:
        """The loss as it stands in JSON."""
        return {
            "name": self.name,
            "kind": self.kind,
            "gpu_hours": self.gpu_hours.as_dict(),
            "lost_work_gpu_hours": self.lost_work_gpu_hours.as_dict(),
            "other_gpu_hours": self.other_gpu_hours.as_dict(),
            "of_wall": self.of_wall.as_dict(),
        }


def shares(runs: Runs, found: list[Loss]) -> list[Share]:
    """Put losses into GPU-hours and shares of the wall clock, with intervals."""
    return [_share(runs, loss) for loss in found]


def total(runs: Runs) -> Share:
    """All that is lost: the wall clock less productive time."""
    ledger = runs.rows["ledger"]
    rest = runs.rows["wall_s"] - ledger[:, PRODUCTIVE] - ledger[:, LOST_WORK]
    return _share(runs, Loss("total", "total", ledger[:, LOST_WORK], rest))


def _share(runs: Runs, loss: Loss) -> Share:
    confidence = runs.scenario.run.confidence
    gpu_hours = runs.plan.job_nodes * runs.plan.gpus_per_node / 3600
    whole, lost_work, other = (
        mean(seconds * gpu_hours, confidence) for seconds in (loss.total_s, loss.lost_work_s, loss.other_s)
    )
    of_wall = ratio(loss.total_s, runs.rows["wall_s"], confidence, most=1.0)
    return Share(loss.name, loss.kind, whole, lost_work, other, of_wall)
