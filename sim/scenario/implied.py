"""What names and defaults imply without a word in the file: a stage called `replace` renews, and renewal cures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sim.scenario.repair_tables import ALL, REPLACE
from sim.scenario.schema import Scenario


@dataclass(frozen=True, slots=True)
class Implied:
    """What a key, which is left out, means; `matters` is why it matters in this scenario, None if it does not."""

    key: str
    means: str
    matters: str | None


def implied(scenario: Scenario) -> Iterator[Implied]:
    """Yield what follows from the name of a stage of repair, and why it matters here."""
    defaults = {entry.path for entry in scenario.entries if entry.default}
    if REPLACE not in scenario.repair.stages or ("repair", REPLACE, "renews") not in defaults:
        return
    means = (
        "true by its name: the component whose fault took a node is new when the node has passed the stage; "
        f'"{ALL}" makes good its other components, too, and a node that was sent there by mistake'
    )
    yield Implied(f"repair.{REPLACE}.renews", means, " ".join(_reasons(scenario, defaults)) or None)


def _reasons(scenario: Scenario, defaults: set[tuple[str, ...]]) -> Iterator[str]:
    for name, source in scenario.faults.items():
        ageing = source.ageing
        if (
            ageing is None
            or ageing.renewal != "unit"
            or source.takes == "nothing"
            or source.needs.get("process") == 1.0
        ):
            continue
        path = ("faults", name, "frailty", "cured")
        if ageing.share > 0.0 and ageing.cured:
            word = " (the default)" if path in defaults else ""
            yield (
                f"With {'.'.join(path)} = true{word} a bad component of faults.{name} is a good one after its first "
                "repair there: lemons vanish. Set one of the two to false if they stay."
            )
        if ageing.law != "exponential":
            yield f"Components of faults.{name} begin a new life there; set renews = false if they are only mended."
        if scenario.detect.wrong > 0.0:
            yield (
                f"Those of a node that detect.wrong sends there have not failed, and stay as they are; "
                f'set renews = "{ALL}" if the whole node is replaced.'
            )
