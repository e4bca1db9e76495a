"""Test, build and format commands of Maven and Gradle projects."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrate.adapters.stack.formatters import Command, folder_of, outermost, spotless_source
from orchestrate.adapters.stack.tree import Tree
from orchestrate.core.agents.stack import StackKind

_GRADLE_FILES = ("settings.gradle", "settings.gradle.kts", "build.gradle", "build.gradle.kts")


def find_java_commands(tree: Tree) -> Iterator[tuple[StackKind, Command]]:
    """Commands of each outermost build; those of its modules are covered by them.

    The wrapper of the project is used where there is one, because it fixes the version.
    """
    for path in outermost(tree.named("pom.xml")):
        folder = folder_of(path)
        tool = _wrapper(tree, folder, "mvnw") or "mvn"
        source = tree.line(path, r"<project\b")
        yield "test", Command((tool, "test"), source, "java", folder)
        yield "build", Command((tool, "-DskipTests", "package"), source, "java", folder)
        spotless = spotless_source(tree, path)
        if spotless:
            yield "format", Command((tool, "spotless:apply"), spotless, "java", folder)
    for path in outermost(tree.named(*_GRADLE_FILES)):
        folder = folder_of(path)
        tool = _wrapper(tree, folder, "gradlew") or "gradle"
        source = f"{path}:1"
        yield "test", Command((tool, "test"), source, "java", folder)
        yield "build", Command((tool, "assemble"), source, "java", folder)
        spotless = _gradle_spotless(tree, folder)
        if spotless:
            yield "format", Command((tool, "spotlessApply"), spotless, "java", folder)


def _gradle_spotless(tree: Tree, folder: str) -> str:
    prefix = "" if folder == "." else f"{folder}/"
    files = (prefix + name for name in ("build.gradle", "build.gradle.kts"))
    return next((found for path in files if (found := spotless_source(tree, path))), "")


def _wrapper(tree: Tree, folder: str, name: str) -> str:
    path = name if folder == "." else f"{folder}/{name}"
    return f"./{name}" if tree.has(path) else ""
