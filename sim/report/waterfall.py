"""The waterfall from peak to effective FLOP/s as a picture. Imports matplotlib, which is an extra."""

from __future__ import annotations

import math
from pathlib import Path

from matplotlib.figure import Figure

from sim.study.designs import Designs
from sim.study.efficiency import Account
from sim.writing import appearing

MOST_ACROSS = 4
"""Designs beside each other; further ones stand below."""

_LEFT, _LOST = "#4281a4", "#d9d9d9"
_LABELS = {"peak": "peak", "mamf": "MAMF", "sfu": "SFU", "ettr": "ETTR:\neffective"}


def figure(designs: Designs) -> Figure:
    """Draw the levels of each design as columns, all to one scale: in grey what was lost on the way to each."""
    accounts = designs.accounts
    across = min(len(accounts), MOST_ACROSS)
    down = math.ceil(len(accounts) / across)
    drawn = Figure(figsize=(max(4.0 * across, 5.6), 4.0 * down), layout="constrained")
    top = 1.15 * max(account.waterfall[0].exaflops for account in accounts)
    for position, (name, account) in enumerate(zip(designs.comparison.names, accounts, strict=True)):
        axes = drawn.add_subplot(down, across, position + 1)
        _columns(axes, account)
        axes.set_ylim(0, top)
        axes.set_title(f"{name}\nn = {account.answer.n}", size=9, loc="left", wrap=True, parse_math=False)
        axes.set_ylabel("exaflop/s of the job's GPUs" if position % across == 0 else "")
    return drawn


def _columns(axes, account: Account) -> None:  # type: ignore[no-untyped-def]
    above = account.waterfall[0].exaflops
    for place, level in enumerate(account.waterfall):
        axes.bar(place, level.exaflops, width=0.7, color=_LEFT)
        axes.bar(place, above - level.exaflops, bottom=level.exaflops, width=0.7, color=_LOST)
        share = "" if level.name == "peak" else f"{100 * level.share:.1f} % of it\n"
        axes.annotate(
            f"{share}{level.exaflops:.3g}", (place, above), (0, 3), textcoords="offset points", ha="center", size=8
        )  # fmt: skip
        above = level.exaflops
    last = account.estimates()["effective_exaflops"]
    if last.low is not None and last.high is not None:
        place = len(account.waterfall) - 1
        axes.errorbar(place, last.mean, yerr=last.half_width, color="black", linewidth=0.8, capsize=2)
    axes.set_xticks(range(len(account.waterfall)), [_LABELS[level.name] for level in account.waterfall], size=8)
    axes.spines[["top", "right"]].set_visible(False)


def write(designs: Designs, path: Path) -> None:
    """Write the picture as PNG, SVG or PDF, by the suffix of the file."""
    with appearing(path) as partial:
        figure(designs).savefig(partial, dpi=150, format=path.suffix[1:])
