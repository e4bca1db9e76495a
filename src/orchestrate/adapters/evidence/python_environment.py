"""A virtual environment with what a project's tests need, and without the project's own code.

The project is built once, as a wheel, from a copy of the checkout, and installed with its
dependencies: its metadata, entry points and extras are then what a user would get. Its modules are
taken out again, so that the only place to import them from is the checkout. What a build adds to
the sources (compiled modules, a version file) is kept apart and laid into the checkout when a check
runs. See docs/adr/0007-evidence-environments.md.
"""

from __future__ import annotations

import asyncio
import platform
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from orchestrate.adapters.evidence.environment import (
    BuildError,
    Built,
    digest_of,
    environment,
    whole,
)
from orchestrate.adapters.evidence.process_environment import pip_settings, scrubbed
from orchestrate.adapters.evidence.python_requirements import (
    Requirements,
    own_extras,
    read_requirements,
    without_self,
)
from orchestrate.adapters.evidence.python_wheel import (
    compiled_sources,
    extras_of,
    generated_files,
    module_files,
    remove_installed,
    top_level,
)
from orchestrate.adapters.evidence.source_copy import copy_source
from orchestrate.adapters.evidence.steps import Steps
from orchestrate.ports.process import Supervisor

#: Changes whenever environments are built differently, so that old ones are not taken.
LAYOUT = "1"
#: Files that decide what is installed; the environment is another one when any of them changes.
_DECIDING = (
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "tox.ini",
    "pytest.ini",
    "poetry.lock",
    "pdm.lock",
    "uv.lock",
    "Pipfile.lock",
    "MANIFEST.in",
    "*requirements*.txt",
    "*constraints*.txt",
    "requirements/*",
    "test/requirements.txt",
    "tests/requirements.txt",
)


class PythonEnvironments:
    """Builds and finds the environments of Python projects.

    Args:
        supervisor: runs venv and pip.
        folder: where environments and pip's downloads are kept.
        environ: of the user; what pip needs of it is passed on.
    """

    def __init__(self, supervisor: Supervisor, folder: Path, environ: Mapping[str, str]) -> None:
        self._supervisor = supervisor
        self._folder = folder
        self._environ = environ

    async def get(
        self, checkout: Path, tools: Sequence[str], scratch: Path, logs: Path, token: str
    ) -> Built:
        """The environment for `checkout`, with `tools` (requirements) in it.

        Args:
            checkout: the project; nothing is written there.
            tools: what the check itself needs, pytest for instance.
            scratch: an existing empty folder that the caller removes.
            logs: gets a folder per step if something has to be built.
            token: carried by every process.

        Raises:
            BuildError: it cannot be built.
        """
        key = await asyncio.to_thread(environment_key, checkout, tools)

        async def build(folder: Path) -> Built:
            env = scrubbed(self._environ, _made(scratch / "home"), _made(scratch / "tmp"))
            env |= pip_settings(self._environ, self._folder / "pip-cache")
            source = scratch / "source"
            steps = Steps(self._supervisor, logs, token, env, scratch)
            return await _Build(steps, checkout, source, folder, key).run(tools)

        return await environment(self._folder / f"python-{key}", build)

    def ready(self, checkout: Path, tools: Sequence[str]) -> Built | None:
        """The environment for `checkout` if it was built before."""
        return whole(self._folder / f"python-{environment_key(checkout, tools)}")


def environment_key(checkout: Path, tools: Sequence[str]) -> str:
    """What the environment of `checkout` is kept under."""
    interpreter = (LAYOUT, sys.implementation.cache_tag, platform.python_version())
    machine = (platform.system(), platform.machine())
    found = {path for pattern in _DECIDING for path in checkout.glob(pattern) if path.is_file()}
    found |= set(compiled_sources(checkout))
    files = ((path.relative_to(checkout).as_posix(), path) for path in found)
    return digest_of((*interpreter, *machine, *tools), files)


