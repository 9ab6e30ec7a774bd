"""What people write, and the right spelling that the message gives."""

import tomllib
from pathlib import Path

import pytest

from sim.batch.file import sweep_from_dict
from sim.errors import ScenarioError
from sim.scenario import loads

from .examples import SCENARIOS, SMALL

MINIMAL = SCENARIOS / "minimal.toml"
CPU = 'faults.cpu={ per = "node", mtbf = "1 year" }'

HINTS = [
    ("faults.node.takes", '"none"', 'did you mean "nothing"?'),
    ("faults.node.per", '"server"', 'did you mean "node"?'),
    ("faults.node.needs", '"reboot"', 'did you mean "reset"?'),
    ("job.checkpoint", '"8,4 TB"', 'did you mean "8.4 TB"?'),
    ("faults.node.mtbf", '"6,300 h"', 'did you mean "6_300 h" or "6.300 h"?'),
    ("faults.node.mtbf", '"1,000,000 h"', 'did you mean "1_000_000 h"?'),
    ("stores.remote.every", '"1h30m"', 'did you mean "90 min"?'),
    ("stores.remote.every", '"1 h 30 min"', 'did you mean "90 min"?'),
    ("stores.remote.stall", '"1m 5s"', 'did you mean "65 s"?'),
    ("run.horizon", '"24:00:00"', 'did you mean "24 h"?'),
    ("run.horizon", '"2-12:00:00"', 'did you mean "60 h"?'),
    ("job.checkpoint", '"128G"', 'did you mean "GB"?'),
    ("job.checkpoint", '"128 Ti"', 'did you mean "TiB"?'),
    ("job.checkpoint", "5.7e12", 'did you mean "5.7e12 B"?'),
    ("job.checkpoint", "9000000000000", 'did you mean "9e12 B"?'),
    ("job.checkpoint", '"9000000000000"', 'did you mean "9000000000000 B"?'),
    ("job.checkpoint", "9", 'did you mean "9 GB" or "9 TB"?'),
    ("faults.node.mtbf", "50000", 'did you mean "50000 h", "50000 days" or "50000 years"?'),
    ("stores.remote.stall", "20", 'did you mean "20 s", "20 min" or "20 h"?'),
    ("repair.success", "95", 'did you mean "95 %"?'),
    ("repair.success", '"95"', 'did you mean "95 %"?'),
    ("repair.success", "95.5", 'did you mean "95.5 %"?'),
    ("job.nodes", "720", "720 GPUs are 90 nodes of 8"),
    ("job.gpus", "720", "write nodes = 90: 720 GPUs with 8 in a node"),
    *(("run.horizon", f'"9 {unit}"', f'did you mean "{meant}"?') for unit, meant in [
        ("secs", "s"), ("msec", "ms"), ("mins", "min"), ("hr", "h"), ("hrs", "h"), ("Hours", "hours"), ("dys", "days"),
        ("wk", "weeks"), ("wks", "weeks"), ("yr", "years"), ("yrs", "years"), ("y", "years"),
    ]),
    *(("job.checkpoint", f'"9 {unit}"', f'did you mean "{meant}"?') for unit, meant in [
        ("tb", "TB"), ("TBs", "TB"), ("terabytes", "terabyte"), ("M", "MB"), ("K", "kB"), ("gib", "GiB"),
    ]),
    ("stores.remote.bandwidth", '"2 TBps"', 'did you mean "TB/s"?'),
    ("stores.remote.bandwidth", '"200 Gbps"', "sizes are in bytes (GB), not bits: 8 Gbit are 1 GB"),
    ("failures", '{ node = { per = "node", mtbf = "9 h" } }', 'did you mean "faults"?'),
    ("breakdowns", '{ node = { per = "node", mtbf = "9 h" } }', 'did you mean "faults"?'),
    ("checkpoint", '{ every = "9 h", stall = "9 s" }', "did you mean [stores.checkpoint]?"),
    ("restarting", '{ restart = "9 min" }', 'did you mean "recovery"?'),
    ("machines", "{ gpus_per_node = 8 }", 'did you mean "cluster"?'),
]  # fmt: skip


