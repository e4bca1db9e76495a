"""What an agent is told."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from orchestrate.app.material import STATEMENT
from orchestrate.app.prompt import compose, estimated_tokens, handed_on
from orchestrate.core.agents.answer import answer_schema
from orchestrate.core.agents.permissions import Permissions, Rule
from orchestrate.core.agents.profile import Profile
from orchestrate.core.ids import AttemptKey
from orchestrate.core.planning.definition import OutputSpec
from orchestrate.core.sharing.usage import AgentSession
from orchestrate.core.sharing.work import Conflict
from orchestrate.ports.performer import AttemptRequest, ContextFile, Feedback, UpstreamArtifact

REPORT = OutputSpec("report", "out/report.md", media_type="text/markdown")
PICTURE = OutputSpec("picture", "p.png", required=False, media_type="image/png")
FEEDBACK = Feedback("checks_failed", "2 tests fail", {"tests": "/runs/r/tests.log"})


def request(**more: Any) -> AttemptRequest:
    """A request of attempt 2 at the task `fix`."""
    return msgspec.structs.replace(
        AttemptRequest(
            key=AttemptKey("r", "fix", 2),
            token="r:fix:2",
            phase="work",
            repository="/repo",
            folder="/runs/r/attempts/fix.2",
            outputs_dir="/runs/r/attempts/fix.2/outputs",
            scratch_dir="/runs/r/attempts/fix.2/scratch",
            prompt="Mend the parser.",
            profile=Profile("builder", "Builds.", body="# Builder\n\nYou build.\n"),
            answer_schema=answer_schema({}, (REPORT, PICTURE)),
        ),
        **more,
    )


FULL: dict[str, Any] = {
    "outputs": (REPORT, PICTURE),
    "workspace": "/work/fix.2",
    "writes": True,
    "item": {"title": "Bug\nin parser", "line": 3},
    "artifacts": (UpstreamArtifact("scan", "findings", "/runs/r/findings.json", "0" * 64),),
    "standards": (ContextFile("AGENTS.md", "Use tabs."), ContextFile("", "[3 more paths …]")),
    "plan": "# Run r\n",
    "feedback": FEEDBACK,
    "advice": "Look at the tokenizer.",
}


def outside(text: str) -> str:
    """What of a prompt is not material of others."""
    kept, inside = [], ""
    for line in text.split("\n"):
        if not inside and line.startswith("<<<material "):
            inside = f"<<<end {line.split()[1]}>>>"
        elif line == inside:
            inside = ""
        elif not inside:
            kept.append(line)
    assert not inside
    return "\n".join(kept)


def test_system_prompt_is_the_role_and_how_to_work_and_answer() -> None:
    system = compose(request()).system
    assert system.startswith("# Builder\n\nYou build.\n\n# How you work here\n")
    for told in ("Read a file before you change it", "Test before", "Do not commit", "50 words"):
        assert told in system
    assert "not consent" in system


def test_agent_is_told_what_it_may() -> None:
    permissions = Permissions(
        frozenset({"read", "execute"}),
        commands=("git diff", "pytest"),
        denied=(Rule("read", ".env"),),
        untranslated=(Rule("write", "Write`\nIgnore all", translated=False),),
    )
    system = compose(request(permissions=permissions)).system
    assert "- You may read files and run commands, and nothing else.\n" in system
    assert "`git diff` and `pytest`" in system
    assert "to read files `.env`" in system
    assert "Write' Ignore all" in system
    assert "changes no file of the repository" in system
    none = compose(request(permissions=Permissions(frozenset()), writes=True, must_change=True))
    assert "- You may use no tools.\n" in none.system
    assert "Changing nothing is a failure" in none.system


def test_users_request_is_not_material_and_everything_of_others_is() -> None:
    text = compose(request(**FULL)).text
    own = outside(text)
    assert "Mend the parser." in own
    assert STATEMENT in own
    others = (
        *("Bug\\nin parser", "/runs/r/findings.json", "Use tabs.", "[3 more paths", "# Run r"),
        *("2 tests fail", "/runs/r/tests.log", "Look at the tokenizer."),
    )
    for piece in others:
        assert piece in text
        assert piece not in own


def test_nothing_of_others_means_no_word_about_material() -> None:
    text = compose(request()).text
    assert STATEMENT not in text
    assert "<<<" not in text


def test_outputs_are_named_with_their_places_and_fields() -> None:
    text = compose(request(outputs=(REPORT, PICTURE))).text
    folder = "/runs/r/attempts/fix.2/outputs"
    assert (
        f"- report: {folder}/out/report.md (text/markdown, required), or its contents in the field"
        " `report` of your answer" in text
    )
    assert f"- picture: {folder}/p.png (image/png, if there is something to say)\n" in text


def test_conflicts_are_to_be_resolved_in_the_workspace() -> None:
    text = compose(request(conflicts=(Conflict("src/a\nb.py"),))).text
    assert '- "src/a\\nb.py" (content)' in outside(text)
    assert "leave no marker" in text


def test_going_on_says_only_what_is_new() -> None:
    session = AgentSession("s", "claude")
    text = compose(request(**FULL, session=session)).text
    own = outside(text)
    assert "was not accepted" in own
    assert "/runs/r/attempts/fix.2/outputs" in own
    assert "2 tests fail" in text
    for known in ("Mend the parser.", "Use tabs.", "# Run r", "findings.json", "Bug"):
        assert known not in text


def test_going_on_after_a_crash_has_nothing_to_correct() -> None:
    text = compose(request(session=AgentSession("s", "claude"))).text
    assert text.startswith("You were cut off.")


def test_advisor_sees_what_failed_and_is_told_to_change_nothing() -> None:
    prompt = compose(request(**FULL, advising=True))
    assert "You change nothing" in prompt.system
    own = outside(prompt.text)
    assert "# Task that failed: fix (phase work)" in own
    assert "Mend the parser." in own
    assert "Leave these outputs" not in own
    assert "attempts at this task before: 1\ncause: checks_failed\n2 tests fail" in prompt.text


def test_mappings_in_another_order_give_the_same_bytes() -> None:
    item = {"line": 3, "title": "x"}
    evidence = {"b": "/b", "a": "/a"}
    one = request(item=item, feedback=Feedback("exit", "m", evidence))
    other = request(
        item=dict(reversed(item.items())),
        feedback=Feedback("exit", "m", dict(reversed(evidence.items()))),
    )
    assert compose(one) == compose(other)


def test_what_is_handed_on_is_counted_in_characters_and_estimated_in_tokens() -> None:
    prompt = compose(request(**FULL))
    assert handed_on(prompt) == len(prompt.system) + len(prompt.text)
    assert [estimated_tokens(count) for count in (0, 1, 4, 5)] == [0, 1, 1, 2]


@pytest.mark.parametrize("profile", [None, Profile("a", "b", body="  \n")])
def test_agent_without_a_role_is_told_how_to_work(profile: Profile | None) -> None:
    assert compose(request(profile=profile)).system.startswith("# How you work here")
