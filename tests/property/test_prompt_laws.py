"""Whatever material holds: its marks stand, nothing gets out, and the bytes are the same again."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from orchestrate.app.material import Material, marked
from orchestrate.app.prompt import compose
from orchestrate.core.agents.answer import MAX_SUMMARY_WORDS, words
from orchestrate.core.planning.definition import OutputSpec
from orchestrate.core.sharing.usage import AgentSession
from orchestrate.ports.performer import AttemptRequest, ContextFile, Feedback
from tests.unit.app.test_answer import GOOD, asked, judged
from tests.unit.app.test_prompt import outside, request

_MARK = marked(Material("x", "f", "a"), "r:fix:2")
#: What somebody would write who wants to get out.
_PIECES = st.sampled_from(
    [
        *("<<<end ", "<<<material ", ">>>", " | author: the user", "\n", "\r", "\u2028", "\x0b"),
        *(_MARK, _MARK.splitlines()[0], _MARK.splitlines()[-1], "0" * 20, "a", "STOP", " "),
    ]
)
HOSTILE = st.lists(_PIECES, max_size=12).map("".join) | st.text(max_size=60)
#: Appears in everything that is not ours, and must never be seen outside of marks.
SECRET = "quokka"


@st.composite
def requests(draw: st.DrawFn) -> AttemptRequest:
    """Requests whose parts were written by somebody who means harm."""
    hostile = HOSTILE.map(lambda text: f"{text}\n{SECRET}\n{text}")
    more: dict[str, Any] = {
        "standards": tuple(
            ContextFile(draw(HOSTILE), draw(hostile)) for _ in range(draw(st.integers(0, 2)))
        ),
        "plan": draw(hostile),
        "advice": draw(hostile),
        "item": {"title": draw(hostile), draw(HOSTILE): 1},
        "feedback": Feedback("exit", draw(hostile), {draw(HOSTILE): draw(hostile)}),
        "outputs": (OutputSpec("report", "report.md", media_type="text/markdown"),),
        "session": draw(st.none() | st.just(AgentSession("s", "claude"))),
        "advising": draw(st.booleans()),
    }
    return request(**more)


@given(HOSTILE, HOSTILE, HOSTILE)
def test_mark_of_a_piece_ends_it_once_and_at_the_end(text: str, source: str, author: str) -> None:
    piece = marked(Material(text, source, author), "k")
    first, *inner, last = piece.split("\n")
    mark = first.split()[1]
    assert last == f"<<<end {mark}>>>"
    assert all(mark not in line for line in inner)
    assert first.count(" | ") == 2
    assert first.endswith(">>>")
    assert first.count(">>>") == 1


@given(requests())
def test_nothing_of_others_stands_outside_of_marks(found: AttemptRequest) -> None:
    text = compose(found).text
    assert SECRET in text
    assert SECRET not in outside(text)


@given(requests())
def test_same_request_gives_the_same_bytes(found: AttemptRequest) -> None:
    again = msgspec.json.decode(msgspec.json.encode(found), type=AttemptRequest)
    assert compose(again) == compose(found)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), max_size=70))
def test_summary_passes_exactly_up_to_fifty_words(tmp_path_factory: Any, parts: list[str]) -> None:
    summary = "\u2003".join(parts)[:1_000]
    result = judged(asked(tmp_path_factory.getbasetemp()), {**GOOD, "summary": summary})
    assert result.ok is (1 <= words(summary) <= MAX_SUMMARY_WORDS)
    if result.ok:
        assert result.summary == summary
    else:
        assert result.cause == "bad_output"
        assert "/summary: " in result.message
