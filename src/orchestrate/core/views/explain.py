"""Why a run or a task waits, on what or whom, and what happens next, from the state alone.

Theory of operation
-------------------
A task that has not ended waits for the first of these that applies, and all that apply are named:
the run as a whole (paused, stopping, ended), its phase, its needs, a judgement of the kernel, a
checkpoint, a slot. A task whose work is delivered waits for the merge train, or for a person who
resolves its conflict; a group waits for its list, and then for its members; a task that a person
has waits for them alone. Live facts come in one sampled `HostView`, the same value that admission
takes.

What a state cannot know is whether a process is there to act on it; the caller adds that.
"""

from __future__ import annotations

import msgspec

from orchestrate.core.running.capacity import Held, HostView
from orchestrate.core.running.effects import startable
from orchestrate.core.running.evolve import reopened
from orchestrate.core.running.plan import bits
from orchestrate.core.running.recovery import is_advising
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import RUN_ENDED, TASK_SETTLED, RunStatus, TaskStatus
from orchestrate.core.views.agent_cause import (
    exhausted_cause,
    go_on_command,
    handed_cause,
    handed_causes,
    shortage,
)
from orchestrate.core.views.amounts import budget_text
from orchestrate.core.views.cause import (
    Cause,
    dependency_cause,
    gate_causes,
    listed,
    phase_causes,
    run_cause,
    span,
)
from orchestrate.core.views.held_cause import held_alone, held_back, held_cause, held_together
from orchestrate.core.views.ladder import after_failure, performer_text, purpose
from orchestrate.core.views.line_cause import (
    conflict_cause,
    line_causes,
    list_cause,
    merging_cause,
    quiet_cause,
    resolving_note,
)
from orchestrate.errors import RequestError

#: Most tasks explained along with their run.
MAX_TASKS = 20


class TaskExplanation(msgspec.Struct, frozen=True):
    """One task: why it is where it is, most decisive cause first, and what happens next."""

    task: str
    phase: str
    status: TaskStatus
    causes: tuple[Cause, ...]
    next: str

    def lines(self) -> list[str]:
        """The explanation as plain text, one line each."""
        return [f"{self.task} (phase {self.phase}): {self.status.value}", *_told(self)]


class Explanation(msgspec.Struct, frozen=True):
    """A run: why it is where it is, and its tasks that wait; `more` of those are left out."""

    run: str
    status: RunStatus
    causes: tuple[Cause, ...]
    next: str
    tasks: tuple[TaskExplanation, ...] = ()
    more: int = 0

    def lines(self) -> list[str]:
        """The explanation as plain text, one line each."""
        lines = [f"run {self.run}: {self.status.value}", *_told(self)]
        for task in self.tasks:
            reason = task.causes[0].text if task.causes else task.next
            lines.append(f"  {task.task} ({task.status.value}): {reason}")
        if self.more:
            lines.append(f"  and {self.more} more tasks wait")
        return lines


def _told(found: TaskExplanation | Explanation) -> list[str]:
    lines = [f"  {cause.text}" for cause in found.causes]
    commands = dict.fromkeys(command for cause in found.causes for command in cause.commands)
    lines += [f"  $ {command}" for command in commands]
    return [*lines, f"  next: {found.next}"]


# -- one task ----------------------------------------------------------------------------------


def explain_task(state: RunState, task: str, view: HostView) -> TaskExplanation:
    """Why `task` is where it is.

    Raises:
        RequestError: the run has no such task.
    """
    number = None if state.plan is None else state.plan.position.get(task)
    if number is None:
        raise RequestError(f"run {state.run} has no task {task!r}")
    return _explain_task(state, number, view, held_back(state, view))


def _explain_task(
    state: RunState, number: int, view: HostView, held: dict[str, Held]
) -> TaskExplanation:
    spec, task = state.index.order[number], state.tasks[number]
    if task.status in TASK_SETTLED:
        causes, then = [_end(state, number)], _after_end(state, number)
    elif task.status is TaskStatus.RUNNING:
        causes, then = [_at_work(state, number, view.at)], _after_success(state, number)
    else:
        causes = _why_not_started(state, number, view, held)
        then = _before_start(causes) + _by_whom(state, number)
    return TaskExplanation(spec.id, spec.phase, task.status, tuple(causes), then)


def _at_work(state: RunState, number: int, at: float) -> Cause:
    task = state.tasks[number]
    who = performer_text(state, number)
    about = resolving_note(task) or purpose(state, number)
    most = f"; it may consume {budget_text(task.reserved)}" if task.reserved.limits else ""
    since = f"has been at work for {span(at - task.started_at)}{about}{most}"
    return Cause("working", f"attempt {task.attempts}{f' by {who}' if who else ''} {since}")


