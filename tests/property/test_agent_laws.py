"""Agents that fail in every way, within budgets: the ladder ends, and nothing is overspent."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrate.core.planning.budget import UNLIMITED
from orchestrate.core.planning.definition import Workflow
from orchestrate.core.running import commands as cmd
from orchestrate.core.running import effects as fx
from orchestrate.core.running import events as ev
from orchestrate.core.running.capacity import HostView, admit
from orchestrate.core.running.decide import advance
from orchestrate.core.running.spending import scope_names
from orchestrate.core.running.state import INITIAL, RunState
from orchestrate.core.running.status import RUN_ENDED, RunStatus
from orchestrate.core.sharing.usage import Usage
from orchestrate.core.views.agent_cause import shortage
from tests.property.agent_steps import duration_s, usage_of
from tests.property.laws import check_history, check_waits_for_something
from tests.property.staff import AGENT_CAUSES, ladders
from tests.property.walks import Step, begin, choices, walk
from tests.property.workflows import CAUSES

MORE = settings(max_examples=3 * settings.default.max_examples)  # type: ignore[union-attr]


@st.composite
def climbs(draw: st.DrawFn) -> list[Step]:
    """A walk over a ladder on which attempts mostly fail."""
    return walk(draw(ladders()), draw(choices(60)), failing=6)


@MORE
@given(climbs())
def test_every_law_holds_while_agents_fail(steps: list[Step]) -> None:
    final = check_history([event for step in steps for event in step.events])
    assert final == steps[-1].after
    for step in steps:
        check_waits_for_something(step.after)


@given(climbs())
def test_run_that_ran_out_goes_on_once_it_may_spend_more(steps: list[Step]) -> None:
    for step in steps:
        state = step.after
        if not state.exhausted:
            continue
        assert not state.live
        for _ in scope_names(state):
            short = shortage(state)
            if short is None:
                break
            more = cmd.SetBudget(budget=UNLIMITED, scope=short.scope)
            _, state = advance(state, more, state.updated_at)
        events, again = advance(state, cmd.ResumeRun(), state.updated_at)
        assert isinstance(events[0], ev.RunResumed)
        assert not again.exhausted
        check_waits_for_something(again)


@given(ladders(), st.randoms(use_true_random=False), st.sampled_from((*CAUSES, *AGENT_CAUSES)))
def test_a_ladder_ends_when_everybody_always_fails(
    workflow: Workflow, random: object, cause: str
) -> None:
    """With any cause or always the same, a person who declines is the last to be asked."""
    state = _begun(workflow)
    now = state.updated_at
    for _ in range(400):
        if state.status in RUN_ENDED or state.exhausted:
            assert not state.live
            return
        command, now = _hopeless(state, now, random, cause)
        _, state = advance(state, command, now)
    pytest.fail(f"it is tried for ever: {state}")


def _begun(workflow: Workflow) -> RunState:
    state = INITIAL
    for command in begin(workflow):
        _, state = advance(state, command, 1_000_000.0)
    return state


def _hopeless(
    state: RunState, now: float, random: object, cause: str
) -> tuple[cmd.AnyCommand, float]:
    """What the world does next to a run in which nothing but the list ever succeeds."""
    for effect in fx.pending(state):
        match effect:
            case fx.PerformAttempt(key) if key.task == "list":
                return cmd.SucceedAttempt(task=key.task, number=key.number), now
            case fx.PerformAttempt(key):
                position = state.index.position[key.task]
                drawn = random.choice((cause, cause, *CAUSES, *AGENT_CAUSES))  # type: ignore[attr-defined]
                return cmd.FailAttempt(
                    task=key.task,
                    number=key.number,
                    cause=drawn,
                    usage=usage_of(state, position, state.version),
                    duration_s=duration_s(state, position, state.version),
                ), now
            case fx.AwaitHandIn(key):
                return cmd.DeclineTask(task=key.task, number=key.number, by="ada"), now
            case fx.ReadList(task):
                items = (ev.GroupItem("one"), ev.GroupItem("two"))
                return cmd.ExpandGroup(task=task, items=items), now
            case fx.TakeCheckpoint():
                return cmd.RecordCheckpoint(kind=effect.kind, line=effect.line), now
    grants = admit(state, HostView(at=now)).grants
    if grants:
        return cmd.GrantSlots(tasks=grants), now
    wakes = [effect.at for effect in fx.pending(state) if isinstance(effect, fx.WakeAt)]
    # What is due already waits for something else.
    return cmd.PassTime(), min((at for at in wakes if at > now), default=now)


@given(climbs(), st.integers(0, 3))
def test_everything_consumed_is_in_the_books(steps: Sequence[Step], spare: int) -> None:
    """The last attempts at work end with the run given up, and still are paid for."""
    state = steps[-1].after
    events = [event for step in steps for event in step.events]
    if state.plan is None or state.status in (RunStatus.COMPLETED, RunStatus.CANCELLED):
        return
    added, state = advance(state, cmd.CancelRun(), state.updated_at)
    events += added
    for effect in list(fx.pending(state)):
        assert isinstance(effect, fx.StopAttempt)
        key = effect.key
        used = Usage(output_tokens=spare, turns=1, cost_usd=0.01 * spare)
        about = {"task": key.task, "number": key.number, "usage": used}
        kinds = (
            cmd.InterruptAttempt(**about),  # type: ignore[arg-type]
            cmd.SucceedAttempt(**about, summary="done"),  # type: ignore[arg-type]
            cmd.LoseAttempt(**about),  # type: ignore[arg-type]
            cmd.FailAttempt(**about, cause="crash"),  # type: ignore[arg-type]
        )
        added, state = advance(state, kinds[spare], state.updated_at)
        events += added
    assert not state.live
    assert not state.ready | state.retrying | state.handed
    assert check_history(events) == state
