"""The command that shows a run, or one task of it, in full: show."""

from __future__ import annotations

import time

import click

from orchestrate.app import runs
from orchestrate.core.running.state import RunState
from orchestrate.errors import RequestError
from orchestrate.ui.cli.data import UnplannedRun, run_detail, task_detail
from orchestrate.ui.cli.opened import opened
from orchestrate.ui.cli.output import Output, duration, printable, repo_option, with_output


@click.command()
@click.argument("run_id", metavar="[RUN]", default="last")
@click.argument("task", required=False)
@click.option(
    "--at", type=click.IntRange(min=1), default=None, metavar="N", help="As it was after event N."
)
@repo_option
@with_output
def show(output: Output, run_id: str, task: str | None, at: int | None, repo: str | None) -> int:
    """Show a run, one of its tasks, or its state at an earlier event.

    RUN is the latest by default.
    """
    with opened(repo) as (_site, store):
        state = runs.load(store, runs.resolve(store, run_id), at=at)
    if state.plan is None:
        output.data(
            UnplannedRun(run=state.run, status=state.status), f"run {state.run} has no plan yet"
        )
        return 0
    if task is None:
        output.data(run_detail(state), lambda: _run_text(state))
        return 0
    if task not in state.index.position:
        raise RequestError(
            f"run {state.run} has no task {task!r}",
            remedy=f"its tasks: {', '.join(state.index.position)}",
        )
    output.data(task_detail(state, task), lambda: _task_text(state, task))
    return 0


def _run_text(state: RunState) -> str:
    rows = [
        ("run", state.run),
        ("workflow", state.index.workflow.name),
        ("status", state.status.value + (f": {state.reason}" if state.reason else "")),
        ("request", printable(state.request)),
        ("repository", printable(state.repository)),
        ("revision", state.revision or "none"),
        ("events", str(state.version)),
        ("created", time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(state.created_at))),
        ("took", duration((state.ended_at or state.updated_at) - state.created_at)),
    ]
    rows += [(f"input {name}", printable(str(value))) for name, value in state.inputs.items()]
    lines = [f"{name:<22} {value}" for name, value in rows]
    for spec in state.index.workflow.tasks:
        record = state.task(spec.id)
        note = printable(record.summary or record.message)
        lines.append(f"task {spec.id:<17} {record.status.value}" + (f": {note}" if note else ""))
        lines += [f"  {item.name:<20} {item.path}" for item in record.artifacts]
    return "\n".join(lines)


def _task_text(state: RunState, name: str) -> str:
    spec = state.index.order[state.index.position[name]]
    record = state.task(name)
    took = duration(record.finished_at - record.started_at) if record.finished_at else "not ended"
    rows = [
        ("task", f"{name} (phase {spec.phase})"),
        ("performer", spec.agent or f"shell: {printable(spec.run or '')}"),
        ("status", record.status.value),
        ("attempts", str(record.attempts)),
        ("took", took if record.started_at else "not started"),
        ("needs", ", ".join(spec.needs)),
        ("summary", printable(record.summary)),
        ("message", printable(record.message)),
    ]
    lines = [f"{key:<10} {value}" for key, value in rows if value]
    lines += [f"metric     {key} = {value:g}" for key, value in sorted(record.metrics.items())]
    lines += [
        f"output     {item.name}  {item.size_bytes} bytes  sha256 {item.digest[:12]}…  {item.path}"
        for item in record.artifacts
    ]
    return "\n".join(lines)
