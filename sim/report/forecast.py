"""What is said before a simulation that takes long, or whose runs end early for their number of events."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sim.report.words import duration
from sim.scenario import Scenario
from sim.scenario.faults import RATE_KEYS
from sim.scenario.toml import dotted
from sim.study.effort import OF_SIMPY, PER_EVENT_S, SURELY, Load, loads
from sim.study.outlook import Outlook

LONG_S = 60.0
"""Time from which on a simulation is worth a forecast, s."""


def forecast(
    cases: Sequence[tuple[str, Scenario, Outlook]], runs: int, cores: int, simpy: bool = False, settings: int = 1
) -> str | None:
    """Return what a simulation takes and which key makes it so, or None where it takes no time worth a word.

    Parameters
    ----------
    cases : sequence of tuple of str, Scenario and Outlook
        What is simulated, each with the file that it comes from.
    runs : int
        Replications of each, at least.
    cores : int
        Threads that share them.
    simpy : bool
        Whether they are those of the SimPy engine, which has one.
    settings : int
        How often each is simulated with other values, at least.
    """
    efforts = [(_events(scenario, found), file, scenario, found) for file, scenario, found in _with_loads(cases)]
    if not efforts:
        return None
    seconds = PER_EVENT_S * settings * runs * sum(events for events, *_ in efforts)
    seconds = seconds * OF_SIMPY if simpy else seconds / min(cores, runs)
    _, file, scenario, found = max(efforts, key=lambda effort: effort[0])
    limit = scenario.run.max_events
    ends = _total(found) > SURELY * limit
    if not ends and seconds < LONG_S:
        return None
    most = found[0]
    said = f"{file}: a run has about {_number(most.number)} {most.what} ({_written(scenario, most.key)})"
    if ends:
        said += f" and ends early, at run.max_events = {limit:,}"
    if seconds >= LONG_S:
        times = f"{runs:,} run{'s' if runs > 1 else ''}" + (
            f" of at least {settings:,} settings" if settings > 1 else ""
        )
        said += f"; {times} take{'s' if runs == settings == 1 else ''} about {duration(seconds)}"
    return said


def _with_loads(cases: Sequence[tuple[str, Scenario, Outlook]]) -> list[tuple[str, Scenario, list[Load]]]:
    found = ((file, scenario, loads(outlook)) for file, scenario, outlook in cases)
    return [case for case in found if case[2]]


def _total(found: Sequence[Load]) -> float:
    return sum(load.events for load in found)


def _events(scenario: Scenario, found: Sequence[Load]) -> float:
    """Events of one run, as far as it goes."""
    return min(_total(found), scenario.run.max_events)


def _number(number: float) -> str:
    return f"{number:,.0f}" if number < 1e9 else "endless" if math.isinf(number) else f"{number:.2g}"


def _written(scenario: Scenario, path: tuple[str, ...]) -> str:
    """A key as the file has it, with its value; of a fault source the one that gives its rate."""
    rates = {(*path, key) for key in RATE_KEYS}
    for entry in scenario:
        if entry.path == path or entry.path in rates:
            return f"{dotted(entry.path)} = {entry.written}"
    return dotted(path)
