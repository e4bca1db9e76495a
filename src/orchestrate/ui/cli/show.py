"""The command that shows a run, or one task of it, in full: show."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import click

from orchestrate.app import runs
from orchestrate.core.planning.budget import NOTHING
from orchestrate.core.running.spending import RUN
from orchestrate.core.running.state import GateState, RunState, TaskState
from orchestrate.core.running.status import GateStatus, TaskStatus
from orchestrate.core.views.amounts import budget_text, spent_of
from orchestrate.core.views.ladder import performer_text
from orchestrate.core.wording import count
from orchestrate.errors import RequestError
from orchestrate.ui.cli.attempt_text import attempt_lines
from orchestrate.ui.cli.data import TaskDetail, UnplannedRun, run_detail, task_detail
from orchestrate.ui.cli.opened import opened, purge_note
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
    with opened(repo) as (site, store):
        state = runs.load(store, runs.resolve(store, run_id), at=at)
        purged = purge_note(site, state.run)
        history = runs.history(store, state.run) if task is not None else []
    if state.plan is None:
        output.data(
            UnplannedRun(run=state.run, status=state.status), f"run {state.run} has no plan yet"
        )
        return 0
    if purged is not None:
        output.message(purged[1])
    if task is None:
        output.data(
            run_detail(state, purged_at=purged[0] if purged is not None else None),
            lambda: _run_text(state),
        )
        return 0
    if task not in state.index.position:
        raise RequestError(
            f"run {state.run} has no task {task!r}",
            remedy=f"its tasks: {', '.join(state.index.position)}",
        )
    so_far = [event for version, event in history if version <= state.version]
    data = task_detail(state, task, so_far)
    output.data(data, lambda: _task_text(state, data))
    return 0


def _run_text(state: RunState) -> str:
    rows = [
        ("run", state.run),
        ("workflow", state.index.workflow.name),
        ("status", state.status.value + (f": {printable(state.reason)}" if state.reason else "")),
        ("request", printable(state.request)),
        ("repository", printable(state.repository)),
        ("revision", state.revision or "none"),
        *_line_rows(state),
        *_money_rows(state),
        ("events", str(state.version)),
        ("checkpoints", str(state.checkpoints)),
        ("created", time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(state.created_at))),
        ("took", duration((state.ended_at or state.updated_at) - state.created_at)),
    ]
    rows += [(f"input {name}", printable(str(value))) for name, value in state.inputs.items()]
    lines = [f"{name:<22} {value}" for name, value in rows]
    for name, gate in sorted(state.gates.items()):
        lines.append(f"gate {name:<17} {_gate_text(state, name, gate)}")
    for spec in state.index.workflow.tasks:
        lines += _task_lines(spec.id, state.task(spec.id))
    return "\n".join(lines)


def _line_rows(state: RunState) -> Iterator[tuple[str, str]]:
    """What there is to say of the code in a run that writes."""
    if not state.base:
        return
    moved = "" if state.line != state.base else " (nothing merged)"
    yield "line", f"{state.line}{moved}"
    yield "branch", printable(state.published) or "not published"
    changes = f": {'; '.join(map(printable, state.audit_changes))}" if state.audit_changes else ""
    yield "your files untouched", (state.audit or "not looked at yet") + changes


def _money_rows(state: RunState) -> Iterator[tuple[str, str]]:
    """What agents consumed, and of what; nothing in a run without any."""
    amount = state.spent.get(RUN, NOTHING)
    if state.spent:
        least = "" if not state.unpriced else f" ({state.unpriced} attempts of unknown cost)"
        calls = f"{count(amount.tokens, 'token')} in {count(amount.turns, 'model call')}"
        yield "counted as spent", f"{amount.cost_usd:.4f} USD, {calls}{least}"
    if state.budget.limits:
        yield "budget", f"{budget_text(state.budget)} ({spent_of(amount, state.budget)})"


def _gate_text(state: RunState, name: str, gate: GateState) -> str:
    """A gate's kind and status, who or what decided it or until when it waits."""
    kind = state.index.gates[name][1].kind
    text = f"{gate.status.value} ({kind})"
    if gate.status is GateStatus.OPEN:
        text += f" since {_clock(gate.opened_at)}"
        if gate.reminded_at:
            text += f", said again {_clock(gate.reminded_at)}"
        if gate.deadline_at is not None:
            text += f", unknown without an answer by {_clock(gate.deadline_at)}"
    if gate.by:
        text += f" by {printable(gate.by)}"
    return text + (f": {printable(gate.reason)}" if gate.reason else "")


def _clock(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def _task_lines(name: str, record: TaskState) -> Iterator[str]:
    note = printable(record.summary or record.message)
    yield f"task {name:<17} {record.status.value}" + (f": {note}" if note else "")
    if record.commit:
        yield f"  {'merged':<20} {record.commit}" + ("" if record.verified else " (unverified)")
    if record.returns:
        why = f": {printable(record.message)}" if record.message else ""
        yield f"  {'sent back':<20} {record.returns} times{why}"
    for item in record.artifacts:
        yield f"  {item.name:<20} {_place(item.path)}"


def _place(path: str) -> str:
    return path if Path(path).exists() else f"{path} (gone)"


def _task_text(state: RunState, data: TaskDetail) -> str:
    spec, record = data.definition, state.task(data.task)
    took = duration(record.finished_at - record.started_at) if record.finished_at else "not ended"
    performer = performer_text(state, state.index.position[data.task])
    rows = [
        ("task", f"{data.task} (phase {spec.phase})"),
        ("performer", performer or spec.agent or f"shell: {printable(spec.run or '')}"),
        ("status", record.status.value),
        ("attempts", str(record.attempts)),
        ("took", took if record.started_at else "not started"),
        ("needs", ", ".join(spec.needs)),
        ("writes", printable(", ".join(spec.writes))),
        ("summary", printable(record.summary)),
        ("message", printable(record.message)),
        ("advice", printable(record.advice)),
        ("on failure", data.after_failure if record.status is TaskStatus.RUNNING else ""),
        *_work_rows(record),
    ]
    lines = [f"{key:<10} {value}" for key, value in rows if value]
    for each in data.attempt_records:
        lines += attempt_lines(each)
    lines += [f"metric     {key} = {value:g}" for key, value in sorted(record.metrics.items())]
    lines += [
        f"check      {note.name}: {note.verdict}: {printable(note.summary)}"
        for note in record.checks
    ]
    lines += [f"conflict   {printable(item.path)} ({item.kind})" for item in record.conflicts]
    lines += [
        f"output     {item.name}  {item.size_bytes} bytes  sha256 {item.digest[:12]}…"
        f"  {_place(item.path)}"
        for item in record.artifacts
    ]
    return "\n".join(lines)


def _work_rows(record: TaskState) -> Iterator[tuple[str, str]]:
    """What a task delivered and what became of it."""
    if record.work is not None and record.work.commit:
        work = record.work
        size = f"{count(len(work.paths), 'file')}, +{work.added} -{work.removed} lines"
        yield "work", f"{work.commit} on {work.base[:12]}: {size}"
    if record.commit:
        yield "merged", record.commit + ("" if record.verified else " (unverified)")
    if record.returns:
        yield "sent back", f"{record.returns} times"
