"""Whatever stands in a file, it loads or is refused with a ScenarioError."""

import json
import random
import re
import tomllib
from collections.abc import Callable
from typing import Any

from sim.errors import ScenarioError
from sim.scenario import Scenario, from_dict, loads
from sim.scenario.positions import Positions

from .examples import LARGE, SMALL

TIMES = 1_000
JUNK = [
    "true", "false", "0", "-1", "1e400", "nan", "-inf", "0.5", "9" * 40, "''", '"10 min"', '"1e400 h"', '"nan s"', "[]",
    "{}", "[[]]", "[{}]", "{ a = 1 }", "[1, 'a', {}]", "2024-01-01", "07:32:00", "2024-01-01T00:00:00Z", '"auto"',
    '"young"', '"50 steps"', '"0 s"', '"100 years"', '"1e9 years"', '"2 TB/s"', '"3 %"', '"0.1 points"', "0x1F",
    '"\\u0000"', '"\\U0010FFFF"', '"""\nx"""', "{ time = '1 s' }",
    "{ law = 'mixture', of = [{ share = 1, time = '1 s' }] }",
    "{ base = '1 s', per_gpu2 = '1 h' }", "1_000_000_000_000_000_000_000", "5e-324", '"' + "h" * 300 + '"',
]  # fmt: skip
LINES = [
    "[x]", "[[faults]]", "[faults.node.x]", "[recovery.a]", "[recovery.when]", "[[recovery.swap]]", "a.b.c = 1",
    "'' = 1",
    '"a b" = 1', "include = ['x']", "[faults.'']", "[stores.b]", "}", "]", "= 1", '"""', "'''", "#", "\x00", "\ufeff",
    "[recovery.restart]", "[pools]", "hot = 3", "when = {}", "name = 'x'", "[run.precision]", "\u2028", "\r",
]  # fmt: skip
VALUE = re.compile(r"(?<== )[^\n#]+")
UNIT = re.compile(r'(?<=[0-9]) (?:h|min|s|days?|%|TB|TB/s|ms|us|steps)(?=")')


def check(make: Callable[[], Scenario]) -> bool:
    """Say whether it loads; anything but a ScenarioError is the test's failure."""
    try:
        scenario = make()
    except ScenarioError as error:
        check_words([str(problem) for problem in error.problems])
        return False
    resolved = scenario.resolved()
    assert from_dict(json.loads(json.dumps(resolved))).sha256() == scenario.sha256()
    return True


def check_words(messages: list[str]) -> None:
    assert messages
    for text in messages:
        assert text.replace("\n", "").isprintable(), text
        assert text.count("\n") <= 1, text
        assert len(text) < 1_000


def flip_bytes(text: str, rng: random.Random) -> str:
    data = bytearray(text.encode())
    for _ in range(rng.randint(1, 4)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return data.decode("utf-8", errors=rng.choice(["ignore", "replace", "surrogateescape"]))


def cut_lines(text: str, rng: random.Random) -> str:
    lines = text.split("\n")
    for _ in range(rng.randint(1, 3)):
        del lines[rng.randrange(len(lines))]
    return "\n".join(lines)


def move_lines(text: str, rng: random.Random) -> str:
    lines = text.split("\n")
    for _ in range(rng.randint(1, 3)):
        lines.insert(rng.randrange(len(lines)), lines.pop(rng.randrange(len(lines))))
    return "\n".join(lines)


def swap_values(text: str, rng: random.Random) -> str:
    values = VALUE.findall(text)
    return VALUE.sub(lambda match: rng.choice(values) if rng.random() < 0.05 else match[0], text)


def put_junk(text: str, rng: random.Random) -> str:
    return VALUE.sub(lambda match: rng.choice(JUNK) if rng.random() < 0.04 else match[0], text)


def put_lines(text: str, rng: random.Random) -> str:
    lines = text.split("\n")
    for _ in range(rng.randint(1, 3)):
        lines.insert(rng.randrange(len(lines) + 1), rng.choice(LINES))
    return "\n".join(lines)


def swap_units(text: str, rng: random.Random) -> str:
    units = UNIT.findall(text)
    return UNIT.sub(lambda match: rng.choice([*units, "", " x", "h"]) if rng.random() < 0.1 else match[0], text)


def nest(text: str, rng: random.Random) -> str:
    depth = rng.choice([1, 5, 31, 32, 33, 100, 3_000])
    opened = rng.choice([("[", "]"), ("{ a = ", " }"), ("[{ a = ", "}]")])
    value = opened[0] * depth + "1" + opened[1] * depth
    return VALUE.sub(lambda match: value if rng.random() < 0.03 else match[0], text)


def cut_off(text: str, rng: random.Random) -> str:
    return text[: rng.randrange(len(text))]


MUTATIONS = [flip_bytes, cut_lines, move_lines, swap_values, put_junk, put_lines, swap_units, nest, cut_off]


def test_mutated_files_load_or_are_refused() -> None:
    rng = random.Random(20_240_517)
    loaded = refused = 0
    for mutate in MUTATIONS:
        for _ in range(TIMES // 3 if mutate is nest else TIMES):
            text = mutate(rng.choice([SMALL, LARGE]), rng)
            if check(lambda text=text: loads(text, "fuzz.toml")):  # type: ignore[misc]
                loaded += 1
            else:
                refused += 1
    assert loaded > 500
    assert refused > 4_000


def replace_one(data: Any, rng: random.Random, depth: int = 0) -> None:
    """Replace one value somewhere in a tree by something of another type."""
    keys = list(data) if isinstance(data, dict) else list(range(len(data)))
    key = rng.choice(keys)
    inner = data[key]
    if isinstance(inner, (dict, list)) and inner and rng.random() < 0.8:
        replace_one(inner, rng, depth + 1)
        return
    others: list[Any] = [
        None,
        True,
        3,
        -1,
        2.5,
        float("inf"),
        "10 min",
        "",
        "x",
        [],
        {},
        [1],
        {"a": 1},
        (),
        b"x",
        10**400,
    ]
    data[key] = rng.choice([*others, object(), {"law": "exponential"}, {3: 4}, {"time": None}, "\ud800"])


def test_dictionaries_of_any_type_load_or_are_refused() -> None:
    rng = random.Random(7)
    for _ in range(TIMES):
        data = tomllib.loads(rng.choice([SMALL, LARGE]))
        replace_one(data, rng)
        check(lambda data=data: from_dict(data))  # type: ignore[misc]


def test_any_override_loads_or_is_refused() -> None:
    rng = random.Random(11)
    keys = [
        "run",
        "seed",
        "stores",
        "remote",
        "every",
        "recovery",
        "restart",
        "a b",
        '"q"',
        "",
        "0",
        "of",
        "faults",
        "node",
    ]
    for _ in range(TIMES):
        path = ".".join(rng.choice(keys) for _ in range(rng.randint(1, 4)))
        override = path + rng.choice(["=", "", " = ", "=="]) + rng.choice(JUNK)
        check(lambda override=override: loads(SMALL, "fuzz.toml", [override]))  # type: ignore[misc]


def test_the_scan_for_positions_never_fails() -> None:
    rng = random.Random(3)
    for _ in range(TIMES):
        text = flip_bytes(cut_off(LARGE, rng) or "a", rng)
        assert Positions(text).line(("zzz",)) is None
