"""Wishes, imperative. Refused or turned into events by `decide`; never stored in a run's stream."""

from __future__ import annotations

import msgspec

from orchestrate.core.planning.budget import Budget
from orchestrate.core.planning.definition import FailureCause, InputValue, Workflow
from orchestrate.core.running.events import GroupItem
from orchestrate.core.running.rollback import Facts
from orchestrate.core.running.state import CheckpointKind
from orchestrate.core.sharing.artifact import Artifact
from orchestrate.core.sharing.evidence import EvidenceNote, Verdict
from orchestrate.core.sharing.usage import AgentSession, Denial, Usage
from orchestrate.core.sharing.work import Conflict, Work


class Command(msgspec.Struct, frozen=True, tag_field="command", omit_defaults=True, kw_only=True):
    """Base of all commands."""


class CreateRun(Command, frozen=True, tag="CreateRun", kw_only=True):
    """Make a run exist."""

    run: str
    request: str
    repository: str
    revision: str = ""
    program: str = ""
    base: str = ""


class PlanRun(Command, frozen=True, tag="PlanRun", kw_only=True):
    """Give the run its plan."""

    workflow: Workflow
    inputs: dict[str, InputValue] = {}
    fingerprint: str = ""


class StartRun(Command, frozen=True, tag="StartRun", kw_only=True):
    """Begin execution of the plan."""

    reason: str = ""


class AdoptRun(Command, frozen=True, tag="AdoptRun", kw_only=True):
    """Record that this process drives the run now."""

    owner: str


class PauseRun(Command, frozen=True, tag="PauseRun", kw_only=True):
    """Start nothing new."""

    reason: str = ""
    by: str = ""


class ResumeRun(Command, frozen=True, tag="ResumeRun", kw_only=True):
    """Go on after a pause or a failure."""

    reason: str = ""
    by: str = ""


class CancelRun(Command, frozen=True, tag="CancelRun", kw_only=True):
    """Give the run up."""

    reason: str = ""
    by: str = ""


class SetLimit(Command, frozen=True, tag="SetLimit", kw_only=True):
    """Change how many attempts may run at once; at least 1."""

    max_parallel: int
    by: str = ""


class SetBudget(Command, frozen=True, tag="SetBudget", kw_only=True):
    """Change what may be consumed in all from `scope`, as in `BudgetChanged`."""

    budget: Budget
    scope: str = "run"
    by: str = ""


class GrantSlots(Command, frozen=True, tag="GrantSlots", kw_only=True):
    """Start attempts at these tasks, in this order; what `admit` chose."""

    tasks: tuple[str, ...]


class SucceedAttempt(Command, frozen=True, tag="SucceedAttempt", kw_only=True):
    """Report an attempt that ended well. `recovered`: its outcome was found after a crash."""

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


class FailAttempt(Command, frozen=True, tag="FailAttempt", kw_only=True):
    """Report an attempt that ended badly."""

    task: str
    number: int
    cause: FailureCause
    message: str = ""
    exit_code: int | None = None
    duration_s: float = 0.0
    usage: Usage | None = None
    session: AgentSession | None = None
    denials: tuple[Denial, ...] = ()
    retry_after_s: float | None = None
    version: str = ""


class LoseAttempt(Command, frozen=True, tag="LoseAttempt", kw_only=True):
    """Report an attempt whose owner died without leaving an outcome."""

    task: str
    number: int
    message: str = ""
    duration_s: float = 0.0
    usage: Usage | None = None
    session: AgentSession | None = None


class InterruptAttempt(Command, frozen=True, tag="InterruptAttempt", kw_only=True):
    """Report an attempt that was stopped by us and is not to blame."""

    task: str
    number: int
    reason: str = ""
    duration_s: float = 0.0
    usage: Usage | None = None
    session: AgentSession | None = None


class HandIn(Command, frozen=True, tag="HandIn", kw_only=True):
    """Hand in what a person did for a task that was handed to them."""

    task: str
    number: int
    by: str
    summary: str = ""
    work: Work | None = None
    artifacts: tuple[Artifact, ...] = ()


class DeclineTask(Command, frozen=True, tag="DeclineTask", kw_only=True):
    """Give back a task that was handed to a person; it has failed then."""

    task: str
    number: int
    by: str
    reason: str = ""


