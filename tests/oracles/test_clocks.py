"""Clocks of sources: counts on another clock than the source's own are seen again. See ``measure``.

A job that is watched for 60 days of wall clock and stops 105 times must stop 105 times in 60 days of the simulation,
though its source ticks in training only: the mean of 800 runs lies within 2 standard errors of 105 (a right engine
fails that once in 22 on other seeds; these are fixed). Times between stops are exponential with mean m and a constant
recovery R, so that a run's number has the variance 105 share^2, share = m / (m + R): 4.5 standard errors are 1.04 % of
105. The start is (1 - share)^2 / 2 = 0.06 stops away from the long run. Taken as training time, 60 days give 79.
"""

import numpy as np
import pytest

from sim.errors import UsageError
from sim.planning import build
from sim.scenario import loads
from sim.study.outlook import Outlook

from .measure import SPREAD, Z_LIMIT, booked

TEXT = """
[cluster]
nodes = 124
[job]
nodes = 124
[faults.stops]
per = "job"
clock = "training"
observed = { events = 105, over = "60 days", clock = "wall" }
[stores.s]
every = "30 min"
stall = "1 min"
[detect]
stop = "20 min"
[recovery]
restart = "4.2 h"
[run]
horizon = "60 days"
seed = 2911
"""
TRAINING = ("productive", "save_stall", "lost_work")
RECOVERY_DAYS = (1 / 3 + 4.2) / 24
SHARE = 1 - 105 * RECOVERY_DAYS / 60
"""Of the time that the job trains, as 105 recoveries take the rest."""


def counted(rows):
    """Faults of each run."""
    return rows["faults"].astype(float), np.ones(len(rows))


def test_the_share_is_what_the_counted_recoveries_leave():
    plan = build(loads(TEXT))
    assert Outlook(plan).training_share == pytest.approx(SHARE, rel=1e-9)
    (source,) = plan.sources
    assert source.rate == pytest.approx(105 / (60 * 86_400 * SHARE), rel=1e-9)
    own = loads(TEXT, overrides=[f'faults.stops.observed={{ events = 105, over = "{60 * SHARE:.15g} days" }}'])
    assert build(own).sources[0].rate == pytest.approx(source.rate, rel=1e-9)


def test_recoveries_that_take_all_of_the_time_are_refused():
    """105 recoveries of 13.7 h and more take 60 days."""
    assert build(loads(TEXT, overrides=["recovery.restart=13.2 h"])).sources[0].rate > 0
    with pytest.raises(UsageError, match=r"faults\.stops\.observed\.clock: .* leave the job no time to train"):
        build(loads(TEXT, overrides=["recovery.restart=13.4 h"]))


def test_counts_of_the_wall_clock_are_seen_again(measure):
    found = measure(TEXT, counted, 105.0, 800, 2)
    assert found.agrees, found
    assert abs(found.z) < 2.0
    assert found.noticed < SPREAD * Z_LIMIT * SHARE / np.sqrt(105 * 800)


def test_the_same_count_of_training_is_another(measure):
    """As many in 60 days of training: 105 / (1 + 105 recoveries / 60 days) = 79 on the wall clock."""
    found = measure(TEXT, counted, 105 / (1 + 105 * RECOVERY_DAYS / 60), 800, 2, "faults.stops.observed.clock=training")
    assert found.agrees, found
    assert round(found.expected) == 79


def test_counts_beside_other_faults_and_pauses_are_seen_again(measure):
    """Faults on the wall clock strike in recoveries, too; pauses of 2 h come after each 10 h of work, which is saved
    every 100 min and lost in part with each fault: 8 % of the training is no progress. 6,400 runs notice 0.6 %, and
    thus pauses that were counted by training instead of progress: 1 % more of it.
    """
    more = (
        'faults.node={ per = "node", mtbf = "6_200 h", needs = "process" }',
        'pauses.evaluation={ every = "10 h", duration = "2 h", vulnerable = false }',
        'stores.s.every="100 min"',
        "faults.stops.observed.events=60",
    )
    found = measure(
        TEXT, lambda rows: (rows["faults_of"][:, 1].astype(float), np.ones(len(rows))), 60.0, 6_400, 2, *more
    )
    assert found.noticed < 0.0061
    assert found.agrees, found
    assert abs(found.z) < 2.0


def test_counts_of_training_are_seen_again_by_a_source_on_the_wall_clock(measure):
    """60 in 60 days of training are one a day of it. Without the conversion there are 1 / share times as many."""
    changes = ("faults.stops.clock=wall", 'faults.stops.observed={ events = 60, over = "60 days", clock = "training" }')
    plan = build(loads(TEXT, overrides=changes))
    share = Outlook(plan).training_share
    assert plan.sources[0].rate == pytest.approx(share / 86_400, rel=1e-9)
    found = measure(TEXT, lambda rows: (rows["faults"] * 86_400.0, booked(rows, *TRAINING)), 1.0, 800, 2, *changes)
    assert found.agrees, found


WAITS = """
[cluster]
nodes = 4
[job]
nodes = 4
[faults.hang]
per = "job"
mtbf = "40 h"
effect = "hang"
[faults.node]
per = "node"
mtbf = "2_240 h"
clock = "training"
[detect]
hang = { timeout = "10 min" }
[recovery]
restart = "0 s"
[pools]
hot = 0
[repair]
replace = { time = "130 years" }
[run]
horizon = "37_160 h"
seed = 2917
"""


def hangs(rows):
    """Hangs of each run."""
    return rows["faults_of"][:, 0].astype(float), np.ones(len(rows))


def test_software_does_not_hang_while_the_job_waits_for_nodes(measure):
    """The job trains until it loses a node, 560 h on average, and waits for it until the end. It hangs once in 40 h of
    training: with mean 14 and variance 14 + 14^2 a run, so that 4.5 standard errors of 4,000 runs are 7 %.
    """
    found = measure(WAITS, hangs, 560 / 40, 4000, 2)
    assert found.agrees, found
    assert found.noticed < 0.078


def test_on_the_wall_clock_it_does(measure):
    """37,160 h / 40 h = 929 hangs, whatever the job does: 200 runs notice 1 %."""
    found = measure(WAITS, hangs, 929.0, 200, 2, 'faults.hang.clock="wall"')
    assert found.agrees, found
    assert found.noticed < 0.0115
