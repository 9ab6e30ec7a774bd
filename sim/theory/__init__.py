"""Closed forms: intervals between saves, ETTR, recovery, spares and repair.

Independent of the engines and imported by none of them; it imports nothing else of the project. Durations are in
seconds, rates per second; any other consistent unit works as well.
"""

from sim.theory.capacity import (
    crew_wait,
    dead_spare_share,
    erlang_b,
    k_of_n,
    nodes_in_repair,
    stall_per_running,
    stalled_share,
    stalled_share_crews,
)
from sim.theory.copies import time_to_lose_both
from sim.theory.first_order import first_order_ettr, queue_ettr_first_order
from sim.theory.intervals import daly, exact_interval, interval_penalty, nvidia_period, young
from sim.theory.laws import laplace_constant, laplace_exponential, laplace_lognormal, laplace_mixture
from sim.theory.lives import (
    faults_until_retired,
    faults_without_renewal,
    first_failures,
    fleet_rate,
    frailty_variance,
    mean_first_failure,
    mean_life,
    renewed_ettr,
)
from sim.theory.notices import ettr_known_too_late, ettr_with_notices
from sim.theory.pauses import ettr_with_pauses
from sim.theory.rates import count_variance, gamma_quantile, posterior_mean
from sim.theory.recovery import (
    Attempt,
    Stage,
    constant_stage,
    hang_delay,
    job_mtbf,
    recovery_restart_list,
    recovery_retry_stage,
    recovery_time,
)
from sim.theory.saves import UNLIMITED, Saves, best_interval, saved_work
from sim.theory.training_ratio import (
    async_ettr,
    ettr,
    ettr_at_optimum,
    ettr_of_classes,
    periodic_ettr,
    queue_ettr,
    random_recovery_ettr,
    wall_time,
)
from sim.theory.two_levels import two_level_ettr, two_level_intervals
from sim.theory.visits import visits

__all__ = [
    "UNLIMITED",
    "Attempt",
    "Saves",
    "Stage",
    "async_ettr",
    "best_interval",
    "constant_stage",
    "count_variance",
    "crew_wait",
    "daly",
    "dead_spare_share",
    "erlang_b",
    "ettr",
    "ettr_at_optimum",
    "ettr_known_too_late",
    "ettr_of_classes",
    "ettr_with_notices",
    "ettr_with_pauses",
    "exact_interval",
    "faults_until_retired",
    "faults_without_renewal",
    "first_failures",
    "first_order_ettr",
    "fleet_rate",
    "frailty_variance",
    "gamma_quantile",
    "hang_delay",
    "interval_penalty",
    "job_mtbf",
    "k_of_n",
    "laplace_constant",
    "laplace_exponential",
    "laplace_lognormal",
    "laplace_mixture",
    "mean_first_failure",
    "mean_life",
    "nodes_in_repair",
    "nvidia_period",
    "periodic_ettr",
    "posterior_mean",
    "queue_ettr",
    "queue_ettr_first_order",
    "random_recovery_ettr",
    "recovery_restart_list",
    "recovery_retry_stage",
    "recovery_time",
    "renewed_ettr",
    "saved_work",
    "stall_per_running",
    "stalled_share",
    "stalled_share_crews",
    "time_to_lose_both",
    "two_level_ettr",
    "two_level_intervals",
    "visits",
    "wall_time",
    "young",
]
