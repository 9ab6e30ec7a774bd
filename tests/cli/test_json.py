"""``--json``: the names that stay, in every odd case, and nothing in it that JSON does not know."""

import math
from pathlib import Path
from typing import Any

import pytest

from sim.kernels.ledger import BUCKETS, GPU_ONLY
from sim.results import COUNTS

from .conftest import Said, Sim
from .texts import ALL, DEPLETED, NO_PROGRESS, NO_STORE, RATE_ZERO, SHIPPED, SMALL, UNTIL_WORK

METRICS = ("ettr", "ettr_hardware", "work_done_s", "wall_s", "not_saved_s", *COUNTS)
METRIC = {"mean", "low", "high", "n", "confidence"}


def run(sim: Sim, tmp_path: Path, text: str, *arguments: object) -> Any:
    file = tmp_path / "case.toml"
    file.write_text(text, encoding="utf-8")
    said: Said = sim("run", file, "--json", *arguments)
    assert said.code == 0
    return said.json


def check_time_between(metric: dict[str, Any], n: int, *, calm: bool) -> None:
    """With no interruption there is no mean, only a lower end; with few there may be no upper end."""
    if calm:
        assert (metric["mean"], metric["high"]) == (None, None)
        assert metric["low"] > 0.0
    elif n == 1:
        check_metric(metric, n)
    else:
        assert 0.0 < metric["low"] <= metric["mean"]
        assert metric["high"] is None or metric["mean"] <= metric["high"]
    assert set(metric) == METRIC
    assert metric["n"] == n


def check_metric(metric: dict[str, Any], n: int) -> None:
    assert set(metric) == METRIC
    assert metric["n"] == n
    assert metric["confidence"] == 0.95
    if n == 1:
        assert metric["low"] is None
        assert metric["high"] is None
    else:
        assert metric["low"] <= metric["mean"] <= metric["high"]


@pytest.mark.parametrize("text", ALL.values(), ids=ALL.keys())
@pytest.mark.parametrize("n", [1, 2, 9])
def test_every_name_is_there(sim: Sim, tmp_path: Path, text: str, n: int) -> None:
    found = run(sim, tmp_path, text, "--replications", n)
    calm = found["interruptions"]["mean"] == 0.0
    for name in METRICS:
        check_metric(found[name], n)
    check_time_between(found["jmtti_s"], n, calm=calm)
    check_time_between(found["mtti_training_s"], n, calm=calm)
    if found["crew_services"]["mean"] > 0.0:
        check_metric(found["crew_wait_s"], n)
    else:
        assert found["crew_wait_s"] is None
    assert list(found["ledger_s"]) == list(BUCKETS)
    assert list(found["ledger_gpu_s"]) == [*BUCKETS, *GPU_ONLY]
    assert sum(found["stop_reasons"].values()) == n
    for spread in found["single_runs"].values():
        assert spread["p5"] <= spread["median"] <= spread["p95"]
    assert (found["finish"] is None) == ("horizon" in found["provenance"]["scenario"]["run"])
    assert set(found["single_runs"]) == {"ettr", "wall_s", "work_done_s"}


@pytest.mark.parametrize("text", ALL.values(), ids=ALL.keys())
def test_the_figures_belong_together(sim: Sim, tmp_path: Path, text: str) -> None:
    found = run(sim, tmp_path, text, "--replications", 9)
    wall, done = found["wall_s"]["mean"], found["work_done_s"]["mean"]
    cluster = found["provenance"]["scenario"]["cluster"]
    nodes = found["provenance"]["scenario"]["job"]["nodes"]
    pools = found["provenance"]["scenario"]["pools"].values()
    nodes += sum(pool["nodes"] for pool in pools if isinstance(pool, dict))
    assert found["ettr"]["mean"] == pytest.approx(done / wall, rel=1e-12)
    assert found["ledger_s"]["productive"] == pytest.approx(done, rel=1e-12)
    assert sum(found["ledger_s"].values()) == pytest.approx(wall, rel=1e-12)
    held = nodes * cluster["gpus_per_node"] * wall
    assert sum(found["ledger_gpu_s"].values()) == pytest.approx(held, rel=1e-12)
    assert found["ettr_hardware"]["mean"] == pytest.approx(found["ledger_gpu_s"]["productive"] / held, rel=1e-12)
    assert sum(found["causes"].values()) == pytest.approx(found["faults"]["mean"], rel=1e-12)
    assert sum(found["interruption_causes"].values()) == pytest.approx(found["interruptions"]["mean"], rel=1e-12)
    assert set(found["causes"]) == set(found["interruption_causes"])
    by_store = [*found["stores"].values(), found["from_start"]]
    for name, total in (
        ("saves", found["saves"]["mean"]),
        ("lost_work_s", found["ledger_s"]["lost_work"]),
        ("save_stall_s", found["ledger_s"]["save_stall"]),
    ):
        parts = (each[name]["mean"] for each in by_store if name in each)
        assert sum(parts) == pytest.approx(total, rel=1e-12)
    if found["interruptions"]["mean"] > 0.0:
        assert found["jmtti_s"]["mean"] == pytest.approx(wall / found["interruptions"]["mean"], rel=1e-12)
        trains = sum(found["ledger_s"][name] for name in ("productive", "save_stall", "save_slowdown", "lost_work"))
        assert found["mtti_training_s"]["mean"] == pytest.approx(trains / found["interruptions"]["mean"], rel=1e-12)
    else:
        assert found["jmtti_s"]["low"] == pytest.approx(9 * wall / -math.log(0.05), rel=1e-12)


