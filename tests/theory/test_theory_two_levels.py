"""Two levels of saves: oracle fixtures, limits, and the first order being one."""

import math

import pytest

from sim.theory import periodic_ettr, two_level_ettr, two_level_intervals

O7A = ((1 / 200, 1 / 2000), 12.0, (0.4, 6.0), (1.5, 20.0), 5)


def test_o7a() -> None:
    assert two_level_ettr(*O7A, together=True) == pytest.approx(0.821891, rel=5e-6)
    assert two_level_ettr(*O7A) == pytest.approx(0.826517, rel=5e-6)
    assert 60.0 / two_level_ettr(*O7A) == pytest.approx(72.5938, rel=5e-6)


def test_o7b() -> None:
    rates, saves = (1 / 2000, 1 / 40_000), (0.05, 2.0)
    fast, slow = two_level_intervals(rates, saves)
    assert fast == pytest.approx(14.1421, rel=5e-6)
    assert slow / fast == pytest.approx(28.2843, rel=5e-6)
    overhead = 1.0 / two_level_ettr(rates, 14.0, saves, (0.0, 0.0), 28, together=True) - 1.0
    assert overhead == pytest.approx(0.0172823, rel=5e-6)
    assert math.sqrt(2 * saves[0] * rates[0]) + math.sqrt(2 * saves[1] * rates[1]) == pytest.approx(0.0170711, rel=5e-6)


@pytest.mark.parametrize("together", [True, False])
def test_one_level_is_a_limit(together: bool) -> None:
    """A slow store that costs nothing and is never needed leaves the fast one's ETTR."""
    found = two_level_ettr((1 / 200, 1e-12), 12.0, (0.4, 0.0), (1.5, 20.0), 5, together=together)
    assert found == pytest.approx(periodic_ettr(200.0, 12.0, 0.4, 1.5), rel=1e-7)


@pytest.mark.parametrize(
    "change", [{"rates": (0.0, 1.0)}, {"interval": 0.0}, {"saves": (-1.0, 1.0)}, {"recoveries": (1.0, math.inf)},
               {"fast_saves": 0}],
)  # fmt: skip
def test_bad_arguments_are_refused(change: dict) -> None:
    good = {"rates": (0.01, 0.001), "interval": 9.0, "saves": (1.0, 2.0), "recoveries": (1.0, 2.0), "fast_saves": 3}
    with pytest.raises(ValueError, match="must be"):
        two_level_ettr(**good | change)
