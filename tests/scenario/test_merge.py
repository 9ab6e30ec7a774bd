"""What several files say together: what is merged, what wins, what is removed."""

import itertools
import random
import re
from typing import Any

import pytest

from sim.scenario import from_dict, loads

from .examples import LARGE, SMALL
from .files import GPU, PARTS, RECOVERY, REST, Files, including, place


def test_tables_are_merged_and_the_including_file_wins(files: Files) -> None:
    more = '[faults.gpu]\ncount = 2\n[faults.own]\nper = "job"\nfit = 3\n'
    found = files.load(including("parts.toml") + more, parts=PARTS)
    assert (found.cluster.nodes, found.cluster.gpus_per_node) == (100, 4)
    assert list(found.faults) == ["gpu", "nic", "own"]
    assert (found.faults["gpu"].per, found.faults["gpu"].count) == ("gpu", 2)
    assert found.faults["gpu"].needs == {"reset": 0.3, "repair": 0.7}
    main = including("parts.toml").replace("nodes", "gpus_per_node = 2\nnodes")
    assert files.load(main).cluster.gpus_per_node == 2


def test_later_includes_win_and_the_order_in_the_array_counts(files: Files) -> None:
    files.write(a="job.nodes = 10\njob.step = '1 s'", b="job.nodes = 20\nname = 'b'", c="job.nodes = 30")
    for names, nodes in (("abc", 30), ("bca", 10), ("acb", 20), ("a", 10)):
        found = files.load(including(*(f"{name}.toml" for name in names)))
        assert found.job.nodes == nodes
        assert found.job.step == 1.0
        assert found.name == ("b" if "b" in names else "main")
    assert files.load(including("a.toml", "b.toml") + "[job]\nnodes = 40\n").job.nodes == 40


def test_values_and_arrays_replace(files: Files) -> None:
    base = """
job.nodes = 90
pools.hot = { nodes = 3, activation = "1 min" }
repair.time = { law = "mixture", of = [{ share = 0.5, time = "1 s" }, { share = 0.5, time = "3 s" }] }
"""
    more = '[repair.time]\nof = [{ share = 1, time = "5 s" }]\n[pools]\nhot = 5\n'
    found = files.load(including("base.toml") + more, base=base)
    assert [part.law.mean for part in found.repair.replace.time.of] == [5.0]
    assert (found.pools.hot.nodes, found.pools.hot.activation) == (5, 0.0)


WHOLE = f"""{REST}precision.half_width = "1 points"
{RECOVERY}
[job]
nodes = 80
[faults.gpu]
per = "gpu"
fit = 3
needs = "reset"
[faults.nic]
per = "gpu"
fit = 4
[stores.remote]
every = "1 h"
[pools]
hot = 5
cold = 6
[repair.reset]
time = "1 h"
"""


@pytest.mark.parametrize(
    ("removal", "cut"),
    [
        ("faults.gpu", r"\[faults.gpu\](\n\w.*)*"),
        ("faults", r"\[faults.gpu\](.*\n)*(?=\[stores)"),
        ("faults.gpu.needs", 'needs = "reset"'),
        ("stores.remote", r"\[stores.remote\](\n\w.*)*"),
        ("recovery.in_place", r"\[recovery.in_place\](\n\w.*)*"),
        ("recovery", r"\[recovery.in_place\](.*\n)*(?=\[job)"),
        ("recovery.in_place.stages", 'stages = { restart = "90 s", load = "auto" }'),
        ("recovery.swap.stages.load", '(?<="restart" }), load = "auto"'),
        ("pools.hot", "hot = 5"),
        ("pools", r"\[pools\](\n\w.*)*"),
        ("repair.reset", r"\[repair.reset\](\n\w.*)*"),
        ("job", r"\[job\](\n\w.*)*"),
        ("run.precision", 'precision.half_width = "1 points"'),
    ],
)
def test_false_removes_what_an_include_brought(files: Files, removal: str, cut: str) -> None:
    left, count = re.subn(cut, "", WHOLE)
    assert count == 1
    more = "pools.cold = 0\npools.hot = 0\n" if removal == "job" else ""
    found = files.load(f'include = ["whole.toml"]\n{removal} = false\n{more}', whole=WHOLE)
    if removal == "job":
        left = left.replace("= 5\n", "= 0\n").replace("= 6\n", "= 0\n")
    assert found.resolved() == {**loads(left).resolved(), "name": "main"}
    assert found.sha256() != loads(WHOLE).sha256()


