"""``sim tune``: what it says, in 80 columns and in JSON, exit codes, and what it refuses."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from sim.cli import tuning

from .conftest import Sim
from .texts import SHIPPED

EVERY = "stores.remote.every"


def test_a_value_what_it_is_worth_and_where_it_does_not_matter(sim: Sim, small: Path) -> None:
    said = sim("tune", small, "--over", EVERY, "--from", "5 min", "--to", "6 h", "--set", "run.horizon=60 days")
    assert said.code == 0
    text = " ".join(said.out.split())
    assert re.search(rf"{EVERY}: best [\d.]+ min \(95 % interval [\d.]+ min to [\d.]+ min\), now 30 min", text)
    assert "it is within 0.1 points of the best: nobody should care there" in text
    for name in ("now", "there", "Young", "Daly", "NVIDIA", "exact formula"):
        assert re.search(rf"^{name} +[\d.]+ min +\d\d\.\d\d %", said.out, re.MULTILINE), name
    assert re.search(r"^\d+ replications of 9 values: best [\d.]+ min \([\d.]+ min to ", said.err, re.MULTILINE)
    command = pasted(said.out)
    assert command[:3] == ["sim", "run", str(small)]
    assert command[3:5] == ["--set", "run.horizon=60 days"]
    assert re.fullmatch(r'stores.remote.every="[\d.]+ min"', command[6])
    assert sim(*command[1:], "--replications", 2).code == 0


def pasted(out: str) -> list[str]:
    """What a shell hands to the command that is advised."""
    advised = re.search(r"^use it:\n((?:  .*\\\n)*  .*)$", out, re.MULTILINE)
    assert advised is not None, out
    shell = f"sim() {{ printf 'sim\\0'; printf '%s\\0' \"$@\"; }}\n{advised[1]}\n"
    return subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True).stdout.split("\0")[:-1]


WHOLE = """\
[cluster]
nodes = 40

[faults."a node's"]
per = "node"
mtbf = "1000 h"

[recovery]
restart = "5 min"

[repair]
time = "2 days"

