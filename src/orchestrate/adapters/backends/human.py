"""The `human` backend: a task in the hands of a person. It never runs a process."""

from __future__ import annotations

from orchestrate.core.planning.definition import TaskSpec
from orchestrate.errors import InternalError
from orchestrate.ports.performer import AttemptRequest, AttemptResult
from orchestrate.ports.process import ProcessOutcome, ProcessSpec


class HumanBackend:
    """Stands for a person: the kernel hands the task over, and nobody performs it here."""

    name = "human"

    def refusal(self, task: TaskSpec) -> str:
        """See Backend."""
        if task.run is not None:
            return "it is a command, which no person runs; leave `run` or `backend` out"
        return "" if task.prompt else "a person needs to be told what to do: add a `prompt`"

    def spec(self, request: AttemptRequest) -> ProcessSpec:
        """Not called: what is handed to a person is never performed.

        Raises:
            InternalError: always.
        """
        raise InternalError(f"{request.key} is in the hands of a person and was to be performed")

    def parse(self, request: AttemptRequest, outcome: ProcessOutcome) -> AttemptResult:  # noqa: ARG002
        """Not called, as `spec` is not. Raises InternalError always."""
        raise InternalError(f"{request.key} is in the hands of a person and has no process")
