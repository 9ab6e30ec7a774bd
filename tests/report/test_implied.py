"""`sim show` says what the name of a stage of repair implies, and warns where that matters."""

from pathlib import Path

import pytest

from sim.report.scenario import implied_lines
from sim.scenario import load, loads
from sim.scenario.implied import implied

SCENARIOS = Path(__file__).parents[2] / "scenarios"
TEXT = """
cluster = { nodes = 12 }
job = { nodes = 10 }
faults.node = { per = "node", mtbf = "600 h" }
run.horizon = "30 days"
"""


def said(*changes):
    return list(implied(loads(TEXT, overrides=changes)))


def test_the_short_form_is_a_stage_called_replace():
    (found,) = said("repair.time=6 h")
    assert found.key == "repair.replace.renews"
    assert found.matters is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("faults.node.frailty={ share = 0.1, factor = 5 }", "lemons vanish"),
        ('faults.node.life={ law = "weibull", shape = 2 }', "begin a new life"),
    ],
)
def test_it_warns_where_that_matters(change, words):
    (found,) = said(change)
    assert words in (found.matters or "")
    lines = list(implied_lines(loads(TEXT, overrides=(change,))))
    assert lines[0] == "What names imply"
    assert any("warning: " in line for line in lines)
    assert all(len(line) <= 80 for line in lines)


@pytest.mark.parametrize(
    "change", ['repair.replace={ time = "1 day", renews = true }', 'repair.replace={ time = "1 day", renews = false }']
)
def test_who_says_it_is_not_told(change):
    assert said("faults.node.frailty={ share = 0.1, factor = 5 }", change) == []


def test_a_node_sent_there_by_mistake_is_named():
    life = "faults.node.life={ law = 'weibull', shape = 2 }"
    (found,) = said(life, "detect.wrong=0.2")
    assert 'set renews = "all"' in (found.matters or "")
    assert said(life, "faults.node.initial_age=new", 'repair.replace={ time = "1 day", renews = "all" }') == []


def test_lemons_that_stay_are_no_matter():
    (found,) = said("faults.node.frailty={ share = 0.1, factor = 5, cured = false }")
    assert found.matters is None


def test_the_scenario_about_lemons_says_what_it_means():
    assert list(implied(load(SCENARIOS / "lemons.toml"))) == []
