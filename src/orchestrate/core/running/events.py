"""Facts about a run, past tense. Appended once, never changed.

`at` is Unix time in seconds as the deciding process saw it. Tasks and gates are named by id. The
tag of each struct is its type name in the store; renaming one needs an upcaster in the codec.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from orchestrate.core.planning.definition import FailureCause, InputValue, Workflow
from orchestrate.core.sharing.artifact import Artifact

Verdict = Literal["passed", "failed", "unknown"]


class Event(msgspec.Struct, frozen=True, tag_field="event", omit_defaults=True, kw_only=True):
    """Base of all events."""

    at: float


class RunCreated(Event, frozen=True, tag="RunCreated", kw_only=True):
    """A run exists: what was asked for, where, and by which version of the program."""

    run: str
    request: str
    repository: str
    revision: str = ""
    program: str = ""


class RunPlanned(Event, frozen=True, tag="RunPlanned", kw_only=True):
    """The complete plan and the inputs it is bound to. A later one replaces an earlier one."""

    workflow: Workflow
    inputs: dict[str, InputValue] = {}
    fingerprint: str = ""


class RunStarted(Event, frozen=True, tag="RunStarted", kw_only=True):
    """Execution may begin."""

    reason: str = ""


class RunAdopted(Event, frozen=True, tag="RunAdopted", kw_only=True):
    """A process took ownership of the run; `owner` says which (host, boot, pid)."""

    owner: str


class RunPaused(Event, frozen=True, tag="RunPaused", kw_only=True):
    """No new attempt starts; attempts that are running may end."""

    reason: str = ""
    by: str = ""


class RunResumed(Event, frozen=True, tag="RunResumed", kw_only=True):
    """Execution goes on.

    After a failure, failed tasks and those skipped because of them are open again, except in phases
    that ended clean.
    """

    reason: str = ""
    by: str = ""


class RunCompleted(Event, frozen=True, tag="RunCompleted", kw_only=True):
    """Every task has ended and every gate has passed."""

    reason: str = ""


class RunFailed(Event, frozen=True, tag="RunFailed", kw_only=True):
    """The run cannot reach its end; `task` or `gate` names what stopped it."""

    reason: str
    task: str = ""
    gate: str = ""


class RunCancelled(Event, frozen=True, tag="RunCancelled", kw_only=True):
    """Somebody gave the run up. Running attempts are stopped."""

    reason: str = ""
    by: str = ""


class LimitChanged(Event, frozen=True, tag="LimitChanged", kw_only=True):
    """The number of attempts that may run at once, from now on."""

    max_parallel: int
    by: str = ""


class ConditionHeld(Event, frozen=True, tag="ConditionHeld", kw_only=True):
    """A task's `when` was true, or its trigger rule was met only now: it is ready."""

    task: str


class TaskSkipped(Event, frozen=True, tag="TaskSkipped", kw_only=True):
    """A task will not run. `cause` is "condition", "upstream" or "phase"."""

    task: str
    cause: Literal["condition", "upstream", "phase"]
    detail: str = ""


class TaskFailed(Event, frozen=True, tag="TaskFailed", kw_only=True):
    """A task failed without an attempt.

    Its condition cannot be decided, or it needs one success and failures left it none.
    """

    task: str
    message: str


class AttemptStarted(Event, frozen=True, tag="AttemptStarted", kw_only=True):
    """A slot was granted and work begins. The key `run:task:number` is the effect's identity."""

    task: str
    number: int


class AttemptSucceeded(Event, frozen=True, tag="AttemptSucceeded", kw_only=True):
    """The attempt ended well and its required outputs are there, under these digests."""

    task: str
    number: int
    summary: str = ""
    artifacts: tuple[Artifact, ...] = ()
    metrics: dict[str, float] = {}
    exit_code: int | None = None
    duration_s: float = 0.0
    recovered: bool = False


class AttemptFailed(Event, frozen=True, tag="AttemptFailed", kw_only=True):
    """The attempt ended badly. With `retry_at` (Unix seconds) the task is tried again."""

    task: str
    number: int
    cause: FailureCause
    message: str = ""
    exit_code: int | None = None
    duration_s: float = 0.0
    retry_at: float | None = None


class AttemptLost(Event, frozen=True, tag="AttemptLost", kw_only=True):
    """Its owner died and no outcome was found. Not counted as a failure while `retry` is true."""

    task: str
    number: int
    retry: bool = True
    message: str = ""


class AttemptInterrupted(Event, frozen=True, tag="AttemptInterrupted", kw_only=True):
    """We stopped it (pause by signal, run ended); the task can run again."""

    task: str
    number: int
    reason: str = ""


class AttemptCancelled(Event, frozen=True, tag="AttemptCancelled", kw_only=True):
    """Stopped because the run was cancelled."""

    task: str
    number: int


class GateOpened(Event, frozen=True, tag="GateOpened", kw_only=True):
    """A gate waits for its verdict. `deadline_at` is Unix seconds."""

    gate: str
    deadline_at: float | None = None


class GateDecided(Event, frozen=True, tag="GateDecided", kw_only=True):
    """The verdict, who or what gave it, and the evidence as text."""

    gate: str
    verdict: Verdict
    by: str
    reason: str = ""
    evidence: dict[str, str] = {}


AnyEvent = (
    RunCreated
    | RunPlanned
    | RunStarted
    | RunAdopted
    | RunPaused
    | RunResumed
    | RunCompleted
    | RunFailed
    | RunCancelled
    | LimitChanged
    | ConditionHeld
    | TaskSkipped
    | TaskFailed
    | AttemptStarted
    | AttemptSucceeded
    | AttemptFailed
    | AttemptLost
    | AttemptInterrupted
    | AttemptCancelled
    | GateOpened
    | GateDecided
)
