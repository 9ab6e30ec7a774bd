"""``sim efficiency``: what it says, in 80 columns and in JSON, pictures, the catalogue, and what it refuses."""

import re
from pathlib import Path

import matplotlib.image
import pytest
from rich.cells import cell_len

from .conftest import Sim
from .texts import DEPLETED, SHIPPED, SMALL, UNTIL_WORK

CHIP = """
[efficiency]
chip = "h100-sxm"
mfu = "41 %"
model = { parameters = 70e9, tokens = 15e12 }
"""
NO_PRICE = '[efficiency]\nchip = "mi300x"\nsfu = "60 %"\n'
DARK = '[efficiency]\nchip = "a100-sxm"\nsfu = "60 %"\n'
ESTIMATE = {"mean", "low", "high", "n", "confidence"}
FIGURES = {
    "effective_mfu", "effective_exaflops", "model_flops_done", "tokens_done", "tokens_per_day", "exaflops_per_mw",
    "energy_mwh", "lost_work_mwh", "unproductive_mwh", "gflops_per_usd", "cost_usd", "usd_per_exaflop_day",
    "usd_per_useful_gpu_hour", "usd_per_day", "training_days", "training_usd", "training_mwh",
}  # fmt: skip


@pytest.fixture
def costed(small: Path) -> Path:
    small.write_text(SMALL + CHIP, encoding="utf-8")
    return small


def test_what_it_says(sim: Sim, costed: Path) -> None:
    said = sim("efficiency", costed, "--replications", 20)
    assert (said.code, said.err) == (0, "")
    text = " ".join(said.out.split())
    assert re.search(
        r"0\.0\d+ effective exaflop/s \(±[\d.]+\), \d\d\.\d % of the peak; [\d,]+ USD per useful exaflop-day, "
        r"\d\.\d\d USD per useful GPU-hour; the model is trained in [\d.e+]+ days",
        text,
    )
    assert "80 GPUs in the job (h100-sxm, bf16), 96 held; 0.1347 MW of IT power, 0.1683 MW at the meter" in text
    assert re.search(r"MAMF +80\.33 % +80\.33 %", said.out)
    assert re.search(r"SFU +51\.04 % +41\.00 %", said.out)
    rows = re.findall(r"^(\S.*?) +([\d,]+) +([\d,]+) +([\d,]+\.\d\d) +\d+\.\d\d %", said.out, re.MULTILINE)
    cents = [int(re.sub(r"[,.]", "", row[3])) for row in rows]
    assert rows[-1][0] == "total"
    assert sum(cents[:-1]) == cents[-1]
    assert re.search(r"^node +[\d,]+ +[\d,]+ +[\d,]+ +[\d,]+ to [\d,]+$", said.out, re.MULTILINE)


def test_the_names_in_json_stay(sim: Sim, costed: Path) -> None:
    found = sim("efficiency", costed, "--variant", "efficiency.mfu=50 %", "--replications", 20, "--json").json
    assert set(found) == {"names", "designs", "differences", "intervals", "precision"}
    assert found["names"] == ["small", "efficiency.mfu=50 %"]
    design = found["designs"][0]
    assert set(design) == {
        "name", "chip", "precision", "job_gpus", "held_gpus", "peak_flops", "mamf_flops", "mfu", "sfu", "pue",
        "it_power_w", "meter_power_w", "capital_usd", "flops_per_token", "missing", "ettr", "waterfall", "figures",
        "total_usd", "buckets", "causes", "stop_reasons", "doubts", "provenance",
    }  # fmt: skip
    assert set(design["figures"]) == FIGURES
    assert set(design["figures"]["cost_usd"]) == ESTIMATE | {"unit"}
    assert [level["name"] for level in design["waterfall"]] == ["peak", "mamf", "sfu", "ettr"]
    assert set(design["waterfall"][0]) == {"name", "share", "of_peak", "exaflops"}
    assert set(design["buckets"][0]) == {"bucket", "gpu_hours", "mwh", "usd"}
    assert set(design["causes"][0]) == {"name", "kind", "gpu_hours", "lost_work_usd", "other_usd", "usd"}
    cents = [round(100 * each["usd"]["mean"]) for each in design["buckets"]]
    assert sum(cents) == round(100 * design["total_usd"])
    (change,) = found["differences"]
    assert set(change) == {"name", "figures"}
    assert set(change["figures"]) == FIGURES
    assert set(change["figures"]["cost_usd"]) == {"difference", "relative"}
    assert set(change["figures"]["cost_usd"]["relative"]) == ESTIMATE
    assert found["intervals"] == {"method": "bonferroni", "confidence": 0.95, "together": 1}
    assert found["precision"] == {"half_width": None, "reached": None}


