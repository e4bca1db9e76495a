"""Commands that look: status, list, show, logs, events, graph, explain. They change nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from orchestrate import wiring
from orchestrate.app import runs
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import RUN_ENDED, RunStatus
from orchestrate.errors import RequestError
from orchestrate.ui.cli.conclude import run_data
from orchestrate.ui.cli.lines import line_of
from orchestrate.ui.cli.output import Output, duration, printable, repo_option, with_output


@contextmanager
def _opened(repo: str | None) -> Iterator[tuple[wiring.Site, Any]]:
    site = wiring.open_site(Path(repo) if repo else None)
    store = wiring.open_store(site)
    try:
        yield site, store
    finally:
        store.close()


def _driver_note(site: wiring.Site, state: RunState) -> str:
    """Whether somebody drives a run that is not over, and what to do if nobody does."""
    if state.status in RUN_ENDED:
        return ""
    if wiring.is_owned(site, state.run):
        return f"driven by {wiring.ownership_of(site, state.run).owner()}"
    return f"nobody drives it; go on: orchestrate resume {state.run}"


@click.command()
@click.argument("run_id", metavar="[RUN]", default="last")
@repo_option
@with_output
def status(output: Output, run_id: str, repo: str | None) -> int:
    """Show where RUN (default: the latest) stands: phases, tasks, elapsed, what waits and why."""
    with _opened(repo) as (site, store):
        state = runs.load(store, runs.resolve(store, run_id))
        note = _driver_note(site, state)

    def text() -> str:
        from rich.console import Console

        from orchestrate.ui.cli.live import picture

        console = Console(width=None if sys.stdout.isatty() else 100)
        with console.capture() as capture:
            console.print(picture(state, time.time(), site.runs_dir))
        shown = "\n".join(line.rstrip() for line in capture.get().splitlines())
        return f"{shown}\n{note}".rstrip()

    output.data(run_data(state) | {"driver": note}, text)
    return 0


@click.command("list")
@click.option("--resumable", is_flag=True, help="Only runs that `resume` can go on with.")
@repo_option
@with_output
def list_runs(output: Output, resumable: bool, repo: str | None) -> int:
    """List the runs of this repository, latest first."""
    with _opened(repo) as (site, store):
        rows = []
        for head in store.heads():
            state = runs.load(store, head.stream)
            owned = wiring.is_owned(site, state.run)
            if not resumable or runs.is_resumable(state, owned=owned):
                rows.append((runs.row(state, head), owned))
    output.data(
        [{"row": row, "driven": owned} for row, owned in rows],
        "\n".join(_list_line(row, owned) for row, owned in rows),
    )
    return 0


def _list_line(row: runs.RunRow, owned: bool) -> str:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(row.created_at))
    status = row.status.value
    if row.status is RunStatus.EXECUTING and not owned:
        status = "cut off"
    return (
        f"{row.run}  {when}  {status:<10} {row.succeeded:>3}/{row.tasks:<3}"
        f"  {row.workflow:<12} {printable(row.request)[:50]}"
    ).rstrip()


@click.command()
@click.argument("run_id", metavar="[RUN]", default="last")
@click.argument("task", required=False)
@click.option(
    "--at", type=click.IntRange(min=1), default=None, metavar="N", help="As it was after event N."
)
@repo_option
@with_output
def show(output: Output, run_id: str, task: str | None, at: int | None, repo: str | None) -> int:
    """Show RUN (default: the latest), or one TASK of it, in full."""
    with _opened(repo) as (_site, store):
        state = runs.load(store, runs.resolve(store, run_id), at=at)
    if state.plan is None:
        output.data({"run": state.run, "status": state.status}, f"run {state.run} has no plan yet")
        return 0
    data = run_data(state) | {
        "request": state.request,
        "repository": state.repository,
        "revision": state.revision,
        "inputs": state.inputs,
        "version": state.version,
    }
    if task is None:
        output.data(data, lambda: _run_text(state))
        return 0
    if task not in state.index.position:
        raise RequestError(
            f"run {state.run} has no task {task!r}",
            remedy=f"its tasks: {', '.join(state.index.position)}",
        )
    output.data(
        next(item for item in data["tasks"] if item["task"] == task)
        | {"definition": state.index.order[state.index.position[task]]},
        lambda: _task_text(state, task),
    )
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


@click.command()
@click.argument("run_id", metavar="[RUN]", default="last")
@click.option(
    "-n", "--after", type=click.IntRange(min=0), default=0, help="Only later than event N."
)
@repo_option
@with_output
def events(output: Output, run_id: str, after: int, repo: str | None) -> int:
    """Print the event log of RUN (default: the latest); its hash chain is checked on the way.

    With --json the events themselves, as stored.
    """
    with _opened(repo) as (_site, store):
        run = runs.resolve(store, run_id)
        state = runs.load(store, run)
        log = [item for item in runs.history(store, run) if item[0] > after]
    output.data(
        [{"version": version, "event": event} for version, event in log],
        "\n".join(
            f"{version:>5}  {type(event).__name__:<19} {line_of(event, state)}".rstrip()
            for version, event in log
        ),
    )
    return 0


@click.command()
@click.argument("run_id", metavar="[RUN]", default="last")
@click.argument("task", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on printing while the run goes on.")
@repo_option
@with_output
def logs(output: Output, run_id: str, task: str | None, follow: bool, repo: str | None) -> int:
    """Print what the attempts of RUN (or of one TASK) printed, oldest attempt first."""
    from orchestrate.ui.cli.attempt_logs import LogReader

    with _opened(repo) as (site, store):
        run = runs.resolve(store, run_id)
        state = runs.load(store, run)
        if task is not None and task not in state.index.position:
            raise RequestError(f"run {run} has no task {task!r}", remedy="see: orchestrate show")
        reader = LogReader(site.runs_dir / run / "attempts", task)
        if output.json:
            output.data([{"attempt": a, "stream": s, "line": t} for a, s, t in reader.lines()], "")
            return 0
        while True:
            owned = wiring.is_owned(site, run)
            for attempt, stream, line in reader.lines():
                mark = "!" if stream == "stderr" else "|"
                print(f"{attempt} {mark} {line}", flush=True)
            if not follow or not owned:
                return 0
            time.sleep(0.2)


@click.command()
@click.argument("subject", metavar="[RUN|WORKFLOW]", default="last")
@click.option("--format", "form", type=click.Choice(("text", "mermaid", "svg")), default="text")
@repo_option
@with_output
def graph(output: Output, subject: str, form: str, repo: str | None) -> int:
    """Draw a run (with statuses) or a workflow file as text, Mermaid or SVG."""
    from orchestrate.core.views import graph_text

    workflow, statuses = _subject(subject, repo)
    draw = {
        "text": graph_text.as_text,
        "mermaid": graph_text.as_mermaid,
        "svg": graph_text.as_svg,
    }[form]
    drawn = draw(workflow, statuses)
    output.data({"format": form, "graph": drawn}, drawn.rstrip("\n"))
    return 0


def _subject(subject: str, repo: str | None) -> tuple[Any, dict[str, str] | None]:
    """The workflow to draw, and the statuses of its tasks if it is a run's."""
    if subject.endswith((".yaml", ".yml")):
        return wiring.find_workflow(wiring.open_site(Path(repo) if repo else None), subject), None
    site = wiring.open_site(Path(repo) if repo else None)
    if site.database.is_file():
        with _opened(repo) as (_, store):
            try:
                state = runs.load(store, runs.resolve(store, subject))
            except RequestError:
                if subject == "last":
                    raise
            else:
                statuses = {
                    spec.id: state.task(spec.id).status.value for spec in state.index.workflow.tasks
                }
                return state.index.workflow, statuses
    return wiring.find_workflow(site, subject), None


@click.command()
@click.argument("run_id", metavar="[RUN]", default="last")
@click.argument("task", required=False)
@repo_option
@with_output
def explain(output: Output, run_id: str, task: str | None, repo: str | None) -> int:
    """Say why RUN, or one TASK of it, waits, on what or whom, and what happens next."""
    from orchestrate.core.running.capacity import HostView
    from orchestrate.core.views.explain import explain_run, explain_task

    with _opened(repo) as (site, store):
        state = runs.load(store, runs.resolve(store, run_id))
        note = _driver_note(site, state)
    if state.plan is None or (task is not None and task not in state.index.position):
        raise RequestError(f"run {state.run} has no task {task!r}", remedy="see: orchestrate show")
    view = HostView(at=time.time())
    found = explain_run(state, view) if task is None else explain_task(state, task, view)
    lines = [*found.lines(), *([note] if note else [])]
    output.data({"explanation": found, "driver": note}, "\n".join(map(printable, lines)))
    return 0
