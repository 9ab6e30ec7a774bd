"""One sentence before the simulation and one after it, in odd cases, and the tables."""

import io
import re
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from sim.engine.simpy_engine import run_one
from sim.planning import build
from sim.report.console import answer_tables, incident_table, prospect, sentence, wrapped
from sim.scenario import Scenario, from_dict
from sim.study import estimate
from sim.study.advice import advise
from sim.study.outlook import Outlook


def scenario(**changes: Any) -> Scenario:
    """A scenario in which faults need a process, with some of its tables replaced (None: left out)."""
    table: dict[str, Any] = {
        "cluster": {"nodes": 10},
        "faults": {"node": {"per": "node", "mtbf": "100 h", "needs": "process"}},
        "stores": {"remote": {"every": "30 min", "stall": "20 s"}},
        "run": {"horizon": "30 days"},
    }
    table |= changes
    return from_dict({name: value for name, value in table.items() if value is not None})


def said(n: int, **changes: Any) -> tuple[str, str]:
    """The sentence before, and the one after n replications."""
    found = scenario(**changes)
    outlook = Outlook(build(found))
    answer = estimate.run(found, n)
    return prospect(outlook), sentence(answer, outlook, advise(answer, outlook))


def shown(part: Any) -> str:
    out = io.StringIO()
    Console(file=out, width=80, markup=False).print(part)
    return out.getvalue()


def tables(n: int, **changes: Any) -> str:
    return "".join(map(shown, answer_tables(estimate.run(scenario(**changes), n))))


def test_the_usual_case() -> None:
    before, after = said(40)
    assert before.startswith("80 GPUs in one job; a fault stops it every 10 h while it trains; closed form: ETTR ")
    # 1440 intervals are a long run, nothing is lost and there is no start-up: the closed form holds.
    assert "about" not in before
    assert " useful (±" in after
    assert "; largest loss: lost work, " in after
    assert after.endswith("; saving every 30 min, best is about 19.8 min")


def test_the_closed_form_is_about_right_where_it_leaves_something_out() -> None:
    node = {"per": "node", "mtbf": "200 h", "needs": "process"}
    before, _ = said(1, faults={"a": node, "b": {**node, "detect": "62 s"}}, recovery={"detect": "1 min"})
    assert "closed form: ETTR about " in before


def test_nothing_fails() -> None:
    before, after = said(5, faults=None)
    assert before == "80 GPUs in one job; nothing fails"
    assert after.startswith("98.9 % useful (±0 points); largest loss: save stall, 1.1 %; saving every 30 min")
    assert "best" not in after


def test_nothing_fails_and_nothing_is_saved() -> None:
    before, after = said(5, faults=None, stores=None)
    assert before == "80 GPUs in one job; nothing fails"
    assert after == "100.0 % useful (±0 points)"


def test_no_store() -> None:
    before, after = said(20, stores=None)
    assert before == "80 GPUs in one job; a fault stops it every 10 h while it trains"
    assert "; largest loss: lost work, " in after
    assert "saving" not in after


def test_saves_that_cost_nothing() -> None:
    _, after = said(20, stores={"remote": {"every": "30 min"}})
    assert after.endswith("; saving every 30 min")


def test_one_run_has_no_interval() -> None:
    _, after = said(1)
    assert " useful (one run, no interval); largest loss: " in after
    assert "±" not in after
    assert "inf" not in after


def test_no_progress_at_all() -> None:
    _, after = said(3, recovery={"restart": "1 year"}, faults={"bug": {"per": "job", "clock": "wall", "mtbf": "10 s"}})
    assert after.startswith("0.0 % useful (±0 points) up to where 3 of 3 runs stopped early; largest loss: ")


def test_a_large_job() -> None:
    before, _ = said(1, cluster={"nodes": 12_500, "gpus_per_node": 8})
    assert before.startswith("100,000 GPUs in one job; ")


def test_long_lines_are_broken_at_80() -> None:
    lines = wrapped("word " * 60 + "a-word-with-hyphens " * 10).splitlines()
    assert max(map(len, lines)) <= 80
    assert all(line == line.strip() for line in lines)
    assert not any(line.endswith("-") for line in lines)


def test_tables_until_work_is_done() -> None:
    text = tables(10, run={"work": "5 days"})
    assert text.startswith("time to finish: median ")
    assert "work done by" not in text
    assert tables(10).startswith("work done by one run: median ")
    assert ", 5 to 95 % range " in text
    assert "range" not in tables(1)


def test_time_to_finish_is_that_of_all_runs() -> None:
    lost = {"node": {"per": "node", "mtbf": "3000 h", "needs": "repair"}}
    text = tables(40, run={"work": "5 days"}, faults=lost, repair={"time": "never"})
    match = re.match(
        r"warning: (\d+) of 40 runs waited for nodes to the end: .* "
        r"time to finish: median 5\.\d+ days, .* to later than 1 year; "
        r"it has no mean, as (\d+) of 40 runs did not finish",
        " ".join(text.split()),
    )
    assert match
    assert match[1] == match[2]
    assert 0 < int(match[1]) < 40
    never = tables(
        3,
        run={"work": "5 days"},
        faults={"bug": {"per": "job", "clock": "wall", "mtbf": "10 s"}},
        recovery={"restart": "1 year"},
    )
    assert "no run finished its work\n" in never