@pytest.mark.parametrize("color", [False, True])
def test_80_columns_are_enough(sim: Sim, tmp_path: Path, color: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if color:
        monkeypatch.setenv("FORCE_COLOR", "1")
    large = next(file for file in SHIPPED if file.stem == "hopper-100k")
    file = tmp_path / "large.toml"
    file.write_text(f'include = ["{large}"]\n{CHIP}', encoding="utf-8")
    cost = next(file for file in SHIPPED if file.stem == "llama3-405b-cost")
    variants = ("--variant", "run.horizon=30 days", "--variant", "efficiency.mfu=1 %")
    for said in (
        sim("efficiency", file, *variants, "--replications", 2),
        sim("efficiency", cost, "--replications", 2),
        sim("efficiency", "--chips"),
    ):
        assert said.code == 0
        plain = re.sub(r"\x1b\[[\d;]*m", "", said.out)
        assert (plain != said.out) == color
        assert max(map(cell_len, plain.splitlines())) <= 80
        assert "…" not in plain


def test_no_color(sim: Sim, costed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in sim("efficiency", costed, "--replications", 2).out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SMALL + NO_PRICE, "Not known here: efficiency.node_price; so there are no dollars."),
        (SMALL + DARK, "Not known here: efficiency.chip.power and efficiency.node_price; so there are no dollars."),
        (DEPLETED + CHIP, "warning: 4 of 4 runs waited for nodes to the end"),
        (UNTIL_WORK.replace("5 days", "1e12 tokens") + CHIP, "tokens done in a run"),
    ],
)
def test_odd_cases(sim: Sim, tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "case.toml"
    file.write_text(text, encoding="utf-8")
    found = sim("efficiency", file, "--replications", 4)
    assert found.code == 0
    assert said in " ".join(found.out.split())
    alone = sim("efficiency", file, "--replications", 1, "--json").json
    assert alone["designs"][0]["figures"]["effective_mfu"]["low"] is None
    assert "(one run, no interval)" in sim("efficiency", file, "--replications", 1).out


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_a_picture(sim: Sim, costed: Path, tmp_path: Path, suffix: str) -> None:
    picture = tmp_path / f"waterfall.{suffix}"
    assert sim("efficiency", costed, "--replications", 4, "-o", picture).code == 0
    assert picture.stat().st_size > 5_000
    if suffix == "png":
        image = matplotlib.image.imread(picture)
        assert image.shape[1] > 600
        assert image[..., :3].std() > 0.1


def test_the_catalogue(sim: Sim) -> None:
    said = sim("efficiency", "--chips")
    assert re.search(r"^h100-sxm +989 +794\.5 +1979 +1402\.6 +700 +575 +38,750$", said.out, re.MULTILINE)
    assert "CC-BY-SA-4.0" in said.out
    found = sim("efficiency", "--chips", "--json").json
    assert found["h100-sxm"]["peak_flops"] == {"bf16": 989e12, "fp8": 1979e12}
    assert set(found["h100-sxm"]["price_usd"]) == {"value", "source"}
    assert found["a100-sxm"]["power_w"] is None


def test_what_is_refused(sim: Sim, costed: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain.toml"
    plain.write_text(SMALL, encoding="utf-8")
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(SMALL + CHIP.replace("41 %", "91 %"), encoding="utf-8")
    for arguments, said in (
        ((), "sim: efficiency needs a scenario file"),
        ((plain,), "sim: small: has no [efficiency]"),
        ((costed, plain), "sim: small: has no [efficiency]"),
        ((wrong,), f"{wrong}:35: efficiency.mfu: is 91.00% of the peak"),
        ((costed, "-o", "x.txt"), "-o x.txt: results are written as .png or .svg or .pdf"),
        ((costed, "--variant", "efficiency.chip=h1000"), 'did you mean "h100-sxm"?'),
        ((costed, "--variant", "stores.remot.every=5 min"), "did you mean stores.remote.every?"),
        ((costed, "--replications", 3, "--half-width", "1 points"), "leave out --half-width"),
    ):
        found = sim("efficiency", *arguments)
        assert (found.code, found.out) == (2, "")
        assert said in found.err
        assert "Traceback" not in found.err


def test_half_width_is_that_of_ettr(sim: Sim, costed: Path) -> None:
    assert sim("efficiency", costed, "--half-width", "5 points").code == 0
    short = sim("efficiency", costed, "--half-width", "0.001 points", "--set", "run.max_replications=32")
    assert short.code == 3
    assert "was not reached in 32 replications" in short.err


def test_show_says_what_follows_from_the_model(sim: Sim, tmp_path: Path) -> None:
    file = tmp_path / "case.toml"
    file.write_text(
        UNTIL_WORK.replace("5 days", "1e11 tokens") + CHIP,
        encoding="utf-8",
    )
    said = " ".join(sim("show", file, "--set", "efficiency.model.batch_tokens=1e6").out.split())
    assert "Speed of the job at ETTR 1: 0.006488 exaflop/s = 16 GPUs x 989 TFLOP/s x MFU 41.00 %" in said
    assert "Step: 64.7 s for 1,000,000 tokens of 4.2e+11 FLOP" in said
    assert "Work: 1e11 tokens are 74.9 days at full speed" in said
    found = sim("show", file, "--set", "efficiency.model.batch_tokens=1e6", "--json").json
    assert found["work_s"] == pytest.approx(1e11 * 6 * 70e9 / (16 * 989e12 * 0.41))
    assert found["step_s"] == pytest.approx(found["work_s"] / 1e5)
