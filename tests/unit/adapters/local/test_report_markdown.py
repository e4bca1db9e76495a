"""The pull request comment: readable, bounded, and without markup of the repository's making."""

from __future__ import annotations

import msgspec
import pytest
from markdown_it import MarkdownIt

from orchestrate.adapters.backends.local.reports.markdown import MAX_CHARACTERS, render_markdown
from orchestrate.adapters.backends.local.reports.visible import (
    markdown_code,
    markdown_text,
    one_line,
    visible,
)
from orchestrate.core.sharing.findings import Analysis
from tests.unit.adapters.local.hostile import PAYLOAD, hostile
from tests.unit.adapters.local.report_sample import TIMELINE, many, sample


def text_of(analysis: Analysis) -> str:
    return render_markdown(analysis, TIMELINE, version="0.1.0").decode("utf-8")


def kinds(markdown: str) -> set[str]:
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    found = set()
    for token in parser.parse(markdown):
        found.add(token.type)
        found |= {child.type for child in token.children or ()}
    return found


def test_it_opens_with_the_verdict_and_what_is_unknown() -> None:
    text = text_of(sample())

    assert text.index("1 critical, 2 high") < text.index("## Could not be confirmed")
    assert text.index("## Could not be confirmed") < text.index("## Findings")
    assert "no advisory folder is set" in text


def test_findings_are_listed_with_place_rank_and_remedy() -> None:
    text = text_of(sample())

    assert "| 3 | high | Shell command put together at run time | `src/shop/images.py:43` |" in text
    assert "    subprocess.run(command, shell=True, check=True)" in text
    assert "Remedy: Pass a list of arguments without a shell" in text


def test_suppressed_findings_are_listed_with_their_reason() -> None:
    assert "only shuffles advertisements" in text_of(sample()).partition("## Suppressed")[2]


@pytest.mark.parametrize("count", [0, 60, 5_000])
def test_it_fits_a_comment_and_says_what_it_leaves_out(count: int) -> None:
    text = text_of(many(count))

    assert len(text) <= MAX_CHARACTERS
    assert ("more in `report.html`" in text) == (count > 50)


def test_very_long_texts_are_cut() -> None:
    long = tuple(
        msgspec.structs.replace(f, title="x" * 5_000, message="y" * 50_000)
        for f in many(60).findings
    )

    assert len(text_of(msgspec.structs.replace(many(60), findings=long))) <= MAX_CHARACTERS


def test_hostile_text_adds_no_kind_of_markup() -> None:
    harmless, spoiled = kinds(text_of(sample())), kinds(text_of(hostile(sample())))

    # The comment that parts a mention is ours.
    assert spoiled - harmless <= {"html_inline"}
    assert "link_open" not in spoiled
    assert "image" not in spoiled


@pytest.mark.parametrize(
    "text",
    ["# title", "* a", "1. a", "> q", "[a](b)", "![a](b)", "<b>", "`c`", "a|b", "~~s~~", "---"],
)
def test_markdown_text_renders_as_itself(text: str) -> None:
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    tokens = parser.parse(markdown_text(text))

    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    shown = "".join(child.content for child in tokens[1].children or ())
    assert shown == text


def test_a_mention_is_parted_so_that_nobody_is_notified() -> None:
    assert "@team" not in markdown_text("ask @team")


@pytest.mark.parametrize("text", ["a`b", "``", "`", "", " ", "a``b`c", PAYLOAD])
def test_code_spans_hold_whatever_backticks_are_inside(text: str) -> None:
    tokens = MarkdownIt("commonmark").parse(f"x{markdown_code(text)}y")

    children = [child.type for child in tokens[1].children or ()]
    assert children == ["text", "code_inline", "text"]


def test_hidden_characters_are_named_and_line_ends_stay() -> None:
    assert visible("a\u202eb\n\tc\r\x7f\U000e0041") == "a⟨U+202E⟩b\n\tc⟨U+000D⟩⟨U+007F⟩⟨U+E0041⟩"
    assert visible("übergroß 漢字 🙂") == "übergroß 漢字 🙂"
    assert one_line("a\n b" + "c" * 500, 10) == "a bcccccc…"
