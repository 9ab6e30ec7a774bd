"""Saves in closed form against a walk from event to event, and what a segment leaves in the ledger.

The walk counts in whole ticks and in fractions, so that it is exact. Intervals, persists and the work are multiples of
168 ticks: for slowdowns of 1/2, 1/4 and 1/8 all events then fall on the grid, and both must agree exactly, but for the
progress in the middle of a slowed step, which the kernel rounds to a tick.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import TICK, examples

from sim.kernels.ledger import ended, interrupted
from sim.kernels.saves import (
    ENDLESS_SAVES,
    UNLIMITED,
    Pattern,
    Segment,
    last_save_durable,
    make_pattern,
    make_segment,
    save_start,
    saves_durable,
    saves_started,
    stepping_until,
    work_end,
)  # fmt: skip
from sim.kernels.time import quantize

BASE = 168
ENDLESS = 10**15


@dataclass
class Case:
    """A store and a segment, in ticks; ``until`` is when the segment ends, counted from its start."""

    interval: int
    stall: int
    persist: int
    slowdown: Fraction
    in_flight: int
    start: int
    index: int
    work: int
    until: int

    @property
    def last(self) -> int:
        """Index of the last trigger before the end of the work."""
        return ENDLESS_SAVES if self.work == ENDLESS else math.ceil(self.work / self.interval) - 1

    def pattern(self) -> Pattern:
        times = (self.interval * TICK, self.stall * TICK, self.persist * TICK)
        return make_pattern(*times, float(self.slowdown), self.in_flight)

    def segment(self) -> Segment:
        work = math.inf if self.work == ENDLESS else self.work * TICK
        step = self.index * self.interval * TICK
        return make_segment(self.start * TICK, step, self.index, True, work, self.last, self.pattern())

    @property
    def time(self) -> float:
        return (self.start + self.until) * TICK


@dataclass
class Walk:
    """One step of the way after another: step to the trigger, wait if too many persist, stall, go on."""

    case: Case
    now: Fraction = Fraction(0)
    stepped: Fraction = Fraction(0)
    progress: Fraction = Fraction(0)
    phase: str = "step"
    phase_end: Fraction = Fraction(0)
    persisting: list[Fraction] = field(default_factory=list)
    starts: list[Fraction] = field(default_factory=list)
    durable: list[tuple[Fraction, Fraction]] = field(default_factory=list)  # stepped and progress at the trigger
    triggers: list[tuple[Fraction, Fraction]] = field(default_factory=list)
    work_done_at: Fraction | None = None
    ended_at: Fraction | None = None

    def __post_init__(self) -> None:
        self.progress = Fraction(self.case.index * self.case.interval)

    def go(self, until: Fraction | None = None) -> "Walk":
        """Do all events up to ``until``, that instant included; without it, to the end of the last save."""
        while self.ended_at is None:
            event = self._next()
            if until is not None and event > until:
                self._pass(until)
                break
            self._pass(event)
            self._do()
        return self

    def _speed(self) -> Fraction:
        return 1 - self.case.slowdown if self.persisting else Fraction(1)

    def _goal(self) -> int:
        """The next trigger or the end of the work; the job steps from the last one on."""
        last = self.triggers[-1][1] if self.triggers else self.case.index * self.case.interval
        return min((int(last) // self.case.interval + 1) * self.case.interval, self.case.work)

    def _next(self) -> Fraction:
        events = list(self.persisting[:1])
        if self.phase == "step":
            events.append(self.now + (self._goal() - self.progress) / self._speed())
        elif self.phase == "stall":
            events.append(self.phase_end)
        return min(events)

    def _pass(self, time: Fraction) -> None:
        if self.phase == "step":
            self.stepped += time - self.now
            self.progress += (time - self.now) * self._speed()
        self.now = time

    def _do(self) -> None:
        """What happens now: a save that is durable comes before all else."""
        if self.persisting and self.persisting[0] == self.now:
            self.persisting.pop(0)
            self.durable.append(self.triggers[len(self.durable)])
            if self.phase == "queue":
                self._stall()
            elif self.phase == "last" and not self.persisting:
                self.ended_at = self.now
        elif self.phase == "stall" and self.phase_end == self.now:
            self.persisting.append(self.now + self.case.persist)
            self.phase = "last" if self.work_done_at is not None else "step"
        elif self.phase == "step" and self.progress == self._goal():
            if self.progress == self.case.work:
                self.work_done_at = self.now
            self.triggers.append((self.stepped, self.progress))
            if len(self.persisting) >= self.case.in_flight:
                self.phase = "queue"
            else:
                self._stall()

    def _stall(self) -> None:
        self.starts.append(self.now)
        self.phase, self.phase_end = "stall", self.now + self.case.stall


@st.composite
def cases(draw: Any, endless: bool | None = None) -> Case:
    interval = BASE * draw(st.integers(1, 6))
    index = draw(st.integers(0, 3))
    to_do = draw(st.integers(1, 60)) * BASE
    no_end = draw(st.booleans()) if endless is None else endless
    return Case(
        interval=interval,
        stall=draw(st.sampled_from([0, 1, 2, 50, 168, 500, 1500])),
        persist=BASE * draw(st.integers(0, 24)),
        slowdown=draw(st.sampled_from([Fraction(0), Fraction(1, 2), Fraction(1, 4), Fraction(1, 8)])),
        in_flight=draw(st.sampled_from([1, 1, 2, 3, 4, UNLIMITED])),
        start=draw(st.integers(0, 10**9)),
        index=index,
        work=ENDLESS if no_end else index * interval + to_do,
        until=draw(st.integers(0, 12_000)),
    )


def clipped(case: Case) -> tuple[Case, Walk]:
    """The case and its walk, ended no later than its work."""
    whole = Walk(case).go(Fraction(case.until))
    if whole.work_done_at is not None:
        case.until = int(whole.work_done_at)
        whole = Walk(case).go(Fraction(case.until))
    return case, whole


def ticks(seconds: float) -> Fraction:
    return Fraction(seconds) / Fraction(TICK)


@examples(500)
@given(cases())
def test_saves_and_steps_are_those_of_the_walk(case: Case) -> None:
    case, walk = clipped(case)
    p, s = case.pattern(), case.segment()
    # A last save that takes no time is over when the work is done; it is no regular one.
    regular, durable = walk.starts[: s.n], len(walk.durable[: s.n])
    assert saves_started(case.time, s, p) == len(regular)
    assert [ticks(save_start(j, s, p)) - case.start for j in range(1, len(regular) + 1)] == regular
    assert saves_durable(case.time, s, p) == durable
    stepped, gain = stepping_until(case.time, s, p)
    assert ticks(stepped) == walk.stepped
    progress = walk.progress - case.index * case.interval
    assert abs(ticks(gain) - progress) <= (Fraction(1, 2) if progress.denominator > 1 else 0)


@examples(300)
@given(cases(endless=False))
def test_the_end_of_the_work_is_that_of_the_walk(case: Case) -> None:
    walk = Walk(case).go()
    p, s = case.pattern(), case.segment()
    assert s.n == len(walk.starts) - 1
    assert ticks(work_end(s, p)) - case.start == walk.work_done_at
    assert ticks(last_save_durable(s, p)) - case.start == walk.ended_at
    productive, stall, slowdown, durable, not_saved = ended(last_save_durable(s, p), s, p)
    assert ticks(productive) == case.work - case.index * case.interval
    assert ticks(slowdown) == walk.stepped - ticks(productive)
    assert ticks(stall) == walk.ended_at - walk.stepped
    # The last save is the caller's to count: at its end all before it are durable.
    assert durable == s.n
    assert ticks(not_saved) == case.work - case.interval * max(case.index, case.last)


@examples(300)
@given(cases())
def test_a_fault_leaves_what_was_durable(case: Case) -> None:
    case, walk = clipped(case)
    p, s = case.pattern(), case.segment()
    productive, stall, slowdown, lost, durable, step, index = interrupted(case.time, s, p)
    saved = walk.durable[: s.n]
    kept, restored = saved[-1] if saved else (Fraction(0), Fraction(case.index * case.interval))
    assert durable == len(saved)
    assert (ticks(step), index) == (restored, case.index + durable)
    assert ticks(productive) == restored - case.index * case.interval
    assert ticks(slowdown) == kept - ticks(productive)
    assert ticks(lost) == walk.stepped - kept
    assert ticks(stall) == case.until - walk.stepped


@pytest.mark.parametrize("wrong", ["stall", "persist", "in_flight"])
def test_a_wrong_walk_is_noticed(wrong: str) -> None:
    """Negative control: a store that differs by a tick, or by one save in flight."""
    case = Case(168, 50, 336, Fraction(1, 4), 1, 7, 0, ENDLESS, 5_000)
    right = (
        saves_durable(case.time, case.segment(), case.pattern()),
        stepping_until(case.time, case.segment(), case.pattern()),
    )
    setattr(case, wrong, getattr(case, wrong) + 1)
    walk = Walk(case).go(Fraction(case.until))
    assert (right[0], ticks(right[1][0])) != (len(walk.durable), walk.stepped)


# The ledger of a segment, whatever the times


def on_grid(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high).map(lambda seconds: float(quantize(seconds)))


@st.composite
def segments(draw: Any) -> tuple[float, Segment, Pattern]:
    """An instant, a segment and a pattern with times from microseconds to years; the instant is within the segment."""
    scale = draw(st.sampled_from([1e-5, 1.0, 3_600.0, 1e6]))
    interval = max(TICK, draw(on_grid(0.01 * scale, 10 * scale)))
    slowdown = draw(st.one_of(st.just(0.0), st.floats(0.0, 0.99)))
    p = make_pattern(
        interval, draw(on_grid(0.0, scale)), draw(on_grid(0.0, 30 * scale)), slowdown,
        draw(st.sampled_from([1, 1, 2, 3, 4, UNLIMITED])),
    )  # fmt: skip
    index = draw(st.integers(0, 5))
    work, last = math.inf, ENDLESS_SAVES
    if draw(st.booleans()):
        work = index * interval + max(TICK, draw(on_grid(0.0, 100 * scale)))
        last = math.ceil(work / interval) - 1
    s = make_segment(draw(on_grid(0.0, 1e8)), index * interval, index, draw(st.booleans()), work, last, p)
    t = s.t0 + draw(on_grid(0.0, 1_000 * scale))
    return min(t, work_end(s, p)), s, p


@examples(400)
@given(segments())
def test_an_interrupted_segment_adds_up_exactly(found: tuple[float, Segment, Pattern]) -> None:
    t, s, p = found
    productive, stall, slowdown, lost, durable, step, index = interrupted(t, s, p)
    assert min(productive, stall, slowdown, lost, durable) >= 0
    assert sum(map(Fraction, (productive, stall, slowdown, lost))) == Fraction(t) - Fraction(s.t0)
    assert productive + stall + slowdown + lost == t - s.t0
    assert (step, index) == (s.step + productive, s.passed + durable)


@examples(400)
@given(segments())
def test_an_ended_segment_adds_up_exactly(found: tuple[float, Segment, Pattern]) -> None:
    t, s, p = found
    productive, stall, slowdown, durable, not_saved = ended(t, s, p)
    assert min(productive, stall, slowdown, durable) >= 0
    assert sum(map(Fraction, (productive, stall, slowdown))) == Fraction(t) - Fraction(s.t0)
    assert 0.0 <= not_saved <= productive
    assert s.step + productive <= s.work
    # What a fault leaves is what is durable.
    kept, *_, lost_too, _, _ = interrupted(t, s, p)[:3] + interrupted(t, s, p)[4:]
    assert lost_too == durable
    assert kept == productive - not_saved


@examples(200)
@given(segments(), st.floats(0.0, 1.0))
def test_nothing_runs_backwards(found: tuple[float, Segment, Pattern], part: float) -> None:
    late, s, p = found
    early = s.t0 + quantize(part * (late - s.t0))
    counts: list[Callable[..., Any]] = [saves_started, saves_durable]
    for count in counts:
        assert count(min(early, late), s, p) <= count(late, s, p)
    before, after = stepping_until(min(early, late), s, p), stepping_until(late, s, p)
    assert before[0] <= after[0]
    assert before[1] <= after[1]
    assert after[1] <= after[0] <= late - s.t0


def test_a_segment_without_a_store() -> None:
    p = Pattern(math.inf, 0.0, 0.0, 0.0, 1, math.inf, math.inf, math.inf)
    s = make_segment(100.0, 0.0, 0, False, 500.0, ENDLESS_SAVES, p)
    assert work_end(s, p) == 600.0
    assert interrupted(350.0, s, p) == (0.0, 0.0, 0.0, 250.0, 0, 0.0, 0)
    assert ended(600.0, s, p) == (500.0, 0.0, 0.0, 0, 500.0)
