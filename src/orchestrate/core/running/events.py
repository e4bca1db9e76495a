"""Facts about a run, past tense. Appended once, never changed.

`at` is Unix time in seconds as the deciding process saw it. Tasks and gates are named by id. The
tag of each struct is its type name in the store; renaming one needs an upcaster in the codec.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from orchestrate.core.planning.budget import UNLIMITED, Budget
from orchestrate.core.planning.definition import FailureCause, InputValue, Workflow
from orchestrate.core.running.state import CheckpointKind, GateState, Rung, TaskState
from orchestrate.core.sharing.artifact import Artifact
from orchestrate.core.sharing.evidence import EvidenceNote, Verdict
from orchestrate.core.sharing.usage import AgentSession, Denial, Usage
from orchestrate.core.sharing.work import Conflict, Work


class Event(msgspec.Struct, frozen=True, tag_field="event", omit_defaults=True, kw_only=True):
    """Base of all events."""

    at: float


class RunCreated(Event, frozen=True, tag="RunCreated", kw_only=True):
    """A run exists: what was asked for, where, and by which version of the program.

    `base` is the commit its integration line begins at; empty in a run that writes nothing.
    """

    run: str
    request: str
    repository: str
    revision: str = ""
    program: str = ""
    base: str = ""


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
    """No new attempt starts; attempts that are running may end.

    `exhausted`: too little is left of a budget for anything to start.
    """

    reason: str = ""
    by: str = ""
    exhausted: bool = False


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


class BudgetChanged(Event, frozen=True, tag="BudgetChanged", kw_only=True):
    """What may be consumed in all from `scope`, from now on; what was consumed before counts.

    `scope` is `run`, `phase:NAME`, `task:NAME` or `backend:NAME`.
    """

    budget: Budget
    scope: str = "run"
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
    """A slot was granted and work begins. The key `run:task:number` is the effect's identity.

    `base` is the commit its workspace stands at; empty when it has none. `agent`, `backend` and
    `model` say who performs it, where a model does, and `reserved` what it may consume. `rung` is
    where on the ladder of recovery it stands; empty for a task that has no ladder.
    """

    task: str
    number: int
    base: str = ""
    agent: str = ""
    backend: str = ""
    model: str = ""
    reserved: Budget = UNLIMITED
    rung: Rung | Literal[""] = ""


class AttemptSucceeded(Event, frozen=True, tag="AttemptSucceeded", kw_only=True):
    """The attempt ended well and its required outputs are there, under these digests.

    With `work` its task has not succeeded yet: the work has to be merged. `usage` is what it
    consumed, None where no model was asked; `session` can be gone on with; `denials` are tools it
    was not allowed. `handed_on` is about how many tokens it was given from earlier tasks,
    `follow_ups` what it says is left to do, `version` that of the program that ran it. `by` is the
    person who did it, where one did.
    """

    task: str
    number: int
    summary: str = ""
    artifacts: tuple[Artifact, ...] = ()
    metrics: dict[str, float] = {}
    exit_code: int | None = None
    duration_s: float = 0.0
    recovered: bool = False
    work: Work | None = None
    usage: Usage | None = None
    session: AgentSession | None = None
    denials: tuple[Denial, ...] = ()
    handed_on: int = 0
    follow_ups: tuple[str, ...] = ()
    version: str = ""
    by: str = ""


class AttemptFailed(Event, frozen=True, tag="AttemptFailed", kw_only=True):
    """The attempt ended badly. With `retry_at` (Unix seconds) the task is tried again.

    It is then tried on `rung` of the ladder of recovery by the `performer`-th of its staff; an
    empty rung leaves both as they are. `blameless`: it does not count against the retry policy.
    """

    task: str
    number: int
    cause: FailureCause
    message: str = ""
    exit_code: int | None = None
    duration_s: float = 0.0
    retry_at: float | None = None
    rung: Rung | Literal[""] = ""
    performer: int = 0
    blameless: bool = False
    usage: Usage | None = None
    session: AgentSession | None = None
    denials: tuple[Denial, ...] = ()
    version: str = ""


class AttemptLost(Event, frozen=True, tag="AttemptLost", kw_only=True):
    """Its owner died and no outcome was found. Not counted as a failure while `retry` is true.

    `rung` and `performer` as in AttemptFailed.
    """

    task: str
    number: int
    retry: bool = True
    message: str = ""
    duration_s: float = 0.0
    usage: Usage | None = None
    session: AgentSession | None = None
    rung: Rung | Literal[""] = ""
    performer: int = 0


class AttemptInterrupted(Event, frozen=True, tag="AttemptInterrupted", kw_only=True):
    """We stopped it (pause by signal, run ended); the task can run again."""

    task: str
    number: int
    reason: str = ""
    duration_s: float = 0.0
    usage: Usage | None = None
    session: AgentSession | None = None


class AttemptCancelled(Event, frozen=True, tag="AttemptCancelled", kw_only=True):
    """Stopped because the run was cancelled."""

    task: str
    number: int
    duration_s: float = 0.0
    usage: Usage | None = None


class AdviceGiven(Event, frozen=True, tag="AdviceGiven", kw_only=True):
    """The task's advisor said how to go on after failures; the task is tried once more with it."""

    task: str
    number: int
    advice: str
    duration_s: float = 0.0
    usage: Usage | None = None


