"""The command that draws a workflow or a run: graph."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from orchestrate import wiring
from orchestrate.app import runs
from orchestrate.core.planning.definition import Workflow
from orchestrate.core.views.graph_svg import svg_graph
from orchestrate.core.views.graph_text import mermaid_graph, text_graph
from orchestrate.errors import RequestError
from orchestrate.ui.cli.data import Graph
from orchestrate.ui.cli.opened import opened
from orchestrate.ui.cli.output import Output, repo_option, with_output


@click.command()
@click.argument("subject", metavar="[RUN|WORKFLOW]", default="last")
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "mermaid", "svg")),
    default="text",
    help="What to draw it as (default: text).",
)
@repo_option
@with_output
def graph(
    output: Output, subject: str, form: Literal["text", "mermaid", "svg"], repo: str | None
) -> int:
    """Draw a workflow or a run as text, Mermaid or SVG.

    A run, the latest by default, is drawn with the statuses of its tasks.
    """
    workflow, statuses = _subject(subject, repo)
    draw = {"text": text_graph, "mermaid": mermaid_graph, "svg": svg_graph}[form]
    drawn = draw(workflow, statuses)
    output.data(Graph(form, drawn), drawn.rstrip("\n"))
    return 0


def _subject(subject: str, repo: str | None) -> tuple[Workflow, dict[str, str] | None]:
    """The workflow to draw, and the statuses of its tasks if it is a run's."""
    site = wiring.open_site(Path(repo) if repo else None)
    is_file = subject.endswith((".yaml", ".yml")) or "/" in subject
    if not is_file and (subject == "last" or site.database.is_file()):
        with opened(repo) as (_, store):
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
