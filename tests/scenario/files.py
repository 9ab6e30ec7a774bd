"""Scenarios in several files, for the tests of what is included and merged."""

import json
from pathlib import Path

from sim.errors import Problem
from sim.scenario import Scenario, load, problems

PARTS = """\
[cluster]
gpus_per_node = 4

[faults.gpu]  # line 4
per = "gpu"
observed = { events = 148, units = 16_384, over = "1_231 h" }
needs = { reset = 0.3, repair = 0.7 }

[faults.nic]
per = "gpu"
fit = 12_000
"""
GPU = PARTS[PARTS.index("[faults.gpu]") : PARTS.index("[faults.nic]")]
RECOVERY = """\
[recovery.in_place]
when = { needs = "process" }
use = "same units"
stages = { restart = "90 s", load = "auto" }

[recovery.swap]
stages = { start = { law = "lognormal", mean = "3 min", sd = "1 min", bucket = "restart" }, load = "auto" }
"""
REST = '[cluster]\nnodes = 100\n[run]\nhorizon = "54 days"\n'


class Files:
    """Files in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, **texts: str) -> None:
        for name, text in texts.items():
            path = self.folder / f"{name.replace('__', '/')}.toml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def load(self, main: str, *overrides: str, **texts: str) -> Scenario:
        self.write(main=main, **texts)
        return load("main.toml", overrides)

    def found(self, main: str, *overrides: str, **texts: str) -> list[Problem]:
        self.write(main=main, **texts)
        return problems("main.toml", overrides)

    def only(self, main: str, *overrides: str, **texts: str) -> Problem:
        found = self.found(main, *overrides, **texts)
        assert len(found) == 1, [str(problem) for problem in found]
        return found[0]


def including(*names: str, rest: str = REST) -> str:
    return f"include = {json.dumps(names)}\n{rest}"


def place(problem: Problem) -> tuple[str, int | None, str]:
    return problem.file, problem.line, problem.key
