"""Laws of recovery: who tries next, nobody climbs down, every ladder ends, one at a time."""

from __future__ import annotations

from typing import NamedTuple

from orchestrate.core.planning.definition import TaskSpec
from orchestrate.core.planning.staffing import Assignee
from orchestrate.core.running import events as ev
from orchestrate.core.running.recovery import MAX_LIMITED, RUNGS
from orchestrate.core.running.state import RunState, TaskState
from orchestrate.core.running.status import RunStatus, TaskStatus

_STARTABLE = (TaskStatus.READY, TaskStatus.RETRYING)


class _Place(NamedTuple):
    """Where a task stands: further up is more. `advised`: its advisor has spoken."""

    rung: int
    performer: int
    advised: bool


class LadderLaws:
    """What is remembered of a history to judge its next event.

    `reached` is the highest place of each task since it began anew, `blamed` and `forgiven` count
    the failures there after which it was tried again.
    """

    def __init__(self) -> None:
        self._reached: dict[str, _Place] = {}
        self._blamed: dict[str, int] = {}
        self._forgiven: dict[str, int] = {}

    def check(self, before: RunState, after: RunState, event: ev.AnyEvent) -> None:
        """Whether `event` may follow."""
        match event:
            case ev.AttemptStarted(task=name):
                assert before.task(name).status in _STARTABLE, "two at once"
                assert not before.handed & (1 << before.index.position[name])
                self._climbed(name, before.task(name))
                _check_performer(before, event)
            case ev.TaskHanded(task=name):
                assert before.task(name).status in _STARTABLE, "two at once"
                assert after.live == before.live, "a person takes a slot"
                self._climbed(name, before.task(name))
                _check_handed(before, event)
            case ev.AttemptFailed(task=name):
                self._failed(before, event)
            case ev.AttemptSucceeded(task=name, by=by):
                was = before.task(name).status
                assert was is (TaskStatus.HANDED if by else TaskStatus.RUNNING)
            case ev.AdviceGiven(task=name):
                assert event.advice
                assert _offers(before, name).advisor is not None
                self._begin_place(name)
            case ev.TaskSplit(task=name):
                assert _offers(before, name).split is not None
            case ev.RunResumed() if before.status is RunStatus.FAILED:
                self._begin_anew(before)
            case ev.RunRolledBack():
                for known in (self._reached, self._blamed, self._forgiven):
                    known.clear()
        if after.handed and after.plan is not None:
            assert not after.handed & (after.live | after.ready | after.retrying)

    def _climbed(self, name: str, record: TaskState) -> None:
        place = _Place(RUNGS.index(record.rung), record.performer, bool(record.advice))
        reached = self._reached.get(name, place)
        # With advice the first performer tries once more, on the same rung.
        assert (place.rung, place.advised) >= (reached.rung, reached.advised), "climbed down"
        if place.rung == reached.rung and place.advised == reached.advised:
            assert place.performer >= reached.performer, "climbed down"
        if place != reached:
            self._begin_place(name)
        self._reached[name] = place

    def _failed(self, before: RunState, event: ev.AttemptFailed) -> None:
        spec, name = _offers(before, event.task), event.task
        if event.retry_at is None:
            assert not event.blameless
            return
        assert before.task(name).status is TaskStatus.RUNNING, "a person is not tried again"
        if event.rung:
            self._begin_place(name)
        elif event.blameless:
            assert event.cause in ("rate_limit", "budget")
            self._forgiven[name] = self._forgiven.get(name, 0) + 1
            assert self._forgiven[name] <= MAX_LIMITED, "it is waited for ever"
        else:
            self._blamed[name] = self._blamed.get(name, 0) + 1
            assert self._blamed[name] < spec.retry.max_attempts, "it is tried for ever"

    def _begin_place(self, name: str) -> None:
        self._blamed.pop(name, None)
        self._forgiven.pop(name, None)

    def _begin_anew(self, before: RunState) -> None:
        """Whoever failed, or was skipped for it, stands at the foot of the ladder again."""
        for number, record in before.tasks.items():
            if record.status in (TaskStatus.FAILED, TaskStatus.SKIPPED):
                name = before.index.order[number].id
                self._reached.pop(name, None)
                self._begin_place(name)


def _offers(state: RunState, name: str) -> TaskSpec:
    return state.index.order[state.index.position[name]]


def _check_performer(before: RunState, event: ev.AttemptStarted) -> None:
    """The one whose turn it is: of the staff, the advisor, or the resolver of a conflict."""
    spec, record = _offers(before, event.task), before.task(event.task)
    resolver = before.index.workflow.resolver
    expected: Assignee | None
    if record.resolving:
        assert resolver is not None
        expected = resolver.staff[0] if resolver.staff else None
    elif record.rung == "architect" and not record.advice:
        expected = spec.advisor
        assert expected is not None
    else:
        assert record.rung not in ("split", "human")
        assert spec.backend != "human"
        expected = spec.staff[record.performer] if spec.staff else None
    told = (event.agent, event.backend, event.model)
    assert told == (("", "", "") if expected is None else told_of(expected))
    assert event.rung == ("" if expected is None else record.rung)


def told_of(who: Assignee) -> tuple[str, str, str]:
    """What an event says of who performs an attempt."""
    return who.agent, who.backend, who.model


def _check_handed(before: RunState, event: ev.TaskHanded) -> None:
    """A task is a person's from the start, or nobody else is left."""
    spec, record = _offers(before, event.task), before.task(event.task)
    assert before.status is RunStatus.EXECUTING
    assert not before.stopping
    assert event.number == record.next_number
    assert event.base == (before.line if spec.in_workspace else "")
    assert not record.resolving
    assert spec.backend == "human" or (record.rung == "human" and spec.hand_over is not None)
    limit_s = None if spec.hand_over is None else spec.hand_over.deadline_s
    assert event.deadline_at == (None if limit_s is None else event.at + limit_s)
