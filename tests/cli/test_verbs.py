"""``sim validate``, ``schema``, ``show``, ``new``, and help that costs nothing."""

import json
import shlex
import subprocess
import sys
import tomllib
from glob import glob
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import sim as package
from sim.cli.verbs import EXAMPLES

from .conftest import Sim
from .texts import ALL, SHIPPED, SMALL

VERBS = ("run", "compare", "tune", "explain", "efficiency", "show", "validate", "schema", "new")

NO_BEST = """\
[cluster]
nodes = 10

[faults.node]
per = "node"
mtbf = "1 h"

[stores.remote]
every = "exact"
persist = "3 h"
slowdown = "10 %"
in_flight = "unlimited"

[run]
horizon = "10 days"
"""


def test_validate_says_fine(sim: Sim) -> None:
    said = sim("validate", *SHIPPED)
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines() == [f"{file}: fine" for file in SHIPPED]


def test_validate_says_all_that_is_wrong_in_all_files(sim: Sim, tmp_path: Path) -> None:
    bad, good, worse = (tmp_path / f"{name}.toml" for name in ("bad", "good", "worse"))
    bad.write_text(SMALL.replace("nodes = 10", "nodes = 99").replace('"20 s"', "20").replace("seed", "sed"))
    good.write_text(SMALL)
    worse.write_text("[cluster")
    said = sim("validate", bad, good, worse)
    assert said.code == 2
    assert said.out == f"{good}: fine\n"
    lines = said.err.splitlines()
    assert [line.split(" ")[0] for line in lines if line.startswith(str(tmp_path))] == [
        f"{bad}:7:", f"{bad}:21:", f"{worse}:1:",
    ]  # fmt: skip
    assert lines[-1] == "3 problems"


def test_validate_takes_overrides(sim: Sim, small: Path) -> None:
    assert sim("validate", small, "--set", "job.nodes=11").code == 0
    said = sim("validate", small, "--set", "job.nodes=13")
    assert said.code == 2
    assert said.err.startswith("command line: job.nodes: ")
    assert said.err.endswith("\n1 problem\n")


@pytest.mark.parametrize("verb", ["validate", "show", "run"])
def test_what_only_the_plan_can_tell_is_told_by_every_verb(sim: Sim, tmp_path: Path, verb: str) -> None:
    file = tmp_path / "no_best.toml"
    file.write_text(NO_BEST)
    said = sim(verb, file)
    assert (said.code, said.out) == (2, "")
    assert 'stores.remote.every = "exact": ' in said.err
    assert "give an interval instead" in said.err


def test_schema(sim: Sim) -> None:
    said = sim("schema")
    assert (said.code, said.err) == (0, "")
    schema = said.json
    assert schema == package.scenario.json_schema()
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    for text in ALL.values():
        assert validator.is_valid(tomllib.loads(text))
    assert not validator.is_valid(tomllib.loads(SMALL.replace("nodes = 10", "nods = 10")))


def resolved(out: str) -> str:
    """The part of ``sim show`` that is a scenario file."""
    return out[: out.index("\nWhat follows")]


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_show_prints_a_file_that_means_the_same(sim: Sim, tmp_path: Path, file: Path) -> None:
    said = sim("show", file)
    assert (said.code, said.err) == (0, "")
    scenario, again = package.load(file), package.loads(resolved(said.out))
    assert again.sha256() == scenario.sha256()
    assert again.resolved() == scenario.resolved()
    assert max(map(len, said.out.splitlines())) <= 120


@pytest.mark.parametrize("text", ALL.values(), ids=ALL.keys())
def test_show_in_odd_cases(sim: Sim, tmp_path: Path, text: str) -> None:
    file = tmp_path / "case.toml"
    file.write_text(text, encoding="utf-8")
    said = sim("show", file, "--set", 'run.confidence="90 %"')
    assert said.code == 0
    assert said.err.count("\n") == said.err.count(" has no effect: ")  # of keys that the file gives and nothing reads
    scenario, again = package.load(file, ['run.confidence="90 %"']), package.loads(resolved(said.out))
    assert (
        again.sha256()
        == scenario.sha256()
        == sim("show", file, "--set", 'run.confidence="90 %"', "--json").json["scenario_sha256"]
    )
    assert again.resolved() == scenario.resolved()
    assert again.name == scenario.name
    assert scenario.sha256() != package.load(file).sha256()


