"""What a shell command is told and where it runs."""

from __future__ import annotations

import msgspec
import pytest

from orchestrate.adapters.backends.shell import ShellBackend
from orchestrate.config import environment_layer
from orchestrate.core.ids import AttemptKey
from orchestrate.core.sharing.work import Conflict
from orchestrate.errors import AgentError
from orchestrate.ports.performer import AttemptRequest, Feedback

PLAIN = AttemptRequest(
    key=AttemptKey("r1", "t", 1),
    token="r1:t:1",
    phase="p",
    repository="/repository",
    folder="/attempt",
    outputs_dir="/attempt/outputs",
    scratch_dir="/attempt/scratch",
    backend="shell",
    command="make",
)
FULL = msgspec.structs.replace(
    PLAIN,
    workspace="/workspace",
    base="0" * 40,
    item={"key": "k1", "path": "src/a b.py", "line": 3, "is-new": True, "at.once": 2.5},
    feedback=Feedback(cause="checks_failed", message="2 tests\0 failed"),
    conflicts=(Conflict("src/a.py"), Conflict("docs/b c.md", kind="add/add")),
)


def told(request: AttemptRequest) -> dict[str, str]:
    """The variables of ours that the command gets."""
    env = ShellBackend().spec(request).env
    return {name: value for name, value in env.items() if name.startswith("ORCHESTRATE_")}


def test_command_without_a_workspace_runs_in_the_repository() -> None:
    assert ShellBackend().spec(PLAIN).cwd == "/repository"
    assert told(PLAIN) == {
        "ORCHESTRATE_OUTPUTS": "/attempt/outputs",
        "ORCHESTRATE_RUN": "r1",
        "ORCHESTRATE_TASK": "t",
    }


def test_command_with_a_workspace_runs_in_it_and_knows_why() -> None:
    assert ShellBackend().spec(FULL).cwd == "/workspace"
    found = told(FULL)
    assert found["ORCHESTRATE_WORKSPACE"] == "/workspace"
    assert found["ORCHESTRATE_BASE_COMMIT"] == "0" * 40
    assert found["ORCHESTRATE_FEEDBACK"] == "2 tests failed"
    assert found["ORCHESTRATE_CONFLICTS"].split("\n") == ["src/a.py", "docs/b c.md"]


def test_values_of_the_item_are_variables() -> None:
    assert {name: value for name, value in told(FULL).items() if "_ITEM_" in name} == {
        "ORCHESTRATE_ITEM_KEY": "k1",
        "ORCHESTRATE_ITEM_PATH": "src/a b.py",
        "ORCHESTRATE_ITEM_LINE": "3",
        "ORCHESTRATE_ITEM_IS_NEW": "true",
        "ORCHESTRATE_ITEM_AT_ONCE": "2.5",
    }


def test_value_that_cannot_be_a_variable_is_refused_by_name() -> None:
    request = msgspec.structs.replace(PLAIN, item={"key": "k", "title": "a\0b"})
    with pytest.raises(AgentError, match="title of its item"):
        ShellBackend().spec(request)


def test_what_a_command_is_told_is_no_setting_of_the_orchestrate_it_may_call() -> None:
    assert environment_layer(told(FULL)).values == {}