class _Build:
    """One build, step by step."""

    def __init__(self, steps: Steps, checkout: Path, source: Path, folder: Path, key: str) -> None:
        self._steps = steps
        self._checkout = checkout
        self._source = source
        self._folder = folder
        self._key = key
        self._python = folder / "venv/bin/python"

    async def run(self, tools: Sequence[str]) -> Built:
        venv = self._folder / "venv"
        needs = await asyncio.to_thread(read_requirements, self._checkout)
        # -I: the folder the step runs in, and the user's own site, are no place to import from.
        await self._steps.run("venv", (sys.executable, "-I", "-m", "venv", venv))
        await asyncio.to_thread(copy_source, self._checkout, self._source)
        extras = await asyncio.to_thread(_drop_self, self._source, needs)
        wheel = await self._wheel(needs) if needs.package else None
        await self._install(needs, wheel, extras, tools)
        files: tuple[str, ...] = ()
        generated: tuple[str, ...] = ()
        if wheel is not None:
            files = await asyncio.to_thread(module_files, wheel)
            generated = await asyncio.to_thread(
                generated_files, wheel, self._checkout, self._folder / "generated"
            )
            await asyncio.to_thread(remove_installed, venv, wheel)
            wheel.unlink()
        return Built(
            key=self._key,
            folder=str(self._folder),
            interpreter=f"{platform.python_implementation()} {platform.python_version()}",
            bin=str(venv / "bin"),
            python=str(self._python),
            env={"VIRTUAL_ENV": str(venv), "PYTHONNOUSERSITE": "1"},
            packages=top_level(files),
            modules=files,
            generated=generated,
        )

    async def _wheel(self, needs: Requirements) -> Path:
        target = self._folder / "wheel"
        env = {}
        if needs.name and not (self._source / ".git").exists():
            # Without a history there is no tag to make a version from; nothing else is affected.
            name = re.sub(r"[-_.]+", "_", needs.name).upper()
            env = {f"SETUPTOOLS_SCM_PRETEND_VERSION_FOR_{name}": "0", "PBR_VERSION": "0"}
        argv = (*self._pip("wheel"), "--no-deps", "--wheel-dir", target, self._source)
        await self._steps.run("wheel", argv, env)
        wheels = list(target.glob("*.whl"))
        if len(wheels) != 1:
            raise BuildError(f"building the project gave {len(wheels)} wheels instead of one")
        return wheels[0]

    async def _install(
        self,
        needs: Requirements,
        wheel: Path | None,
        extras: tuple[str, ...],
        tools: Sequence[str],
    ) -> None:
        argv: list[str | Path] = []
        if wheel is not None:
            offered = await asyncio.to_thread(extras_of, wheel)
            wanted = [name for name in dict.fromkeys((*needs.extras, *extras)) if name in offered]
            argv.append(f"{wheel}[{','.join(wanted)}]" if wanted else wheel)
        hashed = []
        for name in needs.files:
            path = self._source / name
            if "--hash=" in path.read_text("utf-8", "replace"):
                hashed.append(path)  # pip then wants a hash for everything it is told to install
            else:
                argv += ["-r", path]
        for path in hashed:
            await self._steps.run("install-locked", (*self._pip("install"), "-r", path))
        if argv or needs.lines or tools:
            await self._steps.run("install", (*self._pip("install"), *argv, *needs.lines, *tools))

    def _pip(self, command: str) -> tuple[str | Path, ...]:
        return (self._python, "-I", "-m", "pip", command, "--progress-bar", "off", "--quiet")


def _drop_self(source: Path, needs: Requirements) -> tuple[str, ...]:
    """Take the project out of its own requirement files; returns the extras they asked it for."""
    extras: list[str] = []
    paths = {source / name for name in needs.files} | set(source.glob("*requirements*.txt"))
    paths |= set(source.glob("requirements/*.txt"))
    for path in paths:
        text = path.read_text("utf-8", "surrogateescape")
        extras += own_extras(text)
        path.write_text(without_self(text), "utf-8", "surrogateescape")
    return tuple(extras)


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder
