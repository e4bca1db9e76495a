"""The scripted backend as a process of its own: steps, ends, and going on after a crash."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from orchestrate.adapters.backends.scripted.backend import ScriptedBackend
from orchestrate.adapters.files.script_reader import read_script
from orchestrate.adapters.system.supervisor import ProcessSupervisor
from orchestrate.core.agents.answer import answer_schema
from orchestrate.core.ids import AttemptKey
from orchestrate.core.planning.budget import Budget
from orchestrate.core.planning.definition import FailureCause, OutputSpec
from orchestrate.core.planning.staffing import Assignee
from orchestrate.core.sharing.usage import AgentSession
from orchestrate.ports.performer import AttemptRequest, AttemptResult
from orchestrate.ports.process import ProcessOutcome
from tests.e2e.command import PATIENCE_S, wait_for

SECRET = "sk-nobody-may-see"
SESSION = AgentSession("run/t", "scripted")


class Rig:
    """One task with a script, in a folder of its own."""

    def __init__(self, folder: Path, *attempts: str, head: str = "") -> None:
        self.folder = folder
        self.workspace = folder / "workspace"
        self.workspace.mkdir()
        self.script = folder / "s.yaml"
        written = "".join(f"    - {attempt}\n" for attempt in attempts) or "    - {}\n"
        task = "t" if attempts else "other"
        self.script.write_text(f"version: 1\n{head}tasks:\n  {task}:\n{written}")
        environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "OPENAI_API_KEY": SECRET}
        self.backend = ScriptedBackend(environ, read_script)
        self.number = 0

    def request(self, **changes: Any) -> AttemptRequest:
        """The task's next attempt."""
        self.number += 1
        own = self.folder / f"t.{self.number}"
        for path in (own, own / "outputs", own / "scratch", self.folder / "sessions"):
            path.mkdir(exist_ok=True)
        request = AttemptRequest(
            key=AttemptKey("run", "t", self.number),
            token=f"run:t:{os.getpid()}:{self.number}",
            phase="p",
            repository=str(self.folder),
            folder=str(own),
            outputs_dir=str(own / "outputs"),
            scratch_dir=str(own / "scratch"),
            workspace=str(self.workspace),
            sessions_dir=str(self.folder / "sessions"),
            assignee=Assignee("builder", "scripted", script=str(self.script)),
            answer_schema=answer_schema({}, ()),
            timeout_s=PATIENCE_S,
        )
        request = msgspec.structs.replace(request, **changes)
        (own / "request.json").write_bytes(msgspec.json.encode(request))
        return request

    async def run(self, request: AttemptRequest) -> ProcessOutcome:
        return await ProcessSupervisor().run(self.backend.spec(request), Path(request.folder))

    def ended(self, **changes: Any) -> tuple[AttemptRequest, ProcessOutcome]:
        request = self.request(**changes)
        return request, asyncio.run(self.run(request))

    def perform(self, **changes: Any) -> AttemptResult:
        """The verdict on the task's next attempt, which ends by itself."""
        request, outcome = self.ended(**changes)
        assert outcome.exit_code is not None, outcome
        return self.backend.parse(request, outcome)

    def cut_off(self, **changes: Any) -> AttemptRequest:
        """An attempt that is stopped from outside once it waits: all before that is noted."""
        request = self.request(**changes)
        log = Path(request.folder, "stdout.log")

        async def stopped() -> None:
            running = asyncio.ensure_future(self.run(request))
            waiting = lambda: log.exists() and "waits for" in log.read_text()  # noqa: E731
            await asyncio.to_thread(wait_for, "the attempt to wait", waiting)
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running

        asyncio.run(stopped())
        return request

    def text(self, name: str) -> str:
        return (self.workspace / name).read_text("utf-8")


def test_steps_change_the_workspace_and_leave_outputs(tmp_path: Path) -> None:
    rig = Rig(
        tmp_path,
        'run: echo "$GREETING" > said.txt && echo x > "$ORCHESTRATE_OUTPUTS/own.txt"\n'
        '      write: {new/a.txt: "one\\ntwo\\n"}\n'
        "      edit: [{path: new/a.txt, old: two, new: three}]\n"
        "      delete: [old.txt]\n"
        "      outputs: {report: All done.}\n"
        "      answer: {summary: Did it.}",
    )
    (rig.workspace / "old.txt").write_text("old")
    outputs = (OutputSpec("report", "sub/report.md"),)
    result = rig.perform(env={"GREETING": "hello"}, outputs=outputs)
    assert result.ok, result.message
    assert result.summary == "scripted: Did it."
    assert result.answer is not None
    assert result.answer["summary"] == "scripted: Did it."
    assert result.usage is None
    assert rig.text("new/a.txt") == "one\nthree\n"
    assert rig.text("said.txt") == "hello\n"
    assert not (rig.workspace / "old.txt").exists()
    own = tmp_path / "t.1/outputs"
    assert (own / "sub/report.md").read_text() == "All done."
    assert (own / "own.txt").read_text() == "x\n"


