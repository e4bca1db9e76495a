"""Errors grouped by who must act, and the one table that maps them to exit codes.

A failed task is an event, not an exception. Every exception a user can meet carries one next
step (`remedy`), and, where a file is at fault, its position.
"""

from __future__ import annotations

import enum


class ExitCode(enum.IntEnum):
    """What the process tells its caller. Documented in docs/reference/exit-codes.md."""

    OK = 0
    RUN_FAILED = 1
    USAGE = 2
    DEFINITION = 3
    CONFIGURATION = 4
    CONFLICT = 5
    STORE = 6
    WAITING = 7
    BUDGET = 8
    FINDINGS = 9
    UNCONFIRMED = 10
    INTERNAL = 70
    INTERRUPTED = 130


EXIT_CODE_MEANING: dict[ExitCode, str] = {
    ExitCode.OK: "the command did what was asked",
    ExitCode.RUN_FAILED: "the run ended as failed or cancelled",
    ExitCode.USAGE: "the command line is wrong",
    ExitCode.DEFINITION: "a workflow or agent file is wrong",
    ExitCode.CONFIGURATION: "a setting is wrong, or this machine lacks something required",
    ExitCode.CONFLICT: "another process owns the run, or the run is not in a state for this",
    ExitCode.STORE: "the event store cannot be read or written",
    ExitCode.WAITING: "the run waits for a person: at a gate, or paused",
    ExitCode.BUDGET: "the run stopped because its budget is used up",
    ExitCode.FINDINGS: "findings reach the threshold given with --fail-on",
    ExitCode.UNCONFIRMED: "something that was asked for could not be confirmed",
    ExitCode.INTERNAL: "a defect in orchestrate itself",
    ExitCode.INTERRUPTED: "interrupted by the user; the run can be resumed",
}


class OrchestrateError(Exception):
    """Base of every error meant for a person.

    Args:
        message: what is wrong, one sentence, no trailing full stop needed.
        remedy: one next step in the imperative; empty when there is none.
    """

    exit_code = ExitCode.INTERNAL

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class RequestError(OrchestrateError):
    """The command asks for something that is not possible; fix the command."""

    exit_code = ExitCode.USAGE


class DefinitionError(OrchestrateError):
    """A workflow or agent file is wrong; fix the file."""

    exit_code = ExitCode.DEFINITION


class ConfigurationError(OrchestrateError):
    """A setting is wrong or the machine lacks something required."""

    exit_code = ExitCode.CONFIGURATION


class ConflictError(OrchestrateError):
    """Somebody else changed or owns the thing; reload and retry."""

    exit_code = ExitCode.CONFLICT


class IllegalCommandError(ConflictError):
    """A command that the present status does not allow. Adds no event.

    Attributes:
        legal: names of the commands that are allowed now.
    """

    def __init__(self, message: str, *, legal: tuple[str, ...] = ()) -> None:
        remedy = f"allowed now: {', '.join(legal)}" if legal else "nothing is allowed any more"
        super().__init__(message, remedy=remedy)
        self.legal = legal


class StoreError(OrchestrateError):
    """The event store cannot be read or written, or its contents are damaged."""

    exit_code = ExitCode.STORE


class VersionConflictError(StoreError):
    """An append expected another stream version than the one found."""


class AgentError(OrchestrateError):
    """The performer failed before it could report an outcome."""

    exit_code = ExitCode.RUN_FAILED


class InternalError(OrchestrateError):
    """A defect in orchestrate itself."""

    exit_code = ExitCode.INTERNAL
