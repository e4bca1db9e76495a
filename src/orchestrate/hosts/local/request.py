"""From a started attempt to everything its performer may know."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from orchestrate.app.preflight import backend_of
from orchestrate.app.quoting import quoting
from orchestrate.core.agents.answer import answer_schema
from orchestrate.core.ids import AttemptKey
from orchestrate.core.planning.definition import FailureCause, TaskSpec
from orchestrate.core.planning.template import render
from orchestrate.core.running.plan import PlanIndex
from orchestrate.core.running.recovery import is_advising, performing
from orchestrate.core.running.scope import scope
from orchestrate.core.running.state import RunState, TaskState
from orchestrate.core.running.status import TaskStatus
from orchestrate.core.views.shared_plan import shared_plan
from orchestrate.core.views.timeline import timeline
from orchestrate.ports.catalog import AgentCatalog
from orchestrate.ports.performer import AttemptRequest, Delivery, Feedback, UpstreamArtifact


def build_request(
    state: RunState, key: AttemptKey, runs_dir: Path, catalog: AgentCatalog
) -> AttemptRequest:
    """The request of attempt `key`; pure but for looking the agent up.

    Raises:
        DefinitionError: the prompt refers to something that does not exist.
    """
    plan = state.index
    number = plan.position[key.task]
    task = _performed(state, number)
    record = state.tasks[number]
    # Text, not Path: this is done once per attempt, and Path arithmetic would be half of its cost.
    own = f"{runs_dir}{os.sep}{state.run}"
    folder = f"{own}{os.sep}attempts{os.sep}{key.folder}"
    request = AttemptRequest(
        key=key,
        token=str(key),
        phase=task.phase,
        repository=state.repository,
        folder=folder,
        outputs_dir=folder + os.sep + "outputs",
        scratch_dir=folder + os.sep + "scratch",
        agent=task.agent or "",
        action=task.action or "",
        backend=backend_of(task),
        command=task.run or "",
        prompt=_prompt(state, task),
        profile=catalog.find(task.agent) if task.agent else None,
        env=task.env,
        inputs=state.inputs,
        outputs=task.outputs,
        artifacts=_upstream(state, plan, number),
        timeline=timeline(state) if task.action else (),
        timeout_s=task.timeout_s,
        base=record.base,
        writes=bool(task.writes),
        sparse=task.sparse if not record.resolving else (),
        merging=record.work.commit if record.resolving and record.work is not None else "",
        snapshot=record.snapshot,
        item=task.item,
        feedback=_feedback(record),
        deliveries=deliveries(state) if task.action else (),
        must_change=task.must_change,
    )
    who = performing(plan, number, record)
    if who is None:
        return request
    advising = is_advising(plan.order[number], record)
    resumable = record.session is not None and record.session.backend == who.backend
    return msgspec.structs.replace(
        request,
        agent=who.agent,
        backend=who.backend,
        action="",
        profile=catalog.find(who.agent),
        assignee=who,
        cap=record.reserved,
        session=record.session if resumable and not record.resolving and not advising else None,
        plan=shared_plan(state, key.task),
        answer_schema=answer_schema(
            {} if advising else task.returns, () if advising else task.outputs
        ),
        outputs=() if advising else task.outputs,
        writes=request.writes and not advising,
        must_change=task.must_change and not advising,
        advice=record.advice,
        advising=advising,
        paths=task.forecast,
        sessions_dir=f"{own}{os.sep}sessions{os.sep}{key.task}",
        reused_dir=f"{own}{os.sep}reused",
    )


def _prompt(state: RunState, task: TaskSpec) -> str:
    """What the workflow asks, with its values; what agents said is told as their words."""
    if not task.prompt:
        return ""
    return render(task.prompt, quoting(scope(state, task.item)))


def _performed(state: RunState, number: int) -> TaskSpec:
    """The task at `number`, done by whoever joins its work with the line if that is to be done."""
    task = state.index.order[number]
    resolver = state.index.workflow.resolver
    if resolver is None or not state.tasks[number].resolving:
        return task
    return msgspec.structs.replace(
        resolver,
        id=task.id,
        phase=task.phase,
        writes=task.writes,
        outputs=task.outputs,
        item=task.item,
        needs=task.needs,
    )


#: Failures that say nothing about the work: whoever goes on has nothing to learn from them.
_NOT_ITS_FAULT: frozenset[FailureCause] = frozenset(
    {"lost", "rate_limit", "provider", "login", "unavailable", "checks_unknown"}
)


def _feedback(record: TaskState) -> Feedback | None:
    evidence = {note.name: note.path for note in record.checks if note.path}
    if record.cause is not None and record.cause not in _NOT_ITS_FAULT:
        return Feedback(cause=record.cause, message=record.message, evidence=evidence)
    failed = [note for note in record.checks if note.verdict == "failed"]
    if not failed or record.session is not None:
        return None  # nothing is known to be wrong with the work itself, or it was said already
    # Whoever was told so met with something else since, and the work is as it was.
    message = "; ".join(f"{note.name}: {note.summary}" for note in failed)
    return Feedback(cause="checks_failed", message=message, evidence=evidence)


def _upstream(state: RunState, plan: PlanIndex, number: int) -> tuple[UpstreamArtifact, ...]:
    return tuple(
        item for other in _producers(plan, plan.needs[number]) for item in _outputs(state, other)
    )


def _outputs(state: RunState, number: int) -> tuple[UpstreamArtifact, ...]:
    name = state.index.order[number].id
    return tuple(
        UpstreamArtifact(name, artifact.name, artifact.path, artifact.digest)
        for artifact in state.tasks[number].artifacts
    )


def _producers(plan: PlanIndex, needs: tuple[int, ...]) -> Iterator[int]:
    """Whose outputs a task is given: those of what it needs, and for a group of its members."""
    for number in needs:
        group = plan.order[number]
        if group.expanded:
            yield from (plan.position[name] for name in group.members)
        else:
            yield number


_STANDING: dict[FailureCause, str] = {
    "checks_failed": "taken back",
    "conflict": "taken back",
    "checks_unknown": "kept off",
}


def deliveries(state: RunState) -> tuple[Delivery, ...]:
    """What became of the work of every task that writes, in the order of the workflow."""
    plan = state.index
    return tuple(
        _delivery(state, plan.position[task.id])
        for task in plan.workflow.tasks
        if task.writes and not task.is_group
    )


def _delivery(state: RunState, number: int) -> Delivery:
    task = state.index.order[number]
    record = state.tasks[number]
    work = record.work
    if record.status is TaskStatus.SUCCEEDED:
        standing = ("merged" if record.verified else "unverified") if record.commit else "failed"
    elif record.status is TaskStatus.FAILED:
        standing = _STANDING.get(record.cause, "failed") if record.cause else "failed"
    else:
        standing = "unfinished"
    return Delivery(
        task=task.id,
        standing=standing,
        message=record.message or record.summary,
        commit="" if work is None else work.commit,
        merged=record.commit,
        paths=() if work is None else work.paths,
        checks=record.checks,
        item=task.item,
        artifacts=_outputs(state, number),
    )
