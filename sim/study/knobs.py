"""Knobs: numbers of a scenario that can be turned, found by their keys, in the units in which the file writes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from sim.errors import ScenarioError, UsageError
from sim.planning_stores import save_intervals
from sim.scenario import Entry, Overrides, Scenario, Source, as_texts, base_of, units
from sim.scenario.positions import ANY_NAME, alike, split_key
from sim.scenario.refusal import RefusedError, listed, nearest, shown, shown_path
from sim.scenario.toml import dotted
from sim.study.measures import READERS, reader_of, split_unit

Make = Callable[[Sequence[str]], Scenario]
"""Gives a scenario with changes, each ``key=value``."""

_SHORT_FORMS: dict[tuple[str, ...], tuple[str, ...]] = {
    ("recovery", "detect"): ("detect", "stop"),
    ("recovery", "restart"): ("recovery", "restart", "stages", "restart", "time"),
    ("repair", "time"): ("repair", "replace", "time"),
}
"""Keys that a file may write, and the ones that they stand for in the resolved scenario."""

_OF_THE_ANSWER = ("seed", "max_replications", "max_events", "confidence", "precision")
"""Keys of ``[run]`` that say how to simulate, not what."""


@dataclass(frozen=True)
class Frame:
    """What spares that are turned move along: nodes of the cluster now, and of the job where its file does not say."""

    nodes: int
    job: int | None

    def changes(self, more: int) -> list[str]:
        """Return the changes for so many spares more: the job keeps its nodes, and the cluster has room for them."""
        fixed = [] if self.job is None else [f"job.nodes={self.job}"]
        return [*fixed, f"cluster.nodes={self.nodes + more}"]


@dataclass(frozen=True)
class Knob:
    """A number of a scenario.

    Parameters
    ----------
    key : str
        As ``--set`` takes it.
    unit : str
        Unit in which values are written, and in which this class counts: ``"min"``; empty for plain numbers.
    scale : float
        SI value of one unit.
    si_unit : str
        "s", "bytes", "bytes/s", "steps", "saves", "1/year", "W", "FLOP/s", "FLOP", "tokens", "USD", "USD/J", or "1" for
        plain numbers and shares.
    whole : bool
        Whether it counts.
    now : float or None
        Its value in ``unit``; None if the file has a word there.
    word : str or None
        That word, such as "exact".
    frame : Frame or None
        Of spares, what moves along; None where nothing does.
    others : tuple of Knob
        Knobs that it takes along, by the same factor on their values now.
    """

    key: str
    unit: str
    scale: float
    si_unit: str
    whole: bool
    now: float | None
    word: str | None = None
    frame: Frame | None = None
    others: tuple[Knob, ...] = ()

    def together(self, value: float) -> Iterator[tuple[Knob, float]]:
        """Yield the knobs that a value sets, each with its own: this one, and those that it takes along."""
        yield self, value
        for other in self.others:
            assert self.now
            assert other.now
            at = other.now * (value / self.now)
            yield other, float(round(at)) if other.whole else at

    @property
    def is_spares(self) -> bool:
        """Whether it is the number of spares of a pool, which a file may also write without ``nodes``."""
        path = split_key(self.key) or ()
        return is_pool(path) or (len(path) == 2 and path[0] == "pools") or any(each.is_spares for each in self.others)

    @property
    def title(self) -> str:
        """Its key, and those that go with it."""
        if not self.others:
            return self.key
        others = [each.key for each in self.others]
        more = [f"{len(others) - 2} more"] if len(others) > 3 else others[2:]
        return f"{self.key} (with {', '.join([*others[:2], *more])})"

    def written(self, value: float) -> str:
        """Give a value as a file writes it."""
        number = f"{round(value)}" if self.whole else f"{value:.12g}"
        return f"{number} {self.unit}" if self.unit else number

    def change(self, value: float) -> str:
        """Give the change that sets a value, for ``--set``."""
        text = self.written(value)
        return f'{self.key}="{text}"' if self.unit else f"{self.key}={text}"

    def rounded(self, value: float, digits: int = 3) -> float:
        """Round to what a person would write."""
        return float(round(value)) if self.whole else float(f"{value:.{digits}g}")

    def si(self, value: float) -> float:
        """Give a value in SI units."""
        return value * self.scale

    def read(self, text: str, option: str) -> float:
        """Read a value that was given with an option, in this knob's unit.

        Raises
        ------
        UsageError
            If it is no number, or has a unit of another kind.
        """
        try:
            if not self.unit:
                return _plain(text)
            return float(reader_of(self.unit)(text)) / self.scale
        except (RefusedError, ValueError) as error:
            allowed = f"a value such as {shown(self.written(self.now or 1.0))}"
            raise UsageError(f"{option} {shown(text)}: {error}; {self.key} takes {allowed}") from None


def maker(scenario: Source, changes: Overrides = ()) -> Make:
    """Give what makes a scenario with further changes, from its file as it was read.

    What follows from a key follows again: with another size of a checkpoint, its reading takes as long as the store's
    bandwidth says. A file that is named is read here, once.

    Raises
    ------
    ScenarioError
        If the file cannot be read, or is no TOML.
    UsageError
        If an argument is of another type.
    """
    always = [*(scenario.changes if isinstance(scenario, Scenario) else ()), *as_texts(changes, "changes")]
    base = base_of(scenario)
    return lambda more: base.scenario([*always, *more])


def changes_of(settings: Iterable[tuple[Knob, float]]) -> tuple[str, ...]:
    """Return the changes that set knobs to values, each in its knob's unit, with what moves along."""
    changes: list[str] = []
    frame, more = None, 0
    for knob, value in chain.from_iterable(knob.together(value) for knob, value in settings):
        changes.append(knob.change(value))
        if knob.frame is not None and knob.now is not None:
            frame, more = knob.frame, more + round(value - knob.now)
    return (*changes, *(frame.changes(more) if frame is not None else ()))


