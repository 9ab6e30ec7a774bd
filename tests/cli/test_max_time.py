"""``--max-time``: the answer so far, exit 3 where it is not precise; and the time left in every progress line."""

import re
import time
from pathlib import Path
from typing import Any

import pytest

from .conftest import Sim
from .test_compare import in_two

SURE = ("--set", "run.confidence=0.999999")
"""So sure that equals are not called different when the time is up: one in a million."""

ENDLESS = ("--half-width", "0.00001 points", "--set", "run.max_replications=10_000_000", *SURE)
CHIP = ("--set", 'efficiency.chip="h100-sxm"', "--set", 'efficiency.mfu="41 %"')
CASES: dict[str, tuple[Any, ...]] = {
    "run": ("run",), "compare": ("compare",), "explain": ("explain",), "efficiency": ("efficiency", *CHIP),
}  # fmt: skip
LIMIT_S = 2.0
SLACK_S = 20.0
"""For the first replication, the tables, and a machine that does something else, too."""


def command(verb: str, small: Path, folder: Path) -> tuple[Any, ...]:
    """The verb on a file; what is compared is equal in distribution, and never clear."""
    name, *options = CASES[verb]
    return (name, small, *([in_two(small, folder)] if verb == "compare" else []), *options)


@pytest.mark.parametrize("verb", CASES)
def test_the_time_is_up(sim: Sim, small: Path, tmp_path: Path, verb: str) -> None:
    asked = command(verb, small, tmp_path)
    sim(*asked, "--replications", 1)  # compiles what is not
    begin = time.monotonic()
    said = sim(*asked, *ENDLESS, "--max-time", f"{LIMIT_S} s", "--json")
    assert time.monotonic() - begin < LIMIT_S + SLACK_S
    assert said.code == 3
    (count,) = re.findall(r"^the time is up: the answer is that of ([\d,]+) replications?$", said.err, re.MULTILINE)
    assert f'"n": {int(count.replace(",", ""))},' in said.out


@pytest.mark.parametrize(
    "options", [("stores.remote.every",), ("stores.remote.every", "--target", "ettr=93 %")], ids=["best", "target"]
)
def test_a_search_ends_when_the_time_is_up(sim: Sim, small: Path, options: tuple[str, ...]) -> None:
    """At once, after the first look at the grid: no value is named; in time the value is that without a limit."""
    command = ("tune", small, "--over", *options)
    usual = sim(*command, "--json")
    said = sim(*command, "--max-time", "0.000001 s", "--json")
    assert said.code == 3
    assert said.json["knobs"][0]["refused"] == "time"
    assert {each["metric"]["n"] for each in said.json["knobs"][0]["points"]} == {32}
    shown = sim(*command, "--max-time", "0.000001 s")
    assert (shown.code, "no value is named: the time was up" in " ".join(shown.out.split())) == (3, True)
    assert sim(*command, "--max-time", "1 h", "--json").out == usual.out


def test_a_whole_number_that_is_known_by_then_is_named(sim: Sim, small: Path) -> None:
    said = sim("tune", small, "--over", "pools.hot", "--max-time", "0.000001 s", "--json")
    assert said.code == 3
    assert said.json["knobs"][0]["best"]["n"] == 32
    assert "the time is up: the value is not known to 2 % yet" in said.err


def test_a_search_of_several_ends_when_the_time_is_up(sim: Sim, small: Path) -> None:
    over = ("--over", "stores.remote.every=5 min..2 h", "--over", "recovery.max_attempts=2..9")
    said = sim("tune", small, *over, "--max-time", "0.000001 s", "--json")
    assert said.code == 3
    assert [each["refused"] for each in said.json["knobs"]] == ["time", "time"]


@pytest.mark.parametrize("verb", CASES)
def test_progress_says_how_much_time_is_left(sim: Sim, small: Path, tmp_path: Path, verb: str) -> None:
    said = sim(*command(verb, small, tmp_path), "--replications", 100, "--json")
    assert said.code == 0
    lines = [line for line in said.err.splitlines() if re.match(r"\d+ replications", line)]
    assert len(lines) == 2
    for line in lines:
        assert re.search(r"; about [\d.]+ (s|min|h|days) left, going on$", line), line


def test_an_answer_in_time_is_the_usual_one(sim: Sim, small: Path) -> None:
    usual = sim("run", small, "--replications", 50, "--json")
    timed = sim("run", small, "--replications", 50, "--max-time", "1 h", "--json")
    assert (timed.code, timed.out) == (0, usual.out)


@pytest.mark.parametrize("verb", CASES)
@pytest.mark.parametrize(
    ("value", "expected"), [("5", "needs a unit"), ("soon", "--max-time"), ("0 s", "above 0"), ("-1 s", "--max-time")]
)
def test_bad_times_are_refused(sim: Sim, small: Path, tmp_path: Path, verb: str, value: str, expected: str) -> None:
    said = sim(*command(verb, small, tmp_path), "--max-time", value)
    assert (said.code, said.out) == (2, "")
    assert expected in said.err


def test_one_replication_has_no_time(sim: Sim, small: Path) -> None:
    said = sim("run", small, "--replication", 1, "--max-time", "1 s")
    assert said.code == 2
    assert "leave out --replications, --half-width and --max-time" in said.err
