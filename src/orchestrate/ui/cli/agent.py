"""Commands about agent profiles."""

from __future__ import annotations

import click

from orchestrate.core.agents.profile import Profile
from orchestrate.ui.cli.agent_check import check
from orchestrate.ui.cli.agent_files import activate, archive, list_agents
from orchestrate.ui.cli.agent_generate import create, generate
from orchestrate.ui.cli.output import Output, printable, repo_option, with_output
from orchestrate.ui.cli.profiles import find_profile


@click.group()
def agent() -> None:
    """List, show, generate and archive agent profiles."""


for command in (check, list_agents, generate, create, archive, activate):
    agent.add_command(command)


@agent.command("show")
@click.argument("name")
@repo_option
@with_output
def show(output: Output, name: str, repo: str | None) -> int:
    """Show one profile: NAME, or the path of an agent file."""
    profile = find_profile(name, repo)
    output.data(profile, lambda: _text(profile))
    for warning in profile.warnings:
        output.message(f"{profile.path}:{warning.line}:{warning.column}: {warning.message}")
    return 0


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
