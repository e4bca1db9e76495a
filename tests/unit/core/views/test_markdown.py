"""Text of unknown origin in a Markdown document that a code host acts on."""

from __future__ import annotations

import pytest

from orchestrate.core.views.markdown import MAX_TITLE, code, code_block, prose, title


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Only mean() divides.", "Only `mean()` divides."),
        ("It isn't 3.11, e.g. 50%!", "It isn't 3.11, e.g. 50%!"),
        ("an off-by-one - twice", "an off-by-one - twice"),
        ("`len(x)` is 0 (see src/a.py:12).", "`len(x)` is 0 (see `src/a.py:12`)."),
        ("call x = y[0] now", "call x `= y[0]` now"),
        ("fixes #1, says @ada", "fixes `#1`, says `@ada`"),
        (
            "see https://a.example/1 or www.b.example",
            "see `https://a.example/1` or `www.b.example`",
        ),
        ("GH-1 and KEY-12-b and UTF-8", "`GH-1` and `KEY-12-b` and `UTF-8`"),
        ("since 0123abc", "since `0123abc`"),
        ("!7 ~label &2 $x ^y", "`!7 ~label &2 $x ^y`"),
        ("<b>bold</b> ![](x)", "`<b>bold</b> ![](x)`"),
        ("a `tick", "a `` `tick ``"),
        ("Привет мир", "Привет мир"),
        ("", "(nothing)"),
    ],
)
def test_plain_words_stay_and_all_else_becomes_code(text: str, shown: str) -> None:
    assert prose(text) == shown


@pytest.mark.parametrize("text", ["- an item", "1. one", "/close", "# heading", "> said", "+ plus"])
def test_nothing_begins_a_block_or_a_command(text: str) -> None:
    assert prose(text).startswith("`")


def test_lines_are_joined_and_what_hides_is_named() -> None:
    assert prose("one\n\n/close\ntwo") == "one `/close` two"
    assert prose("a\u202eb") == "`a⟨U+202E⟩b`"


def test_a_code_span_cannot_be_left() -> None:
    assert code("a``b`c") == "```a``b`c```"
    assert code("`x`") == "`` `x` ``"
    assert code("  ") == "`(empty)`"


def test_a_code_block_keeps_each_command_on_its_line() -> None:
    assert code_block(["pytest -q", "a\nb"]) == ["    pytest -q", "    a b"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("fix: closes #12 for @ada", "fix: closes 12 for ada"),
        ("see https://a.example/issues/1", "see https a.example/issues/1"),
        ("GH-12 again", "GH 12 again"),
        ("[skip ci] `x` <b>", "skip ci x b"),
        ("0123456789abcdef broke it", "012345… broke it"),
        ("#", "change"),
    ],
)
def test_a_title_has_nothing_that_a_host_acts_on(text: str, shown: str) -> None:
    assert title(text, "change") == shown


def test_a_long_title_is_cut() -> None:
    assert len(title("word " * 100, "x")) <= MAX_TITLE
