"""Sweep files: what they resolve to, the order of cases, and what is said of those that are wrong."""

import json
import pickle
import re
import time
import tomllib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from sim.batch.file import Sweep, load_sweep, sweep_from_dict
from sim.batch.schema import AxisTable, SampleTable, SweepTable, json_schema
from sim.batch.slurm_options import SlurmOptions, SlurmTable
from sim.errors import ScenarioError
from sim.scenario import Base, load
from sim.scenario.editor import schema_text
from sim.scenario.walk import keys_of

from .texts import EVERY, HOPPER, ROOT, SCENARIOS, SPARES, swept, written

SHIPPED = sorted((SCENARIOS / "sweeps").glob("*.toml"))
SMALL = """\
scenario = "minimal.toml"

[axes.every]
key = "stores.remote.every"
values = ["10 min", "30 min"]

[axes.nodes]
key = "cluster.nodes"
values = [2_060, 2_080, 2_100]
"""


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        written(folder, text)
    return [str(problem).replace(f"{folder}/", "") for problem in caught.value.problems]


def test_cases_are_nested_loops_in_file_order(tmp_path: Path) -> None:
    sweep = written(tmp_path, SMALL)
    assert (sweep.name, sweep.seed, sweep.replications, sweep.half_width, sweep.max_replications) == (
        "sweep", 1, None, 0.001, 4_096,
    )  # fmt: skip
    assert [case.values for case in sweep.cases] == [
        ("10 min", 2_060), ("10 min", 2_080), ("10 min", 2_100),
        ("30 min", 2_060), ("30 min", 2_080), ("30 min", 2_100),
    ]  # fmt: skip
    case = sweep.cases[4]
    assert case == sweep.cases[-2] == sweep.cases[3:][1]
    assert (case.index, case.numbers) == (4, (1_800.0, 2_080.0))
    assert case.changes == ('stores.remote.every="30 min"', "cluster.nodes=2080")
    assert sweep.scenario_of(case) == load(tmp_path / "minimal.toml", case.changes)
    assert [axis.line for axis in sweep.axes] == [3, 7]
    with pytest.raises(IndexError):
        sweep.cases[6]


def test_the_sample_is_the_innermost_loop() -> None:
    drawn = {
        "stall": {"key": "stores.remote.stall", "from": "1 s", "to": "9 s"},
        "horizon": {"key": "run.horizon", "from": "1 days", "to": "9 days"},
    }
    axes = {"stall": drawn["stall"], "nodes": SPARES, "horizon": drawn["horizon"], "every": EVERY}
    sweep = swept(axes, sample={"points": 4})
    assert len(sweep.cases) == 4 * 3 * 2
    loops = [(case.values[1], case.values[3]) for case in sweep.cases]
    assert loops == [(nodes, every) for nodes in SPARES["values"] for every in EVERY["values"] for _ in range(4)]
    points = [(case.values[0], case.values[2]) for case in sweep.cases]
    assert points == points[:4] * 6
    assert len(set(points)) == 4


def test_filters_leave_an_index_without_gaps() -> None:
    sweep = swept({"every": EVERY, "nodes": SPARES}, where=["nodes != 2080"])
    assert [case.index for case in sweep.cases] == [0, 1, 2, 3]
    assert [case.values[1] for case in sweep.cases] == [2_060, 2_100] * 2
    assert sweep.cases.positions(1).tolist() == [0, 2, 0, 2]
    assert sweep.cases.numbers(0).tolist() == [600.0, 600.0, 1_800.0, 1_800.0]


def test_set_changes_the_base(tmp_path: Path) -> None:
    text = SMALL.replace(
        "[axes.every]", '[set]\nrun.horizon = "30 days"\n"faults.node" = { per = "node", afr = 2.0 }\n\n[axes.every]'
    )
    sweep = written(tmp_path, text)
    assert sweep.scenario.run.horizon == 30 * 86_400.0
    assert sweep.cases[0].changes[:2] == ('faults.node={ per = "node", afr = 2.0 }', 'run.horizon="30 days"')
    assert sweep.scenario_of(sweep.cases[0]).faults["node"].needs == {"repair": 1.0}
    more = load_sweep(tmp_path / "sweep.toml", ['run.horizon="40 days"'])
    assert more.scenario.run.horizon == 40 * 86_400.0
    assert more.cases[0].changes[2] == 'run.horizon="40 days"'


