"""Nodes that come back from repair with all components new, whoever's fault sent them there, against closed forms.

Boards fail at a constant rate m a node and take it; it is replaced with all that is on it, in no time. The parts on it
age, and their faults take nothing: nothing but a new node renews them. So the age of a part is the time since the last
new node, and at t it is a < t with density m exp(-m a), else t. With a hazard h it has, until T, in the mean

    integral from 0 to T of exp(-m a) h(a) (1 + m (T - a)) da

faults: for a Weibull law an incomplete gamma function. If another node than the one with the bad board is replaced each
time, each node still is at rate m, and the formula is the same.
"""

import math

import numpy as np
import pytest
from scipy.special import gamma, gammainc

from sim.engine.compiled.run import Runner
from sim.planning import build
from sim.scenario import loads
from sim.theory.lives import faults_without_renewal, mean_life

from .measure import Z_LIMIT, measured

NODES, PARTS, SCALE, SHAPE, BOARD, HOURS = 20, 4, 1000.0, 3.0, 500.0, 1500.0
TEXT = f"""
[cluster]
nodes = {NODES}
gpus_per_node = {PARTS}
[job]
nodes = {NODES}
[detect]
stop = "0 s"
[faults.board]
per = "node"
mtbf = "{BOARD} h"
[faults.part]
per = "gpu"
takes = "nothing"
mtbf = "{mean_life(SCALE, SHAPE)} h"
life = {{ law = "weibull", shape = {SHAPE} }}
initial_age = "new"
[recovery]
restart = "0 s"
[repair.replace]
time = "0 s"
renews = "all"
[run]
horizon = "{HOURS} h"
seed = 1310
"""
WRONG = ("detect.wrong=1", "detect.recurs.healed=1")


def parts(rows):
    """Faults of parts: the second source by name."""
    return rows["faults_of"][:, 1], np.ones(len(rows))


def with_new_nodes(shape=SHAPE, rate=1.0 / BOARD, hours=HOURS):
    """Mean faults of one Weibull part of scale ``SCALE``: see the module."""
    lower = [gammainc(k, rate * hours) * gamma(k) / rate**k for k in (shape, shape + 1.0)]
    return shape / SCALE**shape * ((1.0 + rate * hours) * lower[0] - rate * lower[1])


@pytest.mark.parametrize("changes", [(), WRONG], ids=["its own board", "by mistake"])
def test_parts_are_as_old_as_their_node(jobs, changes):
    # 80 parts, 0.94 faults each; those of a node share its age, so that a run's faults have a standard deviation of 18.
    expected = NODES * PARTS * with_new_nodes()
    found = measured(jobs, TEXT, parts, expected, 1500, 2, *changes)
    assert found.agrees, found
    assert found.noticed < 0.031


def test_without_new_boards_the_formula_is_that_of_no_renewal():
    assert with_new_nodes(rate=1e-12) == pytest.approx(faults_without_renewal(1, SCALE, SHAPE, HOURS), rel=1e-8)


@pytest.mark.parametrize(
    "change", ["repair.replace.renews=true", "faults.part.life.shape=3.5", "faults.board.mtbf=485 h"]
)
def test_a_wrong_renewal_hazard_or_rate_is_noticed(jobs, change):
    found = measured(jobs, TEXT, parts, NODES * PARTS * with_new_nodes(), 1500, 2, change)
    assert abs(found.z) > Z_LIMIT, found


LIFE = f'life = {{ law = "weibull", shape = {SHAPE} }}\ninitial_age = "new"\n'


@pytest.mark.parametrize("frailty", ['{ law = "gamma", shape = 0.5 }', "{ share = 0.1, factor = 50, cured = false }"])
def test_what_differs_for_good_stays_so(jobs, frailty):
    """Without ages a new node changes nothing, unless a part that has not failed were given any frailty: that of parts
    that have not failed by then is lower than the mean.
    """
    text = TEXT.replace(LIFE, f"frailty = {frailty}\n")
    found = measured(jobs, text, parts, NODES * PARTS * HOURS / mean_life(SCALE, SHAPE), 3000, 2)
    assert found.agrees, found
    assert found.noticed < 0.035


def test_a_new_node_has_no_lemons(jobs):
    """A part is as bad as the mean until its node is replaced for the first time, and a good one from then on."""
    share, factor = 0.1, 50.0
    text = TEXT.replace(LIFE, f"frailty = {{ share = {share}, factor = {factor} }}\n")
    before = BOARD * -math.expm1(-HOURS / BOARD)
    good = 1.0 / (1.0 - share + share * factor)
    expected = NODES * PARTS * (before + good * (HOURS - before)) / mean_life(SCALE, SHAPE)
    found = measured(jobs, text, parts, expected, 3000, 2)
    assert found.agrees, found
    assert found.noticed < 0.029
    still = measured(jobs, text, parts, expected, 300, 2, "repair.replace.renews=true")
    assert abs(still.z) > Z_LIMIT, still


ONE = """
[cluster]
nodes = 60
[job]
nodes = 40
[faults.part]
per = "node"
mtbf = "300 h"
life = { law = "weibull", shape = 2 }
initial_age = "new"
frailty = { share = 0.2, factor = 6 }
[repair.replace]
time = "30 h"
crews = 5
success = 0.8
[run]
horizon = "100 days"
"""


def test_with_one_component_on_a_node_all_is_what_failed():
    """Bit for bit: the life after a failure is drawn for that failure."""
    plans = [build(loads(ONE, overrides=[f"repair.replace.renews={what}"])) for what in ("true", "all")]
    rows = [Runner(plan).run(0, 20) for plan in plans]
    assert rows[0]["renewals"].min() > 100
    assert rows[0].tobytes() == rows[1].tobytes()
