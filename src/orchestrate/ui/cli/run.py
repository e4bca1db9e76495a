"""Commands that drive or follow runs: security, run, resume, attach."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import click

from orchestrate import __version__, wiring
from orchestrate.app import runs
from orchestrate.core.planning.binding import bind_inputs
from orchestrate.core.planning.definition import Workflow
from orchestrate.core.running.state import RunState
from orchestrate.core.running.status import RunStatus
from orchestrate.errors import ConflictError, RequestError
from orchestrate.ui.cli import conclude
from orchestrate.ui.cli.output import Output, repo_option, with_output
from orchestrate.ui.cli.request import read_request

LEVELS = ("critical", "high", "medium", "low", "info", "none")


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


# -- security ----------------------------------------------------------------------------------


@click.command()
@click.argument("request", required=False)
@repo_option
@click.option(
    "-f",
    "--file",
    "request_file",
    default=None,
    metavar="FILE",
    help="Read the request from FILE; - is standard input.",
)
@click.option(
    "--fail-on",
    type=click.Choice(LEVELS),
    default="none",
    help="Exit with 9 if a finding is at least this severe, with 10 if that is not known.",
)
@click.option(
    "--allow-unknown",
    is_flag=True,
    help="Let --fail-on pass although something could not be confirmed; it is still named.",
)
@click.option(
    "--baseline",
    type=click.Path(exists=True, dir_okay=False),
    default=None,
    metavar="FILE",
    help="Findings listed there were accepted before.",
)
@click.option(
    "--update-baseline",
    type=click.Path(dir_okay=False),
    default=None,
    metavar="FILE",
    help="Afterwards write all findings to FILE as the new baseline.",
)
@click.option(
    "--advisories",
    type=click.Path(exists=True, file_okay=False),
    default=None,
    metavar="FOLDER",
    help="Folder of OSV advisories for the dependency audit.",
)
@click.option(
    "--advisory-service",
    default=None,
    metavar="URL",
    help="OSV service to ask; names and versions of dependencies are sent there.",
)
@click.option(
    "--output",
    "output_dir",
    type=click.Path(file_okay=False),
    default=None,
    metavar="FOLDER",
    help="Copy the reports there (default: they stay with the run, and the path is printed).",
)
@driving_options
@with_output
def security(
    output: Output,
    request: str | None,
    repo: str | None,
    request_file: str | None,
    fail_on: str,
    allow_unknown: bool,
    baseline: str | None,
    update_baseline: str | None,
    advisories: str | None,
    advisory_service: str | None,
    output_dir: str | None,
    detach: bool,
    wait: bool,
    parallel_limit: int | None,
) -> int:
    """Scan a repository with three local specialists and write a security report.

    No key, no server: bandit, detect-secrets, a dependency and licence audit, review rules and an
    architecture assessment run side by side, and their findings are merged and ranked. Nothing of
    the repository is executed.

    \b
      orchestrate security
      orchestrate security "before the release" --fail-on high --advisories ./advisories
    """
    site = wiring.open_site(
        Path(repo) if repo else None,
        {
            "max_parallel": parallel_limit,
            "advisories": advisories,
            "advisory_service": advisory_service,
        },
    )
    text = read_request(request, request_file, default="comprehensive security review")
    inputs = {
        "request": text,
        "advisories": _absolute(site.settings.advisories),
        "advisory_service": site.settings.advisory_service,
        "baseline": _absolute(baseline),
        "update_baseline": _absolute(update_baseline),
        "fail_on": fail_on,
        "allow_unknown": "true" if allow_unknown else "",
        "output": _absolute(output_dir),
    }
    workflow = wiring.find_workflow(site, "security")
    return _begin(output, site, workflow, text, inputs, detach=detach, wait=wait)


def _absolute(path: str | None) -> str:
    return str(Path(path).expanduser().resolve()) if path else ""


# -- run ---------------------------------------------------------------------------------------


@click.command()
@click.argument("workflow")
@click.argument("request", required=False)
@repo_option
@click.option(
    "-f",
    "--file",
    "request_file",
    default=None,
    metavar="FILE",
    help="Read the request from FILE; - is standard input.",
)
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
    """Run WORKFLOW: a file, or the name of one in .orchestrate/workflows or built in.

    Always begins a new run; use `resume` to go on with one.
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
    return _begin(output, site, definition, text, inputs, detach=detach, wait=wait)


def _begin(
    output: Output,
    site: wiring.Site,
    workflow: Workflow,
    request: str,
    inputs: dict[str, str],
    *,
    detach: bool,
    wait: bool,
) -> int:
    known = {spec.name for spec in workflow.inputs}
    given = {name: value for name, value in inputs.items() if name not in known and value}
    bound = bind_inputs(
        workflow, {name: value for name, value in inputs.items() if name in known} | given
    )
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
        )
        session = wiring.open_session(site, store)
        if detach:
            state = asyncio.run(session.create(new))
            return _detach(output, site, state)
        with conclude.watching(output, site) as observe:
            state = _drive(session.start(new, observe, wait_for_people=wait))
        return conclude.conclude(output, state)
    finally:
        store.close()


