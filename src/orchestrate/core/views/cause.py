"""Why something waits: one cause, on what or whom, until when, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from orchestrate.core.planning.definition import GateKind
from orchestrate.core.running.scope import phase_status
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import TASK_SETTLED, GateStatus, RunStatus, TaskStatus

Kind = Literal[
    "plan",  # the run has no plan, or has not begun
    "paused",
    "ended",  # the run or the task reached an end
    "stopping",  # a failure: nothing new starts, what runs may end
    "working",  # attempts are at work
    "person",  # a gate that a person decides
    "handed",  # a task in the hands of a person
    "evidence",  # a gate that a condition decides, or what the engine runs or measures
    "dependency",
    "phase",
    "judgement",  # a condition or trigger rule the kernel looks at when the run goes on
    "slots",
    "phase-limit",
    "agent-limit",  # the agent does only so many tasks at once
    "memory",
    "backoff",
    "budget",  # too little is left of one for an agent to start
    "rate-limit",  # a provider lets no agent in for now
    "write-set",  # another task is expected to write the same files
    "merging",  # delivered work in the train
    "conflict",  # delivered work that a person has to join with the line
    "list",  # a group whose list is being read
    "checkpoint",
    "publication",
    "start",  # nothing: it starts as soon as its driver looks
]

#: Most names written out in one sentence.
MAX_NAMES = 5


class Cause(msgspec.Struct, frozen=True, omit_defaults=True):
    """One reason to wait.

    Attributes:
        kind: which sort of reason.
        text: the reason as a sentence without its full stop.
        names: ids of the tasks, phases or gates waited for.
        people: who may decide; empty is anybody.
        commands: what a person can type about it.
        until: Unix seconds at which it ends by itself.
    """

    kind: Kind
    text: str
    names: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    until: float | None = None


def listed(names: tuple[str, ...] | list[str]) -> str:
    """Some names as text, and how many more there are."""
    shown = ", ".join(names[:MAX_NAMES])
    return shown if len(names) <= MAX_NAMES else f"{shown} and {len(names) - MAX_NAMES} more"


def span(seconds: float) -> str:
    """A duration for the eye: 8 s, 3 min, 2.5 h."""
    if seconds < 120:
        return f"{max(0.0, seconds):.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def run_cause(state: RunState) -> Cause | None:
    """Why the run as a whole starts nothing; None while it executes undisturbed."""
    because = f": {state.reason}" if state.reason else ""
    go_on = (f"orchestrate resume {state.run}",)
    match state.status:
        case RunStatus.IDLE:
            return Cause("plan", "the run has no plan yet")
        case RunStatus.PLANNING:
            return Cause("plan", "the run is planned and has not been started")
        case RunStatus.PAUSED:
            return Cause("paused", f"the run is paused{because}", commands=go_on)
        case RunStatus.FAILED:
            return Cause("ended", f"the run failed{because}", commands=go_on)
        case RunStatus.CANCELLED:
            return Cause("ended", f"the run was cancelled{because}")
        case RunStatus.COMPLETED:
            return Cause("ended", "the run is completed")
        case RunStatus.EXECUTING if state.stopping:
            return Cause(
                "stopping", f"{state.stopping}: nothing new starts, what is at work may end"
            )
    return None


#: What decides a gate that no person decides.
_EVIDENCE: dict[GateKind, str] = {
    "command": "the command that decides it",
    "condition": "the condition that decides it",
    "tests": "the tests of the repository",
    "coverage": "the coverage of the repository's tests",
    "diff": "the size of what has changed",
    "findings": "a scan for findings that are new",
    "reproduces": "a run of the test that is to show the bug",
    "fixed": "a run of the test that shows the bug",
}


def gate_causes(state: RunState, at: float, phase: int | None = None) -> Iterator[Cause]:
    """The open gates, of one phase or of all, and who or what decides them."""
    if state.status not in (RunStatus.EXECUTING, RunStatus.PAUSED):
        return
    for name, (number, spec) in state.index.gates.items():
        record = state.gates[name]
        if record.status is not GateStatus.OPEN or phase not in (None, number):
            continue
        if spec.kind != "human":
            text = f"gate {name} waits for {_EVIDENCE[spec.kind]}"
            yield Cause("evidence", text, names=(name,))
            continue
        who = " or ".join(spec.approvers) if spec.approvers else "anybody"
        text = (
            f"gate {name} waits for a person ({who}){f': {spec.message}' if spec.message else ''}"
        )
        if record.deadline_at is not None:
            text += f"; without an answer it is unknown in {span(record.deadline_at - at)}"
        if record.reminded_at:
            text += f"; last said again {span(at - record.reminded_at)} ago"
        yield Cause(
            "person",
            text,
            names=(name,),
            people=spec.approvers,
            commands=(
                f"orchestrate approve {state.run} {name}",
                f"orchestrate reject {state.run} {name} --reason TEXT",
            ),
            until=record.deadline_at,
        )


_STANDING = {
    "blocked": "has not opened",
    "active": "is at work",
    "gated": "waits at its gates",
    "failed": "failed",
    "done": "is done",
    "skipped": "was skipped",
}


def phase_causes(state: RunState, number: int, at: float) -> Iterator[Cause]:
    """Why the phase has not opened: what the phases before it still lack."""
    plan = state.index
    if state.phases[number].opened:
        return
    for other in plan.phase_needs[number]:
        if state.phases[other].done:
            continue
        name = plan.workflow.phases[other].name
        left = [
            f"{plan.order[task].id} ({state.tasks[task].status.value})"
            for task in plan.phase_tasks[other]
            if state.tasks[task].status
            not in (TaskStatus.SUCCEEDED, TaskStatus.SKIPPED, TaskStatus.CANCELLED)
        ]
        lacks = f"; not done: {listed(left)}" if left else ""
        text = f"it waits for phase {name}, which {_STANDING[phase_status(state, other)]}{lacks}"
        yield Cause("phase", text, names=(name,))
        yield from gate_causes(state, at, other)


def dependency_cause(state: RunState, number: int) -> Cause | None:
    """Which of its needs have not ended."""
    plan = state.index
    waiting = [
        other for other in plan.needs[number] if state.tasks[other].status not in TASK_SETTLED
    ]
    if not waiting:
        return None
    names = tuple(plan.order[other].id for other in waiting)
    described = [f"{plan.order[n].id} ({state.tasks[n].status.value})" for n in waiting]
    if plan.order[number].expanded:
        return Cause("dependency", f"its members have not ended: {listed(described)}", names=names)
    rule = {
        "all_success": "it needs the success of",
        "one_success": "it needs one success among",
        "all_done": "it needs the end of",
    }[plan.order[number].trigger]
    return Cause("dependency", f"{rule} {listed(described)}", names=names)
