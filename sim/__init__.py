"""Lockstep: how much of the time of a coherent training cluster is useful, and where the rest goes.

>>> import sim
>>> scenario = sim.load("scenarios/minimal.toml")  # doctest: +SKIP
>>> answer = sim.run(scenario, replications=64)  # doctest: +SKIP
>>> answer.ettr.mean, answer.ledger, answer.replications  # doctest: +SKIP
>>> sim.compare(scenario, scenario.with_({"stores.remote.every": "20 min"}))  # doctest: +SKIP

``run``, ``compare``, ``tune`` and ``explain`` take a scenario, the path of its file, or parsed TOML as a dict.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.batch.file import Sweep, load_sweep
    from sim.batch.sweep import run_sweep as sweep
    from sim.batch.swept import Swept
    from sim.errors import ScenarioError, SimError, UsageError
    from sim.scenario import Scenario, load, loads
    from sim.study.answer import Answer
    from sim.study.compare import Comparison, compare
    from sim.study.designs import Designs
    from sim.study.efficiency import Account
    from sim.study.estimate import run
    from sim.study.explain import Explained, explain
    from sim.study.tune import Tuned, tune

__version__ = "0.1.0"

__all__ = [
    "Account", "Answer", "Comparison", "Designs", "Explained", "Scenario", "ScenarioError", "SimError", "Sweep",
    "Swept", "Tuned", "UsageError", "__version__", "compare", "explain", "load", "load_sweep", "loads", "run", "sweep",
    "tune",
]  # fmt: skip

_HOMES = {
    "Account": "sim.study.efficiency",
    "Sweep": "sim.batch.file",
    "Swept": "sim.batch.sweep",
    "load_sweep": "sim.batch.file",
    "Answer": "sim.study.answer",
    "Comparison": "sim.study.compare",
    "Designs": "sim.study.designs",
    "Explained": "sim.study.explain",
    "Scenario": "sim.scenario",
    "ScenarioError": "sim.errors",
    "SimError": "sim.errors",
    "Tuned": "sim.study.tune",
    "UsageError": "sim.errors",
    "compare": "sim.study.compare",
    "explain": "sim.study.explain",
    "load": "sim.scenario",
    "loads": "sim.scenario",
    "run": "sim.study.estimate",
    "sweep": "sim.batch.sweep:run_sweep",
    "tune": "sim.study.tune",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: ``sim --help`` needs none of the heavy libraries."""
    if name not in _HOMES:
        raise AttributeError(f"module 'sim' has no attribute {name!r}")
    from importlib import import_module

    module, _, there = _HOMES[name].partition(":")
    return getattr(import_module(module), there or name)


def __dir__() -> list[str]:
    """Return the public names, whether they are imported or not: for ``dir``, ``help`` and completion."""
    return sorted(__all__)
