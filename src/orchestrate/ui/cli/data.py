"""What each command prints as `data` with --json; `schema` publishes these shapes.

Times are Unix seconds. Fields are only ever added within one version of the envelope.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from orchestrate.app.preflight import backend_of
from orchestrate.app.runs import RunRow
from orchestrate.core.agents.profile import ProfileOrigin
from orchestrate.core.planning.budget import NOTHING
from orchestrate.core.planning.definition import FailureCause, GateKind, InputValue, TaskSpec
from orchestrate.core.planning.problem import Problem
from orchestrate.core.running.events import AnyEvent
from orchestrate.core.running.recovery import performing
from orchestrate.core.running.spending import RUN
from orchestrate.core.running.state import Rung, RunState
from orchestrate.core.running.status import TASK_SETTLED, GateStatus, RunStatus, TaskStatus
from orchestrate.core.sharing.artifact import Artifact
from orchestrate.core.sharing.evidence import EvidenceNote
from orchestrate.core.sharing.findings import Finding, Severity
from orchestrate.core.sharing.remediation import Remediation
from orchestrate.core.sharing.threshold import ThresholdVerdict
from orchestrate.core.sharing.work import Conflict, Work
from orchestrate.core.views.attempts import AttemptRecord, attempts_at
from orchestrate.core.views.explain import Explanation, TaskExplanation
from orchestrate.core.views.ladder import after_failure


class TaskData(msgspec.Struct, frozen=True, kw_only=True):
    """One task. `outputs` maps an output's name to the path of the file.

    `commit` is where its work was merged into the line, empty before that; `verified` whether every
    check passed there. `returns` is how often its work was sent back since somebody else took over.

    `agent`, `backend` and `model` are those of the present attempt, or of the next; `rung` is where
    on the ladder of recovery that stands, empty for a task that is no agent's. `tokens` and
    `cost_usd` count against budgets; null for a member of a group, which is counted with the group.
    `deadline_at` is until when a person has it.
    """

    task: str
    phase: str
    status: TaskStatus
    attempts: int
    summary: str
    message: str
    outputs: dict[str, str]
    commit: str
    verified: bool
    returns: int
    agent: str
    backend: str
    model: str
    rung: Rung | Literal[""]
    tokens: int | None
    cost_usd: float | None
    deadline_at: float | None


class GateData(msgspec.Struct, frozen=True, kw_only=True):
    """One gate, named phase/gate. `by` is who decided it, empty before that.

    `evidence` is what was seen, by name. The times are null where they do not apply.
    """

    gate: str
    kind: GateKind
    status: GateStatus
    by: str
    reason: str
    evidence: dict[str, str]
    opened_at: float | None
    deadline_at: float | None
    reminded_at: float | None


class SpentData(msgspec.Struct, frozen=True, kw_only=True):
    """Dollars, tokens of all kinds, model calls, and seconds of agents."""

    cost_usd: float
    tokens: int
    turns: int
    time_s: float


class BudgetData(msgspec.Struct, frozen=True, kw_only=True):
    """The most of each; null for no limit."""

    cost_usd: float | None
    tokens: int | None
    turns: int | None
    time_s: float | None


class RunData(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run stands. `ended_at` is null while it goes on.

    `branch` is what merged work was published as: empty in a run that writes nothing, and before.
    `audit` is the verdict on whether what is the user's is untouched, empty before there is one;
    `audit_changes` says what is not.

    `spent` is what counts against `budget`; attempts that nobody could observe count as all that
    was reserved for them, and so do tokens without a price. `cost_complete` is false where there
    are such; `orchestrate cost` tells what is known. `exhausted`: it was paused for want of budget.
    """

    run: str
    workflow: str
    status: RunStatus
    reason: str
    created_at: float
    ended_at: float | None
    max_parallel: int
    tasks: tuple[TaskData, ...]
    gates: tuple[GateData, ...]
    branch: str
    audit: str
    audit_changes: tuple[str, ...]
    spent: SpentData
    budget: BudgetData
    cost_complete: bool
    exhausted: bool


