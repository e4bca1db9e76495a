"""Who performs a task, where it stands on the ladder of recovery, and who comes next."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrate.core.planning.definition import TaskSpec
from orchestrate.core.planning.staffing import Assignee
from orchestrate.core.running.recovery import HUMAN, is_advising, performing
from orchestrate.core.running.state import RunState, TaskState
from orchestrate.core.views.graph_text import plain
from orchestrate.core.wording import count

#: Most of an advice that is shown in a sentence.
_ADVICE = 80


def who_text(who: Assignee) -> str:
    """`builder (claude, m)`; a person is a person whichever profile they stand in for."""
    if who.backend == HUMAN:
        return "a person"
    model = f", {who.model}" if who.model else ""
    return plain(f"{who.agent} ({who.backend}{model})")


def performer_text(state: RunState, number: int) -> str:
    """Who performs the next, or present, attempt at a task; empty for what no model performs."""
    who = performing(state.index, number, state.tasks[number])
    return "" if who is None else who_text(who)


def provider_of(state: RunState, number: int) -> str:
    """Whose rate limits the next attempt at a task meets; empty for nobody's."""
    who = performing(state.index, number, state.tasks[number])
    return "" if who is None else who.provider


def purpose(state: RunState, number: int) -> str:
    """What an attempt that is not simply at its task is for; empty for any other."""
    spec, record = state.index.order[number], state.tasks[number]
    if is_advising(spec, record):
        return ", to say how to go on after failures"
    return f", with the advice: {plain(record.advice, _ADVICE)}" if record.advice else ""


def after_failure(state: RunState, number: int) -> str:
    """What is tried when the present attempt fails: `it is tried 1 more time, then codex`.

    Empty when nothing is. Which of them can help depends on why it fails, so it is what may come,
    in order.
    """
    spec, record = state.index.order[number], state.tasks[number]
    own = record.resolving or record.rung in ("same", "alternative")
    left = spec.retry.max_attempts - record.failures - 1 if own else 0
    others = [] if record.resolving else [*_others(spec, record)]
    again = f"it is tried {count(left, 'more time')}" if left > 0 else ""
    if not others:
        return again
    return ", then ".join([again, *others] if again else [f"next is {others[0]}", *others[1:]])


def _others(spec: TaskSpec, record: TaskState) -> Iterator[str]:
    """Who comes after the present performer, in the order of the rungs."""
    rung = record.rung
    if rung in ("same", "alternative"):
        before = spec.staff[record.performer] if record.performer < len(spec.staff) else None
        for who in spec.staff[record.performer + 1 :]:
            yield who.backend if before and _differ_by_backend(before, who) else who_text(who)
            before = who
        if spec.split is not None:
            yield "smaller tasks"
    if rung in ("same", "alternative", "split") and spec.advisor is not None:
        yield "the architect" if spec.advisor.agent == "architect" else who_text(spec.advisor)
    if rung != "human" and spec.hand_over is not None and spec.backend != HUMAN:
        yield "a person"


def _differ_by_backend(one: Assignee, other: Assignee) -> bool:
    return one.agent == other.agent and one.backend != other.backend
