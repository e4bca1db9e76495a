"""What a workflow file means, once it has been read and found correct.

These values are complete: shorthands are expanded, durations are seconds, sequential phases have
become explicit `needs`. They travel inside `RunCreated`, so a run never depends on the file again.
"""

from __future__ import annotations

from typing import Literal

import msgspec

TriggerRule = Literal["all_success", "one_success", "all_done"]
InputType = Literal["string", "integer", "number", "boolean", "path"]
GateKind = Literal["human", "command", "condition"]
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
    because replay must agree. `max_attempts` counts the first try.
    """

    max_attempts: int = 1
    backoff_s: float = 1.0
    factor: float = 2.0
    max_backoff_s: float = 60.0
    on: tuple[FailureCause, ...] = ("crash", "exit", "timeout", "missing_output", "bad_output")


class OutputSpec(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file the task must (or may) leave in its outputs folder."""

    name: str
    path: str
    required: bool = True
    media_type: str = "application/octet-stream"


class GateSpec(msgspec.Struct, frozen=True, omit_defaults=True):
    """A condition before going on.

    `human` waits for a named person until `deadline_s` after opening; `command` runs `command` and
    looks at its exit code; `condition` evaluates `condition` over the run's values. A verdict other
    than *passed* does not let the run go on.
    """

    name: str
    kind: GateKind
    message: str = ""
    command: str = ""
    condition: str = ""
    approvers: tuple[str, ...] = ()
    deadline_s: float | None = None
    timeout_s: float = DEFAULT_TASK_TIMEOUT_S


class TaskSpec(msgspec.Struct, frozen=True, omit_defaults=True):
    """A unit of work: either an agent with a prompt, or a shell command (`run`).

    `needs` lists task ids. Tasks also wait for the phases their own phase depends on; that is not
    repeated here. `action` names what a deterministic backend does; a model reads the prompt.
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


class PhaseSpec(msgspec.Struct, frozen=True, omit_defaults=True):
    """A stage of the run; its gates are decided when all its tasks have ended."""

    name: str
    depends_on: tuple[str, ...] = ()
    parallel: bool = True
    max_concurrent: int | None = None
    gates: tuple[GateSpec, ...] = ()
    when: str | None = None


class Limits(msgspec.Struct, frozen=True, omit_defaults=True):
    """Bounds of a whole run. `max_parallel` counts attempts running at once."""

    max_parallel: int = DEFAULT_MAX_PARALLEL
    timeout_s: float | None = None


class Workflow(msgspec.Struct, frozen=True, omit_defaults=True):
    """A complete, valid definition. Tasks are in file order; ids are unique."""

    name: str
    description: str = ""
    inputs: tuple[InputSpec, ...] = ()
    phases: tuple[PhaseSpec, ...] = ()
    tasks: tuple[TaskSpec, ...] = ()
    limits: Limits = Limits()
    on_failure: Literal["stop", "continue"] = "stop"