def test_a_removed_table_leaves_the_default(files: Files) -> None:
    files.write(parts=PARTS + "[pools]\nhot = 5\n", more='[repair]\nreset = { time = "1 h", success = 0.5 }\n')
    found = files.load(including("parts.toml", "more.toml") + "[faults.gpu]\nneeds = false\n[pools]\nhot = false\n")
    assert found.faults["gpu"].needs == {"repair": 1.0}
    assert found.pools.hot.nodes == 0
    assert found.repair.reset is not None
    assert files.load(including("more.toml") + "[repair]\nreset = false\n").repair.reset is None


def test_a_later_include_may_remove_what_an_earlier_one_brought(files: Files) -> None:
    files.write(parts=PARTS, without="faults.gpu = false")
    assert list(files.load(including("parts.toml", "without.toml")).faults) == ["nic"]
    problem = files.only(including("without.toml", "parts.toml"))
    assert place(problem) == ("without.toml", 1, "faults.gpu")


@pytest.mark.parametrize(
    ("removal", "key", "remedy"),
    [
        ("[faults]\ngpus = false", "faults.gpus", "did you mean faults.gpu?"),
        ("[faults.gpu]\ncount = 2\n[faults]\ngpuu = false", "faults.gpuu", "did you mean faults.gpu?"),
        ("[recovery]\nswop = false", "recovery.swop", "did you mean recovery.swap?"),
        ("[stores]\nremote = false", "stores.remote", None),
        ("[pools]\nhot = false", "pools.hot", None),
    ],
)
def test_removing_nothing_is_an_error(files: Files, removal: str, key: str, remedy: str | None) -> None:
    main = including("parts.toml", "rules.toml") + removal + "\n"
    problem = files.only(main, parts=PARTS, rules=RECOVERY)
    assert place(problem) == ("main.toml", main.count("\n"), key)
    assert (problem.message, problem.given) == ("removes nothing: no included file brings it", "false")
    assert problem.remedy == remedy


def test_false_is_still_a_value_where_one_stands(files: Files) -> None:
    files.write(base='[run]\nwork = "1 day"\ninitial_start = true\n')
    found = files.load(
        'include = ["base.toml"]\ncluster.nodes = 3\nrun.initial_start = false\nrun.final_save = false\n'
    )
    assert (found.run.initial_start, found.run.final_save) == (False, False)
    problem = files.only(including("parts.toml") + "[faults.gpu]\ncount = false\n", parts=PARTS)
    assert (place(problem), problem.given) == (("main.toml", 7, "faults.gpu.count"), "false")


@pytest.mark.parametrize(
    ("rate", "per_second"),
    [
        ('mtbf = "1000 h"', 1 / 3.6e6),
        ("afr = 8.76", 1 / 3.6e6),
        ("fit = 1e6", 1 / 3.6e6),
        ('observed = { events = 3, units = 100, over = "30 h" }', 1 / 3.6e6),
        ("observed.events = 296", 296 / 16_384 / (1_231 * 3600)),
    ],
)
def test_another_rate_replaces_the_included_one(files: Files, rate: str, per_second: float) -> None:
    found = files.load(f"{including('parts.toml')}[faults.gpu]\n{rate}\n", parts=PARTS)
    assert found.faults["gpu"].rate == pytest.approx(per_second, rel=1e-12)
    assert found.faults["gpu"].needs == {"reset": 0.3, "repair": 0.7}


