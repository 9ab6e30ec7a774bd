"""Closed forms of lives: fixtures of the list of oracles, and limits."""

import math

import pytest

from sim.theory import lives


def test_fixtures():
    assert lives.mean_first_failure(1000, 1e4, 0.7) == pytest.approx(0.655630, rel=5e-6)
    assert lives.fleet_rate(2000, 1000.0, 0.7) == pytest.approx(1.58, rel=5e-6)
    assert lives.first_failures(5000, 1e5, 0.7, 2000.0) == pytest.approx(313.129, rel=5e-6)
    assert lives.faults_without_renewal(3000, 1e5, 0.7, 2000.0) == pytest.approx(194.018, rel=5e-6)
    assert lives.frailty_variance(3.0, 1.0 / 0.8) == pytest.approx(14.25, rel=5e-6)
    assert lives.faults_until_retired(2000 * 0.01, 0.02 * 200.0, 2) == pytest.approx(37.8021, rel=5e-6)
    scale = 180.0 / math.gamma(1.0 + 1.0 / 0.6)
    assert lives.renewed_ettr(scale, 0.6, 25.0, 3.0, 10.0) == pytest.approx(0.789069, rel=5e-6)


def test_shape_1_is_the_exponential():
    assert lives.fleet_rate(7, 5.0, 1.0, 0.3) == pytest.approx(7 / 5.0)
    x = 28.0 / 180.0
    exact = 25.0 / math.expm1(x) / 190.0
    assert lives.renewed_ettr(180.0, 1.0, 25.0, 3.0, 10.0) == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("bad", [{"renewing": 0.0}, {"renewing": 1.1}, {"shape": 0.0}, {"scale": math.nan}])
def test_what_is_out_of_range_is_refused(bad):
    with pytest.raises(ValueError):
        lives.fleet_rate(**{"components": 3, "scale": 1.0, "shape": 1.0, **bad})


def test_faults_until_retired_at_the_limits():
    assert lives.faults_until_retired(3, 0.0, 2) == 0.0
    assert lives.faults_until_retired(3, 2.0, 60) == pytest.approx(6.0, rel=1e-12)
    assert lives.faults_until_retired(3, 50.0, 4) == pytest.approx(12.0, rel=1e-12)
    with pytest.raises(ValueError):
        lives.faults_until_retired(3, 1.0, 0)
