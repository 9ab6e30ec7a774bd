"""Stages of repair that lead back to themselves, where components age: which share of the faults renews them."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from sim.cli.verbs import app
from sim.engine.simpy_engine import run_one
from sim.errors import UsageError
from sim.planning import build
from sim.scenario import loads

TEXT = """
[cluster]
nodes = 2
[faults.a]
per = "node"
mtbf = "10 days"
life = {{ law = "weibull", shape = 2 }}
initial_age = "new"
[repair]
test = {{ time = "1 h", then = "{then}", attempts = {attempts}, success = {success}, else = "replace" }}
{more}
replace = {{ time = "1 h" }}
[run]
horizon = "{horizon}"
"""


def written(then="test", attempts=2, success=1, more="", horizon="10 days"):
    return TEXT.format(then=then, attempts=attempts, success=success, more=more, horizon=horizon)


def renewing(**words):
    return build(loads(written(**words))).lives[0].renewing


@pytest.mark.parametrize("verb", [["validate"], ["show"], ["show", "--json"], ["run", "--engine", "simpy", "--json"]])
def test_a_test_that_repeats_is_answered(tmp_path: Path, verb: list[str]) -> None:
    file = tmp_path / "test-that-repeats.toml"
    file.write_text(written())
    more = ["--replications", "2"] if verb[0] == "run" else []
    outcome = CliRunner().invoke(app, [verb[0], str(file), *verb[1:], *more])
    assert outcome.exit_code == 0, outcome.output
    if "--json" in verb:
        json.loads(outcome.stdout)


@pytest.mark.parametrize("attempts", [1, 2, 7, 1000])
def test_a_node_that_must_be_replaced_in_the_end_is_renewed(attempts: int) -> None:
    assert renewing(attempts=attempts) == 1.0


def test_a_circle_of_a_test_and_its_wait() -> None:
    """The test sends what it passed to a queue, which lets go half of it and sends the other half back. With s = 0.6
    put in order and f = 0.4 not: kept = s/2 + (s/2 + f) s/2, since after the second of two attempts a node is let go
    with s/2, and else replaced.
    """
    more = 'queue = { time = "1 h", success = 0.5, else = "test" }'
    s, f = 0.6, 0.4
    kept = s / 2 + (s / 2 + f) * (s / 2)
    assert renewing(then="queue", success=s, more=more) == pytest.approx(1.0 - kept, rel=1e-12)


def test_the_share_is_that_of_the_engine() -> None:
    """n some 1,400 visits: binomial; five standard errors, about 1 in 2 million by chance, are 6.5 points."""
    words = {"then": "queue", "success": 0.6, "more": 'queue = { time = "1 h", success = 0.5, else = "test" }'}
    plan = build(loads(written(**words, horizon="20 years")))
    row, _ = run_one(plan, 0)
    ends = row["faults"] + row["spare_faults"] - row["units_in_repair"]
    share = plan.lives[0].renewing
    assert ends > 1_000
    assert abs(row["renewals"] / ends - share) < 5 * np.sqrt(share * (1 - share) / ends)


def test_what_cannot_be_counted_is_refused() -> None:
    with pytest.raises(UsageError, match=r"repair\.test\.attempts: .* give fewer attempts"):
        renewing(attempts=10_000_000)


def test_repairs_that_hardly_ever_work_are_shown(tmp_path: Path) -> None:
    """Of two stages that send each other what they do not put in order, hardly anything ever leaves."""
    file = tmp_path / "hardly.toml"
    hardly = 'a = { time = "1 h", success = 1e-17, else = "b" }\nb = { time = "1 h", success = 1e-17, else = "a" }'
    text = written().split("[repair]")[0] + f'[repair]\n{hardly}\n[run]\nhorizon = "1 day"\n'
    file.write_text(text.replace('initial_age = "new"\n', 'initial_age = "new"\nrenewal = "none"\n'))
    for verb in (["show"], ["show", "--json"], ["validate"]):
        outcome = CliRunner().invoke(app, [verb[0], str(file), *verb[1:]])
        assert outcome.exit_code == 0, outcome.output
