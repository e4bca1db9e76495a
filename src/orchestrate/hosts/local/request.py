"""From a started attempt to everything its performer may know."""

from __future__ import annotations

import os
from pathlib import Path

from orchestrate.app.preflight import backend_of
from orchestrate.core.ids import AttemptKey
from orchestrate.core.planning.template import render
from orchestrate.core.running.plan import PlanIndex
from orchestrate.core.running.scope import scope
from orchestrate.core.running.state import RunState
from orchestrate.core.views.timeline import timeline
from orchestrate.ports.catalog import AgentCatalog
from orchestrate.ports.performer import AttemptRequest, UpstreamArtifact


def build_request(
    state: RunState, key: AttemptKey, runs_dir: Path, catalog: AgentCatalog
) -> AttemptRequest:
    """The request of attempt `key`; pure but for looking the agent up.

    Raises:
        DefinitionError: the prompt refers to something that does not exist.
    """
    plan = state.index
    number = plan.position[key.task]
    task = plan.order[number]
    # Text, not Path: this is done once per attempt, and Path arithmetic would be half of its cost.
    folder = f"{runs_dir}{os.sep}{state.run}{os.sep}attempts{os.sep}{key.folder}"
    return AttemptRequest(
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
        prompt=render(task.prompt, scope(state)) if task.prompt else "",
        profile=catalog.find(task.agent) if task.agent else None,
        env=task.env,
        inputs=state.inputs,
        outputs=task.outputs,
        artifacts=_upstream(state, plan, number),
        timeline=timeline(state) if task.action else (),
        timeout_s=task.timeout_s,
    )


def _upstream(state: RunState, plan: PlanIndex, number: int) -> tuple[UpstreamArtifact, ...]:
    return tuple(
        UpstreamArtifact(plan.order[other].id, artifact.name, artifact.path, artifact.digest)
        for other in plan.needs[number]
        for artifact in state.tasks[other].artifacts
    )
