"""Laws about delivered work, the integration line and its checkpoints."""

from __future__ import annotations

from orchestrate.core.planning.write_set import overlap
from orchestrate.core.running import events as ev
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import RunStatus, TaskStatus

_MOVES = (ev.RunCreated, ev.WorkMerged, ev.CheckpointTaken, ev.RunRolledBack)
_DECIDES = (ev.WorkMerged, ev.WorkReturned, ev.WorkConflicted)


class LineLaws:
    """What is remembered of a history to judge its next event.

    `held` are works delivered and since then held by a checkpoint; `ids` the checkpoints taken;
    `published` the commit the user was given last.
    """

    def __init__(self) -> None:
        self._held: set[str] = set()
        self._ids: list[str] = []
        self._published = ""

    def check(self, before: RunState, after: RunState, event: ev.AnyEvent) -> None:
        """Whether `event` may follow."""
        assert before.line == after.line or isinstance(event, _MOVES), event
        match event:
            case ev.AttemptStarted():
                _check_alone(before, event.task)
            case ev.AttemptSucceeded():
                self._held.discard(event.task)
            case ev.WorkResolved():
                self._held.discard(event.task)
                assert before.task(event.task).status is TaskStatus.CONFLICTED
            case ev.WorkMerged() | ev.WorkReturned() | ev.WorkConflicted():
                _check_decided(before, event)
                if isinstance(event, ev.WorkMerged) and before.base:
                    assert event.task in self._held, "merged before a checkpoint was taken"
            case ev.CheckpointTaken():
                self._check_checkpoint(before, after, event)
            case ev.RunRolledBack():
                assert event.checkpoint in self._ids
                self._held = set()
            case ev.LinePublished():
                self._published = event.commit
            case ev.RunCompleted():
                _check_all_settled(before)
                assert before.line in (before.base, self._published)

    def _check_checkpoint(
        self, before: RunState, after: RunState, event: ev.CheckpointTaken
    ) -> None:
        assert event.checkpoint not in self._ids
        assert int(event.checkpoint[1:]) == len(self._ids) + 1 == after.checkpoints
        self._ids.append(event.checkpoint)
        self._held |= {
            before.index.order[number].id
            for number, task in before.tasks.items()
            if task.status is TaskStatus.MERGING
        }
        at_work = [
            before.index.order[number]
            for number, task in before.tasks.items()
            if task.status is TaskStatus.RUNNING
        ]
        assert event.quiet == (not at_work)
        told = set(event.snapshots) | set(event.missing)
        assert not set(event.snapshots) & set(event.missing)
        if before.base:
            assert told == {task.id for task in at_work if task.writes}
        assert before.due is None or after.due is None
        if event.line != before.line:
            assert before.status in (RunStatus.EXECUTING, RunStatus.PAUSED)


def _check_alone(before: RunState, name: str) -> None:
    """Nobody is at work on files that `name` is expected to write, nor is such work unmerged."""
    mine = before.index.order[before.index.position[name]]
    if not mine.forecast:
        return
    for number, task in before.tasks.items():
        other = before.index.order[number]
        busy = task.status in (TaskStatus.RUNNING, TaskStatus.MERGING)
        if busy and other.id != name and other.forecast and not other.is_group:
            assert not overlap(mine.forecast, other.forecast), (name, other.id)


def _check_decided(
    before: RunState, event: ev.WorkMerged | ev.WorkReturned | ev.WorkConflicted
) -> None:
    task = before.task(event.task)
    assert task.attempts == event.number
    assert task.work is not None
    allowed = {TaskStatus.MERGING}
    if isinstance(event, ev.WorkReturned):
        allowed.add(TaskStatus.CONFLICTED)
    assert task.status in allowed


def _check_all_settled(before: RunState) -> None:
    """A completed run left no work unmerged, and gave the user what it merged."""
    for task in before.tasks.values():
        assert task.status not in (TaskStatus.MERGING, TaskStatus.CONFLICTED)
        if task.work is not None and task.status is TaskStatus.SUCCEEDED:
            assert task.commit
    assert before.line == before.base or before.published
