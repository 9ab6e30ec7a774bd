"""Pictures of sweeps: what stands where. How they look was judged by eye."""

from pathlib import Path

import matplotlib
import matplotlib.image
import numpy as np
import pytest
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from sim.batch.scale import scale_sweep, sizes
from sim.errors import UsageError
from sim.report.heatmap import Scale, draw, figure, scale_figure

from .sweeps import INTERVAL, MINIMAL, MTBF, SPARES, sweep_of, swept_of

LONG = {"key": "stores.remote.every", "from": "5 min", "to": "320 min", "points": 7, "scale": "log"}
SEVEN = {"key": "pools.hot.nodes", "values": [10, 12, 14, 16, 18, 20, 22]}


def texts(drawn: Figure) -> list[str]:
    return [text.get_text() for axes in drawn.axes for text in axes.texts]


def title(drawn: Figure) -> str:
    assert drawn.get_suptitle()
    return drawn.get_suptitle()


def test_a_heat_map_has_each_case_in_its_place() -> None:
    sweep = sweep_of({"interval": LONG, "spares": SEVEN})
    ettr = np.linspace(0.5, 0.98, 49)
    drawn = figure(swept_of(sweep, ettr, failed=[48], missing=[0]), "interval", "spares")
    mesh = next(each for each in drawn.axes[0].collections if isinstance(each, QuadMesh))
    expected = 100 * ettr.reshape(7, 7).T
    expected[0, 0] = expected[6, 6] = np.nan
    np.testing.assert_allclose(np.ma.filled(mesh.get_array(), np.nan), expected)
    assert [label.get_text() for label in drawn.axes[0].get_xticklabels()] == [
        "5",
        "10",
        "20",
        "40",
        "80",
        "160",
        "320",
    ]
    assert drawn.axes[0].get_xlabel() == "interval (min)"
    assert drawn.axes[0].get_ylabel() == "spares"
    assert drawn.axes[-1].get_ylabel() == "ETTR, %"
    said = texts(drawn)
    assert len(said) == 49
    assert {"failed", "-", "51.0\n±0.1"} <= set(said)
    assert "n = 32; ±: 95 % interval of the mean" in title(drawn)


def test_colours_can_be_read_in_grey() -> None:
    colours = matplotlib.colormaps["cividis"](np.linspace(0, 1, 64))[:, :3]
    light = colours @ (0.299, 0.587, 0.114)
    assert (np.diff(light) > 0).all()


def test_many_cells_stand_at_their_values_without_numbers() -> None:
    axes = {"interval": LONG | {"points": 15}, "spares": SEVEN}
    drawn = figure(swept_of(sweep_of(axes), np.linspace(0.5, 0.9, 105)), "interval", "spares")
    assert texts(drawn) == []
    assert (drawn.axes[0].get_xscale(), drawn.axes[0].get_yscale()) == ("log", "linear")
    assert drawn.axes[0].get_xlim() == pytest.approx((5 * 64 ** (-1 / 28), 320 * 64 ** (1 / 28)))
    assert drawn.axes[0].get_ylim() == (9, 23)  # cells end halfway between points
    assert "95 % interval of the mean: at most ±0.1 points" in title(drawn)


def test_few_points_of_an_axis_are_lines() -> None:
    drawn = figure(swept_of(sweep_of({"mtbf": MTBF, "interval": LONG}), np.linspace(0.5, 0.9, 21)), None, None)
    (axes,) = drawn.axes
    assert axes.get_xlabel() == "interval (min)"
    assert axes.get_xscale() == "log"
    assert [text.get_text() for text in drawn.legends[0].get_texts()] == ["8000 h", "4000 h", "2000 h"]  # as they lie
    lines = [bars[0] for bars in axes.containers]
    np.testing.assert_allclose(np.concatenate([line.get_ydata() for line in lines]), 100 * np.linspace(0.5, 0.9, 21))
    assert len({(line.get_linestyle(), line.get_marker()) for line in lines}) == 3
    assert "bars: 95 % interval" in title(drawn)
    turned = figure(swept_of(sweep_of({"mtbf": MTBF, "interval": INTERVAL}), np.full(12, 0.9)), "mtbf", None)
    assert turned.axes[0].get_xlabel() == "mtbf (h)"


def test_one_long_axis_has_a_band_and_words_have_no_line() -> None:
    long = figure(swept_of(sweep_of({"interval": LONG | {"points": 20}}), np.full(20, 0.9)), None, None)
    assert "bands: 95 % interval" in title(long)
    assert long.legends == []
    words = {"interval": INTERVAL | {"values": ["10 min", "exact", "young"]}}
    drawn = figure(swept_of(sweep_of(words), [0.9, 0.92, 0.91], failed=[2]), None, None)
    assert [label.get_text() for label in drawn.axes[0].get_xticklabels()] == ["10 min", "exact", "young"]
    assert drawn.axes[0].containers[0][0].get_linestyle() == "None"


def test_a_sample_is_points() -> None:
    axes = {
        "interval": {"key": "stores.remote.every", "from": "1 min", "to": "100 min", "scale": "log"},
        "mtbf": {"key": "faults.node.mtbf", "from": "2_000 h", "to": "8_000 h"},
    }
    sweep = sweep_of(axes, sample={"method": "sobol", "points": 16, "seed": 1})
    swept = swept_of(sweep, np.linspace(0.5, 0.9, 16))
    drawn = figure(swept, None, None)
    assert [each.get_xlabel() for each in drawn.axes] == ["interval (min)", "mtbf (h)"]
    assert [each.get_xscale() for each in drawn.axes] == ["log", "linear"]
    np.testing.assert_allclose(drawn.axes[0].containers[0][0].get_xdata(), sweep.cases.numbers(0) / 60)
    both = figure(swept, "mtbf", "interval")
    assert (both.axes[0].get_xlabel(), both.axes[0].get_ylabel()) == ("mtbf (h)", "interval (min)")
    offsets = both.axes[0].collections[0].get_offsets()
    np.testing.assert_allclose(offsets, np.stack([sweep.cases.numbers(1) / 3600, sweep.cases.numbers(0) / 60], axis=1))


def test_other_axes_have_panels() -> None:
    axes = {"mtbf": MTBF, "interval": INTERVAL, "spares": SPARES}
    drawn = figure(swept_of(sweep_of(axes), np.linspace(0.5, 0.9, 24)), None, None)
    assert [each.get_title(loc="left") for each in drawn.axes] == ["spares = 10", "spares = 20"]


def test_what_is_spread_by_ratios_is_logarithmic() -> None:
    def log(*values: float) -> bool:
        return Scale(sweep_of({"spares": SPARES | {"values": list(values)}}).axes[0]).log

    assert log(1, 2, 4, 8)
    assert log(2, 5, 10, 20, 50)
    assert not log(10, 20, 30, 40)
    assert not log(0, 1, 10)
    assert not log(5, 10)
    assert log(5, 50)


def test_nothing_to_draw_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no case is done"):
        draw(swept_of(sweep_of({"interval": INTERVAL}), [0.9] * 4, missing=range(4)), tmp_path / "a.png", None, None)


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_the_same_sweep_gives_the_same_picture(tmp_path: Path, suffix: str) -> None:
    swept = swept_of(sweep_of({"interval": LONG, "spares": SEVEN}), np.linspace(0.5, 0.9, 49))
    path = tmp_path / f"heat.{suffix}"
    draw(swept, path, None, None)
    assert path.stat().st_size > 5_000
    if suffix == "png":
        before = path.read_bytes()
        draw(swept, path, None, None)
        assert path.read_bytes() == before


def test_three_curves_over_the_size() -> None:
    sweep = scale_sweep(MINIMAL)
    drawn = scale_figure(swept_of(sweep, np.linspace(0.97, 0.01, 13)), sizes(sweep))
    (axes,) = drawn.axes
    assert axes.get_xscale() == "log"
    assert axes.get_ylim() == (0, 100)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "exact formula", "first-order formula", "simulated",
    ]  # fmt: skip
    np.testing.assert_allclose(axes.lines[0].get_xdata()[[0, -1]], (1_000, 1_000_000))