class TaskSplit(Event, frozen=True, tag="TaskSplit", kw_only=True):
    """A task that failed as a whole became a group over the list its definition offers."""

    task: str


class TaskHanded(Event, frozen=True, tag="TaskHanded", kw_only=True):
    """A task is in the hands of a person, until `deadline_at` (Unix seconds) if that is set.

    It is attempt `number`, whose workspace starts from `base`; `reason` is why, where agents
    failed at it before.
    """

    task: str
    number: int
    deadline_at: float | None = None
    reason: str = ""
    base: str = ""


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


class GateReminded(Event, frozen=True, tag="GateReminded", kw_only=True):
    """A gate has waited for a person for so long that it was said again."""

    gate: str


class WorkMerged(Event, frozen=True, tag="WorkMerged", kw_only=True):
    """Work was joined to the integration line, which is `commit` now, and its task succeeded.

    `verified` is false when a check could not tell and the workflow merges such work all the same.
    """

    task: str
    number: int
    commit: str
    checks: tuple[EvidenceNote, ...] = ()
    verified: bool = True


class WorkReturned(Event, frozen=True, tag="WorkReturned", kw_only=True):
    """Work was sent back with what was seen. With `retry` its task is done anew.

    `together`: it passes by itself and fails with what was merged since it began. `rung` and
    `performer` as in AttemptFailed.
    """

    task: str
    number: int
    cause: FailureCause
    message: str = ""
    checks: tuple[EvidenceNote, ...] = ()
    retry: bool = False
    together: bool = False
    by: str = ""
    rung: Rung | Literal[""] = ""
    performer: int = 0


class WorkConflicted(Event, frozen=True, tag="WorkConflicted", kw_only=True):
    """Work and the integration line at `line` change the same places.

    With `resolver` the next attempt at the task joins them; otherwise a person is asked.
    """

    task: str
    number: int
    line: str
    conflicts: tuple[Conflict, ...] = ()
    resolver: bool = False


class WorkResolved(Event, frozen=True, tag="WorkResolved", kw_only=True):
    """A person joined conflicting work with the line; it is to be merged again."""

    task: str
    number: int
    work: Work
    by: str


class GroupItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One item of a group's list. `key` ends the id of its task."""

    key: str
    values: dict[str, InputValue] = {}
    writes: tuple[str, ...] = ()


class GroupExpanded(Event, frozen=True, tag="GroupExpanded", kw_only=True):
    """A group became one task per item."""

    task: str
    items: tuple[GroupItem, ...] = ()


class GroupEnded(Event, frozen=True, tag="GroupEnded", kw_only=True):
    """All members of a group ended, and none failed that may not."""

    task: str
    succeeded: int = 0
    failed: int = 0


class CheckpointDue(Event, frozen=True, tag="CheckpointDue", kw_only=True):
    """A checkpoint is to be taken as soon as the workspaces at work are snapshotted."""

    kind: CheckpointKind
    note: str = ""
    by: str = ""


class CheckpointTaken(Event, frozen=True, tag="CheckpointTaken", kw_only=True):
    """Code and state as they are here: this event's place in the log, and these commits.

    `checkpoint` is its id in the run. `line` is the integration line's commit. `snapshots` maps a
    task at work to the commit that holds its workspace, tracked and untracked; `missing` maps those
    that could not be held to the reason. `quiet`: no attempt was at work.
    """

    checkpoint: str
    kind: CheckpointKind
    line: str = ""
    snapshots: dict[str, str] = {}
    missing: dict[str, str] = {}
    quiet: bool = True
    note: str = ""
    by: str = ""


class RunRolledBack(Event, frozen=True, tag="RunRolledBack", kw_only=True):
    """Code and state are again what they were at a checkpoint; nothing of the log is undone.

    `tasks` and `gates` are the records that differ from now. `workflow` is the plan, where that
    differs (a group had not been expanded). `automatic`: the run's failure caused it.
    """

    checkpoint: str
    line: str = ""
    tasks: dict[str, TaskState] = {}
    gates: dict[str, GateState] = {}
    workflow: Workflow | None = None
    automatic: bool = False
    reason: str = ""
    by: str = ""


class LinePublished(Event, frozen=True, tag="LinePublished", kw_only=True):
    """The integration line was given to the user: as `branch`, or as the patch file `branch`."""

    branch: str
    commit: str


class AuditRecorded(Event, frozen=True, tag="AuditRecorded", kw_only=True):
    """Whether what is the user's is as it was when the run began; `changes` says what is not."""

    verdict: Verdict
    changes: tuple[str, ...] = ()


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
    | BudgetChanged
    | ConditionHeld
    | TaskSkipped
    | TaskFailed
    | AttemptStarted
    | AttemptSucceeded
    | AttemptFailed
    | AttemptLost
    | AttemptInterrupted
    | AttemptCancelled
    | AdviceGiven
    | TaskSplit
    | TaskHanded
    | GateOpened
    | GateDecided
    | GateReminded
    | WorkMerged
    | WorkReturned
    | WorkConflicted
    | WorkResolved
    | GroupExpanded
    | GroupEnded
    | CheckpointDue
    | CheckpointTaken
    | RunRolledBack
    | LinePublished
    | AuditRecorded
)
