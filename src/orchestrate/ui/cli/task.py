"""Commands about tasks that a person does: list, show, take, done, decline."""

from __future__ import annotations

import time

import click

from orchestrate import wiring
from orchestrate.app import runs
from orchestrate.core.agents.answer import MAX_SUMMARY_WORDS, words
from orchestrate.core.running import commands as cmd
from orchestrate.core.sharing.work import Work
from orchestrate.errors import RequestError
from orchestrate.hosts.local.attempt_folder import collect_outputs, prepare_folder
from orchestrate.ui.cli.conclude import user_name
from orchestrate.ui.cli.hand_in import Answer, collected, go_on, told
from orchestrate.ui.cli.opened import opened
from orchestrate.ui.cli.output import Output, printable, repo_option, with_output
from orchestrate.ui.cli.task_data import HandedInTask, TakenTask
from orchestrate.ui.cli.task_text import detail_text, row_text
from orchestrate.ui.cli.task_work import (
    Handed,
    all_handed,
    detail,
    handed,
    new_folder,
    opened_workspace,
    taken_workspace,
)

_by_option = click.option(
    "--by", default="", metavar="NAME", help="Who did it (default: your name in approvals)."
)


@click.group()
def task() -> None:
    """List, show and take tasks that wait for a person, hand them in, or give them back."""


@task.command("list")
@click.argument("run_id", metavar="[RUN]", default="")
@repo_option
@with_output
def list_tasks(output: Output, run_id: str, repo: str | None) -> int:
    """List the tasks that wait for a person.

    Those of RUN, or of all runs of the repository.
    """
    with opened(repo) as (site, store):
        run = runs.resolve(store, run_id) if run_id else ""
        rows = tuple(all_handed(site, store, run))
    now = time.time()
    output.data(rows, "\n".join(row_text(row, now) for row in rows))
    if not rows:
        output.message(f"no task{f' of run {run}' if run else ''} waits for a person")
    return 0


@task.command()
@click.argument("run_id", metavar="RUN")
@click.argument("name", metavar="TASK")
@repo_option
@with_output
def show(output: Output, run_id: str, name: str, repo: str | None) -> int:
    """Show what is to be done, what was tried, what there is to read, and until when.

    Paths of inputs are shown, not their contents. Nothing is made by looking.
    """
    with opened(repo) as (site, store):
        state = runs.load(store, runs.resolve(store, run_id))
        data = detail(site, store, handed(site, state, name))
    output.data(data, lambda: detail_text(data, time.time()))
    about = f"{state.run} {name}"
    if not data.folder:
        output.message(f"begin: orchestrate task take {about}")
    output.message(f'hand it in: orchestrate task done {about} --summary "…"')
    output.message(f"or give it back: orchestrate task decline {about} --reason TEXT")
    return 0


@task.command()
@click.argument("run_id", metavar="RUN")
@click.argument("name", metavar="TASK")
@click.option(
    "--into", default=None, metavar="DIR", help="Make this folder, with links to both places."
)
@repo_option
@with_output
def take(output: Output, run_id: str, name: str, into: str | None, repo: str | None) -> int:
    """Make the workspace to do a task in, and say where it and the outputs folder are.

    Taken again, it is left as it is.
    """
    with opened(repo) as (site, store):
        state = runs.load(store, runs.resolve(store, run_id))
        asked = handed(site, state, name)
        links = new_folder(site, into) if into is not None else None
        place, begun = taken_workspace(site, asked)
        prepare_folder(asked.request)
        folder = place.folder if place is not None else ""
        if links is not None:
            (links / "outputs").symlink_to(asked.request.outputs_dir)
            if folder:
                (links / "work").symlink_to(folder)
    data = TakenTask(
        run=state.run,
        task=name,
        number=asked.key.number,
        folder=folder,
        outputs_dir=asked.request.outputs_dir,
        begun=begun,
        into=str(links or ""),
    )
    rows = [("work in", folder), ("outputs", data.outputs_dir), ("links in", data.into)]
    output.data(data, "\n".join(f"{label:<9} {printable(at)}" for label, at in rows if at))
    if not folder:
        output.message("this run has no workspaces: only declared outputs are collected")
    output.message(f'then: orchestrate task done {state.run} {name} --summary "…"')
    return 0


