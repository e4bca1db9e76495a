"""Settings as TOML, read back by the standard library."""

from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from orchestrate.adapters.backends.codex.toml import Value, document, overrides

values: st.SearchStrategy[Value] = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), values, max_size=4))
def test_what_is_written_is_read_back(settings: dict[str, Value]) -> None:
    assert tomllib.loads(document(settings)) == settings
    assert tomllib.loads("\n".join(overrides(settings))) == settings


def test_half_a_surrogate_pair_is_replaced() -> None:
    assert tomllib.loads(document({"a": "x\ud83d"})) == {"a": "x?"}
