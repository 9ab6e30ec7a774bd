"""``sim compare``: verdicts, stable names, exit codes, what is refused, and a real ledger beside the simulated one."""

import re
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from sim.cli import comparing
from sim.cli.comparing import split_changes
from sim.errors import UsageError
from sim.kernels.ledger import BUCKETS

from .conftest import Sim
from .texts import ALL, SHIPPED, UNTIL_WORK

OFTEN = "stores.remote.every=5 min"


def test_a_verdict_and_where_it_comes_from(sim: Sim, small: Path) -> None:
    said = sim("compare", small, "--variant", "stores.remote.every=6 h", "--replications", 30)
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[:2] == ["A: small", "B: stores.remote.every=6 h"]
    assert re.fullmatch(r"B is worse by [\d.]+ to [\d.]+ points of ETTR", lines[2])
    assert any(line.startswith("lost work ") for line in lines)
    assert "Without the same faults it would take " in said.out


def test_files_and_variants_share_changes(sim: Sim, small: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(small.read_text().replace('name = "small"', 'name = "other"').replace('"8 min"', '"2 min"'))
    said = sim("compare", small, other, "--variant", f"{OFTEN}; pools.hot.nodes = 1; cluster.nodes=11",
               "--set", "run.horizon=5 days", "--replications", 40, "--json")  # fmt: skip
    assert said.code == 0
    found = said.json
    assert found["names"] == ["small", "other", f"{OFTEN}; pools.hot.nodes = 1; cluster.nodes=11"]
    scenarios = [case["provenance"]["scenario"] for case in found["cases"]]
    assert [each["run"]["horizon"] for each in scenarios] == ["5 days"] * 3
    assert [each["pools"]["hot"]["nodes"] for each in scenarios] == [2, 2, 1]
    assert len({case["provenance"]["seed"] for case in found["cases"]}) == 1
    assert found["differences"][0]["verdict"] == "better"


def test_the_names_in_json_stay(sim: Sim, small: Path) -> None:
    found = sim("compare", small, "--variant", OFTEN, "--replications", 40, "--json").json
    assert set(found) == {"names", "cases", "differences", "intervals", "precision", "calibration"}
    (each,) = found["differences"]
    assert set(each) == {
        "name", "verdict", "ettr", "ettr_hardware", "jmtti_s", "mtti_training_s", "wall_s", "interruptions",
        "ledger_hours", "ledger_share", "runs_that_differ", "error_share", "pairing",
    }  # fmt: skip
    assert set(each["ettr"]) == {"mean", "low", "high", "n", "confidence"}
    assert set(each["ledger_hours"]) == set(each["ledger_share"]) == set(BUCKETS)
    assert found["intervals"] == {
        "method": "bonferroni", "confidence": 0.95, "together": 1, "together_in_ledger": 12,
    }  # fmt: skip
    assert found["precision"] == {"half_width": None, "reached": None, "told": None}
    assert found["calibration"] is None
    alone = sim("run", small, "--replications", 40, "--json").json
    assert found["cases"][0] == {
        name: alone[name] for name in alone if name not in ("quantile", "quantiles", "chances", "advice", "questions")
    }


@pytest.mark.parametrize("text", ALL.values(), ids=ALL.keys())
@pytest.mark.parametrize("n", [1, 2, 12])
def test_odd_cases(sim: Sim, tmp_path: Path, text: str, n: int) -> None:
    file = tmp_path / "case.toml"
    file.write_text(text, encoding="utf-8")
    command = ("compare", file, "--variant", "recovery.max_attempts=7", "--replications", n)
    assert sim(*command, "--json").json["names"][1] == "recovery.max_attempts=7"
    said = sim(*command)
    assert said.code == 0
    assert "nan" not in said.out.replace("nanosecond", "")
    assert max(map(cell_len, said.out.splitlines())) <= 80


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_80_columns_are_enough(sim: Sim, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    said = sim("compare", file, "--variant", "detect.hang.timeout=1 h", "--replications", 4)
    assert said.code == 0
    plain = re.sub(r"\x1b\[[\d;]*m", "", said.out)
    assert plain != said.out
    assert max(map(cell_len, plain.splitlines())) <= 80
    assert "…" not in plain


def in_two(small: Path, folder: Path) -> Path:
    """The file with its source in two of half the rate: equal in distribution, with other faults."""
    text = small.read_text()
    source = text[text.index("[faults.node]") : text.index("[faults.software]")].replace("500 h", "1000 h")
    other = folder / "in-two.toml"
    other.write_text(text.replace("[faults.software]", f"{source.replace('node]', 'other]')}[faults.software]").replace(
        '"500 h"', '"1000 h"'))  # fmt: skip
    return other


def test_looks_until_the_difference_is_precise(sim: Sim, small: Path, tmp_path: Path) -> None:
    said = sim("compare", small, in_two(small, tmp_path), "--half-width", "0.5 points", "--json")
    assert said.code == 0
    n = said.json["differences"][0]["ettr"]["n"]
    assert said.json["precision"] == {"half_width": 0.005, "reached": True, "told": True}
    looks = [int(n) for n in re.findall(r"^(\d+) replications: B [+-][\d.]+ points ±", said.err, re.MULTILINE)]
    assert looks
    assert [*looks, n] == [32 * 2**i for i in range(len(looks) + 1)]
    few = sim(
        "compare", small, in_two(small, tmp_path), "--half-width", "0.001 points", "--set", "run.max_replications=40"
    )
    assert few.code == 3
    assert "±0.001 points or a clear verdict, was not reached in 40 replications" in few.err
    assert "B: no difference from A can be told" in few.out


def test_a_clear_verdict_is_enough(sim: Sim, small: Path) -> None:
    command = ("compare", small, "--variant", "stores.remote.every=6 h", "--half-width", "0.001 points")
    said = sim(*command)
    assert (said.code, said.err) == (0, "")
    assert "B is worse by " in said.out
    assert "mean of n = 32 pairs" in said.out
    assert "at whichever look a case ended" in " ".join(said.out.split())
    found = sim(*command, "--json").json
    assert found["precision"] == {"half_width": pytest.approx(1e-5), "reached": False, "told": True}
    assert found["differences"][0]["error_share"] == 0.25


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "compare needs a second file"),
        (["--variant", "stores.remte.every=5 min"], "did you mean stores.remote.every?"),
        (["--variant", "stores.disk.every=5 min"], "there is stores.remote. To add one: stores.disk = { ... }"),
        (["--variant", "stores.remote.evry=5 min"], 'did you mean "every"?'),
        (["--variant", "stores.remote.every=often"], "command line: stores.remote.every"),
        (["--variant", "stores.remote.every=5"], "needs a unit"),
        (["--variant", "nonsense"], "is not an override"),
        (["--variant", f"{OFTEN};"], "a change is missing"),
        (["--variant", ""], "a change is missing"),
        (["--variant", OFTEN, "--half-width", "0.1"], "needs a unit"),
        (["--variant", OFTEN, "--half-width", "1 points", "--replications", 4], "leave out --half-width"),
        (["--variant", OFTEN, "--replications", 0], "--replications"),
        (["missing.toml"], "does not exist"),
        (["--observed", "missing.csv"], "does not exist"),
        ([part for _ in range(16) for part in ("--variant", OFTEN)], "1 to 16"),
    ],
    ids=str,
)
def test_bad_usage_gives_2(sim: Sim, small: Path, arguments: list[Any], expected: str) -> None:
    said = sim("compare", small, *arguments, "--json")
    assert (said.code, said.out) == (2, "")
    assert expected in said.err


