"""The command about running what a repository brings: trust."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrate import wiring
from orchestrate.ui.cli.output import Output, printable, repo_option, with_output
from orchestrate.ui.cli.upkeep_data import TrustData


@click.command()
@click.argument("action", type=click.Choice(("show", "grant", "revoke")), default="show")
@repo_option
@with_output
def trust(output: Output, action: str, repo: str | None) -> int:
    """Show, grant or revoke permission to run the repository's own code.

    Its tests for instance; scanning never needs it. The answer is remembered for the repository at
    this path, outside of it. What runs then can do everything that you can do.
    """
    site = wiring.open_site(Path(repo) if repo else None)
    if action == "grant":
        wiring.trust(site)
    elif action == "revoke":
        wiring.revoke_trust(site)
    trusted = wiring.is_trusted(site)
    word = "trusted" if trusted else "not trusted"
    output.data(
        TrustData(repository=str(site.root), trusted=trusted),
        f"{printable(str(site.root))} is {word}",
    )
    if action == "show" and not trusted:
        output.message("let its tests run: orchestrate trust grant")
    return 0