def test_commands_get_a_scrubbed_environment_and_a_home_of_their_own(tmp_path: Path) -> None:
    rig = Rig(tmp_path, "run: env > env.txt")
    assert rig.perform().ok
    lines = rig.text("env.txt").splitlines()
    assert SECRET not in rig.text("env.txt")
    assert f"HOME={tmp_path}/t.1/scratch/home" in lines
    assert any(line.startswith("ORCHESTRATE_ATTEMPT=") for line in lines)


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("edit: [{path: a.txt, old: none, new: x}]", "the text to replace is not in a.txt"),
        ("edit: [{path: a.txt, old: a, new: x}]", "the text to replace is 2 times in a.txt"),
        ("edit: [{path: no.txt, old: a, new: x}]", "there is no file no.txt"),
        ("edit: [{path: bin, old: a, new: x}]", "bin cannot be read as text"),
        ("delete: [no.txt]", "there is no file no.txt"),
        ("write: {out/x: a}", "out/x leads out of the workspace"),
        ("write: {a.txt/b: a}", "workspace/a.txt/b: "),
        ("outputs: {other: a}", "declares no output other (declared: report)"),
    ],
)
def test_step_that_cannot_be_done_names_its_line_and_is_tried_again(
    tmp_path: Path, step: str, told: str
) -> None:
    rig = Rig(tmp_path, step, "answer: {summary: The next one.}")
    (rig.workspace / "a.txt").write_text("a a")
    (rig.workspace / "bin").write_bytes(b"\xff\xfe")
    (rig.workspace / "out").symlink_to(tmp_path)
    for _ in range(2):  # what is wrong is the script: nobody goes on to the next attempt of it
        result = rig.perform(outputs=(OutputSpec("report", "r.md"),))
        assert (result.ok, result.cause) == (False, "unavailable")
        assert result.message.startswith("scripted: s.yaml:4: ")
        assert told in result.message
    assert not (tmp_path / "x").exists()


def test_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    rig = Rig(tmp_path, "write: {a.txt: new}")
    (tmp_path / "mine").write_text("mine")
    (rig.workspace / "a.txt").symlink_to(tmp_path / "mine")
    assert rig.perform().ok
    assert (tmp_path / "mine").read_text() == "mine"
    assert rig.text("a.txt") == "new"


def test_command_that_fails_ends_the_attempt_and_counts_as_made(tmp_path: Path) -> None:
    rig = Rig(tmp_path, "run: exit 9", "answer: {summary: The next one.}")
    result = rig.perform()
    assert (result.cause, result.message) == (
        "exit",
        "scripted: s.yaml:4: run: exit 9: exit code 9",
    )
    assert rig.perform().summary == "scripted: The next one."


@pytest.mark.parametrize(
    "cause",
    [
        *("unavailable", "refusal", "denied", "rate_limit"),
        *("provider", "login", "bad_request", "budget", "bad_output"),
    ],
)
def test_attempt_fails_by_the_cause_that_is_written(tmp_path: Path, cause: FailureCause) -> None:
    more = "\n      retry_after_s: 2" if cause == "rate_limit" else ""
    rig = Rig(tmp_path, f"fail: {cause}\n      message: so it is{more}", "{}")
    result = rig.perform()
    assert (result.ok, result.cause, result.message) == (False, cause, "scripted: so it is")
    assert result.retry_after_s == (2 if more else None)
    assert bool(result.denials) is (cause == "denied")
    assert rig.perform().ok


def test_crash_is_a_signal_and_exit_a_code(tmp_path: Path) -> None:
    rig = Rig(tmp_path, "fail: crash", "fail: exit\n      message: boom", "{}")
    assert rig.ended()[1].signal == 9
    result = rig.perform()
    assert (result.cause, result.message) == ("exit", "scripted: exit code 3: boom")
    assert rig.perform().ok