class StatusData(RunData, frozen=True, kw_only=True):
    """`driven`: a live process drives it. `note` says who, or what to do if nobody does."""

    driven: bool
    note: str


class RunDetail(RunData, frozen=True, kw_only=True):
    """A run in full, after event number `version`.

    `base` is the commit its integration line began at, `line` where that is; both are empty in a
    run that writes nothing. `purged_at` is when transcripts and artifacts were deleted.
    """

    request: str
    repository: str
    revision: str
    inputs: dict[str, InputValue]
    version: int
    base: str
    line: str
    checkpoints: int
    purged_at: float | None


class TaskDetail(TaskData, frozen=True, kw_only=True):
    """A task in full. `started_at` and `finished_at` are those of its latest attempt.

    `work` is what it delivered last, `checks` what was seen when that was merged or sent back, and
    `conflicts` what stands between it and the line. `attempt_records` are all its attempts, oldest
    first; `after_failure` says what is tried should the present attempt fail, `advice` what its
    advisor said.
    """

    run: str
    definition: TaskSpec
    cause: FailureCause | None
    exit_code: int | None
    started_at: float | None
    finished_at: float | None
    metrics: dict[str, float]
    artifacts: tuple[Artifact, ...]
    work: Work | None
    checks: tuple[EvidenceNote, ...]
    conflicts: tuple[Conflict, ...]
    attempt_records: tuple[AttemptRecord, ...]
    after_failure: str
    advice: str


class ExplainedRun(msgspec.Struct, frozen=True):
    """Why a run waits. `driven` and `note` as in `status`."""

    explanation: Explanation
    driven: bool
    note: str


class ExplainedTask(msgspec.Struct, frozen=True):
    """Why a task waits. `driven` and `note` as in `status`."""

    explanation: TaskExplanation
    driven: bool
    note: str


class UnplannedRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run before it has a plan: only at its first event."""

    run: str
    status: RunStatus


class SecurityData(RunData, frozen=True, kw_only=True):
    """A finished scan. `findings` counts those that stand, by severity; `top` holds the first.

    `unknown` lists what could not be confirmed. `verdict` is null unless --fail-on was given, and
    about the findings as scanned. `remediation` tells what became of each fix.
    """

    findings: dict[Severity, int]
    suppressed: int
    unknown: tuple[str, ...]
    verdict: ThresholdVerdict | None
    reports: dict[str, str]
    top: tuple[Finding, ...]
    remediation: Remediation


class DetachedRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run that goes on in a process of its own; `log` is what that process prints."""

    run: str
    pid: int
    log: str


class ListedRun(RunRow, frozen=True, kw_only=True):
    """A line of `list`. `problem` says why a run cannot be read; the rest is then empty."""

    driven: bool
    problem: str = ""


class LogLine(msgspec.Struct, frozen=True):
    """A line printed by an attempt, named task.number."""

    attempt: str
    stream: Literal["stdout", "stderr"]
    line: str


class LoggedEvent(msgspec.Struct, frozen=True):
    """An event of the log as it was stored, and its number."""

    version: int
    event: AnyEvent


class Graph(msgspec.Struct, frozen=True):
    """A drawing in the format asked for."""

    format: Literal["text", "mermaid", "svg"]
    graph: str


class Validation(msgspec.Struct, frozen=True):
    """Every mistake in every file, in order."""

    problems: tuple[Problem, ...]


class Initialised(msgspec.Struct, frozen=True):
    """Files written, and files that were there and were left alone."""

    written: tuple[str, ...]
    kept: tuple[str, ...]


class Uninstalled(msgspec.Struct, frozen=True, kw_only=True):
    """What was removed, and files of ours the user has changed, which were kept.

    `branches` were published by runs and stay; `unmerged` is work that went and was on none.
    """

    removed: tuple[str, ...]
    kept: tuple[str, ...]
    branches: tuple[str, ...] = ()
    unmerged: tuple[str, ...] = ()


