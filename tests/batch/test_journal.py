"""The journal: what was flushed is read again, whatever is torn off, damaged or full."""

import os
import resource
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim.batch import journal
from sim.batch.journal import Blocks, Content, Journal, at_work, read
from sim.batch.work import CODEC, Block, Piece
from sim.errors import UsageError


def block(first: int = 0, counts: tuple[int, ...] = (3, 2), columns: tuple[str, ...] = ("a", "b")) -> Block:
    """A block whose values say where they stand: 1000 x column + place."""
    import pyarrow as pa

    width = sum(counts)
    values = 1000.0 * np.arange(len(columns))[:, None] + np.arange(width) + first
    pieces = tuple(Piece(number, first, count) for number, count in enumerate(counts))
    return Block(columns, pieces, pa.compress(values.astype("<f8").tobytes(), codec=CODEC, asbytes=True))


def names(of: Block) -> list[str]:
    return [f"case{piece.case}" for piece in of.pieces]


def filled(path: Path, blocks: int = 3) -> bytes:
    with Journal(path) as journal:
        journal.started({"host": "here"})
        for number in range(blocks):
            one = block(10 * number)
            journal.block(one, names(one))
        journal.given_up("case9", "why not")
        journal.ended({"tasks": blocks})
        journal.flush()
    return path.read_bytes()


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    filled(path)
    content = read(path)
    assert content.failed == {"case9": "why not"}
    assert content.sessions == [{"host": "here", "tasks": 3}]
    assert not content.damaged
    runs = content.runs["case1"]
    assert [(run.first, run.count) for run in runs] == [(0, 2), (10, 2), (20, 2)]
    blocks = Blocks(path, content, kept=1)
    for run in runs:
        assert blocks.columns(run) == ("a", "b")
        assert np.array_equal(
            blocks.values(run), [[run.first + 3, run.first + 4], [run.first + 1003, run.first + 1004]]
        )


WRONG_HEADS = [
    b"", b"null", b"[]", b"7", b"{}", b"not json", b"\xff\xfe", b"[" * 100_000, b'{"kind":"later"}',
    b'{"kind":["block"]}',
    b'{"kind":"block"}', b'{"kind":"block","columns":["a"],"pieces":[["case1",0]]}',
    b'{"kind":"block","columns":["a"],"pieces":[["case1",0,2],["case2",0,"2"]]}',
    b'{"kind":"block","columns":["a"],"pieces":[["case1",-1,2]]}',
    b'{"kind":"block","columns":[1],"pieces":[["case1",0,2]]}', b'{"kind":"block","columns":7,"pieces":[]}',
    b'{"kind":"failed","case":["x"],"why":"y"}', b'{"kind":"failed","case":"x","why":null}', b'{"kind":"retry"}',
    b'{"kind":"start","session":7}', b'{"kind":"end","session":"now"}',
]  # fmt: skip


@pytest.mark.parametrize("head", WRONG_HEADS, ids=range(len(WRONG_HEADS)))
@pytest.mark.parametrize("place", ["between", "last"])
def test_a_right_checksum_with_a_wrong_head_is_reported(tmp_path: Path, head: bytes, place: str) -> None:
    """It counts as damaged, whatever it says; all other records are read, and more can be written."""
    path = tmp_path / "journal"
    data = filled(path)
    wanted = read(path)
    strange = journal._HEAD.pack(journal._MAGIC, len(head), 0, zlib.crc32(head)) + head
    after = data.rfind(journal._MAGIC) if place == "between" else len(data)
    path.write_bytes(data[:after] + strange + data[after:])
    with Journal(path) as reopened:
        assert reopened.content.damaged == 1
        assert reopened.content == replace(wanted, damaged=1)
        one = block(30)
        reopened.block(one, names(one))
    content = read(path)
    assert (content.damaged, len(content.blocks)) == (1, 4)
    assert Blocks(path, content).values(content.runs["case1"][-1]).shape == (2, 2)


def test_data_that_are_not_what_their_head_says_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with Journal(path) as it:
        one = block()
        it.block(replace(one, columns=("a", "b", "c")), names(one))
        with pytest.raises(UsageError, match="does not hold what its head says"):
            Blocks(path, it.content).values(it.content.runs["case1"][0])


def test_a_failed_case_can_be_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    filled(path)
    with Journal(path) as journal:
        journal.retried("case9")
    assert read(path).failed == {}


def test_an_empty_journal_says_nothing(tmp_path: Path) -> None:
    assert read(tmp_path / "none") == Content()
    (tmp_path / "journal").touch()
    assert read(tmp_path / "journal") == Content()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(cut=st.integers(0, 2_000))
def test_a_torn_end_is_cut_off_and_written_over(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "journal"
    path.unlink(missing_ok=True)
    whole = filled(path)
    path.write_bytes(whole[: len(whole) - min(cut, len(whole))])
    before = read(path)
    with Journal(path) as journal:
        assert journal.content == before
        one = block(90)
        journal.block(one, names(one))
    after = read(path)
    assert len(after.blocks) == len(before.blocks) + 1
    assert not after.damaged
    last = after.runs["case0"][-1]
    assert np.array_equal(Blocks(path, after).values(last)[0], [90, 91, 92])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(at=st.integers(0, 10_000), value=st.integers(1, 255))
def test_one_damaged_byte_costs_one_record_at_most(tmp_path: Path, at: int, value: int) -> None:
    path = tmp_path / "journal"
    path.unlink(missing_ok=True)
    whole = bytearray(filled(path, blocks=5))
    whole[at % len(whole)] ^= value
    path.write_bytes(whole)
    content = read(path)
    assert len(content.blocks) >= 4
    blocks = Blocks(path, content)
    for run in content.runs["case0"]:
        assert np.array_equal(blocks.values(run)[0], run.first + np.arange(3))


def test_two_cannot_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with Journal(path):
        assert at_work(path)
        with pytest.raises(UsageError, match="another sim sweep is at work"):
            Journal(path)
    assert not at_work(path)
    with Journal(path):
        pass


def test_a_full_disk_leaves_what_stands_whole(tmp_path: Path) -> None:
    """A limit of the file's size is met as a full disk is: in the middle of a write."""
    path = tmp_path / "journal"
    size = len(filled(path))
    before = read(path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Journal(path) as journal:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, limits[1]))
        try:
            one = block(50)
            with pytest.raises(UsageError, match=r"journal: cannot be written: .*the same command goes on"):
                journal.block(one, names(one))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert os.path.getsize(path) == size
        journal.block(one, names(one))
    after = read(path)
    assert len(after.blocks) == len(before.blocks) + 1
    assert not after.damaged


def test_a_directory_is_no_journal(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written: Is a directory"):
        Journal(tmp_path)


def test_what_is_no_journal_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_text("my diary", encoding="utf-8")
    with pytest.raises(UsageError, match="is no journal of a sweep, and would be lost"):
        Journal(path)
    assert path.read_text(encoding="utf-8") == "my diary"
