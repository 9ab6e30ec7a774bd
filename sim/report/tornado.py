"""The tornado as a picture. Imports matplotlib, which is an extra."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from sim.report.explain import SMALLEST
from sim.study.explain import Explained
from sim.writing import appearing

MOST_BARS = 25
"""Levers in the picture."""

_HALF, _TWICE = "#c1666b", "#4281a4"
"""Colours that people who do not see red and green can distinguish, also in print."""


def figure(explained: Explained) -> Figure:
    """Draw the levers as bars around 0, the one that would help most on top.

    What is lost may be many times what can be gained: the axis then ends at twice the largest gain, and the number
    stands beside a bar that goes on beyond it.
    """
    shown = [each for each in explained.turned if max(abs(one.gain.mean) for one in each.effects) >= SMALLEST]
    shown = shown[:MOST_BARS]
    drawn = Figure(figsize=(8.0, 1.3 + 0.27 * max(len(shown), 1)), layout="constrained")
    axes = drawn.add_subplot()
    gains = [100 * each.best.gain.mean for each in shown]
    losses = [100 * min(effect.gain.mean for effect in each.effects) for each in shown]
    most = max([0.01, *gains])
    least = max(min([0.0, *losses]), -2.0 * most)
    for row, each in enumerate(shown):
        for effect in each.effects:
            color, label = (_HALF, "half") if effect.factor < 1 else (_TWICE, "twice")
            value, half = 100 * effect.gain.mean, 100 * effect.gain.half_width
            axes.barh(row, value, height=0.7, color=color, label=label if row == 0 else None)
            if value < least:
                axes.annotate(
                    f"{value:+.1f}",
                    (least, row),
                    (3, 0),
                    textcoords="offset points",
                    va="center",
                    size=7,
                    color="white",
                )
            elif half < 1e9:
                axes.errorbar(value, row, xerr=half, color="black", linewidth=0.8, capsize=1.5)
    axes.set_yticks(range(len(shown)), [each.name for each in shown], size=8)
    axes.invert_yaxis()
    axes.set_xlim(1.05 * least - 0.05 * most, 1.15 * most)
    axes.axvline(0.0, color="black", linewidth=0.8)
    axes.set_xlabel("change of ETTR, percentage points")
    answer = explained.answer
    together = f"{explained.together} intervals that hold together at {100 * answer.confidence:g} %"
    axes.set_title(
        f"{answer.runs.scenario.name}: ETTR {100 * answer.ettr.mean:.2f} %\nn = {explained.n} pairs; {together}",
        size=10, loc="left",
    )  # fmt: skip
    if shown:
        axes.legend(loc="lower left", frameon=False, fontsize=8)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(left=False)
    return drawn


def write(explained: Explained, path: Path) -> None:
    """Write the picture as PNG, SVG or PDF, by the suffix of the file."""
    with appearing(path) as partial:
        figure(explained).savefig(partial, dpi=150, format=path.suffix[1:])
