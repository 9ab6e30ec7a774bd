"""Shipped scenarios against the published facts they cite, against their own comments, and against committed results.

``python -m tests.scenarios.test_facts``, from the project's root, writes ``expected.json`` anew. Do that only with a
change of a scenario or of the model that is meant, and look at the difference before it is committed.
"""

import csv
import json
import math
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2, t

from sim.engine.compiled.run import Runner
from sim.engine.state import StopReason
from sim.kernels.ledger import BUCKETS
from sim.planning import build, job_rate
from sim.scenario import load

SCENARIOS = Path(__file__).parents[2] / "scenarios"
PACKAGE = Path(__file__).parents[2] / "sim"
EXPECTED = Path(__file__).with_name("expected.json")
FRONTIER = SCENARIOS / "frontier"
SHIPPED = sorted(str(file.relative_to(SCENARIOS)) for folder in (SCENARIOS, FRONTIER) for file in folder.glob("*.toml"))
LLAMA = SCENARIOS / "llama3-405b-16k.toml"
HOPPER = SCENARIOS / "hopper-100k.toml"
MAINTENANCE = SCENARIOS / "maintenance.toml"
CATALOG = SCENARIOS / "catalog" / "hgx-h100.toml"
WITH_FACTS = [LLAMA, HOPPER]
WITH_DEFAULTS = [PACKAGE / "chips" / "chips.csv", PACKAGE / "scenario" / "efficiency_tables.py"]

REPLICATIONS = 64
OTHER_SEED = 20_240_731
Z_LIMIT = 4.5  # by Student's law with 63 degrees of freedom a correct model passes it with probability 3e-5 a figure
TWO_SIDED_95 = float(t.ppf(0.975, REPLICATIONS - 1))

CAUSES = {
    "gpu": "A10.01", "hbm": "A10.02", "software": "A10.03", "switch_cable": "A10.04", "host_maintenance": "A10.05",
    "gpu_sram": "A10.06", "gpu_processor": "A10.07", "nic": "A10.08", "nccl_watchdog": "A10.09", "sdc": "A10.10",
    "gpu_thermal": "A10.11", "ssd": "A10.12", "power_supply": "A10.13", "chassis": "A10.14", "io_board": "A10.15",
    "dependency": "A10.16", "cpu": "A10.17", "system_memory": "A10.18",
}  # fmt: skip


def facts() -> dict[str, dict[str, str]]:
    with (SCENARIOS / "facts.csv").open(newline="", encoding="utf-8") as stream:
        return {row["id"]: row for row in csv.DictReader(stream)}


