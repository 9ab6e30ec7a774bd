"""Filters: what they keep, and that nothing of them is executed."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.batch.cases import Cases, FilterError
from sim.batch.filters import Filter
from sim.errors import ScenarioError
from sim.scenario.refusal import RefusedError

from .texts import HOPPER, swept

SWEEP = swept(
    {
        "interval": {"key": "stores.shared.every", "values": ["1 min", "5 min", "30 min"]},
        "horizon": {"key": "run.horizon", "values": ["1 h", "10 h", "100 h"]},
        "spares": {"key": "pools.hot.nodes", "values": [0, 50, 100]},
        "use": {"key": "recovery.in_place.use", "values": ["same units", "spares, else wait"]},
        "start": {"key": "run.initial_start", "values": [True, False]},
        "size": {"key": "job.checkpoint", "values": ["1 TB", "28 TB"]},
        "fan": {"key": "stores.shared.slowdown", "values": ["1 %", 0.05]},
        "cold": {"key": "pools.cold.activation", "values": ["10 min", "12 min"]},
    },
    HOPPER,
)


def kept(text: str) -> list[tuple]:
    return [case.numbers for case in Cases(SWEEP.axes, (), [Filter(text, SWEEP.axes)])]


def expected(condition) -> list[tuple]:
    return [case.numbers for case in SWEEP.cases if condition(*case.numbers[:3], case)]


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("interval < horizon / 100", lambda i, h, s, c: i < h / 100),
        ('interval < "30 min"', lambda i, h, s, c: i < 1800),
        ('"1 min" < interval <= "0.5 h"', lambda i, h, s, c: 60 < i <= 1800),
        ('not (spares == 0 or interval >= "5 min")', lambda i, h, s, c: not (s == 0 or i >= 300)),
        ("spares != 50 and spares * 2 - 1 > -spares + 5", lambda i, h, s, c: s != 50 and s * 2 - 1 > -s + 5),
        ('use == "same units"', lambda i, h, s, c: c.values[3] == "same units"),
        ('"same units" != use', lambda i, h, s, c: c.values[3] != "same units"),
        ("start == true", lambda i, h, s, c: c.values[4] is True),
        ("start != true or spares > 50", lambda i, h, s, c: c.values[4] is not True or s > 50),
        ('size / "2 TB/s" < "1 s"', lambda i, h, s, c: c.numbers[5] < 2e12),
        ("fan > 0.02", lambda i, h, s, c: c.numbers[6] == 0.05),
        ('fan <= "1 %"', lambda i, h, s, c: c.numbers[6] == 0.01),
        ("interval * spares / horizon < 1", lambda i, h, s, c: i * s / h < 1),
        ('cold + interval > horizon / 2 + "1 min"', lambda i, h, s, c: c.numbers[7] + i > h / 2 + 60),
        ("1 < 2", lambda i, h, s, c: True),
    ],
)
def test_what_is_kept(text: str, condition) -> None:
    found = kept(text)
    assert found == expected(condition)
    assert text == "1 < 2" or 0 < len(found) < len(SWEEP.cases)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("__import__('os').system('false')", "is not understood"),
        ("spares.__class__ == 1", "is not understood"),
        ("spares[0] == 1", "is not understood"),
        ("(lambda: 1)() == 1", "is not understood"),
        ("[x for x in (1, 2)] == 1", "is not understood"),
        ("9 ** 9 ** 9 ** 9 > spares", "is not understood"),
        ("1 << 10_000_000_000 > spares", "is not understood"),
        ("'a' * 10_000_000_000 == use", "calculates with a word"),
        ("spares % 2 == 0", "is not understood"),
        ("spares // 2 == 0", "is not understood"),
        ("spares in (1, 2)", "is not understood"),
        ("spares is 1", "is not understood"),
        ("(spares := 1) == 1", "is not understood"),
        ("spares = 1", "is not understood"),
        ("f'{spares}' == use", "is not understood"),
        ("spares == None", "is not understood|holds None"),
        ("spares == 1j", "holds 1j"),
        ("spares == b'x'", "holds b'x'"),
        ("start == True", "write true or false|holds True"),
        ("spares if start else 1", "is not understood"),
        ("~spares == 1", "is not understood"),
        ("", "is not understood"),
        ("spares <", "is not understood"),
        ("spares == 1; spares", "is not understood"),
        ("spares == 1\nimport os", "is not understood"),
        ("spares == \0", "is not understood"),
        ("(" * 150 + "spares == 1" + ")" * 150 + " and " + "(" * 300, "is not understood"),
        ("not " * 200 + "spares == 1", "is nested too deep"),
        ("-" * 900 + "spares == 1", "is nested too deep|is not understood"),
        ("1 + " * 200 + "1 == spares", "is nested too deep"),
        ("spares == 1 or " * 80 + "spares == 2", "is too long"),
        ("spares == " + "9" * 900, "must be a finite number"),
        ("spares == 1e999", "must be a finite number"),
        ("spares", "is no condition"),
        ('"1 min"', "is no condition"),
        ("not spares", "joins what is no condition"),
        ("spares and start", "joins what is no condition"),
        ("(spares > 1) == (spares > 2)", "compares a condition with a condition"),
        ("(spares > 1) + 1 == 2", "calculates with a condition"),
        ("interval < 5", "compares a duration with a plain number"),
        ("interval < size", "compares a duration with a size"),
        ("interval + 1 < horizon", "adds a duration and a plain number"),
        ("interval * horizon < interval", r"compares a number in s\^2 with a duration"),
        ('interval < "five min"', "compares a number|compares a duration with a word"),
        ('interval < "5 parsec"', "has the unit"),
        ('use < "same units"', "orders a word"),
        ("use == 1", "compares a word with a plain number"),
        ("start == 1", "compares true or false with a plain number"),
        ("intervall < horizon", 'names "intervall", which is no axis'),
        ("exec < 1", 'names "exec", which is no axis'),
        ("horizon / spares > interval", "divides by 0"),
        ("1 / 0 > spares", "divides by 0"),
        ("1e308 * 1e308 > spares", "gives no finite number"),
    ],
)
def test_what_is_refused(text: str, said: str) -> None:
    with pytest.raises(ScenarioError, match=said) as caught:
        swept(
            {"interval": {"key": "stores.shared.every", "values": ["1 min"]},
             "horizon": {"key": "run.horizon", "values": ["1 h"]},
             "spares": {"key": "pools.hot.nodes", "values": [0, 50]},
             "size": {"key": "job.checkpoint", "values": ["1 TB"]},
             "start": {"key": "run.initial_start", "values": [True, False]},
             "use": {"key": "recovery.in_place.use", "values": ["same units"]}},
            HOPPER, where=["1 < 2", text],
        )  # fmt: skip
    (problem,) = caught.value.problems
    assert problem.key == "where.1"


def test_the_nearest_axis_is_named() -> None:
    with pytest.raises(RefusedError) as caught:
        Filter("intervall < horizon", SWEEP.axes)
    assert caught.value.remedy == "did you mean interval?"


@settings(max_examples=300, deadline=None)
@given(text=st.text(alphabet="interval spares<>=!+-*/()'\".,:[]{}0123456789eE_andortx\n\\", max_size=60))
def test_any_text_is_a_filter_or_is_refused(text: str) -> None:
    with suppress(RefusedError, FilterError):
        found = Filter(text, SWEEP.axes)
        assert len(Cases(SWEEP.axes, (), [found])) <= len(SWEEP.cases)


def test_axes_with_words_are_compared_with_what_is_written() -> None:
    axes = {"every": {"key": "stores.shared.every", "values": ["exact", "5 min"]}}
    assert [case.values for case in swept(axes, HOPPER, where=['every != "exact"']).cases] == [("5 min",)]
    assert [case.values for case in swept(axes, HOPPER, where=['every == "5 min"']).cases] == [("5 min",)]


def test_counts_are_said_where_nothing_is_left() -> None:
    axes = {"spares": {"key": "pools.hot.nodes", "values": [0, 50, 90]}}
    with pytest.raises(ScenarioError) as caught:
        swept(axes, HOPPER, where=["spares > 10", "spares < 5", "spares < 100"])
    (problem,) = caught.value.problems
    assert "leaves none of 3 cases" in problem.message
    assert '"spares > 10" alone keeps 2; "spares < 5" alone keeps 1; "spares < 100" alone keeps 3' in problem.message
