"""When an answer is looked at, and what is left of the time: with a clock that the test turns."""

import math
from dataclasses import dataclass, field

import pytest

from sim.study import looks as module
from sim.study.looks import FIRST_LOOK, look, looks


@dataclass(frozen=True)
class Counted:
    """An answer that needs so many replications."""

    n: int
    needed: float
    last: bool = False
    interrupted: bool = False
    timed_out: bool = False
    left_s: float | None = None


@dataclass
class Study:
    """Each replication takes a second, and the first one what compiling takes."""

    needed: float = math.inf
    compiling_s: float = 1_000.0
    now: float = 0.0
    n: int = 0
    seen: list[Counted] = field(default_factory=list)

    def more(self, first: int, count: int) -> None:
        assert first == self.n
        self.now += count + (self.compiling_s if first == 0 else 0.0)
        self.n += count

    def run(self, most: int, max_time_s: float | None = None) -> Counted:
        return look(
            self.more, lambda n, last: Counted(n, self.needed, last), most, lambda each: each.n >= self.needed,
            self.seen.append, max_time_s,
        )  # fmt: skip


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> Study:
    made = Study()
    monkeypatch.setattr(module.time, "monotonic", lambda: made.now)
    return made


def test_numbers_at_which_to_look() -> None:
    assert list(looks(32, 300)) == [32, 64, 128, 256, 300]
    assert list(looks(32, 32)) == list(looks(64, 32)) == [32]


def test_it_ends_when_it_is_enough(study: Study) -> None:
    study.needed = 100
    found = study.run(4_096)
    assert (found.n, found.timed_out, found.interrupted) == (128, False, False)
    assert [each.n for each in study.seen] == [32, 64]


@pytest.mark.parametrize("limit", [1, 10, 31, 32, 33, 100, 1_000])
def test_time_ends_it_and_compiling_does_not_count(study: Study, limit: int) -> None:
    """With replications that take equally long none is begun that there is no time for, but the first."""
    found = study.run(100_000, float(limit))
    assert found.timed_out
    assert found.last
    assert found.n == study.n
    assert limit <= found.n <= limit + 1
    assert [each.n for each in study.seen] == [n for n in looks(FIRST_LOOK, 100_000) if n < found.n]


def test_what_is_done_in_time_is_not_out_of_time(study: Study) -> None:
    found = study.run(50, 49.0)
    assert (found.n, found.last, found.timed_out) == (50, True, False)


def test_time_left(study: Study) -> None:
    """To the look that is enough as far as is known, to the last one if nothing is, to the end of the time."""
    study.compiling_s, study.needed = 0.0, 100
    study.run(4_096)
    assert [each.left_s for each in study.seen] == [128 - 32, 128 - 64]
    study.needed, study.n, study.seen = math.inf, 0, []
    study.run(200)
    assert [each.left_s for each in study.seen] == [200 - 32, 200 - 64, 200 - 128]
    study.n, study.seen = 0, []
    study.run(200, 100.0)
    assert [each.left_s for each in study.seen] == [100 - 31, 100 - 63]


def test_ctrl_c_gives_the_last_look(study: Study) -> None:
    def stop(found: Counted) -> None:
        study.seen.append(found)
        if found.n == 64:
            raise KeyboardInterrupt

    found = look(study.more, lambda n, last: Counted(n, math.inf), 4_096, lambda each: False, stop)
    assert (found.n, found.interrupted, found.timed_out) == (64, True, False)

    def interrupted(first: int, count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        look(interrupted, lambda n, last: Counted(n, math.inf), 4_096, lambda each: False)
