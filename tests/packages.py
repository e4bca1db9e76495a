"""Real packages for tests: `fetch_sdist` returns a private, unpacked copy of one.

Tests that use it carry `@pytest.mark.packages`.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from scripts.fetch_sdist import FetchError, fetch_archive, unpack

__all__ = ["FetchError", "fetch_sdist", "index_settings"]

# Taken at import, before any fixture isolates HOME: pip needs the user's own configuration.
_USER_ENVIRONMENT = dict(os.environ)


def fetch_sdist(name: str, version: str, into: Path | None = None) -> Path:
    """Unpack the source distribution of a listed package and return its top folder.

    Every call gives a fresh copy that the caller may change. Nothing of the package is executed.

    Args:
        name: as listed in tests/data/packages.toml.
        version: as listed there.
        into: where to unpack; without it a temporary folder that goes away with the process.

    Raises:
        FetchError: the package is not listed or could not be fetched.
    """
    archive = fetch_archive(name, version, environ=_USER_ENVIRONMENT)
    return unpack(archive, into or Path(tempfile.mkdtemp(dir=_scratch())))


def index_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """How the user's pip reaches its index, for a command that runs under another HOME."""
    kept = {name: value for name, value in environ.items() if name.startswith("PIP_")}
    file = Path(environ.get("HOME", "/nonexistent"), ".config/pip/pip.conf")
    return {"PIP_CONFIG_FILE": str(file), **kept} if file.is_file() else kept


@cache
def _scratch() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="orchestrate-packages-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
