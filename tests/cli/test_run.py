"""``sim run``: how many replications, which exit code, and what it refuses."""

import re
from pathlib import Path
from typing import Any

import pytest

from sim.cli import running
from sim.errors import SimError
from sim.study import estimate

from .conftest import Sim
from .texts import DEPLETED, NO_PROGRESS, NOTHING_FAILS, UNTIL_WORK


def half_width(metric: dict[str, Any]) -> float:
    return float(metric["high"] - metric["low"]) / 2


def test_runs_until_the_precision_is_reached(sim: Sim, small: Path) -> None:
    said = sim("run", small, "--half-width", "0.4 points", "--json")
    assert said.code == 0
    ettr = said.json["ettr"]
    looks = [int(n) for n in re.findall(r"^(\d+) replications", said.err, re.MULTILINE)]
    assert [*looks, ettr["n"]] == [32 * 2**i for i in range(len(looks) + 1)]
    assert len(looks) >= 2
    assert half_width(ettr) <= 0.004
    before = sim("run", small, "--replications", looks[-1], "--json").json["ettr"]
    assert half_width(before) > 0.004
    assert said.json["precision"] == {"half_width": 0.004, "reached": True}


def test_the_precision_of_the_file(sim: Sim, small: Path) -> None:
    small.write_text(small.read_text() + '\n[run.precision]\nof = "ettr"\nhalf_width = "2.5 points"\n')
    said = sim("run", small, "--json")
    assert said.code == 0
    assert said.json["precision"] == {"half_width": 0.025, "reached": True}
    n = said.json["ettr"]["n"]
    assert n == 32 * 2 ** len(said.err.splitlines())
    assert half_width(said.json["ettr"]) <= 0.025


@pytest.mark.parametrize(("most", "looks"), [(64, [32]), (40, [32]), (20, []), (1, [])])
def test_precision_that_is_not_reached_gives_3_and_the_honest_interval(
    sim: Sim, small: Path, most: int, looks: list[int]
) -> None:
    arguments = ("run", small, "--set", f"run.max_replications={most}", "--half-width", "0.001 points")
    said = sim(*arguments, "--json")
    assert said.code == 3
    assert f"±0.001 points, was not reached in {most} replications" in said.err
    assert [int(n) for n in re.findall(r"^(\d+) replications", said.err, re.MULTILINE)] == looks
    exactly = sim("run", small, "--replications", most, "--json")
    assert exactly.code == 0
    assert said.json["ettr"] == exactly.json["ettr"]
    assert said.json["ettr"]["n"] == most
    assert said.json["precision"]["reached"] is False
    table = sim(*arguments)
    assert table.code == 3
    assert f"n = {most}" in table.out
    assert "not reached" not in table.out


def test_a_number_of_replications_is_run_exactly_whatever_the_precision(sim: Sim, small: Path) -> None:
    for n in (1, 33, 100):
        said = sim("run", small, "--replications", n, "--set", "run.max_replications=2", "--json")
        assert said.code == 0
        assert said.json["ettr"]["n"] == n
        assert said.json["precision"] == {"half_width": None, "reached": None}
        assert said.json["provenance"]["replications"] == [0, n - 1]


def test_one_sentence_and_three_tables(sim: Sim, small: Path) -> None:
    said = sim("run", small, "--replications", 20)
    assert said.code == 0
    assert said.err == ""
    lines = said.out.splitlines()
    assert lines[0].startswith("small: 80 GPUs in one job; a fault stops it every ")
    sentence = next(line for line in lines if " useful (±" in line)
    assert re.match(r"\d\d\.\d % useful \(±[\d.]+ points\); largest loss: ", sentence)
    for name in (
        "ETTR", "ETTR in hardware", "JMTTI", "interruptions", "durable saves", "spares used",
        "recoveries that found too few spares", "units in repair at the end", "mean wait of a unit for a crew",
        "work done by one run: median ", "productive", "lost work", "spare idle", "repair", "total", "node",
        "software",
    ):  # fmt: skip
        assert any(line.startswith(name) for line in lines), name
    assert "n = 20" in said.out
    assert "95 % interval" in said.out


def test_the_ledger_shows_the_biggest_loss_first_and_adds_up(sim: Sim, small: Path) -> None:
    lines = sim("run", small, "--replications", 50).out.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("Where the time went")) + 2
    end = next(i for i, line in enumerate(lines) if line.startswith("total"))
    rows = [re.split(r" {2,}", line.strip()) for line in lines[start:end]]
    hours = [float(row[1].replace(",", "")) for row in rows if row[1] != "-"]
    gpu_hours = [float(row[4].replace(",", "")) for row in rows]
    assert rows[0][0] == "productive"
    assert hours[1:] == sorted(hours[1:], reverse=True)
    assert sum(hours) == pytest.approx(240.0, abs=0.005 * len(hours))
    assert sum(gpu_hours) == pytest.approx(240.0 * 96, abs=0.5 * len(gpu_hours))
    assert re.split(r" {2,}", lines[end].strip()) == ["total", "240.00", "100.00 %", "23,040", "100.00 %"]


