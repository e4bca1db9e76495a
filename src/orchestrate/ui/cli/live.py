"""The live view: phases, tasks, elapsed time, what waits and why. Legible without colour."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from orchestrate.core.running.events import AnyEvent
from orchestrate.core.running.plan import bits
from orchestrate.core.running.scope import phase_status
from orchestrate.core.running.state import RunState, TaskState
from orchestrate.core.running.status import RUN_ENDED, TaskStatus
from orchestrate.core.views.explain import waiting_reason
from orchestrate.ui.cli.output import duration, printable

#: Redraws a second: enough to see seconds tick, little enough for a slow link.
REFRESH_PER_S = 4
#: Most task lines shown; what does not fit is counted.
MAX_ROWS = 40

_STYLE: dict[TaskStatus, str] = {
    TaskStatus.SUCCEEDED: "green",
    TaskStatus.RUNNING: "bold cyan",
    TaskStatus.FAILED: "bold red",
    TaskStatus.RETRYING: "yellow",
    TaskStatus.SKIPPED: "dim",
    TaskStatus.BLOCKED: "dim",
    TaskStatus.CANCELLED: "dim",
    TaskStatus.READY: "",
}
_WORD: dict[TaskStatus, str] = {
    TaskStatus.SUCCEEDED: "done",
    TaskStatus.RUNNING: "running",
    TaskStatus.FAILED: "FAILED",
    TaskStatus.RETRYING: "retrying",
    TaskStatus.SKIPPED: "skipped",
    TaskStatus.BLOCKED: "waits",
    TaskStatus.CANCELLED: "cancelled",
    TaskStatus.READY: "ready",
}


class LiveView:
    """Redraws the state of one run on stderr until it is closed; the last picture stays."""

    def __init__(self, runs_dir: Path, console: Console | None = None) -> None:
        self._runs_dir = runs_dir
        self._state: RunState | None = None
        self._live = Live(
            console=console or Console(stderr=True),
            get_renderable=self._render,
            refresh_per_second=REFRESH_PER_S,
            transient=False,
        )

    def __enter__(self) -> LiveView:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def observe(self, events: Sequence[AnyEvent], state: RunState) -> None:  # noqa: ARG002
        """Show `state` from the next redraw on."""
        self._state = state

    def _render(self) -> RenderableType:
        if self._state is None:
            return Text("starting …")
        return picture(self._state, time.time(), self._runs_dir)


def picture(state: RunState, now: float, runs_dir: Path) -> RenderableType:
    """What the view shows of `state` at Unix time `now`."""
    end = state.ended_at or now
    done = sum(task.status is TaskStatus.SUCCEEDED for task in state.tasks.values())
    header = Text.assemble(
        (state.index.workflow.name, "bold"),
        f"  run {state.run}  ",
        (state.status.value, "bold"),
        f"  {done} of {len(state.tasks)} tasks done  {duration(end - state.created_at)}",
    )
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    for _ in range(4):
        table.add_column(overflow="ellipsis", no_wrap=True)
    table.add_column(overflow="ellipsis", no_wrap=True, ratio=1)
    hidden = _fill(table, state, now, runs_dir)
    parts: list[RenderableType] = [header, table]
    if hidden:
        parts.append(Text(f"… and {hidden} more tasks", style="dim"))
    if state.stopping and state.status not in RUN_ENDED:
        parts.append(Text(f"stopping: {state.stopping}", style="bold red"))
    return Group(*parts)


def _fill(table: Table, state: RunState, now: float, runs_dir: Path) -> int:
    """Add a line per phase and task; returns how many tasks did not fit."""
    shown = _shown(state)
    hidden = 0
    plan = state.index
    for phase, spec in enumerate(plan.workflow.phases):
        table.add_row(Text(spec.name, style="bold"), Text(phase_status(state, phase), style="dim"))
        for task in plan.workflow.tasks:
            number = plan.position[task.id]
            if plan.phase_of[number] != phase:
                continue
            if number not in shown:
                hidden += 1
                continue
            record = state.tasks[number]
            table.add_row(
                Text(f"  {_WORD[record.status]}", style=_STYLE[record.status]),
                task.id,
                Text(task.agent or "shell", style="dim"),
                _elapsed(record, now),
                Text(_detail(state, number, record, runs_dir), style="dim"),
            )
    return hidden


def _shown(state: RunState) -> set[int]:
    """Positions that fit: what runs first, then what went wrong, then the rest in order."""
    live = list(bits(state.live))
    bad = [n for n, task in state.tasks.items() if task.status is TaskStatus.FAILED]
    rest = range(len(state.tasks))
    return set(list(dict.fromkeys([*live, *bad, *rest]))[:MAX_ROWS])


def _elapsed(record: TaskState, now: float) -> str:
    if not record.started_at:
        return ""
    end = now if record.status is TaskStatus.RUNNING else record.finished_at
    return duration(max(0.0, end - record.started_at))


def _detail(state: RunState, number: int, record: TaskState, runs_dir: Path) -> str:
    match record.status:
        case TaskStatus.RUNNING:
            name = state.index.order[number].id
            return progress_of(runs_dir / state.run / "attempts" / f"{name}.{record.attempts}")
        case TaskStatus.SUCCEEDED:
            return printable(record.summary)
        case TaskStatus.BLOCKED | TaskStatus.READY | TaskStatus.RETRYING:
            return waiting_reason(state, number)
        case _:
            return printable(record.message)


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
                return f"{printable(str(found['what']))} {found['done']} of {found['total']}"
            except (ValueError, KeyError, TypeError):
                continue
    return ""
