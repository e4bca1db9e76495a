"""The run's shared plan: a rendering of its state that every agent is given.

It is drawn from the log and never edited, so agents that work side by side cannot overwrite each
other. It holds what tasks say of themselves, attributed, and paths by name; no contents.
"""

from __future__ import annotations

from collections.abc import Iterator

from orchestrate.core.planning.definition import TaskSpec
from orchestrate.core.running.plan import PlanIndex
from orchestrate.core.running.scope import phase_status
from orchestrate.core.running.state import RunState, TaskState
from orchestrate.core.running.status import TaskStatus
from orchestrate.core.sharing.visible import one_line

#: About 6 000 tokens. Beyond it, what tasks say is left out, the earliest first.
MAX_CHARACTERS = 24_000
#: Characters of the note on what was left out.
_NOTE = 200
#: A summary is never cut: this is more than one may have, hidden characters spelt out.
_SUMMARY = 8_000
#: A failure's message may be a tool's output.
_MESSAGE = 600
_REQUEST = 2_000


def shared_plan(state: RunState, task: str = "", limit: int = MAX_CHARACTERS) -> str:
    """The plan as Markdown, at most `limit` characters (2 000 at least).

    Args:
        state: the run.
        task: whom the plan is for: what the tasks it needs say is kept before all else.
        limit: characters.

    Returns:
        The same text for the same state. What is left out for want of room is counted in it.
    """
    plan = state.plan
    if plan is None:
        return f"# Run {state.run}: no plan yet\n"
    needed = _needed(plan, task)
    order = [number for phase in plan.phase_tasks for number in phase]
    lines = {number: _line(state, number) for number in order}
    sayings = {number: text for number in order if (text := _saying(state.tasks[number]))}
    frame = _frame(state)
    room = limit - sum(map(len, frame)) - len(frame) * 2 - _NOTE
    kept_lines, room = _fitting(lines, needed, order, room)
    kept_sayings, _ = _fitting(sayings, needed, _latest_first(state, sayings), room)
    return "\n".join(_drawn(state, frame, kept_lines, kept_sayings, len(sayings))) + "\n"


def _needed(plan: PlanIndex, task: str) -> set[int]:
    """Positions of what `task` needs, the members of groups among it included."""
    if task not in plan.position:
        return set()
    direct = plan.needs[plan.position[task]]
    members = (name for number in direct for name in plan.order[number].members)
    return {*direct, *(plan.position[name] for name in members)}


def _frame(state: RunState) -> list[str]:
    """The heading, the request, and a heading for each phase."""
    workflow = state.index.workflow
    heading = f"# Run {state.run} of {workflow.name}: {state.status.value}"
    request = [f"Request: {one_line(state.request, _REQUEST)}"] if state.request else []
    return [heading, *request, *(_phase(state, number) for number in range(len(workflow.phases)))]


def _phase(state: RunState, number: int) -> str:
    # Before the start nothing has been derived yet.
    status = phase_status(state, number) if state.phases else "blocked"
    return f"## Phase {state.index.workflow.phases[number].name}: {status}"


def _line(state: RunState, number: int) -> str:
    task, record = state.index.order[number], state.tasks[number]
    tried = f", attempt {record.attempts}" if record.attempts > 1 else ""
    files = f", files: {', '.join(item.name for item in record.artifacts)}"
    return (
        f"- {task.id} ({_who(task, record)}): {record.status.value}{tried}"
        f"{files if record.artifacts else ''}"
    )


def _who(task: TaskSpec, record: TaskState) -> str:
    """Who performs it: the agent through the backend, or what runs it."""
    if task.staff:
        chosen = task.staff[min(record.performer, len(task.staff) - 1)]
        return f"{chosen.agent} on {chosen.backend}"
    if task.run is not None:
        return "shell"
    parts = (task.agent or "", task.backend or "")
    return " on ".join(part for part in parts if part) or "nobody yet"


def _saying(record: TaskState) -> str:
    """What a task says of its work, or why it has none; empty while there is neither."""
    if record.status is TaskStatus.SUCCEEDED or record.summary:
        said = [f"  says: {one_line(record.summary, _SUMMARY)}"] if record.summary else []
        said += [f"  left to do: {one_line(item, _MESSAGE)}" for item in record.follow_ups]
        return "\n".join(said)
    return f"  because: {one_line(record.message, _MESSAGE)}" if record.message else ""


def _latest_first(state: RunState, sayings: dict[int, str]) -> list[int]:
    return sorted(sayings, key=lambda number: (-state.tasks[number].finished_at, number))


def _fitting(
    texts: dict[int, str], needed: set[int], order: list[int], room: int
) -> tuple[dict[int, str], int]:
    """Those of `texts` that fit into `room`, needed ones first, then in `order`; the room left."""
    kept: dict[int, str] = {}
    for number in sorted(order, key=lambda number: number not in needed):
        cost = len(texts[number]) + 1
        if cost > room:
            break
        room -= cost
        kept[number] = texts[number]
    return kept, room


def _drawn(
    state: RunState, frame: list[str], lines: dict[int, str], sayings: dict[int, str], said: int
) -> Iterator[str]:
    phases = state.index.phase_tasks
    for text in frame[: len(frame) - len(phases)]:
        yield from (text, "")
    for heading, tasks in zip(frame[len(frame) - len(phases) :], phases, strict=True):
        yield from (heading, "")
        for number in tasks:
            if number in lines:
                yield lines[number]
                yield from (sayings[number],) if number in sayings else ()
        yield ""
    left_out = len(state.tasks) - len(lines), said - len(sayings.keys() & lines.keys())
    if any(left_out):
        yield f"[for want of room, {left_out[0]} tasks and {left_out[1]} sayings are left out]"
