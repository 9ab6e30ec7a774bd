"""Which files are included, and where their errors are."""

import itertools
import os
import random
import re
from pathlib import Path

import pytest

from sim.errors import ScenarioError
from sim.scenario import from_dict, load, loads

from .examples import LARGE, SCENARIOS, SMALL
from .files import PARTS, RECOVERY, REST, Files, including, place
from .test_fuzz import JUNK, MUTATIONS, check


def test_includes_are_relative_to_the_file_that_names_them(files: Files, tmp_path: Path) -> None:
    files.write(
        deep__mine='include = ["../parts/parts.toml"]\n' + REST,
        parts__parts='include = ["sub/more.toml"]\n[job]\nnodes = 7\n',
        parts__sub__more='faults.x = { per = "job", fit = 3 }\n',
    )
    for path in ("deep/mine.toml", str(tmp_path / "deep" / "mine.toml"), tmp_path / "deep" / "mine.toml"):
        found = load(path)
        assert (found.name, found.job.nodes, list(found.faults)) == ("mine", 7, ["x"])
    assert loads((tmp_path / "deep" / "mine.toml").read_text(), "deep/mine.toml").sha256() == found.sha256()
    absolute = including(str(tmp_path / "parts" / "parts.toml"))
    assert files.load(absolute).job.nodes == 7


def test_a_file_that_is_needed_twice_counts_once(files: Files) -> None:
    files.write(base="job.nodes = 10\njob.step = '1 s'", a="include = ['base.toml']\njob.nodes = 20")
    files.write(b="include = ['base.toml']\njob.step = '2 s'")
    for names in (("a.toml", "b.toml"), ("b.toml", "a.toml"), ("a.toml", "b.toml", "base.toml")):
        found = files.load(including(*names))
        assert (found.job.nodes, found.job.step) == (20, 2.0)
    problem = files.only(including("a.toml", "./a.toml"))
    assert (place(problem), problem.message) == (("main.toml", 1, "include.1"), "is named twice")


def test_circles_are_named(files: Files) -> None:
    files.write(a='include = ["folder/b.toml"]', folder__b='\ninclude = [\n "../a.toml"]')
    problem = files.only(including("a.toml"))
    assert place(problem) == ("folder/b.toml", 3, "include.0")
    assert "a.toml includes folder/b.toml includes folder/../a.toml" in problem.message
    own = files.only(including("main.toml"))
    assert place(own) == ("main.toml", 1, "include.0")
    assert "main.toml includes main.toml" in own.message


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="needs links")
def test_a_circle_of_links_is_seen(files: Files, tmp_path: Path) -> None:
    (tmp_path / "loop.toml").symlink_to("loop.toml")
    (tmp_path / "again.toml").symlink_to("main.toml")
    assert files.only(including("loop.toml")).message.startswith("cannot be read")
    assert files.only(including("again.toml")).message.startswith("goes round in a circle")


def test_depth_and_number_of_files_are_limited(files: Files) -> None:
    for level in range(10):
        files.write(**{f"l{level}": f'include = ["l{level + 1}.toml"]'})
    files.write(l8="job.nodes = 3")
    assert files.load(including("l1.toml")).job.nodes == 3
    problem = files.only(including("l0.toml"))
    assert (place(problem), problem.message) == (("l7.toml", 1, "include.0"), "is nested too deep")
    for number in range(40):
        files.write(**{f"n{number}": f"job.nodes = {number + 1}"})
    names = [f"n{number}.toml" for number in range(40)]
    assert files.load(including(*names[:32])).job.nodes == 32
    assert "too many files" in files.only(including(*names[:33])).message
    files.write(more=including(*names[:10], rest=""))
    found = files.found(including("more.toml", *names[10:32], rest=REST))
    assert [problem.message for problem in found] == ["is one file too many"]


