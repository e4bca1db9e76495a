"""What can be chosen for every agent that is made, and delivering it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from orchestrate import wiring
from orchestrate.errors import RequestError
from orchestrate.ui.cli.output import Output, printable

if TYPE_CHECKING:
    from orchestrate.core.agents.agent_text import Generated, Options
    from orchestrate.core.agents.stack import Stack
    from orchestrate.wiring import Site


class Chosen(NamedTuple):
    """The options that `agent_options` adds, as they were given."""

    name: str
    tools: str
    model: str
    priority: int | None
    test_command: str
    claude: bool
    where: str
    only_print: bool
    force: bool


def agent_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add what can be chosen for every agent, and hand it over as `chosen`."""

    @click.option("--name", default="", help="Its name (default: from what it is).")
    @click.option("--tools", default="", help='Tools it may use, such as "Read,Edit,Bash".')
    @click.option("--model", default="", help="A model name of the backend (default: none).")
    @click.option("--priority", type=int, help="Rank among agents, 1 comes first.")
    @click.option("--test-command", default="", help="How tests are run (default: detected).")
    @click.option("--claude", is_flag=True, help="Write it into .claude/agents.")
    @click.option("--output", "where", default="", metavar="PATH", help="Write it to this path.")
    @click.option("--print", "only_print", is_flag=True, help="Print it and write nothing.")
    @click.option("--force", is_flag=True, help="Replace a file that is there.")
    @wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        chosen = Chosen(**{name: kwargs.pop(name) for name in Chosen._fields})
        return function(*args, chosen=chosen, **kwargs)

    return wrapped


def options_of(chosen: Chosen, site: Site) -> Options:
    """What is chosen about the agent itself; the setting `test_command` counts where none is given.

    Raises:
        RequestError: the name or a tool cannot be one, or options contradict each other.
    """
    from orchestrate.core.agents.agent_text import Options, checked_name, tool_names

    _refuse_contradiction(chosen)
    return Options(
        name=checked_name(chosen.name) if chosen.name else "",
        model=chosen.model,
        priority=chosen.priority,
        tools=tool_names(chosen.tools),
        test_command=chosen.test_command or _configured_tests(site),
    )


def _configured_tests(site: Site) -> str:
    """The setting; one that the repository makes counts where the repository is trusted."""
    made_by_project = site.origin["test_command"].startswith(str(site.root / ".orchestrate"))
    if made_by_project and not wiring.is_trusted(site):
        return ""
    return site.settings.test_command


def _refuse_contradiction(chosen: Chosen) -> None:
    if chosen.only_print and (chosen.claude or chosen.where or chosen.force):
        raise RequestError(
            "--print writes nothing", remedy="leave out --claude, --output and --force, or --print"
        )
    if chosen.claude and chosen.where:
        raise RequestError("--claude and --output name two places", remedy="give one of them")


def deliver(
    output: Output, site: Site, agents: tuple[Generated, ...], stack: Stack, chosen: Chosen
) -> None:
    """Write the agents, or only print them, and say which; then what they were made from."""
    from orchestrate.app.agents import Destination, write_agents
    from orchestrate.ui.cli.agent_data import GeneratedAgents, WrittenAgent

    if chosen.only_print:
        made = tuple(
            WrittenAgent(name=each.name, path=None, replaced=False, text=each.text)
            for each in agents
        )
        text = "\n".join(each.text.rstrip("\n") for each in agents)
        output.data(GeneratedAgents(agents=made, stack=stack), text)
    else:
        place = Destination(
            "claude" if chosen.claude else "orchestrate", chosen.where, chosen.force
        )
        written = write_agents(wiring.agent_store(site), agents, place)
        made = tuple(
            WrittenAgent(name=each.name, path=file.path, replaced=file.replaced, text=each.text)
            for each, file in zip(agents, written, strict=True)
        )
        lines = (f"{'replaced' if each.replaced else 'wrote'} {each.path}" for each in written)
        output.data(GeneratedAgents(agents=made, stack=stack), "\n".join(map(printable, lines)))
    _tell(output, stack)


def _tell(output: Output, stack: Stack) -> None:
    """What the agents were made from, for people."""
    shares = ", ".join(f"{each.name} {each.share:.0%}" for each in stack.languages[:5])
    frameworks = ", ".join(each.name for each in stack.frameworks)
    output.message(f"found: {shares or 'no code'}" + (f"; {frameworks}" if frameworks else ""))
    for note in stack.notes:
        output.message(f"note: {printable(note)}")