def test_the_confidence_is_named() -> None:
    assert "99 % interval" in tables(4, run={"horizon": "30 days", "confidence": 0.99})
    assert "95 % interval" in tables(4)


def test_no_table_of_causes_without_sources() -> None:
    assert "by cause" not in tables(3, faults=None)
    assert "by cause" in tables(3)


def test_a_source_that_opened_nothing() -> None:
    never = {"never": {"per": "job", "observed": {"events": 0, "over": "1 year"}}}
    line = next(line for line in tables(3, faults=never).splitlines() if line.startswith("never"))
    assert line.split() == ["never", "0", "0", "to", "0", "0", "-"]


def test_no_wait_for_crews_without_repairs() -> None:
    assert "for a crew" not in tables(3)
    lost = {"node": {"per": "node", "mtbf": "100 h", "needs": "repair"}}
    assert "for a crew" not in tables(3, faults=lost)
    assert "for a crew" in tables(3, faults=lost, repair={"time": "1 h", "crews": 1})


def test_few_interruptions_give_an_interval_of_jmtti_with_one_end() -> None:
    rare = {"node": {"per": "node", "mtbf": "20_000 h", "needs": "process"}}
    line = next(line for line in tables(3, faults=rare).splitlines() if line.startswith("JMTTI"))
    assert re.search(r" (none seen|[\d.]+ days) +over [\d.]+ days$", line)
    line = next(line for line in tables(40).splitlines() if line.startswith("JMTTI"))
    assert re.search(r" [\d.]+ h +[\d.]+ h to [\d.]+ h$", line)


def test_too_few_spares_are_said_first() -> None:
    lost = {"node": {"per": "node", "mtbf": "100 h", "needs": "repair"}}
    before, _ = said(1, faults=lost)
    assert " while it trains; about 1.94 nodes in repair at a time, 0 spares, too few 88 % of the time" in before
    before, _ = said(1, faults=lost, job={"nodes": 1})
    assert "too few" not in before


def test_formulas_that_do_not_hold_are_not_shown() -> None:
    lost = {"node": {"per": "node", "mtbf": "100 h", "needs": "repair"}}
    before, after = said(20, faults=lost)
    assert "closed form" not in before
    assert after.endswith(", set by repair.replace.time")


@pytest.mark.parametrize("n", [1, 3])
def test_buckets_of_nothing_are_left_out(n: int) -> None:
    text = tables(n)
    for name in ("capacity wait", "diagnosis", "load", "warm-up", "repair"):
        assert not any(line.startswith(name) for line in text.splitlines())
    for name in ("productive", "lost work", "save stall", "restart", "detection", "total"):
        assert any(line.startswith(name) for line in text.splitlines())


def test_incidents() -> None:
    found = scenario(run={"horizon": "3 days"}, faults={"a very long name of a source of faults": {
        "per": "node", "mtbf": "100 h", "needs": "process"}})  # fmt: skip
    answer = estimate.run(found, 1)
    _, incidents = run_one(build(found), 0)
    assert len(incidents) > 1
    text = shown(incident_table(answer.runs, incidents))
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    for each in incidents:
        assert f"{each['opened_s'] / 3600:,.3f}" in text


def test_of_very_many_incidents_the_first_are_shown() -> None:
    """A table of 200,000 rows would take a minute; JSON has all."""
    found = scenario()
    answer = estimate.run(found, 1)
    _, incidents = run_one(answer.runs.plan, 0)
    many = np.tile(incidents, 10_001 // len(incidents) + 1)[:10_001]
    text = shown(incident_table(answer.runs, many))
    assert "The first 10,000 of 10,001 incidents; --json has all" in text
    assert text.count("\n") < 10_010
    assert "--json" not in shown(incident_table(answer.runs, many[:-1]))


def test_uncertain_inputs_have_three_ranges_that_are_named() -> None:
    observed = {"events": 5, "units": 10, "over": "500 h"}
    faults = {"node": {"per": "node", "observed": observed, "needs": "process", "uncertain": True}}
    found = tables(60, faults=faults)
    for said in ("mean: its 95 % interval", "expected, over the inputs: 5 to 95 %", "of single runs: 5 to 95 %"):
        assert said in found
    assert re.search(r"the uncertain rate of node has a\s+share of \d+ %", found)
    assert max(map(len, found.splitlines())) <= 80
    two = {**faults, "more": {**faults["node"], "observed": {**observed, "events": 2}}}
    assert "the 2 uncertain rates have" in tables(20, faults=two)
    assert "Three ranges" not in tables(20)


@pytest.mark.parametrize(("series", "rows"), [("5 days", 6), ("1 h", 16), ("30 days", 1)])
def test_periods_fit_a_screen(series: str, rows: int) -> None:
    found = tables(3, run={"horizon": "30 days", "series": series})
    lines = found[found.index("Over time") :].splitlines()
    assert len(lines) == 2 + rows
    assert lines[2].startswith("0 ")
    assert max(map(len, lines)) <= 80
    assert "±" in found[found.index("Over time") :]
    alone = tables(1, run={"horizon": "30 days", "series": series})
    assert "±" not in alone[alone.index("Over time") :]
