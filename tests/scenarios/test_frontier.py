"""Frontier scenarios: heads say what runs give, pairs differ in what they compare, sizes are those of the names."""

import re
from pathlib import Path
from typing import Any

import pytest

import sim
from sim.batch.file import load_sweep
from sim.planning import job_rate
from sim.scenario import Scenario, load

SCENARIOS = Path(__file__).parents[2] / "scenarios"
FRONTIER = SCENARIOS / "frontier"
FILES = sorted(FRONTIER.glob("*.toml"))

REPLICATIONS = 64
"""As the heads say, with the seeds of the files: only rounding lies between the figures and the runs."""


def head(file: Path) -> str:
    return file.read_text(encoding="utf-8").split("\nname = ")[0]


def shown(file: Path) -> list[tuple[float, float, float | None, list[str]]]:
    """The table in a head: ETTR and its half width in percent, days until the work is done, and changes."""
    table = re.sub(r"\n# {10,}--set", " --set", head(file))
    rows = re.findall(r"\n# {5}(\d+\.\d) \+-(\d+\.\d)   (?: *(\d+\.\d) days)? *(as it is|--set .*)", table)
    return [
        (float(ettr), float(width), float(days) if days else None, re.findall(r"--set (.*?)(?= --set|$)", changes))
        for ettr, width, days, changes in rows
    ]


def gpus(scenario: Scenario) -> int:
    return scenario.job.nodes * scenario.cluster.gpus_per_node


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_heads_say_what_is_published_and_what_is_assumed(file: Path) -> None:
    text = " ".join(line.lstrip("# ") for line in head(file).splitlines())
    assert "Published: " in text
    assert "Assumptions: " in text
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 60


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_heads_say_what_runs_give(file: Path) -> None:
    rows = shown(file)
    assert rows[0][3] == []
    assert len(rows) == head(file).count(" +-")
    for ettr, width, days, changes in rows:
        found = sim.run(load(file, changes), replications=REPLICATIONS)
        assert 100 * found.ettr.mean == pytest.approx(ettr, abs=0.0501), changes
        assert 100 * found.ettr.half_width == pytest.approx(width, abs=0.0501), changes
        if days is not None:
            assert found.replications["wall_s"].mean() / 86_400 == pytest.approx(days, abs=0.0501), changes


def differences(one: Any, other: Any, path: str = "") -> set[str]:
    """Keys in which two resolved scenarios differ."""
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return set() if one == other else {path}
    keys = one.keys() | other.keys()
    each = (differences(one.get(key), other.get(key), f"{path}.{key}" if path else str(key)) for key in keys)
    return set().union(*each)


@pytest.mark.parametrize(
    ("one", "other", "may"),
    [
        (
            "air", "liquid",
            r"efficiency\.pue|cluster\.groups.*|faults\.(gpu|hbm|gpu_thermal)\..*|faults\.(leak|pump|air_handling).*",
        ),
        ("optics-3-tier", "copper-in-rack", r"efficiency\.network\.power|faults\.access_(optics|copper).*"),
        ("generators", "firm-grid", r"cluster\.groups\.site.*|faults\.(generator|grid).*"),
        (
            "nodes-of-8", "domains-of-72",
            r"cluster\..*|job\.nodes|pools\.hot.*|faults\.switch.*|recovery\.(swap|near|anywhere).*",
        ),
    ],
)  # fmt: skip
def test_pairs_differ_in_what_they_compare(one: str, other: str, may: str) -> None:
    left, right = load(FRONTIER / f"{one}.toml"), load(FRONTIER / f"{other}.toml")
    found = differences(left.resolved(), right.resolved()) - {"name"}
    assert found
    assert [key for key in sorted(found) if not re.fullmatch(may, key)] == []
    assert gpus(left) == gpus(right)
    held = [each.cluster.nodes * each.cluster.gpus_per_node for each in (left, right)]
    assert held[0] == held[1]


def test_sizes_are_those_of_the_names() -> None:
    sizes = {file.stem: gpus(load(file)) for file in FILES}
    assert sizes["h100-32k"] == 32_000
    assert sizes["hopper-100k-liquid"] == sizes["air"] == sizes["optics-3-tier"] == 100_000
    assert sizes["many-restarts"] == 131_072
    assert sizes["blackwell-300k"] == 4_688 * 64 == 300_032
    assert sizes["rubin-1m"] == 15_625 * 64 == 1_000_000
    assert load(FRONTIER / "rubin-1m.toml").cluster.nodes == 15_625 * 18


def test_rates_are_the_published_ones() -> None:
    # B06: 0.23 h projected for 131,072 GPUs from 6.50 per 1000 node-days; D20: a fault every 3 min of 1,000,000 GPUs
    assert 1 / job_rate(load(FRONTIER / "many-restarts.toml")) / 3_600 == pytest.approx(0.225, abs=0.0005)
    million = load_sweep(SCENARIOS / "sweeps" / "frontier-shared.toml").scenario
    assert gpus(million) == 1_000_000
    assert 1 / (million.faults["gpu"].rate * 1_000_000) == pytest.approx(180.0)
    for name, days, minutes in (("blackwell-300k", 2_402, 11.5), ("rubin-1m", 3_485, 5.0)):
        scenario = load(FRONTIER / f"{name}.toml")
        assert f"{days:,} days of a GPU" in head(FRONTIER / f"{name}.toml").replace("\n# ", " ")
        assert gpus(scenario) / (job_rate(scenario) * 86_400) == pytest.approx(days, abs=0.5)
        assert 1 / job_rate(scenario) / 60 == pytest.approx(minutes, abs=0.05)


def test_the_three_sweeps_differ_in_their_stores_alone() -> None:
    sweeps = [load_sweep(SCENARIOS / "sweeps" / f"frontier-{name}.toml") for name in ("shared", "host", "memory")]
    for other in sweeps[1:]:
        assert [case.changes for case in other.cases] == [case.changes for case in sweeps[0].cases]
        found = differences(sweeps[0].scenario.resolved(), other.scenario.resolved()) - {"name"}
        assert all(key.startswith("stores.") for key in found)
    sizes = [case.values[1] for case in sweeps[0].cases][:13]
    assert sizes == [round(125 * 10 ** (number / 4)) for number in range(13)]


@pytest.mark.parametrize("name", ["in-job", "in-process"])
def test_parts_and_sweeps_recover_alike(name: str) -> None:
    sweep = load_sweep(SCENARIOS / "sweeps" / "frontier-host.toml")
    case = sweep.cases[{"in-job": 1, "in-process": 2}[name] * 13 + 12]
    text = (SCENARIOS / "sweeps" / "base" / "frontier-host.toml").read_text(encoding="utf-8")
    text = text.replace('store-host.toml"', f'store-host.toml", "../../frontier/parts/{name}.toml"')
    other = sim.loads(text, str(SCENARIOS / "sweeps" / "base" / "x.toml"))
    assert differences(sweep.scenario_of(case).resolved(), other.resolved()) - {"name"} == set()
