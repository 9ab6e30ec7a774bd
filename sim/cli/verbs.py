"""The application with all its verbs."""

from __future__ import annotations

from sim.cli import comparing, costing, explaining, files, running, sweeping, tuning
from sim.cli.options import app

__all__ = ["app"]

for verb in (
    running.run, comparing.compare, tuning.tune, explaining.explain, sweeping.sweep, costing.efficiency,
    files.show, files.validate, files.schema, files.new,
):  # fmt: skip
    app.command()(verb)
