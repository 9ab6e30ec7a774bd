"""How the answer of ``sim sweep`` is shown: in words and tables, in JSON, as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.cli.options import check_output
from sim.cli.terminal import console, put, put_json
from sim.errors import UsageError

if TYPE_CHECKING:
    from sim.batch.file import Sweep
    from sim.batch.status import Status
    from sim.batch.swept import Swept


@dataclass(frozen=True)
class Answer:
    """What is asked for.

    Parameters
    ----------
    plot : Path or None
        Picture to write.
    x, y : str or None
        Axes across and down.
    scale : bool
        Whether the sweep is that of `sim.batch.scale`.
    as_json : bool
        Whether to print JSON.
    """

    plot: Path | None
    x: str | None
    y: str | None
    scale: bool
    as_json: bool

    def check(self, what: Sweep) -> None:
        """Refuse now what would fail after the last replication."""
        from sim.extras import need_pictures
        from sim.report.pivot import chosen

        if self.scale and (self.x or self.y):
            raise UsageError("--scale has one axis: leave out --x and --y")
        chosen(what.axes, self.x, self.y)
        if self.plot is not None:
            check_output("--plot", self.plot, ".png", ".svg", ".pdf")
            need_pictures(f"--plot {self.plot}")

    def show(self, swept: Swept) -> None:
        """Show what became of a sweep; a summary if it is complete."""
        if self.as_json:
            put_json(swept.as_dict() | self._formulas(swept.sweep))
        elif not swept.stopped:
            self._print(swept)
        if self.plot is not None and not swept.stopped:
            self._draw(swept, self.plot)

    def show_status(self, status: Status) -> None:
        """Show how far a sweep is, with a summary of what is there."""
        from sim.report.sweep import status_lines

        if self.as_json:
            put_json(status.as_dict() | self._formulas(status.swept.sweep))
        else:
            for line in status_lines(status):
                put(line)
            self._print(status.swept)
        if self.plot is not None:
            self._draw(status.swept, self.plot)

    def _formulas(self, what: Sweep) -> dict[str, Any]:
        """What JSON has beside the cases: formulas by size."""
        from sim.batch.scale import sizes

        return {"scale": [size.as_dict() for size in sizes(what)]} if self.scale else {}

    def _print(self, swept: Swept) -> None:
        from sim.batch.scale import sizes
        from sim.report import scale
        from sim.report.sweep import sentences, tables

        out = console()
        found = sizes(swept.sweep) if self.scale else []
        for text in scale.sentences(swept, found) if self.scale else sentences(swept):
            out.print(text, style="bold")
        for part in scale.tables(swept, found) if self.scale else tables(swept, self.x, self.y):
            out.print(part)

    def _draw(self, swept: Swept, plot: Path) -> None:
        from sim.batch.scale import sizes
        from sim.report.heatmap import draw, draw_scale

        if self.scale:
            draw_scale(swept, sizes(swept.sweep), plot)
        else:
            draw(swept, plot, self.x, self.y)
