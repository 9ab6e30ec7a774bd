"""A first scenario file, with comments on what each number is."""

from __future__ import annotations

from dataclasses import replace

from sim.errors import ScenarioError
from sim.scenario.findings import COMMAND_LINE
from sim.scenario.load import loads

SCHEMA_LINE = "#:schema scenario.schema.json"
_COLUMN = 33
_SPARE_SHARE = 50


def starter(
    nodes: int,
    gpus_per_node: int = 8,
    mtbf: str = "50_000 h",
    *,
    name: str = "first scenario",
    job_nodes: int | None = None,
    checkpoint: str | None = None,
    bandwidth: str | None = None,
    every: str | None = None,
    horizon: str | None = None,
) -> str:
    """Write a first scenario file that loads.

    Parameters
    ----------
    nodes, gpus_per_node : int
        Size of the cluster, >= 1.
    mtbf : str
        Mean time between faults of ONE node, with its unit.
    name : str
        Name of the scenario.
    job_nodes : int or None
        Nodes of the job; None: all but one in 50, which are hot spares.
    checkpoint, bandwidth : str or None
        Size of a checkpoint and rate at which it is saved, with units. With both, they give what a save costs; else a
        stall to be replaced does.
    every : str or None
        Useful work between saves, or a rule; None: "young".
    horizon : str or None
        Wall clock of a run; None: "30 days".

    Returns
    -------
    str
        Text of a TOML file.

    Raises
    ------
    ScenarioError
        If one of the values cannot stand in a scenario.
    """
    if job_nodes is None:
        job_nodes = nodes - -(-nodes // _SPARE_SHARE) if nodes > 1 else nodes
    lines = [SCHEMA_LINE, _line("name", name), ""]
    lines += _cluster(nodes, gpus_per_node, job_nodes)
    lines += _save_sizes(checkpoint)
    lines += _faults(mtbf)
    lines += _store(every, bandwidth, priced=checkpoint is not None and bandwidth is not None)
    lines += _rest(horizon)
    text = "\n".join(lines) + "\n"
    try:
        loads(text, COMMAND_LINE)
    except ScenarioError as error:
        # The lines are those of a file that nobody has seen.
        raise ScenarioError([replace(problem, line=None) for problem in error.problems]) from None
    return text


def _cluster(nodes: int, gpus_per_node: int, job: int) -> list[str]:
    return [
        "[cluster]",
        _line("nodes", nodes, "all nodes; those beyond the job are hot spares"),
        _line("gpus_per_node", gpus_per_node),
        "",
        "[job]",
        _line("nodes", job, "the job needs all of these to step"),
    ]


def _save_sizes(checkpoint: str | None) -> list[str]:
    return [] if checkpoint is None else [_line("checkpoint", checkpoint, "one checkpoint of the whole job")]


def _faults(mtbf: str) -> list[str]:
    return [
        "",
        "[faults.node]",
        "# Everything that stops a node, in one line. Replace it by what you have seen, for example",
        '# observed = { events = 12, units = 256, over = "30 days" }, or by one table for each kind of fault.',
        _line("per", "node"),
        _line("mtbf", mtbf, "of ONE node: node-hours per fault"),
        _line("needs", "repair", "process, reset or repair"),
    ]


def _store(every: str | None, bandwidth: str | None, *, priced: bool) -> list[str]:
    lines = [
        "",
        "[stores.remote]",
        _line("every", every or "young", 'useful work between saves ("30 min"), or young, daly, exact'),
    ]
    if bandwidth is not None:
        lines.append(_line("bandwidth", bandwidth, "checkpoint / bandwidth is what a save and a read take"))
    if not priced:
        lines.append(_line("stall", "20 s", "REPLACE: how long the job stands still for a save"))
        lines.append(_line("read", "1 min", "REPLACE: how long reading the checkpoint back takes"))
    return lines


def _rest(horizon: str | None) -> list[str]:
    return [
        "",
        "[detect]",
        _line("stop", "30 s", "REPLACE: from a fault until it is seen"),
        "",
        "[recovery.swap]",
        "# A spare takes the place of a node that is down; without a spare the job waits for the repair.",
        _line("use", "spares, else wait"),
        'stages = { restart = "8 min", load = "auto" }  # REPLACE restart; auto: the read time of the store',
        "",
        "[repair]",
        _line("time", "1 day", "REPLACE: until a node that was taken out is back"),
        "",
        "[run]",
        _line("horizon", horizon or "30 days", "wall clock that is simulated; or work, until so much is done"),
    ]


def _line(key: str, value: str | int, comment: str = "") -> str:
    text = f"{key} = {value if isinstance(value, int) else _quoted(value)}"
    return f"{text:<{_COLUMN}}# {comment}" if comment else text


def _quoted(text: str) -> str:
    """Write any text as a TOML string on one line."""
    escaped = (char if char.isprintable() and char not in '"\\' else f"\\U{ord(char):08x}" for char in text)
    return f'"{"".join(escaped)}"'
