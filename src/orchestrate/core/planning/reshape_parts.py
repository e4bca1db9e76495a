"""A workflow reduced to some of its phases or agents (A18): `--phases`, `--agents`.

What is left keeps its order. What came after something that is left out comes after what was before
that. Nothing that stays may name what goes: it would have no value, so that is refused with the
place.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from orchestrate.core.planning.definition import PhaseSpec, TaskSpec, Workflow
from orchestrate.core.planning.mentions import mentions
from orchestrate.errors import RequestError

_replace = msgspec.structs.replace


def with_phases(workflow: Workflow, names: Sequence[str]) -> Workflow:
    """Only the phases `names`, in the order of the workflow, with their tasks.

    A name may be cut short as long as one phase alone begins like that.

    Raises:
        RequestError: there is no such phase, or what stays names what would go.
    """
    known = [phase.name for phase in workflow.phases]
    kept = {chosen(name, known, f"phase of {workflow.name}") for name in _given(names, "phases")}
    gone = {task.id for task in workflow.tasks if task.phase not in kept}
    left = {name for name in known if name not in kept}
    return _reduced(workflow, gone, left, "--phases")


def with_agents(workflow: Workflow, names: Sequence[str]) -> Workflow:
    """Only these agents take part; tasks of others are left out, and phases that then are empty.

    Commands stay: nobody performs them. A task whose own agent is not named is done by the first of
    its alternatives that is. `builder-rust` stands for a `builder` that would be generated, and
    takes its place. Other names must be agents of the workflow: who would do what is for the
    workflow to say.

    Raises:
        RequestError: an agent has no part in the workflow, nobody is left, or what stays names
            what would go.
    """
    wanted = set(_given(names, "agents"))
    tasks = [_performed(task, wanted) for task in workflow.tasks]
    used = {each.agent for each in tasks if each is not None and each.agent}
    for name in names:
        if name not in used and not any(name == _agent_of(way) for way in _ways(workflow)):
            raise RequestError(
                f"agent {name} has no part in workflow {workflow.name}",
                remedy=f"its agents: {', '.join(_agents(workflow))}",
            )
    if not used:
        raise RequestError(
            f"workflow {workflow.name} has no task for {' or '.join(sorted(wanted))}",
            remedy=f"its agents: {', '.join(_agents(workflow))}",
        )
    kept = tuple(task for task in tasks if task is not None)
    homes = {task.phase for task in kept}
    empty = {phase.name for phase in workflow.phases if phase.name not in homes}
    gone = {task.id for task in workflow.tasks} - {task.id for task in kept}
    resolver = workflow.resolver
    if resolver is not None and resolver.agent is not None and resolver.agent not in wanted:
        resolver = None
    by_id = {task.id: task for task in kept}
    staffed = tuple(by_id.get(task.id, task) for task in workflow.tasks)
    return _reduced(_replace(workflow, tasks=staffed, resolver=resolver), gone, empty, "--agents")


def chosen(name: str, known: Collection[str], what: str) -> str:
    """The one of `known` that `name` is, or begins.

    Raises:
        RequestError: none is, or several are.
    """
    if name in known:
        return name
    found = [each for each in known if each.startswith(name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise RequestError(
            f"{name} begins more than one {what}: {', '.join(found)}",
            remedy="write one of them in full",
        )
    raise RequestError(f"there is no {what} {name}", remedy=f"there are: {', '.join(known)}")


def _given(names: Sequence[str], what: str) -> Sequence[str]:
    if not names or not all(names):
        raise RequestError(f"--{what} names nothing", remedy=f"write --{what}=NAME,NAME")
    return names


def _reduced(workflow: Workflow, gone: set[str], left: set[str], option: str) -> Workflow:
    """`workflow` without the tasks `gone` and the phases `left`."""
    _check_mentions(workflow, gone, left, option)
    needs = {task.id: task.needs for task in workflow.tasks}
    before = {phase.name: phase.depends_on for phase in workflow.phases}
    return _replace(
        workflow,
        phases=tuple(
            _replace(phase, depends_on=bridged(phase.depends_on, left, before))
            for phase in workflow.phases
            if phase.name not in left
        ),
        tasks=tuple(
            _without(task, bridged(task.needs, gone, needs))
            for task in workflow.tasks
            if task.id not in gone
        ),
    )


def _without(task: TaskSpec, needs: tuple[str, ...]) -> TaskSpec:
    """`task` with other needs; a rule about needed tasks goes with the last of them."""
    trigger = task.trigger if needs else "all_success"
    return _replace(task, needs=needs, trigger=trigger)


def _check_mentions(workflow: Workflow, gone: set[str], left: set[str], option: str) -> None:
    for found in mentions(workflow):
        if found.task in gone or found.phase in left:
            continue
        if found.name in (gone if found.kind == "task" else left):
            raise RequestError(
                f"{found.by} uses {found.text}, and {option} leaves {found.kind} {found.name} out",
                remedy=f"take {_home(workflow, found.name, found.kind)} in as well",
            )


def _home(workflow: Workflow, name: str, kind: str) -> str:
    """What to name, so that a task or phase takes part."""
    if kind == "phase":
        return f"phase {name}"
    task = next(task for task in workflow.tasks if task.id == name)
    agent = f" (agent {task.agent})" if task.agent else ""
    return f"phase {task.phase}{agent}"


def bridged(
    names: tuple[str, ...], gone: Collection[str], before: dict[str, tuple[str, ...]]
) -> tuple[str, ...]:
    """`names`, where what is gone stands for what was before it."""
    found: dict[str, None] = {}
    seen: set[str] = set()
    queue = list(names)
    while queue:
        name = queue.pop(0)
        if name not in gone:
            found.setdefault(name)
        elif name not in seen:
            seen.add(name)
            queue[:0] = before.get(name, ())
    return tuple(found)


# -- agents ------------------------------------------------------------------------------------


def _performed(task: TaskSpec, wanted: set[str]) -> TaskSpec | None:
    """`task` as those `wanted` perform it; None if they do not."""
    if task.agent is None:
        return task
    alternatives = tuple(way for way in task.alternatives if _agent_of(way) in {"", *wanted})
    task = _replace(
        task,
        alternatives=alternatives,
        escalate=task.escalate if task.escalate in wanted else "",
    )
    if task.agent in wanted:
        return task
    generated = [name for name in sorted(wanted) if name.startswith(f"{task.generate}-")]
    if task.generate and generated:
        return _replace(task, agent=generated[0], generate="")
    named = next((way for way in alternatives if _agent_of(way)), None)
    if named is None:
        return None
    agent, _, backend = named.partition("@")
    rest = tuple(way for way in alternatives if way != named)
    return _replace(
        task, agent=agent, backend=backend or task.backend, alternatives=rest, generate=""
    )


def _agent_of(way: str) -> str:
    """The agent of an alternative; empty for `@backend`, which is any agent by other means."""
    return way.partition("@")[0]


def _ways(workflow: Workflow) -> tuple[str, ...]:
    """Agents and alternatives of all tasks."""
    own = (task.agent for task in workflow.tasks if task.agent)
    return (*own, *(way for task in workflow.tasks for way in task.alternatives))


def _agents(workflow: Workflow) -> tuple[str, ...]:
    """Names that can be chosen from, in the order of the workflow."""
    return tuple(dict.fromkeys(filter(None, map(_agent_of, _ways(workflow)))))


def phase_of(workflow: Workflow, name: str) -> PhaseSpec:
    """The phase called `name`."""
    return next(phase for phase in workflow.phases if phase.name == name)