@pytest.mark.parametrize(("key", "value", "hint"), HINTS, ids=[f"{key}={value}" for key, value, _ in HINTS])
def test_a_message_names_the_right_spelling(key: str, value: str, hint: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        loads(SMALL, overrides=[f"{key}={value}"])
    problem = next(each for each in refused.value.problems if each.key == key)
    assert problem.remedy is not None
    assert hint in problem.remedy
    meant = problem.remedy.removeprefix('did you mean "').removesuffix('"?')
    if value.startswith('"') and " or " not in meant and meant[0].isdigit():
        loads(SMALL, overrides=[f'{key}="{meant}"'])  # what it names is right


@pytest.mark.parametrize(
    ("old", "new", "hint"),
    [
        ('"30 min"', "30 min", 'write every = "30 min"'),
        ('"6_300 h"', "6_300 h  # a node", 'write mtbf = "6_300 h"'),
        ("nodes = 100", "nodes = 12,900", "write nodes = 12_900"),
        ('per = "node"', "per = node", 'write per = "node"'),
    ],
)
def test_a_value_without_quotes_is_written_as_it_was_meant(old: str, new: str, hint: str) -> None:
    text = SMALL.replace(old, new)
    with pytest.raises(ScenarioError) as refused:
        loads(text)
    (problem,) = refused.value.problems
    assert problem.message.startswith("is not TOML")
    assert problem.remedy == hint
    assert problem.line == 1 + text[: text.index(new)].count("\n")


def test_values_without_quotes_hide_nothing() -> None:
    text = SMALL.replace('"30 min"', "30 min").replace('"20 s"', "20 s").replace("nodes = 90", "nodes = 900")
    with pytest.raises(ScenarioError) as refused:
        loads(text)
    assert [problem.key for problem in refused.value.problems] == ["job.nodes", "", ""]


def test_a_sweep_given_as_a_scenario() -> None:
    text = (SCENARIOS / "sweeps" / "spares-by-repair.toml").read_text(encoding="utf-8")
    with pytest.raises(ScenarioError, match="is a sweep, not a scenario") as refused:
        loads(text)
    (problem,) = refused.value.problems
    assert problem.remedy is not None
    assert "sim sweep FILE -o DIRECTORY" in problem.remedy


SLURM = [
    ("24:00:00", 86_400), ("1-12:00:00", 129_600), ("1-12", 129_600), ("30:00", 1_800), ("12 h", 43_200),
]  # fmt: skip


@pytest.mark.parametrize(("walltime", "seconds"), SLURM)
def test_times_of_slurm_are_taken(walltime: str, seconds: float) -> None:
    assert slurm(walltime=walltime).walltime_s == seconds


@pytest.mark.parametrize(("memory", "size"), [("128G", 128 * 2**30), ("512M", 2**29), ("128 GB", 128e9)])
def test_sizes_of_slurm_are_taken(memory: str, size: float) -> None:
    assert slurm(memory=memory).memory_bytes == size


@pytest.mark.parametrize("wrong", [{"walltime": "0:00:00"}, {"walltime": 60}, {"memory": "128X"}, {"memory": 5.7e12}])
def test_other_times_and_sizes_are_refused(wrong: dict) -> None:
    with pytest.raises(ScenarioError, match="as Slurm writes it"):
        slurm(**wrong)


def slurm(**keys: object):
    axes = {"spares": {"key": "cluster.nodes", "values": [2_100, 2_200]}}
    return sweep_from_dict({"scenario": str(MINIMAL), "axes": axes, "slurm": keys}, folder=Path()).slurm


def test_the_examples_are_valid_without_the_slips() -> None:
    assert loads(SMALL).name == tomllib.loads(SMALL)["name"]
