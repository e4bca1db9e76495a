"""What a repository is made of: reads files, executes nothing, never raises for what is in one.

Commands for tests, linters and builds of Python, Node, Go and Rust are detected once, for the
engine's own checks; they are passed in. Added here are formatters, and Maven and Gradle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from orchestrate.adapters.stack import known_frameworks
from orchestrate.adapters.stack.dependencies import (
    Named,
    go_dependencies,
    java_dependencies,
    node_dependencies,
    python_dependencies,
    rust_dependencies,
)
from orchestrate.adapters.stack.formatters import Command, find_formatters
from orchestrate.adapters.stack.java_commands import find_java_commands
from orchestrate.adapters.stack.languages import find_languages
from orchestrate.adapters.stack.managers import find_managers
from orchestrate.adapters.stack.tree import Tree
from orchestrate.adapters.stack.typed_command import typed
from orchestrate.core.agents.stack import (
    Ecosystem,
    Framework,
    Stack,
    StackCommand,
    StackKind,
    is_plain_command,
    is_plain_source,
    is_plain_word,
)
from orchestrate.ports.evidence import Detection

_SOURCES: tuple[tuple[Ecosystem, Callable[[Tree], Iterator[Named]], Mapping[str, str]], ...] = (
    ("python", python_dependencies, known_frameworks.PYTHON),
    ("node", node_dependencies, known_frameworks.NODE),
    ("go", go_dependencies, known_frameworks.GO),
    ("rust", rust_dependencies, known_frameworks.RUST),
    ("java", java_dependencies, known_frameworks.JAVA),
)


def detect_stack(root: Path, checks: Detection | None = None) -> Stack:
    """The stack of the repository at `root`; `checks` is what detection of checks found there.

    A file that cannot be read or made out gives a note.
    """
    tree = Tree(root)
    if not tree.tracked:
        tree.note("git does not tell which files count: all were looked at")
    return Stack(
        languages=find_languages(tree),
        frameworks=tuple(_frameworks(tree)),
        managers=find_managers(tree),
        commands=tuple(dict.fromkeys(_commands(tree, checks or Detection()))),
        notes=tuple(tree.notes),  # after all the others: reading any file can add to them
    )


def _frameworks(tree: Tree) -> Iterator[Framework]:
    """Each framework once, where it was seen first."""
    for ecosystem, dependencies, known in _SOURCES:
        seen: dict[str, str] = {}
        for name, source in dependencies(tree):
            framework = _known(ecosystem, name, known)
            if framework:
                seen.setdefault(framework, source)
        yield from (Framework(name, ecosystem, source) for name, source in seen.items())


def _known(ecosystem: Ecosystem, name: str, known: Mapping[str, str]) -> str:
    if ecosystem != "java":
        return known.get(name, "")
    parts = name.split(".")
    prefixes = (".".join(parts[:end]) for end in range(len(parts), 0, -1))
    return next((known[prefix] for prefix in prefixes if prefix in known), "")


def _commands(tree: Tree, checks: Detection) -> Iterator[StackCommand]:
    for check in checks.commands:
        command = typed(check)
        if command is not None:
            yield command
    for kind, found in find_java_commands(tree):
        yield from _plain(tree, kind, found)
    for found in find_formatters(tree):
        yield from _plain(tree, "format", found)


def _plain(tree: Tree, kind: StackKind, found: Command) -> Iterator[StackCommand]:
    """The command, unless there is text in it that may not go into a prompt."""
    plain = is_plain_command(found.argv) and is_plain_word(found.folder)
    if plain and is_plain_source(found.source):
        text = " ".join(found.argv)
        yield StackCommand(kind, text, found.source, found.ecosystem, found.folder)
    else:
        tree.note(f"{found.source}: a {kind} command is left out, its folder has an odd name")
