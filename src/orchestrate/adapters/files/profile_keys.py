"""The front-matter keys of an agent file: how they are spelled, and their JSON Schema."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from orchestrate.core.ids import NAME_PATTERN

Names = list[str] | str


class OrchestrationKeys(msgspec.Struct, omit_defaults=True):
    """How the orchestrator schedules the agent."""

    priority: int | str | None = None
    dependencies: Names = msgspec.field(default_factory=list)
    max_parallel: Annotated[int, Meta(ge=1)] | None = None


class ProfileKeys(msgspec.Struct, omit_defaults=True):
    """What an agent file should say; other keys are allowed and kept.

    This is the form to write. The reader accepts more and says what it repaired.
    """

    name: Annotated[str, Meta(pattern=NAME_PATTERN, description="How tasks refer to the agent.")]
    description: Annotated[str, Meta(min_length=1, description="When to use the agent.")]
    model: Annotated[str, Meta(description="A model name of the backend, or `inherit`.")] = ""
    tools: Annotated[
        Names, Meta(description="Allowed tools, as a list or separated by commas; all if absent.")
    ] = ""
    disallowed_tools: Annotated[Names, Meta(description="Tools taken away.")] = msgspec.field(
        default="", name="disallowedTools"
    )
    mcp_servers: Annotated[
        list[Any] | dict[str, Any] | str, Meta(description="MCP servers, by name or configured.")
    ] = ""
    capabilities: Annotated[Names, Meta(description="What tasks can be routed to it for.")] = ""
    priority: Annotated[
        int, Meta(description="Rank among agents, 1 comes first; not of tasks.")
    ] = 0
    timeout_seconds: Annotated[float, Meta(gt=0)] | None = None
    max_retries: Annotated[int, Meta(ge=0)] | None = None
    orchestration: OrchestrationKeys | None = None


class Spellings:
    """Which keys a map knows, and in which spellings.

    Args:
        accepted: spelling -> the key it means; these need no warning.
        loose: further spelling, `squashed` -> the key it means.
    """

    def __init__(self, accepted: dict[str, str], loose: dict[str, str] | None = None) -> None:
        self.accepted = accepted
        self._squashed = {squashed(each): key for each, key in accepted.items()} | (loose or {})

    def meant(self, written: str) -> str | None:
        """The key that `written` means, whatever its case and hyphens; None for an unknown one."""
        return self.accepted.get(written) or self._squashed.get(squashed(written))


def squashed(key: str) -> str:
    """`key` without case, `-`, `_` and `.`, to compare spellings."""
    return key.casefold().translate(_PUNCTUATION)


_PUNCTUATION = str.maketrans("", "", "-_.")

#: Claude Code writes camel case.
PROFILE_SPELLINGS = Spellings(
    {name: name for name in ProfileKeys.__struct_fields__}
    | {"disallowedTools": "disallowed_tools", "mcpServers": "mcp_servers"},
    loose={"allowedtools": "tools"},
)
ORCHESTRATION_SPELLINGS = Spellings({name: name for name in OrchestrationKeys.__struct_fields__})
#: Keys that only slash commands have, `squashed`.
COMMAND_KEYS = frozenset({"allowedtools", "argumenthint", "commandtype", "dependentcommands"})


def profile_schema() -> dict[str, Any]:
    """JSON Schema of the front matter."""
    return msgspec.json.schema(ProfileKeys)
