"""What a workflow file means, once it has been read and found correct.

These values are complete: shorthands are expanded, durations are seconds, sequential phases have
become explicit `needs`. They travel inside `RunCreated`, so a run never depends on the file again.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from orchestrate.core.planning.budget import UNLIMITED, Budget
from orchestrate.core.planning.staffing import Assignee, HandOver
from orchestrate.core.planning.write_set import UNKNOWN

TriggerRule = Literal["all_success", "one_success", "all_done"]
InputType = Literal["string", "integer", "number", "boolean", "path"]
GateKind = Literal[
    "human",
    "command",
    "condition",
    "tests",
    "coverage",
    "diff",
    "findings",
    "reproduces",
    "fixed",
]
#: Kinds that the engine decides by what it runs or measures itself.
EVIDENCE_GATES: frozenset[GateKind] = frozenset(
    {"command", "tests", "coverage", "diff", "findings", "reproduces", "fixed"}
)
#: Those that look at a commit; a command looks at whatever folder it is run in.
CODE_GATES = EVIDENCE_GATES - {"command"}
#: Why an attempt failed; `retry.on` names these.
FailureCause = Literal[
    "crash",  # the process died or could not be started
    "exit",  # it ended with a non-zero code
    "timeout",  # it ran past its time-out and was stopped
    "output_limit",  # it printed or wrote more than it may
    "missing_output",  # it ended well, but a required output is not there
    "bad_output",  # an output is there and cannot be read as what it should be
    "unavailable",  # what it needs (a tool, a service) is not there
    "lost",  # its process vanished with the driver and left no outcome
    "conflict",  # its work and what was merged meanwhile change the same lines
    "checks_failed",  # its work, merged, fails a check it would have to pass
    "checks_unknown",  # whether its work passes could not be found out
    "refusal",  # the agent declined, or said that it cannot
    "denied",  # it was not allowed a tool it needed
    "rate_limit",  # its provider asked to slow down, after the backend's own retries
    "provider",  # its provider failed: overloaded, an internal error, no connection
    "login",  # its provider did not accept who is asking
    "bad_request",  # its provider did not accept what was asked
    "budget",  # it used up what it may consume
    "empty_diff",  # it ended well and changed nothing, where a change was its task
]
InputValue = str | int | float | bool

DEFAULT_MAX_PARALLEL = 6
DEFAULT_TASK_TIMEOUT_S = 1800.0


class InputSpec(msgspec.Struct, frozen=True, omit_defaults=True):
    """One input of a workflow."""

    name: str
    type: InputType = "string"
    required: bool = False
    default: InputValue | None = None
    choices: tuple[InputValue, ...] = ()
    description: str = ""


class RetryPolicy(msgspec.Struct, frozen=True, omit_defaults=True):
    """How often and when a failed task is tried again.

    The wait before attempt n+1 is `min(backoff_s * factor ** (n - 1), max_backoff_s)`; no jitter,
    because replay must agree. `max_attempts` counts the first try. `stated`: the workflow says it
    itself, so what an agent's profile says does not count.
    """

    max_attempts: int = 1
    backoff_s: float = 1.0
    factor: float = 2.0
    max_backoff_s: float = 60.0
    on: tuple[FailureCause, ...] = (
        "crash",
        "exit",
        "timeout",
        "missing_output",
        "bad_output",
        "provider",
        "empty_diff",
    )
    stated: bool = False


class OutputSpec(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file the task must (or may) leave in its outputs folder."""

    name: str
    path: str
    required: bool = True
    media_type: str = "application/octet-stream"


class GateSpec(msgspec.Struct, frozen=True, omit_defaults=True):
    """A condition before going on.

    `human` waits for a named person until `deadline_s` after opening, and says so again every
    `remind_s`; `condition` evaluates `condition` over the run's values. The others are decided by
    evidence, gathered on the run's integration line (on the repository, in a run without one):
    `command` runs `command` and looks at its exit code; `tests` runs the repository's tests, or
    `command` as such; `coverage` wants at least `min_percent` of the lines, and no less than before
    where that is None; `diff` allows `max_files` files and `max_lines` lines to differ from the
    base; `findings` allows `max_new` findings of `severity` or worse that the base does not have.
    `reproduces` wants the work of `task` to bring tests that fail on the base for want of what the
    tests are about, and not because they cannot be run; `fixed` wants these very tests, unchanged,
    to pass.
    A verdict other than *passed* does not let the run go on.

    With `when` the gate is asked only if that holds, and passes otherwise. With `each_merge` it is
    also asked of every piece of work before it is merged, without `at_end` only then and not when
    the tasks of its phase have ended. With `allow_unknown`, work is merged there although its
    verdict is unknown, and marked unverified. `task` is whose work `reproduces` and `fixed` are
    about.
    """

    name: str
    kind: GateKind
    message: str = ""
    command: str = ""
    condition: str = ""
    approvers: tuple[str, ...] = ()
    deadline_s: float | None = None
    timeout_s: float = DEFAULT_TASK_TIMEOUT_S
    remind_s: float | None = None
    min_percent: float | None = None
    max_files: int | None = None
    max_lines: int | None = None
    max_new: int = 0
    severity: str = "info"
    each_merge: bool = False
    at_end: bool = True
    allow_unknown: bool = False
    task: str = ""
    when: str | None = None


class EachSpec(msgspec.Struct, frozen=True, omit_defaults=True):
    """A task that stands for one task per item of a list known only when the run is there.

    The list is the JSON output called `output` of the task `task`. Each item is an object of plain
    values with a `key`, which ends the new task's id, and may name what it `writes`. More than
    `limit` items fail the task. With `tolerate`, failures among the new tasks are recorded and do
    not fail the group.
    """

    task: str
    output: str
    limit: int = 200
    tolerate: bool = False


