"""What would help most: gains against closed forms, what is said only where intervals allow it, when looks end."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.special import stdtrit

import sim
from sim.errors import UsageError
from sim.scenario import loads
from sim.study.compare import compare
from sim.study.explain import Explained, explain
from sim.theory import Saves, ettr

from .test_compare import O1
from .texts import BUSY, CALM


@pytest.fixture(scope="module")
def busy() -> Explained:
    return explain(loads(BUSY), replications=60)


def test_gains_are_what_compare_says(busy: Explained) -> None:
    every = next(each for each in busy.turned if each.name == "stores.remote.every")
    half = every.effect(0.5)
    assert half is not None
    (difference,) = compare(loads(BUSY), loads(BUSY, overrides=half.changes), replications=60).differences
    assert half.gain.mean == pytest.approx(difference.ettr.mean, abs=1e-15)
    assert half.gain.half_width > difference.ettr.half_width  # all of them hold together
    assert half.runs_that_differ == difference.runs_that_differ
    assert half.verdict == difference.verdict


def test_the_base_is_what_run_gives(busy: Explained) -> None:
    alone = sim.run(loads(BUSY), replications=60)
    assert busy.answer.runs.rows.tobytes() == alone.runs.rows.tobytes()
    assert busy.total.of_wall.mean == pytest.approx(1 - alone.ettr.mean, abs=1e-12)


def test_levers_are_in_order_and_leaders_cannot_be_told_apart(busy: Explained) -> None:
    gains = [each.best.gain.mean for each in busy.turned]
    assert gains == sorted(gains, reverse=True)
    assert busy.turned[0].name == "faults.*.rate_factor"
    assert busy.leaders[0] is busy.single[0] is busy.turned[1]
    assert busy.leaders[0].best.verdict == "better"
    assert all(each.best.verdict in ("better", "open") for each in busy.leaders)
    assert len(busy.leaders) < len(busy.turned)
    assert busy.leaders[0].name in repr(busy)


def test_what_cannot_be_turned_is_left_out_with_the_reason(busy: Explained) -> None:
    reasons = {(each.name, each.factor): each.reason for each in busy.left_out}
    assert "cannot be halved" in reasons["repair.replace.crews", 0.5]
    assert ("repair.replace.crews", 2.0) not in reasons
    crews = next(each for each in busy.turned if each.name == "repair.replace.crews")
    assert crews.effect(0.5) is None
    assert all("\n" not in reason for reason in reasons.values())


def test_gains_are_those_of_closed_forms() -> None:
    """Oracle O1, its recovery struck by faults, too: every lever against ETTR's closed form.

    n = 4,000 pairs, eight gains, |z| < 4.5: a false alarm in 18,000; a gain of the MTBF that is 10 % off is noticed.
    """
    found = explain(loads(O1.format(mtbf=360, every=57)), replications=4_000)

    def exact(mtbf: float = 360.0, every: float = 57.0, stall: float = 5.0, restart: float = 10.0) -> float:
        return float(ettr(1 / mtbf, Saves(every, stall), mtbf * math.expm1(restart / mtbf)))

    levers = {
        "MTBF of stop": ("mtbf", 360.0), "stores.shared.every": ("every", 57.0), "stores.shared.stall": ("stall", 5.0),
        "recovery.again.stages.restart": ("restart", 10.0),
    }  # fmt: skip
    assert {each.name for each in found.turned} >= set(levers)
    t = stdtrit(found.n - 1, 1 - (1 - found.answer.confidence) / (2 * found.together))
    for each in found.turned:
        if each.name not in levers:
            continue
        what, now = levers[each.name]
        for effect in each.effects:
            gain = exact(**{what: now * effect.factor}) - exact()
            z = (effect.gain.mean - gain) / (effect.gain.half_width / t)
            assert abs(z) < 4.5, (each.name, effect.factor)
            if what == "mtbf":
                assert abs(1.1 * effect.gain.mean - gain) / (effect.gain.half_width / t) > 4.5


def test_looks_go_on_until_all_is_told() -> None:
    seen: list[Explained] = []
    found = explain(loads(BUSY), half_width=0.02, progress=seen.append)
    assert [each.n for each in seen] == [32 * 2**i for i in range(len(seen))]
    assert found.reached or found.n == 100
    for each in seen:
        assert not each.reached
    strict = explain(loads(BUSY), half_width=1e-9)
    assert (strict.n, strict.reached) == (100, False)


def test_ctrl_c_gives_what_is_known() -> None:
    def stop(found: Explained) -> None:
        raise KeyboardInterrupt

    found = explain(loads(BUSY), half_width=1e-9, progress=stop)
    assert (found.n, found.interrupted) == (32, True)
    assert replace(found, interrupted=False).as_dict()["levers"] == explain(
        loads(BUSY), replications=32
    ).as_dict()["levers"]  # fmt: skip


def test_threads_change_nothing() -> None:
    one, two = (explain(loads(BUSY), replications=33, jobs=jobs).as_dict() for jobs in (1, 2))
    assert one == two


def test_where_nothing_fails_nothing_helps() -> None:
    found = explain(loads(CALM), replications=40)
    assert (found.losses, found.leaders) == ([], ())
    assert found.reached
    assert all(effect.gain.mean == 0.0 for each in found.turned for effect in each.effects)


def test_one_replication_has_no_intervals() -> None:
    found = explain(loads(BUSY), replications=1)
    assert found.leaders == ()
    assert {effect.verdict for each in found.turned for effect in each.effects} <= {"few", "same"}
    assert np.isfinite([each.best.gain.mean for each in found.turned]).all()


@pytest.mark.parametrize(
    "arguments", [{"replications": 0}, {"seed": -1}, {"jobs": 0}, {"half_width": 0.0}, {"half_width": 1.0}], ids=str
)
def test_what_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        explain(loads(BUSY), **arguments)
