"""A detected check as somebody would type it.

The engine asks tools for reports and quiet output, in places it fills in. An agent, or a person,
wants the plain command: what only serves the engine's reading is left out again.
"""

from __future__ import annotations

from orchestrate.core.agents.stack import (
    Ecosystem,
    StackCommand,
    StackKind,
    is_plain_command,
    is_plain_source,
    is_plain_word,
)
from orchestrate.core.sharing.evidence import CheckCommand, EvidenceKind

_KINDS: dict[EvidenceKind, StackKind] = {"test": "test", "lint": "lint", "build": "build"}
_ECOSYSTEMS: dict[str, Ecosystem] = {
    **dict.fromkeys(
        ("pytest", "unittest", "tox", "nox", "python", "ruff", "flake8", "mypy", "pylint", "black"),
        "python",
    ),
    **dict.fromkeys(
        ("npm", "pnpm", "yarn", "vitest", "jest", "mocha", "node", "eslint", "tsc"), "node"
    ),
    **dict.fromkeys(("go", "golangci-lint"), "go"),
    "cargo": "rust",
}
#: Options that change only how the output looks or how much of it there is.
_QUIET = frozenset(
    [
        *("--color=no", "--color=never", "--no-color-output", "-rfEX", "--maxfail=0"),
        *("--ci", "--json", "-json", "--reporter=json", "--no-cache", "--output-format=concise"),
        *("--test-reporter=junit", "--test-reporter=lcov", "--no-fail-fast", "--reports=n"),
    ]
)
_QUIET_PAIRS = frozenset(
    [
        ("-o", "junit_family=xunit1"),
        ("-o", "junit_suite_name=pytest"),
        ("--reporter", "xunit"),
    ]
)
_REPORT = "{report}"


def typed(command: CheckCommand) -> StackCommand | None:
    """`command` as it would be typed; None if it has no such form, or text that is not plain."""
    kind = _KINDS.get(command.kind)
    if kind is None or (kind == "build" and any(_REPORT in word for word in command.argv)):
        return None
    words = _words(command)
    # A folder is a path of the repository like any other, and its text goes into prompts as well.
    if not is_plain_command(words) or not is_plain_word(command.folder):
        return None
    if not is_plain_source(command.source):
        return None
    return StackCommand(
        kind=kind,
        text=" ".join(map(_quoted, words)),
        source=command.source,
        ecosystem=_ECOSYSTEMS.get(command.runner, "other"),
        folder=command.folder,
    )


def _quoted(word: str) -> str:
    """Plain words have no quotes in them, but some have what a shell would expand."""
    return f"'{word}'" if set(word) & set("*{}~") else word


def _words(command: CheckCommand) -> tuple[str, ...]:
    argv = command.argv
    if command.runner == "unittest" and _REPORT in " ".join(argv[:3]):
        argv = ("{python}", "-m", "unittest", *argv[3:])  # in place of the script that records
    kept: list[str] = []
    for word in argv:
        previous = kept[-1] if kept else ""
        if _REPORT in word:
            if not word.startswith("-") and previous.startswith("-"):
                kept.pop()
        elif (previous, word) in _QUIET_PAIRS:
            kept.pop()
        elif word not in _QUIET:
            kept.append("python" if word == "{python}" else word)
    while kept and kept[-1] == "--":
        kept.pop()
    return tuple(kept)
