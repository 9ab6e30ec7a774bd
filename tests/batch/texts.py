"""Sweep files that the tests of this folder start from."""

from pathlib import Path
from typing import Any

from sim.batch.file import Sweep, load_sweep, sweep_from_dict

ROOT = Path(__file__).parents[2]
SCENARIOS = ROOT / "scenarios"
MINIMAL = str(SCENARIOS / "minimal.toml")
HOPPER = str(SCENARIOS / "hopper-100k.toml")

EVERY: dict[str, Any] = {"key": "stores.remote.every", "values": ["10 min", "30 min"]}
SPARES: dict[str, Any] = {"key": "cluster.nodes", "values": [2_060, 2_080, 2_100]}


def swept(axes: dict[str, Any], scenario: str = MINIMAL, **keys: Any) -> Sweep:
    """A sweep of a shipped scenario."""
    return sweep_from_dict({"scenario": scenario, "axes": axes, **keys})


def written(folder: Path, text: str) -> Sweep:
    """A sweep from a file beside a copy of the minimal scenario."""
    (folder / "minimal.toml").write_text(Path(MINIMAL).read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "sweep.toml").write_text(text, encoding="utf-8")
    return load_sweep(folder / "sweep.toml")
