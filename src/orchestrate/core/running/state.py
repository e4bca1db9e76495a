"""The state of a run: a fold of its events.

`RunState` holds facts (tasks, gates, status) and indexes over them (`ready`, `live`, `unmet`, …)
that make every step cheap. The indexes are always what `derive` computes from the facts; `evolve`
maintains them step by step, and a property test holds the two together.
"""

from __future__ import annotations

import immutables
import msgspec

from orchestrate.core.planning.definition import FailureCause, InputValue
from orchestrate.core.running.plan import PlanIndex
from orchestrate.core.running.status import AttemptStatus, GateStatus, RunStatus, TaskStatus
from orchestrate.core.sharing.artifact import Artifact


class TaskState(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of one task.

    `attempts` is the number of the latest attempt, which is `attempt` now; `failures` counts those
    held against the retry policy since the last resume, `losses` those that vanished with their
    driver. `not_before` is when a retry is due. The result fields are those of the attempt that
    succeeded; `cause` and `message` those of the latest failure or skip.
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
    artifacts: tuple[Artifact, ...] = ()
    metrics: dict[str, float] = {}
    exit_code: int | None = None


class GateState(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of one gate."""

    status: GateStatus = GateStatus.CLOSED
    opened_at: float = 0.0
    deadline_at: float | None = None
    decided_at: float = 0.0
    by: str = ""
    reason: str = ""
    evidence: dict[str, str] = {}


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


class RunState(msgspec.Struct, frozen=True):
    """One run at one version. `version` counts the events folded in.

    Bit sets are over positions of `plan`. `unmet` maps a position to how many of its needs have
    not ended. `unsettled` tasks await a decision of the kernel itself (a condition to evaluate, a
    skip). `gates_due` is a bit set of phases whose gates are to be opened. `stopping` says why
    nothing new may start although the run still executes.
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
