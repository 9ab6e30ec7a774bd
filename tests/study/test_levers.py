"""What can be halved and doubled, and what is said of the rest."""

from pathlib import Path

import pytest

from sim.scenario import load, loads
from sim.study.knobs import maker
from sim.study.levers import levers

from .texts import BUSY, CALM

SCENARIOS = Path(__file__).parents[2] / "scenarios"
HOPPER = {each.name: each for each in levers(maker(SCENARIOS / "hopper-100k.toml"))}


@pytest.mark.parametrize(
    ("name", "half"),
    [
        ("MTBF of gpu", ('faults.gpu.observed.over="612 h"',)),
        ("detect.stop", ('detect.stop="15 s"',)),
        ("job.checkpoint", ('job.checkpoint="14 TB"',)),
        ("stores.shared.every", ('stores.shared.every="2.5 min"',)),
        ("recovery.swap.stages.diagnosis", ('recovery.swap.stages.diagnosis="0.5 min"',)),
        (
            "recovery.swap.stages.restart",
            ('recovery.swap.stages.restart.mean="1.5 min"', 'recovery.swap.stages.restart.sd="1 min"'),
        ),
        ("pools.cold.nodes", ("pools.cold.nodes=100", "cluster.nodes=12700")),
        ("repair.replace.time", ('repair.replace.time.mean="1.5 days"', 'repair.replace.time.sd="1 day"')),
        ("repair.replace.crews", ("repair.replace.crews=60",)),
    ],
)
def test_what_is_halved(name: str, half: tuple[str, ...]) -> None:
    turn = HOPPER[name].turns[0]
    assert turn.factor == 0.5
    assert [change.replace("days", "day") for change in turn.changes] == [each.replace("days", "day") for each in half]
    load(SCENARIOS / "hopper-100k.toml", turn.changes)


def test_every_turn_that_is_not_refused_sets_what_it_says() -> None:
    base = load(SCENARIOS / "hopper-100k.toml")
    for each in HOPPER.values():
        for turn in each.turns:
            if turn.refused is None:
                assert load(SCENARIOS / "hopper-100k.toml", turn.changes).sha256() != base.sha256()
            else:
                assert turn.changes == ()


def test_all_recovery_and_all_sources_are_there() -> None:
    scenario = load(SCENARIOS / "hopper-100k.toml")
    assert {f"MTBF of {name}" for name in scenario.faults} <= set(HOPPER)
    rules = {name: rule for name, rule in scenario.resolved()["recovery"].items() if isinstance(rule, dict)}
    stages = {f"recovery.{name}.stages.{one}" for name, rule in rules.items() for one in rule["stages"]}
    assert len(stages) == 9
    assert stages <= set(HOPPER)


def test_rates_are_turned_the_other_way() -> None:
    for rate in ('afr = "9 %/year"', "fit = 9e5", "per_1000_node_days = 4.0"):
        text = f'cluster.nodes = 4\nfaults.node = {{ per = "node", {rate} }}\nrun.horizon = "9 days"\n'
        (half, twice) = next(each for each in levers(maker(loads(text))) if each.name == "MTBF of node").turns
        now, less, more = (
            float(loads(text, overrides=turn).faults["node"].rate) for turn in ((), half.changes, twice.changes)
        )
        assert (less, more) == (pytest.approx(2 * now), pytest.approx(now / 2))


def test_reasons() -> None:
    assert HOPPER["detect.hang.poll"].turns[0].refused == "is 0"
    assert HOPPER["recovery.swap.stages.load"].turns[1].refused is not None
    assert '"auto", not a number' in HOPPER["recovery.swap.stages.load"].turns[1].refused
    (one, two) = next(each for each in levers(maker(loads(BUSY))) if each.name == "repair.replace.crews").turns
    assert one.refused == "repair.replace.crews counts: 1 cannot be halved"
    assert two.changes == ("repair.replace.crews=2",)


def test_short_forms_are_set_as_the_file_writes_them() -> None:
    found = {each.name: each for each in levers(maker(SCENARIOS / "minimal.toml"))}
    assert found["detect.stop"].turns[0].changes == ('recovery.detect="0.5 min"',)
    assert found["repair.replace.time"].turns[1].changes == ('repair.time="2 day"',)


def test_spares_come_and_go_with_the_cluster_however_they_are_written(tmp_path: Path) -> None:
    for pools in ("[pools]\nhot = 4\n", "[pools.hot]\nnodes = 4\n"):
        text = f'[cluster]\nnodes = 14\n[job]\nnodes = 10\n{pools}[run]\nhorizon = "9 days"\n'
        file = tmp_path / "case.toml"
        file.write_text(text)
        found = {each.name: each for each in levers(maker(file))}
        for turn, nodes in zip(found["pools.hot.nodes"].turns, (12, 18), strict=True):
            assert load(file, turn.changes).cluster.nodes == nodes
        assert not [name for name in found if name.startswith("pools.cold")]


def test_where_nothing_fails_there_is_no_mtbf() -> None:
    assert not [each for each in levers(maker(loads(CALM))) if each.name.startswith("MTBF")]
