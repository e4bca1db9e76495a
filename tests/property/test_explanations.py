"""Wherever a run can be, explain names a cause, and only causes that are so."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrate.core.running.capacity import HostView
from orchestrate.core.running.effects import pending
from orchestrate.core.running.status import (
    RUN_ENDED,
    TASK_SETTLED,
    GateStatus,
    RunStatus,
    TaskStatus,
)
from orchestrate.core.views.explain import explain_run, explain_task, waiting_reason
from orchestrate.core.views.progress import progress
from tests.property.walks import Step, walks


@given(walks(), st.integers(0, 3), st.booleans())
def test_every_state_is_explained(steps: list[Step], slots: int, short: bool) -> None:
    for step in steps:
        state = step.after
        view = HostView(
            at=state.updated_at,
            slots=slots,
            memory_available_bytes=0 if short else None,
            memory_floor_bytes=1,
        )
        found = explain_run(state, view)
        assert found.causes
        assert found.next
        assert all(cause.text for cause in found.causes)
        assert all(found.lines())
        kinds = {cause.kind for cause in found.causes}
        if state.status is RunStatus.PAUSED:
            assert "paused" in kinds
        if state.status in (*RUN_ENDED, RunStatus.IDLE, RunStatus.PLANNING):
            assert kinds & {"ended", "plan"}
        assert ("stopping" in kinds) == bool(state.stopping and state.status is RunStatus.EXECUTING)
        assert ("working" in kinds) == bool(state.live)
        if state.status is RunStatus.EXECUTING:
            owed = {type(effect).__name__ for effect in pending(state)}
            assert ("merging" in kinds) == bool(state.merging)
            assert ("conflict" in kinds) == ("AwaitResolution" in owed)
            assert ("list" in kinds) == ("ReadList" in owed)
            assert ("checkpoint" in kinds) == ("TakeCheckpoint" in owed)
            assert ("publication" in kinds) == ("PublishLine" in owed)
            waiting_gates = {n for n, g in state.gates.items() if g.status is GateStatus.OPEN}
            named = {
                name
                for cause in found.causes
                if cause.kind in ("person", "evidence")
                for name in cause.names
            }
            assert named == waiting_gates


@given(walks(max_steps=25))
def test_every_task_is_explained(steps: list[Step]) -> None:
    for step in steps[2:]:
        state = step.after
        if state.plan is None:
            continue
        view = HostView(at=state.updated_at)
        for name, number in state.index.position.items():
            task = state.tasks[number]
            found = explain_task(state, name, view)
            assert found.status is task.status
            assert found.causes
            assert found.next
            kinds = {cause.kind for cause in found.causes}
            if task.status in TASK_SETTLED:
                assert kinds == {"ended"}
            elif task.status is TaskStatus.MERGING:
                assert "merging" in kinds
            elif task.status is TaskStatus.CONFLICTED:
                assert "conflict" in kinds
            elif task.status is TaskStatus.RUNNING:
                assert kinds == {"working"}
            else:
                assert waiting_reason(state, number)
            if task.status is TaskStatus.BLOCKED and state.status is RunStatus.EXECUTING:
                assert kinds & {"dependency", "phase", "judgement"}
            for cause in found.causes:
                if cause.kind == "dependency":
                    assert set(cause.names) <= set(state.index.order[number].needs)
                    assert all(state.task(each).status not in TASK_SETTLED for each in cause.names)


@given(walks())
def test_progress_counts_every_task_once(steps: list[Step]) -> None:
    for step in steps:
        state = step.after
        found = progress(state, state.updated_at + 1.0)
        assert sum(found.counts.values()) == found.total == len(state.tasks)
        assert 0.0 <= found.fraction <= 1.0
        assert sum(phase.tasks for phase in found.phases) == found.total
        assert sum(phase.ended for phase in found.phases) == found.ended
        assert len(found.running) == sum(phase.running for phase in found.phases)
        if state.status is RunStatus.COMPLETED:
            assert found.fraction == 1.0
