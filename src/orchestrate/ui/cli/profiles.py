"""The agent profile a command is about."""

from __future__ import annotations

from pathlib import Path

from orchestrate import wiring
from orchestrate.core.agents.profile import Profile
from orchestrate.errors import RequestError


def find_profile(name: str, repo: str | None) -> Profile:
    """The profile called `name`, or in the file `name` if that ends in `.md`.

    Raises:
        RequestError: there is none of that name.
        DefinitionError: the file is no agent file.
    """
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