def _by_whom(state: RunState, number: int) -> str:
    """Who will perform the next attempt, where that is a model and earlier ones failed."""
    task, who = state.tasks[number], performer_text(state, number)
    startable = task.status in (TaskStatus.READY, TaskStatus.RETRYING)
    return f", by {who}{purpose(state, number)}" if startable and task.attempts and who else ""


def _end(state: RunState, number: int) -> Cause:
    task = state.tasks[number]
    why = f": {task.message}" if task.message else ""
    match task.status:
        case TaskStatus.SUCCEEDED if state.index.order[number].expanded:
            text = f"its {len(state.index.order[number].members)} members have ended"
            failed = int(task.metrics.get("failed", 0.0))
            text += f", {failed} of them without success" if failed else ""
        case TaskStatus.SUCCEEDED:
            text = f"it succeeded in attempt {task.attempts}"
            text += f", and its work is merged as {task.commit[:12]}" if task.commit else ""
            text += "" if task.verified else "; no check could tell whether it is right"
        case TaskStatus.FAILED if task.attempts:
            text = f"it failed in attempt {task.attempts} ({task.cause or 'no attempt'}){why}"
        case TaskStatus.FAILED:
            text = f"it failed without an attempt{why}"
        case TaskStatus.SKIPPED if task.skipped_by == "condition":
            text = f"it was skipped because its condition did not hold{why}"
        case TaskStatus.SKIPPED:
            text = f"it was skipped because of what came before{why}"
        case _:
            text = "it was given up with the run"
    return Cause("ended", text)


def _after_end(state: RunState, number: int) -> str:
    if state.status is RunStatus.FAILED and reopened(state) >> number & 1:
        return f"`orchestrate resume {state.run}` tries it again"
    return "nothing; this is final"


def _after_success(state: RunState, number: int) -> str:
    plan = state.index
    waiting = [
        plan.order[other].id
        for other in plan.dependents[number]
        if state.tasks[other].status is TaskStatus.BLOCKED
    ]
    if is_advising(plan.order[number], state.tasks[number]):
        success = "it is tried once more with what is advised"
    else:
        then = "when its work is merged" if plan.writing >> number & 1 else "when it succeeds"
        success = f"{then}, {listed(waiting)} can go on" if waiting else "it ends"
    failure = after_failure(state, number)
    return f"{success}; after a failure {failure}" if failure else success


def _why_not_started(
    state: RunState, number: int, view: HostView, held: dict[str, Held]
) -> list[Cause]:
    causes: list[Cause] = []
    if state.tasks[number].status is TaskStatus.HANDED and state.status not in RUN_ENDED:
        return [handed_cause(state, number, view.at)]
    whole = _whole(state)
    if whole is not None:
        causes.append(whole)
    if not state.phases:
        return causes
    if state.tasks[number].status is TaskStatus.BLOCKED:
        causes += phase_causes(state, number=state.index.phase_of[number], at=view.at)
        need = dependency_cause(state, number)
        if need is not None:
            causes.append(need)
        if state.unsettled >> number & 1:
            causes.append(
                Cause(
                    "judgement", "its condition and trigger rule are looked at when the run goes on"
                )
            )
        return causes
    at_rest = _at_rest(state, number)
    if at_rest is not None:
        return [*causes, at_rest]
    found = held.get(state.index.order[number].id)
    if found is not None:
        causes.append(held_cause(state, found, view.at))
    elif whole is None:
        causes.append(Cause("start", "a slot is free for it"))
    elif state.tasks[number].not_before > view.at:
        until = state.tasks[number].not_before
        text = f"it is not tried again for {span(until - view.at)}"
        causes.append(Cause("backoff", text, until=until))
    return causes


def _whole(state: RunState) -> Cause | None:
    return exhausted_cause(state) if state.exhausted else run_cause(state)


def _at_rest(state: RunState, number: int) -> Cause | None:
    """Why a task that is not blocked does not ask for a slot; None if it does."""
    match state.tasks[number].status:
        case TaskStatus.MERGING:
            return merging_cause(state, number)
        case TaskStatus.CONFLICTED:
            return conflict_cause(state, number)
    if state.index.group_mask >> number & 1:
        return list_cause(state, number)
    return quiet_cause(state)


def _before_start(causes: list[Cause]) -> str:
    first = causes[0]
    match first.kind:
        case "start":
            return "it starts when its driver looks next"
        case "slots" | "phase-limit" | "agent-limit":
            return "it starts when an attempt ends"
        case "memory":
            return "it starts when memory is free or nothing else runs"
        case "backoff":
            return "it is tried again then"
        case "rate-limit":
            return "it starts when its provider lets agents in again"
        case "budget":
            return "it starts when an attempt ends and leaves enough, else the run pauses"
        case "handed":
            return "it goes on when that person has handed it in, or given it back"
        case "paused":
            return "it goes on when the run is resumed"
        case "stopping":
            return "the run fails when what is at work has ended"
        case "ended":
            return "nothing, unless the run is resumed" if first.commands else "nothing"
        case "plan":
            return "it is looked at when the run starts"
        case "write-set":
            return "it starts when that work is merged or sent back"
        case "merging":
            return "it ends when its work is merged and has passed its checks"
        case "conflict":
            return "it is merged again when a person has joined the two"
        case "checkpoint":
            return "it starts when the checkpoint is taken"
        case _:
            return "it is looked at again when that has happened"


