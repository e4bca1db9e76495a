"""What the scripted backend says of itself, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from orchestrate.adapters.backends.scripted import progress
from orchestrate.adapters.backends.scripted.backend import ScriptedBackend
from orchestrate.adapters.backends.scripted.consuming import excess, told
from orchestrate.adapters.backends.scripted.progress import Progress
from orchestrate.core.agents.enforcing import accounted
from orchestrate.core.agents.permissions import Permissions, Rule
from orchestrate.core.agents.script import Script, ScriptedUsage
from orchestrate.core.ids import AttemptKey
from orchestrate.core.planning.budget import Budget
from orchestrate.core.planning.definition import TaskSpec
from orchestrate.core.planning.staffing import Assignee
from orchestrate.core.sharing.usage import Usage
from orchestrate.errors import AgentError
from orchestrate.ports.performer import AttemptRequest


def backend() -> ScriptedBackend:
    return ScriptedBackend({"PATH": "/usr/bin:/bin"}, lambda _: Script({}))


def request(folder: Path, number: int = 1, script: str = "") -> AttemptRequest:
    return AttemptRequest(
        key=AttemptKey("run", "t", number),
        token=f"run:t:{number}",
        phase="p",
        repository="/repository",
        folder=str(folder),
        outputs_dir=str(folder / "outputs"),
        scratch_dir=str(folder / "scratch"),
        sessions_dir=str(folder / "sessions"),
        assignee=Assignee("builder", "scripted", script=script),
    )


def test_it_is_no_model_and_costs_nothing() -> None:
    status = backend().status()
    assert (status.account, status.usable, status.remedy) == ("scripted", True, "")
    assert backend().provider == ""


def test_commands_and_variables_that_are_not_the_tasks_to_set_are_refused() -> None:
    assert "is a command" in backend().refusal(TaskSpec("t", "p", run="ls"))
    task = TaskSpec("t", "p", agent="builder", env={"PATH": "/x", "MINE": "1"})
    assert backend().refusal(task) == "it sets PATH, which no task may set"
    assert backend().refusal(msgspec.structs.replace(task, env={"MINE": "1"})) == ""


def test_run_without_a_script_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(AgentError, match="task t is for a script") as caught:
        backend().spec(request(tmp_path))
    assert "--script" in caught.value.remedy


def test_every_restriction_is_held_because_no_model_decides() -> None:
    allowed = Permissions(
        abilities=frozenset({"read", "execute"}),
        commands=("pytest",),
        denied=(Rule("read", ".env"), Rule("execute", "git push")),
    )
    held = accounted(allowed, backend().enforcement(allowed, writes=False))
    assert held.unenforced == ()
    assert {"write", "execute", "read:.env", "execute:git push"} <= {
        item.name for item in held.enforced
    }


def test_nothing_is_observed_before_the_first_attempt(tmp_path: Path) -> None:
    assert backend().observed(request(tmp_path)).session is None


def test_usage_that_is_noted_belongs_to_the_attempt_that_noted_it(tmp_path: Path) -> None:
    folder = tmp_path / "sessions"
    folder.mkdir()
    progress.save(folder, Progress(entry=1, number=1, usage=Usage(output_tokens=3)))
    assert backend().observed(request(tmp_path, 1)).usage == Usage(output_tokens=3)
    seen = backend().observed(request(tmp_path, 2))
    assert seen.usage is None
    assert seen.session is not None


def test_damaged_note_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / progress.FILE).write_text("{")
    assert progress.load(tmp_path) == Progress()


def test_only_a_script_that_bills_has_amounts() -> None:
    said = ScriptedUsage(input_tokens=5, output_tokens=1, turns=2, cost_usd=0.5)
    free, billed = told(said, bill=False), told(said, bill=True)
    assert free is not None
    assert billed is not None
    assert (free.tokens, free.cost_usd, free.cost_source) == (6, 0.0, "scripted")
    assert (billed.tokens, billed.cost_usd, billed.cost_source) == (6, 0.5, "scripted")
    assert told(None, bill=False) is None
    nothing = told(None, bill=True)
    assert nothing is not None
    assert (nothing.tokens, nothing.turns, nothing.cost_usd) == (0, 0, 0.0)


@pytest.mark.parametrize(
    ("cap", "over"),
    [
        (Budget(), ""),
        (Budget(cost_usd=0.5, tokens=6, turns=2), ""),
        (Budget(cost_usd=0.4), "it used 0.5 USD where 0.4 were left"),
        (Budget(tokens=5), "it used 6 tokens where 5 were left"),
        (Budget(turns=1), "it used 2 model calls where 1 were left"),
    ],
)
def test_more_than_the_cap_is_told(cap: Budget, over: str) -> None:
    usage = Usage(input_tokens=5, output_tokens=1, turns=2, cost_usd=0.5)
    assert excess(usage, cap) == over
