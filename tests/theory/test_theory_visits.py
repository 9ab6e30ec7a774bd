"""Visits of the states of a chain: against the matrix inverse, and where that fails."""

import math

import numpy as np
import pytest

from sim.theory import visits


@pytest.mark.parametrize("seed", range(20))
def test_visits_are_those_of_the_fundamental_matrix(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 9))
    rows = rng.dirichlet(np.full(n + 1, 0.5), n)
    enters = rng.exponential(size=n)
    found = visits(rows[:, :n], rows[:, n], enters)
    assert found == pytest.approx(np.linalg.inv(np.eye(n) - rows[:, :n]).T @ enters, rel=1e-9)


def test_exits_of_any_small_probability_keep_their_digits():
    """Two stages that send on what they do not put in order, which is almost all: I - P is singular in 64 bits."""
    steps = np.array([[0.0, 1.0], [1.0, 0.0]])
    found = visits(steps, np.array([1e-17, 3e-17]), np.array([1.0, 0.0]))
    assert found == pytest.approx([1.0 / 4e-17, 1.0 / 4e-17], rel=1e-12)


def test_what_never_leaves_is_visited_without_end():
    steps = np.array([[0.0, 0.5, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    assert visits(steps, np.array([0.5, 0.0, 1.0]), np.array([1.0, 0.0, 2.0])).tolist() == [1.0, math.inf, 2.0]