def test_time_out_hangs_until_it_is_stopped(tmp_path: Path) -> None:
    usage = "usage: {output_tokens: 5, cost_usd: 0.1}"
    rig = Rig(tmp_path, f"fail: timeout\n      {usage}", "{}", head="bill: true\n")
    request, outcome = rig.ended(timeout_s=1.5)
    assert outcome.stopped == "timeout"
    seen = rig.backend.observed(request)
    assert seen.usage is not None
    assert (seen.usage.tokens, seen.usage.cost_usd) == (5, 0.1)
    assert seen.session is not None
    assert rig.perform().ok


def test_more_than_the_cap_ends_as_budget_and_is_accounted_for(tmp_path: Path) -> None:
    attempt = "usage: {cost_usd: 0.2}\n      answer: {summary: Dear.}"
    rig = Rig(tmp_path, attempt, attempt, head="bill: true\n")
    result = rig.perform(cap=Budget(cost_usd=0.1))
    assert result.cause == "budget"
    assert result.message == "scripted: it used 0.2 USD where 0.1 were left"
    assert result.usage is not None
    assert (result.usage.cost_usd, result.usage.cost_source) == (0.2, "scripted")
    assert rig.perform(cap=Budget(cost_usd=0.2)).ok


@pytest.mark.parametrize(
    ("attempts", "told"),
    [
        ((), "s.yaml says nothing of task t; add it below `tasks:`"),
        (("{}",), "s.yaml has 1 attempts for task t, and this is number 2; add it"),
    ],
)
def test_missing_attempt_names_the_task(tmp_path: Path, attempts: Sequence[str], told: str) -> None:
    rig = Rig(tmp_path, *attempts)
    for _ in attempts:
        assert rig.perform().ok
    result = rig.perform()
    assert (result.cause, result.message) == ("unavailable", f"scripted: {told}")


def test_script_is_read_anew_so_that_a_missing_attempt_can_be_added(tmp_path: Path) -> None:
    rig = Rig(tmp_path, "{}")
    assert rig.perform().ok
    assert rig.perform().cause == "unavailable"
    rig.script.write_text(rig.script.read_text() + "    - answer: {summary: Added.}\n")
    assert rig.perform().summary == "scripted: Added."


HELD = "run: echo made >> count.txt\n      wait_for: go\n      write: {a.txt: a}"


def test_attempt_that_was_cut_off_goes_on_after_what_is_done(tmp_path: Path) -> None:
    rig = Rig(tmp_path, HELD, "answer: {summary: The next one.}")
    session = rig.backend.observed(rig.cut_off()).session
    assert session is not None
    rig.cut_off(session=session)
    (tmp_path / "go").touch()
    assert rig.perform(session=session).summary == "scripted: did what its script says"
    assert (rig.text("a.txt"), rig.text("count.txt")) == ("a", "made\n")
    assert rig.perform(session=session).summary == "scripted: The next one."


def test_attempt_without_its_conversation_begins_the_same_entry_anew(tmp_path: Path) -> None:
    rig = Rig(tmp_path, HELD, "answer: {summary: The next one.}")
    rig.cut_off()
    (rig.workspace / "count.txt").unlink()  # as in a new workspace
    (tmp_path / "go").touch()
    assert rig.perform().summary == "scripted: did what its script says"
    assert rig.text("count.txt") == "made\n"


@pytest.mark.parametrize(
    "step", ["edit: [{path: a.txt, old: one, new: two}]", "delete: [b.txt]", "write: {a.txt: two}"]
)
def test_step_that_was_done_just_before_a_crash_is_not_held_against_it(
    tmp_path: Path, step: str
) -> None:
    rig = Rig(tmp_path, step)
    (rig.workspace / "a.txt").write_text("two")  # as the step leaves it, and it was not noted
    (rig.folder / "sessions").mkdir()
    (rig.folder / "sessions/scripted.json").write_text('{"number": 1}')
    rig.number = 1
    assert rig.perform(session=SESSION).ok
    assert rig.text("a.txt") == "two"


def test_damaged_request_is_refused(tmp_path: Path) -> None:
    rig = Rig(tmp_path, "{}")
    request = rig.request()
    Path(request.folder, "request.json").write_text("{")
    outcome = asyncio.run(rig.run(request))
    result = rig.backend.parse(request, outcome)
    assert (outcome.exit_code, result.cause) == (2, "exit")
    assert "request.json" in result.message
