"""Environments that checks run in: built once for a set of lock files, used until they change.

A folder `<root>/<kind>-<key>` is whole once it holds `environment.json`, which is written last and
durably. It is built in its place and not beside it: a Python environment has its own path written
into it, so one that was renamed would not work. A lock file keeps two builders apart, also of two
processes, and is let go of by the system when its holder dies; what a dead one left is thrown away.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path

import msgspec

from orchestrate.adapters.evidence.durable import write_durably

MARKER = "environment.json"
#: How long between two looks at a lock that somebody else holds: there is no waiting for it that
#: a cancellation could interrupt.
LOCK_INTERVAL_S = 0.05


class BuildError(Exception):
    """An environment could not be built. The message says why, for the evidence."""


class Built(msgspec.Struct, frozen=True, omit_defaults=True):
    """An environment that is ready.

    `folder` is where it is; `interpreter` says which language and version. `bin` goes in front of
    PATH, `python` takes the place of `{python}`. `env` is added to the environment of a check.
    `packages` are the project's own top-level names, `modules` the files they consist of when
    installed, and `generated` those that a build makes and the sources do not have, kept in
    `<folder>/generated`. `node_modules` is the folder of installed JavaScript packages, if any.
    """

    key: str = ""
    folder: str = ""
    interpreter: str = ""
    bin: str = ""
    python: str = ""
    env: dict[str, str] = {}
    packages: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    generated: tuple[str, ...] = ()
    node_modules: str = ""
    notes: tuple[str, ...] = ()


def digest_of(parts: Iterable[str], files: Iterable[tuple[str, Path]]) -> str:
    """A short name for an environment: digest of `parts` and of the names and bytes of `files`."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode(errors="surrogateescape") + b"\0")
    for name, path in sorted(files):
        digest.update(os.fsencode(name) + b"\0")
        with contextlib.suppress(OSError):
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:20]


async def environment(folder: Path, build: Callable[[Path], Awaitable[Built]]) -> Built:
    """The environment in `folder`, built there with `build(folder)` if it is not whole.

    Raises:
        BuildError: it cannot be built; nothing of it is kept.
    """
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if (built := whole(folder)) is not None:
        return built
    async with _locked(folder.with_name(f"{folder.name}.lock")):
        if (built := whole(folder)) is not None:  # somebody else was quicker
            return built
        await asyncio.to_thread(_made_anew, folder)
        try:
            built = await build(folder)
        except BuildError:
            await asyncio.to_thread(_discard, folder)
            raise
        write_durably(folder / MARKER, msgspec.json.encode(built))
        return built


def whole(folder: Path) -> Built | None:
    """The environment in `folder`; None if there is none, or it is not finished."""
    try:
        return msgspec.json.decode((folder / MARKER).read_bytes(), type=Built)
    except (OSError, msgspec.DecodeError):
        return None


def _made_anew(folder: Path) -> None:
    _discard(folder)
    folder.mkdir(mode=0o700)


def _discard(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.asynccontextmanager
async def _locked(path: Path) -> AsyncIterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await asyncio.sleep(LOCK_INTERVAL_S)
        yield
    finally:
        os.close(descriptor)