def _drive(work: Coroutine[Any, Any, RunState]) -> RunState:
    return asyncio.run(work)


def _mention_resumable(output: Output, site: wiring.Site, store: Any) -> None:
    """Say what could be resumed (B2); never resume it silently."""
    found = []
    for head in store.heads()[:20]:
        state = runs.load(store, head.stream)
        if runs.is_resumable(state, owned=wiring.is_owned(site, state.run)):
            found.append(state)
    for state in found[:3]:
        output.message(
            f"run {state.run} ({state.index.workflow.name}, {state.status.value}) can be resumed:"
            f" orchestrate resume {state.run}"
        )
    if len(found) > 3:
        output.message(f"… and {len(found) - 3} more: orchestrate list --resumable")


def _detach(output: Output, site: wiring.Site, state: RunState) -> int:
    log = site.runs_dir / state.run / "driver.log"
    with log.open("ab") as target:
        subprocess.Popen(
            [
                sys.executable,
                "-P",
                "-m",
                "orchestrate",
                "_drive",
                state.run,
                "--repo",
                str(site.root),
            ],
            stdin=subprocess.DEVNULL,
            stdout=target,
            stderr=target,
            start_new_session=True,
            cwd="/",
        )
    output.data(
        {"run": state.run, "log": str(log)},
        f"run {state.run} goes on by itself; follow it: orchestrate attach {state.run}",
    )
    return 0


@click.command(hidden=True)
@click.argument("run_id")
@repo_option
def drive(run_id: str, repo: str | None) -> int:
    """Drive a detached run to its end (started by --detach)."""
    site = wiring.open_site(Path(repo) if repo else None)
    store = wiring.open_store(site)
    try:
        session = wiring.open_session(site, store)
        output = Output("_drive", as_json=False, quiet=False)
        with conclude.watching(output, site) as observe:
            state = _drive(
                session.resume(
                    run_id, observe, reason="detached", by="orchestrate", wait_for_people=True
                )
            )
        return conclude.conclude(output, state)
    finally:
        store.close()


# -- resume and attach -------------------------------------------------------------------------


@click.command()
@click.argument("run_id", metavar="[RUN]", default="last")
@repo_option
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--preview", "only_preview", is_flag=True, help="Only show what would run again.")
@driving_options
@with_output
def resume(
    output: Output,
    run_id: str,
    repo: str | None,
    yes: bool,
    only_preview: bool,
    detach: bool,
    wait: bool,
    parallel_limit: int | None,
) -> int:
    """Go on with RUN (default: the latest): show what will run again and why, ask, resume.

    What was finished is kept. A run that another process drives is followed instead.
    """
    site = wiring.open_site(Path(repo) if repo else None, {"max_parallel": parallel_limit})
    store = wiring.open_store(site)
    try:
        name = runs.resolve(store, run_id)
        if wiring.is_owned(site, name):
            output.message(f"run {name} is driven by another process; following it")
            return _follow(output, site, store, name)
        session = wiring.open_session(site, store)
        state = runs.load(store, name)
        preview = runs.preview(state, wiring.outcome_finder(site, state))
        conclude.show_preview(output, preview, final=only_preview)
        if only_preview:
            return 0
        if not yes and not conclude.agree(output, f"resume run {name}?"):
            raise ConflictError(
                f"run {name} was not resumed", remedy=f"orchestrate resume {name} --yes"
            )
        if detach:
            return _detach(output, site, state)
        with conclude.watching(output, site) as observe:
            state = _drive(
                session.resume(
                    name,
                    observe,
                    reason="resumed by the user",
                    by=conclude.user_name(),
                    wait_for_people=wait,
                )
            )
        return conclude.conclude(output, state)
    finally:
        store.close()


@click.command()
@click.argument("run_id", metavar="[RUN]", default="last")
@repo_option
@with_output
def attach(output: Output, run_id: str, repo: str | None) -> int:
    """Follow RUN (default: the latest) until it ends. Leaving with Ctrl-C does not stop it."""
    site = wiring.open_site(Path(repo) if repo else None)
    store = wiring.open_store(site)
    try:
        return _follow(output, site, store, runs.resolve(store, run_id))
    finally:
        store.close()


def _follow(output: Output, site: wiring.Site, store: Any, name: str) -> int:
    from orchestrate.adapters.system.clock import SystemClock
    from orchestrate.hosts.local.follow import follow

    async def watch() -> RunState:
        state = runs.load(store, name)
        with conclude.watching(output, site) as observe:
            async for events, state in follow(
                store, SystemClock(), name, lambda: wiring.is_owned(site, name)
            ):
                observe(events, state)
        return state

    state = asyncio.run(watch())
    if state.status is RunStatus.EXECUTING:
        output.message(f"nobody drives run {name} any more: orchestrate resume {name}")
    return conclude.conclude(output, state)
