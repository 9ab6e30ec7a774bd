"""FLOP, energy and dollars of designs, against arithmetic by hand and published figures."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples, scenarios

import sim
from sim import Account, Designs
from sim.engine.compiled.run import Runner
from sim.errors import UsageError
from sim.kernels.ledger import GPU_ONLY
from sim.planning import build
from sim.results import Runs
from sim.scenario import from_dict, loads
from sim.study.answer import Answer
from sim.study.attribution import losses
from sim.study.efficiency import in_cents
from sim.study.outlook import Outlook

from .texts import BUSY, CALM

CHIP = """
[efficiency]
chip = { peak = "1 PFLOP/s", mamf = "80 %", power = "700 W", price = "38_000 USD" }
sfu = "50 %"
server_power = "300 W"
network = { cost = "5 %", power = "0 %" }
pue = 1.2
electricity = "0.1 USD/kWh"
depreciation = "4 years"
model = { parameters = 1e9, tokens = 1e12 }
"""
USD_PER_GPU_HOUR = 38_000 / 0.95 / (4 * 8_760) + 1.0 * 1.2 * 0.1

# No fault: the job works for `every`, then stands still for `stall`, so that ETTR is what the two say.
STEADY = """
[cluster]
nodes = 1
gpus_per_node = 1
[stores.shared]
every = "{every}"
stall = "{stall}"
[run]
horizon = "30 h"
[efficiency]
chip = {{ peak = "1 PFLOP/s", mamf = "{mamf}" }}
sfu = "{sfu}"
"""


def account_of(text: str, *changes: str, n: int = 20) -> Account:
    return Account(sim.run(loads(text, overrides=changes), n))


def steady(every: str, stall: str, mamf: str, sfu: str) -> Account:
    return account_of(STEADY.format(every=every, stall=stall, mamf=mamf, sfu=sfu), n=1)


def test_the_published_example_of_two_designs() -> None:
    """90 % x 50 % x 2/3 = 30 %, against 100 % x 60 % x 90 % = 54 %."""
    one, other = steady("20 min", "10 min", "90 %", "50 %"), steady("9 min", "1 min", "100 %", "60 %")
    for account, shares, effective in ((one, (0.9, 0.5, 2 / 3), 0.30), (other, (1.0, 0.6, 0.9), 0.54)):
        assert [level.share for level in account.waterfall[1:]] == pytest.approx(shares, rel=1e-9)
        assert account.waterfall[-1].of_peak == pytest.approx(effective, rel=1e-9)
        assert account.estimates()["effective_mfu"].mean == pytest.approx(effective, rel=1e-9)
        assert account.waterfall[-1].exaflops == pytest.approx(effective / 1000, rel=1e-9)


def test_50_percent_mfu_does_25_percent_more_than_40() -> None:
    text = BUSY + CHIP.replace('sfu = "50 %"', 'mfu = "40 %"')
    cases = [loads(text), loads(text, overrides=["efficiency.mfu=50 %"])]
    designs = Designs(sim.compare(*cases, replications=20))
    (change,) = designs.changes
    for name in ("model_flops_done", "tokens_done", "effective_exaflops", "exaflops_per_mw", "gflops_per_usd"):
        assert change[name].relative.mean == pytest.approx(0.25, rel=1e-12)
        assert change[name].relative.half_width < 1e-9
    assert change["cost_usd"].relative.mean == 0
    assert change["training_days"].relative.mean == pytest.approx(1 / 1.25 - 1, rel=1e-12)
    # The same work in tokens: 25 % faster stepping ends it in less wall clock by as much where nothing fails.
    work = CALM_WORK + CHIP.replace('sfu = "50 %"', 'mfu = "40 %"')
    slow, fast = (account_of(work, f"efficiency.mfu={mfu} %", n=1) for mfu in (40, 50))
    assert slow.answer.runs.rows["wall_s"][0] / fast.answer.runs.rows["wall_s"][0] == pytest.approx(1.25, rel=1e-6)
    assert slow.estimates()["tokens_done"].mean == pytest.approx(1e12, rel=1e-6)


CALM_WORK = """
[cluster]
nodes = 2
[run]
work = "1e12 tokens"
initial_start = false
"""


def test_figures_by_hand() -> None:
    account = account_of(BUSY + CHIP)
    rows, plan = account.answer.runs.rows, account.answer.runs.plan
    job, held = plan.job_nodes * plan.gpus_per_node, plan.nodes * plan.gpus_per_node
    assert (account.job_gpus, account.held_gpus) == (job, held)
    assert held > job
    found = {name: each.mean for name, each in account.estimates().items()}
    ettr, days = account.answer.ettr.mean, float(rows["wall_s"].mean()) / 86_400
    exaflops = job * 1e15 * 0.4 * ettr / 1e18
    usd_per_day = held * 24 * USD_PER_GPU_HOUR
    by_hand = {
        "effective_mfu": 0.4 * ettr,
        "effective_exaflops": exaflops,
        "model_flops_done": exaflops * 1e18 * days * 86_400,
        "tokens_done": exaflops * 1e18 * days * 86_400 / 6e9,
        "tokens_per_day": exaflops * 1e18 * 86_400 / 6e9,
        "exaflops_per_mw": exaflops / (held * 1.2e3 / 1e6),
        "energy_mwh": held * 1.2e-3 * days * 24,
        "gflops_per_usd": exaflops * 1e9 / (held * 40_000),
        "usd_per_day": usd_per_day,
        "cost_usd": usd_per_day * days,
        "usd_per_exaflop_day": usd_per_day / exaflops,
        "usd_per_useful_gpu_hour": held * USD_PER_GPU_HOUR / (job * ettr),
        "training_days": 1e12 * 6e9 / (exaflops * 1e18) / 86_400,
    }
    for name, value in by_hand.items():
        assert found[name] == pytest.approx(value, rel=1e-9), name
    assert found["training_usd"] == pytest.approx(found["training_days"] * usd_per_day, rel=1e-9)
    assert found["training_mwh"] == pytest.approx(found["training_days"] * held * 1.2e-3 * 24, rel=1e-9)
    lost = account.answer.levelled.ledger_gpu_s["lost_work"].mean() / 3600
    assert found["lost_work_mwh"] == pytest.approx(lost * 1.2e-3, rel=1e-9)
    productive = account.answer.levelled.ledger_gpu_s["productive"].mean() / 3600
    assert found["unproductive_mwh"] == pytest.approx(found["energy_mwh"] - productive * 1.2e-3, rel=1e-9)
    assert account.it_power_w == pytest.approx(held * 1_000)
    assert account.meter_power_w == pytest.approx(held * 1_200)
    assert account.capital_usd == pytest.approx(held * 40_000)
    assert set(found) == {*by_hand, "training_usd", "training_mwh", "lost_work_mwh", "unproductive_mwh"}


def test_intervals_are_those_of_ettr() -> None:
    account = account_of(BUSY + CHIP)
    ettr, found = account.answer.ettr, account.estimates()
    assert ettr.low is not None
    for name, factor in (("effective_mfu", 0.4), ("effective_exaflops", account.job_gpus * 4e-4)):
        assert (found[name].low, found[name].n) == (pytest.approx(factor * ettr.low, rel=1e-9), ettr.n)
    alone = account_of(BUSY + CHIP, n=1).estimates()["usd_per_exaflop_day"]
    assert (alone.low, alone.high) == (None, None)


def test_idle_spares_may_draw_less() -> None:
    full, less = account_of(BUSY + CHIP), account_of(BUSY + CHIP, "efficiency.idle_power=30 %")
    for one, other in zip(full.buckets, less.buckets, strict=True):
        assert one.mwh is not None
        assert other.mwh == pytest.approx(one.mwh * (0.3 if one.bucket in GPU_ONLY else 1.0))
        assert (one.usd, other.usd) != (None, None)
    assert full.total_usd is not None
    assert less.total_usd is not None
    saved = 0.7 * sum(each.mwh or 0.0 for each in full.buckets if each.bucket in GPU_ONLY)
    assert full.total_usd - less.total_usd == pytest.approx(saved * 100, abs=0.02)  # 100 USD/MWh, to the cent


@examples(30)
@given(scenarios())
def test_dollars_of_the_buckets_add_up_to_the_cent(data: dict) -> None:  # type: ignore[type-arg]
    data = {**data, "efficiency": loads("cluster.nodes=1\nrun.horizon='1 h'" + CHIP).resolved()["efficiency"]}
    scenario = from_dict(data)
    plan = build(scenario)
    runs = Runs(scenario, plan, Runner(plan).run(0, 3))
    account = Account(Answer(runs))
    runs = account.answer.levelled
    assert account.total_usd is not None
    cents = [round(100 * each.usd.mean) for each in account.buckets if each.usd is not None]
    assert len(cents) == len(runs.ledger_gpu_s)
    assert sum(cents) == round(100 * account.total_usd)
    hours = runs.gpus_held * float(runs.rows["wall_s"].mean()) / 3600
    assert account.total_usd == pytest.approx(hours * USD_PER_GPU_HOUR, rel=1e-9, abs=0.006)
    for each in account.buckets:
        assert each.usd is not None
        assert abs(each.usd.mean - each.gpu_hours * USD_PER_GPU_HOUR) < 0.011 + 1e-9 * account.total_usd
    # What all causes cost is the wall clock of the job's GPUs that is not productive.
    lost = float((runs.rows["wall_s"] - runs.ledger_s["productive"]).mean()) / 3600 * account.job_gpus
    assert math.fsum(each.usd.mean for each in account.causes) == pytest.approx(lost * USD_PER_GPU_HOUR, rel=1e-9)
    assert [each.name for each in account.causes] == [each.name for each in losses(runs)]


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=20))
def test_cents_add_up(dollars: list[float]) -> None:
    cents = [round(100 * each) for each in in_cents(dollars)]
    assert sum(cents) == round(100 * math.fsum(dollars))
    assert all(abs(one / 100 - other) < 0.01 + 1e-6 for one, other in zip(cents, dollars, strict=True))


def test_what_is_not_known_is_left_out() -> None:
    unknown = CHIP.replace(', price = "38_000 USD"', "")
    account = account_of(CALM + unknown, n=2)
    assert account.missing == ["efficiency.node_price"]
    assert account.total_usd is None
    assert account.causes == []
    assert all(each.usd is None and each.mwh is not None for each in account.buckets)
    assert not any("usd" in name for name in account.figures)
    assert "exaflops_per_mw" in account.figures
    dark = account_of(CALM + unknown.replace(', power = "700 W"', "").replace('server_power = "300 W"', ""), n=2)
    assert dark.missing == ["efficiency.chip.power", "efficiency.node_price"]
    assert all(each.mwh is None for each in dark.buckets)
    assert set(dark.figures) == {
        "effective_mfu", "effective_exaflops", "model_flops_done", "tokens_done", "tokens_per_day", "training_days",
    }  # fmt: skip


def test_a_run_without_progress_has_no_price_of_work() -> None:
    text = CALM + CHIP
    account = account_of(text, "run.initial_start=true", "recovery.restart=100 days", "run.horizon=1 day", n=2)
    assert account.answer.ettr.mean == 0
    assert {"usd_per_exaflop_day", "training_days"}.isdisjoint(account.figures)
    assert account.estimates()["effective_exaflops"].mean == 0
    designs = Designs(sim.compare(account.answer.runs.scenario, loads(text), replications=2))
    relative = designs.changes[0]["effective_exaflops"].relative
    assert math.isinf(relative.mean)
    assert relative.as_dict()["mean"] is None


def test_a_scenario_without_efficiency_is_refused() -> None:
    with pytest.raises(UsageError, match=r"has no \[efficiency\]"):
        account_of(CALM, n=1)


def test_differences_are_paired() -> None:
    cases = [loads(BUSY + CHIP), loads(BUSY + CHIP, overrides=["recovery.swap.stages.warm_up=10 s"])]
    designs = Designs(sim.compare(*cases, replications=40))
    comparison = designs.comparison.differences[0]
    (change,) = designs.changes
    factor = designs.accounts[0].job_gpus * 4e-4
    ettr, exaflops = comparison.ettr, change["effective_exaflops"].difference
    assert (exaflops.mean, exaflops.low) == pytest.approx((factor * ettr.mean, factor * (ettr.low or 0.0)), rel=1e-9)
    relative = change["effective_exaflops"].relative
    assert relative.mean == pytest.approx(ettr.mean / designs.accounts[0].answer.ettr.mean, rel=1e-9)
    apart = [account.estimates()["effective_exaflops"].half_width for account in designs.accounts]
    assert exaflops.half_width < math.hypot(*apart)
    # By the delta method the relative change of a price is that of its inverse, turned round.
    price = change["usd_per_exaflop_day"].relative
    assert price.mean == pytest.approx(1 / (1 + relative.mean) - 1, rel=1e-9)


def test_job_mtbf_of_the_published_node_rate() -> None:
    """6.50 faults per 1000 node-days (B01): 1.80 h at 16,384 GPUs (B05), 0.225 h at 131,072 (B06)."""
    for gpus, hours in ((16_384, 1.80), (131_072, 0.225)):
        nodes = gpus // 8
        text = f'[cluster]\nnodes = {nodes}\n[faults.node]\nper = "node"\nper_1000_node_days = 6.5\n'
        scenario = loads(text + '[run]\nhorizon = "1 day"\n')
        mtbf_h = Outlook(build(scenario)).job_mtbf_s / 3600
        assert mtbf_h == pytest.approx(1000 * 24 / (6.5 * nodes), rel=1e-9)
        assert mtbf_h == pytest.approx(hours, rel=0.002)


def test_100_000_links_of_5_years_fail_first_after_26_28_minutes() -> None:
    """D04: 5 x 8760 x 60 / 100,000. The engine's mean of 4,096 first faults lies within 4.5 standard errors of it; that
    of an exponential law is its mean / 64, so a rate that is 7 % wrong fails.
    """
    text = """
[cluster]
nodes = 12_500
[faults.link]
per = "gpu"
mtbf = "5 years"
[recovery]
restart = "100 years"
[run]
horizon = "10 days"
"""
    plan = build(loads(text))
    assert Outlook(plan).job_mtbf_s / 60 == pytest.approx(26.28, rel=1e-9)
    rows = Runner(plan).run(0, 4_096)
    first = rows["ledger"][:, 0] + rows["lost_of"][:, 0]  # without a store all work is lost
    mean = float(np.mean(first)) / 60
    assert abs(mean - 26.28) < 4.5 * 26.28 / 64


def test_a_save_of_40_s_every_3_hours_costs_0_37_percent() -> None:
    """E21: BLOOM-176B."""
    text = STEADY.format(every="3 h", stall="40 s", mamf="80 %", sfu="50 %").replace("30 h", "300 days")
    answer = sim.run(loads(text), 1)
    stall, productive = (float(answer.runs.ledger_s[name][0]) for name in ("save_stall", "productive"))
    assert round(100 * stall / productive, 2) == 0.37