class TaskSpec(msgspec.Struct, frozen=True, omit_defaults=True):
    """A unit of work: either an agent with a prompt, or a shell command (`run`).

    `needs` lists task ids. Tasks also wait for the phases their own phase depends on; that is not
    repeated here. `action` names what a deterministic backend does; a model reads the prompt.

    `writes` are patterns of the paths the task is expected to change; a task that has some works in
    a workspace of its own, and what it changed is merged. `max_returns` is how often its work may
    be sent back. `sparse` are the folders its workspace has, besides the files at the top; empty
    for all. With `each` the task is a group; its members carry their `item` and the `group` they
    belong to, and the group then waits for them.

    `staff` is who performs it, first and then in turn when that fails, filled in when the run is
    planned; it is empty for what no model performs. `alternatives` (`agent`, `agent@backend` or
    `@backend`) is what the workflow says about it, `model` which model is wanted. When they all
    failed, the task is split over the list `split`, the agent `escalate` (then `advisor`) is asked
    how to go on, and a person is handed it, each only where the workflow says so. `must_change`:
    changing nothing is a failure. `returns` are JSON Schema properties of the answer it has to
    give, besides the summary. `budget` is for all its attempts together. With `generate`, a profile
    of that kind, made for the languages found in the repository, performs it in place of `agent`,
    which stays whoever performs it where none can be made.
    """

    id: str
    phase: str
    agent: str | None = None
    run: str | None = None
    action: str | None = None
    backend: str | None = None
    prompt: str = ""
    needs: tuple[str, ...] = ()
    when: str | None = None
    trigger: TriggerRule = "all_success"
    outputs: tuple[OutputSpec, ...] = ()
    retry: RetryPolicy = RetryPolicy()
    timeout_s: float = DEFAULT_TASK_TIMEOUT_S
    priority: int = 0
    env: dict[str, str] = {}
    expected_s: float | None = None
    writes: tuple[str, ...] = ()
    sparse: tuple[str, ...] = ()
    max_returns: int = 2
    each: EachSpec | None = None
    item: dict[str, InputValue] = {}
    group: str = ""
    members: tuple[str, ...] = ()
    tolerate: bool = False
    model: str = ""
    staff: tuple[Assignee, ...] = ()
    alternatives: tuple[str, ...] = ()
    split: EachSpec | None = None
    escalate: str = ""
    advisor: Assignee | None = None
    hand_over: HandOver | None = None
    must_change: bool = False
    returns: dict[str, Any] = {}
    budget: Budget = UNLIMITED
    generate: str = ""

    @property
    def in_workspace(self) -> bool:
        """Whether its attempts get a workspace in a run that has an integration line.

        A deterministic specialist that writes nothing reads the repository itself.
        """
        return bool(self.writes) or self.run is not None or self.backend not in (None, "local")

    @property
    def forecast(self) -> tuple[str, ...]:
        """The write set that keeps others away; empty when nothing definite is known."""
        return () if UNKNOWN in self.writes else self.writes

    @property
    def is_group(self) -> bool:
        """Whether it does no work itself: it stands for its members."""
        return self.each is not None or self.expanded

    @property
    def expanded(self) -> bool:
        """Whether it is a group whose members are in the plan."""
        return self.group == self.id


class PhaseSpec(msgspec.Struct, frozen=True, omit_defaults=True):
    """A stage of the run; its gates are decided when all its tasks have ended."""

    name: str
    depends_on: tuple[str, ...] = ()
    parallel: bool = True
    max_concurrent: int | None = None
    gates: tuple[GateSpec, ...] = ()
    when: str | None = None
    budget: Budget = UNLIMITED


class Limits(msgspec.Struct, frozen=True, omit_defaults=True):
    """Bounds of a whole run. `max_parallel` counts attempts running at once.

    `backends` bounds what is consumed through each backend; all budgets hold at once.
    """

    max_parallel: int = DEFAULT_MAX_PARALLEL
    timeout_s: float | None = None
    budget: Budget = UNLIMITED
    backends: dict[str, Budget] = {}


class Workflow(msgspec.Struct, frozen=True, omit_defaults=True):
    """A complete, valid definition. Tasks are in file order; ids are unique.

    `resolver` says who resolves conflicts between pieces of work: its agent or command is used for
    an attempt at the task whose work conflicts. Without one a person is asked. `rollback` says
    whether a gate that fails takes the run back to its last stable checkpoint. `merge_batch` is how
    many pieces of work are at most merged before the checks run; 1 proves each by itself.
    """

    name: str
    description: str = ""
    inputs: tuple[InputSpec, ...] = ()
    phases: tuple[PhaseSpec, ...] = ()
    tasks: tuple[TaskSpec, ...] = ()
    limits: Limits = Limits()
    on_failure: Literal["stop", "continue"] = "stop"
    resolver: TaskSpec | None = None
    checkpoint_every_s: float = 300.0
    rollback: Literal["failure", "never"] = "failure"
    merge_batch: int = 8

    @property
    def performed(self) -> tuple[TaskSpec, ...]:
        """Whatever somebody may be given to do: the tasks, and after them the resolver."""
        return self.tasks if self.resolver is None else (*self.tasks, self.resolver)

    @property
    def needs_line(self) -> bool:
        """Whether a run of it has an integration line: for work, for agents, for gates on code."""
        return any(task.writes or task.staff for task in self.tasks) or any(
            gate.kind in CODE_GATES for phase in self.phases for gate in phase.gates
        )