@pytest.mark.parametrize(
    ("value", "key", "message"),
    [
        ('"parts.toml"', "include", "must be an array"),
        ("3", "include", "must be an array"),
        ("{ a = 1 }", "include", "must be an array"),
        ("false", "include", "must be an array"),
        ("[3]", "include.0", "must be the name of a file"),
        ('[""]', "include.0", "must be the name of a file"),
        ('["parts.toml", "a\\u0000b"]', "include.1", "must be the name of a file"),
        ('["https://example.com/parts.toml"]', "include.0", "is an address"),
        ('["file:///parts.toml"]', "include.0", "is an address"),
        ('["nothing.toml"]', "include.0", "does not exist"),
        ('["parts.toml/"]', "include.0", "named twice"),
        ('["."]', "include.0", "is a directory"),
        ('["folder"]', "include.0", "is a directory"),
        ('["parts.toml/x"]', "include.0", "cannot be read"),
        (f'["{"x" * 900}"]', "include.0", "cannot be read"),
        (f'["{"x" * 1100}"]', "include.0", "must be the name of a file"),
        ('["large.toml"]', "include.0", "too large"),
        ('["/dev/zero"]', "include.0", "is no ordinary file"),
        ('["pipe.toml"]', "include.0", "is no ordinary file"),
    ],
)
def test_a_wrong_include_is_named(files: Files, tmp_path: Path, value: str, key: str, message: str) -> None:
    files.write(parts=PARTS, folder__x="", large="#" * 1_000_001)
    os.mkfifo(tmp_path / "pipe.toml")
    if message == "named twice":
        value = value.replace("]", ', "parts.toml"]')
        key = "include.1"
    main = f"{'#' * 3}\ninclude = {value}\n{REST}"
    problem = files.only(main)
    assert place(problem) == ("main.toml", 2, key)
    assert message in problem.message
    assert str(problem).replace("\n", "").isprintable()


def test_a_missing_file_is_guessed(files: Files) -> None:
    problem = files.only(including("catalog/hgx-h10.toml"), catalog__hgx_h100="")
    assert problem.given == '"catalog/hgx-h10.toml"'
    assert problem.remedy == 'did you mean "catalog/hgx_h100.toml"?'
    assert files.only(including("catalog/zebra")).remedy is None
    assert files.only(including("nowhere/zebra")).remedy is None


def test_every_include_that_fails_is_named_at_once(files: Files) -> None:
    files.write(bad="[faults\n", deep="a = " + "[" * 40 + "]" * 40, latin="x", a='include = ["gone.toml"]')
    (files.folder / "latin.toml").write_bytes(b"# a\nname = '\xe9'")
    found = files.found(including("no.toml", "bad.toml", "latin.toml", "deep.toml", "a.toml") + "[colour]\n")
    assert [place(problem)[:2] for problem in found] == [
        ("main.toml", 1),
        ("bad.toml", 1),
        ("latin.toml", 2),
        ("deep.toml", None),
        ("a.toml", 1),
    ]


def test_errors_name_the_file_and_line_of_the_key(files: Files) -> None:
    parts = PARTS.replace("0.3", "0.4").replace("12_000", "-3") + '[stores.s]\nevry = "1 h"\n[job]\nnodes = 1_000\n'
    main = including("parts.toml") + '[faults.own]\nper = "rack"\nfit = 3\n[faults.gpu]\ncount = 0\n'
    found = files.found(main, parts=parts)
    assert [place(problem) for problem in found] == [
        ("main.toml", 7, "faults.own.per"),
        ("main.toml", 10, "faults.gpu.count"),
        ("parts.toml", 7, "faults.gpu.needs"),
        ("parts.toml", 11, "faults.nic.fit"),
        ("parts.toml", 13, "stores.s.evry"),
        ("parts.toml", 15, "job.nodes"),
    ]
    assert 'did you mean "every"?' in str(found[4])


def test_what_is_missing_is_asked_of_the_file_that_spoke_last(files: Files) -> None:
    parts = PARTS.replace('per = "gpu"\nobs', "obs")
    problem = files.only(including("parts.toml") + "[faults.gpu]\nneeds = 'reset'\n", parts=parts)
    assert place(problem) == ("main.toml", 6, "faults.gpu.per")
    problem = files.only('include = ["parts.toml"]\ncluster.nodes = 3\n', parts=PARTS)
    assert place(problem) == ("main.toml", None, "run")
    problem = files.only('include = ["parts.toml"]\nrun.horizon = "1 h"\n', parts=PARTS)
    assert place(problem) == ("parts.toml", 1, "cluster.nodes")


