import tomllib

import pytest

from sim.scenario.positions import MOST_DEPTH, Positions, deep_key, split_key
from sim.scenario.refusal import Path

from .examples import LARGE, SMALL

TEXT = '''\
# a comment with [table] and key = 1
name = "x"  # name = "y"

[cluster]
nodes = 1
[job]
"quoted.key" = 1
dotted . deep."er one" = 2
inline = { a = 1, b = { c = [1, { d = 2 }] }, e.f = 3 }
many = [
  1,  # one
  [ "]", '#' ],
  { x = 1,
    y = """z" """ },
]
text = """
[not.a.table]
key = 1 \\""" still
"""
raw = \'\'\'
[nor.this]\'\'\'\'
after = 2020-01-01T00:00:00Z
[[list]]
a = 1
[[list]]
a = 2
[list.sub]
b = 3
[deep.er]
c = 4
'''.replace("{ x = 1,\n    y", "{ x = 1, y")


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("name",), 2),
        (("cluster",), 4),
        (("cluster", "nodes"), 5),
        (("job", "quoted.key"), 7),
        (("job", "dotted", "deep", "er one"), 8),
        (("job", "inline", "b", "c", 1, "d"), 9),
        (("job", "inline", "e", "f"), 9),
        (("job", "many"), 10),
        (("job", "many", 0), 11),
        (("job", "many", 1, 1), 12),
        (("job", "many", 2, "y"), 13),
        (("job", "text"), 15),
        (("job", "raw"), 19),
        (("job", "after"), 21),
        (("list",), 22),
        (("list", 0, "a"), 23),
        (("list", 1, "a"), 25),
        (("list", 1, "sub", "b"), 27),
        (("deep", "er", "c"), 29),
        (("deep",), 28),
    ],
)
def test_line_of_each_key(path: Path, line: int) -> None:
    tomllib.loads(TEXT)
    positions = Positions(TEXT)
    assert path in positions
    assert positions.line(path) == line


def test_longest_known_beginning_counts() -> None:
    positions = Positions(TEXT)
    assert positions.line(("cluster", "gpus_per_node")) == 4
    assert positions.line(("nothing",)) is None
    assert positions.line(()) is None
    assert ("not",) not in positions
    assert ("nor",) not in positions


@pytest.mark.parametrize("text", [TEXT, SMALL, LARGE, TEXT.replace("\n", "\r\n"), ""])
def test_every_key_is_found(text: str) -> None:
    positions = Positions(text)
    todo: list[tuple[Path, object]] = [((), tomllib.loads(text))]
    while todo:
        path, value = todo.pop()
        assert not path or path in positions, path
        if isinstance(value, dict):
            todo.extend(((*path, key), item) for key, item in value.items())
        if isinstance(value, list):
            todo.extend(((*path, key), item) for key, item in enumerate(value))


@pytest.mark.parametrize("text", ["a = ", "[", "a = [1,", "= 3", 'a = "', "a = {b", "[a\nb]", '"\\q" = 1', "a = }"])
def test_broken_text_is_no_error(text: str) -> None:
    assert Positions(text).line(("zzz",)) is None


def test_keys_of_too_many_parts_are_seen_before_they_are_parsed() -> None:
    assert deep_key("a = 1\n" + ".".join("a" * (MOST_DEPTH + 1)) + " = 1") == 2
    assert deep_key(" . ".join(['"b c"'] * (MOST_DEPTH + 1)) + " = 1") == 1
    assert deep_key(".".join("a" * MOST_DEPTH) + " = 1") is None
    assert deep_key("a = [" + "0.25, " * 100 + "]") is None


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a", ("a",)),
        ("stores.remote.every", ("stores", "remote", "every")),
        ('stores."a b".every', ("stores", "a b", "every")),
        ("a b", None),
        ("", None),
        ("a.", None),
        ("[a]\nb", None),
        ("a = 1\nb", None),
        (".".join("a" * 5_000), None),
    ],
)
def test_split_key(text: str, parts: tuple[str, ...] | None) -> None:
    assert split_key(text) == parts
