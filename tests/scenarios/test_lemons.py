"""The scenario with lemons, against the arithmetic and the table in its own comment."""

import re
from pathlib import Path

import pytest

import sim
from sim.planning import build, job_rate

LEMONS = Path(__file__).parents[2] / "scenarios" / "lemons.toml"
TEXT = LEMONS.read_text(encoding="utf-8")
REPLICATIONS = 256
"""As the comment says, with the seed of the file: only rounding lies between the figures and the runs."""


def test_the_file_is_short() -> None:
    lines = TEXT.splitlines()
    assert lines[0] == "#:schema scenario.schema.json"
    assert len(lines) <= 60
    assert len([line for line in lines if line and not line.startswith("#")]) <= 40


def test_how_often_lemons_and_others_fail() -> None:
    scenario = sim.load(LEMONS)
    (life,) = build(scenario).lives
    good = 1 / (1 - life.share + life.share * life.factor)
    days = [1 / (scenario.faults["node"].rate * 86_400 * frailty) for frailty in (good * life.factor, good)]
    lemon, other = re.findall(r"a lemon does so every ([\d.]+) days, another one every (\d+) days", TEXT)[0]
    assert days == pytest.approx([float(lemon), float(other)], rel=0.005)
    assert scenario.cluster.nodes * life.share == pytest.approx(
        float(re.findall(r"([\d.]+) of 1,072", TEXT)[0]), abs=0.05
    )
    assert life.share * life.factor * good == pytest.approx(0.25, abs=0.02)  # a quarter of the faults
    assert job_rate(scenario) * 86_400 == pytest.approx(1_024 * 6.5 / 1_000)


def test_what_pays_is_as_the_comment_says() -> None:
    number = r"(\d\d\.\d\d)(?: \+-([\d.]+))?"
    rows = re.findall(rf"^# +(\d|never) +{number}(?: +(\d+))?(?: +{number} +(\d+))?$", TEXT, re.MULTILINE)
    assert [row[0] for row in rows] == ["1", "2", "3", "4", "6", "8", "never"]
    for k, *boards_changed, ettr, width, nodes in rows:
        chosen = "repair.quarantine.within=1 s" if k == "never" else f"repair.quarantine.failures={k}"
        given_up = f'repair.retire={{ failures = {k}, within = "30 days", replacement = "8 weeks" }}'
        cases = [(boards_changed, (chosen,), "renewals")]
        cases += [([ettr, width, nodes], (chosen, given_up), "retired")] if ettr else []
        for (mean, half_width, count), overrides, counted in cases:
            one = sim.run(sim.load(LEMONS, list(overrides)), replications=REPLICATIONS)
            assert 100 * one.ettr.mean == pytest.approx(float(mean), abs=0.0051), (k, counted)
            assert 100 * one.ettr.half_width == pytest.approx(float(half_width or 0.025), abs=0.025), (k, counted)
            assert one.runs.rows[counted].mean() == pytest.approx(float(count or 0), abs=0.51), (k, counted)
