"""A loop that keeps workers busy and sends again what died: the least that a sweep must do."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Outcome:
    results: dict[int, Any] = field(default_factory=dict)
    deaths: int = 0


def run_all(
    workers: Any,
    function: Callable[..., Any],
    count: int,
    *arguments: Any,
    when: int = -1,
    disturb: Callable[[], object] = lambda: None,
    within_s: float = 90.0,
) -> Outcome:
    """Run ``function(0, *arguments)``, ``function(1, ...)`` to the end; ``disturb()`` when ``when`` are done."""
    outcome, waiting = Outcome(), list(range(count))
    flying: dict[Future[Any], int] = {}
    began = time.monotonic()
    while len(outcome.results) < count:
        assert time.monotonic() - began < within_s, f"{len(outcome.results)} of {count} within {within_s:g} s"
        while waiting and len(flying) < workers.alive():
            number = waiting.pop()
            flying[workers.executor.submit(function, number, *arguments)] = number
        done, _ = wait(flying, timeout=0.05, return_when=FIRST_COMPLETED)
        for future in done:
            number = flying.pop(future)
            if isinstance(future.exception(), workers.died):
                outcome.deaths += 1
                waiting.append(number)
            else:
                outcome.results[number] = future.result()
        if 0 <= when <= len(outcome.results):
            when = -1
            disturb()
    return outcome
