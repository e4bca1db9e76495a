"""Mistakes in a file, each with its place, a stable code and what to do about it."""

from __future__ import annotations

from typing import Literal

import msgspec

from orchestrate.errors import DefinitionError

Severity = Literal["error", "warning"]


class Problem(msgspec.Struct, frozen=True):
    """One mistake. `line` and `column` count from 1; columns count characters.

    `code` is stable and documented. `fix` is one next step in the imperative.
    """

    file: str
    line: int
    column: int
    code: str
    message: str
    fix: str = ""
    severity: Severity = "error"

    def __str__(self) -> str:
        fix = f"; {self.fix}" if self.fix else ""
        return (
            f"{self.file}:{self.line}:{self.column}: {self.severity}: {self.message}{fix}"
            f" [{self.code}]"
        )


class WorkflowError(DefinitionError):
    """A workflow file that cannot be used. `problems` holds every mistake, warnings included."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        errors = [problem for problem in problems if problem.severity == "error"]
        count = "1 mistake" if len(errors) == 1 else f"{len(errors)} mistakes"
        super().__init__(
            f"{count} in the workflow:\n" + "\n".join(str(problem) for problem in errors),
            remedy="correct the file; `orchestrate validate FILE` checks it without running it",
        )
        self.problems = problems
