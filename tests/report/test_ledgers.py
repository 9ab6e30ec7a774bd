"""Every printed ledger adds up: the rows of each column of sums, to the total below them, up to rounding."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from rich.table import Table
from strategies import examples, scenarios

from sim.report import compare, console, efficiency, explain
from sim.scenario import Scenario, from_dict, load
from sim.study import estimate
from sim.study.compare import compare as compared
from sim.study.designs import Designs
from sim.study.explain import explain as explained

CASES = Path(__file__).parents[1] / "cases"
NUMBER = re.compile(r"[-+−]?[0-9][0-9,]*(\.[0-9]*)?")
ENDS = "total"
EFFICIENCY = {"chip": "h100-sxm", "mfu": "41 %", "electricity": "0.078 USD/kWh", "pue": 1.25}


def value(cell: str) -> tuple[float, float]:
    """The number in a cell, and what it is rounded to; a dash is nothing."""
    found = NUMBER.match(cell.strip())
    if found is None:
        return 0.0, 0.0
    digits = len(found[1] or ".") - 1
    return float(found[0].replace(",", "").replace("−", "-")), 10.0**-digits


def check_sums(table: Table, *columns: int) -> None:
    """The last row of these columns is the sum of those above."""
    cells = [list(column.cells) for column in table.columns]
    for column in columns:
        *parts, (total, unit) = map(value, map(str, cells[column]))
        assert abs(sum(part for part, _ in parts) - total) <= 0.51 * sum(unit for _, unit in [*parts, (0, unit)])


def tables_of(parts: Any) -> list[Table]:
    return [part for part in parts if isinstance(part, Table)]


def titled(parts: Any, start: str) -> list[Table]:
    return [table for table in tables_of(parts) if str(table.title).startswith(start)]


def check_ledgers(scenario: Scenario) -> None:
    (table,) = titled(console.answer_tables(estimate.run(scenario, 3, jobs=1)), "Where the time went")
    assert list(table.columns[0].cells)[-1] == ENDS
    check_sums(table, 1, 2, 4, 5)


@examples(40)
@given(scenarios())
def test_what_run_prints_adds_up(table: dict[str, Any]) -> None:
    check_ledgers(from_dict(table))


@pytest.mark.parametrize("file", sorted(CASES.glob("*.toml")), ids=lambda file: file.stem)
def test_what_run_prints_of_cases_adds_up(file: Path) -> None:
    check_ledgers(load(file))


def test_time_that_holds_no_gpus_has_a_row() -> None:
    """A limit on all nodes: 9 hours of maintenance in three days, in which all nodes are in repair."""
    answer = estimate.run(load(CASES / "walltime-chain.toml"), 8, jobs=1)
    (table,) = titled(console.answer_tables(answer), "Where the time went")
    rows = dict(zip(table.columns[0].cells, table.columns[1].cells, strict=True))
    assert rows["maintenance"] == "9.00"


@examples(15)
@given(scenarios())
def test_what_compare_prints_adds_up(table: dict[str, Any]) -> None:
    scenario = from_dict(table)
    shorter = from_dict({**table, "recovery": {**table.get("recovery", {}), "max_attempts": 3}})
    found = compared(scenario, shorter, replications=3, jobs=1)
    for part in titled(compare.tables(found), "Where it comes from"):
        check_sums(part, 1, 2, 3, 5)


@examples(15)
@given(scenarios())
def test_what_efficiency_prints_adds_up(table: dict[str, Any]) -> None:
    scenario = from_dict({**table, "efficiency": EFFICIENCY})
    designs = Designs(compared(scenario, replications=3, jobs=1))
    for part in titled(efficiency.tables(designs), "Where energy and money"):
        check_sums(part, 1, 2, 3, 4)


@examples(5)
@given(scenarios())
def test_what_explain_prints_adds_up(table: dict[str, Any]) -> None:
    for part in titled(explain.tables(explained(from_dict(table), replications=9, jobs=1)), "What is lost"):
        check_sums(part, 1, 2, 3, 4)