def test_precision_and_seed_are_the_sweeps_or_the_scenarios() -> None:
    exact = swept({"a": EVERY}, replications=64, seed=5)
    assert (exact.seed, exact.replications, exact.half_width, exact.max_replications) == (5, 64, None, 64)
    wide = swept({"a": EVERY}, half_width="0.2 points", max_replications=99)
    assert (wide.seed, wide.replications, wide.half_width, wide.max_replications) == (1, None, 0.002, 99)


def test_the_description_is_stable_and_complete(tmp_path: Path) -> None:
    sweep = written(tmp_path, SMALL)
    text = json.dumps(sweep.as_dict(), allow_nan=False)
    again = written(tmp_path, "# a comment\n" + SMALL.replace("2_060", "2060") + "\n[slurm]\njobs = 3\n")
    assert json.dumps(again.as_dict()) == text
    assert json.loads(text)["axes"]["nodes"]["points"] == [2_060, 2_080, 2_100]
    changed = [
        SMALL.replace("2_060", "2_061"),
        SMALL.replace('"30 min"', '"31 min"'),
        SMALL.replace("\n\n[axes.every]", "\nseed = 2\n\n[axes.every]"),
        SMALL.replace("\n\n[axes.every]", "\nreplications = 2\n\n[axes.every]"),
        SMALL.replace("\n\n[axes.every]", '\nhalf_width = "1 points"\n\n[axes.every]'),
        SMALL.replace("\n\n[axes.every]", "\nmax_replications = 2\n\n[axes.every]"),
        SMALL.replace("\n\n[axes.every]", '\nwhere = ["nodes > 1"]\n\n[axes.every]'),
        SMALL + '[set]\nrun.horizon = "1 day"\n',
        SMALL.replace("axes.nodes", "axes.many"),
    ]
    texts = [json.dumps(written(tmp_path, each).as_dict()) for each in changed]
    assert len({text, *texts}) == len(changed) + 1
    linked = swept({"a": {"keys": ["job.nodes", "cluster.nodes"], "values": [[10, 20], [20, 30]]}})
    assert linked.as_dict()["axes"]["a"]["changes"][1] == ["job.nodes=20", "cluster.nodes=30"]


def test_all_that_is_wrong_is_said_at_once_with_lines(tmp_path: Path) -> None:
    text = (
        SMALL
        + """
[axes.twice]
key = "run.horizn"
from = "1 day"
to = "1 h"
points = 3

[sample]
points = 3

[slurm]
jobs = 0
prologue = ["a\\nb"]
"""
    )
    found = problems(tmp_path, text.replace('scenario = "minimal.toml"', 'scenario = "minimal.toml"\nreplication = 3'))
    for said in (
        "sweep.toml:2: replication: is an unknown key",
        "sweep.toml:15: axes.twice.to: is not above from",
        "sweep.toml:19: sample.points: is no power of two",
        "sweep.toml:22: slurm.jobs: is too small; given 0",
        "sweep.toml:23: slurm.prologue: must be a text on one line",
    ):
        assert any(each.startswith(said) for each in found), (said, found)


def test_conditions_are_checked_even_where_another_axis_is_broken(tmp_path: Path) -> None:
    text = (
        SMALL.replace("2_060", "true")
        .replace("cluster.nodes", "cluster.nods")
        .replace(
            "\n\n[axes.every]",
            """
seeds = 1
where = ["every < 5", "evry == 3", "nodes > 5", "ever < 'x"]

[axes.every]""",
        )
    )
    found = problems(tmp_path, text)
    keys = [each.split(": ")[1] for each in found]
    assert keys == ["seeds", "where.0", "where.1", "where.3", "axes.nodes.key"]


def test_a_sweep_needs_a_base_and_axes(tmp_path: Path) -> None:
    (one, two) = problems(tmp_path, "seed = 1\n")
    assert "scenario: is missing" in one + two
    assert "has no axes" in one + two
    (one,) = problems(tmp_path, SMALL.replace("minimal.toml", "minimum.toml"))
    assert one.startswith('sweep.toml:1: scenario: does not exist; given "minimum.toml"')
    (one,) = problems(tmp_path, SMALL.replace("minimal.toml", "https://example.org/a.toml"))
    assert "is an address, and nothing is fetched" in one
    (one,) = problems(tmp_path, SMALL.replace('scenario = "minimal.toml"', "scenario = 5"))
    assert "sweep.toml:1: scenario: must be the name of a file; given 5" in one
    found = problems(tmp_path, "axes = 5\nset = 3\nsample = 1\nslurm = 2\nwhere = 7\n" + SMALL[:26])
    assert len(found) == 5


