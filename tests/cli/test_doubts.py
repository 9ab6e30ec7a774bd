"""Intervals that are too short are named by every verb that prints them."""

from pathlib import Path

import pandas as pd
import pytest

from .conftest import Sim

WAITS = """\
[cluster]
nodes = 1
[faults.node]
per = "node"
mtbf = "62.5 days"
[stores.shared]
every = "2 h"
stall = "1 min"
[recovery.again]
use = "spares, else wait"
stages.restart = "10 min"
[repair]
fix = { time = { law = "lognormal", mean = "1 day", sd = "3 days" } }
[efficiency]
chip = "h100-sxm"
mfu = "40 %"
[run]
horizon = "30 days"
"""
"""A rare repair, now and then a very long one, that the job waits for: no law says how long."""

SWEEP = """\
scenario = "waits.toml"
replications = {n}
[axes.mtbf]
key = "faults.node.mtbf"
values = ["62.5 days", "6 h"]
"""
HEAVY = "the 95 % interval of ETTR is too short, and ETTR looks too good: few replications with much capacity wait"


@pytest.fixture
def waits(tmp_path: Path) -> Path:
    file = tmp_path / "waits.toml"
    file.write_text(WAITS)
    return file


def one_line(text: str) -> str:
    return " ".join(text.split())


def test_a_heavy_tail_is_named_by_every_verb(sim: Sim, waits: Path) -> None:
    runs = ("--replications", 128)
    variant = ("--variant", "stores.shared.every=1 h", *runs)
    assert f"warning: {HEAVY}" in one_line(sim("run", waits, *runs).out)
    for verb in ("compare", "efficiency"):
        said = one_line(sim(verb, waits, *variant).out)
        assert f"warning: A: {HEAVY}" in said
        assert f"warning: B: {HEAVY}" in said
    for verb in ("explain", "efficiency"):
        assert f"warning: {HEAVY}" in one_line(sim(verb, waits, *runs).out)
    named = ["heavy_tail"]
    assert [each["name"] for each in sim("explain", waits, *runs, "--json").json["doubts"]] == named
    for key, verb in (("cases", "compare"), ("designs", "efficiency")):
        found = sim(verb, waits, *variant, "--json").json[key]
        assert [[each["name"] for each in case["doubts"]] for case in found] == [named, named]


@pytest.mark.parametrize(
    ("n", "names", "said"),
    [
        (8, ["few_interruptions"], "fewer than 30 interruptions in 1 (doubts: few_interruptions)"),
        (128, ["heavy_tail"], "a heavy tail in 1 (doubts: heavy_tail)"),
    ],
)
def test_a_sweep_names_them_by_case(sim: Sim, waits: Path, tmp_path: Path, n: int, names: list[str], said: str) -> None:
    """As ``sim run`` names them; faults that come often leave no doubt."""
    file, out = tmp_path / "sweep.toml", tmp_path / "out"
    file.write_text(SWEEP.format(n=n))
    told = one_line(sim("sweep", file, "-o", out, "--jobs", 1).out)
    found = [case["doubts"] for case in sim("sweep", file, "-o", out, "--json").json["cases"]]
    for number, mtbf in enumerate(("62.5 days", "6 h")):
        alone = sim("run", waits, "--replications", n, "--json", "--set", f"faults.node.mtbf={mtbf}").json
        assert found[number] == [each["name"] for each in alone["doubts"]]
    assert found == [names, []]
    assert f"warning: the interval of ETTR is too short in 1 case: {said}" in told
    assert list(pd.read_parquet(out / "cases.parquet")["doubts"]) == [", ".join(names), ""]
