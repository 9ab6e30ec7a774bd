"""What ``llama3-405b-cost.toml`` says in its head, and what was published of the whole run."""

import re
from pathlib import Path

import pytest

import sim

FILE = Path(__file__).parents[2] / "scenarios" / "llama3-405b-cost.toml"
TEXT = " ".join(FILE.read_text(encoding="utf-8").replace("#", "").split())
HALF_RESTART = ["recovery.restart=4 min"]
HALF_INTERVAL = ["stores.tectonic.every=5 min"]


def said(pattern: str) -> float:
    found = re.search(pattern, TEXT)
    assert found, pattern
    return float(found[1].replace(",", ""))


@pytest.fixture(scope="module")
def designs() -> sim.Designs:
    cases = [sim.load(FILE, changes) for changes in ([], HALF_RESTART, HALF_INTERVAL)]
    return sim.Designs(sim.compare(*cases, replications=64))


def test_its_head_says_what_it_costs(designs: sim.Designs) -> None:
    account = designs.accounts[0]
    found = {name: each.mean for name, each in account.estimates().items()}
    assert 100 * found["effective_mfu"] == pytest.approx(said(r"([\d.]+) % of the peak is effective"), abs=0.06)
    assert found["effective_exaflops"] == pytest.approx(said(r"([\d.]+) exaflop/s"), abs=0.01)
    assert found["training_days"] == pytest.approx(said(r"trained in ([\d.]+) days"), abs=0.1)
    assert found["training_usd"] / 1e6 == pytest.approx(said(r"for ([\d.]+) million USD"), abs=0.1)
    assert found["training_mwh"] / 1e3 == pytest.approx(said(r"and ([\d.]+) GWh"), abs=0.1)
    assert found["usd_per_useful_gpu_hour"] == pytest.approx(said(r"or ([\d.]+) USD for each"), abs=0.006)
    assert found["usd_per_day"] == pytest.approx(said(r"delay costs ([\d,]+) USD"), abs=500)
    assert account.total_usd is not None
    buckets = {each.bucket: each.usd.mean / 1e6 for each in account.buckets if each.usd is not None}
    unproductive = account.total_usd / 1e6 - buckets["productive"]
    assert unproductive == pytest.approx(said(r"([\d.]+) million USD, buys no progress"), abs=0.06)
    assert 100e6 * unproductive / account.total_usd == pytest.approx(said(r"([\d.]+) % of the money"), abs=0.1)
    assert buckets["restart"] == pytest.approx(said(r"restarts ([\d.]+) million"), abs=0.06)
    assert buckets["lost_work"] == pytest.approx(said(r"lost work ([\d.]+),"), abs=0.06)
    gpu = next(each for each in account.causes if each.name == "gpu")
    assert gpu.usd.mean / 1e6 == pytest.approx(said(r"which cause both\) ([\d.]+)\."), abs=0.06)


def test_its_head_says_what_would_save(designs: sim.Designs) -> None:
    restart, interval = designs.changes
    assert -restart["training_days"].difference.mean == pytest.approx(said(r"ends ([\d.]+) days earlier"), abs=0.06)
    assert -restart["cost_usd"].difference.mean / 1e6 == pytest.approx(said(r"saves ([\d.]+) million USD;"), abs=0.03)
    assert -interval["cost_usd"].difference.mean / 1e6 == pytest.approx(
        said(r"interval saves ([\d.]+) million"), abs=0.03
    )


def test_the_whole_run_is_near_what_was_published(designs: sim.Designs) -> None:
    """About 30.8 million GPU-hours: those of the job are fewer, since all of it runs at the MFU of its fastest part."""
    account = designs.accounts[0]
    gpu_hours = account.estimates()["training_days"].mean * 24 * account.job_gpus
    assert gpu_hours / 1e6 == pytest.approx(said(r"take ([\d.]+) million GPU-hours of the job"), abs=0.06)
    assert 0.90 < gpu_hours / 30.8e6 < 1.0
