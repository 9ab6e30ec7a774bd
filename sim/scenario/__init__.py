"""What the user wrote: schema, units and loading of scenario files. Knows nothing of the rest of the package."""

from sim.scenario.editor import json_schema
from sim.scenario.entries import Entry
from sim.scenario.load import Base, from_dict, load, loads, problems
from sim.scenario.schema import Scenario
from sim.scenario.starter import starter

__all__ = ["Base", "Entry", "Scenario", "from_dict", "json_schema", "load", "loads", "problems", "starter"]
