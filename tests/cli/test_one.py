"""``--replication R``: one run of a batch again, alone, with its incidents, in either engine."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import sim as package

from .conftest import Sim
from .texts import ALL, NO_PROGRESS, NOTHING_FAILS, SHIPPED

ENGINES = ["compiled", "simpy"]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("text", ALL.values(), ids=ALL.keys())
def test_it_is_the_row_of_the_batch(sim: Sim, tmp_path: Path, text: str, engine: str) -> None:
    file, output = tmp_path / "case.toml", tmp_path / "one.parquet"
    file.write_text(text, encoding="utf-8")
    batch = package.run(package.load(file), replications=12).replications
    for r in (0, 7, 11):
        said = sim("run", file, "--replication", r, "--engine", engine, "--events", "--json", "-o", output)
        assert said.code == 0
        row = batch[batch["replication"] == r].reset_index(drop=True)
        pd.testing.assert_frame_equal(pd.read_parquet(output), row, check_exact=True)
        found = said.json
        for name in (
            "ettr",
            "ettr_hardware",
            "work_done_s",
            "wall_s",
            "interruptions",
            "faults",
            "saves",
            "spares_used",
        ):
            assert found[name] == {"mean": row[name][0], "low": None, "high": None, "n": 1, "confidence": 0.95}
        assert found["stop_reasons"] == {row["stop_reason"][0]: 1}
        assert found["provenance"]["replications"] == [r, r]
        assert found["provenance"]["engine"] == engine
        check_incidents(found)


def check_incidents(found: dict[str, Any]) -> None:
    incidents = found["incidents"]
    assert len(incidents) == found["interruptions"]["mean"]
    assert sum(each["faults"] for each in incidents) == found["faults"]["mean"]
    assert sum(each["attempts"] for each in incidents) == found["attempts"]["mean"]
    assert sum(each["lost_work_s"] for each in incidents) == pytest.approx(found["ledger_s"]["lost_work"], rel=1e-12)
    clock = 0.0
    for each in incidents:
        assert each["cause"] in found["causes"]
        assert each["opened_s"] >= clock
        if each["closed_s"] is None:
            assert each is incidents[-1]
        else:
            clock = each["closed_s"]
            assert each["rule"] in found["provenance"]["scenario"]["recovery"]
        assert each["restored_s"] <= each["progress_s"]
    assert clock <= found["wall_s"]["mean"]


def test_both_engines_list_the_same_incidents(sim: Sim, small: Path) -> None:
    one, other = (
        sim("run", small, "--replication", 37, "--engine", engine, "--events", "--json").json for engine in ENGINES
    )
    assert one["incidents"] == other["incidents"]
    assert one["incidents"]
    assert {**one, "provenance": None} == {**other, "provenance": None}
    tables = [
        sim("run", small, "--replication", 37, "--engine", engine, "--events").out.splitlines() for engine in ENGINES
    ]
    assert tables[0][1:] == tables[1][1:]
    assert "incidents" not in sim("run", small, "--replication", 37, "--json").json


def test_the_table_has_a_line_for_each_incident(sim: Sim, small: Path) -> None:
    said = sim("run", small, "--replication", 5, "--events")
    assert said.code == 0
    incidents = sim("run", small, "--replication", 5, "--events", "--json").json["incidents"]
    lines = said.out.splitlines()
    assert lines[0] == "small, replication 5 alone, compiled engine"
    assert lines[1].split()[:3] == ["opened,", "h", "cause"]
    table = lines[2 : next(i for i, line in enumerate(lines) if line.startswith("work done by one run"))]
    assert len(table) == len(incidents) > 3
    for line, each in zip(table, incidents, strict=True):
        opened, cause, faults, nodes, rule, starts = line.split()[:6]
        assert opened == f"{each['opened_s'] / 3600:,.3f}"
        assert (cause, rule) == (each["cause"], each["rule"])
        assert [int(faults), int(nodes), int(starts)] == [each["faults"], each["units"], each["attempts"]]
    assert "n = 1" in said.out
    assert "opened" not in sim("run", small, "--replication", 5).out


def test_an_incident_that_is_open_at_the_end(sim: Sim, tmp_path: Path) -> None:
    file = tmp_path / "case.toml"
    file.write_text(NO_PROGRESS)
    assert "to the end" in sim("run", file, "--replication", 0, "--events").out
    assert sim("run", file, "--replication", 0, "--events", "--json").json["incidents"][-1]["closed_s"] is None


def test_no_incidents(sim: Sim, tmp_path: Path) -> None:
    file = tmp_path / "case.toml"
    file.write_text(NOTHING_FAILS)
    assert sim("run", file, "--replication", 0, "--events", "--json").json["incidents"] == []
    assert "no incident\n" in sim("run", file, "--replication", 0, "--events").out


def test_a_seed_and_a_very_late_replication(sim: Sim, small: Path) -> None:
    plain = sim("run", small, "--replication", 3, "--json").json
    assert sim("run", small, "--replication", 3, "--seed", 2, "--json").json["wall_s"] == plain["wall_s"]
    assert sim("run", small, "--replication", 3, "--seed", 2, "--json").json["ettr"] != plain["ettr"]
    late = [sim("run", small, "--replication", 2**63 - 1, "--engine", name, "--json").json for name in ENGINES]
    assert late[0]["ettr"] == late[1]["ettr"] != plain["ettr"]


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_nothing_is_cut_off_in_shipped_scenarios(sim: Sim, file: Path) -> None:
    limit = "horizon" if "\nhorizon = " in file.read_text(encoding="utf-8") else "work"
    said = sim("run", file, "--replication", 0, "--events", "--set", f'run.{limit}="20 days"')
    assert said.code == 0
    assert "…" not in said.out
    assert max(map(len, said.out.splitlines())) <= 80