def test_errors_of_the_base_are_said_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("[cluster]\nnodes = 0\n[run]\nhorizon = 3\n", encoding="utf-8")
    found = problems(tmp_path, SMALL.replace("minimal", "broken") + "[slurm]\njobs = 0\n")
    assert found[0].startswith("sweep.toml:11: slurm.jobs: is too small")
    assert found[1].startswith("broken.toml:2: cluster.nodes: is too small")
    assert found[2].startswith("broken.toml:4: run.horizon: needs a unit")
    (one,) = problems(tmp_path, SMALL + '[set]\nrun.horizon = "3 parsec"\n')
    assert one.startswith('sweep.toml:11: set.run.horizon: has the unknown unit "parsec"; given "3 parsec"')
    (one,) = problems(tmp_path, SMALL + '[set]\nrun.horizn = "3 h"\n')
    assert one.startswith("sweep.toml:11: set.run.horizn: is an unknown key")


def test_cases_that_are_not_valid_are_problems_of_the_sweep(tmp_path: Path) -> None:
    (one,) = problems(tmp_path, SMALL.replace("2_060", "2_000"))
    assert one.startswith("sweep.toml: axes: case 0 (every = 10 min, nodes = 2000) and 1 more: minimal.toml")
    assert "job.nodes: needs more nodes than the cluster has" in one
    assert one.endswith("or leave such cases out with where")
    (one,) = problems(tmp_path, SMALL.replace('"10 min"', '"10 TB"').replace(', "30 min"', ""))
    assert one.startswith("sweep.toml:3: axes.every: case 0 (every = 10 TB, nodes = 2060)")
    assert "stores.remote.every: is a size in bytes, not a duration" in one


def test_the_same_problem_in_many_cases_is_said_once() -> None:
    sweep = swept({"every": EVERY, "nodes": SPARES})
    failed = []
    for case in sweep.cases:
        with pytest.raises(ScenarioError) as caught:
            sweep.base.scenario([*case.changes, f"job.nodes={3_000 + case.index}", f"{'abc' * case.index}x.y=1"])
        failed.append((case, caught.value))
    said = sweep.problems_of(failed)
    assert sum("and 5 more" in problem.message for problem in said) == 1
    many = []
    for number in range(30):
        with pytest.raises(ScenarioError) as caught:
            sweep.base.scenario([f"{'x' * (number + 1)}.y=1"])
        many.append((sweep.cases[0], caught.value))
    said = sweep.problems_of(many)
    assert len(said) == 21
    assert said[-1].message == "has 10 more problems"


def test_too_many_cases_and_too_large_files_are_refused(tmp_path: Path) -> None:
    wide = {"key": "run.horizon", "from": "1 h", "to": "9 h", "points": 10_000}
    tall = {"key": "stores.remote.every", "from": "1 min", "to": "9 min", "points": 1_001}
    with pytest.raises(ScenarioError, match=r"make 10,010,000 cases \(10000 x 1001\).*10,000,000"):
        swept({"a": wide, "b": tall})
    (one,) = problems(tmp_path, "#" * 1_000_001)
    assert "at most 1 MB" in one
    with pytest.raises(ScenarioError, match="does not exist"):
        load_sweep(tmp_path / "none.toml")


def test_a_hundred_thousand_cases_are_quick() -> None:
    """0.4 s where this was written; nothing is resolved but the ends."""
    begin = time.process_time()
    sweep = swept(
        {
            "horizon": {"key": "run.horizon", "from": "10 h", "to": "1000 h", "points": 1_000},
            "every": {"key": "stores.remote.every", "from": "10 s", "to": "1 h", "points": 100},
        },
        where=["every < horizon / 2"],
    )
    assert sum(1 for _ in sweep.cases) == 100_000
    assert time.process_time() - begin < 5.0


def test_a_base_can_be_pickled_and_makes_what_load_makes() -> None:
    base = Base.read(HOPPER)
    assert len(pickle.dumps(base)) < 100_000
    again = pickle.loads(pickle.dumps(base))
    changes = ['stores.shared.every="3 min"', "pools.hot.nodes=50"]
    assert again.scenario(changes) == base.scenario(changes) == load(HOPPER, changes)
    assert base.scenario() == load(HOPPER)
    wrong = ['stores.shared.every="3 parsec"', "pools.hot.nodes=5000", "a=1", "run.horizon.x=1"]
    with pytest.raises(ScenarioError) as one:
        again.scenario(wrong)
    with pytest.raises(ScenarioError) as other:
        load(HOPPER, wrong)
    assert one.value.problems == other.value.problems


