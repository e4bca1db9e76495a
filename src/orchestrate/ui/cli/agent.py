"""Commands about agent profiles."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrate import wiring
from orchestrate.core.agents.profile import Profile
from orchestrate.errors import RequestError
from orchestrate.ui.cli.data import AgentList, AgentRow
from orchestrate.ui.cli.output import Output, printable, repo_option, with_output


@click.group()
def agent() -> None:
    """List and show agent profiles."""


@agent.command("list")
@repo_option
@with_output
def list_agents(output: Output, repo: str | None) -> int:
    """List the profiles visible here: project, then user, then built in."""
    catalog = wiring.catalog_of(wiring.open_site(Path(repo) if repo else None))
    profiles = [found for name in catalog.names() if (found := catalog.find(name)) is not None]
    width = max((len(item.name) for item in profiles), default=0)
    output.data(
        AgentList(
            tuple(
                AgentRow(item.name, item.description, item.origin, item.path, len(item.warnings))
                for item in profiles
            ),
            tuple(str(error) for error in catalog.broken),
        ),
        "\n".join(
            f"{item.name:<{width}}  {item.origin:<8}  {_short(item.description)}"
            + (f"  ({len(item.warnings)} repairs)" if item.warnings else "")
            for item in profiles
        ),
    )
    for error in catalog.broken:
        output.message(f"not loaded: {error.message}")
    return 0


def _short(text: str, width: int = 70) -> str:
    line = printable(text.split("\n", 1)[0])
    return line if len(line) <= width else line[: width - 1] + "…"


@agent.command("show")
@click.argument("name")
@repo_option
@with_output
def show(output: Output, name: str, repo: str | None) -> int:
    """Show one profile: NAME, or the path of an agent file."""
    profile = _find(name, repo)
    output.data(profile, lambda: _text(profile))
    for warning in profile.warnings:
        output.message(f"{profile.path}:{warning.line}:{warning.column}: {warning.message}")
    return 0


def _find(name: str, repo: str | None) -> Profile:
    from difflib import get_close_matches

    if name.endswith(".md"):
        from orchestrate.adapters.files.profile_reader import read_profile

        return read_profile(Path(name))
    catalog = wiring.catalog_of(wiring.open_site(Path(repo) if repo else None))
    profile = catalog.find(name)
    if profile is None:
        near = get_close_matches(name, catalog.names(), n=3)
        raise RequestError(
            f"there is no agent {name!r}",
            remedy=f"did you mean {', '.join(near)}?" if near else "see: orchestrate agent list",
        )
    return profile


def _text(profile: Profile) -> str:
    tools = "not restricted" if profile.tools is None else ", ".join(profile.tools) or "none"
    rows = [
        ("name", profile.name),
        ("description", printable(profile.description)),
        ("origin", f"{profile.origin}: {profile.path}"),
        ("model", profile.model or "not set"),
        ("tools", tools),
        ("capabilities", ", ".join(profile.capabilities)),
        ("priority", "" if profile.priority is None else str(profile.priority)),
    ]
    lines = [f"{name:<13} {value}" for name, value in rows if value]
    return "\n".join([*lines, "", profile.body.strip()])
