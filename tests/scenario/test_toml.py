"""Values and keys as TOML writes them: what is written is read back."""

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from sim.scenario.positions import split_key
from sim.scenario.toml import dotted, toml_value

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False), TEXTS, st.dates(), st.just(10**4_000)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)


@given(value=VALUES)
def test_a_value_is_read_back(value: object) -> None:
    text = toml_value(value)
    assert "\n" not in text
    assert tomllib.loads(f"a = {text}")["a"] == value


@given(path=st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=80), min_size=1, max_size=4))
def test_a_key_is_split_again(path: list[str]) -> None:
    assert split_key(dotted(path)) == tuple(path)
