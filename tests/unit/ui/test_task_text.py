"""Tasks in the hands of people, as text."""

from __future__ import annotations

import msgspec
import pytest

from orchestrate.core.planning.definition import OutputSpec
from orchestrate.core.running import events as ev
from orchestrate.core.sharing.evidence import EvidenceNote
from orchestrate.ports.performer import UpstreamArtifact
from orchestrate.ui.cli.task_data import HandedTask, HandedTaskDetail
from orchestrate.ui.cli.task_text import detail_text, row_text
from orchestrate.ui.cli.task_work import earlier

NOW = 1_000_000.0
ROW = HandedTask(
    run="r",
    task="mend",
    number=3,
    phase="fix",
    handed_at=NOW,
    deadline_at=None,
    reason="",
    folder="",
)


@pytest.mark.parametrize(
    ("deadline_at", "told"),
    [(None, "no deadline"), (NOW + 5400, "(1 h 30 min left)"), (NOW - 1, "was due at ")],
)
def test_the_time_that_is_left_is_told(deadline_at: float | None, told: str) -> None:
    assert told in row_text(msgspec.structs.replace(ROW, deadline_at=deadline_at), NOW)


def test_a_row_says_why_and_whether_somebody_began() -> None:
    row = msgspec.structs.replace(ROW, reason="red\x1b[2J", folder="/w")
    assert row_text(row, NOW) == "r  mend  attempt 3  begun, no deadline: red\\x1b[2J"


def test_everything_to_do_a_task_is_told_and_nothing_hides() -> None:
    data = HandedTaskDetail(
        **msgspec.structs.asdict(msgspec.structs.replace(ROW, folder="/w", reason="red")),
        prompt="Mend it.\n\x1b[2JThen rest.",
        message="mind the plums",
        earlier=("attempt 1 failed (exit): boom",),
        inputs={"depth": 2},
        writes=("src/**",),
        must_change=True,
        outputs=(OutputSpec("why", "why.md"), OutputSpec("log", "log.txt", required=False)),
        outputs_dir="/o",
        artifacts=(UpstreamArtifact("look", "notes", "/n.txt", "0"),),
    )
    assert detail_text(data, NOW).splitlines() == [
        "task mend of run r, phase fix, attempt 3",
        "time      no deadline",
        "because   red",
        "message   mind the plums",
        "",
        "what is to be done:",
        "",
        "  Mend it.",
        "  \\x1b[2JThen rest.",
        "",
        "earlier   attempt 1 failed (exit): boom",
        "input     depth = 2",
        "read      look/notes: /n.txt",
        "change    src/** (something has to be changed)",
        "output    why (required): /o/why.md",
        "output    log (optional): /o/log.txt",
        "work in   /w",
    ]


def test_what_became_of_earlier_attempts_is_told_in_order() -> None:
    note = EvidenceNote("tests", "failed", path="/evidence.json")
    log: list[ev.AnyEvent] = [
        ev.AttemptFailed(at=1.0, task="mend", number=1, cause="timeout", message="slow"),
        ev.AttemptFailed(at=1.0, task="other", number=1, cause="exit", message="x"),
        ev.WorkReturned(
            at=2.0, task="mend", number=2, cause="checks_failed", message="red", checks=(note,)
        ),
        ev.AdviceGiven(at=3.0, task="mend", number=3, advice="start small"),
    ]
    assert list(earlier(log, "mend")) == [
        "attempt 1 failed (timeout): slow",
        "attempt 2 was sent back (checks_failed): red (tests failed: /evidence.json)",
        "advice after attempt 3: start small",
    ]
