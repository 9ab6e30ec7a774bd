"""Scenarios with racks, feeds and cooling loops, against the arithmetic and the tables in their own comments."""

import re
from pathlib import Path

import numpy as np
import pytest

import sim
from sim.planning import job_rate
from sim.study.answer import Answer

SCENARIOS = Path(__file__).parents[2] / "scenarios"
NVL72 = SCENARIOS / "nvl72.toml"
POWER = SCENARIOS / "power-and-cooling.toml"

REPLICATIONS = 256
"""As the comments say, with the seeds of the files: only rounding lies between the figures and the runs."""


def answer(file: Path, *overrides: str) -> Answer:
    return sim.run(sim.load(file, list(overrides)), replications=REPLICATIONS)


@pytest.mark.parametrize("file", [NVL72, POWER], ids=lambda file: file.stem)
def test_files_are_short(file: Path) -> None:
    lines = file.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#:schema scenario.schema.json"
    assert len(lines) <= 60
    assert len([line for line in lines if line and not line.startswith("#")]) <= 40


def test_sources_of_nvl72_share_out_2000_gpu_days() -> None:
    """Llama 3's counts, by where they strike, times 2,000 days of a GPU (E32)."""
    faults = sim.load(NVL72).faults
    gpus = 9_216
    hours = 2_000 * 24 * 419
    of_gpu, in_host, network, software = 148 + 72 + 19 + 17 + 6 + 6, 7 + 32 + 3 + 3 + 2 + 2 + 2 + 2, 35, 54 + 2 + 7
    assert (of_gpu, in_host, network, software) == (268, 53, 35, 63)
    for name, count, components in (
        ("gpu", of_gpu, gpus), ("tray", in_host, gpus / 4), ("network", network, gpus), ("software", software, 1),
    ):  # fmt: skip
        assert 1 / faults[name].rate / 3600 == pytest.approx(hours / count * components / gpus, rel=0.02), name
    # With racks and pods that go down whole, the figure stays inside E32's range of 1,000 to 3,000.
    assert gpus / (job_rate(sim.load(NVL72)) * 86_400) == pytest.approx(2_000, rel=0.05)


def test_worth_of_a_spare_tray_is_as_the_comment_says() -> None:
    rows = re.findall(r"\n# +(\d) +(\d\d\.\d\d) +(\d\d\.\d\d) +(\d\d\.\d\d) +(\d\d\.\d\d)\n", overlapping(NVL72))
    assert [trays for trays, *_ in rows] == ["2", "1"]
    for trays, *written in rows:
        fewer = ("cluster.nodes=2448", "cluster.groups.rack=17 nodes", "pools.hot.nodes=144") if trays == "1" else ()
        found = []
        for days in ("4 h", "3 days"):
            one = answer(NVL72, f"repair.replace.time={days}", *fewer)
            found += [100 * one.ettr.mean, 100 * one.ettr_hardware.mean]
            assert 100 * one.ettr.half_width < 0.045
        assert found == pytest.approx([float(text) for text in written], abs=0.0051), trays


def test_waits_after_a_feed_is_lost_are_as_the_comment_says() -> None:
    cell = r" +([\d.]+) \+-([\d.]+)"
    rows = re.findall(rf"\n# +(\d+){3 * cell} +(\d\d\.\d\d)\n", overlapping(POWER))
    assert [spares for spares, *_ in rows] == ["24", "32", "48", "64", "160"]
    for spares, *cells, hardware in rows:
        for feeds, hours, width in zip((16, 8, 4), cells[::2], cells[1::2], strict=True):
            sizes = f"pools.hot.nodes={spares}", f"cluster.nodes={2_048 + int(spares)}"
            one = answer(POWER, f"cluster.groups.feed.domains={feeds}", *sizes)
            waits = one.runs.ledger_s["capacity_wait"] / 3600
            half_width = 1.97 * np.std(waits, ddof=1) / np.sqrt(REPLICATIONS)
            place = 0.051 if "." in hours else 0.51
            assert waits.mean() == pytest.approx(float(hours), abs=place), (spares, feeds)
            assert half_width == pytest.approx(float(width), abs=place), (spares, feeds)
            if feeds == 16:
                assert 100 * one.ettr_hardware.mean == pytest.approx(float(hardware), abs=0.0051)


def overlapping(file: Path) -> str:
    """Text of a file in which each line has two ends of line, so that neighbouring lines both match."""
    return file.read_text(encoding="utf-8").replace("\n", "\n\n")
