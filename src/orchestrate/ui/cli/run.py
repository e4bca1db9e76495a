"""The command that begins a run, and what beginning one takes: run."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import click

from orchestrate import __version__, wiring
from orchestrate.app import preflight, runs
from orchestrate.app.on_demand import Overlay, with_generated
from orchestrate.core.planning.binding import bind_inputs
from orchestrate.core.planning.definition import InputValue, Workflow
from orchestrate.core.planning.reshape import with_approval, with_tests_gate
from orchestrate.core.wording import count
from orchestrate.errors import ConfigurationError, RequestError, StoreError
from orchestrate.ports.store import EventStore
from orchestrate.ui.cli import conclude, detached
from orchestrate.ui.cli.money import (
    NO_SPENDING,
    Spending,
    require_consent,
    spending_options,
    staffed,
)
from orchestrate.ui.cli.output import Output, printable, repo_option, with_output
from orchestrate.ui.cli.request import read_request, request_options
from orchestrate.ui.cli.reshaping import Reshaping, reshaping_options


class Driving(NamedTuple):
    """What the user says about how a run is begun and driven.

    `base` is "head" or "working-tree", None where the user did not say.
    """

    detach: bool
    wait: bool
    parallel_limit: int | None
    if_tests_pass: bool
    require_security_approval: bool
    trust_repo: bool
    base: str | None


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


def beginning_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Options of every command that begins a run; it is given all of them as one `driving`."""

    @functools.wraps(function)
    def gathered(*args: Any, **kwargs: Any) -> Any:
        driving = Driving(**{name: kwargs.pop(name) for name in Driving._fields})
        return function(*args, driving=driving, **kwargs)

    wrapped: Callable[..., Any] = gathered
    for option in (
        click.option(
            "--if-tests-pass",
            is_flag=True,
            help="Go on from each phase that writes only if the repository's tests pass.",
        ),
        click.option(
            "--require-security-approval",
            is_flag=True,
            help="Have a person agree before the run ends and anything is published.",
        ),
        click.option(
            "--trust-repo",
            is_flag=True,
            help="Let the repository's own code run, in its tests for instance; remembered.",
        ),
        click.option(
            "--include-local-changes",
            "base",
            flag_value="working-tree",
            help="The same as --base working-tree.",
        ),
        click.option(
            "--base",
            type=click.Choice(["head", "working-tree"]),
            default=None,
            help="What writing work starts from (default: ask, or HEAD).",
        ),
    ):
        wrapped = option(wrapped)
    return driving_options(wrapped)


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
@click.option("--dry-run", is_flag=True, help="Show plan, performers and cost; touch nothing.")
@reshaping_options
@spending_options
@beginning_options
@with_output
def run(
    output: Output,
    workflow: str,
    request: str | None,
    repo: str | None,
    request_file: str | None,
    pairs: tuple[str, ...],
    dry_run: bool,
    reshaping: Reshaping,
    driving: Driving,
    spending: Spending,
) -> int:
    """Run a workflow file or a built-in workflow.

    WORKFLOW is a file, or the name of one in .orchestrate/workflows or built in. This always
    begins a new run; `resume` goes on with one.
    """
    flags = {"max_parallel": driving.parallel_limit or reshaping.max_parallel}
    site = wiring.open_site(Path(repo) if repo else None, flags)
    definition = reshaping.reshape(wiring.find_workflow(site, workflow))
    inputs: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise RequestError(f"{pair!r} is not an input", remedy="write --input NAME=VALUE")
        inputs[name] = value
    text = read_request(request, request_file, default="")
    if text and any(spec.name == "request" for spec in definition.inputs):
        inputs.setdefault("request", text)
    return begin(
        output, site, definition, text, inputs, driving, spending=spending, dry_run=dry_run
    )