def test_seed_and_set_change_the_result_and_jobs_and_engine_do_not(sim: Sim, small: Path) -> None:
    def run(*more: object) -> Any:
        said = sim("run", small, "--replications", 24, "--json", *more)
        assert said.code == 0
        return said.json

    plain = run()
    assert run("--seed", 1) == plain
    assert run("--jobs", 1) == run("--jobs", 3) == plain
    other = run("--engine", "simpy")
    assert other["provenance"].pop("engine") == "simpy"
    assert {**plain, "provenance": None} == {**other, "provenance": None}
    assert run("--seed", 2)["ettr"] != plain["ettr"]
    assert run("--seed", 2)["provenance"]["seed"] == 2
    changed = run("--set", 'faults.node.mtbf="5000 h"', "--set", "run.seed=3")
    assert changed["provenance"]["scenario"]["faults"]["node"]["mtbf"] == "5000 h"
    assert changed["provenance"]["seed"] == 3
    assert changed["interruptions"]["mean"] < plain["interruptions"]["mean"]


@pytest.mark.parametrize(
    ("text", "reason", "warning"),
    [
        (DEPLETED, "depleted", "waited for nodes to the end"),
        (NO_PROGRESS, "no_progress", "stopped in an incident that no recovery closed"),
        (DEPLETED.replace("[run]", "[run]\nmax_events = 1"), "event_limit", "stopped at run.max_events"),
    ],
    ids=["depleted", "no progress", "event limit"],
)
def test_runs_that_stop_early_are_warned_of(sim: Sim, tmp_path: Path, text: str, reason: str, warning: str) -> None:
    file = tmp_path / "early.toml"
    file.write_text(text)
    said = sim("run", file, "--replications", 8)
    assert said.code == 0
    assert f"warning: 8 of 8 runs {warning}" in " ".join(said.out.split())
    assert sim("run", file, "--replications", 8, "--json").json["stop_reasons"][reason] == 8


def test_without_interruptions_jmtti_is_a_lower_bound(sim: Sim, tmp_path: Path) -> None:
    file = tmp_path / "calm.toml"
    file.write_text(NOTHING_FAILS)
    said = sim("run", file)
    assert said.code == 0
    # Were it 32 days / 3, 32 days without an interruption would have a probability of exp(-3) = 0.05.
    assert re.search(r"^JMTTI .* none seen +over 10\.7 days$", said.out, re.MULTILINE)
    assert "nothing fails" in said.out


def test_chances_and_quantiles_have_intervals(sim: Sim, tmp_path: Path) -> None:
    file = tmp_path / "work.toml"
    file.write_text(UNTIL_WORK)
    asked = ("--done-by", "160 h", "--ettr-below", "75 %")
    found = sim("run", file, "--replications", 60, *asked, "--json").json
    for name in ("done_by", "ettr_below"):
        chance = found["chances"][name]
        assert 0.0 <= chance["low"] <= chance["mean"] <= chance["high"] <= 1.0
        assert chance["n"] == 60
    # 5 days of work are done within 160 h where ETTR is 75 % or more.
    assert found["chances"]["done_by"]["mean"] == pytest.approx(1 - found["chances"]["ettr_below"]["mean"])
    for metric, spread in found["single_runs"].items():
        for name, value in spread.items():
            assert found["quantiles"][metric][name]["mean"] == pytest.approx(value)
    said = sim("run", file, "--replications", 60, *asked).out
    assert re.search(r"^chance to be done within 160 h: [\d.]+ % \(95 % interval ", said, re.MULTILINE)
    assert re.search(r"^chance of an ETTR below 75.00 %: ", said, re.MULTILINE)
    plain = sim("run", file, "--replications", 2, "--json").json
    assert plain["chances"] == {"done_by": None, "ettr_below": None}


REFUSED = {
    "done by when": (["--done-by", "60 days"], "--done-by needs work to be done"),
    "below a time": (["--ettr-below", "3 days"], "is a duration, not a share"),
    "below nothing": (["--ettr-below", "0"], "give a share between 0 and 1"),
    "below too much": (["--ettr-below", "2"], "give a share between 0 and 1"),
    "below words": (["--ettr-below", "low"], '--ettr-below "low"'),
    "chances of one": (["--ettr-below", "0.9", "--replication", "1"], "leave out --done-by, --ettr-below and"),
    "no such key": (["--set", "job.nods=3"], "command line: job.nods"),
    "bad value": (["--set", "faults.node.mtbf=500"], "command line: faults.node.mtbf: needs a unit"),
    "no override": (["--set", "nonsense"], "command line: is not an override"),
    "bare half width": (["--half-width", "0.1"], "command line: run.precision.half_width: needs a unit"),
    "half width of nothing": (["--half-width", "0 points"], "command line: run.precision.half_width"),
    "negative half width": (["--half-width", "-1 points"], "command line: run.precision.half_width"),
    "half width of words": (["--half-width", "tight"], "command line: run.precision.half_width"),
    "half width that is no number": (["--half-width", "nan points"], "command line: run.precision.half_width"),
    "no replication": (["--replications", "0"], "--replications"),
    "half a replication": (["--replications", "1.5"], "--replications"),
    "seed below 0": (["--seed=-1"], "--seed"),
    "seed below 0 of one": (["--seed=-1", "--replication", "0"], "--seed"),
    "no thread": (["--jobs", "0"], "--jobs"),
    "replication below 0": (["--replication=-1"], "--replication"),
    "replication beyond all": (["--replication", str(2**63)], "--replication"),
    "no such engine": (["--engine", "fast"], "--engine"),
    "no such option": (["--foo"], "--foo"),
    "two files": (["another.toml"], "another.toml"),
    "events of which": (["--events"], "--events needs --replication"),
    "exactly and until": (["--half-width", "1 points", "--replications", "4"], "leave out --half-width"),
    "one and many": (["--replication", "3", "--replications", "4"], "leave out --replications"),
    "one and precision": (["--replication", "3", "--half-width", "1 points"], "leave out --replications"),
}