class AgentRow(msgspec.Struct, frozen=True):
    """A line of `agent list`; `warnings` counts repairs made while reading."""

    name: str
    description: str
    origin: ProfileOrigin
    path: str
    warnings: int


class CompletionScript(msgspec.Struct, frozen=True):
    """What to load into a shell."""

    shell: str
    script: str


def task_data(state: RunState, number: int) -> TaskData:
    """What --json says of the task at position `number`."""
    spec, task = state.index.order[number], state.tasks[number]
    who = performing(state.index, number, task)
    spent = state.spent.get(f"task:{spec.id}", NOTHING)
    shared = spec.group not in ("", spec.id)
    return TaskData(
        task=spec.id,
        phase=spec.phase,
        status=task.status,
        attempts=task.attempts,
        summary=task.summary,
        message=task.message,
        outputs={item.name: item.path for item in task.artifacts},
        commit=task.commit,
        verified=task.verified,
        returns=task.returns,
        agent=who.agent if who is not None else spec.agent or "",
        backend=who.backend if who is not None else backend_of(spec),
        model=who.model if who is not None else "",
        rung=task.rung if spec.staff else "",
        tokens=None if shared else spent.tokens,
        cost_usd=None if shared else spent.cost_usd,
        deadline_at=task.deadline_at if task.status is TaskStatus.HANDED else None,
    )


def run_data(state: RunState) -> RunData:
    """What --json says of a run."""
    return RunData(
        run=state.run,
        workflow=state.index.workflow.name,
        status=state.status,
        reason=state.reason,
        created_at=state.created_at,
        ended_at=state.ended_at or None,
        max_parallel=state.max_parallel,
        tasks=tuple(task_data(state, number) for number in range(len(state.index.order))),
        gates=tuple(gate_data(state, name) for name in sorted(state.gates)),
        branch=state.published,
        audit=state.audit,
        audit_changes=state.audit_changes,
        spent=SpentData(**msgspec.structs.asdict(state.spent.get(RUN, NOTHING))),
        budget=BudgetData(**msgspec.structs.asdict(state.budget)),
        cost_complete=not state.unpriced,
        exhausted=state.exhausted,
    )


def gate_data(state: RunState, name: str) -> GateData:
    """What --json says of the gate called `name`."""
    gate = state.gates[name]
    return GateData(
        gate=name,
        kind=state.index.gates[name][1].kind,
        status=gate.status,
        by=gate.by,
        reason=gate.reason,
        evidence=gate.evidence,
        opened_at=gate.opened_at or None,
        deadline_at=gate.deadline_at,
        reminded_at=gate.reminded_at or None,
    )


def run_detail(state: RunState, *, purged_at: float | None = None) -> RunDetail:
    """What --json says of a run in full."""
    return RunDetail(
        **msgspec.structs.asdict(run_data(state)),
        request=state.request,
        repository=state.repository,
        revision=state.revision,
        inputs=state.inputs,
        version=state.version,
        base=state.base,
        line=state.line,
        checkpoints=state.checkpoints,
        purged_at=purged_at,
    )


def task_detail(state: RunState, name: str, history: Sequence[AnyEvent] = ()) -> TaskDetail:
    """What --json says of one task in full; `history` is the run's log."""
    number = state.index.position[name]
    task = state.tasks[number]
    return TaskDetail(
        **msgspec.structs.asdict(task_data(state, number)),
        run=state.run,
        definition=state.index.order[number],
        cause=task.cause,
        exit_code=task.exit_code,
        started_at=task.started_at or None,
        finished_at=task.finished_at or None,
        metrics=task.metrics,
        artifacts=task.artifacts,
        work=task.work,
        checks=task.checks,
        conflicts=task.conflicts,
        attempt_records=attempts_at(history, name),
        after_failure=after_failure(state, number) if task.status not in TASK_SETTLED else "",
        advice=task.advice,
    )
