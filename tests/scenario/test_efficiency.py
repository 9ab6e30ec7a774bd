"""`[efficiency]`: what loads, what follows from it, and what is refused where."""

import csv
from pathlib import Path

import pytest

from sim.chips import catalogue
from sim.errors import ScenarioError
from sim.planning import build
from sim.scenario import Scenario, from_dict, loads, units

from .examples import SMALL
from .files import Files

CASE = """\
[cluster]
nodes = 2_080
[job]
nodes = 2_048
[efficiency]
chip = "h100-sxm"
mfu = "41 %"
[stores.remote]
every = "30 min"
stall = "20 s"
[run]
horizon = "54 days"
"""
GPUS = 16_384
SPEED = GPUS * 989e12 * 0.41
MODEL = "efficiency.model={parameters=405e9, tokens=15.6e12}"


def until(work: str, *changes: str) -> Scenario:
    return loads(CASE.replace('horizon = "54 days"', f'work = "{work}"'), overrides=changes)


def refused(*changes: str, text: str = CASE) -> str:
    with pytest.raises(ScenarioError) as error:
        loads(text, "case.toml", overrides=changes)
    (problem,) = error.value.problems
    return str(problem)


def test_figures_come_from_the_catalogue_each_with_its_source() -> None:
    scenario = loads(CASE)
    found = scenario.efficiency
    assert found is not None
    assert (found.peak, found.mamf, found.mfu) == (989e12, 794.5e12, 0.41)
    assert found.sfu == pytest.approx(0.41 * 989 / 794.5, rel=1e-12)
    assert (found.power, found.server_power, found.price) == (700.0, 575.0, 310_000 / 8)
    for path in ("chip.peak", "chip.mamf", "chip.power", "chip.price", "server_power", "pue", "electricity"):
        assert scenario.source_of("efficiency", *path.split(".")), path
    entries = [entry for entry in scenario if entry.path[0] == "efficiency"]
    assert all(entry.source or not entry.default for entry in entries)
    assert all("20" in entry.source or "assumption" in entry.source for entry in entries if entry.unit in ("W", "USD"))


@pytest.mark.parametrize("name", catalogue())
def test_every_chip_loads_in_every_precision_that_it_has(name: str) -> None:
    chip = catalogue()[name]
    assert chip.peak.keys() == chip.mamf.keys()
    for precision in chip.peak:
        scenario = loads(CASE, overrides=[f"efficiency.chip={name}", f"efficiency.precision={precision}"])
        assert scenario.efficiency is not None
        assert scenario.efficiency.mamf == chip.mamf[precision] <= chip.peak[precision]
        assert from_dict(scenario.resolved()).sha256() == scenario.sha256()


