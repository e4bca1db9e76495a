"""A script: what scripted agents do at each attempt, instead of a model.

An attempt is a list of steps, in the order they are written, and an end: an answer or a failure.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Literal

import msgspec

#: Name of the backend that performs scripts.
SCRIPTED = "scripted"
#: Begins everything a scripted agent says.
LABEL = f"{SCRIPTED}: "
#: Whose money a scripted backend spends.
ACCOUNT = f"{LABEL}no model"


class WriteFiles(msgspec.Struct, frozen=True, tag="write"):
    """Write files of the workspace: path -> whole contents."""

    files: dict[str, str]


class Replacement(msgspec.Struct, frozen=True):
    """Replace the only occurrence of `old` in a file of the workspace."""

    path: str
    old: str
    new: str


class EditFiles(msgspec.Struct, frozen=True, tag="edit"):
    """Change parts of files of the workspace, one after the other."""

    edits: tuple[Replacement, ...]


class DeleteFiles(msgspec.Struct, frozen=True, tag="delete"):
    """Remove files of the workspace."""

    paths: tuple[str, ...]


class RunCommand(msgspec.Struct, frozen=True, tag="run"):
    """Run a shell command in the workspace; one that fails ends the attempt (`exit`)."""

    command: str


class WaitFor(msgspec.Struct, frozen=True, tag="wait_for"):
    """Wait until a file is there; a relative path is taken from the script's folder."""

    path: str


class LeaveOutputs(msgspec.Struct, frozen=True, tag="outputs"):
    """Leave declared outputs: name -> contents."""

    texts: dict[str, str]


Step = WriteFiles | EditFiles | DeleteFiles | RunCommand | WaitFor | LeaveOutputs

#: Ways to fail that can be written in a script. The others come about by themselves: a wrong
#: answer, an output that is missing, no change where one was the task.
ScriptedCause = Literal[
    "crash",
    "exit",
    "timeout",
    "unavailable",
    "refusal",
    "denied",
    "rate_limit",
    "provider",
    "login",
    "bad_request",
    "budget",
    "bad_output",
]


class ScriptedUsage(msgspec.Struct, frozen=True):
    """What an attempt says to have consumed; `cost_usd` counts only where the script bills."""

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    turns: int = 1
    cost_usd: float = 0.0


class ScriptedAttempt(msgspec.Struct, frozen=True, omit_defaults=True):
    """One attempt: its steps, and how it ends. `line` is where it stands in the script.

    `answer` holds the fields of the answer that are not the default. With `fail` it ends so, with
    `message`; `retry_after_s` is how long the provider asks to wait.
    """

    line: int
    steps: tuple[Step, ...] = ()
    answer: dict[str, Any] = {}
    usage: ScriptedUsage | None = None
    fail: ScriptedCause | None = None
    message: str = ""
    retry_after_s: float | None = None

    @property
    def outputs(self) -> frozenset[str]:
        """Names of the outputs it leaves."""
        left = (step.texts for step in self.steps if isinstance(step, LeaveOutputs))
        return frozenset(name for texts in left for name in texts)


class Script(msgspec.Struct, frozen=True):
    """A whole script.

    `tasks` maps a task's id, or a pattern of ids, to its attempts, in the order of the file. With
    `bill` the usage of attempts counts against budgets, as if it were money.
    """

    tasks: dict[str, tuple[ScriptedAttempt, ...]]
    bill: bool = False

    def attempts(self, task: str) -> tuple[ScriptedAttempt, ...]:
        """What is written for `task`: under its own id, else under the first pattern that fits."""
        if task in self.tasks:
            return self.tasks[task]
        fitting = (found for name, found in self.tasks.items() if fnmatchcase(task, name))
        return next(fitting, ())

    def covers_members(self, group: str) -> bool:
        """Whether anything is written for tasks that `group` may come to stand for."""
        return any(
            name.startswith(f"{group}.") or fnmatchcase(f"{group}.member", name)
            for name in self.tasks
        )


class TaskScript(msgspec.Struct, frozen=True):
    """What the process of one attempt is told of a script that lies at `path`."""

    path: str
    attempts: tuple[ScriptedAttempt, ...]
    bill: bool = False


def whole_answer(given: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The answer an attempt gives: `given`, labelled, with what was left out where that may be.

    Fields that may be null are, if they are not given. Others are not invented: an answer that
    lacks one is as wrong as a model's.
    """
    reason = str(given.get("reason", ""))
    properties: Mapping[str, Any] = schema.get("properties", {})
    return {
        **{name: None for name, field in properties.items() if _may_be_null(field)},
        "outcome": "done",
        "follow_ups": [],
        **given,
        "summary": LABEL + str(given.get("summary", "did what its script says")),
        "reason": LABEL + reason if reason else "",
    }


def _may_be_null(field: Mapping[str, Any]) -> bool:
    kinds = field.get("type", ())
    return "null" in ([kinds] if isinstance(kinds, str) else kinds) or any(
        _may_be_null(choice) for choice in field.get("anyOf", ())
    )
