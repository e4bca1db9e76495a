"""The packages a JavaScript project's lock file names, installed once and linked to checkouts."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import msgspec

from orchestrate.adapters.evidence.environment import BuildError, Built, digest_of, environment
from orchestrate.adapters.evidence.process_environment import scrubbed
from orchestrate.adapters.evidence.source_copy import copy_source
from orchestrate.adapters.evidence.steps import Steps
from orchestrate.ports.process import Supervisor

LAYOUT = "1"
#: Lock file -> the command that installs exactly what it says.
_INSTALLERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("package-lock.json", ("npm", "ci", "--no-audit", "--no-fund")),
    ("npm-shrinkwrap.json", ("npm", "ci", "--no-audit", "--no-fund")),
    ("pnpm-lock.yaml", ("pnpm", "install", "--frozen-lockfile")),
    ("yarn.lock", ("yarn", "install", "--frozen-lockfile", "--non-interactive")),
)
_DECIDING = ("package.json", ".npmrc", ".yarnrc", ".yarnrc.yml", "pnpm-workspace.yaml")
#: What of the user's configuration tells where packages come from.
_PASSED_PREFIXES = ("npm_config_registry", "npm_config_cafile", "NODE_EXTRA_CA_CERTS")


class NodeEnvironments:
    """Builds and finds the environments of JavaScript projects.

    Args:
        supervisor: runs the package manager.
        folder: where environments and downloads are kept.
        environ: of the user.
    """

    def __init__(self, supervisor: Supervisor, folder: Path, environ: Mapping[str, str]) -> None:
        self._supervisor = supervisor
        self._folder = folder
        self._environ = environ

    async def get(self, checkout: Path, scratch: Path, logs: Path, token: str) -> Built:
        """The environment for `checkout`; arguments and errors as for a Python project's.

        A project that needs no packages has an environment with nothing in it.
        """
        node = shutil.which("node", path=self._environ.get("PATH"))
        if node is None:
            raise BuildError("node is not installed; install it, or give a `setup` command")
        lock = next((item for item in _INSTALLERS if (checkout / item[0]).is_file()), None)
        env = scrubbed(self._environ, scratch / "home", scratch / "tmp")
        env |= {k: v for k, v in self._environ.items() if k.startswith(_PASSED_PREFIXES)}
        env |= {"npm_config_cache": str(self._folder / "npm-cache"), "CI": "true"}
        for name in ("home", "tmp"):
            (scratch / name).mkdir(mode=0o700)
        steps = Steps(self._supervisor, logs, token, env, scratch)
        version = await steps.run("node-version", (node, "--version"))
        interpreter = f"node {(version / 'stdout.log').read_text('utf-8', 'replace').strip()}"
        files = await asyncio.to_thread(_deciding_files, checkout)
        key = await asyncio.to_thread(digest_of, (LAYOUT, interpreter), files)

        async def build(folder: Path) -> Built:
            packages = ""
            if lock is not None:
                source = await asyncio.to_thread(copy_source, checkout, scratch / "source")
                installing = Steps(self._supervisor, logs, token, env, source)
                await installing.run("install", lock[1])
                if (source / "node_modules").is_dir():
                    await asyncio.to_thread(shutil.move, source / "node_modules", folder)
                    packages = str(folder / "node_modules")
            notes = () if lock or not _needs_packages(checkout) else (_UNLOCKED,)
            return Built(
                key=key,
                folder=str(folder),
                interpreter=interpreter,
                env={"CI": "true"},
                node_modules=packages,
                notes=notes,
            )

        return await environment(self._folder / f"node-{key}", build)


def _deciding_files(checkout: Path) -> list[tuple[str, Path]]:
    """Manifests, those of a workspace's packages too, and lock files, by name in the project."""
    paths = [checkout / name for name in (*_DECIDING, *(name for name, _ in _INSTALLERS))]
    for folder, names, files in os.walk(checkout):
        names[:] = [name for name in names if name != "node_modules" and not name.startswith(".")]
        if "package.json" in files:
            paths.append(Path(folder, "package.json"))
    found = {path for path in paths if path.is_file()}
    return [(path.relative_to(checkout).as_posix(), path) for path in found]


def link_packages(packages: Path, checkout: Path) -> None:
    """Make `checkout/node_modules` out of links to what is in `packages`, one per package.

    Links of a workspace to its own packages are relative: they are made anew and lead to the
    checkout. The folder itself is a real one, since tools keep caches in it. What is there already
    stays.
    """
    for entry in packages.iterdir():
        if entry.name.startswith("@") and not entry.is_symlink():
            inner = [(f"{entry.name}/{scoped.name}", scoped) for scoped in entry.iterdir()]
        else:
            inner = [(entry.name, entry)]
        for name, source in inner:
            target = checkout / "node_modules" / name
            if os.path.lexists(target):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(source.readlink() if source.is_symlink() else source)


_UNLOCKED = "package.json names packages and there is no lock file: none were installed"


class _Manifest(msgspec.Struct):
    dependencies: dict[str, str] = {}
    dev_dependencies: dict[str, str] = msgspec.field(default={}, name="devDependencies")


def _needs_packages(checkout: Path) -> bool:
    try:
        manifest = msgspec.json.decode((checkout / "package.json").read_bytes(), type=_Manifest)
    except (OSError, msgspec.DecodeError):
        return False
    return bool(manifest.dependencies or manifest.dev_dependencies)
