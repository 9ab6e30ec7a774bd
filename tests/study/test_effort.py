"""How many events a run has: what is forecast before it is simulated, against what it then has."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.planning import build
from sim.report.forecast import forecast
from sim.scenario import Scenario, load, loads
from sim.study import effort
from sim.study.estimate import run
from sim.study.outlook import Outlook

SCENARIOS = Path(__file__).parents[2] / "scenarios"
SHIPPED = sorted([*SCENARIOS.glob("*.toml"), *SCENARIOS.glob("frontier/*.toml")])

OFTEN = 'cluster.nodes = 1\nfaults.a = { per = "job", mtbf = "10 ms", clock = "training" }\nrun.horizon = "100 days"\n'
FRUITLESS = 'cluster.nodes = 1\nfaults.a = { per = "job", mtbf = "1 s" }\nrecovery.restart = "1 h"\nrun.work = "1 year"'
REPAIRS = """
cluster.nodes = 8
job.nodes = 4
faults.a = { per = "node", mtbf = "10 days" }
repair.replace = { time = "1 h", success = 0.01 }
run.horizon = "100 days"
"""


def number(scenario: Scenario, what: str) -> float:
    """What is forecast of all whose name begins so."""
    found = effort.loads(Outlook(build(scenario)))
    return sum(load.number for load in found if load.what.startswith(what))


def told(scenario: Scenario, **options: int) -> str | None:
    return forecast([("x.toml", scenario, Outlook(build(scenario)))], **{"runs": 32, "cores": 2, **options})


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_faults_and_pauses_are_forecast_to_a_factor_of_two(file: Path) -> None:
    scenario = load(file)
    answer = run(scenario, 4)
    rows, plan = answer.runs.rows, answer.runs.plan
    planned = sum(rows["faults_of"][:, i].mean() for i, source in enumerate(plan.sources) if source.planned)
    faults = sum(rows[name].mean() for name in ("faults", "spare_faults", "void_faults")) - planned
    assert faults / 2 < number(scenario, "faults") < 2 * faults
    for i, pause in enumerate(plan.pauses, len(plan.sources)):
        pauses = rows["interruptions_of"][:, i].mean()
        assert pauses / 2 < number(scenario, f"pauses of {pause.name}") < 2 * pauses


def test_repairs_that_fail_are_forecast_as_often_as_they_are_made() -> None:
    scenario = loads(REPAIRS)
    repairs = run(scenario, 8).count("repairs").mean
    assert repairs > 100
    assert repairs / 2 < number(scenario, "repairs") < 2 * repairs


def test_a_run_without_progress_has_no_more_faults_than_it_may() -> None:
    scenario = loads(FRUITLESS)
    faults = run(scenario, 8).count("faults").mean
    assert faults / 2 < number(scenario, "faults") < 2 * faults


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_no_shipped_scenario_is_long(file: Path) -> None:
    assert told(load(file)) is None


def test_what_takes_long_is_said_with_what_makes_it_long() -> None:
    """A fault every 30 s of 100 days: at 250 ns each, 10,000 runs take 12 min of a core, 2 in the SimPy engine 43 s."""
    scenario = loads(OFTEN.replace("10 ms", "10 s") + 'recovery = { detect = "10 s", restart = "10 s" }\n')
    assert told(scenario) is None
    text = told(scenario, runs=10_000)
    assert text == "x.toml: a run has about 288,000 faults of a (faults.a.mtbf = 10 s); 10,000 runs take about 6 min"
    assert told(scenario, runs=2, simpy=True) is None
    text = told(scenario, runs=4, simpy=True)
    assert text == "x.toml: a run has about 288,000 faults of a (faults.a.mtbf = 10 s); 4 runs take about 86.4 s"


def test_a_rate_is_named_as_it_was_given() -> None:
    scenario = loads(OFTEN.replace('mtbf = "10 ms"', "fit = 1e18") + 'recovery = { detect = "0 s", restart = "0 s" }\n')
    text = told(scenario)
    assert text is not None
    assert "(faults.a.fit = 1e+18)" in text
