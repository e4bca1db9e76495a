"""What a run could get at this moment, for commands that say why it waits."""

from __future__ import annotations

from orchestrate import wiring
from orchestrate.core.planning.definition import TaskSpec
from orchestrate.core.planning.staffing import Assignee
from orchestrate.core.running.capacity import HostView
from orchestrate.core.running.state import RunState


def sampled(site: wiring.Site, state: RunState) -> HostView:
    """What this machine gives, and whom the providers of the run's agents let in."""
    if state.plan is None or not state.plan.paid:
        return wiring.host_view(site)
    tasks = state.plan.workflow.performed
    providers = {who.provider for task in tasks for who in _agents(task) if who.paid}
    gate = wiring.rate_gate()
    try:
        return wiring.host_view(site, gate, tuple(sorted(providers)))
    finally:
        gate.close()


def _agents(task: TaskSpec) -> tuple[Assignee, ...]:
    return task.staff if task.advisor is None else (*task.staff, task.advisor)
