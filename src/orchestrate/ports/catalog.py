"""Where agent profiles and workflows come from."""

from __future__ import annotations

from typing import Protocol

from orchestrate.core.agents.profile import Profile


class AgentCatalog(Protocol):
    """Profiles by name, searched project, then user, then built in."""

    def find(self, name: str) -> Profile | None:
        """The profile called `name`, or None."""
        ...

    def names(self) -> tuple[str, ...]:
        """All names, sorted."""
        ...
