"""Agents whose answer or work is not good enough at first: told so, in the session they are in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrate.testing.model_server import Bash, Say
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


@pytest.mark.parametrize("backend", PROGRAMS)
def test_summary_of_sixty_words_is_refused_and_repaired_in_the_same_session(
    tmp_path: Path, backend: str
) -> None:
    steps = (Bash("true"), answer(LONG), answer("Shorter now."))
    with Bench(tmp_path, **{backend: script(*steps)}) as bench:
        done = bench.run(PATIENT, backend)
        assert done.code == 0, done
        events = bench.events()
        assert failures(events) == ["bad_output"]
        assert len(sessions(events)) == 1
        assert bench.steps(backend) == [0, 1, 2]
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
    with Bench(tmp_path, **{backend: script(*[answer(LONG)] * 2)}) as bench:
        done = bench.run(flow, backend)
        assert done.code == 7, done
        events = bench.events()
        assert failures(events) == ["bad_output"] * 2
        assert [each["task"] for each in events if each["event"] == "TaskHanded"] == ["look"]
        assert not [each for each in bench.asked(backend) if each.error]
        assert LONG not in done.out


@pytest.mark.parametrize("backend", PROGRAMS)
def test_answer_that_breaks_the_schema_is_refused_and_repaired(
    tmp_path: Path, backend: str
) -> None:
    flow = PATIENT.replace("timeout: 2m,", "timeout: 2m, returns: {parts: {type: integer}},")
    # Claude Code itself holds an answer against the schema, and has the model give another.
    wrong = answer(parts="many")
    with Bench(tmp_path, **{backend: script(wrong, answer(parts=3))}) as bench:
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
    with Bench(tmp_path, **{backend: script(*steps)}) as bench:
        done = bench.run(PATIENT, backend)
        assert done.code == 0, done
        events = bench.events()
        assert failures(events) == ([] if backend == "claude" else ["bad_output"])
        assert bench.steps(backend) == [0, 1, 2]
        assert len(sessions(events)) == 1


@pytest.mark.parametrize("backend", PROGRAMS)
def test_who_changed_nothing_is_told_and_goes_on(tmp_path: Path, backend: str) -> None:
    steps = (answer("Nothing to do."), MENDING, answer("Mended."))
    with Bench(tmp_path, **{backend: script(*steps)}) as bench:
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
        gates="{name: green, kind: tests, command: python3 -m unittest}",
    )
    # It passes with what is wrong at first, and not with what is wrong in another way.
    check = (
        "import unittest\n\nfrom calc import add\n\n\nclass Adds(unittest.TestCase):\n"
        "    def test_zero(self):\n        self.assertEqual(add(3, 0), 3)\n"
    )
    again = Bash("sed -i 's/a \\* b/a + b/' calc.py")
    steps = (MENDING_WRONG, answer("Mended."), again, answer("Mended now."))
    with Bench(tmp_path, **{backend: script(*steps)}) as bench:
        bench.commit("check", {"test_calc.py": check})
        before = bench.things()
        done = bench.run(flow, backend, "--trust-repo")
        assert done.code == 0, done
        events = bench.events()
        (returned,) = [each for each in events if each["event"] == "WorkReturned"]
        assert returned["cause"] == "checks_failed"
        assert len(sessions(events)) == 1
        (path,) = [note["path"] for note in returned["checks"]]
        assert path in bench.asked(backend)[-1].texts()
        assert "test_zero" in Path(path).read_text()
        assert bench.file(bench.branch(), "calc.py") == MENDED
        assert bench.things() == before
        assert consumed(events) == bench.told(backend).total
