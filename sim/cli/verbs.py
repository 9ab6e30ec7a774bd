"""The application with all its verbs."""

from __future__ import annotations

from collections.abc import Callable

from sim.cli import comparing, costing, explaining, files, running, sweeping, tuning
from sim.cli.options import app

__all__ = ["app"]

_MINIMAL = "scenarios/minimal.toml"

EXAMPLES: dict[str, dict[Callable[..., None], tuple[str, str]]] = {
    "Questions": {
        running.run: (
            f"sim run {_MINIMAL} --set stores.remote.every=\"10 min\"",
            f"sim run {_MINIMAL} --replications 64 -o results.parquet",
        ),
        tuning.tune: (
            f"sim tune {_MINIMAL} --over stores.remote.every",
            f"sim tune {_MINIMAL} --over recovery.restart --target \"ettr=90 %\"",
        ),
        comparing.compare: (
            f"sim compare {_MINIMAL} --variant \"stores.remote.every=5 min\"",
            "sim compare scenarios/frontier/air.toml scenarios/frontier/liquid.toml",
        ),
        explaining.explain: (
            f"sim explain {_MINIMAL}",
            f"sim explain {_MINIMAL} --replications 32 --json",
        ),
        sweeping.sweep: (
            "sim sweep scenarios/sweeps/interval-by-mttf.toml -o out/ --dry-run",
            "sim sweep scenarios/sweeps/spares-by-repair.toml -o out/ --replications 4",
        ),
        costing.efficiency: (
            "sim efficiency scenarios/llama3-405b-cost.toml --replications 32",
            "sim efficiency scenarios/frontier/air.toml --replications 4 --json",
        ),
    },
    "Files": {
        files.new: (
            "sim new --nodes 1024 --mtbf \"6_300 h\" -o my-cluster.toml",
            "sim new --nodes 64 --mtbf \"30_000 h\"",
        ),
        files.validate: (
            "sim validate scenarios/*.toml",
            f"sim validate {_MINIMAL} --set job.nodes=1_024",
        ),
        files.show: (
            f"sim show {_MINIMAL}",
            f"sim show {_MINIMAL} --set job.nodes=1_024 --json",
        ),
        files.schema: (
            "sim schema",
            "sim schema --sweep",
        ),
    },
}  # fmt: skip
"""Verbs by what they are for, each with commands that run where the scenarios are."""

for panel, verbs in EXAMPLES.items():
    for verb, commands in verbs.items():
        app.command(rich_help_panel=panel, epilog="\n\n".join(("Examples:", *commands)))(verb)