def test_another_rate_is_no_longer_uncertain(files: Files) -> None:
    parts = PARTS.replace("[faults.gpu]", "[faults.gpu]\nuncertain = true", 1)
    assert files.load(including("parts.toml"), parts=parts).faults["gpu"].shape == 148.5
    assert files.load(including("parts.toml") + '[faults.gpu]\nmtbf = "9 h"\n', parts=parts).faults["gpu"].shape == 0.0
    found = files.load(including("parts.toml") + "[faults.gpu]\nobserved.events = 7\n", parts=parts)
    assert found.faults["gpu"].shape == 7.5
    found = files.load(including("parts.toml") + "[faults.gpu]\nuncertain = true\n", parts=PARTS)
    assert found.faults["gpu"].shape == 148.5


def test_two_rates_in_one_file_are_still_one_too_many(files: Files) -> None:
    problem = files.only(including("parts.toml") + '[faults.gpu]\nfit = 3\nmtbf = "1 h"\n', parts=PARTS)
    assert place(problem) == ("main.toml", 7, "faults.gpu.fit")
    assert "one rate too many beside mtbf" in problem.message
    (problem,) = files.found(including("parts.toml"), parts=PARTS.replace("fit", 'mtbf = "1 h"\nfit'))
    assert place(problem) == ("parts.toml", 12, "faults.nic.fit")


PAIRS = [
    ('[run]\nhorizon = "3 h"', '[run]\nwork = "2 h"', ("run", "work"), "2 h"),
    ('[run]\nwork = "3 h"', '[run]\nhorizon = "2 h"', ("run", "horizon"), "2 h"),
    ('[repair]\ntime = "1 h"\ncrews = 3', '[repair.replace]\ntime = "2 h"', ("repair", "replace", "time"), "2 h"),
    ('[repair.replace]\ntime = "2 h"', '[repair]\ntime = "1 h"', ("repair", "replace", "time"), "1 h"),
    ('[repair]\ntime = { law = "lognormal", mean = "1 h", sd = "1 h" }', '[repair]\ntime = { law = "exponential", '
     'mean = "2 h" }', ("repair", "replace", "time", "mean"), "2 h"),
    ('[repair]\ntime = { law = "lognormal", mean = "1 h", sd = "1 h" }', '[repair]\ntime.sd = "2 h"',
     ("repair", "replace", "time", "mean"), "1 h"),
    ('[repair]\ntime = { law = "lognormal", mean = "1 h", sd = "1 h" }', '[repair]\ntime.time = "2 h"',
     ("repair", "replace", "time"), "2 h"),
    ('[detect]\nstop = "1 s"', '[recovery]\ndetect = "2 s"', ("detect", "stop"), "2 s"),
    ('[recovery]\ndetect = "1 s"', '[detect]\nstop = "2 s"', ("detect", "stop"), "2 s"),
    ('[recovery]\nrestart = "1 s"', RECOVERY, ("recovery", "swap", "stages", "load", "time"), "auto"),
    (RECOVERY, '[recovery]\nrestart = "2 s"', ("recovery", "restart", "stages", "restart", "time"), "2 s"),
    ('[recovery.restart]\nuse = "same units"\nstages.a = "3 s"', "[recovery.restart]\nvulnerable = false",
     ("recovery", "restart", "stages", "a", "time"), "3 s"),
    (RECOVERY, '[recovery.swap.stages]\nstart.base = "5 s"', ("recovery", "swap", "stages", "start", "base"), "5 s"),
    (RECOVERY, '[recovery.swap.stages]\nstart.vulnerable = false', ("recovery", "swap", "stages", "start", "sd"),
     "1 min"),
    (RECOVERY, '[recovery.swap]\nuse = "same units"', ("recovery", "swap", "stages", "start", "sd"), "1 min"),
    (GPU, "[faults.gpu]\nneeds.process = 1", ("faults", "gpu", "needs"), {"process": 1.0}),
    (GPU, '[faults.gpu]\nneeds = "reset"', ("faults", "gpu", "needs"), {"reset": 1.0}),
    ('[job]\ncheckpoint = "1 TB"\n[stores.s]\nevery = "1 h"\nbandwidth = "1 TB/s"', '[stores.s]\npersist = "9 s"',
     ("stores", "s", "persist"), "9 s"),
    ('[job]\ncheckpoint = "1 TB"\n[stores.s]\nevery = "1 h"\nstall = "1 s"\npersist = "9 s"',
     '[stores.s]\nbandwidth = "1 TB/s"', ("stores", "s", "persist"), "1 s"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "path", "value"), PAIRS)