def test_the_catalogue_has_every_row_that_was_measured() -> None:
    folder = Path(__file__).parents[2] / "sim" / "chips"
    with (folder / "mamf.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    with (folder / "chips.csv").open(encoding="utf-8") as stream:
        used = {(name, row[name]) for row in csv.DictReader(stream) for name in ("bf16", "fp8") if row[name]}
    assert used == {(row["dtype"], row["accelerator"]) for row in rows}
    for row in rows:  # the share that the source prints, to its digits
        assert 100 * float(row["mamf_tflops"]) / float(row["theory_tflops"]) == pytest.approx(
            float(row["efficiency"].rstrip("%")), abs=0.06
        )
    assert "CC-BY-SA-4.0" in (folder / "NOTICE.md").read_text(encoding="utf-8")


def test_mfu_and_sfu_follow_from_each_other() -> None:
    by_mfu = loads(CASE, overrides=["efficiency.mfu=400 TFLOP/s"]).efficiency
    assert by_mfu is not None
    assert by_mfu.sfu == pytest.approx(400 / 794.5, rel=1e-12)
    assert round(by_mfu.sfu, 2) == 0.50
    by_sfu = loads(CASE.replace('mfu = "41 %"', 'sfu = "50 %"')).efficiency
    assert by_sfu is not None
    assert by_sfu.mfu == pytest.approx(0.5 * 794.5 / 989, rel=1e-12)


def test_100_000_h100_need_about_150_mw_of_it_power() -> None:
    """700 W, 575 W of the server and 10 % beside it are 1,402.5 W a GPU; the source rounds its 140 MW up to 150."""
    found = loads(CASE).efficiency
    assert found is not None
    assert found.it_power is not None
    assert found.it_power == pytest.approx(1.1 * 1_275, rel=2e-4)  # the default is rounded to 9.1 %
    assert 140e6 < 100_000 * found.it_power < 150e6


def test_a_chip_of_ones_own() -> None:
    scenario = loads(
        CASE.replace(
            'chip = "h100-sxm"',
            'chip = { name = "next", peak = "10 PFLOP/s", mamf = "75 %", power = "2 kW" }\nnode_price = "800_000 USD"',
        )
    )
    found = scenario.efficiency
    assert found is not None
    assert (found.chip, found.peak, found.mamf, found.power) == ("next", 1e16, 7.5e15, 2_000.0)
    assert (found.server_power, found.price) == (575.0, 100_000.0)
    assert "assumption" in scenario.source_of("efficiency", "server_power")
    assert from_dict(scenario.resolved()).sha256() == scenario.sha256()
    changed = loads(CASE.replace('"h100-sxm"', '{ name = "h100-sxm", power = "650 W" }')).efficiency
    assert changed is not None
    assert (changed.power, changed.peak) == (650.0, 989e12)


def test_a_scenario_without_it_is_what_it_was() -> None:
    scenario = loads(SMALL)
    assert scenario.efficiency is None
    assert "efficiency" not in scenario.resolved()


def test_it_changes_no_plan() -> None:
    plain = CASE[: CASE.index("[efficiency]")] + CASE[CASE.index("[stores.remote]") :]
    assert build(loads(CASE)) == build(loads(plain))


def test_a_later_file_wins(files: Files) -> None:
    text = 'include = ["base.toml"]\n[efficiency]\nsfu = "50 %"\nchip = "b200-sxm"\n'
    found = files.load(text, base=CASE).efficiency
    assert found is not None
    assert (found.chip, found.sfu) == ("b200-sxm", 0.5)
    assert files.load('include = ["base.toml"]\nefficiency = false\n', base=CASE).efficiency is None


REFUSED = [
    ("efficiency.mfu=5e-324", "efficiency.mfu: leaves less than 1 FLOP/s"),
    ("efficiency.model={parameters=1e18, batch_tokens=1e18}", "efficiency.model.batch_tokens: makes a step of"),
    ("efficiency.model={parameters=0.5}", "efficiency.model.parameters: is too small"),
    ("efficiency.mfu=81 %", 'efficiency.mfu: is 81.00% of the peak, but matrix products reach 80.33% (MAMF)'),
    ("efficiency.mfu=800 TFLOP/s", "efficiency.mfu: is 80.89% of the peak"),
    ("efficiency.mfu=0", "efficiency.mfu: is too small"),
    ("efficiency.mfu=41", "efficiency.mfu: is too large; given 41; allowed: a share of the peak above 0, at most 1"),
    ("efficiency.mfu=400 TFLOP", "efficiency.mfu: is a count of FLOP, not a speed in FLOP/s"),
    ("efficiency.sfu=50 %", "efficiency.sfu: is given beside mfu"),
    ("efficiency.pue=0.99", "efficiency.pue: is too small; given 0.99; allowed: facility power / IT power: a number"),
    ("efficiency.node_price=-1 USD", "efficiency.node_price: must not be negative"),
    ("efficiency.electricity=-0.1 USD/kWh", "efficiency.electricity: must not be negative"),
    ("efficiency.electricity=0.1 USD", "efficiency.electricity: is an amount of money, not a price of energy"),
    ("efficiency.server_power=575", 'did you mean "575 W" or "575 kW"?'),
    ("efficiency.chip=h100", 'did you mean "h100-sxm"?'),
    ("efficiency.chip=abacus", "give peak and mamf of a chip that is not in the catalogue"),
    ("efficiency.chip=7", "efficiency.chip: must be a chip's name or a table"),
    ('efficiency.chip={peak="1 PFLOP/s"}', "efficiency.chip: says no mamf"),
    ('efficiency.chip={peak="989 TFLOPS", mamf="80 %"}', 'write "TFLOP/s"'),
    ('efficiency.chip={peak="1 PFLOP/s", mamf="2 PFLOP/s"}', "efficiency.chip.mamf: is 2 of the peak"),
    ('efficiency.chip={name="h100-sxm", price="-1 USD"}', "efficiency.chip.price: must not be negative"),
    ("efficiency.precision=fp4", 'is "fp4", in which no figure of h100-sxm is known'),
    ("efficiency.network.cost=1", "efficiency.network.cost: is too large"),
    ("efficiency.idle_power=110 %", "efficiency.idle_power: is too large"),
    ("efficiency.depreciation=0 s", "efficiency.depreciation: is too small"),
    ("efficiency.model={tokens=1e12}", "efficiency.model.parameters: is missing"),
    ("efficiency.moddel={}", 'did you mean "model"?'),
]  # fmt: skip


@pytest.mark.parametrize(("change", "said"), REFUSED, ids=[change for change, _ in REFUSED])
def test_what_cannot_be_is_refused(change: str, said: str) -> None:
    assert said in refused(change)


def test_what_is_refused_has_its_line() -> None:
    assert refused(text=CASE.replace("41 %", "91 %")).startswith("case.toml:7: efficiency.mfu: is 91.00%")
    assert refused(text=CASE.replace("h100", "h1000")).startswith("case.toml:6: efficiency.chip: is no chip")
    assert refused(text=CASE.replace('mfu = "41 %"', "")).startswith(
        "case.toml:5: efficiency: does not say how fast the job steps"
    )


def test_what_is_wrong_in_it_is_said_once() -> None:
    text = CASE.replace("41 %", "91 %").replace('stall = "20 s"', 'bandwidth = "2 TB/s"')
    text = text.replace('horizon = "54 days"', 'work = "1e12 tokens"')
    assert "efficiency.mfu" in refused(text=text)


@pytest.mark.parametrize(
    ("work", "seconds"),
    [
        ("15.6e12 tokens", 15.6e12 * 6 * 405e9 / SPEED),
        ("3.8e25 FLOP", 3.8e25 / SPEED),
        ("1 EFLOP", 1e18 / SPEED),
        ("1000 steps", 1000 * 16e6 * 6 * 405e9 / SPEED),
        ("54 days", 54 * 86_400),
    ],
)
def test_work_in_the_models_own_terms(work: str, seconds: float) -> None:
    scenario = until(work, MODEL, "efficiency.model.batch_tokens=16e6")
    assert scenario.run.work == pytest.approx(seconds, rel=1e-12)
    assert scenario.run.work is not None
    assert scenario.run.work.written == work
    again = from_dict(scenario.resolved())
    assert (again.run.work, again.job.step, again.sha256()) == (scenario.run.work, scenario.job.step, scenario.sha256())


def test_the_tokens_of_llama_3_are_the_flop_that_were_published() -> None:
    """3.8e25 (The Llama 3 Herd of Models, section 3) has two digits: half of the last one is 1.3 %."""
    tokens, flop = until("15.6e12 tokens", MODEL).run.work, until("3.8e25 FLOP").run.work
    assert tokens is not None
    assert flop is not None
    assert tokens / flop == pytest.approx(1.0, abs=0.013)


def test_work_moves_with_what_it_follows_from() -> None:
    now = until("1e12 tokens", MODEL).run.work
    assert now is not None
    for change, factor in (
        ("efficiency.mfu=20.5 %", 2.0), ("job.nodes=1024", 2.0), ("efficiency.model.active=40.5e9", 0.1),
        ("efficiency.model.flops_per_token=4.86e12", 2.0),
    ):  # fmt: skip
        assert until("1e12 tokens", MODEL, change).run.work == pytest.approx(factor * now, rel=1e-12)


def test_step_and_checkpoint_follow_from_the_model() -> None:
    changes = [MODEL, "efficiency.model.batch_tokens=16e6", "stores.remote.every=50 steps"]
    scenario = loads(CASE.replace('stall = "20 s"', 'bandwidth = "2 TB/s"'), overrides=changes)
    assert scenario.job.step == pytest.approx(16e6 * 6 * 405e9 / SPEED, rel=1e-12)
    assert scenario.job.checkpoint == 405e9 * 14
    assert scenario.stores["remote"].stall == pytest.approx(405e9 * 14 / 2e12)
    assert units.size(str(scenario.resolved()["job"]["checkpoint"])) == 405e9 * 14
    given = loads(CASE, overrides=[MODEL, "job.checkpoint=5.7 TB"])
    assert given.job.checkpoint == 5.7e12
    assert given.job.step is None
    bloom = loads(CASE, overrides=["efficiency.model={parameters=176e9, bytes_per_parameter=13}"])
    assert bloom.job.checkpoint == pytest.approx(2.3e12, rel=0.01)  # E21: 2.3 TB of BLOOM-176B


@pytest.mark.parametrize(
    ("work", "changes", "said"),
    [
        ("1e12 tokens", [], "run.work: needs [efficiency] with a model"),
        ("1000 steps", [MODEL], "run.work: counts steps, but nothing says how long one takes"),
        ("1e40 FLOP", [], "at full speed; given"),
        ("1e-3 FLOP", [], "at full speed; given"),
        ("0 tokens", [], "run.work: is too small"),
        ("1 TFLOP/s", [], "run.work: is a speed in FLOP/s, not a count of FLOP"),
        ("1.5 steps", [], "run.work: must be a whole number of steps"),
        ("5 days/h", [], "run.work: is"),
    ],
)
def test_work_that_cannot_be(work: str, changes: list[str], said: str) -> None:
    assert said in refused(*changes, text=CASE.replace('horizon = "54 days"', f'work = "{work}"'))


def test_work_in_flop_needs_a_speed() -> None:
    text = SMALL.replace('horizon = "54 days"', 'work = "3.8e25 FLOP"')
    assert "run.work: needs [efficiency], which says how fast the job is" in refused(text=text)


def test_steps_need_only_a_step() -> None:
    found = loads(SMALL.replace('horizon = "54 days"', 'work = "600_000 steps"')).run.work
    assert found == 600_000 * 6.0


def test_a_step_must_agree_with_mfu() -> None:
    batch = [MODEL, "efficiency.model.batch_tokens=16e6"]
    assert "job.step: is not the 5.852 s that efficiency says" in refused(*batch, "job.step=6 s")
    assert loads(CASE, overrides=[*batch, "job.step=5.85 s"]).job.step == 5.85
