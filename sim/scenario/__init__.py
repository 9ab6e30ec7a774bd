"""What the user wrote: schema, units and loading of scenario files. Knows nothing of the rest of the package."""

from sim.scenario.editor import json_schema
from sim.scenario.entries import Entry
from sim.scenario.load import Base, Source, base_of, from_dict, load, loads, problems, scenario_of
from sim.scenario.overrides import Overrides, as_texts
from sim.scenario.schema import Scenario
from sim.scenario.starter import starter

__all__ = [
    "Base", "Entry", "Overrides", "Scenario", "Source", "as_texts", "base_of", "from_dict", "json_schema", "load",
    "loads", "problems", "scenario_of", "starter",
]  # fmt: skip
