"""Collecting the mistakes of one workflow file."""

from __future__ import annotations

from orchestrate.adapters.files.yaml_nodes import Node
from orchestrate.core.planning.problem import Problem, Severity

#: More than anybody reads; what goes past it is counted.
MAX_PROBLEMS = 200

#: Every code and what it means; documented in docs/reference/workflow-files.md.
CODES: dict[str, str] = {
    "agent-or-run": "a task has neither `agent` nor `run`, or both",
    "alias": "the file uses a YAML anchor or alias",
    "bad-alternative": "an alternative names neither an agent nor a backend",
    "bad-choice": "a choice of an input is not of its type",
    "bad-default": "a default is not of its input's type, or not among its choices",
    "bad-duration": "a duration cannot be read, is negative, zero where it may not be, or too long",
    "bad-each": "`each` or `split` does not name a JSON output of another task",
    "bad-expression": "a condition cannot be read, or compares values of different kinds",
    "bad-key": "a list or mapping is used as a key",
    "bad-name": "a name has characters that are not allowed",
    "bad-output-path": "an output's path leads out of the outputs folder",
    "bad-pattern": "a pattern of `writes` does not name paths of the repository",
    "bad-returns": "what a task returns is not what every backend can be asked for",
    "bad-template": "a prompt has braces without a name",
    "bad-trigger": "a trigger rule has no needed task to look at",
    "bad-value": "a value is not one of those allowed",
    "constant-condition": "a condition is the same in every run",
    "contradiction": "two keys cannot both hold",
    "cycle": "tasks or phases wait for each other",
    "duplicate-id": "two phases, tasks, gates or outputs have one name",
    "duplicate-item": "a list names the same thing twice",
    "duplicate-key": "a mapping has a key twice",
    "empty": "a text or list must not be empty",
    "empty-file": "the file says nothing",
    "empty-phase": "a phase has no tasks",
    "later-phase": "a task needs one of a phase that comes after its own",
    "maybe-missing": "a value may not be there when it is used",
    "missing-input": "an input is used that is not declared",
    "missing-key": "a required key is absent",
    "more": "there are more mistakes than are listed",
    "no-effect": "a key has no effect here",
    "no-prompt": "an agent is given nothing to do",
    "not-a-template": "braces stand where they are not filled in",
    "not-upstream": "a value is used before it is certain to be there",
    "not-utf-8": "the file is not UTF-8",
    "out-of-range": "a number is too small or too large",
    "tag": "the file uses a YAML tag",
    "too-deep": "the file is nested too deeply",
    "too-large": "the file is too large",
    "too-many": "a list or mapping is too long",
    "unknown-agent": "there is no such agent",
    "unknown-key": "a key is not known here",
    "unknown-name": "a condition or prompt names something that cannot exist",
    "unknown-phase": "there is no such phase",
    "unknown-status": "a status is compared with a word that is no status",
    "unknown-task": "there is no such task",
    "unreachable": "a task can never start",
    "wrong-type": "a value is of another type than it should be",
    "yaml-syntax": "the file is not valid YAML",
}


class Report:
    """The mistakes found so far; the same code at the same place counts once."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._found: dict[tuple[int, int, str, str], Problem] = {}
        self._more = 0

    @property
    def full(self) -> bool:
        """Whether further mistakes are only counted, so that looking for remedies is no use."""
        return len(self._found) >= MAX_PROBLEMS

    @property
    def failed(self) -> bool:
        """Whether any error was found."""
        return any(problem.severity == "error" for problem in self._found.values())

    def add(
        self,
        code: str,
        place: Node | tuple[int, int],
        message: str,
        fix: str = "",
        severity: Severity = "error",
    ) -> None:
        """Note a mistake at a node, or at a line and column counted from 1."""
        assert code in CODES, code
        line, column = (place.line, place.column) if isinstance(place, Node) else place
        # Several keys can be missing from one mapping.
        key = (line, column, code, message if code == "missing-key" else "")
        if key in self._found:
            return
        if self.full:
            self._more += 1
            return
        self._found[key] = Problem(
            self._file, line, column, code, _short(message), _short(fix), severity
        )

    def warn(self, code: str, place: Node | tuple[int, int], message: str, fix: str = "") -> None:
        """Note something that works and is probably not meant."""
        self.add(code, place, message, fix, "warning")

    def problems(self) -> tuple[Problem, ...]:
        """All of them in the order of the file; the last one says when some were left out."""
        found = sorted(self._found.values(), key=lambda each: (each.line, each.column, each.code))
        if self._more:
            last = found[-1]
            message = f"and {self._more} more mistakes"
            found.append(
                Problem(self._file, last.line, last.column, "more", message, "correct these first")
            )
        return tuple(found)


def _short(text: str) -> str:
    """`text` without control characters and of a length that fits a screen."""
    plain = "".join(character if character.isprintable() else " " for character in text[:400])
    return plain if len(text) <= 300 else f"{plain[:299]}…"