[run]
horizon = "30 days"
"""
LEFT_OUT = WHOLE.replace("[cluster]", "[job]")
WITH_POOLS = LEFT_OUT + "[pools]\nhot = 1\ncold = 1\n"


@pytest.mark.parametrize("text", [WHOLE, LEFT_OUT, WITH_POOLS, None], ids=["whole", "left out", "pools", "new"])
def test_how_many_spares_is_one_command(sim: Sim, tmp_path: Path, text: str | None) -> None:
    """On any file: the job keeps its nodes, the cluster goes along, and what is advised runs as it is pasted."""
    file = tmp_path / "it's mine.toml"
    if text is None:
        assert sim("new", "--nodes", 40, "--mtbf", "1000 h", "-o", file).code == 0
    else:
        file.write_text(text)
    before = sim("show", file, "--json").json["scenario"]
    said = sim("tune", file, "--over", "pools.hot", "--set", "repair.time=2 days")
    assert said.code == 0, said.err
    assert "Spares are tuned by ETTR in hardware" in said.out
    assert "by ETTR alone more are nearly always better" in " ".join(said.out.split())
    assert max(map(cell_len, said.out.splitlines())) <= 80 + len(str(file))
    best = int(re.search(r"pools\.hot\S*: best (\d+)", said.out)[1])  # type: ignore[index]
    ran = sim(*pasted(said.out)[1:], "--replications", 64, "--json")
    assert ran.code == 0
    after = ran.json["provenance"]["scenario"]
    assert after["pools"]["hot"]["nodes"] == best
    assert after["job"]["nodes"] == before["job"]["nodes"]
    cold = after["pools"]["cold"]["nodes"]
    assert after["cluster"]["nodes"] == after["job"]["nodes"] + best + cold
    # Two more or two fewer are no better in hardware.
    job = before["job"]["nodes"]

    def in_hardware(hot: int) -> float:
        sizes = f"pools.hot={hot}", f"pools.cold={cold}", f"job.nodes={job}", f"cluster.nodes={job + hot + cold}"
        sets = (word for change in ("repair.time=2 days", *sizes) for word in ("--set", change))
        return float(sim("run", file, *sets, "--replications", 512, "--json").json["ettr_hardware"]["mean"])

    here = in_hardware(best)
    assert all(in_hardware(other) < here for other in (best - 2, best + 2) if other >= 0)


def test_show_names_the_least_number_of_spares(sim: Sim, tmp_path: Path) -> None:
    """Simulated, nodes are waited for about so often: less than 1 % of the time with it, more with two fewer."""
    file = tmp_path / "spares.toml"
    file.write_text(WITH_POOLS)
    least = int(re.search(r"  least number of spares for at most 1 % of waiting: (\d+)\n", sim("show", file).out)[1])  # type: ignore[index]
    assert sim("show", file, "--json").json["outlook"]["spares"]["least_for_1_percent"] == least
    waits = []
    for spares in (least - 2, least):
        sets = ("--set", "pools.cold=0", "--set", f"pools.hot={spares}", "--set", "run.horizon=1 year")
        ledger = sim("run", file, *sets, "--replications", 64, "--json").json["ledger_s"]
        waits.append(ledger["capacity_wait"] / sum(ledger.values()))
    assert waits[1] < 0.01 < waits[0]


def test_spares_of_a_cluster_that_the_command_line_fixes(sim: Sim, tmp_path: Path) -> None:
    file = tmp_path / "spares.toml"
    file.write_text(WITH_POOLS)
    fixed = ("--set", "cluster.nodes=46")
    command = pasted(sim("tune", file, "--over", "pools.hot", *fixed).out)
    assert command[3:5] == list(fixed)
    assert [word.partition("=")[0] for word in command[6::2]] == ["pools.hot"]
    refused = sim("tune", file, "--over", "pools.hot", "--to", 9, *fixed)
    assert (refused.code, refused.out) == (2, "")
    assert "at most 46 nodes (cluster.nodes)" in " ".join(refused.err.split())
    by_ettr = sim("tune", file, "--over", "pools.hot", "--to", 30, "--metric", "ettr")
    assert "Spares are tuned" not in by_ettr.out


def test_no_spare_can_be_best(sim: Sim, tmp_path: Path) -> None:
    """Where nothing is worth a spare, 0 is the answer, not the end of a range to be widened."""
    file = tmp_path / "rare.toml"
    file.write_text(LEFT_OUT.replace("nodes = 40", "nodes = 4").replace("2 days", "10 min"))
    said = sim("tune", file, "--over", "pools.hot")
    assert (said.code, "pools.hot.nodes: best 0, now 0" in said.out) == (0, True), said.out


def test_the_names_in_json_stay(sim: Sim, small: Path) -> None:
    said = sim("tune", small, "--over", EVERY, "--set", "run.horizon=60 days", "--json")
    assert said.code == 0
    found = said.json
    assert set(found) == {
        "name", "metric", "target", "knobs", "settings", "flat", "precision", "provenance",
    }  # fmt: skip
    (knob,) = found["knobs"]
    assert set(knob) == {
        "key", "with", "unit", "now", "from", "to", "best", "refused", "flat_region", "points",
    }  # fmt: skip
    assert (knob["key"], knob["unit"], knob["now"], knob["refused"]) == (EVERY, "s", 1800.0, None)
    assert set(knob["best"]) == {"mean", "low", "high", "n", "confidence"}
    assert knob["from"] < knob["best"]["low"] < knob["best"]["mean"] < knob["best"]["high"] < knob["to"]
    assert set(knob["points"][0]) == {"value", "metric", "loss"}
    assert [each["name"] for each in found["settings"]] == ["now", "best", "young", "daly", "nvidia", "exact"]
    assert set(found["settings"][0]) == {"name", "changes", "metric", "gain", "stop_reasons"}
    assert found["precision"] == {"share": 0.02, "reached": True}


def test_a_target(sim: Sim, small: Path) -> None:
    small.write_text(small.read_text() + '\n[run.precision]\nhalf_width = "1 points"\n')
    said = sim("tune", small, "--over", "recovery.restart", "--target", "ettr=93 %", "--json")
    assert said.code == 0
    assert said.json["target"] == pytest.approx(0.93)
    assert said.json["knobs"][0]["key"] == "recovery.restart"
    text = sim("tune", small, "--over", "recovery.restart", "--target", "ettr = 0.93").out
    assert "recovery.restart: ETTR is 93.00 % at " in text


TUNED = [file for file in SHIPPED if file.stem in ("nvl72", "two-tier-100k", "hopper-100k")]

REFUSED = {
    "edge": (["--over", "stores.remote.stall"], "no best value is named"),
    "noise": (["--over", "recovery.max_attempts", "--from", 50, "--to", 60], "no value is named"),
    "below": (["--over", EVERY, "--target", "ettr=0.999"], "stays below 99.90 %: at most"),
    "above": (["--over", EVERY, "--target", "ettr=0.01"], "stays above 1.00 %: at least"),
}


@pytest.mark.parametrize(("arguments", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_where_no_value_is_named_it_says_what_to_do_and_exits_with_3(
    sim: Sim, small: Path, arguments: list[Any], said: str
) -> None:
    found = sim("tune", small, *arguments)
    assert found.code == 3
    text = " ".join(found.out.split())
    assert said in text
    assert re.search("[Gg]ive a wider range", text)
    assert max(map(cell_len, found.out.splitlines())) <= 80
    assert sim("tune", small, *arguments, "--json").json["knobs"][0]["best"] is None


def test_too_few_replications_to_be_precise_give_3(sim: Sim, small: Path) -> None:
    said = sim("tune", small, "--over", "recovery.restart", "--target", "ettr=93 %", "--set", "run.max_replications=64")
    assert said.code == 3
    assert "is not known to 2 %" in said.err
    assert pasted(said.out)[:2] == ["sim", "run"]


@pytest.mark.parametrize(
    "file", [file for file in SHIPPED if file.stem in ("nvl72", "two-tier-100k")], ids=lambda f: f.stem
)
def test_80_columns_are_enough(sim: Sim, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    store = "shared" if file.stem == "hopper-100k" else "remote"
    said = sim("tune", file, "--over", f"stores.{store}.every", "--replications", 16, "--set", "run.horizon=20 days")
    assert said.code in (0, 3)
    plain = re.sub(r"\x1b\[[\d;]*m", "", said.out)
    assert plain != said.out
    assert max(map(cell_len, plain.splitlines())) <= 80
    assert "…" not in plain


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "--over"),
        (["--over", "stores.remte.every"], "did you mean stores.remote.every?"),
        (["--over", "stores.remote.place"], "only numbers can be tuned"),
        (["--over", EVERY, "--from", "2 h", "--to", "1 h"], "is empty"),
        (["--over", EVERY, "--from", "0 s"], "must begin above 0"),
        (["--over", EVERY, "--from", "9 GB"], "is a size in bytes, not a duration"),
        (["--over", "stores.remote.slowdown=1 %..200 %"], "is too large"),
        (["--over", EVERY, "--target", "speed=3"], "speed is no metric of the JSON of sim run, nor a bucket"),
        (["--over", EVERY, "--target", "ettr"], "write a metric"),
        (["--over", EVERY, "--target", "ettr=2"], "target must lie between 0 and 1"),
        (["--over", EVERY, "--target", "save_stal=1 %"], "did you mean save_stall?"),
        (["--over", EVERY, "--target", "jmtti=3 h"], "did you mean jmtti_s?"),
        (["--over", EVERY, "--target", "jmtti_s=3 GB"], "jmtti_s takes"),
        (["--over", EVERY, "--target", "interruptions=3 h"], "a number without a unit"),
        (["--over", EVERY, "--target", "interruptions=-3"], "target must be a number above 0"),
        (["--over", EVERY, "--flat", "0.1"], '--flat "0.1": needs a unit'),
        (["--over", EVERY, "--metric", "speed"], "--metric"),
        (["--over", EVERY, "--over", "stores.remote.stall", "--from", "1 s"], "give each its range"),
        (["--over", EVERY, "--replications", 3], "at least 9"),
        (["--over", EVERY, "--set", "job.nods=3"], "command line: job.nods"),
    ],
    ids=str,
)
def test_bad_usage_gives_2(sim: Sim, small: Path, arguments: list[Any], expected: str) -> None:
    said = sim("tune", small, *arguments, "--json")
    assert (said.code, said.out) == (2, "")
    assert expected in said.err
    assert "Traceback" not in said.err


def test_ctrl_c_gives_130_and_what_is_known(sim: Sim, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    def stop(text: str) -> None:
        said.append(text)
        if " of 9 values: best" in text:
            raise KeyboardInterrupt

    monkeypatch.setattr(tuning, "report_progress", stop)
    found = sim("tune", small, "--over", EVERY, "--set", "run.horizon=60 days", "--json")
    assert found.code == 130
    assert "interrupted" in found.err
    assert found.json["knobs"][0]["best"]["mean"] > 0


def test_a_target_over_whole_numbers_is_first_reached(sim: Sim, small: Path) -> None:
    changes = ("--set", "faults.node.needs={ repair = 1.0 }", "--set", "repair={ time = '48 h' }", "--replications", 64)
    over = ("--over", "cluster.nodes", "--from", 11, "--to", 30, "--target", "ettr=0.9")
    text = " ".join(sim("tune", small, *over, *changes).out.split())
    match = re.search(r"cluster.nodes: ETTR first reaches 90.00 % at (\d+)", text)
    assert match, text
    ettr = [
        sim("run", small, "--json", "--set", f"cluster.nodes={n}", *changes).json["ettr"]["mean"]
        for n in (int(match[1]) - 1, int(match[1]))
    ]
    assert ettr[0] < 0.9 <= ettr[1]


def test_keys_that_go_together(sim: Sim, small: Path) -> None:
    """By the same factor on their values now: range and answer are the first's, and what is pasted sets all."""
    small.write_text(small.read_text().replace("[stores.remote]", '[stores."a, b"]').replace("crews = 1", "crews = 4"))
    arguments = ("--from", "10 min", "--to", "4 h", "--target", "ettr=93 %", "--replications", 64)
    said = sim(
        "tune", small, "--over", 'stores."a, b".every,recovery.restart', *arguments, "--set", "run.horizon=60 days"
    )
    assert said.code in (0, 3)
    text = " ".join(said.out.split())
    match = re.search(r'stores\."a, b"\.every \(with recovery.restart\): ETTR is 93.00 % at ([\d.]+) min', text)
    assert match, text
    *_, every, _, restart = pasted(said.out)
    assert every == f'stores."a, b".every="{match[1]} min"'
    found = re.fullmatch(r'recovery.restart="([\d.]+) min"', restart)
    assert found
    assert float(found[1]) == pytest.approx(8 * float(match[1]) / 30)
    # Measured to 0.2 points by 64 runs, as it is where it was searched: 4 standard errors of both.
    ran = sim(*pasted(said.out)[1:], "--replications", 64, "--json")
    assert ran.json["ettr"]["mean"] == pytest.approx(0.93, abs=0.012)


