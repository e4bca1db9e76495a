"""Tasks in the hands of people, as text."""

from __future__ import annotations

import time
from collections.abc import Iterator

from orchestrate.ui.cli.output import duration, printable
from orchestrate.ui.cli.task_data import HandedTask, HandedTaskDetail


def row_text(row: HandedTask, now: float) -> str:
    """One line of the list; `now` is Unix seconds."""
    why = f": {printable(row.reason)}" if row.reason else ""
    begun = "begun" if row.folder else "not begun"
    return f"{row.run}  {row.task}  attempt {row.number}  {begun}, {_until(row, now)}{why}"


def detail_text(data: HandedTaskDetail, now: float) -> str:
    """Everything about a task, for somebody who is to do it."""
    return "\n".join(_lines(data, now))


def _lines(data: HandedTaskDetail, now: float) -> Iterator[str]:
    yield f"task {data.task} of run {data.run}, phase {data.phase}, attempt {data.number}"
    yield f"time      {_until(data, now)}"
    if data.reason:
        yield f"because   {printable(data.reason)}"
    if data.message:
        yield f"message   {printable(data.message)}"
    if data.prompt:
        yield "\nwhat is to be done:\n"
        yield from (f"  {printable(line)}" for line in data.prompt.splitlines())
        yield ""
    yield from (f"earlier   {printable(line)}" for line in data.earlier)
    yield from (f"input     {name} = {printable(str(x))}" for name, x in data.inputs.items())
    for item in data.artifacts:
        yield f"read      {item.task}/{item.name}: {printable(item.path)}"
    if data.writes:
        must = " (something has to be changed)" if data.must_change else ""
        yield f"change    {printable(', '.join(data.writes))}{must}"
    for output in data.outputs:
        wanted = "required" if output.required else "optional"
        path = printable(f"{data.outputs_dir}/{output.path}")
        yield f"output    {output.name} ({wanted}): {path}"
    if data.folder:
        yield f"work in   {printable(data.folder)}"


def _until(row: HandedTask, now: float) -> str:
    if row.deadline_at is None:
        return "no deadline"
    left = row.deadline_at - now
    at = time.strftime("%Y-%m-%d %H:%M", time.localtime(row.deadline_at))
    return f"until {at} ({duration(left)} left)" if left > 0 else f"was due at {at}"
