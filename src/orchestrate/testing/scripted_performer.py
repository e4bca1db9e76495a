"""A performer that does what a test tells it to: in this process, at once, and labelled as such."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from orchestrate.core.ids import AttemptKey
from orchestrate.ports.performer import AttemptRequest, AttemptResult

#: What an attempt does: a result, or something that makes one (and may wait, or raise).
Step = AttemptResult | Callable[[AttemptRequest], AttemptResult | Awaitable[AttemptResult]]
LABEL = "scripted"


class ScriptedPerformer:
    """Implements `ports.performer.Performer`.

    Every summary it returns begins with "scripted", so that no result of it can be taken for work.

    Args:
        script: steps per task; attempt n takes the n-th. A task or an attempt without a step
            succeeds.

    Attributes:
        performed: the requests, in the order they came.
    """

    def __init__(self, script: Mapping[str, Sequence[Step]] | None = None) -> None:
        self._script = script or {}
        self._finished: dict[AttemptKey, AttemptResult] = {}
        self.performed: list[AttemptRequest] = []

    async def perform(self, request: AttemptRequest) -> AttemptResult:
        """Take the step for this attempt."""
        self.performed.append(request)
        steps = self._script.get(request.key.task, ())
        number = request.key.number
        step: Step = steps[number - 1] if number <= len(steps) else AttemptResult(ok=True)
        made = step(request) if callable(step) else step
        result = await made if inspect.isawaitable(made) else made
        summary = f"{LABEL}: {result.summary}" if result.summary else LABEL
        result = msgspec.structs.replace(result, summary=summary)
        self._finished[request.key] = result
        return result

    async def recover(self, request: AttemptRequest) -> AttemptResult | None:
        """The result of an attempt that was performed to its end, as if it had been on disk."""
        result = self._finished.get(request.key)
        return None if result is None else msgspec.structs.replace(result, recovered=True)
