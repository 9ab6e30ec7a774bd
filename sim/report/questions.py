"""What looks like a slip in a scenario, and is asked rather than refused."""

from __future__ import annotations

from collections.abc import Iterator

from sim.report.words import duration
from sim.scenario import Scenario
from sim.study.outlook import Outlook

OFTEN = 2.0
"""Faults of one source in the time of a recovery from which on its rate is doubted: not one recovery in seven then ends
without another fault, and whoever measured an MTBF has seen jobs that run.
"""


def questions(scenario: Scenario, outlook: Outlook) -> Iterator[str]:
    """Yield a question for each source that stops the job before it can recover or save once.

    The usual slip is a job's MTBF given for each GPU or node: it is divided by their number once more.
    """
    save = 0.0 if outlook.save_cost_s is None else outlook.save_cost_s
    needed = outlook.plain_recovery_s + save
    for source in outlook.plan.sources:
        rate = source.rate * source.components
        # As the MTBF of the whole job it would leave time to recover.
        doubtful = rate * needed >= OFTEN and source.rate * needed < 1 and source.components > 1
        if not doubtful or source.name not in scenario.faults:
            continue
        per = scenario.faults[source.name].per
        mtbf = next((entry.written for entry in scenario if entry.path == ("faults", source.name, "mtbf")), None)
        own = "its rate" if mtbf is None else str(mtbf)
        yield (
            f"faults.{source.name}: a fault stops this job every {duration(1 / rate)}, and a recovery and a save take "
            f'{duration(needed)}: is {own} the whole job\'s? Then write per = "job"; it is that of one {per} now'
        )
