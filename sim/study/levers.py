"""Levers: what a user can change by a factor, as one or several numbers of a scenario that belong together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sim.errors import UsageError
from sim.scenario import Entry
from sim.scenario.refusal import shown, shown_path
from sim.study.knobs import Knob, Make, changes_of, find, is_pool

FACTORS = (0.5, 2.0)
"""What each lever is turned by."""

ALL_RATES = "faults.*.rate_factor"
"""The lever of all sources together."""

_RATES = ("afr", "fit", "per_1000_node_days")
_LIVES = ("sd", "infant", "wear_out")
_DURATION = ("time", "mean", "sd", "of", "base", "per_gpu", "per_gpu2")


@dataclass(frozen=True)
class Turn:
    """A lever turned by a factor: the changes for ``--set``, or why it cannot be."""

    factor: float
    changes: tuple[str, ...]
    refused: str | None = None


@dataclass(frozen=True)
class Lever:
    """Something that can be halved and doubled.

    Parameters
    ----------
    name : str
        "MTBF of gpu", or the key of a duration, a number or a share: "recovery.swap.stages.restart".
    keys : tuple of str
        The numbers that are turned together, as ``--set`` takes them.
    now : tuple of str
        What they are now, as a file writes it.
    turns : tuple of Turn
        One for each of ``FACTORS``.
    """

    name: str
    keys: tuple[str, ...]
    now: tuple[str, ...]
    turns: tuple[Turn, ...]


@dataclass
class _Numbers:
    """Entries that are one lever, and whether they go with the factor (1) or against it (-1)."""

    name: str
    entries: list[Entry] = field(default_factory=list)
    powers: list[int] = field(default_factory=list)


def levers(make: Make) -> list[Lever]:
    """Find the levers of a scenario, in the order of its file.

    These are the mean time between failures of each source (whatever it is given as), the rates of all sources
    together, durations and shares of detection, the size of a checkpoint, what stores cost and how often they save,
    every stage of recovery, spares, the repair of nodes, pauses and maintenance.

    Parameters
    ----------
    make : callable
        From ``sim.study.knobs.maker``.
    """
    scenario = make(())
    groups: dict[str, _Numbers] = {}
    empty = [entry.path[:2] for entry in scenario if is_pool(entry.path) and not entry.si]
    for entry in scenario:
        known = _lever_of(entry.path)
        if known is not None and entry.path[:2] not in empty:
            name, power = known
            group = groups.setdefault(name, _Numbers(name))
            group.entries.append(entry)
            group.powers.append(power)
    if len(scenario.faults) < 2:
        groups.pop(ALL_RATES, None)  # that of its MTBF again
    return [_lever(make, group) for group in groups.values()]


def _lever_of(path: tuple[str, ...]) -> tuple[str, int] | None:
    """The lever that a key belongs to, and whether it goes with it; None for what is no lever."""
    match path:
        case ("faults", source, "mtbf") | ("faults", source, "observed", "over"):
            return f"MTBF of {source}", 1
        case ("faults", source, "life", what) if what in _LIVES:
            return f"MTBF of {source}", 1
        case ("faults", source, what) if what in _RATES:
            return f"MTBF of {source}", -1
        case ("faults", _, "rate_factor"):
            return ALL_RATES, 1
        case ("detect", "hang", _) | ("pools", _, "nodes" | "activation" | "check") | ("repair", _, "crews"):
            return shown_path(path), 1
        case ("stores", _, "every" | "stall" | "persist" | "read" | "slowdown") | ("detect", "evict", "share"):
            return shown_path(path), 1
        case ("job", "checkpoint"):
            return shown_path(path), 1
        case ("recovery", _, "stages", _, what) if what in _DURATION:
            return shown_path(path[:4]), 1
        case ("faults", _, "detect" | "lead", *rest) if _is_duration(rest):
            return shown_path(path[:3]), 1
        case ("detect", "stop" | "missed" | "wrong", *rest) if _is_duration(rest):
            return shown_path(path[:2]), 1
        case ("detect", "recurs", "after", *rest) if _is_duration(rest):
            return shown_path(path[:3]), 1
        case ("repair", _, "time", *rest) if _is_duration(rest):
            return shown_path(path[:3]), 1
        case ("pauses" | "maintenance", _, "every" | "duration", *rest) if _is_duration(rest):
            return shown_path(path[:3]), 1
    return None


def _is_duration(rest: Sequence[str]) -> bool:
    """Whether what is left of a key says how long something takes: nothing, or a parameter of a law."""
    return not rest or (len(rest) == 1 and rest[0] in _DURATION)


def _lever(make: Make, group: _Numbers) -> Lever:
    keys = tuple(shown_path(entry.path) for entry in group.entries)
    now = tuple(str(entry.written) for entry in group.entries)
    if group.name == ALL_RATES and len(set(now)) == 1:
        keys, now = (ALL_RATES,), now[:1]
    reason = _fixed(group.entries)
    knobs: list[Knob] = []
    try:
        if reason is None:
            knobs = [find(make, key) for key in keys]
    except UsageError as error:
        reason = " ".join(str(error).split())
    if reason is not None:
        return Lever(group.name, keys, now, tuple(Turn(factor, (), reason) for factor in FACTORS))
    turns = tuple(_turn(knobs, group, factor) for factor in FACTORS)
    return Lever(group.name, tuple(knob.key for knob in knobs), now, turns)


def _fixed(entries: list[Entry]) -> str | None:
    """Why numbers cannot be turned, where that is plain from what they are."""
    for entry in entries:
        number = isinstance(entry.si, (int, float)) and not isinstance(entry.si, bool)
        if not number and entry.path[-1] != "every":
            return f"{shown_path(entry.path)} is {shown(entry.written)}, not a number"
    return "is 0" if all(entry.si == 0 for entry in entries) else None


def _turn(knobs: list[Knob], group: _Numbers, factor: float) -> Turn:
    settings = []
    for knob, power in zip(knobs, group.powers, strict=False):
        assert knob.now is not None
        value = knob.now * factor**power
        if knob.whole:
            value = float(round(value))
            if value in (0.0, knob.now):
                return Turn(factor, (), f"{knob.key} counts: {knob.written(knob.now)} cannot be halved")
        settings.append((knob, value))
    return Turn(factor, changes_of(settings))
