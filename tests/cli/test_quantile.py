"""``sim run --quantile``: of every row of a run and of the finish, with an interval or the runs that it would take."""

import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.cells import cell_len
from scipy import stats

from .conftest import Sim
from .texts import SHIPPED, UNTIL_WORK

ROWS = {"ETTR", "ETTR in hardware", "interruptions", "faults on the job", "faults on spares", "durable saves"}


def of_single_runs(out: str) -> dict[str, tuple[str, str]]:
    """The rows of the table, by name."""
    table = out[out.index("Of single runs, n = ") :].strip().splitlines()[2:]
    return {name: (value, rest) for name, value, rest in (re.split(r" {2,}", line.strip()) for line in table)}


def test_every_row_and_the_finish_have_the_quantile(sim: Sim, tmp_path: Path) -> None:
    file, runs = tmp_path / "work.toml", tmp_path / "runs.parquet"
    file.write_text(UNTIL_WORK)
    arguments = (file, "--replications", 100, "--quantile", "90 %")
    out = sim("run", *arguments, "-o", runs).out
    assert max(map(cell_len, out.splitlines())) <= 80
    rows = of_single_runs(out)
    means = out[out.index("Per run, mean of n = 100") : out.index("Where the time went")].strip().splitlines()[2:]
    assert list(rows) == [*(re.split(r" {2,}", line.strip())[0] for line in means), "time to finish"]
    assert set(rows) >= ROWS
    assert all(re.search(r" to |^over ", interval) for _, interval in rows.values()), rows
    found = sim("run", *arguments, "--json").json["quantile"]
    assert found.pop("share") == 0.9
    columns = pd.read_parquet(runs)
    # Ranks of the binomial law, by SciPy: of 100 runs the 84th and the 96th enclose the 90 % quantile.
    below = stats.binom(100, 0.9)
    low, high = int(below.ppf(0.025)), int(below.ppf(0.975)) + 1
    for name in ("ettr", "interruptions", "faults", "saves", "wall_s", "work_done_s"):
        values = np.sort(columns[name].to_numpy(dtype=float))
        told = found[name]
        assert (told["mean"], told["low"], told["high"]) == pytest.approx(
            (np.quantile(values, 0.9), values[low - 1], values[high - 1]), rel=1e-12
        ), name
        assert (told["n"], told["runs_needed"], told["later_than_s"]) == (100, None, None)
    assert found["finish_s"] == found["wall_s"]
    assert "quantile" in sim("run", file, "--replications", 2, "--json").json


@pytest.mark.parametrize(("share", "needed"), [("0.9", 36), ("0.5", 6), ("99 %", 368), ("0.01", 368)])
def test_where_runs_are_too_few_it_says_how_many_it_takes(sim: Sim, small: Path, share: str, needed: int) -> None:
    """n with share^n <= 2.5 % and (1 - share)^n <= 2.5 %; with as many both ends are there."""
    rare = max(float(share.rstrip("%")) / (100 if "%" in share else 1), 1e-9)
    rare = max(rare, 1 - rare)
    assert rare**needed <= 0.025 < rare ** (needed - 1)
    few = sim("run", small, "--quantile", share, "--replications", needed - 1)
    assert few.code == 0
    assert {interval for _, interval in of_single_runs(few.out).values()} == {f"takes {needed} runs"}
    enough = sim("run", small, "--quantile", share, "--replications", needed)
    assert "takes" not in enough.out
    told = sim("run", small, "--quantile", share, "--replications", needed - 1, "--json").json["quantile"]["ettr"]
    assert told["runs_needed"] == needed
    assert told["low"] is None or told["high"] is None


def test_a_finish_that_is_not_known_is_later_than_what_is(sim: Sim, tmp_path: Path) -> None:
    """Runs that are given up count as later than all others: the 99 % quantile lies among them."""
    file = tmp_path / "work.toml"
    file.write_text(UNTIL_WORK)
    middle = float(sim("run", file, "--replications", 64, "--json").json["single_runs"]["wall_s"]["median"])
    give_up = ("--set", f"run.give_up={middle:.0f} s", "--replications", 400)
    rows = of_single_runs(sim("run", file, "--quantile", "0.99", *give_up).out)
    value, interval = rows["time to finish"]
    assert value.startswith("later than ")
    assert interval == "-"
    told = sim("run", file, "--quantile", "0.99", *give_up, "--json").json["quantile"]["finish_s"]
    assert (told["mean"], told["high"]) == (None, None)
    assert told["later_than_s"] == pytest.approx(round(middle))
    quarter = sim("run", file, "--quantile", "0.25", *give_up, "--json").json["quantile"]["finish_s"]
    assert quarter["mean"] < quarter["high"] < middle + 1
    assert quarter["later_than_s"] is None


def test_a_run_without_interruption_has_no_time_between_them(sim: Sim, small: Path) -> None:
    rows = of_single_runs(sim("run", small, "--quantile", "0.9", "--set", "run.horizon=1 h", "--replications", 64).out)
    assert rows["JMTTI (wall clock per interruption)"] == ("no interruption", "-")
    assert rows["interruptions"][0] in ("0", "1", "0.70")


@pytest.mark.parametrize("file", [file for file in SHIPPED if file.stem == "minimal"], ids=lambda file: file.stem)
def test_80_columns_are_enough(sim: Sim, file: Path) -> None:
    out = sim("run", file, "--quantile", "0.9", "--replications", 40).out
    assert max(map(cell_len, out.splitlines())) <= 80
    assert "…" not in out
    assert not math.isnan(float(of_single_runs(out)["interruptions"][0].replace(",", "")))


@pytest.mark.parametrize("share", ["0", "1", "100 %", "often", "-0.1", "nan", "90 h"])
def test_what_is_no_share_is_refused(sim: Sim, small: Path, share: str) -> None:
    said = sim("run", small, f"--quantile={share}")
    assert (said.code, said.out) == (2, "")
    assert f'--quantile "{share}"' in said.err


def test_one_run_has_no_quantile(sim: Sim, small: Path) -> None:
    said = sim("run", small, "--quantile", "0.9", "--replication", 3)
    assert said.code == 2
    assert "leave out --done-by, --ettr-below and --quantile" in " ".join(said.err.split())