class DecideGate(Command, frozen=True, tag="DecideGate", kw_only=True):
    """Record a gate's verdict. A human verdict carries the person's name in `by`.

    `opened_at` is the opening the verdict is about, so that a late one cannot decide a gate that
    was asked anew; None is about whichever opening there is.
    """

    gate: str
    verdict: Verdict
    by: str
    human: bool = False
    reason: str = ""
    evidence: dict[str, str] = {}
    opened_at: float | None = None


class AcceptWork(Command, frozen=True, tag="AcceptWork", kw_only=True):
    """Report that work was merged into the line at `line`, giving `commit`.

    `work` is the commit of the work, so that a report about a version that was replaced since
    (a person resolved its conflict) is not taken for one about the present; empty for whichever.
    """

    task: str
    number: int
    line: str
    commit: str
    work: str = ""
    checks: tuple[EvidenceNote, ...] = ()
    verified: bool = True


class ReturnWork(Command, frozen=True, tag="ReturnWork", kw_only=True):
    """Send work back: it fails a check when merged, or (`human`) a person wants it done anew.

    `line` is where the line was when the check failed, `work` the commit of the work; empty for
    whichever they are. `together`: it passes by itself and fails with what was merged since.
    """

    task: str
    number: int
    cause: FailureCause
    line: str = ""
    work: str = ""
    message: str = ""
    checks: tuple[EvidenceNote, ...] = ()
    together: bool = False
    human: bool = False
    by: str = ""


class ReportConflict(Command, frozen=True, tag="ReportConflict", kw_only=True):
    """Report that work cannot be merged into the line at `line`; `work` as in AcceptWork."""

    task: str
    number: int
    line: str
    work: str = ""
    conflicts: tuple[Conflict, ...] = ()


class ResolveConflict(Command, frozen=True, tag="ResolveConflict", kw_only=True):
    """Hand in what a person made of conflicting work."""

    task: str
    number: int
    work: Work
    by: str


class ExpandGroup(Command, frozen=True, tag="ExpandGroup", kw_only=True):
    """Give a group its members, or say in `problem` why its list cannot be read."""

    task: str
    items: tuple[GroupItem, ...] = ()
    problem: str = ""


class AskCheckpoint(Command, frozen=True, tag="AskCheckpoint", kw_only=True):
    """Have a checkpoint taken."""

    kind: CheckpointKind = "manual"
    note: str = ""
    by: str = ""


class RecordCheckpoint(Command, frozen=True, tag="RecordCheckpoint", kw_only=True):
    """Report that what is at work was snapshotted.

    `checkpoint` is the id the effect asked for; empty for whichever is awaited. `snapshots` maps an
    attempt (`task.number`) to its snapshot, `missing` one that could not be held to the reason.
    `mark` is the commit that marks the end of phases on the line, which was at `line` then; while
    one is wanted and none that fits is given, the checkpoint stays owed.
    """

    kind: CheckpointKind
    checkpoint: str = ""
    line: str = ""
    mark: str = ""
    snapshots: dict[str, str] = {}
    missing: dict[str, str] = {}
    note: str = ""
    by: str = ""


class RollBack(Command, frozen=True, tag="RollBack", kw_only=True):
    """Select a checkpoint: code and state become what they were. Nothing may be at work.

    `target` holds the facts at the checkpoint, read back from the log.
    """

    checkpoint: str
    target: Facts
    reason: str = ""
    by: str = ""


class RecordPublication(Command, frozen=True, tag="RecordPublication", kw_only=True):
    """Report where the integration line was put for the user."""

    branch: str
    commit: str


class RecordAudit(Command, frozen=True, tag="RecordAudit", kw_only=True):
    """Report whether the user's things are untouched."""

    verdict: Verdict
    changes: tuple[str, ...] = ()


class PassTime(Command, frozen=True, tag="PassTime", kw_only=True):
    """Let time-outs and deadlines that are due take effect; adds nothing if none is."""


AnyCommand = (
    CreateRun
    | PlanRun
    | StartRun
    | AdoptRun
    | PauseRun
    | ResumeRun
    | CancelRun
    | SetLimit
    | SetBudget
    | GrantSlots
    | SucceedAttempt
    | FailAttempt
    | LoseAttempt
    | InterruptAttempt
    | HandIn
    | DeclineTask
    | DecideGate
    | AcceptWork
    | ReturnWork
    | ReportConflict
    | ResolveConflict
    | ExpandGroup
    | AskCheckpoint
    | RecordCheckpoint
    | RollBack
    | RecordPublication
    | RecordAudit
    | PassTime
)
