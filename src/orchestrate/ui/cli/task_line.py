"""One task as one line of a picture: its status as a word, how long it took, and what of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from orchestrate.core.running.state import RunState, TaskState
from orchestrate.core.running.status import TASK_SETTLED, RunStatus, TaskStatus
from orchestrate.core.views.agent_cause import handed_cause
from orchestrate.core.views.explain import waiting_reason
from orchestrate.core.views.ladder import performer_text, purpose
from orchestrate.ui.cli.output import duration, printable

STYLE: dict[TaskStatus, str] = {
    TaskStatus.SUCCEEDED: "green",
    TaskStatus.RUNNING: "bold cyan",
    TaskStatus.FAILED: "bold red",
    TaskStatus.RETRYING: "yellow",
    TaskStatus.MERGING: "cyan",
    TaskStatus.CONFLICTED: "bold yellow",
    TaskStatus.HANDED: "bold yellow",
    TaskStatus.READY: "",
    TaskStatus.BLOCKED: "dim",
    TaskStatus.SKIPPED: "dim",
    TaskStatus.CANCELLED: "dim",
}
WORD: dict[TaskStatus, str] = {
    TaskStatus.SUCCEEDED: "done",
    TaskStatus.RUNNING: "running",
    TaskStatus.FAILED: "FAILED",
    TaskStatus.RETRYING: "retrying",
    TaskStatus.MERGING: "merging",
    TaskStatus.CONFLICTED: "CONFLICT",
    TaskStatus.HANDED: "PERSON",
    TaskStatus.READY: "waits",
    TaskStatus.BLOCKED: "waits",
    TaskStatus.SKIPPED: "skipped",
    TaskStatus.CANCELLED: "cancelled",
}
_WORD_WIDTH = 9
_ELAPSED_WIDTH = 11
#: From this width on there is room to say who performs a task.
_WIDE = 100


class Moment(NamedTuple):
    """What the state alone does not tell.

    Attributes:
        now: Unix time.
        runs_dir: where attempts report progress.
        driven: whether a live process drives the run; without one, what was running is cut off.
    """

    now: float
    runs_dir: Path
    driven: bool = True


def one_line(text: str, style: str = "") -> Text:
    """Text that is cut where the screen ends, never wrapped."""
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


class Columns(NamedTuple):
    """Widths: the name of a task, and of its performer (0: not shown)."""

    name: int
    performer: int

    @classmethod
    def of(cls, state: RunState, width: int) -> Columns:
        """What the tasks of `state` need, as far as a screen of `width` columns can give it."""
        tasks = state.index.order
        longest = max((cell_len(task.id) for task in tasks), default=0)
        performer = max((cell_len(_who(state, n)) for n in range(len(tasks))), default=0)
        return cls(
            name=min(longest, max(16, width // 4)),
            performer=min(performer, 24) if width >= _WIDE else 0,
        )


def task_line(state: RunState, number: int, moment: Moment, columns: Columns) -> Text:
    """The line of the task at position `number`."""
    spec, task = state.index.order[number], state.tasks[number]
    line = one_line("  ")
    cut_off = task.status is TaskStatus.RUNNING and not moment.driven
    word = "cut off" if cut_off else WORD[task.status]
    line.append(set_cell_size(word, _WORD_WIDTH) + " ", STYLE[task.status])
    line.append(_fitted(spec.id, columns.name) + " ")
    if columns.performer:
        who = _who(state, number) or ("group" if spec.is_group else "shell")
        line.append(_fitted(who, columns.performer) + " ", "dim")
    line.append(_elapsed(task, moment).rjust(_ELAPSED_WIDTH) + "  ")
    line.append(_detail(state, number, task, moment))
    line.rstrip()
    return line


def _who(state: RunState, number: int) -> str:
    """Who performs a task now, or next; empty for a command."""
    return performer_text(state, number) or state.index.order[number].agent or ""


def _fitted(text: str, width: int) -> str:
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(text, width - 1) + "…"


def _elapsed(task: TaskState, moment: Moment) -> str:
    if not task.started_at:
        return ""
    if task.status is TaskStatus.RUNNING:
        end = moment.now if moment.driven else 0.0
    else:
        end = task.finished_at
    return duration(max(0.0, end - task.started_at)) if end else ""


def _detail(state: RunState, number: int, task: TaskState, moment: Moment) -> str:
    match task.status:
        case TaskStatus.RUNNING:
            folder = f"{state.index.order[number].id}.{task.attempts}"
            said = progress_of(moment.runs_dir / state.run / "attempts" / folder)
            again = f"attempt {task.attempts}{_stands(state, number)}" if task.attempts > 1 else ""
            return ": ".join(part for part in (again, said) if part)
        case TaskStatus.SUCCEEDED:
            unsure = "" if task.verified else "unverified: "
            return unsure + printable(task.summary)
        case TaskStatus.RETRYING if task.not_before > moment.now and not state.stopping:
            return f"again in {duration(task.not_before - moment.now)}: {printable(task.message)}"
        case TaskStatus.HANDED:
            return printable(handed_cause(state, number, moment.now).text.removeprefix("it is "))
        case _ if state.status is RunStatus.PAUSED and task.status not in TASK_SETTLED:
            return ""  # said once, below
        case (
            TaskStatus.BLOCKED
            | TaskStatus.READY
            | TaskStatus.RETRYING
            | TaskStatus.MERGING
            | TaskStatus.CONFLICTED
        ):
            return printable(waiting_reason(state, number).removeprefix("it "))
        case _:
            return printable(task.message)


def _stands(state: RunState, number: int) -> str:
    """What is different about an attempt that is not simply one more of the same."""
    about = purpose(state, number)
    if about or state.tasks[number].rung == "same":
        return printable(about)
    return f", by {printable(performer_text(state, number))}"


def progress_of(folder: Path) -> str:
    """The latest progress an attempt reported on its stdout, as text; empty if it reported none."""
    try:
        with (folder / "stdout.log").open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - 4096))
            lines = file.read().splitlines()
    except OSError:
        return ""
    for line in reversed(lines):
        if line.startswith(b'{"progress"'):
            try:
                found = json.loads(line)["progress"]
                return f"{found['done']} of {found['total']}: {printable(str(found['what']))}"
            except (ValueError, KeyError, TypeError):
                continue
    return ""
