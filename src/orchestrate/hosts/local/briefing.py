"""What an agent is told and allowed beyond its task: the project's standards, the user's rules."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from orchestrate.core.agents.permissions import (
    Permissions,
    Rule,
    narrowed,
    permissions_of,
    restricted,
)
from orchestrate.core.planning.write_set import UNKNOWN
from orchestrate.ports.evidence import Toolbox
from orchestrate.ports.performer import AttemptRequest, ContextFile
from orchestrate.ports.workspace import Workspaces

#: Reads a file of a commit by its path; None if there is none.
Read = Callable[[str], bytes | None]
Standards = Callable[[Read, Sequence[str]], tuple[ContextFile, ...]]


class Briefing:
    """Completes the requests of attempts that agents perform.

    Standards are read from the commit the attempt starts from: what lies in the user's folder and
    is not committed is not part of the task. They are the same for every attempt there.
    """

    def __init__(
        self,
        workspaces: Workspaces,
        standards: Standards,
        rules: tuple[Rule, ...],
        toolbox: Callable[[Path, str], Toolbox] | None = None,
    ) -> None:
        """`rules` are what the user denies every agent.

        `toolbox` tells how the project's environment is found from a workspace; None where the
        repository's own code may not run.
        """
        self._toolbox = toolbox
        self._workspaces = workspaces
        self._standards = standards
        self._rules = rules
        self._known: dict[tuple[str, tuple[str, ...]], tuple[ContextFile, ...]] = {}

    def permissions(self, request: AttemptRequest) -> Permissions:
        """What the agent may do in this attempt."""
        if request.profile is None:
            return narrowed(restricted(Permissions(), self._rules), writes=request.writes)
        return narrowed(permissions_of(request.profile, self._rules), writes=request.writes)

    async def complete(self, request: AttemptRequest) -> AttemptRequest:
        """`request` with standards and permissions."""
        targets = tuple(path for path in (*request.sparse, *request.paths) if path != UNKNOWN)
        key = (request.base, targets)
        if request.base and key not in self._known:
            self._known[key] = await asyncio.to_thread(self._read, request.base, targets)
        return msgspec.structs.replace(
            request,
            standards=self._known.get(key, ()),
            permissions=self.permissions(request),
            toolbox=await self._tools(request),
        )

    async def _tools(self, request: AttemptRequest) -> Toolbox:
        if self._toolbox is None or not request.workspace:
            return Toolbox()
        return await asyncio.to_thread(self._toolbox, Path(request.workspace), request.base)

    def _read(self, base: str, targets: Sequence[str]) -> tuple[ContextFile, ...]:
        return self._standards(lambda path: self._workspaces.file(base, path), targets)
