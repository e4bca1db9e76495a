"""Commands about agent files that are there: list, archive, activate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrate import wiring
from orchestrate.ui.cli.output import Output, printable, repo_option, with_output

if TYPE_CHECKING:
    from orchestrate.app.agents import MovedAgent
    from orchestrate.ui.cli.agent_data import AgentListing


@click.command("list")
@click.option("--active", is_flag=True, help="Agents that are found by name (the default).")
@click.option("--archived", is_flag=True, help="Agents that were put away, by people and runs.")
@repo_option
@with_output
def list_agents(output: Output, active: bool, archived: bool, repo: str | None) -> int:
    """List the profiles visible here: project, then user, then built in.

    With --archived, those in the archives; with --active --archived, both.
    """
    listing = _listing(repo, active=active or not archived, archived=archived)
    output.data(listing, lambda: "\n".join(_lines(listing)))
    for hidden in listing.shadowed:
        output.message(f"not used: {printable(hidden.path)}; {printable(hidden.by)} has its name")
    for error in listing.broken:
        output.message(f"not loaded: {error}")
    return 0


@click.command("archive")
@click.argument("name")
@repo_option
@with_output
def archive(output: Output, name: str, repo: str | None) -> int:
    """Put an agent of the project away: it is kept, and no longer found.

    Its file goes to .orchestrate/agents/archive; `agent activate` brings it back.
    """
    from orchestrate.app.agents import archive_agent

    site = wiring.open_site(Path(repo) if repo else None)
    moved = archive_agent(wiring.agent_store(site), wiring.catalog_of(site).find(name), name)
    _moved(output, moved, "moved")
    again = wiring.catalog_of(site).find(name)
    if again is not None:
        output.message(f"{name} is now {printable(again.path)} ({again.origin})")
    return 0


@click.command("activate")
@click.argument("name")
@click.option("--run", "run_id", default="", metavar="RUN", help="The agent of this run.")
@repo_option
@with_output
def activate(output: Output, name: str, run_id: str, repo: str | None) -> int:
    """Bring an agent back from the archive, so that it is found again.

    What a person put away comes before what runs left; of those, the latest. An agent of a run is
    copied into .orchestrate/agents, without the record of what it did.
    """
    from orchestrate.app.agents import activate_agent

    site = wiring.open_site(Path(repo) if repo else None)
    moved = activate_agent(wiring.agent_store(site), name, run=run_id)
    _moved(output, moved, "copied" if moved.kept else "moved")
    found = wiring.catalog_of(site).find(name)
    if found is not None and found.path != moved.target:
        output.message(f"{name} is still {printable(found.path)}, which is searched earlier")
    return 0


def _moved(output: Output, moved: MovedAgent, word: str) -> None:
    source, target = printable(moved.source), printable(moved.target)
    output.data(moved, f"{word} {source} to {target}")


def _listing(repo: str | None, *, active: bool, archived: bool) -> AgentListing:
    from orchestrate.app.agents import generated_on
    from orchestrate.ui.cli.agent_data import (
        AgentListing,
        ArchivedAgent,
        HiddenAgent,
        ListedAgent,
    )

    site = wiring.open_site(Path(repo) if repo else None)
    catalog = wiring.catalog_of(site)
    names = catalog.names() if active else ()
    profiles = [found for name in names if (found := catalog.find(name)) is not None]
    return AgentListing(
        agents=tuple(
            ListedAgent(
                name=each.name,
                description=each.description,
                origin=each.origin,
                path=each.path,
                warnings=len(each.warnings),
                generated=generated_on(each) or None,
                priority=each.priority,
            )
            for each in profiles
        ),
        archived=tuple(
            ArchivedAgent(
                name=each.profile.name,
                description=each.profile.description,
                path=each.path,
                generated=generated_on(each.profile) or None,
                priority=each.profile.priority,
                run=each.run,
            )
            for each in (wiring.agent_store(site).archived() if archived else ())
        ),
        shadowed=tuple(
            HiddenAgent(name=each.name, path=each.path, by=each.by)
            for each in (catalog.shadowed if active else ())
        ),
        broken=tuple(error.message for error in (catalog.broken if active else ())),
    )


def _lines(listing: AgentListing) -> Iterator[str]:
    names = [agent.name for agent in listing.agents] + [away.name for away in listing.archived]
    width = max(map(len, names), default=0)
    for agent in listing.agents:
        made = f" (generated {printable(agent.generated)})" if agent.generated else ""
        repairs = f"  ({agent.warnings} repairs)" if agent.warnings else ""
        about = _short(agent.description)
        yield f"{agent.name:<{width}}  {agent.origin:<8}  {about}{made}{repairs}"
    for away in listing.archived:
        made = f" (generated {printable(away.generated)})" if away.generated else ""
        whose = f"run {away.run}" if away.run else "archived"
        yield f"{away.name:<{width}}  {whose:<8}  {_short(away.description)}{made}"


def _short(text: str, width: int = 70) -> str:
    line = printable(text.split("\n", 1)[0])
    return line if len(line) <= width else line[: width - 1] + "…"
