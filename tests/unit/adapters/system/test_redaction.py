"""Secrets do not reach a log, whatever way the output is cut into portions."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrate.adapters.system.redaction import BLANK, SHORTEST, Redaction

SECRET = "key-0123456789"


def _through(redaction: Redaction, portions: list[bytes]) -> bytes:
    return b"".join(redaction.feed(portion) for portion in portions) + redaction.finish()


@given(st.lists(st.sampled_from([SECRET, "key-", "0123", "\n", "x"]), max_size=12), st.data())
def test_no_cut_lets_a_secret_through(parts: list[str], data: st.DataObject) -> None:
    text = "".join(parts).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    portions = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    out = _through(Redaction([SECRET]), portions)
    assert SECRET.encode() not in out
    assert out == text.replace(SECRET.encode(), BLANK)


def test_a_line_without_the_beginning_of_a_secret_is_let_through_at_once() -> None:
    assert Redaction([SECRET]).feed(b"hello\n") == b"hello\n"


def test_the_longer_of_two_secrets_goes_first() -> None:
    longer = SECRET + "-and-more"
    assert _through(Redaction([SECRET, longer]), [longer.encode()]) == BLANK


def test_a_value_too_short_to_be_a_secret_is_left_alone() -> None:
    short = "x" * (SHORTEST - 1)
    assert _through(Redaction([short]), [short.encode()]) == short.encode()


@pytest.mark.parametrize("secret", ['key/"0123456789', "k\\0123456789", "ключ-0123456789"])
def test_a_secret_is_found_as_json_spells_it(secret: str) -> None:
    for ascii_only in (True, False):
        line = json.dumps({"output": secret}, ensure_ascii=ascii_only)
        nested = json.dumps({"text": line}, ensure_ascii=ascii_only)
        for text, expected in ((line, '{"output": "[redacted]"}'), (nested, None)):
            out = _through(Redaction([secret]), [text.encode()]).decode()
            assert "0123456789" not in out
            assert expected is None or out == expected


def test_each_line_of_a_secret_and_what_it_names_is_one() -> None:
    headers = f"X-One: {SECRET * 2}\nAccept: application/json"
    printed = f"{SECRET * 2} and X-One: {SECRET * 2} and {json.dumps(headers)} application/json"
    out = _through(Redaction([headers]), [printed.encode()]).decode()
    assert out == '[redacted] and [redacted] and "[redacted]" application/json'