def written(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"))


def run(file: Path, count: int, *overrides: str, seed: int | None = None) -> np.ndarray:
    return Runner(build(load(file, overrides), seed), 2).run(0, count)


def ettr(rows: np.ndarray) -> np.ndarray:
    return rows["work_done_s"] / rows["wall_s"]


def figures(rows: np.ndarray) -> dict[str, np.ndarray]:
    """What is compared, by name: one value of each replication."""
    shares = rows["ledger"] / rows["wall_s"][:, None]
    counts = ("interruptions", "faults", "spares_used", "repairs")
    return {
        "ettr": ettr(rows),
        **{name: rows[name].astype(float) for name in counts},
        **{f"share of {bucket}": shares[:, i] for i, bucket in enumerate(BUCKETS)},
    }


def summary(file: Path, seed: int) -> dict[str, Any]:
    """Mean of each figure over 64 replications with the half width of its 95 % confidence interval (Student's law)."""
    rows = run(file, REPLICATIONS, seed=seed)
    found: dict[str, Any] = {"seed": seed, "replications": REPLICATIONS}
    for name, values in figures(rows).items():
        half_width = TWO_SIDED_95 * np.std(values, ddof=1) / math.sqrt(REPLICATIONS)
        found[name] = {"mean": float(np.mean(values)), "half_width": float(half_width)}
    return found


def write_expected() -> None:
    """Write the results of every shipped scenario with its own seed to ``expected.json``."""
    found = {name: summary(SCENARIOS / name, load(SCENARIOS / name).run.seed) for name in SHIPPED}
    EXPECTED.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def expected() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(EXPECTED.read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("file", WITH_FACTS, ids=lambda file: file.stem)
def test_counts_are_the_published_ones(file: Path) -> None:
    known = facts()
    counts = {name: source["observed"]["events"] for name, source in load(file).resolved()["faults"].items()}
    assert counts == {name: int(known[fact]["value"]) for name, fact in CAUSES.items()}
    assert sum(counts.values()) == 419 == int(known["A05"]["value"])


def test_both_files_have_the_same_rate_of_each_component() -> None:
    llama, hopper = load(LLAMA), load(HOPPER)
    for name in CAUSES:
        one, other = llama.faults[name], hopper.faults[name]
        assert (one.rate, one.per, one.count, one.needs) == (other.rate, other.per, other.count, other.needs)
        assert other.clock == "wall"


def test_every_fact_that_a_scenario_names_is_shipped_and_every_shipped_one_is_named() -> None:
    named: set[str] = set()
    for file in [*(SCENARIOS / name for name in SHIPPED), CATALOG, *FRONTIER.glob("parts/*.toml"), *WITH_DEFAULTS]:
        named |= set(re.findall(r"\b[A-G]\d\d(?:\.\d\d|\.[A-Z]\w+)?\b", file.read_text(encoding="utf-8")))
    known = facts()
    assert named == known.keys()
    assert all(row["source"] and row["evidence"] in ("primary", "secondary", "derived") for row in known.values())


def test_components_are_those_of_the_published_job() -> None:
    data, known = written(LLAMA), facts()
    gpus = int(known["A01"]["value"])
    assert data["job"]["nodes"] * data["cluster"]["gpus_per_node"] == gpus
    for source in data["faults"].values():
        components = {"gpu": gpus, "node": gpus // 8, "job": 1}[source["per"]] * source.get("count", 1)
        assert source["observed"].get("units", 1) == components
    assert load(LLAMA).run.horizon == float(known["A02"]["value"]) * 86_400.0


def test_simulated_interruptions_agree_with_the_observed_ones() -> None:
    rows = run(LLAMA, 256)
    assert set(rows["stop_reason"]) == {StopReason.HORIZON}
    planned = rows["interruptions_of"][:, build(load(LLAMA)).causes.index("planned")]
    unexpected = rows["interruptions"] - planned
    low, high = chi2.ppf(0.025, 2 * 419) / 2, chi2.ppf(0.975, 2 * 420) / 2
    assert (low, high) == pytest.approx((379.8, 461.1), abs=0.1)
    assert low < unexpected.mean() < high
    # The time behind the counts fits detection and restart: 256 replications know the mean to 0.3 % (standard error).
    assert unexpected.mean() == pytest.approx(419, rel=0.01)
    # Work is spread by 3.6 h (5 to 95 %: 1,171 to 1,186 h): a run with other than 47 is rare.
    assert planned.mean() == pytest.approx(int(facts()["A04"]["value"]), abs=0.1)
    assert rows["interruptions"].mean() == pytest.approx(466, rel=0.01)


def test_time_behind_the_counts_is_that_in_which_the_job_runs() -> None:
    """The comment's arithmetic: 54 days less 419 recoveries, each as long as theory says, and 47 planned pauses."""
    scenario = load(LLAMA)
    (over,) = {source["observed"]["over"] for source in written(LLAMA)["faults"].values()}
    hours = float(over.removesuffix(" h").replace("_", ""))
    events = {name: source["observed"]["events"] for name, source in written(LLAMA)["faults"].items()}
    stop = scenario.detect.stop.mean
    hang = scenario.detect.hang.timeout
    seen = sum(n * (hang if scenario.faults[name].effect.get("hang") else stop) for name, n in events.items()) / 419
    on_wall = sum(n for name, n in events.items() if scenario.faults[name].clock == "wall") / (hours * 3600)
    restart = 480.0
    assert written(LLAMA)["recovery"]["restart"] == "8 min"
    recovery = (1 / on_wall + seen) * math.exp(on_wall * restart) - 1 / on_wall
    assert recovery / 60 == pytest.approx(9.35, abs=0.005)
    (pause,) = scenario.pauses.values()
    assert pause.duration.mean == restart
    assert not pause.vulnerable
    left = 1296 - 419 * recovery / 3600 - 47 * restart / 3600
    assert left == pytest.approx(1224.4, abs=0.05)
    assert hours == pytest.approx(left, abs=0.5)


def region() -> list[tuple[str, str, float, bool]]:
    """The table in the comment of the Llama 3 file: interval, restart, ETTR in percent, and whether it has a star."""
    text = LLAMA.read_text(encoding="utf-8")
    head = re.search(r"# +restart ((?: *\d+ min)+)\n", text)
    assert head is not None
    restarts = re.findall(r"\d+ min", head[1])
    cells = []
    for interval, row in re.findall(r"#(?: +save every)? +(\d+ min)((?: +\d+\.\d(?: \*)?)+)\n", text):
        values = re.findall(r"(\d+\.\d)( \*)?", row)
        assert len(values) == len(restarts)
        cells += [
            (interval, restart, float(value), bool(star))
            for restart, (value, star) in zip(restarts, values, strict=True)
        ]
    return cells


def test_region_of_settings_with_an_ettr_above_90_percent_is_as_the_comment_says() -> None:
    cells = region()
    assert len(cells) == 24
    assert ("10 min", "8 min") in {cell[:2] for cell in cells if cell[3]}  # the file's own
    assert (written(LLAMA)["stores"]["tectonic"]["every"], written(LLAMA)["recovery"]["restart"]) == ("10 min", "8 min")
    for interval, restart, value, star in cells:
        planned = f"pauses.planned.duration={restart}"
        changes = [f"stores.tectonic.every={interval}", f"recovery.restart={restart}", planned]
        found = 100 * ettr(run(LLAMA, 256, *changes)).mean()
        assert (found > 90) == star, (interval, restart, found)
        assert found == pytest.approx(value, abs=0.2), (interval, restart)


@pytest.mark.parametrize("setting", ["stores.tectonic.every=30 min", "recovery.restart=15 min"])
def test_ettr_is_above_90_percent_inside_the_region_and_below_outside(setting: str) -> None:
    assert ettr(run(LLAMA, REPLICATIONS)).mean() > 0.90
    assert ettr(run(LLAMA, REPLICATIONS, setting)).mean() < 0.90


def test_hopper_has_as_many_faults_as_its_comment_says() -> None:
    comment = " ".join(line.lstrip("# ") for line in HOPPER.read_text(encoding="utf-8").splitlines()[1:9])
    faults, minutes = re.findall(r"Expect ([\d,]+) faults in the 90 days, one every ([\d.]+) min", comment)[0]
    (interruptions,) = re.findall(r"Some ([\d,]+) of them interrupt training", comment)
    rate = job_rate(load(HOPPER))
    assert rate * 90 * 86_400 == pytest.approx(int(faults.replace(",", "")), abs=0.5)
    assert 1 / rate / 60 == pytest.approx(float(minutes), abs=0.05)
    rows = run(HOPPER, REPLICATIONS)
    # Some strike a node that is down and count for nothing: less than 1 in 1000.
    assert rows["faults"].mean() == pytest.approx(rate * 90 * 86_400, rel=0.01)
    assert rows["interruptions"].mean() == pytest.approx(int(interruptions.replace(",", "")), rel=0.01)


def test_maintenance_costs_what_its_comment_says() -> None:
    text = MAINTENANCE.read_text(encoding="utf-8")
    found = re.findall(r"#\s+(\d+)(?: \(all\))?\s+([\d,]+)\s+(\d+)\s+(\d+)\s+(\d\d\.\d\d) ", text)
    assert [int(width) for width, *_ in found] == [1, 4, 8, 16, 528]
    for width, *figures in found[1:]:
        rows = run(MAINTENANCE, REPLICATIONS, f"maintenance.firmware.width={width}")
        stops, maintained, waited, percent = (float(each.replace(",", "")) for each in figures)
        cause = build(load(MAINTENANCE)).causes.index("firmware")
        assert rows["interruptions_of"][:, cause].mean() == pytest.approx(stops, abs=0.5)
        for bucket, hours in (("maintenance", maintained), ("capacity_wait", waited)):
            assert rows["ledger"][:, BUCKETS.index(bucket)].mean() / 3600 == pytest.approx(hours, abs=0.5)
        assert 100 * ettr(rows).mean() == pytest.approx(percent, abs=0.005)


def test_hardware_of_the_catalogue_is_that_of_the_published_job() -> None:
    catalogue, known = written(CATALOG), facts()
    assert catalogue.keys() == {"cluster", "faults"}
    assert catalogue["cluster"] == {"gpus_per_node": 8}
    software = {"software", "dependency", "nccl_watchdog"}
    assert catalogue["faults"] == {name: it for name, it in written(LLAMA)["faults"].items() if name not in software}
    assert known["F28"]["value"].startswith("8 GPU, 2 CPU")


def test_catalogue_names_the_count_and_the_mean_life_of_each_source() -> None:
    known, text = facts(), CATALOG.read_text(encoding="utf-8")
    found = re.findall(r"\n# (A10\.\d\d) \(primary\), (F10\.\d\d) \(derived\): [^=]*?\n(\w+) = ", text)
    assert [name for *_, name in found] == list(written(CATALOG)["faults"])
    assert sorted(life for _, life, _ in found) == [f"F10.{number:02}" for number in range(1, 16)]
    for count, life, name in found:
        assert (count, known[count]["evidence"], known[life]["evidence"]) == (CAUSES[name], "primary", "derived")
        observed = written(CATALOG)["faults"][name]["observed"]
        events, units, hours = map(int, re.findall(r"(\d+) events x (\d+) units x (\d+) h", known[life]["context"])[0])
        assert (events, units, hours) == (observed["events"], observed["units"], 54 * 24)
        assert int(known[life]["value"]) == round(units * hours / events)


def test_catalogue_gives_each_evidence_class_as_it_is() -> None:
    text = " ".join(line.lstrip("# ") for line in CATALOG.read_text(encoding="utf-8").splitlines())
    said = re.findall(r"\b([A-F]\d\d(?:\.\d\d)?) \((?:\w+, )?(primary|secondary|derived)\)|\((\w\d\d), (\w+)\)", text)
    pairs = {(one or other, kind or last) for one, kind, other, last in said}
    assert {"D20", "E02", "E29", "E32", "E33", "F28"} <= {fact for fact, _ in pairs}
    assert all(facts()[fact]["evidence"] == kind for fact, kind in pairs)


def test_rates_of_the_catalogue_add_up_to_what_its_comment_says() -> None:
    text, known = CATALOG.read_text(encoding="utf-8"), facts()
    hours, per_1000 = re.findall(r"one fault in ([\d,]+) h of a GPU, or ([\d.]+) in 1000 node-days", text)[0]
    events = sum(source["observed"]["events"] for source in written(CATALOG)["faults"].values())
    assert round(16_384 * 1_224 / events) == int(hours.replace(",", ""))
    assert round(events / (2_048 * 1_224 / 24) * 1_000, 2) == float(per_1000)
    assert known["D20"]["value"] == "50000"
    assert "H100 2,000-5,000 GPU-days" in known["E32"]["value"]
    assert known["E29"]["units"] == "-"
    assert known["E29"]["context"].startswith("4.3/1000 node-days")
    assert "H100 88,768" in known["E02"]["value"]


@pytest.mark.parametrize("file", WITH_FACTS, ids=lambda file: file.stem)
def test_files_are_short_and_name_their_schema(file: Path) -> None:
    lines = file.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#:schema scenario.schema.json"
    assert len(lines) <= 150


def test_every_shipped_scenario_has_an_expected_result() -> None:
    assert sorted(expected()) == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_committed_result_is_reproduced_exactly(name: str) -> None:
    committed = expected()[name]
    assert committed["seed"] == load(SCENARIOS / name).run.seed
    found = summary(SCENARIOS / name, committed["seed"])
    assert found.keys() == committed.keys()
    for figure in found:
        assert found[figure] == pytest.approx(committed[figure], rel=1e-12, abs=1e-12), figure


@pytest.mark.parametrize("name", SHIPPED)
def test_another_seed_gives_the_same_within_the_uncertainty(name: str) -> None:
    committed, found = expected()[name], summary(SCENARIOS / name, OTHER_SEED)
    assert found["seed"] != committed["seed"]
    for figure in committed.keys() - {"seed", "replications"}:
        widths = math.hypot(committed[figure]["half_width"], found[figure]["half_width"])
        difference = abs(found[figure]["mean"] - committed[figure]["mean"])
        assert difference <= Z_LIMIT * widths / TWO_SIDED_95, figure
    assert found["ettr"]["mean"] != committed["ettr"]["mean"]


if __name__ == "__main__":
    write_expected()
    sys.stdout.write(f"wrote {EXPECTED}\n")
