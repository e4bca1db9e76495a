"""Which environment a check runs in, and laying into the checkout what it needs from there."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path

from orchestrate.adapters.evidence.compiled_environment import CompiledEnvironments
from orchestrate.adapters.evidence.environment import Built
from orchestrate.adapters.evidence.node_environment import NodeEnvironments, link_packages
from orchestrate.adapters.evidence.process_environment import pip_settings, scrubbed
from orchestrate.adapters.evidence.python_environment import PythonEnvironments
from orchestrate.adapters.evidence.python_wheel import import_roots
from orchestrate.adapters.evidence.selection import runs_pytest
from orchestrate.adapters.evidence.steps import Steps
from orchestrate.core.sharing.evidence import CheckCommand
from orchestrate.ports.evidence import Check
from orchestrate.ports.process import Supervisor

_NODE_RUNNERS = frozenset({"npm", "pnpm", "yarn", "vitest", "jest", "node"})
_COMPILED_RUNNERS = frozenset({"go", "cargo"})
_TOOLS = frozenset(
    {"bandit", "black", "build", "flake8", "isort", "mypy", "nox", "pycodestyle", "pydocstyle"}
    | {"pylint", "pyright", "pytest", "ruff", "tox"}
)
_PYTHON_FILES = ("pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "tox.ini")


class Environments:
    """Finds or builds the environment of a check.

    Args:
        supervisor: runs what builds.
        folder: where environments are kept.
        environ: of the user.
        setup: a shell command of the user's that prepares a checkout. With it nothing is built
            here: what it makes, `.venv` and `node_modules` in the checkout, is the environment.
    """

    def __init__(
        self, supervisor: Supervisor, folder: Path, environ: Mapping[str, str], setup: str
    ) -> None:
        self._supervisor = supervisor
        self._folder = folder
        self._environ = environ
        self._setup = setup
        self._python = PythonEnvironments(supervisor, folder, environ)
        self._node = NodeEnvironments(supervisor, folder, environ)
        self._compiled = CompiledEnvironments(supervisor, folder, environ)

    async def prepare(self, check: Check, scratch: Path, logs: Path) -> Built:
        """The environment of `check`, with the checkout ready to run in it.

        Raises:
            BuildError: there is none, with the reason.
        """
        command = check.command
        folder = Path(check.checkout) / command.folder
        if self._setup:
            return await self._set_up(folder, scratch, logs, check.token)
        kind = kind_of(command, folder)
        if kind == "python":
            tools = tools_of(command)
            built = await self._python.get(folder, tools, scratch, logs, check.token)
        elif kind == "node":
            built = await self._node.get(folder, scratch, logs, check.token)
        elif kind in _COMPILED_RUNNERS:
            built = await self._compiled.get(kind, folder, scratch, logs, check.token)
        else:
            return Built()
        await asyncio.to_thread(_lay_out, built, folder)
        return built

    def ready(self, command: CheckCommand, folder: Path) -> Built | None:
        """The environment of `command` in `folder` if it is a Python one and there already."""
        if self._setup or kind_of(command, folder) != "python":
            return None
        return self._python.ready(folder, tools_of(command))

    async def _set_up(self, folder: Path, scratch: Path, logs: Path, token: str) -> Built:
        for name in ("home", "tmp"):
            (scratch / name).mkdir(mode=0o700)
        env = scrubbed(self._environ, scratch / "home", scratch / "tmp")
        env |= pip_settings(self._environ, self._folder / "pip-cache")
        steps = Steps(self._supervisor, logs, token, env, folder)
        await steps.run("setup", ("/bin/sh", "-c", self._setup))
        venv = folder / ".venv"
        path = env["PATH"]
        python = venv / "bin/python"
        if not python.exists():
            found = shutil.which("python3", path=path)
            python = Path(found) if found else Path("python3")
        made = (venv / "bin").is_dir()
        return Built(
            key=hashlib.sha256(self._setup.encode()).hexdigest()[:20],
            folder=str(folder),
            interpreter=f"{python}, set up by the project's own command",
            bin=str(venv / "bin") if made else "",
            python=str(python),
            env={"VIRTUAL_ENV": str(venv), "PYTHONNOUSERSITE": "1"} if made else {},
            notes=("the environment is what the setup command made",),
        )


def kind_of(command: CheckCommand, folder: Path) -> str:
    """`python`, `node`, `go`, `cargo`, or empty for a command that says nothing about its needs."""
    if command.runner in _NODE_RUNNERS:
        return "node"
    if command.runner in _COMPILED_RUNNERS:
        return command.runner
    if any("{python}" in word for word in command.argv) or runs_pytest(command.argv):
        return "python"
    if any((folder / name).is_file() for name in _PYTHON_FILES):
        return "python"
    if (folder / "package.json").is_file():
        return "node"
    if (folder / "go.mod").is_file():
        return "go"
    return "cargo" if (folder / "Cargo.toml").is_file() else ""


def tools_of(command: CheckCommand) -> tuple[str, ...]:
    """What the command itself needs installed beside the project, as pip names it.

    Only tools that are known by their name: a module of the project's may be called like something
    entirely different on a package index.
    """
    argv = command.argv
    modules = [argv[at + 1] for at, word in enumerate(argv[:-1]) if word == "-m"]
    tools = [name for name in modules if name in _TOOLS]
    if command.runner == "pytest" or runs_pytest(argv):
        tools.append("pytest")
    if command.kind == "coverage":
        tools.append("pytest-cov" if any(word.startswith("--cov") for word in argv) else "coverage")
    return tuple(sorted(set(tools)))


def _lay_out(built: Built, folder: Path) -> None:
    """Put what a build makes where the sources are; what is there already stays."""
    roots = import_roots(folder, built.modules)
    for name in built.generated if roots else ():
        source, target = Path(built.folder, "generated", name), roots[0] / name
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    if built.node_modules:
        link_packages(Path(built.node_modules), folder)
