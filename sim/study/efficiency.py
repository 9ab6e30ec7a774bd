"""From lost time to FLOP, energy and dollars: what a design gets out of its hardware, and what that costs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from sim.errors import UsageError
from sim.kernels.ledger import GPU_ONLY
from sim.results import Runs
from sim.scenario import Scenario
from sim.scenario.efficiency import Efficiency
from sim.study.answer import Answer
from sim.study.attribution import losses
from sim.study.paired import Floats, Measured, of_ratio
from sim.study.statistics import Estimate, mean, ratio, total_of

DAY_S = 86_400.0
HOUR_S = 3_600.0
MWH_J = 3.6e9


@dataclass(frozen=True)
class Figure:
    """A ratio of totals over replications, in a unit.

    Parameters
    ----------
    name, unit : str
        As in JSON; "1" for a share.
    top, bottom : arrays of shape (n,)
        Numerator and denominator of each replication.
    most : float
        What it cannot exceed.
    """

    name: str
    unit: str
    top: Floats = field(repr=False)
    bottom: Floats = field(repr=False)
    most: float = math.inf

    @property
    def known(self) -> bool:
        """Whether there is anything to divide by: not where nothing was done."""
        return bool(np.any(self.bottom))

    def estimate(self, confidence: float) -> Estimate:
        """The figure with its interval."""
        return ratio(self.top, self.bottom, confidence, self.most)

    @property
    def measured(self) -> Measured:
        """The figure with what each replication did to it."""
        return of_ratio(self.top, self.bottom)


@dataclass(frozen=True)
class Level:
    """A level of the waterfall: its share of the level above, and what is left, as a share of the peak and in
    exaflop/s of the job's GPUs.
    """

    name: str
    share: float
    of_peak: float
    exaflops: float


@dataclass(frozen=True)
class BucketCost:
    """What a bucket of the ledger costs, a run: energy at the meter, and dollars; None for what is not known.

    ``usd.mean`` is in whole cents: over the buckets these add up to that of the run, to the cent.
    """

    bucket: str
    gpu_hours: float
    mwh: float | None
    usd: Estimate | None


@dataclass(frozen=True)
class CauseCost:
    """What one cause of losses costs, a run: dollars of the job's GPUs for lost work and for all else it took."""

    name: str
    kind: str
    gpu_hours: float
    lost_work_usd: Estimate
    other_usd: Estimate
    usd: Estimate


