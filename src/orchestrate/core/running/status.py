"""The four transition tables: run, task, attempt, gate.

Theory of operation
-------------------
Every change of status in the system is a row here: `TABLE[status][trigger] = next status`. A
trigger is the name of an event, refined where one event can lead to two statuses (a failed attempt
either schedules a retry or fails its task). `evolve` looks statuses up and never computes them;
`decide` refuses a command whose trigger has no row, and names the rows there are. Phases have no
table: a phase's state is derived from its tasks and gates.

The diagrams in the documentation are drawn from these tables, so they cannot disagree with them.

Notes on rows that are not obvious:

* A run that is `failed` can be resumed: finished work is kept, failed work gets a new allowance.
  `cancelled` is final.
* Attempts may still end after their run was paused, failed or cancelled. Their table does not ask
  for the run's status: what happened, happened, and is recorded.
* `dependencies_reopened` follows a resume: a task that was to run after a failure it accepts waits
  again when the failed task gets a new allowance.
* `attempt_interrupted` and `attempt_lost` return a task to `ready` without blame; only
  `attempt_failed…` counts against its retry policy.
* A gate that ends `failed` or `unknown` ends the run; resuming the run closes the gate again, so
  that it is asked anew.
* What a writing attempt delivers is not yet a success: its task is `merging` until the merge train
  has joined it to the integration line and the checks passed there. Work that is sent back returns
  its task to `ready`; work that contradicts what was merged is `conflicted` until a person, or an
  attempt by the workflow's resolver, has joined the two.
* A resolver that fails, or is lost too often, leaves the conflict to a person: what it was to join
  is still there. What a person sends back is always done anew.
* Work delivered after its run was cancelled is merged nowhere: its task is cancelled with the run.
* A task may be handed to a person, because it is a person's or because agents failed at it. It is
  `handed` until they hand it in, give it back, or their time is over; it takes no slot.
* An attempt of a task's advisor ends in `advice_given`: the task is ready again, for its own agent.
* A group does no work: it becomes ready, is expanded into its members, waits for them (`blocked`),
  becomes ready again and ends with them.
* A rollback is the one change that goes through no row of the task and gate tables: it puts back
  what a checkpoint holds, all at once. The run is paused by it, unless its own failure caused it.
  It is the only way on for a run that is completed.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from orchestrate.errors import InternalError


class RunStatus(StrEnum):
    """Lifecycle of one execution."""

    IDLE = "idle"
    PLANNING = "planning"
    EXECUTING = "executing"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class TaskStatus(StrEnum):
    """Lifecycle of one unit of work."""

    BLOCKED = "blocked"
    READY = "ready"
    RUNNING = "running"
    RETRYING = "retrying"
    MERGING = "merging"
    CONFLICTED = "conflicted"
    HANDED = "handed"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class AttemptStatus(StrEnum):
    """Lifecycle of one try at a task."""

    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    LOST = "lost"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"


class GateStatus(StrEnum):
    """Lifecycle of one condition before going on."""

    CLOSED = "closed"
    OPEN = "open"
    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"


RUN: Mapping[RunStatus, Mapping[str, RunStatus]] = {
    RunStatus.IDLE: {
        "run_planned": RunStatus.PLANNING,
        "run_cancelled": RunStatus.CANCELLED,
    },
    RunStatus.PLANNING: {
        "run_planned": RunStatus.PLANNING,
        "run_started": RunStatus.EXECUTING,
        "run_cancelled": RunStatus.CANCELLED,
    },
    RunStatus.EXECUTING: {
        "run_adopted": RunStatus.EXECUTING,
        "run_paused": RunStatus.PAUSED,
        "run_completed": RunStatus.COMPLETED,
        "run_failed": RunStatus.FAILED,
        "run_cancelled": RunStatus.CANCELLED,
        "run_rolled_back": RunStatus.PAUSED,
    },
    RunStatus.PAUSED: {
        "run_adopted": RunStatus.PAUSED,
        "run_rolled_back": RunStatus.PAUSED,
        "run_resumed": RunStatus.EXECUTING,
        "run_cancelled": RunStatus.CANCELLED,
    },
    RunStatus.FAILED: {
        "run_adopted": RunStatus.FAILED,
        "run_rolled_back": RunStatus.PAUSED,
        "run_rolled_back_by_failure": RunStatus.FAILED,
        "run_resumed": RunStatus.EXECUTING,
        "run_cancelled": RunStatus.CANCELLED,
    },
    RunStatus.COMPLETED: {"run_rolled_back": RunStatus.PAUSED},
    RunStatus.CANCELLED: {"run_adopted": RunStatus.CANCELLED},
}

TASK: Mapping[TaskStatus, Mapping[str, TaskStatus]] = {
    TaskStatus.BLOCKED: {
        "dependencies_met": TaskStatus.READY,
        "task_skipped": TaskStatus.SKIPPED,
        "task_failed": TaskStatus.FAILED,
        "run_cancelled": TaskStatus.CANCELLED,
    },
    TaskStatus.READY: {
        "attempt_started": TaskStatus.RUNNING,
        "task_handed": TaskStatus.HANDED,
        "task_split": TaskStatus.READY,
        "dependencies_reopened": TaskStatus.BLOCKED,
        "group_expanded": TaskStatus.BLOCKED,
        "group_ended": TaskStatus.SUCCEEDED,
        "task_failed": TaskStatus.FAILED,
        "run_cancelled": TaskStatus.CANCELLED,
    },
    TaskStatus.RUNNING: {
        "attempt_succeeded": TaskStatus.SUCCEEDED,
        "attempt_delivered": TaskStatus.MERGING,
        "attempt_delivered_late": TaskStatus.CANCELLED,
        "resolution_failed": TaskStatus.CONFLICTED,
        "resolution_lost": TaskStatus.CONFLICTED,
        "attempt_failed": TaskStatus.FAILED,
        "attempt_failed_retry": TaskStatus.RETRYING,
        "attempt_lost": TaskStatus.FAILED,
        "attempt_lost_retry": TaskStatus.READY,
        "attempt_interrupted": TaskStatus.READY,
        "attempt_cancelled": TaskStatus.CANCELLED,
        "advice_given": TaskStatus.READY,
    },
    TaskStatus.HANDED: {
        "attempt_succeeded": TaskStatus.SUCCEEDED,
        "attempt_delivered": TaskStatus.MERGING,
        "attempt_failed": TaskStatus.FAILED,
        "run_cancelled": TaskStatus.CANCELLED,
    },
    TaskStatus.RETRYING: {
        "attempt_started": TaskStatus.RUNNING,
        "task_handed": TaskStatus.HANDED,
        "task_split": TaskStatus.READY,
        "dependencies_reopened": TaskStatus.BLOCKED,
        "run_cancelled": TaskStatus.CANCELLED,
    },
    TaskStatus.MERGING: {
        "work_merged": TaskStatus.SUCCEEDED,
        "work_returned": TaskStatus.FAILED,
        "work_returned_retry": TaskStatus.READY,
        "work_conflicted": TaskStatus.CONFLICTED,
        "work_conflicted_resolver": TaskStatus.READY,
        "run_cancelled": TaskStatus.CANCELLED,
    },
    TaskStatus.CONFLICTED: {
        "work_resolved": TaskStatus.MERGING,
        "work_returned_retry": TaskStatus.READY,
        "run_cancelled": TaskStatus.CANCELLED,
    },
    TaskStatus.SUCCEEDED: {},
    TaskStatus.FAILED: {"run_resumed": TaskStatus.BLOCKED},
    TaskStatus.SKIPPED: {"run_resumed": TaskStatus.BLOCKED},
    TaskStatus.CANCELLED: {},
}

ATTEMPT: Mapping[AttemptStatus, Mapping[str, AttemptStatus]] = {
    AttemptStatus.STARTED: {
        "attempt_succeeded": AttemptStatus.SUCCEEDED,
        "attempt_delivered": AttemptStatus.SUCCEEDED,
        "attempt_delivered_late": AttemptStatus.SUCCEEDED,
        "resolution_failed": AttemptStatus.FAILED,
        "resolution_lost": AttemptStatus.LOST,
        "attempt_failed": AttemptStatus.FAILED,
        "attempt_failed_retry": AttemptStatus.FAILED,
        "attempt_lost": AttemptStatus.LOST,
        "attempt_lost_retry": AttemptStatus.LOST,
        "attempt_interrupted": AttemptStatus.INTERRUPTED,
        "attempt_cancelled": AttemptStatus.CANCELLED,
        "advice_given": AttemptStatus.SUCCEEDED,
    },
    AttemptStatus.SUCCEEDED: {},
    AttemptStatus.FAILED: {},
    AttemptStatus.LOST: {},
    AttemptStatus.INTERRUPTED: {},
    AttemptStatus.CANCELLED: {},
}

GATE: Mapping[GateStatus, Mapping[str, GateStatus]] = {
    GateStatus.CLOSED: {"gate_opened": GateStatus.OPEN},
    GateStatus.OPEN: {
        "gate_passed": GateStatus.PASSED,
        "gate_failed": GateStatus.FAILED,
        "gate_unknown": GateStatus.UNKNOWN,
    },
    GateStatus.PASSED: {},
    GateStatus.FAILED: {"run_resumed": GateStatus.CLOSED},
    GateStatus.UNKNOWN: {"run_resumed": GateStatus.CLOSED},
}

RUN_ENDED = frozenset({RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED})
TASK_SETTLED = frozenset(
    {TaskStatus.SUCCEEDED, TaskStatus.FAILED, TaskStatus.SKIPPED, TaskStatus.CANCELLED}
)

S = TypeVar("S", bound=StrEnum)


def following(table: Mapping[S, Mapping[str, S]], status: S, trigger: str) -> S:
    """The status after `trigger`.

    Raises:
        InternalError: the table has no such row; the history is not one this kernel writes.
    """
    try:
        return table[status][trigger]
    except KeyError:
        raise InternalError(f"no transition from {status.value} by {trigger}") from None


def allowed(table: Mapping[S, Mapping[str, S]], status: S, trigger: str) -> bool:
    """Whether `trigger` has a row for `status`."""
    return trigger in table[status]