def test_show_names_what_is_default_and_why(sim: Sim, small: Path) -> None:
    lines = sim("show", small).out.splitlines()
    assert 'mtbf = "500 h"                    # 1.8e+06 s' in lines
    assert any(line.startswith("gpus_per_node = 8 ") and "# default: " in line for line in lines)
    assert not any(line.startswith("stall") and "default" in line for line in lines)
    follows = lines[lines.index("What follows, in closed form") :]
    assert any(line.startswith("  job MTBF (any fault that stops the job): ") for line in follows)
    assert any(line.startswith("  best interval, exact: ") for line in follows)
    assert "What the exact formula leaves out here" in follows


NEW: list[list[str]] = [
    [],
    ["--gpus-per-node", "4", "--job-nodes", "90", "--horizon", "3 days"],
    ["--checkpoint", "28 TB", "--bandwidth", "2 TB/s", "--every", "20 min"],
    ["--every", "exact"],
]


@pytest.mark.parametrize("more", NEW, ids=" ".join)
def test_new_writes_a_file_that_runs(sim: Sim, tmp_path: Path, more: list[str]) -> None:
    file = tmp_path / "first.toml"
    command = ["new", "--nodes", "100", "--mtbf", "6_300 h", *more]
    printed = sim(*command)
    assert (printed.code, printed.err) == (0, "")
    written = sim(*command, "-o", file)
    assert (written.code, written.out) == (0, "")
    assert file.read_text(encoding="utf-8") == printed.out
    assert package.load(file).cluster.nodes == 100
    assert sim("run", file, "--replications", 2).code == 0


def test_new_does_not_overwrite(sim: Sim, tmp_path: Path) -> None:
    file = tmp_path / "first.toml"
    file.write_text("mine")
    said = sim("new", "--nodes", "100", "--mtbf", "6_300 h", "-o", file)
    assert (said.code, said.out) == (2, "")
    assert "exists already" in said.err
    assert file.read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--nodes", "4", "--mtbf", "50"], "command line: faults.node.mtbf: needs a unit"),
        (["--nodes", "4", "--mtbf", "50 h", "--job-nodes", "5"], "command line: job.nodes"),
        (["--nodes", "4", "--mtbf", "50 h", "--every", "often"], "command line: stores.remote.every"),
        (["--nodes", "0", "--mtbf", "50 h"], "--nodes"),
        (["--mtbf", "50 h"], "--nodes"),
        (["--nodes", "4"], "--mtbf"),
    ],
)
def test_new_refuses_what_cannot_be(sim: Sim, tmp_path: Path, arguments: list[str], expected: str) -> None:
    said = sim("new", *arguments, "-o", tmp_path / "first.toml")
    assert (said.code, said.out) == (2, "")
    assert expected in said.err
    assert list(tmp_path.iterdir()) == []


def test_new_into_no_directory(sim: Sim, tmp_path: Path) -> None:
    said = sim("new", "--nodes", 4, "--mtbf", "50 h", "-o", tmp_path / "missing" / "first.toml")
    assert (said.code, said.out) == (2, "")
    assert "cannot be written: No such file" in said.err


@pytest.mark.parametrize("arguments", [[], ["fly"], ["run"], ["show"], ["validate"], ["schema", "x"]], ids=" ".join)
def test_bad_commands(sim: Sim, arguments: list[str]) -> None:
    assert sim(*arguments).code == 2


def test_version(sim: Sim) -> None:
    assert sim("--version") == (0, f"lockstep-sim {package.__version__}\n", "")


HELP = """
import json, sys
from sim.cli import main

codes = {}
for verb in sys.argv[1:]:
    sys.argv = ["sim", *verb.split(), "--help"]
    try:
        main()
    except SystemExit as stop:
        codes[verb] = int(stop.code or 0)
print(json.dumps([codes, sorted(sys.modules)]), file=sys.stderr)
"""