@dataclass(frozen=True)
class Account:
    """One design: what its hardware could do and does, draws and costs.

    Parameters
    ----------
    answer : Answer
        Of a scenario that has ``[efficiency]``.

    Raises
    ------
    UsageError
        If it has none.
    """

    answer: Answer

    def __post_init__(self) -> None:
        check(self._runs.scenario)
        total_of(self.answer.time_s)  # or there is nothing to divide by

    def __repr__(self) -> str:
        return f"<Account {self.answer.runs.scenario.name!r}: n = {self.answer.n}>"

    @property
    def _runs(self) -> Runs:
        return self.answer.levelled

    @property
    def design(self) -> Efficiency:
        """The scenario's ``[efficiency]``."""
        assert self._runs.scenario.efficiency is not None
        return self._runs.scenario.efficiency

    @property
    def job_gpus(self) -> int:
        """GPUs of the job."""
        return self._runs.plan.job_nodes * self._runs.plan.gpus_per_node

    @property
    def held_gpus(self) -> int:
        """GPUs of the job and its pools: all are paid for."""
        return self._runs.gpus_held

    @property
    def missing(self) -> list[str]:
        """Keys without which energy or dollars are not known."""
        design = self.design
        found = {"efficiency.chip.power": design.it_power, "efficiency.node_price": design.price}
        return [key for key, value in found.items() if value is None]

    @property
    def it_power_w(self) -> float | None:
        """IT power of all GPUs held, at full load, W."""
        return None if self.design.it_power is None else self.held_gpus * self.design.it_power

    @property
    def meter_power_w(self) -> float | None:
        """Power at the meter of all GPUs held, at full load: IT power x PUE, W."""
        return None if self.it_power_w is None else self.it_power_w * self.design.pue

    @property
    def capital_usd(self) -> float | None:
        """Price of all GPUs held with their servers and network, USD."""
        return None if self.design.capital is None else self.held_gpus * self.design.capital

    @cached_property
    def waterfall(self) -> list[Level]:
        """From the peak of the job's GPUs to what is done: each level times its share is the next."""
        design = self.design
        shares = (
            ("peak", 1.0), ("mamf", design.mamf / design.peak), ("sfu", design.sfu), ("ettr", self.answer.ettr.mean),
        )  # fmt: skip
        levels, of_peak = [], 1.0
        for name, share in shares:
            of_peak *= share
            levels.append(Level(name, share, of_peak, of_peak * self.job_gpus * design.peak / 1e18))
        return levels

    @cached_property
    def figures(self) -> dict[str, Figure]:
        """All figures that can be had, by name; ``docs/efficiency.md`` says what each is."""
        found = (*self._speeds(), *self._energies(), *self._costs(), *self._training())
        return {figure.name: figure for figure in found if figure.known}

    def estimates(self) -> dict[str, Estimate]:
        """The figures with their intervals."""
        return {name: figure.estimate(self.answer.confidence) for name, figure in self.figures.items()}

    @cached_property
    def buckets(self) -> list[BucketCost]:
        """Every bucket of GPU-seconds in energy and dollars, in the order of the answer."""
        confidence, gpu_s = self.answer.confidence, self._runs.ledger_gpu_s
        names = [each.bucket for each in self.answer.buckets]
        power, rates = self._power, self._rates
        usd = None if rates is None else [mean(np.multiply(gpu_s[name], rates[name]), confidence) for name in names]
        if usd is not None:
            cents = in_cents([each.mean for each in usd])
            usd = [Estimate(m, e.low, e.high, e.n, e.confidence) for m, e in zip(cents, usd, strict=True)]
        return [
            BucketCost(
                name,
                float(gpu_s[name].mean()) / HOUR_S,
                None if power is None else float(gpu_s[name].mean()) * power[name] / MWH_J,
                None if usd is None else usd[i],
            )
            for i, name in enumerate(names)
        ]

    @cached_property
    def total_usd(self) -> float | None:
        """What a run costs, in whole cents: the buckets add up to it, to the cent."""
        each = [bucket.usd for bucket in self.buckets if bucket.usd is not None]
        return round(100 * math.fsum(cost.mean for cost in each)) / 100 if each else None

    @cached_property
    def causes(self) -> list[CauseCost]:
        """What each cause of losses costs, the most expensive first: GPUs of the job times the seconds of
        ``sim explain``, at full power; empty where dollars are not known.
        """
        rate = self._usd_per_gpu_s
        if rate is None:
            return []
        gpus, confidence = self.job_gpus, self.answer.confidence
        found = []
        for loss in losses(self._runs):
            parts = (loss.lost_work_s, loss.other_s, loss.total_s)
            usd = (mean(seconds * (gpus * rate), confidence) for seconds in parts)
            found.append(CauseCost(loss.name, loss.kind, float(loss.total_s.mean()) * gpus / HOUR_S, *usd))
        return found

    def as_dict(self) -> dict[str, Any]:
        """The account as it stands in JSON."""
        design, estimates = self.design, self.estimates()
        model = design.model
        return {
            "name": self._runs.scenario.name,
            "chip": design.chip, "precision": design.precision, "job_gpus": self.job_gpus, "held_gpus": self.held_gpus,
            "peak_flops": design.peak, "mamf_flops": design.mamf, "mfu": design.mfu, "sfu": design.sfu,
            "pue": design.pue, "it_power_w": self.it_power_w, "meter_power_w": self.meter_power_w,
            "capital_usd": self.capital_usd, "flops_per_token": None if model is None else model.flops_per_token,
            "missing": self.missing,
            "ettr": self.answer.ettr.as_dict(),
            "waterfall": [vars(level) for level in self.waterfall],
            "figures": {
                name: {"unit": self.figures[name].unit, **each.as_dict()} for name, each in estimates.items()
            },
            "total_usd": self.total_usd,
            "buckets": [
                {
                    "bucket": each.bucket, "gpu_hours": each.gpu_hours, "mwh": each.mwh,
                    "usd": None if each.usd is None else each.usd.as_dict(),
                }
                for each in self.buckets
            ],
            "causes": [
                {
                    "name": each.name, "kind": each.kind, "gpu_hours": each.gpu_hours,
                    "lost_work_usd": each.lost_work_usd.as_dict(), "other_usd": each.other_usd.as_dict(),
                    "usd": each.usd.as_dict(),
                }
                for each in self.causes
            ],
            "stop_reasons": self.answer.stop_reasons,
            "doubts": [vars(doubt) for doubt in self.answer.doubts],
            "provenance": self._runs.provenance,
        }  # fmt: skip

    @property
    def _power(self) -> dict[str, float] | None:
        """Power at the meter of one GPU by the bucket it is in, W."""
        if self.design.it_power is None:
            return None
        full = self.design.it_power * self.design.pue
        return {name: full * (self.design.idle_power if name in GPU_ONLY else 1.0) for name in self._runs.ledger_gpu_s}

    @property
    def _rates(self) -> dict[str, float] | None:
        """USD for a second of one GPU by the bucket it is in: capital over its life, and energy."""
        capital, power = self.design.capital, self._power
        if capital is None or power is None:
            return None
        per_s = capital / self.design.depreciation
        return {name: per_s + watts * self.design.electricity for name, watts in power.items()}

    @property
    def _usd_per_gpu_s(self) -> float | None:
        """USD for a second of one GPU at full load."""
        return None if self._rates is None else self._rates["productive"]

    @property
    def _flops_per_s(self) -> float:
        """Model FLOP/s of the job while it steps."""
        return self.job_gpus * self.design.speed

    @property
    def _ettr(self) -> tuple[Floats, Floats]:
        """Numerator and denominator of ETTR in each replication, s: speeds are ETTR times a constant."""
        return self.answer.runs.rows["work_done_s"], np.asarray(self.answer.time_s, np.float64)

    def _speeds(self) -> Iterator[Figure]:
        work, progress, time = self._runs.rows["work_done_s"], *self._ettr
        yield Figure("effective_mfu", "1", progress * self.design.mfu, time, self.design.mfu)
        yield Figure("effective_exaflops", "EFLOP/s", progress * (self._flops_per_s / 1e18), time)
        yield Figure("model_flops_done", "FLOP", work * self._flops_per_s, np.ones(len(work)))
        if self.design.model is not None:
            per_s = self._flops_per_s / self.design.model.flops_per_token
            yield Figure("tokens_done", "tokens", work * per_s, np.ones(len(work)))
            yield Figure("tokens_per_day", "tokens", progress * (per_s * DAY_S), time)

    @cached_property
    def _energy_j(self) -> Floats | None:
        """Energy at the meter of each replication, J."""
        power = self._power
        if power is None:
            return None
        return np.asarray(sum(gpu_s * power[name] for name, gpu_s in self._runs.ledger_gpu_s.items()))

    @cached_property
    def _cost_usd(self) -> Floats | None:
        """What each replication costs, USD."""
        rates = self._rates
        if rates is None:
            return None
        return np.asarray(sum(gpu_s * rates[name] for name, gpu_s in self._runs.ledger_gpu_s.items()))

    def _energies(self) -> Iterator[Figure]:
        energy, power = self._energy_j, self._power
        if energy is None or power is None:
            return
        work, ones, gpu_s = self._runs.rows["work_done_s"], np.ones(self.answer.n), self._runs.ledger_gpu_s
        yield Figure("exaflops_per_mw", "EFLOP/s/MW", work * (self._flops_per_s / 1e12), energy)
        yield Figure("energy_mwh", "MWh", energy / MWH_J, ones)
        yield Figure("lost_work_mwh", "MWh", np.multiply(gpu_s["lost_work"], power["lost_work"] / MWH_J), ones)
        yield Figure("unproductive_mwh", "MWh", (energy - gpu_s["productive"] * power["productive"]) / MWH_J, ones)

    def _costs(self) -> Iterator[Figure]:
        work, wall, capital = self._runs.rows["work_done_s"], self._runs.rows["wall_s"], self.capital_usd
        if capital is not None:
            progress, time = self._ettr
            yield Figure("gflops_per_usd", "GFLOP/s/USD", progress * (self._flops_per_s / 1e9 / capital), time)
        cost = self._cost_usd
        if cost is not None:
            yield Figure("cost_usd", "USD", cost, np.ones(len(work)))
            yield Figure("usd_per_exaflop_day", "USD", cost, work * (self._flops_per_s / 1e18 / DAY_S))
            yield Figure("usd_per_useful_gpu_hour", "USD", cost, work * (self.job_gpus / HOUR_S))
            yield Figure("usd_per_day", "USD", cost * DAY_S, wall)

    def _training(self) -> Iterator[Figure]:
        """How long the model's training run takes at this pace, and what it costs."""
        model = self.design.model
        if model is None or model.tokens is None:
            return
        runs = self._runs.rows["work_done_s"] * (self._flops_per_s / model.flops_per_token / model.tokens)
        yield Figure("training_days", "days", self._runs.rows["wall_s"] / DAY_S, runs)
        if self._cost_usd is not None:
            yield Figure("training_usd", "USD", self._cost_usd, runs)
        if self._energy_j is not None:
            yield Figure("training_mwh", "MWh", self._energy_j / MWH_J, runs)


def check(scenario: Scenario) -> None:
    """Refuse a scenario that does not say what its hardware can do. Raises ``UsageError``."""
    if scenario.efficiency is None:
        raise UsageError(
            f"{scenario.name}: has no [efficiency], which says what the hardware can do: add "
            'chip = "h100-sxm" and mfu = "41 %" there, for example; docs/efficiency.md has all keys'
        )


def in_cents(dollars: Sequence[float]) -> list[float]:
    """Round amounts to whole cents that add up to their rounded sum: those that lose most by rounding get the cents
    that are left (largest remainders).

    Parameters
    ----------
    dollars : sequence of float
        Not negative; their sum below 2^53 cents.
    """
    cents = [math.floor(100 * each) for each in dollars]
    left = round(100 * math.fsum(dollars)) - sum(cents)
    by_rest = sorted(range(len(cents)), key=lambda i: cents[i] - 100 * dollars[i])
    for i in by_rest[: max(left, 0)]:
        cents[i] += 1
    return [each / 100 for each in cents]
