"""Which sets of lost nodes lose a version, against oracles O8a and O8b: all sets are tried, so counts are exact."""

import math
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest

from sim.engine.tiers import SLOTS, STORES, VERSIONS
from sim.kernels.survival import CHAIN, GROUPS, clear, lose, newest_step, swap


def stores(nodes: int, place: int, partners: int, stride: int = 1) -> tuple[np.void, np.void, np.ndarray]:
    """One store with a version, and the marks of its slots."""
    c, v = np.zeros(1, STORES)[0], np.zeros(1, VERSIONS)[0]
    c["n"], c["slots"] = 1, nodes
    c["source"][0], c["lost_at"][0], c["place"][0] = -1, 1, place
    c["partners"][0], c["stride"][0] = partners, stride
    clear(c, v)
    renew(v)
    return c, v, np.zeros(max(nodes, 2), SLOTS)["lost"]


def renew(v: np.void) -> None:
    """A new version, of which every node has its copies."""
    v["has"][0], v["version_step"][0] = 1, 60.0
    v["series"][0] += 1


def survives(c: np.void, v: np.void, lost: np.ndarray, slots: tuple[int, ...]) -> bool:
    renew(v)
    for slot in slots:
        lose(c, v, lost, slot, 2)
    return bool(v["has"][0])


def share(nodes: int, place: int, partners: int, down: int, stride: int = 1) -> Fraction:
    """Share of the sets of so many nodes down that leave the version."""
    made = stores(nodes, place, partners, stride)
    kept = sum(survives(*made, slots) for slots in combinations(range(nodes), down))
    return Fraction(kept, math.comb(nodes, down))


def groups_oracle(nodes: int, size: int, down: int) -> Fraction:
    """O8a: no group of that size is lost whole."""
    groups = nodes // size
    terms = (
        (-1) ** j * math.comb(groups, j) * math.comb(nodes - j * size, down - j * size) for j in range(down // size + 1)
    )
    return Fraction(sum(terms), math.comb(nodes, down))


@pytest.mark.parametrize(
    ("nodes", "size", "down", "fixture"), [(16, 2, 2, 0.933333), (16, 2, 4, 0.615385), (24, 3, 5, 0.960474)]
)
def test_o8a(nodes: int, size: int, down: int, fixture: float) -> None:
    found = share(nodes, GROUPS, size - 1, down)
    assert found == groups_oracle(nodes, size, down)
    assert float(found) == pytest.approx(fixture, abs=5e-7)


@pytest.mark.parametrize("stride", [1, 3, 7])
@pytest.mark.parametrize(("nodes", "down"), [(16, 2), (16, 4), (20, 5)])
def test_o8b(nodes: int, down: int, stride: int) -> None:
    """No two neighbours in a ring: N/(N-k) C(N-k, k)/C(N, k), for every stride that leads around all nodes."""
    expected = Fraction(nodes, nodes - down) * math.comb(nodes - down, down) / math.comb(nodes, down)
    assert share(nodes, CHAIN, 1, down, stride) == expected


def test_o8b_fixture() -> None:
    """Sampled: 201,376 sets are too many for a test. The same sets through groups give O8a's figure of the fixture."""
    rng = np.random.default_rng(8)
    ring, groups = stores(32, CHAIN, 1), stores(32, GROUPS, 1)
    sets = [tuple(map(int, rng.choice(32, 5, replace=False))) for _ in range(10_000)]
    for made, expected in ((ring, 0.475131), (groups, 0.694105)):
        kept = sum(survives(*made, slots) for slots in sets)
        # A binomial share of n = 10,000: z = 4.5 is 2.2 points.
        assert abs(kept / 10_000 - expected) < 4.5 * math.sqrt(expected * (1 - expected) / 10_000)


@pytest.mark.parametrize(("nodes", "partners"), [(5, 1), (7, 1), (10, 2), (11, 2)])
def test_a_group_with_one_node_more_is_lost_with_all_copies_of_a_part(nodes: int, partners: int) -> None:
    """Parts are on a node and those after it in its group: with one node more, any partners + 1 lost are in a row."""
    made = stores(nodes, GROUPS, partners)
    number = nodes // (partners + 1)
    members = [list(range(i, nodes, number)) for i in range(number)]
    for down in combinations(range(nodes), partners + 1):
        parts = [
            {group[(i + k) % len(group)] for k in range(partners + 1)} for group in members for i in range(len(group))
        ]
        assert survives(*made, down) == all(part - set(down) for part in parts)


def test_what_a_node_loses_is_made_again_by_the_next_version() -> None:
    c, v, lost = stores(4, GROUPS, 1)
    swap(c, v, lost, 0)
    assert newest_step(c, v) == 60.0
    lose(c, v, lost, 0, 2)  # the node that took the place has no copy to lose
    lose(c, v, lost, 1, 2)
    assert newest_step(c, v) == 60.0
    renew(v)
    lose(c, v, lost, 2, 2)
    assert newest_step(c, v) == 60.0
    lose(c, v, lost, 0, 0)  # a new process is enough: memory is there
    assert newest_step(c, v) == 60.0
    lose(c, v, lost, 0, 1)
    assert newest_step(c, v) == 0.0


def test_a_fault_of_the_whole_job_loses_all_copies() -> None:
    c, v, lost = stores(4, GROUPS, 1)
    lose(c, v, lost, -1, 0)
    assert v["has"][0] == 1
    lose(c, v, lost, -1, 1)
    assert v["has"][0] == 0
