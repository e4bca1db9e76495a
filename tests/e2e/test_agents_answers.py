"""Agents whose answer or work is not good enough at first: told so, in the session they are in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrate.testing.model_server import Bash, Exchange, Say, turn
from tests.e2e.agents import (
    LOOK,
    MEND,
    MENDED,
    MENDING,
    MENDING_WRONG,
    PROGRAMS,
    Bench,
    answer,
    consumed,
    failures,
    script,
    workflow,
)

pytestmark = [pytest.mark.agents, pytest.mark.slow]

LONG = " ".join(["word"] * 60)
PATIENT = LOOK.replace("timeout: 2m", "timeout: 2m, retry: {max_attempts: 2, backoff: 0.1}")


def sessions(events: list[dict[str, Any]]) -> set[str]:
    """Ids of the sessions that attempts ended with."""
    return {event["session"]["id"] for event in events if event.get("session")}


def new_words(asked: tuple[Exchange, ...], step: int) -> str:
    """What a request says beyond the one before it."""
    numbers = [each.step for each in asked]
    this = asked[numbers.index(step)]
    before = asked[numbers.index(step) - 1]
    return this.texts()[len(before.texts()) :]


@pytest.mark.parametrize("backend", PROGRAMS)
def test_summary_of_sixty_words_is_refused_and_repaired_in_the_same_session(
    tmp_path: Path, backend: str
) -> None:
    steps = (Bash("true"), answer(LONG), answer("Shorter now."))
    with Bench(tmp_path, **{backend: script(backend, *steps)}) as bench:
        done = bench.run(PATIENT, backend)
        assert done.code == 0, done
        events = bench.events()
        assert failures(events) == ["bad_output"]
        assert len(sessions(events)) == 1
        assert [each.step for each in bench.asked(backend)] == list(
            range(5 if backend == "claude" else 3)
        )
        assert "it has 60 words" in bench.asked(backend)[-1].texts()
        (ended,) = [each for each in events if each["event"] == "AttemptSucceeded"]
        assert ended["summary"] == "Shorter now."
        assert done.data["tasks"][0]["summary"] == "Shorter now."
        assert consumed(events) == bench.told(backend).total


@pytest.mark.parametrize("backend", PROGRAMS)
def test_answer_that_stays_wrong_is_bounded_and_goes_to_the_next_rung(
    tmp_path: Path, backend: str
) -> None:
    flow = PATIENT.replace("timeout: 2m,", "timeout: 2m, hand_over: true,")
    with Bench(tmp_path, **{backend: script(backend, *[answer(LONG)] * 2)}) as bench:
        done = bench.run(flow, backend)
        assert done.code == 7, done
        events = bench.events()
        assert failures(events) == ["bad_output"] * 2
        assert [each["event"] for each in events][-1] == "TaskHanded"
        assert not [each for each in bench.asked(backend) if each.error]
        assert LONG not in done.out


@pytest.mark.parametrize("backend", PROGRAMS)
def test_answer_that_breaks_the_schema_is_refused_and_repaired(
    tmp_path: Path, backend: str
) -> None:
    flow = PATIENT.replace("timeout: 2m,", "timeout: 2m, returns: {parts: {type: integer}},")
    # Claude Code itself holds an answer against the schema, and has the model give another.
    wrong = turn(answer(parts="many"))
    with Bench(tmp_path, **{backend: script(backend, wrong, answer(parts=3))}) as bench:
        done = bench.run(flow, backend)
        assert done.code == 0, done
        events = bench.events()
        assert failures(events) == ([] if backend == "claude" else ["bad_output"])
        assert len(sessions(events)) == 1
        (ended,) = [each for each in events if each["event"] == "AttemptSucceeded"]
        assert ended["metrics"]["parts"] == 3
        assert consumed(events) == bench.told(backend).total


@pytest.mark.parametrize("backend", PROGRAMS)
def test_answer_that_is_no_object_is_refused_and_repaired(tmp_path: Path, backend: str) -> None:
    steps = (Bash("true"), Say("All is well."), answer("All is well."))
    with Bench(tmp_path, **{backend: script(backend, *steps, repeat_last=True)}) as bench:
        done = bench.run(PATIENT, backend)
        assert done.code == 0, done
        events = bench.events()
        assert set(failures(events)) <= {"bad_output"}
        assert bench.steps(backend)[:3] == [0, 1, 2]
        assert len(sessions(events)) == 1


@pytest.mark.parametrize("backend", PROGRAMS)
def test_who_changed_nothing_is_told_and_goes_on(tmp_path: Path, backend: str) -> None:
    steps = (answer("Nothing to do."), MENDING, answer("Mended."))
    with Bench(tmp_path, **{backend: script(backend, *steps)}) as bench:
        done = bench.run(MEND, backend)
        assert done.code == 0, done
        events = bench.events()
        assert failures(events) == ["empty_diff"]
        assert len(sessions(events)) == 1
        assert "cause: empty_diff" in bench.asked(backend)[-1].texts()
        assert bench.file(bench.branch(), "calc.py") == MENDED


@pytest.mark.parametrize("backend", PROGRAMS)
def test_work_with_red_tests_goes_back_to_the_same_session_with_the_evidence(
    tmp_path: Path, backend: str
) -> None:
    flow = workflow(
        "{id: mend, agent: helper, prompt: Mend add., writes: [calc.py], must_change: true,"
        " timeout: 2m}",
        gates="{name: green, kind: tests, command: sh check.sh}",
    )
    check = "grep -q 'a + b' calc.py || { echo SEEN-9c1; exit 1; }\n"
    again = Bash("sed -i 's/a \\* b/a + b/' calc.py")
    steps = (MENDING_WRONG, answer("Mended."), again, answer("Mended now."))
    with Bench(tmp_path, **{backend: script(backend, *steps)}) as bench:
        bench.commit("check", {"check.sh": check})
        before = bench.things()
        done = bench.run(flow, backend, "--trust-repo")
        assert done.code == 0, done
        events = bench.events()
        (returned,) = [each for each in events if each["event"] == "WorkReturned"]
        assert returned["cause"] == "checks_failed"
        assert len(sessions(events)) == 1
        (path,) = [note["path"] for note in returned["checks"]]
        assert path in bench.asked(backend)[-1].texts()
        assert "SEEN-9c1" in "".join(
            each.read_text(errors="replace") for each in bench.folder_of(path)
        )
        assert bench.file(bench.branch(), "calc.py") == MENDED
        assert bench.things() == before
        assert consumed(events) == bench.told(backend).total