def test_keys_that_exclude_each_other_do_so_within_one_file(
    files: Files, old: str, new: str, path: tuple[str, ...], value: object
) -> None:
    base = "[cluster]\nnodes = 100\n" + ("" if "[run]" in old else '[run]\nhorizon = "1 h"\n')
    found: Any = files.load(f'include = ["base.toml"]\n{new}\n', base=f"{base}{old}\n").resolved()
    for part in path:
        found = found[part]
    assert found == value


def test_rules_of_the_including_file_are_tried_first(files: Files) -> None:
    quick = '[recovery.quick]\nwhen = { needs = "process", attempts_below = 2 }\nstages.x = "1 s"\n'
    files.write(rules=RECOVERY)
    assert list(files.load(including("rules.toml") + quick).recovery.rules) == ["quick", "in_place", "swap"]
    last = '[recovery]\nswap = false\n[recovery.wait]\nuse = "same units"\n'
    assert list(files.load(including("rules.toml") + last).recovery.rules) == ["in_place", "wait"]
    both = files.load(including("rules.toml") + last + quick)
    assert list(both.recovery.rules) == ["quick", "in_place", "wait"]
    touched = files.load(including("rules.toml") + '[recovery.swap.stages]\nwarm_up = "1 s"\n')
    assert list(touched.recovery.rules) == ["in_place", "swap"]
    assert list(touched.recovery.rules["swap"].stages) == ["start", "load", "warm_up"]


@pytest.mark.parametrize("text", [SMALL, LARGE])
def test_a_scenario_in_many_files_is_the_one_in_a_single_file(files: Files, text: str) -> None:
    head, *blocks = re.split(r"\n(?=\[)", text)
    rng = random.Random(5)
    whole = loads(text)
    for _ in range(5):
        rules = [block for block in blocks if block.startswith("[recovery")]
        others = [block for block in blocks if not block.startswith("[recovery")]
        rng.shuffle(others)
        cut = sorted(rng.sample(range(len(others) + 1), 2))
        files.write(
            a="\n".join([*others[: cut[0]], *rules]),
            b='include = ["c.toml"]\n' + "\n".join(others[cut[0] : cut[1]]),
            c="\n".join(others[cut[1] :]),
        )
        found = files.load(f'{head}\ninclude = ["a.toml", "b.toml"]\n')
        assert found.sha256() == whole.sha256()
        assert found.resolved() == whole.resolved()
        assert found.entries == whole.entries
        assert "include" not in found.resolved()


def test_a_resolved_scenario_is_that_of_the_expansion(files: Files) -> None:
    found = files.load(including("catalog.toml") + "[faults]\nnic = false\n", catalog=PARTS)
    expansion = REST.replace("[run]", f"gpus_per_node = 4\n{GPU}[run]")
    assert from_dict(found.resolved()).sha256() == found.sha256() == loads(expansion).sha256()
    assert all(entry.default == bool(entry.source) for entry in found)


def test_the_order_of_tables_means_nothing(files: Files) -> None:
    blocks = [
        '[faults.gpu]\nmtbf = "9 h"\n', "[faults]\nnic = false\n", "[job]\nnodes = 50\n", REST.partition("[run]")[0],
        '[run]\nhorizon = "54 days"\n',
    ]  # fmt: skip
    parts = re.split(r"\n(?=\[)", PARTS)
    seen = set()
    for order in itertools.islice(itertools.permutations(blocks), 0, None, 7):
        files.write(parts="\n".join(parts))
        parts.reverse()
        seen.add(files.load(including("parts.toml", rest="".join(order))).sha256())
    assert len(seen) == 1


def test_a_key_named_like_a_table_of_another_section_is_a_name(files: Files) -> None:
    files.write(base='[faults.mtbf]\nper = "job"\nfit = 3\n[faults.observed]\nper = "job"\nfit = 4\n')
    found = files.load(including("base.toml") + '[faults.fit]\nper = "job"\nfit = 3\n')
    assert list(found.faults) == ["fit", "mtbf", "observed"]