@task.command()
@click.argument("run_id", metavar="RUN")
@click.argument("name", metavar="TASK")
@click.option(
    "--summary",
    required=True,
    help=f"What you did and found, in at most {MAX_SUMMARY_WORDS} words; others go on from it.",
)
@_by_option
@repo_option
@with_output
def done(output: Output, run_id: str, name: str, summary: str, by: str, repo: str | None) -> int:
    """Hand a task in: what you changed in its workspace, and its outputs.

    It is then checked and merged like any work. Refused while a required output is missing, or
    where nothing was changed and something has to be.
    """
    number = words(summary)
    if not 1 <= number <= MAX_SUMMARY_WORDS:
        raise RequestError(
            f"the summary has {number} words; it needs 1 to {MAX_SUMMARY_WORDS}",
            remedy="say what the next one has to know, and leave the rest in files",
        )
    who = by or user_name()
    with opened(repo) as (site, store):
        state = runs.load(store, runs.resolve(store, run_id))
        asked = handed(site, state, name)
        artifacts, problem = collect_outputs(asked.request)
        if problem:
            raise RequestError(problem, remedy="put the file there, or give the task back")
        work = _work(site, asked, summary, who)
        command = cmd.HandIn(
            task=name,
            number=asked.key.number,
            by=who,
            summary=summary,
            work=work,
            artifacts=artifacts,
        )
        answer = told(site, store, state.run, command)
        if asked.request.base:
            wiring.workspaces_of(site).discard(state.run, asked.key.folder)
    size = f": {work.commit[:12]}, +{work.added} -{work.removed} lines" if work else ""
    data = _answered(answer, asked, who, work, {item.name: item.path for item in artifacts})
    output.data(data, f"task {name} is handed in by {printable(who)}{size}")
    go_on(output, answer)
    return 0


@task.command()
@click.argument("run_id", metavar="RUN")
@click.argument("name", metavar="TASK")
@click.option("--reason", required=True, help="Why not; recorded with your name.")
@_by_option
@repo_option
@with_output
def decline(output: Output, run_id: str, name: str, reason: str, by: str, repo: str | None) -> int:
    """Give a task back; it has failed then.

    What you did in its workspace stays there until it is pruned, and is not used.
    """
    who = by or user_name()
    with opened(repo) as (site, store):
        state = runs.load(store, runs.resolve(store, run_id))
        asked = handed(site, state, name)
        command = cmd.DeclineTask(task=name, number=asked.key.number, by=who, reason=reason)
        answer = told(site, store, state.run, command)
    data = _answered(answer, asked, who, None, {})
    output.data(data, f"task {name} is given back by {printable(who)}: {printable(reason)}")
    go_on(output, answer)
    return 0


def _work(site: wiring.Site, asked: Handed, summary: str, who: str) -> Work | None:
    """What was changed in the workspace of a task that writes; None where nothing was.

    Raises:
        RequestError: something has to be changed and was not, or it cannot be committed.
    """
    if not asked.request.writes or not asked.request.base:
        return None
    place = opened_workspace(site, asked)
    work = None
    if place is not None:
        title = " ".join(f"{asked.spec.id}: {summary}".split())[:100]
        work = collected(wiring.workspaces_of(site), place, title, asked.key, who)
    if work is None and asked.spec.must_change:
        where = f"change something in {place.folder}" if place is not None else "take it first"
        about = f"{asked.state.run} {asked.spec.id}"
        raise RequestError(
            f"task {asked.spec.id} has to change something, and nothing was changed",
            remedy=f"{where}: orchestrate task take {about}",
        )
    return work


def _answered(
    answer: Answer, asked: Handed, who: str, work: Work | None, outputs: dict[str, str]
) -> HandedInTask:
    return HandedInTask(
        run=asked.state.run,
        task=asked.spec.id,
        number=asked.key.number,
        status=answer.state.task(asked.spec.id).status,
        commit=work.commit if work is not None else "",
        outputs=outputs,
        by=who,
    )
