"""Domains: named groups that partition the nodes (racks, pods, power feeds), and where job and spares stand in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import model_validator

from sim.scenario.entries import Entries
from sim.scenario.fields import MOST, AtLeastOne, Json, Reader, ShortForm, Table, either, setting
from sim.scenario.refusal import RefusedError, listed, nearest, shown

MOST_GROUPS = 8
UNITS = ("gpu", "node", "job")
"""What components are counted by beside the groups."""
_RESERVED = frozenset({*UNITS, "gpus", "nodes", "jobs", "nothing", "cluster"})
_SIZE = re.compile(r"\s*([0-9][0-9_]*)\s+(\S.*?)\s*")


@dataclass(frozen=True, slots=True)
class Run:
    """So many nodes, or so many domains of another group, that stand next to each other."""

    count: int
    of: str
    text: str


class _RunReader(Reader):
    """Reads a run."""

    allowed = 'a number of nodes or of domains of another group, such as "4 nodes" or "16 racks"'

    def read(self, value: object) -> Run:
        """Give the run, or raise `RefusedError`."""
        match = _SIZE.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            raise RefusedError("must say how many of what", self.allowed)
        count = int(match[1].replace("_", ""))
        if not 1 <= count <= MOST:
            raise RefusedError("is too small" if count < 1 else "is too large", self.allowed)
        return Run(count, match[2], str(value))

    def json_schema(self) -> Json:
        """Give the JSON schema of the text."""
        return {"type": "string", "pattern": _SIZE.pattern, "examples": ["4 nodes", "16 racks"]}


class NameReader(Reader):
    """The name of a group, or another word; the check between the sections says which are known."""

    allowed = "the name of a group of cluster.groups"

    def read(self, value: object) -> str:
        """Give the word, or raise `RefusedError`."""
        if not isinstance(value, str):
            raise RefusedError("must be a text", self.allowed)
        return value

    def json_schema(self) -> Json:
        """Give the JSON schema of the word."""
        return {"type": "string"}


GroupName = Annotated[str, NameReader()]


class GroupTable(Table):
    """A group of `cluster.groups` as written."""

    replaces: ClassVar[Mapping[str, frozenset[str]]] = either(("of",), ("domains", "by"))

    of: Annotated[Run, _RunReader()] | None = setting(
        'What one domain holds: "4 nodes", or "16 racks" where rack is another group. Domains are cut off the cluster '
        "one after the other; the last may be smaller.",
        None,
        "none: a group has either of, or domains",
    )
    domains: AtLeastOne | None = setting(
        "Number of domains that the nodes, or the domains of `by`, are dealt to in turn: groups that cut across, such "
        "as the two feeds of every row.",
        None,
        "none: a group has either of, or domains",
    )
    by: GroupName | None = setting("Group whose domains are dealt whole; it has `of`.", None, "single nodes are dealt")

    @model_validator(mode="after")
    def _is_one_kind(self) -> GroupTable:
        if (self.of is None) == (self.domains is None) or (self.of is not None and self.by is not None):
            raise RefusedError("is not one kind of group", 'either of = "4 nodes", or domains = 8 with or without by')
        return self


def _as_size(value: object) -> dict[str, Any]:
    return {"of": value}


GroupValue = Annotated[GroupTable, ShortForm(_as_size, (_RunReader(),))]


@dataclass(frozen=True, slots=True)
class Group:
    """A group, resolved: runs of `unit` nodes are dealt in turn to `number` domains, where the first run goes to the
    first domain; with as many domains as runs each domain is one run.
    """

    unit: int
    number: int

    def sites(self, domain: int, nodes: int) -> Iterator[int]:
        """Give the places of a domain in a cluster of so many nodes, in their order."""
        for start in range(domain * self.unit, nodes, self.number * self.unit):
            yield from range(start, min(start + self.unit, nodes))


def _named(word: str, groups: Iterable[str]) -> str | None:
    """Give the group that a word means, in the singular or the plural."""
    known = set(groups)
    return word if word in known else word[:-1] if word.endswith("s") and word[:-1] in known else None


def _unit(name: str, tables: Mapping[str, GroupTable], seen: tuple[str, ...] = ()) -> int:
    """Give the nodes of one run of a group; raises `RefusedError` where it cannot be known."""
    if name in seen:
        raise RefusedError(f"is made of itself: {' of '.join(shown(each) for each in (*seen, name))}", "other groups")
    table = tables[name]
    if table.of is None:
        return 1 if table.by is None else _unit(_run_group(table.by, tables), tables, (*seen, name))
    if table.of.of in ("node", "nodes"):
        return table.of.count
    return table.of.count * _unit(_run_group(table.of.of, tables), tables, (*seen, name))


def _run_group(word: str, tables: Mapping[str, GroupTable]) -> str:
    """Give the group of that name whose domains are runs of nodes."""
    found = _named(word, tables)
    if found is None:
        close = nearest(word, [*tables, "nodes"])
        raise RefusedError(
            f"names {shown(word)}, which is no group", '"nodes" or a group', close and f"did you mean {shown(close)}?"
        )
    if tables[found].of is None:
        raise RefusedError(f"is made of {shown(found)}, whose nodes do not stand together", "nodes, or a group with of")
    return found


def check_groups(tables: Mapping[str, GroupTable], nodes: int) -> Iterator[tuple[str | None, RefusedError]]:
    """Check `cluster.groups` for so many nodes; yields the group's name, or None for all, and what is wrong."""
    if len(tables) > MOST_GROUPS:
        yield None, RefusedError(f"has {len(tables)} groups", f"at most {MOST_GROUPS} groups")
    for name, table in tables.items():
        if name in _RESERVED or not name.isidentifier():
            yield name, RefusedError("cannot be the name of a group", f"a plain word other than {listed(_RESERVED)}")
            continue
        try:
            unit = _unit(name, tables)
        except RefusedError as refusal:
            yield name, refusal
            continue
        if unit > nodes:
            yield name, RefusedError(f"has domains of {unit:_} nodes", f"at most {nodes:_} nodes (job and spares)")
        elif table.domains is not None and table.domains > -(-nodes // unit):
            yield name, RefusedError(f"deals {-(-nodes // unit):_} to {table.domains:_} domains", "fewer domains")


def make_groups(tables: Mapping[str, GroupTable], nodes: int) -> dict[str, Group]:
    """Give the groups of a cluster whose tables are valid, by name in the order of the names."""
    units = {name: _unit(name, tables) for name in sorted(tables)}
    return {name: Group(unit, tables[name].domains or -(-nodes // unit)) for name, unit in units.items()}


def resolve_groups(tables: Mapping[str, GroupTable], nodes: int, entries: Entries) -> dict[str, Group]:
    """Resolve `cluster.groups`; `nodes` are those of job and pools."""
    for name in sorted(tables):
        path, table = ("cluster", "groups", name), tables[name]
        if table.of is not None:
            entries.add((*path, "of"), table.of.text, "")
        else:
            entries.add((*path, "domains"), table.domains, "1")
            if table.by is not None:
                entries.add((*path, "by"), table.by, "")
    return make_groups(tables, nodes)


def order_of(nodes: int, pools: Iterable[tuple[int, Group | None]]) -> tuple[int, ...]:
    """Give the node at each place of the cluster.

    Nodes are numbered: the job's, then each pool's. A pool that is spread takes its share of each domain of its group,
    the last places of the domain; the job and the other pools fill what is left in their order.

    Parameters
    ----------
    nodes : int
        Nodes of the job and the pools, >= 1.
    pools : iterable of (int, Group or None)
        Nodes of each pool, and the group that it is spread over.

    Returns
    -------
    tuple of int
        Empty if no pool is spread: then each node stands at the place of its number.

    Raises
    ------
    RefusedError
        If a domain has no room for its share.
    """
    sizes = list(pools)
    if all(group is None for _, group in sizes):
        return ()
    first = nodes - sum(size for size, _ in sizes)
    job = list(range(first))
    unspread: list[int] = []
    order = [-1] * nodes
    for size, group in sizes:
        if group is None:
            unspread += range(first, first + size)
        else:
            number = first
            for domain in range(group.number):
                share = size * (domain + 1) // group.number - size * domain // group.number
                free = [site for site in group.sites(domain, nodes) if order[site] < 0]
                if share > len(free):
                    raise RefusedError(f"is spread with {share} spares in domain {domain} of {len(free)} free nodes")
                for site in free[len(free) - share :]:
                    order[site] = number
                    number += 1
        first += size
    rest = iter(job + unspread)
    return tuple(node if node >= 0 else next(rest) for node in order)
