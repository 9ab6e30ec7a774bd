"""Where the keys of a scenario stand: file and line, also of what other files brought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sim.scenario.document import Document
from sim.scenario.refusal import Path


class Places:
    """Files and lines of the keys of one scenario.

    Parameters
    ----------
    documents : sequence of Document
        The files; the last is the one that the user named.
    origins : mapping of tuple to int
        For tables, and for keys in tables, the document that said the last word; what is not in it is the last one's.
    """

    def __init__(self, documents: Sequence[Document], origins: Mapping[Path, int] | None = None) -> None:
        self._documents = tuple(documents)
        self._origins = origins or {}

    @property
    def file(self) -> str:
        """The file that the user named."""
        return self._documents[-1].file

    def of(self, path: Path) -> tuple[str, int | None]:
        """Give file and line, from 1, of the longest beginning of `path` that stands in a file."""
        document = self._document(path)
        return document.file, None if document.positions is None else document.positions.line(path)

    def stands(self, path: Path) -> bool:
        """Say whether `path` as a whole stands in a file; if there is no text, it does."""
        positions = self._document(path).positions
        return positions is None or path in positions

    def order(self, file: str) -> int:
        """Give the position of a file among all: the one that the user named comes first."""
        names = [document.file for document in self._documents]
        return (names.index(file) + 1) % len(names) if file in names else len(names)

    def _document(self, path: Path) -> Document:
        for end in range(len(path), 0, -1):
            if path[:end] in self._origins:
                return self._documents[self._origins[path[:end]]]
        return self._documents[-1]
