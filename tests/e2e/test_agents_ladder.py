"""Each rung of the ladder once with real programs: same, alternative, split, architect, human."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from orchestrate.testing.model_server import Bash, Edit, Fault, Read, Refuse, turn
from tests.e2e.agents import (
    MEND,
    MENDED,
    MENDING,
    PROGRAMS,
    Bench,
    answer,
    consumed,
    failures,
    profile,
    script,
    workflow,
)
from tests.e2e.command import processes_with
from tests.integration.process_trees import alive, marker

pytestmark = [pytest.mark.agents, pytest.mark.slow]

#: Writes a file called like the attempt: its workspace is the folder `work` in one of that name.
NAMED = Bash('echo x > "$(basename "$(dirname "$PWD")").txt"')
#: Long enough for a program to start and run a command on a machine with other things to do.
LIMIT_S = 8


@pytest.mark.parametrize("backend", PROGRAMS)
def test_killed_program_is_started_again_with_its_session(tmp_path: Path, backend: str) -> None:
    held = turn(answer("Mended."), faults=(Fault("hang"),))
    with Bench(tmp_path, **{backend: script(MENDING, held)}) as bench:
        driver = bench.start(MEND, backend)
        bench.until_asked(driver, 2, backend)
        run = bench.log()[0]["run"]
        for pid in processes_with("ORCHESTRATE_ATTEMPT", f"{run}:mend:"):
            os.kill(pid, signal.SIGKILL)
        assert driver.wait(60) == 0
        events = bench.events()
        assert failures(events) == ["crash"]
        assert bench.steps(backend) == [0, 1, 1]
        assert len({each.conversation for each in bench.asked(backend)}) == 1
        assert bench.file(bench.branch(), "calc.py") == MENDED
        assert consumed(events) == bench.told(backend).total


@pytest.mark.parametrize("backend", PROGRAMS)
def test_time_out_leaves_no_process_and_splits_the_task(tmp_path: Path, backend: str) -> None:
    mark = marker()
    flow = workflow(
        '{id: list, run: cp parts.json "$ORCHESTRATE_OUTPUTS/parts.json",'
        " outputs: [{name: parts, path: parts.json}]}",
        "{id: grow, agent: helper, needs: [list], prompt: Write all files., writes: [a.txt, b.txt],"
        " must_change: true, split: tasks.list.outputs.parts,"
        f" timeout: {LIMIT_S}s, retry: {{max_attempts: 2, on: [crash]}}}}",
    )
    parts = [{"key": name, "writes": f"{name}.txt", "path": f"{name}.txt"} for name in "ab"]
    # One child in the background and one that is waited for, each in a session of its own.
    astray = Bash(f"(setsid sleep {mark} &); setsid -w sleep {mark}")
    whole = script(astray, name="whole")
    member = script(NAMED, answer(), name="member", marker="the item of a list")
    with Bench(tmp_path, **{backend: (member, whole)}) as bench:
        bench.commit("parts", {"parts.json": json.dumps(parts)})
        driver = bench.start(flow, backend)
        bench.until(driver, "what the agent starts", lambda: len(alive(mark)) == 2)
        assert driver.wait(120) == 0
        assert alive(mark) == []
        events = bench.events()
        assert failures(events) == ["timeout"]
        assert [each["task"] for each in events if each["event"] == "TaskSplit"] == ["grow"]
        merged = {each["task"] for each in events if each["event"] == "WorkMerged"}
        assert merged == {"grow.a", "grow.b"}
        assert bench.changed("main", bench.branch()) == ["grow.a.1.txt", "grow.b.1.txt"]
        assert consumed(events) == bench.told(backend).total


def test_refusal_goes_to_the_other_program(tmp_path: Path) -> None:
    flow = MEND.replace("timeout: 2m", 'timeout: 2m, alternatives: ["@codex"]')
    refusing, able = script(Refuse()), script(MENDING, answer("Mended."))
    with Bench(tmp_path, claude=refusing, codex=able) as bench:
        done = bench.run(flow, "claude")
        assert done.code == 0, done
        events = bench.events()
        assert failures(events) == ["refusal"]
        started = [each for each in events if each["event"] == "AttemptStarted"]
        assert [(each["backend"], each["rung"]) for each in started] == [
            ("claude", "same"),
            ("codex", "alternative"),
        ]
        # Claude Code itself asks a second time.
        assert (bench.steps("claude"), bench.steps("codex")) == ([0, 0], [0, 1])
        assert bench.file(bench.branch(), "calc.py") == MENDED
        told = bench.told("claude").total + bench.told("codex").total
        assert consumed(events) == told


@pytest.mark.parametrize("backend", PROGRAMS)
def test_who_says_that_it_cannot_is_replaced_by_the_other_program(
    tmp_path: Path, backend: str
) -> None:
    (other,) = set(PROGRAMS) - {backend}
    flow = MEND.replace("timeout: 2m", f'timeout: 2m, alternatives: ["@{other}"]')
    cannot = script(answer("No.", "cannot", reason="I see no way."))
    with Bench(tmp_path, **{backend: cannot, other: script(MENDING, answer("Mended."))}) as bench:
        done = bench.run(flow, backend)
        assert done.code == 0, done
        assert failures(bench.events()) == ["refusal"]
        assert bench.file(bench.branch(), "calc.py") == MENDED


@pytest.mark.parametrize("backend", PROGRAMS)
def test_who_is_not_allowed_to_is_replaced_by_who_is(tmp_path: Path, backend: str) -> None:
    flow = MEND.replace("timeout: 2m", "timeout: 2m, alternatives: [free]")
    flow = flow.replace("agent: helper", "agent: bound")
    bound = profile(
        "bound",
        "tools: Read, Edit, Write",
        "disallowedTools: Edit(/calc.py)",
        body="You are bound.",
    )
    edit = Edit("calc.py", "a - b", "a + b")
    denied = script(Read("calc.py"), edit, answer("Done."), name="bound", marker="You are bound.")
    able = script(MENDING, answer("Mended."), name="free")
    with Bench(tmp_path, **{backend: (denied, able)}) as bench:
        files = {"bound": bound, "free": profile("free")}
        bench.commit(
            "agents", {f".orchestrate/agents/{name}.md": text for name, text in files.items()}
        )
        done = bench.run(
            flow, backend, *(["--allow-unenforced", "execute"] if backend == "codex" else [])
        )
        assert done.code == 0, done
        events = bench.events()
        assert failures(events) == ["denied"]
        (failed,) = [each for each in events if each["event"] == "AttemptFailed"]
        assert failed["denials"]
        started = [each for each in events if each["event"] == "AttemptStarted"]
        assert [each["agent"] for each in started] == ["bound", "free"]
        assert bench.file(bench.branch(), "calc.py") == MENDED


@pytest.mark.parametrize("backend", PROGRAMS)
def test_when_all_fail_an_architect_advises_and_then_a_person_does_it(
    tmp_path: Path, backend: str
) -> None:
    flow = MEND.replace("timeout: 2m", "timeout: 2m, escalate: sage, hand_over: {message: mind it}")
    advice = "Turn the sign around, advice-71b."
    sage = script(answer(advice), name="sage", marker="You are the sage.")
    cannot = script(answer("No.", "cannot", reason="I see no way."), name="helper")
    with Bench(tmp_path, **{backend: (sage, cannot)}) as bench:
        text = profile("sage", "tools: Read", body="You are the sage.")
        bench.commit("sage", {".orchestrate/agents/sage.md": text})
        waiting = bench.run(flow, backend)
        assert waiting.code == 7, waiting
        run = waiting.data["run"]
        events = bench.events()
        assert failures(events) == ["refusal", "refusal"]
        assert [each["advice"] for each in events if each["event"] == "AdviceGiven"] == [advice]
        first, last = bench.asked(backend, "helper")
        assert (advice in first.texts(), advice in last.texts()) == (False, True)
        shown = bench.call("task", "show", run, "mend", "--json").data
        assert len(shown["earlier"]) == 3
        taken = bench.call("task", "take", run, "mend", "--json").data
        Path(taken["folder"], "calc.py").write_text(MENDED)
        handed_in = bench.call("task", "done", run, "mend", "--summary", "By hand.")
        assert handed_in.code == 0, handed_in
        done = bench.call("resume", run, "--yes", "--json")
        assert done.code == 0, done
        assert bench.file(bench.branch(), "calc.py") == MENDED
        assert len(bench.asked(backend)) == 3
        assert consumed(bench.events()) == bench.told(backend).total
