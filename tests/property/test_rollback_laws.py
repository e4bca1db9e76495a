"""Going back to a checkpoint and forward again: everything is what it was, but for the numbers."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrate.core.codec import decode_command, encode
from orchestrate.core.planning.budget import UNLIMITED
from orchestrate.core.planning.definition import Workflow
from orchestrate.core.running import commands as cmd
from orchestrate.core.running import events as ev
from orchestrate.core.running.decide import advance, legal_commands
from orchestrate.core.running.evolve import evolve
from orchestrate.core.running.plan import bits
from orchestrate.core.running.rollback import Facts, facts
from orchestrate.core.running.state import GateState, RunState, TaskState
from orchestrate.core.running.status import GateStatus, RunStatus, TaskStatus
from tests.property.laws import check_history
from tests.property.walks import Step, walks
from tests.property.workflows import WRITING

MORE = settings(max_examples=3 * settings.default.max_examples)  # type: ignore[union-attr]

Comparable = tuple[str, Workflow, Mapping[str, TaskState], Mapping[str, GateState]]


def comparable(held: Facts) -> Comparable:
    """What a checkpoint promises to bring back, said without the code that does it."""
    tasks = {}
    for name, task in held.tasks.items():
        # Which numbers were given away since is remembered, not taken back. A conversation is
        # about files that are there no more.
        task = msgspec.structs.replace(task, used=0, session=None)
        if task.status in (TaskStatus.RUNNING, TaskStatus.HANDED):
            at_work = task.status is TaskStatus.RUNNING
            task = msgspec.structs.replace(
                task,
                status=TaskStatus.READY,
                attempt=None,
                snapshot=held.snapshots.get(name, "") if at_work else task.snapshot,
                reserved=UNLIMITED,
                deadline_at=None,
            )
        tasks[name] = task
    gates = {
        name: GateState() if gate.status is GateStatus.OPEN else gate
        for name, gate in held.gates.items()
    }
    return held.line, held.workflow, tasks, gates


def quiet(state: RunState) -> tuple[list[ev.AnyEvent], RunState]:
    """`state` with everything at work interrupted, and no chance to start again."""
    events: list[ev.AnyEvent] = []
    commands: list[cmd.AnyCommand] = []
    if state.status is RunStatus.EXECUTING:
        commands.append(cmd.PauseRun())
    for number in bits(state.live):
        name, attempts = state.index.order[number].id, state.tasks[number].attempts
        commands.append(cmd.InterruptAttempt(task=name, number=attempts))
    for command in commands:
        added, state = advance(state, command, state.updated_at)
        events += added
    return events, state


def go(state: RunState, target: Facts) -> tuple[tuple[ev.AnyEvent, ...], Facts, RunState]:
    """Go back to `target`: the events, what the checkpoint on the way holds, and the state."""
    command = cmd.RollBack(checkpoint=target.checkpoint, target=target, by="ada")
    stored = decode_command(encode(command))
    assert stored == command
    events, after = advance(state, stored, state.updated_at)
    kept, rolled = events
    assert isinstance(kept, ev.CheckpointTaken)
    assert isinstance(rolled, ev.RunRolledBack)
    before = evolve(state, kept)
    return events, facts(before, kept.checkpoint, kept.snapshots), after


@MORE
@given(walks(max_steps=60, shape=WRITING), st.randoms(use_true_random=False))
def test_every_checkpoint_can_be_gone_back_to_and_forward_again(
    steps: list[Step], random: object
) -> None:
    held = [each for step in steps for each in step.held]
    events = [event for step in steps for event in step.events]
    added, state = quiet(steps[-1].after)
    events += added
    if "RollBack" not in legal_commands(state):
        return
    random.shuffle(held)  # type: ignore[attr-defined]
    for target in held:
        here = facts(state, "here")
        added_back, kept, there = go(state, target)
        assert there.status is RunStatus.PAUSED
        assert comparable(facts(there, "there")) == comparable(target)
        added_forth, _, state = go(there, kept)
        assert comparable(facts(state, "here")) == comparable(here)
        events += [*added_back, *added_forth]
    assert check_history(events) == state


@given(walks(max_steps=40, shape=WRITING))
def test_run_that_went_back_goes_on_from_there(steps: list[Step]) -> None:
    held = [each for step in steps for each in step.held]
    _, state = quiet(steps[-1].after)
    if not held or "RollBack" not in legal_commands(state):
        return
    _, _, there = go(state, held[0])
    events, again = advance(there, cmd.ResumeRun(), there.updated_at)
    assert isinstance(events[0], ev.RunResumed)
    unfinished = {n for n, task in again.tasks.items() if task.status is TaskStatus.BLOCKED}
    started = {n for n, task in again.tasks.items() if task.status is not TaskStatus.BLOCKED}
    assert unfinished | started == set(again.tasks)
    ways_on = (RunStatus.EXECUTING, RunStatus.FAILED, RunStatus.COMPLETED)
    assert again.status in ways_on or again.exhausted


@given(walks(max_steps=60, shape=WRITING))
def test_fall_back_leads_to_the_last_stable_checkpoint_with_the_reason(steps: list[Step]) -> None:
    for step in steps:
        state = step.before
        for event in step.events:
            if isinstance(event, ev.RunRolledBack) and event.automatic:
                _check_fall_back(state, event)
            state = evolve(state, event)


def _check_fall_back(before: RunState, event: ev.RunRolledBack) -> None:
    stable = before.stable
    assert stable is not None
    assert before.status is RunStatus.FAILED
    assert before.gates[before.failed_gate].status is GateStatus.FAILED
    assert (event.checkpoint, event.line) == (stable.checkpoint, stable.line)
    assert before.line != event.line
    assert before.index.workflow.rollback == "failure"
    assert before.failed_gate in event.reason
    for name, record in event.tasks.items():
        number = before.index.position.get(name)
        undone = number is not None and before.tasks[number].status is TaskStatus.SUCCEEDED
        if undone and record.status in (TaskStatus.BLOCKED, TaskStatus.READY):
            assert (record.cause, record.message) == ("checks_failed", event.reason)