def test_lines_inside_arrays_of_an_included_file(files: Files) -> None:
    shares = ' { share = 0.5, time = "1 s" },\n { share = 2, time = "1 s" },\n'
    parts = f'[repair]\ntime.law = "mixture"\ntime.of = [\n{shares}]\n'
    problem = files.only(including("parts.toml"), parts=parts)
    assert place(problem) == ("parts.toml", 5, "repair.time.of.1.share")


def test_overrides_come_after_all_files(files: Files) -> None:
    files.write(parts=PARTS)
    main = including("parts.toml")
    found = files.load(main, "faults.gpu.observed.events=7", "faults.nic.count=3", "run.seed=9")
    assert found.faults["gpu"].rate == pytest.approx(7 / 16_384 / (1_231 * 3600))
    assert (found.faults["nic"].count, found.run.seed) == (3, 9)
    for override in ("faults.nic.fit=-1", "faults.nic.count=0", "faults.nic.per=rack"):
        assert files.only(main, override).file == "command line"
    assert place(files.only(main, "faults.nic.colour=3")) == ("command line", None, "faults.nic.colour")
    late = files.only(main, 'include=["parts.toml"]')
    assert place(late) == ("command line", None, "include")
    assert files.only(REST, 'include=["parts.toml"]').file == "command line"


def test_what_has_no_folder_may_not_include(files: Files) -> None:
    files.write(parts=PARTS)
    for make in (
        lambda: loads(including("parts.toml")),
        lambda: from_dict({"include": ["parts.toml"], "cluster": {"nodes": 3}}),
        lambda: from_dict({"include": []}, "main.toml"),
    ):
        with pytest.raises(ScenarioError) as caught:
            make()
        (problem,) = caught.value.problems
        assert problem.key == "include"
    assert loads(including("parts.toml"), "main.toml").cluster.gpus_per_node == 4


def test_the_catalogue_brings_a_node(files: Files) -> None:
    found = files.load(including(str(SCENARIOS / "catalog" / "hgx-h100.toml")))
    assert found.cluster.gpus_per_node == 8
    assert len(found.faults) == 15


def test_the_example_in_the_reference_loads() -> None:
    page = (SCENARIOS.parent / "docs" / "scenario.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(include = .*?)```", page, re.DOTALL)
    found = loads(f"{example}{REST}", str(SCENARIOS / "x.toml"))
    assert len(found.faults) == 14
    assert found.faults["gpu"].rate == 1 / (80_000 * 3600)
    assert found.faults["gpu"].needs == {"reset": 0.3, "repair": 0.7}


def test_any_value_of_include_loads_or_is_refused(files: Files) -> None:
    files.write(parts=PARTS, small=SMALL, large=LARGE, odd="faults.node = false\nstores = 3\nrecovery = []\nname = 3")
    rng = random.Random(13)
    names = [
        "parts.toml",
        "small.toml",
        "odd.toml",
        "large.toml",
        "main.toml",
        "",
        "..",
        "/",
        "\x00",
        "é.toml",
        "a" * 300,
    ]
    rests = [SMALL, REST, "", "[faults]\nnode = false\n[recovery]\nswap = false\n"]
    loaded = 0
    for _ in range(300):
        value: object = rng.choice(JUNK) if rng.random() < 0.2 else None
        if value is None:
            chosen = [rng.choice(names[:4] if rng.random() < 0.8 else names) for _ in range(rng.randint(0, 3))]
            value = "[" + ", ".join('"' + name.replace("\x00", "\\u0000") + '"' for name in chosen) + "]"
        text = f"include = {value}\n{rng.choice(rests)}"
        loaded += check(lambda text=text: loads(text, "main.toml"))  # type: ignore[misc]
    assert 30 < loaded < 270


def test_mutated_included_files_load_or_are_refused(files: Files) -> None:
    rng = random.Random(17)
    loaded = 0
    for _, mutate in itertools.product(range(40), MUTATIONS):
        text = mutate(rng.choice([SMALL, LARGE]), rng)
        (files.folder / "part.toml").write_bytes(text.encode(errors="surrogateescape"))
        base = rng.choice(["", REST, SMALL.replace("#:schema", "#"), RECOVERY, "[faults]\nnode = false\n"])
        loaded += check(lambda base=base: loads(f'include = ["part.toml"]\n{base}', "main.toml"))  # type: ignore[misc]
    assert 50 < loaded < 350
