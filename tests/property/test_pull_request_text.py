"""No text of unknown origin makes a host do anything: no mention, link, image, HTML or command."""

from __future__ import annotations

import re
from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from orchestrate.core.running.state import RunState
from orchestrate.core.sharing.evidence import EvidenceNote
from orchestrate.core.views.markdown import prose, title
from orchestrate.core.views.pull_request import Told, pull_request
from tests.unit.core.views.bugfix_sample import fixed

NASTY = (
    *("@ada", "#1", "fixes", "closes", "GH-1", "org/repo#2", "!3", "%4", "~bug", "&5", "$x", "^y"),
    *("*z*", "_u_", "``", "`", "```", "[a](b)", "![a](b)", "<img", "src=x>", "</p>", "<!--", "-->"),
    *(
        "&lt;",
        "&#64;ada",
        "\\",
        "|",
        "https://a.example",
        "http://",
        "www.a.example",
        "a@b.example",
    ),
    *("mailto:a@b.example", "1.", "-", "+", ">", "---", "===", "/close", "/merge", "//", ":tada:"),
    *("[[_TOC_]]", "{{x}}", "0123abc", "DRAFT:", "\u202e", "\u200b", "\x1b[2J", "\u2028", "\x00"),
    *("\ud800", "[x]:", "[^1]", "$`x`$"),
)
HOSTILE = st.lists(
    st.one_of(st.sampled_from(NASTY), st.text(max_size=6)), min_size=1, max_size=8
).flatmap(lambda words: st.sampled_from((" ", "", "\n", "\n\n")).map(lambda by: by.join(words)))
#: What hosts look for in text outside code, see `markdown`.
ACTED_ON = re.compile(
    r"@|#|!\w|%\w|[~&$^]\w|://|www\.|GH-\d|[^\W\d_]-\d|\b[0-9a-f]{7,}\b|<|>|\[|\]|\|"
)
ALLOWED = {
    *("heading", "paragraph", "bullet_list", "list_item", "code_block", "inline"),
    *("text", "code_inline", "softbreak"),
}
#: The document's own text has these.
OWN = re.compile(r"\+\d+ -\d+ lines")


def tokens(text: str) -> list[Token]:
    """Everything a Markdown parser finds, flat."""
    found: list[Token] = []
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text):
        found += [token, *(token.children or ())]
    return found


def headings(text: str) -> set[str]:
    found = tokens(text)
    return {inside.content for token, inside in pairwise(found) if token.type == "heading_open"}


def require_inert(text: str) -> None:
    for token in tokens(text):
        kind = token.type.removesuffix("_open").removesuffix("_close")
        assert kind in ALLOWED, (token, text)
        if token.type == "text":
            assert not ACTED_ON.search(OWN.sub("", token.content)), (token.content, text)
    for line in text.splitlines():
        assert not line.startswith("/"), text


@given(HOSTILE)
def test_prose_renders_as_one_line_of_words_and_code(text: str) -> None:
    shown = prose(text)
    assert len(shown.splitlines()) == 1
    require_inert(shown)
    require_inert(f"- {shown}")


@given(HOSTILE)
def test_a_title_names_nobody_and_closes_nothing(text: str) -> None:
    shown = title(text, "change")
    assert shown
    assert len(shown.splitlines()) == 1
    assert not ACTED_ON.search(shown)
    assert "`" not in shown


def spoken(state: RunState, text: str) -> RunState:
    """The state with `text` in every place that somebody else can write to."""
    replace = msgspec.structs.replace
    tasks, gates = state.tasks, state.gates
    for number, record in state.tasks.items():
        record = replace(record, summary=text, message=text)
        if record.work is not None:
            note = EvidenceNote(text, "unknown", text, before=text)
            record = replace(
                record, work=replace(record.work, paths=(text, "a.py")), checks=(note,)
            )
        tasks = tasks.set(number, record)
    for name, gate in state.gates.items():
        seen = {"summary": text, "tests": text}
        gates = gates.set(name, replace(gate, by=text, reason=text, evidence=seen))
    return replace(
        state, tasks=tasks, gates=gates, request=text, published=text, audit="failed", base=text
    )


@given(HOSTILE)
def test_a_whole_pull_request_is_inert_whatever_was_said(text: str) -> None:
    sample = fixed()
    found = pull_request(spoken(sample, text), Told(version=text, commands=(text,)))
    require_inert(found.body)
    assert headings(found.body) <= headings(pull_request(sample, Told(version="0")).body)
    assert not ACTED_ON.search(found.title)
