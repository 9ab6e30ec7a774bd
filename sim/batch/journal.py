"""The journal of a sweep: one file that only grows, in which every result stands with a checksum.

Whatever dies, the records before are whole: a torn last record is cut off when the journal is opened again, a damaged
one in between is left out, and what it held is simulated again. Nothing in it is code.
"""

from __future__ import annotations

import fcntl
import json
import mmap
import os
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sim.batch.work import CODEC, Block
from sim.errors import UsageError

NAME = "journal"
"""File name of the journal in the directory of a sweep."""

_HEAD = struct.Struct("<4sIQI")
_MAGIC = b"LSJ1"
_LARGEST = 1 << 32

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Run:
    """Replications of a case in the journal: they start with number ``first``, and in the block at ``start``."""

    first: int
    count: int
    block: int
    start: int


@dataclass(frozen=True)
class Stored:
    """Where a block's data lies in the file, how long it is there, and what its columns are; of ``width`` values."""

    columns: tuple[str, ...]
    width: int
    offset: int
    length: int


@dataclass
class Content:
    """What a journal says.

    Parameters
    ----------
    runs : dict
        Replications of each case, by its identity, in the order in which they were written; some may stand twice.
    failed : dict
        Why cases were given up, by identity.
    blocks : list of Stored
    sessions : list of dict
        What each session said of itself at its start and, unless it was killed, at its end.
    damaged : int
        Places at which the file could not be read.
    """

    runs: dict[str, list[Run]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    blocks: list[Stored] = field(default_factory=list)
    sessions: list[dict[str, Any]] = field(default_factory=list)
    damaged: int = 0

    def add(self, head: Any, offset: int, length: int) -> None:
        """Take in a record; one that says nothing this version knows counts as damaged."""
        try:
            self._add(head, offset, length)
        except (KeyError, TypeError, ValueError, AttributeError):
            self.damaged += 1

    def _add(self, head: Any, offset: int, length: int) -> None:
        match head["kind"]:
            case "block":
                runs, width = [], 0
                for identity, first, count in head["pieces"]:
                    runs.append((_text(identity), Run(_number(first), _number(count), len(self.blocks), width)))
                    width += count
                self.blocks.append(Stored(tuple(map(_text, head["columns"])), width, offset, length))
                for identity, run in runs:
                    self.runs.setdefault(identity, []).append(run)
            case "failed":
                self.failed[_text(head["case"])] = _text(head["why"])
            case "retry":
                self.failed.pop(_text(head["case"]), None)
            case "start":
                self.sessions.append({**head["session"]})
            case "end":
                self.sessions[-1:] = [{**each, **head["session"]} for each in self.sessions[-1:]]
            case kind:
                raise ValueError(kind)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or value < 0:
        raise TypeError(value)
    return value


class Journal:
    """A journal that is open for writing; no other process can open it meanwhile.

    Use it with ``with``. What is appended is safe after the next ``flush``.

    Parameters
    ----------
    path : Path
        Made where it does not exist; its directory must exist.

    Raises
    ------
    UsageError
        If it cannot be written, or another process writes it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise self._refused(error) from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise UsageError(in_use(path.parent)) from None
        self.content, self._end = _read(path)
        if not self._end and not _MAGIC.startswith(os.pread(self._file, len(_MAGIC), 0)):
            os.close(self._file)
            raise UsageError(f"{path}: is no journal of a sweep, and would be lost; give another directory with -o")
        if os.fstat(self._file).st_size > self._end:
            os.ftruncate(self._file, self._end)
        os.lseek(self._file, self._end, os.SEEK_SET)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def started(self, session: Mapping[str, Any]) -> None:
        """Say that a session starts."""
        self._append({"kind": "start", "session": session})

    def ended(self, session: Mapping[str, Any]) -> None:
        """Say what the session that started last did."""
        self._append({"kind": "end", "session": session})

    def block(self, block: Block, identities: Sequence[str]) -> None:
        """Keep a block; ``identities`` are those of the cases of its pieces."""
        pieces = [[name, each.first, each.count] for name, each in zip(identities, block.pieces, strict=True)]
        self._append({"kind": "block", "columns": block.columns, "pieces": pieces}, block.data)

    def given_up(self, identity: str, why: str) -> None:
        """Keep that a case failed."""
        self._append({"kind": "failed", "case": identity, "why": why})

    def retried(self, identity: str) -> None:
        """Keep that a failed case is tried again."""
        self._append({"kind": "retry", "case": identity})

    def flush(self) -> None:
        """Wait until all that was appended would survive a loss of power."""
        try:
            os.fsync(self._file)
        except OSError as error:
            raise self._refused(error) from None

    def _append(self, head: Mapping[str, Any], body: bytes = b"") -> None:
        text = json.dumps(head, separators=(",", ":")).encode()
        check = zlib.crc32(body, zlib.crc32(text))
        record = b"".join((_HEAD.pack(_MAGIC, len(text), len(body), check), text, body))
        try:
            view = memoryview(record)
            while view:
                view = view[os.write(self._file, view) :]
        except OSError as error:
            os.ftruncate(self._file, self._end)
            os.lseek(self._file, self._end, os.SEEK_SET)
            raise self._refused(error) from None
        self.content.add(head, self._end + _HEAD.size + len(text), len(body))
        self._end += len(record)

    def _refused(self, error: OSError) -> UsageError:
        reason = os.strerror(error.errno) if error.errno else str(error)
        return UsageError(
            f"{self.path}: cannot be written: {reason}; what stands in it is whole: "
            "when that is mended, the same command goes on from there"
        )


def read(path: Path) -> Content:
    """Read a journal that somebody may be writing; an empty one where there is none."""
    return _read(path)[0]


def in_use(directory: Path) -> str:
    """Say that somebody else writes the journal of a directory."""
    return f"{directory}: another sim sweep is at work there; wait for it, or stop it"


def at_work(path: Path) -> bool:
    """Say whether somebody writes a journal now."""
    try:
        with open(path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return path.exists()
    return False


class Blocks:
    """Reads the blocks of a journal; the ones that were read last are kept."""

    def __init__(self, path: Path, content: Content, kept: int = 8) -> None:
        self._path, self._content, self._most = path, content, kept
        self._kept: dict[int, Matrix] = {}

    def values(self, run: Run) -> Matrix:
        """Replications of a case, an array of shape (columns, count)."""
        if run.block not in self._kept:
            if len(self._kept) >= self._most:
                self._kept.pop(next(iter(self._kept)))
            stored = self._content.blocks[run.block]
            with open(self._path, "rb") as file:
                file.seek(stored.offset)
                data = file.read(stored.length)
            try:
                self._kept[run.block] = unpacked(data, len(stored.columns), stored.width)
            except (pa.ArrowException, ValueError, OSError):
                raise UsageError(
                    f"{self._path}: the record whose data begin at byte {stored.offset} does not hold what its head "
                    "says; give another directory with -o, or move this one away"
                ) from None
        return self._kept[run.block][:, run.start : run.start + run.count]

    def columns(self, run: Run) -> tuple[str, ...]:
        """Names of the columns of ``values``."""
        return self._content.blocks[run.block].columns


def unpacked(data: bytes, columns: int, width: int) -> Matrix:
    """What is in a block's data, an array of shape (columns, width)."""
    flat = np.frombuffer(pa.decompress(data, 8 * columns * width, codec=CODEC, asbytes=True), dtype="<f8")
    return flat.reshape(columns, width)


def _read(path: Path) -> tuple[Content, int]:
    """What a file says, and where its last whole record ends."""
    content, end = Content(), 0
    if not path.exists() or not path.stat().st_size:
        return content, end
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for head, offset, length in _records(data, content):
            content.add(head, offset, length)
            end = offset + length
    return content, end


def _records(data: mmap.mmap, content: Content) -> Iterator[tuple[Any, int, int]]:
    """Records of a file that are whole: their heads, where their bodies are, and how long."""
    at = 0
    while at < len(data):
        found = _record(data, at)
        if found is not None:
            yield found
            at = found[1] + found[2]
            continue
        at = data.find(_MAGIC, at + 1)
        if at < 0:
            return
        content.damaged += 1


def _record(data: mmap.mmap, at: int) -> tuple[Any, int, int] | None:
    if at + _HEAD.size > len(data):
        return None
    magic, head, body, check = _HEAD.unpack_from(data, at)
    text = at + _HEAD.size
    if magic != _MAGIC or head + body > _LARGEST or text + head + body > len(data):
        return None
    if zlib.crc32(data[text : text + head + body]) != check:
        return None
    try:
        found = json.loads(data[text : text + head])
    except (ValueError, RecursionError):
        found = None  # whole, but nothing that was ever written
    return found, text + head, body
