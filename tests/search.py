"""Random scenarios in both engines until the two differ: ``python tests/search.py --seed 7 --files 10000``.

The files are those of ``strategies.scenarios``, each run once in the compiled engine and once in SimPy's. A seed gives
the same files every time. A file that differs is made as small as possible and printed; the exit code is then 1.
"""

import argparse
import random
import sys
import time
from collections.abc import Callable
from typing import Any

from engine.checks import check_closed, compiled, difference, specified
from hypothesis import HealthCheck, Phase, given, seed, settings
from strategies import scenarios

from sim.planning import build
from sim.scenario import from_dict


class DifferenceError(AssertionError):
    """A scenario whose runs differ, or whose ledger does not close."""


class Search:
    """Counts the files that were tried, up to the first that fails, and the faults that struck in them."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self.report = report
        self.files = 0
        self.faults = 0
        self.first = 0
        self.began = time.monotonic()

    def check(self, table: dict[str, Any]) -> None:
        """Run a scenario in both engines; raise `DifferenceError` where they differ."""
        if not self.first:
            self.files += 1
        plan = build(from_dict(table))
        ours = compiled(plan)
        self.faults += int(ours[0]["faults"] + ours[0]["spare_faults"] + ours[0]["void_faults"])
        try:
            wrong = difference(ours, specified(plan))
            assert not wrong, wrong
            check_closed(plan, ours)
        except AssertionError as error:
            self.first = self.first or self.files
            raise DifferenceError(f"{error}\n{table}") from None
        if not self.first and self.files % 1_000 == 0:
            rate = self.files / (time.monotonic() - self.began)
            self.report(f"{self.files:,} files, {self.faults:,} faults, {rate:.0f} files a second")


def search(number: int, files: int, report: Callable[[str], None] = print, *, shrink: bool = True) -> tuple[int, str]:
    """Search so many files from a seed.

    Returns
    -------
    tuple of int and str
        The number of the first file that failed, from 1, with the difference in the smallest like it; 0 and an empty
        text if none did.
    """
    run = Search(report)

    @seed(number)
    @settings(
        max_examples=files, phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate], database=None,
        deadline=None, suppress_health_check=list(HealthCheck), report_multiple_bugs=False, print_blob=False,
    )  # fmt: skip
    @given(scenarios())
    def check(table: dict[str, Any]) -> None:
        run.check(table)

    try:
        check()
    except DifferenceError as found:
        return run.first, str(found)
    report(f"{run.files:,} files, {run.faults:,} faults: both engines give the same")
    return 0, ""


def main() -> int:
    """Read the command line, search, and say what was found."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32), help="drawn if left out")
    options.add_argument("--files", type=int, default=10_000)
    asked = options.parse_args()
    print(f"seed {asked.seed}, {asked.files:,} files", flush=True)
    first, found = search(asked.seed, asked.files, lambda text: print(text, flush=True))
    if first:
        print(f"file {first:,} of seed {asked.seed} fails:\n{found}")
    return 1 if first else 0


if __name__ == "__main__":
    sys.exit(main())