def find(make: Make, key: str, unit_of: str | None = None, *, fixed: bool = False) -> Knob:
    """Find a knob by its key, as the file or the resolved scenario writes it.

    Parameters
    ----------
    make : callable
        From ``maker``.
    key : str
        Dotted path.
    unit_of : str, optional
        A value with the unit to count in, for a knob that is a word now.
    fixed : bool
        Whether the cluster keeps its nodes when spares are turned.

    Raises
    ------
    UsageError
        If there is no such key (with the nearest that can be turned), or it is not a number.
    """
    scenario = make(())
    path = split_key(key.strip())
    if path is not None and ANY_NAME in path:
        return _of_all(make, path, unit_of, fixed=fixed)
    entries = {entry.path: entry for entry in scenario}
    entry = next((entries[each] for each in _meant(path or ()) if each in entries), None)
    if path is None or entry is None:
        raise _unknown(key, scenario)
    if entry.path[0] == "run" and entry.path[1] in _OF_THE_ANSWER:
        raise UsageError(f"{key}: says how precise the answer is, and cannot be tuned")
    known = _of_entry(entry, unit_of)
    if entry.path[0] == "stores" and entry.path[-1] == "every" and known.now is None:
        interval = save_intervals(scenario)[entry.path[1]]
        known = Knob(key, "s", 1.0, "s", whole=False, now=interval, word=known.word)
    found = _settable(make, scenario, known, entry, path)
    if known.now is None and unit_of is None:
        raise UsageError(f'{key}: is {shown(entry.written)} now; give --from and --to with a unit, such as "30 s"')
    return found if fixed else replace(found, frame=_frame(scenario, entry))


def _of_all(make: Make, path: tuple[str, ...], unit_of: str | None, *, fixed: bool) -> Knob:
    """Find the knob of all names that a key with ``*`` stands for: one key where they are alike, else keys that go
    together.
    """
    scenario = make(())
    meant = [form for form in _meant(path) if len(form) >= len(path)]
    paths = {entry.path[: len(path)]: None for entry in scenario for form in meant if _is_of(entry, form)}
    if not paths:
        raise _unknown(dotted(path), scenario)
    first, *others = (find(make, dotted(each), unit_of, fixed=fixed) for each in paths)
    key = dotted(path)
    if first.now is not None and all(replace(each, key=first.key) == first for each in others):
        same = replace(first, key=key)
        if not others or make([same.change(first.now)]).sha256() == scenario.sha256():
            return same
    return joined([first, *others])


def _is_of(entry: Entry, form: tuple[str, ...]) -> bool:
    number = not isinstance(entry.si, bool) and isinstance(entry.si, (int, float))
    return number and len(entry.path) == len(form) and alike(entry.path, form)


def joined(knobs: Sequence[Knob]) -> Knob:
    """Return the first of several knobs, which takes the others along by the same factor on their values now.

    Raises
    ------
    UsageError
        If one has no value now, or is 0: nothing follows from a factor.
    """
    for knob in knobs:
        if not knob.now:
            what = "is 0" if knob.now == 0.0 else f"is {shown(knob.word or '')}"
            raise UsageError(f"{knob.key}: {what} now, and keys that go together are multiplied by the same factor")
    first, *others = knobs
    twice = next((knob.key for i, knob in enumerate(knobs) if knob.key in [each.key for each in knobs[:i]]), None)
    if twice is not None:
        raise UsageError(f"{twice}: is named twice among keys that go together")
    return replace(first, others=tuple(others))


def is_pool(path: Sequence[str]) -> bool:
    """Return whether a key of a resolved scenario is the number of spares of a pool."""
    return len(path) == 3 and (path[0], path[2]) == ("pools", "nodes")


def _frame(scenario: Scenario, entry: Entry) -> Frame | None:
    """Return what moves along with an entry; nothing where the cluster is job and pools anyway."""
    if not is_pool(entry.path):
        return None
    default = {each.path: each.default for each in scenario}
    if default["cluster", "nodes"]:
        return None
    return Frame(scenario.cluster.nodes, scenario.job.nodes if default["job", "nodes"] else None)


