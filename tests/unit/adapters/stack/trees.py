"""Small repositories written by tests."""

from __future__ import annotations

from pathlib import Path

from orchestrate.adapters.evidence.detect import detect
from orchestrate.adapters.stack.detect import detect_stack
from orchestrate.core.agents.stack import Ecosystem, Stack, StackKind


def written(root: Path, files: dict[str, str]) -> Path:
    """`root` with these files in it."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def stack_of(root: Path, files: dict[str, str]) -> Stack:
    """The stack of a repository with these files, with the checks that are detected there."""
    folder = written(root, files)
    return detect_stack(folder, detect(folder))


def commands(stack: Stack, kind: StackKind, ecosystem: Ecosystem | None = None) -> list[str]:
    """Commands of a kind, with the folder in front of those that are not at the root."""
    return [
        each.text if each.folder == "." else f"{each.folder}: {each.text}"
        for each in stack.commands
        if each.kind == kind and ecosystem in (None, each.ecosystem)
    ]