def test_sweeps_and_cases_can_be_pickled() -> None:
    sweep = swept({"every": EVERY, "nodes": SPARES}, where=["nodes > 2070"])
    again: Sweep = pickle.loads(pickle.dumps(sweep))
    assert again.as_dict() == sweep.as_dict()
    assert list(again.cases) == list(sweep.cases)


def test_nothing_is_read_again(tmp_path: Path) -> None:
    sweep = written(tmp_path, SMALL)
    for file in tmp_path.iterdir():
        file.unlink()
    assert [sweep.scenario_of(case).cluster.nodes for case in sweep.cases] == [2_060, 2_080, 2_100] * 2


def test_options_of_batch_jobs() -> None:
    assert swept({"a": EVERY}).slurm == SlurmOptions()
    given = {
        "queue": "gpu", "account": "me", "walltime": "4 h", "jobs": 40, "cores": 64, "memory": "128 GB",
        "processes": 32, "directives": ["#SBATCH --exclusive"], "prologue": ["module load python"],
        "python": "/opt/my python/bin/python", "interface": "ib0",
    }  # fmt: skip
    assert swept({"a": EVERY}, slurm=given).slurm == SlurmOptions(
        "gpu", "me", 14_400.0, 40, 64, 128e9, 32, ("#SBATCH --exclusive",), ("module load python",),
        "/opt/my python/bin/python", "ib0",
    )  # fmt: skip
    four = swept({"a": EVERY}, slurm={"cores": 4}).slurm
    assert (four.processes, four.memory_bytes) == (4, 8e9)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"queue": "a b"}, "slurm.queue: must be one word"),
        ({"queue": "--wrap=x"}, "slurm.queue: must be one word"),
        ({"queue": "a\nb"}, "slurm.queue: must be a text on one line"),
        ({"directives": ["--exclusive"]}, "does not begin with #SBATCH"),
        ({"directives": ["#SBATCH a\nrm x"]}, "must be a text on one line"),
        ({"prologue": "module load x"}, "must be an array of texts"),
        ({"cores": 2, "processes": 3}, "slurm.processes: is more than the 2 cores"),
        ({"walltime": 3}, "slurm.walltime: needs a unit"),
        ({"partition": "x"}, "slurm.partition: is an unknown key"),
    ],
)
def test_options_of_batch_jobs_that_are_refused(options: dict, said: str) -> None:
    with pytest.raises(ScenarioError, match=re.escape(said)):
        swept({"a": EVERY}, slurm=options)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_every_case_of_the_shipped_sweeps_is_valid(path: Path) -> None:
    sweep = load_sweep(path)
    assert 10 <= len(sweep.cases) <= 50
    assert len({sweep.scenario_of(case).sha256() for case in sweep.cases}) == len(sweep.cases)


def test_the_scale_keeps_the_proportions() -> None:
    sweep = load_sweep(SCENARIOS / "sweeps" / "scale.toml")
    base = sweep.scenario
    assert len(sweep.cases) == 13
    for number, case in enumerate(sweep.cases):
        made = sweep.scenario_of(case)
        assert made.job.nodes == round(125 * 10 ** (number / 4))
        share = made.job.nodes / base.job.nodes
        crews = made.repair.stages["replace"].crews
        expected = [base.pools.hot.nodes, base.pools.cold.nodes, base.repair.stages["replace"].crews]
        assert [made.pools.hot.nodes, made.pools.cold.nodes, crews] == [max(1, round(share * n)) for n in expected]
        assert made.cluster.nodes == made.job.nodes + made.pools.hot.nodes + made.pools.cold.nodes
    assert 8 * sweep.scenario_of(sweep.cases[-1]).job.nodes == 1_000_000


