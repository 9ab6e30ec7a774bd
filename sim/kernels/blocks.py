"""Where a draw comes from that is no unit's: blocks of draws beside those of units (``sim.plan``), which are below."""

COMPONENT = 7
"""Block of the draws of faults on components that age."""
