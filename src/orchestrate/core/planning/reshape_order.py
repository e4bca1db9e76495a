"""The order of a workflow as the command line wants it (A18, C2): `--parallel`, `--sequential`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import msgspec

from orchestrate.core.planning.definition import TaskSpec, Workflow
from orchestrate.core.planning.mentions import Mention, mentions
from orchestrate.core.planning.reshape_parts import bridged, chosen, phase_of
from orchestrate.errors import RequestError

_replace = msgspec.structs.replace


def sequential(workflow: Workflow) -> Workflow:
    """One attempt at a time, everywhere; in which order is left to readiness and priority."""
    return _replace(workflow, limits=_replace(workflow.limits, max_parallel=1))


def in_parallel(workflow: Workflow) -> Workflow:
    """Tasks of one phase side by side, as far as they use nothing of each other.

    A phase that runs its tasks one after another makes each need the one before. Such a need goes,
    unless the task names what the other one did.
    """
    used = {(found.task, found.name) for found in mentions(workflow) if found.task}
    tasks = {task.id: task for task in workflow.tasks}
    for phase in workflow.phases:
        members = [task.id for task in workflow.tasks if task.phase == phase.name]
        for number, name in enumerate(members if not phase.parallel else ()):
            own = [need for need in members[:number] if (name, need) in used]
            previous = members[number - 1 : number]
            needs = [need for need in tasks[name].needs if need not in previous]
            tasks[name] = _with_needs(tasks[name], tuple(dict.fromkeys((*needs, *own))))
    return _replace(
        workflow,
        phases=tuple(
            phase if phase.parallel else _replace(phase, parallel=True, max_concurrent=None)
            for phase in workflow.phases
        ),
        tasks=tuple(tasks[task.id] for task in workflow.tasks),
    )


def side_by_side(workflow: Workflow, groups: Sequence[Sequence[str]]) -> Workflow:
    """The phases, or tasks of one phase, of each group without order between them.

    Names may be cut short as for `with_phases`. What came before one of a group comes before it
    still; what comes after a group comes after all of it.

    Raises:
        RequestError: a name is unknown or alone, something stands between two of a group, or one
            of them uses what another one does; that is then named.
    """
    for names in groups:
        workflow = _freed_group(workflow, names)
    return workflow


def _freed_group(workflow: Workflow, names: Sequence[str]) -> Workflow:
    phases = [phase.name for phase in workflow.phases]
    tasks = [task.id for task in workflow.tasks]
    if len(set(names)) < 2 or not all(names):
        raise RequestError(
            f"--parallel={'+'.join(names)} names nothing to run side by side",
            remedy="write two or more phases or tasks with + between them",
        )
    what = f"phase or task of {workflow.name}"
    group = [chosen(name, _candidates(name, phases, tasks), what) for name in names]
    if all(name in phases for name in group):
        return _phases(workflow, group)
    if any(name not in tasks for name in group) or len(_homes(workflow, group)) > 1:
        raise RequestError(
            f"{' and '.join(group)} cannot run side by side: they are not tasks of one phase",
            remedy="name phases, or tasks of one phase",
        )
    return _tasks(workflow, group)


def _candidates(name: str, phases: list[str], tasks: list[str]) -> Collection[str]:
    """Phases before tasks, since a phase may be called like one of its tasks."""
    return phases if any(phase.startswith(name) for phase in phases) else [*phases, *tasks]


def _homes(workflow: Workflow, group: Sequence[str]) -> set[str]:
    return {task.phase for task in workflow.tasks if task.id in group}


def _phases(workflow: Workflow, group: list[str]) -> Workflow:
    before = {phase.name: phase.depends_on for phase in workflow.phases}
    homes = {task.id: task.phase for task in workflow.tasks}

    def place(name: str, kind: str) -> str:
        return name if kind == "phase" else homes[name]

    _refuse_data(workflow, group, lambda found: found.phase, place)
    freed = _free(group, before)
    crossing = {
        task.id: tuple(need for need in task.needs if not _crosses(homes[need], task.phase, group))
        for task in workflow.tasks
    }
    return _replace(
        workflow,
        phases=tuple(_replace(each, depends_on=freed[each.name]) for each in workflow.phases),
        tasks=tuple(_replace(task, needs=crossing[task.id]) for task in workflow.tasks),
    )


def _crosses(source: str, target: str, group: list[str]) -> bool:
    return source != target and source in group and target in group


def _tasks(workflow: Workflow, group: list[str]) -> Workflow:
    before = {task.id: task.needs for task in workflow.tasks}
    _refuse_data(workflow, group, lambda found: found.task, lambda name, _: name)
    freed = _free(group, before)
    home = phase_of(workflow, next(iter(_homes(workflow, group))))
    at_once = home.max_concurrent
    if at_once is not None:
        at_once = max(at_once, len(group))
    opened = _replace(home, max_concurrent=at_once)
    return _replace(
        workflow,
        phases=tuple(opened if phase is home else phase for phase in workflow.phases),
        tasks=tuple(_with_needs(task, freed[task.id]) for task in workflow.tasks),
    )


def _with_needs(task: TaskSpec, needs: tuple[str, ...]) -> TaskSpec:
    return _replace(task, needs=needs, trigger=task.trigger if needs else "all_success")


def _refuse_data(
    workflow: Workflow,
    group: list[str],
    holder: Callable[[Mention], str],
    place: Callable[[str, str], str],
) -> None:
    """Nothing of the group may name what another of the group does."""
    for found in mentions(workflow):
        target = place(found.name, found.kind)
        if _crosses(target, holder(found), group):
            raise RequestError(
                f"{holder(found)} cannot run beside {target}: {found.by} uses {found.text}",
                remedy="leave one of them out of --parallel",
            )


def _free(group: list[str], before: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """`before` without the dependencies within `group`, which inherit what was before them.

    Raises:
        RequestError: one of the group comes before another by way of something else.
    """
    found = {**before, **{name: bridged(before[name], group, before) for name in group}}
    for name in group:
        between = _between(name, group, found)
        if between:
            raise RequestError(
                f"{between[0]} and {name} cannot run side by side: {between[1]} stands between",
                remedy=f"name {between[1]} as well, or leave one of them out of --parallel",
            )
    return found


def _between(
    name: str, group: list[str], before: dict[str, tuple[str, ...]]
) -> tuple[str, str] | None:
    """Another of the group that comes before `name`, and what it does so by."""
    queue = [(need, need) for need in before[name] if need not in group]
    seen: set[str] = set()
    while queue:
        need, by = queue.pop()
        for earlier in before.get(need, ()):
            if earlier in group:
                return earlier, by
            if earlier not in seen:
                seen.add(earlier)
                queue.append((earlier, by))
    return None
