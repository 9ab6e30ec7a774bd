"""What is asked of a scenario that looks like a slip, and what is not."""

from pathlib import Path
from typing import Any

import pytest

from sim.planning import build
from sim.report.questions import questions
from sim.scenario import Scenario, from_dict, load
from sim.study.outlook import Outlook

TESTS = Path(__file__).parents[1]
SCENARIOS = TESTS.parent / "scenarios"
FILES = sorted([*SCENARIOS.glob("*.toml"), *SCENARIOS.glob("frontier/*.toml"), *TESTS.glob("cases/*.toml")])


def asked(scenario: Scenario) -> list[str]:
    return list(questions(scenario, Outlook(build(scenario))))


def of(**source: Any) -> list[str]:
    table: dict[str, Any] = {
        "cluster": {"nodes": 2100}, "job": {"nodes": 2048}, "faults": {"node": source},
        "stores": {"remote": {"every": "30 min", "stall": "20 s"}}, "recovery": {"detect": "1 min", "restart": "8 min"},
        "run": {"horizon": "30 days"},
    }  # fmt: skip
    return asked(from_dict(table))


def test_the_mtbf_of_a_job_that_is_given_per_gpu() -> None:
    (question,) = of(per="gpu", mtbf="12 h")
    assert question == (
        "faults.node: a fault stops this job every 2.64 s, and a recovery and a save take 9.33 min: is 12 h the whole "
        'job\'s? Then write per = "job"; it is that of one gpu now'
    )


@pytest.mark.parametrize("per", ["gpu", "node"])
def test_it_is_asked_where_a_recovery_holds_two_faults(per: str) -> None:
    """9 min 20 s of recovery and a save; 16,384 GPUs of 2,048 nodes."""
    number = {"gpu": 16384, "node": 2048}[per]
    assert of(per=per, mtbf=f"{number * 275} s")
    assert not of(per=per, mtbf=f"{number * 285} s")
    assert of(per=per, fit=1e9 * 3600 / (number * 275))[0].count("is its rate the whole job's?") == 1


def test_it_is_not_asked_of_the_job_nor_where_nothing_fails() -> None:
    assert not of(per="job", mtbf="2 s")
    assert not of(per="gpu", mtbf="2 min")  # nor would a job with that recover
    assert not of(per="gpu", observed={"events": 0, "units": 9, "over": "1 year"})


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_no_shipped_file_and_no_case_is_asked(file: Path) -> None:
    assert asked(load(file)) == []
