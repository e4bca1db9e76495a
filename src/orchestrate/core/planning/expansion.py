"""A group of tasks whose number is known only when the run is there, written into the plan.

The group itself stays, under its own name: everything that needs it goes on to do so. It comes to
need its members and ends with them.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from orchestrate.core.ids import is_name
from orchestrate.core.planning.definition import InputValue, TaskSpec, Workflow

_replace = msgspec.structs.replace


def member_id(group: str, key: str) -> str:
    """The id of the member of `group` that stands for the item `key`."""
    return f"{group}.{key}"


def problem_with(workflow: Workflow, group: TaskSpec, keys: Sequence[str]) -> str:
    """Why the items `keys` cannot become members of `group`; empty when they can."""
    if group.each is not None and len(keys) > group.each.limit:
        return f"its list has {len(keys)} items, and at most {group.each.limit} are allowed"
    taken = {task.id for task in workflow.tasks}
    for key in keys:
        name = member_id(group.id, key)
        if not is_name(name):
            return f"the key {key!r} cannot be part of a task's name"
        if name in taken:
            return f"two tasks would be called {name}"
        taken.add(name)
    return ""


def split(workflow: Workflow, name: str) -> Workflow:
    """`workflow` with the task `name` a group over the list that it offers to be split by."""
    return _replace(
        workflow,
        tasks=tuple(
            _replace(task, each=task.split, split=None, when=None) if task.id == name else task
            for task in workflow.tasks
        ),
    )


def expanded(
    workflow: Workflow,
    group: str,
    items: Sequence[tuple[str, dict[str, InputValue], tuple[str, ...]]],
) -> Workflow:
    """`workflow` with one task per item (key, values, paths it writes) before the group `group`."""
    tasks: list[TaskSpec] = []
    for task in workflow.tasks:
        if task.id == group:
            members = [_member(task, *item) for item in items]
            tasks += members
            tasks.append(_joined(task, tuple(member.id for member in members)))
        else:
            tasks.append(task)
    return _replace(workflow, tasks=tuple(tasks))


def _member(
    group: TaskSpec, key: str, values: dict[str, InputValue], writes: tuple[str, ...]
) -> TaskSpec:
    return _replace(
        group,
        id=member_id(group.id, key),
        each=None,
        when=None,  # it was judged for the group
        group=group.id,
        item={"key": key, **values},
        writes=writes or group.writes,
    )


def _joined(group: TaskSpec, members: tuple[str, ...]) -> TaskSpec:
    tolerate = group.each is not None and group.each.tolerate
    return _replace(
        group,
        each=None,
        when=None,
        group=group.id,
        members=members,
        # Without members it keeps its own needs: whoever tolerated a failure there still does.
        needs=members or group.needs,
        trigger="all_done",
        outputs=(),
        tolerate=tolerate,
    )