@pytest.mark.parametrize("arguments", REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.parametrize("form", [[], ["--json"]], ids=["table", "json"])
def test_bad_usage_gives_2_and_leaves_nothing(
    sim: Sim, small: Path, tmp_path: Path, arguments: tuple[list[str], str], form: list[str]
) -> None:
    given, expected = arguments
    output = tmp_path / "out.parquet"
    said = sim("run", small, *given, *form, "-o", output)
    assert said.code == 2
    assert said.out == ""
    assert expected in said.err
    assert "Traceback" not in said.err
    assert sorted(tmp_path.iterdir()) == [small]


@pytest.mark.parametrize("verb", ["run", "show", "validate"])
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "does not exist"),
        (b"[cluster\n", "is not TOML"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"[cluster]\nnodes = 3\nnods = 4\n", ":3: cluster.nods"),
        (b"", "cluster"),
    ],
    ids=["missing", "no TOML", "no text", "unknown key", "empty"],
)
def test_a_bad_file_gives_2_and_nothing_on_standard_output(
    sim: Sim, tmp_path: Path, verb: str, content: bytes | None, expected: str
) -> None:
    file = tmp_path / "bad.toml"
    if content is not None:
        file.write_bytes(content)
    before = sorted(tmp_path.iterdir())
    said = sim(verb, file, *(["-o", tmp_path / "out.parquet"] if verb == "run" else []))
    assert (said.code, said.out) == (2, "")
    assert f"{file}" in said.err
    assert expected in said.err
    assert sorted(tmp_path.iterdir()) == before


def test_a_directory_is_no_scenario(sim: Sim, tmp_path: Path) -> None:
    said = sim("run", tmp_path)
    assert (said.code, said.out) == (2, "")
    assert "is a directory" in said.err


def test_all_that_is_wrong_is_said_at_once(sim: Sim, small: Path) -> None:
    said = sim("run", small, "--set", "job.nodes=99", "--set", 'run.horizon="10"', "--half-width", "x")
    assert said.code == 2
    assert len(re.findall("^command line: ", said.err, re.MULTILINE)) == 3


def test_a_bug_gives_1(sim: Sim, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise SimError("a container is full: this is a bug")

    monkeypatch.setattr(estimate, "build", broken)
    said = sim("run", small, "--json")
    assert (said.code, said.out) == (1, "")
    assert said.err == "sim: a container is full: this is a bug\n"


def test_compilation_is_announced_where_it_does_no_harm(sim: Sim, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.engine.compiled.ready.is_kept", lambda _: False)
    monkeypatch.setattr("sim.engine.compiled.ready._ready", set())
    said = sim("run", small, "--replications", 3, "--json")
    assert said.err.startswith("compiling the engine")
    assert said.json["ettr"]["n"] == 3
    assert sim("run", small, "--replications", 3, "--json", "--engine", "simpy").err == ""


@pytest.mark.parametrize("after", [32, 64])
def test_ctrl_c_gives_130_and_the_answer_so_far(
    sim: Sim, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    def stop(answer: Any) -> None:
        if answer.n == after:
            raise KeyboardInterrupt

    monkeypatch.setattr(running, "report_progress", stop)
    said = sim("run", small, "--replications", 1000, "--json", "-o", tmp_path / "so_far.parquet")
    assert said.code == 130
    assert "interrupted" in said.err
    assert said.json["ettr"]["n"] == after
    assert said.json["provenance"]["replications"] == [0, after - 1]
    assert (tmp_path / "so_far.parquet").exists()
    assert said.json["ettr"] == sim("run", small, "--replications", after, "--json").json["ettr"]


def test_ctrl_c_before_there_is_an_answer(sim: Sim, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(estimate.Runner, "run", stop)
    said = sim("run", small, "--json", "-o", small.with_name("never.parquet"))
    assert (said.code, said.out) == (130, "")
    assert list(small.parent.iterdir()) == [small]