def test_help_imports_nothing_heavy() -> None:
    verbs = ["", *VERBS]
    done = subprocess.run(
        [sys.executable, "-c", HELP, *verbs], capture_output=True, text=True, encoding="utf-8", check=True, timeout=120
    )
    found: tuple[dict[str, int], list[str]] = json.loads(done.stderr)
    codes, modules = found
    assert codes == dict.fromkeys(verbs, 0)
    # Not pydantic: recent versions of typer use it themselves. That we do not is in the list of our own modules.
    assert {"numba", "numpy", "pandas", "pint", "scipy", "pyarrow", "simpy"}.isdisjoint(modules)
    ours = {name.split(".")[1] for name in modules if name.startswith("sim.")}
    assert ours == {"cli", "errors", "writing"}
    assert done.stdout.count("Usage:") == len(verbs)
    for option in ("--half-width", "--replications", "--replication", "--engine", "--events", "--json", "--set"):
        assert option in done.stdout


def test_help_names_every_verb(sim: Sim) -> None:
    said: Any = sim("--help")
    assert said.code == 0
    for verb in VERBS:
        assert f" {verb} " in said.out


def test_the_package_gives_its_names_when_they_are_used() -> None:
    for name in package.__all__:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'fly'"):
        _ = package.fly  # type: ignore[attr-defined]


def test_a_likely_slip_is_asked_about_by_every_verb(sim: Sim, small: Path) -> None:
    slip = ("--set", 'faults.node={ per = "gpu", mtbf = "1 h" }', "--set", "run.max_events=1000")
    question = "question: faults.node: a fault stops this job every 45 s, and a recovery and a save take "
    for verb, more in (("validate", ()), ("show", ()), ("run", ("--replications", 2))):
        said = sim(verb, small, *slip, *more)
        assert said.code == 0
        assert question in said.err, verb
        assert "question" not in said.out
    assert sim("validate", small, *slip).err.startswith(f"{small}: question: ")
    for verb, more in (("show", ()), ("run", ("--replications", 2))):
        (found,) = sim(verb, small, *slip, *more, "--json").json["questions"]
        assert f"question: {found}".startswith(question)
        assert sim(verb, small, *more, "--json").json["questions"] == []


def test_validate_takes_sweep_files(sim: Sim, small: Path, tmp_path: Path) -> None:
    sweep = tmp_path / "sweep.toml"
    text = f'scenario = "{small.name}"\nreplications = 2\n[axes.spares]\nkey = "cluster.nodes"\nvalues = [11, 12]\n'
    sweep.write_text(text)
    assert sim("validate", sweep, small) == (0, f"{sweep}: fine\n{small}: fine\n", "")
    sweep.write_text(text.replace("11, 12", "9, 12").replace("replications", "replicatons"))
    said = sim("validate", sweep)
    assert (said.code, said.out) == (2, "")
    assert f"{sweep}:2: replicatons: is an unknown key" in said.err
    sweep.write_text(text.replace("11, 12", "9, 12"))
    assert "job.nodes: needs more nodes than the cluster has" in sim("validate", sweep).err


@pytest.mark.parametrize(
    "verb", [verb for verbs in EXAMPLES.values() for verb in verbs], ids=lambda verb: verb.__name__
)
def test_help_shows_commands_that_run(sim: Sim, verb: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two for each verb, on a line of their own each."""
    commands = next(verbs[verb] for verbs in EXAMPLES.values() if verb in verbs)
    said = sim(verb.__name__, "--help")
    (tmp_path / "scenarios").symlink_to(Path(__file__).parents[2] / "scenarios")
    monkeypatch.chdir(tmp_path)
    assert len(commands) == 2
    for command in commands:
        assert command in [line.strip() for line in said.out.splitlines()]
        words = [word for text in shlex.split(command)[1:] for word in sorted(glob(text)) or [text]]
        done = sim(*words)
        assert done.code == 0, f"{command}: {done.err}"
        assert done.out or (tmp_path / "my-cluster.toml").exists()
