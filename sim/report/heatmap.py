"""A sweep as a picture: heat map, lines or points. Imports matplotlib, which is an extra."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from sim.batch.axes import Axis
from sim.batch.scale import Size
from sim.batch.swept import Swept
from sim.errors import UsageError
from sim.report.pivot import NOTHING, Ettrs, Floats, Layer, Pivot, chosen, evenly, is_sampled, labels, pivot, shown
from sim.study.measures import measured
from sim.writing import appearing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize

MOST_LINES = 6
"""Points of an axis up to which each is a line; of more, a heat map is drawn."""

MOST_TEXTS = 100
"""Cells of a heat map up to which each has its number."""

_COLORS = "cividis"
"""From dark to light for everybody: those who see no red, no green, no colour, and printers."""

_MARKERS = "osD^vP"
_STYLES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)))
_MOST_TICKS = 12
_MOST_PANELS = 9
_DPI = 150


class Scale:
    """Where the points of an axis stand in a picture.

    Numbers stand at their values, in the unit of the file, on a logarithmic axis if they are spread by ratios; words,
    and numbers that are there twice, stand side by side.

    Parameters
    ----------
    axis : Axis
        Of a sweep.
    side_by_side : bool
        Whether numbers stand side by side, too, in their order: all cells then have the same room.
    """

    def __init__(self, axis: Axis, *, side_by_side: bool = False) -> None:
        numbers = [math.nan if point.number is None else point.number for point in axis.points]
        self.numeric = not any(map(math.isnan, numbers)) and len(set(numbers)) == len(numbers)
        one = measured(f"1 {axis.unit}") if axis.unit else None
        self.factor = one.si if one is not None else 1.0
        self.at = np.arange(len(numbers), dtype=np.float64)
        if self.numeric:
            values = np.array(numbers, dtype=np.float64) / self.factor
            self.at = np.argsort(np.argsort(values)).astype(np.float64) if side_by_side else values
        self.log = self.numeric and not side_by_side and _by_ratios(np.sort(self.at))
        named = axis.points[0].label is not None
        self.crowded = self.numeric and not side_by_side and not named and len(numbers) > _MOST_TICKS
        """Whether round numbers are better ticks than the points."""
        self.labels = labels(axis)
        end = f" {axis.unit}"
        self.title = self.full_title = axis.name
        if axis.unit and self.numeric and not named:
            self.full_title = f"{axis.name} ({axis.unit})"
            if all(label.endswith(end) for label in self.labels):
                self.labels = [label.removesuffix(end) for label in self.labels]
                self.title = self.full_title

    @property
    def order(self) -> list[int]:
        """Positions of the points, from left to right."""
        return [int(i) for i in np.argsort(self.at, kind="stable")]

    def edges(self) -> Floats:
        """Edges of cells around the points in their order, halfway between them; shape (points + 1,)."""
        at = np.sort(self.at)
        if self.log:
            at = np.log(at)
        between = (at[1:] + at[:-1]) / 2
        half = (at[1] - at[0]) / 2 if len(at) > 1 else 0.5
        last = (at[-1] - at[-2]) / 2 if len(at) > 1 else 0.5
        edges = np.concatenate([[at[0] - half], between, [at[-1] + last]])
        return np.asarray(np.exp(edges) if self.log else edges, dtype=np.float64)

    def dress(self, axes: Axes, side: str) -> None:
        """Give an axis of a picture its scale, its ticks at the points and its name."""
        axis = getattr(axes, f"{side}axis")
        if self.crowded:
            _span(axes, side, self)
            return
        if self.log:
            getattr(axes, f"set_{side}scale")("log")
        chosen = [self.order[i] for i in evenly(len(self.at), _MOST_TICKS)]
        axis.set_minor_locator(NullLocator())
        axis.set_ticks([self.at[i] for i in chosen], [self.labels[i] for i in chosen])
        axis.set_label_text(self.title)


def _by_ratios(numbers: Floats) -> bool:
    """Whether sorted numbers are spread by ratios more than by differences."""
    if len(numbers) < 2 or numbers[0] <= 0:
        return False
    if len(numbers) == 2:
        return bool(numbers[1] >= 10 * numbers[0])
    steps, ratios = np.diff(numbers), np.diff(np.log(numbers))
    return bool(np.std(ratios) / np.mean(ratios) < np.std(steps) / np.mean(steps))


def draw(swept: Swept, path: Path, x: str | None, y: str | None) -> None:
    """Write a picture of a sweep as PNG, SVG or PDF, by the suffix of the file: see `figure`."""
    _write(figure(swept, x, y), path)


def figure(swept: Swept, x: str | None, y: str | None) -> Figure:
    """Draw a sweep.

    Two axes with more than ``MOST_LINES`` points each are a heat map; with fewer, each point of the shorter is a line.
    Points of a sample are points.

    Parameters
    ----------
    swept : Swept
        Complete or not.
    x, y : str or None
        Names of axes, as `sim.report.sweep.tables` takes them.

    Raises
    ------
    UsageError
        If there is no axis of a name, or nothing to draw.
    """
    axes = swept.sweep.axes
    chosen(axes, x, y)
    ettrs = Ettrs.of(swept)
    if ettrs.best == NOTHING:
        raise UsageError("--plot: no case is done: there is nothing to draw")
    if is_sampled(axes, x, y):
        return _scatter(swept, ettrs, [axis for name in (x, y) for axis in axes if axis.name == name])
    found = pivot(swept.sweep, ettrs, x, y)
    shortest = min(len(found.rows.points), len(found.columns.points) if found.columns else 1)
    return _heat(swept, ettrs, found) if shortest > MOST_LINES else _lines(swept, ettrs, found, x, y)


def _write(figure: Figure, path: Path) -> None:
    # The same sweep gives the same picture.
    with matplotlib.rc_context({"svg.hashsalt": "lockstep"}), appearing(path) as partial:
        figure.savefig(partial, dpi=_DPI, format=path.suffix[1:])


def _panels(count: int, width: float, height: float, **options: Any) -> tuple[Figure, list[Axes]]:
    """A figure with panels side by side, three in a row."""
    across = min(count, 3) if count != 4 else 2
    down = -(-count // across)
    figure = Figure(figsize=(width * across, height * down), layout="constrained")
    axes = figure.subplots(down, across, squeeze=False, **options).ravel().tolist()
    for spare in axes[count:]:
        spare.set_visible(False)
    return figure, axes[:count]


def _head(figure: Figure, swept: Swept, ettrs: Ettrs, sign: str, best_over: Sequence[str] = ()) -> None:
    """The title: what is shown, and what intervals are, which stand at ``sign``; nowhere if that is empty."""
    counts = ettrs.n[ettrs.done]
    low, high = int(counts.min()), int(counts.max())
    said = f"n = {low:,}" + (f" to {high:,}" if high > low else "")
    level = f"{100 * ettrs.confidence:g} % interval of the mean"
    if high > 1:
        widest = 100 * ettrs.half[np.isfinite(ettrs.half)].max()
        said += f"; {sign}: {level}" if sign else f"; {level}: at most ±{widest:.2g} points"
    if best_over:
        said += f"\nbest case over {' and '.join(best_over)}"
    figure.suptitle(f"{swept.sweep.name}: ETTR\n{said}", size=10, x=0.01, ha="left")


def _fixed(axes: Axes, layer: Layer) -> None:
    if layer.fixed:
        axes.set_title(", ".join(f"{name} = {value}" for name, value in layer.fixed), size=9, loc="left")


def _heat(swept: Swept, ettrs: Ettrs, found: Pivot) -> Figure:
    """ETTR as colours over two axes."""
    assert found.columns is not None
    few = len(found.columns.points) * len(found.rows.points) <= MOST_TEXTS
    across, down = (Scale(axis, side_by_side=few) for axis in (found.columns, found.rows))
    size = (1.8 + 0.62 * len(across.at), 1.4 + 0.42 * len(down.at)) if few else (7.0, 5.2)
    figure, panels = _panels(len(found.layers), max(size[0], 5.0), max(size[1], 3.6))
    values = 100 * ettrs.mean[ettrs.done]
    low, high = float(values.min()), float(values.max())
    colors = matplotlib.colors.Normalize(low, high if high > low else low + 1)
    for axes, layer in zip(panels, found.layers, strict=True):
        cells = layer.cells[np.ix_(down.order, across.order)]
        means = np.where(cells == NOTHING, math.nan, 100 * ettrs.mean[cells])
        axes.set_facecolor("0.85")
        drawn = axes.pcolormesh(across.edges(), down.edges(), means, norm=colors, cmap=_COLORS)
        across.dress(axes, "x")
        down.dress(axes, "y")
        _frame(axes, ettrs, cells, across, down)
        if few:
            _texts(axes, ettrs, cells, across, down, colors)
        _fixed(axes, layer)
    bar = figure.colorbar(drawn, ax=panels, fraction=0.05, aspect=30)
    bar.set_label("ETTR, %")
    bar.outline.set_visible(False)
    _head(figure, swept, ettrs, "±" if few else "", found.best_over)
    return figure


def _frame(axes: Axes, ettrs: Ettrs, cells: np.ndarray, across: Scale, down: Scale) -> None:
    """Draw a frame around the best case, if it is here."""
    right, top = across.edges(), down.edges()
    for row, column in np.argwhere(cells == ettrs.best):
        corner = float(right[column]), float(top[row])
        size = float(right[column + 1]) - corner[0], float(top[row + 1]) - corner[1]
        axes.add_patch(Rectangle(corner, *size, fill=False, edgecolor="black", linewidth=2.5, zorder=3))
        axes.add_patch(Rectangle(corner, *size, fill=False, edgecolor="white", linewidth=1.0, zorder=4))


def _texts(axes: Axes, ettrs: Ettrs, cells: np.ndarray, across: Scale, down: Scale, colors: Normalize) -> None:
    """Write the numbers into the cells."""
    digits = ettrs.digits(cells)
    for row, column in np.ndindex(cells.shape):
        case = int(cells[row, column])
        text = ettrs.written(case, digits)
        color = "black"
        if case != NOTHING and ettrs.n[case]:
            text = text.replace(" ", "\n")
            color = "black" if colors(100 * ettrs.mean[case]) > 0.55 else "white"
        where = across.at[across.order[column]], down.at[down.order[row]]
        axes.text(*where, text, ha="center", va="center", size=7, color=color, linespacing=1.1)


def _lines(swept: Swept, ettrs: Ettrs, found: Pivot, x: str | None, y: str | None) -> Figure:
    """ETTR over one axis, a line for each point of the other."""
    turned = found.columns is None or _rows_lie(found, x, y)
    long, short = (found.rows, found.columns) if turned else (found.columns, found.rows)
    assert long is not None
    scale = Scale(long)
    figure, panels = _panels(len(found.layers), 6.8 if len(found.layers) == 1 else 4.6, 4.2, sharey=True)
    heads = [""] if short is None else labels(short)
    shades = matplotlib.colormaps[_COLORS](np.linspace(0.0, 0.82, len(heads)))
    for axes, layer in zip(panels, found.layers, strict=True):
        levels: list[float] = []
        cells = (layer.cells.T if turned else layer.cells)[:, scale.order]
        at = scale.at[scale.order]
        for i, (head, numbers) in enumerate(zip(heads, cells, strict=True)):
            means = np.where(numbers == NOTHING, math.nan, 100 * ettrs.mean[numbers])
            bars = np.where(numbers == NOTHING, math.nan, 100 * ettrs.half[numbers])
            bars[~np.isfinite(bars)] = 0.0
            look: dict[str, Any] = {
                "color": shades[i], "marker": _MARKERS[i % len(_MARKERS)], "markersize": 4.5, "linewidth": 1.4,
                "linestyle": _STYLES[i % len(_STYLES)] if scale.numeric else "none", "label": head,
            }  # fmt: skip
            if scale.crowded:
                axes.plot(at, means, **look | {"marker": ""})
                axes.fill_between(at, means - bars, means + bars, color=shades[i], alpha=0.15, linewidth=0)
            else:
                axes.errorbar(at, means, yerr=bars, capsize=2.5, elinewidth=0.9, **look)
            levels.append(float(np.nan_to_num(means).mean()))
        scale.dress(axes, "x")
        if not scale.numeric:
            axes.set_xlim(-0.5, len(at) - 0.5)
        _plain(axes)
        _fixed(axes, layer)
    panels[0].set_ylabel("ETTR, %")
    if short is not None:
        handles, names = panels[-1].get_legend_handles_labels()
        best_first = sorted(range(len(heads)), key=lambda i: -levels[i])  # as the lines lie
        figure.legend(
            [handles[i] for i in best_first], [names[i] for i in best_first], title=short.name, frameon=False,
            loc="outside right center", fontsize=8, title_fontsize=9,
        )  # fmt: skip
    sign = "bands" if scale.crowded else "bars"
    _head(figure, swept, ettrs, sign, found.best_over)
    return figure


def _rows_lie(found: Pivot, x: str | None, y: str | None) -> bool:
    """Whether the axis of the rows becomes the horizontal one: the longer, unless the user says which is."""
    assert found.columns is not None
    if len(found.rows.points) > MOST_LINES:
        return True
    if len(found.columns.points) > MOST_LINES or x is not None:
        return False
    return y is None and len(found.rows.points) >= len(found.columns.points)


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)


def _scatter(swept: Swept, ettrs: Ettrs, named: Sequence[Axis]) -> Figure:
    """Cases as points: ETTR over each axis, or its colour over two that are named."""
    sweep = swept.sweep
    if len(named) == 2:
        return _strewn(swept, ettrs, named)
    numeric = [i for i, axis in enumerate(sweep.axes) if axis.si_unit and (not named or axis in named)]
    shown = numeric[:_MOST_PANELS]
    figure, panels = _panels(len(shown), 6.8 if len(shown) == 1 else 3.6, 4.2 if len(shown) == 1 else 3.2, sharey=True)
    done = ettrs.done
    bars = np.where(np.isfinite(ettrs.half), ettrs.half, 0.0)
    for number, (axes, i) in enumerate(zip(panels, shown, strict=True)):
        scale = Scale(sweep.axes[i])
        at = sweep.cases.numbers(i)[done] / scale.factor
        axes.errorbar(
            at, 100 * ettrs.mean[done], yerr=100 * bars[done], fmt="o", markersize=3, color=_dark(), ecolor="0.6",
            elinewidth=0.7,
        )  # fmt: skip
        _span(axes, "x", scale)
        _plain(axes)
        if number % 3 == 0:
            axes.set_ylabel("ETTR, %")
    _head(figure, swept, ettrs, "bars")
    return figure


def _strewn(swept: Swept, ettrs: Ettrs, named: Sequence[Axis]) -> Figure:
    """ETTR as colours of points over two axes."""
    sweep = swept.sweep
    for axis in named:
        if not axis.si_unit:
            raise UsageError(f"--plot: {axis.name} has words for values: no axis of a picture of a sample")
    figure, (axes,) = _panels(1, 6.8, 5.0)
    done = ettrs.done
    sides = []
    for side, axis in zip("xy", named, strict=True):
        scale = Scale(axis)
        at = sweep.cases.numbers(sweep.axes.index(axis))[done] / scale.factor
        _span(axes, side, scale)
        sides.append(at)
    drawn = axes.scatter(
        sides[0], sides[1], c=100 * ettrs.mean[done], cmap=_COLORS, s=26, edgecolors="0.4", linewidths=0.4
    )
    bar = figure.colorbar(drawn, ax=axes, fraction=0.05, aspect=30)
    bar.set_label("ETTR, %")
    bar.outline.set_visible(False)
    axes.spines[["top", "right"]].set_visible(False)
    _head(figure, swept, ettrs, "")
    return figure


def _dark() -> Any:
    return matplotlib.colormaps[_COLORS](0.1)


def _span(axes: Axes, side: str, scale: Scale) -> None:
    """Give an axis of many points its scale and name, and ticks at round numbers."""
    if scale.log and scale.at.max() >= 10 * scale.at.min():
        getattr(axes, f"set_{side}scale")("log")
        axis = getattr(axes, f"{side}axis")
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: shown(value)))
        axis.set_minor_locator(NullLocator())
    getattr(axes, f"set_{side}label")(scale.full_title)


def draw_scale(swept: Swept, sizes: Sequence[Size], path: Path) -> None:
    """Write a picture of ETTR by size of the job, simulated and by both formulas: see `scale_figure`."""
    _write(scale_figure(swept, sizes), path)


def scale_figure(swept: Swept, sizes: Sequence[Size]) -> Figure:
    """Draw ETTR by size of the job, simulated and by both formulas.

    Parameters
    ----------
    swept : Swept
        Of the sweep that `sim.batch.scale.scale_sweep` made.
    sizes : sequence of Size
        Its sizes, from `sim.batch.scale.sizes`.
    """
    ettrs = Ettrs.of(swept)
    gpus = np.array([size.gpus for size in sizes], dtype=np.float64)
    drawn, (axes,) = _panels(1, 6.8, 4.4)
    bars = np.where(np.isfinite(ettrs.half), 100 * ettrs.half, 0.0)
    axes.errorbar(
        gpus,
        100 * ettrs.mean,
        yerr=bars,
        fmt="o-",
        linewidth=1,
        markersize=4.5,
        color=_dark(),
        capsize=2.5,
        label="simulated",
    )
    for name, values, style, shade in (
        ("exact formula", [size.exact for size in sizes], "--", 0.55),
        ("first-order formula", [size.first_order for size in sizes], ":", 0.8),
    ):
        at = np.array([math.nan if value is None else 100 * value for value in values])
        if not np.isnan(at).all():
            axes.plot(gpus, at, linestyle=style, color=matplotlib.colormaps[_COLORS](shade), linewidth=2, label=name)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_ylim(0.0, 100.0)  # a first-order formula falls far below 0
    axes.set_xlabel("GPUs of the job")
    axes.set_ylabel("ETTR, %")
    _plain(axes)
    axes.legend(frameon=False, fontsize=9, loc="lower left")
    _head(drawn, swept, ettrs, "bars")
    return drawn