def test_changes_of_a_variant() -> None:
    assert split_changes("a=1") == ["a=1"]
    assert split_changes("a=\"x;y\"; b = 2 ;c=';'") == ['a="x;y"', "b = 2", "c=';'"]
    for bad in ("", ";", "a=1;;b=2", " "):
        with pytest.raises(UsageError):
            split_changes(bad)


def test_ctrl_c_gives_130_and_what_is_known(sim: Sim, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(found: Any) -> None:
        if found.n == 64:
            raise KeyboardInterrupt

    monkeypatch.setattr(comparing, "report_progress", stop)
    said = sim("compare", small, "--variant", OFTEN, "--replications", 200, "--json")
    assert said.code == 130
    assert "interrupted" in said.err
    assert said.json["differences"][0]["ettr"]["n"] == 64


LEDGER = "bucket,hours\nproductive,200\nlost_work,20\nsave_stall,5\ndetection,2\nrestart,10\ncapacity_wait,3\n"


def test_a_real_ledger_beside_the_simulated_one(sim: Sim, small: Path, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.csv"
    ledger.write_text(LEDGER)
    said = sim("compare", small, "--observed", ledger)
    assert said.code == 0
    assert "hours observed and simulated, n = 200 runs" in said.out
    assert "one bucket in ten lies outside" in " ".join(said.out.split())
    found = sim("compare", small, "--variant", OFTEN, "--observed", ledger, "--replications", 30, "--json").json
    assert [each["name"] for each in found["calibration"]] == ["small", OFTEN]
    for case, simulated in zip(found["calibration"], found["cases"], strict=True):
        assert [each["bucket"] for each in case["buckets"]] == [line.split(",")[0] for line in LEDGER.split()[1:]]
        for each in case["buckets"]:
            hours = simulated["ledger_s"][each["bucket"]] / 3600
            assert each["simulated_hours"]["mean"] == pytest.approx(hours)
            assert each["residual_hours"] == pytest.approx(each["observed_hours"] - hours)
            ends = each["single_runs_hours"]
            assert each["outside"] == (not ends["p5"] <= each["observed_hours"] <= ends["p95"])
            assert 0 <= each["below"] <= 1


def test_a_part_of_a_ledger_will_do(sim: Sim, small: Path, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.csv"
    ledger.write_text("Bucket, Hours\n\nproductive , 200\n")
    found = sim("compare", small, "--observed", ledger, "--replications", 9, "--json").json
    assert [each["bucket"] for each in found["calibration"][0]["buckets"]] == ["productive"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ":1: needs a header"),
        ("bucket;hours\nproductive;3\n", ":1: needs a header"),
        ("bucket,hours\n", "has no buckets"),
        ("bucket,hours\nproductive,200\nlost work,3\n", ':3: "lost work": is no bucket of the wall clock'),
        ("bucket,hours\nlostwork,3\n", 'did you mean "lost_work"?'),
        ("bucket,hours\nspare_idle,3\n", ':2: "spare_idle": is no bucket of the wall clock'),
        ("bucket,hours\nload,3\nload,4\n", ":3: load: is named twice"),
        ("bucket,hours\nload,-3\n", ":2: load: needs hours"),
        ("bucket,hours\nload,inf\n", ":2: load: needs hours"),
        ("bucket,hours\nload,3 h\n", ':2: load: needs hours; given "3 h"'),
        ("bucket,hours\nload\n", ":2: needs two cells"),
        ("bucket,hours\nload,3,4\nrestart,x\n", ":3: restart: needs hours"),
        ('bucket,hours\n"' + 200_000 * "x" + '",3\n', "is not CSV"),
        ("bucket,hours\nproductive,500\n", '--set run.horizon="500 h"'),
        (LEDGER.replace("200", "100"), '--set run.horizon="140 h"'),
    ],
    ids=lambda text: text[:40] if len(text) < 1000 else "long",
)
def test_ledgers_that_are_refused(sim: Sim, small: Path, tmp_path: Path, text: str, expected: str) -> None:
    ledger = tmp_path / "ledger.csv"
    ledger.write_text(text)
    said = sim("compare", small, "--observed", ledger, "--replications", 40, "--json")
    assert (said.code, said.out) == (2, "")
    assert expected in said.err


def test_a_ledger_needs_runs_of_its_length(sim: Sim, tmp_path: Path) -> None:
    file, ledger = tmp_path / "work.toml", tmp_path / "ledger.csv"
    file.write_text(UNTIL_WORK)
    ledger.write_text(LEDGER)
    said = sim("compare", file, "--observed", ledger, "--replications", 4)
    assert said.code == 2
    assert 'not until work is done: --set run.horizon="240 h"' in said.err