def tunable(scenario: Scenario) -> Iterator[str]:
    """Keys of a scenario that are numbers."""
    for entry in scenario:
        if isinstance(entry.si, (int, float)) and not isinstance(entry.si, bool):
            yield shown_path(entry.path)


def not_there(scenario: Scenario, path: tuple[str, ...]) -> str | None:
    """Say that a key would add a store, a source, a rule or a stage that is not there; None if it does not."""
    if (
        ANY_NAME in path
        or len(path) < 3
        or path[0] not in ("faults", "stores", "pauses", "maintenance", "recovery", "repair")
    ):
        return None
    known, place = scenario.resolved().get(path[0], {}), 1
    if path[1] in known and path[0] == "recovery" and path[2] == "stages" and len(path) > 3:
        known, place = known[path[1]].get("stages", {}), 3
    if path[place] in known:
        return None
    tables = [name for name, value in known.items() if isinstance(value, dict)]
    close = nearest(path[place], tables)
    there = f"did you mean {shown_path((*path[:place], close, *path[place + 1 :]))}?" if close else ""
    if not close and tables:
        there = f"there is {listed([shown_path((*path[:place], name)) for name in tables])}."
    new = shown_path(path[: place + 1])
    return f"there is no {new}; {there} To add one: {new} = {{ ... }}"


def _meant(path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Paths in the resolved scenario that a path may stand for."""
    yield path
    yield _SHORT_FORMS.get(path, path)
    yield (*path, "time")
    yield (*path, "nodes")


def _unknown(key: str, scenario: Scenario) -> UsageError:
    known = list(tunable(scenario))
    known += [shown_path(short) for short, long in _SHORT_FORMS.items() if _is_tunable(shown_path(long), known)]
    # What ends alike is nearer than what is spelt alike: stores.local.every is meant for stores.remote.every.
    last = key.rpartition(".")[2]
    alike = [each for each in known if each.rpartition(".")[2] == last]
    close = nearest(key, known) or nearest(key, alike) or (alike[0] if len(alike) == 1 else None)
    remedy = f"did you mean {close}?" if close else "sim show lists all keys"
    return UsageError(f"{key}: is no number of this scenario; {remedy}")


def _is_tunable(key: str, known: list[str]) -> bool:
    """Whether a key, or the time of a table of that name, is among those that are numbers."""
    return key in known or f"{key}.time" in known


def _of_entry(entry: Entry, unit_of: str | None) -> Knob:
    """The knob that an entry is, whatever sets it."""
    key = shown_path(entry.path)
    if isinstance(entry.written, bool) or not isinstance(entry.written, (int, float, str)):
        raise UsageError(f"{key}: is {shown(entry.written)}, and only numbers can be tuned")
    if isinstance(entry.written, (int, float)):
        whole = isinstance(entry.written, int)
        return Knob(key, "", 1.0, "1", whole, float(entry.written))
    number, unit = split_unit(entry.written)
    word = None
    if number is None:
        number, unit = None, split_unit(unit_of or "")[1]
        word = entry.written
        if not unit:
            if unit_of is None and entry.path[-1] != "every" and entry.path[-1] != "time":
                raise UsageError(f"{key}: is {shown(word)}, and only numbers can be tuned")
            return Knob(key, "", 1.0, "1", whole=False, now=None, word=word)
    try:
        reader = reader_of(unit)
    except RefusedError as refusal:
        raise UsageError(f"{key}: {refusal}") from None
    si_unit = dict(READERS)[reader]
    return Knob(key, unit, float(reader(f"1 {unit}")), si_unit, si_unit in ("steps", "saves"), number, word)


def _settable(make: Make, scenario: Scenario, known: Knob, entry: Entry, path: tuple[str, ...]) -> Knob:
    """The knob with the key that sets it: of a short form the whole, else the key itself; a change to the value that it
    has must change nothing.
    """
    refused: ScenarioError | None = None
    value = entry.written if known.word is not None or known.unit else known.written(known.now or 0.0)
    text = f'"{value}"' if isinstance(value, str) and (known.unit or known.word) else f"{value}"
    short = (form for form, meant in _SHORT_FORMS.items() if meant == entry.path)
    ends = [entry.path, path, *short, *(entry.path[:end] for end in range(len(entry.path) - 1, 1, -1))]
    for candidate in ends:
        key = dotted(candidate)
        try:
            if make([f"{key}={text}"]).sha256() == scenario.sha256():
                return replace(known, key=key)
        except ScenarioError as error:
            refused = refused or error
    said = "; ".join(str(problem) for problem in refused.problems) if refused else "it follows from other keys"
    raise UsageError(f"{shown_path(path)}: cannot be set by itself: {said}")


def _plain(text: str) -> float:
    number, unit = split_unit(text)
    if number is None or unit not in ("", "%"):
        raise ValueError("is not a number without a unit")
    return float(units.fraction(text)) if unit else number