def begin(
    output: Output,
    site: wiring.Site,
    workflow: Workflow,
    request: str,
    inputs: dict[str, str],
    driving: Driving,
    without_line: Mapping[str, str] | None = None,
    spending: Spending = NO_SPENDING,
    dry_run: bool = False,
    create_pr: bool = False,
    runs_tests: bool = False,
) -> int:
    """Create a run and drive it to where it ends or waits; returns the exit code.

    Args:
        spending: what the user says about paid agents.
        dry_run: only show what would be done; nothing is written anywhere.
        create_pr: when all is done, push the branch and open a pull request.
        runs_tests: nothing can come of it unless the repository's tests may be run.
        without_line: inputs that let the workflow run although nothing can be written, for the case
            that the repository does not allow it; None if that is an error.
    """
    if create_pr and driving.detach:
        raise RequestError(
            "--create-pr opens a pull request when the run has ended, and --detach does not wait"
            " for that",
            remedy="leave one of them out; later: orchestrate pull-request RUN",
        )
    workflow = _reshaped(workflow, driving)
    known = wiring.backends()
    made = with_generated(
        workflow, lambda: wiring.stack_of(site), wiring.today(), site.settings.test_command
    )
    profiles = {name: wiring.profile_of(text, name) for name, text in made.texts.items()}
    catalog = Overlay(profiles, wiring.catalog_of(site))
    found = staffed(site, made.workflow, known, spending, catalog, trusted=driving.trust_repo)
    workflow = found.workflow
    preflight.check(workflow, known)
    if dry_run:
        from orchestrate.ui.cli.dry_run import show_plan

        return show_plan(output, site, found, known, catalog)
    # Whatever could be wrong is found before anybody is asked for anything.
    bound = _bound(workflow, inputs)
    trusts = driving.trust_repo or (runs_tests and not wiring.is_trusted(site))
    if trusts and not driving.trust_repo:
        _require_trust(output)
    require_consent(output, site, found, spending)
    if trusts:
        wiring.trust(site)
    name = wiring.new_run_id()
    optional = without_line is not None
    start, refused = _start(output, site, name, workflow, driving.base, optional=optional)
    if refused:
        bound = _bound(workflow, {**inputs, **(without_line or {})})
    store = wiring.open_store(site, create=True)
    try:
        _mention_resumable(output, site, store)
        new = runs.NewRun(
            run=name,
            workflow=workflow,
            inputs=bound,
            request=request,
            repository=str(site.root),
            revision=site.head,
            program=__version__,
            max_parallel=site.settings.max_parallel,
            by=conclude.user_name(),
            base=start,
        )
        for agent, text in made.texts.items():
            wiring.agent_store(site).save_for_run(name, agent, text)
        session = wiring.open_session(site, store, known)
        if driving.detach:
            state = asyncio.run(session.create(new))
            return detached.detach(output, site, store, state)
        with conclude.watching(output, site) as observe:
            state = asyncio.run(session.start(new, observe, wait_for_people=driving.wait))
        conclude.say(output, session.notes)
        code = conclude.conclude(output, state, store, interrupted=session.interrupted)
        if create_pr:
            from orchestrate.ui.cli.pull_request import create_pull_request

            return create_pull_request(output, site, store, state, code)
        return code
    finally:
        store.close()


def _bound(workflow: Workflow, inputs: Mapping[str, str]) -> dict[str, InputValue]:
    """The inputs of a run, with their defaults; one without a name or a value does not count.

    Raises:
        RequestError: one is missing, unknown, or not what it should be.
    """
    named = {spec.name for spec in workflow.inputs}
    return bind_inputs(
        workflow, {name: value for name, value in inputs.items() if name in named or value}
    )


def _require_trust(output: Output) -> None:
    """Have the user agree that the repository's tests run.

    Raises:
        ConfigurationError: they did not, or nobody could be asked; nothing was begun.
    """
    question = "what is done is proven by this repository's own tests: trust it to run them?"
    if not conclude.agree(output, question):
        raise ConfigurationError(
            "only the repository's tests can prove the result, and it is not trusted to run them",
            remedy="if you trust it, add --trust-repo (remembered for this repository)",
        )


def _reshaped(workflow: Workflow, driving: Driving) -> Workflow:
    if driving.if_tests_pass:
        workflow = with_tests_gate(workflow)
    return with_approval(workflow) if driving.require_security_approval else workflow


def _start(
    output: Output,
    site: wiring.Site,
    run: str,
    workflow: Workflow,
    choice: str | None,
    *,
    optional: bool,
) -> tuple[str, bool]:
    """The commit a run starts from, empty without one; and whether it was refused one."""
    if not workflow.needs_line:
        return "", False
    try:
        pinned = wiring.pin_base(site, run, _choice(output, site, run, choice))
    except (RequestError, ConfigurationError) as error:
        if not optional:
            raise
        output.message(f"nothing will be changed: {error.message}")
        if error.remedy:
            output.message(f"  {error.remedy}")
        return "", True
    for note in pinned.notes:
        output.message(printable(note))
    if pinned.changes and not pinned.included:
        output.message(
            f"work starts from HEAD, without {count(len(pinned.changes), 'local change')}"
            " (--include-local-changes takes them in)"
        )
    return pinned.commit, False


def _choice(
    output: Output, site: wiring.Site, run: str, given: str | None
) -> Literal["head", "working-tree"]:
    """What the user wants a writing run to start from; asked for where there is a difference."""
    wanted = given or site.settings.base
    if wanted == "working-tree":
        return "working-tree"
    if wanted == "head" or not output.interactive:
        return "head"
    changes = wiring.pin_base(site, run, "head").changes
    if changes and conclude.agree(
        output,
        f"the working tree has {count(len(changes), 'local change')}: include them?",
    ):
        return "working-tree"
    return "head"


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