@pytest.mark.parametrize(
    ("over", "said"),
    [
        (f"{EVERY},recovery.restrt", "did you mean recovery.restart?"),
        (f"{EVERY},{EVERY}", "is named twice"),
        (f"{EVERY},stores.remote.slowdown", "stores.remote.slowdown: is 0"),
        (f"stores.remote.slowdown,{EVERY}", "stores.remote.slowdown: is 0"),
        (f"{EVERY},", "is no number of this scenario"),
        (f"{EVERY},stores.remote.place", "only numbers can be tuned"),
    ],
    ids=str,
)
def test_keys_that_cannot_go_together(sim: Sim, small: Path, over: str, said: str) -> None:
    found = sim("tune", small, "--over", over)
    assert (found.code, found.out) == (2, "")
    assert said in " ".join(found.err.split())


TARGETS = {
    "a bucket": (EVERY, "save_stall=1 %", ("ledger_s", "save_stall"), 0.01, 0.0005),
    "seconds": ("faults.*.rate_factor", "jmtti_s=20 h", ("jmtti_s",), 20 * 3600.0, 3000.0),
    "a count": ("faults.*.rate_factor", "faults=20", ("faults",), 20.0, 1.0),
}


@pytest.mark.parametrize(("over", "target", "path", "value", "error"), TARGETS.values(), ids=TARGETS.keys())
def test_a_target_of_any_metric(
    sim: Sim, small: Path, over: str, target: str, path: tuple[str, ...], value: float, error: float
) -> None:
    """What is pasted has the value, to 4 standard errors of the 512 runs that say so and of the 256 of the search."""
    said = sim("tune", small, "--over", over, "--target", target, "--replications", 256)
    assert said.code in (0, 3), said.err
    assert max(map(cell_len, said.out.splitlines())) <= 80 + len(str(small))
    found = sim(*pasted(said.out)[1:], "--replications", 512, "--json").json
    wall = found["wall_s"]["mean"]
    now = found[path[0]][path[1]] / wall if len(path) == 2 else found[path[0]]["mean"]
    assert now == pytest.approx(value, abs=error)


def test_a_target_of_losses_over_whole_numbers_is_kept(sim: Sim, tmp_path: Path) -> None:
    """The least number of spares with which the job waits at most 1 % of the time: one spare less has more."""
    file = tmp_path / "spares.toml"
    file.write_text(WITH_POOLS.replace("30 days", "200 days").replace("cold = 1", "cold = 0"))
    target = ("--target", "capacity_wait=1 %", "--replications", 128)
    out = sim("tune", file, "--over", "pools.hot", *target).out
    least = int(re.search(r"capacity wait is at most 1.00 % at (\d+)", " ".join(out.split()))[1])  # type: ignore[index]
    waits = []
    for spares in (least - 1, least):
        found = sim("run", file, "--set", f"pools.hot={spares}", "--replications", 128, "--json").json
        waits.append(found["ledger_s"]["capacity_wait"] / found["wall_s"]["mean"])
    assert waits[1] <= 0.01 < waits[0]
    assert abs(least - sim("show", file, "--json").json["outlook"]["spares"]["least_for_1_percent"]) <= 1
