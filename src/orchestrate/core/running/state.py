"""The state of a run: a fold of its events.

`RunState` holds facts (tasks, gates, status) and indexes over them (`ready`, `live`, `unmet`, …)
that make every step cheap. The indexes are always what `derive` computes from the facts; `evolve`
maintains them step by step, and a property test holds the two together.
"""

from __future__ import annotations

from typing import Literal

import immutables
import msgspec

from orchestrate.core.planning.budget import UNLIMITED, Amount, Budget
from orchestrate.core.planning.definition import FailureCause, InputValue
from orchestrate.core.running.plan import PlanIndex
from orchestrate.core.running.status import AttemptStatus, GateStatus, RunStatus, TaskStatus
from orchestrate.core.sharing.artifact import Artifact
from orchestrate.core.sharing.evidence import EvidenceNote
from orchestrate.core.sharing.usage import AgentSession
from orchestrate.core.sharing.work import Conflict, Work

#: See `recovery`.
Rung = Literal["same", "alternative", "split", "architect", "human"]
CheckpointKind = Literal["start", "phase", "interval", "merge", "manual", "failure", "rollback"]


class TaskState(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of one task.

    `attempts` is the number of the latest attempt, which is `attempt` now; `failures` counts those
    held against the retry policy since the last resume, `losses` those that vanished with their
    driver. `not_before` is when a retry is due. The result fields are those of the attempt that
    succeeded, `follow_ups` what it says is left; `cause` and `message` those of the latest failure
    or skip.

    `used` is the highest number an attempt was ever given, where a rollback has put `attempts` back
    below it: numbers are not given twice. `base` is the commit the latest attempt started from.
    `work` is what it delivered, `commit` the line's commit once that was merged, and `verified`
    whether every check passed there. `checks` are those of the merge, or of the work that was sent
    back `returns` times. `conflicts` stand between the work and the line; while `resolving`, an
    attempt is to join them. `snapshot` holds a workspace to go on from after a rollback.

    `rung` is how far up the ladder of `recovery` the task is, `performer` which of its staff does
    it; `failures` are counted anew with each. `limited` counts those held against nobody.
    `session` is the conversation to go on with, `advice` what the architect said, `reserved` what
    the attempt at work may consume. `deadline_at` is when a person has to have handed it in.
    """

    status: TaskStatus = TaskStatus.BLOCKED
    attempt: AttemptStatus | None = None
    attempts: int = 0
    failures: int = 0
    losses: int = 0
    not_before: float = 0.0
    started_at: float = 0.0
    finished_at: float = 0.0
    cause: FailureCause | None = None
    skipped_by: str = ""
    message: str = ""
    summary: str = ""
    follow_ups: tuple[str, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    metrics: dict[str, float] = {}
    exit_code: int | None = None
    used: int = 0
    base: str = ""
    work: Work | None = None
    commit: str = ""
    verified: bool = True
    checks: tuple[EvidenceNote, ...] = ()
    returns: int = 0
    conflicts: tuple[Conflict, ...] = ()
    resolving: bool = False
    snapshot: str = ""
    rung: Rung = "same"
    performer: int = 0
    limited: int = 0
    session: AgentSession | None = None
    advice: str = ""
    reserved: Budget = UNLIMITED
    deadline_at: float | None = None

    @property
    def next_number(self) -> int:
        """The number of the next attempt."""
        return max(self.attempts, self.used) + 1


class GateState(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of one gate."""

    status: GateStatus = GateStatus.CLOSED
    opened_at: float = 0.0
    deadline_at: float | None = None
    decided_at: float = 0.0
    by: str = ""
    reason: str = ""
    evidence: dict[str, str] = {}
    reminded_at: float = 0.0


class PhaseState(msgspec.Struct, frozen=True):
    """Derived standing of a phase.

    `remaining` tasks have not ended; `troubled` ended in a failure nobody tolerates, or were
    skipped because of one; `ran` ended in any other way than being skipped; `declined` were skipped
    by a condition. `opened`: its tasks may start. `done`: everything that depends on it may open.
    `sound`: no phase before it was troubled.
    """

    remaining: int
    troubled: int = 0
    ran: int = 0
    opened: bool = False
    done: bool = False
    sound: bool = True
    declined: int = 0

    @property
    def clean(self) -> bool:
        """Whether its tasks have ended and nothing was wrong: finished work, kept on resume."""
        return not self.remaining and not self.troubled and self.sound


class Stable(msgspec.Struct, frozen=True):
    """The facts at the last checkpoint that a failure may take the run back to."""

    checkpoint: str
    line: str
    plan: PlanIndex
    tasks: immutables.Map[int, TaskState]
    gates: immutables.Map[str, GateState]


class Due(msgspec.Struct, frozen=True, omit_defaults=True):
    """A checkpoint that somebody or the clock has asked for."""

    kind: CheckpointKind
    note: str = ""
    by: str = ""


class RunState(msgspec.Struct, frozen=True):
    """One run at one version. `version` counts the events folded in.

    Bit sets are over positions of `plan`. `unmet` maps a position to how many of its needs have
    not ended. `unsettled` tasks await a decision of the kernel itself (a condition to evaluate, a
    skip). `gates_due` is a bit set of phases whose gates are to be opened. `stopping` says why
    nothing new may start although the run still executes.

    `base` is the commit the integration line began at, `line` where it is, both empty in a run
    without one; `published` is the branch or patch it was given to the user as, `audit` the verdict
    on whether the user's things are untouched and `audit_changes` what is not. `checkpoints` counts
    those taken, the last of them at `checkpoint_at`; `marked` is a bit set of phases whose
    end has been marked by one, `undelivered` tells that work was delivered since, `due` is one that
    was asked for, `stable` the last to fall back to. `retired` maps tasks that a rollback took out
    of the plan to the last number of their attempts. `merging`, `conflicted` and `groups` are bit
    sets like `ready`: work to merge, conflicts for a person, groups that may be expanded or ended;
    `handed` are tasks in the hands of a person.

    `budget` is the run's, `budgets` are those of other scopes that were changed since the workflow
    was planned, `spent` what was consumed, by scope (see `spending`); `unpriced` counts
    attempts that consumed tokens of unknown price. `exhausted`: it was paused for want of budget.
    """

    run: str = ""
    status: RunStatus = RunStatus.IDLE
    version: int = 0
    request: str = ""
    repository: str = ""
    revision: str = ""
    program: str = ""
    reason: str = ""
    created_at: float = 0.0
    started_at: float = 0.0
    leg_started_at: float = 0.0
    ended_at: float = 0.0
    updated_at: float = 0.0
    owner: str = ""
    fingerprint: str = ""
    failed_task: str = ""
    failed_gate: str = ""
    inputs: dict[str, InputValue] = {}
    max_parallel: int = 1
    plan: PlanIndex | None = None
    tasks: immutables.Map[int, TaskState] = immutables.Map()
    gates: immutables.Map[str, GateState] = immutables.Map()
    ready: int = 0
    retrying: int = 0
    live: int = 0
    unsettled: int = 0
    gates_due: int = 0
    remaining: int = 0
    unmet: immutables.Map[int, int] = immutables.Map()
    phases: tuple[PhaseState, ...] = ()
    stopping: str = ""
    base: str = ""
    line: str = ""
    published: str = ""
    audit: str = ""
    audit_changes: tuple[str, ...] = ()
    checkpoints: int = 0
    checkpoint_at: float = 0.0
    marked: int = 0
    undelivered: bool = False
    due: Due | None = None
    stable: Stable | None = None
    retired: immutables.Map[str, int] = immutables.Map()
    merging: int = 0
    conflicted: int = 0
    groups: int = 0
    handed: int = 0
    budget: Budget = UNLIMITED
    budgets: immutables.Map[str, Budget] = immutables.Map()
    spent: immutables.Map[str, Amount] = immutables.Map()
    unpriced: int = 0
    exhausted: bool = False

    @property
    def index(self) -> PlanIndex:
        """The plan of a run that has one.

        Raises:
            ValueError: the run is not planned yet.
        """
        if self.plan is None:
            raise ValueError(f"run {self.run} has no plan")
        return self.plan

    def task(self, name: str) -> TaskState:
        """The state of the task called `name`. Raises KeyError if the plan has none."""
        return self.tasks[self.index.position[name]]


INITIAL = RunState()
