"""What a user should know about how Codex would be run here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from orchestrate.adapters.backends.codex.access import OWN_KEY, SHARED_KEY, Access


def notes(access: Access, environ: Mapping[str, str]) -> tuple[str, ...]:
    """One line each; empty when there is nothing to say."""
    if access.way != "login":
        return ()
    folder = Path(access.home)
    found = []
    if environ.get(SHARED_KEY):
        found.append(
            f"{SHARED_KEY} is set and not used, as there is a login; set {OWN_KEY} to use a key"
        )
    instructions = [
        folder / name for name in ("AGENTS.override.md", "AGENTS.md") if (folder / name).is_file()
    ]
    if instructions:
        found.append(f"{instructions[0]} is given to every agent, by Codex itself")
    if (folder / "config.toml").is_file():
        found.append(
            f"{folder / 'config.toml'} does not apply, but for MCP servers a profile names"
        )
    if any(folder.glob("rules/*.rules")):
        found.append(f"the rules in {folder / 'rules'} do not apply: some leave the sandbox")
    return tuple(found)
