"""The command that begins a run, and what beginning one takes: run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from orchestrate import __version__, wiring
from orchestrate.app import preflight, runs
from orchestrate.core.planning.binding import bind_inputs
from orchestrate.core.planning.definition import Workflow
from orchestrate.errors import RequestError, StoreError
from orchestrate.ports.store import EventStore
from orchestrate.ui.cli import conclude, detached
from orchestrate.ui.cli.output import Output, repo_option, with_output
from orchestrate.ui.cli.request import read_request, request_options


def driving_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Options of every command that drives a run."""
    for option in (
        click.option("--detach", is_flag=True, help="Return at once; the run goes on by itself."),
        click.option("--wait", is_flag=True, help="Keep waiting while a gate awaits a person."),
        click.option(
            "--parallel-limit",
            type=click.IntRange(min=1),
            default=None,
            metavar="N",
            help="Most attempts at once (default: the workflow's, 6).",
        ),
    ):
        function = option(function)
    return function


@click.command()
@click.argument("workflow")
@request_options
@repo_option
@click.option(
    "-i",
    "--input",
    "pairs",
    multiple=True,
    metavar="NAME=VALUE",
    help="An input of the workflow (repeatable).",
)
@driving_options
@with_output
def run(
    output: Output,
    workflow: str,
    request: str | None,
    repo: str | None,
    request_file: str | None,
    pairs: tuple[str, ...],
    detach: bool,
    wait: bool,
    parallel_limit: int | None,
) -> int:
    """Run a workflow file or a built-in workflow.

    WORKFLOW is a file, or the name of one in .orchestrate/workflows or built in. This always
    begins a new run; `resume` goes on with one.
    """
    site = wiring.open_site(Path(repo) if repo else None, {"max_parallel": parallel_limit})
    definition = wiring.find_workflow(site, workflow)
    inputs: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise RequestError(f"{pair!r} is not an input", remedy="write --input NAME=VALUE")
        inputs[name] = value
    text = read_request(request, request_file, default="")
    if text and any(spec.name == "request" for spec in definition.inputs):
        inputs.setdefault("request", text)
    return begin(output, site, definition, text, inputs, detach=detach, wait=wait)


def begin(
    output: Output,
    site: wiring.Site,
    workflow: Workflow,
    request: str,
    inputs: dict[str, str],
    *,
    detach: bool,
    wait: bool,
) -> int:
    """Create a run and drive it to where it ends or waits; returns the exit code."""
    known = {spec.name for spec in workflow.inputs}
    given = {name: value for name, value in inputs.items() if name not in known and value}
    bound = bind_inputs(
        workflow, {name: value for name, value in inputs.items() if name in known} | given
    )
    preflight.check(workflow, wiring.backends())
    store = wiring.open_store(site, create=True)
    try:
        _mention_resumable(output, site, store)
        new = runs.NewRun(
            run=wiring.new_run_id(),
            workflow=workflow,
            inputs=bound,
            request=request,
            repository=str(site.root),
            revision=site.head,
            program=__version__,
            max_parallel=site.settings.max_parallel,
            by=conclude.user_name(),
        )
        session = wiring.open_session(site, store)
        if detach:
            state = asyncio.run(session.create(new))
            return detached.detach(output, site, store, state)
        with conclude.watching(output, site) as observe:
            state = asyncio.run(session.start(new, observe, wait_for_people=wait))
        return conclude.conclude(output, state, interrupted=session.interrupted)
    finally:
        store.close()


def _mention_resumable(output: Output, site: wiring.Site, store: EventStore) -> None:
    """Say what could be resumed (B2); never resume it silently."""
    found = []
    for head in store.heads()[:20]:
        try:
            state = runs.load(store, head.stream)
        except StoreError as error:
            output.message(f"run {head.stream} cannot be read: {error.message}")
            continue
        if runs.is_resumable(state, owned=wiring.is_owned(site, state.run)):
            found.append(state)
    for state in found[:3]:
        output.message(
            f"run {state.run} ({state.index.workflow.name}, {state.status.value}) can be resumed:"
            f" orchestrate resume {state.run}"
        )
    if len(found) > 3:
        output.message(f"… and {len(found) - 3} more: orchestrate list --resumable")
