"""An agent profile: what a Markdown file with YAML front matter says about a performer."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

ProfileOrigin = Literal["project", "user", "built-in", "file"]


class ProfileWarning(msgspec.Struct, frozen=True):
    """A repair or an oddity, and where: 1-based line and column in the profile's file."""

    line: int
    column: int
    code: str
    message: str


class Orchestration(msgspec.Struct, frozen=True, omit_defaults=True):
    """The `orchestration:` block (E1)."""

    priority: int | str | None = None
    dependencies: tuple[str, ...] = ()
    max_parallel: int | None = None


class Profile(msgspec.Struct, frozen=True, omit_defaults=True):
    """One agent. `body` is the system prompt; `extra` keeps unknown front-matter keys as read.

    `tools` is None when the file does not restrict tools, and empty when it allows none.
    """

    name: str
    description: str
    body: str = ""
    model: str | None = None
    tools: tuple[str, ...] | None = None
    disallowed_tools: tuple[str, ...] = ()
    mcp_servers: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    priority: int | None = None
    timeout_s: float | None = None
    max_retries: int | None = None
    orchestration: Orchestration = Orchestration()
    extra: dict[str, Any] = {}
    path: str = ""
    origin: ProfileOrigin = "file"
    warnings: tuple[ProfileWarning, ...] = ()
