"""A run on one screen: phases, tasks, elapsed time, what waits and why. Legible without colour.

Status is a word, never a colour alone. What does not fit is counted: finished tasks give way first,
then those that wait, and what runs or went wrong stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.console import Group
from rich.text import Text

from orchestrate.core.planning.budget import NOTHING
from orchestrate.core.running.plan import bits
from orchestrate.core.running.scope import phase_status
from orchestrate.core.running.spending import RUN
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import RUN_ENDED, RunStatus, TaskStatus
from orchestrate.core.views.agent_cause import exhausted_cause, handed_causes
from orchestrate.core.views.amounts import made_up, spent_of
from orchestrate.core.views.cause import gate_causes
from orchestrate.core.views.line_cause import line_causes
from orchestrate.core.wording import count
from orchestrate.ui.cli.output import duration, printable
from orchestrate.ui.cli.task_line import WORD, Columns, Moment, one_line, task_line

#: What is shown first when not everything fits.
_URGENCY: dict[TaskStatus, int] = {
    TaskStatus.FAILED: 0,
    TaskStatus.CONFLICTED: 0,
    TaskStatus.HANDED: 0,
    TaskStatus.RUNNING: 1,
    TaskStatus.MERGING: 2,
    TaskStatus.RETRYING: 2,
    TaskStatus.READY: 3,
    TaskStatus.BLOCKED: 4,
    TaskStatus.CANCELLED: 5,
    TaskStatus.SKIPPED: 6,
    TaskStatus.SUCCEEDED: 7,
}
#: What the first line counts besides what is done.
_COUNTED = (
    TaskStatus.RUNNING,
    TaskStatus.RETRYING,
    TaskStatus.MERGING,
    TaskStatus.CONFLICTED,
    TaskStatus.HANDED,
    TaskStatus.FAILED,
)
_PHASE_WORD = {
    "blocked": "waits",
    "active": "active",
    "gated": "at its gate",
    "done": "done",
    "failed": "FAILED",
    "skipped": "skipped",
}


class Screen(NamedTuple):
    """What there is room for: columns, and lines in all."""

    width: int
    height: int


#: For pipes and files: everything, uncut.
UNBOUNDED = Screen(100_000, 1_000_000)


def picture(state: RunState, moment: Moment, screen: Screen) -> Group:
    """What is shown of `state`."""
    now = moment.now
    footer = list(_footer(state, now))
    columns = Columns.of(state, screen.width)
    room = max(1, screen.height - 1 - len(footer))
    body = list(_body(state, moment, columns, room))
    if len(body) > room:
        body = [*body[: room - 1], one_line(f"… and {len(body) - room + 1} more lines", "dim")]
    return Group(_header(state, now), *body, *footer)


def _header(state: RunState, now: float) -> Text:
    counts = Counter(task.status for task in state.tasks.values())
    parts = [f"{counts[TaskStatus.SUCCEEDED]} of {len(state.tasks)} tasks done"]
    parts += [f"{counts[status]} {WORD[status]}" for status in _COUNTED if counts[status]]
    line = one_line("")
    line.append(state.index.workflow.name, "bold")
    line.append(f"  run {state.run}  ")
    line.append(state.status.value, "bold")
    elapsed = duration(max(0.0, (state.ended_at or now) - state.created_at))
    line.append(f"  {', '.join(parts)}  {elapsed}{_consumed(state)}")
    return line


def _consumed(state: RunState) -> str:
    """What counts against the run's budget; of a run without one, what agents cost."""
    amount = state.spent.get(RUN, NOTHING)
    if state.budget.limits:
        return f"  {spent_of(amount, state.budget)}{made_up(state)}"
    least = "at least " if state.unpriced else ""
    return f"  {least}{amount.cost_usd:.4f} USD{made_up(state)}" if state.spent else ""


# -- phases and tasks --------------------------------------------------------------------------