def test_the_page_names_every_key_and_its_example_is_a_sweep() -> None:
    page = (ROOT / "docs" / "sweep.md").read_text(encoding="utf-8")
    tables = {"sample": "[sample]", "slurm": "[slurm]", "set": "[set]", "axes": "[axes.NAME]"}
    rows = set(re.findall(r"^\| (`.*?) \|", page, re.MULTILINE))
    named = {name for row in rows for name in re.findall(r"`(.*?)`", row)}
    keys = {key for table in (SweepTable, AxisTable, SampleTable, SlurmTable) for key in keys_of(table)}
    assert named == {tables.get(key, key) for key in keys}
    (example,) = re.findall(r"^```toml\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    sweep = sweep_from_dict(tomllib.loads(example), folder=SCENARIOS / "sweeps")
    assert 0 < len(sweep.cases) < 3 * 5 * 3 * 128


def test_the_python_example_of_the_page_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    page = (ROOT / "docs" / "sweep.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    monkeypatch.chdir(ROOT)
    exec(compile(example, "sweep.md", "exec"), {})
    assert capsys.readouterr().out.startswith("24 ['repair', 'spares']")


VALUES = st.recursive(
    st.one_of(
        st.booleans(), st.integers(-5, 5), st.integers(), st.floats(), st.text(max_size=8), st.dates(),
        st.sampled_from(["1 min", "5 s", "3 TB", "exact", "stores.remote.every", "sobol", "log", 10**4000]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=5,
)  # fmt: skip
PLACES = [
    *((key,) for key in keys_of(SweepTable)), *(("axes", "a", key) for key in keys_of(AxisTable)),
    *(("sample", key) for key in keys_of(SampleTable)), *(("slurm", key) for key in keys_of(SlurmTable)),
    ("axes", "a"), ("set", "stores"), ("set", "run.horizon"), ("axes", "b", "x"),
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    changes=st.lists(st.tuples(st.sampled_from(PLACES), VALUES), min_size=1, max_size=3),
    spans=st.sampled_from([{"values": ["1 min", "2 min"]}, {"from": "1 min", "to": "9 min", "points": 3}, {}]),
)
def test_whatever_stands_in_a_sweep_it_is_one_or_is_refused(changes: list, spans: dict) -> None:
    data = {"scenario": HOPPER, "axes": {"a": {"key": "stores.shared.every", **spans}}}
    for path, value in changes:
        table = data
        for part in path[:-1]:
            found = table.get(part)
            table[part] = table = found if isinstance(found, dict) else {}
        table[path[-1]] = value
    with suppress(ScenarioError):
        assert json.dumps(sweep_from_dict(data).as_dict(), allow_nan=False)


def test_whole_numbers_of_any_length_are_refused(tmp_path: Path) -> None:
    """Python reads them as hexadecimal, and will not write them in decimal."""
    digits = "f" * 5_000
    found = problems(
        tmp_path,
        SMALL.replace("2_060", f"0x{digits}").replace("[axes.every]", f"[set]\nrun.seed = 0x{digits}\n[axes.every]"),
    )
    assert any("a very large integer" in each for each in found)


def test_the_schema_file_is_the_one_that_the_code_gives() -> None:
    Draft202012Validator.check_schema(json_schema())
    assert (SCENARIOS / "sweeps" / "sweep.schema.json").read_text(encoding="utf-8") == schema_text(json_schema())


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("sweeps/*.toml")), ids=lambda path: path.name)
def test_shipped_sweeps_name_the_schema_and_fit_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.splitlines()[0] == "#:schema sweep.schema.json"
    assert not list(Draft202012Validator(json_schema()).iter_errors(tomllib.loads(text)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"scenario": 3},
        {"scenario": "a.toml", "replication": 3},
        {"scenario": "a.toml", "axes": {"a": {"values": [1]}}},
        {"scenario": "a.toml", "axes": {"a": {"key": "b", "keys": ["b"], "values": [1]}}},
        {"scenario": "a.toml", "axes": {"a": {"key": "b", "values": []}}},
        {"scenario": "a.toml", "sample": {"method": "random", "points": 8}},
        {"scenario": "a.toml", "slurm": {"partitions": "x"}},
    ],
)
def test_the_schema_refuses(wrong: dict) -> None:
    assert list(Draft202012Validator(json_schema()).iter_errors(wrong))


def test_a_scenario_is_no_sweep() -> None:
    with pytest.raises(ScenarioError, match=r"hopper-100k.toml: is a scenario, not a sweep.*\n.*--scale"):
        load_sweep(HOPPER)


def test_keys_of_the_sweep_are_not_set_in_its_base() -> None:
    with pytest.raises(ScenarioError, match=r"replications: is an unknown key.*\n.*a key of the sweep"):
        load_sweep(SCENARIOS / "sweeps" / "scale.toml", ["replications=3"])
