"""Commands that put the code into the project's own form, where the project says which that is.

A formatter that is only installed is not taken: run on code of another form it would change every
line. Go and Rust have one form that comes with the language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from orchestrate.adapters.stack.tree import Tree
from orchestrate.core.agents.stack import Ecosystem

#: Folders of one kind that get commands; a larger monorepo has commands at its root.
MAX_FOLDERS = 10
_PRETTIER = re.compile(r"(?:^|/)(?:\.prettierrc(?:\.\w+)?|prettier\.config\.\w+)$")
_SCRIPTS = ("format", "fmt", "prettier:write", "format:write")
_RUN = {"pnpm": "pnpm exec", "yarn": "yarn run", "bun": "bunx"}
_SPOTLESS = re.compile(r"com\.diffplug\.spotless|spotless-maven-plugin")


class Command(NamedTuple):
    """Words to run in `folder`, and where that was found."""

    argv: tuple[str, ...]
    source: str
    ecosystem: Ecosystem
    folder: str


def find_formatters(tree: Tree) -> Iterator[Command]:
    """The formatter of each ecosystem that says which one it uses, outermost folder first."""
    yield from _python(tree)
    yield from _node(tree)
    for path in outermost(tree.named("go.mod")):
        source = tree.line(path, r"^module\b")
        yield Command(("go", "fmt", "./..."), source, "go", folder_of(path))
    for path in outermost(tree.named("Cargo.toml")):
        whole = ("--all",) if "workspace" in tree.toml(path) else ()
        source = tree.line(path, r"^\[(?:package|workspace)\]")
        yield Command(("cargo", "fmt", *whole), source, "rust", folder_of(path))


def folder_of(path: str) -> str:
    """The folder of a file, `.` for the root."""
    return path.rpartition("/")[0] or "."


def outermost(paths: list[str]) -> list[str]:
    """Of manifests, shallowest first, those whose folder is in no other one's folder."""
    kept: list[str] = []
    for path in paths:
        folder = folder_of(path)
        above = [folder_of(each) for each in kept]
        if not any(each in (".", folder) or folder.startswith(f"{each}/") for each in above):
            kept.append(path)
    return kept[:MAX_FOLDERS]


def spotless_source(tree: Tree, path: str) -> str:
    """Where a build file sets up Spotless, as `path:line`; empty if it does not."""
    found = _SPOTLESS.search(tree.text(path) or "")
    return tree.line(path, _SPOTLESS.pattern) if found else ""


def _python(tree: Tree) -> Iterator[Command]:
    """ruff or black, as settings or a hook of pre-commit say."""
    for path in outermost(tree.named("pyproject.toml")):
        tools = tree.toml(path).get("tool")
        settings = tools if isinstance(tools, dict) else {}
        ruff = settings.get("ruff")
        folder = folder_of(path)
        if "black" in settings:
            source = tree.line(path, r"^[ \t]*\[+tool\.black\b")
            yield Command(("python", "-m", "black", "."), source, "python", folder)
        elif isinstance(ruff, dict) and "format" in ruff:
            source = tree.line(path, r"^[ \t]*\[+tool\.ruff\.format\b")
            yield Command(("ruff", "format", "."), source, "python", folder)
        else:
            yield from _hooked(tree, folder)
        return
    for path in tree.named("ruff.toml", ".ruff.toml")[:1]:
        if "format" in tree.toml(path):
            source = tree.line(path, r"^[ \t]*\[format\]")
            yield Command(("ruff", "format", "."), source, "python", folder_of(path))
            return
    if not tree.named("pyproject.toml"):
        yield from _hooked(tree, ".")


def _hooked(tree: Tree, folder: str) -> Iterator[Command]:
    """The formatter among the hooks of pre-commit."""
    path = ".pre-commit-config.yaml"
    for hook, argv in (("ruff-format", ("ruff", "format", ".")), ("black", ("black", "."))):
        pattern = (
            rf"^[ ]{{0,40}}(?:-[ ]{{1,9}})?id:[ ]{{1,9}}['\"]?{hook}['\"]?[ \t]{{0,40}}(?:#.*)?$"
        )
        if re.search(pattern, tree.text(path) or "", re.M):
            yield Command(argv, tree.line(path, pattern), "python", folder)
            return


def _node(tree: Tree) -> Iterator[Command]:
    for path in outermost(tree.named("package.json")):
        package, folder = tree.json(path), folder_of(path)
        manager = _manager(tree, package)
        scripts = package.get("scripts")
        known = scripts if isinstance(scripts, dict) else {}
        script = next((name for name in _SCRIPTS if isinstance(known.get(name), str)), "")
        if script:
            source = tree.line(path, rf"\"{re.escape(script)}\"[ ]{{0,9}}:")
            yield Command((manager, "run", script), source, "node", folder)
            continue
        execute = tuple(_RUN.get(manager, "npx --no-install").split())
        for tool, source in _node_tools(tree, path, package):
            yield Command((*execute, *tool), source, "node", folder)
            break


def _manager(tree: Tree, package: dict[str, Any]) -> str:
    named = str(package.get("packageManager", "")).partition("@")[0]
    if named in ("npm", "pnpm", "yarn", "bun"):
        return named
    locks = {"pnpm-lock.yaml": "pnpm", "yarn.lock": "yarn", "bun.lock": "bun", "bun.lockb": "bun"}
    return next((name for lock, name in locks.items() if tree.has(lock)), "npm")


def _node_tools(
    tree: Tree, path: str, package: dict[str, Any]
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Prettier or Biome, by settings of their own in the folder of `path`."""
    folder = folder_of(path)
    prefix = "" if folder == "." else f"{folder}/"
    for biome in ("biome.json", "biome.jsonc"):
        if tree.has(prefix + biome):
            yield ("biome", "format", "--write", "."), f"{prefix}{biome}:1"
    for other in tree.sizes:
        if other.startswith(prefix) and _PRETTIER.search(f"/{other.removeprefix(prefix)}"):
            yield ("prettier", "--write", "."), f"{other}:1"
    if "prettier" in package:
        yield ("prettier", "--write", "."), tree.line(path, r"\"prettier\"[ ]{0,9}:")