def _body(state: RunState, moment: Moment, columns: Columns, room: int) -> Iterator[Text]:
    plan = state.index
    phases = plan.workflow.phases
    order = {plan.position[task.id]: n for n, task in enumerate(plan.workflow.tasks)}
    statuses = [phase_status(state, phase) for phase in range(len(phases))]
    listed = _listed(statuses, room)
    shown = _chosen(state, room - len(listed)) if len(listed) == len(phases) else set()
    width = max(cell_len(phases[phase].name) for phase in listed)
    for phase in listed:
        status = statuses[phase]
        numbers = sorted(plan.phase_tasks[phase], key=order.__getitem__)
        name = set_cell_size(phases[phase].name, width)
        yield _phase_line(state, phase, status, numbers, name, moment)
        if status == "blocked":
            continue
        yield from (task_line(state, n, moment, columns) for n in numbers if n in shown)
        hidden = Counter(WORD[state.tasks[n].status] for n in numbers if n not in shown)
        if hidden and shown and status not in ("done", "skipped"):
            yield _rest(hidden, "")
        for cause in gate_causes(state, moment.now, phase):
            yield one_line(f"  {printable(cause.text)}", "bold yellow")
    left = Counter(_PHASE_WORD[statuses[n]] for n in range(len(phases)) if n not in listed)
    if left:
        yield _rest(left, " phases")


def _rest(hidden: Counter[str], what: str) -> Text:
    words = ", ".join(f"{number} {word}" for word, number in hidden.items())
    return one_line(
        f"  … and {hidden.total()} more{what}: {words.replace('waits', 'waiting')}", "dim"
    )


def _listed(statuses: list[str], room: int) -> list[int]:
    """Which phases get a line, in order: all, or those where something happens, then the next."""
    if len(statuses) <= room:
        return list(range(len(statuses)))
    urgency = {"failed": 0, "active": 0, "gated": 0, "blocked": 1}
    ranked = sorted(range(len(statuses)), key=lambda n: (urgency.get(statuses[n], 2), n))
    return sorted(ranked[: max(1, room - 1)])


def _chosen(state: RunState, room: int) -> set[int]:
    """Positions of the tasks to show: of phases that have opened, the most urgent that fit."""
    plan = state.index
    open_tasks = [n for n in range(len(plan.order)) if state.phases[plan.phase_of[n]].opened]
    if len(open_tasks) <= room:
        return set(open_tasks)
    # A line in each phase may be needed to count what is left out.
    room -= len({plan.phase_of[n] for n in open_tasks})
    open_tasks.sort(key=lambda n: (_URGENCY[state.tasks[n].status], n))
    return set(open_tasks[: max(room, 0)])


def _phase_line(
    state: RunState, phase: int, status: str, numbers: list[int], name: str, moment: Moment
) -> Text:
    line = one_line("")
    line.append(name, "bold")
    line.append(f"  {_PHASE_WORD[status]}", "bold red" if status == "failed" else "")
    tasks = count(len(numbers), "task")
    if status == "blocked":
        plan = state.index
        before = [
            plan.workflow.phases[other].name
            for other in plan.phase_needs[phase]
            if not state.phases[other].done
        ]
        line.append(f" for {', '.join(before)}: {tasks}" if before else f": {tasks}", "dim")
        return line
    line.append(f"  {tasks}{_phase_took(state, numbers, moment)}", "dim")
    return line


def _phase_took(state: RunState, numbers: list[int], moment: Moment) -> str:
    tasks = [state.tasks[n] for n in numbers if state.tasks[n].started_at]
    running = any(task.status is TaskStatus.RUNNING for task in tasks)
    if not tasks or (running and not moment.driven):
        return ""
    until = moment.now if running else max(task.finished_at for task in tasks)
    return f", {duration(max(0.0, until - min(task.started_at for task in tasks)))}"


# -- below -------------------------------------------------------------------------------------


def _footer(state: RunState, now: float) -> Iterator[Text]:
    """Why nothing new starts, and what a person can type about it."""
    if state.stopping and state.status not in RUN_ENDED:
        yield one_line(f"stopping: {printable(state.stopping)}", "bold red")
    if state.exhausted:
        found = exhausted_cause(state)
        yield one_line(printable(found.text.removeprefix("the run is ")), "bold")
        yield one_line(f"$ {found.commands[0]}", "bold")
    elif state.status in (RunStatus.PAUSED, RunStatus.FAILED, RunStatus.CANCELLED):
        yield one_line(f"{state.status.value}: {printable(state.reason)}", "bold")
    if state.status in RUN_ENDED and state.live:
        names = ", ".join(state.index.order[n].id for n in bits(state.live))
        yield one_line(f"being stopped: {names}")
    for cause in line_causes(state):
        if cause.kind in ("checkpoint", "publication"):
            yield one_line(printable(cause.text), "dim")
        for command in cause.commands[:1]:
            yield one_line(f"$ {command}", "bold")
    for cause in (*gate_causes(state, now), *handed_causes(state, now)):
        for command in cause.commands[:1]:
            yield one_line(f"$ {command}", "bold")