def test_uncertain_inputs_have_a_range_of_their_own(sim: Sim, tmp_path: Path) -> None:
    """The error of the mean, the range over the inputs and that of single runs stand apart."""
    text = SMALL.replace('mtbf = "60 h"', 'observed = { events = 3, over = "180 h" }')
    text = text.replace("needs = { process = 0.2, reset = 0.3, repair = 0.5 }", 'needs = "process"')
    assert run(sim, tmp_path, text, "--replications", 9)["inputs"] is None
    found = run(sim, tmp_path, text, "--replications", 60, "--set", "run.uncertain=true")
    assert set(found["inputs"]) == set(found["single_runs"])
    ettr = found["inputs"]["ettr"]
    assert set(ettr) == {"p5", "median", "p95", "share_of_variance"}
    check_metric(ettr["share_of_variance"], 60)
    runs = found["single_runs"]["ettr"]
    assert 0.0 < found["ettr"]["high"] - found["ettr"]["low"] < ettr["p95"] - ettr["p5"] < runs["p95"] - runs["p5"]
    file = tmp_path / "case.toml"
    shown = sim("show", file, "--set", "run.uncertain=true", "--json").json["outlook"]
    assert set(shown["uncertain_mtbf_s"]) == {"software"}
    assert (
        shown["uncertain_mtbf_s"]["software"]["p5"]
        < shown["mtbf_by_cause_s"]["software"]
        < shown["uncertain_mtbf_s"]["software"]["p95"]
    )


def test_periods(sim: Sim, tmp_path: Path) -> None:
    assert run(sim, tmp_path, SMALL, "--replications", 9)["series"] is None
    for n in (1, 9):
        found = run(sim, tmp_path, SMALL, "--replications", n, "--set", 'run.series="1 day"')
        names = {"ettr", "interruptions", "mean_units_in_repair", "mean_spares_idle"}
        assert len(found["series"]) > 5
        for period in found["series"]:
            assert set(period) == {"start_s", "end_s", "single_runs", *names}
            assert set(period["single_runs"]) == names
            for name in names:
                check_metric(period[name], n)
        total = sum(period["interruptions"]["mean"] for period in found["series"])
        assert total == pytest.approx(found["interruptions"]["mean"], rel=1e-12)


def test_stop_reasons(sim: Sim, tmp_path: Path) -> None:
    for text, reason in (
        (NO_STORE, "horizon"),
        (UNTIL_WORK, "done"),
        (DEPLETED, "depleted"),
        (NO_PROGRESS, "no_progress"),
    ):
        assert run(sim, tmp_path, text, "--replications", 6)["stop_reasons"] == {reason: 6}


def test_until_work_the_work_is_the_same_and_the_time_is_not(sim: Sim, tmp_path: Path) -> None:
    found = run(sim, tmp_path, UNTIL_WORK, "--replications", 20)
    assert {found["work_done_s"][name] for name in ("mean", "low", "high")} == {5 * 86400.0}
    assert found["wall_s"]["low"] > 5 * 86400.0
    assert found["single_runs"]["wall_s"]["p95"] > found["single_runs"]["wall_s"]["p5"]
    assert found["not_saved_s"]["mean"] == 0.0


def test_a_source_that_never_strikes_is_listed(sim: Sim, tmp_path: Path) -> None:
    found = run(sim, tmp_path, RATE_ZERO, "--replications", 3)
    assert found["causes"] == {"never_seen": 0.0}
    assert found["ettr"]["mean"] == pytest.approx(1800 / 1820, rel=2e-3)


def test_provenance_makes_the_run_again(sim: Sim, small: Path) -> None:
    import sim as package

    provenance = sim("run", small, "--replications", 5, "--seed", 9, "--json").json["provenance"]
    assert set(provenance) == {
        "schema_version", "scenario", "scenario_sha256", "seed", "replications", "engine", "versions",
    }  # fmt: skip
    assert provenance["scenario_sha256"] == package.load(small).sha256()
    assert provenance["seed"] == 9
    assert provenance["replications"] == [0, 4]
    assert provenance["engine"] == "compiled"
    assert provenance["schema_version"] == 1
    assert provenance["versions"]["lockstep-sim"] == package.__version__
    assert {"python", "numba", "numpy", "pandas", "simpy"} <= set(provenance["versions"])


@pytest.mark.parametrize("text", ALL.values(), ids=ALL.keys())
def test_show(sim: Sim, tmp_path: Path, text: str) -> None:
    file = tmp_path / "case.toml"
    file.write_text(text, encoding="utf-8")
    said = sim("show", file, "--json")
    assert said.code == 0
    found = said.json
    assert set(found) == {
        "scenario",
        "scenario_sha256",
        "questions",
        "implied",
        "unused_keys",
        "step_s",
        "work_s",
        "entries",
        "outlook",
    }
    assert (found["outlook"]["ettr"] is None) == ("stores" not in text)
    assert (found["outlook"]["job_mtbf_s"] is None) == (not found["outlook"]["mtbf_by_cause_s"])
    assert all(entry["source"] for entry in found["entries"] if entry["default"])


def test_a_recovery_that_never_ends_is_null(sim: Sim, tmp_path: Path) -> None:
    file = tmp_path / "case.toml"
    file.write_text(NO_PROGRESS)
    outlook = sim("show", file, "--json").json["outlook"]
    assert outlook["recovery_s"] is None
    assert outlook["ettr"] == 0.0


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_shipped_scenarios(sim: Sim, file: Path) -> None:
    said = sim("run", file, "--replications", 2, "--json")
    assert said.code == 0
    assert 0.0 < said.json["ettr_hardware"]["mean"] < said.json["ettr"]["mean"] < 1.0
    assert said.json["stop_reasons"] in ({"horizon": 2}, {"done": 2})