def waiting_reason(state: RunState, number: int) -> str:
    """The first cause why the task at position `number` has not started, as of the last event.

    For a line in a live view: looks at this task alone, so its cost does not grow with the others.
    """
    view = HostView(at=state.updated_at)
    held = held_alone(state, number, view.at)
    causes = _why_not_started(state, number, view, {held.task: held} if held is not None else {})
    return causes[0].text


# -- a run -------------------------------------------------------------------------------------


def explain_run(state: RunState, view: HostView) -> Explanation:
    """Why the run is where it is, and why its waiting tasks wait."""
    if state.plan is None:
        whole = run_cause(state)
        then = "somebody gives it a plan" if state.status is RunStatus.IDLE else "nothing"
        return Explanation(state.run, state.status, () if whole is None else (whole,), then)
    held = held_back(state, view)
    causes = tuple(_run_causes(state, view, held))
    waiting = [*bits(state.handed), *bits(state.merging | state.conflicted | state.groups)]
    waiting += [*bits(state.ready | state.retrying), *_blocked(state)]
    return Explanation(
        run=state.run,
        status=state.status,
        causes=causes,
        next=_next(state, causes),
        tasks=tuple(_explain_task(state, n, view, held) for n in waiting[:MAX_TASKS]),
        more=max(0, len(waiting) - MAX_TASKS),
    )


def _blocked(state: RunState) -> list[int]:
    if state.status in (RunStatus.COMPLETED, RunStatus.CANCELLED):
        return []
    return [n for n, task in sorted(state.tasks.items()) if task.status is TaskStatus.BLOCKED]


def _run_causes(state: RunState, view: HostView, held: dict[str, Held]) -> list[Cause]:
    causes: list[Cause] = []
    whole = _whole(state)
    if whole is not None:
        causes.append(whole)
    live = tuple(state.index.order[number].id for number in bits(state.live))
    if live:
        verb = "are stopped" if state.status in RUN_ENDED else "are at work"
        causes.append(Cause("working", f"attempts {verb}: {listed(live)}", names=live))
    causes += gate_causes(state, view.at)
    causes += handed_causes(state, view.at)
    causes += line_causes(state)
    if whole is None:
        causes += _starts(state, view, held)
    return causes


def _starts(state: RunState, view: HostView, held: dict[str, Held]) -> list[Cause]:
    """What could start, by what holds it."""
    causes = held_together(state, held, view.at)
    able = bits(startable(state))
    free = tuple(name for n in able if (name := state.index.order[n].id) not in held)
    if free:
        causes.append(Cause("start", f"slots are free for {listed(free)}", names=free))
    return causes


_ENGINE = {
    "checkpoint": "it goes on when the checkpoint is taken",
    "merging": "what was delivered is merged and checked, one piece of work after another",
    "list": "what is on the lists becomes tasks",
    "publication": "the run is completed when the result is there",
}


def _next(state: RunState, causes: tuple[Cause, ...]) -> str:
    match state.status:
        case RunStatus.COMPLETED:
            return "nothing; the run is over"
        case RunStatus.CANCELLED:
            return "what is at work is stopped" if state.live else "nothing; the run is over"
        case RunStatus.PLANNING:
            return "somebody starts it"
        case RunStatus.PAUSED if (short := shortage(state)) is not None:
            return f"it goes on with a larger budget: `{go_on_command(state, short)}`"
        case RunStatus.FAILED | RunStatus.PAUSED:
            return f"it goes on with `orchestrate resume {state.run}`"
    kinds = {cause.kind for cause in causes}
    if state.stopping:
        return "the run fails when what is at work has ended"
    if "start" in kinds:
        return "its driver starts what has a slot"
    if "working" in kinds:
        return "when an attempt ends, what waits for it goes on"
    for kind in ("checkpoint", "merging", "list", "publication"):
        if kind in kinds:
            return _ENGINE[kind]
    if "evidence" in kinds:
        return "the engine looks at the evidence"
    if "person" in kinds:
        return "it goes on when that person has decided"
    if "handed" in kinds:
        return "it goes on when a person has handed in what they have, or given it back"
    if "rate-limit" in kinds:
        return "it goes on when the provider lets agents in again"
    if "conflict" in kinds:
        return "it goes on when a person has joined the work in conflict, or sent it back"
    return "it goes on when that time has come"
