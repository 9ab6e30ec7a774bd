"""The sweep over the size of a scenario: what grows, what is refused, and the formulas beside it."""

from itertools import pairwise
from pathlib import Path

import pytest

from sim.batch.scale import AXIS, Size, scale_sweep, sizes
from sim.batch.sweep import run_sweep
from sim.errors import ScenarioError
from sim.scenario import load

from .texts import HOPPER, MINIMAL, SCENARIOS

SHIPPED = sorted(path.name for path in SCENARIOS.glob("*.toml"))


def nodes_of(sweep: object, key: str) -> list[int]:
    cases = sweep.cases  # type: ignore[attr-defined]
    return [int(change.partition("=")[2]) for case in cases for change in case.changes if change.startswith(f"{key}=")]


def test_thirteen_sizes_from_a_thousand_to_a_million_gpus() -> None:
    sweep = scale_sweep(HOPPER)
    gpus = [size.gpus for size in sizes(sweep)]
    assert (len(gpus), gpus[0], gpus[4], gpus[8], gpus[12]) == (13, 1_000, 10_000, 100_000, 1_000_000)
    ratios = [large / small for small, large in pairwise(gpus)]
    assert max(abs(ratio / 10**0.25 - 1) for ratio in ratios) < 0.002  # whole nodes
    assert sweep.axes[0].name == AXIS
    assert sweep.half_width == 0.0025


def test_spares_and_crews_grow_with_the_job_rounded_up() -> None:
    sweep = scale_sweep(HOPPER)
    job, hot, cold, crews, cluster = (
        nodes_of(sweep, key)
        for key in ("job.nodes", "pools.hot.nodes", "pools.cold.nodes", "repair.replace.crews", "cluster.nodes")
    )
    for i, nodes in enumerate(job):
        assert hot[i] == -(-100 * nodes // 12_500)
        assert cold[i] == -(-200 * nodes // 12_500)
        assert crews[i] == -(-120 * nodes // 12_500)
        assert cluster[i] == nodes + hot[i] + cold[i]
    at_home = job.index(12_500)
    assert sweep.scenario_of(sweep.cases[at_home]).sha256() == load(HOPPER).sha256()


@pytest.mark.parametrize("name", SHIPPED)
def test_every_scenario_that_ships_can_be_scaled(name: str) -> None:
    sweep = scale_sweep(SCENARIOS / name)
    for case in sweep.cases:
        scenario = sweep.scenario_of(case)
        pools = sum(pool.nodes for pool in scenario.pools.by_name().values())
        assert scenario.job.nodes + pools <= scenario.cluster.nodes
    base, last = load(SCENARIOS / name), sweep.scenario_of(sweep.cases[-1])
    ratio = last.job.nodes / base.job.nodes
    for pool, found in last.pools.by_name().items():
        assert 0 <= found.nodes - ratio * base.pools.by_name()[pool].nodes < 1
    assert 0.95e6 < last.job.nodes * last.cluster.gpus_per_node < 1.05e6
    assert len(sweep.cases) == 13


def test_whole_domains_stay_whole() -> None:
    sweep = scale_sweep(SCENARIOS / "nvl72.toml")
    for job, hot, cluster in zip(
        nodes_of(sweep, "job.nodes"), nodes_of(sweep, "pools.hot.nodes"), nodes_of(sweep, "cluster.nodes"), strict=True
    ):
        pods, rest = divmod(cluster, 144)
        assert (rest, job, hot) == (0, 128 * pods, 16 * pods)


def test_the_job_fills_domains_if_the_spares_do_not() -> None:
    sweep = scale_sweep(SCENARIOS / "power-and-cooling.toml")
    assert all(nodes % 64 == 0 for nodes in nodes_of(sweep, "job.nodes"))  # 16 racks of 4 are a loop


def test_maintenance_grows_wider() -> None:
    sweep = scale_sweep(SCENARIOS / "maintenance.toml")
    base = load(SCENARIOS / "maintenance.toml")
    width = base.maintenance["firmware"].width
    for job, found in zip(nodes_of(sweep, "job.nodes"), nodes_of(sweep, "maintenance.firmware.width"), strict=True):
        assert found == -(-width * job // base.job.nodes)


def test_changes_are_made_before_it_grows() -> None:
    sweep = scale_sweep(MINIMAL, ["pools.hot.nodes=32", "run.precision.half_width=1 points"])
    assert nodes_of(sweep, "pools.hot.nodes")[-1] in (32, -(-32 * 125_000 // 2048))
    assert sweep.half_width == 0.01


def test_a_precision_in_the_file_counts(tmp_path: Path) -> None:
    file = tmp_path / "precise.toml"
    file.write_text(Path(MINIMAL).read_text() + '\n[run.precision]\nhalf_width = "0.5 points"\n')
    assert scale_sweep(file).half_width == 0.005


def test_what_cannot_be_scaled_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "few.toml"
    file.write_text(
        "cluster = { nodes = 4_000, gpus_per_node = 8, groups = { feed = { domains = 500 } } }\n"
        'job = { nodes = 3_900 }\nfaults.node = { per = "node", mtbf = "1000 h" }\nrun.horizon = "1 day"\n'
    )
    with pytest.raises(ScenarioError) as refused:
        scale_sweep(file)
    (problem,) = refused.value.problems
    assert str(problem).startswith(f"{file}: axes: case 0 (nodes = 125): ")
    assert "deals 129 to 500 domains" in str(problem)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="does not exist"):
        scale_sweep(tmp_path / "none.toml")


EXACT = """
name = "what the exact formula assumes"
cluster = { nodes = 200, gpus_per_node = 8 }
job = { nodes = 200 }
faults.gpu = { per = "gpu", mtbf = "100_000 h", takes = "nothing", needs = "process" }
detect.stop = "1 min"
stores.remote = { every = "5 min", stall = "5 s" }
recovery = { restart = "3 min" }
run.horizon = "60 days"
"""


def test_the_simulation_agrees_with_the_exact_formula_where_that_is_exact(tmp_path: Path) -> None:
    """What the ends of a run change is half an interval in 17,000, 0.003 points: a tenth of a standard error."""
    (tmp_path / "exact.toml").write_text(EXACT)
    sweep = scale_sweep(tmp_path / "exact.toml", ["run.precision.half_width=0.05 points"])
    found = sizes(sweep)
    assert all(size.broken == () for size in found)
    swept = run_sweep(sweep, tmp_path / "out", jobs=1)
    for size, summary in zip(found, swept.summaries, strict=True):
        assert summary is not None
        assert size.exact is not None
        error = summary.ettr.half_width / 1.96
        assert abs(summary.ettr.mean - size.exact) < 4.5 * error, size.gpus
    assert found[0].job_mtbf_s == pytest.approx(100_000 * 3600 / 1_000)
    assert found[0].first_order == pytest.approx(found[0].exact, abs=0.001)
    assert found[-1].first_order is not None
    assert found[-1].first_order < 0 < (found[-1].exact or 0)


def test_a_size_in_json_has_no_infinity() -> None:
    assert Size(1, float("inf"), None, 1.0, ()).as_dict()["job_mtbf_s"] is None
