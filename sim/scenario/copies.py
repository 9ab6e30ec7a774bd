"""Where a store's copies are, which faults lose them, and what stores say about each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sim.scenario.domains import NameReader
from sim.scenario.fields import Choice, Json, Reader, Whole
from sim.scenario.refusal import RefusedError, listed, nearest, shown

PLACES = ("shared", "self")
LAYOUTS = ("groups", "ring")
LOST_AT = ("process", "reset", "repair", "never")
MOST_PARTNERS = 15

LostAt = Literal["process", "reset", "repair", "never"]
LOST_AT_SOURCE = (
    'shared: "never", a storage service keeps what is durable; else "reset": host memory is there for a new process, '
    "but not after a reset, as in Gemini (Wang et al., SOSP 2023)"
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the copies of a store are.

    Parameters
    ----------
    kind : str
        "shared": in a service beside the nodes; "self": each node's on the node itself; "partners": also on others.
    partners : int
        Other nodes that hold a node's copy, >= 1 for partners, else 0.
    layout : str
        "groups": partners + 1 nodes hold each other's copies; "ring": each node's are on those that follow it.
    not_same : str or None
        A group of nodes: those that hold the same copies start in different domains of it.
    """

    kind: Literal["shared", "self", "partners"]
    partners: int = 0
    layout: Literal["groups", "ring"] = "groups"
    not_same: str | None = None

    @property
    def written(self) -> str | dict[str, Any]:
        """The place as it stands in a file, nothing left out."""
        if not self.partners:
            return self.kind
        apart = {} if self.not_same is None else {"not_same": self.not_same}
        return {"partners": self.partners, "layout": self.layout, **apart}

    @property
    def lost_at(self) -> LostAt:
        """The default of `lost_at`."""
        return "never" if self.kind == "shared" else "reset"


SHARED = Place("shared")


class PlaceReader(Reader):
    """A word, or a table that says how many partners."""

    allowed = '"shared", "self" or a table such as { partners = 1 }'
    _readers: Mapping[str, Reader] = {
        "partners": Whole(1, MOST_PARTNERS),
        "layout": Choice(LAYOUTS),
        "not_same": NameReader(),
    }

    def read(self, value: object) -> Place:
        """Give the place, or raise `RefusedError`."""
        if not isinstance(value, dict):
            try:
                return Place(Choice(PLACES).read(value))  # type: ignore[arg-type]
            except RefusedError as refusal:
                raise RefusedError(refusal.message, self.allowed, refusal.remedy) from None
        found = {}
        for key, item in value.items():
            if key not in self._readers:
                close = nearest(key, self._readers)
                remedy = f'did you mean "{close}"?' if close else None
                raise RefusedError(f"has the unknown key {shown(key)}", "partners, layout and not_same", remedy)
            try:
                found[key] = self._readers[key].read(item)
            except RefusedError as refusal:
                message = f"gives {key} as {shown(item)}, which {refusal.message}"
                raise RefusedError(message, f"{key}: {refusal.allowed}", refusal.remedy) from None
        if "partners" not in found:
            raise RefusedError("says no number of partners", self.allowed, "add partners = 1")
        return Place("partners", **found)

    def json_schema(self) -> Json:
        """Give the JSON schema of a place."""
        keys = {key: reader.json_schema() for key, reader in self._readers.items()}
        table = {"type": "object", "properties": keys, "required": ["partners"], "additionalProperties": False}
        return {"anyOf": [{"type": "string", "enum": list(PLACES)}, table]}


def can_be_lost(place: Place, lost_at: LostAt | None) -> bool:
    """Say whether faults or swaps can lose the versions of a store; `lost_at` None stands for its default."""
    return place.kind != "shared" or (lost_at or place.lost_at) != "never"


def check_place(place: Place, nodes: int, groups: Iterable[str]) -> Iterator[RefusedError]:
    """Check that a job of so many nodes has room for the partners, and that the group is known."""
    if not place.partners:
        return
    known = list(groups)
    if place.not_same is not None and place.not_same not in known:
        allowed = listed(known) if known else "a group of cluster.groups; there are none"
        close = nearest(place.not_same, known)
        message = f"gives not_same as {shown(place.not_same)}, which is no group"
        yield RefusedError(message, allowed, f'did you mean "{close}"?' if close else None)
    size = place.partners + 1
    if nodes < size:
        yield RefusedError(f"needs {size} nodes, but the job has {nodes}", f"at most {nodes - 1} partners")
    elif place.layout == "groups" and nodes % size > nodes // size:
        message = f"divides {nodes} nodes into {nodes // size} groups of {size}, with {nodes % size} left over"
        yield RefusedError(message, f"at most one node more for each group of {size}", "another number of partners")


def check_sources(stores: Mapping[str, Any]) -> Iterator[tuple[str, str, RefusedError]]:
    """Check which stores feed which; yields the store, its key and what is wrong."""
    for name, store in stores.items():
        if store.source is None:
            continue
        if store.source not in stores:
            close = nearest(store.source, stores)
            remedy = f'did you mean "{close}"?' if close else "add that store, or leave source out"
            yield name, "source", RefusedError("is no store of this file", "the name of another store", remedy)
            continue
        seen = [name]
        while store.source in stores:
            seen.append(store.source)
            store = stores[store.source]
            if store.source == name:
                message = f"goes in a circle: {' from '.join([*seen, name])}"
                yield name, "source", RefusedError(message, "stores that begin with one that the job saves to")
                break
            if store.source in seen:
                break
