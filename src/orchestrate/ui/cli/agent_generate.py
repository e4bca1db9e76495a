"""Commands that make agent files: generate, create."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrate import wiring
from orchestrate.errors import RequestError
from orchestrate.ui.cli.agent_options import Chosen, agent_options, deliver, options_of
from orchestrate.ui.cli.output import Output, repo_option, with_output

if TYPE_CHECKING:
    from orchestrate.core.agents.agent_text import Generated, Options
    from orchestrate.core.agents.stack import Stack

KINDS = ("builder", "specialist", "optimizer")
#: Option -> the kinds that it means something for.
_MEANT_FOR = {
    "framework": ("builder",),
    "domain": ("specialist",),
    "focus": ("specialist", "optimizer"),
}


@click.command("generate")
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("subject", default="", required=False)
@click.option("--framework", "frameworks", multiple=True, help="Framework (default: detected).")
@click.option("--domain", default="", help="Domain of a specialist.")
@click.option("--focus", default="", help="What a specialist or optimizer looks at most.")
@agent_options
@repo_option
@with_output
def generate(
    output: Output,
    kind: str,
    subject: str,
    frameworks: tuple[str, ...],
    domain: str,
    focus: str,
    chosen: Chosen,
    repo: str | None,
) -> int:
    """Make an agent file from what the repository is.

    Languages, frameworks and commands are read from its files; nothing of it is executed. SUBJECT
    is the language of a builder (default: each language found), or what a specialist or optimizer
    is for. The file goes into .orchestrate/agents unless you say otherwise; none is overwritten.

    \b
    orchestrate agent generate builder python --framework django --test-command "pytest -v"
    orchestrate agent generate specialist performance --domain optimization --focus profiling
    orchestrate agent generate optimizer query --print
    """

    _refuse_unmeant(kind, {"framework": frameworks, "domain": domain, "focus": focus})
    site = wiring.open_site(Path(repo) if repo else None)
    options = options_of(chosen, site)
    stack = wiring.stack_of(site)
    agents = tuple(_made(kind, subject, stack, options, frameworks, domain, focus))
    deliver(output, site, agents, stack, chosen)
    return 0


@click.command("create")
@click.argument("description")
@click.option("--focus", default="", help="What it looks at most.")
@agent_options
@repo_option
@with_output
def create(output: Output, description: str, focus: str, chosen: Chosen, repo: str | None) -> int:
    """Make an agent file from a description in plain language.

    No model is asked: the description is quoted, with the process and the rules all agents work
    by, commands of the repository, and guidance on subjects it names. With Edit among its tools
    the agent changes code, otherwise it reports.

    \b
    orchestrate agent create "database migration specialist" --tools "Read,Edit,Bash" \\
      --focus "schema changes"
    """
    from orchestrate.core.agents.subject_agents import described

    site = wiring.open_site(Path(repo) if repo else None)
    options = options_of(chosen, site)
    stack = wiring.stack_of(site)
    agent = described(description, wiring.today(), stack, focus=focus, options=options)
    deliver(output, site, (agent,), stack, chosen)
    return 0


def _refuse_unmeant(kind: str, given: dict[str, object]) -> None:
    """An option that would have no effect is a mistake of whoever gave it."""
    for name, value in given.items():
        if value and kind not in _MEANT_FOR[name]:
            raise RequestError(
                f"--{name} means nothing for the kind {kind}",
                remedy=f"it is for: {', '.join(_MEANT_FOR[name])}",
            )


def _made(
    kind: str,
    subject: str,
    stack: Stack,
    options: Options,
    frameworks: tuple[str, ...],
    domain: str,
    focus: str,
) -> Iterator[Generated]:
    from orchestrate.core.agents.generation import builder
    from orchestrate.core.agents.subject_agents import optimizer, specialist

    if kind == "builder":
        for language in _languages(subject, stack, options):
            yield builder(language, wiring.today(), stack, frameworks=frameworks, options=options)
    elif not subject:
        raise RequestError(
            f"a {kind} needs a subject",
            remedy=f"for example: orchestrate agent generate {kind} performance",
        )
    elif kind == "specialist":
        yield specialist(
            subject, wiring.today(), stack, domain=domain, focus=focus, options=options
        )
    else:
        yield optimizer(subject, wiring.today(), stack, focus=focus, options=options)


def _languages(subject: str, stack: Stack, options: Options) -> tuple[str, ...]:
    from orchestrate.core.agents.generation import builder_languages

    found = (subject,) if subject else builder_languages(stack)
    if not found:
        raise RequestError(
            "no language that a builder is known for was found here",
            remedy="name one: orchestrate agent generate builder python",
        )
    if options.name and len(found) > 1:
        raise RequestError(
            f"one name for builders of {', '.join(found)}", remedy="name one language, or no --name"
        )
    return found
